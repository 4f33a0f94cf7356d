//! Frames of the reference driver's decoders: compressed buffers in, clear bytes out.
//!
//! There is no decoder behind them (D76). What a frame's output view shows in the place of a picture is the clear bytes of the
//! frame's buffers, of every type and in the order in which they are submitted, from the first visible byte on, row after
//! row and plane after plane (D9); what lies behind them stays as it is. So whoever can read the output, which under
//! enforced protection takes an EncryptionBlt, can compare it with what was encrypted.
//!
//! ```text
//!  CreateVideoDecoderOutputView ─▶ a resource        VideoDecoderBeginFrame ─▶ key and output of the frame
//!                                                    VideoDecoderSubmitBuffers[1, 2] ─▶ decrypts all, then writes all
//!                                                    VideoDecoderEndFrame
//! ```
//!
//! Sources: the pages of these entries in the reference of `d3d10umddi.h`.

use std::ffi::c_void;
use std::ops::Range;
use std::sync::Arc;

use softcp::{DecoderBuffer, DecoderEncryption, Encrypted, EncryptedBlockInfo, Error, Stripes, Subsample};
use softcp_abi::{
    D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE, D3D11_1DDI_HDECODE, D3D11_1DDI_HRTVIDEODECODEROUTPUTVIEW,
    D3D11_1DDI_HVIDEODECODEROUTPUTVIEW, D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC, D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE,
    D3D11_1DDI_VIDEO_FUNCTIONS, D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW, D3D11_1DDIARG_VIDEODECODERBEGINFRAME,
    D3DDDIERR_DEVICEREMOVED, D3DERR_INVALIDCALL, D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION,
    D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1, D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK,
    D3DWDDM2_0DDI_VIDEO_FUNCTIONS, D3DWDDM2_1DDI_VIDEO_FUNCTIONS, D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC,
    D3DWDDM2_4DDI_VIDEO_FUNCTIONS, D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0, D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME,
    D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0, E_FAIL, E_INVALIDARG, HRESULT, SIZE_T, SOFTCP_ACCESS_READ,
    SOFTCP_ACCESS_WRITE,
};

use super::decoder;
use super::device::{Frame, ReferenceHost};
use super::resource::Resource;
use crate::core::decoder::subsamples;
use crate::ddi::attach::{attached, device, reporting};
use crate::ddi::session;
use crate::ddi::table::{Entry, entries};
use crate::ddi::void_entry::VoidEntry;
use crate::device::softcp_device;
use crate::hresult::{Failure, Result};
use crate::{guard, pointer};

/// No frame has begun, or a stale or foreign decoder. Of the reference driver alone, whose reports all go to its caller.
static END_FRAME: VoidEntry = VoidEntry {
    name: "VideoDecoderEndFrame",
    reports: &[E_INVALIDARG, D3DERR_INVALIDCALL, D3DDDIERR_DEVICEREMOVED, E_FAIL],
    passes_on: false,
    forwards: &[],
};

/// A stale or foreign view. As above.
static DESTROY_VIEW: VoidEntry = VoidEntry {
    name: "DestroyVideoDecoderOutputView",
    reports: &[E_INVALIDARG, E_FAIL],
    passes_on: false,
    forwards: &[],
};

/// The entries of frames and output views that are the same in every table.
pub(super) static ENTRIES: &[Entry] = entries! {
    12 c"pfnVideoDecoderEndFrame" PFND3D11_1DDI_VIDEODECODERENDFRAME = video_decoder_end_frame,
    13 c"pfnVideoDecoderSubmitBuffers" PFND3D11_1DDI_VIDEODECODERSUBMITBUFFERS = video_decoder_submit_buffers,
    48 c"pfnCalcPrivateVideoDecoderOutputViewSize" PFND3D11_1DDI_CALCPRIVATEVIDEODECODEROUTPUTVIEWSIZE = calc_private_video_decoder_output_view_size,
    49 c"pfnCreateVideoDecoderOutputView" PFND3D11_1DDI_CREATEVIDEODECODEROUTPUTVIEW = create_video_decoder_output_view,
    50 c"pfnDestroyVideoDecoderOutputView" PFND3D11_1DDI_DESTROYVIDEODECODEROUTPUTVIEW = destroy_video_decoder_output_view,
};

static D3D11_1_ENTRIES: &[Entry] = entries! {
    11 c"pfnVideoDecoderBeginFrame" PFND3D11_1DDI_VIDEODECODERBEGINFRAME = video_decoder_begin_frame,
};

static WDDM2_0_ENTRIES: &[Entry] = entries! {
    11 c"pfnVideoDecoderBeginFrame" PFND3D11_1DDI_VIDEODECODERBEGINFRAME = video_decoder_begin_frame,
    83 c"pfnVideoDecoderSubmitBuffers1" PFND3DWDDM2_0DDI_VIDEODECODERSUBMITBUFFERS1 = video_decoder_submit_buffers_1,
};

static WDDM2_4_RS4_ENTRIES: &[Entry] = entries! {
    11 c"pfnVideoDecoderBeginFrame" PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME_RS4_0 = video_decoder_begin_frame_rs4,
    83 c"pfnVideoDecoderSubmitBuffers2" PFND3DWDDM2_4DDI_VIDEODECODERSUBMITBUFFERS = video_decoder_submit_buffers_2,
};

static WDDM2_4_ENTRIES: &[Entry] = entries! {
    11 c"pfnVideoDecoderBeginFrame" PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME = video_decoder_begin_frame_2_4,
    83 c"pfnVideoDecoderSubmitBuffers2" PFND3DWDDM2_4DDI_VIDEODECODERSUBMITBUFFERS = video_decoder_submit_buffers_2,
};

/// The entries that not every table has, or not with the same type, for a sub-device with a video function table.
pub(super) fn entries_of(sub_device_id: u32) -> &'static [Entry] {
    match sub_device_id {
        D3D11_1DDI_VIDEO_FUNCTIONS => D3D11_1_ENTRIES,
        D3DWDDM2_0DDI_VIDEO_FUNCTIONS | D3DWDDM2_1DDI_VIDEO_FUNCTIONS => WDDM2_0_ENTRIES,
        D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0 => WDDM2_4_RS4_ENTRIES,
        D3DWDDM2_4DDI_VIDEO_FUNCTIONS => WDDM2_4_ENTRIES,
        _ => &[],
    }
}

/// `CalcPrivateVideoDecoderOutputViewSize`: the private memory holds the view's number.
unsafe extern "system" fn calc_private_video_decoder_output_view_size(
    _h_device: D3D10DDI_HDEVICE,
    _create: *const D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW,
) -> SIZE_T {
    size_of::<usize>()
}

/// `CreateVideoDecoderOutputView`: of any resource with one sample for each pixel, whatever profile, level and slice.
unsafe extern "system" fn create_video_decoder_output_view(
    h_device: D3D10DDI_HDEVICE,
    create: *const D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW,
    view: D3D11_1DDI_HVIDEODECODEROUTPUTVIEW,
    _runtime_view: D3D11_1DDI_HRTVIDEODECODEROUTPUTVIEW,
) -> HRESULT {
    guard::run("CreateVideoDecoderOutputView", || {
        // SAFETY: the runtime's duty: null or memory of the size that CalcPrivateVideoDecoderOutputViewSize said.
        unsafe { pointer::write("hView", view.pDrvPrivate.cast(), 0_usize) }?;
        let device = device(h_device)?;
        device.live_adapter()?;
        let host = ReferenceHost::of(&device)?;
        // SAFETY: the runtime's duty: null or readable.
        let resource = unsafe { pointer::read("pCreateData", create) }?.hDrvResource.pDrvPrivate;
        if host.resource(resource)?.multisampled() {
            return Err(Error::Multisampled.into());
        }
        let number = host.create_view(resource.addr());
        // SAFETY: as above.
        unsafe { pointer::write("hView", view.pDrvPrivate.cast(), number) }
    })
}

/// `DestroyVideoDecoderOutputView`: a second call, and one after a failed create, does nothing.
unsafe extern "system" fn destroy_video_decoder_output_view(
    h_device: D3D10DDI_HDEVICE,
    view: D3D11_1DDI_HVIDEODECODEROUTPUTVIEW,
) {
    reporting(&DESTROY_VIEW, h_device, || {
        let device = attached(h_device)?;
        // SAFETY: the runtime's duty on its view handle.
        ReferenceHost::of(&device)?.destroy_view(unsafe { view_number(view) }?)?;
        // SAFETY: the runtime's duty: the private memory lives until this call returns.
        unsafe { pointer::write("hView", view.pDrvPrivate.cast(), 0_usize) }
    });
}

/// `VideoDecoderBeginFrame`, as it was before WDDM 2.4.
unsafe extern "system" fn video_decoder_begin_frame(
    h_device: D3D10DDI_HDEVICE,
    h_decoder: D3D11_1DDI_HDECODE,
    begin: *const D3D11_1DDIARG_VIDEODECODERBEGINFRAME,
) -> HRESULT {
    // SAFETY: the runtime's duty on decoder handle and structure.
    guard::run("VideoDecoderBeginFrame", || unsafe { begin_frame(h_device, h_decoder, begin, Ok) })
}

/// `VideoDecoderBeginFrame` of WDDM 2.4 (RS4), without histograms.
unsafe extern "system" fn video_decoder_begin_frame_rs4(
    h_device: D3D10DDI_HDEVICE,
    h_decoder: D3D11_1DDI_HDECODE,
    begin: *const D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0,
) -> HRESULT {
    let read = |begin: D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0| {
        let histograms = begin.Histograms.map(|histogram| histogram.hBuffer);
        without_histograms(histograms, begin.hOutputView, begin.pContentKey, begin.ContentKeySize)
    };
    // SAFETY: the runtime's duty on decoder handle and structure.
    guard::run("VideoDecoderBeginFrame", || unsafe { begin_frame(h_device, h_decoder, begin, read) })
}

/// `VideoDecoderBeginFrame` of WDDM 2.4, without histograms.
unsafe extern "system" fn video_decoder_begin_frame_2_4(
    h_device: D3D10DDI_HDEVICE,
    h_decoder: D3D11_1DDI_HDECODE,
    begin: *const D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME,
) -> HRESULT {
    let read = |begin: D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME| {
        let histograms = begin.Histograms.map(|histogram| histogram.hBuffer);
        without_histograms(histograms, begin.hOutputView, begin.pContentKey, begin.ContentKeySize)
    };
    // SAFETY: the runtime's duty on decoder handle and structure.
    guard::run("VideoDecoderBeginFrame", || unsafe { begin_frame(h_device, h_decoder, begin, read) })
}

/// What a frame began with before there were histograms: `E_NOTIMPL` if one is asked for, since there is no picture (D78).
#[allow(non_snake_case, reason = "the fields' names")]
fn without_histograms(
    histograms: [D3D10DDI_HRESOURCE; 4],
    hOutputView: D3D11_1DDI_HVIDEODECODEROUTPUTVIEW,
    pContentKey: *const c_void,
    ContentKeySize: u32,
) -> Result<D3D11_1DDIARG_VIDEODECODERBEGINFRAME> {
    if histograms.iter().any(|buffer| !buffer.pDrvPrivate.is_null()) {
        return Err(Failure::NotOffered("histograms of pictures"));
    }
    Ok(D3D11_1DDIARG_VIDEODECODERBEGINFRAME { hOutputView, pContentKey, ContentKeySize })
}

/// Begins a frame, whichever entry it came through.
///
/// # Safety
/// `h_decoder` is null or names the private memory of a decoder; `begin` is null or valid for reads, its view null or
/// the private memory of a view, and its content key as [`begin_with_key`] says.
unsafe fn begin_frame<B: Copy>(
    h_device: D3D10DDI_HDEVICE,
    h_decoder: D3D11_1DDI_HDECODE,
    begin: *const B,
    read: impl Fn(B) -> Result<D3D11_1DDIARG_VIDEODECODERBEGINFRAME>,
) -> Result<()> {
    let device = device(h_device)?;
    let host = ReferenceHost::of(&device)?;
    // SAFETY: the caller's duty on the decoder handle.
    let decoder = unsafe { decoder::id(h_decoder) }?;
    // SAFETY: the caller's duty: null or readable.
    let begin = read(unsafe { pointer::read("pBeginFrame", begin) }?)?;
    // SAFETY: the caller's duty on the view handle.
    let output = host.view(unsafe { view_number(begin.hOutputView) }?)?;
    // SAFETY: the caller's duty on the content key.
    unsafe { begin_with_key(&device, decoder, begin.pContentKey, begin.ContentKeySize) }?;
    host.set_frame(decoder, Some(Frame { output, filled: 0 }));
    Ok(())
}

/// Begins a frame whose key is as the decoder's encryption has it: a content key, or a structure with a session and a
/// sealed key. A decoder of AES-CBC has either, told by the size (D67).
///
/// # Safety
/// `key` is null or valid for reads of `size` bytes. As the structure, its handle names the private memory of a session,
/// and its pointers are null or valid for their sizes.
unsafe fn begin_with_key(device: &softcp_device, decoder: usize, key: *const c_void, size: u32) -> Result<()> {
    type Sealed = D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION;
    let size = size as usize;
    match device.decoder_encryption(decoder)? {
        DecoderEncryption::None => return device.begin_frame(decoder, 0, None, None),
        DecoderEncryption::Cbc if size == size_of::<Sealed>() => {}
        DecoderEncryption::Ctr | DecoderEncryption::Cbc => {
            // SAFETY: the caller's duty on the key.
            let content_key = unsafe { pointer::optional_bytes("pContentKey", key, size) }?;
            return device.begin_frame(decoder, 0, content_key, None);
        }
        DecoderEncryption::Sealed if size != size_of::<Sealed>() => {
            return Err(Failure::Invalid("ContentKeySize is not that of a structure with a session and a sealed key"));
        }
        DecoderEncryption::Sealed => {}
    }
    // SAFETY: the caller's duty: the structure, of this size.
    let sealed = unsafe { pointer::read("pContentKey", key.cast::<Sealed>()) }?;
    // SAFETY: the caller's duty on the handle.
    let session = unsafe { session::id(sealed.hCryptoSession) }?;
    // SAFETY: the caller's duty on the blob.
    let blob = unsafe { pointer::optional_bytes("pBlob", sealed.pBlob, sealed.BlobSize as usize) }?;
    // SAFETY: the caller's duty on the identifier.
    let key_id = unsafe { pointer::read_or_null(sealed.pKeyInfoId) };
    device.begin_frame(decoder, session, blob, key_id.as_ref())
}

/// `VideoDecoderEndFrame`.
unsafe extern "system" fn video_decoder_end_frame(h_device: D3D10DDI_HDEVICE, h_decoder: D3D11_1DDI_HDECODE) {
    reporting(&END_FRAME, h_device, || {
        let device = device(h_device)?;
        // SAFETY: the runtime's duty on its decoder handle.
        let decoder = unsafe { decoder::id(h_decoder) }?;
        device.end_frame(decoder)?;
        ReferenceHost::of(&device)?.set_frame(decoder, None);
        Ok(())
    });
}

/// `VideoDecoderSubmitBuffers`: buffers with patterns.
unsafe extern "system" fn video_decoder_submit_buffers(
    h_device: D3D10DDI_HDEVICE,
    h_decoder: D3D11_1DDI_HDECODE,
    count: u32,
    descs: *const D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC,
) -> HRESULT {
    let read = |desc: D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC| {
        let pattern = (desc.PartialEncryption != 0).then_some(EncryptedBlockInfo {
            at_beginning: desc.EncryptedBlockInfo.NumEncryptedBytesAtBeginning,
            skip: desc.EncryptedBlockInfo.NumBytesInSkipPattern,
            encrypt: desc.EncryptedBlockInfo.NumBytesInEncryptPattern,
        });
        Ok(Buffer {
            resource: desc.hResource.pDrvPrivate,
            kind: buffer_type(desc.BufferType)?,
            offset: desc.DataOffset,
            size: desc.DataSize,
            // SAFETY: the runtime's duty: null or readable for its size.
            iv: unsafe { pointer::bytes_or_null(desc.pIV, desc.IVSize as usize) }?,
            which: pattern.map_or(Which::All, Which::Pattern),
            stripes: None,
        })
    };
    // SAFETY: the runtime's duty on decoder handle and array.
    guard::run("VideoDecoderSubmitBuffers", || unsafe { submit(h_device, h_decoder, count, descs, read) })
}

/// `VideoDecoderSubmitBuffers1`: buffers with subsamples.
unsafe extern "system" fn video_decoder_submit_buffers_1(
    h_device: D3D10DDI_HDEVICE,
    h_decoder: D3D11_1DDI_HDECODE,
    count: u32,
    descs: *const D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1,
) -> HRESULT {
    let read = |desc: D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1| {
        Ok(Buffer {
            resource: desc.hResource.pDrvPrivate,
            kind: buffer_type(desc.BufferType)?,
            offset: desc.DataOffset,
            size: desc.DataSize,
            // SAFETY: the runtime's duty: null or readable for its size.
            iv: unsafe { pointer::bytes_or_null(desc.pIV, desc.IVSize as usize) }?,
            which: Which::blocks(desc.pSubSampleMappingBlock, desc.SubSampleMappingCount),
            stripes: None,
        })
    };
    // SAFETY: the runtime's duty on decoder handle and array.
    guard::run("VideoDecoderSubmitBuffers1", || unsafe { submit(h_device, h_decoder, count, descs, read) })
}

/// `VideoDecoderSubmitBuffers2`: buffers with subsamples, and with stripes in them or in the whole buffer.
unsafe extern "system" fn video_decoder_submit_buffers_2(
    h_device: D3D10DDI_HDEVICE,
    h_decoder: D3D11_1DDI_HDECODE,
    count: u32,
    descs: *const D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC,
) -> HRESULT {
    let read = |desc: D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC| {
        Ok(Buffer {
            resource: desc.hResource.pDrvPrivate,
            kind: buffer_type(desc.BufferType)?,
            offset: desc.DataOffset,
            size: desc.DataSize,
            // SAFETY: the runtime's duty: null or readable for its size.
            iv: unsafe { pointer::bytes_or_null(desc.pIV, desc.IVSize as usize) }?,
            which: Which::blocks(desc.pSubSampleMappingBlock, desc.SubSampleMappingCount),
            stripes: Stripes::new(desc.cBlocksStripeEncrypted, desc.cBlocksStripeClear)?,
        })
    };
    // SAFETY: the runtime's duty on decoder handle and array.
    guard::run("VideoDecoderSubmitBuffers2", || unsafe { submit(h_device, h_decoder, count, descs, read) })
}

/// The API's number of a buffer type, smaller by one than the DDI's (D77).
fn buffer_type(by_ddi: D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE) -> Result<u32> {
    by_ddi.checked_sub(1).ok_or(Failure::Invalid("the type of a buffer is unknown"))
}

/// One compressed buffer, whichever entry it came through.
struct Buffer<'a> {
    resource: *mut c_void,
    /// By the API's number.
    kind: u32,
    offset: u32,
    size: u32,
    iv: Option<&'a [u8]>,
    which: Which,
    stripes: Option<Stripes>,
}

impl Buffer<'_> {
    fn described<'s>(&'s self, subsamples: &'s [Subsample]) -> DecoderBuffer<'s> {
        DecoderBuffer {
            buffer_type: self.kind,
            iv: self.iv,
            encrypted: self.which.encrypted(subsamples),
            stripes: self.stripes,
        }
    }
}

/// Which bytes of an encrypted buffer are encrypted, as its description says it.
enum Which {
    All,
    Pattern(EncryptedBlockInfo),
    /// So many blocks that have not been read.
    Blocks {
        first: *const D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK,
        count: u32,
    },
}

impl Which {
    fn blocks(first: *const D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK, count: u32) -> Self {
        if count == 0 { Self::All } else { Self::Blocks { first, count } }
    }

    /// Reads the subsamples of a buffer whose `data_size` has been found to be there.
    ///
    /// # Safety
    /// [`Self::Blocks`] is null or valid for reads of its count.
    unsafe fn subsamples(&self, data_size: u32) -> Result<Vec<Subsample>> {
        match *self {
            Self::All | Self::Pattern(_) => Ok(Vec::new()),
            // SAFETY: the caller's duty; `softcp_subsample` is laid out as such a block.
            Self::Blocks { first, count } => unsafe { subsamples(first.cast(), count, data_size) },
        }
    }

    fn encrypted<'s>(&self, subsamples: &'s [Subsample]) -> Encrypted<'s> {
        match self {
            Self::All => Encrypted::All,
            Self::Pattern(pattern) => Encrypted::Pattern(*pattern),
            Self::Blocks { .. } => Encrypted::Subsamples(subsamples),
        }
    }
}

/// Most buffers of one submission (D34): more than a decoder has types of.
const MAX_BUFFERS: u32 = 64;

/// Decrypts the buffers and appends them to the frame's output, all of them or none. Pointers, sizes and resources of all
/// are checked before the first is decrypted. The IVs of those before one whose IV, pattern or subsamples the session
/// refuses are used up (D10).
///
/// # Safety
/// `h_decoder` is null or names the private memory of a decoder; `descs` is null or valid for reads of `count`
/// structures, whose subsamples are null or valid for reads of as many as they say.
unsafe fn submit<'a, D: Copy>(
    h_device: D3D10DDI_HDEVICE,
    h_decoder: D3D11_1DDI_HDECODE,
    count: u32,
    descs: *const D,
    read: impl Fn(D) -> Result<Buffer<'a>>,
) -> Result<()> {
    let device = device(h_device)?;
    let host = ReferenceHost::of(&device)?;
    // SAFETY: the caller's duty on the handle.
    let decoder = unsafe { decoder::id(h_decoder) }?;
    device.decoder_encryption(decoder)?;
    if count > MAX_BUFFERS {
        return Err(Failure::Invalid("there are more than 64 buffers"));
    }
    let frame = host.frame(decoder).ok_or(Error::NoFrame)?;
    let output = host.resource(std::ptr::without_provenance_mut(frame.output))?;
    if output.is_mapped() {
        return Err(Failure::Invalid("the resource of the output view is mapped; unmap it first"));
    }
    let must_be_protected = device.engine().protection_enforced() && !output.protected();
    let mut room = output.visible_bytes() - frame.filled;
    let mut buffers = Vec::new();
    for index in 0..count as usize {
        // SAFETY: the caller's duty: there are so many.
        let buffer = read(unsafe { pointer::read("pBufferDesc", descs.wrapping_add(index)) }?)?;
        let source = host.resource(buffer.resource)?;
        if must_be_protected && (buffer.iv.is_some() || source.protected()) {
            return Err(Error::NotProtected("output view").into());
        }
        let (offset, size) = (buffer.offset as usize, buffer.size as usize);
        room = room.checked_sub(size).ok_or(Failure::Invalid("the frame's buffers are larger than its output"))?;
        let range = offset..offset.saturating_add(size);
        source.check(&range)?;
        // SAFETY: the caller's duty on the structures that it passes.
        let subsamples = unsafe { buffer.which.subsamples(buffer.size) }?;
        buffers.push((source, range, buffer, subsamples));
    }
    let filled = frame.filled;
    let added = match &buffers[..] {
        [(source, range, buffer, subsamples)] => {
            decrypt_between(&device, decoder, (source, range), &buffer.described(subsamples), (&output, filled))?
        }
        _ => None,
    };
    let added = if let Some(added) = added {
        added
    } else {
        let mut data = Vec::with_capacity(buffers.len());
        for (source, range, buffer, subsamples) in &buffers {
            data.push((source.read(range.clone())?, buffer.described(subsamples)));
        }
        let mut clear = Vec::new();
        for (mut data, described) in data {
            let place = data.as_mut_ptr().cast::<c_void>();
            // SAFETY: source and destination are the same vector of that size, which nothing else touches.
            unsafe { device.decrypt_buffer(decoder, place, place, data.len(), &described) }?;
            clear.append(&mut data);
        }
        output.write(filled, &clear)?;
        clear.len()
    };
    host.set_frame(decoder, Some(Frame { filled: filled + added, ..frame }));
    Ok(())
}

/// Decrypts one buffer from where it lies to where it goes, and says how many bytes that are; none, and nothing is done,
/// where either is not in one piece or both share memory.
fn decrypt_between(
    device: &softcp_device,
    decoder: usize,
    (source, range): (&Arc<Resource>, &Range<usize>),
    buffer: &DecoderBuffer<'_>,
    (output, filled): (&Arc<Resource>, usize),
) -> Result<Option<usize>> {
    if Arc::ptr_eq(source, output) {
        return Ok(None);
    }
    let Some(from) = source.lend(range.clone(), SOFTCP_ACCESS_READ)? else { return Ok(None) };
    let Some(to) = output.lend(filled..filled + range.len(), SOFTCP_ACCESS_WRITE)? else { return Ok(None) };
    if from.overlaps(&to) {
        return Ok(None);
    }
    let (first, len) = (from.first().cast_const().cast(), from.len());
    // SAFETY: both have been lent for this, are of that size, and share no byte.
    unsafe { device.decrypt_buffer(decoder, first, to.first().cast(), len, buffer) }?;
    Ok(Some(len))
}

/// The number in a view's private memory.
///
/// # Safety
/// `view.pDrvPrivate` is null or the private memory of a view, of the size that `CalcPrivateVideoDecoderOutputViewSize`
/// said.
unsafe fn view_number(view: D3D11_1DDI_HVIDEODECODEROUTPUTVIEW) -> Result<usize> {
    // SAFETY: the caller's duty.
    unsafe { pointer::read("hOutputView", view.pDrvPrivate.cast()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_those_of_the_committed_table() {
        let csv = include_str!("../../../softcp-abi/spec/functables.csv");
        for row in csv.lines().skip(1) {
            let [_, id, index, name] = row.split(',').collect::<Vec<_>>()[..] else { panic!("{row}") };
            let entries = ENTRIES.iter().chain(entries_of(id.parse().unwrap()));
            if let Some(entry) = entries.into_iter().find(|entry| entry.name.to_str() == Ok(name)) {
                assert_eq!(entry.index.to_string(), index, "{row}");
            }
        }
        for id in [2, 3, 5, 6, 7] {
            assert_eq!(entries_of(id)[0].index, 11, "{id}");
            for entry in ENTRIES.iter().chain(entries_of(id)) {
                let row = format!(",{id},{},{}", entry.index, entry.name.to_str().unwrap());
                assert!(csv.lines().any(|line| line.ends_with(&row)), "{row}");
            }
        }
    }
}
