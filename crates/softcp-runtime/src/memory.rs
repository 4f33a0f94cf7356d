//! Private memory: bytes that the runtime owns and only the driver uses.

use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::fmt;
use std::ops::Range;

/// As strict as any type of the DDI asks for.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Chunk([u8; 16]);

/// Memory behind the handle of a session, channel or decoder: of the size that the driver asked for, aligned to 16 bytes, zero at first,
/// and in one place until it is dropped.
///
/// It may outlive the object that lived in it; a driver must not use it then.
pub struct PrivateMemory {
    chunks: Vec<UnsafeCell<Chunk>>,
    len: usize,
}

impl PrivateMemory {
    /// Memory of `len` bytes; also for 0 bytes the address is its own.
    #[must_use]
    pub fn new(len: usize) -> Self {
        let count = len.div_ceil(size_of::<Chunk>()).max(1);
        Self { chunks: (0..count).map(|_| UnsafeCell::new(Chunk([0; 16]))).collect(), len }
    }

    /// Bytes that the driver asked for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the driver asked for no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Fills the memory, to the end of its last 16 bytes, as a heap would that has been used before.
    pub fn fill(&mut self, byte: u8) {
        self.chunks.fill_with(|| UnsafeCell::new(Chunk([byte; 16])));
    }

    /// The bytes as they are: what a driver has left there. No handle is in use meanwhile, since the memory is borrowed.
    #[must_use]
    pub fn bytes(&mut self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.chunks.iter_mut().flat_map(|chunk| chunk.get_mut().0).collect();
        bytes.truncate(self.len);
        bytes
    }

    /// The address that goes into a handle.
    pub(crate) fn as_ptr(&self) -> *mut c_void {
        UnsafeCell::raw_get(self.chunks.as_ptr()).cast()
    }
}

// SAFETY: what reads or writes the bytes here takes `&mut`; the driver, which does too, may be called from any thread.
unsafe impl Send for PrivateMemory {}
// SAFETY: as above.
unsafe impl Sync for PrivateMemory {}

impl fmt::Debug for PrivateMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateMemory").field("len", &self.len).finish_non_exhaustive()
    }
}

/// A copy of a message at an aligned address, where an application has it too: drivers read messages as structures.
pub(crate) struct AlignedBytes {
    storage: Vec<u8>,
    range: Range<usize>,
}

impl AlignedBytes {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.storage[self.range.clone()]
    }

    /// The address of the bytes, for a structure that points to them.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut c_void {
        self.bytes_mut().as_mut_ptr().cast()
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.storage[self.range.clone()]
    }
}

impl From<&[u8]> for AlignedBytes {
    fn from(bytes: &[u8]) -> Self {
        let mut storage = vec![0; bytes.len() + align_of::<Chunk>()];
        let start = storage.as_ptr().align_offset(align_of::<Chunk>());
        let range = start..start + bytes.len();
        storage[range.clone()].copy_from_slice(bytes);
        Self { storage, range }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_aligned_to_16_and_large_enough() {
        for len in [0, 1, 16, 17, 1000] {
            let memory = PrivateMemory::new(len);
            assert_eq!(memory.as_ptr().addr() % 16, 0);
            assert!(memory.chunks.len() * 16 >= len.max(1));
            assert_eq!(memory.len(), len);
        }
    }

    #[test]
    fn aligned_bytes_are_the_bytes_at_an_address_that_is_a_multiple_of_16() {
        let message: Vec<u8> = (0..40).collect();
        for start in 0..17 {
            for end in start..message.len() {
                let mut copy = AlignedBytes::from(&message[start..end]);
                assert_eq!(copy.bytes(), &message[start..end]);
                assert_eq!(copy.bytes_mut().as_ptr().addr() % 16, 0);
            }
        }
    }

    #[test]
    fn moving_the_owner_leaves_the_bytes_in_place() {
        let memory = PrivateMemory::new(64);
        let address = memory.as_ptr().addr();
        let moved = Box::new(memory);
        assert_eq!(moved.as_ptr().addr(), address);
    }
}
