/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* SoftCP: software content protection for Direct3D 11.1 drivers. DDI entries and the reference driver.
   Generated from the Rust sources; do not edit.

   With the WDK's d3d10umddi.h, include that first and define SOFTCP_HAVE_WDK: then this header defines none of its
   types. Without it, this header brings the part of the DDI that content protection needs, laid out as on Windows. */
#ifndef SOFTCP_DDI_H
#define SOFTCP_DDI_H

#include "softcp.h"

/* Calling convention of the DDI's entries. */
#if defined(_WIN32)
#define SOFTCP_APIENTRY __stdcall
#else
#define SOFTCP_APIENTRY
#endif

#ifndef SOFTCP_HAVE_WDK

#ifdef __cplusplus
extern "C" {
#endif

// Sub-device of RetrieveSubObject with the table `D3D11_1DDI_VIDEODEVICEFUNCS`.
#define D3D11_1DDI_VIDEO_FUNCTIONS 2

// Sub-device of RetrieveSubObject with the table `D3DWDDM2_0DDI_VIDEODEVICEFUNCS`.
#define D3DWDDM2_0DDI_VIDEO_FUNCTIONS 3

// Sub-device of RetrieveSubObject with the table `D3DWDDM2_1DDI_VIDEODEVICEFUNCS`.
#define D3DWDDM2_1DDI_VIDEO_FUNCTIONS 5

// Sub-device of RetrieveSubObject with the table `D3DWDDM2_4DDI_VIDEODEVICEFUNCS`.
#define D3DWDDM2_4DDI_VIDEO_FUNCTIONS 6

// Sub-device of RetrieveSubObject with the table `D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0`.
#define D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0 7

// Type of an authenticated channel.
typedef uint32_t D3D11_AUTHENTICATED_CHANNEL_TYPE;

// `D3D11_AUTHENTICATED_CHANNEL_TYPE` by its DDI name.
typedef D3D11_AUTHENTICATED_CHANNEL_TYPE D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE;

// Unsigned 32-bit number.
typedef uint32_t UINT;

// How a process is identified.
typedef uint32_t D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE;

// `D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE` by its DDI name.
typedef D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE D3D11_1DDI_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE;

// Bus type of an adapter, a type in the low bits and a modifier in the high bits.
typedef uint32_t D3D11_BUS_TYPE;

// `D3D11_BUS_TYPE` by its DDI name.
typedef D3D11_BUS_TYPE D3D11_1DDI_BUS_TYPE;

// Capability bits that a driver reports.
typedef uint32_t D3D11_1DDI_CONTENT_PROTECTION_CAPS;

// Capability bits that an application sees.
typedef uint32_t D3D11_CONTENT_PROTECTION_CAPS;

// Whose certificate is asked for.
typedef uint32_t D3D11_1DDI_CERTIFICATE_TYPE;

// Whether a session still has its key and its protected content (D23).
typedef uint32_t D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS;

// `D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS` by its API name.
typedef D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS D3D11_CRYPTO_SESSION_STATUS;

// Flags of the multi-threaded key exchange of WDDM 2.4.
typedef uint32_t D3DWDDM2_4DDI_CRYPTO_SESSION_KEY_EXCHANGE_FLAGS;

// What a compressed buffer holds, by the DDI's number: the API's `D3D11_VIDEO_DECODER_BUFFER_TYPE` plus one.
//
// Source: the page of `D3D11_DDI_VIDEO_DECODER_BUFFER_TYPE` in `d3d10umddi.h`, which is another name of this one.
typedef UINT D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE;

// Result of an entry: negative is a failure.
typedef int32_t HRESULT;

// Truth value of 32 bits: zero is false, anything else true.
typedef int32_t BOOL;

// Opaque handle, of pointer size.
typedef void *HANDLE;

// What kind of authenticated channel to create.
//
// The driver writes `hChannel`; it is an output although the structure is an argument (D25).
typedef struct D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL {
  // `D3D11_1DDI_AUTHENTICATED_CHANNEL_*`.
  D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE ChannelType;
  // Written by the driver: the handle that messages carry; zero when the call fails (D30).
  HANDLE hChannel;
} D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL;

// One byte.
typedef uint8_t BYTE;

// Message authentication code: AES-128 OMAC1, the CMAC of NIST SP 800-38B.
typedef struct D3D11_OMAC {
  // The 16 bytes of the code.
  BYTE Omac[16];
} D3D11_OMAC;

// `D3D11_OMAC` by its DDI name.
typedef struct D3D11_OMAC D3D11_1DDI_OMAC;

// Which protection is asked for or in force.
typedef struct D3D11_AUTHENTICATED_PROTECTION_FLAGS {
  // `D3D11_AUTHENTICATED_PROTECTION_FLAG_*`; other bits are zero.
  //
  // The public header overlays this member with bit fields of the same names.
  UINT Value;
} D3D11_AUTHENTICATED_PROTECTION_FLAGS;

// `D3D11_AUTHENTICATED_PROTECTION_FLAGS` by its DDI name.
typedef struct D3D11_AUTHENTICATED_PROTECTION_FLAGS D3D11_1DDI_AUTHENTICATED_PROTECTION_FLAGS;

// What a driver offers for a crypto type and decode profile.
typedef struct D3D11_VIDEO_CONTENT_PROTECTION_CAPS {
  // Capability bits: `D3D11_1DDI_` and `D3DWDDM2_0DDI_` ones from a driver, `D3D11_` ones for an application.
  UINT Caps;
  // Number of key exchange types; GetCryptoKeyExchangeType lists them by index.
  UINT KeyExchangeTypeCount;
  // Encrypted and clear runs are multiples of this many bytes (D7).
  UINT BlockAlignmentSize;
  // Memory for protected resources in bytes; never zero (D24).
  uint64_t ProtectedMemorySize;
} D3D11_VIDEO_CONTENT_PROTECTION_CAPS;

// `D3D11_VIDEO_CONTENT_PROTECTION_CAPS` by its DDI name.
typedef struct D3D11_VIDEO_CONTENT_PROTECTION_CAPS D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS;

// A globally unique identifier, as Windows lays it out in memory.
//
// The first three members are in the machine's byte order, the last eight bytes as written.
typedef struct GUID {
  // First group of the written form, 8 hexadecimal digits.
  uint32_t Data1;
  // Second group, 4 digits.
  uint16_t Data2;
  // Third group, 4 digits.
  uint16_t Data3;
  // Fourth and fifth group, 16 digits.
  uint8_t Data4[8];
} GUID;

// Second half of `D3D11_1DDI_CERTIFICATE_INFO`, 16 bytes.
typedef union D3D11_1DDI_CERTIFICATE_INFO_U {
  // With `D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL`: the type of the channel.
  D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE ChannelType;
  // With `D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION`: the crypto type of the session.
  struct GUID CryptoSessionType;
} D3D11_1DDI_CERTIFICATE_INFO_U;

// The certificate that is asked for.
typedef struct D3D11_1DDI_CERTIFICATE_INFO {
  // `D3D11_1DDI_CERTIFICATE_TYPE_*`: says which member of `u` counts.
  D3D11_1DDI_CERTIFICATE_TYPE CertificateType;
  // Channel type or crypto type. The union has no name in `d3d10umddi.h`.
  union D3D11_1DDI_CERTIFICATE_INFO_U u;
} D3D11_1DDI_CERTIFICATE_INFO;

// Header of every command.
typedef struct D3D11_AUTHENTICATED_CONFIGURE_INPUT {
  // MAC over every byte that follows it in the whole message, padding included.
  struct D3D11_OMAC omac;
  // The command: `D3D11_AUTHENTICATED_CONFIGURE_*`.
  struct GUID ConfigureType;
  // Handle of the channel.
  HANDLE hChannel;
  // For the first command after INITIALIZE its start number or more, then greater than that of the last command. Not
  // looked at in INITIALIZE.
  UINT SequenceNumber;
} D3D11_AUTHENTICATED_CONFIGURE_INPUT;

// Answer to every command.
typedef struct D3D11_AUTHENTICATED_CONFIGURE_OUTPUT {
  // MAC over every byte that follows it in the whole message, padding included.
  struct D3D11_OMAC omac;
  // The command: `D3D11_AUTHENTICATED_CONFIGURE_*`.
  struct GUID ConfigureType;
  // Handle of the channel.
  HANDLE hChannel;
  // Sequence number of the command.
  UINT SequenceNumber;
  // How the message was received.
  HRESULT ReturnCode;
} D3D11_AUTHENTICATED_CONFIGURE_OUTPUT;

// Command `D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE`: set the first sequence numbers (D16).
typedef struct D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT {
  // Header of the command.
  struct D3D11_AUTHENTICATED_CONFIGURE_INPUT Parameters;
  // First sequence number of the queries.
  UINT StartSequenceQuery;
  // First sequence number of the commands.
  UINT StartSequenceConfigure;
} D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT;

// Command `D3D11_AUTHENTICATED_CONFIGURE_PROTECTION`: switch protection on or off.
typedef struct D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT {
  // Header of the command.
  struct D3D11_AUTHENTICATED_CONFIGURE_INPUT Parameters;
  // The protection to enforce (D19).
  struct D3D11_AUTHENTICATED_PROTECTION_FLAGS Protections;
} D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT;

// Command `D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION`: bind a session to a decoder.
typedef struct D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT {
  // Header of the command.
  struct D3D11_AUTHENTICATED_CONFIGURE_INPUT Parameters;
  // Handle of the decoder.
  HANDLE DecoderHandle;
  // Handle of the crypto session.
  HANDLE CryptoSessionHandle;
  // Handle of the device.
  HANDLE DeviceHandle;
} D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT;

// Command `D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE`: give or take a process's access.
typedef struct D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT {
  // Header of the command.
  struct D3D11_AUTHENTICATED_CONFIGURE_INPUT Parameters;
  // Kind of process.
  D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE ProcessType;
  // The process, when its kind is `HANDLE`.
  HANDLE ProcessHandle;
  // Whether the process may open restricted shared resources.
  BOOL AllowAccess;
} D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT;

// Command `D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE`: choose an encryption type.
typedef struct D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT {
  // Header of the command.
  struct D3D11_AUTHENTICATED_CONFIGURE_INPUT Parameters;
  // Encryption type; `GUID_NULL` is none.
  struct GUID EncryptionGuid;
} D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT;

// `D3D11_AUTHENTICATED_CONFIGURE_INPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_CONFIGURE_INPUT D3D11_1DDI_AUTHENTICATED_CONFIGURE_INPUT;

// `D3D11_AUTHENTICATED_CONFIGURE_OUTPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_CONFIGURE_OUTPUT D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT;

// `D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT D3D11_1DDI_AUTHENTICATED_CONFIGURE_INITIALIZE;

// `D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT D3D11_1DDI_AUTHENTICATED_CONFIGURE_PROTECTION;

// `D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT D3D11_1DDI_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION;

// `D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT D3D11_1DDI_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE;

// `D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT D3D11_1DDI_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION;

// What kind of crypto session to create.
typedef struct D3D11_1DDIARG_CREATECRYPTOSESSION {
  // Crypto type, as `D3D11_CRYPTO_TYPE_AES128_CTR`.
  struct GUID CryptoType;
  // Decode profile; `GUID_NULL` when the session serves no decoder.
  struct GUID DecodeProfile;
  // Key exchange type, as `D3D11_KEY_EXCHANGE_RSAES_OAEP`.
  struct GUID KeyExchangeType;
} D3D11_1DDIARG_CREATECRYPTOSESSION;

// Unsigned 64-bit number. Aligned to 8 bytes on 64-bit systems and on 32-bit Windows.
typedef uint64_t UINT64;

// First counter block of AES-128-CTR, 16 bytes that are used as they lie in memory (D5).
typedef struct D3D11_AES_CTR_IV {
  // Initialisation vector: 8 bytes, big-endian in memory.
  UINT64 IV;
  // Block counter: 8 bytes, big-endian in memory, one more for each 16 bytes, without carry into `IV`.
  UINT64 Count;
} D3D11_AES_CTR_IV;

// `D3D11_AES_CTR_IV` by its DDI name.
typedef struct D3D11_AES_CTR_IV D3D11_1DDI_AES_CTR_IV;

// Which bytes of a buffer are encrypted: a beginning, then a repeated pattern (D6, D7, D8).
typedef struct D3D11_ENCRYPTED_BLOCK_INFO {
  // Bytes encrypted at the beginning of the buffer.
  UINT NumEncryptedBytesAtBeginning;
  // Then, again and again: bytes left clear.
  UINT NumBytesInSkipPattern;
  // And after them: bytes encrypted.
  UINT NumBytesInEncryptPattern;
} D3D11_ENCRYPTED_BLOCK_INFO;

// `D3D11_ENCRYPTED_BLOCK_INFO` by its DDI name.
typedef struct D3D11_ENCRYPTED_BLOCK_INFO D3D11_1DDI_ENCRYPTED_BLOCK_INFO;

// The video stream that a decoder decodes.
typedef struct D3D11_VIDEO_DECODER_DESC {
  // Decode profile.
  struct GUID Guid;
  // Width of a frame in pixels.
  UINT SampleWidth;
  // Height of a frame in pixels.
  UINT SampleHeight;
  // Format of the surfaces that frames are decoded to: `DXGI_FORMAT`.
  UINT OutputFormat;
} D3D11_VIDEO_DECODER_DESC;

// `D3D11_VIDEO_DECODER_DESC` by its DDI name.
typedef struct D3D11_VIDEO_DECODER_DESC D3D11_1DDI_VIDEO_DECODER_DESC;

// Unsigned 16-bit number.
typedef uint16_t USHORT;

// How a decoder is fed. Members that say nothing about encryption are those of DXVA 2.0.
//
// Source: the structure in `d3d10umddi.h` and in `d3d11.h`. Old reference pages give `ConfigMinRenderTargetBuffCount`
// 32 bits; in the headers it has 16.
typedef struct D3D11_VIDEO_DECODER_CONFIG {
  // What encrypts bitstream buffers: `GUID_NULL`, `D3D11_CRYPTO_TYPE_AES128_CTR` or
  // `D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC` for a crypto session's AES-CTR,
  // `D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS` for its AES-CBC, `D3D11_DECODER_ENCRYPTION_HW_CENC` for a session with
  // sealed keys, `DXVA_NoEncrypt` for nothing.
  struct GUID guidConfigBitstreamEncryption;
  // The same for macroblock control buffers.
  struct GUID guidConfigMBcontrolEncryption;
  // The same for residual difference buffers.
  struct GUID guidConfigResidDiffEncryption;
  // 1: pictures come as raw bitstream; 0: as macroblock control commands. DXVA has further values for H.264.
  UINT ConfigBitstreamRaw;
  // 1: macroblock control commands come in raster order.
  UINT ConfigMBcontrolRasterOrder;
  // 1: residual differences may come from the host in the spatial domain.
  UINT ConfigResidDiffHost;
  // 1: spatial residuals of predicted pictures have 8 bits; 0: 16 bits.
  UINT ConfigSpatialResid8;
  // 1: 8-bit overflow blocks are subtracted; 0: added.
  UINT ConfigResid8Subtraction;
  // 1: the host clips spatial blocks to 8 bits (intra) or 9 bits (other).
  UINT ConfigSpatialHost8or9Clipping;
  // 1: spatial residuals have their chrominance interleaved.
  UINT ConfigSpatialResidInterleaved;
  // 1: spatial residuals of intra blocks are unsigned.
  UINT ConfigIntraResidUnsigned;
  // 1: transform coefficients may come from the host for the decoder's inverse transform.
  UINT ConfigResidDiffAccelerator;
  // 1: the host does the inverse scan.
  UINT ConfigHostInverseScan;
  // 1: the inverse transform is the one of H.263 Annex W.
  UINT ConfigSpecificIDCT;
  // 1: coefficients come in groups of four.
  UINT Config4GroupedCoefs;
  // Frames that the decoder works on at a time.
  USHORT ConfigMinRenderTargetBuffCount;
  // Private data of the decoder.
  USHORT ConfigDecoderSpecific;
} D3D11_VIDEO_DECODER_CONFIG;

// `D3D11_VIDEO_DECODER_CONFIG` by its DDI name.
typedef struct D3D11_VIDEO_DECODER_CONFIG D3D11_1DDI_VIDEO_DECODER_CONFIG;

// What kind of video decoder to create.
typedef struct D3D11_1DDIARG_CREATEVIDEODECODER {
  // The stream.
  D3D11_1DDI_VIDEO_DECODER_DESC Desc;
  // How the decoder is fed, and which of its buffers are encrypted.
  D3D11_1DDI_VIDEO_DECODER_CONFIG Config;
} D3D11_1DDIARG_CREATEVIDEODECODER;

// One compressed buffer of a frame, as an application submits it.
//
// The DDI's structure has one member more: `D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC`.
typedef struct D3D11_VIDEO_DECODER_BUFFER_DESC {
  // Type of the buffer: `D3D11_VIDEO_DECODER_BUFFER_TYPE`.
  UINT BufferType;
  // Reserved.
  UINT BufferIndex;
  // Offset of the data in the buffer, in bytes.
  UINT DataOffset;
  // Size of the data in bytes.
  UINT DataSize;
  // Address of the first macroblock.
  UINT FirstMBaddress;
  // Number of macroblocks.
  UINT NumMBsInBuffer;
  // Reserved.
  UINT Width;
  // Reserved.
  UINT Height;
  // Reserved.
  UINT Stride;
  // Reserved.
  UINT ReservedBits;
  // First counter block (`D3D11_AES_CTR_IV`), or null when the buffer is clear.
  void *pIV;
  // Size in bytes of what `pIV` points to.
  UINT IVSize;
  // Whether `EncryptedBlockInfo` counts; else the whole buffer is encrypted.
  BOOL PartialEncryption;
  // Which bytes are encrypted.
  struct D3D11_ENCRYPTED_BLOCK_INFO EncryptedBlockInfo;
} D3D11_VIDEO_DECODER_BUFFER_DESC;

// A resource: texture or buffer.
typedef struct D3D10DDI_HRESOURCE {
  // The driver's private data, in memory that the runtime owns.
  void *pDrvPrivate;
} D3D10DDI_HRESOURCE;

// One compressed buffer of a frame, as a runtime hands it to VideoDecoderSubmitBuffers.
//
// Source: the structure in `d3d10umddi.h`. It names the resource first, which the API structure does not.
typedef struct D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC {
  // The resource that holds the data.
  struct D3D10DDI_HRESOURCE hResource;
  // Type of the buffer.
  D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE BufferType;
  // Reserved.
  UINT BufferIndex;
  // Offset of the data in the buffer, in bytes.
  UINT DataOffset;
  // Size of the data in bytes.
  UINT DataSize;
  // Address of the first macroblock.
  UINT FirstMBaddress;
  // Number of macroblocks.
  UINT NumMBsInBuffer;
  // Reserved.
  UINT Width;
  // Reserved.
  UINT Height;
  // Reserved.
  UINT Stride;
  // Reserved.
  UINT ReservedBits;
  // First counter block (`D3D11_AES_CTR_IV`), or null when the buffer is clear.
  void *pIV;
  // Size in bytes of what `pIV` points to.
  UINT IVSize;
  // Whether `EncryptedBlockInfo` counts; else the whole buffer is encrypted.
  BOOL PartialEncryption;
  // Which bytes are encrypted.
  struct D3D11_ENCRYPTED_BLOCK_INFO EncryptedBlockInfo;
} D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC;

// Session, sealed key and key identifier of a frame, as an application hands them to DecoderBeginFrame.
//
// The DDI's structure has its members in another order: `D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION`.
typedef struct D3D11_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION {
  // The session: a COM interface pointer, `ID3D11CryptoSession`.
  void *pCryptoSession;
  // Size of the sealed key in bytes.
  UINT BlobSize;
  // The sealed key.
  void *pBlob;
  // Identifier of the key.
  struct GUID *pKeyInfoId;
  // Size of the private data in bytes.
  UINT PrivateDataSize;
  // Private data of the driver.
  void *pPrivateData;
} D3D11_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION;

// A crypto session.
typedef struct D3D11_1DDI_HCRYPTOSESSION {
  // The driver's private data: as many bytes as CalcPrivateCryptoSessionSize said, owned by the runtime.
  void *pDrvPrivate;
} D3D11_1DDI_HCRYPTOSESSION;

// Session, sealed key and key identifier of a frame, as a runtime hands them to VideoDecoderBeginFrame (WDDM 2.0).
//
// Source: the structure's page in `d3d10umddi.h`. Its members are not in the API structure's order.
typedef struct D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION {
  // The session.
  struct D3D11_1DDI_HCRYPTOSESSION hCryptoSession;
  // The sealed key.
  void *pBlob;
  // Size of the sealed key in bytes.
  UINT BlobSize;
  // Identifier of the key.
  struct GUID *pKeyInfoId;
  // Private data of the driver.
  void *pPrivateData;
  // Size of the private data in bytes.
  UINT PrivateDataSize;
} D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION;

// One subsample (ISO/IEC 23001-7): clear bytes, then encrypted bytes.
typedef struct D3D11_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK {
  // Clear bytes.
  UINT ClearSize;
  // Encrypted bytes that follow.
  UINT EncryptedSize;
} D3D11_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK;

// `D3D11_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK` by its DDI name.
typedef struct D3D11_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK;

// A view of a resource that a decoder decodes to.
typedef struct D3D11_1DDI_HVIDEODECODEROUTPUTVIEW {
  // The driver's private data: as many bytes as CalcPrivateVideoDecoderOutputViewSize said, owned by the runtime.
  void *pDrvPrivate;
} D3D11_1DDI_HVIDEODECODEROUTPUTVIEW;

// What a frame is decoded to, and under which key its buffers are, before WDDM 2.4.
//
// The tables of WDDM 2.4 have longer structures, which begin alike: `D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0` and
// `D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME`. Source: the structure's page in `d3d10umddi.h`.
typedef struct D3D11_1DDIARG_VIDEODECODERBEGINFRAME {
  // The view that is decoded to.
  struct D3D11_1DDI_HVIDEODECODEROUTPUTVIEW hOutputView;
  // Null: the session key. Else a content key, encrypted with AES-128-ECB under the session key, or for a decoder of
  // `D3D11_DECODER_ENCRYPTION_HW_CENC`, or of `D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS` (D67), a
  // `D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION`.
  const void *pContentKey;
  // Size in bytes of what `pContentKey` points to.
  UINT ContentKeySize;
} D3D11_1DDIARG_VIDEODECODERBEGINFRAME;

// Where the histogram of one component of a picture goes; zero for none (WDDM 2.4, RS4).
//
// Source: the structure's page in `d3d10umddi.h` for the members, the header of SDK 10.0.22000 for their types.
typedef struct D3DWDDM2_4DDI_VIDEO_DECODER_HISTOGRAM_RS4_0 {
  // Where it goes in the buffer, in bytes.
  UINT64 Offset;
  // The buffer; null for none.
  struct D3D10DDI_HRESOURCE hBuffer;
} D3DWDDM2_4DDI_VIDEO_DECODER_HISTOGRAM_RS4_0;

// What a frame is decoded to, and under which key its buffers are (WDDM 2.4, RS4).
//
// Source: the structure's page in `d3d10umddi.h`.
typedef struct D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0 {
  // The view that is decoded to.
  struct D3D11_1DDI_HVIDEODECODEROUTPUTVIEW hOutputView;
  // As in `D3D11_1DDIARG_VIDEODECODERBEGINFRAME`.
  const void *pContentKey;
  // Size in bytes of what `pContentKey` points to.
  UINT ContentKeySize;
  // A histogram for each component.
  struct D3DWDDM2_4DDI_VIDEO_DECODER_HISTOGRAM_RS4_0 Histograms[4];
} D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0;

// Where the histogram of one component of a picture goes; zero for none (WDDM 2.4).
//
// Source: as of `D3DWDDM2_4DDI_VIDEO_DECODER_HISTOGRAM_RS4_0`, whose offset is wider.
typedef struct D3DWDDM2_4DDI_VIDEO_DECODER_HISTOGRAM {
  // Where it goes in the buffer, in bytes.
  UINT Offset;
  // The buffer; null for none.
  struct D3D10DDI_HRESOURCE hBuffer;
} D3DWDDM2_4DDI_VIDEO_DECODER_HISTOGRAM;

// What a frame is decoded to, and under which key its buffers are (WDDM 2.4).
//
// Source: the structure's page in `d3d10umddi.h`.
typedef struct D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME {
  // The view that is decoded to.
  struct D3D11_1DDI_HVIDEODECODEROUTPUTVIEW hOutputView;
  // As in `D3D11_1DDIARG_VIDEODECODERBEGINFRAME`.
  const void *pContentKey;
  // Size in bytes of what `pContentKey` points to.
  UINT ContentKeySize;
  // A histogram for each component.
  struct D3DWDDM2_4DDI_VIDEO_DECODER_HISTOGRAM Histograms[4];
} D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME;

// One compressed buffer of a frame, as a runtime hands it to VideoDecoderSubmitBuffers1 (WDDM 2.0).
//
// Source: the structure's page in `d3d10umddi.h`.
typedef struct D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1 {
  // The resource that holds the data.
  struct D3D10DDI_HRESOURCE hResource;
  // Type of the buffer.
  D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE BufferType;
  // Offset of the data in the buffer, in bytes.
  UINT DataOffset;
  // Size of the data in bytes.
  UINT DataSize;
  // First counter block of AES-CTR (`D3D11_AES_CTR_IV`), or IV of AES-CBC; null when the buffer is clear.
  void *pIV;
  // Size in bytes of what `pIV` points to.
  UINT IVSize;
  // Which bytes are encrypted; null: all of an encrypted buffer.
  D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK *pSubSampleMappingBlock;
  // Number of subsamples.
  UINT SubSampleMappingCount;
} D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1;

// One compressed buffer of a frame, as a runtime hands it to VideoDecoderSubmitBuffers2 (WDDM 2.4).
//
// Source: the structure's page in `d3d10umddi.h`.
typedef struct D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC {
  // The resource that holds the data.
  struct D3D10DDI_HRESOURCE hResource;
  // Type of the buffer.
  D3D11_1DDI_VIDEO_DECODER_BUFFER_TYPE BufferType;
  // Offset of the data in the buffer, in bytes.
  UINT DataOffset;
  // Size of the data in bytes.
  UINT DataSize;
  // First counter block of AES-CTR (`D3D11_AES_CTR_IV`), or IV of AES-CBC; null when the buffer is clear.
  void *pIV;
  // Size in bytes of what `pIV` points to.
  UINT IVSize;
  // Which bytes are encrypted; null: all of an encrypted buffer.
  D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK *pSubSampleMappingBlock;
  // Number of subsamples.
  UINT SubSampleMappingCount;
  // Blocks of 16 bytes that are encrypted in each stripe of an encrypted region (ISO/IEC 23001-7, patterns); both
  // zero: the whole region.
  UINT cBlocksStripeEncrypted;
  // Blocks of 16 bytes that follow them in the clear.
  UINT cBlocksStripeClear;
} D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC;

// What resource a view of a decoder's output is made of.
//
// Source: the structure's page in `d3d10umddi.h`.
typedef struct D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW {
  // The resource.
  struct D3D10DDI_HRESOURCE hDrvResource;
  // Decode profile of the decoders that use the view.
  struct GUID DecodeProfile;
  // Mip level.
  UINT MipSlice;
  // First element of a texture array.
  UINT FirstArraySlice;
  // Elements of a texture array.
  UINT ArraySize;
} D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW;

// An entry that has nothing to do with content protection; its parameters are the host driver's affair.
typedef void (SOFTCP_APIENTRY *PFND3D10DDI_OPAQUE)(void);

// Size in bytes, of pointer size.
typedef size_t SIZE_T;

// A display device (graphics context) of the driver.
typedef struct D3D10DDI_HDEVICE {
  // The driver's private data, in memory that the runtime owns.
  void *pDrvPrivate;
} D3D10DDI_HDEVICE;

// Bytes of private memory that the caller provides for a decoder. Never fails.
typedef SIZE_T (SOFTCP_APIENTRY *PFND3D11_1DDI_CALCPRIVATEVIDEODECODERSIZE)(struct D3D10DDI_HDEVICE hDevice,
                                                            const struct D3D11_1DDIARG_CREATEVIDEODECODER *pDecoder);

// A video decoder.
typedef struct D3D11_1DDI_HDECODE {
  // The driver's private data: as many bytes as CalcPrivateVideoDecoderSize said, owned by the runtime.
  void *pDrvPrivate;
} D3D11_1DDI_HDECODE;

// The runtime's own handle of a video decoder.
typedef struct D3D11_1DDI_HRTDECODE {
  // Opaque to the driver; handed back in callbacks.
  void *handle;
} D3D11_1DDI_HRTDECODE;

// Creates a video decoder: S_OK, D3DDDIERR_DEVICEREMOVED or E_OUTOFMEMORY.
//
// The caller owns the memory of `hDecoder` and keeps it in place until the decoder is destroyed.
typedef HRESULT (SOFTCP_APIENTRY *PFND3D11_1DDI_CREATEVIDEODECODER)(struct D3D10DDI_HDEVICE hDevice,
                                                    const struct D3D11_1DDIARG_CREATEVIDEODECODER *pCreateData,
                                                    struct D3D11_1DDI_HDECODE hDecoder,
                                                    struct D3D11_1DDI_HRTDECODE hRTDecode);

// Destroys a video decoder. The caller may free its memory afterwards.
typedef void (SOFTCP_APIENTRY *PFND3D11_1DDI_DESTROYVIDEODECODER)(struct D3D10DDI_HDEVICE hDevice, struct D3D11_1DDI_HDECODE hDecoder);

// Before WDDM 2.4: begins a frame: S_OK or E_OUTOFMEMORY. Frames do not nest.
typedef HRESULT (SOFTCP_APIENTRY *PFND3D11_1DDI_VIDEODECODERBEGINFRAME)(struct D3D10DDI_HDEVICE hDevice,
                                                        struct D3D11_1DDI_HDECODE hDecoder,
                                                        const struct D3D11_1DDIARG_VIDEODECODERBEGINFRAME *pBeginFrame);

// WDDM 2.4 (RS4): begins a frame, with histograms: S_OK or E_OUTOFMEMORY. Frames do not nest.
typedef HRESULT (SOFTCP_APIENTRY *PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME_RS4_0)(struct D3D10DDI_HDEVICE hDevice,
                                                                 struct D3D11_1DDI_HDECODE hDecode,
                                                                 const struct D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0 *pBeginFrame);

// WDDM 2.4: begins a frame, with histograms: S_OK or E_OUTOFMEMORY. Frames do not nest.
typedef HRESULT (SOFTCP_APIENTRY *PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME)(struct D3D10DDI_HDEVICE hDevice,
                                                           struct D3D11_1DDI_HDECODE hDecode,
                                                           const struct D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME *pBeginFrame);

// Ends a frame: all its buffers have been submitted.
typedef void (SOFTCP_APIENTRY *PFND3D11_1DDI_VIDEODECODERENDFRAME)(struct D3D10DDI_HDEVICE hDevice, struct D3D11_1DDI_HDECODE hDecoder);

// Submits compressed buffers of a frame: S_OK or E_OUTOFMEMORY.
typedef HRESULT (SOFTCP_APIENTRY *PFND3D11_1DDI_VIDEODECODERSUBMITBUFFERS)(struct D3D10DDI_HDEVICE hDevice,
                                                           struct D3D11_1DDI_HDECODE hDecoder,
                                                           UINT BufferCount,
                                                           const struct D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC *pBufferDesc);

// WDDM 2.0: submits compressed buffers of a frame, with subsamples: S_OK or E_OUTOFMEMORY.
typedef HRESULT (SOFTCP_APIENTRY *PFND3DWDDM2_0DDI_VIDEODECODERSUBMITBUFFERS1)(struct D3D10DDI_HDEVICE hDevice,
                                                               struct D3D11_1DDI_HDECODE hDecode,
                                                               UINT BufferCount,
                                                               const struct D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1 *pBufferDesc);

// WDDM 2.4: submits compressed buffers of a frame, with subsamples and stripes: S_OK or E_OUTOFMEMORY.
typedef HRESULT (SOFTCP_APIENTRY *PFND3DWDDM2_4DDI_VIDEODECODERSUBMITBUFFERS)(struct D3D10DDI_HDEVICE hDevice,
                                                              struct D3D11_1DDI_HDECODE hDecode,
                                                              UINT BufferCount,
                                                              const struct D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC *pBufferDesc);

// Bytes of private memory that the caller provides for a decoder's output view. Never fails.
typedef SIZE_T (SOFTCP_APIENTRY *PFND3D11_1DDI_CALCPRIVATEVIDEODECODEROUTPUTVIEWSIZE)(struct D3D10DDI_HDEVICE hDevice,
                                                                      const struct D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW *pCreateData);

// The runtime's own handle of a decoder's output view.
typedef struct D3D11_1DDI_HRTVIDEODECODEROUTPUTVIEW {
  // Opaque to the driver; handed back in callbacks.
  void *handle;
} D3D11_1DDI_HRTVIDEODECODEROUTPUTVIEW;

// Creates a decoder's output view: S_OK, D3DDDIERR_DEVICEREMOVED or E_OUTOFMEMORY.
//
// The caller owns the memory of `hView` and keeps it in place until the view is destroyed.
typedef HRESULT (SOFTCP_APIENTRY *PFND3D11_1DDI_CREATEVIDEODECODEROUTPUTVIEW)(struct D3D10DDI_HDEVICE hDevice,
                                                              const struct D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW *pCreateData,
                                                              struct D3D11_1DDI_HVIDEODECODEROUTPUTVIEW hView,
                                                              struct D3D11_1DDI_HRTVIDEODECODEROUTPUTVIEW hRTView);

// Destroys a decoder's output view. The caller may free its memory afterwards.
typedef void (SOFTCP_APIENTRY *PFND3D11_1DDI_DESTROYVIDEODECODEROUTPUTVIEW)(struct D3D10DDI_HDEVICE hDevice,
                                                            struct D3D11_1DDI_HVIDEODECODEROUTPUTVIEW hView);

// What the driver offers for a crypto type and decode profile: S_OK or D3DERR_UNSUPPORTEDCRYPTO.
typedef HRESULT (SOFTCP_APIENTRY *PFND3D11_1DDI_GETCONTENTPROTECTIONCAPS)(struct D3D10DDI_HDEVICE hDevice,
                                                          const struct GUID *pCryptoType,
                                                          const struct GUID *pDecodeProfile,
                                                          D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS *pCaps);

// The key exchange type at an index: S_OK, or E_INVALIDARG past the last one (D27).
typedef HRESULT (SOFTCP_APIENTRY *PFND3D11_1DDI_GETCRYPTOKEYEXCHANGETYPE)(struct D3D10DDI_HDEVICE hDevice,
                                                          const struct GUID *pCryptoType,
                                                          const struct GUID *pDecodeProfile,
                                                          UINT Index,
                                                          struct GUID *pKeyExchangeType);

// Bytes of private memory that the caller provides for a session. Never fails.
typedef SIZE_T (SOFTCP_APIENTRY *PFND3D11_1DDI_CALCPRIVATECRYPTOSESSIONSIZE)(struct D3D10DDI_HDEVICE hDevice,
                                                             const struct D3D11_1DDIARG_CREATECRYPTOSESSION *pCreateData);

// The runtime's own handle of a crypto session.
typedef struct D3D11_1DDI_HRTCRYPTOSESSION {
  // Opaque to the driver; handed back in callbacks.
  void *handle;
} D3D11_1DDI_HRTCRYPTOSESSION;

// Creates a session: S_OK, D3DDDIERR_DEVICEREMOVED, D3DDDIERR_UNSUPPORTEDCRYPTO or E_OUTOFMEMORY.
//
// The caller owns the memory of `hCryptoSession` and keeps it in place until the session is destroyed.
typedef HRESULT (SOFTCP_APIENTRY *PFND3D11_1DDI_CREATECRYPTOSESSION)(struct D3D10DDI_HDEVICE hDevice,
                                                     const struct D3D11_1DDIARG_CREATECRYPTOSESSION *pCreateData,
                                                     struct D3D11_1DDI_HCRYPTOSESSION hCryptoSession,
                                                     struct D3D11_1DDI_HRTCRYPTOSESSION hRTCryptoSession);

// Destroys a session. The caller may free its memory afterwards.
typedef void (SOFTCP_APIENTRY *PFND3D11_1DDI_DESTROYCRYPTOSESSION)(struct D3D10DDI_HDEVICE hDevice,
                                                   struct D3D11_1DDI_HCRYPTOSESSION hCryptoSession);

// Size of a certificate in bytes; zero when there is none (D30).
typedef void (SOFTCP_APIENTRY *PFND3D11_1DDI_GETCERTIFICATESIZE)(struct D3D10DDI_HDEVICE hDevice,
                                                 const struct D3D11_1DDI_CERTIFICATE_INFO *pCertificateInfo,
                                                 UINT *pCertificateSize);

// Writes a certificate chain (D13) into the caller's buffer.
typedef void (SOFTCP_APIENTRY *PFND3D11_1DDI_GETCERTIFICATE)(struct D3D10DDI_HDEVICE hDevice,
                                             const struct D3D11_1DDI_CERTIFICATE_INFO *pCertificateInfo,
                                             UINT CertificateSize,
                                             BYTE *pCertificate);

// Takes the session key, encrypted to the certificate: S_OK, E_INVALIDARG or E_OUTOFMEMORY.
//
// RSAES-OAEP data is 256 bytes. With HW_PROTECTION it is a `D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA`.
typedef HRESULT (SOFTCP_APIENTRY *PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE)(struct D3D10DDI_HDEVICE hDevice,
                                                                   struct D3D11_1DDI_HCRYPTOSESSION hCryptoSession,
                                                                   UINT DataSize,
                                                                   void *pData);

// `PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE` as `d3d10umddi.h` spells it.
typedef PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYESCHANGE;

// Encrypts a protected surface into system memory and writes the IV it used to `pIV` (D11, D26).
typedef void (SOFTCP_APIENTRY *PFND3D11_1DDI_ENCRYPTIONBLT)(struct D3D10DDI_HDEVICE hDevice,
                                            struct D3D11_1DDI_HCRYPTOSESSION hCryptoSession,
                                            struct D3D10DDI_HRESOURCE hSrcResource,
                                            struct D3D10DDI_HRESOURCE hDstResource,
                                            UINT IVSize,
                                            void *pIV);

// Decrypts system memory into a protected surface, with the session key or a wrapped content key.
//
// Null `pEncryptedBlockInfo`: everything is encrypted. Null `pContentKey`: the session key itself.
typedef void (SOFTCP_APIENTRY *PFND3D11_1DDI_DECRYPTIONBLT)(struct D3D10DDI_HDEVICE hDevice,
                                            struct D3D11_1DDI_HCRYPTOSESSION hCryptoSession,
                                            struct D3D10DDI_HRESOURCE hSrcResource,
                                            struct D3D10DDI_HRESOURCE hDstResource,
                                            const D3D11_1DDI_ENCRYPTED_BLOCK_INFO *pEncryptedBlockInfo,
                                            UINT ContentKeySize,
                                            const void *pContentKey,
                                            UINT IVSize,
                                            const void *pIV);

// Starts a session key refresh: writes a random number of the key's size (D1, D2).
typedef void (SOFTCP_APIENTRY *PFND3D11_1DDI_STARTSESSIONKEYREFRESH)(struct D3D10DDI_HDEVICE hDevice,
                                                     struct D3D11_1DDI_HCRYPTOSESSION hCryptoSession,
                                                     UINT RandomNumberSize,
                                                     void *pRandomNumber);

// Finishes a session key refresh: from here on the key is the old one XOR the random number (D3).
typedef void (SOFTCP_APIENTRY *PFND3D11_1DDI_FINISHSESSIONKEYREFRESH)(struct D3D10DDI_HDEVICE hDevice,
                                                      struct D3D11_1DDI_HCRYPTOSESSION hCryptoSession);

// Makes a new read-back key and writes it, wrapped with the session key.
typedef void (SOFTCP_APIENTRY *PFND3D11_1DDI_GETENCRYPTIONBLTKEY)(struct D3D10DDI_HDEVICE hDevice,
                                                  struct D3D11_1DDI_HCRYPTOSESSION hCryptoSession,
                                                  UINT KeySize,
                                                  void *pReadbackKey);

// Bytes of private memory that the caller provides for a channel. Never fails.
typedef SIZE_T (SOFTCP_APIENTRY *PFND3D11_1DDI_CALCPRIVATEAUTHENTICATEDCHANNELSIZE)(struct D3D10DDI_HDEVICE hDevice,
                                                                    const struct D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL *pCreateData);

// An authenticated channel.
typedef struct D3D11_1DDI_HAUTHCHANNEL {
  // The driver's private data: as many bytes as CalcPrivateAuthenticatedChannelSize said, owned by the runtime.
  void *pDrvPrivate;
} D3D11_1DDI_HAUTHCHANNEL;

// The runtime's own handle of an authenticated channel.
typedef struct D3D11_1DDI_HRTAUTHCHANNEL {
  // Opaque to the driver; handed back in callbacks.
  void *handle;
} D3D11_1DDI_HRTAUTHCHANNEL;

// Creates a channel and writes its handle into the argument (D25): S_OK, D3DDDIERR_DEVICEREMOVED or E_OUTOFMEMORY.
typedef HRESULT (SOFTCP_APIENTRY *PFND3D11_1DDI_CREATEAUTHENTICATEDCHANNEL)(struct D3D10DDI_HDEVICE hDevice,
                                                            struct D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL *pCreateData,
                                                            struct D3D11_1DDI_HAUTHCHANNEL hAuthChannel,
                                                            struct D3D11_1DDI_HRTAUTHCHANNEL hRTAuthChannel);

// Destroys a channel. The caller may free its memory afterwards.
typedef void (SOFTCP_APIENTRY *PFND3D11_1DDI_DESTROYAUTHENTICATEDCHANNEL)(struct D3D10DDI_HDEVICE hDevice,
                                                          struct D3D11_1DDI_HAUTHCHANNEL hAuthChannel);

// Takes the channel key, encrypted to the certificate: S_OK, E_INVALIDARG or E_OUTOFMEMORY.
typedef HRESULT (SOFTCP_APIENTRY *PFND3D11_1DDI_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE)(struct D3D10DDI_HDEVICE hDevice,
                                                                          struct D3D11_1DDI_HAUTHCHANNEL hAuthChannel,
                                                                          UINT DataSize,
                                                                          void *pData);

// Answers a query: S_OK, E_FAIL for an unknown one, E_INVALIDARG or E_OUTOFMEMORY (D17).
typedef HRESULT (SOFTCP_APIENTRY *PFND3D11_1DDI_QUERYAUTHENTICATEDCHANNEL)(struct D3D10DDI_HDEVICE hDevice,
                                                           struct D3D11_1DDI_HAUTHCHANNEL hAuthChannel,
                                                           UINT InputDataSize,
                                                           const void *pInputData,
                                                           UINT OutputDataSize,
                                                           void *pOutputData);

// Carries out a command: S_OK, E_FAIL for an unknown one, E_INVALIDARG or E_OUTOFMEMORY (D14, D15).
typedef HRESULT (SOFTCP_APIENTRY *PFND3D11_1DDI_CONFIGUREAUTHENTICATEDCHANNEL)(struct D3D10DDI_HDEVICE hDevice,
                                                               struct D3D11_1DDI_HAUTHCHANNEL hAuthChannel,
                                                               UINT InputDataSize,
                                                               const void *pInputData,
                                                               D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT *pOutputData);

// Handle of a decoder, as messages of a channel carry it.
typedef HRESULT (SOFTCP_APIENTRY *PFND3D11_1DDI_VIDEODECODERGETHANDLE)(struct D3D10DDI_HDEVICE hDevice,
                                                       struct D3D11_1DDI_HDECODE hDecode,
                                                       HANDLE *pHandle);

// Handle of a session, as messages of a channel carry it.
typedef HRESULT (SOFTCP_APIENTRY *PFND3D11_1DDI_CRYPTOSESSIONGETHANDLE)(struct D3D10DDI_HDEVICE hDevice,
                                                        struct D3D11_1DDI_HCRYPTOSESSION hCryptoSession,
                                                        HANDLE *pHandle);

// WDDM 2.0: data from which the secure environment makes a new hardware key.
typedef HRESULT (SOFTCP_APIENTRY *PFND3DWDDM2_0DDI_GETDATAFORNEWHARDWAREKEY)(struct D3D10DDI_HDEVICE hDevice,
                                                             struct D3D11_1DDI_HCRYPTOSESSION hCryptoSession,
                                                             UINT PrivateInputSize,
                                                             const void *pPrivateInputData,
                                                             UINT64 *pPrivateOutputData);

// WDDM 2.0: whether key and content of a session are intact (D23).
typedef void (SOFTCP_APIENTRY *PFND3DWDDM2_0DDI_CHECKCRYPTOSESSIONSTATUS)(struct D3D10DDI_HDEVICE hDevice,
                                                          struct D3D11_1DDI_HCRYPTOSESSION hCryptoSession,
                                                          D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS *pStatus);

// WDDM 2.0: sizes in bytes of the private data of a HW_PROTECTION key exchange. `pDecoderProfile` may be null.
typedef void (SOFTCP_APIENTRY *PFND3DWDDM2_0DDI_GETCRYPTOSESSIONPRIVATEDATASIZE)(struct D3D10DDI_HDEVICE hDevice,
                                                                 const struct GUID *pCryptoType,
                                                                 const struct GUID *pDecoderProfile,
                                                                 const struct GUID *pKeyExchangeType,
                                                                 UINT *pPrivateInputSize,
                                                                 UINT *pPrivateOutputSize);

// WDDM 2.0, core device table: protects a resource or lifts its protection.
typedef void (SOFTCP_APIENTRY *PFND3DWDDM2_0DDI_SETHARDWAREPROTECTION)(struct D3D10DDI_HDEVICE hDevice,
                                                       struct D3D10DDI_HRESOURCE hResource,
                                                       BOOL Protected);

// WDDM 2.4: the key exchange of a session, callable from any thread. Slot `pfnNegotiateCryptoSessionKeyExchangeMT`.
typedef HRESULT (SOFTCP_APIENTRY *PFND3DWDDM2_4DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE)(struct D3D10DDI_HDEVICE hDevice,
                                                                      struct D3D11_1DDI_HCRYPTOSESSION hCryptoSession,
                                                                      D3DWDDM2_4DDI_CRYPTO_SESSION_KEY_EXCHANGE_FLAGS flags,
                                                                      UINT DataSize,
                                                                      void *pData);

// The runtime's core layer, the first argument of its callbacks.
typedef struct D3D10DDI_HRTCORELAYER {
  // Opaque to the driver; handed back in callbacks.
  void *handle;
} D3D10DDI_HRTCORELAYER;

// Input of a command. The buffer goes on past the structure.
typedef struct D3D11_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA {
  // Bytes of `pbInput` that are private to the driver and come first; see GetCryptoSessionPrivateDataSize.
  UINT PrivateDataSize;
  // Bytes of the command, which follow; zero is allowed (D29).
  UINT HWProtectionDataSize;
  // First 4 bytes of the private data and the command.
  BYTE pbInput[4];
} D3D11_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA;

// Output of a command. The buffer goes on past the structure.
typedef struct D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA {
  // Bytes of `pbOutput` that are private to the driver and come first.
  UINT PrivateDataSize;
  // Room for the answer in bytes; nothing is written past it (D29).
  UINT MaxHWProtectionDataSize;
  // Written by the driver: bytes of the answer.
  UINT HWProtectionDataSize;
  // Written by the driver: time spent in transport, in units of 100 ns.
  UINT64 TransportTime;
  // Written by the driver: time spent in execution, in units of 100 ns.
  UINT64 ExecutionTime;
  // First 4 bytes of the private data and the answer.
  BYTE pbOutput[4];
} D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA;

// The data of NegotiateCryptoSessionKeyExchange on a session of type `D3D11_KEY_EXCHANGE_HW_PROTECTION`.
typedef struct D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA {
  // Number of the command, defined by the secure environment.
  UINT HWProtectionFunctionID;
  // The command's input, owned by the caller.
  struct D3D11_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA *pInputData;
  // Where the answer goes, owned by the caller.
  struct D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA *pOutputData;
  // Written by the driver: how the command ended.
  HRESULT Status;
} D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA;

// `D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA` by its DDI name.
typedef struct D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_DATA;

// `D3D11_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA` by its DDI name.
typedef struct D3D11_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA;

// `D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA` by its DDI name.
typedef struct D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA;

// Header of every query, and the whole of a query without parameters. Carries no MAC (D17).
typedef struct D3D11_AUTHENTICATED_QUERY_INPUT {
  // The query: `D3D11_AUTHENTICATED_QUERY_*`.
  struct GUID QueryType;
  // Handle of the channel.
  HANDLE hChannel;
  // For the first query the start number of INITIALIZE or more, then greater than that of the last query.
  UINT SequenceNumber;
} D3D11_AUTHENTICATED_QUERY_INPUT;

// Header of every answer to a query.
typedef struct D3D11_AUTHENTICATED_QUERY_OUTPUT {
  // MAC over every byte that follows it in the whole message, padding included.
  struct D3D11_OMAC omac;
  // The query: `D3D11_AUTHENTICATED_QUERY_*`.
  struct GUID QueryType;
  // Handle of the channel.
  HANDLE hChannel;
  // Sequence number of the query.
  UINT SequenceNumber;
  // How the message was received.
  HRESULT ReturnCode;
} D3D11_AUTHENTICATED_QUERY_OUTPUT;

// Answer to `D3D11_AUTHENTICATED_QUERY_PROTECTION`.
typedef struct D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT {
  // Header of the answer.
  struct D3D11_AUTHENTICATED_QUERY_OUTPUT Output;
  // The protection in force.
  struct D3D11_AUTHENTICATED_PROTECTION_FLAGS ProtectionFlags;
} D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT;

// Answer to `D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE`.
typedef struct D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT {
  // Header of the answer.
  struct D3D11_AUTHENTICATED_QUERY_OUTPUT Output;
  // Type of the channel.
  D3D11_AUTHENTICATED_CHANNEL_TYPE ChannelType;
} D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT;

// Answer to `D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE`.
typedef struct D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT {
  // Header of the answer.
  struct D3D11_AUTHENTICATED_QUERY_OUTPUT Output;
  // Handle of the device.
  HANDLE DeviceHandle;
} D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT;

// Query `D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION`.
typedef struct D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT {
  // Header of the query.
  struct D3D11_AUTHENTICATED_QUERY_INPUT Input;
  // Handle of the decoder.
  HANDLE DecoderHandle;
} D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT;

// Answer to `D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION`.
typedef struct D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT {
  // Header of the answer.
  struct D3D11_AUTHENTICATED_QUERY_OUTPUT Output;
  // Handle of the decoder.
  HANDLE DecoderHandle;
  // Handle of the crypto session.
  HANDLE CryptoSessionHandle;
  // Handle of the device.
  HANDLE DeviceHandle;
} D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT;

// Answer to `D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT`.
typedef struct D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT {
  // Header of the answer.
  struct D3D11_AUTHENTICATED_QUERY_OUTPUT Output;
  // Number of processes.
  UINT RestrictedSharedResourceProcessCount;
} D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT;

// Query `D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS`.
typedef struct D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT {
  // Header of the query.
  struct D3D11_AUTHENTICATED_QUERY_INPUT Input;
  // Index of the process, from 0.
  UINT ProcessIndex;
} D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT;

// Answer to `D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS`.
typedef struct D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT {
  // Header of the answer.
  struct D3D11_AUTHENTICATED_QUERY_OUTPUT Output;
  // Index of the process, from 0.
  UINT ProcessIndex;
  // Kind of process.
  D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE ProcessIdentifier;
  // The process, when its kind is `HANDLE`.
  HANDLE ProcessHandle;
} D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT;

// Answer to `D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT`.
typedef struct D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT {
  // Header of the answer.
  struct D3D11_AUTHENTICATED_QUERY_OUTPUT Output;
  // Number of resources.
  UINT UnrestrictedProtectedSharedResourceCount;
} D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT;

// Query `D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT`.
typedef struct D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT {
  // Header of the query.
  struct D3D11_AUTHENTICATED_QUERY_INPUT Input;
  // Handle of the device.
  HANDLE DeviceHandle;
  // Handle of the crypto session.
  HANDLE CryptoSessionHandle;
} D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT;

// Answer to `D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT`.
typedef struct D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT {
  // Header of the answer.
  struct D3D11_AUTHENTICATED_QUERY_OUTPUT Output;
  // Handle of the device.
  HANDLE DeviceHandle;
  // Handle of the crypto session.
  HANDLE CryptoSessionHandle;
  // Number of outputs.
  UINT OutputIDCount;
} D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT;

// Query `D3D11_AUTHENTICATED_QUERY_OUTPUT_ID`.
typedef struct D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT {
  // Header of the query.
  struct D3D11_AUTHENTICATED_QUERY_INPUT Input;
  // Handle of the device.
  HANDLE DeviceHandle;
  // Handle of the crypto session.
  HANDLE CryptoSessionHandle;
  // Index of the output, from 0.
  UINT OutputIDIndex;
} D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT;

// Answer to `D3D11_AUTHENTICATED_QUERY_OUTPUT_ID`.
typedef struct D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT {
  // Header of the answer.
  struct D3D11_AUTHENTICATED_QUERY_OUTPUT Output;
  // Handle of the device.
  HANDLE DeviceHandle;
  // Handle of the crypto session.
  HANDLE CryptoSessionHandle;
  // Index of the output, from 0.
  UINT OutputIDIndex;
  // Identifier of the output. Aligned to 8 bytes on 32-bit Windows too.
  UINT64 OutputID;
} D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT;

// Answer to `D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES`.
typedef struct D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT {
  // Header of the answer.
  struct D3D11_AUTHENTICATED_QUERY_OUTPUT Output;
  // Bus type and modifiers: `D3D11_BUS_*`.
  D3D11_BUS_TYPE BusType;
  // Whether contiguous blocks of video memory can be reached.
  BOOL AccessibleInContiguousBlocks;
  // Whether scattered blocks of video memory can be reached.
  BOOL AccessibleInNonContiguousBlocks;
} D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT;

// Answer to `D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT`.
typedef struct D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT {
  // Header of the answer.
  struct D3D11_AUTHENTICATED_QUERY_OUTPUT Output;
  // Number of encryption types.
  UINT EncryptionGuidCount;
} D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT;

// Query `D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID`.
typedef struct D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT {
  // Header of the query.
  struct D3D11_AUTHENTICATED_QUERY_INPUT Input;
  // Index of the encryption type, from 0.
  UINT EncryptionGuidIndex;
} D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT;

// Answer to `D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID`.
typedef struct D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT {
  // Header of the answer.
  struct D3D11_AUTHENTICATED_QUERY_OUTPUT Output;
  // Index of the encryption type, from 0.
  UINT EncryptionGuidIndex;
  // Encryption type; `GUID_NULL` is none.
  struct GUID EncryptionGuid;
} D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT;

// Answer to `D3D11_AUTHENTICATED_QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE`.
typedef struct D3D11_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT {
  // Header of the answer.
  struct D3D11_AUTHENTICATED_QUERY_OUTPUT Output;
  // Encryption type; `GUID_NULL` is none.
  struct GUID EncryptionGuid;
} D3D11_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT;

// `D3D11_AUTHENTICATED_QUERY_INPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_INPUT D3D11_1DDI_AUTHENTICATED_QUERY_INPUT;

// `D3D11_AUTHENTICATED_QUERY_OUTPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_OUTPUT D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT;

// `D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT D3D11_1DDI_AUTHENTICATED_QUERY_PROTECTION_OUTPUT;

// `D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT D3D11_1DDI_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT;

// `D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT D3D11_1DDI_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT;

// `D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT D3D11_1DDI_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT;

// `D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT D3D11_1DDI_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT;

// `D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT D3D11_1DDI_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT;

// `D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT D3D11_1DDI_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT;

// `D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT D3D11_1DDI_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT;

// `D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT D3D11_1DDI_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT;

// `D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT;

// `D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT;

// `D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT;

// `D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT;

// `D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT D3D11_1DDI_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT;

// `D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT D3D11_1DDI_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT;

// `D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT D3D11_1DDI_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT;

// `D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT D3D11_1DDI_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT;

// `D3D11_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT` by its DDI name.
typedef struct D3D11_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT D3D11_1DDI_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT;

// Video device functions of Direct3D 11.1: 81 entries, sub-device 2 of RetrieveSubObject.
//
// Zero (`default`) means that no entry is offered. Source: `D3D11_1DDI_VIDEODEVICEFUNCS` of `d3d10umddi.h`.
typedef struct D3D11_1DDI_VIDEODEVICEFUNCS {
  // Slot 0: GetVideoDecoderProfileCount (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderProfileCount;
  // Slot 1: GetVideoDecoderProfile (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderProfile;
  // Slot 2: CheckVideoDecoderFormat (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnCheckVideoDecoderFormat;
  // Slot 3: GetVideoDecoderConfigCount (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderConfigCount;
  // Slot 4: GetVideoDecoderConfig (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderConfig;
  // Slot 5: GetVideoDecoderBufferTypeCount (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderBufferTypeCount;
  // Slot 6: GetVideoDecoderBufferInfo (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderBufferInfo;
  // Slot 7: CalcPrivateVideoDecoderSize (video decoding), the host driver's.
  PFND3D11_1DDI_CALCPRIVATEVIDEODECODERSIZE pfnCalcPrivateVideoDecoderSize;
  // Slot 8: CreateVideoDecoder (video decoding), the host driver's.
  PFND3D11_1DDI_CREATEVIDEODECODER pfnCreateVideoDecoder;
  // Slot 9: DestroyVideoDecoder (video decoding), the host driver's.
  PFND3D11_1DDI_DESTROYVIDEODECODER pfnDestroyVideoDecoder;
  // Slot 10: VideoDecoderExtension (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoDecoderExtension;
  // Slot 11: VideoDecoderBeginFrame (video decoding), the host driver's.
  PFND3D11_1DDI_VIDEODECODERBEGINFRAME pfnVideoDecoderBeginFrame;
  // Slot 12: VideoDecoderEndFrame (video decoding), the host driver's.
  PFND3D11_1DDI_VIDEODECODERENDFRAME pfnVideoDecoderEndFrame;
  // Slot 13: VideoDecoderSubmitBuffers (video decoding), the host driver's.
  PFND3D11_1DDI_VIDEODECODERSUBMITBUFFERS pfnVideoDecoderSubmitBuffers;
  // Slot 14: CalcPrivateVideoProcessorEnumSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorEnumSize;
  // Slot 15: CreateVideoProcessorEnum (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessorEnum;
  // Slot 16: DestroyVideoProcessorEnum (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessorEnum;
  // Slot 17: CheckVideoProcessorFormat (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCheckVideoProcessorFormat;
  // Slot 18: GetVideoProcessorCaps (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorCaps;
  // Slot 19: GetVideoProcessorRateConversionCaps (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorRateConversionCaps;
  // Slot 20: GetVideoProcessorCustomRate (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorCustomRate;
  // Slot 21: GetVideoProcessorFilterRange (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorFilterRange;
  // Slot 22: CalcPrivateVideoProcessorSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorSize;
  // Slot 23: CreateVideoProcessor (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessor;
  // Slot 24: DestroyVideoProcessor (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessor;
  // Slot 25: VideoProcessorSetOutputTargetRect (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputTargetRect;
  // Slot 26: VideoProcessorSetOutputBackgroundColor (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputBackgroundColor;
  // Slot 27: VideoProcessorSetOutputColorSpace (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputColorSpace;
  // Slot 28: VideoProcessorSetOutputAlphaFillMode (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputAlphaFillMode;
  // Slot 29: VideoProcessorSetOutputConstriction (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputConstriction;
  // Slot 30: VideoProcessorSetOutputStereoMode (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputStereoMode;
  // Slot 31: VideoProcessorSetOutputExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputExtension;
  // Slot 32: VideoProcessorGetOutputExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorGetOutputExtension;
  // Slot 33: VideoProcessorSetStreamFrameFormat (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamFrameFormat;
  // Slot 34: VideoProcessorSetStreamColorSpace (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamColorSpace;
  // Slot 35: VideoProcessorSetStreamOutputRate (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamOutputRate;
  // Slot 36: VideoProcessorSetStreamSourceRect (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamSourceRect;
  // Slot 37: VideoProcessorSetStreamDestRect (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamDestRect;
  // Slot 38: VideoProcessorSetStreamAlpha (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamAlpha;
  // Slot 39: VideoProcessorSetStreamPalette (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamPalette;
  // Slot 40: VideoProcessorSetStreamPixelAspectRatio (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamPixelAspectRatio;
  // Slot 41: VideoProcessorSetStreamLumaKey (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamLumaKey;
  // Slot 42: VideoProcessorSetStreamStereoFormat (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamStereoFormat;
  // Slot 43: VideoProcessorSetStreamAutoProcessingMode (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamAutoProcessingMode;
  // Slot 44: VideoProcessorSetStreamFilter (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamFilter;
  // Slot 45: VideoProcessorSetStreamExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamExtension;
  // Slot 46: VideoProcessorGetStreamExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorGetStreamExtension;
  // Slot 47: VideoProcessorBlt (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorBlt;
  // Slot 48: CalcPrivateVideoDecoderOutputViewSize (video decoding), the host driver's.
  PFND3D11_1DDI_CALCPRIVATEVIDEODECODEROUTPUTVIEWSIZE pfnCalcPrivateVideoDecoderOutputViewSize;
  // Slot 49: CreateVideoDecoderOutputView (video decoding), the host driver's.
  PFND3D11_1DDI_CREATEVIDEODECODEROUTPUTVIEW pfnCreateVideoDecoderOutputView;
  // Slot 50: DestroyVideoDecoderOutputView (video decoding), the host driver's.
  PFND3D11_1DDI_DESTROYVIDEODECODEROUTPUTVIEW pfnDestroyVideoDecoderOutputView;
  // Slot 51: CalcPrivateVideoProcessorInputViewSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorInputViewSize;
  // Slot 52: CreateVideoProcessorInputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessorInputView;
  // Slot 53: DestroyVideoProcessorInputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessorInputView;
  // Slot 54: CalcPrivateVideoProcessorOutputViewSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorOutputViewSize;
  // Slot 55: CreateVideoProcessorOutputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessorOutputView;
  // Slot 56: DestroyVideoProcessorOutputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessorOutputView;
  // Slot 57: VideoProcessorInputViewReadAfterWriteHazard (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorInputViewReadAfterWriteHazard;
  // Slot 58: GetContentProtectionCaps.
  PFND3D11_1DDI_GETCONTENTPROTECTIONCAPS pfnGetContentProtectionCaps;
  // Slot 59: GetCryptoKeyExchangeType.
  PFND3D11_1DDI_GETCRYPTOKEYEXCHANGETYPE pfnGetCryptoKeyExchangeType;
  // Slot 60: CalcPrivateCryptoSessionSize.
  PFND3D11_1DDI_CALCPRIVATECRYPTOSESSIONSIZE pfnCalcPrivateCryptoSessionSize;
  // Slot 61: CreateCryptoSession.
  PFND3D11_1DDI_CREATECRYPTOSESSION pfnCreateCryptoSession;
  // Slot 62: DestroyCryptoSession.
  PFND3D11_1DDI_DESTROYCRYPTOSESSION pfnDestroyCryptoSession;
  // Slot 63: GetCertificateSize.
  PFND3D11_1DDI_GETCERTIFICATESIZE pfnGetCertificateSize;
  // Slot 64: GetCertificate.
  PFND3D11_1DDI_GETCERTIFICATE pfnGetCertificate;
  // Slot 65: NegotiateCryptoSessionKeyExchange.
  PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE pfnNegotiateCryptoSessionKeyExchange;
  // Slot 66: EncryptionBlt.
  PFND3D11_1DDI_ENCRYPTIONBLT pfnEncryptionBlt;
  // Slot 67: DecryptionBlt.
  PFND3D11_1DDI_DECRYPTIONBLT pfnDecryptionBlt;
  // Slot 68: StartSessionKeyRefresh.
  PFND3D11_1DDI_STARTSESSIONKEYREFRESH pfnStartSessionKeyRefresh;
  // Slot 69: FinishSessionKeyRefresh.
  PFND3D11_1DDI_FINISHSESSIONKEYREFRESH pfnFinishSessionKeyRefresh;
  // Slot 70: GetEncryptionBltKey.
  PFND3D11_1DDI_GETENCRYPTIONBLTKEY pfnGetEncryptionBltKey;
  // Slot 71: CalcPrivateAuthenticatedChannelSize.
  PFND3D11_1DDI_CALCPRIVATEAUTHENTICATEDCHANNELSIZE pfnCalcPrivateAuthenticatedChannelSize;
  // Slot 72: CreateAuthenticatedChannel.
  PFND3D11_1DDI_CREATEAUTHENTICATEDCHANNEL pfnCreateAuthenticatedChannel;
  // Slot 73: DestroyAuthenticatedChannel.
  PFND3D11_1DDI_DESTROYAUTHENTICATEDCHANNEL pfnDestroyAuthenticatedChannel;
  // Slot 74: NegotiateAuthenticatedChannelKeyExchange.
  PFND3D11_1DDI_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE pfnNegotiateAuthenticatedChannelKeyExchange;
  // Slot 75: QueryAuthenticatedChannel.
  PFND3D11_1DDI_QUERYAUTHENTICATEDCHANNEL pfnQueryAuthenticatedChannel;
  // Slot 76: ConfigureAuthenticatedChannel.
  PFND3D11_1DDI_CONFIGUREAUTHENTICATEDCHANNEL pfnConfigureAuthenticatedChannel;
  // Slot 77: VideoDecoderGetHandle.
  PFND3D11_1DDI_VIDEODECODERGETHANDLE pfnVideoDecoderGetHandle;
  // Slot 78: CryptoSessionGetHandle.
  PFND3D11_1DDI_CRYPTOSESSIONGETHANDLE pfnCryptoSessionGetHandle;
  // Slot 79: VideoProcessorSetStreamRotation (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamRotation;
  // Slot 80: GetCaptureHandle (video capture), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetCaptureHandle;
} D3D11_1DDI_VIDEODEVICEFUNCS;

// Video device functions of WDDM 2.0: 94 entries, sub-device 3 of RetrieveSubObject.
//
// Zero (`default`) means that no entry is offered. Source: `D3DWDDM2_0DDI_VIDEODEVICEFUNCS` of `d3d10umddi.h`.
typedef struct D3DWDDM2_0DDI_VIDEODEVICEFUNCS {
  // Slot 0: GetVideoDecoderProfileCount (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderProfileCount;
  // Slot 1: GetVideoDecoderProfile (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderProfile;
  // Slot 2: CheckVideoDecoderFormat (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnCheckVideoDecoderFormat;
  // Slot 3: GetVideoDecoderConfigCount (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderConfigCount;
  // Slot 4: GetVideoDecoderConfig (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderConfig;
  // Slot 5: GetVideoDecoderBufferTypeCount (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderBufferTypeCount;
  // Slot 6: GetVideoDecoderBufferInfo (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderBufferInfo;
  // Slot 7: CalcPrivateVideoDecoderSize (video decoding), the host driver's.
  PFND3D11_1DDI_CALCPRIVATEVIDEODECODERSIZE pfnCalcPrivateVideoDecoderSize;
  // Slot 8: CreateVideoDecoder (video decoding), the host driver's.
  PFND3D11_1DDI_CREATEVIDEODECODER pfnCreateVideoDecoder;
  // Slot 9: DestroyVideoDecoder (video decoding), the host driver's.
  PFND3D11_1DDI_DESTROYVIDEODECODER pfnDestroyVideoDecoder;
  // Slot 10: VideoDecoderExtension (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoDecoderExtension;
  // Slot 11: VideoDecoderBeginFrame (video decoding), the host driver's.
  PFND3D11_1DDI_VIDEODECODERBEGINFRAME pfnVideoDecoderBeginFrame;
  // Slot 12: VideoDecoderEndFrame (video decoding), the host driver's.
  PFND3D11_1DDI_VIDEODECODERENDFRAME pfnVideoDecoderEndFrame;
  // Slot 13: VideoDecoderSubmitBuffers (video decoding), the host driver's.
  PFND3D11_1DDI_VIDEODECODERSUBMITBUFFERS pfnVideoDecoderSubmitBuffers;
  // Slot 14: CalcPrivateVideoProcessorEnumSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorEnumSize;
  // Slot 15: CreateVideoProcessorEnum (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessorEnum;
  // Slot 16: DestroyVideoProcessorEnum (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessorEnum;
  // Slot 17: CheckVideoProcessorFormat (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCheckVideoProcessorFormat;
  // Slot 18: GetVideoProcessorCaps (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorCaps;
  // Slot 19: GetVideoProcessorRateConversionCaps (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorRateConversionCaps;
  // Slot 20: GetVideoProcessorCustomRate (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorCustomRate;
  // Slot 21: GetVideoProcessorFilterRange (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorFilterRange;
  // Slot 22: CalcPrivateVideoProcessorSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorSize;
  // Slot 23: CreateVideoProcessor (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessor;
  // Slot 24: DestroyVideoProcessor (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessor;
  // Slot 25: VideoProcessorSetOutputTargetRect (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputTargetRect;
  // Slot 26: VideoProcessorSetOutputBackgroundColor (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputBackgroundColor;
  // Slot 27: VideoProcessorSetOutputColorSpace (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputColorSpace;
  // Slot 28: VideoProcessorSetOutputAlphaFillMode (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputAlphaFillMode;
  // Slot 29: VideoProcessorSetOutputConstriction (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputConstriction;
  // Slot 30: VideoProcessorSetOutputStereoMode (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputStereoMode;
  // Slot 31: VideoProcessorSetOutputExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputExtension;
  // Slot 32: VideoProcessorGetOutputExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorGetOutputExtension;
  // Slot 33: VideoProcessorSetStreamFrameFormat (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamFrameFormat;
  // Slot 34: VideoProcessorSetStreamColorSpace (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamColorSpace;
  // Slot 35: VideoProcessorSetStreamOutputRate (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamOutputRate;
  // Slot 36: VideoProcessorSetStreamSourceRect (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamSourceRect;
  // Slot 37: VideoProcessorSetStreamDestRect (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamDestRect;
  // Slot 38: VideoProcessorSetStreamAlpha (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamAlpha;
  // Slot 39: VideoProcessorSetStreamPalette (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamPalette;
  // Slot 40: VideoProcessorSetStreamPixelAspectRatio (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamPixelAspectRatio;
  // Slot 41: VideoProcessorSetStreamLumaKey (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamLumaKey;
  // Slot 42: VideoProcessorSetStreamStereoFormat (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamStereoFormat;
  // Slot 43: VideoProcessorSetStreamAutoProcessingMode (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamAutoProcessingMode;
  // Slot 44: VideoProcessorSetStreamFilter (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamFilter;
  // Slot 45: VideoProcessorSetStreamExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamExtension;
  // Slot 46: VideoProcessorGetStreamExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorGetStreamExtension;
  // Slot 47: VideoProcessorBlt (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorBlt;
  // Slot 48: CalcPrivateVideoDecoderOutputViewSize (video decoding), the host driver's.
  PFND3D11_1DDI_CALCPRIVATEVIDEODECODEROUTPUTVIEWSIZE pfnCalcPrivateVideoDecoderOutputViewSize;
  // Slot 49: CreateVideoDecoderOutputView (video decoding), the host driver's.
  PFND3D11_1DDI_CREATEVIDEODECODEROUTPUTVIEW pfnCreateVideoDecoderOutputView;
  // Slot 50: DestroyVideoDecoderOutputView (video decoding), the host driver's.
  PFND3D11_1DDI_DESTROYVIDEODECODEROUTPUTVIEW pfnDestroyVideoDecoderOutputView;
  // Slot 51: CalcPrivateVideoProcessorInputViewSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorInputViewSize;
  // Slot 52: CreateVideoProcessorInputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessorInputView;
  // Slot 53: DestroyVideoProcessorInputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessorInputView;
  // Slot 54: CalcPrivateVideoProcessorOutputViewSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorOutputViewSize;
  // Slot 55: CreateVideoProcessorOutputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessorOutputView;
  // Slot 56: DestroyVideoProcessorOutputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessorOutputView;
  // Slot 57: VideoProcessorInputViewReadAfterWriteHazard (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorInputViewReadAfterWriteHazard;
  // Slot 58: GetContentProtectionCaps.
  PFND3D11_1DDI_GETCONTENTPROTECTIONCAPS pfnGetContentProtectionCaps;
  // Slot 59: GetCryptoKeyExchangeType.
  PFND3D11_1DDI_GETCRYPTOKEYEXCHANGETYPE pfnGetCryptoKeyExchangeType;
  // Slot 60: CalcPrivateCryptoSessionSize.
  PFND3D11_1DDI_CALCPRIVATECRYPTOSESSIONSIZE pfnCalcPrivateCryptoSessionSize;
  // Slot 61: CreateCryptoSession.
  PFND3D11_1DDI_CREATECRYPTOSESSION pfnCreateCryptoSession;
  // Slot 62: DestroyCryptoSession.
  PFND3D11_1DDI_DESTROYCRYPTOSESSION pfnDestroyCryptoSession;
  // Slot 63: GetCertificateSize.
  PFND3D11_1DDI_GETCERTIFICATESIZE pfnGetCertificateSize;
  // Slot 64: GetCertificate.
  PFND3D11_1DDI_GETCERTIFICATE pfnGetCertificate;
  // Slot 65: NegotiateCryptoSessionKeyExchange.
  PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE pfnNegotiateCryptoSessionKeyExchange;
  // Slot 66: EncryptionBlt.
  PFND3D11_1DDI_ENCRYPTIONBLT pfnEncryptionBlt;
  // Slot 67: DecryptionBlt.
  PFND3D11_1DDI_DECRYPTIONBLT pfnDecryptionBlt;
  // Slot 68: StartSessionKeyRefresh.
  PFND3D11_1DDI_STARTSESSIONKEYREFRESH pfnStartSessionKeyRefresh;
  // Slot 69: FinishSessionKeyRefresh.
  PFND3D11_1DDI_FINISHSESSIONKEYREFRESH pfnFinishSessionKeyRefresh;
  // Slot 70: GetEncryptionBltKey.
  PFND3D11_1DDI_GETENCRYPTIONBLTKEY pfnGetEncryptionBltKey;
  // Slot 71: CalcPrivateAuthenticatedChannelSize.
  PFND3D11_1DDI_CALCPRIVATEAUTHENTICATEDCHANNELSIZE pfnCalcPrivateAuthenticatedChannelSize;
  // Slot 72: CreateAuthenticatedChannel.
  PFND3D11_1DDI_CREATEAUTHENTICATEDCHANNEL pfnCreateAuthenticatedChannel;
  // Slot 73: DestroyAuthenticatedChannel.
  PFND3D11_1DDI_DESTROYAUTHENTICATEDCHANNEL pfnDestroyAuthenticatedChannel;
  // Slot 74: NegotiateAuthenticatedChannelKeyExchange.
  PFND3D11_1DDI_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE pfnNegotiateAuthenticatedChannelKeyExchange;
  // Slot 75: QueryAuthenticatedChannel.
  PFND3D11_1DDI_QUERYAUTHENTICATEDCHANNEL pfnQueryAuthenticatedChannel;
  // Slot 76: ConfigureAuthenticatedChannel.
  PFND3D11_1DDI_CONFIGUREAUTHENTICATEDCHANNEL pfnConfigureAuthenticatedChannel;
  // Slot 77: VideoDecoderGetHandle.
  PFND3D11_1DDI_VIDEODECODERGETHANDLE pfnVideoDecoderGetHandle;
  // Slot 78: CryptoSessionGetHandle.
  PFND3D11_1DDI_CRYPTOSESSIONGETHANDLE pfnCryptoSessionGetHandle;
  // Slot 79: VideoProcessorSetStreamRotation (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamRotation;
  // Slot 80: GetCaptureHandle (video capture), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetCaptureHandle;
  // Slot 81: GetDataForNewHardwareKey.
  PFND3DWDDM2_0DDI_GETDATAFORNEWHARDWAREKEY pfnGetDataForNewHardwareKey;
  // Slot 82: CheckCryptoSessionStatus.
  PFND3DWDDM2_0DDI_CHECKCRYPTOSESSIONSTATUS pfnCheckCryptoSessionStatus;
  // Slot 83: VideoDecoderSubmitBuffers1 (video decoding), the host driver's.
  PFND3DWDDM2_0DDI_VIDEODECODERSUBMITBUFFERS1 pfnVideoDecoderSubmitBuffers1;
  // Slot 84: QueryVideoCapabilities (video capabilities), the host driver's.
  PFND3D10DDI_OPAQUE pfnQueryVideoCapabilities;
  // Slot 85: CheckVideoProcessorFormatConversion (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCheckVideoProcessorFormatConversion;
  // Slot 86: VideoDecoderEnableDownsampling (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoDecoderEnableDownsampling;
  // Slot 87: VideoDecoderUpdateDownsampling (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoDecoderUpdateDownsampling;
  // Slot 88: VideoProcessorSetStreamMirror (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamMirror;
  // Slot 89: VideoProcessorSetOutputColorSpace1 (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputColorSpace1;
  // Slot 90: VideoProcessorSetStreamColorSpace1 (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamColorSpace1;
  // Slot 91: VideoProcessorSetOutputShaderUsage (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputShaderUsage;
  // Slot 92: VideoProcessorGetBehaviorHints (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorGetBehaviorHints;
  // Slot 93: GetCryptoSessionPrivateDataSize.
  PFND3DWDDM2_0DDI_GETCRYPTOSESSIONPRIVATEDATASIZE pfnGetCryptoSessionPrivateDataSize;
} D3DWDDM2_0DDI_VIDEODEVICEFUNCS;

// Video device functions of WDDM 2.1: 96 entries, sub-device 5 of RetrieveSubObject.
//
// Zero (`default`) means that no entry is offered. Source: `D3DWDDM2_1DDI_VIDEODEVICEFUNCS` of `d3d10umddi.h`.
typedef struct D3DWDDM2_1DDI_VIDEODEVICEFUNCS {
  // Slot 0: GetVideoDecoderProfileCount (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderProfileCount;
  // Slot 1: GetVideoDecoderProfile (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderProfile;
  // Slot 2: CheckVideoDecoderFormat (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnCheckVideoDecoderFormat;
  // Slot 3: GetVideoDecoderConfigCount (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderConfigCount;
  // Slot 4: GetVideoDecoderConfig (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderConfig;
  // Slot 5: GetVideoDecoderBufferTypeCount (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderBufferTypeCount;
  // Slot 6: GetVideoDecoderBufferInfo (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderBufferInfo;
  // Slot 7: CalcPrivateVideoDecoderSize (video decoding), the host driver's.
  PFND3D11_1DDI_CALCPRIVATEVIDEODECODERSIZE pfnCalcPrivateVideoDecoderSize;
  // Slot 8: CreateVideoDecoder (video decoding), the host driver's.
  PFND3D11_1DDI_CREATEVIDEODECODER pfnCreateVideoDecoder;
  // Slot 9: DestroyVideoDecoder (video decoding), the host driver's.
  PFND3D11_1DDI_DESTROYVIDEODECODER pfnDestroyVideoDecoder;
  // Slot 10: VideoDecoderExtension (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoDecoderExtension;
  // Slot 11: VideoDecoderBeginFrame (video decoding), the host driver's.
  PFND3D11_1DDI_VIDEODECODERBEGINFRAME pfnVideoDecoderBeginFrame;
  // Slot 12: VideoDecoderEndFrame (video decoding), the host driver's.
  PFND3D11_1DDI_VIDEODECODERENDFRAME pfnVideoDecoderEndFrame;
  // Slot 13: VideoDecoderSubmitBuffers (video decoding), the host driver's.
  PFND3D11_1DDI_VIDEODECODERSUBMITBUFFERS pfnVideoDecoderSubmitBuffers;
  // Slot 14: CalcPrivateVideoProcessorEnumSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorEnumSize;
  // Slot 15: CreateVideoProcessorEnum (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessorEnum;
  // Slot 16: DestroyVideoProcessorEnum (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessorEnum;
  // Slot 17: CheckVideoProcessorFormat (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCheckVideoProcessorFormat;
  // Slot 18: GetVideoProcessorCaps (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorCaps;
  // Slot 19: GetVideoProcessorRateConversionCaps (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorRateConversionCaps;
  // Slot 20: GetVideoProcessorCustomRate (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorCustomRate;
  // Slot 21: GetVideoProcessorFilterRange (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorFilterRange;
  // Slot 22: CalcPrivateVideoProcessorSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorSize;
  // Slot 23: CreateVideoProcessor (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessor;
  // Slot 24: DestroyVideoProcessor (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessor;
  // Slot 25: VideoProcessorSetOutputTargetRect (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputTargetRect;
  // Slot 26: VideoProcessorSetOutputBackgroundColor (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputBackgroundColor;
  // Slot 27: VideoProcessorSetOutputColorSpace (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputColorSpace;
  // Slot 28: VideoProcessorSetOutputAlphaFillMode (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputAlphaFillMode;
  // Slot 29: VideoProcessorSetOutputConstriction (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputConstriction;
  // Slot 30: VideoProcessorSetOutputStereoMode (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputStereoMode;
  // Slot 31: VideoProcessorSetOutputExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputExtension;
  // Slot 32: VideoProcessorGetOutputExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorGetOutputExtension;
  // Slot 33: VideoProcessorSetStreamFrameFormat (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamFrameFormat;
  // Slot 34: VideoProcessorSetStreamColorSpace (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamColorSpace;
  // Slot 35: VideoProcessorSetStreamOutputRate (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamOutputRate;
  // Slot 36: VideoProcessorSetStreamSourceRect (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamSourceRect;
  // Slot 37: VideoProcessorSetStreamDestRect (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamDestRect;
  // Slot 38: VideoProcessorSetStreamAlpha (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamAlpha;
  // Slot 39: VideoProcessorSetStreamPalette (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamPalette;
  // Slot 40: VideoProcessorSetStreamPixelAspectRatio (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamPixelAspectRatio;
  // Slot 41: VideoProcessorSetStreamLumaKey (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamLumaKey;
  // Slot 42: VideoProcessorSetStreamStereoFormat (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamStereoFormat;
  // Slot 43: VideoProcessorSetStreamAutoProcessingMode (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamAutoProcessingMode;
  // Slot 44: VideoProcessorSetStreamFilter (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamFilter;
  // Slot 45: VideoProcessorSetStreamExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamExtension;
  // Slot 46: VideoProcessorGetStreamExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorGetStreamExtension;
  // Slot 47: VideoProcessorBlt (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorBlt;
  // Slot 48: CalcPrivateVideoDecoderOutputViewSize (video decoding), the host driver's.
  PFND3D11_1DDI_CALCPRIVATEVIDEODECODEROUTPUTVIEWSIZE pfnCalcPrivateVideoDecoderOutputViewSize;
  // Slot 49: CreateVideoDecoderOutputView (video decoding), the host driver's.
  PFND3D11_1DDI_CREATEVIDEODECODEROUTPUTVIEW pfnCreateVideoDecoderOutputView;
  // Slot 50: DestroyVideoDecoderOutputView (video decoding), the host driver's.
  PFND3D11_1DDI_DESTROYVIDEODECODEROUTPUTVIEW pfnDestroyVideoDecoderOutputView;
  // Slot 51: CalcPrivateVideoProcessorInputViewSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorInputViewSize;
  // Slot 52: CreateVideoProcessorInputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessorInputView;
  // Slot 53: DestroyVideoProcessorInputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessorInputView;
  // Slot 54: CalcPrivateVideoProcessorOutputViewSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorOutputViewSize;
  // Slot 55: CreateVideoProcessorOutputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessorOutputView;
  // Slot 56: DestroyVideoProcessorOutputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessorOutputView;
  // Slot 57: VideoProcessorInputViewReadAfterWriteHazard (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorInputViewReadAfterWriteHazard;
  // Slot 58: GetContentProtectionCaps.
  PFND3D11_1DDI_GETCONTENTPROTECTIONCAPS pfnGetContentProtectionCaps;
  // Slot 59: GetCryptoKeyExchangeType.
  PFND3D11_1DDI_GETCRYPTOKEYEXCHANGETYPE pfnGetCryptoKeyExchangeType;
  // Slot 60: CalcPrivateCryptoSessionSize.
  PFND3D11_1DDI_CALCPRIVATECRYPTOSESSIONSIZE pfnCalcPrivateCryptoSessionSize;
  // Slot 61: CreateCryptoSession.
  PFND3D11_1DDI_CREATECRYPTOSESSION pfnCreateCryptoSession;
  // Slot 62: DestroyCryptoSession.
  PFND3D11_1DDI_DESTROYCRYPTOSESSION pfnDestroyCryptoSession;
  // Slot 63: GetCertificateSize.
  PFND3D11_1DDI_GETCERTIFICATESIZE pfnGetCertificateSize;
  // Slot 64: GetCertificate.
  PFND3D11_1DDI_GETCERTIFICATE pfnGetCertificate;
  // Slot 65: NegotiateCryptoSessionKeyExchange.
  PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE pfnNegotiateCryptoSessionKeyExchange;
  // Slot 66: EncryptionBlt.
  PFND3D11_1DDI_ENCRYPTIONBLT pfnEncryptionBlt;
  // Slot 67: DecryptionBlt.
  PFND3D11_1DDI_DECRYPTIONBLT pfnDecryptionBlt;
  // Slot 68: StartSessionKeyRefresh.
  PFND3D11_1DDI_STARTSESSIONKEYREFRESH pfnStartSessionKeyRefresh;
  // Slot 69: FinishSessionKeyRefresh.
  PFND3D11_1DDI_FINISHSESSIONKEYREFRESH pfnFinishSessionKeyRefresh;
  // Slot 70: GetEncryptionBltKey.
  PFND3D11_1DDI_GETENCRYPTIONBLTKEY pfnGetEncryptionBltKey;
  // Slot 71: CalcPrivateAuthenticatedChannelSize.
  PFND3D11_1DDI_CALCPRIVATEAUTHENTICATEDCHANNELSIZE pfnCalcPrivateAuthenticatedChannelSize;
  // Slot 72: CreateAuthenticatedChannel.
  PFND3D11_1DDI_CREATEAUTHENTICATEDCHANNEL pfnCreateAuthenticatedChannel;
  // Slot 73: DestroyAuthenticatedChannel.
  PFND3D11_1DDI_DESTROYAUTHENTICATEDCHANNEL pfnDestroyAuthenticatedChannel;
  // Slot 74: NegotiateAuthenticatedChannelKeyExchange.
  PFND3D11_1DDI_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE pfnNegotiateAuthenticatedChannelKeyExchange;
  // Slot 75: QueryAuthenticatedChannel.
  PFND3D11_1DDI_QUERYAUTHENTICATEDCHANNEL pfnQueryAuthenticatedChannel;
  // Slot 76: ConfigureAuthenticatedChannel.
  PFND3D11_1DDI_CONFIGUREAUTHENTICATEDCHANNEL pfnConfigureAuthenticatedChannel;
  // Slot 77: VideoDecoderGetHandle.
  PFND3D11_1DDI_VIDEODECODERGETHANDLE pfnVideoDecoderGetHandle;
  // Slot 78: CryptoSessionGetHandle.
  PFND3D11_1DDI_CRYPTOSESSIONGETHANDLE pfnCryptoSessionGetHandle;
  // Slot 79: VideoProcessorSetStreamRotation (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamRotation;
  // Slot 80: GetCaptureHandle (video capture), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetCaptureHandle;
  // Slot 81: GetDataForNewHardwareKey.
  PFND3DWDDM2_0DDI_GETDATAFORNEWHARDWAREKEY pfnGetDataForNewHardwareKey;
  // Slot 82: CheckCryptoSessionStatus.
  PFND3DWDDM2_0DDI_CHECKCRYPTOSESSIONSTATUS pfnCheckCryptoSessionStatus;
  // Slot 83: VideoDecoderSubmitBuffers1 (video decoding), the host driver's.
  PFND3DWDDM2_0DDI_VIDEODECODERSUBMITBUFFERS1 pfnVideoDecoderSubmitBuffers1;
  // Slot 84: QueryVideoCapabilities (video capabilities), the host driver's.
  PFND3D10DDI_OPAQUE pfnQueryVideoCapabilities;
  // Slot 85: CheckVideoProcessorFormatConversion (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCheckVideoProcessorFormatConversion;
  // Slot 86: VideoDecoderEnableDownsampling (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoDecoderEnableDownsampling;
  // Slot 87: VideoDecoderUpdateDownsampling (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoDecoderUpdateDownsampling;
  // Slot 88: VideoProcessorSetStreamMirror (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamMirror;
  // Slot 89: VideoProcessorSetOutputColorSpace1 (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputColorSpace1;
  // Slot 90: VideoProcessorSetStreamColorSpace1 (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamColorSpace1;
  // Slot 91: VideoProcessorSetOutputShaderUsage (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputShaderUsage;
  // Slot 92: VideoProcessorGetBehaviorHints (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorGetBehaviorHints;
  // Slot 93: GetCryptoSessionPrivateDataSize.
  PFND3DWDDM2_0DDI_GETCRYPTOSESSIONPRIVATEDATASIZE pfnGetCryptoSessionPrivateDataSize;
  // Slot 94: VideoProcessorSetOutputHDRMetaData (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputHDRMetaData;
  // Slot 95: VideoProcessorSetStreamHDRMetaData (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamHDRMetaData;
} D3DWDDM2_1DDI_VIDEODEVICEFUNCS;

// Video device functions of WDDM 2.4: 97 entries, sub-device 6 of RetrieveSubObject.
//
// Zero (`default`) means that no entry is offered. Source: `D3DWDDM2_4DDI_VIDEODEVICEFUNCS` of `d3d10umddi.h`.
typedef struct D3DWDDM2_4DDI_VIDEODEVICEFUNCS {
  // Slot 0: GetVideoDecoderProfileCount (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderProfileCount;
  // Slot 1: GetVideoDecoderProfile (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderProfile;
  // Slot 2: CheckVideoDecoderFormat (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnCheckVideoDecoderFormat;
  // Slot 3: GetVideoDecoderConfigCount (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderConfigCount;
  // Slot 4: GetVideoDecoderConfig (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderConfig;
  // Slot 5: GetVideoDecoderBufferTypeCount (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderBufferTypeCount;
  // Slot 6: GetVideoDecoderBufferInfo (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderBufferInfo;
  // Slot 7: CalcPrivateVideoDecoderSize (video decoding), the host driver's.
  PFND3D11_1DDI_CALCPRIVATEVIDEODECODERSIZE pfnCalcPrivateVideoDecoderSize;
  // Slot 8: CreateVideoDecoder (video decoding), the host driver's.
  PFND3D11_1DDI_CREATEVIDEODECODER pfnCreateVideoDecoder;
  // Slot 9: DestroyVideoDecoder (video decoding), the host driver's.
  PFND3D11_1DDI_DESTROYVIDEODECODER pfnDestroyVideoDecoder;
  // Slot 10: VideoDecoderExtension (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoDecoderExtension;
  // Slot 11: VideoDecoderBeginFrame (video decoding), the host driver's.
  PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME pfnVideoDecoderBeginFrame;
  // Slot 12: VideoDecoderEndFrame (video decoding), the host driver's.
  PFND3D11_1DDI_VIDEODECODERENDFRAME pfnVideoDecoderEndFrame;
  // Slot 13: VideoDecoderSubmitBuffers (video decoding), the host driver's.
  PFND3D11_1DDI_VIDEODECODERSUBMITBUFFERS pfnVideoDecoderSubmitBuffers;
  // Slot 14: CalcPrivateVideoProcessorEnumSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorEnumSize;
  // Slot 15: CreateVideoProcessorEnum (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessorEnum;
  // Slot 16: DestroyVideoProcessorEnum (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessorEnum;
  // Slot 17: CheckVideoProcessorFormat (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCheckVideoProcessorFormat;
  // Slot 18: GetVideoProcessorCaps (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorCaps;
  // Slot 19: GetVideoProcessorRateConversionCaps (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorRateConversionCaps;
  // Slot 20: GetVideoProcessorCustomRate (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorCustomRate;
  // Slot 21: GetVideoProcessorFilterRange (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorFilterRange;
  // Slot 22: CalcPrivateVideoProcessorSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorSize;
  // Slot 23: CreateVideoProcessor (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessor;
  // Slot 24: DestroyVideoProcessor (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessor;
  // Slot 25: VideoProcessorSetOutputTargetRect (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputTargetRect;
  // Slot 26: VideoProcessorSetOutputBackgroundColor (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputBackgroundColor;
  // Slot 27: VideoProcessorSetOutputColorSpace (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputColorSpace;
  // Slot 28: VideoProcessorSetOutputAlphaFillMode (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputAlphaFillMode;
  // Slot 29: VideoProcessorSetOutputConstriction (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputConstriction;
  // Slot 30: VideoProcessorSetOutputStereoMode (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputStereoMode;
  // Slot 31: VideoProcessorSetOutputExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputExtension;
  // Slot 32: VideoProcessorGetOutputExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorGetOutputExtension;
  // Slot 33: VideoProcessorSetStreamFrameFormat (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamFrameFormat;
  // Slot 34: VideoProcessorSetStreamColorSpace (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamColorSpace;
  // Slot 35: VideoProcessorSetStreamOutputRate (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamOutputRate;
  // Slot 36: VideoProcessorSetStreamSourceRect (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamSourceRect;
  // Slot 37: VideoProcessorSetStreamDestRect (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamDestRect;
  // Slot 38: VideoProcessorSetStreamAlpha (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamAlpha;
  // Slot 39: VideoProcessorSetStreamPalette (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamPalette;
  // Slot 40: VideoProcessorSetStreamPixelAspectRatio (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamPixelAspectRatio;
  // Slot 41: VideoProcessorSetStreamLumaKey (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamLumaKey;
  // Slot 42: VideoProcessorSetStreamStereoFormat (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamStereoFormat;
  // Slot 43: VideoProcessorSetStreamAutoProcessingMode (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamAutoProcessingMode;
  // Slot 44: VideoProcessorSetStreamFilter (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamFilter;
  // Slot 45: VideoProcessorSetStreamExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamExtension;
  // Slot 46: VideoProcessorGetStreamExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorGetStreamExtension;
  // Slot 47: VideoProcessorBlt (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorBlt;
  // Slot 48: CalcPrivateVideoDecoderOutputViewSize (video decoding), the host driver's.
  PFND3D11_1DDI_CALCPRIVATEVIDEODECODEROUTPUTVIEWSIZE pfnCalcPrivateVideoDecoderOutputViewSize;
  // Slot 49: CreateVideoDecoderOutputView (video decoding), the host driver's.
  PFND3D11_1DDI_CREATEVIDEODECODEROUTPUTVIEW pfnCreateVideoDecoderOutputView;
  // Slot 50: DestroyVideoDecoderOutputView (video decoding), the host driver's.
  PFND3D11_1DDI_DESTROYVIDEODECODEROUTPUTVIEW pfnDestroyVideoDecoderOutputView;
  // Slot 51: CalcPrivateVideoProcessorInputViewSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorInputViewSize;
  // Slot 52: CreateVideoProcessorInputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessorInputView;
  // Slot 53: DestroyVideoProcessorInputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessorInputView;
  // Slot 54: CalcPrivateVideoProcessorOutputViewSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorOutputViewSize;
  // Slot 55: CreateVideoProcessorOutputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessorOutputView;
  // Slot 56: DestroyVideoProcessorOutputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessorOutputView;
  // Slot 57: VideoProcessorInputViewReadAfterWriteHazard (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorInputViewReadAfterWriteHazard;
  // Slot 58: GetContentProtectionCaps.
  PFND3D11_1DDI_GETCONTENTPROTECTIONCAPS pfnGetContentProtectionCaps;
  // Slot 59: GetCryptoKeyExchangeType.
  PFND3D11_1DDI_GETCRYPTOKEYEXCHANGETYPE pfnGetCryptoKeyExchangeType;
  // Slot 60: CalcPrivateCryptoSessionSize.
  PFND3D11_1DDI_CALCPRIVATECRYPTOSESSIONSIZE pfnCalcPrivateCryptoSessionSize;
  // Slot 61: CreateCryptoSession.
  PFND3D11_1DDI_CREATECRYPTOSESSION pfnCreateCryptoSession;
  // Slot 62: DestroyCryptoSession.
  PFND3D11_1DDI_DESTROYCRYPTOSESSION pfnDestroyCryptoSession;
  // Slot 63: GetCertificateSize.
  PFND3D11_1DDI_GETCERTIFICATESIZE pfnGetCertificateSize;
  // Slot 64: GetCertificate.
  PFND3D11_1DDI_GETCERTIFICATE pfnGetCertificate;
  // Slot 65: NegotiateCryptoSessionKeyExchange.
  PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE pfnNegotiateCryptoSessionKeyExchange;
  // Slot 66: EncryptionBlt.
  PFND3D11_1DDI_ENCRYPTIONBLT pfnEncryptionBlt;
  // Slot 67: DecryptionBlt.
  PFND3D11_1DDI_DECRYPTIONBLT pfnDecryptionBlt;
  // Slot 68: StartSessionKeyRefresh.
  PFND3D11_1DDI_STARTSESSIONKEYREFRESH pfnStartSessionKeyRefresh;
  // Slot 69: FinishSessionKeyRefresh.
  PFND3D11_1DDI_FINISHSESSIONKEYREFRESH pfnFinishSessionKeyRefresh;
  // Slot 70: GetEncryptionBltKey.
  PFND3D11_1DDI_GETENCRYPTIONBLTKEY pfnGetEncryptionBltKey;
  // Slot 71: CalcPrivateAuthenticatedChannelSize.
  PFND3D11_1DDI_CALCPRIVATEAUTHENTICATEDCHANNELSIZE pfnCalcPrivateAuthenticatedChannelSize;
  // Slot 72: CreateAuthenticatedChannel.
  PFND3D11_1DDI_CREATEAUTHENTICATEDCHANNEL pfnCreateAuthenticatedChannel;
  // Slot 73: DestroyAuthenticatedChannel.
  PFND3D11_1DDI_DESTROYAUTHENTICATEDCHANNEL pfnDestroyAuthenticatedChannel;
  // Slot 74: NegotiateAuthenticatedChannelKeyExchange.
  PFND3D11_1DDI_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE pfnNegotiateAuthenticatedChannelKeyExchange;
  // Slot 75: QueryAuthenticatedChannel.
  PFND3D11_1DDI_QUERYAUTHENTICATEDCHANNEL pfnQueryAuthenticatedChannel;
  // Slot 76: ConfigureAuthenticatedChannel.
  PFND3D11_1DDI_CONFIGUREAUTHENTICATEDCHANNEL pfnConfigureAuthenticatedChannel;
  // Slot 77: VideoDecoderGetHandle.
  PFND3D11_1DDI_VIDEODECODERGETHANDLE pfnVideoDecoderGetHandle;
  // Slot 78: CryptoSessionGetHandle.
  PFND3D11_1DDI_CRYPTOSESSIONGETHANDLE pfnCryptoSessionGetHandle;
  // Slot 79: VideoProcessorSetStreamRotation (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamRotation;
  // Slot 80: GetCaptureHandle (video capture), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetCaptureHandle;
  // Slot 81: GetDataForNewHardwareKey.
  PFND3DWDDM2_0DDI_GETDATAFORNEWHARDWAREKEY pfnGetDataForNewHardwareKey;
  // Slot 82: CheckCryptoSessionStatus.
  PFND3DWDDM2_0DDI_CHECKCRYPTOSESSIONSTATUS pfnCheckCryptoSessionStatus;
  // Slot 83: VideoDecoderSubmitBuffers2 (video decoding), the host driver's.
  PFND3DWDDM2_4DDI_VIDEODECODERSUBMITBUFFERS pfnVideoDecoderSubmitBuffers2;
  // Slot 84: QueryVideoCapabilities (video capabilities), the host driver's.
  PFND3D10DDI_OPAQUE pfnQueryVideoCapabilities;
  // Slot 85: CheckVideoProcessorFormatConversion (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCheckVideoProcessorFormatConversion;
  // Slot 86: VideoDecoderEnableDownsampling (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoDecoderEnableDownsampling;
  // Slot 87: VideoDecoderUpdateDownsampling (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoDecoderUpdateDownsampling;
  // Slot 88: VideoProcessorSetStreamMirror (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamMirror;
  // Slot 89: VideoProcessorSetOutputColorSpace1 (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputColorSpace1;
  // Slot 90: VideoProcessorSetStreamColorSpace1 (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamColorSpace1;
  // Slot 91: VideoProcessorSetOutputShaderUsage (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputShaderUsage;
  // Slot 92: VideoProcessorGetBehaviorHints (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorGetBehaviorHints;
  // Slot 93: GetCryptoSessionPrivateDataSize.
  PFND3DWDDM2_0DDI_GETCRYPTOSESSIONPRIVATEDATASIZE pfnGetCryptoSessionPrivateDataSize;
  // Slot 94: VideoProcessorSetOutputHDRMetaData (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputHDRMetaData;
  // Slot 95: VideoProcessorSetStreamHDRMetaData (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamHDRMetaData;
  // Slot 96: NegotiateCryptoSessionKeyExchangeMT.
  PFND3DWDDM2_4DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE pfnNegotiateCryptoSessionKeyExchangeMT;
} D3DWDDM2_4DDI_VIDEODEVICEFUNCS;

// Video device functions of WDDM 2.4 (RS4): 96 entries, sub-device 7 of RetrieveSubObject.
//
// Zero (`default`) means that no entry is offered. Source: `D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0` of `d3d10umddi.h`.
typedef struct D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0 {
  // Slot 0: GetVideoDecoderProfileCount (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderProfileCount;
  // Slot 1: GetVideoDecoderProfile (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderProfile;
  // Slot 2: CheckVideoDecoderFormat (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnCheckVideoDecoderFormat;
  // Slot 3: GetVideoDecoderConfigCount (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderConfigCount;
  // Slot 4: GetVideoDecoderConfig (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderConfig;
  // Slot 5: GetVideoDecoderBufferTypeCount (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderBufferTypeCount;
  // Slot 6: GetVideoDecoderBufferInfo (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoDecoderBufferInfo;
  // Slot 7: CalcPrivateVideoDecoderSize (video decoding), the host driver's.
  PFND3D11_1DDI_CALCPRIVATEVIDEODECODERSIZE pfnCalcPrivateVideoDecoderSize;
  // Slot 8: CreateVideoDecoder (video decoding), the host driver's.
  PFND3D11_1DDI_CREATEVIDEODECODER pfnCreateVideoDecoder;
  // Slot 9: DestroyVideoDecoder (video decoding), the host driver's.
  PFND3D11_1DDI_DESTROYVIDEODECODER pfnDestroyVideoDecoder;
  // Slot 10: VideoDecoderExtension (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoDecoderExtension;
  // Slot 11: VideoDecoderBeginFrame (video decoding), the host driver's.
  PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME_RS4_0 pfnVideoDecoderBeginFrame;
  // Slot 12: VideoDecoderEndFrame (video decoding), the host driver's.
  PFND3D11_1DDI_VIDEODECODERENDFRAME pfnVideoDecoderEndFrame;
  // Slot 13: VideoDecoderSubmitBuffers (video decoding), the host driver's.
  PFND3D11_1DDI_VIDEODECODERSUBMITBUFFERS pfnVideoDecoderSubmitBuffers;
  // Slot 14: CalcPrivateVideoProcessorEnumSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorEnumSize;
  // Slot 15: CreateVideoProcessorEnum (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessorEnum;
  // Slot 16: DestroyVideoProcessorEnum (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessorEnum;
  // Slot 17: CheckVideoProcessorFormat (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCheckVideoProcessorFormat;
  // Slot 18: GetVideoProcessorCaps (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorCaps;
  // Slot 19: GetVideoProcessorRateConversionCaps (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorRateConversionCaps;
  // Slot 20: GetVideoProcessorCustomRate (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorCustomRate;
  // Slot 21: GetVideoProcessorFilterRange (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetVideoProcessorFilterRange;
  // Slot 22: CalcPrivateVideoProcessorSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorSize;
  // Slot 23: CreateVideoProcessor (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessor;
  // Slot 24: DestroyVideoProcessor (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessor;
  // Slot 25: VideoProcessorSetOutputTargetRect (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputTargetRect;
  // Slot 26: VideoProcessorSetOutputBackgroundColor (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputBackgroundColor;
  // Slot 27: VideoProcessorSetOutputColorSpace (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputColorSpace;
  // Slot 28: VideoProcessorSetOutputAlphaFillMode (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputAlphaFillMode;
  // Slot 29: VideoProcessorSetOutputConstriction (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputConstriction;
  // Slot 30: VideoProcessorSetOutputStereoMode (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputStereoMode;
  // Slot 31: VideoProcessorSetOutputExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputExtension;
  // Slot 32: VideoProcessorGetOutputExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorGetOutputExtension;
  // Slot 33: VideoProcessorSetStreamFrameFormat (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamFrameFormat;
  // Slot 34: VideoProcessorSetStreamColorSpace (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamColorSpace;
  // Slot 35: VideoProcessorSetStreamOutputRate (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamOutputRate;
  // Slot 36: VideoProcessorSetStreamSourceRect (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamSourceRect;
  // Slot 37: VideoProcessorSetStreamDestRect (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamDestRect;
  // Slot 38: VideoProcessorSetStreamAlpha (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamAlpha;
  // Slot 39: VideoProcessorSetStreamPalette (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamPalette;
  // Slot 40: VideoProcessorSetStreamPixelAspectRatio (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamPixelAspectRatio;
  // Slot 41: VideoProcessorSetStreamLumaKey (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamLumaKey;
  // Slot 42: VideoProcessorSetStreamStereoFormat (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamStereoFormat;
  // Slot 43: VideoProcessorSetStreamAutoProcessingMode (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamAutoProcessingMode;
  // Slot 44: VideoProcessorSetStreamFilter (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamFilter;
  // Slot 45: VideoProcessorSetStreamExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamExtension;
  // Slot 46: VideoProcessorGetStreamExtension (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorGetStreamExtension;
  // Slot 47: VideoProcessorBlt (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorBlt;
  // Slot 48: CalcPrivateVideoDecoderOutputViewSize (video decoding), the host driver's.
  PFND3D11_1DDI_CALCPRIVATEVIDEODECODEROUTPUTVIEWSIZE pfnCalcPrivateVideoDecoderOutputViewSize;
  // Slot 49: CreateVideoDecoderOutputView (video decoding), the host driver's.
  PFND3D11_1DDI_CREATEVIDEODECODEROUTPUTVIEW pfnCreateVideoDecoderOutputView;
  // Slot 50: DestroyVideoDecoderOutputView (video decoding), the host driver's.
  PFND3D11_1DDI_DESTROYVIDEODECODEROUTPUTVIEW pfnDestroyVideoDecoderOutputView;
  // Slot 51: CalcPrivateVideoProcessorInputViewSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorInputViewSize;
  // Slot 52: CreateVideoProcessorInputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessorInputView;
  // Slot 53: DestroyVideoProcessorInputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessorInputView;
  // Slot 54: CalcPrivateVideoProcessorOutputViewSize (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCalcPrivateVideoProcessorOutputViewSize;
  // Slot 55: CreateVideoProcessorOutputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCreateVideoProcessorOutputView;
  // Slot 56: DestroyVideoProcessorOutputView (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnDestroyVideoProcessorOutputView;
  // Slot 57: VideoProcessorInputViewReadAfterWriteHazard (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorInputViewReadAfterWriteHazard;
  // Slot 58: GetContentProtectionCaps.
  PFND3D11_1DDI_GETCONTENTPROTECTIONCAPS pfnGetContentProtectionCaps;
  // Slot 59: GetCryptoKeyExchangeType.
  PFND3D11_1DDI_GETCRYPTOKEYEXCHANGETYPE pfnGetCryptoKeyExchangeType;
  // Slot 60: CalcPrivateCryptoSessionSize.
  PFND3D11_1DDI_CALCPRIVATECRYPTOSESSIONSIZE pfnCalcPrivateCryptoSessionSize;
  // Slot 61: CreateCryptoSession.
  PFND3D11_1DDI_CREATECRYPTOSESSION pfnCreateCryptoSession;
  // Slot 62: DestroyCryptoSession.
  PFND3D11_1DDI_DESTROYCRYPTOSESSION pfnDestroyCryptoSession;
  // Slot 63: GetCertificateSize.
  PFND3D11_1DDI_GETCERTIFICATESIZE pfnGetCertificateSize;
  // Slot 64: GetCertificate.
  PFND3D11_1DDI_GETCERTIFICATE pfnGetCertificate;
  // Slot 65: NegotiateCryptoSessionKeyExchange.
  PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE pfnNegotiateCryptoSessionKeyExchange;
  // Slot 66: EncryptionBlt.
  PFND3D11_1DDI_ENCRYPTIONBLT pfnEncryptionBlt;
  // Slot 67: DecryptionBlt.
  PFND3D11_1DDI_DECRYPTIONBLT pfnDecryptionBlt;
  // Slot 68: StartSessionKeyRefresh.
  PFND3D11_1DDI_STARTSESSIONKEYREFRESH pfnStartSessionKeyRefresh;
  // Slot 69: FinishSessionKeyRefresh.
  PFND3D11_1DDI_FINISHSESSIONKEYREFRESH pfnFinishSessionKeyRefresh;
  // Slot 70: GetEncryptionBltKey.
  PFND3D11_1DDI_GETENCRYPTIONBLTKEY pfnGetEncryptionBltKey;
  // Slot 71: CalcPrivateAuthenticatedChannelSize.
  PFND3D11_1DDI_CALCPRIVATEAUTHENTICATEDCHANNELSIZE pfnCalcPrivateAuthenticatedChannelSize;
  // Slot 72: CreateAuthenticatedChannel.
  PFND3D11_1DDI_CREATEAUTHENTICATEDCHANNEL pfnCreateAuthenticatedChannel;
  // Slot 73: DestroyAuthenticatedChannel.
  PFND3D11_1DDI_DESTROYAUTHENTICATEDCHANNEL pfnDestroyAuthenticatedChannel;
  // Slot 74: NegotiateAuthenticatedChannelKeyExchange.
  PFND3D11_1DDI_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE pfnNegotiateAuthenticatedChannelKeyExchange;
  // Slot 75: QueryAuthenticatedChannel.
  PFND3D11_1DDI_QUERYAUTHENTICATEDCHANNEL pfnQueryAuthenticatedChannel;
  // Slot 76: ConfigureAuthenticatedChannel.
  PFND3D11_1DDI_CONFIGUREAUTHENTICATEDCHANNEL pfnConfigureAuthenticatedChannel;
  // Slot 77: VideoDecoderGetHandle.
  PFND3D11_1DDI_VIDEODECODERGETHANDLE pfnVideoDecoderGetHandle;
  // Slot 78: CryptoSessionGetHandle.
  PFND3D11_1DDI_CRYPTOSESSIONGETHANDLE pfnCryptoSessionGetHandle;
  // Slot 79: VideoProcessorSetStreamRotation (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamRotation;
  // Slot 80: GetCaptureHandle (video capture), the host driver's.
  PFND3D10DDI_OPAQUE pfnGetCaptureHandle;
  // Slot 81: GetDataForNewHardwareKey.
  PFND3DWDDM2_0DDI_GETDATAFORNEWHARDWAREKEY pfnGetDataForNewHardwareKey;
  // Slot 82: CheckCryptoSessionStatus.
  PFND3DWDDM2_0DDI_CHECKCRYPTOSESSIONSTATUS pfnCheckCryptoSessionStatus;
  // Slot 83: VideoDecoderSubmitBuffers2 (video decoding), the host driver's.
  PFND3DWDDM2_4DDI_VIDEODECODERSUBMITBUFFERS pfnVideoDecoderSubmitBuffers2;
  // Slot 84: QueryVideoCapabilities (video capabilities), the host driver's.
  PFND3D10DDI_OPAQUE pfnQueryVideoCapabilities;
  // Slot 85: CheckVideoProcessorFormatConversion (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnCheckVideoProcessorFormatConversion;
  // Slot 86: VideoDecoderEnableDownsampling (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoDecoderEnableDownsampling;
  // Slot 87: VideoDecoderUpdateDownsampling (video decoding), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoDecoderUpdateDownsampling;
  // Slot 88: VideoProcessorSetStreamMirror (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamMirror;
  // Slot 89: VideoProcessorSetOutputColorSpace1 (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputColorSpace1;
  // Slot 90: VideoProcessorSetStreamColorSpace1 (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamColorSpace1;
  // Slot 91: VideoProcessorSetOutputShaderUsage (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputShaderUsage;
  // Slot 92: VideoProcessorGetBehaviorHints (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorGetBehaviorHints;
  // Slot 93: GetCryptoSessionPrivateDataSize.
  PFND3DWDDM2_0DDI_GETCRYPTOSESSIONPRIVATEDATASIZE pfnGetCryptoSessionPrivateDataSize;
  // Slot 94: VideoProcessorSetOutputHDRMetaData (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetOutputHDRMetaData;
  // Slot 95: VideoProcessorSetStreamHDRMetaData (video processing), the host driver's.
  PFND3D10DDI_OPAQUE pfnVideoProcessorSetStreamHDRMetaData;
} D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0;

// The runtime itself, without authentication; never reaches a driver.
#define D3D11_AUTHENTICATED_CHANNEL_D3D11 1

// The driver's software.
#define D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE 2

// The driver's hardware.
#define D3D11_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE 3

// DDI name of `D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE`.
#define D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE 2

// DDI name of `D3D11_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE`.
#define D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE 3

// Bit field `ProtectionEnabled`: protection is enforced (D19).
#define D3D11_AUTHENTICATED_PROTECTION_FLAG_PROTECTION_ENABLED 1

// Bit field `OverlayOrFullscreenRequired`: content is shown in an overlay or full screen only.
#define D3D11_AUTHENTICATED_PROTECTION_FLAG_OVERLAY_OR_FULLSCREEN_REQUIRED 2

// Unknown process.
#define D3D11_PROCESSIDTYPE_UNKNOWN 0

// The desktop window manager.
#define D3D11_PROCESSIDTYPE_DWM 1

// The process of a handle.
#define D3D11_PROCESSIDTYPE_HANDLE 2

// DDI name of `D3D11_PROCESSIDTYPE_UNKNOWN`.
#define D3D11_1DDI_PROCESSIDTYPE_UNKNOWN 0

// DDI name of `D3D11_PROCESSIDTYPE_DWM`.
#define D3D11_1DDI_PROCESSIDTYPE_DWM 1

// DDI name of `D3D11_PROCESSIDTYPE_HANDLE`.
#define D3D11_1DDI_PROCESSIDTYPE_HANDLE 2

// Another bus.
#define D3D11_BUS_TYPE_OTHER 0

// PCI.
#define D3D11_BUS_TYPE_PCI 1

// PCI-X.
#define D3D11_BUS_TYPE_PCIX 2

// PCI Express.
#define D3D11_BUS_TYPE_PCIEXPRESS 3

// AGP.
#define D3D11_BUS_TYPE_AGP 4

// Modifier: the adapter is part of the chipset.
#define D3D11_BUS_IMPL_MODIFIER_INSIDE_OF_CHIPSET 65536

// Modifier: motherboard tracks lead to the chip.
#define D3D11_BUS_IMPL_MODIFIER_TRACKS_ON_MOTHER_BOARD_TO_CHIP 131072

// Modifier: motherboard tracks lead to a socket.
#define D3D11_BUS_IMPL_MODIFIER_TRACKS_ON_MOTHER_BOARD_TO_SOCKET 196608

// Modifier: the adapter is on a board in a connector.
#define D3D11_BUS_IMPL_MODIFIER_DAUGHTER_BOARD_CONNECTOR 262144

// Modifier: as before, where users cannot reach it.
#define D3D11_BUS_IMPL_MODIFIER_DAUGHTER_BOARD_CONNECTOR_INSIDE_OF_NUAE 327680

// Modifier: the bus is not a standard one.
#define D3D11_BUS_IMPL_MODIFIER_NON_STANDARD 2147483648

// DDI name of `D3D11_BUS_TYPE_OTHER`.
#define D3D11_1DDI_BUS_TYPE_OTHER 0

// DDI name of `D3D11_BUS_TYPE_PCI`.
#define D3D11_1DDI_BUS_TYPE_PCI 1

// DDI name of `D3D11_BUS_TYPE_PCIX`.
#define D3D11_1DDI_BUS_TYPE_PCIX 2

// DDI name of `D3D11_BUS_TYPE_PCIEXPRESS`.
#define D3D11_1DDI_BUS_TYPE_PCIEXPRESS 3

// DDI name of `D3D11_BUS_TYPE_AGP`.
#define D3D11_1DDI_BUS_TYPE_AGP 4

// DDI name of `D3D11_BUS_IMPL_MODIFIER_INSIDE_OF_CHIPSET`.
#define D3D11_1DDI_BUS_IMPL_MODIFIER_INSIDE_OF_CHIPSET 65536

// DDI name of `D3D11_BUS_IMPL_MODIFIER_TRACKS_ON_MOTHER_BOARD_TO_CHIP`.
#define D3D11_1DDI_BUS_IMPL_MODIFIER_TRACKS_ON_MOTHER_BOARD_TO_CHIP 131072

// DDI name of `D3D11_BUS_IMPL_MODIFIER_TRACKS_ON_MOTHER_BOARD_TO_SOCKET`.
#define D3D11_1DDI_BUS_IMPL_MODIFIER_TRACKS_ON_MOTHER_BOARD_TO_SOCKET 196608

// DDI name of `D3D11_BUS_IMPL_MODIFIER_DAUGHTER_BOARD_CONNECTOR`.
#define D3D11_1DDI_BUS_IMPL_MODIFIER_DAUGHTER_BOARD_CONNECTOR 262144

// DDI name of `D3D11_BUS_IMPL_MODIFIER_DAUGHTER_BOARD_CONNECTOR_INSIDE_OF_NUAE`.
#define D3D11_1DDI_BUS_IMPL_MODIFIER_DAUGHTER_BOARD_CONNECTOR_INSIDE_OF_NUAE 327680

// DDI name of `D3D11_BUS_IMPL_MODIFIER_NON_STANDARD`.
#define D3D11_1DDI_BUS_IMPL_MODIFIER_NON_STANDARD 2147483648

// The driver encrypts in software.
#define D3D11_1DDI_CONTENT_PROTECTION_CAPS_SOFTWARE 1

// The adapter encrypts in hardware.
#define D3D11_1DDI_CONTENT_PROTECTION_CAPS_HARDWARE 2

// Protected surfaces are protected even if no application asks for it.
#define D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON 4

// Buffers may be encrypted in part.
#define D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION 8

// Data may be encrypted with a content key of its own, wrapped with the session key.
#define D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY 16

// The session key can be refreshed without a new key exchange.
#define D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY 32

// Protected surfaces can be read back encrypted, see EncryptionBlt.
#define D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK 64

// Encrypted read-back takes a key of its own, see GetEncryptionBltKey (D12).
#define D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY 128

// The IV of DecryptionBlt must increase (D10).
#define D3D11_1DDI_CONTENT_PROTECTION_CAPS_SEQUENTIAL_CTR_IV 256

// Of a compressed buffer only the slice data may be encrypted.
#define D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPT_SLICEDATA_ONLY 512

// DecryptionBlt is supported.
#define D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT 1024

// WDDM 2.0: single uncompressed resources can be protected by hardware.
#define D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECT_UNCOMPRESSED 2048

// WDDM 2.0: protected memory keeps its content when it is paged out.
#define D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECTED_MEMORY_PAGEABLE 4096

// WDDM 2.0: SetHardwareProtection can switch an existing resource. Has no counterpart for applications.
#define D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECTED_MEMORY_TRANSITION 8192

// WDDM 2.0: keys and content can be lost to a hardware teardown, see CheckCryptoSessionStatus.
#define D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_TEARDOWN 16384

// WDDM 2.0: a crypto session carries commands to a secure execution environment.
#define D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION 32768

// Application's bit: the driver encrypts in software.
#define D3D11_CONTENT_PROTECTION_CAPS_SOFTWARE 1

// Application's bit: the adapter encrypts in hardware.
#define D3D11_CONTENT_PROTECTION_CAPS_HARDWARE 2

// Application's bit: protected surfaces are always protected.
#define D3D11_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON 4

// Application's bit: buffers may be encrypted in part.
#define D3D11_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION 8

// Application's bit: wrapped content keys are supported.
#define D3D11_CONTENT_PROTECTION_CAPS_CONTENT_KEY 16

// Application's bit: the session key can be refreshed.
#define D3D11_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY 32

// Application's bit: protected surfaces can be read back encrypted.
#define D3D11_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK 64

// Application's bit: encrypted read-back takes a key of its own.
#define D3D11_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY 128

// Application's bit: the IV of DecryptionBlt must increase.
#define D3D11_CONTENT_PROTECTION_CAPS_SEQUENTIAL_CTR_IV 256

// Application's bit: only slice data may be encrypted.
#define D3D11_CONTENT_PROTECTION_CAPS_ENCRYPT_SLICEDATA_ONLY 512

// Application's bit: DecryptionBlt is supported.
#define D3D11_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT 1024

// Application's bit: single uncompressed resources can be protected by hardware.
#define D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECT_UNCOMPRESSED 2048

// Application's bit: protected memory keeps its content when it is paged out.
#define D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECTED_MEMORY_PAGEABLE 4096

// Application's bit: hardware teardown; a driver reports it as 0x4000.
#define D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_TEARDOWN 8192

// Application's bit: commands to a secure environment; a driver reports it as 0x8000.
#define D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION 16384

// Application's bit: the multi-threaded key exchange of WDDM 2.4 is offered; set by the runtime.
#define D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION_MULTI_THREADED 32768

// The certificate of an authenticated channel.
#define D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL 1

// The certificate of a crypto session.
#define D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION 2

// Key and content are intact.
#define D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK 0

// The session key is lost: a new key exchange is needed.
#define D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST 1

// The session key and the content of protected resources are lost.
#define D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST 2

// API name of `D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK`.
#define D3D11_CRYPTO_SESSION_STATUS_OK 0

// API name of `D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST`.
#define D3D11_CRYPTO_SESSION_STATUS_KEY_LOST 1

// API name of `D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST`.
#define D3D11_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST 2

// No flag; the only value defined.
#define D3DWDDM2_4DDI_CRYPTO_SESSION_KEY_EXCHANGE_FLAG_NONE 0

// Nobody knows.
#define D3D11_1DDI_VIDEO_DECODER_BUFFER_UNKNOWN 0

// Picture parameters.
#define D3D11_1DDI_VIDEO_DECODER_BUFFER_PICTURE_PARAMETERS 1

// Macroblock control commands.
#define D3D11_1DDI_VIDEO_DECODER_BUFFER_MACROBLOCK_CONTROL 2

// Residual differences of blocks.
#define D3D11_1DDI_VIDEO_DECODER_BUFFER_RESIDUAL_DIFFERENCE 3

// Control commands of the deblocking filter.
#define D3D11_1DDI_VIDEO_DECODER_BUFFER_DEBLOCKING_CONTROL 4

// Matrix of the inverse quantisation.
#define D3D11_1DDI_VIDEO_DECODER_BUFFER_INVERSE_QUANTIZATION_MATRIX 5

// Where the slices lie in the bitstream.
#define D3D11_1DDI_VIDEO_DECODER_BUFFER_SLICE_CONTROL 6

// Bitstream: the slices.
#define D3D11_1DDI_VIDEO_DECODER_BUFFER_BITSTREAM 7

// Motion vectors.
#define D3D11_1DDI_VIDEO_DECODER_BUFFER_MOTION_VECTOR 8

// Parameters of film grain.
#define D3D11_1DDI_VIDEO_DECODER_BUFFER_FILM_GRAIN 9

// Success. The only success code of this interface (D27).
#define S_OK 0

// The entry is not implemented.
#define E_NOTIMPL (HRESULT)2147500033u

// A pointer that must not be null is null.
#define E_POINTER (HRESULT)2147500035u

// Unspecified failure; also an unknown query or command of an authenticated channel.
#define E_FAIL (HRESULT)2147500037u

// An internal error of the driver.
#define E_UNEXPECTED (HRESULT)2147549183u

// The handle is stale, foreign or zero.
#define E_HANDLE (HRESULT)2147942406u

// Memory, or the budget of protected memory (D24), is exhausted.
#define E_OUTOFMEMORY (HRESULT)2147942414u

// An argument is wrong: size, index, pattern, sequence number or message code.
#define E_INVALIDARG (HRESULT)2147942487u

// The call is not allowed in the present state (D3, D12, D23).
#define D3DERR_INVALIDCALL (HRESULT)2289436780u

// The device was removed.
#define D3DDDIERR_DEVICEREMOVED (HRESULT)2289436784u

// The content cannot be protected.
#define D3DERR_CANNOTPROTECTCONTENT (HRESULT)2289436797u

// The crypto type is not supported for the decode profile.
#define D3DERR_UNSUPPORTEDCRYPTO (HRESULT)2289436798u

// `D3DERR_UNSUPPORTEDCRYPTO` by the name that the DDI uses.
#define D3DDDIERR_UNSUPPORTEDCRYPTO (HRESULT)2289436798u

// False.
#define FALSE 0

// True.
#define TRUE 1

#ifdef __cplusplus
}
#endif

static const GUID D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION = {0x6346cc54, 0x2cfc, 0x4ad4, {0x82, 0x24, 0xd1, 0x58, 0x37, 0xde, 0x77, 0x00}};
static const GUID D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE = {0x41fff286, 0x6ae0, 0x4d43, {0x9d, 0x55, 0xa4, 0x6e, 0x9e, 0xfd, 0x15, 0x8a}};
static const GUID D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE = {0x06114bdb, 0x3523, 0x470a, {0x8d, 0xca, 0xfb, 0xc2, 0x84, 0x51, 0x54, 0xf0}};
static const GUID D3D11_AUTHENTICATED_CONFIGURE_PROTECTION = {0x50455658, 0x3f47, 0x4362, {0xbf, 0x99, 0xbf, 0xdf, 0xcd, 0xe9, 0xed, 0x29}};
static const GUID D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE = {0x0772d047, 0x1b40, 0x48e8, {0x9c, 0xa6, 0xb5, 0xf5, 0x10, 0xde, 0x9f, 0x01}};
static const GUID D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES = {0x6214d9d2, 0x432c, 0x4abb, {0x9f, 0xce, 0x21, 0x6e, 0xea, 0x26, 0x9e, 0x3b}};
static const GUID D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE = {0xbc1b18a5, 0xb1fb, 0x42ab, {0xbd, 0x94, 0xb5, 0x82, 0x8b, 0x4b, 0xf7, 0xbe}};
static const GUID D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION = {0x2634499e, 0xd018, 0x4d74, {0xac, 0x17, 0x7f, 0x72, 0x40, 0x59, 0x52, 0x8d}};
static const GUID D3D11_AUTHENTICATED_QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE = {0xec1791c7, 0xdad3, 0x4f15, {0x9e, 0xc3, 0xfa, 0xa9, 0x3d, 0x60, 0xd4, 0xf0}};
static const GUID D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE = {0xec1c539d, 0x8cff, 0x4e2a, {0xbc, 0xc4, 0xf5, 0x69, 0x2f, 0x99, 0xf4, 0x80}};
static const GUID D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID = {0xf83a5958, 0xe986, 0x4bda, {0xbe, 0xb0, 0x41, 0x1f, 0x6a, 0x7a, 0x01, 0xb7}};
static const GUID D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT = {0xb30f7066, 0x203c, 0x4b07, {0x93, 0xfc, 0xce, 0xaa, 0xfd, 0x61, 0x24, 0x1e}};
static const GUID D3D11_AUTHENTICATED_QUERY_OUTPUT_ID = {0x839ddca3, 0x9b4e, 0x41e4, {0xb0, 0x53, 0x89, 0x2b, 0xd2, 0xa1, 0x1e, 0xe7}};
static const GUID D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT = {0x2c042b5e, 0x8c07, 0x46d5, {0xaa, 0xbe, 0x8f, 0x75, 0xcb, 0xad, 0x4c, 0x31}};
static const GUID D3D11_AUTHENTICATED_QUERY_PROTECTION = {0xa84eb584, 0xc495, 0x48aa, {0xb9, 0x4d, 0x8b, 0xd2, 0xd6, 0xfb, 0xce, 0x05}};
static const GUID D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS = {0x649bbadb, 0xf0f4, 0x4639, {0xa1, 0x5b, 0x24, 0x39, 0x3f, 0xc3, 0xab, 0xac}};
static const GUID D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT = {0x0db207b3, 0x9450, 0x46a6, {0x82, 0xde, 0x1b, 0x96, 0xd4, 0x4f, 0x9c, 0xf2}};
static const GUID D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT = {0x012f0bd6, 0xe662, 0x4474, {0xbe, 0xfd, 0xaa, 0x53, 0xe5, 0x14, 0x3c, 0x6d}};
static const GUID D3D11_CRYPTO_TYPE_AES128_CTR = {0x9b6bd711, 0x4f74, 0x41c9, {0x9e, 0x7b, 0x0b, 0xe2, 0xd7, 0xd9, 0x3b, 0x4f}};
static const GUID D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS = {0x422d9319, 0x9d21, 0x4bb7, {0x93, 0x71, 0xfa, 0xf5, 0xa8, 0x2c, 0x3e, 0x04}};
static const GUID D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC = {0xb0405235, 0xc13d, 0x44f2, {0x9a, 0xe5, 0xdd, 0x48, 0xe0, 0x8e, 0x5b, 0x67}};
static const GUID D3D11_DECODER_ENCRYPTION_HW_CENC = {0x89d6ac4f, 0x09f2, 0x4229, {0xb2, 0xcd, 0x37, 0x74, 0x0a, 0x6d, 0xfd, 0x81}};
static const GUID D3D11_KEY_EXCHANGE_HW_PROTECTION = {0xb1170d8a, 0x628d, 0x4da3, {0xad, 0x3b, 0x82, 0xdd, 0xb0, 0x8b, 0x49, 0x70}};
static const GUID D3D11_KEY_EXCHANGE_RSAES_OAEP = {0xc1949895, 0xd72a, 0x4a1d, {0x8e, 0x5d, 0xed, 0x85, 0x7d, 0x17, 0x15, 0x20}};
static const GUID D3D11_DECODER_PROFILE_MPEG2_IDCT = {0xbf22ad00, 0x03ea, 0x4690, {0x80, 0x77, 0x47, 0x33, 0x46, 0x20, 0x9b, 0x7e}};
static const GUID D3D11_DECODER_PROFILE_MPEG2_MOCOMP = {0xe6a9f44b, 0x61b0, 0x4563, {0x9e, 0xa4, 0x63, 0xd2, 0xa3, 0xc6, 0xfe, 0x66}};
static const GUID D3D11_DECODER_PROFILE_MPEG2_VLD = {0xee27417f, 0x5e28, 0x4e65, {0xbe, 0xea, 0x1d, 0x26, 0xb5, 0x08, 0xad, 0xc9}};
static const GUID D3D11_DECODER_PROFILE_MPEG1_VLD = {0x6f3ec719, 0x3735, 0x42cc, {0x80, 0x63, 0x65, 0xcc, 0x3c, 0xb3, 0x66, 0x16}};
static const GUID D3D11_DECODER_PROFILE_MPEG2and1_VLD = {0x86695f12, 0x340e, 0x4f04, {0x9f, 0xd3, 0x92, 0x53, 0xdd, 0x32, 0x74, 0x60}};
static const GUID D3D11_DECODER_PROFILE_H264_IDCT_FGT = {0x1b81be67, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID D3D11_DECODER_PROFILE_H264_IDCT_NOFGT = {0x1b81be66, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID D3D11_DECODER_PROFILE_H264_MOCOMP_FGT = {0x1b81be65, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID D3D11_DECODER_PROFILE_H264_MOCOMP_NOFGT = {0x1b81be64, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID D3D11_DECODER_PROFILE_H264_VLD_FGT = {0x1b81be69, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID D3D11_DECODER_PROFILE_H264_VLD_MULTIVIEW_NOFGT = {0x705b9d82, 0x76cf, 0x49d6, {0xb7, 0xe6, 0xac, 0x88, 0x72, 0xdb, 0x01, 0x3c}};
static const GUID D3D11_DECODER_PROFILE_H264_VLD_NOFGT = {0x1b81be68, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID D3D11_DECODER_PROFILE_H264_VLD_STEREO_NOFGT = {0xf9aaccbb, 0xc2b6, 0x4cfc, {0x87, 0x79, 0x57, 0x07, 0xb1, 0x76, 0x05, 0x52}};
static const GUID D3D11_DECODER_PROFILE_H264_VLD_STEREO_PROGRESSIVE_NOFGT = {0xd79be8da, 0x0cf1, 0x4c81, {0xb8, 0x2a, 0x69, 0xa4, 0xe2, 0x36, 0xf4, 0x3d}};
static const GUID D3D11_DECODER_PROFILE_H264_VLD_WITHFMOASO_NOFGT = {0xd5f04ff9, 0x3418, 0x45d8, {0x95, 0x61, 0x32, 0xa7, 0x6a, 0xae, 0x2d, 0xdd}};
static const GUID D3D11_DECODER_PROFILE_WMV8_MOCOMP = {0x1b81be81, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID D3D11_DECODER_PROFILE_WMV8_POSTPROC = {0x1b81be80, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID D3D11_DECODER_PROFILE_WMV9_IDCT = {0x1b81be94, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID D3D11_DECODER_PROFILE_WMV9_MOCOMP = {0x1b81be91, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID D3D11_DECODER_PROFILE_WMV9_POSTPROC = {0x1b81be90, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID D3D11_DECODER_PROFILE_VC1_D2010 = {0x1b81bea4, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID D3D11_DECODER_PROFILE_VC1_IDCT = {0x1b81bea2, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID D3D11_DECODER_PROFILE_VC1_MOCOMP = {0x1b81bea1, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID D3D11_DECODER_PROFILE_VC1_POSTPROC = {0x1b81bea0, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID D3D11_DECODER_PROFILE_VC1_VLD = {0x1b81bea3, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID D3D11_DECODER_PROFILE_MPEG4PT2_VLD_ADVSIMPLE_GMC = {0xab998b5b, 0x4258, 0x44a9, {0x9f, 0xeb, 0x94, 0xe5, 0x97, 0xa6, 0xba, 0xae}};
static const GUID D3D11_DECODER_PROFILE_MPEG4PT2_VLD_ADVSIMPLE_NOGMC = {0xed418a9f, 0x010d, 0x4eda, {0x9a, 0xe3, 0x9a, 0x65, 0x35, 0x8d, 0x8d, 0x2e}};
static const GUID D3D11_DECODER_PROFILE_MPEG4PT2_VLD_SIMPLE = {0xefd64d74, 0xc9e8, 0x41d7, {0xa5, 0xe9, 0xe9, 0xb0, 0xe3, 0x9f, 0xa3, 0x19}};
static const GUID D3D11_DECODER_PROFILE_HEVC_VLD_MAIN = {0x5b11d51b, 0x2f4c, 0x4452, {0xbc, 0xc3, 0x09, 0xf2, 0xa1, 0x16, 0x0c, 0xc0}};
static const GUID D3D11_DECODER_PROFILE_HEVC_VLD_MAIN10 = {0x107af0e0, 0xef1a, 0x4d19, {0xab, 0xa8, 0x67, 0xa1, 0x63, 0x07, 0x3d, 0x13}};
static const GUID D3D11_DECODER_PROFILE_HEVC_VLD_MONOCHROME = {0x0685b993, 0x3d8c, 0x43a0, {0x8b, 0x28, 0xd7, 0x4c, 0x2d, 0x68, 0x99, 0xa4}};
static const GUID D3D11_DECODER_PROFILE_HEVC_VLD_MONOCHROME10 = {0x142a1d0f, 0x69dd, 0x4ec9, {0x85, 0x91, 0xb1, 0x2f, 0xfc, 0xb9, 0x1a, 0x29}};
static const GUID D3D11_DECODER_PROFILE_HEVC_VLD_MAIN12 = {0x1a72925f, 0x0c2c, 0x4f15, {0x96, 0xfb, 0xb1, 0x7d, 0x14, 0x73, 0x60, 0x3f}};
static const GUID D3D11_DECODER_PROFILE_HEVC_VLD_MAIN10_422 = {0x0bac4fe5, 0x1532, 0x4429, {0xa8, 0x54, 0xf8, 0x4d, 0xe0, 0x49, 0x53, 0xdb}};
static const GUID D3D11_DECODER_PROFILE_HEVC_VLD_MAIN12_422 = {0x55bcac81, 0xf311, 0x4093, {0xa7, 0xd0, 0x1c, 0xbc, 0x0b, 0x84, 0x9b, 0xee}};
static const GUID D3D11_DECODER_PROFILE_HEVC_VLD_MAIN_444 = {0x4008018f, 0xf537, 0x4b36, {0x98, 0xcf, 0x61, 0xaf, 0x8a, 0x2c, 0x1a, 0x33}};
static const GUID D3D11_DECODER_PROFILE_HEVC_VLD_MAIN10_EXT = {0x9cc55490, 0xe37c, 0x4932, {0x86, 0x84, 0x49, 0x20, 0xf9, 0xf6, 0x40, 0x9c}};
static const GUID D3D11_DECODER_PROFILE_HEVC_VLD_MAIN10_444 = {0x0dabeffa, 0x4458, 0x4602, {0xbc, 0x03, 0x07, 0x95, 0x65, 0x9d, 0x61, 0x7c}};
static const GUID D3D11_DECODER_PROFILE_HEVC_VLD_MAIN12_444 = {0x9798634d, 0xfe9d, 0x48e5, {0xb4, 0xda, 0xdb, 0xec, 0x45, 0xb3, 0xdf, 0x01}};
static const GUID D3D11_DECODER_PROFILE_HEVC_VLD_MAIN16 = {0xa4fbdbb0, 0xa113, 0x482b, {0xa2, 0x32, 0x63, 0x5c, 0xc0, 0x69, 0x7f, 0x6d}};
static const GUID D3D11_DECODER_PROFILE_VP8_VLD = {0x90b899ea, 0x3a62, 0x4705, {0x88, 0xb3, 0x8d, 0xf0, 0x4b, 0x27, 0x44, 0xe7}};
static const GUID D3D11_DECODER_PROFILE_VP9_VLD_10BIT_PROFILE2 = {0xa4c749ef, 0x6ecf, 0x48aa, {0x84, 0x48, 0x50, 0xa7, 0xa1, 0x16, 0x5f, 0xf7}};
static const GUID D3D11_DECODER_PROFILE_VP9_VLD_PROFILE0 = {0x463707f8, 0xa1d0, 0x4585, {0x87, 0x6d, 0x83, 0xaa, 0x6d, 0x60, 0xb8, 0x9e}};
static const GUID D3D11_DECODER_PROFILE_AV1_VLD_12BIT_PROFILE2 = {0x17127009, 0xa00f, 0x4ce1, {0x99, 0x4e, 0xbf, 0x40, 0x81, 0xf6, 0xf3, 0xf0}};
static const GUID D3D11_DECODER_PROFILE_AV1_VLD_12BIT_PROFILE2_420 = {0x2d80bed6, 0x9cac, 0x4835, {0x9e, 0x91, 0x32, 0x7b, 0xbc, 0x4f, 0x9e, 0xe8}};
static const GUID D3D11_DECODER_PROFILE_AV1_VLD_PROFILE0 = {0xb8be4ccb, 0xcf53, 0x46ba, {0x8d, 0x59, 0xd6, 0xb8, 0xa6, 0xda, 0x5d, 0x2a}};
static const GUID D3D11_DECODER_PROFILE_AV1_VLD_PROFILE1 = {0x6936ff0f, 0x45b1, 0x4163, {0x9c, 0xc1, 0x64, 0x6e, 0xf6, 0x94, 0x61, 0x08}};
static const GUID D3D11_DECODER_PROFILE_AV1_VLD_PROFILE2 = {0x0c5f2aa1, 0xe541, 0x4089, {0xbb, 0x7b, 0x98, 0x11, 0x0a, 0x19, 0xd7, 0xc8}};
static const GUID D3D11_DECODER_PROFILE_MJPEG_VLD_420 = {0x725cb506, 0x0c29, 0x43c4, {0x94, 0x40, 0x8e, 0x93, 0x97, 0x90, 0x3a, 0x04}};
static const GUID D3D11_DECODER_PROFILE_MJPEG_VLD_422 = {0x5b77b9cd, 0x1a35, 0x4c30, {0x9f, 0xd8, 0xef, 0x4b, 0x60, 0xc0, 0x35, 0xdd}};
static const GUID D3D11_DECODER_PROFILE_MJPEG_VLD_444 = {0xd95161f9, 0x0d44, 0x47e6, {0xbc, 0xf5, 0x1b, 0xfb, 0xfb, 0x26, 0x8f, 0x97}};
static const GUID D3D11_DECODER_PROFILE_MJPEG_VLD_4444 = {0xc91748d5, 0xfd18, 0x4aca, {0x9d, 0xb3, 0x3a, 0x66, 0x34, 0xab, 0x54, 0x7d}};
static const GUID D3D11_DECODER_PROFILE_JPEG_VLD_420 = {0xcf782c83, 0xbef5, 0x4a2c, {0x87, 0xcb, 0x60, 0x19, 0xe7, 0xb1, 0x75, 0xac}};
static const GUID D3D11_DECODER_PROFILE_JPEG_VLD_422 = {0xf04df417, 0xeee2, 0x4067, {0xa7, 0x78, 0xf3, 0x5c, 0x15, 0xab, 0x97, 0x21}};
static const GUID D3D11_DECODER_PROFILE_JPEG_VLD_444 = {0x4cd00e17, 0x89ba, 0x48ef, {0xb9, 0xf9, 0xed, 0xcb, 0x82, 0x71, 0x3f, 0x65}};
static const GUID DXVA_ModeH261_A = {0x1b81be01, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID DXVA_ModeH261_B = {0x1b81be02, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID DXVA_ModeH263_A = {0x1b81be03, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID DXVA_ModeH263_B = {0x1b81be04, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID DXVA_ModeH263_C = {0x1b81be05, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID DXVA_ModeH263_D = {0x1b81be06, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID DXVA_ModeH263_E = {0x1b81be07, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID DXVA_ModeH263_F = {0x1b81be08, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID DXVA_ModeMPEG1_A = {0x1b81be09, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID DXVA_ModeMPEG2_A = {0x1b81be0a, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID DXVA_ModeMPEG2_B = {0x1b81be0b, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID DXVA_ModeMPEG2_C = {0x1b81be0c, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};
static const GUID DXVA_ModeMPEG2_D = {0x1b81be0d, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};

#endif

#ifdef __cplusplus
extern "C" {
#endif

// Version of this interface, compared for equality.
#define SOFTCP_DRIVER_INTERFACE_VERSION 1

// Flag of a description: make a protected resource.
#define SOFTCP_RESOURCE_PROTECTED 1

// Flag of a description: make a multisampled resource.
#define SOFTCP_RESOURCE_MULTISAMPLED 2

// Flag of a description: make a shared resource, which other processes may open.
#define SOFTCP_RESOURCE_SHARED 4

// Flag of a description, with `SOFTCP_RESOURCE_SHARED` only: the sharing is restricted to the processes that an
// authenticated channel allowed.
#define SOFTCP_RESOURCE_RESTRICTED 8

// Receives an error of an entry that returns nothing: every failure, with codes too that a driver keeps from its
// runtime's `pfnSetErrorCb` (D42).
//
// `context` is `error_context` of the description. `function` names the entry and `text` says what is wrong, both
// UTF-8 ending in a zero byte and valid during the call only; either is null from a driver that has none. Called on
// the thread that called the entry, before the entry returns. Must not unwind, nor call the driver.
typedef void (SOFTCP_CALL *softcp_report_error)(void *context, const char *function, HRESULT hresult, const char *text);

// How to open a driver. Owned by the caller and read during the call only.
typedef struct softcp_driver_desc {
  // Size of this structure.
  uint32_t size;
  // `SOFTCP_DRIVER_INTERFACE_VERSION`.
  uint32_t interface_version;
  // Options in the syntax of `SOFTCP_OPTIONS`, UTF-8 ending in a zero byte. Null: none.
  const char *options;
  // First argument of `report_error`; must stay valid until the driver is closed.
  void *error_context;
  // Where errors of entries that return nothing go. Null: they are dropped.
  softcp_report_error report_error;
} softcp_driver_desc;

// What resource to create. All sizes are in bytes. A buffer is one row.
typedef struct softcp_resource_desc {
  // Size of this structure.
  uint32_t size;
  // `SOFTCP_RESOURCE_*`.
  uint32_t flags;
  // `DXGI_FORMAT`; 0 for an unknown format and for a buffer.
  uint32_t format;
  // Number of members of `extra_planes` that count: 0 to 2.
  uint32_t extra_plane_count;
  // Visible bytes of a row.
  size_t row_bytes;
  // Number of rows.
  size_t rows;
  // Distance from one row to the next; 0 is the driver's choice.
  size_t row_pitch;
  // Further planes, in memory order. `data` is ignored; a `row_pitch` of 0 is the driver's choice.
  softcp_plane extra_planes[2];
} softcp_resource_desc;

// An open driver: what `softcp_open_driver_fn` fills. The first argument of each entry is `context`.
//
// The entries may be called from any thread. They and the function tables are valid until `close`.
typedef struct softcp_driver {
  // Size of this structure. Set by the caller to the size it knows; the driver writes no more than that, and
  // leaves here how much it wrote.
  uint32_t size;
  // Written by the driver: the version that it speaks.
  uint32_t interface_version;
  // The driver's name, UTF-8 ending in a zero byte, valid until `close`. Never null after success.
  const char *name;
  // The driver's version, UTF-8 ending in a zero byte, valid until `close`. Never null after success.
  const char *version;
  // The driver's own data: first argument of each entry.
  void *context;
  // Creates a device and writes its handle: S_OK or E_OUTOFMEMORY. Destroy it with `destroy_device`.
  HRESULT (SOFTCP_CALL *create_device)(void *context, D3D10DDI_HDEVICE *device);
  // Destroys a device with its sessions, channels, decoders and resources. Zero does nothing.
  void (SOFTCP_CALL *destroy_device)(void *context, D3D10DDI_HDEVICE device);
  // Fills the content-protection entries of a video function table, and those of decoders, their output views and
  // frames if the driver has decoders to bind sessions to; leaves the others as they are.
  //
  // `table_size` is the size of the table in bytes. E_INVALIDARG: no video sub-device, or not its table's size.
  // The entries work until the device is destroyed. Private memory of sessions, channels and
  // decoders is the caller's, of the size that the table's CalcPrivate entries say.
  HRESULT (SOFTCP_CALL *retrieve_sub_object)(void *context,
                                 D3D10DDI_HDEVICE device,
                                 uint32_t sub_device_id,
                                 size_t table_size,
                                 void *table);
  // Creates a resource, filled with zeros, and writes its handle: S_OK, E_INVALIDARG or E_OUTOFMEMORY.
  HRESULT (SOFTCP_CALL *create_resource)(void *context,
                             D3D10DDI_HDEVICE device,
                             const struct softcp_resource_desc *desc,
                             D3D10DDI_HRESOURCE *resource);
  // Destroys a resource, which must not be mapped. Zero does nothing.
  void (SOFTCP_CALL *destroy_resource)(void *context, D3D10DDI_HDEVICE device, D3D10DDI_HRESOURCE resource);
  // Maps a resource for `access` (`SOFTCP_ACCESS_*`) and describes its memory.
  //
  // Each success needs one `unmap_resource`. While it is mapped, no blit may use the resource.
  HRESULT (SOFTCP_CALL *map_resource)(void *context,
                          D3D10DDI_HDEVICE device,
                          D3D10DDI_HRESOURCE resource,
                          uint32_t access,
                          softcp_mapping *mapping);
  // Ends a mapping; its pointers are no longer valid.
  void (SOFTCP_CALL *unmap_resource)(void *context, D3D10DDI_HDEVICE device, D3D10DDI_HRESOURCE resource);
  // Closes the driver with all its devices. Nothing of it may be used afterwards.
  void (SOFTCP_CALL *close)(void *context);
  // Makes a resource whose memory is the caller's, and writes its handle: S_OK, E_INVALIDARG or E_OUTOFMEMORY. Null
  // from a driver that only has memory of its own: then the caller copies through `map_resource`.
  //
  // `memory` describes it as a mapping does, and is read during the call only. What it describes stays valid until
  // `destroy_resource`, and while a call uses the resource: for reads, and for writes where calls write to it.
  // Nobody else touches it during such a call, the padding between its rows included. The driver touches it in such
  // calls only, and of the padding neither reads nor writes anything (D9). E_INVALIDARG: a null pointer, a plane
  // without rows or with empty ones, a pitch smaller than a row, an unknown flag, `reserved` not zero, more than two
  // extra planes, or planes larger than the address space.
  //
  // Otherwise it is a resource as others are, and `map_resource` gives the same memory. But it takes nothing of the
  // protected memory that there is (D24), is nobody's share, and keeps its bytes when content is lost (D23): those
  // are the caller's to clear.
  HRESULT (SOFTCP_CALL *wrap_resource)(void *context,
                           D3D10DDI_HDEVICE device,
                           const softcp_mapping *memory,
                           D3D10DDI_HRESOURCE *resource);
} softcp_driver;

// Opens a driver: S_OK, E_POINTER, E_INVALIDARG (version, size or options) or another failure.
//
// On failure the members of `driver` after `size` are zero, and there is nothing to close.
typedef HRESULT (SOFTCP_CALL *softcp_open_driver_fn)(const struct softcp_driver_desc *desc, struct softcp_driver *driver);

// The names of an entry in the order in which they are looked for (D40).
#define SOFTCP_OPEN_DRIVER_NAMES { SOFTCP_OPEN_DRIVER, SOFTCP_OPEN_REFERENCE_DRIVER, }

// Names of an exported function of type `softcp_open_driver_fn`, in the order in which kits look for them (D40).
#define SOFTCP_OPEN_DRIVER "softcp_open_driver"
#define SOFTCP_OPEN_REFERENCE_DRIVER "softcp_open_reference_driver"

// The function that a driver defines and exports to be loaded by the conformance kit and by the `softcp` command. SoftCP's
// library declares it here and never defines it: a driver that links the library, statically too, has this name for
// itself, while `softcp_open_reference_driver` below opens the library's own reference driver.
HRESULT SOFTCP_CALL softcp_open_driver(const struct softcp_driver_desc *desc, struct softcp_driver *driver);

// Attaches a SoftCP device to the host's `hDevice`, so that the table entries called with that `hDevice` reach it. A
// device may be attached to several. Only the value of `h_device.pDrvPrivate` counts; nothing is read there.
//
// Entries pass the `pDrvPrivate` of an HRESOURCE to the host's callbacks as the resource. The private memory of a
// crypto session, which the runtime owns, holds its `softcp_session`, that of a channel its `softcp_channel`. An entry that
// returns nothing makes one call of the host's `report_error2`, or else `report_error`, when it fails (D20). Entries called
// with an `hDevice` that has no device return E_INVALIDARG.
//
// SOFTCP_E_INVALIDARG: null, or the `hDevice` has a device already.
//
// # Safety
// `device` is null or came from `softcp_device_create`.
softcp_hresult SOFTCP_CALL softcp_ddi_attach(const softcp_device *device,
                                 D3D10DDI_HDEVICE h_device);

// Detaches the device from `hDevice`. Harmless when none is attached. `softcp_device_destroy` does so by itself.
softcp_hresult SOFTCP_CALL softcp_ddi_detach(D3D10DDI_HDEVICE h_device);

// Writes this library's entries into a video function table of `table_size` bytes: sub-device 2 (Direct3D 11.1),
// 3 (WDDM 2.0), 5 (2.1), 7 (2.4 RS4) or 6 (2.4). Every other entry stays as it is. The entries are the same functions
// for every device, before and after it is attached. SOFTCP_E_INVALIDARG: another sub-device, a size that is not its
// table's, or a null table.
//
// pfnVideoDecoderGetHandle (77) is not among them: decoders are the host's. It must answer the number that
// `softcp_decoder_register` gave for the decoder, or else applications cannot bind a session to it.
//
// # Safety
// `table` is null or valid for writes of `table_size` bytes.
softcp_hresult SOFTCP_CALL softcp_ddi_fill(uint32_t sub_device_id, size_t table_size, void *table);

// The function of an entry by its name in the table, as "pfnDecryptionBlt", to be cast to its type; null when this
// library does not provide it. "pfnSetHardwareProtection" belongs to the core device table, which `softcp_ddi_fill` does not
// fill.
//
// # Safety
// `name` is null or a string ending in a zero byte.
const void *SOFTCP_CALL softcp_ddi_entry(const char *name);

// Opens the reference driver. Kits look for `softcp_open_driver` first: so a driver that links this library statically
// exports that, and this one stays what it is (D40). `options` of the description are those of SOFTCP_OPTIONS, which is laid over them.
// SOFTCP_E_INVALIDARG: null, another interface version, too small a size, or options that are not valid.
// SOFTCP_E_FAIL: the identity directory cannot be used. SOFTCP_E_NOTIMPL: the options ask for the fault
// certificate-revoked without a revocation list, as softcp_inject_fault says. What is wrong goes to `report_error`.
//
// # Safety
// `desc` is null or points to a structure of its `size`, whose options are null or a string and whose callback may
// be called with its context until the driver is closed; `driver` is null or points to a structure of its `size`.
HRESULT SOFTCP_CALL softcp_open_reference_driver(const struct softcp_driver_desc *desc,
                                     struct softcp_driver *driver);

#ifdef __cplusplus
}
#endif

#endif
