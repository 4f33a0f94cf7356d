/* A device that its host has lost (D41), and what a host may tell its runtime about failures (D42). */
#include "core_tests.h"

#include <softcp_ddi.h>

#include <string.h>

#define FILL 0xA5

/* The last report by `report_error2`. */
struct heard {
    unsigned reports;
    struct softcp_error_report last;
    char function[64];
};

static void SOFTCP_CALL hear(void *context, const struct softcp_error_report *report)
{
    struct heard *heard = context;
    heard->reports++;
    heard->last = *report;
    heard->last.text = NULL;
    strncpy(heard->function, report->function, sizeof heard->function - 1);
}

/* This host's resources are not reached here: its context is where reports go. */
static softcp_hresult SOFTCP_CALL map_nothing(void *context, void *resource, uint32_t access, softcp_mapping *mapping)
{
    (void)context, (void)resource, (void)access, (void)mapping;
    return SOFTCP_E_OUTOFMEMORY;
}

static void SOFTCP_CALL unmap_nothing(void *context, void *resource)
{
    (void)context, (void)resource;
}

/* One failed entry: its report, and whether the runtime may hear of it. */
static void was_reported(struct heard *heard, const char *function, softcp_hresult hresult, bool forward)
{
    is_number(heard->reports, 1, "%s makes one report (D20)", function);
    ok(strcmp(heard->function, function) == 0, "%s is named", function);
    is_hresult(heard->last.hresult, hresult, "%s: the code", function);
    is_number(heard->last.flags, forward ? SOFTCP_REPORT_FORWARD : 0, "%s: %s (D42)", function,
              forward ? "the runtime may hear of it" : "the runtime must not hear of it");
    is_number(heard->last.size, sizeof heard->last, "%s: the report's size", function);
    memset(heard, 0, sizeof *heard);
}

static void test_reports(struct core *core)
{
    struct heard heard;
    memset(&heard, 0, sizeof heard);
    struct softcp_host host = {.size = sizeof host, .context = &heard, .map = map_nothing, .unmap = unmap_nothing};
    host.report_error = core->host.callbacks.report_error; /* with another context: it must not be called */
    host.report_error2 = hear;
    softcp_device *device;
    D3DWDDM2_0DDI_VIDEODEVICEFUNCS table;
    const D3D10DDI_HDEVICE h_device = {&heard};
    if (softcp_device_create(core->adapter, &host, &device) != SOFTCP_S_OK ||
        softcp_ddi_attach(device, h_device) != SOFTCP_S_OK ||
        softcp_ddi_fill(D3DWDDM2_0DDI_VIDEO_FUNCTIONS, sizeof table, &table) != SOFTCP_S_OK) {
        tap_bail_out("no device with report_error2");
    }
    struct softcp_session_desc desc = core_session_desc();
    softcp_session id = 0;
    is_hresult(softcp_session_create(device, &desc, &id), SOFTCP_S_OK, "a session");
    const D3D11_1DDI_HCRYPTOSESSION session = {&id};
    uint8_t number[KEY_SIZE];
    memset(number, FILL, sizeof number);
    table.pfnStartSessionKeyRefresh(h_device, session, sizeof number, number);
    was_reported(&heard, "StartSessionKeyRefresh", SOFTCP_E_INVALIDCALL, false);
    D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS status = 7;
    table.pfnCheckCryptoSessionStatus(h_device, session, NULL);
    was_reported(&heard, "CheckCryptoSessionStatus", SOFTCP_E_INVALIDARG, false);

    is_hresult(softcp_device_removed(device), SOFTCP_S_OK, "the host says that its device is lost");
    table.pfnStartSessionKeyRefresh(h_device, session, sizeof number, number);
    was_reported(&heard, "StartSessionKeyRefresh", SOFTCP_E_DEVICEREMOVED, true);
    is_filled(number, FILL, sizeof number, "the number's buffer keeps its bytes (D30)");
    table.pfnCheckCryptoSessionStatus(h_device, session, &status);
    was_reported(&heard, "CheckCryptoSessionStatus", SOFTCP_E_DEVICEREMOVED, false);
    is_number(status, 0, "the status is zero (D30)");
    D3D11_1DDI_CERTIFICATE_INFO info = {.CertificateType = D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION};
    info.u.CryptoSessionType = D3D11_CRYPTO_TYPE_AES128_CTR;
    UINT size = 7;
    table.pfnGetCertificateSize(h_device, &info, &size);
    was_reported(&heard, "GetCertificateSize", SOFTCP_E_DEVICEREMOVED, true);
    is_number(size, 0, "the size is zero (D30)");
    table.pfnDestroyCryptoSession(h_device, session);
    ok(heard.reports == 0 && id == 0, "DestroyCryptoSession works, without a report");
    is_hresult(softcp_device_destroy(device), SOFTCP_S_OK, "the device is destroyed");
}

void test_removed(const char *identity)
{
    struct core core;
    core_begin(&core, identity, NULL);
    struct core_session session = core_session_keyed(&core);
    softcp_channel channel = 0;
    softcp_decoder decoder = 0;
    is_hresult(softcp_channel_create(core.device, SOFTCP_CHANNEL_DRIVER_SOFTWARE, &channel), SOFTCP_S_OK, "a channel");
    is_hresult(softcp_decoder_register(core.device, NULL, &decoder), SOFTCP_S_OK, "a decoder");
    is_hresult(softcp_protected_memory_reserve(core.device, 5), SOFTCP_S_OK, "protected memory");
    core_session_decrypts(&session, "before");

    is_hresult(softcp_device_removed(NULL), SOFTCP_E_INVALIDARG, "null is no device");
    is_hresult(softcp_device_removed(core.device), SOFTCP_S_OK, "the host says that its device is lost");
    is_hresult(softcp_device_removed(core.device), SOFTCP_S_OK, "and once more");
    struct resource *source = resource_buffer(64), *destination = resource_buffer(64);
    resource_fill(destination, FILL);
    uint8_t block[IV_SIZE];
    memset(block, FILL, sizeof block);
    is_hresult(softcp_session_decryption_blt(core.device, session.id, source, destination, NULL, 0, NULL, sizeof block, block),
               SOFTCP_E_DEVICEREMOVED, "a decryption blit");
    is_filled(destination->memory, FILL, destination->size, "writes nothing");
    ok(source->maps == 0 && destination->maps == 0, "and maps nothing");
    is_hresult(softcp_session_start_key_refresh(core.device, session.id, sizeof block, block), SOFTCP_E_DEVICEREMOVED,
               "a refresh");
    is_filled(block, FILL, sizeof block, "writes no number");
    struct softcp_content_protection_caps caps, zero = {0};
    memset(&caps, FILL, sizeof caps);
    is_hresult(softcp_caps(core.device, &aes_128_ctr, NULL, &caps), SOFTCP_E_DEVICEREMOVED, "capabilities");
    is_bytes(&caps, &zero, sizeof caps, "are zero");
    struct softcp_session_desc desc = core_session_desc();
    softcp_session made = 7;
    is_hresult(softcp_session_create(core.device, &desc, &made), SOFTCP_E_DEVICEREMOVED, "a new session");
    is_number(made, 0, "is zero");
    is_hresult(core_session_negotiate(&session), SOFTCP_E_DEVICEREMOVED, "a key exchange");
    uint32_t size = 7;
    is_hresult(softcp_session_certificate_size(core.device, &aes_128_ctr, &size), SOFTCP_E_DEVICEREMOVED, "a certificate");
    is_number(size, 0, "has size zero");
    is_hresult(softcp_protected_memory_reserve(core.device, 1), SOFTCP_E_DEVICEREMOVED, "more protected memory");

    uint32_t enforced = 7;
    is_hresult(softcp_protection_enforced(core.device, &enforced), SOFTCP_S_OK, "whether protection is enforced (D36)");
    is_number(enforced, 0, "is answered");
    is_hresult(softcp_protected_memory_release(core.device, 5), SOFTCP_S_OK, "what was reserved is given back");
    is_hresult(softcp_decoder_unregister(core.device, decoder), SOFTCP_S_OK, "the decoder is destroyed");
    is_hresult(softcp_channel_destroy(core.device, channel), SOFTCP_S_OK, "the channel is destroyed");
    is_hresult(softcp_session_destroy(core.device, session.id), SOFTCP_S_OK, "the session is destroyed");
    resource_free(source);
    resource_free(destination);

    softcp_device *lost = core.device;
    is_hresult(softcp_device_create(core.adapter, &core.host.callbacks, &core.device), SOFTCP_S_OK, "a new device");
    is_hresult(softcp_device_destroy(lost), SOFTCP_S_OK, "takes the place of the lost one");
    session = core_session_keyed(&core);
    core_session_decrypts(&session, "the new device");
    test_reports(&core);
    core_end(&core);
}
