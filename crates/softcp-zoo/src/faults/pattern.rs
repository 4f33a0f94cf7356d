//! Patterns of encrypted and skipped bytes.

use softcp_abi::{D3D11_1DDI_ENCRYPTED_BLOCK_INFO as BlockInfo, E_INVALIDARG, HRESULT, S_OK};

use super::{cipher, fault};
use crate::FaultyDriver;
use crate::calls::{DecryptionBlt, GetContentProtectionCaps, Hooks};
use crate::cipher::{IsEncrypted, RULES, Restart, Rules, decrypt, is_encrypted, runs};
use crate::memory::Buffer;
use crate::surface;

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "skipped-bytes-take-keystream",
        "patterns/skip-takes-no-keystream",
        "Skipped bytes take keystream.",
        cipher(Rules { skipped_take_keystream: true, ..RULES }),
    ),
    fault(
        "keystream-restarts-at-runs",
        "patterns/repeats",
        "The keystream begins anew at each encrypted run.",
        cipher(Rules { restart: Restart::Runs, ..RULES }),
    ),
    fault(
        "runs-begin-with-whole-blocks",
        "patterns/odd-runs",
        "Each encrypted run begins with a new block of keystream.",
        cipher(Rules { restart: Restart::RunsAtBlocks, ..RULES }),
    ),
    fault(
        "pattern-ends-one-run-early",
        "patterns/repeats",
        "The last encrypted run of the pattern stays encrypted.",
        with(|info, at, len| {
            let [beginning, skip, encrypt] = runs(info);
            let last = len.saturating_sub(beginning + 1) / (skip + encrypt).max(1);
            is_encrypted(info, at, len) && (at < beginning || skip == 0 || (at - beginning) / (skip + encrypt) < last)
        }),
    ),
    fault(
        "pattern-applied-once",
        "patterns/repeats",
        "Behind the first skipped and the first encrypted run everything is taken as clear.",
        with(|info, at, len| {
            let [beginning, skip, encrypt] = runs(info);
            is_encrypted(info, at, len) && (skip == 0 || at < beginning + skip + encrypt)
        }),
    ),
    fault(
        "run-cut-at-the-end-left",
        "patterns/cut-at-the-end",
        "An encrypted run that is cut short by the end of the surface stays encrypted.",
        with(|info, at, len| {
            let [beginning, skip, encrypt] = runs(info);
            let period = skip + encrypt;
            let is_whole = at < beginning || skip == 0 || {
                let start = beginning + (at - beginning) / period * period;
                start + period <= len
            };
            is_encrypted(info, at, len) && is_whole
        }),
    ),
    fault(
        "no-pattern-is-everything",
        "patterns/beginning-only",
        "With a beginning and no pattern, everything is deciphered.",
        with(|info, at, len| is_encrypted(info, at, len) || runs(info)[1..] == [0, 0]),
    ),
    fault(
        "no-encrypt-run-is-everything",
        "patterns/no-encrypt-run",
        "With a skip run and no encrypt run, everything is deciphered.",
        with(|info, at, len| is_encrypted(info, at, len) || (runs(info)[1] > 0 && runs(info)[2] == 0)),
    ),
    fault(
        "no-skip-run-is-clear",
        "patterns/no-skip-run",
        "With an encrypt run and no skip run, only the first encrypt run behind the beginning is deciphered.",
        with(|info, at, len| {
            let [beginning, skip, encrypt] = runs(info);
            is_encrypted(info, at, len) && (skip > 0 || at < beginning + encrypt)
        }),
    ),
    fault(
        "pattern-begins-with-encrypt-run",
        "patterns/all-shapes",
        "Behind the beginning the encrypted run comes first, then the skipped one.",
        with(|info, at, _| {
            let [beginning, skip, encrypt] = runs(info);
            let Some(behind) = at.checked_sub(beginning) else { return true };
            skip + encrypt != 0 && behind % (skip + encrypt) < encrypt
        }),
    ),
    fault(
        "pattern-per-row",
        "surfaces/pattern-over-rows",
        "Beginning and pattern start anew at each row.",
        cipher(Rules { pattern_per_row: true, ..RULES }),
    ),
    fault(
        "beginning-past-the-end-refused",
        "patterns/beginning-past-the-end",
        "A beginning that is longer than the surface is E_INVALIDARG.",
        Hooks { decryption_blt: Some(refuses_long_beginning), ..Hooks::NONE },
    ),
    fault(
        "odd-runs-refused",
        "patterns/odd-runs",
        "Runs that are no multiple of 16 bytes are E_INVALIDARG, although the block alignment is 1.",
        Hooks { decryption_blt: Some(refuses_odd_runs), ..Hooks::NONE },
    ),
    fault(
        "unaligned-runs-accepted",
        "patterns/unaligned-refused",
        "A block alignment of 16 bytes is reported, and runs of any length are taken.",
        Hooks { get_content_protection_caps: Some(reports_alignment), ..Hooks::NONE },
    ),
    fault(
        "block-info-counted-down",
        "patterns/info-untouched",
        "The caller's block information is used for counting: a blit leaves zeros in it.",
        Hooks { decryption_blt: Some(clears_info), ..Hooks::NONE },
    ),
    fault(
        "status-echo",
        "patterns/info-untouched-on-failure",
        "A blit that fails writes its HRESULT to NumBytesInEncryptPattern without having been configured to.",
        Hooks { decryption_blt: Some(echoes_status), ..Hooks::NONE },
    ),
    fault(
        "runs-added-up-in-32-bits",
        "patterns/largest-numbers",
        "A skipped and an encrypted run are added up in 32 bits.",
        with(|info, at, _| {
            let [beginning, skip, encrypt] = runs(info);
            let Some(behind) = at.checked_sub(beginning) else { return true };
            let period = info.NumBytesInSkipPattern.wrapping_add(info.NumBytesInEncryptPattern) as usize;
            let is_empty = skip + encrypt == 0;
            !is_empty && behind.checked_rem(period).unwrap_or(behind) >= skip
        }),
    ),
    fault(
        "runs-of-16-bits",
        "patterns/long-runs",
        "Of the lengths of runs the lower 16 bits are taken.",
        with(|info, at, len| {
            let info = BlockInfo {
                NumEncryptedBytesAtBeginning: info.NumEncryptedBytesAtBeginning & 0xffff,
                NumBytesInSkipPattern: info.NumBytesInSkipPattern & 0xffff,
                NumBytesInEncryptPattern: info.NumBytesInEncryptPattern & 0xffff,
            };
            is_encrypted(&info, at, len)
        }),
    ),
    fault(
        "unaligned-end-refused",
        "patterns/unaligned-cut-at-the-end",
        "A run that is no multiple of the block alignment is E_INVALIDARG also where the end of the surface cuts it short.",
        Hooks { options: "capabilities.block_alignment=16", decryption_blt: Some(refuses_odd_runs), ..Hooks::NONE },
    ),
    fault(
        "content-key-without-runs-only",
        "patterns/content-key",
        "With runs the content key is ignored.",
        Hooks {
            decryption_blt: Some(|call| match call.info() {
                Some(_) if call.content_key().block().is_some() => call.with_content_key(Buffer::null()).pass_on(),
                _ => call.pass_on(),
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "counter-carries-into-iv-with-runs",
        "patterns/count",
        "In a blit with runs Count carries into the IV when it overflows.",
        Hooks {
            decryption_blt: Some(|call| if call.info().is_some() { decrypt(call) } else { call.pass_on() }),
            ..cipher(Rules {
                counter: |iv, number| u128::from_be_bytes(*iv).wrapping_add(number.into()).to_be_bytes(),
                ..RULES
            })
        },
    ),
];

const fn with(is_encrypted: IsEncrypted) -> Hooks {
    cipher(Rules { is_encrypted, ..RULES })
}

fn refuses_long_beginning(call: &DecryptionBlt<'_>) -> HRESULT {
    let rows = call.device().and_then(|device| surface::read(&device, call.source()));
    match (call.info(), rows) {
        (Some(info), Some(rows)) if runs(&info)[0] > surface::visible(&rows).len() => {
            call.report(E_INVALIDARG, "the beginning is longer than the surface")
        }
        _ => call.pass_on(),
    }
}

fn refuses_odd_runs(call: &DecryptionBlt<'_>) -> HRESULT {
    match call.info() {
        Some(info) if runs(&info).iter().any(|run| run % 16 != 0) => {
            call.report(E_INVALIDARG, "a run is no multiple of a block")
        }
        _ => call.pass_on(),
    }
}

fn reports_alignment(call: &GetContentProtectionCaps<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(caps)) = (hresult, call.caps()) {
        call.set_caps(softcp_abi::D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS { BlockAlignmentSize: 16, ..caps });
    }
    hresult
}

fn clears_info(call: &DecryptionBlt<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult == S_OK {
        call.set_info(BlockInfo::default());
    }
    hresult
}

fn echoes_status(call: &DecryptionBlt<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let Some(info) = call.info().filter(|_| hresult != S_OK) {
        call.set_info(BlockInfo { NumBytesInEncryptPattern: hresult.cast_unsigned(), ..info });
    }
    hresult
}
