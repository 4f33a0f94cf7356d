//! `ID3D11VideoDecoder` of an encrypted bitstream: a decoder of the driver, which decrypts, before one of the
//! implementation below, which gets clear buffers. Decoders of clear bitstreams are those below, and the layer has
//! nothing to do with them.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use softcp_abi::{D3D11_VIDEO_DECODER_CONFIG as Config, D3DERR_INVALIDCALL, D3DERR_UNSUPPORTEDCRYPTO};
use softcp_runtime::{DXVA_NO_ENCRYPT, DecoderDesc, FrameDecoder};
use windows::Win32::Foundation::{E_FAIL, E_INVALIDARG, HANDLE};
use windows::Win32::Graphics::Direct3D11::{
    D3D11_VIDEO_DECODER_CONFIG, D3D11_VIDEO_DECODER_DESC, ID3D11VideoDecoder, ID3D11VideoDecoder_Vtbl,
    ID3D11VideoDevice_Vtbl,
};
use windows::core::{GUID, HRESULT, Interface};

use super::call::Call;
use super::child::{Child, Kind};
use super::com::{self, Raw};
use super::encryption::{self, guid};
use super::forward::below;
use super::video_device::VideoDevice;

/// A decoder with an encrypted configuration.
pub(super) struct VideoDecoder {
    /// The decoder below, with the clear configuration.
    pub(super) below: ID3D11VideoDecoder,
    pub(super) desc: D3D11_VIDEO_DECODER_DESC,
    pub(super) config: D3D11_VIDEO_DECODER_CONFIG,
    /// What names it in messages of a channel.
    handle: usize,
    /// Taken by the call that works with it: no lock is held while anything is called below.
    work: Mutex<Option<Work>>,
}

/// What changes in a decoder.
pub(super) struct Work {
    pub(super) frames: FrameDecoder,
    /// What the driver's frames come to: clear bytes, which are wiped when the decoder below has got them. It is lent
    /// to the driver in a frame, and so goes after `frames`.
    pub(super) clear: Vec<u8>,
    /// Bytes of it that the frame has used.
    pub(super) filled: usize,
    /// The frame that has begun.
    pub(super) frame: Option<Output>,
    pub(super) buffers: Vec<Buffer>,
}

/// Where the decoder below decodes a frame to.
#[derive(Clone, Copy)]
pub(super) struct Output {
    pub(super) is_protected: bool,
}

/// A buffer that the program fills: memory of the layer's, in the place of the one that the decoder below has given, so
/// that the program never has the clear bytes.
pub(super) struct Buffer {
    /// `D3D11_VIDEO_DECODER_BUFFER_TYPE`.
    pub(super) kind: i32,
    /// As large as the one below.
    pub(super) memory: Vec<u8>,
    pub(super) held: Held,
}

/// Who has a buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// Nobody: the decoder below has it back.
    Not,
    /// The program, until it releases it. With the memory below.
    ByProgram(*mut u8),
    /// The layer, until it is submitted. With the memory below.
    Filled(*mut u8),
}

// SAFETY: the addresses are those of a decoder below that is kept alive, and buffers may be filled from any thread.
unsafe impl Send for Buffer {}

/// The work of a decoder, for one call.
pub(super) struct Taken<'a> {
    decoder: &'a VideoDecoder,
    work: Option<Work>,
}

impl Deref for Taken<'_> {
    type Target = Work;

    fn deref(&self) -> &Work {
        self.work.as_ref().expect("there until it is dropped")
    }
}

impl DerefMut for Taken<'_> {
    fn deref_mut(&mut self) -> &mut Work {
        self.work.as_mut().expect("there until it is dropped")
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.decoder.work.lock().unwrap_or_else(PoisonError::into_inner) = self.work.take();
    }
}

static TABLE: ID3D11VideoDecoder_Vtbl = ID3D11VideoDecoder_Vtbl {
    base__: Child::<VideoDecoder>::VTABLE,
    GetCreationParameters: get_creation_parameters,
    GetDriverHandle: get_driver_handle,
};

impl Kind for VideoDecoder {
    type Table = ID3D11VideoDecoder_Vtbl;
    const TABLE: &'static Self::Table = &TABLE;
    const INTERFACE: GUID = ID3D11VideoDecoder::IID;

    fn end(_child: &Child<Self>) {}
}

impl VideoDecoder {
    /// What changes, for this call; the error where another thread is in a call on the decoder.
    pub(super) fn take(&self, call: Call<'_>) -> Result<Taken<'_>, HRESULT> {
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner).take();
        if work.is_none() {
            let text = "another thread is in a call on this decoder; make one after the other";
            return Err(call.refuse_with(None, HRESULT(D3DERR_INVALIDCALL), text));
        }
        Ok(Taken { decoder: self, work })
    }

    /// The encryption of its bitstreams.
    pub(super) fn encryption(&self) -> softcp_abi::GUID {
        guid(&self.config.guidConfigBitstreamEncryption)
    }
}

pub(super) unsafe extern "system" fn create_video_decoder(
    this: Raw,
    desc: *const D3D11_VIDEO_DECODER_DESC,
    config: *const D3D11_VIDEO_DECODER_CONFIG,
    out: *mut Raw,
) -> HRESULT {
    let forward = below!(new OfDevice 0 ID3D11VideoDevice_Vtbl.CreateVideoDecoder 2);
    com::guard(|| {
        // SAFETY: null or readable.
        let encrypted = unsafe { com::read(config) }
            .ok()
            .filter(|config| encryption::is_of_layer(&guid(&config.guidConfigBitstreamEncryption)));
        // SAFETY: null or readable.
        let (Some(config), Ok(desc)) = (encrypted, (unsafe { com::read(desc) })) else {
            // SAFETY: the arguments are the program's, for this method.
            return unsafe { forward(this, desc, config, out) };
        };
        com::guard_result(|| {
            // SAFETY: COM's duty: `this` lives.
            let call = Call::new(unsafe { VideoDevice::state(this) }, "ID3D11VideoDevice::CreateVideoDecoder");
            // SAFETY: null or writable.
            unsafe { com::write(out, std::ptr::null_mut()) };
            if out.is_null() {
                return Err(call.refuse_with(None, E_INVALIDARG, "ppDecoder is null"));
            }
            // SAFETY: as above.
            let decoder = unsafe { create(call, this, desc, config) }?;
            // SAFETY: not null, and the program's duty.
            unsafe { com::write(out, Child::create(call.state, decoder)) };
            Ok(())
        })
    })
}

/// # Safety
///
/// `this` is the video device of a live device.
unsafe fn create(
    call: Call<'_>,
    this: Raw,
    desc: D3D11_VIDEO_DECODER_DESC,
    config: D3D11_VIDEO_DECODER_CONFIG,
) -> Result<VideoDecoder, HRESULT> {
    let forward = below!(new OfDevice 0 ID3D11VideoDevice_Vtbl.CreateVideoDecoder 2);
    let (profile, encryption) = (guid(&desc.Guid), guid(&config.guidConfigBitstreamEncryption));
    if config.ConfigBitstreamRaw == 0 {
        let text = "ConfigBitstreamRaw is 0: encryption is of bitstreams, and there would be none";
        return Err(call.refuse_with(None, E_INVALIDARG, text));
    }
    let clear =
        D3D11_VIDEO_DECODER_CONFIG { guidConfigBitstreamEncryption: encryption::api_guid(&DXVA_NO_ENCRYPT), ..config };
    let mut made: Raw = std::ptr::null_mut();
    // SAFETY: the caller's duty; structures and a place of this function.
    let created: HRESULT = unsafe { forward(this, &raw const desc, &raw const clear, &raw mut made) };
    if created.is_err() || made.is_null() {
        let hresult = if created.is_err() { created } else { E_FAIL };
        let text = format!("the implementation below makes no decoder with the clear configuration ({hresult})");
        return Err(call.refuse_with(None, hresult, &text));
    }
    // SAFETY: CreateVideoDecoder has given this reference.
    let below = unsafe { ID3D11VideoDecoder::from_raw(made) };
    if !encryption::is_offered(call.state, &encryption, &profile) {
        let text = format!("the driver does not decrypt bitstreams of {encryption} for the profile {profile}");
        return Err(call.refuse_with(None, HRESULT(D3DERR_UNSUPPORTEDCRYPTO), &text));
    }
    let in_driver = DecoderDesc {
        profile,
        width: desc.SampleWidth,
        height: desc.SampleHeight,
        format: desc.OutputFormat.0.cast_unsigned(),
        // SAFETY: a structure of the same layout.
        config: unsafe { com::read((&raw const config).cast::<Config>()) }?,
    };
    let driver = call.state.driver().ok_or(E_FAIL)?;
    let mut decoder = call.driver(driver.create_decoder(&in_driver))?;
    let handle = call.driver(decoder.handle_value())?;
    let work =
        Work { frames: FrameDecoder::new(decoder), clear: Vec::new(), filled: 0, frame: None, buffers: Vec::new() };
    Ok(VideoDecoder { below, desc, config, handle, work: Mutex::new(Some(work)) })
}

unsafe extern "system" fn get_creation_parameters(
    this: Raw,
    desc: *mut D3D11_VIDEO_DECODER_DESC,
    config: *mut D3D11_VIDEO_DECODER_CONFIG,
) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let child = unsafe { Child::<VideoDecoder>::this(this) };
        let call = Call::new(child.state(), "ID3D11VideoDecoder::GetCreationParameters");
        if desc.is_null() || config.is_null() {
            return Err(call.refuse_with(None, E_INVALIDARG, "pVideoDesc or pConfig is null"));
        }
        // SAFETY: not null, and the program's duty.
        unsafe { com::write(desc, child.inner().desc) };
        // SAFETY: as above.
        unsafe { com::write(config, child.inner().config) };
        Ok(())
    })
}

unsafe extern "system" fn get_driver_handle(this: Raw, handle: *mut HANDLE) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let child = unsafe { Child::<VideoDecoder>::this(this) };
        let call = Call::new(child.state(), "ID3D11VideoDecoder::GetDriverHandle");
        if handle.is_null() {
            return Err(call.refuse_with(None, E_INVALIDARG, "pDriverHandle is null"));
        }
        // SAFETY: not null, and the program's duty.
        unsafe { com::write(handle, HANDLE(std::ptr::without_provenance_mut(child.inner().handle))) };
        Ok(())
    })
}
