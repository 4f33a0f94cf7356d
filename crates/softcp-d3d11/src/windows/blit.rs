//! `EncryptionBlt` and `DecryptionBlt`: what the runtime checks, then the driver's entry on the memory of both resources.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT, D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK,
    D3D11_1DDI_ENCRYPTED_BLOCK_INFO, D3DERR_CANNOTPROTECTCONTENT, SOFTCP_MAPPING_PROTECTED,
};
use softcp_runtime::{Error, Input, Output, Reply, ResourceHandle};
use windows::Win32::Graphics::Direct3D11::{D3D11_BIND_RENDER_TARGET, D3D11_ENCRYPTED_BLOCK_INFO, D3D11_USAGE_STAGING};
use windows::core::HRESULT;

use super::call::Call;
use super::com::{self, Raw};
use super::key_exchange::session;
use super::lend::lend;
use super::loss;
use super::resource::{Facts, Note, Shape};
use super::session::CryptoSession;
use super::staging::{Access, Lent};
use super::teardown;
use super::video_context::VideoContext;
use crate::message::MessageId;

/// The identifiers of one blit's messages, and which of its resources is the protected one.
struct Rules {
    null: MessageId,
    unsupported: MessageId,
    src_wrong_device: MessageId,
    dst_wrong_device: MessageId,
    format_mismatch: MessageId,
    size_mismatch: MessageId,
    multisampled: MessageId,
    src_mapped: MessageId,
    dst_mapped: MessageId,
    src_offered: MessageId,
    dst_offered: MessageId,
    src_undefined: MessageId,
    /// The capability that the blit needs, as the DDI has it.
    capability: u32,
    /// Whether the protected resource is the destination.
    protects_destination: bool,
}

const ENCRYPTION: Rules = Rules {
    null: MessageId::ENCRYPTIONBLT_NULLPARAM,
    unsupported: MessageId::ENCRYPTIONBLT_UNSUPPORTED,
    src_wrong_device: MessageId::ENCRYPTIONBLT_SRC_WRONGDEVICE,
    dst_wrong_device: MessageId::ENCRYPTIONBLT_DST_WRONGDEVICE,
    format_mismatch: MessageId::ENCRYPTIONBLT_FORMAT_MISMATCH,
    size_mismatch: MessageId::ENCRYPTIONBLT_SIZE_MISMATCH,
    multisampled: MessageId::ENCRYPTIONBLT_SRC_MULTISAMPLED,
    src_mapped: MessageId::ENCRYPTIONBLT_SRC_MAPPED,
    dst_mapped: MessageId::ENCRYPTIONBLT_DST_MAPPED,
    src_offered: MessageId::ENCRYPTIONBLT_SRC_OFFERED,
    dst_offered: MessageId::ENCRYPTIONBLT_DST_OFFERED,
    src_undefined: MessageId::ENCRYPTIONBLT_SRC_CONTENT_UNDEFINED,
    capability: D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK,
    protects_destination: false,
};

const DECRYPTION: Rules = Rules {
    null: MessageId::DECRYPTIONBLT_NULLPARAM,
    unsupported: MessageId::DECRYPTIONBLT_UNSUPPORTED,
    src_wrong_device: MessageId::DECRYPTIONBLT_SRC_WRONGDEVICE,
    dst_wrong_device: MessageId::DECRYPTIONBLT_DST_WRONGDEVICE,
    format_mismatch: MessageId::DECRYPTIONBLT_FORMAT_MISMATCH,
    size_mismatch: MessageId::DECRYPTIONBLT_SIZE_MISMATCH,
    multisampled: MessageId::DECRYPTIONBLT_DST_MULTISAMPLED,
    src_mapped: MessageId::DECRYPTIONBLT_SRC_MAPPED,
    dst_mapped: MessageId::DECRYPTIONBLT_DST_MAPPED,
    src_offered: MessageId::DECRYPTIONBLT_SRC_OFFERED,
    dst_offered: MessageId::DECRYPTIONBLT_DST_OFFERED,
    src_undefined: MessageId::DECRYPTIONBLT_SRC_CONTENT_UNDEFINED,
    capability: D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT,
    protects_destination: true,
};

/// A blit whose resources have been checked.
struct Blit<'a> {
    call: Call<'a>,
    session: &'a CryptoSession,
    source: (Facts, bool),
    destination: (Facts, bool),
}

pub(super) unsafe extern "system" fn encryption_blt(this: Raw, raw: Raw, src: Raw, dst: Raw, iv_size: u32, iv: Raw) {
    let _ = com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let call = Call::new(unsafe { VideoContext::state(this) }, "ID3D11VideoContext::EncryptionBlt");
        // SAFETY: null or live objects.
        let blit = unsafe { Blit::check(call, &ENCRYPTION, raw, src, dst, iv) }?;
        let (Shape::Buffer { .. } | Shape::Texture { .. }, D3D11_USAGE_STAGING) =
            (blit.destination.0.shape, blit.destination.0.usage)
        else {
            let text = "the destination has no staging usage, where encrypted content is read";
            return Err(call.refuse(MessageId::ENCRYPTIONBLT_DST_NOT_STAGING, text));
        };
        // SAFETY: not null, and the program's duty.
        let iv = Output::Bytes(unsafe { com::bytes_mut(iv, iv_size) }.unwrap_or_default());
        blit.run(|calls, source, destination| {
            calls.encryption_blt(blit.session.session.handle(), source, destination, iv)
        })
    });
}

#[allow(clippy::too_many_arguments, reason = "the method has as many")]
pub(super) unsafe extern "system" fn decryption_blt(
    this: Raw,
    raw: Raw,
    src: Raw,
    dst: Raw,
    info: *const D3D11_ENCRYPTED_BLOCK_INFO,
    content_key_size: u32,
    content_key: *const core::ffi::c_void,
    iv_size: u32,
    iv: Raw,
) {
    let _ = com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let call = Call::new(unsafe { VideoContext::state(this) }, "ID3D11VideoContext::DecryptionBlt");
        // SAFETY: null or live objects.
        let blit = unsafe { Blit::check(call, &DECRYPTION, raw, src, dst, iv) }?;
        if content_key.is_null() && content_key_size != 0 {
            return Err(call.refuse(DECRYPTION.null, "pContentKey is null, and ContentKeySize is not 0"));
        }
        if blit.source.0.usage != D3D11_USAGE_STAGING {
            let text = "the source has no staging usage, where encrypted content comes from";
            return Err(call.refuse(MessageId::DECRYPTIONBLT_SRC_NOT_STAGING, text));
        }
        if blit.destination.0.bind_flags & D3D11_BIND_RENDER_TARGET.0.cast_unsigned() == 0 {
            let text = "the destination was not created with D3D11_BIND_RENDER_TARGET";
            return Err(call.refuse(MessageId::DECRYPTIONBLT_DST_NOT_RENDER_TARGET, text));
        }
        let info = info.cast_mut().cast::<D3D11_1DDI_ENCRYPTED_BLOCK_INFO>();
        // SAFETY: null, or the program's structure, of the same layout; a driver may leave a status there (D21).
        let info = unsafe { info.as_mut() };
        // SAFETY: null or readable.
        let key = unsafe { com::bytes(content_key, content_key_size) }.map_or(Input::Null { size: 0 }, Input::Bytes);
        // SAFETY: not null, and the program's duty.
        let iv = Input::Bytes(unsafe { com::bytes(iv, iv_size) }.unwrap_or_default());
        let handle = blit.session.session.handle();
        blit.run(|calls, source, destination| calls.decryption_blt(handle, source, destination, info, key, iv))
    });
}

impl<'a> Blit<'a> {
    /// Everything that is checked in both blits.
    ///
    /// # Safety
    ///
    /// The pointers are null, or live objects for as long as the answer is used.
    unsafe fn check(call: Call<'a>, rules: &Rules, raw: Raw, src: Raw, dst: Raw, iv: Raw) -> Result<Self, HRESULT> {
        // SAFETY: the caller's duty.
        let session = unsafe { session(call, raw, Some(rules.null)) }?;
        for (pointer, name) in [(src, "pSrcSurface"), (dst, "pDstSurface"), (iv, "pIV")] {
            call.not_null(pointer, rules.null, name)?;
        }
        if session.caps & rules.capability == 0 {
            return Err(call.refuse(rules.unsupported, "the driver does not have this for the session's crypto type"));
        }
        // SAFETY: not null, and the caller's duty.
        let (source, destination) = (unsafe { Facts::of(src) }, unsafe { Facts::of(dst) });
        let device = call.state.device();
        // SAFETY: as above, and the device lives during a call on one of its objects.
        if !unsafe { source.is_of(device) } {
            return Err(call.refuse(rules.src_wrong_device, "the source was created on another device"));
        }
        // SAFETY: as above.
        if !unsafe { destination.is_of(device) } {
            return Err(call.refuse(rules.dst_wrong_device, "the destination was created on another device"));
        }
        // SAFETY: the context is the program's to use on this thread.
        unsafe { loss::settle_targets(call.state) };
        for resource in [src, dst] {
            // SAFETY: not null, live, and of this device; as above.
            unsafe { loss::settle(call.state, resource) };
        }
        let (protected, side) =
            if rules.protects_destination { (&destination, "destination") } else { (&source, "source") };
        if protected.samples > 1 {
            return Err(call.refuse(rules.multisampled, &format!("the {side} is multisampled")));
        }
        check_agreement(call, rules, &source, &destination)?;
        // SAFETY: not null, and the caller's duty.
        let (source_note, destination_note) = (unsafe { Note::of(src) }, unsafe { Note::of(dst) });
        let states = [
            (&source_note, "source", rules.src_mapped, rules.src_offered),
            (&destination_note, "destination", rules.dst_mapped, rules.dst_offered),
        ];
        for (note, side, mapped, offered) in &states {
            let Some(note) = note else { continue };
            if note.mapped.load(Ordering::Relaxed) != 0 {
                return Err(call.refuse(*mapped, &format!("the {side} is mapped; unmap it first")));
            }
            if note.offered.load(Ordering::Relaxed) {
                return Err(call.refuse(*offered, &format!("the {side} is offered; reclaim it first")));
            }
        }
        if source_note.as_ref().is_some_and(|note| note.is_undefined(call.state.work.load(Ordering::Relaxed))) {
            let text = "the source was discarded, and nothing has been written to it since";
            return Err(call.refuse(rules.src_undefined, text));
        }
        let is_protected = |note: Option<Arc<Note>>| note.is_some_and(|note| note.is_protected());
        let (source_protected, destination_protected) = (is_protected(source_note), is_protected(destination_note));
        let protected = if rules.protects_destination { destination_protected } else { source_protected };
        if !protected && call.state.protection.enforced() {
            let text = format!("protection is on, and the {side} is no protected resource");
            return Err(call.refuse_with(None, HRESULT(D3DERR_CANNOTPROTECTCONTENT), &text));
        }
        if destination_protected && call.state.protection.enforced() && !call.state.enforces() {
            let text = "protection is on, and cannot be enforced here: the content would not stay in the destination";
            return Err(call.refuse_with(None, HRESULT(D3DERR_CANNOTPROTECTCONTENT), text));
        }
        Ok(Self {
            call,
            session,
            source: (source, source_protected),
            destination: (destination, destination_protected),
        })
    }

    /// Has the driver do it, on the memory of both. When this returns, the destination holds the result for whatever the
    /// context does next; after a failure it is as it was.
    fn run(
        &self,
        blt: impl FnOnce(softcp_runtime::Calls<'_>, ResourceHandle<'_>, ResourceHandle<'_>) -> Result<Reply, Error>,
    ) -> Result<(), HRESULT> {
        let Self { call, session, source, destination } = self;
        let staging = &session.staging;
        let unreachable = |side: &str, hresult: HRESULT| {
            call.refuse_with(None, hresult, &format!("the memory of the {side} cannot be reached ({hresult})"))
        };
        // SAFETY: checked to be of this device; the context is the program's to use.
        let from = unsafe { Lent::map(call.state, staging, &source.0, Access::Read) }
            .map_err(|hresult| unreachable("source", hresult))?;
        // SAFETY: as above.
        let to = match unsafe { Lent::map(call.state, staging, &destination.0, Access::Write) } {
            Ok(to) => to,
            Err(hresult) => {
                let _ = from.unmap(staging, false);
                return Err(unreachable("destination", hresult));
            }
        };
        let flags = |is_protected: bool| if is_protected { SOFTCP_MAPPING_PROTECTED } else { 0 };
        let (from_memory, to_memory) = (from.mapping(flags(source.1)), to.mapping(flags(destination.1)));
        // SAFETY: both are mapped, and stay so until it returns.
        let result = unsafe { lend(session, &from_memory, &to_memory, blt) };
        let _ = from.unmap(staging, false);
        let written = to.unmap(staging, result.is_ok());
        if result.is_ok() && written.is_ok() {
            // SAFETY: it lives: the program's duty.
            if let Some(note) = unsafe { Note::of(destination.0.resource.raw()) } {
                note.define();
            }
        }
        let answer = call.driver(result).and_then(|()| written.map_err(|hresult| unreachable("destination", hresult)));
        if answer.is_err() {
            teardown::look(&call.state.sessions);
        }
        answer
    }
}

fn check_agreement(call: Call<'_>, rules: &Rules, source: &Facts, destination: &Facts) -> Result<(), HRESULT> {
    match (source.shape, destination.shape) {
        (Shape::Texture { format: from, .. }, Shape::Texture { format: to, .. }) if from != to => {
            let text = format!("the source has DXGI_FORMAT {from}, the destination {to}");
            Err(call.refuse(rules.format_mismatch, &text))
        }
        (from @ Shape::Texture { .. }, to @ Shape::Texture { .. }) if from != to => {
            let text = format!("source and destination differ in size: {from:?}, {to:?}");
            Err(call.refuse(rules.size_mismatch, &text))
        }
        (Shape::Buffer { bytes: from }, Shape::Buffer { bytes: to }) if from != to => {
            let text = format!("the source has {from} bytes, the destination {to}");
            Err(call.refuse(rules.size_mismatch, &text))
        }
        (Shape::Texture { format, .. }, Shape::Texture { .. }) if source.shape.layout().is_none() => {
            let text = format!("DXGI_FORMAT {format} has no memory that a blit could use");
            Err(call.refuse(rules.format_mismatch, &text))
        }
        (Shape::Texture { .. }, Shape::Texture { .. }) | (Shape::Buffer { .. }, Shape::Buffer { .. }) => Ok(()),
        (from, to) => {
            let text = format!("two buffers or two 2D textures are needed, not {from:?} and {to:?}");
            Err(call.refuse(rules.format_mismatch, &text))
        }
    }
}
