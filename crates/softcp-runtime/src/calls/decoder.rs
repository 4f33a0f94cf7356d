//! The entries of video decoders that content protection needs: a session is bound to a decoder by its handle.

use softcp_abi::{D3D11_1DDI_HRTDECODE, D3D11_1DDIARG_CREATEVIDEODECODER, HANDLE};

use super::{Calls, DecoderHandle, Reply, call, const_ptr, mut_ptr};
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
}
