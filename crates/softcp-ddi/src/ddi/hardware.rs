//! The entries of hardware-protection sessions (WDDM 2.0 and 2.4).

use std::ffi::c_void;
use std::mem::offset_of;

use softcp::secure::{CommandBuffers, CommandSizes};
use softcp_abi::{
    D3D10DDI_HDEVICE, D3D11_1DDI_HCRYPTOSESSION, D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_DATA,
    D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA, D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA, GUID,
    GUID_NULL, HRESULT, UINT64,
};

use super::attach::{device, reporting};
use super::session::id;
use super::void_entry;
use crate::device::softcp_device;
use crate::hresult::{Failure, Result};
use crate::{guard, pointer};

type Data = D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_DATA;
type Input = D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA;
type Output = D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA;

/// The sizes at the beginning of an input: `PrivateDataSize`, `HWProtectionDataSize`.
type InputSizes = [u32; 2];
/// The sizes at the beginning of an output: `PrivateDataSize`, `MaxHWProtectionDataSize`, `HWProtectionDataSize`.
type OutputSizes = [u32; 3];

/// `GetDataForNewHardwareKey` (WDDM 2.0): the data is zero on failure (D30).
pub(super) unsafe extern "system" fn get_data_for_new_hardware_key(
    h_device: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    private_input_size: u32,
    private_input: *const c_void,
    private_output: *mut UINT64,
) -> HRESULT {
    guard::run("GetDataForNewHardwareKey", || {
        // SAFETY: the runtime's duty: null or writable.
        unsafe { pointer::write("pPrivateOutputData", private_output, 0) }?;
        let device = device(h_device)?;
        // SAFETY: the runtime's duty on its session handle.
        let id = unsafe { id(session) }?;
        device.check_new_hardware_key(id, private_input_size as usize)?;
        // SAFETY: the runtime's duty: null or readable for its size, which is not larger than it may be.
        let input = unsafe { pointer::copy("pPrivateInputData", private_input, private_input_size as usize) }?;
        let made = device.new_hardware_key(id, &input)?;
        // SAFETY: as above.
        unsafe { pointer::write("pPrivateOutputData", private_output, made) }
    })
}

/// `GetCryptoSessionPrivateDataSize` (WDDM 2.0): both sizes are zero on failure (D30).
pub(super) unsafe extern "system" fn get_crypto_session_private_data_size(
    h_device: D3D10DDI_HDEVICE,
    crypto_type: *const GUID,
    decode_profile: *const GUID,
    key_exchange_type: *const GUID,
    input_size: *mut u32,
    output_size: *mut u32,
) {
    reporting(&void_entry::GET_CRYPTO_SESSION_PRIVATE_DATA_SIZE, h_device, || {
        // SAFETY: the runtime's duty: null or writable.
        let input = unsafe { pointer::write("pPrivateInputSize", input_size, 0) };
        // SAFETY: as above.
        unsafe { pointer::write("pPrivateOutputSize", output_size, 0) }?;
        input?;
        let device = device(h_device)?;
        // SAFETY: the runtime's duty: null or readable.
        let crypto_type = unsafe { pointer::read("pCryptoType", crypto_type) }?;
        // SAFETY: as above.
        let decode_profile = unsafe { pointer::read_or(decode_profile, GUID_NULL) };
        // SAFETY: as above.
        let key_exchange_type = unsafe { pointer::read("pKeyExchangeType", key_exchange_type) }?;
        let sizes = device.private_sizes(crypto_type, decode_profile, key_exchange_type)?;
        // SAFETY: the runtime's duty: null or writable.
        unsafe { pointer::write("pPrivateInputSize", input_size, sizes.input) }?;
        // SAFETY: as above.
        unsafe { pointer::write("pPrivateOutputSize", output_size, sizes.output) }
    });
}

/// `NegotiateCryptoSessionKeyExchangeMT` (WDDM 2.4): as the entry without MT, which is free-threaded here too.
pub(super) unsafe extern "system" fn negotiate_crypto_session_key_exchange_mt(
    h_device: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    flags: u32,
    data_size: u32,
    data: *mut c_void,
) -> HRESULT {
    guard::run("NegotiateCryptoSessionKeyExchangeMT", || {
        if flags != 0 {
            return Err(Failure::Invalid("NegotiateCryptoSessionKeyExchangeMT has no flags yet"));
        }
        // SAFETY: the runtime's duty on its session handle and on the data.
        unsafe { super::session::negotiate(h_device, session, data_size, data) }
    })
}

/// The key exchange of a command session: one command. What it says of its sizes is compared with what they may be before
/// anything behind the structures is touched (D34). On failure the status is the failure, the sizes and times written
/// are zero, and the output bytes stay.
///
/// # Safety
/// `data` is null or valid for reads and writes of `size` bytes; as a [`Data`], its pointers are null or valid for their
/// structures and for the bytes that these say follow. Nothing else touches them during the call.
pub(super) unsafe fn execute(device: &softcp_device, session: usize, data: *mut c_void, size: usize) -> Result<()> {
    if size != size_of::<Data>() {
        return Err(Failure::Invalid("pData is no D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA"));
    }
    // SAFETY: the caller's duty: null or this structure.
    let given = unsafe { pointer::read("pData", data.cast::<Data>()) }?;
    // SAFETY: the caller's duty on its pointers.
    let result = unsafe { execute_given(device, session, &given) };
    let status = result.as_ref().map_or_else(Failure::hresult, |status| *status);
    let status_at = data.cast::<Data>().wrapping_byte_add(offset_of!(Data, Status)).cast::<HRESULT>();
    // SAFETY: as above: a member of the structure.
    unsafe { pointer::write("pData", status_at, status) }?;
    result.map(|_| ())
}

/// Runs the command and answers with its status.
///
/// # Safety
/// The pointers in `given` are null or valid for their structures and for the bytes that these say follow.
unsafe fn execute_given(device: &softcp_device, session: usize, given: &Data) -> Result<HRESULT> {
    let output = given.pOutputData;
    // SAFETY: the caller's duty: null, or the sizes come first.
    let [private_room, room, _] = unsafe { pointer::read("pOutputData", output.cast::<OutputSizes>()) }?;
    // SAFETY: the caller's duty: the structure is writable.
    unsafe { write_report(output, 0, 0, 0) }?;
    let input = given.pInputData.cast_const();
    // SAFETY: the caller's duty: null, or the sizes come first.
    let [private_size, input_size] = unsafe { pointer::read("pInputData", input.cast::<InputSizes>()) }?;
    let [private_size, input_size, private_room, room] =
        [private_size, input_size, private_room, room].map(|size| size as usize);
    let sizes =
        CommandSizes { private_input: private_size, input: input_size, private_output: private_room, output: room };
    device.check_command(session, &sizes)?;

    let bytes = input.wrapping_byte_add(offset_of!(Input, pbInput)).cast::<c_void>();
    let whole = private_size.checked_add(input_size).ok_or(Failure::Invalid("the input is larger than memory"))?;
    // SAFETY: the caller's duty: the bytes follow the structure's beginning.
    let message = unsafe { pointer::copy("pbInput", bytes, whole) }?;
    let (private_input, command) = message.split_at(private_size);
    let bytes = output.wrapping_byte_add(offset_of!(Output, pbOutput)).cast::<c_void>();
    let whole = private_room.checked_add(room).ok_or(Failure::Invalid("the output is larger than memory"))?;
    // SAFETY: the caller's duty: the bytes follow the structure's beginning, and nothing else touches them.
    let answer = unsafe { pointer::bytes_mut("pbOutput", bytes, whole) }?;
    let (private_output, answer) = answer.split_at_mut(private_room);
    let buffers = CommandBuffers { private_input, input: command, private_output, output: answer };
    let report = device.execute_command(session, given.HWProtectionFunctionID, buffers)?;
    // SAFETY: the caller's duty: the structure is writable; the slices of its end are not used any more.
    unsafe { write_report(output, report.written, report.transport_time, report.execution_time) }?;
    Ok(report.status)
}

/// Writes the members of an output that the driver owns.
///
/// # Safety
/// `output` is valid for writes of an [`Output`].
unsafe fn write_report(output: *mut Output, written: u32, transport: u64, execution: u64) -> Result<()> {
    let at = |offset| output.wrapping_byte_add(offset);
    // SAFETY: the caller's duty: a member of the structure.
    unsafe { pointer::write("pOutputData", at(offset_of!(Output, HWProtectionDataSize)).cast(), written) }?;
    // SAFETY: as above.
    unsafe { pointer::write("pOutputData", at(offset_of!(Output, TransportTime)).cast(), transport) }?;
    // SAFETY: as above.
    unsafe { pointer::write("pOutputData", at(offset_of!(Output, ExecutionTime)).cast(), execution) }
}
