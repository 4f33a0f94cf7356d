//! Secure environments of the host, behind the hardware-protection sessions of an adapter.

use std::ffi::c_void;

use softcp::secure::{EnvironmentError, PrivateSizes, SecureAnswer, SecureCommand, SecureEffect, SecureEnvironment};
use softcp::{ContentKey, GUID, Handle, KEY_SIZE};
use softcp_abi::{E_NOTIMPL, E_OUTOFMEMORY, E_UNEXPECTED, HRESULT, S_OK};

use crate::core::hardware::softcp_secure_command;
use crate::core::types::{softcp_guid, softcp_session};
use crate::hresult::{Failure, Result};

/// Effect of a command: nothing that the status of a session tells.
pub const SOFTCP_SECURE_EFFECT_NONE: u32 = 0;
/// Effect of a command: the environment has what the session needs, which is SOFTCP_SESSION_STATUS_OK from now on.
pub const SOFTCP_SECURE_EFFECT_PROVISIONED: u32 = 1;
/// Effect of a command: the environment has forgotten everything, and every session of the adapter loses its key.
pub const SOFTCP_SECURE_EFFECT_TORN_DOWN: u32 = 2;

/// A secure environment: what stands behind the hardware-protection sessions of an adapter, in place of the built-in one.
/// All callbacks but `execute` may be null. No lock is held while one of them runs, so it may call this library again.
/// They are called on the thread of the call that needs them, from several threads at once.
///
/// An adapter is given one by `softcp_adapter_desc.environment`, and uses it where its capabilities include hardware DRM
/// communication (capabilities.flags.hardware_drm_communication), nowhere else.
#[repr(C)]
#[derive(Clone, Copy, Default)]
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub struct softcp_secure_environment {
    /// Size of this structure in bytes as the host knows it.
    pub size: u32,
    /// Private bytes that each command begins with, as `softcp_private_data_sizes` reports them; may be 0.
    pub private_input_size: u32,
    /// Private bytes that each answer begins with; may be 0.
    pub private_output_size: u32,
    /// Reserved, zero.
    pub reserved: u32,
    /// First argument of every callback.
    pub context: *mut c_void,
    /// Runs one command of `session`, which is the handle that applications know the session by.
    ///
    /// `command` is the library's, for this call alone. It tells the function and what goes in; `private_input` has
    /// `private_input_size` bytes and `private_output` room for `private_output_size`, both as above. The callback writes
    /// the answer to `output`, room for `output_size` bytes, and sets `written` and whatever else is written in it. All of
    /// these are zero when it begins: a callback that does nothing has succeeded with an empty answer. Pointers are null
    /// where their size is 0.
    ///
    /// A command that fails says so in `status`. The effect counts in either case. An answer with more `written` than
    /// there is room for, or an unknown effect, is not used at all: the command ends with E_UNEXPECTED, but a
    /// SOFTCP_SECURE_EFFECT_TORN_DOWN counts nevertheless.
    pub execute: Option<
        unsafe extern "C" fn(context: *mut c_void, session: softcp_session, command: *mut softcp_secure_command),
    >,
    /// Opens a sealed key blob and writes its 16-byte content key to `key`. `blob_size` is any number, 0 included; `blob`
    /// is null where it is 0. `key_id` is the identifier of the key that the caller expects in it; null where the caller
    /// says none, or says the null GUID or the crypto type's, which browsers do. A failure is passed on. Asked only if the
    /// device's host has no `unwrap_key`. Null: sealed keys are SOFTCP_E_INVALIDARG.
    pub open_key: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            blob: *const c_void,
            blob_size: u32,
            key_id: *const softcp_guid,
            key: *mut u8,
        ) -> HRESULT,
    >,
    /// Sets a session's hardware key up and writes its 64 bits for the application to `data`, for
    /// GetDataForNewHardwareKey and `softcp_session_new_hardware_key`. `private_input` is null where its size is 0. A
    /// failure is passed on. Null: SOFTCP_E_NOTIMPL.
    pub new_hardware_key: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            session: softcp_session,
            private_input_size: u32,
            private_input: *const c_void,
            data: *mut u64,
        ) -> HRESULT,
    >,
    /// Forgets everything, keys and provisioning: `softcp_adapter_teardown` was called. The sessions lose their keys
    /// afterwards. Not called for a command with SOFTCP_SECURE_EFFECT_TORN_DOWN, which has done so itself. Null: there is
    /// nothing to forget.
    pub teardown: Option<unsafe extern "C" fn(context: *mut c_void)>,
}

/// An environment whose required callback is there.
pub(crate) struct HostEnvironment(softcp_secure_environment);

// SAFETY: the environment's context and callbacks may be used from any thread; `softcp_adapter_create` states that duty.
unsafe impl Send for HostEnvironment {}
// SAFETY: as for Send.
unsafe impl Sync for HostEnvironment {}

impl HostEnvironment {
    /// Takes the callbacks; `execute` must be there.
    ///
    /// # Safety
    /// The callbacks may be called with their context, from any thread, until the environment is dropped.
    pub(crate) unsafe fn new(environment: softcp_secure_environment) -> Result<Self> {
        environment.execute.ok_or(Failure::Null("softcp_secure_environment.execute"))?;
        Ok(Self(environment))
    }
}

impl SecureEnvironment for HostEnvironment {
    fn private_sizes(&self) -> PrivateSizes {
        PrivateSizes { input: self.0.private_input_size, output: self.0.private_output_size }
    }

    fn execute(&self, command: SecureCommand<'_>) -> SecureAnswer {
        let execute = self.0.execute.expect("checked when the environment was taken");
        let SecureCommand { session, function, private_input, input, room } = command;
        let answers = (zeros(self.0.private_output_size as usize), zeros(room));
        let (Some(mut private_output), Some(mut output)) = answers else {
            return SecureAnswer::failed(E_OUTOFMEMORY);
        };
        let (Ok(input_size), Ok(output_size)) = (u32::try_from(input.len()), u32::try_from(room)) else {
            return SecureAnswer::failed(E_OUTOFMEMORY);
        };
        let mut told = softcp_secure_command {
            size: SIZE_OF_COMMAND,
            function,
            private_input: start(private_input),
            input: start(input),
            private_output: start_mut(&mut private_output),
            output: start_mut(&mut output),
            private_input_size: self.0.private_input_size,
            input_size,
            private_output_size: self.0.private_output_size,
            output_size,
            ..softcp_secure_command::default()
        };
        // SAFETY: `new` took the host's word for its callbacks; the command and its memory live past the call.
        unsafe { execute(self.0.context, session.get(), &raw mut told) };
        let effect = match told.effect {
            SOFTCP_SECURE_EFFECT_NONE => SecureEffect::None,
            SOFTCP_SECURE_EFFECT_PROVISIONED => SecureEffect::Provisioned,
            SOFTCP_SECURE_EFFECT_TORN_DOWN => SecureEffect::TornDown,
            _ => return SecureAnswer::failed(E_UNEXPECTED),
        };
        if told.written > output_size {
            // What was lost is lost, whatever else the environment says.
            let effect = if effect == SecureEffect::TornDown { effect } else { SecureEffect::None };
            return SecureAnswer { effect, ..SecureAnswer::failed(E_UNEXPECTED) };
        }
        output.truncate(told.written as usize);
        SecureAnswer {
            status: told.status,
            output,
            private_output,
            transport_time: told.transport_time,
            execution_time: told.execution_time,
            effect,
        }
    }

    fn open_key(&self, blob: &[u8], key_id: Option<&GUID>) -> Result<ContentKey, EnvironmentError> {
        let (Some(open_key), Ok(size)) = (self.0.open_key, u32::try_from(blob.len())) else {
            return Err(EnvironmentError::BadBlob);
        };
        let key_id = key_id.map(|&id| softcp_guid::from(id));
        let key_id = key_id.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let mut key = [0; KEY_SIZE];
        // SAFETY: `new` took the host's word; blob, identifier and key live past the call and have these sizes.
        check(unsafe { open_key(self.0.context, start(blob), size, key_id, key.as_mut_ptr()) })?;
        Ok(ContentKey::new(key))
    }

    fn new_hardware_key(&self, session: Handle, private_input: &[u8]) -> Result<u64, EnvironmentError> {
        let new_hardware_key = self.0.new_hardware_key.ok_or(EnvironmentError::Failed(E_NOTIMPL))?;
        let size = u32::try_from(private_input.len()).map_err(|_| EnvironmentError::BadInput)?;
        let mut data = 0;
        // SAFETY: `new` took the host's word; the input lives past the call and has this size, as does the output.
        check(unsafe { new_hardware_key(self.0.context, session.get(), size, start(private_input), &raw mut data) })?;
        Ok(data)
    }

    fn teardown(&self) {
        if let Some(teardown) = self.0.teardown {
            // SAFETY: `new` took the host's word.
            unsafe { teardown(self.0.context) };
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "less than a hundred bytes")]
const SIZE_OF_COMMAND: u32 = size_of::<softcp_secure_command>() as u32;

/// So many zeros; none where there is no memory for them, since an application names the number.
fn zeros(count: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(count).ok()?;
    bytes.resize(count, 0);
    Some(bytes)
}

/// Where the bytes start; null where there are none, so that C is never shown a pointer to nothing.
fn start(bytes: &[u8]) -> *const c_void {
    if bytes.is_empty() { std::ptr::null() } else { bytes.as_ptr().cast() }
}

/// As [`start`], to write.
fn start_mut(bytes: &mut [u8]) -> *mut c_void {
    if bytes.is_empty() { std::ptr::null_mut() } else { bytes.as_mut_ptr().cast() }
}

/// A negative HRESULT is a failure, as with the callbacks of `softcp_host`.
fn check(hresult: HRESULT) -> Result<(), EnvironmentError> {
    if hresult >= S_OK { Ok(()) } else { Err(EnvironmentError::Failed(hresult)) }
}
