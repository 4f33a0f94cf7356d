//! Scalar types by their C names.

use core::ffi::c_void;

/// Unsigned 32-bit number.
pub type UINT = u32;
/// Unsigned 64-bit number. Aligned to 8 bytes on 64-bit systems and on 32-bit Windows.
pub type UINT64 = u64;
/// Unsigned 16-bit number.
pub type USHORT = u16;
/// Truth value of 32 bits: zero is false, anything else true.
pub type BOOL = i32;
/// One byte.
pub type BYTE = u8;
/// Opaque handle, of pointer size.
pub type HANDLE = *mut c_void;
/// Size in bytes, of pointer size.
pub type SIZE_T = usize;
/// False.
pub const FALSE: BOOL = 0;
/// True.
pub const TRUE: BOOL = 1;
