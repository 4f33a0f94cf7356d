//! Structures of video decoders: what kind to create, and how encrypted buffers reach one.

use core::ffi::c_void;

use crate::{
    crypto_session::D3D11_ENCRYPTED_BLOCK_INFO,
    guid::GUID,
    handle::{D3D10DDI_HRESOURCE, D3D11_1DDI_HCRYPTOSESSION, D3D11_1DDI_HVIDEODECODEROUTPUTVIEW},
    types::{BOOL, UINT, UINT64, USHORT},
};

/// What kind of video decoder to create.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_1DDIARG_CREATEVIDEODECODER {
    /// The stream.
    pub Desc: D3D11_1DDI_VIDEO_DECODER_DESC,
    /// How the decoder is fed, and which of its buffers are encrypted.
    pub Config: D3D11_1DDI_VIDEO_DECODER_CONFIG,
}

/// The video stream that a decoder decodes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_VIDEO_DECODER_DESC {
    /// Decode profile.
    pub Guid: GUID,
    /// Width of a frame in pixels.
    pub SampleWidth: UINT,
    /// Height of a frame in pixels.
    pub SampleHeight: UINT,
    /// Format of the surfaces that frames are decoded to: `DXGI_FORMAT`.
    pub OutputFormat: UINT,
}

/// `D3D11_VIDEO_DECODER_DESC` by its DDI name.
pub type D3D11_1DDI_VIDEO_DECODER_DESC = D3D11_VIDEO_DECODER_DESC;

/// How a decoder is fed. Members that say nothing about encryption are those of DXVA 2.0.
///
/// Source: the structure in `d3d10umddi.h` and in `d3d11.h`. Old reference pages give `ConfigMinRenderTargetBuffCount`
/// 32 bits; in the headers it has 16.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_VIDEO_DECODER_CONFIG {
    /// What encrypts bitstream buffers: `GUID_NULL`, `D3D11_CRYPTO_TYPE_AES128_CTR` or
    /// `D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC` for a crypto session's AES-CTR,
    /// `D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS` for its AES-CBC, `D3D11_DECODER_ENCRYPTION_HW_CENC` for a session with
    /// sealed keys, `DXVA_NoEncrypt` for nothing.
    pub guidConfigBitstreamEncryption: GUID,
    /// The same for macroblock control buffers.
    pub guidConfigMBcontrolEncryption: GUID,
    /// The same for residual difference buffers.
    pub guidConfigResidDiffEncryption: GUID,
    /// 1: pictures come as raw bitstream; 0: as macroblock control commands. DXVA has further values for H.264.
    pub ConfigBitstreamRaw: UINT,
    /// 1: macroblock control commands come in raster order.
    pub ConfigMBcontrolRasterOrder: UINT,
    /// 1: residual differences may come from the host in the spatial domain.
    pub ConfigResidDiffHost: UINT,
    /// 1: spatial residuals of predicted pictures have 8 bits; 0: 16 bits.
    pub ConfigSpatialResid8: UINT,
    /// 1: 8-bit overflow blocks are subtracted; 0: added.
    pub ConfigResid8Subtraction: UINT,
    /// 1: the host clips spatial blocks to 8 bits (intra) or 9 bits (other).
    pub ConfigSpatialHost8or9Clipping: UINT,
    /// 1: spatial residuals have their chrominance interleaved.
    pub ConfigSpatialResidInterleaved: UINT,
    /// 1: spatial residuals of intra blocks are unsigned.
    pub ConfigIntraResidUnsigned: UINT,
    /// 1: transform coefficients may come from the host for the decoder's inverse transform.
    pub ConfigResidDiffAccelerator: UINT,
    /// 1: the host does the inverse scan.
    pub ConfigHostInverseScan: UINT,
    /// 1: the inverse transform is the one of H.263 Annex W.
    pub ConfigSpecificIDCT: UINT,
    /// 1: coefficients come in groups of four.
    pub Config4GroupedCoefs: UINT,
    /// Frames that the decoder works on at a time.
    pub ConfigMinRenderTargetBuffCount: USHORT,
    /// Private data of the decoder.
    pub ConfigDecoderSpecific: USHORT,
}

/// `D3D11_VIDEO_DECODER_CONFIG` by its DDI name.
pub type D3D11_1DDI_VIDEO_DECODER_CONFIG = D3D11_VIDEO_DECODER_CONFIG;

/// What a compressed buffer holds, by the DDI's number: the API's `D3D11_VIDEO_DECODER_BUFFER_TYPE` plus one.
///
/// Source: the page of `D3D11_DDI_VIDEO_DECODER_BUFFER_TYPE` in `d3d10umddi.h`, which is another name of this one.
pub type D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE = UINT;

/// Nobody knows.
pub const D3D11_1DDI_VIDEO_DECODER_BUFFER_UNKNOWN: D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE = 0;
/// Picture parameters.
pub const D3D11_1DDI_VIDEO_DECODER_BUFFER_PICTURE_PARAMETERS: D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE = 1;
/// Macroblock control commands.
pub const D3D11_1DDI_VIDEO_DECODER_BUFFER_MACROBLOCK_CONTROL: D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE = 2;
/// Residual differences of blocks.
pub const D3D11_1DDI_VIDEO_DECODER_BUFFER_RESIDUAL_DIFFERENCE: D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE = 3;
/// Control commands of the deblocking filter.
pub const D3D11_1DDI_VIDEO_DECODER_BUFFER_DEBLOCKING_CONTROL: D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE = 4;
/// Matrix of the inverse quantisation.
pub const D3D11_1DDI_VIDEO_DECODER_BUFFER_INVERSE_QUANTIZATION_MATRIX: D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE = 5;
/// Where the slices lie in the bitstream.
pub const D3D11_1DDI_VIDEO_DECODER_BUFFER_SLICE_CONTROL: D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE = 6;
/// Bitstream: the slices.
pub const D3D11_1DDI_VIDEO_DECODER_BUFFER_BITSTREAM: D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE = 7;
/// Motion vectors.
pub const D3D11_1DDI_VIDEO_DECODER_BUFFER_MOTION_VECTOR: D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE = 8;
/// Parameters of film grain.
pub const D3D11_1DDI_VIDEO_DECODER_BUFFER_FILM_GRAIN: D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE = 9;

/// One compressed buffer of a frame, as an application submits it.
///
/// The DDI's structure has one member more: `D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_VIDEO_DECODER_BUFFER_DESC {
    /// Type of the buffer: `D3D11_VIDEO_DECODER_BUFFER_TYPE`.
    pub BufferType: UINT,
    /// Reserved.
    pub BufferIndex: UINT,
    /// Offset of the data in the buffer, in bytes.
    pub DataOffset: UINT,
    /// Size of the data in bytes.
    pub DataSize: UINT,
    /// Address of the first macroblock.
    pub FirstMBaddress: UINT,
    /// Number of macroblocks.
    pub NumMBsInBuffer: UINT,
    /// Reserved.
    pub Width: UINT,
    /// Reserved.
    pub Height: UINT,
    /// Reserved.
    pub Stride: UINT,
    /// Reserved.
    pub ReservedBits: UINT,
    /// First counter block (`D3D11_AES_CTR_IV`), or null when the buffer is clear.
    pub pIV: *mut c_void,
    /// Size in bytes of what `pIV` points to.
    pub IVSize: UINT,
    /// Whether `EncryptedBlockInfo` counts; else the whole buffer is encrypted.
    pub PartialEncryption: BOOL,
    /// Which bytes are encrypted.
    pub EncryptedBlockInfo: D3D11_ENCRYPTED_BLOCK_INFO,
}

/// One compressed buffer of a frame, as a runtime hands it to VideoDecoderSubmitBuffers.
///
/// Source: the structure in `d3d10umddi.h`. It names the resource first, which the API structure does not.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC {
    /// The resource that holds the data.
    pub hResource: D3D10DDI_HRESOURCE,
    /// Type of the buffer.
    pub BufferType: D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE,
    /// Reserved.
    pub BufferIndex: UINT,
    /// Offset of the data in the buffer, in bytes.
    pub DataOffset: UINT,
    /// Size of the data in bytes.
    pub DataSize: UINT,
    /// Address of the first macroblock.
    pub FirstMBaddress: UINT,
    /// Number of macroblocks.
    pub NumMBsInBuffer: UINT,
    /// Reserved.
    pub Width: UINT,
    /// Reserved.
    pub Height: UINT,
    /// Reserved.
    pub Stride: UINT,
    /// Reserved.
    pub ReservedBits: UINT,
    /// First counter block (`D3D11_AES_CTR_IV`), or null when the buffer is clear.
    pub pIV: *mut c_void,
    /// Size in bytes of what `pIV` points to.
    pub IVSize: UINT,
    /// Whether `EncryptedBlockInfo` counts; else the whole buffer is encrypted.
    pub PartialEncryption: BOOL,
    /// Which bytes are encrypted.
    pub EncryptedBlockInfo: D3D11_ENCRYPTED_BLOCK_INFO,
}

/// Session, sealed key and key identifier of a frame, as an application hands them to DecoderBeginFrame.
///
/// The DDI's structure has its members in another order: `D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION {
    /// The session: a COM interface pointer, `ID3D11CryptoSession`.
    pub pCryptoSession: *mut c_void,
    /// Size of the sealed key in bytes.
    pub BlobSize: UINT,
    /// The sealed key.
    pub pBlob: *mut c_void,
    /// Identifier of the key.
    pub pKeyInfoId: *mut GUID,
    /// Size of the private data in bytes.
    pub PrivateDataSize: UINT,
    /// Private data of the driver.
    pub pPrivateData: *mut c_void,
}

/// Session, sealed key and key identifier of a frame, as a runtime hands them to VideoDecoderBeginFrame (WDDM 2.0).
///
/// Source: the structure's page in `d3d10umddi.h`. Its members are not in the API structure's order.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION {
    /// The session.
    pub hCryptoSession: D3D11_1DDI_HCRYPTOSESSION,
    /// The sealed key.
    pub pBlob: *mut c_void,
    /// Size of the sealed key in bytes.
    pub BlobSize: UINT,
    /// Identifier of the key.
    pub pKeyInfoId: *mut GUID,
    /// Private data of the driver.
    pub pPrivateData: *mut c_void,
    /// Size of the private data in bytes.
    pub PrivateDataSize: UINT,
}

/// One subsample (ISO/IEC 23001-7): clear bytes, then encrypted bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK {
    /// Clear bytes.
    pub ClearSize: UINT,
    /// Encrypted bytes that follow.
    pub EncryptedSize: UINT,
}

/// `D3D11_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK` by its DDI name.
pub type D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK = D3D11_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK;

/// What a frame is decoded to, and under which key its buffers are, before WDDM 2.4.
///
/// The tables of WDDM 2.4 have longer structures, which begin alike: `D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0` and
/// `D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME`. Source: the structure's page in `d3d10umddi.h`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_1DDIARG_VIDEODECODERBEGINFRAME {
    /// The view that is decoded to.
    pub hOutputView: D3D11_1DDI_HVIDEODECODEROUTPUTVIEW,
    /// Null: the session key. Else a content key, encrypted with AES-128-ECB under the session key, or for a decoder of
    /// `D3D11_DECODER_ENCRYPTION_HW_CENC`, or of `D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS` (D67), a
    /// `D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION`.
    pub pContentKey: *const c_void,
    /// Size in bytes of what `pContentKey` points to.
    pub ContentKeySize: UINT,
}

/// Where the histogram of one component of a picture goes; zero for none (WDDM 2.4, RS4).
///
/// Source: the structure's page in `d3d10umddi.h` for the members, the header of SDK 10.0.22000 for their types.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3DWDDM2_4DDI_VIDEO_DECODER_HISTOGRAM_RS4_0 {
    /// Where it goes in the buffer, in bytes.
    pub Offset: UINT64,
    /// The buffer; null for none.
    pub hBuffer: D3D10DDI_HRESOURCE,
}

/// What a frame is decoded to, and under which key its buffers are (WDDM 2.4, RS4).
///
/// Source: the structure's page in `d3d10umddi.h`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0 {
    /// The view that is decoded to.
    pub hOutputView: D3D11_1DDI_HVIDEODECODEROUTPUTVIEW,
    /// As in `D3D11_1DDIARG_VIDEODECODERBEGINFRAME`.
    pub pContentKey: *const c_void,
    /// Size in bytes of what `pContentKey` points to.
    pub ContentKeySize: UINT,
    /// A histogram for each component.
    pub Histograms: [D3DWDDM2_4DDI_VIDEO_DECODER_HISTOGRAM_RS4_0; 4],
}

/// Where the histogram of one component of a picture goes; zero for none (WDDM 2.4).
///
/// Source: as of `D3DWDDM2_4DDI_VIDEO_DECODER_HISTOGRAM_RS4_0`, whose offset is wider.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3DWDDM2_4DDI_VIDEO_DECODER_HISTOGRAM {
    /// Where it goes in the buffer, in bytes.
    pub Offset: UINT,
    /// The buffer; null for none.
    pub hBuffer: D3D10DDI_HRESOURCE,
}

/// What a frame is decoded to, and under which key its buffers are (WDDM 2.4).
///
/// Source: the structure's page in `d3d10umddi.h`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME {
    /// The view that is decoded to.
    pub hOutputView: D3D11_1DDI_HVIDEODECODEROUTPUTVIEW,
    /// As in `D3D11_1DDIARG_VIDEODECODERBEGINFRAME`.
    pub pContentKey: *const c_void,
    /// Size in bytes of what `pContentKey` points to.
    pub ContentKeySize: UINT,
    /// A histogram for each component.
    pub Histograms: [D3DWDDM2_4DDI_VIDEO_DECODER_HISTOGRAM; 4],
}

/// One compressed buffer of a frame, as a runtime hands it to VideoDecoderSubmitBuffers1 (WDDM 2.0).
///
/// Source: the structure's page in `d3d10umddi.h`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1 {
    /// The resource that holds the data.
    pub hResource: D3D10DDI_HRESOURCE,
    /// Type of the buffer.
    pub BufferType: D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE,
    /// Offset of the data in the buffer, in bytes.
    pub DataOffset: UINT,
    /// Size of the data in bytes.
    pub DataSize: UINT,
    /// First counter block of AES-CTR (`D3D11_AES_CTR_IV`), or IV of AES-CBC; null when the buffer is clear.
    pub pIV: *mut c_void,
    /// Size in bytes of what `pIV` points to.
    pub IVSize: UINT,
    /// Which bytes are encrypted; null: all of an encrypted buffer.
    pub pSubSampleMappingBlock: *mut D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK,
    /// Number of subsamples.
    pub SubSampleMappingCount: UINT,
}

/// One compressed buffer of a frame, as a runtime hands it to VideoDecoderSubmitBuffers2 (WDDM 2.4).
///
/// Source: the structure's page in `d3d10umddi.h`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC {
    /// The resource that holds the data.
    pub hResource: D3D10DDI_HRESOURCE,
    /// Type of the buffer.
    pub BufferType: D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE,
    /// Offset of the data in the buffer, in bytes.
    pub DataOffset: UINT,
    /// Size of the data in bytes.
    pub DataSize: UINT,
    /// First counter block of AES-CTR (`D3D11_AES_CTR_IV`), or IV of AES-CBC; null when the buffer is clear.
    pub pIV: *mut c_void,
    /// Size in bytes of what `pIV` points to.
    pub IVSize: UINT,
    /// Which bytes are encrypted; null: all of an encrypted buffer.
    pub pSubSampleMappingBlock: *mut D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK,
    /// Number of subsamples.
    pub SubSampleMappingCount: UINT,
    /// Blocks of 16 bytes that are encrypted in each stripe of an encrypted region (ISO/IEC 23001-7, patterns); both
    /// zero: the whole region.
    pub cBlocksStripeEncrypted: UINT,
    /// Blocks of 16 bytes that follow them in the clear.
    pub cBlocksStripeClear: UINT,
}

/// What resource a view of a decoder's output is made of.
///
/// Source: the structure's page in `d3d10umddi.h`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW {
    /// The resource.
    pub hDrvResource: D3D10DDI_HRESOURCE,
    /// Decode profile of the decoders that use the view.
    pub DecodeProfile: GUID,
    /// Mip level.
    pub MipSlice: UINT,
    /// First element of a texture array.
    pub FirstArraySlice: UINT,
    /// Elements of a texture array.
    pub ArraySize: UINT,
}
