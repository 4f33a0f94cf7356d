//! What a correct driver computes, by the simplest means: block by block and byte by byte, as the standards write it.

pub mod ctr;
pub mod encoding;
pub mod keys;
pub mod oaep;
pub mod omac;
pub mod sample;

/// A key, a wrapped key or a random number.
pub type Block = [u8; 16];
