//! The kernels of x86 processors, in 32 and 64 bits.

mod aes_ni;
mod vaes256;
mod vaes512;

pub(crate) use aes_ni::AesNi;
pub(crate) use vaes256::Vaes256;
pub(crate) use vaes512::Vaes512;
