//! Key exchange messages that no library makes: OAEP encodings with one flaw, and RSA by hand.
//!
//! Source: RFC 8017 sections 5.1.1 (RSAEP), 7.1 (RSAES-OAEP), B.2.1 (MGF1).

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512, digest};

/// Bytes of modulus, message and encoding.
const SIZE: usize = 256;
/// Bytes of a SHA-512 hash, of the seed therefore too.
const HASH: usize = 64;
const LIMBS: usize = SIZE / 8;

/// What is wrong with an encoding that is right otherwise: hash and MGF1 are SHA-512, the label is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// The first byte, which must be 0, is 1.
    FirstByte,
    /// One bit of the label's hash.
    LabelHash,
    /// One of the zeros before the 1 that separates is 2.
    Padding,
    /// There is no 1 that separates: zeros to the end.
    NoSeparator,
    /// MGF1 is with SHA-1.
    MaskSha1,
    /// MGF1 is with SHA-256.
    MaskSha256,
}

impl Flaw {
    /// All that are wrong.
    pub const ALL: [Self; 6] =
        [Self::FirstByte, Self::LabelHash, Self::Padding, Self::NoSeparator, Self::MaskSha1, Self::MaskSha256];
}

/// An RSA public key as its two numbers; the first limb is the lowest.
#[derive(Clone, Copy, Debug)]
pub struct RawKey {
    modulus: [u64; LIMBS],
    exponent: u64,
}

impl RawKey {
    /// From a `SubjectPublicKeyInfo` in DER; none for a modulus of another size.
    #[must_use]
    pub fn from_spki(spki: &[u8]) -> Option<Self> {
        let (_, info, _) = element(spki)?;
        let (_, _, rest) = element(info)?;
        let (_, bits, _) = element(rest)?;
        let (_, numbers, _) = element(bits.get(1..)?)?;
        let (_, modulus, rest) = element(numbers)?;
        let (_, exponent, _) = element(rest)?;
        let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus).try_into().ok()?;
        let exponent =
            exponent.iter().try_fold(0_u64, |number, byte| number.checked_mul(256)?.checked_add((*byte).into()))?;
        Some(Self { modulus: limbs(modulus), exponent })
    }

    /// The message for `plain`, with a flaw. `seed` is the encoding's.
    ///
    /// # Panics
    ///
    /// When `plain` is too long.
    #[must_use]
    pub fn message(&self, plain: &[u8], seed: [u8; HASH], flaw: Flaw) -> Vec<u8> {
        self.encrypt(&encode(plain, seed, flaw))
    }

    /// RSAEP of any number below the modulus.
    #[must_use]
    pub fn encrypt(&self, encoded: &[u8; SIZE]) -> Vec<u8> {
        let base = limbs(encoded);
        let mut power = base;
        for bit in (0..self.exponent.ilog2()).rev() {
            power = self.multiplied(&power, &power);
            if self.exponent >> bit & 1 == 1 {
                power = self.multiplied(&power, &base);
            }
        }
        bytes(&power)
    }

    /// A message and the modulus added up, which is the same message to who does not check that it is below the modulus
    /// (RFC 8017 section 5.1.2). None when the sum has too many bytes.
    #[must_use]
    pub fn past_modulus(&self, message: &[u8]) -> Option<Vec<u8>> {
        let (sum, carry) = added(&limbs(message.try_into().ok()?), &self.modulus);
        (!carry).then(|| bytes(&sum))
    }

    fn multiplied(&self, a: &[u64; LIMBS], b: &[u64; LIMBS]) -> [u64; LIMBS] {
        let mut product = [0; LIMBS];
        for bit in (0..64 * LIMBS).rev() {
            product = self.sum(&product, &product);
            if b[bit / 64] >> (bit % 64) & 1 == 1 {
                product = self.sum(&product, a);
            }
        }
        product
    }

    fn sum(&self, a: &[u64; LIMBS], b: &[u64; LIMBS]) -> [u64; LIMBS] {
        let (sum, carry) = added(a, b);
        let is_below = sum.iter().rev().lt(self.modulus.iter().rev());
        if carry || !is_below { subtracted(&sum, &self.modulus) } else { sum }
    }
}

fn encode(plain: &[u8], seed: [u8; HASH], flaw: Flaw) -> [u8; SIZE] {
    let mask_hash = match flaw {
        Flaw::MaskSha1 => &SHA1_FOR_LEGACY_USE_ONLY,
        Flaw::MaskSha256 => &SHA256,
        _ => &SHA512,
    };
    let mut block = vec![0; SIZE - HASH - 1];
    block[..HASH].copy_from_slice(digest(&SHA512, &[]).as_ref());
    let separator = block.len() - plain.len() - 1;
    assert!(separator >= HASH, "the plain text is too long");
    if flaw != Flaw::NoSeparator {
        block[separator] = 1;
        block[separator + 1..].copy_from_slice(plain);
    }
    match flaw {
        Flaw::LabelHash => block[HASH - 1] ^= 1,
        Flaw::Padding => block[HASH + 5] = 2,
        _ => {}
    }
    mask(&mut block, &seed, mask_hash);
    let mut masked_seed = seed;
    mask(&mut masked_seed, &block, mask_hash);
    let mut encoded = [0; SIZE];
    encoded[0] = u8::from(flaw == Flaw::FirstByte);
    encoded[1..=HASH].copy_from_slice(&masked_seed);
    encoded[1 + HASH..].copy_from_slice(&block);
    encoded
}

/// XORs with MGF1 of `seed`.
fn mask(bytes: &mut [u8], seed: &[u8], hash: &'static Algorithm) {
    for (counter, chunk) in (0_u32..).zip(bytes.chunks_mut(hash.output_len())) {
        let mask = digest(hash, &[seed, &counter.to_be_bytes()].concat());
        chunk.iter_mut().zip(mask.as_ref()).for_each(|(byte, mask)| *byte ^= mask);
    }
}

/// Tag, content and what follows of a DER element.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (len, rest) = rest.split_at_checked(usize::from(first & 0x7f).min(4))?;
        (len.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(len)?;
    Some((tag, content, rest))
}

fn limbs(bytes: &[u8; SIZE]) -> [u64; LIMBS] {
    std::array::from_fn(|limb| {
        let begin = SIZE - 8 * (limb + 1);
        u64::from_be_bytes(std::array::from_fn(|i| bytes[begin + i]))
    })
}

fn bytes(limbs: &[u64; LIMBS]) -> Vec<u8> {
    limbs.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect()
}

fn added(a: &[u64; LIMBS], b: &[u64; LIMBS]) -> ([u64; LIMBS], bool) {
    let mut carry = false;
    let sum = std::array::from_fn(|i| {
        let (sum, first) = a[i].overflowing_add(b[i]);
        let (sum, second) = sum.overflowing_add(carry.into());
        carry = first || second;
        sum
    });
    (sum, carry)
}

fn subtracted(a: &[u64; LIMBS], b: &[u64; LIMBS]) -> [u64; LIMBS] {
    let mut borrow = false;
    std::array::from_fn(|i| {
        let (rest, first) = a[i].overflowing_sub(b[i]);
        let (rest, second) = rest.overflowing_sub(borrow.into());
        borrow = first || second;
        rest
    })
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
    use aws_lc_rs::rsa::{KeySize, OAEP_SHA512_MGF1SHA512, OaepPrivateDecryptingKey, PrivateDecryptingKey};

    use super::*;

    fn decrypted(key: &OaepPrivateDecryptingKey, message: &[u8]) -> Option<Vec<u8>> {
        let mut plain = vec![0; SIZE];
        key.decrypt(&OAEP_SHA512_MGF1SHA512, message, &mut plain, None).ok().map(|plain| plain.to_vec())
    }

    #[test]
    fn message_is_one_that_a_library_reads_unless_it_has_a_flaw() {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(&key.public_key()).unwrap();
        let raw = RawKey::from_spki(spki.as_ref()).unwrap();
        let key = OaepPrivateDecryptingKey::new(key).unwrap();
        let message = raw.message(b"0123456789abcdef", [7; HASH], Flaw::None);
        assert_eq!(decrypted(&key, &message).unwrap(), b"0123456789abcdef");
        for flaw in Flaw::ALL {
            assert_eq!(decrypted(&key, &raw.message(b"0123456789abcdef", [7; HASH], flaw)), None, "{flaw:?}");
        }
    }
}
