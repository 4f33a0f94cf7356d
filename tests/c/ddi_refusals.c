/* Every wrong call of the session entries: what is returned or reported, and that a refused call changes nothing. */
#include "ddi_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILL 0xA5

/* A source and a destination that agree, the latter filled with FILL. */
struct pair {
    struct surface source, destination;
};

static struct pair pair_create(struct device *device)
{
    struct pair pair = {
        surface_create(device, shape_rows(40, 5, 64)),
        surface_create(device, shape_with(shape_rows(40, 5, 48), SOFTCP_RESOURCE_PROTECTED)),
    };
    surface_fill(&pair.source, 0x3C);
    surface_fill(&pair.destination, FILL);
    return pair;
}

static void pair_destroy(struct pair *pair)
{
    surface_destroy(&pair->source);
    surface_destroy(&pair->destination);
}

/* The destination has the bytes it was filled with. */
static void is_untouched(const struct surface *surface, const char *name)
{
    uint8_t bytes[40 * 5];
    surface_read(surface, bytes);
    is_filled(bytes, FILL, sizeof bytes, "%s: the destination keeps its bytes (D30)", name);
    ok(surface_padding_is(surface, FILL), "%s: and its padding", name);
}

/* The arguments of a DecryptionBlt, all right at first. */
struct decryption_call {
    D3D10DDI_HRESOURCE source, destination;
    UINT key_size;
    const void *key;
    UINT iv_size;
    const void *iv;
};

static const uint8_t some_iv[32] = {0, 0, 0, 0, 0, 0, 0, 1};
static const uint8_t some_key[32] = {1, 2, 3};

static struct decryption_call decryption_of(const struct pair *pair)
{
    struct decryption_call call = {pair->source.handle, pair->destination.handle, 0, NULL, IV_SIZE, some_iv};
    return call;
}

static void refuses_decryption(struct session *session, const struct pair *pair, struct decryption_call call,
                               HRESULT hresult, const char *name)
{
    struct device *device = session->device;
    REPORTS(device->ddi, "DecryptionBlt", hresult,
            device->call.DecryptionBlt(device->handle, session->handle, call.source, call.destination, NULL,
                                       call.key_size, call.key, call.iv_size, call.iv),
            "DecryptionBlt: %s", name);
    is_untouched(&pair->destination, name);
}

static void refuses_encryption(struct session *session, D3D10DDI_HRESOURCE source, const struct surface *destination,
                               UINT iv_size, bool null_iv, HRESULT hresult, const char *name)
{
    struct device *device = session->device;
    uint8_t iv[32];
    memset(iv, FILL, sizeof iv);
    REPORTS(device->ddi, "EncryptionBlt", hresult,
            device->call.EncryptionBlt(device->handle, session->handle, source, destination->handle, iv_size,
                                       null_iv ? NULL : iv),
            "EncryptionBlt: %s", name);
    is_filled(iv, FILL, sizeof iv, "%s: the IV buffer keeps its bytes (D30)", name);
    is_untouched(destination, name);
}

/* Start and GetEncryptionBltKey with buffers that they refuse. */
static void refuses_buffer(struct session *session, UINT size, bool null, HRESULT hresult, const char *name)
{
    struct device *device = session->device;
    uint8_t buffer[64];
    memset(buffer, FILL, sizeof buffer);
    REPORTS(device->ddi, "StartSessionKeyRefresh", hresult,
            device->call.StartSessionKeyRefresh(device->handle, session->handle, size, null ? NULL : buffer),
            "StartSessionKeyRefresh: %s", name);
    REPORTS(device->ddi, "GetEncryptionBltKey", hresult,
            device->call.GetEncryptionBltKey(device->handle, session->handle, size, null ? NULL : buffer),
            "GetEncryptionBltKey: %s", name);
    is_filled(buffer, FILL, sizeof buffer, "%s: the buffers keep their bytes (D1, D30)", name);
}

/* Every entry with a session handle that names no live session of the device: E_INVALIDARG, and outputs as D30 says.
   `session->device` is the device that is called. */
static void refuses_every_call(struct session *session, const char *name)
{
    struct device *device = session->device;
    struct pair pair = pair_create(device);
    uint8_t message[RSA_SIZE], key[KEY_SIZE] = {0};
    client_key_exchange(session->driver_key, key, sizeof key, message);
    is_hresult(device->call.NegotiateCryptoSessionKeyExchange(device->handle, session->handle, RSA_SIZE, message),
               E_INVALIDARG, "NegotiateCryptoSessionKeyExchange: %s", name);
    refuses_decryption(session, &pair, decryption_of(&pair), E_INVALIDARG, name);
    refuses_encryption(session, pair.source.handle, &pair.destination, IV_SIZE, false, E_INVALIDARG, name);
    refuses_buffer(session, KEY_SIZE, false, E_INVALIDARG, name);
    REPORTS(device->ddi, "FinishSessionKeyRefresh", E_INVALIDARG,
            device->call.FinishSessionKeyRefresh(device->handle, session->handle), "FinishSessionKeyRefresh: %s", name);
    HANDLE handle = &pair;
    is_hresult(device->call.CryptoSessionGetHandle(device->handle, session->handle, &handle), E_INVALIDARG,
               "CryptoSessionGetHandle: %s", name);
    ok(handle == NULL, "%s: the handle is zero (D30)", name);
    if (device->call.CheckCryptoSessionStatus != NULL) {
        D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS status = 7;
        REPORTS(device->ddi, "CheckCryptoSessionStatus", E_INVALIDARG,
                device->call.CheckCryptoSessionStatus(device->handle, session->handle, &status),
                "CheckCryptoSessionStatus: %s", name);
        is_number(status, 0, "%s: the status is zero (D30)", name);
    }
    pair_destroy(&pair);
}

static void test_sessions_that_are_none(struct device *device, struct device *other, EVP_PKEY *driver_key)
{
    struct session zeroed = session_memory(device, driver_key);
    refuses_every_call(&zeroed, "before create");
    SILENT(device->ddi, device->call.DestroyCryptoSession(device->handle, zeroed.handle),
           "DestroyCryptoSession: before create is harmless");
    memset(zeroed.handle.pDrvPrivate, FILL, sizeof(void *));
    refuses_every_call(&zeroed, "private memory that holds garbage");
    REPORTS(device->ddi, "DestroyCryptoSession", E_INVALIDARG,
            device->call.DestroyCryptoSession(device->handle, zeroed.handle),
            "DestroyCryptoSession: private memory that holds garbage");
    free(zeroed.handle.pDrvPrivate);

    struct session null = {.device = device, .driver_key = driver_key};
    refuses_every_call(&null, "null session handle");
    REPORTS(device->ddi, "DestroyCryptoSession", E_INVALIDARG,
            device->call.DestroyCryptoSession(device->handle, null.handle),
            "DestroyCryptoSession: null session handle");

    struct session session = session_keyed(device, driver_key);
    struct session foreign = session;
    foreign.device = other;
    refuses_every_call(&foreign, "session of another device");
    REPORTS(other->ddi, "DestroyCryptoSession", E_INVALIDARG,
            other->call.DestroyCryptoSession(other->handle, session.handle),
            "DestroyCryptoSession: session of another device");
    session_decrypts(&session, "which is as it was");

    void *stale;
    memcpy(&stale, session.handle.pDrvPrivate, sizeof stale);
    SILENT(device->ddi, device->call.DestroyCryptoSession(device->handle, session.handle), "DestroyCryptoSession");
    refuses_every_call(&session, "after destroy");
    SILENT(device->ddi, device->call.DestroyCryptoSession(device->handle, session.handle),
           "DestroyCryptoSession: a second time is harmless");
    memcpy(session.handle.pDrvPrivate, &stale, sizeof stale);
    struct session successor = session_keyed(device, driver_key);
    refuses_every_call(&session, "private memory of a destroyed session, put back");
    REPORTS(device->ddi, "DestroyCryptoSession", E_INVALIDARG,
            device->call.DestroyCryptoSession(device->handle, session.handle),
            "DestroyCryptoSession: private memory of a destroyed session, put back");
    session_decrypts(&successor, "a session created since is as it was");
    session_end(&successor);
    free(session.handle.pDrvPrivate);
}

static void test_create(struct device *device)
{
    static const GUID no_guid = {0};
    const D3D11_1DDIARG_CREATECRYPTOSESSION good = session_arguments();
    struct {
        const char *name;
        D3D11_1DDIARG_CREATECRYPTOSESSION arguments;
    } refused[] = {
        {"no crypto type", good},
        {"unknown crypto type", good},
        {"unknown decode profile", good},
        {"no key exchange type", good},
        {"crypto type as key exchange type (D29)", good},
    };
    refused[0].arguments.CryptoType = no_guid;
    refused[1].arguments.CryptoType = D3D11_KEY_EXCHANGE_RSAES_OAEP;
    refused[2].arguments.DecodeProfile = D3D11_CRYPTO_TYPE_AES128_CTR;
    refused[3].arguments.KeyExchangeType = no_guid;
    refused[4].arguments.KeyExchangeType = D3D11_CRYPTO_TYPE_AES128_CTR;
    struct session session = session_memory(device, NULL);
    D3D11_1DDI_HRTCRYPTOSESSION runtime_session = {&session};
    uintptr_t private_memory;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        memset(session.handle.pDrvPrivate, FILL, sizeof private_memory);
        is_hresult(
            device->call.CreateCryptoSession(device->handle, &refused[i].arguments, session.handle, runtime_session),
            D3DDDIERR_UNSUPPORTEDCRYPTO, "CreateCryptoSession: %s", refused[i].name);
        memcpy(&private_memory, session.handle.pDrvPrivate, sizeof private_memory);
        is_number(private_memory, 0, "%s: the private memory is zero (D30)", refused[i].name);
        SILENT(device->ddi, device->call.DestroyCryptoSession(device->handle, session.handle),
               "DestroyCryptoSession: after a failed create is harmless");
    }
    is_hresult(device->call.CreateCryptoSession(device->handle, NULL, session.handle, runtime_session), E_INVALIDARG,
               "CreateCryptoSession: null arguments");
    is_hresult(device->call.CreateCryptoSession(device->handle, &good, (D3D11_1DDI_HCRYPTOSESSION){NULL},
                                                runtime_session),
               E_INVALIDARG, "CreateCryptoSession: null private memory");
    ok(device->call.CalcPrivateCryptoSessionSize(device->handle, NULL) > 0,
       "CalcPrivateCryptoSessionSize never fails, not even without arguments");
    free(session.handle.pDrvPrivate);

    D3D11_1DDIARG_CREATECRYPTOSESSION decoding = good;
    decoding.DecodeProfile = D3D11_DECODER_PROFILE_H264_VLD_NOFGT;
    struct session decoder_session = session_memory(device, NULL);
    is_hresult(device->call.CreateCryptoSession(device->handle, &decoding, decoder_session.handle, runtime_session),
               S_OK, "CreateCryptoSession with a decode profile");
    session_end(&decoder_session);
}

static void test_before_a_key(struct device *device, EVP_PKEY *driver_key)
{
    struct session session = session_create(device, driver_key);
    struct pair pair = pair_create(device);
    const char *name = "before a key exchange (D3)";
    refuses_decryption(&session, &pair, decryption_of(&pair), D3DERR_INVALIDCALL, name);
    refuses_encryption(&session, pair.source.handle, &pair.destination, IV_SIZE, false, D3DERR_INVALIDCALL, name);
    refuses_buffer(&session, KEY_SIZE, false, D3DERR_INVALIDCALL, name);
    REPORTS(device->ddi, "FinishSessionKeyRefresh", D3DERR_INVALIDCALL,
            device->call.FinishSessionKeyRefresh(device->handle, session.handle), "FinishSessionKeyRefresh: %s", name);
    is_hresult(session_negotiate(&session), S_OK, "the key exchange is possible afterwards");
    session_decrypts(&session, "and the key is in force");
    pair_destroy(&pair);
    session_end(&session);
}

static void test_key_exchange(struct device *device, EVP_PKEY *driver_key)
{
    struct session session = session_keyed(device, driver_key);
    uint8_t plain[64], message[RSA_SIZE + 1] = {0};
    client_random(plain, sizeof plain);
    const struct {
        const char *name;
        struct oaep oaep;
        size_t size;
    } enciphered[] = {
        {"a key of 0 bytes", {EVP_sha512(), EVP_sha512(), ""}, 0},
        {"a key of 15 bytes", {EVP_sha512(), EVP_sha512(), ""}, 15},
        {"a key of 17 bytes", {EVP_sha512(), EVP_sha512(), ""}, 17},
        {"a key of 32 bytes", {EVP_sha512(), EVP_sha512(), ""}, 32},
        {"SHA-1", {EVP_sha1(), EVP_sha1(), ""}, 16},
        {"SHA-256", {EVP_sha256(), EVP_sha256(), ""}, 16},
        {"SHA-512 with MGF1-SHA-1", {EVP_sha512(), EVP_sha1(), ""}, 16},
        {"SHA-1 with MGF1-SHA-512", {EVP_sha1(), EVP_sha512(), ""}, 16},
        {"a label", {EVP_sha512(), EVP_sha512(), "label"}, 16},
    };
    for (size_t i = 0; i < sizeof enciphered / sizeof enciphered[0]; i++) {
        client_key_exchange_with(driver_key, enciphered[i].oaep, plain, enciphered[i].size, message);
        is_hresult(device->call.NegotiateCryptoSessionKeyExchange(device->handle, session.handle, RSA_SIZE, message),
                   E_INVALIDARG, "key exchange with %s (D22)", enciphered[i].name);
    }
    static const uint8_t fills[] = {0x00, 0x01, 0x55, 0xFF};
    for (size_t i = 0; i < sizeof fills; i++) {
        memset(message, fills[i], sizeof message);
        is_hresult(device->call.NegotiateCryptoSessionKeyExchange(device->handle, session.handle, RSA_SIZE, message),
                   E_INVALIDARG, "key exchange of bytes that are all 0x%02x", fills[i]);
    }
    client_key_exchange(driver_key, plain, KEY_SIZE, message);
    static const UINT sizes[] = {0, 1, 16, 255, 257};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        is_hresult(device->call.NegotiateCryptoSessionKeyExchange(device->handle, session.handle, sizes[i], message),
                   E_INVALIDARG, "key exchange of %u bytes", sizes[i]);
    }
    is_hresult(device->call.NegotiateCryptoSessionKeyExchange(device->handle, session.handle, RSA_SIZE, NULL),
               E_INVALIDARG, "key exchange of null");
    is_hresult(device->call.NegotiateCryptoSessionKeyExchange(device->handle, session.handle, 0, NULL), E_INVALIDARG,
               "key exchange of nothing");
    message[200] ^= 1;
    is_hresult(device->call.NegotiateCryptoSessionKeyExchange(device->handle, session.handle, RSA_SIZE, message),
               E_INVALIDARG, "key exchange with one bit changed");
    session_decrypts(&session, "after all that the old key is in force");
    session_end(&session);
}

static void test_sizes(struct device *device, EVP_PKEY *driver_key)
{
    struct session session = session_keyed(device, driver_key);
    struct pair pair = pair_create(device);
    struct device *const d = device;
    static const UINT wrong[] = {0, 1, 15, 17, 32};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char name[64];
        snprintf(name, sizeof name, "size %u", wrong[i]);
        refuses_buffer(&session, wrong[i], false, E_INVALIDARG, name);
        refuses_encryption(&session, pair.source.handle, &pair.destination, wrong[i], false, E_INVALIDARG, name);
        struct decryption_call call = decryption_of(&pair);
        call.iv_size = wrong[i];
        snprintf(name, sizeof name, "IV of size %u", wrong[i]);
        refuses_decryption(&session, &pair, call, E_INVALIDARG, name);
        call = decryption_of(&pair);
        call.key = some_key;
        call.key_size = wrong[i];
        snprintf(name, sizeof name, "content key of size %u (D28)", wrong[i]);
        refuses_decryption(&session, &pair, call, E_INVALIDARG, name);
    }
    refuses_buffer(&session, KEY_SIZE, true, E_INVALIDARG, "null buffer");
    refuses_buffer(&session, 0, true, E_INVALIDARG, "null buffer of size 0");
    refuses_buffer(&session, UINT32_MAX, true, E_INVALIDARG, "null buffer of the largest size");
    refuses_encryption(&session, pair.source.handle, &pair.destination, IV_SIZE, true, E_INVALIDARG, "null IV");
    struct decryption_call call = decryption_of(&pair);
    call.iv = NULL;
    refuses_decryption(&session, &pair, call, E_INVALIDARG, "null IV");
    session_decrypts(&session, "after all that the key is the same");

    HANDLE *null_handle = NULL;
    is_hresult(d->call.CryptoSessionGetHandle(d->handle, session.handle, null_handle), E_INVALIDARG,
               "CryptoSessionGetHandle into null");
    if (d->call.CheckCryptoSessionStatus != NULL) {
        REPORTS(d->ddi, "CheckCryptoSessionStatus", E_INVALIDARG,
                d->call.CheckCryptoSessionStatus(d->handle, session.handle, NULL), "CheckCryptoSessionStatus into null");
    }
    pair_destroy(&pair);
    session_end(&session);
}

static void test_order(struct device *device, EVP_PKEY *driver_key)
{
    struct session session = session_keyed(device, driver_key);
    struct pair pair = pair_create(device);
    REPORTS(device->ddi, "FinishSessionKeyRefresh", D3DERR_INVALIDCALL,
            device->call.FinishSessionKeyRefresh(device->handle, session.handle), "Finish without Start (D3)");
    session_decrypts(&session, "the key is unchanged");
    refuses_encryption(&session, pair.source.handle, &pair.destination, IV_SIZE, false, D3DERR_INVALIDCALL,
                       "before GetEncryptionBltKey (D12)");
    uint8_t number[KEY_SIZE];
    SILENT(device->ddi, device->call.StartSessionKeyRefresh(device->handle, session.handle, KEY_SIZE, number), "Start");
    refuses_buffer(&session, 15, false, E_INVALIDARG, "size 15 while a refresh is pending");
    refuses_buffer(&session, KEY_SIZE, true, E_INVALIDARG, "null while a refresh is pending");
    SILENT(device->ddi, device->call.FinishSessionKeyRefresh(device->handle, session.handle), "Finish");
    client_xor(session.key, number);
    session_decrypts(&session, "a refused Start does not replace the pending number (D1)");
    REPORTS(device->ddi, "FinishSessionKeyRefresh", D3DERR_INVALIDCALL,
            device->call.FinishSessionKeyRefresh(device->handle, session.handle), "Finish a second time (D3)");
    session_decrypts(&session, "the key is unchanged");
    pair_destroy(&pair);
    session_end(&session);
}

static void test_resources(struct device *device, struct device *other, EVP_PKEY *driver_key)
{
    struct session session = session_keyed(device, driver_key);
    uint8_t wrapped[KEY_SIZE];
    SILENT(device->ddi, device->call.GetEncryptionBltKey(device->handle, session.handle, sizeof wrapped, wrapped),
           "GetEncryptionBltKey");
    struct pair pair = pair_create(device), foreign = pair_create(other);
    struct surface gone = surface_create(device, shape_rows(40, 5, 64));
    const D3D10DDI_HRESOURCE stale = gone.handle, null = {NULL};
    surface_destroy(&gone);
    struct surface mapped = surface_create(device, shape_rows(40, 5, 64));
    surface_map(&mapped);
    struct surface taller = surface_create(device, shape_rows(40, 6, 64));
    struct surface wider = surface_create(device, shape_rows(41, 5, 64));
    struct surface as_buffer = surface_create(device, shape_buffer(200));
    struct softcp_resource_desc shape = shape_rows(40, 5, 64);
    shape.extra_plane_count = 1;
    shape.extra_planes[0] = (softcp_plane){.row_bytes = 40, .rows = 5};
    struct surface with_plane = surface_create(device, shape);
    const struct {
        const char *name;
        D3D10DDI_HRESOURCE source;
    } wrong[] = {
        {"null resource", null},
        {"destroyed resource", stale},
        {"resource of another device", foreign.source.handle},
        {"mapped resource", mapped.handle},
        {"source with more rows", taller.handle},
        {"source with longer rows", wider.handle},
        {"source of as many bytes in another shape", as_buffer.handle},
        {"source with a further plane", with_plane.handle},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct decryption_call call = decryption_of(&pair);
        call.source = wrong[i].source;
        refuses_decryption(&session, &pair, call, E_INVALIDARG, wrong[i].name);
        refuses_encryption(&session, wrong[i].source, &pair.destination, IV_SIZE, false, E_INVALIDARG, wrong[i].name);
        call = decryption_of(&pair);
        call.destination = wrong[i].source;
        char name[96];
        snprintf(name, sizeof name, "as destination: %s", wrong[i].name);
        refuses_decryption(&session, &pair, call, E_INVALIDARG, name);
    }
    surface_unmap(&mapped);
    struct surface mapped_destination = surface_create(device, shape_rows(40, 5, 64));
    surface_fill(&mapped_destination, FILL);
    struct softcp_mapping mapping = surface_map(&mapped_destination);
    struct decryption_call call = decryption_of(&pair);
    call.destination = mapped_destination.handle;
    refuses_decryption(&session, &pair, call, E_INVALIDARG, "mapped destination");
    is_filled(mapping.data, FILL, 64 * 5, "mapped destination: it keeps its bytes");
    surface_unmap(&mapped_destination);
    call = decryption_of(&pair);
    call.source = mapped.handle;
    SILENT(device->ddi,
           device->call.DecryptionBlt(device->handle, session.handle, call.source, call.destination, NULL, 0, NULL,
                                      IV_SIZE, some_iv),
           "once it is unmapped the resource can be used");
    surface_fill(&pair.destination, FILL);

    struct surface multisampled =
        surface_create(device, shape_with(shape_rows(40, 5, 48), SOFTCP_RESOURCE_MULTISAMPLED));
    call = decryption_of(&pair);
    call.destination = multisampled.handle;
    refuses_decryption(&session, &pair, call, E_INVALIDARG, "multisampled destination");
    refuses_encryption(&session, multisampled.handle, &pair.destination, IV_SIZE, false, E_INVALIDARG,
                       "multisampled source");
    shape = shape_rows(40, 5, 64);
    shape.format = 28;
    struct surface rgba = surface_create(device, shape);
    shape.format = 61;
    struct surface red = surface_create(device, shape);
    call = decryption_of(&pair);
    call.source = rgba.handle;
    call.destination = red.handle;
    refuses_decryption(&session, &pair, call, E_INVALIDARG, "source and destination of different formats");

    session_decrypts(&session, "after all that the session is as it was");
    struct surface *all[] = {&mapped, &mapped_destination, &taller, &wider, &as_buffer, &with_plane, &multisampled,
                             &rgba,   &red};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        surface_destroy(all[i]);
    }
    pair_destroy(&foreign);
    pair_destroy(&pair);
    session_end(&session);
}

/* A destroyed device, and one that never was: entries with an HRESULT return E_INVALIDARG, outputs are as D30 says,
   and there is nobody to report to. */
static void test_devices_that_are_none(struct device *device, EVP_PKEY *driver_key)
{
    struct device gone = *device;
    const struct softcp_driver *driver = &device->ddi->driver;
    is_hresult(driver->create_device(driver->context, &gone.handle), S_OK, "create_device");
    struct session session = session_keyed(&gone, driver_key);
    device_destroy(&gone);
    const D3D10DDI_HDEVICE handles[] = {gone.handle, {NULL}, {&gone}};
    static const char *const names[] = {"destroyed device", "null device", "device that never was"};
    ddi_forget(device->ddi);
    for (int i = 0; i < 3; i++) {
        const D3D10DDI_HDEVICE handle = handles[i];
        D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps = {1, 1, 1, 1};
        is_hresult(gone.call.GetContentProtectionCaps(handle, NULL, NULL, &caps), E_INVALIDARG,
                   "GetContentProtectionCaps: %s", names[i]);
        ok(caps.Caps == 0 && caps.ProtectedMemorySize == 0, "%s: the capabilities are zero (D30)", names[i]);
        GUID type = D3D11_KEY_EXCHANGE_RSAES_OAEP;
        const GUID no_guid = {0};
        is_hresult(gone.call.GetCryptoKeyExchangeType(handle, &D3D11_CRYPTO_TYPE_AES128_CTR, NULL, 0, &type),
                   E_INVALIDARG, "GetCryptoKeyExchangeType: %s", names[i]);
        is_bytes(&type, &no_guid, sizeof type, "%s: the key exchange type is zero (D30)", names[i]);
        D3D11_1DDIARG_CREATECRYPTOSESSION arguments = session_arguments();
        uintptr_t memory = 7;
        is_hresult(gone.call.CreateCryptoSession(handle, &arguments, (D3D11_1DDI_HCRYPTOSESSION){&memory},
                                                 (D3D11_1DDI_HRTCRYPTOSESSION){NULL}),
                   E_INVALIDARG, "CreateCryptoSession: %s", names[i]);
        is_number(memory, 0, "%s: the private memory is zero (D30)", names[i]);
        HANDLE session_handle = &session;
        is_hresult(gone.call.CryptoSessionGetHandle(handle, session.handle, &session_handle), E_INVALIDARG,
                   "CryptoSessionGetHandle: %s", names[i]);
        ok(session_handle == NULL, "%s: the handle is zero (D30)", names[i]);
        UINT size = 7;
        D3D11_1DDI_CERTIFICATE_INFO info = {.CertificateType = D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION};
        gone.call.GetCertificateSize(handle, &info, &size);
        is_number(size, 0, "%s: the certificate size is zero (D30)", names[i]);
        uint8_t bytes[RSA_SIZE];
        memset(bytes, FILL, sizeof bytes);
        gone.call.GetCertificate(handle, &info, sizeof bytes, bytes);
        gone.call.StartSessionKeyRefresh(handle, session.handle, KEY_SIZE, bytes);
        gone.call.GetEncryptionBltKey(handle, session.handle, KEY_SIZE, bytes);
        gone.call.EncryptionBlt(handle, session.handle, (D3D10DDI_HRESOURCE){NULL}, (D3D10DDI_HRESOURCE){NULL},
                                IV_SIZE, bytes);
        is_filled(bytes, FILL, sizeof bytes, "%s: data buffers keep their bytes (D30)", names[i]);
        gone.call.FinishSessionKeyRefresh(handle, session.handle);
        gone.call.DecryptionBlt(handle, session.handle, (D3D10DDI_HRESOURCE){NULL}, (D3D10DDI_HRESOURCE){NULL}, NULL, 0,
                                NULL, IV_SIZE, some_iv);
        is_hresult(gone.call.NegotiateCryptoSessionKeyExchange(handle, session.handle, RSA_SIZE, bytes), E_INVALIDARG,
                   "NegotiateCryptoSessionKeyExchange: %s", names[i]);
        if (gone.call.CheckCryptoSessionStatus != NULL) {
            D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS status = 7;
            gone.call.CheckCryptoSessionStatus(handle, session.handle, &status);
            is_number(status, 0, "%s: the status is zero (D30)", names[i]);
        }
        gone.call.DestroyCryptoSession(handle, session.handle);
    }
    is_number(device->ddi->reports.count, 0, "there is nobody to report to");
    free(session.handle.pDrvPrivate);
}

void test_refusals(struct device *device, struct device *other, EVP_PKEY *driver_key)
{
    test_create(device);
    test_sessions_that_are_none(device, other, driver_key);
    test_before_a_key(device, driver_key);
    test_key_exchange(device, driver_key);
    test_sizes(device, driver_key);
    test_order(device, driver_key);
    test_resources(device, other, driver_key);
    test_devices_that_are_none(device, driver_key);
}
