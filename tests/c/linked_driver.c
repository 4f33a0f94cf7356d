/* A driver whose content protection is SoftCP's, linked in from the static library, as a library for the conformance kit. It
   exports softcp_open_driver; softcp_open_reference_driver in it is the library's own, and the kit must not take that.

   Resources are the template's, each with a lock that blits wait for, as drivers have them that block. The kit's cases about
   threads see whether that can deadlock (D43). */
#include <softcp_ddi.h>

#include <pthread.h>

#define softcp_open_driver template_open
#include "../../examples/c/conformance/template.c"
#undef softcp_open_driver

struct linked_driver {
    softcp_adapter *adapter;
    void *error_context;
    softcp_report_error report_error;
};

struct linked_resource {
    struct linked_resource *next;
    D3D10DDI_HRESOURCE memory; /* the template's resource */
    size_t bytes;              /* padding included */
    uint32_t flags;            /* SOFTCP_RESOURCE_ */
    int is_mapped;             /* by the caller */
    int is_locked;             /* by a blit */
};

struct linked_device {
    struct linked_driver *driver;
    softcp_device *protection;
    pthread_mutex_t mutex; /* of all below; never held over a call of the library */
    pthread_cond_t unlocked;
    struct linked_resource *resources;
};

/* The resource of a cookie; null when it is not of this device. The mutex is held. */
static struct linked_resource *find(struct linked_device *device, const void *cookie)
{
    struct linked_resource *resource = device->resources;
    while (resource != NULL && resource != cookie)
        resource = resource->next;
    return resource;
}

static softcp_mapping *mapping_of(const struct linked_resource *resource)
{
    return &((struct resource *)resource->memory.pDrvPrivate)->mapping;
}

/* What SoftCP calls ------------------------------------------------------------------------------------------------- */

static softcp_hresult SOFTCP_CALL lock_resource(void *context, void *cookie, uint32_t access, softcp_mapping *mapping)
{
    struct linked_device *device = context;
    (void)access; /* a plain lock: readers wait for each other, too */
    pthread_mutex_lock(&device->mutex);
    struct linked_resource *resource = find(device, cookie);
    while (resource != NULL && !resource->is_mapped && resource->is_locked)
        pthread_cond_wait(&device->unlocked, &device->mutex);
    const int is_free = resource != NULL && !resource->is_mapped;
    if (is_free) {
        resource->is_locked = 1;
        *mapping = *mapping_of(resource);
    }
    pthread_mutex_unlock(&device->mutex);
    return is_free ? SOFTCP_S_OK : SOFTCP_E_INVALIDARG;
}

static void SOFTCP_CALL unlock_resource(void *context, void *cookie)
{
    struct linked_device *device = context;
    pthread_mutex_lock(&device->mutex);
    find(device, cookie)->is_locked = 0;
    pthread_cond_broadcast(&device->unlocked);
    pthread_mutex_unlock(&device->mutex);
}

/* For the kit every failure; a driver under a runtime hands on to pfnSetErrorCb what has SOFTCP_REPORT_FORWARD. */
static void SOFTCP_CALL report_failure(void *context, const softcp_error_report *failure)
{
    const struct linked_driver *driver = ((struct linked_device *)context)->driver;
    if (driver->report_error != NULL)
        driver->report_error(driver->error_context, failure->function, failure->hresult, failure->text);
}

static void SOFTCP_CALL content_lost(void *context, size_t session, uint32_t status)
{
    struct linked_device *device = context;
    (void)session;
    if (status != SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST)
        return;
    pthread_mutex_lock(&device->mutex);
    for (struct linked_resource *lost = device->resources; lost != NULL; lost = lost->next)
        if (lost->flags & SOFTCP_RESOURCE_PROTECTED)
            memset(mapping_of(lost)->data, 0, lost->bytes);
    pthread_mutex_unlock(&device->mutex);
}

/* What the kit calls ------------------------------------------------------------------------------------------------ */

static HRESULT SOFTCP_CALL linked_create_device(void *context, D3D10DDI_HDEVICE *device)
{
    struct linked_driver *driver = context;
    struct linked_device *created = calloc(1, sizeof *created);
    device->pDrvPrivate = NULL;
    if (created == NULL)
        return E_OUTOFMEMORY;
    created->driver = driver;
    pthread_mutex_init(&created->mutex, NULL);
    pthread_cond_init(&created->unlocked, NULL);
    const softcp_host host = {
        .size = sizeof host,
        .context = created,
        .map = lock_resource,
        .unmap = unlock_resource,
        .teardown = content_lost,
        .report_error2 = report_failure,
    };
    const D3D10DDI_HDEVICE handle = {created};
    HRESULT hresult = softcp_device_create(driver->adapter, &host, &created->protection);
    if (hresult == S_OK)
        hresult = softcp_ddi_attach(created->protection, handle);
    if (hresult != S_OK) {
        softcp_device_destroy(created->protection);
        free(created);
        return hresult;
    }
    *device = handle;
    return S_OK;
}

static void give_back(const struct linked_device *device, const struct linked_resource *resource)
{
    if ((resource->flags & SOFTCP_RESOURCE_PROTECTED) == 0)
        return;
    softcp_protected_memory_release(device->protection, resource->bytes);
    if ((resource->flags & (SOFTCP_RESOURCE_SHARED | SOFTCP_RESOURCE_RESTRICTED)) == SOFTCP_RESOURCE_SHARED)
        softcp_unrestricted_share_remove(device->protection);
}

static void SOFTCP_CALL linked_destroy_device(void *context, D3D10DDI_HDEVICE handle)
{
    struct linked_device *device = handle.pDrvPrivate;
    if (device == NULL)
        return;
    while (device->resources != NULL) {
        struct linked_resource *resource = device->resources;
        device->resources = resource->next;
        give_back(device, resource);
        destroy_resource(context, handle, resource->memory);
        free(resource);
    }
    softcp_device_destroy(device->protection);
    pthread_cond_destroy(&device->unlocked);
    pthread_mutex_destroy(&device->mutex);
    free(device);
}

static HRESULT SOFTCP_CALL linked_retrieve_sub_object(
    void *context, D3D10DDI_HDEVICE device, uint32_t sub_device_id, size_t table_size, void *table)
{
    (void)context;
    (void)device;
    const HRESULT hresult = softcp_ddi_fill(sub_device_id, table_size, table);
    if (hresult == S_OK) /* an index that is the same in every table */
        ((D3D11_1DDI_VIDEODEVICEFUNCS *)table)->pfnVideoDecoderGetHandle = video_decoder_get_handle;
    return hresult;
}

static HRESULT SOFTCP_CALL linked_create_resource(
    void *context, D3D10DDI_HDEVICE handle, const softcp_resource_desc *desc, D3D10DDI_HRESOURCE *resource)
{
    struct linked_device *device = handle.pDrvPrivate;
    D3D10DDI_HRESOURCE memory;
    resource->pDrvPrivate = NULL;
    HRESULT hresult = create_resource(context, handle, desc, &memory);
    if (hresult != S_OK)
        return hresult;
    struct linked_resource *created = calloc(1, sizeof *created);
    if (created == NULL) {
        destroy_resource(context, handle, memory);
        return E_OUTOFMEMORY;
    }
    created->memory = memory;
    created->flags = desc->flags;
    const softcp_mapping *mapping = mapping_of(created);
    created->bytes = mapping->row_pitch * mapping->rows;
    for (uint32_t i = 0; i < mapping->extra_plane_count; i++)
        created->bytes += mapping->extra_planes[i].row_pitch * mapping->extra_planes[i].rows;
    if (desc->flags & SOFTCP_RESOURCE_PROTECTED)
        hresult = softcp_protected_memory_reserve(device->protection, created->bytes); /* D24 */
    if (hresult != S_OK) {
        destroy_resource(context, handle, memory);
        free(created);
        return hresult;
    }
    if ((desc->flags & (SOFTCP_RESOURCE_PROTECTED | SOFTCP_RESOURCE_SHARED | SOFTCP_RESOURCE_RESTRICTED)) ==
        (SOFTCP_RESOURCE_PROTECTED | SOFTCP_RESOURCE_SHARED))
        softcp_unrestricted_share_add(device->protection);
    pthread_mutex_lock(&device->mutex);
    created->next = device->resources;
    device->resources = created;
    pthread_mutex_unlock(&device->mutex);
    resource->pDrvPrivate = created;
    return S_OK;
}

static void SOFTCP_CALL linked_destroy_resource(void *context, D3D10DDI_HDEVICE handle, D3D10DDI_HRESOURCE resource)
{
    struct linked_device *device = handle.pDrvPrivate;
    pthread_mutex_lock(&device->mutex);
    struct linked_resource **link = &device->resources, *found;
    while (*link != NULL && *link != resource.pDrvPrivate)
        link = &(*link)->next;
    found = *link;
    if (found != NULL)
        *link = found->next;
    pthread_mutex_unlock(&device->mutex);
    if (found != NULL) {
        give_back(device, found);
        destroy_resource(context, handle, found->memory);
        free(found);
    }
}

static HRESULT SOFTCP_CALL linked_map_resource(
    void *context, D3D10DDI_HDEVICE handle, D3D10DDI_HRESOURCE resource, uint32_t access, softcp_mapping *mapping)
{
    struct linked_device *device = handle.pDrvPrivate;
    uint32_t enforced = 0;
    (void)context;
    (void)access;
    memset(mapping, 0, sizeof *mapping);
    if (softcp_protection_enforced(device->protection, &enforced) != S_OK)
        enforced = 1;
    pthread_mutex_lock(&device->mutex);
    struct linked_resource *mapped = find(device, resource.pDrvPrivate);
    HRESULT hresult = E_INVALIDARG;
    if (mapped != NULL && !mapped->is_mapped && !mapped->is_locked)
        hresult = enforced && (mapped->flags & SOFTCP_RESOURCE_PROTECTED) ? D3DERR_CANNOTPROTECTCONTENT : S_OK; /* D19 */
    if (hresult == S_OK) {
        mapped->is_mapped = 1;
        *mapping = *mapping_of(mapped);
    }
    pthread_mutex_unlock(&device->mutex);
    return hresult;
}

static void SOFTCP_CALL linked_unmap_resource(void *context, D3D10DDI_HDEVICE handle, D3D10DDI_HRESOURCE resource)
{
    struct linked_device *device = handle.pDrvPrivate;
    (void)context;
    pthread_mutex_lock(&device->mutex);
    struct linked_resource *mapped = find(device, resource.pDrvPrivate);
    if (mapped != NULL)
        mapped->is_mapped = 0;
    pthread_mutex_unlock(&device->mutex);
}

static void SOFTCP_CALL linked_close(void *context)
{
    struct linked_driver *driver = context;
    softcp_adapter_destroy(driver->adapter);
    free(driver);
}

HRESULT SOFTCP_CALL softcp_open_driver(const softcp_driver_desc *desc, softcp_driver *driver)
{
    const uint32_t size = driver->size < sizeof *driver ? driver->size : (uint32_t)sizeof *driver;
    if (desc->interface_version != SOFTCP_DRIVER_INTERFACE_VERSION || size < offsetof(softcp_driver, wrap_resource))
        return E_INVALIDARG;
    memset(driver, 0, size);
    driver->size = size;
    struct linked_driver *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return E_OUTOFMEMORY;
    opened->error_context = desc->error_context;
    opened->report_error = desc->report_error;
    const softcp_adapter_desc adapter = {.size = sizeof adapter, .options = desc->options};
    const HRESULT hresult = softcp_adapter_create(&adapter, &opened->adapter);
    if (hresult != S_OK) {
        if (desc->report_error != NULL)
            desc->report_error(desc->error_context, "softcp_open_driver", hresult, "SoftCP refuses the options");
        free(opened);
        return hresult;
    }
    driver->interface_version = SOFTCP_DRIVER_INTERFACE_VERSION;
    driver->name = "A driver that links SoftCP";
    driver->version = "1.0";
    driver->context = opened;
    driver->create_device = linked_create_device;
    driver->destroy_device = linked_destroy_device;
    driver->retrieve_sub_object = linked_retrieve_sub_object;
    driver->create_resource = linked_create_resource;
    driver->destroy_resource = linked_destroy_resource;
    driver->map_resource = linked_map_resource;
    driver->unmap_resource = linked_unmap_resource;
    driver->close = linked_close;
    return S_OK;
}
