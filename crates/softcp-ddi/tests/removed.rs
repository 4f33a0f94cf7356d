//! A device that its host has lost (D41): every function and every entry says so, outputs are those of a failed call
//! (D30), and what D36 names still works. Entries that return nothing are in `reports.rs`.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ptr::{from_mut, null, null_mut};

use common::{FILL, TestAdapter, TestDevice, TestSession, decrypts, size_u32};
use softcp_abi::{
    D3D11_1DDI_HAUTHCHANNEL, D3D11_1DDI_HRTAUTHCHANNEL, D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS,
    D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL, D3D11_AUTHENTICATED_CONFIGURE_INPUT as ConfigureInput,
    D3D11_AUTHENTICATED_CONFIGURE_OUTPUT as ConfigureOutput, D3D11_AUTHENTICATED_QUERY_INPUT as QueryInput,
    D3D11_AUTHENTICATED_QUERY_OUTPUT as QueryOutput, D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_RSAES_OAEP,
    D3DDDIERR_DEVICEREMOVED, E_INVALIDARG, GUID_NULL, HRESULT, S_OK,
};
use softcp_client::{KeyExchange, SystemRandom};
use softcp_ddi::core::caps::{softcp_caps, softcp_content_protection_caps, softcp_key_exchange_type};
use softcp_ddi::core::channel::{
    softcp_channel_certificate, softcp_channel_certificate_size, softcp_channel_configure, softcp_channel_create,
    softcp_channel_destroy, softcp_channel_negotiate, softcp_channel_query,
};
use softcp_ddi::core::decoder::{
    softcp_decoder_begin_frame, softcp_decoder_buffer, softcp_decoder_decrypt_buffer, softcp_decoder_end_frame,
    softcp_decoder_register, softcp_decoder_session, softcp_decoder_unregister,
};
use softcp_ddi::core::device::{
    softcp_device, softcp_device_removed, softcp_protected_memory_release, softcp_protected_memory_reserve,
};
use softcp_ddi::core::faults::{softcp_clear_faults, softcp_inject_fault};
use softcp_ddi::core::hardware::{
    softcp_private_data_sizes, softcp_secure_command, softcp_session_execute, softcp_session_new_hardware_key,
};
use softcp_ddi::core::protection::{
    SOFTCP_PROCESS_DWM, softcp_accessible_encryption, softcp_process, softcp_process_allowed, softcp_protection,
    softcp_protection_enforced, softcp_unrestricted_share_add, softcp_unrestricted_share_remove,
};
use softcp_ddi::core::session::{
    SOFTCP_SESSION_STATUS_KEY_LOST, softcp_session_certificate, softcp_session_certificate_size, softcp_session_create,
    softcp_session_decryption_blt, softcp_session_desc, softcp_session_destroy, softcp_session_encryption_blt,
    softcp_session_encryption_blt_key, softcp_session_finish_key_refresh, softcp_session_handle,
    softcp_session_invalidate, softcp_session_negotiate, softcp_session_start_key_refresh, softcp_session_status,
};
use softcp_ddi::core::types::softcp_guid;

const OPTIONS: &str = "capabilities.flags.hardware_drm_communication=true;capabilities.flags.protection_always_on=true;\
    faults.opt_in=true";

fn remove(device: &TestDevice) {
    // SAFETY: the device lives.
    assert_eq!(unsafe { softcp_device_removed(device.as_ptr()) }, S_OK);
}

/// The ids of what a device has.
struct Objects {
    session: usize,
    channel: usize,
    decoder: usize,
}

/// Calls every function of `softcp.h` that has a device but those that destroy it, with right arguments, and returns what
/// each answered. Outputs begin with other values than a failed call leaves, and the answer of a call that left them is
/// not looked at.
#[allow(clippy::too_many_lines, reason = "one call for each function")]
fn call_all(device: *const softcp_device, objects: &Objects) -> Vec<(&'static str, HRESULT)> {
    let &Objects { session, channel, decoder } = objects;
    let (aes, oaep) =
        (softcp_guid::from(D3D11_CRYPTO_TYPE_AES128_CTR), softcp_guid::from(D3D11_KEY_EXCHANGE_RSAES_OAEP));
    let mut seen = Vec::new();
    let buffer = Cell::new([FILL; 16]);
    let bytes = buffer.as_ptr().cast();
    // One call: its outputs must be as they should be if it fails.
    macro_rules! call {
        ($function:ident($($argument:expr),*)) => { call!($function($($argument),*); true) };
        ($function:ident($($argument:expr),*); $outputs:expr) => {{
            buffer.set([FILL; 16]);
            // SAFETY: the device lives; every pointer is null or valid for its size past the call.
            let hresult = unsafe { $function(device, $($argument),*) };
            assert!(hresult == S_OK || $outputs, "outputs of {}", stringify!($function));
            seen.push((stringify!($function), hresult));
        }};
    }
    let (mut word, mut size, mut big) = (9_u32, 9_usize, 9_u64);
    let mut guid = aes;
    let mut caps = softcp_content_protection_caps { caps: 9, ..softcp_content_protection_caps::default() };
    call!(softcp_caps(&raw const aes, null(), &raw mut caps); caps == softcp_content_protection_caps::default());
    call!(softcp_key_exchange_type(&raw const aes, null(), 0, &raw mut guid); guid == softcp_guid::default());

    let desc = softcp_session_desc {
        size: size_u32::<softcp_session_desc>(),
        crypto_type: aes,
        key_exchange_type: oaep,
        ..softcp_session_desc::default()
    };
    call!(softcp_session_create(&raw const desc, &raw mut size); size == 0);
    call!(softcp_session_certificate_size(&raw const aes, &raw mut word); word == 0);
    call!(softcp_session_certificate(&raw const aes, 16, bytes); buffer.get() == [FILL; 16]);
    call!(softcp_session_negotiate(session, 16, bytes.cast_const()));
    let (from, to) = (std::ptr::without_provenance_mut(0x10), std::ptr::without_provenance_mut(0x20));
    call!(softcp_session_decryption_blt(session, from, to, null(), 0, null(), 16, bytes.cast_const()));
    call!(softcp_session_encryption_blt(session, from, to, 16, bytes); buffer.get() == [FILL; 16]);
    call!(softcp_session_start_key_refresh(session, 16, bytes); buffer.get() == [FILL; 16]);
    call!(softcp_session_finish_key_refresh(session));
    call!(softcp_session_encryption_blt_key(session, 16, bytes); buffer.get() == [FILL; 16]);
    (size, word) = (9, 9);
    call!(softcp_session_handle(session, &raw mut size); size == 0);
    call!(softcp_session_status(session, &raw mut word); word == 0);
    call!(softcp_session_invalidate(session, SOFTCP_SESSION_STATUS_KEY_LOST));

    (size, word) = (9, 9);
    call!(softcp_channel_create(2, &raw mut size); size == 0);
    call!(softcp_channel_certificate_size(2, &raw mut word); word == 0);
    call!(softcp_channel_certificate(2, 16, bytes); buffer.get() == [FILL; 16]);
    call!(softcp_channel_negotiate(channel, 16, bytes.cast_const()));

    size = 9;
    call!(softcp_decoder_register(null(), &raw mut size); size == 0);
    size = 9;
    call!(softcp_decoder_session(decoder, &raw mut size); size == 0);
    call!(softcp_decoder_begin_frame(decoder, 0, 0, null(), null()));
    let frame = softcp_decoder_buffer {
        size: size_u32::<softcp_decoder_buffer>(),
        source: bytes.cast_const(),
        destination: bytes,
        data_size: 16,
        ..softcp_decoder_buffer::default()
    };
    call!(softcp_decoder_decrypt_buffer(decoder, &raw const frame); buffer.get() == [FILL; 16]);
    call!(softcp_decoder_end_frame(decoder));

    let mut command = softcp_secure_command {
        size: size_u32::<softcp_secure_command>(),
        function: 1,
        output: bytes,
        output_size: 16,
        written: 9,
        ..softcp_secure_command::default()
    };
    call!(softcp_session_execute(session, &raw mut command); command.written == 0 && buffer.get() == [FILL; 16]);
    word = 9;
    let mut other = 9_u32;
    call!(softcp_private_data_sizes(&raw const aes, null(), &raw const oaep, &raw mut word, &raw mut other);
        (word, other) == (0, 0));
    call!(softcp_session_new_hardware_key(session, 0, null(), &raw mut big); big == 0);

    call!(softcp_unrestricted_share_add());
    call!(softcp_protected_memory_reserve(1));
    seen
}

/// What still works on a removed device: the names of those functions.
fn call_those_that_work(device: *const softcp_device, objects: &Objects) -> Vec<&'static str> {
    let &Objects { session, channel, decoder } = objects;
    let mut names = Vec::new();
    macro_rules! works {
        ($function:ident($($argument:expr),*)) => {{
            // SAFETY: the device lives, and the text is a string.
            assert_eq!(unsafe { $function(device, $($argument),*) }, S_OK, "{}", stringify!($function));
            names.push(stringify!($function));
        }};
    }
    works!(softcp_device_removed());
    // What channels have set: a host that got no answer might stop to protect.
    let (mut enforced, mut flags, mut allowed, mut encryption) = (9, 9, 9, softcp_guid::default());
    works!(softcp_protection_enforced(&raw mut enforced));
    works!(softcp_protection(&raw mut flags));
    let process = softcp_process { process_type: SOFTCP_PROCESS_DWM, ..softcp_process::default() };
    works!(softcp_process_allowed(&raw const process, &raw mut allowed));
    works!(softcp_accessible_encryption(&raw mut encryption));
    assert_eq!((enforced, flags, allowed), (1, 1, 0), "protection is always on here");
    works!(softcp_protected_memory_release(1));
    works!(softcp_unrestricted_share_remove());
    works!(softcp_inject_fault(c"wrong-mac".as_ptr()));
    works!(softcp_clear_faults());
    works!(softcp_session_destroy(session));
    works!(softcp_channel_destroy(channel));
    works!(softcp_decoder_unregister(decoder));
    names
}

/// A device, what it has, and a session whose key both sides have.
fn rig(adapter: &TestAdapter) -> (TestDevice, Objects, TestSession) {
    let device = TestDevice::new(adapter);
    let (session, _) = device.keyed_session(&device.certificate());
    let (mut channel, mut decoder) = (0, 0);
    // SAFETY: the device lives, the outputs are writable.
    assert_eq!(unsafe { softcp_channel_create(device.as_ptr(), 2, &raw mut channel) }, S_OK);
    // SAFETY: as above.
    assert_eq!(unsafe { softcp_decoder_register(device.as_ptr(), null(), &raw mut decoder) }, S_OK);
    // SAFETY: the device lives.
    assert_eq!(unsafe { softcp_unrestricted_share_add(device.as_ptr()) }, S_OK);
    // SAFETY: as above.
    assert_eq!(unsafe { softcp_protected_memory_reserve(device.as_ptr(), 1) }, S_OK);
    let objects = Objects { session: session.id(), channel, decoder };
    (device, objects, session)
}

#[test]
fn every_function_says_that_the_device_is_removed_and_what_destroys_works() {
    let adapter = TestAdapter::new(OPTIONS);
    let (device, objects, _session) = rig(&adapter);
    let before: Vec<_> = call_all(device.as_ptr(), &objects).into_iter().map(|(_, hresult)| hresult).collect();
    assert!(!before.contains(&D3DDDIERR_DEVICEREMOVED));
    remove(&device);
    remove(&device);
    let mut names = BTreeSet::new();
    for (name, hresult) in call_all(device.as_ptr(), &objects) {
        assert_eq!(hresult, D3DDDIERR_DEVICEREMOVED, "{name}");
        names.insert(name);
    }
    names.extend(call_those_that_work(device.as_ptr(), &objects));
    // Messages are tested below, and destroying the device is what ends every test.
    names.extend(["softcp_channel_query", "softcp_channel_configure", "softcp_device_destroy", "softcp_ddi_attach"]);

    // Every function of the headers that takes a device.
    let headers = [include_str!("../include/softcp.h"), include_str!("../include/softcp_ddi.h")].concat();
    let declared: BTreeSet<&str> = headers
        .split(';')
        .filter_map(|declaration| declaration.rsplit_once("softcp_hresult SOFTCP_CALL ").map(|(_, text)| text))
        .filter_map(|text| text.split_once('('))
        .filter(|(_, parameters)| {
            let first = parameters.replace("const ", "").replace("struct ", "");
            first.trim_start().starts_with("softcp_device *device")
        })
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names.iter().collect::<Vec<_>>(), declared.iter().collect::<Vec<_>>());
    // SAFETY: null is refused.
    assert_eq!(unsafe { softcp_device_removed(null()) }, E_INVALIDARG);
}

/// The entries that return an HRESULT, of the newest table.
#[test]
fn every_entry_says_that_the_device_is_removed() {
    let adapter = TestAdapter::new(OPTIONS);
    let (device, objects, session) = rig(&adapter);
    let exchange = KeyExchange::new(&device.certificate(), &SystemRandom).unwrap();
    let message = exchange.message().as_bytes();
    remove(&device);
    let (h_device, table, removed) = (device.h_device, &device.table, D3DDDIERR_DEVICEREMOVED);

    let aes = D3D11_CRYPTO_TYPE_AES128_CTR;
    let mut caps = D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS { Caps: 9, ..Default::default() };
    // SAFETY: GUIDs and output live past the call.
    let hresult =
        unsafe { table.pfnGetContentProtectionCaps.unwrap()(h_device, &raw const aes, null(), &raw mut caps) };
    assert_eq!((hresult, caps.Caps), (removed, 0));
    let mut guid = aes;
    // SAFETY: as above.
    let hresult =
        unsafe { table.pfnGetCryptoKeyExchangeType.unwrap()(h_device, &raw const aes, null(), 0, &raw mut guid) };
    assert_eq!((hresult, guid), (removed, GUID_NULL));

    let unborn = TestSession::holding(usize::MAX);
    assert_eq!((device.create_in(&unborn), unborn.id()), (removed, 0));
    assert_eq!(device.negotiate(&session, message), removed);
    assert_eq!(device.handle_of(&session), (removed, 0));
    let (size, data) = (u32::try_from(message.len()).unwrap(), message.as_ptr().cast_mut().cast());
    let mt = table.pfnNegotiateCryptoSessionKeyExchangeMT.unwrap();
    // SAFETY: the message lives past the call and is not written.
    assert_eq!(unsafe { mt(h_device, session.handle(), 0, size, data) }, removed);
    let mut key = 9;
    let hardware = table.pfnGetDataForNewHardwareKey.unwrap();
    // SAFETY: the output lives past the call.
    assert_eq!(unsafe { hardware(h_device, session.handle(), 0, null(), &raw mut key) }, removed);
    assert_eq!(key, 0);

    let mut private = 9_usize;
    let channel = D3D11_1DDI_HAUTHCHANNEL { pDrvPrivate: from_mut(&mut private).cast() };
    let mut create = D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL { ChannelType: 2, hChannel: null_mut() };
    let (entry, runtime) = (table.pfnCreateAuthenticatedChannel.unwrap(), D3D11_1DDI_HRTAUTHCHANNEL::default());
    // SAFETY: argument and private memory live past the call.
    assert_eq!(unsafe { entry(h_device, &raw mut create, channel, runtime) }, removed);
    assert!(create.hChannel.is_null() && private == 0);
    private = objects.channel;
    let channel = D3D11_1DDI_HAUTHCHANNEL { pDrvPrivate: from_mut(&mut private).cast() };
    let entry = table.pfnNegotiateAuthenticatedChannelKeyExchange.unwrap();
    // SAFETY: the message lives past the call and is not written.
    assert_eq!(unsafe { entry(h_device, channel, size, data) }, removed);

    // Messages are answered with the code.
    let (input, mut output) = ([0_u8; size_of::<QueryInput>()], QueryOutput { ReturnCode: 9, ..Default::default() });
    let (in_size, out_size) = (size_u32::<QueryInput>(), size_u32::<QueryOutput>());
    let entry = table.pfnQueryAuthenticatedChannel.unwrap();
    // SAFETY: input and output live past the call.
    let hresult =
        unsafe { entry(h_device, channel, in_size, input.as_ptr().cast(), out_size, (&raw mut output).cast()) };
    assert_eq!((hresult, output.ReturnCode), (removed, removed));
    output.ReturnCode = 9;
    let (into, of) = ((&raw mut output).cast(), objects.channel);
    // SAFETY: as above, and the device lives.
    let hresult = unsafe { softcp_channel_query(device.as_ptr(), of, in_size, input.as_ptr().cast(), out_size, into) };
    assert_eq!((hresult, output.ReturnCode), (removed, removed));
    let (input, mut output) =
        ([0_u8; size_of::<ConfigureInput>()], ConfigureOutput { ReturnCode: 9, ..Default::default() });
    let (size, from) = (size_u32::<ConfigureInput>(), input.as_ptr().cast());
    let entry = table.pfnConfigureAuthenticatedChannel.unwrap();
    // SAFETY: as above.
    assert_eq!(unsafe { entry(h_device, channel, size, from, &raw mut output) }, removed);
    assert_eq!(output.ReturnCode, removed);
    output.ReturnCode = 9;
    // SAFETY: as above, and the device lives.
    let hresult = unsafe { softcp_channel_configure(device.as_ptr(), of, size, from, (&raw mut output).cast()) };
    assert_eq!((hresult, output.ReturnCode), (removed, removed));

    assert_eq!((device.destroy_session(&session), session.id()), (S_OK, 0));
    // SAFETY: the private memory lives past the call.
    unsafe { table.pfnDestroyAuthenticatedChannel.unwrap()(h_device, channel) };
    assert_eq!((device.host.take_reports(), private), (vec![], 0));
}

#[test]
fn other_devices_of_the_adapter_go_on_and_a_new_one_takes_its_place() {
    let adapter = TestAdapter::new("");
    let (device, other) = (TestDevice::new(&adapter), TestDevice::new(&adapter));
    let certificate = device.certificate();
    let (_lost, _) = device.keyed_session(&certificate);
    let (session, client) = other.keyed_session(&certificate);
    remove(&device);
    assert!(decrypts(&other, &session, &client));
    drop(device);
    let device = TestDevice::new(&adapter);
    let (session, client) = device.keyed_session(&certificate);
    assert!(decrypts(&device, &session, &client));
}

/// A device, for a callback.
struct Pointer(*const softcp_device);

// SAFETY: a device may be used from any thread.
unsafe impl Send for Pointer {}
// SAFETY: as above.
unsafe impl Sync for Pointer {}

/// A host that finds its device lost in `map`: the call in flight ends one way or the other, each later one fails.
#[test]
fn host_may_tell_of_the_loss_in_a_callback() {
    let device = TestDevice::alone("");
    let (session, client) = device.keyed_session(&device.certificate());
    let pointer = Pointer(device.as_ptr());
    device.host.during_map(Some(Box::new(move || {
        let Pointer(device) = &pointer;
        // SAFETY: the device lives while it maps.
        assert_eq!(unsafe { softcp_device_removed(*device) }, S_OK);
    })));
    assert!(!decrypts(&device, &session, &client), "the blit is refused before it writes");
    device.host.assert_balanced();
    assert_eq!(device.start_refresh(&session, &mut [0; 16]), D3DDDIERR_DEVICEREMOVED);
}
