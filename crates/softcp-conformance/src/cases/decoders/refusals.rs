//! What a decoder refuses, with nothing written and the frame as it was.

use softcp_abi::{
    D3D11_1DDI_VIDEO_DECODER_BUFFER_SLICE_CONTROL, D3D11_DECODER_ENCRYPTION_HW_CENC as HW_CENC, E_INVALIDARG,
};
use softcp_runtime::{Error, HResult};

use super::frames::{Decoding, Key, STRIPED_TABLE, Sent, encryption, submit};
use crate::case::{CaseResult, Stop, check_hresult};
use crate::context::Context;
use crate::oracle::sample::Mode::{self, Cbc, Ctr};
use crate::oracle::sample::Part;

const MODES: [Mode; 2] = [Ctr, Cbc];

pub(super) fn one_sided_stripes(ctx: &Context<'_>) -> CaseResult {
    for mode in MODES {
        let (data, iv) = (ctx.random_bytes(160), ctx.next_iv());
        let with = |stripes| Sent { stripes, ..Sent::new(&data, &iv) };
        let refused = [(0, 9), (1, 0), (0, 1), (u32::MAX, 0), (0, u32::MAX)].map(|stripes| {
            (
                if stripes.0 == 0 { "stripes without encrypted blocks" } else { "stripes without clear blocks" },
                with(stripes),
            )
        });
        Decoding::new(ctx, mode)?.check_refused(ctx, mode, &refused)?;
    }
    Ok(())
}

pub(super) fn iv_of_sixteen_bytes(ctx: &Context<'_>) -> CaseResult {
    for mode in MODES {
        let (data, iv) = (ctx.random_bytes(160), ctx.random_bytes(17));
        let mut refused = Vec::new();
        for stripes in [(0, 0), (1, 9)] {
            for size in [1, 8, 15, 17] {
                refused.push(("an IV that has not 16 bytes", Sent { stripes, ..Sent::new(&data, &iv[..size]) }));
            }
        }
        Decoding::new(ctx, mode)?.check_refused(ctx, mode, &refused)?;
    }
    Ok(())
}

pub(super) fn map_covers_the_buffer(ctx: &Context<'_>) -> CaseResult {
    for mode in MODES {
        let (data, iv) = (ctx.random_bytes(160), ctx.next_iv());
        let maps: [&[Part]; 5] =
            [&[(0, 159)], &[(1, 160)], &[(0, 0)], &[(u32::MAX, 1), (0, 160)], &[(u32::MAX, u32::MAX), (162, 0)]];
        let mut refused = Vec::new();
        for stripes in [(0, 0), (1, 9)] {
            for parts in maps {
                refused.push((
                    "subsamples that do not cover the buffer",
                    Sent { parts, stripes, ..Sent::new(&data, &iv) },
                ));
            }
        }
        Decoding::new(ctx, mode)?.check_refused(ctx, mode, &refused)?;
    }
    Ok(())
}

pub(super) fn pattern_outside_cenc(ctx: &Context<'_>) -> CaseResult {
    let (data, iv) = (ctx.random_bytes(160), ctx.next_iv());
    let refused = [(160, 0, 0), (16, 16, 16), (0, 0, 16)]
        .map(|pattern| ("a byte pattern for AES-CBC", Sent { pattern: Some(pattern), ..Sent::new(&data, &iv) }));
    Decoding::new(ctx, Cbc)?.check_refused(ctx, Cbc, &refused)
}

pub(super) fn unknown_buffer_types(ctx: &Context<'_>) -> CaseResult {
    for mode in MODES {
        let (data, iv) = (ctx.random_bytes(160), ctx.next_iv());
        let mut refused = Vec::new();
        for buffer_type in [0, 10, 11, 0x8000_0007, u32::MAX] {
            let buffer = Sent { buffer_type, ..Sent::new(&data, &iv) };
            refused.push(("an encrypted buffer of unknown type", buffer));
            refused.push(("a clear buffer of unknown type", Sent { iv: None, ..buffer }));
        }
        Decoding::new(ctx, mode)?.check_refused(ctx, mode, &refused)?;
    }
    Ok(())
}

/// D66: as for AES-CTR.
pub(super) fn slice_data_only(ctx: &Context<'_>) -> CaseResult {
    let driver = ctx.driver_with("capabilities.flags.encrypt_slicedata_only=true")?;
    for mode in MODES {
        let (data, iv) = (ctx.random_bytes(160), ctx.next_iv());
        let mut refused = Vec::new();
        for stripes in [(0, 0), (1, 9)] {
            let buffer_type = D3D11_1DDI_VIDEO_DECODER_BUFFER_SLICE_CONTROL;
            refused.push(("encrypted slice control", Sent { stripes, buffer_type, ..Sent::new(&data, &iv) }));
        }
        Decoding::on(ctx, &driver, STRIPED_TABLE, encryption(mode))?.check_refused(ctx, mode, &refused)?;
    }
    Ok(())
}

/// Fails unless a frame with this key is refused, and one without begins afterwards.
fn check_no_frame(ctx: &Context<'_>, decoding: &mut Decoding, what: &str, key: Key<'_>) -> CaseResult {
    match decoding.begin(key) {
        Err(Error::Driver(error)) => check_hresult(what, HResult(E_INVALIDARG), error.hresult)?,
        Err(error) => return Err(error.into()),
        Ok(()) => return Err(Stop::failed(format!("{what}: {}", HResult(E_INVALIDARG)), "a frame that began")),
    }
    let clear = ctx.random_bytes(20);
    decoding.frame(Key::NullBlob(0), |frame| {
        Ok(submit(ctx, frame, &[Sent { iv: None, ..Sent::new(&clear, &[]) }])?.into_result()?)
    })?;
    decoding.check_shown("the next frame", &clear)
}

pub(super) fn null_blob_with_a_size(ctx: &Context<'_>) -> CaseResult {
    let mut decoding = Decoding::sealed(ctx, ctx.driver(), HW_CENC)?;
    for size in [1, 16, 64, 4096] {
        check_no_frame(ctx, &mut decoding, "a sealed key of null with a size", Key::NullBlob(size))?;
    }
    Ok(())
}

pub(super) fn sealed_key_that_nobody_opens(ctx: &Context<'_>) -> CaseResult {
    // Nobody has provisioned an environment, if there is one.
    for size in [15, 16, 17, 64] {
        let blob = ctx.random_bytes(size);
        let mut decoding = Decoding::sealed(ctx, ctx.driver(), HW_CENC)?;
        check_no_frame(ctx, &mut decoding, "a sealed key that nobody opens", Key::Sealed(&blob))?;
    }
    for mode in MODES {
        let (blob, mut decoding) = (ctx.random_bytes(64), Decoding::new(ctx, mode)?);
        match decoding.begin(Key::Raw(&blob)) {
            Err(Error::Driver(error)) => {
                check_hresult("a content key of 64 bytes that nobody opens", HResult(E_INVALIDARG), error.hresult)?;
            }
            Err(error) => return Err(error.into()),
            Ok(()) => return Err(Stop::failed("a content key of 64 bytes that nobody opens", "a frame that began")),
        }
    }
    Ok(())
}
