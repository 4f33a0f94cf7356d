//! Implementations of the schemes of Common Encryption that have whole blocks: CBC, and patterns in either mode.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;

use aes::cipher::{KeyInit, StreamCipher};
use aes::{Aes128Dec, Aes128Enc, Block};
use cbc::cipher::{BlockModeDecrypt, InnerIvInit};
use softcp_aes::{CbcDecryption, Chain, DecryptionKey, Key, Keystream, Pattern, Region, Rows, RowsMut};

use super::rust_crypto::stream;
use super::{IV, KEY};
use crate::case::Implementation;
use crate::error::BenchError;
use crate::surface::{Buffer, Ring, UNTOUCHED};

/// Bytes of a block.
pub(crate) const BLOCK: usize = 16;

/// How a buffer is encrypted: one region, whose size is whole blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// CBC; otherwise counter mode.
    pub(crate) is_chained: bool,
    /// Encrypted and clear blocks in turn; none: all are encrypted.
    pub(crate) pattern: Option<(u32, u32)>,
}

impl Layout {
    /// The encrypted runs of `len` bytes: where each starts, and its length.
    pub(crate) fn runs(self, len: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
        let (encrypted, period) = match self.pattern {
            None => (len, len.max(1)),
            Some((encrypted, clear)) => (encrypted as usize * BLOCK, (encrypted + clear) as usize * BLOCK),
        };
        (0..len).step_by(period).map(move |start| start..(start + encrypted).min(len))
    }

    fn encrypted_blocks(self, len: usize) -> usize {
        self.runs(len).map(|run| run.len()).sum::<usize>() / BLOCK
    }
}

/// A decrypter with its key ready.
pub(crate) trait RegionCipher {
    /// Decrypts a buffer, from the IV on. The destination is [`super::SLACK`] bytes longer than the source.
    fn decrypt(&mut self, layout: Layout, source: &[u8], destination: &mut [u8]) -> Result<(), BenchError>;
}

/// The plain copy.
pub(crate) struct Copy;

impl RegionCipher for Copy {
    fn decrypt(&mut self, _: Layout, source: &[u8], destination: &mut [u8]) -> Result<(), BenchError> {
        destination[..source.len()].copy_from_slice(source);
        Ok(())
    }
}

/// Ten rounds of AES for each encrypted block, in registers alone: what no implementation can do faster.
pub(crate) struct Limit(DecryptionKey);

impl Limit {
    pub(crate) fn new() -> Self {
        Self(DecryptionKey::new(&KEY))
    }
}

impl RegionCipher for Limit {
    fn decrypt(&mut self, layout: Layout, source: &[u8], _: &mut [u8]) -> Result<(), BenchError> {
        black_box(self.0.rounds_alone(layout.encrypted_blocks(source.len())));
        Ok(())
    }
}

/// A kernel of `softcp-aes`.
pub(crate) struct RegionKernel {
    key: Key,
    decryption_key: DecryptionKey,
}

/// The kernels that this machine has, the best one first, and their names.
pub(crate) fn region_kernels() -> Vec<(&'static str, RegionKernel)> {
    let ready = |kernel: softcp_aes::Kernel| {
        let key = Key::with_kernel(&KEY, kernel).expect("it is available");
        let decryption_key = DecryptionKey::with_kernel(&KEY, kernel).expect("it is available");
        (kernel.name(), RegionKernel { key, decryption_key })
    };
    softcp_aes::Kernel::available().map(ready).collect()
}

impl RegionCipher for RegionKernel {
    fn decrypt(&mut self, layout: Layout, source: &[u8], destination: &mut [u8]) -> Result<(), BenchError> {
        const FITS: &str = "one region covers the buffer";
        let region = std::iter::once(Region { clear: 0, encrypted: source.len() });
        let (from, to) = ([Rows::from(source)], &mut [RowsMut::from(&mut destination[..source.len()])]);
        let pattern = layout.pattern.map(|(encrypted, clear)| Pattern { encrypted, clear });
        match (layout.is_chained, pattern) {
            (true, pattern) => {
                let decryption = CbcDecryption::new(&self.decryption_key, IV, Chain::RestartsInRegion, pattern);
                decryption.copy(&from, to, region).expect(FITS);
            }
            (false, Some(pattern)) => {
                Keystream::new(&self.key, IV).copy_regions(&from, to, pattern, region).expect(FITS);
            }
            (false, None) => {
                Keystream::new(&self.key, IV).copy(&from[0], &mut to[0], 0..source.len()).expect(FITS);
            }
        }
        Ok(())
    }
}

/// `RustCrypto`: the crates `aes`, `cbc` and `ctr`.
pub(crate) struct RegionRustCrypto {
    decryption: Aes128Dec,
    encryption: Aes128Enc,
}

impl RegionRustCrypto {
    pub(crate) fn new() -> Self {
        Self { decryption: Aes128Dec::new(&KEY.into()), encryption: Aes128Enc::new(&KEY.into()) }
    }
}

impl RegionCipher for RegionRustCrypto {
    fn decrypt(&mut self, layout: Layout, source: &[u8], destination: &mut [u8]) -> Result<(), BenchError> {
        let destination = &mut destination[..source.len()];
        if !layout.is_chained {
            destination.copy_from_slice(source);
            let mut stream = stream(self.encryption.clone());
            layout.runs(source.len()).for_each(|run| stream.apply_keystream(&mut destination[run]));
            return Ok(());
        }
        let mut cbc = cbc::Decryptor::inner_iv_init(self.decryption.clone(), &IV.into());
        if layout.pattern.is_none() {
            let (from, _) = Block::slice_as_chunks(source);
            let (to, _) = Block::slice_as_chunks_mut(destination);
            cbc.decrypt_blocks_b2b(from, to).expect("both are of one length");
            return Ok(());
        }
        destination.copy_from_slice(source);
        for run in layout.runs(source.len()) {
            let (blocks, _) = Block::slice_as_chunks_mut(&mut destination[run]);
            cbc.decrypt_blocks(blocks);
        }
        Ok(())
    }
}

/// `source` decrypted, block by block: what every output is compared with.
pub(crate) fn decrypted(layout: Layout, source: &[u8]) -> Vec<u8> {
    let mut decrypted = source.to_vec();
    let mut cbc = cbc::Decryptor::inner_iv_init(Aes128Dec::new(&KEY.into()), &IV.into());
    let mut counter = stream(Aes128Enc::new(&KEY.into()));
    for run in layout.runs(source.len()) {
        let (blocks, _) = Block::slice_as_chunks_mut(&mut decrypted[run]);
        for block in blocks {
            if layout.is_chained { cbc.decrypt_block(block) } else { counter.apply_keystream(block) }
        }
    }
    decrypted
}

/// A decrypter that goes over buffers, which it shares with others.
pub(crate) struct OnBuffers {
    pub(crate) cipher: Box<dyn RegionCipher>,
    pub(crate) ring: Rc<RefCell<Ring<Buffer>>>,
    pub(crate) layout: Layout,
    /// Whether it writes anything.
    pub(crate) has_output: bool,
}

impl Implementation for OnBuffers {
    fn call(&mut self) -> Result<(), BenchError> {
        let mut ring = self.ring.borrow_mut();
        let (source, destination) = ring.advance();
        self.cipher.decrypt(self.layout, black_box(source.bytes()), black_box(destination.bytes_mut()))
    }

    fn prove(&mut self) -> Result<Vec<u8>, BenchError> {
        let mut ring = self.ring.borrow_mut();
        let (source, destination) = ring.advance();
        // What another implementation left there must not pass for this one's work.
        destination.bytes_mut().fill(UNTOUCHED);
        self.cipher.decrypt(self.layout, source.bytes(), destination.bytes_mut())?;
        Ok(if self.has_output { destination.bytes().to_vec() } else { Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::implementations::{AwsLc, OpenSsl, SLACK};
    use crate::surface::content;

    #[test]
    fn every_decrypter_gives_the_blocks_of_the_reference() {
        let layouts = [
            Layout { is_chained: true, pattern: None },
            Layout { is_chained: true, pattern: Some((1, 9)) },
            Layout { is_chained: true, pattern: Some((5, 5)) },
            Layout { is_chained: false, pattern: Some((1, 9)) },
        ];
        for layout in layouts {
            for len in [16, 400, 16_000] {
                let source = content(len);
                let mut ciphers: Vec<(&str, Box<dyn RegionCipher>)> =
                    vec![("RustCrypto", Box::new(RegionRustCrypto::new()))];
                ciphers.extend(region_kernels().into_iter().map(|(name, kernel)| (name, Box::new(kernel) as Box<_>)));
                ciphers.push(("aws-lc", Box::new(AwsLc::new().unwrap())));
                if let Ok(openssl) = OpenSsl::load() {
                    ciphers.push(("OpenSSL", Box::new(openssl.cipher().unwrap())));
                }
                for (name, mut cipher) in ciphers {
                    for _ in 0..2 {
                        let mut destination = vec![UNTOUCHED; len + SLACK];
                        cipher.decrypt(layout, &source, &mut destination).unwrap();
                        assert!(destination[..len] == decrypted(layout, &source), "{name} {layout:?} {len}");
                    }
                }
            }
        }
    }

    #[test]
    fn runs_of_a_pattern_are_cut_by_the_end() {
        let runs = |pattern, len| Layout { is_chained: true, pattern }.runs(len).collect::<Vec<_>>();
        assert_eq!(runs(None, 64), std::iter::once(0..64).collect::<Vec<_>>());
        assert_eq!(runs(Some((2, 1)), 112), [0..32, 48..80, 96..112]);
        assert_eq!(Layout { is_chained: true, pattern: Some((2, 1)) }.encrypted_blocks(112), 5);
    }
}
