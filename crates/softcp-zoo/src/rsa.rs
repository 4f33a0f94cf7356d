//! RSAES-OAEP by hand, so that single steps of it can be left out: no library does that.
//!
//! Source: RFC 8017 sections 5.1.2 (RSADP), 7.1.2 (RSAES-OAEP), A.1.2 (`RSAPrivateKey`), B.2.1 (MGF1).

use aws_lc_rs::digest::{Algorithm, SHA512, digest};

use crate::keys::Block;

/// Bytes of modulus, message and encoding.
pub(crate) const SIZE: usize = 256;
/// Bytes of a SHA-512 hash, of the seed therefore too.
const HASH: usize = 64;
const LIMBS: usize = SIZE / 8;

/// The lowest limb comes first.
type Number = [u64; LIMBS];

/// The two numbers of a private key that matter here.
pub(crate) struct RawKey {
    modulus: Number,
    exponent: Number,
    /// -1/modulus modulo 2^64, and 2^4096 modulo the modulus (Montgomery's).
    inverse: u64,
    square: Number,
}

/// Which steps of the decoding a driver does. The default does all of them.
#[derive(Clone, Copy)]
pub(crate) struct Decoding {
    pub(crate) first_byte: bool,
    pub(crate) label: bool,
    pub(crate) padding: bool,
    pub(crate) mask: &'static Algorithm,
}

pub(crate) const DECODING: Decoding = Decoding { first_byte: true, label: true, padding: true, mask: &SHA512 };

impl RawKey {
    /// From a PKCS #8 `PrivateKeyInfo` in DER; none for a modulus of another size.
    pub(crate) fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let (info, _) = element(der)?;
        let (_version, rest) = element(info)?;
        let (_algorithm, rest) = element(rest)?;
        let (key, _) = element(rest)?;
        let (numbers, _) = element(key)?;
        let (_version, rest) = element(numbers)?;
        let (modulus, rest) = element(rest)?;
        let (_public, rest) = element(rest)?;
        let (exponent, _) = element(rest)?;
        let modulus = limbs(modulus)?;
        // Newton's method: each step doubles the bits that are right.
        let inverse = (0..6).fold(1_u64, |x, _| x.wrapping_mul(2_u64.wrapping_sub(modulus[0].wrapping_mul(x))));
        let mut one = [0; LIMBS];
        one[0] = 1;
        let square = (0..128 * LIMBS).fold(one, |number, _| sum(&number, &number, &modulus));
        Some(Self { modulus, exponent: limbs(exponent)?, inverse: inverse.wrapping_neg(), square })
    }

    /// A message less the modulus, if that is not negative: the same message to who does not check that it is below.
    pub(crate) fn below_modulus(&self, message: &[u8]) -> Option<Vec<u8>> {
        let number = limbs(message).filter(|_| message.len() == SIZE)?;
        (!is_below(&number, &self.modulus)).then(|| bytes(&subtracted(&number, &self.modulus)).to_vec())
    }

    /// The key in a message; none unless the steps that are done find 16 bytes.
    pub(crate) fn decrypt(&self, message: &[u8], steps: &Decoding) -> Option<Block> {
        let number = limbs(message).filter(|number| message.len() == SIZE && is_below(number, &self.modulus))?;
        decode(&bytes(&self.power(&number)), steps)
    }

    fn power(&self, base: &Number) -> Number {
        let base = self.multiplied(base, &self.square);
        let mut one = [0; LIMBS];
        one[0] = 1;
        let mut power = self.multiplied(&one, &self.square);
        for bit in (0..64 * LIMBS).rev() {
            power = self.multiplied(&power, &power);
            if self.exponent[bit / 64] >> (bit % 64) & 1 == 1 {
                power = self.multiplied(&power, &base);
            }
        }
        self.multiplied(&power, &one)
    }

    /// a × b / 2^2048 modulo the modulus.
    fn multiplied(&self, a: &Number, b: &Number) -> Number {
        let (mut product, mut top) = ([0; LIMBS], 0);
        for limb in a {
            let carry = add_multiple(&mut product, *limb, b);
            let (high, first) = u64::overflowing_add(top, carry);
            let factor = product[0].wrapping_mul(self.inverse);
            let carry = add_multiple(&mut product, factor, &self.modulus);
            let (high, second) = high.overflowing_add(carry);
            product.rotate_left(1);
            product[LIMBS - 1] = high;
            top = u64::from(first) + u64::from(second);
        }
        if top > 0 || !is_below(&product, &self.modulus) { subtracted(&product, &self.modulus) } else { product }
    }
}

/// Adds a limb times a number; what does not fit.
fn add_multiple(to: &mut Number, limb: u64, number: &Number) -> u64 {
    let mut carry = 0;
    for (to, digit) in to.iter_mut().zip(number) {
        let sum = u128::from(limb) * u128::from(*digit) + u128::from(*to) + carry;
        *to = low(sum);
        carry = sum >> 64;
    }
    low(carry)
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is asked for")]
fn low(number: u128) -> u64 {
    number as u64
}

fn decode(encoded: &[u8; SIZE], steps: &Decoding) -> Option<Block> {
    let mut seed: [u8; HASH] = std::array::from_fn(|i| encoded[1 + i]);
    let mut block = encoded[1 + HASH..].to_vec();
    mask(&mut seed, &block, steps.mask);
    mask(&mut block, &seed, steps.mask);
    let (rest, key) = block.split_last_chunk::<16>()?;
    let (separator, rest) = rest.split_last()?;
    let is_right = (encoded[0] == 0 || !steps.first_byte)
        && (rest[..HASH] == *digest(&SHA512, &[]).as_ref() || !steps.label)
        && (rest[HASH..].iter().all(|byte| *byte == 0) || !steps.padding);
    (*separator == 1 && is_right).then_some(*key)
}

/// XORs with MGF1 of `seed`.
fn mask(bytes: &mut [u8], seed: &[u8], hash: &'static Algorithm) {
    for (counter, chunk) in (0_u32..).zip(bytes.chunks_mut(hash.output_len())) {
        let mask = digest(hash, &[seed, &counter.to_be_bytes()].concat());
        chunk.iter_mut().zip(mask.as_ref()).for_each(|(byte, mask)| *byte ^= mask);
    }
}

/// Content of a DER element, and what follows it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.get(1..)?.split_first()?;
    let (len, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (len, rest) = rest.split_at_checked(usize::from(first & 0x7f).min(4))?;
        (len.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)), rest)
    };
    rest.split_at_checked(len)
}

/// Of a big-endian number, with zeros in front or without.
fn limbs(number: &[u8]) -> Option<Number> {
    let begin = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let number = &number[begin..];
    let mut padded = [0; SIZE];
    padded.get_mut(SIZE.checked_sub(number.len())?..)?.copy_from_slice(number);
    Some(std::array::from_fn(|limb| {
        let begin = SIZE - 8 * (limb + 1);
        u64::from_be_bytes(std::array::from_fn(|i| padded[begin + i]))
    }))
}

fn bytes(number: &Number) -> [u8; SIZE] {
    std::array::from_fn(|i| number[LIMBS - 1 - i / 8].to_be_bytes()[i % 8])
}

fn is_below(a: &Number, b: &Number) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// a + b modulo the modulus, of two numbers below it.
fn sum(a: &Number, b: &Number, modulus: &Number) -> Number {
    let mut carry = false;
    let sum = std::array::from_fn(|i| {
        let (sum, first) = a[i].overflowing_add(b[i]);
        let (sum, second) = sum.overflowing_add(carry.into());
        carry = first || second;
        sum
    });
    if carry || !is_below(&sum, modulus) { subtracted(&sum, modulus) } else { sum }
}

fn subtracted(a: &Number, b: &Number) -> Number {
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
    use std::path::Path;

    use super::*;
    use crate::keys::PrivateKey;

    #[test]
    fn right_message_is_read_as_the_library_reads_it() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../softcp/tests/vectors/identity");
        let key = PrivateKey::read(Path::new(directory)).unwrap();
        let message = key.encrypt(&[7; 16]);
        assert_eq!(key.raw().decrypt(&message, &DECODING), Some([7; 16]));
        let mut changed = message.clone();
        changed[255] ^= 1;
        assert_eq!(key.raw().decrypt(&changed, &DECODING), None);
        assert_eq!(key.raw().decrypt(&message[1..], &DECODING), None);
        assert_eq!(key.raw().below_modulus(&message), None);
    }
}
