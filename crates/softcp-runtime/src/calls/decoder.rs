//! The entries of video decoders that content protection needs: a session is bound to a decoder by its handle, and a
//! frame's buffers are encrypted.

use softcp_abi::{
    D3D11_1DDI_HRTDECODE, D3D11_1DDI_HRTVIDEODECODEROUTPUTVIEW, D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC,
    D3D11_1DDIARG_CREATEVIDEODECODER, D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW, D3D11_1DDIARG_VIDEODECODERBEGINFRAME,
    D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1, D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC,
    D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME, D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0, HANDLE,
};

use super::{Calls, DecoderHandle, OutputViewHandle, Reply, call, const_ptr, mut_ptr, size};
use crate::error::{Error, Result};

impl Calls<'_> {
    /// `CalcPrivateVideoDecoderSize`: bytes of private memory.
    pub fn calc_private_video_decoder_size(&self, desc: Option<&D3D11_1DDIARG_CREATEVIDEODECODER>) -> Result<usize> {
        let function = "CalcPrivateVideoDecoderSize";
        let entry = self.device.table.calc_private_video_decoder_size.ok_or(Error::MissingEntry { function })?;
        // SAFETY: the device lives, and the description is valid or null.
        Ok(unsafe { entry(self.device.handle, const_ptr(desc)) })
    }

    /// `CreateVideoDecoder`.
    ///
    /// # Safety
    ///
    /// The memory of `decoder` is at least as large as `CalcPrivateVideoDecoderSize` said, holds no live decoder, and
    /// stays until `DestroyVideoDecoder` was called on it or the device is destroyed.
    pub unsafe fn create_video_decoder(
        &self,
        desc: Option<&D3D11_1DDIARG_CREATEVIDEODECODER>,
        decoder: DecoderHandle<'_>,
    ) -> Result<Reply> {
        let desc = const_ptr(desc);
        // As for sessions: one that differs per decoder.
        let runtime_handle = D3D11_1DDI_HRTDECODE { handle: decoder.raw.pDrvPrivate };
        call!(self, create_video_decoder, "CreateVideoDecoder", HRESULT, (desc, decoder.raw, runtime_handle))
    }

    /// `DestroyVideoDecoder`.
    pub fn destroy_video_decoder(&self, decoder: DecoderHandle<'_>) -> Result<Reply> {
        call!(self, destroy_video_decoder, "DestroyVideoDecoder", void, (decoder.raw))
    }

    /// `VideoDecoderGetHandle`.
    pub fn video_decoder_get_handle(&self, decoder: DecoderHandle<'_>, handle: Option<&mut HANDLE>) -> Result<Reply> {
        let handle = mut_ptr(handle);
        call!(self, video_decoder_get_handle, "VideoDecoderGetHandle", HRESULT, (decoder.raw, handle))
    }

    /// `CalcPrivateVideoDecoderOutputViewSize`: bytes of private memory.
    pub fn calc_private_video_decoder_output_view_size(
        &self,
        desc: Option<&D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW>,
    ) -> Result<usize> {
        let function = "CalcPrivateVideoDecoderOutputViewSize";
        let entry = self.device.table.calc_private_video_decoder_output_view_size;
        let entry = entry.ok_or(Error::MissingEntry { function })?;
        // SAFETY: the device lives, and the description is valid or null.
        Ok(unsafe { entry(self.device.handle, const_ptr(desc)) })
    }

    /// `CreateVideoDecoderOutputView`.
    ///
    /// # Safety
    ///
    /// The memory of `view` is at least as large as `CalcPrivateVideoDecoderOutputViewSize` said, holds no live view, and
    /// stays until `DestroyVideoDecoderOutputView` was called on it or the device is destroyed. The resource is null or
    /// lives as long as the view.
    pub unsafe fn create_video_decoder_output_view(
        &self,
        desc: Option<&D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW>,
        view: OutputViewHandle<'_>,
    ) -> Result<Reply> {
        let desc = const_ptr(desc);
        let runtime_handle = D3D11_1DDI_HRTVIDEODECODEROUTPUTVIEW { handle: view.raw.pDrvPrivate };
        call!(
            self,
            create_video_decoder_output_view,
            "CreateVideoDecoderOutputView",
            HRESULT,
            (desc, view.raw, runtime_handle)
        )
    }

    /// `DestroyVideoDecoderOutputView`.
    pub fn destroy_video_decoder_output_view(&self, view: OutputViewHandle<'_>) -> Result<Reply> {
        call!(self, destroy_video_decoder_output_view, "DestroyVideoDecoderOutputView", void, (view.raw))
    }

    /// `VideoDecoderBeginFrame`, as it was before WDDM 2.4.
    ///
    /// # Safety
    ///
    /// The view is null or lives until the frame ends. The content key is null or valid for its size, and as a structure
    /// its pointers are too.
    pub unsafe fn video_decoder_begin_frame(
        &self,
        decoder: DecoderHandle<'_>,
        begin: Option<&D3D11_1DDIARG_VIDEODECODERBEGINFRAME>,
    ) -> Result<Reply> {
        let begin = const_ptr(begin);
        call!(self, video_decoder_begin_frame, "VideoDecoderBeginFrame", HRESULT, (decoder.raw, begin))
    }

    /// `VideoDecoderBeginFrame` of WDDM 2.4 (RS4).
    ///
    /// # Safety
    ///
    /// As [`video_decoder_begin_frame`](Self::video_decoder_begin_frame); buffers of histograms are null or live until the
    /// frame ends.
    pub unsafe fn video_decoder_begin_frame_rs4(
        &self,
        decoder: DecoderHandle<'_>,
        begin: Option<&D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0>,
    ) -> Result<Reply> {
        let begin = const_ptr(begin);
        call!(self, video_decoder_begin_frame_rs4, "VideoDecoderBeginFrame", HRESULT, (decoder.raw, begin))
    }

    /// `VideoDecoderBeginFrame` of WDDM 2.4.
    ///
    /// # Safety
    ///
    /// As [`video_decoder_begin_frame_rs4`](Self::video_decoder_begin_frame_rs4).
    pub unsafe fn video_decoder_begin_frame_2_4(
        &self,
        decoder: DecoderHandle<'_>,
        begin: Option<&D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME>,
    ) -> Result<Reply> {
        let begin = const_ptr(begin);
        call!(self, video_decoder_begin_frame_2_4, "VideoDecoderBeginFrame", HRESULT, (decoder.raw, begin))
    }

    /// `VideoDecoderEndFrame`.
    pub fn video_decoder_end_frame(&self, decoder: DecoderHandle<'_>) -> Result<Reply> {
        call!(self, video_decoder_end_frame, "VideoDecoderEndFrame", void, (decoder.raw))
    }

    /// `VideoDecoderSubmitBuffers`: buffers with block patterns.
    ///
    /// # Safety
    ///
    /// Handles of the descriptions are null or name what exists; their pointers are null or valid for their sizes.
    pub unsafe fn video_decoder_submit_buffers(
        &self,
        decoder: DecoderHandle<'_>,
        buffers: &[D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC],
    ) -> Result<Reply> {
        let (count, buffers) = (size("VideoDecoderSubmitBuffers", buffers.len())?, buffers.as_ptr());
        call!(self, video_decoder_submit_buffers, "VideoDecoderSubmitBuffers", HRESULT, (decoder.raw, count, buffers))
    }

    /// `VideoDecoderSubmitBuffers1` (WDDM 2.0 and 2.1): buffers with subsamples.
    ///
    /// # Safety
    ///
    /// As [`video_decoder_submit_buffers`](Self::video_decoder_submit_buffers).
    pub unsafe fn video_decoder_submit_buffers_1(
        &self,
        decoder: DecoderHandle<'_>,
        buffers: &[D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1],
    ) -> Result<Reply> {
        let (count, buffers) = (size("VideoDecoderSubmitBuffers1", buffers.len())?, buffers.as_ptr());
        call!(
            self,
            video_decoder_submit_buffers_1,
            "VideoDecoderSubmitBuffers1",
            HRESULT,
            (decoder.raw, count, buffers)
        )
    }

    /// `VideoDecoderSubmitBuffers2` (WDDM 2.4): buffers with subsamples and stripes.
    ///
    /// # Safety
    ///
    /// As [`video_decoder_submit_buffers`](Self::video_decoder_submit_buffers).
    pub unsafe fn video_decoder_submit_buffers_2(
        &self,
        decoder: DecoderHandle<'_>,
        buffers: &[D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC],
    ) -> Result<Reply> {
        let (count, buffers) = (size("VideoDecoderSubmitBuffers2", buffers.len())?, buffers.as_ptr());
        call!(
            self,
            video_decoder_submit_buffers_2,
            "VideoDecoderSubmitBuffers2",
            HRESULT,
            (decoder.raw, count, buffers)
        )
    }
}
