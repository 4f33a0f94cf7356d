//! Rows, pitches and planes.

mod blits;
mod padding;
mod read_back;

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT as DECRYPTION,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK as READ_BACK,
};
use softcp_runtime::{Device, PlaneDesc, ResourceDesc};

use crate::case::{Case, CaseResult, Group, Requirement};
use crate::context::Context;
use crate::oracle::Block;
use crate::rig::KeyedSession;
use crate::variation::Mix;

pub(super) const GROUP: Group = Group {
    name: "surfaces",
    title: "Rows, pitches and planes",
    mix: Mix::All,
    cases: &[
        Case {
            name: "surfaces/rows-go-on",
            rule: "The keystream goes on from row to row over the visible bytes.",
            source: "D9",
            requirement: Requirement::Decision,
            run: blits::rows_go_on,
        },
        Case {
            name: "surfaces/odd-widths",
            rule: "Rows of any width are deciphered.",
            source: "D9",
            requirement: Requirement::Decision,
            run: blits::odd_widths,
        },
        Case {
            name: "surfaces/pitches-differ",
            rule: "Source and destination may have different pitches.",
            source: "D9",
            requirement: Requirement::Decision,
            run: blits::pitches_differ,
        },
        Case {
            name: "surfaces/planes-in-order",
            rule: "Planes follow one another in memory order, and the keystream goes on from one to the next.",
            source: "D9",
            requirement: Requirement::Decision,
            run: blits::planes_in_order,
        },
        Case {
            name: "surfaces/pattern-over-rows",
            rule: "Encrypted and clear runs go on over rows and planes.",
            source: "D9",
            requirement: Requirement::Decision,
            run: blits::pattern_over_rows,
        },
        Case {
            name: "surfaces/unknown-format",
            rule: "A source or destination whose format is not known agrees with every format of the other.",
            source: "D37",
            requirement: Requirement::Decision,
            run: blits::unknown_format,
        },
        Case {
            name: "surfaces/in-place",
            rule: "A surface that is source and destination is deciphered over its rows and planes as another one is.",
            source: "D9",
            requirement: Requirement::Quality,
            run: blits::in_place,
        },
        Case {
            name: "surfaces/many-rows",
            rule: "Surfaces of the size of a video frame are deciphered to their last row.",
            source: "D9",
            requirement: Requirement::Decision,
            run: blits::many_rows,
        },
        Case {
            name: "surfaces/read-back-rows",
            rule: "EncryptionBlt enciphers the visible bytes, row after row.",
            source: "D9",
            requirement: Requirement::Decision,
            run: read_back::rows,
        },
        Case {
            name: "surfaces/read-back-planes",
            rule: "EncryptionBlt enciphers plane after plane in memory order.",
            source: "D9",
            requirement: Requirement::Decision,
            run: read_back::planes,
        },
        Case {
            name: "surfaces/read-back-pitches",
            rule: "EncryptionBlt takes a source and a destination of different pitches.",
            source: "D9",
            requirement: Requirement::Decision,
            run: read_back::pitches,
        },
        Case {
            name: "surfaces/padding-not-written",
            rule: "DecryptionBlt leaves the padding of the destination alone.",
            source: "D9",
            requirement: Requirement::Decision,
            run: padding::not_written,
        },
        Case {
            name: "surfaces/padding-not-read",
            rule: "What DecryptionBlt writes does not depend on the padding of the source.",
            source: "D9",
            requirement: Requirement::Decision,
            run: padding::not_read,
        },
        Case {
            name: "surfaces/source-padding-not-written",
            rule: "DecryptionBlt leaves the padding of the source alone.",
            source: "D9",
            requirement: Requirement::Decision,
            run: padding::source_not_written,
        },
        Case {
            name: "surfaces/read-back-padding-not-written",
            rule: "EncryptionBlt leaves the padding of the destination alone.",
            source: "D9",
            requirement: Requirement::Decision,
            run: padding::read_back_not_written,
        },
        Case {
            name: "surfaces/read-back-padding-not-read",
            rule: "What EncryptionBlt writes does not depend on the padding of the source.",
            source: "D9",
            requirement: Requirement::Decision,
            run: padding::read_back_not_read,
        },
    ],
};

/// A device, and a session with a key that can decipher.
fn deciphering(ctx: &Context<'_>, bits: u32) -> CaseResult<(Device, KeyedSession)> {
    let device = ctx.device()?;
    ctx.require_clear(&device, DECRYPTION | bits)?;
    let session = ctx.keyed_session(&device)?;
    Ok((device, session))
}

/// A device, a session that can read back, and the key that it does so with.
fn reading_back(ctx: &Context<'_>) -> CaseResult<(Device, KeyedSession, Block)> {
    let device = ctx.device()?;
    let caps = ctx.require_clear(&device, READ_BACK)?;
    let mut session = ctx.keyed_session(&device)?;
    let key = session.new_read_back_key(&caps)?;
    Ok((device, session, key))
}

/// A plane.
fn plane(row_bytes: usize, rows: usize, row_pitch: usize) -> PlaneDesc {
    PlaneDesc { row_bytes, rows, row_pitch }
}

/// A surface of one plane with a pitch of `row_pitch`.
fn pitched(row_bytes: usize, rows: usize, row_pitch: usize) -> ResourceDesc {
    ResourceDesc { plane: plane(row_bytes, rows, row_pitch), ..ResourceDesc::default() }
}

/// A surface of two planes as of NV12, and one of three as of I420; each with `excess` bytes of padding behind its rows, or
/// the driver's choice.
fn planar(excess: Option<usize>) -> [ResourceDesc; 2] {
    let plane = |row_bytes, rows| plane(row_bytes, rows, excess.map_or(0, |excess| row_bytes + excess));
    let of = |first, extra_planes| ResourceDesc { plane: first, extra_planes, ..ResourceDesc::default() };
    [of(plane(24, 6), [Some(plane(24, 3)), None]), of(plane(26, 4), [Some(plane(13, 2)), Some(plane(13, 2))])]
}

/// The visible bytes of a resource.
fn visible_bytes(desc: &ResourceDesc) -> usize {
    let planes = std::iter::once(desc.plane).chain(desc.extra_planes.into_iter().flatten());
    planes.map(|plane| plane.row_bytes * plane.rows).sum()
}
