//! Hardware-protection sessions: commands to the secure environment.

use std::ffi::c_void;

use softcp::secure::{CommandBuffers, CommandSizes, SecureEffect};
use softcp_abi::GUID_NULL;

use super::device::{borrow, softcp_device};
use super::types::{softcp_guid, softcp_hresult, softcp_session};
use crate::environment::{SOFTCP_SECURE_EFFECT_NONE, SOFTCP_SECURE_EFFECT_PROVISIONED, SOFTCP_SECURE_EFFECT_TORN_DOWN};
use crate::{guard, pointer};

/// One command to the secure environment: of an application to `softcp_session_execute`, and of the library to the
/// `execute` of a `softcp_secure_environment`. All sizes are in bytes.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub struct softcp_secure_command {
    /// Size of this structure as the caller knows it.
    pub size: u32,
    /// Number of the command, defined by the environment. The built-in one has 1 version, 2 provision, 3 load licence,
    /// 4 make key blob, 5 revoke, 6 teardown.
    pub function: u32,
    /// Private bytes of the command, as many as `softcp_private_data_sizes` says.
    pub private_input: *const c_void,
    /// The command's bytes; may be null for none (D29).
    pub input: *const c_void,
    /// Where the private bytes of the answer go, as many as `softcp_private_data_sizes` says.
    pub private_output: *mut c_void,
    /// Where the answer goes. All of it is written: the answer, then zeros. Does not overlap with anything else.
    pub output: *mut c_void,
    /// Bytes of `private_input`.
    pub private_input_size: u32,
    /// Bytes of `input`.
    pub input_size: u32,
    /// Bytes of `private_output`.
    pub private_output_size: u32,
    /// Bytes of `output`.
    pub output_size: u32,
    /// Written: bytes of the answer.
    pub written: u32,
    /// Written: an HRESULT, how the command ended.
    pub status: softcp_hresult,
    /// Written: time on the way to the environment and back, in units of 100 ns.
    pub transport_time: u64,
    /// Written: time in the environment, in units of 100 ns.
    pub execution_time: u64,
    /// Written: SOFTCP_SECURE_EFFECT_, what the command did to the keys of sessions.
    pub effect: u32,
    /// Reserved, zero.
    pub reserved: u32,
}

impl Default for softcp_secure_command {
    fn default() -> Self {
        Self {
            size: 0,
            function: 0,
            private_input: std::ptr::null(),
            input: std::ptr::null(),
            private_output: std::ptr::null_mut(),
            output: std::ptr::null_mut(),
            private_input_size: 0,
            input_size: 0,
            private_output_size: 0,
            output_size: 0,
            written: 0,
            status: 0,
            transport_time: 0,
            execution_time: 0,
            effect: SOFTCP_SECURE_EFFECT_NONE,
            reserved: 0,
        }
    }
}

/// Carries one command of a session whose key exchange type is D3D11_KEY_EXCHANGE_HW_PROTECTION to the secure environment.
/// May be called from several threads at once. A command that the environment refuses is SOFTCP_S_OK here; `status` says
/// so. A command that tears down has the host's `teardown` called.
///
/// SOFTCP_E_INVALIDCALL: a session of another key exchange. SOFTCP_E_INVALIDARG: private bytes of another size, input or
/// output of more than 1,048,576 bytes (D34), before a byte of them is touched; null pointers. Then the outputs keep their bytes, and the written members are zero but for `status`.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `command` is null or points to a structure of its `size`, valid
/// for writes, whose pointers are null or valid for their sizes; nothing else touches the outputs during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_session_execute(
    device: *const softcp_device,
    session: softcp_session,
    command: *mut softcp_secure_command,
) -> softcp_hresult {
    let hresult = guard::run("softcp_session_execute", || {
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        // SAFETY: the caller's duty on `command`: all its members are there, or this is an error.
        let mut given = unsafe { pointer::whole("softcp_secure_command", command) }?;
        let sizes = CommandSizes {
            private_input: given.private_input_size as usize,
            input: given.input_size as usize,
            private_output: given.private_output_size as usize,
            output: given.output_size as usize,
        };
        device.check_command(session, &sizes)?;
        // SAFETY: the caller's duty on the command's pointers.
        let private_input =
            unsafe { pointer::copy("private_input", given.private_input, given.private_input_size as usize) }?;
        // SAFETY: as above.
        let input = unsafe { pointer::copy("input", given.input, given.input_size as usize) }?;
        // SAFETY: as above.
        let private_output =
            unsafe { pointer::bytes_mut("private_output", given.private_output, given.private_output_size as usize) }?;
        // SAFETY: as above.
        let output = unsafe { pointer::bytes_mut("output", given.output, given.output_size as usize) }?;
        let buffers = CommandBuffers { private_input: &private_input, input: &input, private_output, output };
        let report = device.execute_command(session, given.function, buffers)?;
        given.written = report.written;
        given.status = report.status;
        given.transport_time = report.transport_time;
        given.execution_time = report.execution_time;
        given.effect = match report.effect {
            SecureEffect::None => SOFTCP_SECURE_EFFECT_NONE,
            SecureEffect::Provisioned => SOFTCP_SECURE_EFFECT_PROVISIONED,
            SecureEffect::TornDown => SOFTCP_SECURE_EFFECT_TORN_DOWN,
        };
        // SAFETY: the caller's duty on `command`.
        unsafe { pointer::write("softcp_secure_command", command, given) }
    });
    if hresult != 0 {
        // SAFETY: the caller's duty on `command`.
        if let Ok(mut given) = unsafe { pointer::whole("softcp_secure_command", command) } {
            (given.written, given.status, given.effect) = (0, hresult, SOFTCP_SECURE_EFFECT_NONE);
            (given.transport_time, given.execution_time) = (0, 0);
            // SAFETY: as above.
            let _ = unsafe { pointer::write("softcp_secure_command", command, given) };
        }
    }
    hresult
}

/// Writes how many private bytes a command and its answer begin with; both are zero for other key exchange types than
/// D3D11_KEY_EXCHANGE_HW_PROTECTION, and for the built-in environment. A null decode profile stands for none.
/// SOFTCP_E_UNSUPPORTEDCRYPTO: no session can be created for these.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; the GUIDs are null or readable; the sizes are null or valid for a
/// write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_private_data_sizes(
    device: *const softcp_device,
    crypto_type: *const softcp_guid,
    decode_profile: *const softcp_guid,
    key_exchange_type: *const softcp_guid,
    input_size: *mut u32,
    output_size: *mut u32,
) -> softcp_hresult {
    guard::run("softcp_private_data_sizes", || {
        // SAFETY: the caller's duty on the sizes.
        let input = unsafe { pointer::write("input_size", input_size, 0) };
        // SAFETY: as above.
        unsafe { pointer::write("output_size", output_size, 0) }?;
        input?;
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        // SAFETY: the caller's duty on the GUIDs.
        let crypto_type = unsafe { pointer::read("crypto_type", crypto_type) }?;
        // SAFETY: as above.
        let decode_profile = unsafe { pointer::read_or(decode_profile, GUID_NULL.into()) };
        // SAFETY: as above.
        let key_exchange_type = unsafe { pointer::read("key_exchange_type", key_exchange_type) }?;
        let sizes = device.private_sizes(crypto_type.into(), decode_profile.into(), key_exchange_type.into())?;
        // SAFETY: the caller's duty on the sizes.
        unsafe { pointer::write("input_size", input_size, sizes.input) }?;
        // SAFETY: as above.
        unsafe { pointer::write("output_size", output_size, sizes.output) }
    })
}

/// Has the secure environment set a session's hardware key up, and writes its 64 bits for the application to `data`. A
/// session that lost its key is SOFTCP_SESSION_STATUS_OK afterwards. SOFTCP_E_INVALIDCALL: the session's keys do not come
/// from the environment. SOFTCP_E_NOTIMPL: hardware DRM communication is not offered. SOFTCP_E_INVALIDARG: a private input of
/// more than 65,536 bytes (D34).
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `private_input` is null or valid for reads of its size; `data` is
/// null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_session_new_hardware_key(
    device: *const softcp_device,
    session: softcp_session,
    private_input_size: u32,
    private_input: *const c_void,
    data: *mut u64,
) -> softcp_hresult {
    guard::run("softcp_session_new_hardware_key", || {
        // SAFETY: the caller's duty on `data`.
        unsafe { pointer::write("data", data, 0) }?;
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        device.check_new_hardware_key(session, private_input_size as usize)?;
        // SAFETY: the caller's duty on `private_input`, which is not larger than it may be.
        let input = unsafe { pointer::copy("private_input", private_input, private_input_size as usize) }?;
        let made = device.new_hardware_key(session, &input)?;
        // SAFETY: the caller's duty on `data`.
        unsafe { pointer::write("data", data, made) }
    })
}
