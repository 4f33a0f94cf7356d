//! Read-backs that nobody has opened yet, and where samples go.
//!
//! Under protection the driver's output comes out encrypted. The application's own decryption of it needs no driver, so
//! it need not happen where the driver is called: a [`Sink`] may take the bytes as they are, with their [`Seal`], and open
//! them on another thread.

use std::io::{self, Write};
use std::sync::Arc;

use softcp_client::{AesCtrIv, CipherStream, DataCipher};

/// The block of AES.
const BLOCK: usize = 16;

/// What opens bytes that a driver has read back encrypted: a keystream, from one of its bytes on.
#[derive(Clone, Debug)]
pub(crate) struct Seal {
    cipher: Arc<DataCipher>,
    iv: AesCtrIv,
    /// Bytes of the keystream before the first one that counts.
    offset: u64,
}

impl Seal {
    /// The whole keystream that begins at `iv`.
    pub(super) fn new(cipher: Arc<DataCipher>, iv: AesCtrIv) -> Self {
        Self { cipher, iv, offset: 0 }
    }

    /// What opens the bytes after the first `len`.
    pub(crate) fn after(&self, len: usize) -> Self {
        Self { offset: self.offset + len as u64, ..self.clone() }
    }

    /// Makes sealed bytes clear where they are.
    pub(crate) fn open(&self, bytes: &mut [u8]) {
        self.keystream().apply(bytes);
    }

    /// Puts into `to` what the sealed bytes `from`, which are as many, open to.
    pub(crate) fn open_to(&self, from: &[u8], to: &mut [u8]) {
        self.keystream().apply_to(from, to);
    }

    fn keystream(&self) -> CipherStream<'_> {
        let inside = usize::try_from(self.offset % BLOCK as u64).expect("less than a block");
        let iv = self.iv.advance(self.offset - inside as u64).expect("a number of whole blocks");
        let mut keystream = self.cipher.stream(iv);
        keystream.apply(&mut [0; BLOCK][..inside]);
        keystream
    }
}

/// Where samples go: clear bytes by [`Write`], read-backs as they are.
pub(crate) trait Sink: Write {
    /// Takes all of `bytes`, which `seal` opens now or later. They are lost.
    fn write_sealed(&mut self, bytes: &mut [u8], seal: Seal) -> io::Result<()>;
}

/// A writer of clear bytes, for which read-backs are opened at once.
pub(super) struct Opener<'a, W: Write>(pub(super) &'a mut W);

impl<W: Write> Sink for Opener<'_, W> {
    fn write_sealed(&mut self, bytes: &mut [u8], seal: Seal) -> io::Result<()> {
        seal.open(bytes);
        self.0.write_all(bytes)
    }
}

impl<W: Write> Write for Opener<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use softcp_client::ContentKey;

    use super::*;

    /// A seal under a key of a test's own. The IV is about to wrap (D5).
    pub(crate) fn test_seal(key: u8) -> Seal {
        let cipher = ContentKey::from([key; 16]).data_cipher();
        Seal::new(Arc::new(cipher), AesCtrIv { iv: 7, count: u64::MAX })
    }

    /// Bytes that the seal opens to `clear`.
    pub(crate) fn sealed(clear: &[u8], key: u8) -> Vec<u8> {
        let mut bytes = clear.to_vec();
        let iv = AesCtrIv { iv: 7, count: u64::MAX };
        ContentKey::from([key; 16]).data_cipher().encrypt(iv, &mut bytes);
        bytes
    }

    #[test]
    fn parts_of_any_length_open_to_the_whole() {
        let clear: Vec<u8> = (0..=255).collect();
        let whole = sealed(&clear, 3);
        for first in [0, 1, 15, 16, 17, 32, 100, 256] {
            for second in [0, 1, 15, 16, 31, 64] {
                let second = second.min(whole.len() - first);
                let mut parts = whole.clone();
                let seal = test_seal(3);
                seal.open_to(&whole[..first], &mut parts[..first]);
                seal.after(first).open(&mut parts[first..first + second]);
                seal.after(first).after(second).open(&mut parts[first + second..]);
                assert_eq!(parts, clear, "{first} {second}");
            }
        }
    }

    #[test]
    fn opener_writes_clear_bytes() {
        let mut written = Vec::new();
        let mut opener = Opener(&mut written);
        opener.write_all(b"clear, ").unwrap();
        opener.write_sealed(&mut sealed(b"opened", 3), test_seal(3)).unwrap();
        assert_eq!(written, b"clear, opened");
    }
}
