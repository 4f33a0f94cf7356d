//! Surfaces: the memory of a resource as a blit sees it.

use softcp_aes::{Rows, RowsMut};

use crate::error::{Error, Result};

/// Most planes a surface can have.
pub const MAX_PLANES: usize = 3;

/// What kind of memory a surface is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SurfaceFlags {
    /// A protected resource.
    pub protected: bool,
    /// More than one sample per pixel.
    pub multisampled: bool,
}

/// A surface to read. Its bytes are the rows' visible bytes, row after row, plane after plane (D9).
#[derive(Debug, Clone)]
pub struct Surface<'a> {
    planes: [Rows<'a>; MAX_PLANES],
    plane_count: usize,
    /// `DXGI_FORMAT`, 0 for a buffer or when unknown: then it fits every format.
    pub format: u32,
    /// What kind of memory it is.
    pub flags: SurfaceFlags,
}

/// A surface to write. Its bytes are the rows' visible bytes, row after row, plane after plane (D9).
#[derive(Debug)]
pub struct SurfaceMut<'a> {
    planes: [RowsMut<'a>; MAX_PLANES],
    plane_count: usize,
    /// `DXGI_FORMAT`, 0 for a buffer or when unknown: then it fits every format.
    pub format: u32,
    /// What kind of memory it is.
    pub flags: SurfaceFlags,
}

impl<'a> Surface<'a> {
    /// A surface of 1 to 3 planes in memory order; another number is [`Error::BadPlaneCount`].
    pub fn new(planes: impl IntoIterator<Item = Rows<'a>>, format: u32, flags: SurfaceFlags) -> Result<Self> {
        let empty = || Rows::from(&[][..]);
        let mut all = [empty(), empty(), empty()];
        let plane_count = fill(&mut all, planes)?;
        Ok(Self { planes: all, plane_count, format, flags })
    }

    /// A surface of one plane.
    #[inline]
    #[must_use]
    pub fn of_plane(plane: Rows<'a>, format: u32, flags: SurfaceFlags) -> Self {
        let empty = || Rows::from(&[][..]);
        Self { planes: [plane, empty(), empty()], plane_count: 1, format, flags }
    }

    /// A buffer: one row, no format, not protected.
    #[must_use]
    pub fn buffer(data: &'a [u8]) -> Self {
        Self::of_plane(Rows::from(data), 0, SurfaceFlags::default())
    }

    pub(crate) fn planes(&self) -> &[Rows<'a>] {
        &self.planes[..self.plane_count]
    }
}

impl<'a> SurfaceMut<'a> {
    /// A surface of 1 to 3 planes in memory order; another number is [`Error::BadPlaneCount`].
    pub fn new(planes: impl IntoIterator<Item = RowsMut<'a>>, format: u32, flags: SurfaceFlags) -> Result<Self> {
        let empty = || RowsMut::from(&mut [][..]);
        let mut all = [empty(), empty(), empty()];
        let plane_count = fill(&mut all, planes)?;
        Ok(Self { planes: all, plane_count, format, flags })
    }

    /// A surface of one plane.
    #[inline]
    #[must_use]
    pub fn of_plane(plane: RowsMut<'a>, format: u32, flags: SurfaceFlags) -> Self {
        let empty = || RowsMut::from(&mut [][..]);
        Self { planes: [plane, empty(), empty()], plane_count: 1, format, flags }
    }

    /// A buffer: one row, no format, not protected.
    #[must_use]
    pub fn buffer(data: &'a mut [u8]) -> Self {
        Self::of_plane(RowsMut::from(data), 0, SurfaceFlags::default())
    }

    pub(crate) fn planes(&self) -> &[RowsMut<'a>] {
        &self.planes[..self.plane_count]
    }

    pub(crate) fn planes_mut(&mut self) -> &mut [RowsMut<'a>] {
        &mut self.planes[..self.plane_count]
    }
}

fn fill<T>(all: &mut [T; MAX_PLANES], planes: impl IntoIterator<Item = T>) -> Result<usize> {
    let mut count = 0;
    for plane in planes {
        *all.get_mut(count).ok_or(Error::BadPlaneCount(count + 1))? = plane;
        count += 1;
    }
    if count == 0 { Err(Error::BadPlaneCount(0)) } else { Ok(count) }
}

/// The two sides of a blit.
#[derive(Debug)]
pub enum BlitSurfaces<'a> {
    /// Two resources.
    Distinct {
        /// Read.
        source: Surface<'a>,
        /// Written.
        destination: SurfaceMut<'a>,
    },
    /// One resource that is source and destination.
    Same(SurfaceMut<'a>),
}

impl BlitSurfaces<'_> {
    /// Copies the source to the destination as it is, if they agree in size and format.
    pub(crate) fn copy(self) -> Result<()> {
        self.check_agreement()?;
        if let Self::Distinct { source, mut destination } = self {
            for (from, to) in source.planes().iter().zip(destination.planes_mut()) {
                softcp_aes::copy(from, to, 0..from.visible_bytes()).expect("both sides agree");
            }
        }
        Ok(())
    }

    /// Checks that both sides agree in size and format.
    pub(crate) fn check_agreement(&self) -> Result<()> {
        let Self::Distinct { source, destination } = self else { return Ok(()) };
        let source_shape = source.planes().iter().map(|plane| (plane.row_bytes(), plane.rows()));
        let destination_shape = destination.planes().iter().map(|plane| (plane.row_bytes(), plane.rows()));
        if !source_shape.eq(destination_shape) {
            return Err(Error::SizeMismatch);
        }
        let (source_format, destination_format) = (source.format, destination.format);
        if source_format != 0 && destination_format != 0 && source_format != destination_format {
            return Err(Error::FormatMismatch { source_format, destination_format });
        }
        Ok(())
    }

    pub(crate) fn source_flags(&self) -> SurfaceFlags {
        match self {
            Self::Distinct { source, .. } => source.flags,
            Self::Same(surface) => surface.flags,
        }
    }

    pub(crate) fn destination_flags(&self) -> SurfaceFlags {
        match self {
            Self::Distinct { destination, .. } => destination.flags,
            Self::Same(surface) => surface.flags,
        }
    }

    /// Visible bytes of either side.
    pub(crate) fn visible_bytes(&self) -> usize {
        let planes = match self {
            Self::Distinct { destination, .. } => destination.planes(),
            Self::Same(surface) => surface.planes(),
        };
        planes.iter().map(RowsMut::visible_bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_plane_and_four_planes_are_refused() {
        let plane = || Rows::from(&[0; 4][..]);
        assert!(matches!(Surface::new([], 0, SurfaceFlags::default()), Err(Error::BadPlaneCount(0))));
        let four = [plane(), plane(), plane(), plane()];
        assert!(matches!(Surface::new(four, 0, SurfaceFlags::default()), Err(Error::BadPlaneCount(4))));
    }

    #[test]
    fn pitches_may_differ_but_rows_may_not() {
        let (source, mut destination) = ([0; 12], [0; 20]);
        let pitched =
            |rows| Surface::new([Rows::new(&source, 6, 4, rows).unwrap()], 0, SurfaceFlags::default()).unwrap();
        let mut check = |source| {
            let destination =
                SurfaceMut::new([RowsMut::new(&mut destination, 10, 4, 2).unwrap()], 0, SurfaceFlags::default());
            BlitSurfaces::Distinct { source, destination: destination.unwrap() }.check_agreement()
        };
        assert!(check(pitched(2)).is_ok());
        assert!(matches!(check(pitched(1)), Err(Error::SizeMismatch)));
    }

    #[test]
    fn unknown_format_fits_every_format() {
        let mut bytes = [0; 4];
        let mut check = |source_format| {
            let mut source = Surface::buffer(&[0; 4]);
            source.format = source_format;
            let mut destination = SurfaceMut::buffer(&mut bytes);
            destination.format = 87;
            BlitSurfaces::Distinct { source, destination }.check_agreement()
        };
        assert!(check(0).is_ok() && check(87).is_ok());
        assert!(matches!(check(88), Err(Error::FormatMismatch { source_format: 88, destination_format: 87 })));
    }
}
