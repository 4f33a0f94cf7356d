/* Direct3D 11 for C and C++, with what the Windows SDK declares and mingw-w64's headers do not. `guids.c` holds the GUIDs. */
#ifndef SDK_H
#define SDK_H

#define COBJMACROS
#include <windows.h>
#include <d3d11_4.h>
#include <d3d11sdklayers.h>
#include <dxgi1_6.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "guids.h"

#define D3DERR_UNSUPPORTEDCRYPTO ((HRESULT)0x8876087E)
#define D3DERR_INVALIDCALL ((HRESULT)0x8876086C)
#ifndef D3DERR_CANNOTPROTECTCONTENT
#define D3DERR_CANNOTPROTECTCONTENT ((HRESULT)0x8876087D)
#endif
#define D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION_MULTI_THREADED 0x8000

#ifndef __ID3D11VideoDevice2_INTERFACE_DEFINED__
#define __ID3D11VideoDevice2_INTERFACE_DEFINED__
typedef enum D3D11_FEATURE_VIDEO {
    D3D11_FEATURE_VIDEO_DECODER_HISTOGRAM = 0
} D3D11_FEATURE_VIDEO;
typedef enum D3D11_CRYPTO_SESSION_KEY_EXCHANGE_FLAGS {
    D3D11_CRYPTO_SESSION_KEY_EXCHANGE_FLAG_NONE = 0
} D3D11_CRYPTO_SESSION_KEY_EXCHANGE_FLAGS;

#ifdef __cplusplus
} /* a class with a GUID is no matter of C's linkage */
MIDL_INTERFACE("59c0cb01-35f0-4a70-8f67-87905c906a53")
ID3D11VideoDevice2 : public ID3D11VideoDevice1
{
    virtual HRESULT STDMETHODCALLTYPE CheckFeatureSupport(D3D11_FEATURE_VIDEO feature, void *data, UINT size) = 0;
    virtual HRESULT STDMETHODCALLTYPE NegotiateCryptoSessionKeyExchangeMT(
        ID3D11CryptoSession *session, D3D11_CRYPTO_SESSION_KEY_EXCHANGE_FLAGS flags, UINT size, void *data) = 0;
};
__CRT_UUID_DECL(ID3D11VideoDevice2, 0x59c0cb01, 0x35f0, 0x4a70, 0x8f,0x67, 0x87,0x90,0x5c,0x90,0x6a,0x53)
extern "C" {
#endif
#endif

/* The Windows SDK's, of 10.0.17134 and newer. */
#ifndef __ID3D11VideoContext3_INTERFACE_DEFINED__
#define __ID3D11VideoContext3_INTERFACE_DEFINED__
typedef struct D3D11_VIDEO_DECODER_BUFFER_DESC2 {
    D3D11_VIDEO_DECODER_BUFFER_TYPE BufferType;
    UINT DataOffset;
    UINT DataSize;
    void *pIV;
    UINT IVSize;
    D3D11_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK *pSubSampleMappingBlock;
    UINT SubSampleMappingCount;
    UINT cBlocksStripeEncrypted;
    UINT cBlocksStripeClear;
} D3D11_VIDEO_DECODER_BUFFER_DESC2;

#ifndef __cplusplus
typedef struct ID3D11VideoContext3 ID3D11VideoContext3;
typedef struct ID3D11VideoContext3Vtbl {
    ID3D11VideoContext2Vtbl base;
    HRESULT(STDMETHODCALLTYPE *DecoderBeginFrame1)
    (ID3D11VideoContext3 *This, ID3D11VideoDecoder *decoder, ID3D11VideoDecoderOutputView *view, UINT key_size,
     const void *key, UINT histograms, const UINT *offsets, ID3D11Buffer *const *buffers);
    HRESULT(STDMETHODCALLTYPE *SubmitDecoderBuffers2)
    (ID3D11VideoContext3 *This, ID3D11VideoDecoder *decoder, UINT count, const D3D11_VIDEO_DECODER_BUFFER_DESC2 *descs);
} ID3D11VideoContext3Vtbl;
struct ID3D11VideoContext3 {
    const ID3D11VideoContext3Vtbl *lpVtbl;
};
#endif
#endif

#ifdef __cplusplus
}
#endif

#endif
