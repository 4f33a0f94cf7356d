//! A device that is gone (D41). SoftCP has removals on request.

use softcp_abi::{
    D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE as SOFTWARE, D3D11_1DDI_CERTIFICATE_INFO,
    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS as Caps, D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL as CreateChannel,
    D3D11_AUTHENTICATED_CONFIGURE_INPUT as ConfigureInput, D3D11_AUTHENTICATED_CONFIGURE_OUTPUT as ConfigureOutput,
    D3D11_AUTHENTICATED_QUERY_INPUT as QueryInput, D3D11_AUTHENTICATED_QUERY_OUTPUT as QueryOutput,
    D3DDDIERR_DEVICEREMOVED, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST as CONTENT_LOST, GUID,
};
use softcp_runtime::{
    CertificateOf, Channel, ChannelHandle, Device, Driver, Error, HResult, Input, Output, PrivateMemory, Reply,
    Resource, ResourceDesc, SessionHandle,
};

use crate::case::{Case, CaseResult, Group, Requirement, Stop, check, check_hresult};
use crate::context::Context;
use crate::probe::{check_works, create_in, session_memory};
use crate::rig::{Blit, FILL, KeyedSession, SESSION, filled};
use crate::variation::Mix;

pub(super) const GROUP: Group = Group {
    name: "removal",
    title: "Removed devices",
    mix: Mix::All,
    cases: &[
        Case {
            name: "removal/every-entry",
            rule: "Every entry that is called on a removed device answers or reports D3DDDIERR_DEVICEREMOVED, but those that destroy.",
            source: "D41",
            requirement: Requirement::Decision,
            run: every_entry,
        },
        Case {
            name: "removal/outputs",
            rule: "On a removed device handles, sizes and status values are written as zero, and data buffers keep their bytes.",
            source: "D30, D41",
            requirement: Requirement::Decision,
            run: outputs,
        },
        Case {
            name: "removal/destroys",
            rule: "Sessions and channels of a removed device can be destroyed without a report.",
            source: "D41",
            requirement: Requirement::Decision,
            run: destroys,
        },
        Case {
            name: "removal/other-devices",
            rule: "When a device is removed, the driver's other devices go on, and a new one works.",
            source: "D41",
            requirement: Requirement::Decision,
            run: other_devices,
        },
    ],
};

/// The option that removes a device: at the fourth call that creates, exchanges a key or uses one.
const OPTION: &str = "faults.list=device-removed at=4";

/// A device that is gone, and what was made on it before.
struct Removed {
    device: Device,
    session: KeyedSession,
    channel: Option<Channel>,
    source: Resource,
    destination: Resource,
    /// Another device, made before.
    other: Device,
    driver: Driver,
}

impl Removed {
    fn new(ctx: &Context<'_>) -> CaseResult<Self> {
        let driver = ctx.driver_with(OPTION)?;
        let (device, other) = (ctx.device_of(&driver)?, ctx.device_of(&driver)?);
        let session = ctx.keyed_session(&device)?;
        let channel = match device.create_channel(SOFTWARE) {
            Ok(channel) => Some(channel),
            Err(error) => {
                ctx.note(format!("channels are not looked at: {error}"));
                // Something else that counts.
                drop(ctx.session(&device)?);
                None
            }
        };
        let desc = ResourceDesc::buffer(32);
        let (source, destination) = (ctx.resource(&device, &desc, &ctx.random::<32>())?, filled(&device, &desc)?);
        let made = Self { device, session, channel, source, destination, other, driver };
        // A driver that takes every option, and knows none, is not one to be tested so.
        let blit = Blit { iv: ctx.next_iv(), ..Blit::default() };
        let reply = blit.call(&made.device, made.session.handle(), &made.source, &made.destination)?;
        if reply.hresult() != HResult(D3DDDIERR_DEVICEREMOVED) {
            return Err(Stop::skipped(format!("the driver does not do what the option {OPTION} asks for")));
        }
        Ok(made)
    }
}

/// What an entry did on a removed device: its reply, and what is wrong with its outputs.
struct Seen {
    reply: Reply,
    defect: Option<String>,
}

/// What [`call_all`] has seen so far. Entries that the driver's table does not have are left out.
#[derive(Default)]
struct Calls(Vec<Seen>);

impl Calls {
    fn note(&mut self, reply: Result<Reply, Error>, defect: Option<String>) -> CaseResult {
        match reply {
            Ok(reply) => self.0.push(Seen { reply, defect }),
            Err(Error::MissingEntry { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

fn changed(what: &str, bytes: &[u8]) -> Option<String> {
    bytes.iter().any(|&byte| byte != FILL).then(|| format!("{what} has not kept its bytes"))
}

fn not_zero(what: &str, number: u64) -> Option<String> {
    (number != 0).then(|| format!("{what} is {number:#x}, not zero"))
}

/// Calls every entry of content protection but those that destroy, with right parameters.
fn call_all(ctx: &Context<'_>, removed: &Removed) -> CaseResult<Vec<Seen>> {
    let mut seen = Calls::default();
    of_the_device(removed, &mut seen)?;
    of_sessions(ctx, removed, &mut seen)?;
    if let Some(channel) = &removed.channel {
        of_channels(removed, channel.handle(), &mut seen)?;
    }
    Ok(seen.0)
}

fn of_the_device(removed: &Removed, seen: &mut Calls) -> CaseResult {
    let (device, calls) = (&removed.device, removed.device.calls());
    let (crypto_type, profile) = (Some(&SESSION.crypto_type), Some(&SESSION.decode_profile));
    let mut caps = Caps { Caps: u32::MAX, ..Caps::default() };
    let reply = calls.get_content_protection_caps(crypto_type, profile, Some(&mut caps));
    seen.note(reply, not_zero("the capabilities", caps.Caps.into()))?;
    let mut exchange = SESSION.key_exchange_type;
    let reply = calls.get_crypto_key_exchange_type(crypto_type, profile, 0, Some(&mut exchange));
    seen.note(reply, (exchange != GUID::default()).then(|| format!("the key exchange type is {exchange}")))?;
    let info: D3D11_1DDI_CERTIFICATE_INFO = CertificateOf::CryptoSession(SESSION.crypto_type).info();
    let (mut size, mut bytes) = (u32::MAX, [FILL; 16]);
    let reply = calls.get_certificate_size(Some(&info), Some(&mut size));
    seen.note(reply, not_zero("the certificate's size", size.into()))?;
    let reply = calls.get_certificate(Some(&info), Output::Bytes(&mut bytes));
    seen.note(reply, changed("the certificate's buffer", &bytes))?;
    let (mut input, mut output) = (u32::MAX, u32::MAX);
    let exchange = Some(&SESSION.key_exchange_type);
    let sizes = (Some(&mut input), Some(&mut output));
    let reply = calls.get_crypto_session_private_data_size(crypto_type, profile, exchange, sizes.0, sizes.1);
    seen.note(reply, not_zero("a private size", u64::from(input | output)))?;

    let memory: PrivateMemory = session_memory(device, 0)?;
    let reply = create_in(device, &SESSION, &memory)?;
    seen.0.push(Seen { reply, defect: None });
    let mut create = CreateChannel { ChannelType: SOFTWARE, hChannel: std::ptr::without_provenance_mut(usize::MAX) };
    let Ok(size) = calls.calc_private_authenticated_channel_size(Some(&create)) else { return Ok(()) };
    let memory = PrivateMemory::new(size);
    // SAFETY: the memory has the size that the driver asks for, and holds no channel: creating one fails, or the driver is
    // wrong, and then its device ends before the memory is used for anything else.
    let reply = unsafe { calls.create_authenticated_channel(Some(&mut create), ChannelHandle::of(&memory)) };
    if let Ok(reply) = &reply
        && reply.hresult().is_ok()
    {
        calls.destroy_authenticated_channel(ChannelHandle::of(&memory))?;
    }
    seen.note(reply, not_zero("the channel's handle", create.hChannel.addr() as u64))
}

fn of_sessions(ctx: &Context<'_>, removed: &Removed, seen: &mut Calls) -> CaseResult {
    let (calls, session) = (removed.device.calls(), removed.session.handle());
    let message = || vec![1; 256];
    // SAFETY: the session takes a key, not commands.
    let reply = unsafe { calls.negotiate_crypto_session_key_exchange(session, Output::Bytes(&mut message())) };
    seen.note(reply, None)?;
    // SAFETY: as above.
    let reply = unsafe { calls.negotiate_crypto_session_key_exchange_mt(session, 0, Output::Bytes(&mut message())) };
    seen.note(reply, None)?;
    let (from, to, iv) = (removed.source.handle(), removed.destination.handle(), ctx.next_iv());
    seen.note(calls.decryption_blt(session, from, to, None, Input::Null { size: 0 }, Input::Bytes(&iv)), None)?;
    let mut iv = [FILL; 16];
    let reply = calls.encryption_blt(session, from, to, Output::Bytes(&mut iv));
    seen.note(reply, changed("the IV", &iv))?;
    let mut number = [FILL; 16];
    let reply = calls.start_session_key_refresh(session, Output::Bytes(&mut number));
    seen.note(reply, changed("the random number", &number))?;
    seen.note(calls.finish_session_key_refresh(session), None)?;
    let mut key = [FILL; 16];
    let reply = calls.get_encryption_blt_key(session, Output::Bytes(&mut key));
    seen.note(reply, changed("the read-back key", &key))?;
    let mut handle = std::ptr::without_provenance_mut(usize::MAX);
    let reply = calls.crypto_session_get_handle(session, Some(&mut handle));
    seen.note(reply, not_zero("the session's handle", handle.addr() as u64))?;
    let mut status = CONTENT_LOST;
    let reply = calls.check_crypto_session_status(session, Some(&mut status));
    seen.note(reply, not_zero("the status", status.into()))?;
    let mut data = u64::MAX;
    let reply = calls.get_data_for_new_hardware_key(session, Input::Null { size: 0 }, Some(&mut data));
    // D30 does not say whether this number is a value or a buffer: zero or as it was.
    seen.note(reply, not_zero("the private output", if data == u64::MAX { 0 } else { data }))
}

fn of_channels(removed: &Removed, channel: ChannelHandle<'_>, seen: &mut Calls) -> CaseResult {
    let calls = removed.device.calls();
    let reply = calls.negotiate_authenticated_channel_key_exchange(channel, Output::Bytes(&mut [1; 256]));
    seen.note(reply, None)?;
    // What an answer says is signed or not, as the driver can; what counts here is the call.
    let (query, mut answer) = ([0; size_of::<QueryInput>()], [0; size_of::<QueryOutput>()]);
    let reply = calls.query_authenticated_channel(channel, Input::Bytes(&query), Output::Bytes(&mut answer));
    seen.note(reply, None)?;
    let (command, mut answer) = ([0; size_of::<ConfigureInput>()], ConfigureOutput::default());
    seen.note(calls.configure_authenticated_channel(channel, Input::Bytes(&command), Some(&mut answer)), None)
}

fn every_entry(ctx: &Context<'_>) -> CaseResult {
    let removed = Removed::new(ctx)?;
    for Seen { reply, .. } in call_all(ctx, &removed)? {
        let call = format!("{} on a removed device", reply.function);
        check_hresult(&call, HResult(D3DDDIERR_DEVICEREMOVED), reply.hresult())?;
    }
    Ok(())
}

fn outputs(ctx: &Context<'_>) -> CaseResult {
    let removed = Removed::new(ctx)?;
    for Seen { reply, defect } in call_all(ctx, &removed)? {
        // Another case says that it fails.
        if !reply.hresult().is_ok() {
            let expected = format!("{} on a removed device writes zeros, and no data", reply.function);
            check(defect.is_none(), expected, || defect.clone().unwrap_or_default())?;
        }
    }
    Ok(())
}

fn destroys(ctx: &Context<'_>) -> CaseResult {
    let removed = Removed::new(ctx)?;
    let calls = removed.device.calls();
    let session: SessionHandle<'_> = removed.session.handle();
    let mut replies = vec![calls.destroy_crypto_session(session)?];
    if let Some(channel) = &removed.channel {
        replies.push(calls.destroy_authenticated_channel(channel.handle())?);
    }
    for reply in replies {
        let (function, reports) = (reply.function, &reply.reports);
        check(reports.is_empty(), format!("{function} on a removed device reports nothing"), || {
            format!("{reports:?}")
        })?;
    }
    Ok(())
}

fn other_devices(ctx: &Context<'_>) -> CaseResult {
    let removed = Removed::new(ctx)?;
    check_works(ctx, &removed.other)?;
    check_works(ctx, &ctx.device_of(&removed.driver)?)
}
