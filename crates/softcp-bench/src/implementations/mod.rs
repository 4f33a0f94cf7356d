//! Implementations of AES-128 in counter mode and CBC, and the plain copy, each with key and context ready.

mod aws_lc;
mod copy;
mod kernels;
mod openssl;
mod regions;
mod rust_crypto;
mod surfaces;

use std::ops::Range;

use crate::error::BenchError;
use crate::surface::Shape;

pub(crate) use aws_lc::AwsLc;
pub(crate) use copy::PlainCopy;
pub(crate) use kernels::{kernel_in_use, kernels};
pub(crate) use openssl::OpenSsl;
pub(crate) use regions::{Copy, Layout, Limit, OnBuffers, RegionCipher, RegionRustCrypto, decrypted, region_kernels};
pub(crate) use rust_crypto::{RustCrypto, reference};
pub(crate) use surfaces::OnSurfaces;

/// The key that every implementation has. A benchmark has nothing to hide.
pub(crate) const KEY: [u8; 16] = *b"softcp bench key";

/// The counter block that every keystream begins with: an IV, and a count of zero.
pub(crate) const IV: [u8; 16] = *b"IV 8 by.\0\0\0\0\0\0\0\0";

/// Bytes that a destination has behind its end: AWS-LC's streaming interface wants room for one more block.
pub(crate) const SLACK: usize = 16;

/// A cipher with its key ready. Bytes go from a source to a destination, or stay where they are.
pub(crate) trait Cipher {
    /// Makes the next [`begin`](Self::begin) go back to the first byte of keystream, if that needs more than a call.
    fn renew(&mut self) -> Result<(), BenchError> {
        Ok(())
    }

    /// Begins a keystream.
    fn begin(&mut self) -> Result<(), BenchError>;

    /// Encrypts the next bytes. The destination is at least [`SLACK`] bytes longer than the source.
    fn copy(&mut self, source: &[u8], destination: &mut [u8]) -> Result<(), BenchError>;

    /// Encrypts bytes where they are, beginning a keystream.
    fn in_place(&mut self, data: &mut [u8]) -> Result<(), BenchError>;

    /// Encrypts the rows of a surface under one keystream: one call if they lie one behind the other, else one per row.
    fn surface(&mut self, shape: Shape, source: &[u8], destination: &mut [u8]) -> Result<(), BenchError> {
        self.begin()?;
        if shape.is_contiguous() {
            return self.copy(&source[..shape.visible()], destination);
        }
        shape.rows().try_for_each(|row| self.copy(&source[row.clone()], &mut destination[row.start..]))
    }
}

/// A sample of Common Encryption: some of its bytes are encrypted under a content key, which comes wrapped.
pub(crate) trait SampleCipher {
    /// Unwraps the content key with the session key, makes it ready, and decrypts `runs` of the source under one keystream;
    /// other bytes are copied.
    fn open(
        &mut self,
        wrapped: &[u8; 16],
        runs: &[Range<usize>],
        source: &[u8],
        destination: &mut [u8],
    ) -> Result<(), BenchError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surface::content;

    /// All that can be had here.
    fn ciphers() -> Vec<(String, Box<dyn Cipher>)> {
        let mut ciphers: Vec<(String, Box<dyn Cipher>)> = vec![
            ("aws-lc".to_owned(), Box::new(AwsLc::new().unwrap())),
            ("RustCrypto".to_owned(), Box::new(RustCrypto::new())),
        ];
        ciphers.extend(kernels().into_iter().map(|kernel| (kernel.name().to_owned(), Box::new(kernel) as Box<_>)));
        if let Ok(openssl) = OpenSsl::load() {
            ciphers.push(("OpenSSL".to_owned(), Box::new(openssl.cipher().unwrap())));
        }
        ciphers
    }

    const SHAPES: [Shape; 4] =
        [Shape::flat(1), Shape::flat(1000), Shape::packed(33, 7), Shape { row_pitch: 40, row_bytes: 33, rows: 7 }];

    #[test]
    fn every_cipher_gives_the_keystream_of_the_reference() {
        for shape in SHAPES {
            let source = content(shape.len() + SLACK);
            let expected = reference(&KEY, &shape.gather(&source));
            for (name, mut cipher) in ciphers() {
                let mut destination = vec![0xa5; shape.len() + SLACK];
                cipher.renew().unwrap();
                cipher.surface(shape, &source, &mut destination).unwrap();
                assert_eq!(shape.gather(&destination), expected, "{name} {shape:?}");
                let mut data = shape.gather(&source);
                cipher.in_place(&mut data).unwrap();
                assert_eq!(data, expected, "{name} in place {shape:?}");
            }
        }
    }

    #[test]
    fn padding_keeps_its_bytes() {
        let shape = SHAPES[3];
        let source = content(shape.len() + SLACK);
        for (name, mut cipher) in ciphers() {
            let mut destination = vec![0xa5; shape.len() + SLACK];
            cipher.surface(shape, &source, &mut destination).unwrap();
            let mut rows = shape.rows().zip(destination.chunks(shape.row_pitch));
            assert!(rows.all(|(_, row)| row[33..].iter().all(|&byte| byte == 0xa5)), "{name}");
        }
    }

    #[test]
    fn plain_copy_changes_nothing() {
        for shape in SHAPES {
            let source = content(shape.len() + SLACK);
            let mut destination = vec![0xa5; shape.len() + SLACK];
            PlainCopy.surface(shape, &source, &mut destination).unwrap();
            assert_eq!(shape.gather(&destination), shape.gather(&source));
        }
    }

    #[test]
    fn every_sample_cipher_unwraps_and_decrypts_the_runs() {
        let content_key = *b"a content key ..";
        let wrapped = RustCrypto::wrap(&content_key);
        let source = content(100);
        let runs = [3..40, 50..51, 60..100];
        let mut clear = source.clone();
        let gathered: Vec<_> = runs.iter().flat_map(|run| &source[run.clone()]).copied().collect();
        let mut decrypted = reference(&content_key, &gathered).into_iter();
        for byte in runs.iter().flat_map(Clone::clone) {
            clear[byte] = decrypted.next().unwrap();
        }
        let mut ciphers: Vec<(String, Box<dyn SampleCipher>)> = vec![
            ("aws-lc".to_owned(), Box::new(AwsLc::new().unwrap())),
            ("RustCrypto".to_owned(), Box::new(RustCrypto::new())),
        ];
        ciphers.extend(kernels().into_iter().map(|kernel| (kernel.name().to_owned(), Box::new(kernel) as Box<_>)));
        if let Ok(openssl) = OpenSsl::load() {
            ciphers.push(("OpenSSL".to_owned(), Box::new(openssl.cipher().unwrap())));
        }
        for (name, mut cipher) in ciphers {
            for _ in 0..2 {
                let mut destination = vec![0; 100 + SLACK];
                cipher.open(&wrapped, &runs, &source, &mut destination).unwrap();
                assert_eq!(destination[..100], clear, "{name}");
            }
        }
    }
}
