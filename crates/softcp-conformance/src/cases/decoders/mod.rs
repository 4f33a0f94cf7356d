//! Decoders, as far as content protection goes: the handle by which a session is bound to one, and the encrypted buffers of
//! their frames.
//!
//! What buffers come to is looked at in the output, so these cases are for drivers whose output shows the clear bytes of the
//! buffers; others skip them.

use softcp_abi::D3D11_DECODER_PROFILE_H264_VLD_NOFGT;
use softcp_runtime::{Decoder, DecoderDesc, Device, Error, HResult};

use crate::case::{Case, CaseResult, Group, Requirement, Stop, check, check_hresult};
use crate::context::Context;
use crate::probe::{check_fails, failed};
use crate::variation::Mix;

mod frames;
mod refusals;
mod schemes;

pub(super) const GROUP: Group = Group {
    name: "decoders",
    title: "Decoders",
    mix: Mix::All,
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
        Case {
            name: "decoders/cenc-key-stream",
            rule: "In cenc one key stream goes on over the encrypted bytes of all regions of a buffer.",
            source: "ISO/IEC 23001-7 10.1",
            requirement: Requirement::Reference,
            run: schemes::cenc_stream,
        },
        Case {
            name: "decoders/cenc-partial-block",
            rule: "In cenc every byte of a region is encrypted, also behind its last whole block.",
            source: "ISO/IEC 23001-7 10.1",
            requirement: Requirement::Reference,
            run: schemes::cenc_partial_block,
        },
        Case {
            name: "decoders/cens-key-stream",
            rule: "In cens (AES-CTR with stripes) one key stream goes on over the encrypted blocks of all regions.",
            source: "D60, ISO/IEC 23001-7 10.3",
            requirement: Requirement::Decision,
            run: schemes::cens_stream,
        },
        Case {
            name: "decoders/cens-stripes-restart",
            rule: "In cens the stripes restart in each region.",
            source: "D60, ISO/IEC 23001-7 10.3",
            requirement: Requirement::Decision,
            run: schemes::cens_stripes_restart,
        },
        Case {
            name: "decoders/cens-partial-block",
            rule: "In cens the bytes behind a region's last whole block are clear.",
            source: "D60, ISO/IEC 23001-7 10.3",
            requirement: Requirement::Decision,
            run: schemes::cens_partial_block,
        },
        Case {
            name: "decoders/cbc1-chain",
            rule: "In cbc1 (AES-CBC without stripes) one chain goes on over the encrypted blocks of all regions.",
            source: "D61, ISO/IEC 23001-7 10.2",
            requirement: Requirement::Decision,
            run: schemes::cbc1_chain,
        },
        Case {
            name: "decoders/cbc1-partial-block",
            rule: "In cbc1 the bytes behind a region's last whole block are clear.",
            source: "D61, ISO/IEC 23001-7 10.2",
            requirement: Requirement::Decision,
            run: schemes::cbc1_partial_block,
        },
        Case {
            name: "decoders/cbcs-chain-restarts",
            rule: "In cbcs the chain restarts with the IV in each region.",
            source: "ISO/IEC 23001-7 10.4",
            requirement: Requirement::Reference,
            run: schemes::cbcs_chain_restarts,
        },
        Case {
            name: "decoders/cbcs-chain-over-stripes",
            rule: "In cbcs the chain goes on from one encrypted block of a region to the next; clear blocks are not part of it.",
            source: "ISO/IEC 23001-7 10.4",
            requirement: Requirement::Reference,
            run: schemes::cbcs_chain_over_stripes,
        },
        Case {
            name: "decoders/cbcs-stripes-restart",
            rule: "In cbcs the stripes restart in each region.",
            source: "ISO/IEC 23001-7 10.4",
            requirement: Requirement::Reference,
            run: schemes::cbcs_stripes_restart,
        },
        Case {
            name: "decoders/cbcs-partial-block",
            rule: "In cbcs the bytes behind a region's last whole block are clear.",
            source: "ISO/IEC 23001-7 10.4",
            requirement: Requirement::Reference,
            run: schemes::cbcs_partial_block,
        },
        Case {
            name: "decoders/stripes-of-both-counts",
            rule: "A stripe is cBlocksStripeEncrypted encrypted blocks of 16 bytes, then cBlocksStripeClear clear ones.",
            source: "D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC",
            requirement: Requirement::Reference,
            run: schemes::stripes_of_both_counts,
        },
        Case {
            name: "decoders/stripes-cut-at-the-end",
            rule: "A stripe that the end of its region cuts is encrypted as far as it goes.",
            source: "ISO/IEC 23001-7 9.6",
            requirement: Requirement::Reference,
            run: schemes::stripes_cut_at_the_end,
        },
        Case {
            name: "decoders/whole-buffer-is-a-region",
            rule: "A buffer without subsamples is one region.",
            source: "D60",
            requirement: Requirement::Decision,
            run: schemes::whole_buffer_is_a_region,
        },
        Case {
            name: "decoders/empty-regions",
            rule: "Regions of 0 bytes, and clear parts of 0 bytes, change nothing.",
            source: "D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK",
            requirement: Requirement::Reference,
            run: schemes::empty_regions,
        },
        Case {
            name: "decoders/iv-of-each-buffer",
            rule: "Each buffer of a frame begins with its own IV.",
            source: "D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC",
            requirement: Requirement::Reference,
            run: schemes::iv_of_each_buffer,
        },
        Case {
            name: "decoders/buffers-of-one-call",
            rule: "Buffers that are submitted in one call come in their order, each with its own IV.",
            source: "VideoDecoderSubmitBuffers2",
            requirement: Requirement::Reference,
            run: schemes::buffers_of_one_call,
        },
        Case {
            name: "decoders/every-table",
            rule: "Every table takes encrypted buffers, whole and with the subsamples that it has.",
            source: "VideoDecoderSubmitBuffers",
            requirement: Requirement::Reference,
            run: schemes::every_table,
        },
        Case {
            name: "decoders/session-key",
            rule: "A frame without a content key is under the key of the session that is bound to the decoder.",
            source: "D62",
            requirement: Requirement::Decision,
            run: schemes::session_key,
        },
        Case {
            name: "decoders/content-keys",
            rule: "The content key of a frame is 16 bytes, encrypted with AES-128-ECB under the session key, in every scheme.",
            source: "D62",
            requirement: Requirement::Decision,
            run: schemes::content_keys,
        },
        Case {
            name: "decoders/refreshed-session-key",
            rule: "Frames after a session key refresh are under the new key, in every scheme.",
            source: "D62, FinishSessionKeyRefresh",
            requirement: Requirement::Decision,
            run: schemes::refreshed_session_key,
        },
        Case {
            name: "decoders/content-key-after-refresh",
            rule: "After a refresh a content key is taken to be wrapped under the new session key, in every scheme.",
            source: "D62, FinishSessionKeyRefresh",
            requirement: Requirement::Decision,
            run: schemes::content_key_after_refresh,
        },
        Case {
            name: "decoders/sealed-keys",
            rule: "A frame that names its session takes a sealed key: of HW_CENC in AES-CTR, of CBCS in AES-CBC.",
            source: "D62, D67",
            requirement: Requirement::Decision,
            run: schemes::sealed_keys,
        },
        Case {
            name: "decoders/mode-is-the-decoders",
            rule: "Whether buffers are in AES-CTR or AES-CBC is the decoder's, for all buffers of a frame.",
            source: "D63",
            requirement: Requirement::Decision,
            run: schemes::mode_is_the_decoders,
        },
        Case {
            name: "decoders/constant-iv",
            rule: "In AES-CBC an IV may be used again with the same key.",
            source: "D69",
            requirement: Requirement::Decision,
            run: schemes::constant_iv,
        },
        Case {
            name: "decoders/regions-of-any-size",
            rule: "Regions have any size, also where patterns need an alignment.",
            source: "D68",
            requirement: Requirement::Decision,
            run: schemes::regions_of_any_size,
        },
        Case {
            name: "decoders/cbcs-is-offered",
            rule: "A driver that makes decoders of AES-CTR makes decoders of AES-CBC.",
            source: "D65",
            requirement: Requirement::Decision,
            run: schemes::cbcs_is_offered,
        },
        Case {
            name: "decoders/one-sided-stripes",
            rule: "Stripes of which one count is 0 are E_INVALIDARG; nothing is written and the frame goes on.",
            source: "D64",
            requirement: Requirement::Decision,
            run: refusals::one_sided_stripes,
        },
        Case {
            name: "decoders/iv-of-sixteen-bytes",
            rule: "An IV that has not 16 bytes is E_INVALIDARG; nothing is written and the frame goes on.",
            source: "D64",
            requirement: Requirement::Decision,
            run: refusals::iv_of_sixteen_bytes,
        },
        Case {
            name: "decoders/map-covers-the-buffer",
            rule: "Subsamples that do not cover the buffer are E_INVALIDARG; nothing is written and the frame goes on.",
            source: "D64",
            requirement: Requirement::Decision,
            run: refusals::map_covers_the_buffer,
        },
        Case {
            name: "decoders/pattern-outside-cenc",
            rule: "A byte pattern for a buffer of AES-CBC is E_INVALIDARG; nothing is written and the frame goes on.",
            source: "D68",
            requirement: Requirement::Decision,
            run: refusals::pattern_outside_cenc,
        },
        Case {
            name: "decoders/unknown-buffer-types",
            rule: "A buffer of unknown type is E_INVALIDARG; nothing is written and the frame goes on.",
            source: "D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE",
            requirement: Requirement::Quality,
            run: refusals::unknown_buffer_types,
        },
        Case {
            name: "decoders/slice-data-only",
            rule: "With ENCRYPT_SLICEDATA_ONLY an encrypted buffer that is not bitstream is E_INVALIDARG in every scheme.",
            source: "D66",
            requirement: Requirement::Decision,
            run: refusals::slice_data_only,
        },
        Case {
            name: "decoders/null-blob-with-a-size",
            rule: "A sealed key that is a null pointer with a size is E_INVALIDARG.",
            source: "D28",
            requirement: Requirement::Decision,
            run: refusals::null_blob_with_a_size,
        },
        Case {
            name: "decoders/sealed-key-that-nobody-opens",
            rule: "A sealed key is E_INVALIDARG where neither host nor environment opens it.",
            source: "D28",
            requirement: Requirement::Decision,
            run: refusals::sealed_key_that_nobody_opens,
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
