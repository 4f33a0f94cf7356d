//! Raw pointers of a caller become references, slices and values here: each helper checks for null and states the duty
//! that it passes on.

use std::ffi::{c_char, c_void};

use crate::call_log;
use crate::hresult::{Failure, Result};

/// The value that `pointer` points to; null is an error.
///
/// # Safety
/// `pointer` is null or valid for a read of a `T`, and its bytes are a `T`. It need not be aligned.
pub(crate) unsafe fn read<T: Copy>(name: &'static str, pointer: *const T) -> Result<T> {
    if pointer.is_null() {
        return Err(Failure::Null(name));
    }
    // SAFETY: not null, so by the caller's duty valid for the read.
    Ok(unsafe { pointer.read_unaligned() })
}

/// As [`read`], but null is `default`.
///
/// # Safety
/// As for [`read`].
pub(crate) unsafe fn read_or<T: Copy>(pointer: *const T, default: T) -> T {
    // SAFETY: the caller's duty is the same.
    unsafe { read_or_null(pointer) }.unwrap_or(default)
}

/// As [`read`], but null is none.
///
/// # Safety
/// As for [`read`].
pub(crate) unsafe fn read_or_null<T: Copy>(pointer: *const T) -> Option<T> {
    // SAFETY: the caller's duty is the same.
    unsafe { read("", pointer) }.ok()
}

/// Writes `value` to `pointer`; null is an error.
///
/// # Safety
/// `pointer` is null or valid for a write of a `T`. It need not be aligned.
pub(crate) unsafe fn write<T: Copy>(name: &'static str, pointer: *mut T, value: T) -> Result<()> {
    if pointer.is_null() {
        return Err(Failure::Null(name));
    }
    // SAFETY: not null, so by the caller's duty valid for the write.
    unsafe { pointer.write_unaligned(value) };
    Ok(())
}

/// The `size` bytes at `data`; null is an error unless `size` is 0.
///
/// # Safety
/// `data` is null or valid for reads of `size` bytes that nothing writes during `'a`.
pub(crate) unsafe fn bytes<'a>(name: &'static str, data: *const c_void, size: usize) -> Result<&'a [u8]> {
    if !check_bytes(name, data, size)? {
        return Ok(&[]);
    }
    // SAFETY: not null, and not larger than any object, so by the caller's duty valid for `'a`.
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), size) })
}

/// As [`bytes`], but null is none, whatever the size.
///
/// # Safety
/// As for [`bytes`].
pub(crate) unsafe fn bytes_or_null<'a>(data: *const c_void, size: usize) -> Result<Option<&'a [u8]>> {
    if data.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's duty is the same.
    unsafe { bytes("", data, size) }.map(Some)
}

/// As [`bytes`], but null without a size is none. Null with a size is an error: something was to be there.
///
/// # Safety
/// As for [`bytes`].
pub(crate) unsafe fn optional_bytes<'a>(
    name: &'static str,
    data: *const c_void,
    size: usize,
) -> Result<Option<&'a [u8]>> {
    // Null with a size is an error (D72).
    if data.is_null() && size == 0 {
        return Ok(None);
    }
    // SAFETY: the caller's duty is the same.
    unsafe { bytes(name, data, size) }.map(Some)
}

/// The `size` bytes at `data`, to write; null is an error unless `size` is 0.
///
/// # Safety
/// `data` is null or valid for reads and writes of `size` bytes that nothing else touches during `'a`.
pub(crate) unsafe fn bytes_mut<'a>(name: &'static str, data: *mut c_void, size: usize) -> Result<&'a mut [u8]> {
    if !check_bytes(name, data, size)? {
        return Ok(&mut []);
    }
    // SAFETY: not null, and not larger than any object, so by the caller's duty valid and exclusive for `'a`.
    Ok(unsafe { std::slice::from_raw_parts_mut(data.cast(), size) })
}

/// A copy of the `size` bytes at `data`, which may lie where the call writes later; null is an error unless `size` is 0.
///
/// # Safety
/// `data` is null or valid for reads of `size` bytes that nothing writes during the call.
pub(crate) unsafe fn copy(name: &'static str, data: *const c_void, size: usize) -> Result<Vec<u8>> {
    // SAFETY: the caller's duty is the same.
    unsafe { bytes(name, data, size) }.map(<[u8]>::to_vec)
}

/// Copies the first bytes at `data` to `to`; null is an error unless `to` is empty.
///
/// # Safety
/// `data` is null or valid for reads of as many bytes that nothing writes during the call.
pub(crate) unsafe fn copy_to(name: &'static str, data: *const c_void, to: &mut [u8]) -> Result<()> {
    // SAFETY: the caller's duty is the same.
    to.copy_from_slice(unsafe { bytes(name, data, to.len()) }?);
    Ok(())
}

/// Writes `bytes` to `data`; null is an error.
///
/// # Safety
/// `data` is null or valid for writes of as many bytes.
pub(crate) unsafe fn write_bytes(name: &'static str, data: *mut c_void, bytes: &[u8]) -> Result<()> {
    check_not_null(name, data)?;
    // SAFETY: not null, so by the caller's duty writable; `bytes` is memory of this library.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), data.cast(), bytes.len()) };
    Ok(())
}

/// Null is an error: for an output that is written only after the call has had its effect.
pub(crate) fn check_not_null(name: &'static str, pointer: *const c_void) -> Result<()> {
    if pointer.is_null() { Err(Failure::Null(name)) } else { Ok(()) }
}

/// Most bytes of a text that a caller passes, the zero byte not counted: none has a size, so the search for its end stops
/// somewhere (D34).
pub(crate) const MAX_TEXT: usize = 1 << 16;

/// The string at `text`, none when null; one of more than [`MAX_TEXT`] bytes is an error.
///
/// # Safety
/// `text` is null or a string ending in a zero byte that nothing writes during `'a`.
pub(crate) unsafe fn string<'a>(name: &'static str, text: *const c_char) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    let is_end = |&at: &usize| {
        // SAFETY: no byte before was zero, so by the caller's duty the string goes on to here.
        let byte = unsafe { text.wrapping_add(at).read() };
        byte == 0
    };
    let length = (0..=MAX_TEXT).find(is_end).ok_or(Failure::Invalid("a text has more than 65,536 bytes"))?;
    // SAFETY: not null, and by the caller's duty and the search above so many bytes are there.
    let bytes = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), length) };
    std::str::from_utf8(bytes).map(Some).map_err(|_| Failure::NotUtf8(name))
}

/// Reads a structure whose first member is its size as the caller knows it. Members past that size are zero, so a
/// caller built against an older header works with a newer library; a size smaller than `smallest` is an error. The
/// structures have no padding between members of different sizes, so a size that is no multiple of the alignment cuts a
/// member in two: that member is zero as well, never half a pointer.
///
/// # Safety
/// `pointer` is null or points to a structure that begins with its size in bytes as `u32` and is valid for reads of
/// that many bytes, laid out as the first bytes of a `T`. `T` is valid when all its bytes are zero.
pub(crate) unsafe fn versioned<T: Copy + Default>(name: &'static str, pointer: *const T, smallest: usize) -> Result<T> {
    // SAFETY: null, or by the caller's duty valid for the size that comes first.
    let given = unsafe { read(name, pointer.cast::<u32>()) }?;
    let size = usize::try_from(given).unwrap_or(usize::MAX).min(size_of::<T>());
    let size = size - size % align_of::<T>();
    if size < smallest {
        return Err(Failure::StructureSize { name, given });
    }
    let mut value = T::default();
    // SAFETY: `pointer` is valid for at least `size` bytes by the caller's duty, `value` since `size` is at most its
    // own, and they do not overlap.
    unsafe { std::ptr::copy_nonoverlapping(pointer.cast::<u8>(), (&raw mut value).cast(), size) };
    Ok(value)
}

/// As [`versioned`], for a structure that is also written: it must have all members that this version has.
///
/// # Safety
/// As for [`versioned`].
pub(crate) unsafe fn whole<T: Copy + Default>(name: &'static str, pointer: *const T) -> Result<T> {
    // SAFETY: the caller's duty is the same.
    unsafe { versioned(name, pointer, size_of::<T>()) }
}

/// Whether there are bytes to make a slice of.
fn check_bytes(name: &'static str, data: *const c_void, size: usize) -> Result<bool> {
    call_log::note_size(name, size);
    if size == 0 {
        return Ok(false);
    }
    if data.is_null() {
        return Err(Failure::Null(name));
    }
    if isize::try_from(size).is_err() {
        return Err(Failure::Invalid("a size is larger than the address space"));
    }
    Ok(true)
}
