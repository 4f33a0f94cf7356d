/* The smallest host driver: a Direct3D 11.1 user-mode driver whose content protection is SoftCP's.

   Everything down to "The runtime's side" is what a driver author copies. It is all there is to do:
     1. lend the memory of resources through two callbacks (map, unmap), and pass errors on through a third;
     2. make one adapter for the driver, one device for each of the driver's devices, and attach it to the hDevice;
     3. fill the video function tables.
   The entries of the tables do the rest: capabilities, certificate, key exchange, key refresh, blits.

   With the WDK, include d3d10umddi.h first and define SOFTCP_HAVE_WDK. */
#include <softcp_ddi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What this driver has anyway: a resource, and a device. */

struct driver_resource {
    unsigned char *memory;
    size_t row_pitch, row_bytes, rows;
    int is_protected;
};

struct driver_device {
    softcp_device *protection; /* the one member that is new */
};

/* 1. Callbacks. `resource` is the pDrvPrivate of the HRESOURCE that the runtime passed to the blit. They may come from
      any thread that calls an entry; no lock of the library is held meanwhile. A driver that locks resources here locks
      them in the order of their cookies, as they come (softcp.h, at `map`). */

static softcp_hresult SOFTCP_CALL map_resource(void *context, void *resource, uint32_t access, softcp_mapping *mapping)
{
    struct driver_resource *mapped = resource;
    (void)context;
    (void)access; /* a driver that maps device memory tells its hardware whether it will be read or written */
    mapping->data = mapped->memory;
    mapping->row_pitch = mapped->row_pitch;
    mapping->row_bytes = mapped->row_bytes; /* without padding; a buffer is one row */
    mapping->rows = mapped->rows;
    mapping->flags = mapped->is_protected ? SOFTCP_MAPPING_PROTECTED : 0;
    return SOFTCP_S_OK; /* a failure would be passed on to the runtime */
}

static void SOFTCP_CALL unmap_resource(void *context, void *resource)
{
    (void)context;
    (void)resource; /* comes exactly once for each map that succeeded */
}

/* Entries that return nothing fail through here, once for each failed call. A code that the runtime allows has a flag, and
   goes to pfnSetErrorCb of its core layer; at any other the runtime would lose the device, so it is logged (D42). */
static void SOFTCP_CALL report_failure(void *context, const softcp_error_report *failure)
{
    (void)context;
    if (failure->flags & SOFTCP_REPORT_FORWARD)
        printf("pfnSetErrorCb(hRTCoreLayer, 0x%08x)\n", (unsigned)failure->hresult);
    else
        printf("%s: 0x%08x, %s\n", failure->function, (unsigned)failure->hresult, failure->text);
}

/* 2. OpenAdapter, CreateDevice, DestroyDevice. */

static softcp_adapter *open_adapter(void)
{
    /* Options are "key=value;key=value", documented at softcp_adapter_desc. Without any: an identity made in memory. */
    const softcp_adapter_desc desc = {.size = sizeof desc, .options = "capabilities.profile=software"};
    softcp_adapter *adapter;
    return softcp_adapter_create(&desc, &adapter) == SOFTCP_S_OK ? adapter : NULL;
}

static HRESULT create_device(const softcp_adapter *adapter, struct driver_device *device, D3D10DDI_HDEVICE h_device)
{
    const softcp_host host = {
        .size = sizeof host, /* members that are left out are null: they are optional */
        .context = device,
        .map = map_resource,
        .unmap = unmap_resource,
        .report_error2 = report_failure,
    };
    HRESULT hresult = softcp_device_create(adapter, &host, &device->protection);
    if (hresult == S_OK) {
        hresult = softcp_ddi_attach(device->protection, h_device);
    }
    if (hresult != S_OK) {
        softcp_device_destroy(device->protection); /* null when there is none, which does nothing */
    }
    return hresult;
}

static void destroy_device(struct driver_device *device)
{
    softcp_device_destroy(device->protection); /* with its sessions; detaches it, too */
}

/* 3. RetrieveSubObject. The driver fills its own entries, then the library's are written over them. */

static HRESULT retrieve_sub_object(UINT sub_device_id, size_t table_size, void *table)
{
    return softcp_ddi_fill(sub_device_id, table_size, table);
}

/* The runtime's side: enough of it to see the driver work. */

int main(void)
{
    softcp_adapter *adapter = open_adapter();
    struct driver_device device;
    const D3D10DDI_HDEVICE h_device = {&device}; /* the driver's private memory; SoftCP never looks into it */
    D3DWDDM2_0DDI_VIDEODEVICEFUNCS table;
    memset(&table, 0, sizeof table);
    if (adapter == NULL || create_device(adapter, &device, h_device) != S_OK ||
        retrieve_sub_object(D3DWDDM2_0DDI_VIDEO_FUNCTIONS, sizeof table, &table) != S_OK) {
        fprintf(stderr, "no device; SOFTCP_LOG=warn says why\n");
        return 1;
    }

    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps;
    HRESULT hresult = table.pfnGetContentProtectionCaps(h_device, &D3D11_CRYPTO_TYPE_AES128_CTR, NULL, &caps);
    printf("GetContentProtectionCaps: 0x%08x, capabilities 0x%x\n", (unsigned)hresult, caps.Caps);

    D3D11_1DDI_CERTIFICATE_INFO info = {.CertificateType = D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION};
    info.u.CryptoSessionType = D3D11_CRYPTO_TYPE_AES128_CTR;
    UINT certificate_size = 0;
    table.pfnGetCertificateSize(h_device, &info, &certificate_size);
    printf("GetCertificateSize: %s\n", certificate_size != 0 ? "there is a certificate" : "none");

    /* A session lives in memory that the runtime owns. */
    const D3D11_1DDIARG_CREATECRYPTOSESSION arguments = {
        .CryptoType = D3D11_CRYPTO_TYPE_AES128_CTR,
        .KeyExchangeType = D3D11_KEY_EXCHANGE_RSAES_OAEP,
    };
    const D3D11_1DDI_HCRYPTOSESSION session = {
        calloc(1, table.pfnCalcPrivateCryptoSessionSize(h_device, &arguments)),
    };
    const D3D11_1DDI_HRTCRYPTOSESSION runtime_session = {NULL};
    hresult = table.pfnCreateCryptoSession(h_device, &arguments, session, runtime_session);
    printf("CreateCryptoSession: 0x%08x\n", (unsigned)hresult);

    /* Now an application would check the certificate and exchange a key, as tests/c/ddi_client.c does with OpenSSL. It
       does not, so that the blit is refused: D3DERR_INVALIDCALL, through the error callback. */
    unsigned char memory[2][64] = {{0}};
    struct driver_resource source = {memory[0], 64, 64, 1, 0}, destination = {memory[1], 64, 64, 1, 1};
    const D3D10DDI_HRESOURCE from = {&source}, to = {&destination};
    const D3D11_AES_CTR_IV iv = {0, 0};
    table.pfnDecryptionBlt(h_device, session, from, to, NULL, 0, NULL, sizeof iv, &iv);

    /* The driver learns that its device is lost: every entry says so from now on, and the runtime may hear of it (D41). */
    softcp_device_removed(device.protection);
    table.pfnDecryptionBlt(h_device, session, from, to, NULL, 0, NULL, sizeof iv, &iv);

    table.pfnDestroyCryptoSession(h_device, session);
    free(session.pDrvPrivate);
    destroy_device(&device);
    softcp_adapter_destroy(adapter);
    return hresult == S_OK && certificate_size != 0 ? 0 : 1;
}
