//! Decoders of the host: their encrypted buffers.
//!
//! The host calls these where its own entries are called: register in CreateVideoDecoder, begin and end in
//! VideoDecoderBeginFrame and VideoDecoderEndFrame, decrypt where it copies the compressed buffers of
//! VideoDecoderSubmitBuffers.

use std::ffi::c_void;
use std::mem::offset_of;

use softcp::{DecoderBuffer, DecoderEncryption, Encrypted, GUID, Stripes, Subsample};

use super::device::{borrow, softcp_device};
use super::session::softcp_encrypted_block_info;
use super::types::{softcp_decoder, softcp_guid, softcp_hresult, softcp_session};
use crate::hresult::{Failure, Result};
use crate::{guard, pointer};

/// What kind of decoder to register. Zero members are defaults.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub struct softcp_decoder_desc {
    /// Size of this structure in bytes as the caller knows it.
    pub size: u32,
    /// guidConfigBitstreamEncryption of the decoder's configuration. Zero, AES-128-CTR or
    /// D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC: AES-CTR (the schemes cenc and cens) under the session bound to the
    /// decoder. D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS: AES-CBC (cbcs and cbc1) under that session.
    /// D3D11_DECODER_ENCRYPTION_HW_CENC: AES-CTR under sealed keys. DXVA_NoEncrypt: nothing is encrypted.
    pub bitstream_encryption: softcp_guid,
}

/// Most subsamples of a buffer (D34): as many as the 16-bit number of a Common Encryption sample tells (ISO/IEC 23001-7,
/// 7.2), and one.
const MAX_SUBSAMPLES: u32 = 1 << 16;
/// Empty subsamples that a buffer can have beyond one for each byte; more are a mistake.
const SPARE_SUBSAMPLES: u32 = 1024;

/// One subsample of a Common Encryption sample: clear bytes, then encrypted ones. Laid out as
/// D3D11_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub struct softcp_subsample {
    /// Clear bytes.
    pub clear_size: u32,
    /// Encrypted bytes that follow.
    pub encrypted_size: u32,
}

/// The subsamples of a buffer of `data_size` bytes.
///
/// # Safety
/// `first` is null or valid for reads of `count` subsamples.
pub(crate) unsafe fn subsamples(first: *const softcp_subsample, count: u32, data_size: u32) -> Result<Vec<Subsample>> {
    if count > MAX_SUBSAMPLES {
        return Err(Failure::Invalid("a buffer has more than 65,536 subsamples"));
    }
    if count.saturating_sub(SPARE_SUBSAMPLES) > data_size {
        return Err(Failure::Invalid("there are more subsamples than bytes"));
    }
    let read = (0..count as usize).map(|index| {
        // SAFETY: the caller's duty: there are so many.
        unsafe { pointer::read("subsamples", first.wrapping_add(index)) }
            .map(|subsample| Subsample { clear: subsample.clear_size, encrypted: subsample.encrypted_size })
    });
    read.collect()
}

/// One compressed buffer of a frame.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub struct softcp_decoder_buffer {
    /// Size of this structure in bytes as the caller knows it.
    pub size: u32,
    /// D3D11_VIDEO_DECODER_BUFFER_TYPE: 6 for bitstream. The DDI's numbers (D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE) are
    /// greater by one.
    pub buffer_type: u32,
    /// The compressed data.
    pub source: *const c_void,
    /// Where the clear data goes, which may be `source`; else they do not overlap.
    pub destination: *mut c_void,
    /// 16 bytes. For AES-CTR the first counter block (D5): an IV and a block count of 8 bytes each, both big-endian. For
    /// AES-CBC the initialization vector. Null: the buffer is clear, and copied.
    pub iv: *const c_void,
    /// Which bytes are encrypted, in a pattern of bytes; for AES-CTR without stripes only (D68). Null: all, or those of the
    /// subsamples.
    pub pattern: *const softcp_encrypted_block_info,
    /// Which bytes are encrypted, in subsamples that cover the data exactly.
    pub subsamples: *const softcp_subsample,
    /// Bytes of the data.
    pub data_size: u32,
    /// Bytes of `iv`: 16.
    pub iv_size: u32,
    /// Number of subsamples, at most 65,536 (D34); 0 for none. Not together with a pattern.
    pub subsample_count: u32,
    /// Reserved, zero.
    pub reserved: u32,
    /// Blocks of 16 bytes that are encrypted in each stripe of an encrypted region, as
    /// D3D11_VIDEO_DECODER_BUFFER_DESC2.cBlocksStripeEncrypted. A region is the encrypted part of a subsample, or all of the
    /// data without subsamples. 0 with the next member 0: no stripes, so that the scheme is cenc or cbc1. Both not 0: cens
    /// or cbcs. One of them 0 is an error (D64).
    pub stripe_encrypted_blocks: u32,
    /// Blocks of 16 bytes that are clear behind them.
    pub stripe_clear_blocks: u32,
}

impl softcp_decoder_buffer {
    /// Bytes of the structure before it had stripes.
    const FIRST_VERSION: usize = offset_of!(Self, stripe_encrypted_blocks);
}

/// Registers a decoder that the host has made, and writes to `decoder` the handle that the host's VideoDecoderGetHandle
/// must answer: an application binds a session to it over an authenticated channel. `desc` may be null for all defaults.
/// SOFTCP_E_UNSUPPORTEDCRYPTO: an encryption that is none of those above. SOFTCP_E_OUTOFMEMORY: too many.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `desc` is null or points to a structure of its `size`;
/// `decoder` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_decoder_register(
    device: *const softcp_device,
    desc: *const softcp_decoder_desc,
    decoder: *mut softcp_decoder,
) -> softcp_hresult {
    guard::run("softcp_decoder_register", || {
        // SAFETY: the caller's duty on `decoder`.
        unsafe { pointer::write("decoder", decoder, 0) }?;
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        let desc = if desc.is_null() {
            softcp_decoder_desc::default()
        } else {
            // SAFETY: the caller's duty on `desc`; all members are valid when zero.
            unsafe { pointer::versioned("softcp_decoder_desc", desc, size_of::<softcp_decoder_desc>()) }?
        };
        let id = device.register_decoder(DecoderEncryption::from_guid(&desc.bitstream_encryption.into())?)?;
        // SAFETY: the caller's duty on `decoder`.
        unsafe { pointer::write("decoder", decoder, id) }
    })
}

/// The host has destroyed the decoder. Zero does nothing. SOFTCP_E_INVALIDARG: not a live decoder of this device, which
/// is harmless.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_decoder_unregister(
    device: *const softcp_device,
    decoder: softcp_decoder,
) -> softcp_hresult {
    guard::run("softcp_decoder_unregister", || {
        // SAFETY: the caller's duty on `device`.
        unsafe { borrow(device) }?.unregister_decoder(decoder)
    })
}

/// Writes to `session` the session that an authenticated channel has bound to the decoder; zero before that, and after
/// the session or the channel is destroyed. SOFTCP_E_INVALIDARG: not a live decoder of this device.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `session` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_decoder_session(
    device: *const softcp_device,
    decoder: softcp_decoder,
    session: *mut softcp_session,
) -> softcp_hresult {
    guard::run("softcp_decoder_session", || {
        // SAFETY: the caller's duty on `session`.
        unsafe { pointer::write("session", session, 0) }?;
        // SAFETY: the caller's duty on `device`.
        let bound = unsafe { borrow(device) }?.decoder_session(decoder)?;
        // SAFETY: the caller's duty on `session`.
        unsafe { pointer::write("session", session, bound) }
    })
}

/// Begins a frame. `content_key` null: the session key, the one in force at each buffer. 16 bytes: that key, encrypted
/// with AES-128-ECB under the session key in force now. Any other size, and any size with a `session`: a sealed key blob,
/// opened by the host's `unwrap_key` or by the secure environment (D28).
///
/// The key is the same for AES-CTR and AES-CBC; which of them it is used in is the decoder's (D62, D63).
///
/// `session` is zero for the session bound to the decoder, or names the one of a frame with a sealed key; `key_id` is then
/// the identifier of the key in it, and may be null. A decoder registered without encryption ignores all three.
///
/// SOFTCP_E_INVALIDCALL: a frame has begun already, no session is bound, or it has no key, or lost it.
/// SOFTCP_E_NOTIMPL: content keys are not offered. SOFTCP_E_INVALIDARG: a handle that is stale or of another kind (D39), a
/// null `content_key` with a size, or a blob that has more than 65,536 bytes (D34) or cannot be opened, also for want of
/// somebody who opens it (D28).
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `content_key` is null or valid for reads of `content_key_size`
/// bytes, `key_id` null or readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_decoder_begin_frame(
    device: *const softcp_device,
    decoder: softcp_decoder,
    session: softcp_session,
    content_key_size: u32,
    content_key: *const c_void,
    key_id: *const softcp_guid,
) -> softcp_hresult {
    guard::run("softcp_decoder_begin_frame", || {
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        let content_key = if device.has_frame_keys(decoder)? {
            // SAFETY: the caller's duty on `content_key`.
            unsafe { pointer::optional_bytes("content_key", content_key, content_key_size as usize) }?
        } else {
            None
        };
        // SAFETY: the caller's duty on `key_id`.
        let key_id = unsafe { pointer::read_or_null(key_id) }.map(GUID::from);
        device.begin_frame(decoder, session, content_key, key_id.as_ref())
    })
}

/// Decrypts one buffer of a frame, or copies a clear one. The destination is written only when all is well.
///
/// The decoder's encryption and the stripes say which scheme of ISO/IEC 23001-7 the buffer has: AES-CTR is cenc, with stripes
/// cens (D60); AES-CBC is cbc1 (D61), with stripes cbcs. Each buffer begins with its own IV. In all but cenc, the bytes behind
/// the last whole block of a region are clear. Structures of the first version, without the stripe members, have none.
///
/// SOFTCP_E_INVALIDCALL: no frame has begun, or the session has no key, or lost it. SOFTCP_E_NOTIMPL: patterns, subsamples
/// and stripes are not offered. SOFTCP_E_INVALIDARG: a type that is none, an IV for a buffer that cannot be encrypted (a
/// decoder without encryption, or another type than bitstream where ENCRYPT_SLICEDATA_ONLY is reported), an IV of another
/// size, or for AES-CTR not greater than the last where SEQUENTIAL_CTR_IV is reported (D10, D69), a pattern out of alignment
/// (D7) or for another scheme than cenc (D68), subsamples that do not cover the data, stripes of which one count is 0 (D64),
/// pattern and subsamples together, a null pointer, or overlapping memory.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `buffer` is null or points to a structure of its `size`, whose
/// pointers are null or valid for their sizes; nothing else touches source and destination during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_decoder_decrypt_buffer(
    device: *const softcp_device,
    decoder: softcp_decoder,
    buffer: *const softcp_decoder_buffer,
) -> softcp_hresult {
    guard::run("softcp_decoder_decrypt_buffer", || {
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        // SAFETY: the caller's duty on `buffer`; all members are valid when zero.
        let buffer =
            unsafe { pointer::versioned("softcp_decoder_buffer", buffer, softcp_decoder_buffer::FIRST_VERSION) }?;
        // SAFETY: the caller's duty on the IV.
        let iv = unsafe { pointer::bytes_or_null(buffer.iv, buffer.iv_size as usize) }?;
        // SAFETY: the caller's duty on the pattern.
        let pattern = unsafe { pointer::read_or_null(buffer.pattern) };
        // SAFETY: the caller's duty on the subsamples: there are so many.
        let subsamples = unsafe { subsamples(buffer.subsamples, buffer.subsample_count, buffer.data_size) }?;
        let encrypted = match (pattern, &subsamples[..]) {
            (None, []) => Encrypted::All,
            (Some(pattern), []) => Encrypted::Pattern(pattern.into()),
            (None, subsamples) => Encrypted::Subsamples(subsamples),
            (Some(_), _) => return Err(Failure::Invalid("a buffer has a pattern or subsamples, not both")),
        };
        let stripes = Stripes::new(buffer.stripe_encrypted_blocks, buffer.stripe_clear_blocks)?;
        let described = DecoderBuffer { buffer_type: buffer.buffer_type, iv, encrypted, stripes };
        let (source, destination, size) = (buffer.source, buffer.destination, buffer.data_size as usize);
        // SAFETY: the caller's duty on source and destination.
        unsafe { device.decrypt_buffer(decoder, source, destination, size, &described) }
    })
}

/// Ends a frame and forgets its key. SOFTCP_E_INVALIDCALL: none has begun.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_decoder_end_frame(
    device: *const softcp_device,
    decoder: softcp_decoder,
) -> softcp_hresult {
    guard::run("softcp_decoder_end_frame", || {
        // SAFETY: the caller's duty on `device`.
        unsafe { borrow(device) }?.end_frame(decoder)
    })
}
