/* A driver of another maker, as a library: the template of the conformance kit with one crypto type and DecryptionBlt. It has
   no `wrap_resource`, so that what it works on is copied. Its key exchange is none: the message begins with the key. */
#include <softcp_ddi.h>

#include "crypto.h"

#define softcp_open_driver template_open
#include "../../examples/c/conformance/template.c"
#undef softcp_open_driver

struct driver_session {
    uint8_t key[KEY_SIZE];
};

static const GUID aes128_ctr = {0x9b6bd711, 0x4f74, 0x41c9, {0x9e, 0x7b, 0x0b, 0xe2, 0xd7, 0xd9, 0x3b, 0x4f}};
static const GUID rsaes_oaep = {0xc1949895, 0xd72a, 0x4a1d, {0x8e, 0x5d, 0xed, 0x85, 0x7d, 0x17, 0x15, 0x20}};

static HRESULT SOFTCP_APIENTRY caps(D3D10DDI_HDEVICE device, const GUID *type, const GUID *profile,
                                    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS *answer)
{
    if (type == NULL || memcmp(type, &aes128_ctr, sizeof *type) != 0)
        return get_content_protection_caps(device, type, profile, answer);
    memset(answer, 0, sizeof *answer);
    answer->Caps = 0x1 | 0x8 | 0x400; /* software, partial decryption, DecryptionBlt */
    answer->KeyExchangeTypeCount = 1;
    answer->BlockAlignmentSize = 4;
    answer->ProtectedMemorySize = 12345678;
    return S_OK;
}

static HRESULT SOFTCP_APIENTRY key_exchange(D3D10DDI_HDEVICE device, const GUID *type, const GUID *profile, UINT index,
                                            GUID *answer)
{
    (void)device, (void)type, (void)profile;
    memset(answer, 0, sizeof *answer);
    if (index != 0)
        return E_INVALIDARG;
    *answer = rsaes_oaep;
    return S_OK;
}

static SIZE_T SOFTCP_APIENTRY session_size(D3D10DDI_HDEVICE device, const D3D11_1DDIARG_CREATECRYPTOSESSION *create)
{
    (void)device, (void)create;
    return sizeof(struct driver_session);
}

static HRESULT SOFTCP_APIENTRY create_session(D3D10DDI_HDEVICE device, const D3D11_1DDIARG_CREATECRYPTOSESSION *create,
                                              D3D11_1DDI_HCRYPTOSESSION session, D3D11_1DDI_HRTCRYPTOSESSION runtime)
{
    (void)device, (void)create, (void)runtime;
    memset(session.pDrvPrivate, 0, sizeof(struct driver_session));
    return S_OK;
}

static HRESULT SOFTCP_APIENTRY negotiate(D3D10DDI_HDEVICE device, D3D11_1DDI_HCRYPTOSESSION session, UINT size, void *data)
{
    (void)device, (void)size;
    memcpy(((struct driver_session *)session.pDrvPrivate)->key, data, KEY_SIZE);
    return S_OK;
}

/* Copies the visible bytes of a resource's one plane, to it or from it. */
static void copy_rows(const softcp_mapping *mapping, uint8_t *bytes, int to_resource)
{
    for (size_t row = 0; row < mapping->rows; row++) {
        uint8_t *line = (uint8_t *)mapping->data + row * mapping->row_pitch, *at = bytes + row * mapping->row_bytes;
        memcpy(to_resource ? line : at, to_resource ? at : line, mapping->row_bytes);
    }
}

static void SOFTCP_APIENTRY decrypt(D3D10DDI_HDEVICE device, D3D11_1DDI_HCRYPTOSESSION session, D3D10DDI_HRESOURCE source,
                                    D3D10DDI_HRESOURCE destination, const D3D11_1DDI_ENCRYPTED_BLOCK_INFO *info,
                                    UINT content_key_size, const void *content_key, UINT iv_size, const void *iv)
{
    const struct driver_session *of = session.pDrvPrivate;
    const softcp_mapping *from = &((struct resource *)source.pDrvPrivate)->mapping;
    const softcp_mapping *to = &((struct resource *)destination.pDrvPrivate)->mapping;
    const size_t size = from->row_bytes * from->rows;
    uint8_t key[KEY_SIZE], *bytes = malloc(size);
    if (bytes == NULL || content_key_size != (content_key != NULL ? KEY_SIZE : 0) || iv_size != IV_SIZE ||
        to->row_bytes != from->row_bytes || to->rows != from->rows) {
        free(bytes);
        report(device, "DecryptionBlt", E_INVALIDARG, "this driver takes something else");
        return;
    }
    memcpy(key, of->key, KEY_SIZE);
    if (content_key != NULL)
        crypto_unwrap(of->key, content_key, key);
    struct pattern pattern = {0, 0, 0};
    if (info != NULL)
        pattern = (struct pattern){info->NumEncryptedBytesAtBeginning, info->NumBytesInSkipPattern,
                                   info->NumBytesInEncryptPattern};
    copy_rows(from, bytes, 0);
    crypto_ctr(key, iv, info != NULL ? &pattern : NULL, bytes, size);
    copy_rows(to, bytes, 1);
    free(bytes);
}

static HRESULT SOFTCP_CALL retrieve(void *context, D3D10DDI_HDEVICE device, uint32_t id, size_t size, void *table)
{
    D3D11_1DDI_VIDEODEVICEFUNCS *funcs = table;
    const HRESULT result = retrieve_sub_object(context, device, id, size, table);
    if (result == S_OK) {
        funcs->pfnGetContentProtectionCaps = caps;
        funcs->pfnGetCryptoKeyExchangeType = key_exchange;
        funcs->pfnCalcPrivateCryptoSessionSize = session_size;
        funcs->pfnCreateCryptoSession = create_session;
        funcs->pfnNegotiateCryptoSessionKeyExchange = negotiate;
        funcs->pfnDecryptionBlt = decrypt;
    }
    return result;
}

__declspec(dllexport) HRESULT SOFTCP_CALL softcp_open_driver(const softcp_driver_desc *desc, softcp_driver *driver)
{
    const HRESULT result = template_open(desc, driver);
    if (result == S_OK)
        driver->retrieve_sub_object = retrieve;
    return result;
}
