//! AWS-LC through the safe interface of `aws-lc-rs`.
//!
//! It counts in all 128 bits of the counter block; the benchmark's counts do not come that far.

use std::ops::Range;

use aws_lc_rs::cipher::{
    AES_128, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, StreamingDecryptingKey,
    StreamingEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;

use super::{Cipher, IV, KEY, Layout, RegionCipher, SampleCipher};
use crate::error::BenchError;

/// AWS-LC with keys and a context.
pub(crate) struct AwsLc {
    /// From source to destination. Its counter cannot be set back, so a keystream goes on where the last one ended: the
    /// speed is the same.
    streaming: StreamingEncryptingKey,
    in_place: EncryptingKey,
    /// For content keys.
    unwrapping: DecryptingKey,
    /// Encrypted runs of a sample, one behind the other.
    gathered: Vec<u8>,
    /// The same, decrypted as one chain.
    chain: Vec<u8>,
}

impl AwsLc {
    pub(crate) fn new() -> Result<Self, BenchError> {
        let unwrapping = DecryptingKey::ecb(key(&KEY)?).map_err(|_| failed("make a key ready"))?;
        Ok(Self {
            streaming: streaming()?,
            in_place: counter_mode(&KEY)?,
            unwrapping,
            gathered: Vec::new(),
            chain: Vec::new(),
        })
    }
}

fn key(bytes: &[u8; 16]) -> Result<UnboundCipherKey, BenchError> {
    UnboundCipherKey::new(&AES_128, bytes).map_err(|_| failed("take a key"))
}

fn counter_mode(bytes: &[u8; 16]) -> Result<EncryptingKey, BenchError> {
    EncryptingKey::ctr(key(bytes)?).map_err(|_| failed("make a key ready"))
}

fn context() -> EncryptionContext {
    EncryptionContext::Iv128(FixedLength::from(IV))
}

fn streaming() -> Result<StreamingEncryptingKey, BenchError> {
    StreamingEncryptingKey::less_safe_ctr(key(&KEY)?, context()).map_err(|_| failed("make a context ready"))
}

fn failed(what: &'static str) -> BenchError {
    BenchError::Peer { peer: "aws-lc", what }
}

impl Cipher for AwsLc {
    fn renew(&mut self) -> Result<(), BenchError> {
        self.streaming = streaming()?;
        Ok(())
    }

    fn begin(&mut self) -> Result<(), BenchError> {
        Ok(())
    }

    fn copy(&mut self, source: &[u8], destination: &mut [u8]) -> Result<(), BenchError> {
        self.streaming.update(source, destination).map(drop).map_err(|_| failed("encrypt a buffer"))
    }

    fn in_place(&mut self, data: &mut [u8]) -> Result<(), BenchError> {
        self.in_place.less_safe_encrypt(data, context()).map(drop).map_err(|_| failed("encrypt in place"))
    }
}

impl SampleCipher for AwsLc {
    fn open(
        &mut self,
        wrapped: &[u8; 16],
        runs: &[Range<usize>],
        source: &[u8],
        destination: &mut [u8],
    ) -> Result<(), BenchError> {
        let mut content_key = *wrapped;
        self.unwrapping
            .decrypt(&mut content_key, DecryptionContext::None)
            .map_err(|_| failed("unwrap a content key"))?;
        let cipher = counter_mode(&content_key)?;
        destination[..source.len()].copy_from_slice(source);
        if let [run] = runs {
            return cipher
                .less_safe_encrypt(&mut destination[run.clone()], context())
                .map(drop)
                .map_err(|_| failed("decrypt a sample"));
        }
        // The interface has no keystream that goes on after a gap, other than by a new context for each sample.
        self.gathered.clear();
        for run in runs {
            self.gathered.extend_from_slice(&source[run.clone()]);
        }
        cipher.less_safe_encrypt(&mut self.gathered, context()).map_err(|_| failed("decrypt a sample"))?;
        let mut start = 0;
        for run in runs {
            destination[run.clone()].copy_from_slice(&self.gathered[start..start + run.len()]);
            start += run.len();
        }
        Ok(())
    }
}

/// The interface has no CBC without padding: one that expects padding keeps the last block back until more comes. Its key is
/// made ready for each buffer, which shows in small ones.
impl RegionCipher for AwsLc {
    fn decrypt(&mut self, layout: Layout, source: &[u8], destination: &mut [u8]) -> Result<(), BenchError> {
        if layout.is_chained && layout.pattern.is_none() {
            return decrypt_chain(source, destination);
        }
        let len = source.len();
        destination[..len].copy_from_slice(source);
        self.gathered.clear();
        for run in layout.runs(len) {
            self.gathered.extend_from_slice(&source[run]);
        }
        if layout.is_chained {
            let blocks = self.gathered.len();
            self.chain.resize(blocks + super::SLACK, 0);
            decrypt_chain(&self.gathered, &mut self.chain)?;
            self.gathered.copy_from_slice(&self.chain[..blocks]);
        } else {
            self.in_place.less_safe_encrypt(&mut self.gathered, context()).map_err(|_| failed("decrypt a pattern"))?;
        }
        let mut start = 0;
        for run in layout.runs(len) {
            let end = start + run.len();
            destination[run].copy_from_slice(&self.gathered[start..end]);
            start = end;
        }
        Ok(())
    }
}

fn decrypt_chain(source: &[u8], destination: &mut [u8]) -> Result<(), BenchError> {
    let what = |_| failed("decrypt a chain");
    let context = DecryptionContext::Iv128(FixedLength::from(IV));
    let mut cbc = StreamingDecryptingKey::cbc_pkcs7(key(&KEY)?, context).map_err(what)?;
    let written = cbc.update(source, destination).map_err(what)?.written().len();
    cbc.update(&[0; 16], &mut destination[written..]).map(drop).map_err(what)
}
