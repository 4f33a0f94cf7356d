/* Opening a driver, and drivers opened with other options than the default. */
#include "ddi_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILL 0xA5

/* A driver opened with options, one device on it, and the key of its certificate. */
struct world {
    struct ddi ddi;
    struct device device;
    EVP_PKEY *driver_key;
};

static void world_begin(struct world *world, softcp_open_driver_fn open, const char *identity, const char *more)
{
    char options[1024], root[1024];
    snprintf(options, sizeof options, "identity.directory=%s;%s", identity, more);
    snprintf(root, sizeof root, "%s/root.pem", identity);
    tap_context("%s", more);
    ddi_open(&world->ddi, open, options);
    device_create(&world->device, &world->ddi, &sub_devices[1]);
    UINT size;
    uint8_t *blob = certificate_blob(&world->device, &size);
    struct chain chain = client_chain(blob, size, strstr(more, "encoding=der") == NULL, root);
    ok(chain.verified && chain.leaf_first, "the certificate is verified");
    if (chain.key == NULL) {
        tap_bail_out("there is no key to go on with");
    }
    world->driver_key = chain.key;
    free(blob);
}

static void world_end(struct world *world)
{
    device_destroy(&world->device);
    ddi_close(&world->ddi);
    EVP_PKEY_free(world->driver_key);
    tap_context(NULL);
}

static D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps_of(struct world *world)
{
    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps;
    const GUID none = {0};
    is_hresult(world->device.call.GetContentProtectionCaps(world->device.handle, &D3D11_CRYPTO_TYPE_AES128_CTR, &none,
                                                           &caps),
               S_OK, "capabilities");
    return caps;
}

/* One decryption blit between two surfaces of the same shape; returns what the destination holds in `read`. */
static void decryption_blt(struct session *session, const struct surface *source, const struct surface *destination,
                           D3D11_1DDI_ENCRYPTED_BLOCK_INFO *info, const uint8_t *wrapped, uint64_t iv_number)
{
    uint8_t iv[IV_SIZE];
    client_iv(iv_number, 0, iv);
    struct device *device = session->device;
    device->call.DecryptionBlt(device->handle, session->handle, source->handle, destination->handle, info,
                               wrapped != NULL ? KEY_SIZE : 0, wrapped, sizeof iv, iv);
}

static void test_in_memory_identity(softcp_open_driver_fn open, const char *identity)
{
    struct ddi ddi;
    struct device device;
    char root[1024];
    snprintf(root, sizeof root, "%s/root.pem", identity);
    tap_context("identity made in memory");
    ddi_open(&ddi, open, NULL);
    device_create(&device, &ddi, &sub_devices[0]);
    UINT size;
    uint8_t *blob = certificate_blob(&device, &size);
    struct chain chain = client_chain(blob, size, true, root);
    ok(chain.leaf_first && chain.bits == 2048, "the certificate is a chain with an RSA-2048 leaf");
    ok(chain.key != NULL && !chain.verified, "which another identity's root does not verify");
    struct session session = session_keyed(&device, chain.key);
    session_decrypts(&session, "and its key is the driver's");
    session_end(&session);
    EVP_PKEY_free(chain.key);
    free(blob);
    device_destroy(&device);
    ddi_close(&ddi);
    tap_context(NULL);
}

static void test_hardware_like(softcp_open_driver_fn open, const char *identity)
{
    struct world world;
    world_begin(&world, open, identity, "capabilities.profile=hardware-like");
    struct device *device = &world.device;
    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps = caps_of(&world);
    ok((caps.Caps & D3D11_1DDI_CONTENT_PROTECTION_CAPS_HARDWARE) != 0, "hardware is reported (D27)");
    ok((caps.Caps & D3D11_1DDI_CONTENT_PROTECTION_CAPS_SEQUENTIAL_CTR_IV) != 0, "IVs must increase (D10)");
    is_number(caps.BlockAlignmentSize, 16, "patterns are aligned to blocks (D7)");

    struct session session = session_keyed(device, world.driver_key);
    struct surface source = surface_create(device, shape_buffer(1000));
    struct surface destination = surface_create(device, shape_buffer(1000));
    uint8_t zero[1000] = {0}, read[1000], wrapped[KEY_SIZE], expected[1000] = {0};
    surface_write(&source, zero);
    surface_fill(&destination, FILL);
    static const struct pattern unaligned[] = {{20, 0, 0}, {16, 8, 16}, {16, 16, 8}, {0, 1, 16}, {0, 16, 15}};
    for (size_t i = 0; i < sizeof unaligned / sizeof unaligned[0]; i++) {
        D3D11_1DDI_ENCRYPTED_BLOCK_INFO info = {unaligned[i].beginning, unaligned[i].skip, unaligned[i].encrypt};
        REPORTS(&world.ddi, "DecryptionBlt", E_INVALIDARG,
                decryption_blt(&session, &source, &destination, &info, NULL, 100),
                "pattern %u, %u, %u is refused (D7)", unaligned[i].beginning, unaligned[i].skip, unaligned[i].encrypt);
        is_number(info.NumBytesInEncryptPattern, unaligned[i].encrypt, "the block information is not written (D21)");
    }
    surface_read(&destination, read);
    is_filled(read, FILL, sizeof read, "the refused blits wrote nothing");
    static const struct pattern aligned[] = {{16, 16, 32}, {1000, 0, 0}, {992, 16, 16}, {16, 7, 0}};
    for (size_t i = 0; i < sizeof aligned / sizeof aligned[0]; i++) {
        D3D11_1DDI_ENCRYPTED_BLOCK_INFO info = {aligned[i].beginning, aligned[i].skip, aligned[i].encrypt};
        SILENT(&world.ddi, decryption_blt(&session, &source, &destination, &info, NULL, 101 + i),
               "pattern %u, %u, %u is taken (D7)", aligned[i].beginning, aligned[i].skip, aligned[i].encrypt);
    }
    surface_fill(&destination, FILL);
    REPORTS(&world.ddi, "DecryptionBlt", E_INVALIDARG,
            decryption_blt(&session, &source, &destination, NULL, NULL, 104), "the last IV again is refused (D10)");
    REPORTS(&world.ddi, "DecryptionBlt", E_INVALIDARG,
            decryption_blt(&session, &source, &destination, NULL, NULL, 103), "a smaller IV is refused (D10)");
    surface_read(&destination, read);
    is_filled(read, FILL, sizeof read, "the refused blits wrote nothing");
    SILENT(&world.ddi, decryption_blt(&session, &source, &destination, NULL, NULL, 105), "a greater IV is taken (D10)");
    surface_read(&destination, read);
    uint8_t iv[IV_SIZE], content_key[KEY_SIZE];
    client_iv(105, 0, iv);
    client_ctr(session.key, iv, NULL, expected, sizeof expected);
    is_bytes(read, expected, sizeof read, "and decrypts");
    client_random(content_key, sizeof content_key);
    client_wrap(session.key, content_key, wrapped);
    SILENT(&world.ddi, decryption_blt(&session, &source, &destination, NULL, wrapped, 1),
           "another key has IVs of its own (D10)");
    is_hresult(session_negotiate(&session), S_OK, "key exchange");
    SILENT(&world.ddi, decryption_blt(&session, &source, &destination, NULL, NULL, 1), "and so has a new session key");
    surface_destroy(&source);
    surface_destroy(&destination);
    session_end(&session);
    world_end(&world);
}

static void test_concatenated_certificates(softcp_open_driver_fn open, const char *identity)
{
    struct world world;
    world_begin(&world, open, identity, "identity.encoding=der");
    struct session session = session_keyed(&world.device, world.driver_key);
    session_decrypts(&session, "the key of concatenated certificates (D13) is the driver's");
    session_end(&session);
    world_end(&world);
}

static void test_budget(softcp_open_driver_fn open, const char *identity)
{
    struct world world;
    world_begin(&world, open, identity, "memory.protected=10000");
    struct device *device = &world.device;
    is_number(caps_of(&world).ProtectedMemorySize, 10000, "the budget is reported (D24)");
    const struct softcp_driver *driver = &world.ddi.driver;
    struct surface first = surface_create(device, shape_with(shape_rows(6000, 1, 6000), SOFTCP_RESOURCE_PROTECTED));
    struct softcp_resource_desc second = shape_with(shape_rows(4001, 1, 4001), SOFTCP_RESOURCE_PROTECTED);
    D3D10DDI_HRESOURCE handle = {&world};
    is_hresult(driver->create_resource(driver->context, device->handle, &second, &handle), E_OUTOFMEMORY,
               "a protected resource past it is refused (D24)");
    ok(handle.pDrvPrivate == NULL, "and its handle is zero (D30)");
    struct surface plain = surface_create(device, shape_buffer(20000));
    ok(plain.handle.pDrvPrivate != NULL, "a resource that is not protected needs no budget");
    surface_destroy(&first);
    is_hresult(driver->create_resource(driver->context, device->handle, &second, &handle), S_OK,
               "what is destroyed is given back");
    driver->destroy_resource(driver->context, device->handle, handle);
    surface_destroy(&plain);
    world_end(&world);
}

static void test_enforced_protection(softcp_open_driver_fn open, const char *identity)
{
    struct world world;
    world_begin(&world, open, identity, "capabilities.flags.protection_always_on=true");
    struct device *device = &world.device;
    struct session session = session_keyed(device, world.driver_key);
    struct surface source = surface_create(device, shape_buffer(500)), plain = surface_create(device, shape_buffer(500));
    struct surface safe = surface_create(device, shape_with(shape_buffer(500), SOFTCP_RESOURCE_PROTECTED));
    uint8_t clear[500], encrypted[500], read[500], wrapped[KEY_SIZE], key[KEY_SIZE], iv[IV_SIZE];
    client_random(clear, sizeof clear);
    memcpy(encrypted, clear, sizeof clear);
    client_iv(9, 0, iv);
    client_ctr(session.key, iv, NULL, encrypted, sizeof encrypted);
    surface_write(&source, encrypted);
    surface_fill(&plain, FILL);
    REPORTS(&world.ddi, "DecryptionBlt", D3DERR_CANNOTPROTECTCONTENT,
            decryption_blt(&session, &source, &plain, NULL, NULL, 9), "clear bytes stay in protected resources (D19)");
    surface_read(&plain, read);
    is_filled(read, FILL, sizeof read, "nothing was written");
    SILENT(&world.ddi, decryption_blt(&session, &source, &safe, NULL, NULL, 9), "a protected destination is taken");
    const struct softcp_driver *driver = &world.ddi.driver;
    struct softcp_mapping mapping;
    memset(&mapping, FILL, sizeof mapping);
    is_hresult(driver->map_resource(driver->context, device->handle, safe.handle, SOFTCP_ACCESS_READ, &mapping),
               D3DERR_CANNOTPROTECTCONTENT, "it cannot be mapped (D19)");
    is_filled(&mapping, 0, sizeof mapping, "and the mapping is zero (D30)");
    SILENT(&world.ddi, device->call.GetEncryptionBltKey(device->handle, session.handle, sizeof wrapped, wrapped),
           "GetEncryptionBltKey");
    client_unwrap(session.key, wrapped, key);
    REPORTS(&world.ddi, "EncryptionBlt", D3DERR_CANNOTPROTECTCONTENT,
            device->call.EncryptionBlt(device->handle, session.handle, plain.handle, source.handle, sizeof iv, iv),
            "only protected resources are read back (D19)");
    SILENT(&world.ddi,
           device->call.EncryptionBlt(device->handle, session.handle, safe.handle, plain.handle, sizeof iv, iv),
           "a protected resource is read back");
    surface_read(&plain, read);
    client_ctr(key, iv, NULL, read, sizeof read);
    is_bytes(read, clear, sizeof read, "from cipher text through protected memory to read-back: the bytes are right");
    surface_destroy(&source);
    surface_destroy(&plain);
    surface_destroy(&safe);
    session_end(&session);
    world_end(&world);
}

/* What an entry does when its capability is not reported. */
static void test_not_offered(softcp_open_driver_fn open, const char *identity)
{
    struct world world;
    world_begin(&world, open, identity,
                "capabilities.flags.freshen_session_key=false;capabilities.flags.content_key=false;"
                "capabilities.flags.partial_decryption=false;capabilities.flags.encrypted_read_back_key=false");
    tap_context("fewer capabilities");
    struct device *device = &world.device;
    is_number(caps_of(&world).Caps,
              D3D11_1DDI_CONTENT_PROTECTION_CAPS_SOFTWARE | D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK |
                  D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT,
              "they are not reported");
    struct session session = session_keyed(device, world.driver_key);
    struct surface source = surface_create(device, shape_buffer(100)), destination = surface_create(device, shape_buffer(100));
    uint8_t clear[100], read[100], buffer[KEY_SIZE], iv[IV_SIZE];
    memset(buffer, FILL, sizeof buffer);
    surface_fill(&destination, FILL);
    D3D11_1DDI_ENCRYPTED_BLOCK_INFO info = {16, 0, 0};
    REPORTS(&world.ddi, "StartSessionKeyRefresh", E_NOTIMPL,
            device->call.StartSessionKeyRefresh(device->handle, session.handle, sizeof buffer, buffer), "no refresh");
    REPORTS(&world.ddi, "FinishSessionKeyRefresh", E_NOTIMPL,
            device->call.FinishSessionKeyRefresh(device->handle, session.handle), "no Finish");
    REPORTS(&world.ddi, "GetEncryptionBltKey", E_NOTIMPL,
            device->call.GetEncryptionBltKey(device->handle, session.handle, sizeof buffer, buffer),
            "no read-back key");
    is_filled(buffer, FILL, sizeof buffer, "the buffers keep their bytes (D30)");
    REPORTS(&world.ddi, "DecryptionBlt", E_NOTIMPL,
            decryption_blt(&session, &source, &destination, NULL, buffer, 1), "no content keys");
    REPORTS(&world.ddi, "DecryptionBlt", E_NOTIMPL, decryption_blt(&session, &source, &destination, &info, NULL, 1),
            "no patterns");
    surface_read(&destination, read);
    is_filled(read, FILL, sizeof read, "the refused blits wrote nothing");
    session_decrypts(&session, "the rest works");
    client_random(clear, sizeof clear);
    surface_write(&source, clear);
    SILENT(&world.ddi,
           device->call.EncryptionBlt(device->handle, session.handle, source.handle, destination.handle, sizeof iv, iv),
           "EncryptionBlt without read-back keys");
    surface_read(&destination, read);
    client_ctr(session.key, iv, NULL, read, sizeof read);
    is_bytes(read, clear, sizeof read, "is under the session key");
    surface_destroy(&source);
    surface_destroy(&destination);
    session_end(&session);
    world_end(&world);

    world_begin(&world, open, identity,
                "capabilities.flags.decryption_blt=false;capabilities.flags.encrypted_read_back_key=false;"
                "capabilities.flags.encrypted_read_back=false");
    tap_context("no blits");
    device = &world.device;
    session = session_keyed(device, world.driver_key);
    source = surface_create(device, shape_buffer(100));
    destination = surface_create(device, shape_buffer(100));
    REPORTS(&world.ddi, "DecryptionBlt", E_NOTIMPL, decryption_blt(&session, &source, &destination, NULL, NULL, 1),
            "no DecryptionBlt");
    REPORTS(&world.ddi, "EncryptionBlt", E_NOTIMPL,
            device->call.EncryptionBlt(device->handle, session.handle, source.handle, destination.handle, sizeof iv, iv),
            "no EncryptionBlt");
    surface_destroy(&source);
    surface_destroy(&destination);
    session_end(&session);
    world_end(&world);
}

static void test_status_echo(softcp_open_driver_fn open, const char *identity)
{
    struct world world;
    world_begin(&world, open, identity, "quirks.status_echo=true");
    struct session session = session_keyed(&world.device, world.driver_key);
    struct surface source = surface_create(&world.device, shape_buffer(100));
    struct surface longer = surface_create(&world.device, shape_buffer(101));
    D3D11_1DDI_ENCRYPTED_BLOCK_INFO info = {16, 5, 6};
    REPORTS(&world.ddi, "DecryptionBlt", E_INVALIDARG, decryption_blt(&session, &source, &longer, &info, NULL, 1),
            "a refused DecryptionBlt is reported as ever");
    ok(info.NumEncryptedBytesAtBeginning == 16 && info.NumBytesInSkipPattern == 5, "two fields are left alone");
    is_number(info.NumBytesInEncryptPattern, (uint32_t)E_INVALIDARG, "and the third holds the HRESULT (D21)");
    D3D11_1DDI_ENCRYPTED_BLOCK_INFO fine = {16, 5, 6};
    SILENT(&world.ddi, decryption_blt(&session, &source, &source, &fine, NULL, 1), "a good one");
    is_number(fine.NumBytesInEncryptPattern, 6, "leaves all fields alone (D21)");
    REPORTS(&world.ddi, "DecryptionBlt", E_INVALIDARG, decryption_blt(&session, &source, &longer, NULL, NULL, 1),
            "without block information there is nowhere to write to");
    surface_destroy(&source);
    surface_destroy(&longer);
    session_end(&session);
    world_end(&world);
}

static void test_caller_iv(softcp_open_driver_fn open, const char *identity)
{
    struct world world;
    world_begin(&world, open, identity, "quirks.caller_iv=true");
    struct device *device = &world.device;
    struct session session = session_keyed(device, world.driver_key);
    struct surface source = surface_create(device, shape_buffer(100)), destination = surface_create(device, shape_buffer(100));
    uint8_t wrapped[KEY_SIZE], key[KEY_SIZE], iv[IV_SIZE], given[IV_SIZE], clear[100], read[100];
    SILENT(&world.ddi, device->call.GetEncryptionBltKey(device->handle, session.handle, sizeof wrapped, wrapped),
           "GetEncryptionBltKey");
    client_unwrap(session.key, wrapped, key);
    client_random(clear, sizeof clear);
    surface_write(&source, clear);
    client_iv(500, 3, given);
    memcpy(iv, given, sizeof iv);
    SILENT(&world.ddi,
           device->call.EncryptionBlt(device->handle, session.handle, source.handle, destination.handle, sizeof iv, iv),
           "EncryptionBlt with the caller's IV (D26)");
    is_bytes(iv, given, sizeof iv, "which is used as it is");
    surface_read(&destination, read);
    client_ctr(key, given, NULL, read, sizeof read);
    is_bytes(read, clear, sizeof read, "and opens the read-back");
    REPORTS(&world.ddi, "EncryptionBlt", E_INVALIDARG,
            device->call.EncryptionBlt(device->handle, session.handle, source.handle, destination.handle, sizeof iv, iv),
            "the same IV again is refused (D26)");
    client_iv(501, 0, iv);
    SILENT(&world.ddi,
           device->call.EncryptionBlt(device->handle, session.handle, source.handle, destination.handle, sizeof iv, iv),
           "a greater one is taken");
    surface_destroy(&source);
    surface_destroy(&destination);
    session_end(&session);
    world_end(&world);
}

static void test_permissive(softcp_open_driver_fn open, const char *identity)
{
    struct world world;
    world_begin(&world, open, identity, "capabilities.profile=permissive");
    struct session session = session_memory(&world.device, world.driver_key);
    D3D11_1DDIARG_CREATECRYPTOSESSION arguments = session_arguments();
    arguments.KeyExchangeType = arguments.CryptoType;
    is_hresult(world.device.call.CreateCryptoSession(world.device.handle, &arguments, session.handle,
                                                     (D3D11_1DDI_HRTCRYPTOSESSION){NULL}),
               S_OK, "the crypto type is accepted as key exchange type (D29)");
    is_hresult(session_negotiate(&session), S_OK, "and the key exchange is the usual one");
    session_decrypts(&session, "as is the rest");
    session_end(&session);
    world_end(&world);
}

void test_profiles(softcp_open_driver_fn open, const char *identity)
{
    test_in_memory_identity(open, identity);
    test_hardware_like(open, identity);
    test_concatenated_certificates(open, identity);
    test_budget(open, identity);
    test_enforced_protection(open, identity);
    test_not_offered(open, identity);
    test_status_echo(open, identity);
    test_caller_iv(open, identity);
    test_permissive(open, identity);
}

/* Opens with wrong arguments: an error, everything after the size zero, nothing to close. */
static void refuses_open(softcp_open_driver_fn open, const struct softcp_driver_desc *desc, HRESULT hresult,
                         const char *name)
{
    struct softcp_driver driver;
    memset(&driver, FILL, sizeof driver);
    driver.size = sizeof driver;
    is_hresult(open(desc, &driver), hresult, "open: %s", name);
    is_number(driver.size, sizeof driver, "%s: the size is as it was", name);
    is_filled(&driver.interface_version, 0, sizeof driver - sizeof driver.size, "%s: the rest is zero (D30)", name);
}

void test_opening(softcp_open_driver_fn open, const char *identity)
{
    struct ddi ddi = {.reports = {0}};
    const struct softcp_driver_desc good = ddi_desc(&ddi, "");
    refuses_open(open, NULL, E_INVALIDARG, "null description");
    static const uint32_t sizes[] = {0, 4, 7};
    for (int i = 0; i < 3; i++) {
        struct softcp_driver_desc small = good;
        small.size = sizes[i];
        refuses_open(open, &small, E_INVALIDARG, "description too small to hold a version");
    }
    static const uint32_t versions[] = {0, 2, UINT32_MAX};
    for (int i = 0; i < 3; i++) {
        struct softcp_driver_desc future = good;
        future.interface_version = versions[i];
        refuses_open(open, &future, E_INVALIDARG, "another interface version");
    }
    static const struct {
        const char *options;
        HRESULT hresult;
    } options[] = {
        {"no.such.key=1", E_INVALIDARG},
        {"memory.protected=many", E_INVALIDARG},
        {"memory.protected", E_INVALIDARG},
        {"capabilities.profile=hard", E_INVALIDARG},
        {"capabilities.block_alignment=3", E_INVALIDARG},
        {"capabilities.flags.encrypted_read_back=false", E_INVALIDARG},
        {"identity.directory=\xFF\xFE", E_INVALIDARG},
        {"identity.directory=/nonexistent/identity", E_FAIL},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        struct softcp_driver_desc desc = ddi_desc(&ddi, options[i].options);
        ddi_forget(&ddi);
        refuses_open(open, &desc, options[i].hresult, "options that are not valid");
        ddi_check_report(&ddi, "softcp_open_reference_driver", options[i].hresult, __FILE__, __LINE__,
                         "open: the caller is told what is wrong with options %zu", i);
    }

    struct {
        struct softcp_driver driver;
        uint8_t beyond[32];
    } room;
    memset(&room, FILL, sizeof room);
    is_hresult(open(&good, NULL), E_INVALIDARG, "open: null driver");
    room.driver.size = offsetof(struct softcp_driver, wrap_resource) - 1;
    is_hresult(open(&good, &room.driver), E_INVALIDARG, "open: a driver structure of an unknown, smaller size");
    is_filled(&room.driver.interface_version, FILL, sizeof room - sizeof room.driver.size, "is not written to");
    room.driver.size = offsetof(struct softcp_driver, wrap_resource);
    is_hresult(open(&good, &room.driver), S_OK, "open: a driver structure of before wrap_resource");
    is_number(room.driver.size, offsetof(struct softcp_driver, wrap_resource), "is written to that far");
    is_filled(&room.driver.wrap_resource, FILL, sizeof room.driver.wrap_resource, "and no further");
    room.driver.close(room.driver.context);
    room.driver.size = sizeof room;
    is_hresult(open(&good, &room.driver), S_OK, "open: a driver structure of a later, larger version");
    is_number(room.driver.size, sizeof room.driver, "says how much of it was written");
    is_filled(room.beyond, FILL, sizeof room.beyond, "and the rest is left alone");
    room.driver.close(room.driver.context);

    struct {
        struct softcp_driver_desc desc;
        uint8_t beyond[32];
    } later;
    memset(&later, FILL, sizeof later);
    later.desc = good;
    later.desc.size = sizeof later;
    struct softcp_driver driver = {.size = sizeof driver};
    is_hresult(open(&later.desc, &driver), S_OK, "open: a description of a later, larger version");
    driver.close(driver.context);

    char directory[1024];
    snprintf(directory, sizeof directory, "identity.directory=%s", identity);
    struct softcp_driver_desc mute = ddi_desc(&ddi, directory);
    mute.report_error = NULL;
    driver = (struct softcp_driver){.size = sizeof driver};
    is_hresult(open(&mute, &driver), S_OK, "open: without an error callback");
    struct ddi silent = {.driver = driver};
    struct device device;
    device_create(&device, &silent, &sub_devices[0]);
    device.call.FinishSessionKeyRefresh(device.handle, (D3D11_1DDI_HCRYPTOSESSION){NULL});
    ok(true, "a refused call without an error callback is dropped");
    device_destroy(&device);
    driver.close(driver.context);
    driver.close(NULL);
    ok(true, "closing nothing is harmless");
}
