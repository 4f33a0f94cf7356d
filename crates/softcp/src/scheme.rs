//! The four schemes of Common Encryption (ISO/IEC 23001-7) over one buffer of a decoder.
//!
//! | decoder's cipher | without stripes | with stripes |
//! |---|---|---|
//! | AES-CTR | `cenc`: one keystream over the encrypted bytes of all regions | `cens` (D60) |
//! | AES-CBC | `cbc1` (D61): one chain over the encrypted blocks of all regions | `cbcs`: the chain restarts in each region |
//!
//! A region is the encrypted part of a subsample, or the whole buffer where there are no subsamples. Stripes restart in each
//! region. But for `cenc`, only whole blocks are encrypted: the bytes behind a region's last whole block are clear.

use std::num::NonZero;

use softcp_aes::{CbcDecryption, Chain, DecryptionKey, Key, Keystream, Pattern, Region, Workers};

use crate::blit::{self, Encrypted, Subsample};
use crate::error::{Error, Result};
use crate::iv::{AesCtrIv, IV_SIZE};
use crate::surface::BlitSurfaces;

/// The mode of AES-128 that encrypts a decoder's buffers. One decoder has one mode, and so has one frame (D63).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CipherMode {
    /// Counter mode: `cenc`, with stripes `cens` (D60).
    Ctr,
    /// Cipher block chaining: `cbc1` (D61), with stripes `cbcs`.
    Cbc,
}

/// The stripes of encrypted and clear blocks inside each encrypted region, in blocks of 16 bytes: first encrypted ones, then
/// clear ones, and again to the end of the region. Neither count is 0 (D64).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stripes {
    encrypted: NonZero<u32>,
    clear: NonZero<u32>,
}

impl Stripes {
    /// From `cBlocksStripeEncrypted` and `cBlocksStripeClear`; none if both are 0: all blocks of a region are encrypted.
    /// [`Error::OneSidedStripes`] if one of them is 0 (D64).
    pub fn new(encrypted: u32, clear: u32) -> Result<Option<Self>> {
        match (NonZero::new(encrypted), NonZero::new(clear)) {
            (None, None) => Ok(None),
            (Some(encrypted), Some(clear)) => Ok(Some(Self { encrypted, clear })),
            _ => Err(Error::OneSidedStripes { encrypted, clear }),
        }
    }

    fn pattern(self) -> Pattern {
        Pattern { encrypted: self.encrypted.get(), clear: self.clear.get() }
    }
}

/// An expanded key of a decoder's buffers.
pub(crate) enum BufferKey {
    Ctr(Key),
    Cbc(DecryptionKey),
}

/// A borrowed [`BufferKey`].
#[derive(Clone, Copy)]
pub(crate) enum BufferKeyRef<'k> {
    Ctr(&'k Key),
    Cbc(&'k DecryptionKey),
}

impl BufferKey {
    pub(crate) fn borrowed(&self) -> BufferKeyRef<'_> {
        match self {
            Self::Ctr(key) => BufferKeyRef::Ctr(key),
            Self::Cbc(key) => BufferKeyRef::Cbc(key),
        }
    }
}

/// Which bytes of a buffer are encrypted: its regions, and the stripes in them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout<'a> {
    pub(crate) encrypted: Encrypted<'a>,
    pub(crate) stripes: Option<Stripes>,
}

impl Layout<'_> {
    /// Whether some bytes of the buffer are clear by a pattern, by subsamples or by stripes.
    pub(crate) fn is_partial(&self) -> bool {
        !matches!(self.encrypted, Encrypted::All) || self.stripes.is_some()
    }

    /// Checks that `mode` has such a layout (D68), the runs of a pattern (D7), and that subsamples cover `surfaces` exactly
    /// (D64).
    pub(crate) fn check(&self, mode: CipherMode, alignment: u32, surfaces: &BlitSurfaces<'_>) -> Result<()> {
        let is_cenc = mode == CipherMode::Ctr && self.stripes.is_none();
        if matches!(self.encrypted, Encrypted::Pattern(_)) && !is_cenc {
            return Err(Error::PatternOutsideCenc);
        }
        self.encrypted.check(alignment, surfaces)
    }

    /// Decrypts the visible bytes of `surfaces` from source to destination, and copies the clear ones. The caller has
    /// called [`Self::check`], and knows that both sides agree. `cenc` buffers that are wholly encrypted have the help of
    /// `workers`.
    pub(crate) fn decrypt(
        &self,
        surfaces: &mut BlitSurfaces<'_>,
        key: BufferKeyRef<'_>,
        iv: [u8; IV_SIZE],
        workers: &Workers,
    ) {
        let pattern = self.stripes.map(Stripes::pattern);
        match (key, pattern) {
            (BufferKeyRef::Ctr(key), None) => {
                blit::run(surfaces, self.encrypted, key, AesCtrIv::from_bytes(&iv), workers);
            }
            (BufferKeyRef::Ctr(key), Some(pattern)) => {
                let regions = self.regions(surfaces.visible_bytes());
                let mut keystream = Keystream::new(key, iv);
                match surfaces {
                    BlitSurfaces::Distinct { source, destination } => {
                        keystream.copy_regions(source.planes(), destination.planes_mut(), pattern, regions)
                    }
                    BlitSurfaces::Same(surface) => keystream.in_place_regions(surface.planes_mut(), pattern, regions),
                }
                .expect(CHECKED);
            }
            (BufferKeyRef::Cbc(key), pattern) => {
                let regions = self.regions(surfaces.visible_bytes());
                let chain = if pattern.is_some() { Chain::RestartsInRegion } else { Chain::Continues };
                let decryption = CbcDecryption::new(key, iv, chain, pattern);
                match surfaces {
                    BlitSurfaces::Distinct { source, destination } => {
                        decryption.copy(source.planes(), destination.planes_mut(), regions)
                    }
                    BlitSurfaces::Same(surface) => decryption.in_place(surface.planes_mut(), regions),
                }
                .expect(CHECKED);
            }
        }
    }

    /// The regions of a buffer of `bytes`, each with the clear bytes before it.
    fn regions(&self, bytes: usize) -> impl Iterator<Item = Region> + Clone {
        let subsamples: &[Subsample] = match self.encrypted {
            Encrypted::Subsamples(subsamples) => subsamples,
            Encrypted::All | Encrypted::Pattern(_) => &[],
        };
        let whole =
            (!matches!(self.encrypted, Encrypted::Subsamples(_))).then_some(Region { clear: 0, encrypted: bytes });
        let mapped = subsamples
            .iter()
            .map(|subsample| Region { clear: subsample.clear as usize, encrypted: subsample.encrypted as usize });
        mapped.chain(whole)
    }
}

const CHECKED: &str = "source and destination agree and the regions cover them";
