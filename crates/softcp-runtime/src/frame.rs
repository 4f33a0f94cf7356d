//! Frames of a decoder: where one is decoded to, under which key, and its compressed buffers.

use std::ffi::c_void;
use std::fmt;
use std::ptr;

use softcp_abi::{
    D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC, D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW,
    D3D11_1DDIARG_VIDEODECODERBEGINFRAME, D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION,
    D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1, D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC,
    D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME, D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0, GUID, TRUE, softcp_mapping,
};

pub use softcp_abi::D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK as SubSample;

use crate::calls::OutputViewHandle;
use crate::decoder::Decoder;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::memory::PrivateMemory;
use crate::resource::{Resource, WrappedResource};
use crate::session::{AesCtrIv, EncryptedBlockInfo, Session};

/// A view of a resource that a decoder decodes to. Destroyed when dropped, and its resource after it.
pub struct OutputView {
    memory: PrivateMemory,
    resource: Resource,
}

impl OutputView {
    pub(crate) fn create(device: &Device, resource: Resource, profile: GUID) -> Result<Self> {
        let calls = device.calls();
        let desc = D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW {
            hDrvResource: resource.handle().raw,
            DecodeProfile: profile,
            ArraySize: 1,
            ..D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW::default()
        };
        let memory = PrivateMemory::new(calls.calc_private_video_decoder_output_view_size(Some(&desc))?);
        // SAFETY: the memory is new and of the size asked for; `OutputView` destroys the view before memory and
        // resource.
        let reply = unsafe { calls.create_video_decoder_output_view(Some(&desc), OutputViewHandle::of(&memory)) }?;
        reply.into_result()?;
        Ok(Self { memory, resource })
    }

    /// The view's handle, for [`Calls`](crate::Calls).
    #[must_use]
    pub fn handle(&self) -> OutputViewHandle<'_> {
        OutputViewHandle::of(&self.memory)
    }

    /// What is decoded to, as to read it in a blit.
    #[must_use]
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// What is decoded to, to map it between frames.
    pub fn resource_mut(&mut self) -> &mut Resource {
        &mut self.resource
    }
}

impl OutputView {
    /// # Safety
    ///
    /// As for [`Device::wrap_output_view`].
    pub(crate) unsafe fn wrap(device: &Device, memory: &softcp_mapping, profile: GUID) -> Result<Self> {
        // SAFETY: the caller's duty: until the view is gone, and the resource goes with it.
        let resource = unsafe { WrappedResource::new(device, memory) }?;
        Self::create(device, resource.into_resource(), profile)
    }
}

impl Drop for OutputView {
    fn drop(&mut self) {
        // A table without the entry, or a report, leaves nothing to be done about it.
        let _ = self.resource.device().calls().destroy_video_decoder_output_view(self.handle());
    }
}

impl fmt::Debug for OutputView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputView").field("resource", &self.resource).finish_non_exhaustive()
    }
}

/// The key of a frame's buffers.
#[derive(Clone, Copy, Debug)]
pub enum FrameKey<'a> {
    /// The key of the session that a channel has bound to the decoder.
    Session,
    /// A content key, encrypted under that session key.
    Content(&'a [u8]),
    /// For a decoder of `D3D11_DECODER_ENCRYPTION_HW_CENC` or `D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS`: a sealed
    /// key of a session, and the identifier of the key in it.
    Sealed {
        /// The session.
        session: &'a Session,
        /// The sealed key.
        blob: &'a [u8],
        /// Identifier of the key, if one is given.
        key_id: Option<GUID>,
    },
    /// As `Sealed`, with a null pointer in the place of the sealed key: the named session's own key.
    Unsealed {
        /// The session.
        session: &'a Session,
        /// The size that goes with the null pointer; 0 but for callers that break rules.
        blob_size: u32,
    },
}

/// Which bytes of an encrypted buffer are encrypted.
#[derive(Clone, Copy, Debug)]
pub enum EncryptedBytes<'a> {
    /// All.
    All,
    /// Those of a block pattern.
    Pattern(EncryptedBlockInfo),
    /// Those of subsamples; from WDDM 2.0 on.
    Subsamples(&'a [SubSample]),
    /// Those of stripes in the encrypted regions of subsamples, or in the whole buffer where there are none; from WDDM
    /// 2.4 on.
    Striped {
        /// The subsamples; may be none.
        subsamples: &'a [SubSample],
        /// The stripes in each region.
        stripes: Stripes,
    },
}

/// Stripes of encrypted and clear blocks of 16 bytes, as of the schemes `cens` and `cbcs` of ISO/IEC 23001-7. A driver
/// gets the numbers as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stripes {
    /// `cBlocksStripeEncrypted`.
    pub encrypted: u32,
    /// `cBlocksStripeClear`.
    pub clear: u32,
}

/// One compressed buffer of a frame.
#[derive(Clone, Copy, Debug)]
pub struct CompressedBuffer<'a> {
    /// What holds the data, from its first byte on.
    pub resource: &'a Resource,
    /// `D3D11_VIDEO_DECODER_BUFFER_TYPE`: 6 for bitstream. The driver gets the DDI's number, which is greater by one.
    pub buffer_type: u32,
    /// Bytes of the data.
    pub size: u32,
    /// The first counter block of AES-CTR, or the initialization vector of AES-CBC; none for a clear buffer.
    pub iv: Option<AesCtrIv>,
    /// Which bytes of an encrypted buffer are encrypted.
    pub encrypted: EncryptedBytes<'a>,
}

/// A frame that has begun. Ended when dropped.
#[derive(Debug)]
pub struct Frame<'a> {
    decoder: &'a mut Decoder,
    ended: bool,
}

impl<'a> Frame<'a> {
    pub(crate) fn begin(decoder: &'a mut Decoder, view: &'a OutputView, key: FrameKey<'_>) -> Result<Self> {
        begin(decoder, view, key)?;
        Ok(Self { decoder, ended: false })
    }

    /// `VideoDecoderSubmitBuffers`; with subsamples `VideoDecoderSubmitBuffers1` or `VideoDecoderSubmitBuffers2`,
    /// whichever the table has; with stripes `VideoDecoderSubmitBuffers2`. No buffer's resource may be mapped.
    ///
    /// # Errors
    ///
    /// [`Error::MissingEntry`] for subsamples with a table older than WDDM 2.0, and for stripes with one older than
    /// WDDM 2.4; [`Error::Driver`] with what the driver returns.
    pub fn submit(&mut self, buffer: &CompressedBuffer<'_>) -> Result<()> {
        submit(self.decoder, buffer)
    }

    /// The decoder, for [`Calls`](crate::Calls) in the frame.
    #[must_use]
    pub fn decoder(&self) -> &Decoder {
        self.decoder
    }

    /// `VideoDecoderEndFrame`.
    ///
    /// # Errors
    ///
    /// [`Error::Driver`] with what the driver reports.
    pub fn end(mut self) -> Result<()> {
        self.ended = true;
        end(self.decoder)
    }
}

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        if !self.ended {
            // A report leaves nothing to be done about it.
            let _ = end(self.decoder);
        }
    }
}

/// A decoder whose frames begin and end in different calls of its user, as those of a layer under a program do. A frame
/// that is still open is ended when this is dropped, and its view is destroyed after it.
#[derive(Debug)]
pub struct FrameDecoder {
    decoder: Decoder,
    /// The view of the frame that has begun.
    view: Option<OutputView>,
}

impl FrameDecoder {
    /// Frames of `decoder`.
    #[must_use]
    pub fn new(decoder: Decoder) -> Self {
        Self { decoder, view: None }
    }

    /// The decoder, for its handle and for [`Calls`](crate::Calls).
    pub fn decoder_mut(&mut self) -> &mut Decoder {
        &mut self.decoder
    }

    /// Begins a frame that is decoded to `view`.
    ///
    /// # Errors
    ///
    /// As [`Decoder::begin_frame`]; the view is gone then. [`Error::Driver`] with `D3DERR_INVALIDCALL` for a frame in a
    /// frame, which goes on.
    pub fn begin(&mut self, view: OutputView, key: FrameKey<'_>) -> Result<()> {
        begin(&self.decoder, &view, key)?;
        self.view = Some(view);
        Ok(())
    }

    /// As [`Frame::submit`].
    ///
    /// # Errors
    ///
    /// As there; [`Error::Driver`] with `D3DERR_INVALIDCALL` outside a frame.
    pub fn submit(&mut self, buffer: &CompressedBuffer<'_>) -> Result<()> {
        submit(&self.decoder, buffer)
    }

    /// Ends the frame and destroys its view.
    ///
    /// # Errors
    ///
    /// As [`Frame::end`].
    pub fn end(&mut self) -> Result<()> {
        let view = self.view.take();
        let answer = end(&self.decoder);
        drop(view);
        answer
    }
}

impl Drop for FrameDecoder {
    fn drop(&mut self) {
        if self.view.is_some() {
            // A report leaves nothing to be done about it.
            let _ = self.end();
        }
    }
}

/// `VideoDecoderBeginFrame`, by whichever entry the table has. The view must live until the frame ends.
fn begin(decoder: &Decoder, view: &OutputView, key: FrameKey<'_>) -> Result<()> {
    let function = "VideoDecoderBeginFrame";
    let size = |bytes: usize| u32::try_from(bytes).map_err(|_| Error::TooLong { function, bytes });
    let mut begin = D3D11_1DDIARG_VIDEODECODERBEGINFRAME { hOutputView: view.handle().raw, ..Default::default() };
    let (mut sealed, mut id);
    match key {
        FrameKey::Session => {}
        FrameKey::Content(wrapped) => {
            begin.pContentKey = wrapped.as_ptr().cast();
            begin.ContentKeySize = size(wrapped.len())?;
        }
        FrameKey::Sealed { session, blob, key_id } => {
            id = key_id.unwrap_or_default();
            sealed = D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION {
                hCryptoSession: session.handle().raw,
                pBlob: blob.as_ptr().cast_mut().cast(),
                BlobSize: size(blob.len())?,
                pKeyInfoId: if key_id.is_some() { &raw mut id } else { ptr::null_mut() },
                ..Default::default()
            };
            begin.pContentKey = (&raw mut sealed).cast_const().cast();
            begin.ContentKeySize = size(size_of_val(&sealed))?;
        }
        FrameKey::Unsealed { session, blob_size } => {
            sealed = D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION {
                hCryptoSession: session.handle().raw,
                BlobSize: blob_size,
                ..Default::default()
            };
            begin.pContentKey = (&raw mut sealed).cast_const().cast();
            begin.ContentKeySize = size(size_of_val(&sealed))?;
        }
    }
    let (calls, handle) = (decoder.device().calls(), decoder.handle());
    let reply = if calls.table().video_decoder_begin_frame_2_4.is_some() {
        let begin = D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME {
            hOutputView: begin.hOutputView,
            pContentKey: begin.pContentKey,
            ContentKeySize: begin.ContentKeySize,
            ..Default::default()
        };
        // SAFETY: the view lives until the frame ends: the caller's duty; key, session and identifier live past the
        // call.
        unsafe { calls.video_decoder_begin_frame_2_4(handle, Some(&begin)) }
    } else if calls.table().video_decoder_begin_frame_rs4.is_some() {
        let begin = D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0 {
            hOutputView: begin.hOutputView,
            pContentKey: begin.pContentKey,
            ContentKeySize: begin.ContentKeySize,
            ..Default::default()
        };
        // SAFETY: as above.
        unsafe { calls.video_decoder_begin_frame_rs4(handle, Some(&begin)) }
    } else {
        // SAFETY: as above.
        unsafe { calls.video_decoder_begin_frame(handle, Some(&begin)) }
    };
    Ok(reply?.into_result()?)
}

#[allow(non_snake_case, reason = "members of the structures")]
fn submit(decoder: &Decoder, buffer: &CompressedBuffer<'_>) -> Result<()> {
    let (decoder, calls) = (decoder.handle(), decoder.device().calls());
    let hResource = buffer.resource.handle().raw;
    let mut iv = buffer.iv;
    let (pIV, IVSize) = iv.as_mut().map_or((ptr::null_mut(), 0), |iv| (iv.as_mut_ptr().cast::<c_void>(), 16));
    let (BufferType, DataSize) = (buffer.buffer_type.saturating_add(1), buffer.size);
    let (pattern, subsamples, stripes) = match buffer.encrypted {
        EncryptedBytes::All => (None, None, None),
        EncryptedBytes::Pattern(pattern) => (Some(pattern), None, None),
        EncryptedBytes::Subsamples(subsamples) => (None, Some(subsamples), None),
        EncryptedBytes::Striped { subsamples, stripes } => (None, Some(subsamples), Some(stripes)),
    };
    let Some(subsamples) = subsamples else {
        let mut desc =
            D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC { hResource, BufferType, DataSize, pIV, IVSize, ..Default::default() };
        if let Some(pattern) = pattern {
            desc.PartialEncryption = TRUE;
            desc.EncryptedBlockInfo = pattern.into();
        }
        // SAFETY: the resource is borrowed and the IV lives past the call.
        return Ok(unsafe { calls.video_decoder_submit_buffers(decoder, &[desc]) }?.into_result()?);
    };
    let is_striped = stripes.is_some();
    let function = if is_striped { "VideoDecoderSubmitBuffers2" } else { "VideoDecoderSubmitBuffers1" };
    let SubSampleMappingCount =
        u32::try_from(subsamples.len()).map_err(|_| Error::TooLong { function, bytes: size_of_val(subsamples) })?;
    let mut subsamples = subsamples.to_vec();
    let pSubSampleMappingBlock = if subsamples.is_empty() { ptr::null_mut() } else { subsamples.as_mut_ptr() };
    let reply = if is_striped || calls.table().video_decoder_submit_buffers_2.is_some() {
        let desc = D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC {
            hResource,
            BufferType,
            DataSize,
            pIV,
            IVSize,
            pSubSampleMappingBlock,
            SubSampleMappingCount,
            cBlocksStripeEncrypted: stripes.map_or(0, |stripes| stripes.encrypted),
            cBlocksStripeClear: stripes.map_or(0, |stripes| stripes.clear),
            ..Default::default()
        };
        // SAFETY: as above; the subsamples live past the call.
        unsafe { calls.video_decoder_submit_buffers_2(decoder, &[desc]) }?
    } else {
        let desc = D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1 {
            hResource,
            BufferType,
            DataSize,
            pIV,
            IVSize,
            pSubSampleMappingBlock,
            SubSampleMappingCount,
            ..Default::default()
        };
        // SAFETY: as above.
        unsafe { calls.video_decoder_submit_buffers_1(decoder, &[desc]) }?
    };
    Ok(reply.into_result()?)
}

fn end(decoder: &Decoder) -> Result<()> {
    Ok(decoder.device().calls().video_decoder_end_frame(decoder.handle())?.into_result()?)
}
