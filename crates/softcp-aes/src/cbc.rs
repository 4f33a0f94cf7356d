//! AES-128-CBC decryption of the regions of a Common Encryption sample.

use core::fmt;

use crate::BLOCK;
use crate::copy::CopyError;
use crate::decryption_key::DecryptionKey;
use crate::kernel::{self, Access};
use crate::region::{self, Areas, Chain, Pattern, Region};
use crate::rows::{Rows, RowsMut};
use crate::section::{self, Planes, Sections};

/// AES-128-CBC decryption (NIST SP 800-38A section 6.2) of one Common Encryption sample: the schemes `cbc1` and `cbcs` of
/// ISO/IEC 23001-7.
///
/// The whole blocks of each region are decrypted, with a pattern those that it names. Clear parts, skipped blocks, and a last
/// block that the end of the region cuts, are copied. Skipped blocks are not part of the chain.
pub struct CbcDecryption<'k> {
    key: &'k DecryptionKey,
    iv: [u8; BLOCK],
    chain: Chain,
    pattern: Option<Pattern>,
}

impl<'k> CbcDecryption<'k> {
    /// Decryption under `key` that begins with `iv`. Without a pattern all blocks of a region are encrypted.
    #[must_use]
    pub fn new(key: &'k DecryptionKey, iv: [u8; BLOCK], chain: Chain, pattern: Option<Pattern>) -> Self {
        Self { key, iv, chain, pattern }
    }

    /// Decrypts from `src` to `dst`: planes whose visible bytes, row after row and plane after plane (D9), `regions` cover
    /// exactly.
    ///
    /// Padding is neither read nor written. A block may go over the end of a row or a plane.
    ///
    /// # Errors
    ///
    /// Nothing is written when it fails:
    ///
    /// - [`CopyError::PlanesMismatch`]: `src` and `dst` differ in the number of planes.
    /// - [`CopyError::ShapeMismatch`]: two planes differ in rows, or in bytes per row.
    /// - [`CopyError::RegionsMismatch`]: `regions` have more or fewer bytes than the planes.
    /// - [`CopyError::BadPattern`]: one side of the pattern is 0.
    pub fn copy(
        self,
        src: &[Rows<'_>],
        dst: &mut [RowsMut<'_>],
        regions: impl Iterator<Item = Region> + Clone,
    ) -> Result<(), CopyError> {
        section::check(src, dst)?;
        let bytes = region::check(self.pattern, src.iter().map(Rows::shape), regions.clone())?;
        self.decrypt(Access::of(bytes, false), Planes::new(src, dst), regions);
        Ok(())
    }

    /// As [`CbcDecryption::copy`], where the bytes are.
    ///
    /// # Errors
    ///
    /// [`CopyError::RegionsMismatch`] and [`CopyError::BadPattern`], as there.
    pub fn in_place(
        self,
        surface: &mut [RowsMut<'_>],
        regions: impl Iterator<Item = Region> + Clone,
    ) -> Result<(), CopyError> {
        let bytes = region::check(self.pattern, surface.iter().map(RowsMut::shape), regions.clone())?;
        self.decrypt(Access::of(bytes, true), Planes::in_place(surface), regions);
        Ok(())
    }

    fn decrypt(self, access: Access, planes: Planes<'_, '_, '_>, regions: impl Iterator<Item = Region>) {
        let restarts = self.chain == Chain::RestartsInRegion;
        let mut areas = Areas::new(regions, self.pattern);
        kernel::decrypt(self.key, self.iv, access, Sections::new(planes, &mut areas, restarts));
    }
}

impl fmt::Debug for CbcDecryption<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chain, pattern, .. } = self;
        f.debug_struct("CbcDecryption").field("chain", chain).field("pattern", pattern).finish_non_exhaustive()
    }
}
