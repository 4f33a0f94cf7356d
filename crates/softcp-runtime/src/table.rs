//! The entries of a video function table that content protection needs.

use std::ffi::c_void;

use softcp_abi::{
    D3D11_1DDI_VIDEO_FUNCTIONS, D3D11_1DDI_VIDEODEVICEFUNCS, D3DWDDM2_0DDI_VIDEO_FUNCTIONS,
    D3DWDDM2_0DDI_VIDEODEVICEFUNCS, D3DWDDM2_1DDI_VIDEO_FUNCTIONS, D3DWDDM2_1DDI_VIDEODEVICEFUNCS,
    D3DWDDM2_4DDI_VIDEO_FUNCTIONS, D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0, D3DWDDM2_4DDI_VIDEODEVICEFUNCS,
    D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0, E_INVALIDARG, PFND3D11_1DDI_CALCPRIVATEAUTHENTICATEDCHANNELSIZE,
    PFND3D11_1DDI_CALCPRIVATECRYPTOSESSIONSIZE, PFND3D11_1DDI_CALCPRIVATEVIDEODECODEROUTPUTVIEWSIZE,
    PFND3D11_1DDI_CALCPRIVATEVIDEODECODERSIZE, PFND3D11_1DDI_CONFIGUREAUTHENTICATEDCHANNEL,
    PFND3D11_1DDI_CREATEAUTHENTICATEDCHANNEL, PFND3D11_1DDI_CREATECRYPTOSESSION, PFND3D11_1DDI_CREATEVIDEODECODER,
    PFND3D11_1DDI_CREATEVIDEODECODEROUTPUTVIEW, PFND3D11_1DDI_CRYPTOSESSIONGETHANDLE, PFND3D11_1DDI_DECRYPTIONBLT,
    PFND3D11_1DDI_DESTROYAUTHENTICATEDCHANNEL, PFND3D11_1DDI_DESTROYCRYPTOSESSION, PFND3D11_1DDI_DESTROYVIDEODECODER,
    PFND3D11_1DDI_DESTROYVIDEODECODEROUTPUTVIEW, PFND3D11_1DDI_ENCRYPTIONBLT, PFND3D11_1DDI_FINISHSESSIONKEYREFRESH,
    PFND3D11_1DDI_GETCERTIFICATE, PFND3D11_1DDI_GETCERTIFICATESIZE, PFND3D11_1DDI_GETCONTENTPROTECTIONCAPS,
    PFND3D11_1DDI_GETCRYPTOKEYEXCHANGETYPE, PFND3D11_1DDI_GETENCRYPTIONBLTKEY,
    PFND3D11_1DDI_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE, PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE,
    PFND3D11_1DDI_QUERYAUTHENTICATEDCHANNEL, PFND3D11_1DDI_STARTSESSIONKEYREFRESH,
    PFND3D11_1DDI_VIDEODECODERBEGINFRAME, PFND3D11_1DDI_VIDEODECODERENDFRAME, PFND3D11_1DDI_VIDEODECODERGETHANDLE,
    PFND3D11_1DDI_VIDEODECODERSUBMITBUFFERS, PFND3DWDDM2_0DDI_CHECKCRYPTOSESSIONSTATUS,
    PFND3DWDDM2_0DDI_GETCRYPTOSESSIONPRIVATEDATASIZE, PFND3DWDDM2_0DDI_GETDATAFORNEWHARDWAREKEY,
    PFND3DWDDM2_0DDI_VIDEODECODERSUBMITBUFFERS1, PFND3DWDDM2_4DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE,
    PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME, PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME_RS4_0,
    PFND3DWDDM2_4DDI_VIDEODECODERSUBMITBUFFERS,
};

use crate::HResult;

/// The content-protection entries that a driver filled in, and those of decoders and their frames, whatever table they came
/// from.
///
/// An entry is `None` when the driver left it empty or its table has no place for it.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)] // one field per entry, named and documented in softcp-abi
pub struct FunctionTable {
    /// The sub-device whose table this is: 2, 3, 5, 6 or 7.
    pub sub_device_id: u32,
    pub calc_private_video_decoder_size: PFND3D11_1DDI_CALCPRIVATEVIDEODECODERSIZE,
    pub create_video_decoder: PFND3D11_1DDI_CREATEVIDEODECODER,
    pub destroy_video_decoder: PFND3D11_1DDI_DESTROYVIDEODECODER,
    pub video_decoder_begin_frame: PFND3D11_1DDI_VIDEODECODERBEGINFRAME,
    pub video_decoder_begin_frame_rs4: PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME_RS4_0,
    pub video_decoder_begin_frame_2_4: PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME,
    pub video_decoder_end_frame: PFND3D11_1DDI_VIDEODECODERENDFRAME,
    pub video_decoder_submit_buffers: PFND3D11_1DDI_VIDEODECODERSUBMITBUFFERS,
    pub calc_private_video_decoder_output_view_size: PFND3D11_1DDI_CALCPRIVATEVIDEODECODEROUTPUTVIEWSIZE,
    pub create_video_decoder_output_view: PFND3D11_1DDI_CREATEVIDEODECODEROUTPUTVIEW,
    pub destroy_video_decoder_output_view: PFND3D11_1DDI_DESTROYVIDEODECODEROUTPUTVIEW,
    pub get_content_protection_caps: PFND3D11_1DDI_GETCONTENTPROTECTIONCAPS,
    pub get_crypto_key_exchange_type: PFND3D11_1DDI_GETCRYPTOKEYEXCHANGETYPE,
    pub calc_private_crypto_session_size: PFND3D11_1DDI_CALCPRIVATECRYPTOSESSIONSIZE,
    pub create_crypto_session: PFND3D11_1DDI_CREATECRYPTOSESSION,
    pub destroy_crypto_session: PFND3D11_1DDI_DESTROYCRYPTOSESSION,
    pub get_certificate_size: PFND3D11_1DDI_GETCERTIFICATESIZE,
    pub get_certificate: PFND3D11_1DDI_GETCERTIFICATE,
    pub negotiate_crypto_session_key_exchange: PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE,
    pub encryption_blt: PFND3D11_1DDI_ENCRYPTIONBLT,
    pub decryption_blt: PFND3D11_1DDI_DECRYPTIONBLT,
    pub start_session_key_refresh: PFND3D11_1DDI_STARTSESSIONKEYREFRESH,
    pub finish_session_key_refresh: PFND3D11_1DDI_FINISHSESSIONKEYREFRESH,
    pub get_encryption_blt_key: PFND3D11_1DDI_GETENCRYPTIONBLTKEY,
    pub calc_private_authenticated_channel_size: PFND3D11_1DDI_CALCPRIVATEAUTHENTICATEDCHANNELSIZE,
    pub create_authenticated_channel: PFND3D11_1DDI_CREATEAUTHENTICATEDCHANNEL,
    pub destroy_authenticated_channel: PFND3D11_1DDI_DESTROYAUTHENTICATEDCHANNEL,
    pub negotiate_authenticated_channel_key_exchange: PFND3D11_1DDI_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE,
    pub query_authenticated_channel: PFND3D11_1DDI_QUERYAUTHENTICATEDCHANNEL,
    pub configure_authenticated_channel: PFND3D11_1DDI_CONFIGUREAUTHENTICATEDCHANNEL,
    pub video_decoder_get_handle: PFND3D11_1DDI_VIDEODECODERGETHANDLE,
    pub crypto_session_get_handle: PFND3D11_1DDI_CRYPTOSESSIONGETHANDLE,
    pub get_data_for_new_hardware_key: PFND3DWDDM2_0DDI_GETDATAFORNEWHARDWAREKEY,
    pub check_crypto_session_status: PFND3DWDDM2_0DDI_CHECKCRYPTOSESSIONSTATUS,
    pub video_decoder_submit_buffers_1: PFND3DWDDM2_0DDI_VIDEODECODERSUBMITBUFFERS1,
    pub video_decoder_submit_buffers_2: PFND3DWDDM2_4DDI_VIDEODECODERSUBMITBUFFERS,
    pub get_crypto_session_private_data_size: PFND3DWDDM2_0DDI_GETCRYPTOSESSIONPRIVATEDATASIZE,
    pub negotiate_crypto_session_key_exchange_mt: PFND3DWDDM2_4DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE,
}

/// The entry of a table that has it, and with this type, or none.
macro_rules! later {
    (some, $entry:expr) => {
        $entry
    };
    (none, $entry:expr) => {
        None
    };
}

/// The entries that every table has, and those that came with later driver models.
macro_rules! collect {
    (
        $table:expr, $id:expr, wddm2_0: $wddm2_0:ident, wddm2_4: $wddm2_4:ident,
        frame: [$frame:ident, $frame_rs4:ident, $frame_2_4:ident], buffers: [$buffers_1:ident, $buffers_2:ident]
    ) => {
        FunctionTable {
            sub_device_id: $id,
            calc_private_video_decoder_size: $table.pfnCalcPrivateVideoDecoderSize,
            create_video_decoder: $table.pfnCreateVideoDecoder,
            destroy_video_decoder: $table.pfnDestroyVideoDecoder,
            video_decoder_begin_frame: later!($frame, $table.pfnVideoDecoderBeginFrame),
            video_decoder_begin_frame_rs4: later!($frame_rs4, $table.pfnVideoDecoderBeginFrame),
            video_decoder_begin_frame_2_4: later!($frame_2_4, $table.pfnVideoDecoderBeginFrame),
            video_decoder_end_frame: $table.pfnVideoDecoderEndFrame,
            video_decoder_submit_buffers: $table.pfnVideoDecoderSubmitBuffers,
            calc_private_video_decoder_output_view_size: $table.pfnCalcPrivateVideoDecoderOutputViewSize,
            create_video_decoder_output_view: $table.pfnCreateVideoDecoderOutputView,
            destroy_video_decoder_output_view: $table.pfnDestroyVideoDecoderOutputView,
            get_content_protection_caps: $table.pfnGetContentProtectionCaps,
            get_crypto_key_exchange_type: $table.pfnGetCryptoKeyExchangeType,
            calc_private_crypto_session_size: $table.pfnCalcPrivateCryptoSessionSize,
            create_crypto_session: $table.pfnCreateCryptoSession,
            destroy_crypto_session: $table.pfnDestroyCryptoSession,
            get_certificate_size: $table.pfnGetCertificateSize,
            get_certificate: $table.pfnGetCertificate,
            negotiate_crypto_session_key_exchange: $table.pfnNegotiateCryptoSessionKeyExchange,
            encryption_blt: $table.pfnEncryptionBlt,
            decryption_blt: $table.pfnDecryptionBlt,
            start_session_key_refresh: $table.pfnStartSessionKeyRefresh,
            finish_session_key_refresh: $table.pfnFinishSessionKeyRefresh,
            get_encryption_blt_key: $table.pfnGetEncryptionBltKey,
            calc_private_authenticated_channel_size: $table.pfnCalcPrivateAuthenticatedChannelSize,
            create_authenticated_channel: $table.pfnCreateAuthenticatedChannel,
            destroy_authenticated_channel: $table.pfnDestroyAuthenticatedChannel,
            negotiate_authenticated_channel_key_exchange: $table.pfnNegotiateAuthenticatedChannelKeyExchange,
            query_authenticated_channel: $table.pfnQueryAuthenticatedChannel,
            configure_authenticated_channel: $table.pfnConfigureAuthenticatedChannel,
            video_decoder_get_handle: $table.pfnVideoDecoderGetHandle,
            crypto_session_get_handle: $table.pfnCryptoSessionGetHandle,
            get_data_for_new_hardware_key: later!($wddm2_0, $table.pfnGetDataForNewHardwareKey),
            check_crypto_session_status: later!($wddm2_0, $table.pfnCheckCryptoSessionStatus),
            video_decoder_submit_buffers_1: later!($buffers_1, $table.pfnVideoDecoderSubmitBuffers1),
            video_decoder_submit_buffers_2: later!($buffers_2, $table.pfnVideoDecoderSubmitBuffers2),
            get_crypto_session_private_data_size: later!($wddm2_0, $table.pfnGetCryptoSessionPrivateDataSize),
            negotiate_crypto_session_key_exchange_mt: later!($wddm2_4, $table.pfnNegotiateCryptoSessionKeyExchangeMT),
        }
    };
}

impl FunctionTable {
    /// Has `retrieve(size in bytes, table)` fill the table of a sub-device, and collects its entries.
    ///
    /// `E_INVALIDARG` for a number that is no video sub-device.
    pub(crate) fn retrieve(
        sub_device_id: u32,
        retrieve: impl FnOnce(usize, *mut c_void) -> HResult,
    ) -> Result<Self, HResult> {
        match sub_device_id {
            D3D11_1DDI_VIDEO_FUNCTIONS => {
                let table = fill::<D3D11_1DDI_VIDEODEVICEFUNCS>(retrieve)?;
                Ok(collect!(
                    table, sub_device_id, wddm2_0: none, wddm2_4: none, frame: [some, none, none], buffers: [none, none]
                ))
            }
            D3DWDDM2_0DDI_VIDEO_FUNCTIONS => {
                let table = fill::<D3DWDDM2_0DDI_VIDEODEVICEFUNCS>(retrieve)?;
                Ok(collect!(
                    table, sub_device_id, wddm2_0: some, wddm2_4: none, frame: [some, none, none], buffers: [some, none]
                ))
            }
            D3DWDDM2_1DDI_VIDEO_FUNCTIONS => {
                let table = fill::<D3DWDDM2_1DDI_VIDEODEVICEFUNCS>(retrieve)?;
                Ok(collect!(
                    table, sub_device_id, wddm2_0: some, wddm2_4: none, frame: [some, none, none], buffers: [some, none]
                ))
            }
            D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0 => {
                let table = fill::<D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0>(retrieve)?;
                Ok(collect!(
                    table, sub_device_id, wddm2_0: some, wddm2_4: none, frame: [none, some, none], buffers: [none, some]
                ))
            }
            D3DWDDM2_4DDI_VIDEO_FUNCTIONS => {
                let table = fill::<D3DWDDM2_4DDI_VIDEODEVICEFUNCS>(retrieve)?;
                Ok(collect!(
                    table, sub_device_id, wddm2_0: some, wddm2_4: some, frame: [none, none, some], buffers: [none, some]
                ))
            }
            _ => Err(HResult(E_INVALIDARG)),
        }
    }
}

/// An empty table after `retrieve` filled it.
fn fill<T: Default>(retrieve: impl FnOnce(usize, *mut c_void) -> HResult) -> Result<T, HResult> {
    let mut table = T::default();
    let hresult = retrieve(size_of::<T>(), std::ptr::from_mut(&mut table).cast());
    if hresult.is_ok() { Ok(table) } else { Err(hresult) }
}
