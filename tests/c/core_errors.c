/* softcp_last_error: every function that fails says so to its own thread. */
#include "core_tests.h"

#include <softcp_ddi.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* One failed call: its text begins with the function's name and says what is wrong, with the HRESULT. */
static void says(softcp_hresult hresult, const char *function, const char *what)
{
    const char *text = softcp_last_error();
    char code[16];
    snprintf(code, sizeof code, "(0x%08x)", (unsigned)hresult);
    ok(hresult < 0, "%s fails", function);
    if (!ok(text != NULL, "%s leaves a text", function))
        return;
    ok(strncmp(text, function, strlen(function)) == 0 && text[strlen(function)] == ':', "%s: %s", function, text);
    ok(strstr(text, what) != NULL, "%s: it says \"%s\": %s", function, what, text);
    ok(strstr(text, code) != NULL, "%s: it ends with %s: %s", function, code, text);
}

static void *text_of_a_new_thread(void *unused)
{
    (void)unused;
    return (void *)(uintptr_t)softcp_last_error();
}

static void test_configuration(void)
{
    static const struct {
        const char *options, *what;
    } wrong[] = {
        {"memory.secret=1", "softcp_adapter_desc.options: memory.secret"},
        {"memory.protected", "softcp_adapter_desc.options"},
        {"memory.protected=x", "softcp_adapter_desc.options: memory.protected"},
        {"capabilities.block_alignment=3", "softcp_adapter_desc.options: capabilities.block_alignment"},
        {"identity.directory=/nowhere/at/all", "/nowhere/at/all"},
        {"faults.list=key-lots", "key-lots"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct softcp_adapter_desc desc = {.size = sizeof desc, .flags = SOFTCP_ADAPTER_IGNORE_ENVIRONMENT};
        desc.options = wrong[i].options;
        softcp_adapter *adapter;
        says(softcp_adapter_create(&desc, &adapter), "softcp_adapter_create", wrong[i].what);
        ok(strstr(softcp_last_error(), "SOFTCP_OPTIONS") == NULL, "no variable is named that is not set");
    }
    struct softcp_adapter_desc desc = {.size = sizeof desc, .flags = SOFTCP_ADAPTER_IGNORE_ENVIRONMENT};
    softcp_adapter *adapter;
    desc.configuration_file = "/nowhere/softcp.toml";
    says(softcp_adapter_create(&desc, &adapter), "softcp_adapter_create", "/nowhere/softcp.toml");
    desc.configuration_file = NULL;
    desc.flags = 0x80;
    says(softcp_adapter_create(&desc, &adapter), "softcp_adapter_create", "flags");
    says(softcp_adapter_create(NULL, NULL), "softcp_adapter_create", "adapter is null");
}

void test_errors(const char *identity)
{
    struct core core;
    core_begin(&core, identity, NULL);
    tap_context("last error");
    test_configuration();
    uint8_t bytes[512] = {0};
    struct core_session session = core_session_create(&core);
    softcp_session id;
    softcp_channel channel;
    softcp_device *device;
    uint32_t size;
    says(softcp_device_create(NULL, NULL, &device), "softcp_device_create", "adapter is null");
    says(softcp_session_create(core.device, NULL, &id), "softcp_session_create", "null");
    says(softcp_session_create(NULL, NULL, &id), "softcp_session_create", "device is null");
    says(softcp_session_destroy(core.device, 12345), "softcp_session_destroy", "handle");
    says(softcp_session_certificate_size(core.device, &no_guid, &size), "softcp_session_certificate_size", "not supported");
    says(softcp_session_negotiate(core.device, session.id, 5, bytes), "softcp_session_negotiate", "256 bytes");
    says(softcp_session_negotiate(core.device, session.id, 256, bytes), "softcp_session_negotiate", "key exchange failed");
    says(softcp_session_start_key_refresh(core.device, session.id, 16, bytes), "softcp_session_start_key_refresh", "no key yet");
    says(softcp_session_finish_key_refresh(core.device, session.id), "softcp_session_finish_key_refresh", "no key yet");
    says(softcp_channel_create(core.device, 77, &channel), "softcp_channel_create", "77");
    says(softcp_inject_fault(core.device, "key-lost"), "softcp_inject_fault", "faults.opt_in=true");
    says(softcp_inject_fault(core.device, NULL), "softcp_inject_fault", "text is null");
    says(softcp_ddi_fill(999, sizeof bytes, bytes), "softcp_ddi_fill", "");

    char before[256];
    snprintf(before, sizeof before, "%s", softcp_last_error());
    is_hresult(softcp_session_destroy(core.device, session.id), SOFTCP_S_OK, "a call succeeds");
    ok(strcmp(before, softcp_last_error()) == 0, "a call that succeeds leaves the text");
    pthread_t thread;
    void *text = &thread;
    if (pthread_create(&thread, NULL, text_of_a_new_thread, NULL) != 0 || pthread_join(thread, &text) != 0)
        tap_bail_out("there is no thread");
    ok(text == NULL, "a thread without a failure has no text");

    ok(softcp_version_number() == SOFTCP_VERSION_NUMBER, "the library is of this header's version");
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", SOFTCP_VERSION_MAJOR, SOFTCP_VERSION_MINOR, SOFTCP_VERSION_PATCH);
    ok(strcmp(version, softcp_version()) == 0, "the macros are %s", softcp_version());
    core_end(&core);
}
