/* Sessions over the core functions: the protocol, every call in every state, sealed keys, lost keys. */
#include "core_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILL 0xA5

struct softcp_session_desc core_session_desc(void)
{
    struct softcp_session_desc desc = {
        .size = sizeof desc, .crypto_type = aes_128_ctr, .key_exchange_type = rsaes_oaep};
    return desc;
}

struct core_session core_session_create(struct core *core)
{
    struct core_session session = {.core = core};
    const struct softcp_session_desc desc = core_session_desc();
    if (softcp_session_create(core->device, &desc, &session.id) != SOFTCP_S_OK) {
        tap_bail_out("no session");
    }
    return session;
}

softcp_hresult core_session_negotiate(struct core_session *session)
{
    uint8_t key[KEY_SIZE], message[RSA_SIZE];
    client_random(key, sizeof key);
    client_key_exchange(session->core->driver_key, key, sizeof key, message);
    softcp_hresult hresult = softcp_session_negotiate(session->core->device, session->id, sizeof message, message);
    if (hresult == SOFTCP_S_OK) {
        memcpy(session->key, key, sizeof key);
    }
    return hresult;
}

struct core_session core_session_keyed(struct core *core)
{
    struct core_session session = core_session_create(core);
    if (core_session_negotiate(&session) != SOFTCP_S_OK) {
        tap_bail_out("no key exchange");
    }
    return session;
}

bool core_decrypts(struct core_session *session, struct resource *source, struct resource *destination,
                   const struct pattern *pattern, const uint8_t *content_key)
{
    size_t size = source->visible;
    uint8_t *clear = malloc(size), *encrypted = malloc(size), *read = malloc(size);
    uint8_t iv[IV_SIZE], wrapped[KEY_SIZE];
    if (clear == NULL || encrypted == NULL || read == NULL) {
        tap_bail_out("no memory");
    }
    client_random(iv, sizeof iv);
    client_random(clear, size);
    memcpy(encrypted, clear, size);
    client_ctr(content_key != NULL ? content_key : session->key, iv, pattern, encrypted, size);
    if (content_key != NULL) {
        client_wrap(session->key, content_key, wrapped);
    }
    resource_fill(source, FILL);
    resource_fill(destination, FILL);
    resource_write(source, encrypted);
    struct softcp_encrypted_block_info info = {0};
    if (pattern != NULL) {
        info = (struct softcp_encrypted_block_info){pattern->beginning, pattern->skip, pattern->encrypt};
    }
    softcp_hresult hresult = softcp_session_decryption_blt(
        session->core->device, session->id, source, destination, pattern != NULL ? &info : NULL,
        content_key != NULL ? sizeof wrapped : 0, content_key != NULL ? wrapped : NULL, sizeof iv, iv);
    resource_read(destination, read);
    bool right = hresult == SOFTCP_S_OK && memcmp(read, clear, size) == 0;
    struct softcp_plane planes[3];
    unsigned count = resource_planes(destination, planes);
    for (unsigned i = 0; i < count; i++) {
        for (size_t row = 0; row + 1 < planes[i].rows; row++) {
            const uint8_t *bytes = (const uint8_t *)planes[i].data + row * planes[i].row_pitch;
            for (size_t at = planes[i].row_bytes; at < planes[i].row_pitch; at++) {
                right = right && bytes[at] == FILL; /* padding is not written (D9) */
            }
        }
    }
    free(clear);
    free(encrypted);
    free(read);
    return right;
}

void core_session_decrypts(struct core_session *session, const char *name)
{
    struct resource *source = resource_buffer(333), *destination = resource_buffer(333);
    ok(core_decrypts(session, source, destination, NULL, NULL), "%s: the session decrypts", name);
    host_is_balanced(&session->core->host, name);
    resource_free(source);
    resource_free(destination);
}

static void test_blits(struct core_session *session)
{
    uint8_t content_key[KEY_SIZE];
    client_random(content_key, sizeof content_key);
    static const struct pattern patterns[] = {{0, 0, 0}, {16, 144, 16}, {7, 3, 5}, {3, 0, 1}, {9, 4, 0}, {5000, 1, 1}};
    for (size_t i = 0; i <= sizeof patterns / sizeof patterns[0]; i++) {
        const struct pattern *pattern = i > 0 ? &patterns[i - 1] : NULL;
        struct resource *buffer = resource_buffer(1001), *other_buffer = resource_buffer(1001);
        struct resource *rows = resource_rows(91, 11, 96), *other_rows = resource_rows(91, 11, 91);
        struct resource *nv12 = resource_nv12(66, 34, 80), *other_nv12 = resource_nv12(66, 34, 66);
        ok(core_decrypts(session, buffer, other_buffer, pattern, content_key), "buffer, pattern %zu", i);
        ok(core_decrypts(session, rows, other_rows, pattern, NULL), "rows, pattern %zu", i);
        ok(core_decrypts(session, nv12, other_nv12, pattern, content_key), "NV12, pattern %zu", i);
        is_number(nv12->access, SOFTCP_ACCESS_READ, "the source is mapped to be read");
        is_number(other_nv12->access, SOFTCP_ACCESS_WRITE, "the destination is mapped to be written");
        unsigned maps = nv12->maps;
        ok(core_decrypts(session, nv12, nv12, pattern, content_key), "in place, pattern %zu", i);
        is_number(nv12->maps, maps + 1, "one resource is mapped once");
        is_number(nv12->access, SOFTCP_ACCESS_READ_WRITE, "to be read and written");
        host_is_balanced(&session->core->host, "blits");
        struct resource *all[] = {buffer, other_buffer, rows, other_rows, nv12, other_nv12};
        for (size_t j = 0; j < sizeof all / sizeof all[0]; j++) {
            resource_free(all[j]);
        }
    }
}

static void test_core_refresh(struct core_session *session)
{
    const softcp_device *device = session->core->device;
    uint8_t number[KEY_SIZE];
    for (int i = 0; i < 5; i++) {
        is_hresult(softcp_session_start_key_refresh(device, session->id, sizeof number, number), SOFTCP_S_OK, "Start");
        core_session_decrypts(session, "the old key, before Finish");
        is_hresult(softcp_session_finish_key_refresh(device, session->id), SOFTCP_S_OK, "Finish");
        client_xor(session->key, number);
        core_session_decrypts(session, "the new key, after Finish");
    }
    is_hresult(softcp_session_finish_key_refresh(device, session->id), SOFTCP_E_INVALIDCALL, "Finish without Start");
    core_session_decrypts(session, "the key is unchanged (D3)");
}

static void test_core_read_back(struct core_session *session)
{
    const softcp_device *device = session->core->device;
    struct resource *source = resource_nv12(66, 34, 80), *destination = resource_nv12(66, 34, 66);
    source->mapping.flags = SOFTCP_MAPPING_PROTECTED;
    size_t size = source->visible;
    uint8_t *clear = malloc(size), *read = malloc(size), wrapped[KEY_SIZE], key[KEY_SIZE], iv[IV_SIZE];
    if (clear == NULL || read == NULL) {
        tap_bail_out("no memory");
    }
    client_random(clear, size);
    resource_write(source, clear);
    is_hresult(softcp_session_encryption_blt(device, session->id, source, destination, sizeof iv, iv),
               SOFTCP_E_INVALIDCALL, "no read-back key yet (D12)");
    is_hresult(softcp_session_encryption_blt_key(device, session->id, sizeof wrapped, wrapped), SOFTCP_S_OK,
               "read-back key");
    client_unwrap(session->key, wrapped, key);
    uint64_t last = 0;
    for (int i = 0; i < 3; i++) {
        is_hresult(softcp_session_encryption_blt(device, session->id, source, destination, sizeof iv, iv), SOFTCP_S_OK,
                   "read-back %d", i);
        resource_read(destination, read);
        ok(memcmp(read, clear, size) != 0, "is not clear");
        client_ctr(key, iv, NULL, read, size);
        is_bytes(read, clear, size, "OpenSSL opens it");
        ok(i == 0 || client_iv_number(iv) == last + 1, "each IV is one greater (D11)");
        last = client_iv_number(iv);
    }
    host_is_balanced(&session->core->host, "read-back");
    resource_free(source);
    resource_free(destination);
    free(clear);
    free(read);
}

void test_core_protocol(const char *identity)
{
    struct core core;
    core_begin(&core, identity, NULL);
    struct core_session session = core_session_keyed(&core);
    core_session_decrypts(&session, "a keyed session");
    test_blits(&session);
    test_core_refresh(&session);
    test_core_read_back(&session);
    size_t handle = 0;
    is_hresult(softcp_session_handle(core.device, session.id, &handle), SOFTCP_S_OK, "handle");
    ok(handle != 0, "is not zero");
    uint32_t status = 7;
    is_hresult(softcp_session_status(core.device, session.id, &status), SOFTCP_S_OK, "status");
    is_number(status, SOFTCP_SESSION_STATUS_OK, "is OK");
    is_hresult(softcp_session_destroy(core.device, session.id), SOFTCP_S_OK, "destroy");
    core_end(&core);
}

/* Every function of a session returns `hresult` and leaves what D30 says. */
static void refuses_every_function(struct core *core, const softcp_device *device, softcp_session id,
                                   softcp_hresult hresult, const char *name)
{
    uint8_t buffer[KEY_SIZE], iv[IV_SIZE];
    memset(buffer, FILL, sizeof buffer);
    memset(iv, FILL, sizeof iv);
    struct resource *source = resource_buffer(64), *destination = resource_buffer(64);
    resource_fill(destination, FILL);
    is_hresult(softcp_session_decryption_blt(device, id, source, destination, NULL, 0, NULL, sizeof iv, iv), hresult,
               "decryption_blt: %s", name);
    is_hresult(softcp_session_encryption_blt(device, id, source, destination, sizeof iv, iv), hresult,
               "encryption_blt: %s", name);
    is_hresult(softcp_session_start_key_refresh(device, id, sizeof buffer, buffer), hresult, "start_key_refresh: %s",
               name);
    is_hresult(softcp_session_finish_key_refresh(device, id), hresult, "finish_key_refresh: %s", name);
    is_hresult(softcp_session_encryption_blt_key(device, id, sizeof buffer, buffer), hresult, "encryption_blt_key: %s",
               name);
    is_filled(destination->memory, FILL, destination->size, "%s: the destination keeps its bytes", name);
    is_filled(iv, FILL, sizeof iv, "%s: the IV keeps its bytes", name);
    is_filled(buffer, FILL, sizeof buffer, "%s: the buffers keep their bytes", name);
    host_is_balanced(&core->host, name);
    resource_free(source);
    resource_free(destination);
}

/* As above for an id that names no live session of the device, and for the functions that need no key. */
static void refuses_session(struct core *core, const softcp_device *device, softcp_session id, const char *name)
{
    refuses_every_function(core, device, id, SOFTCP_E_INVALIDARG, name);
    uint8_t key[KEY_SIZE] = {0}, message[RSA_SIZE];
    client_key_exchange(core->driver_key, key, sizeof key, message);
    is_hresult(softcp_session_negotiate(device, id, sizeof message, message), SOFTCP_E_INVALIDARG, "negotiate: %s",
               name);
    size_t handle = 7;
    is_hresult(softcp_session_handle(device, id, &handle), SOFTCP_E_INVALIDARG, "handle: %s", name);
    is_number(handle, 0, "%s: the handle is zero (D30)", name);
    uint32_t status = 7;
    is_hresult(softcp_session_status(device, id, &status), SOFTCP_E_INVALIDARG, "status: %s", name);
    is_number(status, 0, "%s: the status is zero (D30)", name);
    is_hresult(softcp_session_invalidate(device, id, SOFTCP_SESSION_STATUS_KEY_LOST), SOFTCP_E_INVALIDARG,
               "invalidate: %s", name);
}

static void test_core_create(struct core *core)
{
    struct softcp_session_desc desc = core_session_desc();
    softcp_session id = 7;
    is_hresult(softcp_session_create(NULL, &desc, &id), SOFTCP_E_INVALIDARG, "create: no device");
    is_number(id, 0, "the session is zero (D30)");
    id = 7;
    is_hresult(softcp_session_create(core->device, NULL, &id), SOFTCP_E_INVALIDARG, "create: no description");
    is_number(id, 0, "the session is zero (D30)");
    is_hresult(softcp_session_create(core->device, &desc, NULL), SOFTCP_E_INVALIDARG, "create: nowhere to write it to");
    static const uint32_t sizes[] = {0, 4, 20, sizeof(struct softcp_session_desc) - 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        desc.size = sizes[i];
        id = 7;
        is_hresult(softcp_session_create(core->device, &desc, &id), SOFTCP_E_INVALIDARG, "create: size %u", sizes[i]);
        is_number(id, 0, "the session is zero (D30)");
    }
    const struct {
        const char *name;
        softcp_guid crypto, profile, exchange;
    } unsupported[] = {
        {"no crypto type", no_guid, no_guid, rsaes_oaep},
        {"unknown crypto type", h264_profile, no_guid, rsaes_oaep},
        {"unknown decode profile", aes_128_ctr, rsaes_oaep, rsaes_oaep},
        {"no key exchange", aes_128_ctr, no_guid, no_guid},
        {"unknown key exchange", aes_128_ctr, no_guid, h264_profile},
    };
    for (size_t i = 0; i < sizeof unsupported / sizeof unsupported[0]; i++) {
        desc = (struct softcp_session_desc){sizeof desc, unsupported[i].crypto, unsupported[i].profile,
                                            unsupported[i].exchange};
        id = 7;
        is_hresult(softcp_session_create(core->device, &desc, &id), SOFTCP_E_UNSUPPORTEDCRYPTO, "create: %s",
                   unsupported[i].name);
        is_number(id, 0, "the session is zero (D30)");
    }
    struct {
        struct softcp_session_desc desc;
        uint8_t beyond[32];
    } newer;
    memset(&newer, FILL, sizeof newer);
    newer.desc = core_session_desc();
    newer.desc.size = sizeof newer;
    newer.desc.decode_profile = h264_profile;
    is_hresult(softcp_session_create(core->device, &newer.desc, &id), SOFTCP_S_OK,
               "create: description of a later, larger version, with a decode profile");
    is_hresult(softcp_session_destroy(core->device, id), SOFTCP_S_OK, "destroy");
}

static void test_core_states(struct core *core, const softcp_device *other)
{
    refuses_session(core, core->device, 0, "no session");
    refuses_session(core, core->device, SIZE_MAX, "a number that never was a session");
    refuses_session(core, NULL, 1, "no device");
    is_hresult(softcp_session_destroy(core->device, 0), SOFTCP_S_OK, "destroying no session does nothing");
    is_hresult(softcp_session_destroy(core->device, 12345), SOFTCP_E_INVALIDARG, "destroying a number that is none");
    is_hresult(softcp_session_destroy(NULL, 1), SOFTCP_E_INVALIDARG, "destroying without a device");

    struct core_session session = core_session_create(core);
    refuses_every_function(core, core->device, session.id, SOFTCP_E_INVALIDCALL, "before a key exchange (D3)");
    is_hresult(core_session_negotiate(&session), SOFTCP_S_OK, "key exchange");
    refuses_session(core, other, session.id, "another device's session");
    is_hresult(softcp_session_destroy(other, session.id), SOFTCP_E_INVALIDARG,
               "destroying another device's session");
    core_session_decrypts(&session, "which lives on");

    const softcp_device *device = core->device;
    uint8_t buffer[2 * KEY_SIZE];
    memset(buffer, FILL, sizeof buffer);
    static const uint32_t sizes[] = {0, 1, 15, 17, 32};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        is_hresult(softcp_session_start_key_refresh(device, session.id, sizes[i], buffer), SOFTCP_E_INVALIDARG,
                   "Start with size %u (D1)", sizes[i]);
        is_hresult(softcp_session_encryption_blt_key(device, session.id, sizes[i], buffer), SOFTCP_E_INVALIDARG,
                   "read-back key with size %u (D1)", sizes[i]);
        is_hresult(softcp_session_negotiate(device, session.id, sizes[i], buffer), SOFTCP_E_INVALIDARG,
                   "negotiate with size %u", sizes[i]);
    }
    is_filled(buffer, FILL, sizeof buffer, "the buffers keep their bytes (D30)");
    is_hresult(softcp_session_start_key_refresh(device, session.id, KEY_SIZE, NULL), SOFTCP_E_INVALIDARG,
               "Start into null");
    is_hresult(softcp_session_encryption_blt_key(device, session.id, KEY_SIZE, NULL), SOFTCP_E_INVALIDARG,
               "read-back key into null");
    is_hresult(softcp_session_negotiate(device, session.id, RSA_SIZE, NULL), SOFTCP_E_INVALIDARG, "negotiate null");
    is_hresult(softcp_session_handle(device, session.id, NULL), SOFTCP_E_INVALIDARG, "handle into null");
    is_hresult(softcp_session_status(device, session.id, NULL), SOFTCP_E_INVALIDARG, "status into null");
    is_hresult(softcp_session_invalidate(device, session.id, SOFTCP_SESSION_STATUS_OK), SOFTCP_E_INVALIDARG,
               "invalidating to OK");
    is_hresult(softcp_session_invalidate(device, session.id, 3), SOFTCP_E_INVALIDARG, "invalidating to a number");
    core_session_decrypts(&session, "after all that the session is as it was");

    softcp_session stale = session.id;
    is_hresult(softcp_session_destroy(device, session.id), SOFTCP_S_OK, "destroy");
    struct core_session successor = core_session_keyed(core);
    refuses_session(core, device, stale, "destroyed session");
    is_hresult(softcp_session_destroy(device, stale), SOFTCP_E_INVALIDARG, "destroying it again");
    core_session_decrypts(&successor, "a session created since is as it was");
}

void test_core_refusals(const char *identity)
{
    struct core core, stranger;
    core_begin(&core, identity, NULL);
    test_core_create(&core);
    softcp_device *neighbour = NULL;
    is_hresult(softcp_device_create(core.adapter, &core.host.callbacks, &neighbour), SOFTCP_S_OK,
               "a second device of the same adapter");
    test_core_states(&core, neighbour);
    is_hresult(softcp_device_destroy(neighbour), SOFTCP_S_OK, "destroyed");
    core_begin(&stranger, identity, NULL);
    tap_note("another adapter's device:");
    test_core_states(&core, stranger.device);
    core_end(&stranger);
    core_end(&core);
}

void test_sealed_keys(const char *identity)
{
    struct core core;
    core_begin(&core, identity, NULL);
    struct core_session session = core_session_keyed(&core);
    uint8_t content_key[KEY_SIZE], blob[HOST_BLOB_SIZE + 1] = {0}, iv[IV_SIZE], clear[200], read[200];
    client_random(content_key, sizeof content_key);
    host_seal(&core.host, content_key, blob);
    client_iv(77, 0, iv);
    client_random(clear, sizeof clear);
    struct resource *source = resource_buffer(sizeof clear), *destination = resource_buffer(sizeof clear);
    resource_write(source, clear);
    client_ctr(content_key, iv, NULL, source->memory, source->size);
    is_hresult(softcp_session_decryption_blt(core.device, session.id, source, destination, NULL, HOST_BLOB_SIZE, blob,
                                             sizeof iv, iv),
               SOFTCP_S_OK, "a sealed key of %d bytes (D28)", HOST_BLOB_SIZE);
    is_bytes(destination->memory, clear, sizeof clear, "decrypts");
    is_number(core.host.unwraps, 1, "the host unwrapped it once");

    uint8_t wrapped[KEY_SIZE];
    client_wrap(session.key, content_key, wrapped);
    resource_fill(destination, FILL);
    is_hresult(softcp_session_decryption_blt(core.device, session.id, source, destination, NULL, KEY_SIZE, wrapped,
                                             sizeof iv, iv),
               SOFTCP_S_OK, "a wrapped key of 16 bytes");
    is_number(core.host.unwraps, 1, "is not the host's to unwrap");

    resource_fill(destination, FILL);
    core.host.unwrap_result = (softcp_hresult)0x8004ABCD;
    is_hresult(softcp_session_decryption_blt(core.device, session.id, source, destination, NULL, HOST_BLOB_SIZE, blob,
                                             sizeof iv, iv),
               (softcp_hresult)0x8004ABCD, "the host's own failure is passed on");
    core.host.unwrap_result = 0;
    is_hresult(softcp_session_decryption_blt(core.device, session.id, source, destination, NULL, HOST_BLOB_SIZE + 1,
                                             blob, sizeof iv, iv),
               SOFTCP_E_INVALIDARG, "a blob that the host refuses");
    is_number(core.host.unwraps, 3, "the host was asked each time");
    is_filled(destination->memory, FILL, destination->size, "nothing was written");
    core.host.unwrap_result = 1;
    is_hresult(softcp_session_decryption_blt(core.device, session.id, source, destination, NULL, HOST_BLOB_SIZE, blob,
                                             sizeof iv, iv),
               SOFTCP_S_OK, "a positive HRESULT of the host is success");
    resource_read(destination, read);
    is_bytes(read, clear, sizeof clear, "and decrypts");

    core.host.callbacks.unwrap_key = NULL;
    struct core without = core;
    is_hresult(softcp_device_create(core.adapter, &core.host.callbacks, &without.device), SOFTCP_S_OK,
               "a host without unwrap_key");
    session = core_session_keyed(&without);
    is_hresult(softcp_session_decryption_blt(without.device, session.id, source, destination, NULL, HOST_BLOB_SIZE,
                                             blob, sizeof iv, iv),
               SOFTCP_E_INVALIDARG, "takes no sealed keys (D28)");
    core_session_decrypts(&session, "but everything else");
    softcp_device_destroy(without.device);
    host_is_balanced(&core.host, "sealed keys");
    resource_free(source);
    resource_free(destination);
    core_end(&core);
}

void test_loss(const char *identity)
{
    struct core core;
    core_begin(&core, identity, NULL);
    struct core_session session = core_session_create(&core);
    uint32_t status = 7;
    is_hresult(softcp_session_invalidate(core.device, session.id, SOFTCP_SESSION_STATUS_KEY_LOST), SOFTCP_S_OK,
               "a session without a key");
    is_hresult(softcp_session_status(core.device, session.id, &status), SOFTCP_S_OK, "status");
    is_number(status, SOFTCP_SESSION_STATUS_OK, "has nothing to lose (D23)");
    static const uint32_t losses[] = {SOFTCP_SESSION_STATUS_KEY_LOST, SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST};
    for (int i = 0; i < 2; i++) {
        is_hresult(core_session_negotiate(&session), SOFTCP_S_OK, "key exchange");
        core_session_decrypts(&session, "before the loss");
        is_hresult(softcp_session_invalidate(core.device, session.id, losses[i]), SOFTCP_S_OK, "loss %u", losses[i]);
        is_hresult(softcp_session_status(core.device, session.id, &status), SOFTCP_S_OK, "status");
        is_number(status, losses[i], "says what is lost (D23)");
        refuses_every_function(&core, core.device, session.id, SOFTCP_E_INVALIDCALL, "after a loss (D23)");
    }
    is_hresult(core_session_negotiate(&session), SOFTCP_S_OK, "a new key exchange");
    is_hresult(softcp_session_status(core.device, session.id, &status), SOFTCP_S_OK, "status");
    is_number(status, SOFTCP_SESSION_STATUS_OK, "ends the loss (D23)");
    core_session_decrypts(&session, "after the new key exchange");
    core_end(&core);
}
