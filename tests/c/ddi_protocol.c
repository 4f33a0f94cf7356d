/* The protocol as a correct application goes through it. */
#include "ddi_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const GUID no_guid = {0};

void test_capabilities(struct device *device)
{
    const struct entries *call = &device->call;
    const GUID profiles[] = {{0}, D3D11_DECODER_PROFILE_H264_VLD_NOFGT, D3D11_DECODER_PROFILE_AV1_VLD_PROFILE0};
    const UINT expected = D3D11_1DDI_CONTENT_PROTECTION_CAPS_SOFTWARE |
                          D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION |
                          D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY |
                          D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY |
                          D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK |
                          D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY |
                          D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT;
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
        D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps;
        memset(&caps, 0xA5, sizeof caps);
        is_hresult(
            call->GetContentProtectionCaps(device->handle, &D3D11_CRYPTO_TYPE_AES128_CTR, &profiles[i], &caps), S_OK,
            "capabilities of AES-128-CTR with decode profile %zu", i);
        is_number(caps.Caps, expected, "they are those of the software profile");
        is_number(caps.BlockAlignmentSize, 1, "patterns may have any run length (D7)");
        ok(caps.ProtectedMemorySize == UINT64_MAX, "protected memory is unlimited (D24)");
        is_number(caps.KeyExchangeTypeCount, 1, "there is one key exchange type");
        GUID type;
        is_hresult(
            call->GetCryptoKeyExchangeType(device->handle, &D3D11_CRYPTO_TYPE_AES128_CTR, &profiles[i], 0, &type),
            S_OK, "the key exchange type at index 0");
        is_bytes(&type, &D3D11_KEY_EXCHANGE_RSAES_OAEP, sizeof type, "it is RSAES-OAEP");
        is_hresult(
            call->GetCryptoKeyExchangeType(device->handle, &D3D11_CRYPTO_TYPE_AES128_CTR, &profiles[i], 1, &type),
            E_INVALIDARG, "there is none at index 1 (D27)");
        is_bytes(&type, &no_guid, sizeof type, "and the answer is the null GUID (D30)");
    }
    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps, no_caps;
    memset(&no_caps, 0, sizeof no_caps);
    is_hresult(call->GetContentProtectionCaps(device->handle, &no_guid, &no_guid, &caps), S_OK,
               "capabilities without a crypto type (D27)");
    is_number(caps.KeyExchangeTypeCount, 0, "there is no key exchange then");
    is_hresult(call->GetContentProtectionCaps(device->handle, NULL, NULL, &caps), S_OK,
               "null pointers stand for no crypto type and no profile (D27)");
    memset(&caps, 0xA5, sizeof caps);
    is_hresult(call->GetContentProtectionCaps(device->handle, &D3D11_KEY_EXCHANGE_RSAES_OAEP, &no_guid, &caps),
               D3DERR_UNSUPPORTEDCRYPTO, "capabilities of an unknown crypto type");
    ok(caps.Caps == 0 && caps.KeyExchangeTypeCount == 0 && caps.BlockAlignmentSize == 0 &&
           caps.ProtectedMemorySize == 0,
       "are all zero (D30)");
    is_hresult(call->GetContentProtectionCaps(device->handle, &D3D11_CRYPTO_TYPE_AES128_CTR,
                                              &D3D11_CRYPTO_TYPE_AES128_CTR, &caps),
               D3DERR_UNSUPPORTEDCRYPTO, "capabilities of an unknown decode profile");
    is_hresult(call->GetContentProtectionCaps(device->handle, &D3D11_CRYPTO_TYPE_AES128_CTR, &no_guid, NULL),
               E_INVALIDARG, "capabilities into null");
    is_hresult(call->GetCryptoKeyExchangeType(device->handle, &D3D11_CRYPTO_TYPE_AES128_CTR, &no_guid, 0, NULL),
               E_INVALIDARG, "key exchange type into null");
    GUID type = D3D11_KEY_EXCHANGE_RSAES_OAEP;
    is_hresult(call->GetCryptoKeyExchangeType(device->handle, &D3D11_KEY_EXCHANGE_RSAES_OAEP, &no_guid, 0, &type),
               D3DERR_UNSUPPORTEDCRYPTO, "key exchange type of an unknown crypto type");
    is_bytes(&type, &no_guid, sizeof type, "and the answer is the null GUID (D30)");
}

/* What one decryption blit is to be: all null or zero for a buffer that is encrypted whole under the session key. */
struct decryption {
    const char *name;
    struct softcp_resource_desc source;
    struct softcp_resource_desc destination;
    bool in_place;               /* source = destination */
    const struct pattern *pattern;
    const uint8_t *content_key;  /* clear; wrapped here under the session's key */
    const uint8_t *iv;           /* null: random */
};

/* Encrypts random bytes with OpenSSL, has the driver decrypt them, and compares. Everything else must stay as it was:
   the source, and the padding of the destination. */
static void decrypts(struct session *session, const struct decryption *decryption)
{
    struct device *device = session->device;
    struct surface source = surface_create(device, decryption->source);
    struct surface destination =
        decryption->in_place
            ? source
            : surface_create(device, shape_with(decryption->destination, SOFTCP_RESOURCE_PROTECTED));
    size_t size = source.visible;
    uint8_t *clear = malloc(size), *encrypted = malloc(size), *read = malloc(size);
    if (clear == NULL || encrypted == NULL || read == NULL) {
        tap_bail_out("no memory for a surface of %zu bytes", size);
    }
    uint8_t iv[IV_SIZE], wrapped[KEY_SIZE];
    client_random(iv, sizeof iv);
    if (decryption->iv != NULL) {
        memcpy(iv, decryption->iv, sizeof iv);
    }
    const uint8_t *data_key = session->key;
    if (decryption->content_key != NULL) {
        data_key = decryption->content_key;
        client_wrap(session->key, decryption->content_key, wrapped);
    }
    client_random(clear, size);
    memcpy(encrypted, clear, size);
    client_ctr(data_key, iv, decryption->pattern, encrypted, size);
    surface_fill(&source, 0xA5);
    surface_write(&source, encrypted);
    if (!decryption->in_place) {
        surface_fill(&destination, 0xA5);
    }

    D3D11_1DDI_ENCRYPTED_BLOCK_INFO info = {0}, *block_info = NULL;
    if (decryption->pattern != NULL) {
        info.NumEncryptedBytesAtBeginning = decryption->pattern->beginning;
        info.NumBytesInSkipPattern = decryption->pattern->skip;
        info.NumBytesInEncryptPattern = decryption->pattern->encrypt;
        block_info = &info;
    }
    bool with_key = decryption->content_key != NULL;
    SILENT(device->ddi,
           device->call.DecryptionBlt(device->handle, session->handle, source.handle, destination.handle, block_info,
                                      with_key ? KEY_SIZE : 0, with_key ? wrapped : NULL, sizeof iv, iv),
           "DecryptionBlt: %s", decryption->name);
    surface_read(&destination, read);
    is_bytes(read, clear, size, "%s: the destination is clear", decryption->name);
    ok(surface_padding_is(&destination, 0xA5), "%s: padding is not written (D9)", decryption->name);
    if (!decryption->in_place) {
        surface_read(&source, read);
        is_bytes(read, encrypted, size, "%s: the source is as it was", decryption->name);
        surface_destroy(&destination);
    }
    surface_destroy(&source);
    free(clear);
    free(encrypted);
    free(read);
}

void session_decrypts(struct session *session, const char *name)
{
    struct decryption decryption = {name, shape_buffer(1000), shape_buffer(1000), false, NULL, NULL, NULL};
    decrypts(session, &decryption);
}

static void test_sizes_and_keys(struct session *session)
{
    uint8_t content_key[KEY_SIZE];
    client_random(content_key, sizeof content_key);
    static const size_t sizes[] = {1, 15, 16, 17, 255, 4096, 65537};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char name[64];
        snprintf(name, sizeof name, "buffer of %zu bytes", sizes[i]);
        struct softcp_resource_desc buffer = shape_buffer(sizes[i]);
        decrypts(session, &(struct decryption){.name = name, .source = buffer, .destination = buffer});
        snprintf(name, sizeof name, "buffer of %zu bytes with a content key", sizes[i]);
        decrypts(session, &(struct decryption){
                              .name = name, .source = buffer, .destination = buffer, .content_key = content_key});
        snprintf(name, sizeof name, "buffer of %zu bytes in place", sizes[i]);
        decrypts(session, &(struct decryption){
                              .name = name, .source = buffer, .in_place = true, .content_key = content_key});
    }
}

static void test_patterns(struct session *session)
{
    static const struct pattern patterns[] = {
        {0, 0, 0},       /* all clear */
        {100, 0, 0},     /* a beginning alone (D8) */
        {100, 50, 0},    /* skip without encrypt: the rest is clear (D8) */
        {5, 0, 9},       /* encrypt without skip: all encrypted (D8) */
        {16, 144, 16},   /* 1:9 in blocks, as in common encryption with patterns */
        {0, 144, 16},
        {7, 3, 5},       /* runs of any length: one keystream over them (D6, D7) */
        {1, 1, 1},
        {2, 2, 2},
        {5000, 10, 10},  /* cut by the end (D7) */
        {990, 5, 100},
        {0, 4294967295u, 4294967295u},
        {4294967295u, 4294967295u, 4294967295u},
    };
    uint8_t content_key[KEY_SIZE];
    client_random(content_key, sizeof content_key);
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        const struct pattern *pattern = &patterns[i];
        char name[96];
        snprintf(name, sizeof name, "pattern %u, %u, %u", pattern->beginning, pattern->skip, pattern->encrypt);
        struct softcp_resource_desc buffer = shape_buffer(1000);
        decrypts(session, &(struct decryption){.name = name,
                                               .source = buffer,
                                               .destination = buffer,
                                               .pattern = pattern,
                                               .content_key = content_key});
        snprintf(name, sizeof name, "pattern %u, %u, %u over rows, in place", pattern->beginning, pattern->skip,
                 pattern->encrypt);
        decrypts(session, &(struct decryption){
                              .name = name, .source = shape_rows(91, 11, 128), .in_place = true, .pattern = pattern});
    }
}

static void test_surfaces(struct session *session)
{
    const struct pattern pattern = {3, 20, 31};
    const struct decryption surfaces[] = {
        {.name = "rows without padding", .source = shape_rows(64, 9, 64), .destination = shape_rows(64, 9, 64)},
        {.name = "rows of different pitch", .source = shape_rows(101, 9, 128), .destination = shape_rows(101, 9, 103)},
        {.name = "rows of the driver's own pitch", .source = shape_rows(33, 7, 0), .destination = shape_rows(33, 7, 0)},
        {.name = "rows in place", .source = shape_rows(101, 9, 160), .in_place = true},
        {.name = "NV12", .source = shape_nv12(66, 34, 66), .destination = shape_nv12(66, 34, 128)},
        {.name = "NV12 in place", .source = shape_nv12(66, 34, 80), .in_place = true},
        {.name = "NV12 with a pattern over both planes",
         .source = shape_nv12(66, 34, 70),
         .destination = shape_nv12(66, 34, 96),
         .pattern = &pattern},
        {.name = "three planes", .source = shape_i420(70, 34, 80), .destination = shape_i420(70, 34, 72)},
        {.name = "three planes in place, with a pattern",
         .source = shape_i420(70, 34, 80),
         .in_place = true,
         .pattern = &pattern},
    };
    for (size_t i = 0; i < sizeof surfaces / sizeof surfaces[0]; i++) {
        decrypts(session, &surfaces[i]);
    }
}

static void test_counter(struct session *session)
{
    static const struct {
        const char *name;
        uint64_t iv, count;
    } counters[] = {
        {"count 0", 0x0123456789ABCDEFu, 0},
        {"a count in the middle", 1, 12345678901234u},
        {"count at 2^32 - 2, which must not stop at 32 bits", 7, 0xFFFFFFFEu},
        {"count at 2^64 - 1, which wraps without carry into the IV (D5)", 0x00000000FFFFFFFFu, UINT64_MAX},
        {"count at 2^64 - 3, in the middle of a buffer (D5)", 5, UINT64_MAX - 2},
        {"IV and count all ones (D5)", UINT64_MAX, UINT64_MAX},
    };
    const struct pattern pattern = {5, 7, 30};
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        uint8_t iv[IV_SIZE];
        client_iv(counters[i].iv, counters[i].count, iv);
        struct softcp_resource_desc buffer = shape_buffer(3000);
        decrypts(session, &(struct decryption){
                              .name = counters[i].name, .source = buffer, .destination = buffer, .iv = iv});
        decrypts(session, &(struct decryption){.name = counters[i].name,
                                               .source = shape_rows(77, 13, 96),
                                               .destination = shape_rows(77, 13, 77),
                                               .pattern = &pattern,
                                               .iv = iv});
    }
}

/* Start: returns the number. */
static void start_refresh(struct session *session, uint8_t number[KEY_SIZE])
{
    struct device *device = session->device;
    SILENT(device->ddi, device->call.StartSessionKeyRefresh(device->handle, session->handle, KEY_SIZE, number),
           "StartSessionKeyRefresh");
}

/* Finish: both sides change keys. */
static void finish_refresh(struct session *session, const uint8_t number[KEY_SIZE])
{
    struct device *device = session->device;
    SILENT(device->ddi, device->call.FinishSessionKeyRefresh(device->handle, session->handle),
           "FinishSessionKeyRefresh");
    client_xor(session->key, number);
}

static void test_refresh(struct session *session)
{
    uint8_t number[KEY_SIZE] = {0}, older[KEY_SIZE] = {0}, content_key[KEY_SIZE], zero[KEY_SIZE] = {0};
    client_random(content_key, sizeof content_key);
    struct softcp_resource_desc buffer = shape_buffer(333);

    start_refresh(session, number);
    ok(memcmp(number, zero, sizeof zero) != 0, "the number is not zero");
    session_decrypts(session, "the old key is in force between Start and Finish");
    decrypts(session, &(struct decryption){.name = "and still unwraps content keys",
                                           .source = buffer,
                                           .destination = buffer,
                                           .content_key = content_key});
    finish_refresh(session, number);
    session_decrypts(session, "after Finish the key is the old one XOR the number");
    decrypts(session, &(struct decryption){.name = "and unwraps content keys",
                                           .source = buffer,
                                           .destination = buffer,
                                           .content_key = content_key});

    for (int i = 0; i < 20; i++) {
        memcpy(older, number, sizeof older);
        start_refresh(session, number);
        ok(memcmp(number, older, sizeof older) != 0, "refresh %d has a number of its own", i);
        finish_refresh(session, number);
    }
    session_decrypts(session, "after twenty refreshes both sides have the same key");

    start_refresh(session, older);
    start_refresh(session, number);
    ok(memcmp(number, older, sizeof older) != 0, "a second Start makes another number (D2)");
    finish_refresh(session, number);
    session_decrypts(session, "the newer number counts (D2)");

    start_refresh(session, number);
    is_hresult(session_negotiate(session), S_OK, "a key exchange between Start and Finish");
    struct device *device = session->device;
    REPORTS(device->ddi, "FinishSessionKeyRefresh", D3DERR_INVALIDCALL,
            device->call.FinishSessionKeyRefresh(device->handle, session->handle),
            "discards the number, so that Finish is refused (D4)");
    session_decrypts(session, "and the new key is in force");
}

/* One read-back: the driver encrypts a protected surface, OpenSSL opens it with the read-back key. Returns the IV. */
static uint64_t reads_back(struct session *session, const uint8_t read_back_key[KEY_SIZE],
                           struct softcp_resource_desc source_shape, struct softcp_resource_desc destination_shape,
                           const char *name)
{
    struct device *device = session->device;
    struct surface source = surface_create(device, shape_with(source_shape, SOFTCP_RESOURCE_PROTECTED));
    struct surface destination = surface_create(device, destination_shape);
    size_t size = source.visible;
    uint8_t *clear = malloc(size), *read = malloc(size);
    if (clear == NULL || read == NULL) {
        tap_bail_out("no memory for a surface of %zu bytes", size);
    }
    client_random(clear, size);
    surface_fill(&source, 0xA5);
    surface_write(&source, clear);
    surface_fill(&destination, 0xA5);
    uint8_t iv[IV_SIZE];
    memset(iv, 0xA5, sizeof iv);
    SILENT(device->ddi,
           device->call.EncryptionBlt(device->handle, session->handle, source.handle, destination.handle, sizeof iv, iv),
           "EncryptionBlt: %s", name);
    surface_read(&destination, read);
    ok(size < 16 || memcmp(read, clear, size) != 0, "%s: what is read back is not clear", name);
    client_ctr(read_back_key, iv, NULL, read, size);
    is_bytes(read, clear, size, "%s: OpenSSL opens it with the read-back key", name);
    is_number(client_iv_number(&iv[8]), 0, "%s: the count begins at 0 (D11)", name);
    ok(surface_padding_is(&destination, 0xA5), "%s: padding is not written (D9)", name);
    surface_read(&source, read);
    is_bytes(read, clear, size, "%s: the source is as it was", name);
    surface_destroy(&destination);
    surface_destroy(&source);
    free(clear);
    free(read);
    return client_iv_number(iv);
}

/* GetEncryptionBltKey: a new key, unwrapped with the session key. */
static void get_read_back_key(struct session *session, uint8_t key[KEY_SIZE])
{
    struct device *device = session->device;
    uint8_t wrapped[KEY_SIZE];
    SILENT(device->ddi, device->call.GetEncryptionBltKey(device->handle, session->handle, sizeof wrapped, wrapped),
           "GetEncryptionBltKey");
    client_unwrap(session->key, wrapped, key);
}

static void test_read_back(struct session *session)
{
    uint8_t key[KEY_SIZE], other_key[KEY_SIZE], number[KEY_SIZE];
    get_read_back_key(session, key);
    uint64_t first = reads_back(session, key, shape_buffer(1000), shape_buffer(1000), "buffer");
    ok(first <= 0xFFFFFFFFu, "the first IV is a number of 32 bits (D11)");
    uint64_t next = reads_back(session, key, shape_rows(90, 21, 96), shape_rows(90, 21, 91), "rows");
    is_number(next, first + 1, "the second IV is greater by one (D11)");
    next = reads_back(session, key, shape_nv12(66, 34, 80), shape_nv12(66, 34, 66), "NV12");
    is_number(next, first + 2, "the third IV is greater by one again (D11)");
    session_decrypts(session, "a decryption between two read-backs");
    next = reads_back(session, key, shape_i420(70, 34, 80), shape_i420(70, 34, 0), "three planes");
    is_number(next, first + 3, "consumes no IV of theirs");

    start_refresh(session, number);
    finish_refresh(session, number);
    next = reads_back(session, key, shape_buffer(100), shape_buffer(100), "after a session key refresh");
    is_number(next, first + 4, "the read-back key and its IVs go on after a refresh (D12)");

    get_read_back_key(session, other_key);
    ok(memcmp(key, other_key, sizeof key) != 0, "each GetEncryptionBltKey makes another key");
    reads_back(session, other_key, shape_buffer(100), shape_buffer(100), "under the newer read-back key");

    struct device *device = session->device;
    struct surface surface = surface_create(device, shape_buffer(64));
    struct surface protected_surface = surface_create(device, shape_with(shape_buffer(64), SOFTCP_RESOURCE_PROTECTED));
    uint8_t iv[IV_SIZE], before[64], after[64];
    memset(iv, 0xA5, sizeof iv);
    surface_fill(&surface, 0x11);
    surface_read(&surface, before);
    is_hresult(session_negotiate(session), S_OK, "a new key exchange");
    REPORTS(device->ddi, "EncryptionBlt", D3DERR_INVALIDCALL,
            device->call.EncryptionBlt(device->handle, session->handle, protected_surface.handle, surface.handle,
                                       sizeof iv, iv),
            "takes the read-back key away (D12)");
    is_filled(iv, 0xA5, sizeof iv, "the refused EncryptionBlt leaves the IV as it is");
    surface_read(&surface, after);
    is_bytes(after, before, sizeof before, "and the destination");
    surface_destroy(&surface);
    surface_destroy(&protected_surface);
}

static void test_handle_and_status(struct device *device, EVP_PKEY *driver_key)
{
    struct session session = session_create(device, driver_key), other = session_create(device, driver_key);
    HANDLE handle = NULL, again = NULL, other_handle = NULL;
    is_hresult(device->call.CryptoSessionGetHandle(device->handle, session.handle, &handle), S_OK,
               "CryptoSessionGetHandle needs no key");
    ok(handle != NULL, "the handle is not zero");
    is_hresult(device->call.CryptoSessionGetHandle(device->handle, session.handle, &again), S_OK, "asked again");
    ok(again == handle, "it is the same");
    is_hresult(device->call.CryptoSessionGetHandle(device->handle, other.handle, &other_handle), S_OK,
               "another session's handle");
    ok(other_handle != handle && other_handle != NULL, "is another one");
    if (device->call.CheckCryptoSessionStatus != NULL) {
        D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS status = 7;
        SILENT(device->ddi, device->call.CheckCryptoSessionStatus(device->handle, session.handle, &status),
               "CheckCryptoSessionStatus needs no key");
        is_number(status, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK, "the status is OK");
        is_hresult(session_negotiate(&session), S_OK, "key exchange");
        status = 7;
        SILENT(device->ddi, device->call.CheckCryptoSessionStatus(device->handle, session.handle, &status),
               "CheckCryptoSessionStatus with a key");
        is_number(status, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK, "the status is OK");
    }
    session_end(&other);
    session_end(&session);
}

static void test_two_sessions(struct device *device, EVP_PKEY *driver_key)
{
    struct session one = session_keyed(device, driver_key), two = session_keyed(device, driver_key);
    uint8_t number[KEY_SIZE];
    start_refresh(&one, number);
    session_decrypts(&two, "another session is not touched by a refresh");
    finish_refresh(&one, number);
    session_decrypts(&one, "two sessions have keys of their own");
    session_end(&one);
    session_decrypts(&two, "and one lives on after the other");
    session_end(&two);
}

void test_protocol(struct device *device, EVP_PKEY *driver_key)
{
    struct session session = session_keyed(device, driver_key);
    session_decrypts(&session, "the session key decrypts");
    test_sizes_and_keys(&session);
    test_patterns(&session);
    test_surfaces(&session);
    test_counter(&session);
    test_refresh(&session);
    test_read_back(&session);
    is_hresult(session_negotiate(&session), S_OK, "the key can be exchanged again");
    session_decrypts(&session, "the newest key is in force");
    test_handle_and_status(device, driver_key);
    test_two_sessions(device, driver_key);
    struct ddi *ddi = device->ddi;
    SILENT(ddi, device->call.DestroyCryptoSession(device->handle, session.handle), "DestroyCryptoSession");
    free(session.handle.pDrvPrivate);
}
