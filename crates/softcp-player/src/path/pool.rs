//! Buffers of a path, made once for each size and used again: fresh pages would double the cost of a blit.

use std::collections::HashMap;
use std::io;
use std::ops::Range;

use softcp_abi::D3D11_DECODER_PROFILE_H264_VLD_NOFGT;
use softcp_runtime::{Device, Mapping, MappingMut, OutputView, Resource, ResourceDesc};

use super::PathError;
use super::seal::{Seal, Sink};

/// The largest buffer. Two of them stay in the second-level cache of the processors at hand; longer samples go through
/// in chunks.
pub(super) const MAX_BUFFER: usize = 1 << 20;

/// Why the bytes of a mapping are there.
const CHECKED: &str = "checked when it was mapped";

/// The smallest buffer.
const MIN_BUFFER: usize = 256;

/// The resources of one path.
#[derive(Debug)]
pub(super) struct Pool {
    device: Device,
    /// The driver keeps decrypted content in protected resources, which are read back encrypted.
    protected: bool,
    /// Destinations are output views of decoders.
    views: bool,
    buffers: HashMap<usize, Buffers>,
}

/// The resources of a blit, all of one size.
#[derive(Debug)]
pub(super) struct Buffers {
    size: usize,
    /// System memory that the encrypted bytes are put in.
    pub(super) staging: Resource,
    /// What the driver decrypts into.
    pub(super) destination: Destination,
    /// System memory that a protected destination is read back to.
    pub(super) read_back: Option<Resource>,
}

/// What the driver decrypts into.
#[derive(Debug)]
pub(super) enum Destination {
    /// By blits alone.
    Resource(Resource),
    /// By frames of a decoder, too.
    View(OutputView),
}

impl Destination {
    pub(super) fn resource(&self) -> &Resource {
        match self {
            Self::Resource(resource) => resource,
            Self::View(view) => view.resource(),
        }
    }

    pub(super) fn resource_mut(&mut self) -> &mut Resource {
        match self {
            Self::Resource(resource) => resource,
            Self::View(view) => view.resource_mut(),
        }
    }

    /// The output view of a path that has a decoder.
    pub(super) fn view(&self) -> &OutputView {
        match self {
            Self::Resource(_) => unreachable!("paths with a decoder have views"),
            Self::View(view) => view,
        }
    }
}

impl Pool {
    /// Buffers of a device. `protected`: the driver keeps what it decrypts protected; `views`: a decoder decrypts.
    pub(super) fn new(device: Device, protected: bool, views: bool) -> Self {
        Self { device, protected, views, buffers: HashMap::new() }
    }

    /// Whether destinations are protected.
    pub(super) fn is_protected(&self) -> bool {
        self.protected
    }

    /// Buffers for `bytes`, at most [`MAX_BUFFER`]; made now if that size has not been used before.
    pub(super) fn get(&mut self, bytes: usize) -> Result<&mut Buffers, PathError> {
        let size = size_class(bytes);
        if !self.buffers.contains_key(&size) {
            let buffers = Buffers::create(&self.device, size, self.protected, self.views)?;
            self.buffers.insert(size, buffers);
        }
        Ok(self.buffers.get_mut(&size).expect("it has just been made"))
    }
}

impl Buffers {
    fn create(device: &Device, size: usize, protected: bool, views: bool) -> Result<Self, PathError> {
        let plain = ResourceDesc::buffer(size);
        let destination = device.create_resource(&if protected { plain.protected() } else { plain })?;
        let destination = if views {
            let view = device.create_output_view(destination, D3D11_DECODER_PROFILE_H264_VLD_NOFGT);
            Destination::View(view.map_err(PathError::of_cbc_decoder)?)
        } else {
            Destination::Resource(destination)
        };
        Ok(Self {
            size,
            staging: device.create_resource(&plain)?,
            destination,
            read_back: if protected { Some(device.create_resource(&plain)?) } else { None },
        })
    }

    /// Bytes of each buffer.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Maps the staging buffer to fill it.
    pub(super) fn fill(&mut self) -> Result<Filling<'_>, PathError> {
        let mut mapping = self.staging.map_write()?;
        check(mapping.bytes_mut().map(|bytes| bytes.len()), self.size)?;
        Ok(Filling { mapping })
    }
}

/// The staging buffer while it is filled.
pub(super) struct Filling<'a> {
    mapping: MappingMut<'a>,
}

impl Filling<'_> {
    /// The whole buffer.
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        self.mapping.bytes_mut().expect(CHECKED)
    }
}

/// What came out of a blit.
pub(super) enum Blitted<'a> {
    /// Clear bytes, in the destination.
    Clear(Mapping<'a>),
    /// Read back from a protected destination; with a seal, as long as they are not opened.
    ReadBack(MappingMut<'a>, Option<Seal>),
}

impl<'a> Blitted<'a> {
    /// A mapped destination of `size` bytes.
    pub(super) fn clear(mapping: Mapping<'a>, size: usize) -> Result<Self, PathError> {
        check(mapping.bytes().map(<[u8]>::len), size)?;
        Ok(Self::Clear(mapping))
    }

    /// A mapped read-back buffer of `size` bytes.
    pub(super) fn read_back(mut mapping: MappingMut<'a>, size: usize, seal: Seal) -> Result<Self, PathError> {
        check(mapping.bytes_mut().map(|bytes| bytes.len()), size)?;
        Ok(Self::ReadBack(mapping, Some(seal)))
    }

    /// Opens the first `len` bytes here and now; no others count.
    pub(super) fn open(&mut self, len: usize) {
        if let Self::ReadBack(mapping, seal) = self
            && let Some(seal) = seal.take()
        {
            seal.open(&mut mapping.bytes_mut().expect(CHECKED)[..len]);
        }
    }

    /// Hands on the bytes of `range`, sealed if they are. Each byte once: afterwards it is lost.
    pub(super) fn write(&mut self, range: Range<usize>, output: &mut impl Sink) -> io::Result<()> {
        match self {
            Self::Clear(mapping) => output.write_all(&mapping.bytes().expect(CHECKED)[range]),
            Self::ReadBack(mapping, None) => output.write_all(&mapping.bytes().expect(CHECKED)[range]),
            Self::ReadBack(mapping, Some(seal)) => {
                let seal = seal.after(range.start);
                output.write_sealed(&mut mapping.bytes_mut().expect(CHECKED)[range], seal)
            }
        }
    }
}

/// A buffer is one row, so all its bytes lie together; a driver may still map fewer than it was asked for.
fn check(mapped: Option<usize>, expected: usize) -> Result<(), PathError> {
    match mapped {
        Some(mapped) if mapped >= expected => Ok(()),
        mapped => Err(PathError::ShortMapping { mapped: mapped.unwrap_or(0), expected }),
    }
}

/// The size of the buffer for `bytes`: steps of a quarter of a power of two, so that at most a fifth lies idle.
fn size_class(bytes: usize) -> usize {
    if bytes <= MIN_BUFFER {
        return MIN_BUFFER;
    }
    // The largest power of two below `bytes`.
    let power = 1 << (bytes - 1).ilog2();
    bytes.next_multiple_of(power / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_class_is_a_quarter_step_that_holds_the_bytes() {
        for (bytes, size) in [(0, 256), (1, 256), (256, 256), (257, 320), (320, 320), (321, 384), (512, 512)] {
            assert_eq!(size_class(bytes), size, "{bytes}");
        }
        assert_eq!(size_class(110_000), 114_688);
        assert_eq!(size_class(MAX_BUFFER), MAX_BUFFER);
    }

    #[test]
    fn size_class_wastes_at_most_a_fifth_and_keeps_blocks_whole() {
        for bytes in 256..10_000 {
            let size = size_class(bytes);
            assert!(size >= bytes && (size - bytes) * 5 <= size, "{bytes} {size}");
            assert!(size.is_multiple_of(64), "{bytes} {size}");
        }
    }
}
