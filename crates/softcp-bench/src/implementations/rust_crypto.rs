//! `RustCrypto`: the crates `aes` and `ctr`. Always there, so its output is what the others are checked against.

use std::ops::Range;

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit, StreamCipher};
use aes::{Aes128, Aes128Dec, Aes128Enc};
use ctr::cipher::{InnerIvInit, StreamCipherCoreWrapper};
use ctr::{CtrCore, flavors};

use super::{Cipher, IV, KEY, SampleCipher};
use crate::error::BenchError;

pub(super) type Stream<C> = StreamCipherCoreWrapper<CtrCore<C, flavors::Ctr64BE>>;

/// The crates, with a key schedule.
pub(crate) struct RustCrypto {
    aes: Aes128Enc,
    /// For content keys, which are wrapped under the same key.
    unwrapping: Aes128Dec,
    stream: Stream<Aes128Enc>,
}

impl RustCrypto {
    pub(crate) fn new() -> Self {
        let aes = Aes128Enc::new(&KEY.into());
        let unwrapping = Aes128Dec::new(&KEY.into());
        let stream = stream(aes.clone());
        Self { aes, unwrapping, stream }
    }

    /// A content key wrapped under [`KEY`].
    pub(crate) fn wrap(content_key: &[u8; 16]) -> [u8; 16] {
        let mut block = (*content_key).into();
        Aes128::new(&KEY.into()).encrypt_block(&mut block);
        block.into()
    }
}

/// `data` encrypted under a key, beginning with [`IV`].
pub(crate) fn reference(key: &[u8; 16], data: &[u8]) -> Vec<u8> {
    let mut encrypted = data.to_vec();
    stream(Aes128Enc::new(key.into())).apply_keystream(&mut encrypted);
    encrypted
}

pub(super) fn stream(aes: Aes128Enc) -> Stream<Aes128Enc> {
    StreamCipherCoreWrapper::from_core(CtrCore::inner_iv_init(aes, &IV.into()))
}

impl Cipher for RustCrypto {
    fn begin(&mut self) -> Result<(), BenchError> {
        // The schedule is copied, not made again.
        self.stream = stream(self.aes.clone());
        Ok(())
    }

    fn copy(&mut self, source: &[u8], destination: &mut [u8]) -> Result<(), BenchError> {
        let destination = &mut destination[..source.len()];
        self.stream.apply_keystream_b2b(source, destination);
        Ok(())
    }

    fn in_place(&mut self, data: &mut [u8]) -> Result<(), BenchError> {
        self.begin()?;
        self.stream.apply_keystream(data);
        Ok(())
    }
}

impl SampleCipher for RustCrypto {
    fn open(
        &mut self,
        wrapped: &[u8; 16],
        runs: &[Range<usize>],
        source: &[u8],
        destination: &mut [u8],
    ) -> Result<(), BenchError> {
        let mut content_key = (*wrapped).into();
        self.unwrapping.decrypt_block(&mut content_key);
        let mut stream = stream(Aes128Enc::new(&content_key));
        destination[..source.len()].copy_from_slice(source);
        for run in runs {
            stream.apply_keystream(&mut destination[run.clone()]);
        }
        Ok(())
    }
}
