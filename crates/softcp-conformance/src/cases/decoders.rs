//! Decoders, as far as content protection goes: the handle by which a session is bound to one.

use softcp_abi::D3D11_DECODER_PROFILE_H264_VLD_NOFGT;
use softcp_runtime::{Decoder, DecoderDesc, Device, Error, HResult};

use crate::case::{Case, CaseResult, Group, Requirement, Stop, check, check_hresult};
use crate::context::Context;
use crate::probe::{check_fails, failed};

pub(super) const GROUP: Group = Group {
    name: "decoders",
    title: "Decoders",
    cases: &[
        Case {
            name: "decoders/handle",
            rule: "VideoDecoderGetHandle returns S_OK and a handle that is not zero, the same each time.",
            source: "VideoDecoderGetHandle",
            requirement: Requirement::Reference,
            run: handle,
        },
        Case {
            name: "decoders/handles-differ",
            rule: "Decoders and sessions that live at the same time have different handles.",
            source: "D25",
            requirement: Requirement::Decision,
            run: handles_differ,
        },
        Case {
            name: "decoders/handle-zero-on-failure",
            rule: "When VideoDecoderGetHandle fails, it writes zero.",
            source: "D30",
            requirement: Requirement::Decision,
            run: handle_zero_on_failure,
        },
        Case {
            name: "decoders/null-handle-pointer",
            rule: "VideoDecoderGetHandle refuses a null pointer for the handle.",
            source: "VideoDecoderGetHandle",
            requirement: Requirement::Quality,
            run: null_handle_pointer,
        },
    ],
};

/// `DXGI_FORMAT_NV12`.
const NV12: u32 = 103;

/// A small decoder of H.264; a driver that makes none skips the case.
fn decoder(device: &Device) -> CaseResult<Decoder> {
    let desc = DecoderDesc::bitstream(D3D11_DECODER_PROFILE_H264_VLD_NOFGT, 64, 64, NV12);
    device.create_decoder(&desc).map_err(|error| match error {
        Error::Driver(error) => {
            Stop::skipped(format!("the driver makes no decoder of H264_VLD_NOFGT, 64 by 64, NV12: {error}"))
        }
        error => error.into(),
    })
}

fn value(decoder: &Decoder) -> CaseResult<usize> {
    let mut handle = std::ptr::without_provenance_mut(0);
    let reply = decoder.device().calls().video_decoder_get_handle(decoder.handle(), Some(&mut handle))?;
    check_hresult("VideoDecoderGetHandle", HResult::OK, reply.hresult())?;
    check(!handle.is_null(), "a handle that is not zero", || "zero".to_owned())?;
    Ok(handle.addr())
}

fn handle(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let decoder = decoder(&device)?;
    let (first, again) = (value(&decoder)?, value(&decoder)?);
    check(first == again, format!("the handle {first:#x} once more"), || format!("{again:#x}"))
}

fn handles_differ(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let decoders = [decoder(&device)?, decoder(&device)?, decoder(&device)?];
    let mut handles = Vec::new();
    for decoder in &decoders {
        handles.push(value(decoder)?);
    }
    let mut sessions = Vec::new();
    if ctx.caps(&device).is_ok() {
        sessions = vec![ctx.session(&device)?, ctx.session(&device)?];
    }
    for session in &mut sessions {
        handles.push(session.handle_value()?);
    }
    let is_new = |(at, handle): (usize, &usize)| !handles[..at].contains(handle);
    check(handles.iter().enumerate().all(is_new), "handles that all differ", || format!("{handles:x?}"))
}

fn handle_zero_on_failure(ctx: &Context<'_>) -> CaseResult {
    let (device, other) = (ctx.device()?, ctx.device()?);
    let decoder = decoder(&device)?;
    let mut handle = std::ptr::without_provenance_mut(usize::MAX);
    let reply = other.calls().video_decoder_get_handle(decoder.handle(), Some(&mut handle))?;
    check(!failed(&reply) || handle.is_null(), "the handle zero", || format!("{:#x}", handle.addr()))
}

fn null_handle_pointer(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let decoder = decoder(&device)?;
    let reply = device.calls().video_decoder_get_handle(decoder.handle(), None)?;
    check_fails("VideoDecoderGetHandle without a place for the handle", &reply)
}
