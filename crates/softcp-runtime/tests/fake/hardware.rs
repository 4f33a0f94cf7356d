//! The entries of hardware protection.

use std::ffi::c_void;
use std::mem::offset_of;

use softcp_abi::{
    D3D10DDI_HDEVICE, D3D11_1DDI_HCRYPTOSESSION, D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA as Data,
    D3D11_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA as InputData,
    D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA as OutputData, GUID, HRESULT, S_OK, UINT, UINT64,
};

use super::{behaviour, enter, input, session_number};

pub(super) unsafe extern "system" fn get_private_data_size(
    _: D3D10DDI_HDEVICE,
    crypto_type: *const GUID,
    decode_profile: *const GUID,
    key_exchange_type: *const GUID,
    input_size: *mut UINT,
    output_size: *mut UINT,
) {
    let guids = [crypto_type, decode_profile, key_exchange_type].map(|guid| {
        // SAFETY: the caller's GUIDs, or null.
        unsafe { guid.as_ref() }.map(|guid| guid.Data1)
    });
    enter("GetCryptoSessionPrivateDataSize", &format!("{guids:?}"));
    // SAFETY: the caller's place.
    unsafe { input_size.write(3) };
    // SAFETY: as above.
    unsafe { output_size.write(2) };
}

pub(super) unsafe extern "system" fn get_data_for_new_hardware_key(
    _: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    size: UINT,
    private_input: *const c_void,
    private_output: *mut UINT64,
) -> HRESULT {
    let arguments = format!("{} {}", session_number(session), input(size, private_input));
    let hresult = enter("GetDataForNewHardwareKey", &arguments);
    if hresult == S_OK {
        // SAFETY: the caller's place.
        unsafe { private_output.write(0x1122_3344_5566_7788) };
    }
    hresult
}

pub(super) unsafe extern "system" fn negotiate_mt(
    _: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    flags: UINT,
    size: UINT,
    data: *mut c_void,
) -> HRESULT {
    execute("NegotiateCryptoSessionKeyExchangeMT", &format!("{} {flags}", session_number(session)), size, data)
}

/// Writes a command down, and answers as planned: private output and output full of one byte.
pub(super) fn execute(function: &str, session: &str, size: UINT, data: *mut c_void) -> HRESULT {
    assert_eq!(size as usize, size_of::<Data>());
    assert_eq!(data.addr() % align_of::<Data>(), 0);
    // SAFETY: the caller's structure, which nothing else uses.
    let data = unsafe { &mut *data.cast::<Data>() };
    // SAFETY: the caller's structure.
    let sizes = unsafe { *data.pInputData };
    let begin = data.pInputData.wrapping_byte_add(offset_of!(InputData, pbInput)).cast_const().cast();
    let bytes = input(sizes.PrivateDataSize + sizes.HWProtectionDataSize, begin);
    // SAFETY: as above.
    let room = unsafe { *data.pOutputData };
    let arguments = format!(
        "{session} {} {}+{} {bytes} {}+{}",
        data.HWProtectionFunctionID,
        sizes.PrivateDataSize,
        sizes.HWProtectionDataSize,
        room.PrivateDataSize,
        room.MaxHWProtectionDataSize
    );
    let hresult = enter(function, &arguments);
    let answer = behaviour(|behaviour| behaviour.command.clone()).unwrap();
    if hresult == S_OK {
        data.Status = answer.status;
        let filled =
            OutputData { HWProtectionDataSize: answer.written, TransportTime: 5, ExecutionTime: 0x1_0000_0006, ..room };
        // SAFETY: the caller's structure.
        unsafe { data.pOutputData.write(filled) };
        let begin = data.pOutputData.wrapping_byte_add(offset_of!(OutputData, pbOutput)).cast::<u8>();
        let len = (room.PrivateDataSize + room.MaxHWProtectionDataSize) as usize;
        // SAFETY: the caller's buffer goes on for as many bytes.
        unsafe { begin.write_bytes(answer.fill, len) };
    }
    hresult
}
