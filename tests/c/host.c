#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static softcp_hresult SOFTCP_CALL map(void *context, void *cookie, uint32_t access, struct softcp_mapping *mapping)
{
    struct host *host = context;
    struct resource *resource = cookie;
    pthread_mutex_lock(&host->lock);
    if (resource == NULL || resource->map_result < 0) {
        host->refused_maps++;
        pthread_mutex_unlock(&host->lock);
        return resource == NULL ? SOFTCP_E_INVALIDARG : resource->map_result;
    }
    host->maps++;
    resource->maps++;
    resource->access = access;
    resource->mapped_at = ++host->clock;
    *mapping = resource->mapping;
    softcp_hresult result = resource->map_result;
    pthread_mutex_unlock(&host->lock);
    if (host->during_map != NULL) {
        host->during_map(host->argument);
    }
    return result;
}

static void SOFTCP_CALL unmap(void *context, void *cookie)
{
    struct host *host = context;
    struct resource *resource = cookie;
    pthread_mutex_lock(&host->lock);
    if (resource == NULL || resource->unmaps == resource->maps) {
        host->wrong_unmaps++;
    } else {
        host->unmaps++;
        resource->unmaps++;
        resource->unmapped_at = ++host->clock;
    }
    pthread_mutex_unlock(&host->lock);
}

static int32_t SOFTCP_CALL same_resource(void *context, void *a, void *b)
{
    (void)context;
    const struct resource *one = a, *other = b;
    return one->same_as == other || other->same_as == one;
}

static void SOFTCP_CALL report_error(void *context, const char *function, softcp_hresult hresult, const char *text)
{
    struct host *host = context;
    pthread_mutex_lock(&host->lock);
    host->reports += text != NULL && text[0] != '\0';
    host->reported = hresult;
    snprintf(host->function, sizeof host->function, "%s", function);
    pthread_mutex_unlock(&host->lock);
}

static softcp_hresult SOFTCP_CALL unwrap_key(void *context, const void *blob, uint32_t blob_size, uint8_t *key)
{
    struct host *host = context;
    const uint8_t *bytes = blob;
    host->unwraps++;
    if (host->unwrap_result < 0) {
        return host->unwrap_result;
    }
    if (blob_size != HOST_BLOB_SIZE) {
        return SOFTCP_E_INVALIDARG;
    }
    client_unwrap(host->sealing_key, &bytes[KEY_SIZE], key);
    return host->unwrap_result;
}

/* What both lists have in common: how many items to write. */
static uint32_t written(struct host *host, uint32_t count, uint32_t capacity)
{
    host->list_calls++;
    if (host->during_list != NULL) {
        host->during_list(host->argument);
    }
    count = count < capacity ? count : capacity;
    return count < HOST_LIST_ROOM ? count : HOST_LIST_ROOM;
}

uint32_t SOFTCP_CALL host_outputs(void *context, uint64_t *identifiers, uint32_t capacity)
{
    struct host *host = context;
    memcpy(identifiers, host->outputs, written(host, host->output_count, capacity) * sizeof *identifiers);
    return host->output_count;
}

uint32_t SOFTCP_CALL host_processes(void *context, struct softcp_process *processes, uint32_t capacity)
{
    struct host *host = context;
    memcpy(processes, host->processes, written(host, host->process_count, capacity) * sizeof *processes);
    return host->process_count;
}

void host_begin(struct host *host)
{
    memset(host, 0, sizeof *host);
    if (pthread_mutex_init(&host->lock, NULL) != 0) {
        tap_bail_out("no mutex");
    }
    client_random(host->sealing_key, sizeof host->sealing_key);
    host->callbacks = (struct softcp_host){
        .size = sizeof host->callbacks,
        .context = host,
        .map = map,
        .unmap = unmap,
        .same_resource = same_resource,
        .report_error = report_error,
        .unwrap_key = unwrap_key,
    };
}

void host_end(struct host *host)
{
    pthread_mutex_destroy(&host->lock);
}

void host_is_balanced(struct host *host, const char *name)
{
    ok(host->maps == host->unmaps && host->wrong_unmaps == 0, "%s: each map has one unmap", name);
}

void host_seal(const struct host *host, const uint8_t key[KEY_SIZE], uint8_t blob[HOST_BLOB_SIZE])
{
    memset(blob, 0xEE, HOST_BLOB_SIZE);
    client_wrap(host->sealing_key, key, &blob[KEY_SIZE]);
}

/* Lays the planes of a mapping out one after another. The last row of the last plane has no padding behind it. */
static struct resource *allocate(struct softcp_mapping mapping)
{
    struct resource *resource = calloc(1, sizeof *resource);
    if (resource == NULL) {
        tap_bail_out("no memory");
    }
    resource->mapping = mapping;
    struct softcp_plane planes[3];
    unsigned count = resource_planes(resource, planes);
    size_t offsets[3];
    for (unsigned i = 0; i < count; i++) {
        offsets[i] = resource->size;
        bool last = i + 1 == count;
        resource->size += (planes[i].rows - last) * planes[i].row_pitch + (last ? planes[i].row_bytes : 0);
        resource->visible += planes[i].rows * planes[i].row_bytes;
    }
    resource->memory = calloc(1, resource->size);
    if (resource->memory == NULL) {
        tap_bail_out("no memory");
    }
    resource->mapping.data = resource->memory;
    for (unsigned i = 1; i < count; i++) {
        resource->mapping.extra_planes[i - 1].data = resource->memory + offsets[i];
    }
    return resource;
}

struct resource *resource_buffer(size_t bytes)
{
    /* The pitch of a single row has no meaning. */
    return allocate((struct softcp_mapping){.row_bytes = bytes, .rows = 1});
}

struct resource *resource_rows(size_t row_bytes, size_t rows, size_t pitch)
{
    return allocate((struct softcp_mapping){.row_bytes = row_bytes, .rows = rows, .row_pitch = pitch});
}

struct resource *resource_nv12(size_t width, size_t height, size_t pitch)
{
    struct softcp_mapping mapping = {.row_bytes = width, .rows = height, .row_pitch = pitch};
    mapping.format = 103; /* DXGI_FORMAT_NV12 */
    mapping.extra_plane_count = 1;
    mapping.extra_planes[0] = (struct softcp_plane){.row_bytes = width, .rows = height / 2, .row_pitch = pitch};
    return allocate(mapping);
}

void resource_free(struct resource *resource)
{
    free(resource->memory);
    free(resource);
}

unsigned resource_planes(const struct resource *resource, struct softcp_plane planes[3])
{
    const struct softcp_mapping *mapping = &resource->mapping;
    planes[0] = (struct softcp_plane){mapping->data, mapping->row_pitch, mapping->row_bytes, mapping->rows};
    for (uint32_t i = 0; i < mapping->extra_plane_count && i < 2; i++) {
        planes[1 + i] = mapping->extra_planes[i];
    }
    return 1 + mapping->extra_plane_count;
}

void resource_fill(struct resource *resource, uint8_t value)
{
    memset(resource->memory, value, resource->size);
}

/* Copies visible bytes into a resource, or out of it where `in` is null. */
static void copy(const struct resource *resource, const uint8_t *in, uint8_t *out)
{
    struct softcp_plane planes[3];
    unsigned count = resource_planes(resource, planes);
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
}

void resource_write(struct resource *resource, const uint8_t *visible)
{
    copy(resource, visible, NULL);
}

void resource_read(const struct resource *resource, uint8_t *visible)
{
    copy(resource, NULL, visible);
}
