//! Frames of decoders and their buffers: `DecoderBeginFrame` and its siblings of `ID3D11VideoContext`, up to version 3.
//!
//! A decoder of an encrypted bitstream is the layer's. The program fills memory of the layer's in the place of the
//! buffers below; when it submits them the driver decrypts them, and the decoder below gets the clear bytes in its own
//! buffers, and descriptions without encryption. Calls on other decoders go below as they are.

use softcp_abi::{
    D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS, D3D11_DECODER_ENCRYPTION_HW_CENC,
    D3D11_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION as SealedKey, D3DERR_CANNOTPROTECTCONTENT, D3DERR_INVALIDCALL,
    SOFTCP_MAPPING_PROTECTED,
};
use softcp_runtime::{AesCtrIv, CompressedBuffer, EncryptedBlockInfo, EncryptedBytes, FrameKey, Stripes, SubSample};
use windows::Win32::Foundation::{E_INVALIDARG, E_NOTIMPL, E_OUTOFMEMORY};
use windows::Win32::Graphics::Direct3D11::{
    D3D11_VIDEO_DECODER_BUFFER_DESC, D3D11_VIDEO_DECODER_BUFFER_DESC1, D3D11_VIDEO_DECODER_BUFFER_DESC2,
    D3D11_VIDEO_DECODER_BUFFER_TYPE, D3D11_VIDEO_DECODER_EXTENSION, D3D11_VIDEO_SAMPLE_DESC, ID3D11Resource,
    ID3D11VideoContext_Vtbl, ID3D11VideoContext1_Vtbl, ID3D11VideoContext3_Vtbl, ID3D11View,
};
use windows::Win32::Graphics::Dxgi::Common::DXGI_COLOR_SPACE_TYPE;
use windows::core::{HRESULT, Interface};

use super::call::Call;
use super::child::Child;
use super::com::{self, Raw};
use super::decoder::{Buffer, Held, Output, Taken, VideoDecoder};
use super::encryption::{guid, memory};
use super::forward::{OfContext, below, below_has};
use super::key_exchange::session;
use super::loss;
use super::resource::Note;
use super::teardown;
use super::video_context::VideoContext;

/// Most buffers of one submission (D34).
const MAX_BUFFERS: u32 = 64;

/// Most subsamples of one buffer, as in the driver's core functions.
const MAX_SUBSAMPLES: u32 = 65_536;

/// Room for a frame's buffers besides the bitstream.
const ROOM_BESIDES: usize = 4 << 20;

/// Most room of a frame's buffers.
const MOST_ROOM: usize = 64 << 20;

/// The layer's decoder behind a pointer; none for null and for one of the implementation below.
///
/// # Safety
///
/// `decoder` is null, or a live COM object for as long as the answer is used.
unsafe fn own<'a>(decoder: Raw) -> Option<&'a Child<VideoDecoder>> {
    // SAFETY: the caller's duty.
    unsafe { Child::of(decoder) }
}

/// The decoder below: of a decoder of the layer's, or the one that the program passes.
///
/// # Safety
///
/// As for [`own`].
unsafe fn real(decoder: Raw) -> Raw {
    // SAFETY: the caller's duty.
    unsafe { own(decoder) }.map_or(decoder, |child| child.inner().below.as_raw())
}

/// A call on a decoder of the layer's, which must be of this context's device.
///
/// # Safety
///
/// `this` is the video context of a live device.
unsafe fn call_on(this: Raw, child: &Child<VideoDecoder>, function: &'static str) -> Result<Call<'static>, HRESULT> {
    // SAFETY: the caller's duty; the state lives as long as its device.
    let call = Call::new(unsafe { VideoContext::state(this) }, function);
    if std::ptr::eq(child.state(), call.state) {
        Ok(call)
    } else {
        Err(call.refuse_with(None, E_INVALIDARG, "pDecoder was created on another device"))
    }
}

fn either(answer: Result<HRESULT, HRESULT>) -> HRESULT {
    answer.unwrap_or_else(|hresult| hresult)
}

// Frames.

pub(super) unsafe extern "system" fn decoder_begin_frame(
    this: Raw,
    decoder: Raw,
    view: Raw,
    key_size: u32,
    key: *const core::ffi::c_void,
) -> HRESULT {
    let forward = below!(OfContext 0 ID3D11VideoContext_Vtbl.DecoderBeginFrame 4);
    com::guard(|| {
        // SAFETY: null or a live object.
        let Some(child) = (unsafe { own(decoder) }) else {
            // SAFETY: COM's duty: `this` lives, and `view` is null or a live view.
            unsafe { settle(this, view) };
            // SAFETY: the arguments are the program's, for this method.
            return unsafe { forward(this, decoder, view, key_size, key) };
        };
        let begin_below = || {
            // SAFETY: the program's arguments, with the decoder below and without a key.
            unsafe { forward(this, child.inner().below.as_raw(), view, 0, std::ptr::null()) }
        };
        // SAFETY: the arguments are the program's, for this method.
        either(unsafe {
            begin(this, child, "ID3D11VideoContext::DecoderBeginFrame", view, (key_size, key), begin_below)
        })
    })
}

/// Histograms are the implementation's below.
pub(super) unsafe extern "system" fn decoder_begin_frame_1(
    this: Raw,
    decoder: Raw,
    view: Raw,
    key_size: u32,
    key: *const core::ffi::c_void,
    histograms: u32,
    offsets: *const u32,
    buffers: *const Raw,
) -> HRESULT {
    let forward = below!(OfContext 3 ID3D11VideoContext3_Vtbl.DecoderBeginFrame1 7);
    com::guard(|| {
        // SAFETY: COM's duty: `this` lives.
        let is_below = unsafe { below_has::<OfContext>(this, 3) };
        if !is_below && histograms == 0 {
            // Without histograms it is the same as the older method.
            // SAFETY: the arguments are the program's, for this method.
            return unsafe { decoder_begin_frame(this, decoder, view, key_size, key) };
        }
        // SAFETY: null or a live object.
        let Some(child) = (unsafe { own(decoder) }) else {
            // SAFETY: COM's duty: `this` lives, and `view` is null or a live view.
            unsafe { settle(this, view) };
            // SAFETY: the arguments are the program's, for this method.
            return unsafe { forward(this, decoder, view, key_size, key, histograms, offsets, buffers) };
        };
        let begin_below = || {
            let decoder = child.inner().below.as_raw();
            // SAFETY: the program's arguments, with the decoder below and without a key.
            unsafe { forward(this, decoder, view, 0, std::ptr::null(), histograms, offsets, buffers) }
        };
        let function = "ID3D11VideoContext3::DecoderBeginFrame1";
        // SAFETY: the arguments are the program's, for this method.
        either(unsafe { begin(this, child, function, view, (key_size, key), begin_below) })
    })
}

/// Before a frame is decoded to a view: what was lost of its resource is gone first, and not what is decoded then.
///
/// # Safety
///
/// `this` is the video context of a live device, and `view` null or a live view.
unsafe fn settle(this: Raw, view: Raw) {
    // SAFETY: the caller's duty.
    let state = unsafe { VideoContext::state(this) };
    // SAFETY: the caller's duty.
    let view = unsafe { com::borrowed::<ID3D11View>(view) };
    if let Some(view) = view.filter(|_| state.resources.any_lost())
        // SAFETY: a live view.
        && let Ok(resource) = unsafe { view.GetResource() }
    {
        // SAFETY: a live resource; the context is the program's to use on this thread.
        unsafe { loss::settle(state, resource.as_raw()) };
    }
}

/// Begins a frame of the driver's, which has the key, and one below, which has none.
///
/// # Safety
///
/// `this` is the video context of a live device, `view` null or a live view; the key is null or readable for its size,
/// and what a structure in its place points to is readable.
unsafe fn begin(
    this: Raw,
    child: &Child<VideoDecoder>,
    function: &'static str,
    view: Raw,
    (key_size, key): (u32, *const core::ffi::c_void),
    begin_below: impl FnOnce() -> HRESULT,
) -> Result<HRESULT, HRESULT> {
    // SAFETY: the caller's duty.
    let call = unsafe { call_on(this, child, function) }?;
    // SAFETY: the caller's duty.
    let Some(view) = (unsafe { com::borrowed::<ID3D11View>(view) }) else {
        return Err(call.refuse_with(None, E_INVALIDARG, "pView is null"));
    };
    // SAFETY: a live view.
    let resource: ID3D11Resource = unsafe { view.GetResource() }
        .map_err(|error| call.refuse_with(None, error.code(), "the view has no resource"))?;
    // SAFETY: a live resource.
    let note = unsafe { Note::of(resource.as_raw()) };
    let is_protected = note.as_ref().is_some_and(|note| note.is_protected());
    check_output(call, is_protected)?;
    // SAFETY: a live resource; the context is the program's to use on this thread.
    unsafe { loss::settle(call.state, resource.as_raw()) };

    let decoder = child.inner();
    let mut work = decoder.take(call)?;
    if work.frame.is_some() {
        let text = "a frame of this decoder has begun; end it first";
        return Err(call.refuse_with(None, HRESULT(D3DERR_INVALIDCALL), text));
    }
    let room = room(decoder);
    resize(call, &mut work.clear, room)?;
    work.filled = 0;
    let flags = if is_protected { SOFTCP_MAPPING_PROTECTED } else { 0 };
    let driver = work.frames.decoder_mut().device().clone();
    let memory = memory(work.clear.as_mut_ptr(), room, flags);
    // SAFETY: the vector is not moved or changed in size while a frame is open, and goes after the frame's view; it is
    // read between calls of the driver only.
    let output = call.driver(unsafe { driver.wrap_output_view(&memory, guid(&decoder.desc.Guid)) })?;
    // SAFETY: the caller's duty.
    unsafe { begin_in_driver(call, decoder, &mut work, output, key_size, key) }
        .inspect_err(|_| teardown::look(&call.state.sessions))?;
    let begun = begin_below();
    if begun.is_err() {
        // The program may try again, as while the decoder below is busy.
        let _ = work.frames.end();
        return Err(begun);
    }
    work.frame = Some(Output { is_protected });
    if let Some(note) = note {
        note.define();
    }
    Ok(begun)
}

/// While protection is on, encrypted content is decoded to protected resources only (D19).
fn check_output(call: Call<'_>, is_protected: bool) -> Result<(), HRESULT> {
    if !call.state.protection.enforced() {
        return Ok(());
    }
    let text = if !is_protected {
        "protection is on, and the resource of the output view is not protected"
    } else if !call.state.enforces() {
        "protection is on, and cannot be enforced here: the content would not stay in the output"
    } else {
        return Ok(());
    };
    Err(call.refuse_with(None, HRESULT(D3DERR_CANNOTPROTECTCONTENT), text))
}

/// Bytes of a frame's buffers, at most: a picture in 4:2:0 with samples of 16 bits, which no bitstream of it exceeds,
/// and what goes with it. Pictures that would need more than [`MOST_ROOM`] are compressed better than that.
fn room(decoder: &VideoDecoder) -> usize {
    let pixels = (decoder.desc.SampleWidth as usize).saturating_mul(decoder.desc.SampleHeight as usize);
    pixels.saturating_mul(3).saturating_add(ROOM_BESIDES).min(MOST_ROOM)
}

/// Makes memory of another size, zeros where it grows.
fn resize(call: Call<'_>, memory: &mut Vec<u8>, size: usize) -> Result<(), HRESULT> {
    if memory.try_reserve_exact(size.saturating_sub(memory.len())).is_err() {
        return Err(call.refuse_with(None, E_OUTOFMEMORY, &format!("there are no {size} bytes of memory")));
    }
    memory.resize(size, 0);
    Ok(())
}

/// # Safety
///
/// As for [`begin`].
unsafe fn begin_in_driver(
    call: Call<'_>,
    decoder: &VideoDecoder,
    work: &mut Taken<'_>,
    output: softcp_runtime::OutputView,
    key_size: u32,
    key: *const core::ffi::c_void,
) -> Result<(), HRESULT> {
    // SAFETY: the caller's duty.
    let Some(bytes) = (unsafe { com::bytes(key, key_size) }) else {
        if key_size != 0 {
            return Err(call.refuse_with(None, E_INVALIDARG, "pContentKey is null, and ContentKeySize is not 0"));
        }
        return call.driver(work.frames.begin(output, FrameKey::Session));
    };
    let encryption = decoder.encryption();
    let is_structure = key_size as usize == size_of::<SealedKey>();
    if encryption == D3D11_DECODER_ENCRYPTION_HW_CENC && !is_structure {
        let text =
            "ContentKeySize is not that of D3D11_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION, which names the session";
        return Err(call.refuse_with(None, E_INVALIDARG, text));
    }
    let takes_structure = [D3D11_DECODER_ENCRYPTION_HW_CENC, D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS];
    if !is_structure || !takes_structure.contains(&encryption) {
        return call.driver(work.frames.begin(output, FrameKey::Content(bytes)));
    }
    // SAFETY: not null, of this size, and the caller's duty.
    let sealed = unsafe { com::read(key.cast::<SealedKey>()) }?;
    // SAFETY: the caller's duty: null or a live object.
    let session = &unsafe { session(call, sealed.pCryptoSession, None) }?.session;
    // SAFETY: the caller's duty.
    let frame_key = match unsafe { com::bytes(sealed.pBlob, sealed.BlobSize) } {
        None => FrameKey::Unsealed { session, blob_size: sealed.BlobSize },
        Some(blob) => {
            // SAFETY: the caller's duty: null or readable.
            let key_id = unsafe { com::read(sealed.pKeyInfoId.cast_const()) }.ok();
            FrameKey::Sealed { session, blob, key_id }
        }
    };
    call.driver(work.frames.begin(output, frame_key))
}

pub(super) unsafe extern "system" fn decoder_end_frame(this: Raw, decoder: Raw) -> HRESULT {
    let forward = below!(OfContext 0 ID3D11VideoContext_Vtbl.DecoderEndFrame 1);
    let release_below = below!(OfContext 0 ID3D11VideoContext_Vtbl.ReleaseDecoderBuffer 2);
    com::guard(|| {
        // SAFETY: null or a live object.
        let Some(child) = (unsafe { own(decoder) }) else {
            // SAFETY: the arguments are the program's, for this method.
            return unsafe { forward(this, decoder) };
        };
        let end = || {
            // SAFETY: COM's duty: `this` lives.
            let call = unsafe { call_on(this, child, "ID3D11VideoContext::DecoderEndFrame") }?;
            let below = child.inner().below.as_raw();
            let mut work = child.inner().take(call)?;
            if work.frame.take().is_none() {
                let text = "no frame of this decoder has begun";
                return Err(call.refuse_with(None, HRESULT(D3DERR_INVALIDCALL), text));
            }
            for buffer in &mut work.buffers {
                // What was filled and not submitted goes back.
                if let Held::Filled(_) = buffer.held {
                    let kind = D3D11_VIDEO_DECODER_BUFFER_TYPE(buffer.kind);
                    // SAFETY: a live context and decoder.
                    let _: HRESULT = unsafe { release_below(this, below, kind) };
                    buffer.held = Held::Not;
                }
            }
            let in_driver = call.driver(work.frames.end());
            // Of submissions that were refused in the middle.
            let used = work.filled.min(work.clear.len());
            work.clear[..used].fill(0);
            // SAFETY: as above.
            let ended: HRESULT = unsafe { forward(this, below) };
            in_driver.map(|()| ended)
        };
        either(end())
    })
}

// Buffers.

pub(super) unsafe extern "system" fn get_decoder_buffer(
    this: Raw,
    decoder: Raw,
    kind: D3D11_VIDEO_DECODER_BUFFER_TYPE,
    size: *mut u32,
    out: *mut Raw,
) -> HRESULT {
    let forward = below!(OfContext 0 ID3D11VideoContext_Vtbl.GetDecoderBuffer 4);
    let release_below = below!(OfContext 0 ID3D11VideoContext_Vtbl.ReleaseDecoderBuffer 2);
    com::guard(|| {
        // SAFETY: null or a live object.
        let Some(child) = (unsafe { own(decoder) }) else {
            // SAFETY: the arguments are the program's, for this method.
            return unsafe { forward(this, decoder, kind, size, out) };
        };
        let get = || {
            // SAFETY: COM's duty: `this` lives.
            let call = unsafe { call_on(this, child, "ID3D11VideoContext::GetDecoderBuffer") }?;
            // SAFETY: null or writable.
            unsafe { com::write(out, std::ptr::null_mut()) };
            // SAFETY: null or writable.
            unsafe { com::write(size, 0) };
            if size.is_null() || out.is_null() {
                return Err(call.refuse_with(None, E_INVALIDARG, "pBufferSize or ppBuffer is null"));
            }
            let mut work = child.inner().take(call)?;
            let position = work.buffers.iter().position(|buffer| buffer.kind == kind.0);
            let mut got = HRESULT(0);
            let held = match position.map(|position| work.buffers[position].held) {
                Some(Held::ByProgram(_)) => {
                    let text = format!("the program has the buffer of type {} already; release it first", kind.0);
                    return Err(call.refuse_with(None, E_INVALIDARG, &text));
                }
                // It was not submitted, and is the program's again.
                Some(Held::Filled(below)) => (below, None),
                Some(Held::Not) | None => {
                    let (mut bytes, mut below) = (0_u32, std::ptr::null_mut());
                    let real = child.inner().below.as_raw();
                    // SAFETY: a live context and decoder, and places of this function.
                    got = unsafe { forward(this, real, kind, &raw mut bytes, &raw mut below) };
                    if got.is_err() {
                        return Err(got);
                    }
                    (below.cast::<u8>(), Some(bytes as usize))
                }
            };
            let position = position.unwrap_or_else(|| {
                work.buffers.push(Buffer { kind: kind.0, memory: Vec::new(), held: Held::Not });
                work.buffers.len() - 1
            });
            let buffer = &mut work.buffers[position];
            if let (_, Some(bytes)) = held {
                resize(call, &mut buffer.memory, bytes).inspect_err(|_| {
                    // SAFETY: a live context and decoder.
                    let _: HRESULT = unsafe { release_below(this, child.inner().below.as_raw(), kind) };
                })?;
            }
            buffer.held = Held::ByProgram(held.0);
            let bytes = u32::try_from(buffer.memory.len()).expect("came with a 32-bit size");
            // SAFETY: not null, and the program's duty.
            unsafe { com::write(size, bytes) };
            // SAFETY: as above.
            unsafe { com::write(out, buffer.memory.as_mut_ptr().cast()) };
            Ok(got)
        };
        either(get())
    })
}

pub(super) unsafe extern "system" fn release_decoder_buffer(
    this: Raw,
    decoder: Raw,
    kind: D3D11_VIDEO_DECODER_BUFFER_TYPE,
) -> HRESULT {
    let forward = below!(OfContext 0 ID3D11VideoContext_Vtbl.ReleaseDecoderBuffer 2);
    com::guard(|| {
        // SAFETY: null or a live object.
        let Some(child) = (unsafe { own(decoder) }) else {
            // SAFETY: the arguments are the program's, for this method.
            return unsafe { forward(this, decoder, kind) };
        };
        com::guard_result(|| {
            // SAFETY: COM's duty: `this` lives.
            let call = unsafe { call_on(this, child, "ID3D11VideoContext::ReleaseDecoderBuffer") }?;
            let mut work = child.inner().take(call)?;
            let buffer = work.buffers.iter_mut().find(|buffer| buffer.kind == kind.0);
            if let Some(buffer) = buffer
                && let Held::ByProgram(below) = buffer.held
            {
                // The one below goes back when it holds the clear bytes.
                buffer.held = Held::Filled(below);
                return Ok(());
            }
            let text = format!("the program does not have the buffer of type {}", kind.0);
            Err(call.refuse_with(None, E_INVALIDARG, &text))
        })
    })
}

/// A buffer as the program submits it, by whichever method.
struct Submitted {
    /// What the decoder below is told: everything but the encryption.
    clear: D3D11_VIDEO_DECODER_BUFFER_DESC,
    iv: (*const u8, u32),
    layout: Layout,
}

/// Which bytes of an encrypted buffer are encrypted.
enum Layout {
    All,
    Pattern(EncryptedBlockInfo),
    Subsamples(Vec<SubSample>),
    Striped(Vec<SubSample>, Stripes),
}

impl Layout {
    fn encrypted(&self) -> EncryptedBytes<'_> {
        match self {
            Self::All => EncryptedBytes::All,
            Self::Pattern(pattern) => EncryptedBytes::Pattern(*pattern),
            Self::Subsamples(subsamples) => EncryptedBytes::Subsamples(subsamples),
            Self::Striped(subsamples, stripes) => EncryptedBytes::Striped { subsamples, stripes: *stripes },
        }
    }

    /// # Safety
    ///
    /// `map` is null, or points to `count` readable subsamples.
    unsafe fn of_map(
        call: Call<'_>,
        map: *const SubSample,
        count: u32,
        stripes: Option<Stripes>,
    ) -> Result<Self, HRESULT> {
        if count > MAX_SUBSAMPLES {
            return Err(call.refuse_with(None, E_INVALIDARG, "a buffer has more than 65,536 subsamples"));
        }
        if map.is_null() && count != 0 {
            let text = "pSubSampleMappingBlock is null, and SubSampleMappingCount is not 0";
            return Err(call.refuse_with(None, E_INVALIDARG, text));
        }
        // SAFETY: not null where there are any, and the caller's duty.
        let read = |index| unsafe { com::read(com::at(map, index)) };
        let subsamples = (0..count as usize).map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(match stripes {
            Some(stripes) => Self::Striped(subsamples, stripes),
            None if subsamples.is_empty() => Self::All,
            None => Self::Subsamples(subsamples),
        })
    }
}

/// A description of a buffer, of whichever version.
trait Description: Copy {
    /// # Safety
    ///
    /// What it points to is readable.
    unsafe fn read(&self, call: Call<'_>) -> Result<Submitted, HRESULT>;

    /// Whether it says anything about encryption.
    fn is_clear(&self) -> bool;

    /// The same buffer in the oldest version, without encryption.
    fn clear(&self) -> D3D11_VIDEO_DECODER_BUFFER_DESC;
}

impl Description for D3D11_VIDEO_DECODER_BUFFER_DESC {
    unsafe fn read(&self, _call: Call<'_>) -> Result<Submitted, HRESULT> {
        let info = self.EncryptedBlockInfo;
        let pattern = EncryptedBlockInfo {
            at_beginning: info.NumEncryptedBytesAtBeginning,
            skip: info.NumBytesInSkipPattern,
            encrypt: info.NumBytesInEncryptPattern,
        };
        let layout = if self.PartialEncryption.as_bool() { Layout::Pattern(pattern) } else { Layout::All };
        Ok(Submitted { clear: self.clear(), iv: (self.pIV.cast_const().cast(), self.IVSize), layout })
    }

    fn is_clear(&self) -> bool {
        self.pIV.is_null()
    }

    fn clear(&self) -> D3D11_VIDEO_DECODER_BUFFER_DESC {
        let nothing = D3D11_VIDEO_DECODER_BUFFER_DESC::default();
        D3D11_VIDEO_DECODER_BUFFER_DESC {
            pIV: nothing.pIV,
            IVSize: 0,
            PartialEncryption: nothing.PartialEncryption,
            EncryptedBlockInfo: nothing.EncryptedBlockInfo,
            ..*self
        }
    }
}

impl Description for D3D11_VIDEO_DECODER_BUFFER_DESC1 {
    unsafe fn read(&self, call: Call<'_>) -> Result<Submitted, HRESULT> {
        let map = self.pSubSampleMappingBlock.cast_const().cast();
        // SAFETY: the caller's duty; of the same layout.
        let layout = unsafe { Layout::of_map(call, map, self.SubSampleMappingCount, None) }?;
        Ok(Submitted { clear: self.clear(), iv: (self.pIV.cast_const().cast(), self.IVSize), layout })
    }

    fn is_clear(&self) -> bool {
        self.pIV.is_null()
    }

    fn clear(&self) -> D3D11_VIDEO_DECODER_BUFFER_DESC {
        D3D11_VIDEO_DECODER_BUFFER_DESC {
            BufferType: self.BufferType,
            DataOffset: self.DataOffset,
            DataSize: self.DataSize,
            ..Default::default()
        }
    }
}

impl Description for D3D11_VIDEO_DECODER_BUFFER_DESC2 {
    unsafe fn read(&self, call: Call<'_>) -> Result<Submitted, HRESULT> {
        let stripes = Stripes { encrypted: self.cBlocksStripeEncrypted, clear: self.cBlocksStripeClear };
        let stripes = (stripes.encrypted != 0 || stripes.clear != 0).then_some(stripes);
        let map = self.pSubSampleMappingBlock.cast_const().cast();
        // SAFETY: the caller's duty; of the same layout.
        let layout = unsafe { Layout::of_map(call, map, self.SubSampleMappingCount, stripes) }?;
        Ok(Submitted { clear: self.clear(), iv: (self.pIV.cast_const().cast(), self.IVSize), layout })
    }

    fn is_clear(&self) -> bool {
        self.pIV.is_null()
    }

    fn clear(&self) -> D3D11_VIDEO_DECODER_BUFFER_DESC {
        D3D11_VIDEO_DECODER_BUFFER_DESC {
            BufferType: self.BufferType,
            DataOffset: self.DataOffset,
            DataSize: self.DataSize,
            ..Default::default()
        }
    }
}

pub(super) unsafe extern "system" fn submit_decoder_buffers(
    this: Raw,
    decoder: Raw,
    count: u32,
    descs: *const D3D11_VIDEO_DECODER_BUFFER_DESC,
) -> HRESULT {
    let forward = below!(OfContext 0 ID3D11VideoContext_Vtbl.SubmitDecoderBuffers 3);
    com::guard(|| {
        // SAFETY: null or a live object.
        let Some(child) = (unsafe { own(decoder) }) else {
            // SAFETY: the arguments are the program's, for this method.
            return unsafe { forward(this, decoder, count, descs) };
        };
        // SAFETY: the arguments are the program's, for this method.
        either(unsafe { submit(this, child, "ID3D11VideoContext::SubmitDecoderBuffers", count, descs) })
    })
}

pub(super) unsafe extern "system" fn submit_decoder_buffers_1(
    this: Raw,
    decoder: Raw,
    count: u32,
    descs: *const D3D11_VIDEO_DECODER_BUFFER_DESC1,
) -> HRESULT {
    let forward = below!(OfContext 1 ID3D11VideoContext1_Vtbl.SubmitDecoderBuffers1 3);
    com::guard(|| {
        // SAFETY: null or a live object.
        let Some(child) = (unsafe { own(decoder) }) else {
            // SAFETY: COM's duty: `this` lives.
            if !unsafe { below_has::<OfContext>(this, 1) } {
                // SAFETY: the arguments are the program's, for this method.
                return unsafe { submit_by_oldest(this, decoder, count, descs) };
            }
            // SAFETY: the arguments are the program's, for this method.
            return unsafe { forward(this, decoder, count, descs) };
        };
        // SAFETY: the arguments are the program's, for this method.
        either(unsafe { submit(this, child, "ID3D11VideoContext1::SubmitDecoderBuffers1", count, descs) })
    })
}

pub(super) unsafe extern "system" fn submit_decoder_buffers_2(
    this: Raw,
    decoder: Raw,
    count: u32,
    descs: *const D3D11_VIDEO_DECODER_BUFFER_DESC2,
) -> HRESULT {
    let forward = below!(OfContext 3 ID3D11VideoContext3_Vtbl.SubmitDecoderBuffers2 3);
    com::guard(|| {
        // SAFETY: null or a live object.
        let Some(child) = (unsafe { own(decoder) }) else {
            // SAFETY: COM's duty: `this` lives.
            if !unsafe { below_has::<OfContext>(this, 3) } {
                // SAFETY: the arguments are the program's, for this method.
                return unsafe { submit_by_oldest(this, decoder, count, descs) };
            }
            // SAFETY: the arguments are the program's, for this method.
            return unsafe { forward(this, decoder, count, descs) };
        };
        // SAFETY: the arguments are the program's, for this method.
        either(unsafe { submit(this, child, "ID3D11VideoContext3::SubmitDecoderBuffers2", count, descs) })
    })
}

/// Clear buffers for a decoder of an implementation below that does not have the newer method: the older one does the
/// same.
///
/// # Safety
///
/// The arguments are those of a submitting method, for a decoder below.
unsafe fn submit_by_oldest<D: Description>(this: Raw, decoder: Raw, count: u32, descs: *const D) -> HRESULT {
    let forward = below!(OfContext 0 ID3D11VideoContext_Vtbl.SubmitDecoderBuffers 3);
    // SAFETY: the caller's duty.
    let read = |index| unsafe { com::read(com::at(descs, index)) };
    match (0..count.min(MAX_BUFFERS) as usize).map(read).collect::<Result<Vec<D>, _>>() {
        Err(hresult) => hresult,
        Ok(descs) if count > MAX_BUFFERS || !descs.iter().all(Description::is_clear) => E_NOTIMPL,
        Ok(descs) => {
            let descs: Vec<_> = descs.iter().map(Description::clear).collect();
            // SAFETY: the caller's duty.
            unsafe { forward(this, decoder, count, descs.as_ptr()) }
        }
    }
}

/// Has the driver decrypt every buffer, then gives all of them to the decoder below, or none.
///
/// # Safety
///
/// `this` is the video context of a live device; `descs` is null or points to `count` descriptions, and what they point
/// to is readable.
unsafe fn submit<D: Description>(
    this: Raw,
    child: &Child<VideoDecoder>,
    function: &'static str,
    count: u32,
    descs: *const D,
) -> Result<HRESULT, HRESULT> {
    let release_below = below!(OfContext 0 ID3D11VideoContext_Vtbl.ReleaseDecoderBuffer 2);
    let submit_below = below!(OfContext 0 ID3D11VideoContext_Vtbl.SubmitDecoderBuffers 3);
    // SAFETY: the caller's duty.
    let call = unsafe { call_on(this, child, function) }?;
    let invalid = |text: &str| call.refuse_with(None, E_INVALIDARG, text);
    if descs.is_null() && count != 0 {
        return Err(invalid("pBufferDesc is null"));
    }
    if count > MAX_BUFFERS {
        return Err(invalid("there are more than 64 buffers"));
    }
    let mut submitted = Vec::new();
    for index in 0..count as usize {
        // SAFETY: not null, and the caller's duty: there are so many.
        let desc = unsafe { com::read(com::at(descs, index)) }?;
        // SAFETY: the caller's duty.
        submitted.push(unsafe { desc.read(call) }?);
    }
    let mut work = child.inner().take(call)?;
    // SAFETY: the caller's duty.
    let clear =
        unsafe { decrypt(call, &mut work, &submitted) }.inspect_err(|_| teardown::look(&call.state.sessions))?;

    let below = child.inner().below.as_raw();
    for (buffer, position) in submitted.iter().zip(clear) {
        let (offset, size) = (buffer.clear.DataOffset as usize, buffer.clear.DataSize as usize);
        let found = work.buffers.iter().find(|held| held.kind == buffer.clear.BufferType.0);
        if let Some(Buffer { held: Held::Filled(to), .. }) = found {
            let to = to.wrapping_add(offset);
            // SAFETY: `decrypt` has found that the buffer below, which is as large as the program's, has these bytes;
            // the decoder below lends it until it is released.
            unsafe { std::ptr::copy_nonoverlapping(work.clear[position..position + size].as_ptr(), to, size) };
        }
        work.clear[position..position + size].fill(0);
    }
    let mut released = HRESULT(0);
    for buffer in &submitted {
        let held = work.buffers.iter_mut().find(|held| held.kind == buffer.clear.BufferType.0);
        if let Some(held) = held
            && held.held != Held::Not
        {
            held.held = Held::Not;
            // SAFETY: a live context and decoder.
            let answer: HRESULT = unsafe { release_below(this, below, buffer.clear.BufferType) };
            if answer.is_err() {
                released = answer;
            }
        }
    }
    if released.is_err() {
        return Err(call.refuse_with(None, released, "the decoder below does not take a buffer back"));
    }
    let descs: Vec<_> = submitted.iter().map(|buffer| buffer.clear).collect();
    // SAFETY: a live context and decoder, and descriptions of this function.
    Ok(unsafe { submit_below(this, below, count, descs.as_ptr()) })
}

/// Has the driver decrypt every buffer to the frame's memory, and says where each is. Nothing is written below.
///
/// # Safety
///
/// The IVs are null or readable for their sizes.
unsafe fn decrypt(call: Call<'_>, work: &mut Taken<'_>, submitted: &[Submitted]) -> Result<Vec<usize>, HRESULT> {
    let invalid = |text: &str| call.refuse_with(None, E_INVALIDARG, text);
    let Some(output) = work.frame else {
        let text = "no frame of this decoder has begun";
        return Err(call.refuse_with(None, HRESULT(D3DERR_INVALIDCALL), text));
    };
    // Protection may have been switched on since the frame began.
    if submitted.iter().any(|buffer| !buffer.iv.0.is_null()) {
        check_output(call, output.is_protected)?;
    }
    let mut sources = Vec::new();
    for buffer in submitted {
        let kind = buffer.clear.BufferType.0;
        let position = work.buffers.iter().position(|held| held.kind == kind);
        let Some(position) = position.filter(|&position| matches!(work.buffers[position].held, Held::Filled(_))) else {
            let text = format!("the buffer of type {kind} was not got and released since it was last submitted");
            return Err(invalid(&text));
        };
        let (offset, size) = (buffer.clear.DataOffset as usize, buffer.clear.DataSize as usize);
        let has = work.buffers[position].memory.len();
        if offset.checked_add(size).is_none_or(|end| end > has) {
            let text = format!("the buffer of type {kind} has {has} bytes, not {size} from byte {offset} on");
            return Err(invalid(&text));
        }
        let iv: Option<AesCtrIv> = match buffer.iv {
            (iv, 0) if iv.is_null() => None,
            // SAFETY: not null, and the caller's duty: 16 bytes.
            (iv, 16) if !iv.is_null() => Some(unsafe { com::read(iv.cast::<AesCtrIv>()) }?),
            (_, iv_size) => {
                let text = format!("an IV has 16 bytes in every scheme (D64); IVSize is {iv_size}, or pIV is null");
                return Err(invalid(&text));
            }
        };
        sources.push((position, offset, size, iv));
    }
    let driver = work.frames.decoder_mut().device().clone();
    let mut places = Vec::new();
    for (buffer, (position, offset, size, iv)) in submitted.iter().zip(sources) {
        let place = work.filled;
        places.push(place);
        if size == 0 {
            continue;
        }
        let data = work.buffers[position].memory.as_mut_ptr().wrapping_add(offset);
        // SAFETY: these bytes are in the buffer's memory, as found above, and outlive the resource; the program has
        // released the buffer, and does not use it meanwhile.
        let resource = call.driver(unsafe { driver.wrap_resource(&memory(data, size, 0)) })?;
        let compressed = CompressedBuffer {
            resource: &resource,
            buffer_type: buffer.clear.BufferType.0.cast_unsigned(),
            size: buffer.clear.DataSize,
            iv,
            encrypted: buffer.layout.encrypted(),
        };
        call.driver(work.frames.submit(&compressed))?;
        work.filled = place + size;
    }
    Ok(places)
}

// What else takes a decoder, and is done below.

pub(super) unsafe extern "system" fn decoder_extension(
    this: Raw,
    decoder: Raw,
    extension: *const D3D11_VIDEO_DECODER_EXTENSION,
) -> i32 {
    let forward = below!(OfContext 0 ID3D11VideoContext_Vtbl.DecoderExtension 2);
    // SAFETY: null or a live object.
    let decoder = unsafe { real(decoder) };
    // SAFETY: the arguments are the program's, for this method.
    unsafe { forward(this, decoder, extension) }
}

pub(super) unsafe extern "system" fn decoder_enable_downsampling(
    this: Raw,
    decoder: Raw,
    color_space: DXGI_COLOR_SPACE_TYPE,
    desc: *const D3D11_VIDEO_SAMPLE_DESC,
    reference_frames: u32,
) -> HRESULT {
    let forward = below!(OfContext 1 ID3D11VideoContext1_Vtbl.DecoderEnableDownsampling 4);
    // SAFETY: null or a live object.
    let decoder = unsafe { real(decoder) };
    // SAFETY: the arguments are the program's, for this method.
    unsafe { forward(this, decoder, color_space, desc, reference_frames) }
}

pub(super) unsafe extern "system" fn decoder_update_downsampling(
    this: Raw,
    decoder: Raw,
    desc: *const D3D11_VIDEO_SAMPLE_DESC,
) -> HRESULT {
    let forward = below!(OfContext 1 ID3D11VideoContext1_Vtbl.DecoderUpdateDownsampling 2);
    // SAFETY: null or a live object.
    let decoder = unsafe { real(decoder) };
    // SAFETY: the arguments are the program's, for this method.
    unsafe { forward(this, decoder, desc) }
}
