//! The plain copy that everything is compared with: the C library's `memcpy`.

use super::Cipher;
use crate::error::BenchError;

/// A cipher that encrypts nothing.
#[derive(Debug)]
pub(crate) struct PlainCopy;

impl Cipher for PlainCopy {
    fn begin(&mut self) -> Result<(), BenchError> {
        Ok(())
    }

    fn copy(&mut self, source: &[u8], destination: &mut [u8]) -> Result<(), BenchError> {
        destination[..source.len()].copy_from_slice(source);
        Ok(())
    }

    fn in_place(&mut self, _: &mut [u8]) -> Result<(), BenchError> {
        Ok(())
    }
}
