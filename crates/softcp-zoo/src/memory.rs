//! Memory that a caller passes: null, or valid for the size that goes with it.

use std::ffi::c_void;
use std::marker::PhantomData;

/// A buffer and the size that goes with it, as the caller of an entry passes them.
#[derive(Clone, Copy)]
pub(crate) struct Buffer<'b> {
    pub(crate) data: *mut c_void,
    pub(crate) size: u32,
    lives: PhantomData<&'b ()>,
}

impl<'b> Buffer<'b> {
    /// # Safety
    /// `data` is null or valid for `size` bytes during `'b`; for writes too, if [`set`](Self::set) is called.
    pub(crate) unsafe fn new(data: *mut c_void, size: u32) -> Self {
        Self { data, size, lives: PhantomData }
    }

    /// These bytes, which an entry may write.
    pub(crate) fn of(bytes: &'b mut [u8]) -> Self {
        let size = u32::try_from(bytes.len()).expect("a buffer of a faulty driver is small");
        Self { data: bytes.as_mut_ptr().cast(), size, lives: PhantomData }
    }

    /// Null, of no size.
    pub(crate) fn null() -> Self {
        Self { data: std::ptr::null_mut(), size: 0, lives: PhantomData }
    }

    /// A copy of its bytes; none if it is null.
    pub(crate) fn get(self) -> Option<Vec<u8>> {
        if self.data.is_null() {
            return None;
        }
        let mut copy = vec![0_u8; self.size as usize];
        // SAFETY: valid for so many bytes by the duty of `new`; the copy is new memory.
        unsafe { std::ptr::copy_nonoverlapping(self.data.cast::<u8>(), copy.as_mut_ptr(), copy.len()) };
        Some(copy)
    }

    /// A copy, if it has 16 bytes.
    pub(crate) fn block(self) -> Option<[u8; 16]> {
        self.get()?.try_into().ok()
    }

    /// Writes as much of `bytes` as there is room for.
    pub(crate) fn set(self, bytes: &[u8]) {
        if self.data.is_null() {
            return;
        }
        let len = bytes.len().min(self.size as usize);
        // SAFETY: valid for so many bytes by the duty of `new`.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.data.cast::<u8>(), len) };
    }
}

/// What a pointer points to; none if it is null.
///
/// # Safety
/// Null or valid for a read.
pub(crate) unsafe fn read<T: Copy>(from: *const T) -> Option<T> {
    if from.is_null() {
        return None;
    }
    // SAFETY: the caller's duty.
    Some(unsafe { from.read_unaligned() })
}

/// Writes through a pointer that is not null.
///
/// # Safety
/// Null or valid for a write.
pub(crate) unsafe fn write<T>(to: *mut T, value: T) {
    if !to.is_null() {
        // SAFETY: the caller's duty.
        unsafe { to.write_unaligned(value) };
    }
}
