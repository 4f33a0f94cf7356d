//! A video decoder in private memory of the runtime: something to bind a session to, with frames of encrypted buffers.

use std::fmt;

use softcp_abi::{
    D3D11_1DDIARG_CREATEVIDEODECODER, D3D11_VIDEO_DECODER_CONFIG, D3D11_VIDEO_DECODER_DESC, GUID, GUID_NULL,
};

use crate::calls::DecoderHandle;
use crate::device::Device;
use crate::error::Result;
use crate::frame::{Frame, FrameKey, OutputView};
use crate::memory::PrivateMemory;

/// `DXVA_NoEncrypt` of `dxva.h`: buffers of a kind are clear.
pub const DXVA_NO_ENCRYPT: GUID = GUID::from_u128(0x1b81bed0_a0c7_11d3_b984_00c04f2e73c5);

/// What kind of decoder to create.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecoderDesc {
    /// The decode profile.
    pub profile: GUID,
    /// Width of a frame in pixels.
    pub width: u32,
    /// Height of a frame in pixels.
    pub height: u32,
    /// `DXGI_FORMAT` of the surfaces that are decoded to.
    pub format: u32,
    /// How the decoder is fed, and which of its buffers are encrypted.
    pub config: D3D11_VIDEO_DECODER_CONFIG,
}

impl DecoderDesc {
    /// A decoder of raw bitstreams that a crypto session encrypts, in AES-CTR.
    #[must_use]
    pub fn bitstream(profile: GUID, width: u32, height: u32, format: u32) -> Self {
        let config = D3D11_VIDEO_DECODER_CONFIG {
            guidConfigBitstreamEncryption: GUID_NULL,
            guidConfigMBcontrolEncryption: DXVA_NO_ENCRYPT,
            guidConfigResidDiffEncryption: DXVA_NO_ENCRYPT,
            ConfigBitstreamRaw: 1,
            ..D3D11_VIDEO_DECODER_CONFIG::default()
        };
        Self { profile, width, height, format, config }
    }

    /// The same decoder with another encryption of its bitstreams, such as `D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS`
    /// for AES-CBC or `D3D11_DECODER_ENCRYPTION_HW_CENC` for sealed keys.
    #[must_use]
    pub fn with_bitstream_encryption(mut self, encryption: GUID) -> Self {
        self.config.guidConfigBitstreamEncryption = encryption;
        self
    }
}

/// A video decoder: what `CONFIGURE_CRYPTO_SESSION` binds a session to. Destroyed when dropped; it keeps its device alive.
///
/// Calls on one decoder must not overlap, hence `&mut self`.
pub struct Decoder {
    device: Device,
    memory: PrivateMemory,
}

impl Decoder {
    pub(crate) fn create(device: &Device, desc: &D3D11_1DDIARG_CREATEVIDEODECODER) -> Result<Self> {
        let calls = device.calls();
        let memory = PrivateMemory::new(calls.calc_private_video_decoder_size(Some(desc))?);
        // SAFETY: the memory is new and of the size asked for; `Decoder` destroys the decoder before it frees it.
        let reply = unsafe { calls.create_video_decoder(Some(desc), DecoderHandle::of(&memory)) }?;
        reply.into_result()?;
        Ok(Self { device: device.clone(), memory })
    }

    /// The device that the decoder was created on.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The decoder's handle, for [`Calls`](crate::Calls).
    #[must_use]
    pub fn handle(&self) -> DecoderHandle<'_> {
        DecoderHandle::of(&self.memory)
    }

    /// `VideoDecoderBeginFrame`: a frame that is decoded to `view`.
    ///
    /// # Errors
    ///
    /// [`Error::MissingEntry`](crate::Error::MissingEntry) from a driver that has no frames;
    /// [`Error::Driver`](crate::Error::Driver) with what the driver returns.
    pub fn begin_frame<'a>(&'a mut self, view: &'a OutputView, key: FrameKey<'_>) -> Result<Frame<'a>> {
        Frame::begin(self, view, key)
    }

    /// `VideoDecoderGetHandle`: the number that names the decoder in messages of an authenticated channel.
    ///
    /// # Errors
    ///
    /// [`Error::Driver`](crate::Error::Driver) with what the driver returns.
    pub fn handle_value(&mut self) -> Result<usize> {
        let mut handle = std::ptr::null_mut();
        self.device.calls().video_decoder_get_handle(self.handle(), Some(&mut handle))?.into_result()?;
        Ok(handle.addr())
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // A table without the entry, or a report, leaves nothing to be done about it.
        let _ = self.device.calls().destroy_video_decoder(self.handle());
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("device", &self.device).finish_non_exhaustive()
    }
}

impl From<DecoderDesc> for D3D11_1DDIARG_CREATEVIDEODECODER {
    fn from(desc: DecoderDesc) -> Self {
        let stream = D3D11_VIDEO_DECODER_DESC {
            Guid: desc.profile,
            SampleWidth: desc.width,
            SampleHeight: desc.height,
            OutputFormat: desc.format,
        };
        Self { Desc: stream, Config: desc.config }
    }
}
