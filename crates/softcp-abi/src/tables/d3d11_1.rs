//! The video function table of Direct3D 11.1, sub-device 2.

use crate::functions::{
    PFND3D10DDI_OPAQUE, PFND3D11_1DDI_CALCPRIVATEAUTHENTICATEDCHANNELSIZE, PFND3D11_1DDI_CALCPRIVATECRYPTOSESSIONSIZE,
    PFND3D11_1DDI_CALCPRIVATEVIDEODECODEROUTPUTVIEWSIZE, PFND3D11_1DDI_CALCPRIVATEVIDEODECODERSIZE,
    PFND3D11_1DDI_CONFIGUREAUTHENTICATEDCHANNEL, PFND3D11_1DDI_CREATEAUTHENTICATEDCHANNEL,
    PFND3D11_1DDI_CREATECRYPTOSESSION, PFND3D11_1DDI_CREATEVIDEODECODER, PFND3D11_1DDI_CREATEVIDEODECODEROUTPUTVIEW,
    PFND3D11_1DDI_CRYPTOSESSIONGETHANDLE, PFND3D11_1DDI_DECRYPTIONBLT, PFND3D11_1DDI_DESTROYAUTHENTICATEDCHANNEL,
    PFND3D11_1DDI_DESTROYCRYPTOSESSION, PFND3D11_1DDI_DESTROYVIDEODECODER, PFND3D11_1DDI_DESTROYVIDEODECODEROUTPUTVIEW,
    PFND3D11_1DDI_ENCRYPTIONBLT, PFND3D11_1DDI_FINISHSESSIONKEYREFRESH, PFND3D11_1DDI_GETCERTIFICATE,
    PFND3D11_1DDI_GETCERTIFICATESIZE, PFND3D11_1DDI_GETCONTENTPROTECTIONCAPS, PFND3D11_1DDI_GETCRYPTOKEYEXCHANGETYPE,
    PFND3D11_1DDI_GETENCRYPTIONBLTKEY, PFND3D11_1DDI_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE,
    PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE, PFND3D11_1DDI_QUERYAUTHENTICATEDCHANNEL,
    PFND3D11_1DDI_STARTSESSIONKEYREFRESH, PFND3D11_1DDI_VIDEODECODERBEGINFRAME, PFND3D11_1DDI_VIDEODECODERENDFRAME,
    PFND3D11_1DDI_VIDEODECODERGETHANDLE, PFND3D11_1DDI_VIDEODECODERSUBMITBUFFERS,
};

/// Video device functions of Direct3D 11.1: 81 entries, sub-device 2 of RetrieveSubObject.
///
/// Zero (`default`) means that no entry is offered. Source: `D3D11_1DDI_VIDEODEVICEFUNCS` of `d3d10umddi.h`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_1DDI_VIDEODEVICEFUNCS {
    /// Slot 0: GetVideoDecoderProfileCount (video decoding), the host driver's.
    pub pfnGetVideoDecoderProfileCount: PFND3D10DDI_OPAQUE,
    /// Slot 1: GetVideoDecoderProfile (video decoding), the host driver's.
    pub pfnGetVideoDecoderProfile: PFND3D10DDI_OPAQUE,
    /// Slot 2: CheckVideoDecoderFormat (video decoding), the host driver's.
    pub pfnCheckVideoDecoderFormat: PFND3D10DDI_OPAQUE,
    /// Slot 3: GetVideoDecoderConfigCount (video decoding), the host driver's.
    pub pfnGetVideoDecoderConfigCount: PFND3D10DDI_OPAQUE,
    /// Slot 4: GetVideoDecoderConfig (video decoding), the host driver's.
    pub pfnGetVideoDecoderConfig: PFND3D10DDI_OPAQUE,
    /// Slot 5: GetVideoDecoderBufferTypeCount (video decoding), the host driver's.
    pub pfnGetVideoDecoderBufferTypeCount: PFND3D10DDI_OPAQUE,
    /// Slot 6: GetVideoDecoderBufferInfo (video decoding), the host driver's.
    pub pfnGetVideoDecoderBufferInfo: PFND3D10DDI_OPAQUE,
    /// Slot 7: CalcPrivateVideoDecoderSize (video decoding), the host driver's.
    pub pfnCalcPrivateVideoDecoderSize: PFND3D11_1DDI_CALCPRIVATEVIDEODECODERSIZE,
    /// Slot 8: CreateVideoDecoder (video decoding), the host driver's.
    pub pfnCreateVideoDecoder: PFND3D11_1DDI_CREATEVIDEODECODER,
    /// Slot 9: DestroyVideoDecoder (video decoding), the host driver's.
    pub pfnDestroyVideoDecoder: PFND3D11_1DDI_DESTROYVIDEODECODER,
    /// Slot 10: VideoDecoderExtension (video decoding), the host driver's.
    pub pfnVideoDecoderExtension: PFND3D10DDI_OPAQUE,
    /// Slot 11: VideoDecoderBeginFrame (video decoding), the host driver's.
    pub pfnVideoDecoderBeginFrame: PFND3D11_1DDI_VIDEODECODERBEGINFRAME,
    /// Slot 12: VideoDecoderEndFrame (video decoding), the host driver's.
    pub pfnVideoDecoderEndFrame: PFND3D11_1DDI_VIDEODECODERENDFRAME,
    /// Slot 13: VideoDecoderSubmitBuffers (video decoding), the host driver's.
    pub pfnVideoDecoderSubmitBuffers: PFND3D11_1DDI_VIDEODECODERSUBMITBUFFERS,
    /// Slot 14: CalcPrivateVideoProcessorEnumSize (video processing), the host driver's.
    pub pfnCalcPrivateVideoProcessorEnumSize: PFND3D10DDI_OPAQUE,
    /// Slot 15: CreateVideoProcessorEnum (video processing), the host driver's.
    pub pfnCreateVideoProcessorEnum: PFND3D10DDI_OPAQUE,
    /// Slot 16: DestroyVideoProcessorEnum (video processing), the host driver's.
    pub pfnDestroyVideoProcessorEnum: PFND3D10DDI_OPAQUE,
    /// Slot 17: CheckVideoProcessorFormat (video processing), the host driver's.
    pub pfnCheckVideoProcessorFormat: PFND3D10DDI_OPAQUE,
    /// Slot 18: GetVideoProcessorCaps (video processing), the host driver's.
    pub pfnGetVideoProcessorCaps: PFND3D10DDI_OPAQUE,
    /// Slot 19: GetVideoProcessorRateConversionCaps (video processing), the host driver's.
    pub pfnGetVideoProcessorRateConversionCaps: PFND3D10DDI_OPAQUE,
    /// Slot 20: GetVideoProcessorCustomRate (video processing), the host driver's.
    pub pfnGetVideoProcessorCustomRate: PFND3D10DDI_OPAQUE,
    /// Slot 21: GetVideoProcessorFilterRange (video processing), the host driver's.
    pub pfnGetVideoProcessorFilterRange: PFND3D10DDI_OPAQUE,
    /// Slot 22: CalcPrivateVideoProcessorSize (video processing), the host driver's.
    pub pfnCalcPrivateVideoProcessorSize: PFND3D10DDI_OPAQUE,
    /// Slot 23: CreateVideoProcessor (video processing), the host driver's.
    pub pfnCreateVideoProcessor: PFND3D10DDI_OPAQUE,
    /// Slot 24: DestroyVideoProcessor (video processing), the host driver's.
    pub pfnDestroyVideoProcessor: PFND3D10DDI_OPAQUE,
    /// Slot 25: VideoProcessorSetOutputTargetRect (video processing), the host driver's.
    pub pfnVideoProcessorSetOutputTargetRect: PFND3D10DDI_OPAQUE,
    /// Slot 26: VideoProcessorSetOutputBackgroundColor (video processing), the host driver's.
    pub pfnVideoProcessorSetOutputBackgroundColor: PFND3D10DDI_OPAQUE,
    /// Slot 27: VideoProcessorSetOutputColorSpace (video processing), the host driver's.
    pub pfnVideoProcessorSetOutputColorSpace: PFND3D10DDI_OPAQUE,
    /// Slot 28: VideoProcessorSetOutputAlphaFillMode (video processing), the host driver's.
    pub pfnVideoProcessorSetOutputAlphaFillMode: PFND3D10DDI_OPAQUE,
    /// Slot 29: VideoProcessorSetOutputConstriction (video processing), the host driver's.
    pub pfnVideoProcessorSetOutputConstriction: PFND3D10DDI_OPAQUE,
    /// Slot 30: VideoProcessorSetOutputStereoMode (video processing), the host driver's.
    pub pfnVideoProcessorSetOutputStereoMode: PFND3D10DDI_OPAQUE,
    /// Slot 31: VideoProcessorSetOutputExtension (video processing), the host driver's.
    pub pfnVideoProcessorSetOutputExtension: PFND3D10DDI_OPAQUE,
    /// Slot 32: VideoProcessorGetOutputExtension (video processing), the host driver's.
    pub pfnVideoProcessorGetOutputExtension: PFND3D10DDI_OPAQUE,
    /// Slot 33: VideoProcessorSetStreamFrameFormat (video processing), the host driver's.
    pub pfnVideoProcessorSetStreamFrameFormat: PFND3D10DDI_OPAQUE,
    /// Slot 34: VideoProcessorSetStreamColorSpace (video processing), the host driver's.
    pub pfnVideoProcessorSetStreamColorSpace: PFND3D10DDI_OPAQUE,
    /// Slot 35: VideoProcessorSetStreamOutputRate (video processing), the host driver's.
    pub pfnVideoProcessorSetStreamOutputRate: PFND3D10DDI_OPAQUE,
    /// Slot 36: VideoProcessorSetStreamSourceRect (video processing), the host driver's.
    pub pfnVideoProcessorSetStreamSourceRect: PFND3D10DDI_OPAQUE,
    /// Slot 37: VideoProcessorSetStreamDestRect (video processing), the host driver's.
    pub pfnVideoProcessorSetStreamDestRect: PFND3D10DDI_OPAQUE,
    /// Slot 38: VideoProcessorSetStreamAlpha (video processing), the host driver's.
    pub pfnVideoProcessorSetStreamAlpha: PFND3D10DDI_OPAQUE,
    /// Slot 39: VideoProcessorSetStreamPalette (video processing), the host driver's.
    pub pfnVideoProcessorSetStreamPalette: PFND3D10DDI_OPAQUE,
    /// Slot 40: VideoProcessorSetStreamPixelAspectRatio (video processing), the host driver's.
    pub pfnVideoProcessorSetStreamPixelAspectRatio: PFND3D10DDI_OPAQUE,
    /// Slot 41: VideoProcessorSetStreamLumaKey (video processing), the host driver's.
    pub pfnVideoProcessorSetStreamLumaKey: PFND3D10DDI_OPAQUE,
    /// Slot 42: VideoProcessorSetStreamStereoFormat (video processing), the host driver's.
    pub pfnVideoProcessorSetStreamStereoFormat: PFND3D10DDI_OPAQUE,
    /// Slot 43: VideoProcessorSetStreamAutoProcessingMode (video processing), the host driver's.
    pub pfnVideoProcessorSetStreamAutoProcessingMode: PFND3D10DDI_OPAQUE,
    /// Slot 44: VideoProcessorSetStreamFilter (video processing), the host driver's.
    pub pfnVideoProcessorSetStreamFilter: PFND3D10DDI_OPAQUE,
    /// Slot 45: VideoProcessorSetStreamExtension (video processing), the host driver's.
    pub pfnVideoProcessorSetStreamExtension: PFND3D10DDI_OPAQUE,
    /// Slot 46: VideoProcessorGetStreamExtension (video processing), the host driver's.
    pub pfnVideoProcessorGetStreamExtension: PFND3D10DDI_OPAQUE,
    /// Slot 47: VideoProcessorBlt (video processing), the host driver's.
    pub pfnVideoProcessorBlt: PFND3D10DDI_OPAQUE,
    /// Slot 48: CalcPrivateVideoDecoderOutputViewSize (video decoding), the host driver's.
    pub pfnCalcPrivateVideoDecoderOutputViewSize: PFND3D11_1DDI_CALCPRIVATEVIDEODECODEROUTPUTVIEWSIZE,
    /// Slot 49: CreateVideoDecoderOutputView (video decoding), the host driver's.
    pub pfnCreateVideoDecoderOutputView: PFND3D11_1DDI_CREATEVIDEODECODEROUTPUTVIEW,
    /// Slot 50: DestroyVideoDecoderOutputView (video decoding), the host driver's.
    pub pfnDestroyVideoDecoderOutputView: PFND3D11_1DDI_DESTROYVIDEODECODEROUTPUTVIEW,
    /// Slot 51: CalcPrivateVideoProcessorInputViewSize (video processing), the host driver's.
    pub pfnCalcPrivateVideoProcessorInputViewSize: PFND3D10DDI_OPAQUE,
    /// Slot 52: CreateVideoProcessorInputView (video processing), the host driver's.
    pub pfnCreateVideoProcessorInputView: PFND3D10DDI_OPAQUE,
    /// Slot 53: DestroyVideoProcessorInputView (video processing), the host driver's.
    pub pfnDestroyVideoProcessorInputView: PFND3D10DDI_OPAQUE,
    /// Slot 54: CalcPrivateVideoProcessorOutputViewSize (video processing), the host driver's.
    pub pfnCalcPrivateVideoProcessorOutputViewSize: PFND3D10DDI_OPAQUE,
    /// Slot 55: CreateVideoProcessorOutputView (video processing), the host driver's.
    pub pfnCreateVideoProcessorOutputView: PFND3D10DDI_OPAQUE,
    /// Slot 56: DestroyVideoProcessorOutputView (video processing), the host driver's.
    pub pfnDestroyVideoProcessorOutputView: PFND3D10DDI_OPAQUE,
    /// Slot 57: VideoProcessorInputViewReadAfterWriteHazard (video processing), the host driver's.
    pub pfnVideoProcessorInputViewReadAfterWriteHazard: PFND3D10DDI_OPAQUE,
    /// Slot 58: GetContentProtectionCaps.
    pub pfnGetContentProtectionCaps: PFND3D11_1DDI_GETCONTENTPROTECTIONCAPS,
    /// Slot 59: GetCryptoKeyExchangeType.
    pub pfnGetCryptoKeyExchangeType: PFND3D11_1DDI_GETCRYPTOKEYEXCHANGETYPE,
    /// Slot 60: CalcPrivateCryptoSessionSize.
    pub pfnCalcPrivateCryptoSessionSize: PFND3D11_1DDI_CALCPRIVATECRYPTOSESSIONSIZE,
    /// Slot 61: CreateCryptoSession.
    pub pfnCreateCryptoSession: PFND3D11_1DDI_CREATECRYPTOSESSION,
    /// Slot 62: DestroyCryptoSession.
    pub pfnDestroyCryptoSession: PFND3D11_1DDI_DESTROYCRYPTOSESSION,
    /// Slot 63: GetCertificateSize.
    pub pfnGetCertificateSize: PFND3D11_1DDI_GETCERTIFICATESIZE,
    /// Slot 64: GetCertificate.
    pub pfnGetCertificate: PFND3D11_1DDI_GETCERTIFICATE,
    /// Slot 65: NegotiateCryptoSessionKeyExchange.
    pub pfnNegotiateCryptoSessionKeyExchange: PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE,
    /// Slot 66: EncryptionBlt.
    pub pfnEncryptionBlt: PFND3D11_1DDI_ENCRYPTIONBLT,
    /// Slot 67: DecryptionBlt.
    pub pfnDecryptionBlt: PFND3D11_1DDI_DECRYPTIONBLT,
    /// Slot 68: StartSessionKeyRefresh.
    pub pfnStartSessionKeyRefresh: PFND3D11_1DDI_STARTSESSIONKEYREFRESH,
    /// Slot 69: FinishSessionKeyRefresh.
    pub pfnFinishSessionKeyRefresh: PFND3D11_1DDI_FINISHSESSIONKEYREFRESH,
    /// Slot 70: GetEncryptionBltKey.
    pub pfnGetEncryptionBltKey: PFND3D11_1DDI_GETENCRYPTIONBLTKEY,
    /// Slot 71: CalcPrivateAuthenticatedChannelSize.
    pub pfnCalcPrivateAuthenticatedChannelSize: PFND3D11_1DDI_CALCPRIVATEAUTHENTICATEDCHANNELSIZE,
    /// Slot 72: CreateAuthenticatedChannel.
    pub pfnCreateAuthenticatedChannel: PFND3D11_1DDI_CREATEAUTHENTICATEDCHANNEL,
    /// Slot 73: DestroyAuthenticatedChannel.
    pub pfnDestroyAuthenticatedChannel: PFND3D11_1DDI_DESTROYAUTHENTICATEDCHANNEL,
    /// Slot 74: NegotiateAuthenticatedChannelKeyExchange.
    pub pfnNegotiateAuthenticatedChannelKeyExchange: PFND3D11_1DDI_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE,
    /// Slot 75: QueryAuthenticatedChannel.
    pub pfnQueryAuthenticatedChannel: PFND3D11_1DDI_QUERYAUTHENTICATEDCHANNEL,
    /// Slot 76: ConfigureAuthenticatedChannel.
    pub pfnConfigureAuthenticatedChannel: PFND3D11_1DDI_CONFIGUREAUTHENTICATEDCHANNEL,
    /// Slot 77: VideoDecoderGetHandle.
    pub pfnVideoDecoderGetHandle: PFND3D11_1DDI_VIDEODECODERGETHANDLE,
    /// Slot 78: CryptoSessionGetHandle.
    pub pfnCryptoSessionGetHandle: PFND3D11_1DDI_CRYPTOSESSIONGETHANDLE,
    /// Slot 79: VideoProcessorSetStreamRotation (video processing), the host driver's.
    pub pfnVideoProcessorSetStreamRotation: PFND3D10DDI_OPAQUE,
    /// Slot 80: GetCaptureHandle (video capture), the host driver's.
    pub pfnGetCaptureHandle: PFND3D10DDI_OPAQUE,
}
