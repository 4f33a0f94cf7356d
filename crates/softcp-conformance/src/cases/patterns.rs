//! `DecryptionBlt`: encrypted and clear runs.
//!
//! All lengths are in units of the reported `BlockAlignmentSize`, so that a driver with a large one can take them.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY as CONTENT_KEY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT as DECRYPTION,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION as PARTIAL, D3D11_1DDI_ENCRYPTED_BLOCK_INFO, E_INVALIDARG,
};
use softcp_runtime::{Device, EncryptedBlockInfo, HResult, Input, ResourceDesc};

use crate::case::{Case, CaseResult, Group, Requirement, Stop, check_bytes, check_equal, check_hresult};
use crate::context::Context;
use crate::oracle::keys::wrap;
use crate::oracle::{Block, ctr};
use crate::rig::{Blit, KeyedSession, filled, read};
use crate::variation::Mix;

/// A larger `BlockAlignmentSize` is not believed: buffers of a few runs would not fit into memory.
const MAX_ALIGNMENT: u32 = 1 << 16;

pub(super) const GROUP: Group = Group {
    name: "patterns",
    title: "DecryptionBlt: encrypted and clear runs",
    mix: Mix::All,
    cases: &[
        Case {
            name: "patterns/beginning-only",
            rule: "With both pattern fields zero the beginning is encrypted and the rest is clear.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: beginning_only,
        },
        Case {
            name: "patterns/skip-takes-no-keystream",
            rule: "Skipped bytes take no keystream.",
            source: "D6",
            requirement: Requirement::Decision,
            run: skip_takes_no_keystream,
        },
        Case {
            name: "patterns/repeats",
            rule: "Skipped and encrypted runs take turns up to the end.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: repeats,
        },
        Case {
            name: "patterns/no-encrypt-run",
            rule: "With a skipped run and no encrypted one, all behind the beginning is clear.",
            source: "D8",
            requirement: Requirement::Decision,
            run: no_encrypt_run,
        },
        Case {
            name: "patterns/no-skip-run",
            rule: "With an encrypted run and no skipped one, everything is encrypted.",
            source: "D8",
            requirement: Requirement::Decision,
            run: no_skip_run,
        },
        Case {
            name: "patterns/cut-at-the-end",
            rule: "A run that goes past the end of the surface is cut there.",
            source: "D7",
            requirement: Requirement::Decision,
            run: cut_at_the_end,
        },
        Case {
            name: "patterns/beginning-past-the-end",
            rule: "A beginning that goes past the end of the surface is cut there.",
            source: "D7",
            requirement: Requirement::Decision,
            run: beginning_past_the_end,
        },
        Case {
            name: "patterns/largest-numbers",
            rule: "Runs of the largest 32-bit numbers are cut at the end too.",
            source: "D7",
            requirement: Requirement::Decision,
            run: largest_numbers,
        },
        Case {
            name: "patterns/long-runs",
            rule: "Runs of more than 65,536 bytes are as long as their 32-bit numbers say.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: long_runs,
        },
        Case {
            name: "patterns/unaligned-refused",
            rule: "A run that is no multiple of the reported BlockAlignmentSize is E_INVALIDARG.",
            source: "D7",
            requirement: Requirement::Decision,
            run: unaligned_refused,
        },
        Case {
            name: "patterns/unaligned-cut-at-the-end",
            rule: "A run that is no multiple of the reported BlockAlignmentSize is taken where the end of the surface cuts it short.",
            source: "D7",
            requirement: Requirement::Decision,
            run: unaligned_cut_at_the_end,
        },
        Case {
            name: "patterns/odd-runs",
            rule: "With a BlockAlignmentSize of 1, runs have any length, and the keystream goes on byte by byte.",
            source: "D7",
            requirement: Requirement::Decision,
            run: odd_runs,
        },
        Case {
            name: "patterns/content-key",
            rule: "Runs are deciphered under a content key too.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: content_key,
        },
        Case {
            name: "patterns/count",
            rule: "Runs are deciphered from the Count that the caller says, which goes on over the end of 64 bits without carry into the IV.",
            source: "D5",
            requirement: Requirement::Decision,
            run: count,
        },
        Case {
            name: "patterns/in-place",
            rule: "In a resource that is source and destination, encrypted runs are deciphered and clear ones keep their bytes.",
            source: "DecryptionBlt",
            requirement: Requirement::Quality,
            run: in_place,
        },
        Case {
            name: "patterns/info-untouched",
            rule: "The encrypted-block information keeps its bytes when the call succeeds.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: info_untouched,
        },
        Case {
            name: "patterns/info-untouched-on-failure",
            rule: "The encrypted-block information keeps its bytes when the call fails.",
            source: "D21",
            requirement: Requirement::Decision,
            run: info_untouched_on_failure,
        },
        Case {
            name: "patterns/all-shapes",
            rule: "Every combination of beginning, runs and length is deciphered as the parts of it are.",
            source: "DecryptionBlt",
            requirement: Requirement::Reference,
            run: all_shapes,
        },
    ],
};

/// What a case works with.
struct Rig {
    device: Device,
    session: KeyedSession,
    /// `BlockAlignmentSize`.
    unit: u32,
}

impl Rig {
    fn new(ctx: &Context<'_>, bits: u32) -> CaseResult<Self> {
        let device = ctx.device()?;
        let caps = ctx.require_clear(&device, DECRYPTION | PARTIAL | bits)?;
        let unit = caps.block_alignment_size.max(1);
        if unit > MAX_ALIGNMENT {
            return Err(Stop::skipped(format!("runs of {unit} bytes are too long to try")));
        }
        let session = ctx.keyed_session(&device)?;
        Ok(Self { device, session, unit })
    }

    /// Runs of so many units.
    fn info(&self, at_beginning: u32, skip: u32, encrypt: u32) -> EncryptedBlockInfo {
        let [at_beginning, skip, encrypt] = [at_beginning, skip, encrypt].map(|units| units * self.unit);
        EncryptedBlockInfo { at_beginning, skip, encrypt }
    }

    /// Bytes of so many units.
    fn bytes(&self, units: u32) -> usize {
        (units * self.unit) as usize
    }

    /// Fails unless `len` bytes with these runs are deciphered as they must be.
    fn check(&self, ctx: &Context<'_>, info: EncryptedBlockInfo, len: usize) -> CaseResult {
        self.check_blit(ctx, &Blit { iv: ctx.next_iv(), info: Some(info), content_key: None }, &self.session.key, len)
    }

    fn check_blit(&self, ctx: &Context<'_>, blit: &Blit<'_>, key: &Block, len: usize) -> CaseResult {
        let data = ctx.random_bytes(len);
        let EncryptedBlockInfo { at_beginning, skip, encrypt } = blit.info.unwrap_or_default();
        let what = format!("clear bytes of {len}, {at_beginning} at the beginning, skip {skip}, encrypt {encrypt}");
        let bytes = self.session.decrypt(ctx, blit, &data)?;
        check_bytes(&what, &ctr::apply(key, &blit.iv, blit.info, &data), &bytes)
    }
}

fn beginning_only(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, 0)?;
    for beginning in [0, 1, 2, 16, 32] {
        rig.check(ctx, rig.info(beginning, 0, 0), rig.bytes(50))?;
    }
    Ok(())
}

/// One skipped run, which is longer than a block.
fn skip_takes_no_keystream(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, 0)?;
    rig.check(ctx, rig.info(16, 32, 48), rig.bytes(16 + 32 + 48))?;
    rig.check(ctx, rig.info(0, 48, 48), rig.bytes(48 + 48))
}

/// As in 'cens' (1 of 10 blocks) and others, with whole blocks only.
fn repeats(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, 0)?;
    for (beginning, skip, encrypt) in [(0, 144, 16), (16, 144, 16), (48, 16, 16), (0, 16, 80), (16, 32, 48)] {
        rig.check(ctx, rig.info(beginning, skip, encrypt), rig.bytes(960))?;
    }
    Ok(())
}

fn no_encrypt_run(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, 0)?;
    for (beginning, skip) in [(16, 16), (0, 16), (32, 1000)] {
        rig.check(ctx, rig.info(beginning, skip, 0), rig.bytes(96))?;
    }
    Ok(())
}

fn no_skip_run(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, 0)?;
    for (beginning, encrypt) in [(0, 16), (16, 16), (16, 48), (32, 1000)] {
        rig.check(ctx, rig.info(beginning, 0, encrypt), rig.bytes(96))?;
    }
    Ok(())
}

/// The end lies in a skipped run, in an encrypted one, and between two.
fn cut_at_the_end(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, 0)?;
    let info = rig.info(16, 32, 48);
    for units in [17, 40, 48, 49, 80, 95, 96, 97, 140] {
        for less in [0, 1, rig.bytes(1) / 2] {
            rig.check(ctx, info, rig.bytes(units) - less)?;
        }
    }
    Ok(())
}

fn beginning_past_the_end(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, 0)?;
    for (beginning, skip, encrypt) in [(49, 0, 0), (64, 16, 16), (1000, 0, 16), (64, 16, 0)] {
        rig.check(ctx, rig.info(beginning, skip, encrypt), rig.bytes(48))?;
    }
    Ok(())
}

/// Sums of them leave 32 bits.
fn largest_numbers(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, 0)?;
    let most = u32::MAX / rig.unit * rig.unit;
    let block = 16 * rig.unit;
    for (at_beginning, skip, encrypt) in [
        (most, 0, 0),
        (most, most, most),
        (0, most, most),
        (block, block, most),
        (block, most, block),
        (most, block, block),
    ] {
        rig.check(ctx, EncryptedBlockInfo { at_beginning, skip, encrypt }, rig.bytes(96))?;
    }
    Ok(())
}

/// Each of the three is longer than 16 bits can say, and its lower 16 bits say something else that could be a run.
fn long_runs(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, 0)?;
    if rig.unit > 4096 {
        return Err(Stop::skipped(format!("runs of many times {} bytes are too long to try", rig.unit)));
    }
    let long = (1_u32 << 16).next_multiple_of(rig.unit) + 48 * rig.unit;
    let short = 16 * rig.unit;
    for (at_beginning, skip, encrypt) in [(long, short, short), (short, long, short), (short, short, long)] {
        let info = EncryptedBlockInfo { at_beginning, skip, encrypt };
        rig.check(ctx, info, (long + 8 * short) as usize)?;
    }
    Ok(())
}

fn unaligned_refused(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, 0)?;
    if rig.unit == 1 {
        return Err(Stop::skipped("BlockAlignmentSize is 1, every run is a multiple of it"));
    }
    let (aligned, desc) = (rig.info(16, 16, 16), ResourceDesc::buffer(rig.bytes(96)));
    for excess in [1, rig.unit / 2, rig.unit - 1] {
        for (what, info) in [
            ("beginning", EncryptedBlockInfo { at_beginning: aligned.at_beginning + excess, ..aligned }),
            ("skipped run", EncryptedBlockInfo { skip: aligned.skip + excess, ..aligned }),
            ("encrypted run", EncryptedBlockInfo { encrypt: aligned.encrypt + excess, ..aligned }),
        ] {
            let blit = Blit { iv: ctx.next_iv(), info: Some(info), content_key: None };
            let (reply, _) = rig.session.blit(ctx, &blit, (&desc, &ctx.random_bytes(rig.bytes(96))), &desc)?;
            let call = format!("a {what} of {excess} bytes more than a multiple of {}", rig.unit);
            check_hresult(&call, HResult(E_INVALIDARG), reply.hresult())?;
        }
    }
    Ok(())
}

/// Each run begins at a multiple and ends past the surface, one byte past it or many.
fn unaligned_cut_at_the_end(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, 0)?;
    if rig.unit == 1 {
        return Err(Stop::skipped("BlockAlignmentSize is 1, every run is a multiple of it"));
    }
    let (aligned, len) = (rig.info(16, 16, 16), rig.bytes(96));
    for excess in [1, rig.unit / 2, 100 * rig.unit + 1] {
        let past = 96 * rig.unit + excess;
        for info in [
            EncryptedBlockInfo { at_beginning: past, ..aligned },
            EncryptedBlockInfo { skip: past - aligned.at_beginning, ..aligned },
            EncryptedBlockInfo { encrypt: past - aligned.at_beginning - aligned.skip, ..aligned },
        ] {
            rig.check(ctx, info, len)?;
        }
    }
    Ok(())
}

fn odd_runs(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, 0)?;
    if rig.unit != 1 {
        return Err(Stop::skipped(format!("BlockAlignmentSize is {}", rig.unit)));
    }
    for (at_beginning, skip, encrypt) in
        [(1, 0, 0), (17, 0, 0), (0, 1, 1), (2, 3, 1), (0, 2, 2), (5, 7, 15), (3, 16, 17), (15, 1, 31), (31, 33, 7)]
    {
        rig.check(ctx, EncryptedBlockInfo { at_beginning, skip, encrypt }, 250)?;
    }
    Ok(())
}

fn content_key(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, CONTENT_KEY)?;
    let key: Block = ctx.random();
    let wrapped = wrap(&rig.session.key, &key);
    let blit = Blit { iv: ctx.next_iv(), info: Some(rig.info(16, 32, 48)), content_key: Some(&wrapped) };
    rig.check_blit(ctx, &blit, &key, rig.bytes(200))
}

fn in_place(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, 0)?;
    for (beginning, skip, encrypt) in [(0, 0, 0), (16, 0, 0), (16, 32, 48), (0, 144, 16), (0, 16, 16), (3, 7, 33)] {
        let info = rig.info(beginning, skip, encrypt);
        let (data, blit) =
            (ctx.random_bytes(rig.bytes(330)), Blit { iv: ctx.next_iv(), info: Some(info), ..Blit::default() });
        let mut resource = ctx.resource(&rig.device, &ResourceDesc::buffer(data.len()), &data)?;
        blit.call(&rig.device, rig.session.handle(), &resource, &resource)?.into_result()?;
        let what = format!("bytes in place with {beginning} units at the beginning, skip {skip}, encrypt {encrypt}");
        check_bytes(&what, &ctr::apply(&rig.session.key, &blit.iv, blit.info, &data), &read(&mut resource)?)?;
    }
    Ok(())
}

fn count(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, 0)?;
    // The last ones go over the end of 16, 32 and 64 bits within the runs.
    for count in [5_u64, 0xff, 0xfffd, 0xffff_fffd, u64::MAX - 2] {
        let mut iv = ctx.next_iv();
        iv[8..].copy_from_slice(&count.to_be_bytes());
        let blit = Blit { iv, info: Some(rig.info(16, 32, 48)), content_key: None };
        rig.check_blit(ctx, &blit, &rig.session.key, rig.bytes(200))?;
    }
    Ok(())
}

/// The structure as the driver leaves it, of a call whose IV has so many bytes.
fn info_after(ctx: &Context<'_>, rig: &Rig, info: EncryptedBlockInfo, iv_size: usize) -> CaseResult<[u32; 3]> {
    let desc = ResourceDesc::buffer(rig.bytes(96));
    let source = ctx.resource(&rig.device, &desc, &ctx.random_bytes(rig.bytes(96)))?;
    let destination = filled(&rig.device, &desc)?;
    let mut given = D3D11_1DDI_ENCRYPTED_BLOCK_INFO::from(info);
    let iv = ctx.next_iv();
    rig.device.calls().decryption_blt(
        rig.session.handle(),
        source.handle(),
        destination.handle(),
        Some(&mut given),
        Input::Null { size: 0 },
        Input::Bytes(&iv[..iv_size]),
    )?;
    Ok([given.NumEncryptedBytesAtBeginning, given.NumBytesInSkipPattern, given.NumBytesInEncryptPattern])
}

fn info_untouched(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, 0)?;
    for info in [rig.info(16, 32, 48), rig.info(16, 0, 0), rig.info(1000, 1000, 1000)] {
        let expected = [info.at_beginning, info.skip, info.encrypt];
        check_equal("the information behind the call", &expected, &info_after(ctx, &rig, info, 16)?)?;
    }
    Ok(())
}

fn info_untouched_on_failure(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, 0)?;
    let info = rig.info(16, 32, 48);
    let expected = [info.at_beginning, info.skip, info.encrypt];
    let what = "the information behind a call with an IV of 15 bytes";
    check_equal(what, &expected, &info_after(ctx, &rig, info, 15)?)
}

fn all_shapes(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, 0)?;
    let mut shapes = 0;
    for units in [1, 15, 16, 17, 33, 70] {
        for beginning in [0, 1, 15, 16, 17, 33] {
            for skip in [0, 1, 15, 16, 31] {
                for encrypt in [0, 1, 16, 17] {
                    rig.check(ctx, rig.info(beginning, skip, encrypt), rig.bytes(units))?;
                    shapes += 1;
                }
            }
        }
    }
    ctx.note(format!("{shapes} shapes in units of {} bytes", rig.unit));
    Ok(())
}
