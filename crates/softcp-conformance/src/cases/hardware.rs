//! Hardware protection (WDDM 2.0): sessions that carry commands to a secure environment, and the free-threaded entry.

use softcp_abi::{
    D3D11_CRYPTO_TYPE_AES128_CTR as AES_CTR, D3D11_KEY_EXCHANGE_HW_PROTECTION as HW_PROTECTION,
    D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION as COMMUNICATION, GUID, GUID_NULL,
};
use softcp_runtime::{
    CommandMessage, CryptoSessionDesc, Device, Input, Output, PrivateDataSizes, Reply, ResourceDesc, SecureCommand,
    Session,
};

use crate::case::{Case, CaseResult, Group, Requirement, Stop, check, check_bytes, check_equal};
use crate::context::Context;
use crate::oracle::oaep::Padding;
use crate::probe::{Probe, check_fails, failed, key_exchange_types, session_key};
use crate::rig::{FILL, KeyedSession, SESSION, filled, read};
use crate::variation::Mix;

/// Commands that cases try: what they mean is the environment's affair, so whatever it answers is right.
const FUNCTION: u32 = 1;

/// A session that carries commands.
const COMMANDS: CryptoSessionDesc = CryptoSessionDesc { key_exchange_type: HW_PROTECTION, ..SESSION };

pub(super) const GROUP: Group = Group {
    name: "hardware",
    title: "Hardware protection",
    mix: Mix::All,
    cases: &[
        Case {
            name: "hardware/key-exchange-is-listed",
            rule: "D3D11_KEY_EXCHANGE_HW_PROTECTION is listed where HARDWARE_DRM_COMMUNICATION is reported, and only there.",
            source: "GetCryptoKeyExchangeType",
            requirement: Requirement::Reference,
            run: key_exchange_is_listed,
        },
        Case {
            name: "hardware/private-data-sizes",
            rule: "GetCryptoSessionPrivateDataSize writes both sizes, the same each time, with and without a decode profile.",
            source: "GetCryptoSessionPrivateDataSize",
            requirement: Requirement::Reference,
            run: private_data_sizes,
        },
        Case {
            name: "hardware/private-data-sizes-zero-on-failure",
            rule: "GetCryptoSessionPrivateDataSize reports an unknown type, and writes both sizes as zero.",
            source: "D20, D30",
            requirement: Requirement::Decision,
            run: private_data_sizes_zero_on_failure,
        },
        Case {
            name: "hardware/private-data-sizes-one-report",
            rule: "A GetCryptoSessionPrivateDataSize that fails calls the error callback once.",
            source: "D20",
            requirement: Requirement::Decision,
            run: private_data_sizes_one_report,
        },
        Case {
            name: "hardware/empty-command",
            rule: "A command without bytes is carried as one with bytes is.",
            source: "D29",
            requirement: Requirement::Decision,
            run: empty_command,
        },
        Case {
            name: "hardware/output-within-limit",
            rule: "Nothing is written past MaxHWProtectionDataSize.",
            source: "D29",
            requirement: Requirement::Decision,
            run: output_within_limit,
        },
        Case {
            name: "hardware/whole-output-is-written",
            rule: "Of a command that is carried all of the output is written.",
            source: "D29",
            requirement: Requirement::Decision,
            run: whole_output_is_written,
        },
        Case {
            name: "hardware/wrong-private-size",
            rule: "A command with another number of private bytes than GetCryptoSessionPrivateDataSize says is refused.",
            source: "GetCryptoSessionPrivateDataSize",
            requirement: Requirement::Quality,
            run: wrong_private_size,
        },
        Case {
            name: "hardware/claimed-sizes",
            rule: "A command that claims sizes up to 4 GiB is refused before a byte of them is read or written.",
            source: "D34",
            requirement: Requirement::Decision,
            run: claimed_sizes,
        },
        Case {
            name: "hardware/other-entries-refused",
            rule: "A session that carries commands refuses blits, refresh and read-back key, and keeps the buffers.",
            source: "D20, D30",
            requirement: Requirement::Quality,
            run: other_entries_refused,
        },
        Case {
            name: "hardware/mt-entry",
            rule: "NegotiateCryptoSessionKeyExchangeMT without flags is the key exchange of every session.",
            source: "NegotiateCryptoSessionKeyExchangeMT",
            requirement: Requirement::Reference,
            run: mt_entry,
        },
        Case {
            name: "hardware/mt-entry-refuses-too",
            rule: "NegotiateCryptoSessionKeyExchangeMT refuses a wrong message, and the key in force stays.",
            source: "NegotiateCryptoSessionKeyExchangeMT",
            requirement: Requirement::Reference,
            run: mt_entry_refuses_too,
        },
        Case {
            name: "hardware/mt-command",
            rule: "NegotiateCryptoSessionKeyExchangeMT carries a command as the entry without MT does.",
            source: "NegotiateCryptoSessionKeyExchangeMT",
            requirement: Requirement::Reference,
            run: mt_command,
        },
        Case {
            name: "hardware/data-zero-on-failure",
            rule: "When GetDataForNewHardwareKey fails, it writes zero or nothing.",
            source: "D30",
            requirement: Requirement::Decision,
            run: data_zero_on_failure,
        },
    ],
};

/// A device that carries commands, a session for them, and the private sizes.
fn commands(ctx: &Context<'_>) -> CaseResult<(Device, Session, PrivateDataSizes)> {
    let device = ctx.device()?;
    ctx.require(&device, COMMUNICATION)?;
    let session = device.create_session(&COMMANDS)?;
    let sizes = device.private_data_sizes(&COMMANDS)?;
    let largest = sizes.input.max(sizes.output);
    check(largest <= 1 << 20, "private sizes of at most 1 MiB", || format!("{sizes:?}"))?;
    Ok((device, session, sizes))
}

fn key_exchange_is_listed(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let is_reported = ctx.caps(&device)?.contains(COMMUNICATION);
    let is_listed = key_exchange_types(&device)?.contains(&HW_PROTECTION);
    check(is_reported == is_listed, format!("HARDWARE_DRM_COMMUNICATION {is_reported}, HW_PROTECTION so too"), || {
        format!("{is_listed}")
    })
}

/// The sizes as the driver writes them, over another value; the reply too.
fn sizes(device: &Device, profile: Option<&GUID>, exchange: &GUID, before: u32) -> CaseResult<(Reply, [u32; 2])> {
    let (mut input, mut output) = (before, before);
    let reply = device.calls().get_crypto_session_private_data_size(
        Some(&AES_CTR),
        profile,
        Some(exchange),
        Some(&mut input),
        Some(&mut output),
    )?;
    Ok((reply, [input, output]))
}

fn private_data_sizes(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let carries = ctx.caps(&device)?.contains(COMMUNICATION);
    let exchange = if carries { HW_PROTECTION } else { SESSION.key_exchange_type };
    let mut first = None;
    for (profile, before) in [(Some(&GUID_NULL), u32::MAX), (Some(&GUID_NULL), 0x5a5a_5a5a), (None, u32::MAX)] {
        let (reply, seen) = sizes(&device, profile, &exchange, before)?;
        if !carries && failed(&reply) {
            return Err(Stop::skipped("the driver has private data sizes of no key exchange type"));
        }
        reply.into_result()?;
        let expected = *first.get_or_insert(seen);
        check_equal("private sizes", &expected, &seen)?;
        check(seen.iter().all(|&size| size <= 1 << 20), "two sizes of at most 1 MiB", || format!("{seen:x?}"))?;
    }
    Ok(())
}

fn private_data_sizes_zero_on_failure(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    let unknown = GUID::from_u128(u128::from_be_bytes(ctx.random()) | 1);
    for (what, profile, exchange) in
        [("key exchange type", GUID_NULL, unknown), ("decode profile", unknown, HW_PROTECTION)]
    {
        let (reply, seen) = sizes(&device, Some(&profile), &exchange, u32::MAX)?;
        check_fails(&format!("GetCryptoSessionPrivateDataSize of an unknown {what}"), &reply)?;
        check_equal("the sizes", &[0, 0], &seen)?;
    }
    Ok(())
}

fn private_data_sizes_one_report(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    let (reply, _) = sizes(&device, None, &GUID::from_u128(u128::from_be_bytes(ctx.random()) | 1), 0)?;
    let reports = reply.reports.len();
    check(reports <= 1, "an unknown key exchange type: one call of the error callback", || reports.to_string())
}

/// Carries a command of `input` to room for `room` bytes, with slack behind it; what came of it.
fn carry(
    device: &Device,
    session: &Session,
    sizes: PrivateDataSizes,
    (input, room): (&[u8], u32),
) -> CaseResult<(Reply, CommandMessage)> {
    let private_input = vec![0; sizes.input as usize];
    let command =
        SecureCommand { function: FUNCTION, private_input: &private_input, input, private_room: sizes.output, room };
    let mut message = CommandMessage::with_slack(&command, SLACK, FILL)?;
    let reply = device.calls().execute_command(session.handle(), &mut message)?;
    Ok((reply, message))
}

/// Bytes behind the room that the driver is told of.
const SLACK: usize = 256;

/// Room that commands are given.
const ROOMS: [u32; 8] = [0, 1, 4, 15, 16, 17, 64, 1000];

fn empty_command(ctx: &Context<'_>) -> CaseResult {
    let (device, session, sizes) = commands(ctx)?;
    for room in ROOMS {
        let (with_bytes, _) = carry(&device, &session, sizes, (&ctx.random::<4>(), room))?;
        let (empty, message) = carry(&device, &session, sizes, (&[], room))?;
        if failed(&empty) {
            if failed(&with_bytes) {
                return Err(Stop::skipped(format!(
                    "the driver does not carry command {FUNCTION} ({})",
                    empty.hresult()
                )));
            }
            return Err(Stop::failed("a command of 0 bytes that is carried", empty.hresult().to_string()));
        }
        message.answer()?;
    }
    Ok(())
}

fn output_within_limit(ctx: &Context<'_>) -> CaseResult {
    let (device, session, sizes) = commands(ctx)?;
    for room in ROOMS {
        for input in [&[] as &[u8], &ctx.random::<16>()] {
            let (reply, message) = carry(&device, &session, sizes, (input, room))?;
            let (end, bytes) = ((sizes.output + room) as usize, message.output_bytes());
            check_bytes(&format!("bytes behind room for {room}"), &vec![FILL; bytes.len() - end], &bytes[end..])?;
            if !failed(&reply) {
                // It fails when more is written than there is room for.
                message.answer()?;
            }
        }
    }
    Ok(())
}

/// Sizes that are claimed for buffers of a few bytes.
const CLAIMED: [u32; 4] = [u32::MAX, 0x8000_0000, 0x7FFF_FFFF, 0x1000_0000];

/// A driver that reads what it is told of ends the process, which costs this case.
fn claimed_sizes(ctx: &Context<'_>) -> CaseResult {
    let (device, session, sizes) = commands(ctx)?;
    let private_input = vec![0; sizes.input as usize];
    let command = SecureCommand {
        function: FUNCTION,
        private_input: &private_input,
        input: &[7; 8],
        private_room: sizes.output,
        room: 16,
    };
    for claimed in CLAIMED {
        let right = [sizes.input, 8, sizes.output, 16];
        for (at, what) in ["private input", "input", "private output", "output"].into_iter().enumerate() {
            let mut message = CommandMessage::with_slack(&command, SLACK, FILL)?;
            let mut claims = right;
            claims[at] = claimed;
            // SAFETY: what the case is about: the driver compares before it touches anything.
            unsafe { message.claim(claims) };
            let reply = device.calls().execute_command(session.handle(), &mut message)?;
            check_fails(&format!("a command with {claimed:#x} bytes of {what}"), &reply)?;
            let bytes = message.output_bytes();
            check_bytes("the output", &vec![FILL; bytes.len()], bytes)?;
        }
    }
    // The session is as it was.
    carry(&device, &session, sizes, (&[], 16)).map(drop)
}

fn whole_output_is_written(ctx: &Context<'_>) -> CaseResult {
    let (device, session, sizes) = commands(ctx)?;
    for room in ROOMS {
        let (reply, message) = carry(&device, &session, sizes, (&[], room))?;
        if failed(&reply) {
            return Err(Stop::skipped(format!("the driver does not carry command {FUNCTION} ({})", reply.hresult())));
        }
        let answer = message.answer()?;
        let begin = sizes.output as usize + answer.output.len();
        let rest = &message.output_bytes()[begin..(sizes.output + room) as usize];
        // FILL four times on end is no chance.
        let unwritten = rest.windows(4).any(|bytes| bytes == [FILL; 4]) || (rest.len() < 4 && rest.contains(&FILL));
        check(!unwritten, format!("room for {room} bytes that is all written"), || format!("{rest:02x?} at the end"))?;
    }
    Ok(())
}

fn wrong_private_size(ctx: &Context<'_>) -> CaseResult {
    let (device, session, sizes) = commands(ctx)?;
    for input in [sizes.input + 1, sizes.input + 16, sizes.input.saturating_sub(1)] {
        if input == sizes.input {
            continue;
        }
        let (reply, _) = carry(&device, &session, PrivateDataSizes { input, ..sizes }, (&[0; 16], 64))?;
        check_fails(&format!("a command with {input} private bytes instead of {}", sizes.input), &reply)?;
    }
    Ok(())
}

fn other_entries_refused(ctx: &Context<'_>) -> CaseResult {
    let (device, session, _) = commands(ctx)?;
    let (calls, session) = (device.calls(), session.handle());
    let desc = ResourceDesc::buffer(32);
    let (source, mut to) = (ctx.resource(&device, &desc, &ctx.random::<32>())?, filled(&device, &desc)?);
    let iv = Input::Bytes(&[1; 16]);
    let reply = calls.decryption_blt(session, source.handle(), to.handle(), None, Input::Null { size: 0 }, iv)?;
    check_fails("DecryptionBlt on a session for commands", &reply)?;
    let mut out = [FILL; 16];
    let reply = calls.encryption_blt(session, source.handle(), to.handle(), Output::Bytes(&mut out))?;
    check_fails("EncryptionBlt on a session for commands", &reply)?;
    let reply = calls.start_session_key_refresh(session, Output::Bytes(&mut out))?;
    check_fails("StartSessionKeyRefresh on a session for commands", &reply)?;
    let reply = calls.finish_session_key_refresh(session)?;
    check_fails("FinishSessionKeyRefresh on a session for commands", &reply)?;
    let reply = calls.get_encryption_blt_key(session, Output::Bytes(&mut out))?;
    check_fails("GetEncryptionBltKey on a session for commands", &reply)?;
    check_bytes("buffers of refused calls", &[FILL; 16], &out)?;
    check_bytes("the destination of refused blits", &[FILL; 32], &read(&mut to)?)
}

fn exchange_mt(device: &Device, session: &Session, message: &mut [u8]) -> CaseResult<Reply> {
    let calls = device.calls();
    // SAFETY: the session takes a key, not commands.
    let reply = unsafe { calls.negotiate_crypto_session_key_exchange_mt(session.handle(), 0, Output::Bytes(message)) };
    Ok(reply?)
}

fn mt_entry(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let probe = Probe::new(ctx, &device)?;
    let mut session = KeyedSession { session: ctx.session(&device)?, key: [0; 16] };
    for exchange in 1..=2 {
        session.key = ctx.random();
        let mut message = session_key(ctx, &device)?.encrypt(&session.key, Padding::Oaep512);
        exchange_mt(&device, &session.session, &mut message)?.into_result()?;
        probe.key(&format!("the key of exchange {exchange} by the MT entry"), &session)?;
    }
    Ok(())
}

fn mt_entry_refuses_too(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let probe = Probe::new(ctx, &device)?;
    let (session, key) = (ctx.keyed_session(&device)?, session_key(ctx, &device)?);
    for (what, mut message) in [
        ("a key of 15 bytes", key.encrypt(&ctx.random::<15>(), Padding::Oaep512)),
        ("another hash", key.encrypt(&ctx.random::<16>(), Padding::Oaep256)),
        ("255 bytes", vec![1; 255]),
    ] {
        let reply = exchange_mt(&device, &session.session, &mut message)?;
        check_fails(&format!("NegotiateCryptoSessionKeyExchangeMT with {what}"), &reply)?;
    }
    probe.key("the old key", &session)
}

fn mt_command(ctx: &Context<'_>) -> CaseResult {
    let (device, session, sizes) = commands(ctx)?;
    let private_input = vec![0; sizes.input as usize];
    let command = SecureCommand {
        function: FUNCTION,
        private_input: &private_input,
        input: &[],
        private_room: sizes.output,
        room: 64,
    };
    let (mut plain, mut mt) = (CommandMessage::new(&command)?, CommandMessage::new(&command)?);
    let plain_reply = device.calls().execute_command(session.handle(), &mut plain)?;
    let mt_reply = device.calls().execute_command_mt(session.handle(), 0, &mut mt)?;
    check_equal("the HRESULT of the command by the MT entry", &plain_reply.hresult(), &mt_reply.hresult())?;
    if !failed(&plain_reply) {
        let (plain, mt) = (plain.answer()?, mt.answer()?);
        check_equal("the status of the command by the MT entry", &plain.status, &mt.status)?;
    }
    Ok(())
}

fn data_zero_on_failure(ctx: &Context<'_>) -> CaseResult {
    let (device, other) = (ctx.device()?, ctx.device()?);
    let session = ctx.session(&device)?;
    for (what, device) in [("a session that takes a key", &device), ("another device", &other)] {
        let mut data = u64::MAX;
        let calls = device.calls();
        let reply = calls.get_data_for_new_hardware_key(session.handle(), Input::Null { size: 0 }, Some(&mut data))?;
        if failed(&reply) {
            // D30 does not say whether this number is a value or a buffer.
            let holds = data == 0 || data == u64::MAX;
            check(holds, format!("the data zero or as it was with {what}"), || format!("{data:#x}"))?;
        }
    }
    Ok(())
}
