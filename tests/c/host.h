/* A host for the core functions: resources are memory of this program, every map and unmap is counted, and each
   callback can be made to fail. */
#ifndef HOST_H
#define HOST_H

#include <pthread.h>

#include "softcp.h"

#include "client.h"
#include "tap.h"

/* A resource; its address is the cookie. Its memory is exactly as large as the mapping says, so that a memory checker
   sees a byte too many. */
struct resource {
    uint8_t *memory;
    size_t size;                   /* bytes of memory, padding between rows included */
    size_t visible;                /* bytes that are no padding */
    struct softcp_mapping mapping; /* what `map` describes; a test may change it */
    softcp_hresult map_result;     /* what `map` returns */
    struct resource *same_as;      /* another cookie of the same resource, or null */
    unsigned maps, unmaps;         /* calls that succeeded */
    uint32_t access;               /* that the last `map` asked for */
    uint64_t mapped_at, unmapped_at; /* the host's clock at the last map and unmap */
};

#define HOST_LIST_ROOM 100

/* The context of the callbacks. */
struct host {
    struct softcp_host callbacks;
    pthread_mutex_t lock;
    uint64_t clock;                /* one tick for each map and unmap */
    unsigned maps, unmaps, refused_maps, wrong_unmaps;
    unsigned reports;
    softcp_hresult reported;       /* of the last one, as the function */
    char function[64];
    unsigned unwraps;
    softcp_hresult unwrap_result;  /* what `unwrap_key` returns */
    uint8_t sealing_key[KEY_SIZE]; /* a sealed key blob is HOST_BLOB_SIZE bytes, see `host_seal` */
    void (*during_map)(void *argument); /* called by `map`, if not null, before it returns */
    void *argument;
    uint64_t outputs[HOST_LIST_ROOM];              /* what `host_outputs` writes, as far as it may */
    uint32_t output_count;                         /* and returns */
    struct softcp_process processes[HOST_LIST_ROOM]; /* as for `host_processes` */
    uint32_t process_count;
    unsigned list_calls;                           /* calls of either */
    void (*during_list)(void *argument);           /* called by either, if not null, before it returns */
};

#define HOST_BLOB_SIZE 48

/* Callbacks that a host does not have at first: a test puts them into `callbacks` before it makes a device. */
uint32_t SOFTCP_CALL host_outputs(void *context, uint64_t *identifiers, uint32_t capacity);
uint32_t SOFTCP_CALL host_processes(void *context, struct softcp_process *processes, uint32_t capacity);

/* A host with all callbacks but those for lists. */
void host_begin(struct host *host);
void host_end(struct host *host);

/* Checks that every successful map had one unmap, and nothing else was unmapped. */
void host_is_balanced(struct host *host, const char *name);

/* Seals a content key so that `unwrap_key` opens it. */
void host_seal(const struct host *host, const uint8_t key[KEY_SIZE], uint8_t blob[HOST_BLOB_SIZE]);

/* Makes resources; sizes in bytes. */
struct resource *resource_buffer(size_t bytes);
struct resource *resource_rows(size_t row_bytes, size_t rows, size_t pitch);
struct resource *resource_nv12(size_t width, size_t height, size_t pitch);
void resource_free(struct resource *resource);

/* The planes in memory order; returns how many. */
unsigned resource_planes(const struct resource *resource, struct softcp_plane planes[3]);

/* Gives every byte a value, padding included. */
void resource_fill(struct resource *resource, uint8_t value);

/* Copies the visible bytes, row after row and plane after plane (D9). */
void resource_write(struct resource *resource, const uint8_t *visible);
void resource_read(const struct resource *resource, uint8_t *visible);

#endif
