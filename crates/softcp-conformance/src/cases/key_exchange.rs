//! Key exchange of sessions: what is accepted, and everything that is not.

use softcp_abi::E_INVALIDARG;
use softcp_runtime::{Device, HResult, Output, SessionHandle};

use crate::case::{Case, CaseResult, Group, Requirement, Stop, check, check_bytes, check_hresult};
use crate::context::Context;
use crate::oracle::encoding::{Flaw, RawKey};
use crate::oracle::oaep::{Padding, PublicKey};
use crate::probe::{Probe, check_fails, failed, negotiate, session_key};
use crate::rig::KeyedSession;
use crate::variation::Mix;

pub(super) const GROUP: Group = Group {
    name: "key-exchange",
    title: "Key exchange of sessions",
    mix: Mix::All,
    cases: &[
        Case {
            name: "key-exchange/accepts-oaep-sha512",
            rule: "A 16-byte key in RSAES-OAEP with SHA-512 and an empty label is accepted with S_OK, and is the session key.",
            source: "NegotiateCryptoSessionKeyExchange",
            requirement: Requirement::Reference,
            run: accepts_oaep_sha512,
        },
        Case {
            name: "key-exchange/any-key",
            rule: "Every 16 bytes are a key, also zeros alone and ones alone.",
            source: "NegotiateCryptoSessionKeyExchange",
            requirement: Requirement::Reference,
            run: any_key,
        },
        Case {
            name: "key-exchange/replaces-key",
            rule: "A second successful exchange replaces the key.",
            source: "NegotiateCryptoSessionKeyExchange",
            requirement: Requirement::Reference,
            run: replaces_key,
        },
        Case {
            name: "key-exchange/wrong-size",
            rule: "A message that is not 256 bytes long is E_INVALIDARG.",
            source: "NegotiateCryptoSessionKeyExchange",
            requirement: Requirement::Reference,
            run: wrong_size,
        },
        Case {
            name: "key-exchange/wrong-plain-size",
            rule: "A message that decrypts to other than 16 bytes is E_INVALIDARG.",
            source: "D22",
            requirement: Requirement::Decision,
            run: wrong_plain_size,
        },
        Case {
            name: "key-exchange/wrong-hash",
            rule: "RSAES-OAEP with another hash than SHA-512 is refused.",
            source: "NegotiateCryptoSessionKeyExchange",
            requirement: Requirement::Reference,
            run: wrong_hash,
        },
        Case {
            name: "key-exchange/wrong-mask-hash",
            rule: "RSAES-OAEP whose MGF1 is with another hash than SHA-512 is refused.",
            source: "NegotiateCryptoSessionKeyExchange",
            requirement: Requirement::Reference,
            run: |ctx| check_flaws(ctx, &[Flaw::MaskSha1, Flaw::MaskSha256]),
        },
        Case {
            name: "key-exchange/label",
            rule: "RSAES-OAEP with a label that is not empty is refused.",
            source: "NegotiateCryptoSessionKeyExchange",
            requirement: Requirement::Reference,
            run: label,
        },
        Case {
            name: "key-exchange/pkcs1",
            rule: "RSAES-PKCS1-v1_5 is refused.",
            source: "NegotiateCryptoSessionKeyExchange",
            requirement: Requirement::Reference,
            run: pkcs1,
        },
        Case {
            name: "key-exchange/first-byte",
            rule: "An encoding whose first byte is not zero is refused.",
            source: "RFC 8017 section 7.1.2",
            requirement: Requirement::Reference,
            run: |ctx| check_flaws(ctx, &[Flaw::FirstByte]),
        },
        Case {
            name: "key-exchange/padding",
            rule: "An encoding with other bytes than zeros before the 1 that separates, or without that 1, is refused.",
            source: "RFC 8017 section 7.1.2",
            requirement: Requirement::Reference,
            run: |ctx| check_flaws(ctx, &[Flaw::Padding, Flaw::NoSeparator]),
        },
        Case {
            name: "key-exchange/not-below-modulus",
            rule: "A message that is as a number not below the modulus is refused.",
            source: "RFC 8017 section 5.1.2",
            requirement: Requirement::Reference,
            run: not_below_modulus,
        },
        Case {
            name: "key-exchange/changed-message",
            rule: "A message with one bit changed is refused.",
            source: "NegotiateCryptoSessionKeyExchange",
            requirement: Requirement::Reference,
            run: changed_message,
        },
        Case {
            name: "key-exchange/failure-keeps-key",
            rule: "A refused exchange leaves the key that is in force.",
            source: "D22",
            requirement: Requirement::Decision,
            run: failure_keeps_key,
        },
        Case {
            name: "key-exchange/failure-gives-no-key",
            rule: "After a refused exchange a session without a key has none.",
            source: "D22",
            requirement: Requirement::Decision,
            run: failure_gives_no_key,
        },
        Case {
            name: "key-exchange/one-error",
            rule: "Messages of 256 bytes are refused with the same code, whatever is wrong with them.",
            source: "D22",
            requirement: Requirement::Decision,
            run: one_error,
        },
        Case {
            name: "key-exchange/null-data",
            rule: "A null pointer is refused, whatever size goes with it.",
            source: "NegotiateCryptoSessionKeyExchange",
            requirement: Requirement::Quality,
            run: null_data,
        },
        Case {
            name: "key-exchange/input-untouched",
            rule: "The message keeps its bytes, whether it is accepted or refused.",
            source: "NegotiateCryptoSessionKeyExchange",
            requirement: Requirement::Quality,
            run: input_untouched,
        },
    ],
};

/// A device, its key, and a session without one.
fn keyless(ctx: &Context<'_>) -> CaseResult<(Device, PublicKey, softcp_runtime::Session)> {
    let device = ctx.device()?;
    let session = ctx.session(&device)?;
    let key = session_key(ctx, &device)?;
    Ok((device, key, session))
}

fn raw(key: &PublicKey) -> CaseResult<RawKey> {
    key.raw().ok_or_else(|| Stop::failed("a public key of 2048 bits", "one that cannot be read"))
}

/// A message that the driver must refuse, and what is wrong with it.
type Bad = (String, Vec<u8>);

/// Fails unless a message is refused.
fn check_refused(device: &Device, session: SessionHandle<'_>, (what, message): &Bad) -> CaseResult<HResult> {
    let (reply, _) = negotiate(device, session, message)?;
    check_fails(&format!("NegotiateCryptoSessionKeyExchange with {what}"), &reply)?;
    Ok(reply.hresult())
}

/// Fails unless a message is `E_INVALIDARG`.
fn check_invalid(device: &Device, session: SessionHandle<'_>, bad: &Bad) -> CaseResult {
    let seen = check_refused(device, session, bad)?;
    check_hresult(&format!("NegotiateCryptoSessionKeyExchange with {}", bad.0), HResult(E_INVALIDARG), seen)
}

fn padded(ctx: &Context<'_>, key: &PublicKey, paddings: &[Padding]) -> Vec<Bad> {
    let of = |padding: &Padding| (format!("padding {padding:?}"), key.encrypt(&ctx.random::<16>(), *padding));
    paddings.iter().map(of).collect()
}

fn flawed(ctx: &Context<'_>, key: &PublicKey, flaws: &[Flaw]) -> CaseResult<Vec<Bad>> {
    let raw = raw(key)?;
    let of = |flaw: &Flaw| (format!("flaw {flaw:?}"), raw.message(&ctx.random::<16>(), ctx.random(), *flaw));
    Ok(flaws.iter().map(of).collect())
}

fn plain_sizes(ctx: &Context<'_>, key: &PublicKey) -> Vec<Bad> {
    let of = |size| (format!("a key of {size} bytes"), key.encrypt(&ctx.random_bytes(size), Padding::Oaep512));
    [1, 8, 15, 17, 24, 32, 126].into_iter().map(of).collect()
}

fn numbers(key: &PublicKey, ctx: &Context<'_>) -> CaseResult<Vec<Bad>> {
    let (raw, mut bad) = (raw(key)?, Vec::new());
    bad.push(("the highest number of 256 bytes".to_owned(), vec![0xff; 256]));
    // The sum has 256 bytes for a message below 2^2048 minus the modulus, which is one in some.
    for _ in 0..200 {
        let message = key.encrypt(&ctx.random::<16>(), Padding::Oaep512);
        if let Some(sum) = raw.past_modulus(&message) {
            bad.push(("a right message and the modulus added".to_owned(), sum));
            break;
        }
    }
    Ok(bad)
}

fn changed(ctx: &Context<'_>, key: &PublicKey) -> Vec<Bad> {
    let of = |byte: usize| {
        let mut message = key.encrypt(&ctx.random::<16>(), Padding::Oaep512);
        message[byte] ^= 1;
        (format!("a bit of byte {byte} changed"), message)
    };
    [1, 16, 128, 254, 255].into_iter().map(of).collect()
}

fn other_numbers() -> Vec<Bad> {
    let mut one = vec![0; 256];
    one[255] = 1;
    vec![("the number 0".to_owned(), vec![0; 256]), ("the number 1".to_owned(), one)]
}

/// One message of each kind, all of 256 bytes.
fn all_kinds(ctx: &Context<'_>, key: &PublicKey) -> CaseResult<Vec<Bad>> {
    let mut bad = plain_sizes(ctx, key);
    bad.extend(padded(ctx, key, &[Padding::Oaep256, Padding::Oaep1, Padding::Labelled, Padding::Pkcs1]));
    bad.extend(flawed(ctx, key, &[Flaw::FirstByte, Flaw::LabelHash, Flaw::Padding, Flaw::NoSeparator])?);
    bad.extend(numbers(key, ctx)?);
    bad.extend(other_numbers());
    bad.extend(changed(ctx, key).into_iter().take(2));
    Ok(bad)
}

fn accepts_oaep_sha512(ctx: &Context<'_>) -> CaseResult {
    let (device, key, session) = keyless(ctx)?;
    let probe = Probe::new(ctx, &device)?;
    let session_key = ctx.random();
    let (reply, _) = negotiate(&device, session.handle(), &key.encrypt(&session_key, Padding::Oaep512))?;
    check_hresult("NegotiateCryptoSessionKeyExchange", HResult::OK, reply.hresult())?;
    probe.key("the session key", &KeyedSession { session, key: session_key })
}

fn any_key(ctx: &Context<'_>) -> CaseResult {
    let (device, key, session) = keyless(ctx)?;
    let probe = Probe::new(ctx, &device)?;
    let mut session = KeyedSession { session, key: [0; 16] };
    let mut ends_with_zeros = ctx.random::<16>();
    ends_with_zeros[8..].fill(0);
    let mut begins_with_zeros = ctx.random::<16>();
    begins_with_zeros[..8].fill(0);
    for session_key in [[0; 16], [0xff; 16], ends_with_zeros, begins_with_zeros] {
        session.session.negotiate(&key.encrypt(&session_key, Padding::Oaep512))?;
        session.key = session_key;
        probe.key(&format!("the key {session_key:02x?}"), &session)?;
    }
    Ok(())
}

fn replaces_key(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let probe = Probe::new(ctx, &device)?;
    let mut session = ctx.keyed_session(&device)?;
    // So that the old key has been used.
    probe.key("the first key", &session)?;
    for exchange in 2..=4 {
        ctx.renegotiate(&mut session)?;
        probe.key(&format!("the key of exchange {exchange}"), &session)?;
    }
    Ok(())
}

fn wrong_size(ctx: &Context<'_>) -> CaseResult {
    let (device, key, session) = keyless(ctx)?;
    let message = key.encrypt(&ctx.random::<16>(), Padding::Oaep512);
    let longer = [message.as_slice(), &[0; 256]].concat();
    let mut led = vec![0];
    led.extend(&message);
    let mut bad: Vec<Bad> =
        [0, 1, 16, 255, 257, 512].map(|size| (format!("{size} bytes"), longer[..size].to_vec())).into();
    bad.push(("a zero byte in front".to_owned(), led));
    bad.iter().try_for_each(|bad| check_invalid(&device, session.handle(), bad))
}

fn wrong_plain_size(ctx: &Context<'_>) -> CaseResult {
    let (device, key, session) = keyless(ctx)?;
    plain_sizes(ctx, &key).iter().try_for_each(|bad| check_invalid(&device, session.handle(), bad))
}

fn check_all_refused(device: &Device, session: SessionHandle<'_>, bad: &[Bad]) -> CaseResult {
    bad.iter().try_for_each(|bad| check_refused(device, session, bad).map(drop))
}

fn wrong_hash(ctx: &Context<'_>) -> CaseResult {
    let (device, key, session) = keyless(ctx)?;
    let bad = padded(ctx, &key, &[Padding::Oaep1, Padding::Oaep256]);
    check_all_refused(&device, session.handle(), &bad)
}

fn check_flaws(ctx: &Context<'_>, flaws: &[Flaw]) -> CaseResult {
    let (device, key, session) = keyless(ctx)?;
    check_all_refused(&device, session.handle(), &flawed(ctx, &key, flaws)?)
}

fn label(ctx: &Context<'_>) -> CaseResult {
    let (device, key, session) = keyless(ctx)?;
    let mut bad = padded(ctx, &key, &[Padding::Labelled]);
    bad.extend(flawed(ctx, &key, &[Flaw::LabelHash])?);
    check_all_refused(&device, session.handle(), &bad)
}

fn pkcs1(ctx: &Context<'_>) -> CaseResult {
    let (device, key, session) = keyless(ctx)?;
    check_all_refused(&device, session.handle(), &padded(ctx, &key, &[Padding::Pkcs1]))
}

fn not_below_modulus(ctx: &Context<'_>) -> CaseResult {
    let (device, key, session) = keyless(ctx)?;
    check_all_refused(&device, session.handle(), &numbers(&key, ctx)?)
}

fn changed_message(ctx: &Context<'_>) -> CaseResult {
    let (device, key, session) = keyless(ctx)?;
    check_all_refused(&device, session.handle(), &changed(ctx, &key))
}

fn failure_keeps_key(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let probe = Probe::new(ctx, &device)?;
    let (mut session, key) = (ctx.keyed_session(&device)?, session_key(ctx, &device)?);
    let mut bad = all_kinds(ctx, &key)?;
    bad.extend([0, 255, 257].map(|size| (format!("{size} bytes"), vec![7; size])));
    for (what, message) in &bad {
        // Another case says that all of them are refused.
        let (reply, _) = negotiate(&device, session.handle(), message)?;
        if failed(&reply) {
            probe.key(&format!("the old key after an exchange with {what}"), &session)?;
        } else {
            ctx.renegotiate(&mut session)?;
        }
    }
    Ok(())
}

fn failure_gives_no_key(ctx: &Context<'_>) -> CaseResult {
    let (device, key, mut session) = keyless(ctx)?;
    let probe = Probe::new(ctx, &device)?;
    for (what, message) in &all_kinds(ctx, &key)? {
        let (reply, _) = negotiate(&device, session.handle(), message)?;
        if failed(&reply) {
            probe.no_key(&format!("after an exchange with {what}"), &device, session.handle())?;
        } else {
            session = ctx.session(&device)?;
        }
    }
    Ok(())
}

fn one_error(ctx: &Context<'_>) -> CaseResult {
    let (device, key, session) = keyless(ctx)?;
    let mut first: Option<(HResult, String)> = None;
    for bad in all_kinds(ctx, &key)? {
        let (reply, _) = negotiate(&device, session.handle(), &bad.1)?;
        if !failed(&reply) {
            continue;
        }
        let seen = reply.hresult();
        let (expected, what) = first.get_or_insert_with(|| (seen, bad.0.clone()));
        check(*expected == seen, format!("{expected} with {}, as with {what}", bad.0), || seen.to_string())?;
    }
    Ok(())
}

fn null_data(ctx: &Context<'_>) -> CaseResult {
    let (device, _, session) = keyless(ctx)?;
    for size in [0, 16, 256] {
        // SAFETY: the session takes a key, not commands.
        let reply =
            unsafe { device.calls().negotiate_crypto_session_key_exchange(session.handle(), Output::Null { size }) }?;
        check_fails(&format!("NegotiateCryptoSessionKeyExchange with null and {size} bytes"), &reply)?;
    }
    Ok(())
}

fn input_untouched(ctx: &Context<'_>) -> CaseResult {
    let (device, key, session) = keyless(ctx)?;
    let mut messages = padded(ctx, &key, &[Padding::Oaep512, Padding::Oaep256]);
    messages.extend(plain_sizes(ctx, &key).into_iter().take(1));
    for (what, message) in messages {
        let (_, after) = negotiate(&device, session.handle(), &message)?;
        check_bytes(&format!("the message with {what}"), &message, &after)?;
    }
    Ok(())
}
