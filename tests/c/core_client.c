/* A host driver in C over the core functions: resources of its own, every callback, every wrong call, and the life of
   a library in a process: threads, fork, exit with live sessions. (Loading and unloading is load_client's.)

   Usage: core_client IDENTITY
     IDENTITY  directory of the driver's identity, whose root.pem is the only certificate this client trusts

   Prints TAP; the exit code is 1 when a check fails. */
#include "core_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const softcp_guid no_guid = {0};
const softcp_guid aes_128_ctr = {0x9b6bd711, 0x4f74, 0x41c9, {0x9e, 0x7b, 0x0b, 0xe2, 0xd7, 0xd9, 0x3b, 0x4f}};
const softcp_guid rsaes_oaep = {0xc1949895, 0xd72a, 0x4a1d, {0x8e, 0x5d, 0xed, 0x85, 0x7d, 0x17, 0x15, 0x20}};
const softcp_guid h264_profile = {0x1b81be68, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};

void core_begin(struct core *core, const char *identity, const char *more)
{
    core_begin_with(core, identity, more, NULL);
}

void core_begin_with(struct core *core, const char *identity, const char *more,
                     const struct softcp_secure_environment *environment)
{
    memset(core, 0, sizeof *core);
    host_begin(&core->host);
    char options[1024], root[1024];
    snprintf(options, sizeof options, "identity.directory=%s;%s", identity, more != NULL ? more : "");
    snprintf(root, sizeof root, "%s/root.pem", identity);
    const struct softcp_adapter_desc desc = {.size = sizeof desc, .options = options, .environment = environment};
    softcp_hresult hresult = softcp_adapter_create(&desc, &core->adapter);
    if (hresult == SOFTCP_S_OK) {
        hresult = softcp_device_create(core->adapter, &core->host.callbacks, &core->device);
    }
    uint32_t size = 0;
    if (hresult == SOFTCP_S_OK) {
        hresult = softcp_session_certificate_size(core->device, &aes_128_ctr, &size);
    }
    uint8_t *blob = malloc(size + 1);
    if (hresult == SOFTCP_S_OK) {
        hresult = softcp_session_certificate(core->device, &aes_128_ctr, size, blob);
    }
    if (hresult != SOFTCP_S_OK) {
        tap_bail_out("no device with \"%s\": 0x%08x", options, (unsigned)hresult);
    }
    struct chain chain = client_chain(blob, size, true, root);
    free(blob);
    if (!chain.verified || chain.bits != 2048) {
        tap_bail_out("the certificate of \"%s\" is not verified", options);
    }
    core->driver_key = chain.key;
}

void core_end(struct core *core)
{
    softcp_device_destroy(core->device);
    softcp_adapter_destroy(core->adapter);
    EVP_PKEY_free(core->driver_key);
    host_end(&core->host);
}

static softcp_adapter *const SOME_ADAPTER = (softcp_adapter *)16; /* to see that outputs are written; never used */

/* An adapter that is to be refused. */
static void refuses_adapter(const struct softcp_adapter_desc *desc, softcp_hresult hresult, const char *name)
{
    softcp_adapter *adapter = SOME_ADAPTER;
    is_hresult(softcp_adapter_create(desc, &adapter), hresult, "adapter: %s", name);
    ok(adapter == NULL, "%s: the adapter is null (D30)", name);
}

/* An adapter that is to be made. */
static void makes_adapter(const struct softcp_adapter_desc *desc, const char *name)
{
    softcp_adapter *adapter = NULL;
    is_hresult(softcp_adapter_create(desc, &adapter), SOFTCP_S_OK, "adapter: %s", name);
    ok(adapter != NULL, "%s: there is one", name);
    is_hresult(softcp_adapter_destroy(adapter), SOFTCP_S_OK, "%s: destroyed", name);
}

void test_adapters(const char *identity)
{
    const char *version = softcp_version();
    ok(version != NULL && strchr(version, '.') != NULL, "the library has a version");
    struct softcp_adapter_desc desc = {.size = sizeof desc};
    makes_adapter(NULL, "null description");
    makes_adapter(&desc, "empty description");
    is_hresult(softcp_adapter_create(&desc, NULL), SOFTCP_E_INVALIDARG, "adapter: nowhere to write it to");
    is_hresult(softcp_adapter_destroy(NULL), SOFTCP_S_OK, "destroying null does nothing");

    static const uint32_t small[] = {0, 1, 4, 7};
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
        struct softcp_adapter_desc too_small = {.size = small[i]};
        refuses_adapter(&too_small, SOFTCP_E_INVALIDARG, "description smaller than its first version");
    }
    struct softcp_adapter_desc older = {.size = 8, .configuration_file = "/nonexistent/softcp.toml", .options = "x"};
    makes_adapter(&older, "members past the size do not exist");
    for (uint32_t size = 9; size < 16; size++) {
        older.size = size;
        makes_adapter(&older, "a member that the size cuts in two does not exist");
    }
    struct {
        struct softcp_adapter_desc desc;
        uint8_t beyond[64];
    } newer;
    memset(&newer, 0xA5, sizeof newer);
    newer.desc = (struct softcp_adapter_desc){.size = sizeof newer};
    makes_adapter(&newer.desc, "description of a later, larger version");

    desc.flags = 2;
    refuses_adapter(&desc, SOFTCP_E_INVALIDARG, "unknown flag");
    desc.flags = 0;
    desc.configuration_file = "/nonexistent/softcp.toml";
    refuses_adapter(&desc, SOFTCP_E_INVALIDARG, "configuration file that does not exist");
    desc.configuration_file = "\xFF";
    refuses_adapter(&desc, SOFTCP_E_INVALIDARG, "configuration file whose name is not UTF-8");
    desc.configuration_file = NULL;
    desc.options = "no.such.key=1";
    refuses_adapter(&desc, SOFTCP_E_INVALIDARG, "unknown option");
    desc.options = "capabilities.profile=hard";
    refuses_adapter(&desc, SOFTCP_E_INVALIDARG, "bad value of an option");
    desc.options = "identity.directory=/nonexistent/identity";
    refuses_adapter(&desc, SOFTCP_E_FAIL, "identity directory that does not exist");

    char options[1024];
    snprintf(options, sizeof options, "identity.directory=%s", identity);
    desc.options = options;
    setenv("SOFTCP_OPTIONS", "no.such.key=1", 1);
    refuses_adapter(&desc, SOFTCP_E_INVALIDARG, "SOFTCP_OPTIONS counts");
    desc.flags = SOFTCP_ADAPTER_IGNORE_ENVIRONMENT;
    makes_adapter(&desc, "unless the environment is to be ignored");
    unsetenv("SOFTCP_OPTIONS");
    desc.flags = 0;
    setenv("SOFTCP_CONF", "/nonexistent/softcp.toml", 1);
    refuses_adapter(&desc, SOFTCP_E_INVALIDARG, "SOFTCP_CONF counts");
    desc.flags = SOFTCP_ADAPTER_IGNORE_ENVIRONMENT;
    makes_adapter(&desc, "unless the environment is to be ignored");
    unsetenv("SOFTCP_CONF");
}

/* A device that is to be refused. */
static void refuses_device(const softcp_adapter *adapter, const struct softcp_host *host, const char *name)
{
    softcp_device *device = (softcp_device *)16;
    is_hresult(softcp_device_create(adapter, host, &device), SOFTCP_E_INVALIDARG, "device: %s", name);
    ok(device == NULL, "%s: the device is null (D30)", name);
}

void test_devices(const char *identity)
{
    struct core core;
    core_begin(&core, identity, NULL);
    const struct softcp_host good = core.host.callbacks;
    refuses_device(NULL, &good, "null adapter");
    refuses_device(core.adapter, NULL, "null host");
    is_hresult(softcp_device_create(core.adapter, &good, NULL), SOFTCP_E_INVALIDARG, "device: nowhere to write it to");
    struct softcp_host host = good;
    host.map = NULL;
    refuses_device(core.adapter, &host, "host without map");
    host = good;
    host.unmap = NULL;
    refuses_device(core.adapter, &host, "host without unmap");
    static const uint32_t small[] = {0, 4, 8, 16, offsetof(struct softcp_host, same_resource) - 1};
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
        host = good;
        host.size = small[i];
        refuses_device(core.adapter, &host, "host smaller than its first version");
    }

    /* A host that knows map and unmap only, and one that is newer than the library. */
    struct {
        struct softcp_host host;
        uint8_t beyond[64];
    } newer;
    memset(&newer, 0xA5, sizeof newer);
    newer.host = good;
    newer.host.size = sizeof newer;
    host = good;
    host.size = offsetof(struct softcp_host, same_resource);
    host.same_resource = (int32_t(SOFTCP_CALL *)(void *, void *, void *))16; /* past the size: must not be called */
    const struct {
        const char *name;
        const struct softcp_host *host;
    } versions[] = {{"older, smaller host", &host}, {"newer, larger host", &newer.host}};
    for (size_t i = 0; i < 2; i++) {
        struct core other = core;
        is_hresult(softcp_device_create(core.adapter, versions[i].host, &other.device), SOFTCP_S_OK, "device: %s",
                   versions[i].name);
        struct core_session session = core_session_keyed(&other);
        core_session_decrypts(&session, versions[i].name);
        is_hresult(softcp_device_destroy(other.device), SOFTCP_S_OK, "%s: destroyed with a live session",
                   versions[i].name);
    }

    is_hresult(softcp_device_destroy(NULL), SOFTCP_S_OK, "destroying null does nothing");
    softcp_adapter_destroy(core.adapter);
    core.adapter = NULL;
    struct core_session session = core_session_keyed(&core);
    core_session_decrypts(&session, "a device lives on after its adapter");
    core_end(&core);
}

void test_core_capabilities(const char *identity)
{
    struct core core;
    core_begin(&core, identity, "memory.protected=1000");
    struct softcp_content_protection_caps caps, zero = {0};
    const softcp_guid *types[] = {&aes_128_ctr, &no_guid, NULL}, *profiles[] = {&h264_profile, &no_guid, NULL};
    for (int type = 0; type < 3; type++) {
        for (int profile = 0; profile < 3; profile++) {
            memset(&caps, 0xA5, sizeof caps);
            is_hresult(softcp_caps(core.device, types[type], profiles[profile], &caps), SOFTCP_S_OK,
                       "capabilities of type %d, profile %d (D27)", type, profile);
            is_number(caps.key_exchange_type_count, type == 0, "key exchange types of type %d", type);
            is_number(caps.protected_memory_size, 1000, "the budget (D24)");
        }
    }
    ok((caps.caps & SOFTCP_CAPS_SOFTWARE) != 0 && (caps.caps & SOFTCP_CAPS_HARDWARE) == 0, "software only (D27)");
    is_number(caps.block_alignment_size, 1, "any run length (D7)");
    is_number(caps.reserved, 0, "the reserved member is zero");
    memset(&caps, 0xA5, sizeof caps);
    is_hresult(softcp_caps(core.device, &rsaes_oaep, &no_guid, &caps), SOFTCP_E_UNSUPPORTEDCRYPTO, "unknown type");
    is_bytes(&caps, &zero, sizeof caps, "unknown type: capabilities are zero (D30)");
    memset(&caps, 0xA5, sizeof caps);
    is_hresult(softcp_caps(NULL, &aes_128_ctr, &no_guid, &caps), SOFTCP_E_INVALIDARG, "capabilities of no device");
    is_bytes(&caps, &zero, sizeof caps, "no device: capabilities are zero (D30)");
    is_hresult(softcp_caps(core.device, &aes_128_ctr, &no_guid, NULL), SOFTCP_E_INVALIDARG, "capabilities into null");

    softcp_guid type = aes_128_ctr;
    is_hresult(softcp_key_exchange_type(core.device, &aes_128_ctr, &no_guid, 0, &type), SOFTCP_S_OK,
               "key exchange type 0");
    is_bytes(&type, &rsaes_oaep, sizeof type, "is RSAES-OAEP");
    is_hresult(softcp_key_exchange_type(core.device, &aes_128_ctr, &no_guid, 1, &type), SOFTCP_E_INVALIDARG,
               "key exchange type 1");
    is_bytes(&type, &no_guid, sizeof type, "is the null GUID (D30)");
    is_hresult(softcp_key_exchange_type(core.device, &aes_128_ctr, &no_guid, 0, NULL), SOFTCP_E_INVALIDARG,
               "key exchange type into null");

    uint32_t size = 7;
    is_hresult(softcp_session_certificate_size(core.device, &rsaes_oaep, &size), SOFTCP_E_UNSUPPORTEDCRYPTO,
               "certificate size of an unknown type");
    is_number(size, 0, "is zero (D30)");
    is_hresult(softcp_session_certificate_size(core.device, NULL, &size), SOFTCP_E_INVALIDARG,
               "certificate size of null");
    is_hresult(softcp_session_certificate_size(core.device, &aes_128_ctr, NULL), SOFTCP_E_INVALIDARG,
               "certificate size into null");
    is_hresult(softcp_session_certificate_size(core.device, &aes_128_ctr, &size), SOFTCP_S_OK, "certificate size");
    uint8_t *blob = malloc(size + 1);
    if (blob == NULL) {
        tap_bail_out("no memory");
    }
    memset(blob, 0xA5, size + 1);
    is_hresult(softcp_session_certificate(core.device, &aes_128_ctr, size + 1, blob), SOFTCP_E_INVALIDARG,
               "certificate into a byte more");
    is_hresult(softcp_session_certificate(core.device, &aes_128_ctr, size - 1, blob), SOFTCP_E_INVALIDARG,
               "certificate into a byte less");
    is_hresult(softcp_session_certificate(core.device, &aes_128_ctr, size, NULL), SOFTCP_E_INVALIDARG,
               "certificate into null");
    is_filled(blob, 0xA5, size + 1, "the buffer keeps its bytes (D30)");
    free(blob);

    is_hresult(softcp_protected_memory_reserve(core.device, 600), SOFTCP_S_OK, "600 of 1000 bytes");
    is_hresult(softcp_protected_memory_reserve(core.device, 401), SOFTCP_E_OUTOFMEMORY, "401 bytes more (D24)");
    is_hresult(softcp_protected_memory_reserve(core.device, UINT64_MAX), SOFTCP_E_OUTOFMEMORY, "the largest number");
    is_hresult(softcp_protected_memory_reserve(core.device, 400), SOFTCP_S_OK, "400 bytes more");
    is_hresult(softcp_protected_memory_release(core.device, 600), SOFTCP_S_OK, "600 bytes given back");
    is_hresult(softcp_protected_memory_reserve(core.device, 600), SOFTCP_S_OK, "and taken again");
    is_hresult(softcp_protected_memory_reserve(NULL, 1), SOFTCP_E_INVALIDARG, "reserve without a device");
    is_hresult(softcp_protected_memory_release(NULL, 1), SOFTCP_E_INVALIDARG, "release without a device");
    uint32_t enforced = 7;
    is_hresult(softcp_protection_enforced(core.device, &enforced), SOFTCP_S_OK, "is protection enforced?");
    is_number(enforced, 0, "not by default (D19)");
    is_hresult(softcp_protection_enforced(core.device, NULL), SOFTCP_E_INVALIDARG, "asked into null");
    enforced = 7;
    is_hresult(softcp_protection_enforced(NULL, &enforced), SOFTCP_E_INVALIDARG, "asked of no device");
    is_number(enforced, 0, "the answer is zero (D30)");
    core_end(&core);
    core_begin(&core, identity, "capabilities.flags.protection_always_on=true");
    is_hresult(softcp_protection_enforced(core.device, &enforced), SOFTCP_S_OK, "is protection enforced now?");
    is_number(enforced, 1, "yes, as configured (D19)");
    core_end(&core);
}

int main(int count, char **arguments)
{
    if (count != 2) {
        fprintf(stderr, "usage: core_client IDENTITY\n");
        return 2;
    }
    static const struct {
        const char *name;
        void (*run)(const char *identity);
    } parts[] = {
        {"adapters", test_adapters},
        {"devices", test_devices},
        {"capabilities", test_core_capabilities},
        {"protocol", test_core_protocol},
        {"refusals", test_core_refusals},
        {"sealed keys", test_sealed_keys},
        {"loss", test_loss},
        {"mappings", test_mappings},
        {"channels", test_core_channels},
        {"decoders", test_core_decoders},
        {"hardware", test_core_hardware},
        {"environment", test_environment},
        {"attached", test_attached},
        {"destroyed during a call", test_destroyed_during_a_call},
        {"threads", test_threads},
        {"processes", test_processes},
        {"removed", test_removed},
        {"errors", test_errors},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        tap_context("%s", parts[i].name);
        parts[i].run(arguments[1]);
    }
    return tap_done();
}
