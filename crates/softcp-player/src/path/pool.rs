//! Buffers of a path, made once for each size and used again: fresh pages would double the cost of a blit.

use std::collections::HashMap;

use softcp_runtime::{Device, Mapping, MappingMut, Resource, ResourceDesc};

use super::PathError;

/// The largest buffer. Two of them stay in the second-level cache of the processors at hand; longer samples go through
/// in chunks.
pub(super) const MAX_BUFFER: usize = 1 << 20;

/// The smallest buffer.
const MIN_BUFFER: usize = 256;

/// The resources of one path.
#[derive(Debug)]
pub(super) struct Pool {
    device: Device,
    /// The driver keeps decrypted content in protected resources, which are read back encrypted.
    protected: bool,
    buffers: HashMap<usize, Buffers>,
}

/// The resources of a blit, all of one size.
#[derive(Debug)]
pub(super) struct Buffers {
    size: usize,
    /// System memory that the encrypted bytes are put in.
    pub(super) staging: Resource,
    /// What the driver decrypts into.
    pub(super) destination: Resource,
    /// System memory that a protected destination is read back to.
    pub(super) read_back: Option<Resource>,
}

impl Pool {
    pub(super) fn new(device: Device, protected: bool) -> Self {
        Self { device, protected, buffers: HashMap::new() }
    }

    /// Whether destinations are protected.
    pub(super) fn is_protected(&self) -> bool {
        self.protected
    }

    /// Buffers for `bytes`, at most [`MAX_BUFFER`]; made now if that size has not been used before.
    pub(super) fn get(&mut self, bytes: usize) -> Result<&mut Buffers, PathError> {
        let size = size_class(bytes);
        if !self.buffers.contains_key(&size) {
            let buffers = Buffers::create(&self.device, size, self.protected)?;
            self.buffers.insert(size, buffers);
        }
        Ok(self.buffers.get_mut(&size).expect("it has just been made"))
    }
}

impl Buffers {
    fn create(device: &Device, size: usize, protected: bool) -> Result<Self, PathError> {
        let plain = ResourceDesc::buffer(size);
        let destination = if protected { plain.protected() } else { plain };
        Ok(Self {
            size,
            staging: device.create_resource(&plain)?,
            destination: device.create_resource(&destination)?,
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
        self.mapping.bytes_mut().expect("checked when it was mapped")
    }
}

/// Clear bytes that came out of a blit.
pub(super) enum Clear<'a> {
    /// In the destination.
    Destination(Mapping<'a>),
    /// Read back from a protected destination, and opened.
    ReadBack(MappingMut<'a>),
}

impl<'a> Clear<'a> {
    /// A mapped destination of `size` bytes.
    pub(super) fn destination(mapping: Mapping<'a>, size: usize) -> Result<Self, PathError> {
        check(mapping.bytes().map(<[u8]>::len), size)?;
        Ok(Self::Destination(mapping))
    }

    /// A mapped read-back buffer of `size` bytes, which `open` makes clear.
    pub(super) fn read_back(
        mut mapping: MappingMut<'a>,
        size: usize,
        open: impl FnOnce(&mut [u8]),
    ) -> Result<Self, PathError> {
        check(mapping.bytes_mut().map(|bytes| bytes.len()), size)?;
        open(mapping.bytes_mut().expect("checked just now"));
        Ok(Self::ReadBack(mapping))
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        let bytes = match self {
            Self::Destination(mapping) => mapping.bytes(),
            Self::ReadBack(mapping) => mapping.bytes(),
        };
        bytes.expect("checked when it was made")
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
