//! What is encrypted in each scheme, and with what.

use softcp_abi::D3D11_DECODER_ENCRYPTION_HW_CENC as HW_CENC;
use softcp_client::clear_key::{ClearKeyCommand, Licence, LoadLicence, MakeKeyBlob, Provision};
use softcp_runtime::{CryptoSessionDesc, SUB_DEVICES, SecureCommand};

use super::frames::{Decoding, Key, STRIPED_TABLE, Sent, encryption, submit};
use crate::case::{CaseResult, Stop, check};
use crate::context::Context;
use crate::oracle::sample::Mode::{Cbc, Ctr};
use crate::oracle::sample::{self, Part, Scheme};
use crate::rig::SESSION;

/// Regions that are whole blocks, so that nothing but the rule at hand decides.
const WHOLE_BLOCKS: &[Part] = &[(3, 160), (5, 64), (0, 320), (17, 160)];
/// Regions that end inside blocks.
const PARTIAL_BLOCKS: &[Part] = &[(3, 41), (0, 23), (9, 170), (1, 15)];

pub(super) fn cenc_stream(ctx: &Context<'_>) -> CaseResult {
    Decoding::new(ctx, Ctr)?.check_samples(ctx, "cenc", (Ctr, (0, 0)), &[WHOLE_BLOCKS])
}

pub(super) fn cenc_partial_block(ctx: &Context<'_>) -> CaseResult {
    Decoding::new(ctx, Ctr)?.check_samples(ctx, "cenc", (Ctr, (0, 0)), &[PARTIAL_BLOCKS, &[], &[(0, 7)]])
}

pub(super) fn cens_stream(ctx: &Context<'_>) -> CaseResult {
    // Each region is whole stripes, so that the pattern need not restart.
    let parts = [(3, 160), (5, 320), (0, 160)];
    Decoding::new(ctx, Ctr)?.check_samples(ctx, "cens 1:9", (Ctr, (1, 9)), &[&parts])
}

pub(super) fn cens_stripes_restart(ctx: &Context<'_>) -> CaseResult {
    Decoding::new(ctx, Ctr)?.check_samples(ctx, "cens 1:9", (Ctr, (1, 9)), &[WHOLE_BLOCKS])
}

pub(super) fn cens_partial_block(ctx: &Context<'_>) -> CaseResult {
    // The cut block would be encrypted if it were whole.
    Decoding::new(ctx, Ctr)?.check_samples(ctx, "cens 1:9", (Ctr, (1, 9)), &[&[(3, 170)], &[(0, 15)]])
}

pub(super) fn cbc1_chain(ctx: &Context<'_>) -> CaseResult {
    Decoding::new(ctx, Cbc)?.check_samples(ctx, "cbc1", (Cbc, (0, 0)), &[WHOLE_BLOCKS])
}

pub(super) fn cbc1_partial_block(ctx: &Context<'_>) -> CaseResult {
    Decoding::new(ctx, Cbc)?.check_samples(ctx, "cbc1", (Cbc, (0, 0)), &[PARTIAL_BLOCKS, &[(4, 50)], &[(0, 15)]])
}

pub(super) fn cbcs_chain_restarts(ctx: &Context<'_>) -> CaseResult {
    let parts = [(3, 160), (5, 320), (0, 160)];
    Decoding::new(ctx, Cbc)?.check_samples(ctx, "cbcs 1:9", (Cbc, (1, 9)), &[&parts])
}

pub(super) fn cbcs_chain_over_stripes(ctx: &Context<'_>) -> CaseResult {
    Decoding::new(ctx, Cbc)?.check_samples(ctx, "cbcs 1:9", (Cbc, (1, 9)), &[&[(0, 480)]])
}

pub(super) fn cbcs_stripes_restart(ctx: &Context<'_>) -> CaseResult {
    Decoding::new(ctx, Cbc)?.check_samples(ctx, "cbcs 1:9", (Cbc, (1, 9)), &[WHOLE_BLOCKS])
}

pub(super) fn cbcs_partial_block(ctx: &Context<'_>) -> CaseResult {
    Decoding::new(ctx, Cbc)?.check_samples(ctx, "cbcs 1:9", (Cbc, (1, 9)), &[&[(3, 170)], &[(0, 15)]])
}

pub(super) fn stripes_of_both_counts(ctx: &Context<'_>) -> CaseResult {
    for mode in [Ctr, Cbc] {
        let mut decoding = Decoding::new(ctx, mode)?;
        for stripes in [(1, 1), (2, 3), (5, 5), (9, 1), (3, 7)] {
            let (what, period) = (format!("stripes of {stripes:?}"), 16 * (stripes.0 + stripes.1));
            decoding.check_samples(ctx, &what, (mode, stripes), &[&[(1, 2 * period), (0, 3 * period)]])?;
        }
    }
    Ok(())
}

pub(super) fn stripes_cut_at_the_end(ctx: &Context<'_>) -> CaseResult {
    for mode in [Ctr, Cbc] {
        let mut decoding = Decoding::new(ctx, mode)?;
        for stripes in [(1, 9), (5, 5), (9, 1), (1, u32::MAX), (u32::MAX, u32::MAX)] {
            let what = format!("stripes of {stripes:?} that are cut");
            // After one period and a block, after less than the encrypted blocks, after a third of the clear ones.
            let lists: [&[Part]; 3] = [&[(0, 176), (7, 16 * 13)], &[(3, 48)], &[(0, 128), (1, 192)]];
            decoding.check_samples(ctx, &what, (mode, stripes), &lists)?;
        }
    }
    Ok(())
}

pub(super) fn whole_buffer_is_a_region(ctx: &Context<'_>) -> CaseResult {
    let key = ctx.random();
    for scheme in [(Ctr, (0, 0)), (Ctr, (1, 9)), (Cbc, (0, 0)), (Cbc, (1, 9))] {
        let mut decoding = Decoding::new(ctx, scheme.0)?;
        let (clear, iv) = (ctx.random_bytes(480), ctx.next_iv());
        let sent = sample::encrypt(scheme, &key, &iv, &[], &clear);
        decoding.frame(Key::Content(&key), |frame| {
            let buffer = Sent { stripes: scheme.1, ..Sent::new(&sent, &iv) };
            Ok(submit(ctx, frame, &[buffer])?.into_result()?)
        })?;
        decoding.check_shown(&format!("{scheme:?} without subsamples"), &clear)?;
    }
    Ok(())
}

pub(super) fn empty_regions(ctx: &Context<'_>) -> CaseResult {
    let lists: [&[Part]; 4] =
        [&[(16, 0), (0, 160), (0, 0), (3, 160)], &[(40, 0)], &[(0, 0), (0, 16), (0, 0)], &[(7, 0), (0, 32), (5, 0)]];
    for scheme in [(Ctr, (0, 0)), (Ctr, (1, 9)), (Cbc, (0, 0)), (Cbc, (1, 9))] {
        let what = format!("{scheme:?} with regions of 0 bytes");
        Decoding::new(ctx, scheme.0)?.check_samples(ctx, &what, scheme, &lists)?;
    }
    Ok(())
}

pub(super) fn iv_of_each_buffer(ctx: &Context<'_>) -> CaseResult {
    for scheme in [(Ctr, (0, 0)), (Ctr, (1, 9)), (Cbc, (0, 0)), (Cbc, (1, 9))] {
        let what = format!("{scheme:?} of several buffers in a frame");
        let parts: &[Part] = &[(2, 160)];
        let mut decoding = Decoding::new(ctx, scheme.0)?;
        decoding.check_samples(ctx, &what, scheme, &[parts, parts, &[(0, 16)], parts])?;
    }
    Ok(())
}

pub(super) fn buffers_of_one_call(ctx: &Context<'_>) -> CaseResult {
    let key = ctx.random();
    for scheme in [(Ctr, (0, 0)), (Ctr, (1, 9)), (Cbc, (0, 0)), (Cbc, (1, 9))] {
        let mut decoding = Decoding::new(ctx, scheme.0)?;
        let (clear, ivs) = ([ctx.random_bytes(160), ctx.random_bytes(320)], [ctx.next_iv(), ctx.next_iv()]);
        let sent = [0, 1].map(|at| sample::encrypt(scheme, &key, &ivs[at], &[], &clear[at]));
        let parameters = ctx.random_bytes(9);
        decoding.frame(Key::Content(&key), |frame| {
            let buffer = |at: usize| Sent { stripes: scheme.1, ..Sent::new(&sent[at], &ivs[at]) };
            let in_the_clear = Sent { iv: None, buffer_type: 1, ..Sent::new(&parameters, &[]) };
            Ok(submit(ctx, frame, &[buffer(0), in_the_clear, buffer(1)])?.into_result()?)
        })?;
        let expected = [&clear[0][..], &parameters, &clear[1]].concat();
        decoding.check_shown(&format!("{scheme:?} of two buffers and a clear one in one call"), &expected)?;
    }
    Ok(())
}

/// A buffer of every table's entries, whole and with subsamples where the table has them.
pub(super) fn every_table(ctx: &Context<'_>) -> CaseResult {
    for table in SUB_DEVICES {
        for mode in [Ctr, Cbc] {
            let mut decoding = match Decoding::on(ctx, ctx.driver(), table, encryption(mode)) {
                Err(Stop::Skipped { reason }) if table != STRIPED_TABLE => {
                    ctx.note(format!("table {table}: {reason}"));
                    continue;
                }
                decoding => decoding?,
            };
            let what = format!("{mode:?} through table {table}");
            let has_maps = table != 2;
            decoding.check_samples(ctx, &what, (mode, (0, 0)), if has_maps { &[WHOLE_BLOCKS, &[]] } else { &[&[]] })?;
            // And by the entry that every table has.
            let (key, iv, clear) = (ctx.random(), ctx.next_iv(), ctx.random_bytes(100));
            let sent = sample::encrypt((mode, (0, 0)), &key, &iv, &[], &clear);
            decoding.frame(Key::Content(&key), |frame| {
                let clear_pattern = Sent { iv: None, pattern: Some((0, 0, 0)), ..Sent::new(&[7], &[]) };
                submit(ctx, frame, &[clear_pattern])?.into_result()?;
                if mode == Ctr {
                    let all = Sent { pattern: Some((100, 0, 0)), ..Sent::new(&sent, &iv) };
                    return Ok(submit(ctx, frame, &[all])?.into_result()?);
                }
                Ok(submit(ctx, frame, &[Sent::new(&sent, &iv)])?.into_result()?)
            })?;
            decoding.check_shown(&what, &[&[7], &clear[..]].concat())?;
        }
    }
    Ok(())
}

// Keys.

/// A buffer under a key that the kit knows.
fn check_key(ctx: &Context<'_>, decoding: &mut Decoding, scheme: Scheme, key: Key<'_>, with: &[u8; 16]) -> CaseResult {
    let (clear, iv) = (ctx.random_bytes(160), ctx.next_iv());
    let sent = sample::encrypt(scheme, with, &iv, &[], &clear);
    decoding.frame(key, |frame| {
        let buffer = Sent { stripes: scheme.1, ..Sent::new(&sent, &iv) };
        Ok(submit(ctx, frame, &[buffer])?.into_result()?)
    })?;
    decoding.check_shown(&format!("{scheme:?}"), &clear)
}

const SCHEMES: [Scheme; 4] = [(Ctr, (0, 0)), (Ctr, (1, 9)), (Cbc, (0, 0)), (Cbc, (1, 9))];

pub(super) fn session_key(ctx: &Context<'_>) -> CaseResult {
    for scheme in SCHEMES {
        let mut decoding = Decoding::new(ctx, scheme.0)?;
        let key = decoding.session.key;
        check_key(ctx, &mut decoding, scheme, Key::Session, &key)?;
    }
    Ok(())
}

pub(super) fn content_keys(ctx: &Context<'_>) -> CaseResult {
    for scheme in SCHEMES {
        let mut decoding = Decoding::new(ctx, scheme.0)?;
        let keys: [[u8; 16]; 3] = [ctx.random(), ctx.random(), ctx.random()];
        for key in [0, 1, 0, 2, 1, 0].map(|at| keys[at]) {
            check_key(ctx, &mut decoding, scheme, Key::Content(&key), &key)?;
        }
    }
    Ok(())
}

pub(super) fn refreshed_session_key(ctx: &Context<'_>) -> CaseResult {
    for scheme in SCHEMES {
        let mut decoding = Decoding::new(ctx, scheme.0)?;
        for _ in 0..3 {
            decoding.session.refresh()?;
            let key = decoding.session.key;
            check_key(ctx, &mut decoding, scheme, Key::Session, &key)?;
        }
    }
    Ok(())
}

pub(super) fn content_key_after_refresh(ctx: &Context<'_>) -> CaseResult {
    for scheme in SCHEMES {
        let mut decoding = Decoding::new(ctx, scheme.0)?;
        let content: [u8; 16] = ctx.random();
        let before = crate::oracle::keys::wrap(&decoding.session.key, &content);
        check_key(ctx, &mut decoding, scheme, Key::Content(&content), &content)?;
        decoding.session.refresh()?;
        // What was its wrap means another key now.
        let now = crate::oracle::keys::unwrap(&decoding.session.key, &before);
        check_key(ctx, &mut decoding, scheme, Key::Raw(&before), &now)?;
        check_key(ctx, &mut decoding, scheme, Key::Content(&content), &content)?;
    }
    Ok(())
}

/// A licence with one key: 16 times 2, for the identifier of 16 times 1.
const LICENCE: &str = r#"{"keys":[{"kty":"oct","kid":"AQEBAQEBAQEBAQEBAQEBAQ","k":"AgICAgICAgICAgICAgICAg"}]}"#;

/// Has the driver's secure environment make a sealed key, by the commands of SoftCP's clear-key environment. A driver that
/// does not have it skips the case.
fn sealed_key(decoding: &Decoding) -> CaseResult<Vec<u8>> {
    let exchange = softcp_abi::D3D11_KEY_EXCHANGE_HW_PROTECTION;
    let skip = |why: String| Stop::skipped(format!("the driver has no clear-key environment: {why}"));
    let desc = CryptoSessionDesc { key_exchange_type: exchange, ..SESSION };
    let mut commands = decoding.device.create_session(&desc).map_err(|error| skip(error.to_string()))?;
    let licence = Licence::parse(LICENCE).map_err(|error| skip(error.to_string()))?;
    let mut run = |function: u32, input: &[u8], room: usize| -> CaseResult<Vec<u8>> {
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        let command = SecureCommand { function, private_input: &[], input, private_room: 0, room };
        let answer = commands.execute(&command).map_err(|error| skip(error.to_string()))?;
        if answer.status.is_ok() { Ok(answer.output) } else { Err(skip(answer.status.to_string())) }
    };
    let load = LoadLicence { licence: &licence };
    run(Provision.function(), Provision.input(), Provision.room())?;
    run(load.function(), load.input(), load.room())?;
    let make = MakeKeyBlob { kid: [1; 16] };
    run(make.function(), make.input(), make.room())
}

pub(super) fn sealed_keys(ctx: &Context<'_>) -> CaseResult {
    for (scheme, encryption) in [
        ((Ctr, (0, 0)), HW_CENC),
        ((Ctr, (1, 9)), HW_CENC),
        ((Cbc, (0, 0)), encryption(Cbc)),
        ((Cbc, (1, 9)), encryption(Cbc)),
    ] {
        let driver = ctx.driver_with("capabilities.flags.hardware_drm_communication=true")?;
        let mut decoding = Decoding::sealed(ctx, &driver, encryption)?;
        let blob = sealed_key(&decoding)?;
        check_key(ctx, &mut decoding, scheme, Key::Sealed(&blob), &[2; 16])?;
    }
    Ok(())
}

/// D63: the decoder says which mode a key is used in, and nothing that a buffer says changes it.
pub(super) fn mode_is_the_decoders(ctx: &Context<'_>) -> CaseResult {
    for (mode, other) in [(Ctr, Cbc), (Cbc, Ctr)] {
        let mut decoding = Decoding::new(ctx, mode)?;
        let (key, iv, clear) = (ctx.random(), ctx.next_iv(), ctx.random_bytes(320));
        for stripes in [(0, 0), (1, 9)] {
            let sent = sample::encrypt((other, stripes), &key, &iv, &[], &clear);
            let submitted = decoding
                .frame(Key::Content(&key), |frame| submit(ctx, frame, &[Sent { stripes, ..Sent::new(&sent, &iv) }]))?;
            let shown = decoding.shown(320)?;
            let what = format!("no clear bytes of {other:?} from a decoder of {mode:?}");
            check(shown != clear, what, || format!("clear bytes ({})", submitted.hresult()))?;
        }
    }
    Ok(())
}

/// D69: an IV that stays is what `cbcs` has.
pub(super) fn constant_iv(ctx: &Context<'_>) -> CaseResult {
    let iv: [u8; 16] = ctx.random();
    for stripes in [(0, 0), (1, 9)] {
        let mut decoding = Decoding::new(ctx, Cbc)?;
        let key = ctx.random();
        let clear = ctx.random_bytes(160);
        let smaller = iv.map(|byte| byte / 2);
        for iv in [iv, iv, smaller, iv] {
            let sent = sample::encrypt((Cbc, stripes), &key, &iv, &[], &clear);
            decoding.frame(Key::Content(&key), |frame| {
                for _ in 0..2 {
                    submit(ctx, frame, &[Sent { stripes, ..Sent::new(&sent, &iv) }])?.into_result()?;
                }
                Ok(())
            })?;
            decoding.check_shown("an IV that is used again", &[&clear[..], &clear].concat())?;
        }
    }
    Ok(())
}

/// D68: regions have any size, whatever alignment patterns need.
pub(super) fn regions_of_any_size(ctx: &Context<'_>) -> CaseResult {
    for scheme in SCHEMES {
        let mut decoding = Decoding::new(ctx, scheme.0)?;
        decoding.check_samples(
            ctx,
            &format!("{scheme:?} in odd regions"),
            scheme,
            &[PARTIAL_BLOCKS, &[(1, 161), (2, 33)]],
        )?;
    }
    Ok(())
}

/// Which modes a decoder can be created for.
pub(super) fn cbcs_is_offered(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    // A driver without decoders, or without encrypted ones, offers none of the schemes.
    drop(super::frames::create(&device, encryption(Ctr))?);
    super::frames::create(&device, encryption(Cbc)).map(drop).map_err(|stop| match stop {
        Stop::Skipped { reason } => Stop::failed("a decoder of AES-CBC, as of AES-CTR", reason),
        failed @ Stop::Failed { .. } => failed,
    })
}
