//! Messages on a channel as they come from a caller: copied, so that what is checked is what is used, and no further
//! than they can count, whatever size is said.

use std::ffi::c_void;

use crate::hresult::Result;
use crate::pointer;

/// A query: its header, and the members behind it that a query of its kind has.
///
/// # Safety
/// `data` is null or valid for reads of `size` bytes.
pub(crate) unsafe fn query(name: &'static str, data: *const c_void, size: u32) -> Result<Vec<u8>> {
    let size = size as usize;
    let mut header = [0; 64];
    let header = &mut header[..size.min(softcp::query_size(&[]))];
    // SAFETY: the caller's duty, for at least as many bytes.
    unsafe { pointer::copy_to(name, data, header) }?;
    // SAFETY: as above.
    unsafe { pointer::copy(name, data, size.min(softcp::query_size(header))) }
}

/// A command. Of one that is longer than any, the header is read and the rest is zeros: the engine refuses it by its
/// length, and answers with the header.
///
/// # Safety
/// `data` is null or valid for reads of `size` bytes.
pub(crate) unsafe fn command(name: &'static str, data: *const c_void, size: u32) -> Result<Vec<u8>> {
    let size = size as usize;
    if size <= softcp::MAX_COMMAND_SIZE {
        // SAFETY: the caller's duty.
        return unsafe { pointer::copy(name, data, size) };
    }
    // SAFETY: the caller's duty, for fewer bytes.
    let mut message = unsafe { pointer::copy(name, data, softcp::command_header_size()) }?;
    message.resize(softcp::MAX_COMMAND_SIZE + 1, 0);
    Ok(message)
}
