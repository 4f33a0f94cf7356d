//! Encrypted buffers of decoders.

use std::ffi::c_void;

use softcp_abi::{
    D3D10DDI_HDEVICE, D3D11_1DDI_HDECODE, D3D11_1DDI_VIDEO_DECODER_BUFFER_BITSTREAM as BITSTREAM,
    D3D11_1DDI_VIDEO_DECODER_BUFFER_FILM_GRAIN as LAST_TYPE, D3DERR_INVALIDCALL, D3DERR_UNSUPPORTEDCRYPTO,
    D3DWDDM2_0DDI_VIDEO_FUNCTIONS, D3DWDDM2_1DDI_VIDEO_FUNCTIONS, E_INVALIDARG, E_NOTIMPL, FALSE, HRESULT, UINT,
};

use super::fault;
use crate::FaultyDriver;
use crate::calls::Hooks;
use crate::decoder::{FIRST_OF_FRAME, OWN, RULES, Rules};
use crate::keys::unwrap;
use crate::sample::{Flaws, NO_FLAWS};

/// Schemes by what they are of: whether AES-CBC, whether with stripes.
const CENC: Option<(bool, bool)> = Some((false, false));
const CENS: Option<(bool, bool)> = Some((false, true));
const CBC1: Option<(bool, bool)> = Some((true, false));
const CBCS: Option<(bool, bool)> = Some((true, true));
/// Index in every table of the entry that takes subsamples.
const SUBMIT_WITH_SUBSAMPLES: usize = 83;

/// A driver with rules of its own for decoders.
const fn rules(rules: Rules) -> Hooks {
    Hooks { decoder: Some(rules), ..Hooks::NONE }
}

/// A driver with a flaw in the cipher of one scheme.
const fn flaw(scheme: Option<(bool, bool)>, flaws: Flaws) -> Hooks {
    rules(Rules { cipher: Some((scheme, flaws)), ..RULES })
}

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "cenc-stream-restarts",
        "decoders/cenc-key-stream",
        "The key stream of a cenc buffer restarts in each region.",
        flaw(CENC, Flaws { inverted_restart: true, ..NO_FLAWS }),
    ),
    fault(
        "cenc-partial-block-left",
        "decoders/cenc-partial-block",
        "In cenc the bytes behind a region's last whole block are taken for clear.",
        flaw(CENC, Flaws { inverted_partial_block: true, ..NO_FLAWS }),
    ),
    fault(
        "cens-clear-blocks-take-key-stream",
        "decoders/cens-key-stream",
        "In cens the clear blocks take key stream, too.",
        flaw(CENS, Flaws { clear_blocks_count: true, ..NO_FLAWS }),
    ),
    fault(
        "cens-stream-restarts",
        "decoders/cens-key-stream",
        "The key stream of a cens buffer restarts in each region.",
        flaw(CENS, Flaws { inverted_restart: true, ..NO_FLAWS }),
    ),
    fault(
        "cens-stripes-go-on",
        "decoders/cens-stripes-restart",
        "In cens the stripes go on from one region to the next.",
        flaw(CENS, Flaws { stripes_go_on: true, ..NO_FLAWS }),
    ),
    fault(
        "cens-partial-block-decrypted",
        "decoders/cens-partial-block",
        "In cens the bytes behind a region's last whole block are decrypted.",
        flaw(CENS, Flaws { inverted_partial_block: true, ..NO_FLAWS }),
    ),
    fault(
        "cens-stripes-of-bytes",
        "decoders/stripes-of-both-counts",
        "In cens the counts of a stripe are taken for bytes.",
        flaw(CENS, Flaws { stripes_of_bytes: true, ..NO_FLAWS }),
    ),
    fault(
        "cbc1-chain-restarts",
        "decoders/cbc1-chain",
        "The chain of a cbc1 buffer restarts in each region.",
        flaw(CBC1, Flaws { inverted_restart: true, ..NO_FLAWS }),
    ),
    fault(
        "cbc1-partial-block-decrypted",
        "decoders/cbc1-partial-block",
        "In cbc1 the bytes behind a region's last whole block are decrypted.",
        flaw(CBC1, Flaws { inverted_partial_block: true, ..NO_FLAWS }),
    ),
    fault(
        "cbcs-chain-goes-on",
        "decoders/cbcs-chain-restarts",
        "The chain of a cbcs buffer goes on from one region to the next.",
        flaw(CBCS, Flaws { inverted_restart: true, ..NO_FLAWS }),
    ),
    fault(
        "cbcs-clear-blocks-in-chain",
        "decoders/cbcs-chain-over-stripes",
        "In cbcs the clear blocks are part of the chain.",
        flaw(CBCS, Flaws { clear_blocks_count: true, ..NO_FLAWS }),
    ),
    fault(
        "cbcs-stripes-go-on",
        "decoders/cbcs-stripes-restart",
        "In cbcs the stripes go on from one region to the next.",
        flaw(CBCS, Flaws { stripes_go_on: true, ..NO_FLAWS }),
    ),
    fault(
        "cbcs-partial-block-decrypted",
        "decoders/cbcs-partial-block",
        "In cbcs the bytes behind a region's last whole block are decrypted.",
        flaw(CBCS, Flaws { inverted_partial_block: true, ..NO_FLAWS }),
    ),
    fault(
        "stripes-swapped",
        "decoders/stripes-of-both-counts",
        "cBlocksStripeClear is taken for the encrypted blocks, and cBlocksStripeEncrypted for the clear ones.",
        rules(Rules {
            describe: Some(|buffer| {
                let desc = &mut buffer.desc;
                std::mem::swap(&mut desc.cBlocksStripeEncrypted, &mut desc.cBlocksStripeClear);
                Ok(())
            }),
            ..RULES
        }),
    ),
    fault(
        "last-stripe-lost",
        "decoders/stripes-cut-at-the-end",
        "A stripe that the end of its region cuts is left as it is.",
        flaw(None, Flaws { last_stripe_lost: true, ..NO_FLAWS }),
    ),
    fault(
        "stripes-need-subsamples",
        "decoders/whole-buffer-is-a-region",
        "Stripes of a buffer without subsamples are ignored.",
        rules(Rules {
            describe: Some(|buffer| {
                if buffer.parts.is_empty() && buffer.desc.cBlocksStripeEncrypted != 0 {
                    (buffer.desc.cBlocksStripeEncrypted, buffer.desc.cBlocksStripeClear) = (0, 0);
                }
                Ok(())
            }),
            ..RULES
        }),
    ),
    fault(
        "empty-region-ends-the-map",
        "decoders/empty-regions",
        "What follows a region of 0 bytes is taken for clear.",
        flaw(None, Flaws { empty_region_ends: true, ..NO_FLAWS }),
    ),
    fault(
        "first-iv-for-the-frame",
        "decoders/iv-of-each-buffer",
        "The IV of a frame's first buffer is taken for each of its buffers.",
        rules(Rules {
            describe: Some(|buffer| {
                let Some(Ok(iv)) = buffer.iv.as_deref().map(<[u8; 16]>::try_from) else { return Ok(()) };
                match buffer.noted(FIRST_OF_FRAME) {
                    Some(first) => buffer.iv = Some(first.to_be_bytes().to_vec()),
                    None => drop(buffer.note(FIRST_OF_FRAME, u128::from_be_bytes(iv))),
                }
                Ok(())
            }),
            ..RULES
        }),
    ),
    fault(
        "buffers-reversed",
        "decoders/buffers-of-one-call",
        "Of the buffers of one call the last comes first.",
        rules(Rules { reversed: true, ..RULES }),
    ),
    fault(
        "subsamples-not-in-older-tables",
        "decoders/every-table",
        "VideoDecoderSubmitBuffers1 is E_NOTIMPL.",
        Hooks {
            change_table: Some(|sub_device, table| {
                let is_older = [D3DWDDM2_0DDI_VIDEO_FUNCTIONS, D3DWDDM2_1DDI_VIDEO_FUNCTIONS].contains(&sub_device);
                if let (true, Some(slot)) = (is_older, table.get_mut(SUBMIT_WITH_SUBSAMPLES)) {
                    *slot = no_subsamples as *const c_void;
                }
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "session-key-under-itself",
        "decoders/session-key",
        "The key of a frame without a content key is the session key, decrypted under itself.",
        rules(Rules {
            key: Some(|keys| if keys.wrapped.is_none() { unwrap(&keys.session, &keys.session) } else { keys.right() }),
            ..RULES
        }),
    ),
    fault(
        "frames-content-key-not-unwrapped",
        "decoders/content-keys",
        "The content key of a frame is taken as it comes.",
        rules(Rules { key: Some(|keys| keys.wrapped.unwrap_or(keys.session)), ..RULES }),
    ),
    fault(
        "frames-keep-first-content-key",
        "decoders/content-keys",
        "The first content key of a decoder is that of all its frames.",
        rules(Rules {
            key: Some(
                |keys| {
                    if keys.wrapped.is_none() { keys.right() } else { keys.first(keys.decoder + OWN, keys.right()) }
                },
            ),
            ..RULES
        }),
    ),
    fault(
        "frames-keep-session-key",
        "decoders/refreshed-session-key",
        "The session key of a decoder's first frame is that of all its frames without a content key.",
        rules(Rules {
            key: Some(
                |keys| {
                    if keys.wrapped.is_some() { keys.right() } else { keys.first(keys.decoder + OWN, keys.right()) }
                },
            ),
            ..RULES
        }),
    ),
    fault(
        "content-keys-kept-over-refresh",
        "decoders/content-key-after-refresh",
        "What a wrapped content key of a frame was opened to is kept over a refresh of the session key.",
        rules(Rules {
            key: Some(|keys| match keys.wrapped {
                None => keys.right(),
                Some(wrapped) => {
                    let [.., a, b, c, d, e, f] = wrapped;
                    let place = u64::from_be_bytes([0xC0, 0, a, b, c, d, e, f]);
                    keys.first(usize::try_from(place).unwrap_or_default(), keys.right())
                }
            }),
            ..RULES
        }),
    ),
    fault(
        "cbcs-takes-no-sealed-keys",
        "decoders/sealed-keys",
        "A sealed key of a decoder of AES-CBC is E_INVALIDARG.",
        Hooks {
            options: "capabilities.flags.hardware_drm_communication=true",
            ..rules(Rules {
                begin: Some(|key| if key.is_cbc && key.sealed.is_some() { Err(E_INVALIDARG) } else { Ok(()) }),
                ..RULES
            })
        },
    ),
    fault(
        "mode-by-stripes",
        "decoders/mode-is-the-decoders",
        "Buffers with stripes are taken for AES-CBC, and those without for AES-CTR.",
        flaw(None, Flaws { mode_by_stripes: true, ..NO_FLAWS }),
    ),
    fault(
        "constant-iv-refused",
        "decoders/constant-iv",
        "An IV of AES-CBC that is not greater than the one before is E_INVALIDARG.",
        rules(Rules {
            describe: Some(|buffer| {
                let Some(Ok(iv)) = buffer.iv.as_deref().map(<[u8; 16]>::try_from) else { return Ok(()) };
                let iv = u128::from_be_bytes(iv);
                if buffer.is_cbc && buffer.note(OWN, iv).is_some_and(|last| iv <= last) {
                    return Err(E_INVALIDARG);
                }
                Ok(())
            }),
            ..RULES
        }),
    ),
    fault(
        "regions-aligned",
        "decoders/regions-of-any-size",
        "Regions that are no multiple of 16 bytes are E_INVALIDARG.",
        rules(Rules {
            describe: Some(|buffer| {
                let is_aligned = buffer.parts.iter().all(|(_, region)| region % 16 == 0);
                if is_aligned { Ok(()) } else { Err(E_INVALIDARG) }
            }),
            ..RULES
        }),
    ),
    fault(
        "cbcs-not-offered",
        "decoders/cbcs-is-offered",
        "CreateVideoDecoder of AES-CBC is D3DERR_UNSUPPORTEDCRYPTO.",
        rules(Rules { create_cbc: Some(D3DERR_UNSUPPORTEDCRYPTO), ..RULES }),
    ),
    fault(
        "one-sided-stripes-taken",
        "decoders/one-sided-stripes",
        "Stripes of which one count is 0 are taken for none.",
        rules(Rules {
            describe: Some(|buffer| {
                let desc = &mut buffer.desc;
                if (desc.cBlocksStripeEncrypted == 0) != (desc.cBlocksStripeClear == 0) {
                    (desc.cBlocksStripeEncrypted, desc.cBlocksStripeClear) = (0, 0);
                }
                Ok(())
            }),
            ..RULES
        }),
    ),
    fault(
        "short-iv-taken",
        "decoders/iv-of-sixteen-bytes",
        "An IV of 8 bytes is taken, with zeros behind it.",
        rules(Rules {
            describe: Some(|buffer| {
                if let Some(iv) = buffer.iv.as_mut().filter(|iv| iv.len() == 8) {
                    iv.resize(16, 0);
                }
                Ok(())
            }),
            ..RULES
        }),
    ),
    fault(
        "short-map-taken",
        "decoders/map-covers-the-buffer",
        "What subsamples do not cover of a buffer is taken for clear.",
        rules(Rules {
            describe: Some(|buffer| {
                let rest = u64::from(buffer.desc.DataSize).saturating_sub(buffer.covered());
                if let (false, Ok(rest @ 1..)) = (buffer.parts.is_empty(), u32::try_from(rest)) {
                    buffer.parts.push((rest, 0));
                }
                Ok(())
            }),
            ..RULES
        }),
    ),
    fault(
        "pattern-of-cbc-ignored",
        "decoders/pattern-outside-cenc",
        "A byte pattern for a buffer of AES-CBC is ignored, and all of it decrypted.",
        rules(Rules {
            describe_blocks: Some(|is_cbc, desc| {
                if is_cbc {
                    desc.PartialEncryption = FALSE;
                }
            }),
            ..RULES
        }),
    ),
    fault(
        "unknown-buffer-type-taken",
        "decoders/unknown-buffer-types",
        "A buffer of a type that the DDI does not define is taken for bitstream.",
        rules(Rules {
            describe: Some(|buffer| {
                if buffer.desc.BufferType > LAST_TYPE {
                    buffer.desc.BufferType = BITSTREAM;
                }
                Ok(())
            }),
            ..RULES
        }),
    ),
    fault(
        "slice-control-encrypted",
        "decoders/slice-data-only",
        "Encrypted buffers of every type are taken where ENCRYPT_SLICEDATA_ONLY is reported.",
        rules(Rules {
            describe: Some(|buffer| {
                if buffer.iv.is_some() && (1..=LAST_TYPE).contains(&buffer.desc.BufferType) {
                    buffer.desc.BufferType = BITSTREAM;
                }
                Ok(())
            }),
            ..RULES
        }),
    ),
    fault(
        "null-blob-taken",
        "decoders/null-blob-with-a-size",
        "A frame with a null sealed key and a size is taken under the session's own key.",
        rules(Rules {
            begin: Some(|key| {
                if let Some(sealed) = key.sealed.as_mut().filter(|sealed| sealed.pBlob.is_null()) {
                    sealed.BlobSize = 0;
                }
                Ok(())
            }),
            ..RULES
        }),
    ),
    fault(
        "unopened-key-is-an-invalid-call",
        "decoders/sealed-key-that-nobody-opens",
        "A sealed key that nobody opens is D3DERR_INVALIDCALL.",
        rules(Rules {
            begun: Some(
                |is_sealed, hresult| if is_sealed && hresult == E_INVALIDARG { D3DERR_INVALIDCALL } else { hresult },
            ),
            ..RULES
        }),
    ),
];

unsafe extern "system" fn no_subsamples(
    _: D3D10DDI_HDEVICE,
    _: D3D11_1DDI_HDECODE,
    _: UINT,
    _: *const c_void,
) -> HRESULT {
    E_NOTIMPL
}
