/* A start for checking your driver with `softcp conform`: the one function that the kit looks for, and behind it a
   driver that offers nothing yet.

     cc -std=c99 -Wall -Wextra -shared -fPIC -I../../../crates/softcp-ddi/include template.c -o libmydriver.so
     softcp conform --driver ./libmydriver.so

   The kit plays the Direct3D runtime and an application. It needs three things that a runtime takes from elsewhere:
   devices, resources whose memory it can reach, and the video function table. They come through `softcp_driver`, below;
   everything else goes through the table's own entries. Replace what stands between "Your driver" and "The kit's way in"
   by calls of your driver, entry by entry: what is not offered yet is skipped, so each step can be seen.

   docs/conformance.md is the guide. With the WDK, include d3d10umddi.h first and define SOFTCP_HAVE_WDK. */
#include <softcp_ddi.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Your driver ---------------------------------------------------------------------------------------------------- */

struct driver {
    void *error_context;
    softcp_report_error report_error;
};

struct device {
    struct driver *driver;
};

/* Up to three planes, one behind the other in one block of memory. A real driver has textures here. */
struct resource {
    softcp_mapping mapping;
    unsigned char *memory;
    int is_mapped;
};

/* Every way out of an entry that returns nothing: one report for each failed call, as with pfnSetErrorCb. */
static void report(D3D10DDI_HDEVICE device, const char *function, HRESULT hresult, const char *text)
{
    const struct driver *driver = ((struct device *)device.pDrvPrivate)->driver;
    if (driver->report_error != NULL)
        driver->report_error(driver->error_context, function, hresult, text);
}

/* Which pairs of crypto type and decode profile there are, and what can be done with them. A driver that knows the pair
   fills the structure and returns S_OK. */
static HRESULT SOFTCP_APIENTRY get_content_protection_caps(
    D3D10DDI_HDEVICE device, const GUID *crypto_type, const GUID *decode_profile,
    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS *caps)
{
    static const GUID none;
    (void)device;
    if (crypto_type == NULL || decode_profile == NULL || caps == NULL)
        return E_INVALIDARG;
    memset(caps, 0, sizeof *caps);
    /* Tools ask for the null type too (D27): what protection there is without a crypto session. */
    if (memcmp(crypto_type, &none, sizeof none) != 0)
        return D3DERR_UNSUPPORTEDCRYPTO;
    caps->BlockAlignmentSize = 1;
    caps->ProtectedMemorySize = UINT64_MAX; /* no limit (D24) */
    return S_OK;
}

static HRESULT SOFTCP_APIENTRY get_crypto_key_exchange_type(
    D3D10DDI_HDEVICE device, const GUID *crypto_type, const GUID *decode_profile, UINT index, GUID *key_exchange_type)
{
    (void)device;
    (void)index;
    if (crypto_type == NULL || decode_profile == NULL || key_exchange_type == NULL)
        return E_INVALIDARG;
    memset(key_exchange_type, 0, sizeof *key_exchange_type);
    return D3DERR_UNSUPPORTEDCRYPTO;
}

/* Bytes that your session needs. The caller allocates them and passes them as hCryptoSession.pDrvPrivate. */
static SIZE_T SOFTCP_APIENTRY calc_private_crypto_session_size(
    D3D10DDI_HDEVICE device, const D3D11_1DDIARG_CREATECRYPTOSESSION *create)
{
    (void)device;
    (void)create;
    return sizeof(void *);
}

static HRESULT SOFTCP_APIENTRY create_crypto_session(
    D3D10DDI_HDEVICE device, const D3D11_1DDIARG_CREATECRYPTOSESSION *create, D3D11_1DDI_HCRYPTOSESSION session,
    D3D11_1DDI_HRTCRYPTOSESSION runtime_session)
{
    (void)device;
    (void)create;
    (void)session;
    (void)runtime_session;
    return D3DERR_UNSUPPORTEDCRYPTO;
}

/* A second call, and one after a failed create, does nothing. */
static void SOFTCP_APIENTRY destroy_crypto_session(D3D10DDI_HDEVICE device, D3D11_1DDI_HCRYPTOSESSION session)
{
    (void)device;
    (void)session;
}

/* The X.509 chain, leaf first, whose leaf holds the RSA key of 2048 bits: as PKCS #7, or as DER certificates one behind
   the other (D13). Sizes and counts of a failed call are written as zero (D30). */
static void SOFTCP_APIENTRY get_certificate_size(
    D3D10DDI_HDEVICE device, const D3D11_1DDI_CERTIFICATE_INFO *info, UINT *size)
{
    (void)info;
    if (size != NULL)
        *size = 0;
    report(device, "GetCertificateSize", E_NOTIMPL, "there is no certificate yet");
}

static void SOFTCP_APIENTRY get_certificate(
    D3D10DDI_HDEVICE device, const D3D11_1DDI_CERTIFICATE_INFO *info, UINT size, BYTE *certificate)
{
    (void)info;
    (void)size;
    (void)certificate;
    report(device, "GetCertificate", E_NOTIMPL, "there is no certificate yet");
}

/* `data` is 256 bytes: 16 bytes of session key, RSAES-OAEP to the leaf's key, with SHA-512 for hash and MGF1. */
static HRESULT SOFTCP_APIENTRY negotiate_crypto_session_key_exchange(
    D3D10DDI_HDEVICE device, D3D11_1DDI_HCRYPTOSESSION session, UINT size, void *data)
{
    (void)device;
    (void)session;
    (void)size;
    (void)data;
    return E_INVALIDARG;
}

/* A protected surface to one in system memory, enciphered under the read-back key; the driver writes the IV (D11). */
static void SOFTCP_APIENTRY encryption_blt(
    D3D10DDI_HDEVICE device, D3D11_1DDI_HCRYPTOSESSION session, D3D10DDI_HRESOURCE source,
    D3D10DDI_HRESOURCE destination, UINT iv_size, void *iv)
{
    (void)session;
    (void)source;
    (void)destination;
    (void)iv_size;
    (void)iv;
    report(device, "EncryptionBlt", E_NOTIMPL, "not offered yet");
}

/* Ciphertext to clear bytes: under the session key, or under `content_key`, which is wrapped by AES-128-ECB under it. */
static void SOFTCP_APIENTRY decryption_blt(
    D3D10DDI_HDEVICE device, D3D11_1DDI_HCRYPTOSESSION session, D3D10DDI_HRESOURCE source,
    D3D10DDI_HRESOURCE destination, const D3D11_1DDI_ENCRYPTED_BLOCK_INFO *info, UINT content_key_size,
    const void *content_key, UINT iv_size, const void *iv)
{
    (void)session;
    (void)source;
    (void)destination;
    (void)info;
    (void)content_key_size;
    (void)content_key;
    (void)iv_size;
    (void)iv;
    report(device, "DecryptionBlt", E_NOTIMPL, "not offered yet");
}

/* A random number of the key's size, which is kept; the key stays until Finish, which XORs the number into it. */
static void SOFTCP_APIENTRY start_session_key_refresh(
    D3D10DDI_HDEVICE device, D3D11_1DDI_HCRYPTOSESSION session, UINT size, void *number)
{
    (void)session;
    (void)size;
    (void)number;
    report(device, "StartSessionKeyRefresh", E_NOTIMPL, "not offered yet");
}

static void SOFTCP_APIENTRY finish_session_key_refresh(D3D10DDI_HDEVICE device, D3D11_1DDI_HCRYPTOSESSION session)
{
    (void)session;
    report(device, "FinishSessionKeyRefresh", E_NOTIMPL, "not offered yet");
}

/* A new read-back key at every call, wrapped by AES-128-ECB under the session key. */
static void SOFTCP_APIENTRY get_encryption_blt_key(
    D3D10DDI_HDEVICE device, D3D11_1DDI_HCRYPTOSESSION session, UINT size, void *key)
{
    (void)session;
    (void)size;
    (void)key;
    report(device, "GetEncryptionBltKey", E_NOTIMPL, "not offered yet");
}

static SIZE_T SOFTCP_APIENTRY calc_private_authenticated_channel_size(
    D3D10DDI_HDEVICE device, const D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL *create)
{
    (void)device;
    (void)create;
    return sizeof(void *);
}

/* Writes the handle that messages will carry to create->hChannel (D25). */
static HRESULT SOFTCP_APIENTRY create_authenticated_channel(
    D3D10DDI_HDEVICE device, D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL *create, D3D11_1DDI_HAUTHCHANNEL channel,
    D3D11_1DDI_HRTAUTHCHANNEL runtime_channel)
{
    (void)device;
    (void)channel;
    (void)runtime_channel;
    if (create != NULL)
        create->hChannel = NULL;
    return E_NOTIMPL;
}

static void SOFTCP_APIENTRY destroy_authenticated_channel(D3D10DDI_HDEVICE device, D3D11_1DDI_HAUTHCHANNEL channel)
{
    (void)device;
    (void)channel;
}

static HRESULT SOFTCP_APIENTRY negotiate_authenticated_channel_key_exchange(
    D3D10DDI_HDEVICE device, D3D11_1DDI_HAUTHCHANNEL channel, UINT size, void *data)
{
    (void)device;
    (void)channel;
    (void)size;
    (void)data;
    return E_INVALIDARG;
}

/* Messages are structures byte for byte. The order of the checks is D15; answers are signed, those of failed calls too. */
static HRESULT SOFTCP_APIENTRY query_authenticated_channel(
    D3D10DDI_HDEVICE device, D3D11_1DDI_HAUTHCHANNEL channel, UINT input_size, const void *input, UINT output_size,
    void *output)
{
    (void)device;
    (void)channel;
    (void)input_size;
    (void)input;
    (void)output_size;
    (void)output;
    return E_INVALIDARG;
}

static HRESULT SOFTCP_APIENTRY configure_authenticated_channel(
    D3D10DDI_HDEVICE device, D3D11_1DDI_HAUTHCHANNEL channel, UINT input_size, const void *input,
    D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT *output)
{
    (void)device;
    (void)channel;
    (void)input_size;
    (void)input;
    (void)output;
    return E_INVALIDARG;
}

static HRESULT SOFTCP_APIENTRY crypto_session_get_handle(
    D3D10DDI_HDEVICE device, D3D11_1DDI_HCRYPTOSESSION session, HANDLE *handle)
{
    (void)device;
    (void)session;
    if (handle != NULL)
        *handle = NULL;
    return E_INVALIDARG;
}

/* The driver's decoders; a driver without any has no handle to give. */
static HRESULT SOFTCP_APIENTRY video_decoder_get_handle(
    D3D10DDI_HDEVICE device, D3D11_1DDI_HDECODE decoder, HANDLE *handle)
{
    (void)device;
    (void)decoder;
    if (handle != NULL)
        *handle = NULL;
    return E_INVALIDARG;
}

/* The kit's way in ----------------------------------------------------------------------------------------------- */

static HRESULT SOFTCP_CALL create_device(void *context, D3D10DDI_HDEVICE *device)
{
    struct device *created = calloc(1, sizeof *created);
    device->pDrvPrivate = created;
    if (created == NULL)
        return E_OUTOFMEMORY;
    created->driver = context;
    return S_OK;
}

/* Also what is left of the device: sessions, channels, decoders, resources. This one keeps no list of its resources,
   which are destroyed before it by whoever drops them; yours has such a list. */
static void SOFTCP_CALL destroy_device(void *context, D3D10DDI_HDEVICE device)
{
    (void)context;
    free(device.pDrvPrivate);
}

/* RetrieveSubObject. One table is enough: the kit takes the newest that there is. The entries that are not about content
   protection stay as they are. */
static HRESULT SOFTCP_CALL retrieve_sub_object(
    void *context, D3D10DDI_HDEVICE device, uint32_t sub_device_id, size_t table_size, void *table)
{
    D3D11_1DDI_VIDEODEVICEFUNCS *funcs = table;
    (void)context;
    (void)device;
    if (sub_device_id != D3D11_1DDI_VIDEO_FUNCTIONS || table_size != sizeof *funcs)
        return E_INVALIDARG;
    funcs->pfnGetContentProtectionCaps = get_content_protection_caps;
    funcs->pfnGetCryptoKeyExchangeType = get_crypto_key_exchange_type;
    funcs->pfnCalcPrivateCryptoSessionSize = calc_private_crypto_session_size;
    funcs->pfnCreateCryptoSession = create_crypto_session;
    funcs->pfnDestroyCryptoSession = destroy_crypto_session;
    funcs->pfnGetCertificateSize = get_certificate_size;
    funcs->pfnGetCertificate = get_certificate;
    funcs->pfnNegotiateCryptoSessionKeyExchange = negotiate_crypto_session_key_exchange;
    funcs->pfnEncryptionBlt = encryption_blt;
    funcs->pfnDecryptionBlt = decryption_blt;
    funcs->pfnStartSessionKeyRefresh = start_session_key_refresh;
    funcs->pfnFinishSessionKeyRefresh = finish_session_key_refresh;
    funcs->pfnGetEncryptionBltKey = get_encryption_blt_key;
    funcs->pfnCalcPrivateAuthenticatedChannelSize = calc_private_authenticated_channel_size;
    funcs->pfnCreateAuthenticatedChannel = create_authenticated_channel;
    funcs->pfnDestroyAuthenticatedChannel = destroy_authenticated_channel;
    funcs->pfnNegotiateAuthenticatedChannelKeyExchange = negotiate_authenticated_channel_key_exchange;
    funcs->pfnQueryAuthenticatedChannel = query_authenticated_channel;
    funcs->pfnConfigureAuthenticatedChannel = configure_authenticated_channel;
    funcs->pfnVideoDecoderGetHandle = video_decoder_get_handle;
    funcs->pfnCryptoSessionGetHandle = crypto_session_get_handle;
    return S_OK;
}

/* Adds a plane behind the `*end` bytes that there are already. */
static int lay_out(softcp_plane *plane, size_t row_bytes, size_t rows, size_t row_pitch, size_t *end)
{
    const size_t pitch = row_pitch != 0 ? row_pitch : (row_bytes + 63) / 64 * 64;
    if (row_bytes == 0 || rows == 0 || pitch < row_bytes || rows > (SIZE_MAX / 4 - *end) / pitch)
        return 0;
    plane->data = (void *)(uintptr_t)*end; /* an offset until there is memory */
    plane->row_pitch = pitch;
    plane->row_bytes = row_bytes;
    plane->rows = rows;
    *end += pitch * rows;
    return 1;
}

static HRESULT SOFTCP_CALL create_resource(
    void *context, D3D10DDI_HDEVICE device, const softcp_resource_desc *desc, D3D10DDI_HRESOURCE *resource)
{
    struct resource *created;
    softcp_mapping mapping;
    softcp_plane first;
    size_t end = 0;
    uint32_t i;
    (void)context;
    (void)device;
    resource->pDrvPrivate = NULL;
    if (desc->extra_plane_count > 2 || !lay_out(&first, desc->row_bytes, desc->rows, desc->row_pitch, &end))
        return E_INVALIDARG;
    memset(&mapping, 0, sizeof mapping);
    for (i = 0; i < desc->extra_plane_count; i++) {
        const softcp_plane *extra = &desc->extra_planes[i];
        if (!lay_out(&mapping.extra_planes[i], extra->row_bytes, extra->rows, extra->row_pitch, &end))
            return E_INVALIDARG;
    }
    created = calloc(1, sizeof *created);
    if (created == NULL)
        return E_OUTOFMEMORY;
    created->memory = calloc(1, end);
    if (created->memory == NULL) {
        free(created);
        return E_OUTOFMEMORY;
    }
    mapping.data = created->memory + (uintptr_t)first.data;
    mapping.row_pitch = first.row_pitch;
    mapping.row_bytes = first.row_bytes;
    mapping.rows = first.rows;
    mapping.extra_plane_count = desc->extra_plane_count;
    for (i = 0; i < desc->extra_plane_count; i++)
        mapping.extra_planes[i].data = created->memory + (uintptr_t)mapping.extra_planes[i].data;
    mapping.format = desc->format;
    mapping.flags = ((desc->flags & SOFTCP_RESOURCE_PROTECTED) != 0 ? SOFTCP_MAPPING_PROTECTED : 0)
                    | ((desc->flags & SOFTCP_RESOURCE_MULTISAMPLED) != 0 ? SOFTCP_MAPPING_MULTISAMPLED : 0);
    created->mapping = mapping;
    resource->pDrvPrivate = created;
    return S_OK;
}

static void SOFTCP_CALL destroy_resource(void *context, D3D10DDI_HDEVICE device, D3D10DDI_HRESOURCE resource)
{
    struct resource *destroyed = resource.pDrvPrivate;
    (void)context;
    (void)device;
    if (destroyed == NULL)
        return;
    free(destroyed->memory);
    free(destroyed);
}

/* While protection is enforced, a protected resource is not mapped: D3DERR_CANNOTPROTECTCONTENT (D19). */
static HRESULT SOFTCP_CALL map_resource(
    void *context, D3D10DDI_HDEVICE device, D3D10DDI_HRESOURCE resource, uint32_t access, softcp_mapping *mapping)
{
    struct resource *mapped = resource.pDrvPrivate;
    (void)context;
    (void)device;
    (void)access;
    memset(mapping, 0, sizeof *mapping);
    if (mapped == NULL || mapped->is_mapped)
        return E_INVALIDARG;
    mapped->is_mapped = 1;
    *mapping = mapped->mapping;
    return S_OK;
}

static void SOFTCP_CALL unmap_resource(void *context, D3D10DDI_HDEVICE device, D3D10DDI_HRESOURCE resource)
{
    struct resource *unmapped = resource.pDrvPrivate;
    (void)context;
    (void)device;
    if (unmapped != NULL)
        unmapped->is_mapped = 0;
}

static void SOFTCP_CALL close_driver(void *context)
{
    free(context);
}

/* What the kit looks for in the library, by this name. It stays yours when the driver links SoftCP's library, which has
   its reference driver under another one. */
#ifdef _WIN32
__declspec(dllexport)
#endif
HRESULT SOFTCP_CALL softcp_open_driver(const softcp_driver_desc *desc, softcp_driver *driver)
{
    struct driver *opened;
    const uint32_t size = driver->size < sizeof *driver ? driver->size : (uint32_t)sizeof *driver;
    /* The caller's structure may be an older one, which ends before the optional wrap_resource. */
    if (desc->interface_version != SOFTCP_DRIVER_INTERFACE_VERSION || size < offsetof(softcp_driver, wrap_resource))
        return E_INVALIDARG;
    memset(driver, 0, size);
    driver->size = size;
    /* desc->options come from `softcp conform --options`. A driver without options refuses any; those that the kit tries
       (test hooks, as a lost key on request) then skip their cases. */
    if (desc->options != NULL && desc->options[0] != '\0')
        return E_INVALIDARG;
    opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return E_OUTOFMEMORY;
    opened->error_context = desc->error_context;
    opened->report_error = desc->report_error;
    driver->interface_version = SOFTCP_DRIVER_INTERFACE_VERSION;
    driver->name = "My driver";
    driver->version = "0.1";
    driver->context = opened;
    driver->create_device = create_device;
    driver->destroy_device = destroy_device;
    driver->retrieve_sub_object = retrieve_sub_object;
    driver->create_resource = create_resource;
    driver->destroy_resource = destroy_resource;
    driver->map_resource = map_resource;
    driver->unmap_resource = unmap_resource;
    driver->close = close_driver;
    /* wrap_resource stays null: all resources are this driver's own memory. */
    return S_OK;
}
