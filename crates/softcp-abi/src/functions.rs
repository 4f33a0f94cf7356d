//! Types of the entries that a driver offers.
//!
//! Each is nullable: a null entry is not offered. An entry without a return value reports failure through the
//! host's error callback (D20). Calling convention: `APIENTRY`, here `extern "system"`.

use core::ffi::c_void;

use crate::{
    authenticated_channel::D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL,
    caps::D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS,
    certificate::D3D11_1DDI_CERTIFICATE_INFO,
    configure::D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT,
    crypto_session::{
        D3D11_1DDI_ENCRYPTED_BLOCK_INFO, D3D11_1DDIARG_CREATECRYPTOSESSION, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS,
        D3DWDDM2_4DDI_CRYPTO_SESSION_KEY_EXCHANGE_FLAGS,
    },
    decoder::{
        D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC, D3D11_1DDIARG_CREATEVIDEODECODER,
        D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW, D3D11_1DDIARG_VIDEODECODERBEGINFRAME,
        D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1, D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC,
        D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME, D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0,
    },
    guid::GUID,
    handle::{
        D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE, D3D11_1DDI_HAUTHCHANNEL, D3D11_1DDI_HCRYPTOSESSION, D3D11_1DDI_HDECODE,
        D3D11_1DDI_HRTAUTHCHANNEL, D3D11_1DDI_HRTCRYPTOSESSION, D3D11_1DDI_HRTDECODE,
        D3D11_1DDI_HRTVIDEODECODEROUTPUTVIEW, D3D11_1DDI_HVIDEODECODEROUTPUTVIEW,
    },
    hresult::HRESULT,
    types::{BOOL, BYTE, HANDLE, SIZE_T, UINT, UINT64},
};

/// An entry that has nothing to do with content protection; its parameters are the host driver's affair.
pub type PFND3D10DDI_OPAQUE = Option<unsafe extern "system" fn()>;

/// Bytes of private memory that the caller provides for a decoder. Never fails.
pub type PFND3D11_1DDI_CALCPRIVATEVIDEODECODERSIZE = Option<
    unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, pDecoder: *const D3D11_1DDIARG_CREATEVIDEODECODER) -> SIZE_T,
>;

/// Creates a video decoder: S_OK, D3DDDIERR_DEVICEREMOVED or E_OUTOFMEMORY.
///
/// The caller owns the memory of `hDecoder` and keeps it in place until the decoder is destroyed.
pub type PFND3D11_1DDI_CREATEVIDEODECODER = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateData: *const D3D11_1DDIARG_CREATEVIDEODECODER,
        hDecoder: D3D11_1DDI_HDECODE,
        hRTDecode: D3D11_1DDI_HRTDECODE,
    ) -> HRESULT,
>;

/// Destroys a video decoder. The caller may free its memory afterwards.
pub type PFND3D11_1DDI_DESTROYVIDEODECODER =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hDecoder: D3D11_1DDI_HDECODE)>;

/// Before WDDM 2.4: begins a frame: S_OK or E_OUTOFMEMORY. Frames do not nest.
pub type PFND3D11_1DDI_VIDEODECODERBEGINFRAME = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hDecoder: D3D11_1DDI_HDECODE,
        pBeginFrame: *const D3D11_1DDIARG_VIDEODECODERBEGINFRAME,
    ) -> HRESULT,
>;

/// WDDM 2.4 (RS4): begins a frame, with histograms: S_OK or E_OUTOFMEMORY. Frames do not nest.
pub type PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME_RS4_0 = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hDecode: D3D11_1DDI_HDECODE,
        pBeginFrame: *const D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0,
    ) -> HRESULT,
>;

/// WDDM 2.4: begins a frame, with histograms: S_OK or E_OUTOFMEMORY. Frames do not nest.
pub type PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hDecode: D3D11_1DDI_HDECODE,
        pBeginFrame: *const D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME,
    ) -> HRESULT,
>;

/// Ends a frame: all its buffers have been submitted.
pub type PFND3D11_1DDI_VIDEODECODERENDFRAME =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hDecoder: D3D11_1DDI_HDECODE)>;

/// Submits compressed buffers of a frame: S_OK or E_OUTOFMEMORY.
pub type PFND3D11_1DDI_VIDEODECODERSUBMITBUFFERS = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hDecoder: D3D11_1DDI_HDECODE,
        BufferCount: UINT,
        pBufferDesc: *const D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC,
    ) -> HRESULT,
>;

/// WDDM 2.0: submits compressed buffers of a frame, with subsamples: S_OK or E_OUTOFMEMORY.
pub type PFND3DWDDM2_0DDI_VIDEODECODERSUBMITBUFFERS1 = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hDecode: D3D11_1DDI_HDECODE,
        BufferCount: UINT,
        pBufferDesc: *const D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1,
    ) -> HRESULT,
>;

/// WDDM 2.4: submits compressed buffers of a frame, with subsamples and stripes: S_OK or E_OUTOFMEMORY.
pub type PFND3DWDDM2_4DDI_VIDEODECODERSUBMITBUFFERS = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hDecode: D3D11_1DDI_HDECODE,
        BufferCount: UINT,
        pBufferDesc: *const D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC,
    ) -> HRESULT,
>;

/// Bytes of private memory that the caller provides for a decoder's output view. Never fails.
pub type PFND3D11_1DDI_CALCPRIVATEVIDEODECODEROUTPUTVIEWSIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateData: *const D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW,
    ) -> SIZE_T,
>;

/// Creates a decoder's output view: S_OK, D3DDDIERR_DEVICEREMOVED or E_OUTOFMEMORY.
///
/// The caller owns the memory of `hView` and keeps it in place until the view is destroyed.
pub type PFND3D11_1DDI_CREATEVIDEODECODEROUTPUTVIEW = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateData: *const D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW,
        hView: D3D11_1DDI_HVIDEODECODEROUTPUTVIEW,
        hRTView: D3D11_1DDI_HRTVIDEODECODEROUTPUTVIEW,
    ) -> HRESULT,
>;

/// Destroys a decoder's output view. The caller may free its memory afterwards.
pub type PFND3D11_1DDI_DESTROYVIDEODECODEROUTPUTVIEW =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hView: D3D11_1DDI_HVIDEODECODEROUTPUTVIEW)>;

/// What the driver offers for a crypto type and decode profile: S_OK or D3DERR_UNSUPPORTEDCRYPTO.
pub type PFND3D11_1DDI_GETCONTENTPROTECTIONCAPS = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCryptoType: *const GUID,
        pDecodeProfile: *const GUID,
        pCaps: *mut D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS,
    ) -> HRESULT,
>;

/// The key exchange type at an index: S_OK, or E_INVALIDARG past the last one (D27).
pub type PFND3D11_1DDI_GETCRYPTOKEYEXCHANGETYPE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCryptoType: *const GUID,
        pDecodeProfile: *const GUID,
        Index: UINT,
        pKeyExchangeType: *mut GUID,
    ) -> HRESULT,
>;

/// Bytes of private memory that the caller provides for a session. Never fails.
pub type PFND3D11_1DDI_CALCPRIVATECRYPTOSESSIONSIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateData: *const D3D11_1DDIARG_CREATECRYPTOSESSION,
    ) -> SIZE_T,
>;

/// Creates a session: S_OK, D3DDDIERR_DEVICEREMOVED, D3DDDIERR_UNSUPPORTEDCRYPTO or E_OUTOFMEMORY.
///
/// The caller owns the memory of `hCryptoSession` and keeps it in place until the session is destroyed.
pub type PFND3D11_1DDI_CREATECRYPTOSESSION = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateData: *const D3D11_1DDIARG_CREATECRYPTOSESSION,
        hCryptoSession: D3D11_1DDI_HCRYPTOSESSION,
        hRTCryptoSession: D3D11_1DDI_HRTCRYPTOSESSION,
    ) -> HRESULT,
>;

/// Destroys a session. The caller may free its memory afterwards.
pub type PFND3D11_1DDI_DESTROYCRYPTOSESSION =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hCryptoSession: D3D11_1DDI_HCRYPTOSESSION)>;

/// Size of a certificate in bytes; zero when there is none (D30).
pub type PFND3D11_1DDI_GETCERTIFICATESIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCertificateInfo: *const D3D11_1DDI_CERTIFICATE_INFO,
        pCertificateSize: *mut UINT,
    ),
>;

/// Writes a certificate chain (D13) into the caller's buffer.
pub type PFND3D11_1DDI_GETCERTIFICATE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCertificateInfo: *const D3D11_1DDI_CERTIFICATE_INFO,
        CertificateSize: UINT,
        pCertificate: *mut BYTE,
    ),
>;

/// Takes the session key, encrypted to the certificate: S_OK, E_INVALIDARG or E_OUTOFMEMORY.
///
/// RSAES-OAEP data is 256 bytes. With HW_PROTECTION it is a `D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA`.
pub type PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hCryptoSession: D3D11_1DDI_HCRYPTOSESSION,
        DataSize: UINT,
        pData: *mut c_void,
    ) -> HRESULT,
>;

/// `PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE` as `d3d10umddi.h` spells it.
pub type PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYESCHANGE = PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE;

/// Encrypts a protected surface into system memory and writes the IV it used to `pIV` (D11, D26).
pub type PFND3D11_1DDI_ENCRYPTIONBLT = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hCryptoSession: D3D11_1DDI_HCRYPTOSESSION,
        hSrcResource: D3D10DDI_HRESOURCE,
        hDstResource: D3D10DDI_HRESOURCE,
        IVSize: UINT,
        pIV: *mut c_void,
    ),
>;

/// Decrypts system memory into a protected surface, with the session key or a wrapped content key.
///
/// Null `pEncryptedBlockInfo`: everything is encrypted. Null `pContentKey`: the session key itself.
pub type PFND3D11_1DDI_DECRYPTIONBLT = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hCryptoSession: D3D11_1DDI_HCRYPTOSESSION,
        hSrcResource: D3D10DDI_HRESOURCE,
        hDstResource: D3D10DDI_HRESOURCE,
        pEncryptedBlockInfo: *const D3D11_1DDI_ENCRYPTED_BLOCK_INFO,
        ContentKeySize: UINT,
        pContentKey: *const c_void,
        IVSize: UINT,
        pIV: *const c_void,
    ),
>;

/// Starts a session key refresh: writes a random number of the key's size (D1, D2).
pub type PFND3D11_1DDI_STARTSESSIONKEYREFRESH = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hCryptoSession: D3D11_1DDI_HCRYPTOSESSION,
        RandomNumberSize: UINT,
        pRandomNumber: *mut c_void,
    ),
>;

/// Finishes a session key refresh: from here on the key is the old one XOR the random number (D3).
pub type PFND3D11_1DDI_FINISHSESSIONKEYREFRESH =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hCryptoSession: D3D11_1DDI_HCRYPTOSESSION)>;

/// Makes a new read-back key and writes it, wrapped with the session key.
pub type PFND3D11_1DDI_GETENCRYPTIONBLTKEY = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hCryptoSession: D3D11_1DDI_HCRYPTOSESSION,
        KeySize: UINT,
        pReadbackKey: *mut c_void,
    ),
>;

/// Bytes of private memory that the caller provides for a channel. Never fails.
pub type PFND3D11_1DDI_CALCPRIVATEAUTHENTICATEDCHANNELSIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateData: *const D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL,
    ) -> SIZE_T,
>;

/// Creates a channel and writes its handle into the argument (D25): S_OK, D3DDDIERR_DEVICEREMOVED or E_OUTOFMEMORY.
pub type PFND3D11_1DDI_CREATEAUTHENTICATEDCHANNEL = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCreateData: *mut D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL,
        hAuthChannel: D3D11_1DDI_HAUTHCHANNEL,
        hRTAuthChannel: D3D11_1DDI_HRTAUTHCHANNEL,
    ) -> HRESULT,
>;

/// Destroys a channel. The caller may free its memory afterwards.
pub type PFND3D11_1DDI_DESTROYAUTHENTICATEDCHANNEL =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hAuthChannel: D3D11_1DDI_HAUTHCHANNEL)>;

/// Takes the channel key, encrypted to the certificate: S_OK, E_INVALIDARG or E_OUTOFMEMORY.
pub type PFND3D11_1DDI_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hAuthChannel: D3D11_1DDI_HAUTHCHANNEL,
        DataSize: UINT,
        pData: *mut c_void,
    ) -> HRESULT,
>;

/// Answers a query: S_OK, E_FAIL for an unknown one, E_INVALIDARG or E_OUTOFMEMORY (D17).
pub type PFND3D11_1DDI_QUERYAUTHENTICATEDCHANNEL = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hAuthChannel: D3D11_1DDI_HAUTHCHANNEL,
        InputDataSize: UINT,
        pInputData: *const c_void,
        OutputDataSize: UINT,
        pOutputData: *mut c_void,
    ) -> HRESULT,
>;

/// Carries out a command: S_OK, E_FAIL for an unknown one, E_INVALIDARG or E_OUTOFMEMORY (D14, D15).
pub type PFND3D11_1DDI_CONFIGUREAUTHENTICATEDCHANNEL = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hAuthChannel: D3D11_1DDI_HAUTHCHANNEL,
        InputDataSize: UINT,
        pInputData: *const c_void,
        pOutputData: *mut D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT,
    ) -> HRESULT,
>;

/// Handle of a decoder, as messages of a channel carry it.
pub type PFND3D11_1DDI_VIDEODECODERGETHANDLE = Option<
    unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hDecode: D3D11_1DDI_HDECODE, pHandle: *mut HANDLE) -> HRESULT,
>;

/// Handle of a session, as messages of a channel carry it.
pub type PFND3D11_1DDI_CRYPTOSESSIONGETHANDLE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hCryptoSession: D3D11_1DDI_HCRYPTOSESSION,
        pHandle: *mut HANDLE,
    ) -> HRESULT,
>;

/// WDDM 2.0: data from which the secure environment makes a new hardware key.
pub type PFND3DWDDM2_0DDI_GETDATAFORNEWHARDWAREKEY = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hCryptoSession: D3D11_1DDI_HCRYPTOSESSION,
        PrivateInputSize: UINT,
        pPrivateInputData: *const c_void,
        pPrivateOutputData: *mut UINT64,
    ) -> HRESULT,
>;

/// WDDM 2.0: whether key and content of a session are intact (D23).
pub type PFND3DWDDM2_0DDI_CHECKCRYPTOSESSIONSTATUS = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hCryptoSession: D3D11_1DDI_HCRYPTOSESSION,
        pStatus: *mut D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS,
    ),
>;

/// WDDM 2.0: sizes in bytes of the private data of a HW_PROTECTION key exchange. `pDecoderProfile` may be null.
pub type PFND3DWDDM2_0DDI_GETCRYPTOSESSIONPRIVATEDATASIZE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        pCryptoType: *const GUID,
        pDecoderProfile: *const GUID,
        pKeyExchangeType: *const GUID,
        pPrivateInputSize: *mut UINT,
        pPrivateOutputSize: *mut UINT,
    ),
>;

/// WDDM 2.0, core device table: protects a resource or lifts its protection.
pub type PFND3DWDDM2_0DDI_SETHARDWAREPROTECTION =
    Option<unsafe extern "system" fn(hDevice: D3D10DDI_HDEVICE, hResource: D3D10DDI_HRESOURCE, Protected: BOOL)>;

/// WDDM 2.4: the key exchange of a session, callable from any thread. Slot `pfnNegotiateCryptoSessionKeyExchangeMT`.
pub type PFND3DWDDM2_4DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE = Option<
    unsafe extern "system" fn(
        hDevice: D3D10DDI_HDEVICE,
        hCryptoSession: D3D11_1DDI_HCRYPTOSESSION,
        flags: D3DWDDM2_4DDI_CRYPTO_SESSION_KEY_EXCHANGE_FLAGS,
        DataSize: UINT,
        pData: *mut c_void,
    ) -> HRESULT,
>;
