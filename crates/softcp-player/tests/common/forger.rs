//! Between the runtime and the channels of the reference driver: changes, replays and invents answers, and, since it has
//! the driver's private key, signs what it invents.

// Each test program uses a part of this.
#![allow(dead_code)]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_void;
use std::fs;
use std::mem::offset_of;
use std::path::Path;

use softcp::identity::KEY_FILE;
use softcp::provider::Provider;
use softcp_abi::{
    D3D10DDI_HDEVICE, D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT, D3D11_1DDI_HAUTHCHANNEL, D3D11_1DDI_HRTAUTHCHANNEL,
    D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL, D3D11_AUTHENTICATED_CONFIGURE_PROTECTION,
    D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT, D3DWDDM2_0DDI_VIDEODEVICEFUNCS, E_NOTIMPL, GUID, HRESULT, S_OK,
    UINT,
};

use super::table;

const OMAC_SIZE: usize = 16;
const ANSWER_SIZE: usize = size_of::<D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT>();

/// What is done to one message or its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attack {
    /// One bit of the answer's OMAC is flipped.
    FlipOmac,
    /// The answer to the message before of the same kind comes once more.
    Replay,
    /// These four bytes of the answer are others, and it is signed again.
    Lie { offset: usize, value: u32 },
    /// The driver never sees the command, and a signed success comes back.
    Swallow,
    /// The call returns something else than the driver did.
    Return(HRESULT),
    /// The driver never sees the message, nothing is answered, and the call returns this.
    Silence(HRESULT),
}

/// What of the table is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// `CreateAuthenticatedChannel` returns `E_NOTIMPL`.
    Implementation,
    /// The table has no `CreateAuthenticatedChannel`.
    Create,
    /// The table has no `ConfigureAuthenticatedChannel`.
    Configure,
    /// `CreateAuthenticatedChannel` writes no handle.
    Handle,
    /// The table has no `CreateVideoDecoder`.
    Decoder,
}

/// An attack on the message of this GUID, after so many of them have passed.
type Plan = (Attack, GUID, u32);

thread_local! {
    static PLAN: Cell<Option<Plan>> = const { Cell::new(None) };
    static MISSING: Cell<Option<Missing>> = const { Cell::new(None) };
    static PKCS8: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static CHANNEL_KEY: Cell<[u8; 16]> = const { Cell::new([0; 16]) };
    static ANSWERS: RefCell<HashMap<GUID, Vec<u8>>> = RefCell::new(HashMap::new());
    static PROTECTION: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// Forgets everything, and learns the driver's private key from its identity.
pub(super) fn reset(identity: &Path) {
    PLAN.set(None);
    MISSING.set(None);
    ANSWERS.take();
    PROTECTION.take();
    PKCS8.set(from_pem(&fs::read_to_string(identity.join(KEY_FILE)).unwrap()));
}

/// Plans an attack on the n-th message from now, from 0, of this GUID.
pub(crate) fn attack(attack: Attack, message: GUID, number: u32) {
    PLAN.set(Some((attack, message, number)));
}

/// Whether the attack has happened.
pub(crate) fn is_done() -> bool {
    PLAN.get().is_none()
}

/// Takes something out of the tables of devices that are created from now on.
pub(crate) fn take_out(missing: Missing) {
    MISSING.set(Some(missing));
}

/// The flags of all PROTECTION commands that the driver has seen.
pub(crate) fn protection_seen() -> Vec<u32> {
    PROTECTION.with_borrow(Clone::clone)
}

/// Puts itself into a table.
pub(super) fn fill(table: &mut D3DWDDM2_0DDI_VIDEODEVICEFUNCS) {
    table.pfnCreateAuthenticatedChannel = Some(create);
    table.pfnNegotiateAuthenticatedChannelKeyExchange = Some(negotiate);
    table.pfnQueryAuthenticatedChannel = Some(query);
    table.pfnConfigureAuthenticatedChannel = Some(configure);
    match MISSING.get() {
        Some(Missing::Create) => table.pfnCreateAuthenticatedChannel = None,
        Some(Missing::Configure) => table.pfnConfigureAuthenticatedChannel = None,
        Some(Missing::Decoder) => table.pfnCreateVideoDecoder = None,
        Some(Missing::Implementation | Missing::Handle) | None => {}
    }
}

unsafe extern "system" fn create(
    device: D3D10DDI_HDEVICE,
    desc: *mut D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL,
    channel: D3D11_1DDI_HAUTHCHANNEL,
    runtime_channel: D3D11_1DDI_HRTAUTHCHANNEL,
) -> HRESULT {
    if MISSING.get() == Some(Missing::Implementation) {
        return E_NOTIMPL;
    }
    // SAFETY: the caller's arguments are passed on.
    let hresult = unsafe { table().pfnCreateAuthenticatedChannel.unwrap()(device, desc, channel, runtime_channel) };
    if MISSING.get() == Some(Missing::Handle) {
        // SAFETY: the driver has just written it.
        unsafe { (*desc).hChannel = std::ptr::null_mut() };
    }
    hresult
}

unsafe extern "system" fn negotiate(
    device: D3D10DDI_HDEVICE,
    channel: D3D11_1DDI_HAUTHCHANNEL,
    size: UINT,
    data: *mut c_void,
) -> HRESULT {
    // SAFETY: the runtime passes a buffer of that size.
    let message = unsafe { bytes(data, size) };
    let key = Provider::aws_lc().rsa.load(&PKCS8.with_borrow(Clone::clone)).unwrap();
    let plain = key.decrypt(message.try_into().unwrap()).unwrap();
    CHANNEL_KEY.set(plain.as_slice().try_into().unwrap());
    // SAFETY: the caller's arguments are passed on.
    unsafe { table().pfnNegotiateAuthenticatedChannelKeyExchange.unwrap()(device, channel, size, data) }
}

unsafe extern "system" fn query(
    device: D3D10DDI_HDEVICE,
    channel: D3D11_1DDI_HAUTHCHANNEL,
    input_size: UINT,
    input: *const c_void,
    output_size: UINT,
    output: *mut c_void,
) -> HRESULT {
    // SAFETY: the runtime passes a buffer of that size.
    let message = unsafe { bytes(input, input_size) };
    let call = || {
        let real = table().pfnQueryAuthenticatedChannel.unwrap();
        // SAFETY: the caller's arguments are passed on.
        unsafe { real(device, channel, input_size, input, output_size, output) }
    };
    // SAFETY: as above, and nobody else has it.
    unsafe { forge(guid_at(message, 0), message, output, output_size as usize, call) }
}

unsafe extern "system" fn configure(
    device: D3D10DDI_HDEVICE,
    channel: D3D11_1DDI_HAUTHCHANNEL,
    input_size: UINT,
    input: *const c_void,
    output: *mut D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT,
) -> HRESULT {
    // SAFETY: the runtime passes a buffer of that size.
    let message = unsafe { bytes(input, input_size) };
    let guid = guid_at(message, OMAC_SIZE);
    let call = || {
        if guid == D3D11_AUTHENTICATED_CONFIGURE_PROTECTION {
            let at = offset_of!(D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT, Protections.Value);
            let flags = u32::from_ne_bytes(message[at..at + 4].try_into().unwrap());
            PROTECTION.with_borrow_mut(|seen| seen.push(flags));
        }
        let real = table().pfnConfigureAuthenticatedChannel.unwrap();
        // SAFETY: the caller's arguments are passed on.
        unsafe { real(device, channel, input_size, input, output) }
    };
    // SAFETY: the structure has no padding, and nobody else has it.
    unsafe { forge(guid, message, output.cast(), ANSWER_SIZE, call) }
}

/// Makes the call, and the planned attack if it is due.
///
/// # Safety
///
/// `output` is valid for reads and writes of `size` bytes, and only `call` uses it meanwhile.
unsafe fn forge(
    guid: GUID,
    message: &[u8],
    output: *mut c_void,
    size: usize,
    call: impl FnOnce() -> HRESULT,
) -> HRESULT {
    let attack = match PLAN.get() {
        Some((attack, on, 0)) if on == guid => {
            PLAN.set(None);
            Some(attack)
        }
        Some((attack, on, left)) if on == guid => {
            PLAN.set(Some((attack, on, left - 1)));
            None
        }
        _ => None,
    };
    match attack {
        Some(Attack::Silence(returned)) => return returned,
        Some(Attack::Swallow) => {
            // SAFETY: the caller's duty.
            let answer = unsafe { bytes_mut(output, size) };
            // An answer begins as its command does, and ends with the return code.
            answer.copy_from_slice(&[&message[..ANSWER_SIZE - 4], &S_OK.to_ne_bytes()].concat());
            sign(answer);
            return S_OK;
        }
        _ => {}
    }
    let hresult = call();
    // SAFETY: the caller's duty.
    let answer = unsafe { bytes_mut(output, size) };
    let last = ANSWERS.with_borrow_mut(|answers| answers.insert(guid, answer.to_vec()));
    match attack {
        Some(Attack::FlipOmac) => answer[0] ^= 1,
        Some(Attack::Replay) => answer.copy_from_slice(&last.unwrap()),
        Some(Attack::Lie { offset, value }) => {
            answer[offset..offset + 4].copy_from_slice(&value.to_ne_bytes());
            sign(answer);
        }
        Some(Attack::Return(returned)) => return returned,
        Some(Attack::Swallow | Attack::Silence(_)) | None => {}
    }
    hresult
}

fn sign(answer: &mut [u8]) {
    let (omac, signed) = answer.split_at_mut(OMAC_SIZE);
    omac.copy_from_slice(&Provider::aws_lc().aes.mac(&CHANNEL_KEY.get()).sign(signed));
}

fn guid_at(message: &[u8], offset: usize) -> GUID {
    let [ref data1 @ .., b0, b1, c0, c1] = message[offset..offset + 8] else { unreachable!() };
    GUID {
        Data1: u32::from_ne_bytes((*data1).try_into().unwrap()),
        Data2: u16::from_ne_bytes([b0, b1]),
        Data3: u16::from_ne_bytes([c0, c1]),
        Data4: message[offset + 8..offset + 16].try_into().unwrap(),
    }
}

/// # Safety
///
/// The pointer is valid for reads of `size` bytes for as long as the result is used.
unsafe fn bytes<'a>(data: *const c_void, size: UINT) -> &'a [u8] {
    // SAFETY: the caller's duty.
    unsafe { std::slice::from_raw_parts(data.cast(), size as usize) }
}

/// # Safety
///
/// The pointer is valid for reads and writes of `size` bytes for as long as the result is used.
unsafe fn bytes_mut<'a>(data: *mut c_void, size: usize) -> &'a mut [u8] {
    // SAFETY: the caller's duty.
    unsafe { std::slice::from_raw_parts_mut(data.cast(), size) }
}

/// The first block of PEM text.
fn from_pem(text: &str) -> Vec<u8> {
    let lines = text.lines().skip_while(|line| !line.starts_with("-----BEGIN")).skip(1);
    let base64: String = lines.take_while(|line| !line.starts_with("-----END")).collect();
    let value = |digit| match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let mut bytes = Vec::new();
    for group in base64.trim_end_matches('=').as_bytes().chunks(4) {
        let bits = group.iter().fold(0_u32, |bits, digit| bits << 6 | u32::from(value(*digit)));
        let bits = bits << (6 * (4 - group.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    bytes
}
