//! Which encryptions of bitstreams the layer offers: the configurations that a decoder below takes clear, once more for
//! each scheme that the driver decrypts (D65).

use softcp_abi::{
    D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS,
    D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC, D3D11_DECODER_ENCRYPTION_HW_CENC, D3D11_KEY_EXCHANGE_HW_PROTECTION,
    GUID as Guid, GUID_NULL, softcp_mapping,
};
use softcp_runtime::{
    CompressedBuffer, DXVA_NO_ENCRYPT, DecoderDesc, Device, EncryptedBytes, Error, FrameDecoder, FrameKey,
};
use windows::Win32::Foundation::E_INVALIDARG;
use windows::Win32::Graphics::Direct3D11::{
    D3D11_VIDEO_DECODER_CONFIG, D3D11_VIDEO_DECODER_DESC, ID3D11VideoDevice_Vtbl, ID3D11VideoDevice1_Vtbl,
};
use windows::Win32::Graphics::Dxgi::Common::DXGI_RATIONAL;
use windows::core::{GUID, HRESULT};

use super::call::Call;
use super::com::{self, Raw};
use super::device::DeviceState;
use super::forward::{OfDevice, below, below_has};
use super::video_device::VideoDevice;

/// What the layer lists, in this order. An application that knows nothing newer than `D3D11_CRYPTO_TYPE_AES128_CTR` may
/// create a decoder with it, which is the first one by another name.
const LISTED: [Guid; 3] = [
    D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC,
    D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS,
    D3D11_DECODER_ENCRYPTION_HW_CENC,
];

/// The bytes of a trial buffer, and its type: picture parameters.
const TRIAL: (usize, u32) = (64, 0);

/// The identifier as the driver's interface has it.
pub(super) fn guid(of: &GUID) -> Guid {
    Guid { Data1: of.data1, Data2: of.data2, Data3: of.data3, Data4: of.data4 }
}

/// As [`guid`], the other way.
pub(super) fn api_guid(of: &Guid) -> GUID {
    GUID::from_values(of.Data1, of.Data2, of.Data3, of.Data4)
}

/// Whether a decoder with this encryption is the layer's to make.
pub(super) fn is_of_layer(encryption: &Guid) -> bool {
    *encryption == D3D11_CRYPTO_TYPE_AES128_CTR || LISTED.contains(encryption)
}

/// Whether decoders of a profile can have this encryption.
pub(super) fn is_offered(state: &DeviceState, encryption: &Guid, profile: &Guid) -> bool {
    let as_listed = if *encryption == D3D11_CRYPTO_TYPE_AES128_CTR { &LISTED[0] } else { encryption };
    offered(state, profile).contains(as_listed)
}

/// The encryptions that decoders of a profile can have. None with a driver that does not work in the layer's memory, or
/// that does not hand the clear bytes of buffers out, or that has no sessions for the profile.
fn offered(state: &DeviceState, profile: &Guid) -> Vec<Guid> {
    let Some(device) = state.driver() else { return Vec::new() };
    if !state.shows_clear_bytes() {
        return Vec::new();
    }
    let crypto_type = D3D11_CRYPTO_TYPE_AES128_CTR;
    let Ok(caps) = device.caps(&crypto_type, profile) else { return Vec::new() };
    let seals = (0..caps.key_exchange_type_count).any(|index| {
        let mut found = GUID_NULL;
        let calls = device.calls();
        let reply = calls.get_crypto_key_exchange_type(Some(&crypto_type), Some(profile), index, Some(&mut found));
        reply.is_ok_and(|reply| reply.hresult().is_ok()) && found == D3D11_KEY_EXCHANGE_HW_PROTECTION
    });
    let can = |encryption: &Guid| {
        let desc = DecoderDesc::bitstream(*profile, 64, 64, 0).with_bitstream_encryption(*encryption);
        (seals || *encryption != D3D11_DECODER_ENCRYPTION_HW_CENC) && device.create_decoder(&desc).is_ok()
    };
    LISTED.into_iter().filter(can).collect()
}

/// Whether what the driver's frames come to is the clear bytes of their buffers, as of the reference driver, and in
/// memory that the layer lends: a clear buffer goes through a frame without key.
pub(super) fn shows_clear_bytes(device: &Device) -> bool {
    let shows = device.wraps_resources()
        && try_buffer(device).unwrap_or_else(|error| {
            tracing::debug!(%error, "the driver's decoders cannot be tried");
            false
        });
    if !shows {
        tracing::info!(id = "no-decryption", "the driver does not hand clear bytes to decoders: none is encrypted");
    }
    shows
}

fn try_buffer(device: &Device) -> Result<bool, Error> {
    let (size, buffer_type) = TRIAL;
    let mut bytes: Vec<u8> = (1..=u8::MAX).take(size).collect();
    let mut output = vec![0_u8; size];
    let desc = DecoderDesc::bitstream(GUID_NULL, 64, 64, 0).with_bitstream_encryption(DXVA_NO_ENCRYPT);
    let mut frames = FrameDecoder::new(device.create_decoder(&desc)?);
    // SAFETY: the vector is neither moved nor read before the frame has ended, which is when its view goes.
    let view = unsafe { device.wrap_output_view(&memory(output.as_mut_ptr(), size, 0), GUID_NULL) }?;
    frames.begin(view, FrameKey::Session)?;
    // SAFETY: the vector outlives the resource, and nothing else touches it meanwhile.
    let resource = unsafe { device.wrap_resource(&memory(bytes.as_mut_ptr(), size, 0)) }?;
    let buffer = CompressedBuffer {
        resource: &resource,
        buffer_type,
        size: u32::try_from(size).expect("a few bytes"),
        iv: None,
        encrypted: EncryptedBytes::All,
    };
    frames.submit(&buffer)?;
    frames.end()?;
    drop(resource);
    Ok(output == bytes)
}

/// Memory of one row, as the driver wants it described.
pub(super) fn memory(data: *mut u8, size: usize, flags: u32) -> softcp_mapping {
    softcp_mapping { data: data.cast(), row_pitch: size, row_bytes: size, rows: 1, flags, ..Default::default() }
}

/// The configurations of a decoder: those below, and behind them each that takes a clear bitstream once more for every
/// encryption that the layer offers. One below that has such an encryption itself cannot be had: sessions are the
/// layer's.
///
/// # Safety
///
/// `this` is the video device of a live device, and `desc` readable.
unsafe fn list(
    state: &DeviceState,
    this: Raw,
    desc: *const D3D11_VIDEO_DECODER_DESC,
) -> Result<Vec<D3D11_VIDEO_DECODER_CONFIG>, HRESULT> {
    let count_below = below!(new OfDevice 0 ID3D11VideoDevice_Vtbl.GetVideoDecoderConfigCount 1);
    let config_below = below!(OfDevice 0 ID3D11VideoDevice_Vtbl.GetVideoDecoderConfig 3);
    let mut count = 0_u32;
    // SAFETY: the caller's duty.
    unsafe { count_below(this, desc, &raw mut count) }.ok().map_err(|error| error.code())?;
    let mut configs = Vec::new();
    for index in 0..count {
        let mut config = D3D11_VIDEO_DECODER_CONFIG::default();
        // SAFETY: the caller's duty.
        let found: HRESULT = unsafe { config_below(this, desc, index, &raw mut config) };
        found.ok().map_err(|error| error.code())?;
        configs.push(config);
    }
    // SAFETY: the caller's duty.
    let profile = guid(&unsafe { com::read(desc) }?.Guid);
    let offered = offered(state, &profile);
    configs.retain(|config| !offered.contains(&guid(&config.guidConfigBitstreamEncryption)));
    let clear: Vec<_> = configs.iter().filter(|config| takes_clear_bitstreams(config)).copied().collect();
    for config in clear {
        configs.extend(offered.iter().map(|encryption| D3D11_VIDEO_DECODER_CONFIG {
            guidConfigBitstreamEncryption: api_guid(encryption),
            ..config
        }));
    }
    Ok(configs)
}

fn takes_clear_bitstreams(config: &D3D11_VIDEO_DECODER_CONFIG) -> bool {
    guid(&config.guidConfigBitstreamEncryption) == DXVA_NO_ENCRYPT && config.ConfigBitstreamRaw != 0
}

pub(super) unsafe extern "system" fn get_video_decoder_config_count(
    this: Raw,
    desc: *const D3D11_VIDEO_DECODER_DESC,
    count: *mut u32,
) -> HRESULT {
    let forward = below!(new OfDevice 0 ID3D11VideoDevice_Vtbl.GetVideoDecoderConfigCount 1);
    com::guard(|| {
        // SAFETY: COM's duty: `this` lives.
        if desc.is_null() || count.is_null() || !unsafe { below_has::<OfDevice>(this, 0) } {
            // SAFETY: the arguments are the program's, for this method.
            return unsafe { forward(this, desc, count) };
        }
        // SAFETY: not null, and the program's duty.
        unsafe { com::write(count, 0) };
        // SAFETY: COM's duty: `this` lives.
        let state = unsafe { VideoDevice::state(this) };
        // SAFETY: not null, and the program's duty.
        match unsafe { list(state, this, desc) } {
            Ok(configs) => {
                // SAFETY: as above.
                unsafe { com::write(count, u32::try_from(configs.len()).unwrap_or(u32::MAX)) };
                HRESULT(0)
            }
            Err(hresult) => hresult,
        }
    })
}

pub(super) unsafe extern "system" fn get_video_decoder_config(
    this: Raw,
    desc: *const D3D11_VIDEO_DECODER_DESC,
    index: u32,
    config: *mut D3D11_VIDEO_DECODER_CONFIG,
) -> HRESULT {
    let forward = below!(OfDevice 0 ID3D11VideoDevice_Vtbl.GetVideoDecoderConfig 3);
    com::guard(|| {
        // SAFETY: COM's duty: `this` lives.
        if desc.is_null() || config.is_null() || !unsafe { below_has::<OfDevice>(this, 0) } {
            // SAFETY: the arguments are the program's, for this method.
            return unsafe { forward(this, desc, index, config) };
        }
        // SAFETY: COM's duty: `this` lives.
        let state = unsafe { VideoDevice::state(this) };
        let call = Call::new(state, "ID3D11VideoDevice::GetVideoDecoderConfig");
        // SAFETY: not null, and the program's duty.
        let configs = match unsafe { list(state, this, desc) } {
            Ok(configs) => configs,
            Err(hresult) => return hresult,
        };
        let Some(found) = configs.get(index as usize) else {
            let text = format!("Index is {index}, and there are {} configurations", configs.len());
            return call.refuse_with(None, E_INVALIDARG, &text);
        };
        // SAFETY: not null, and the program's duty.
        unsafe { com::write(config, *found) };
        HRESULT(0)
    })
}

/// What a decoder can do with streams of a size and rate. With a crypto type that the driver has for the profile, it is
/// what the decoder below can do with clear ones.
pub(super) unsafe extern "system" fn get_video_decoder_caps(
    this: Raw,
    profile: *const GUID,
    width: u32,
    height: u32,
    frame_rate: *const DXGI_RATIONAL,
    bit_rate: u32,
    crypto_type: *const GUID,
    caps: *mut u32,
) -> HRESULT {
    let forward = below!(new OfDevice 1 ID3D11VideoDevice1_Vtbl.GetVideoDecoderCaps 6);
    com::guard(|| {
        // SAFETY: null or readable, both.
        let asked = unsafe { com::read(crypto_type) }.ok().zip(unsafe { com::read(profile) }.ok());
        let is_decrypted = asked.is_some_and(|(crypto_type, profile)| {
            // SAFETY: COM's duty: `this` lives.
            let state = unsafe { VideoDevice::state(this) };
            guid(&crypto_type) == D3D11_CRYPTO_TYPE_AES128_CTR && !offered(state, &guid(&profile)).is_empty()
        });
        let clear = GUID::zeroed();
        let crypto_type = if is_decrypted { &raw const clear } else { crypto_type };
        // SAFETY: the arguments are the program's, for this method.
        unsafe { forward(this, profile, width, height, frame_rate, bit_rate, crypto_type, caps) }
    })
}
