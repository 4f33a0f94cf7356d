#include "ddi.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct sub_device sub_devices[SUB_DEVICES] = {
    {D3D11_1DDI_VIDEO_FUNCTIONS, "D3D11.1", sizeof(D3D11_1DDI_VIDEODEVICEFUNCS)},
    {D3DWDDM2_0DDI_VIDEO_FUNCTIONS, "WDDM 2.0", sizeof(D3DWDDM2_0DDI_VIDEODEVICEFUNCS)},
    {D3DWDDM2_1DDI_VIDEO_FUNCTIONS, "WDDM 2.1", sizeof(D3DWDDM2_1DDI_VIDEODEVICEFUNCS)},
    {D3DWDDM2_4DDI_VIDEO_FUNCTIONS, "WDDM 2.4", sizeof(D3DWDDM2_4DDI_VIDEODEVICEFUNCS)},
    {D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0, "WDDM 2.4 RS4", sizeof(D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0)},
};

static void SOFTCP_CALL remember(void *context, const char *function, HRESULT hresult, const char *text)
{
    struct reports *reports = context;
    reports->count++;
    reports->hresult = hresult;
    snprintf(reports->function, sizeof reports->function, "%s", function != NULL ? function : "");
    snprintf(reports->text, sizeof reports->text, "%s", text != NULL ? text : "");
}

struct softcp_driver_desc ddi_desc(struct ddi *ddi, const char *options)
{
    struct softcp_driver_desc desc = {
        .size = sizeof desc,
        .interface_version = SOFTCP_DRIVER_INTERFACE_VERSION,
        .options = options,
        .error_context = &ddi->reports,
        .report_error = remember,
    };
    return desc;
}

void ddi_open(struct ddi *ddi, softcp_open_driver_fn open, const char *options)
{
    memset(ddi, 0, sizeof *ddi);
    struct softcp_driver_desc desc = ddi_desc(ddi, options);
    ddi->driver.size = sizeof ddi->driver;
    HRESULT hresult = open(&desc, &ddi->driver);
    if (hresult != S_OK) {
        tap_bail_out("the driver cannot be opened with \"%s\": 0x%08x", options, (unsigned)hresult);
    }
}

void ddi_close(struct ddi *ddi)
{
    ddi->driver.close(ddi->driver.context);
    memset(&ddi->driver, 0, sizeof ddi->driver);
}

void ddi_forget(struct ddi *ddi)
{
    memset(&ddi->reports, 0, sizeof ddi->reports);
}

/* Formats a name that comes as printf arguments. */
#define NAME(name)                                        \
    char name[200];                                       \
    do {                                                  \
        va_list arguments;                                \
        va_start(arguments, format);                      \
        vsnprintf(name, sizeof name, format, arguments);  \
        va_end(arguments);                                \
    } while (0)

bool ddi_check_silent(struct ddi *ddi, const char *file, int line, const char *format, ...)
{
    NAME(name);
    const struct reports *reports = &ddi->reports;
    bool passed = tap_ok(reports->count == 0, file, line, "no report", "%s", name);
    if (!passed) {
        tap_note("  %u reports; %s: 0x%08x, %s", reports->count, reports->function, (unsigned)reports->hresult,
                 reports->text);
    }
    return passed;
}

bool ddi_check_report(struct ddi *ddi, const char *entry, HRESULT hresult, const char *file, int line,
                      const char *format, ...)
{
    NAME(name);
    const struct reports *reports = &ddi->reports;
    bool passed = reports->count == 1 && reports->hresult == hresult && strcmp(reports->function, entry) == 0 &&
                  reports->text[0] != '\0';
    tap_ok(passed, file, line, "one report with the entry's name, the HRESULT and a text", "%s", name);
    if (!passed) {
        tap_note("  %u reports; \"%s\": 0x%08x, \"%s\"", reports->count, reports->function, (unsigned)reports->hresult,
                 reports->text);
        tap_note("  expected \"%s\": 0x%08x", entry, (unsigned)hresult);
    }
    return passed;
}

/* Copies the entries of a table, whatever its type. */
#define TAKE_ENTRY(entries, table, name) (entries)->name = (table)->pfn##name
#define TAKE(entries, table)                                                              \
    do {                                                                                  \
        TAKE_ENTRY(entries, table, GetContentProtectionCaps);                             \
        TAKE_ENTRY(entries, table, GetCryptoKeyExchangeType);                             \
        TAKE_ENTRY(entries, table, CalcPrivateCryptoSessionSize);                         \
        TAKE_ENTRY(entries, table, CreateCryptoSession);                                  \
        TAKE_ENTRY(entries, table, DestroyCryptoSession);                                 \
        TAKE_ENTRY(entries, table, GetCertificateSize);                                   \
        TAKE_ENTRY(entries, table, GetCertificate);                                       \
        TAKE_ENTRY(entries, table, NegotiateCryptoSessionKeyExchange);                    \
        TAKE_ENTRY(entries, table, EncryptionBlt);                                        \
        TAKE_ENTRY(entries, table, DecryptionBlt);                                        \
        TAKE_ENTRY(entries, table, StartSessionKeyRefresh);                               \
        TAKE_ENTRY(entries, table, FinishSessionKeyRefresh);                              \
        TAKE_ENTRY(entries, table, GetEncryptionBltKey);                                  \
        TAKE_ENTRY(entries, table, CalcPrivateAuthenticatedChannelSize);                  \
        TAKE_ENTRY(entries, table, CreateAuthenticatedChannel);                           \
        TAKE_ENTRY(entries, table, DestroyAuthenticatedChannel);                          \
        TAKE_ENTRY(entries, table, NegotiateAuthenticatedChannelKeyExchange);             \
        TAKE_ENTRY(entries, table, QueryAuthenticatedChannel);                            \
        TAKE_ENTRY(entries, table, ConfigureAuthenticatedChannel);                        \
        TAKE_ENTRY(entries, table, CalcPrivateVideoDecoderSize);                          \
        TAKE_ENTRY(entries, table, CreateVideoDecoder);                                   \
        TAKE_ENTRY(entries, table, DestroyVideoDecoder);                                  \
        TAKE_ENTRY(entries, table, VideoDecoderGetHandle);                                \
        TAKE_ENTRY(entries, table, VideoDecoderEndFrame);                                 \
        TAKE_ENTRY(entries, table, VideoDecoderSubmitBuffers);                            \
        TAKE_ENTRY(entries, table, CalcPrivateVideoDecoderOutputViewSize);                \
        TAKE_ENTRY(entries, table, CreateVideoDecoderOutputView);                         \
        TAKE_ENTRY(entries, table, DestroyVideoDecoderOutputView);                        \
        TAKE_ENTRY(entries, table, CryptoSessionGetHandle);                               \
    } while (0)

#define TAKE_2_0(entries, table)                                                          \
    do {                                                                                  \
        TAKE_ENTRY(entries, table, CheckCryptoSessionStatus);                             \
        TAKE_ENTRY(entries, table, GetDataForNewHardwareKey);                             \
        TAKE_ENTRY(entries, table, GetCryptoSessionPrivateDataSize);                      \
    } while (0)

static void take_entries(struct entries *entries, UINT sub_device, const void *table)
{
    memset(entries, 0, sizeof *entries);
    switch (sub_device) {
    case D3D11_1DDI_VIDEO_FUNCTIONS: {
        const D3D11_1DDI_VIDEODEVICEFUNCS *functions = table;
        TAKE(entries, functions);
        TAKE_ENTRY(entries, functions, VideoDecoderBeginFrame);
        break;
    }
    case D3DWDDM2_0DDI_VIDEO_FUNCTIONS: {
        const D3DWDDM2_0DDI_VIDEODEVICEFUNCS *functions = table;
        TAKE(entries, functions);
        TAKE_ENTRY(entries, functions, VideoDecoderBeginFrame);
        TAKE_2_0(entries, functions);
        TAKE_ENTRY(entries, functions, VideoDecoderSubmitBuffers1);
        break;
    }
    case D3DWDDM2_1DDI_VIDEO_FUNCTIONS: {
        const D3DWDDM2_1DDI_VIDEODEVICEFUNCS *functions = table;
        TAKE(entries, functions);
        TAKE_ENTRY(entries, functions, VideoDecoderBeginFrame);
        TAKE_2_0(entries, functions);
        TAKE_ENTRY(entries, functions, VideoDecoderSubmitBuffers1);
        break;
    }
    case D3DWDDM2_4DDI_VIDEO_FUNCTIONS: {
        const D3DWDDM2_4DDI_VIDEODEVICEFUNCS *functions = table;
        TAKE(entries, functions);
        entries->VideoDecoderBeginFrame2_4 = functions->pfnVideoDecoderBeginFrame;
        TAKE_2_0(entries, functions);
        TAKE_ENTRY(entries, functions, VideoDecoderSubmitBuffers2);
        TAKE_ENTRY(entries, functions, NegotiateCryptoSessionKeyExchangeMT);
        break;
    }
    case D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0: {
        const D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0 *functions = table;
        TAKE(entries, functions);
        entries->VideoDecoderBeginFrameRs4 = functions->pfnVideoDecoderBeginFrame;
        TAKE_2_0(entries, functions);
        TAKE_ENTRY(entries, functions, VideoDecoderSubmitBuffers2);
        break;
    }
    default:
        tap_bail_out("sub-device %u has no table", sub_device);
    }
}

void device_create(struct device *device, struct ddi *ddi, const struct sub_device *sub_device)
{
    memset(device, 0, sizeof *device);
    device->ddi = ddi;
    const struct softcp_driver *driver = &ddi->driver;
    void *table = calloc(1, sub_device->table_size);
    if (table == NULL || driver->create_device(driver->context, &device->handle) != S_OK ||
        driver->retrieve_sub_object(driver->context, device->handle, sub_device->id, sub_device->table_size, table) !=
            S_OK) {
        tap_bail_out("no device with the table of %s", sub_device->name);
    }
    take_entries(&device->call, sub_device->id, table);
    free(table);
}

void device_destroy(struct device *device)
{
    device->ddi->driver.destroy_device(device->ddi->driver.context, device->handle);
}

struct softcp_resource_desc shape_rows(size_t row_bytes, size_t rows, size_t pitch)
{
    struct softcp_resource_desc shape = {.size = sizeof shape, .row_bytes = row_bytes, .rows = rows, .row_pitch = pitch};
    return shape;
}

struct softcp_resource_desc shape_buffer(size_t bytes)
{
    return shape_rows(bytes, 1, 0);
}

struct softcp_resource_desc shape_nv12(size_t width, size_t height, size_t pitch)
{
    struct softcp_resource_desc shape = shape_rows(width, height, pitch);
    shape.format = 103; /* DXGI_FORMAT_NV12 */
    shape.extra_plane_count = 1;
    shape.extra_planes[0] = (softcp_plane){.row_pitch = pitch, .row_bytes = width, .rows = height / 2};
    return shape;
}

struct softcp_resource_desc shape_i420(size_t width, size_t height, size_t pitch)
{
    struct softcp_resource_desc shape = shape_rows(width, height, pitch);
    shape.extra_plane_count = 2;
    shape.extra_planes[0] = (softcp_plane){.row_pitch = pitch, .row_bytes = width / 2, .rows = height / 2};
    shape.extra_planes[1] = shape.extra_planes[0];
    return shape;
}

struct softcp_resource_desc shape_with(struct softcp_resource_desc shape, uint32_t flags)
{
    shape.flags |= flags;
    return shape;
}

struct surface surface_create(struct device *device, struct softcp_resource_desc shape)
{
    struct surface surface = {.device = device, .visible = shape.row_bytes * shape.rows};
    for (uint32_t i = 0; i < shape.extra_plane_count; i++) {
        surface.visible += shape.extra_planes[i].row_bytes * shape.extra_planes[i].rows;
    }
    const struct softcp_driver *driver = &device->ddi->driver;
    HRESULT hresult = driver->create_resource(driver->context, device->handle, &shape, &surface.handle);
    if (hresult != S_OK) {
        tap_bail_out("no resource of %zu bytes: 0x%08x", surface.visible, (unsigned)hresult);
    }
    return surface;
}

void surface_destroy(struct surface *surface)
{
    const struct softcp_driver *driver = &surface->device->ddi->driver;
    driver->destroy_resource(driver->context, surface->device->handle, surface->handle);
    surface->handle.pDrvPrivate = NULL;
}

struct softcp_mapping surface_map(const struct surface *surface)
{
    const struct softcp_driver *driver = &surface->device->ddi->driver;
    struct softcp_mapping mapping;
    HRESULT hresult = driver->map_resource(driver->context, surface->device->handle, surface->handle,
                                           SOFTCP_ACCESS_READ_WRITE, &mapping);
    if (hresult != S_OK) {
        tap_bail_out("a resource cannot be mapped: 0x%08x", (unsigned)hresult);
    }
    return mapping;
}

void surface_unmap(const struct surface *surface)
{
    const struct softcp_driver *driver = &surface->device->ddi->driver;
    driver->unmap_resource(driver->context, surface->device->handle, surface->handle);
}

/* The planes of a mapping in memory order; returns how many. */
static unsigned planes_of(const struct softcp_mapping *mapping, struct softcp_plane planes[3])
{
    planes[0] = (struct softcp_plane){mapping->data, mapping->row_pitch, mapping->row_bytes, mapping->rows};
    for (uint32_t i = 0; i < mapping->extra_plane_count; i++) {
        planes[1 + i] = mapping->extra_planes[i];
    }
    return 1 + mapping->extra_plane_count;
}

void surface_fill(const struct surface *surface, uint8_t value)
{
    struct softcp_mapping mapping = surface_map(surface);
    struct softcp_plane planes[3];
    unsigned count = planes_of(&mapping, planes);
    for (unsigned i = 0; i < count; i++) {
        memset(planes[i].data, value, planes[i].row_pitch * planes[i].rows);
    }
    surface_unmap(surface);
}

/* Copies visible bytes out of a surface, or into it where `in` is not null. */
static void copy(const struct surface *surface, const uint8_t *in, uint8_t *out)
{
    struct softcp_mapping mapping = surface_map(surface);
    struct softcp_plane planes[3];
    unsigned count = planes_of(&mapping, planes);
    size_t at = 0;
    for (unsigned i = 0; i < count; i++) {
        for (size_t row = 0; row < planes[i].rows; row++) {
            uint8_t *bytes = (uint8_t *)planes[i].data + row * planes[i].row_pitch;
            if (in != NULL) {
                memcpy(bytes, &in[at], planes[i].row_bytes);
            } else {
                memcpy(&out[at], bytes, planes[i].row_bytes);
            }
            at += planes[i].row_bytes;
        }
    }
    surface_unmap(surface);
}

void surface_write(const struct surface *surface, const uint8_t *visible)
{
    copy(surface, visible, NULL);
}

void surface_read(const struct surface *surface, uint8_t *visible)
{
    copy(surface, NULL, visible);
}

bool surface_padding_is(const struct surface *surface, uint8_t value)
{
    struct softcp_mapping mapping = surface_map(surface);
    struct softcp_plane planes[3];
    unsigned count = planes_of(&mapping, planes);
    bool same = true;
    for (unsigned i = 0; i < count; i++) {
        for (size_t row = 0; row < planes[i].rows; row++) {
            const uint8_t *bytes = (const uint8_t *)planes[i].data + row * planes[i].row_pitch;
            for (size_t at = planes[i].row_bytes; at < planes[i].row_pitch; at++) {
                same = same && bytes[at] == value;
            }
        }
    }
    surface_unmap(surface);
    return same;
}

D3D11_1DDIARG_CREATECRYPTOSESSION session_arguments(void)
{
    D3D11_1DDIARG_CREATECRYPTOSESSION arguments = {
        .CryptoType = D3D11_CRYPTO_TYPE_AES128_CTR,
        .KeyExchangeType = D3D11_KEY_EXCHANGE_RSAES_OAEP,
    };
    return arguments;
}

struct session session_memory(struct device *device, EVP_PKEY *driver_key)
{
    struct session session = {.device = device, .driver_key = driver_key};
    D3D11_1DDIARG_CREATECRYPTOSESSION arguments = session_arguments();
    size_t size = device->call.CalcPrivateCryptoSessionSize(device->handle, &arguments);
    session.handle.pDrvPrivate = calloc(1, size);
    if (session.handle.pDrvPrivate == NULL) {
        tap_bail_out("no private memory of %zu bytes", size);
    }
    return session;
}

struct session session_create(struct device *device, EVP_PKEY *driver_key)
{
    struct session session = session_memory(device, driver_key);
    D3D11_1DDIARG_CREATECRYPTOSESSION arguments = session_arguments();
    D3D11_1DDI_HRTCRYPTOSESSION runtime_session = {&session};
    HRESULT hresult = device->call.CreateCryptoSession(device->handle, &arguments, session.handle, runtime_session);
    if (hresult != S_OK) {
        tap_bail_out("no session: 0x%08x", (unsigned)hresult);
    }
    return session;
}

struct session session_keyed(struct device *device, EVP_PKEY *driver_key)
{
    struct session session = session_create(device, driver_key);
    HRESULT hresult = session_negotiate(&session);
    if (hresult != S_OK) {
        tap_bail_out("no key exchange: 0x%08x", (unsigned)hresult);
    }
    return session;
}

HRESULT session_negotiate(struct session *session)
{
    uint8_t key[KEY_SIZE], message[RSA_SIZE];
    client_random(key, sizeof key);
    client_key_exchange(session->driver_key, key, sizeof key, message);
    struct device *device = session->device;
    HRESULT hresult =
        device->call.NegotiateCryptoSessionKeyExchange(device->handle, session->handle, sizeof message, message);
    if (hresult == S_OK) {
        memcpy(session->key, key, sizeof key);
    }
    return hresult;
}

void session_end(struct session *session)
{
    session->device->call.DestroyCryptoSession(session->device->handle, session->handle);
    free(session->handle.pDrvPrivate);
    session->handle.pDrvPrivate = NULL;
}

HANDLE session_handle(const struct session *session)
{
    HANDLE handle = NULL;
    struct device *device = session->device;
    if (device->call.CryptoSessionGetHandle(device->handle, session->handle, &handle) != S_OK || handle == NULL) {
        tap_bail_out("a session has no handle");
    }
    return handle;
}

struct decoder decoder_create(struct device *device)
{
    return decoder_create_of(device, (GUID){0});
}

struct decoder decoder_create_of(struct device *device, GUID encryption)
{
    struct decoder decoder = {.device = device};
    if (device->call.CreateVideoDecoder == NULL) {
        tap_bail_out("the driver makes no decoders");
    }
    const D3D11_1DDIARG_CREATEVIDEODECODER arguments = {
        .Desc = {.Guid = D3D11_DECODER_PROFILE_H264_VLD_NOFGT, .SampleWidth = 640, .SampleHeight = 480},
        .Config = {.guidConfigBitstreamEncryption = encryption, .ConfigBitstreamRaw = 1},
    };
    size_t size = device->call.CalcPrivateVideoDecoderSize(device->handle, &arguments);
    decoder.handle.pDrvPrivate = calloc(1, size != 0 ? size : 1);
    HRESULT hresult = device->call.CreateVideoDecoder(device->handle, &arguments, decoder.handle,
                                                      (D3D11_1DDI_HRTDECODE){&decoder});
    if (hresult != S_OK) {
        tap_bail_out("no decoder: 0x%08x", (unsigned)hresult);
    }
    return decoder;
}

void decoder_end(struct decoder *decoder)
{
    decoder->device->call.DestroyVideoDecoder(decoder->device->handle, decoder->handle);
    free(decoder->handle.pDrvPrivate);
    decoder->handle.pDrvPrivate = NULL;
}

HANDLE decoder_handle(const struct decoder *decoder)
{
    HANDLE handle = NULL;
    struct device *device = decoder->device;
    if (device->call.VideoDecoderGetHandle(device->handle, decoder->handle, &handle) != S_OK || handle == NULL) {
        tap_bail_out("a decoder has no handle");
    }
    return handle;
}
