//! Authenticated channels.

use std::ffi::c_void;

use super::device::{borrow, borrow_removed, softcp_device};
use super::types::{softcp_channel, softcp_hresult};
use crate::device::CertificateOf;
use crate::{guard, message, pointer};

/// Channel type: the driver's software.
pub const SOFTCP_CHANNEL_DRIVER_SOFTWARE: u32 = 2;
/// Channel type: the driver's hardware.
pub const SOFTCP_CHANNEL_DRIVER_HARDWARE: u32 = 3;

/// Creates a channel and writes it to `channel`: the number is also the handle that its messages carry, as
/// `(HANDLE)channel` in hChannel (D25).
///
/// An application then starts it up in this order: it checks the certificate, exchanges a key (`softcp_channel_negotiate`),
/// sends the command INITIALIZE with the first sequence numbers for queries and commands, asks QUERY_CHANNEL_TYPE, and from
/// then on sends commands and queries whose numbers begin with those and grow. Messages are the structures
/// `D3D11_AUTHENTICATED_CONFIGURE_…` and `D3D11_AUTHENTICATED_QUERY_…` of d3d11.h, which softcp_ddi.h has too, with their
/// GUIDs. An `omac` member is the AES-128 CMAC under the channel's key of all bytes behind it, padding included.
///
/// SOFTCP_E_INVALIDARG: another type than the two of a driver. SOFTCP_E_OUTOFMEMORY: too many channels.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `channel` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_channel_create(
    device: *const softcp_device,
    channel_type: u32,
    channel: *mut softcp_channel,
) -> softcp_hresult {
    guard::run("softcp_channel_create", || {
        // SAFETY: the caller's duty on `channel`.
        unsafe { pointer::write("channel", channel, 0) }?;
        // SAFETY: the caller's duty on `device`.
        let id = unsafe { borrow(device) }?.create_channel(channel_type)?;
        // SAFETY: the caller's duty on `channel`.
        unsafe { pointer::write("channel", channel, id) }
    })
}

/// Destroys a channel: what it has set ends with it. Zero does nothing. SOFTCP_E_INVALIDARG: not a live channel of this
/// device, which is harmless.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_channel_destroy(
    device: *const softcp_device,
    channel: softcp_channel,
) -> softcp_hresult {
    guard::run("softcp_channel_destroy", || {
        // SAFETY: the caller's duty on `device`.
        unsafe { borrow_removed(device) }?.destroy_channel(channel)
    })
}

/// Writes the size of the certificate chain for channels of a type in bytes to `size`. The first call may make the
/// identity, which takes up to half a second. SOFTCP_E_INVALIDARG: another type than the two of a driver.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `size` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_channel_certificate_size(
    device: *const softcp_device,
    channel_type: u32,
    size: *mut u32,
) -> softcp_hresult {
    guard::run("softcp_channel_certificate_size", || {
        // SAFETY: the caller's duty on `size`.
        unsafe { pointer::write("size", size, 0) }?;
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        let bytes = device.certificate_size(CertificateOf::AuthenticatedChannel(channel_type))?;
        // SAFETY: the caller's duty on `size`.
        unsafe { pointer::write("size", size, bytes) }
    })
}

/// Writes the certificate chain for channels of a type to `certificate`, in the form of `softcp_session_certificate`.
/// `size` must be exactly its size, else SOFTCP_E_INVALIDARG and the buffer is untouched.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `certificate` is null or valid for writes of `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_channel_certificate(
    device: *const softcp_device,
    channel_type: u32,
    size: u32,
    certificate: *mut c_void,
) -> softcp_hresult {
    guard::run("softcp_channel_certificate", || {
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        // SAFETY: the caller's duty on `certificate`.
        let certificate = unsafe { pointer::bytes_mut("certificate", certificate, size as usize) }?;
        device.certificate(CertificateOf::AuthenticatedChannel(channel_type), certificate)
    })
}

/// Key exchange: `data` is the channel key, encrypted as a session key is (`softcp_session_negotiate`), exactly 256
/// bytes. Any state; replaces a key, while the sequence numbers go on. SOFTCP_E_INVALIDARG: wrong size or failed
/// decryption, not told apart further (D22); then nothing changes.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `data` is null or valid for reads of `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_channel_negotiate(
    device: *const softcp_device,
    channel: softcp_channel,
    size: u32,
    data: *const c_void,
) -> softcp_hresult {
    guard::run("softcp_channel_negotiate", || {
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        // SAFETY: the caller's duty on `data`.
        let data = unsafe { pointer::bytes("data", data, size as usize) }?;
        device.negotiate_channel(channel, data)
    })
}

/// Query. `input` holds a D3D11_AUTHENTICATED_QUERY_INPUT, or the longer structure of the query; `output` receives the
/// structure of its answer. Both may be larger, may overlap, and need no alignment.
///
/// A refused query is answered too, with the return code in the answer and zeros behind the header. What is written, and
/// what the answer's `omac` covers, is the whole structure of the query's answer if `output_size` has room for it; else, and
/// for an unknown query, a D3D11_AUTHENTICATED_QUERY_OUTPUT. It is signed if the channel has a key, else its `omac` is zero.
/// Only when `input` or `output` cannot hold a header is nothing written (D17). SOFTCP_E_INVALIDARG: wrong channel handle, not
/// initialised, sequence number not greater than the last (it is used up otherwise, whatever comes after), a size too
/// small, an index past the end, a handle that names nothing or another kind of object, as the channel itself (D39).
/// SOFTCP_E_FAIL: unknown query, or outputs that the host cannot tell (D35). SOFTCP_E_DEVICEREMOVED: the device was removed;
/// that, too, is answered and signed (D36).
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `input` is null or valid for reads of `input_size` bytes,
/// `output` null or valid for writes of `output_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_channel_query(
    device: *const softcp_device,
    channel: softcp_channel,
    input_size: u32,
    input: *const c_void,
    output_size: u32,
    output: *mut c_void,
) -> softcp_hresult {
    guard::run("softcp_channel_query", || {
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow_removed(device) }?;
        // SAFETY: the caller's duty on `input`.
        let message = unsafe { message::query("input", input, input_size) }?;
        pointer::check_not_null("output", output)?;
        let reply = device.query_channel(channel, &message, output_size as usize);
        // SAFETY: the caller's duty on `output`; the answer is not longer than `output_size`.
        unsafe { pointer::write_bytes("output", output, &reply.message) }?;
        Ok(reply.result?)
    })
}

/// Command. `input` is exactly the structure of the command (D14), which begins with a
/// D3D11_AUTHENTICATED_CONFIGURE_INPUT; `output` receives a D3D11_AUTHENTICATED_CONFIGURE_OUTPUT, 48 bytes, or 44 on 32-bit
/// machines. Both may overlap, and need no alignment. Of an input of more than 4096 bytes only the header is read; it is
/// refused as one with a wrong OMAC.
///
/// The answer repeats the header and carries the return code, of a refused command too; it is signed if the channel has
/// a key. SOFTCP_E_INVALIDARG, in the order of the checks (D15): shorter than a header, wrong OMAC, wrong channel handle,
/// not initialised or a second INITIALIZE (D16), sequence number not greater than the last; then nothing changes. Past
/// that the number is used up: SOFTCP_E_FAIL for an unknown command, SOFTCP_E_INVALIDARG for a wrong size or a value
/// that is refused, a handle of another kind included (D39), SOFTCP_E_OUTOFMEMORY for too many allowed processes; nothing
/// else changes. SOFTCP_E_DEVICEREMOVED: the device was removed; that, too, is answered and signed (D36).
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `input` is null or valid for reads of `input_size` bytes,
/// `output` null or valid for a write of the structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_channel_configure(
    device: *const softcp_device,
    channel: softcp_channel,
    input_size: u32,
    input: *const c_void,
    output: *mut c_void,
) -> softcp_hresult {
    guard::run("softcp_channel_configure", || {
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow_removed(device) }?;
        // SAFETY: the caller's duty on `input`.
        let message = unsafe { message::command("input", input, input_size) }?;
        pointer::check_not_null("output", output)?;
        let reply = device.configure_channel(channel, &message);
        // SAFETY: the caller's duty on `output`: the answer is a D3D11_AUTHENTICATED_CONFIGURE_OUTPUT.
        unsafe { pointer::write_bytes("output", output, &reply.message) }?;
        Ok(reply.result?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_types_are_those_of_the_ddi() {
        assert_eq!(SOFTCP_CHANNEL_DRIVER_SOFTWARE, softcp_abi::D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
        assert_eq!(SOFTCP_CHANNEL_DRIVER_HARDWARE, softcp_abi::D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE);
    }
}
