//! Authenticated channels of the driver: number 500, handle 555, and answers that are the same whatever is asked.

use std::ffi::c_void;

use softcp_abi::{
    D3D10DDI_HDEVICE, D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT, D3D11_1DDI_HAUTHCHANNEL, D3D11_1DDI_HRTAUTHCHANNEL,
    D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL, D3D11_OMAC, GUID, HRESULT, S_OK, SIZE_T, UINT,
};

use super::{behaviour, enter, fill_private, handle, input, number, private_number};

/// Bytes that a query writes at most; what lies behind them is not touched.
const ANSWER: usize = 4;

pub(super) unsafe extern "system" fn calc_private_size(
    _: D3D10DDI_HDEVICE,
    _: *const D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL,
) -> SIZE_T {
    behaviour(|behaviour| behaviour.session_size)
}

pub(super) unsafe extern "system" fn create(
    device: D3D10DDI_HDEVICE,
    desc: *mut D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL,
    channel: D3D11_1DDI_HAUTHCHANNEL,
    runtime: D3D11_1DDI_HRTAUTHCHANNEL,
) -> HRESULT {
    assert_eq!(number(device.pDrvPrivate), 100);
    assert!(!runtime.handle.is_null());
    // SAFETY: the caller's structure.
    let desc = unsafe { &mut *desc };
    assert!(desc.hChannel.is_null());
    let hresult = enter("CreateAuthenticatedChannel", &desc.ChannelType.to_string());
    if hresult == S_OK {
        desc.hChannel = handle(555);
        fill_private(channel.pDrvPrivate, 500);
    }
    hresult
}

pub(super) unsafe extern "system" fn destroy(_: D3D10DDI_HDEVICE, channel: D3D11_1DDI_HAUTHCHANNEL) {
    enter("DestroyAuthenticatedChannel", &private_number(channel.pDrvPrivate));
}

pub(super) unsafe extern "system" fn negotiate(
    _: D3D10DDI_HDEVICE,
    channel: D3D11_1DDI_HAUTHCHANNEL,
    size: UINT,
    data: *mut c_void,
) -> HRESULT {
    let arguments = format!("{} {}", private_number(channel.pDrvPrivate), input(size, data));
    enter("NegotiateAuthenticatedChannelKeyExchange", &arguments)
}

pub(super) unsafe extern "system" fn query(
    _: D3D10DDI_HDEVICE,
    channel: D3D11_1DDI_HAUTHCHANNEL,
    input_size: UINT,
    input_data: *const c_void,
    output_size: UINT,
    output_data: *mut c_void,
) -> HRESULT {
    check_alignment(input_data);
    check_alignment(output_data);
    let output = if output_data.is_null() { "null/" } else { "" };
    if !output_data.is_null() {
        let size = ANSWER.min(output_size as usize);
        // SAFETY: not null, so valid for its size.
        unsafe { output_data.cast::<u8>().write_bytes(0x44, size) };
    }
    let (channel, input) = (private_number(channel.pDrvPrivate), input(input_size, input_data));
    enter("QueryAuthenticatedChannel", &format!("{channel} {input} {output}{output_size}"))
}

pub(super) unsafe extern "system" fn configure(
    _: D3D10DDI_HDEVICE,
    channel: D3D11_1DDI_HAUTHCHANNEL,
    input_size: UINT,
    input_data: *const c_void,
    output: *mut D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT,
) -> HRESULT {
    check_alignment(input_data);
    let arguments = format!("{} {}", private_number(channel.pDrvPrivate), input(input_size, input_data));
    let hresult = enter("ConfigureAuthenticatedChannel", &arguments);
    if !output.is_null() {
        let answer = D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT {
            omac: D3D11_OMAC { Omac: [0x55; 16] },
            ConfigureType: GUID::from_u128(0x66 << 120),
            hChannel: handle(555),
            SequenceNumber: 7,
            ReturnCode: hresult,
        };
        // SAFETY: the caller's structure.
        unsafe { output.write(answer) };
    }
    hresult
}

fn check_alignment(message: *const c_void) {
    assert_eq!(message.addr() % behaviour(|behaviour| behaviour.alignment), 0);
}
