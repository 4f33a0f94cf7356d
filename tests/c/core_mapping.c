/* Hosts whose callbacks fail, lie or call back: a blit is refused, or goes on, and every map has its one unmap. */
#include "core_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILL 0xA5

static const uint8_t some_iv[IV_SIZE] = {0, 0, 0, 0, 0, 0, 0, 1};

static softcp_hresult blt(struct core_session *session, struct resource *source, struct resource *destination)
{
    return softcp_session_decryption_blt(session->core->device, session->id, source, destination, NULL, 0, NULL,
                                         sizeof some_iv, some_iv);
}

/* A source and a destination of two planes, the latter filled with FILL. */
static void make_pair(struct resource **source, struct resource **destination)
{
    *source = resource_nv12(32, 8, 40);
    *destination = resource_nv12(32, 8, 48);
    resource_fill(*destination, FILL);
}

/* A blit that must be refused, with as many maps as unmaps, nothing written. */
static void refuses(struct core_session *session, struct resource *source, struct resource *destination,
                    softcp_hresult hresult, const char *name)
{
    is_hresult(blt(session, source, destination), hresult, "%s", name);
    host_is_balanced(&session->core->host, name);
    is_filled(destination->memory, FILL, destination->size, "%s: nothing is written", name);
}

static void test_failing_callbacks(struct core_session *session)
{
    struct resource *source, *destination;
    make_pair(&source, &destination);
    /* The smaller cookie is mapped first, whichever is the source (D43). */
    const unsigned source_first = (uintptr_t)source < (uintptr_t)destination;
    source->map_result = (softcp_hresult)0x80041234;
    refuses(session, source, destination, (softcp_hresult)0x80041234, "the source cannot be mapped");
    is_number(destination->maps, !source_first, "the destination is mapped only if it comes first");
    source->map_result = 0;
    destination->map_result = (softcp_hresult)0x8004FFFF;
    refuses(session, source, destination, (softcp_hresult)0x8004FFFF, "the destination cannot be mapped");
    ok(source->maps == source_first && source->unmaps == source_first, "the source was mapped if it comes first");
    refuses(session, destination, destination, (softcp_hresult)0x8004FFFF, "a resource in place cannot be mapped");
    unsigned maps = source->maps;
    refuses(session, NULL, destination, SOFTCP_E_INVALIDARG, "a null source");
    is_hresult(blt(session, source, NULL), SOFTCP_E_INVALIDARG, "a null destination");
    ok(source->maps == maps && session->core->host.refused_maps == 3, "the host never sees null");
    destination->map_result = 1;
    is_hresult(blt(session, source, destination), SOFTCP_S_OK, "a positive HRESULT of map is success");
    host_is_balanced(&session->core->host, "positive HRESULT");
    resource_free(source);
    resource_free(destination);
}

/* Changes a mapping for the worse. */
struct lie {
    const char *name;
    void (*tell)(struct softcp_mapping *mapping);
};

static void no_data(struct softcp_mapping *mapping)
{
    mapping->data = NULL;
}

static void no_data_in_second_plane(struct softcp_mapping *mapping)
{
    mapping->extra_planes[0].data = NULL;
}

static void three_extra_planes(struct softcp_mapping *mapping)
{
    mapping->extra_plane_count = 3;
}

static void countless_extra_planes(struct softcp_mapping *mapping)
{
    mapping->extra_plane_count = UINT32_MAX;
}

static void pitch_below_row(struct softcp_mapping *mapping)
{
    mapping->row_pitch = mapping->row_bytes - 1;
}

static void no_pitch(struct softcp_mapping *mapping)
{
    mapping->row_pitch = 0;
}

static void endless_rows(struct softcp_mapping *mapping)
{
    mapping->rows = SIZE_MAX;
}

static void endless_row(struct softcp_mapping *mapping)
{
    mapping->row_bytes = SIZE_MAX;
}

static void endless_pitch(struct softcp_mapping *mapping)
{
    mapping->row_pitch = SIZE_MAX;
}

static void past_the_address_space(struct softcp_mapping *mapping)
{
    mapping->data = (void *)(uintptr_t)(UINTPTR_MAX - 10);
}

static void half_the_address_space(struct softcp_mapping *mapping)
{
    mapping->row_bytes = SIZE_MAX / 2 + 1;
    mapping->rows = 1;
}

static void fewer_rows(struct softcp_mapping *mapping)
{
    mapping->rows--;
}

static void fewer_bytes(struct softcp_mapping *mapping)
{
    mapping->extra_planes[0].row_bytes--;
}

static void one_plane(struct softcp_mapping *mapping)
{
    mapping->extra_plane_count = 0;
}

static void other_format(struct softcp_mapping *mapping)
{
    mapping->format++;
}

static const struct lie lies[] = {
    {"null data", no_data},
    {"null data in the second plane", no_data_in_second_plane},
    {"three extra planes", three_extra_planes},
    {"countless extra planes", countless_extra_planes},
    {"pitch below the row", pitch_below_row},
    {"no pitch", no_pitch},
    {"endless rows", endless_rows},
    {"endless row", endless_row},
    {"endless pitch", endless_pitch},
    {"data past the end of the address space", past_the_address_space},
    {"a row of half the address space", half_the_address_space},
    {"fewer rows than the other side", fewer_rows},
    {"fewer bytes than the other side", fewer_bytes},
    {"fewer planes than the other side", one_plane},
    {"another format than the other side", other_format},
};

static void test_lies(struct core_session *session)
{
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct resource *source, *destination;
        make_pair(&source, &destination);
        const struct softcp_mapping right = source->mapping;
        char name[96];
        lies[i].tell(&source->mapping);
        snprintf(name, sizeof name, "source with %s", lies[i].name);
        refuses(session, source, destination, SOFTCP_E_INVALIDARG, name);
        is_number(source->maps, 1, "%s: the source was mapped", name);
        source->mapping = right;
        const struct softcp_mapping destination_right = destination->mapping;
        lies[i].tell(&destination->mapping);
        snprintf(name, sizeof name, "destination with %s", lies[i].name);
        refuses(session, source, destination, SOFTCP_E_INVALIDARG, name);
        destination->mapping = destination_right;
        is_hresult(blt(session, source, destination), SOFTCP_S_OK, "without the lie it is fine");
        resource_free(source);
        resource_free(destination);
    }
}

static void test_overlaps(struct core_session *session)
{
    struct resource *source, *destination;
    make_pair(&source, &destination);
    struct softcp_mapping right = source->mapping;
    source->mapping = destination->mapping;
    refuses(session, source, destination, SOFTCP_E_INVALIDARG, "the same memory under two cookies");
    source->mapping = right;
    source->mapping.extra_planes[0].data = (uint8_t *)destination->memory + 7 * 48 + 31;
    source->mapping.extra_planes[0].row_pitch = 48;
    source->mapping.extra_planes[0].rows = 1;
    destination->mapping.extra_planes[0].rows = 1;
    refuses(session, source, destination, SOFTCP_E_INVALIDARG, "one byte of a plane in common");
    source->mapping = right;
    destination->mapping.extra_planes[0] = (softcp_plane){destination->mapping.data, 48, 32, 4};
    refuses(session, source, destination, SOFTCP_E_INVALIDARG, "two planes of the destination in the same memory");
    is_hresult(blt(session, destination, destination), SOFTCP_E_INVALIDARG, "and in place");
    host_is_balanced(&session->core->host, "two planes in place");
    is_filled(destination->memory, FILL, destination->size, "nothing is written");
    resource_free(source);
    resource_free(destination);

    /* The host says that two cookies are one resource: it is mapped once, to be read and written. */
    make_pair(&source, &destination);
    struct resource other_cookie = *destination;
    other_cookie.same_as = destination;
    unsigned maps = session->core->host.maps;
    is_hresult(blt(session, &other_cookie, destination), SOFTCP_S_OK, "two cookies of one resource (same_resource)");
    is_number(session->core->host.maps, maps + 1, "are mapped once");
    is_number(destination->access | other_cookie.access, SOFTCP_ACCESS_READ_WRITE, "to be read and written");
    host_is_balanced(&session->core->host, "two cookies");
    resource_free(source);
    resource_free(destination);
}

static void test_order(struct core_session *session)
{
    struct resource *one = resource_buffer(32), *other = resource_buffer(32);
    struct resource *low = (uintptr_t)one < (uintptr_t)other ? one : other, *high = low == one ? other : one;
    for (int forth = 0; forth < 2; forth++) {
        is_hresult(blt(session, forth ? low : high, forth ? high : low), SOFTCP_S_OK, "a blit %s",
                   forth ? "to the greater cookie" : "to the smaller cookie");
        ok(low->mapped_at < high->mapped_at, "the smaller cookie is mapped first (D43)");
        ok(high->unmapped_at < low->unmapped_at, "and unmapped last");
    }
    resource_free(one);
    resource_free(other);
}

static void test_small_surfaces(struct core_session *session)
{
    struct resource *source = resource_buffer(16), *destination = resource_buffer(16);
    source->mapping = destination->mapping = (struct softcp_mapping){0};
    is_hresult(blt(session, source, destination), SOFTCP_S_OK, "surfaces without rows, and without data");
    source->mapping.rows = destination->mapping.rows = 5;
    is_hresult(blt(session, source, destination), SOFTCP_S_OK, "surfaces with empty rows");
    host_is_balanced(&session->core->host, "empty surfaces");
    resource_free(source);
    resource_free(destination);
    source = resource_buffer(16), destination = resource_buffer(16);
    source->mapping.row_pitch = 3;
    destination->mapping.row_pitch = SIZE_MAX;
    ok(core_decrypts(session, source, destination, NULL, NULL), "the pitch of a single row has no meaning");
    resource_free(source);
    resource_free(destination);
}

/* What a callback does with the session it is called for. */
struct reentry {
    struct core_session *session;
    struct resource *source, *destination;
    unsigned depth;
    softcp_hresult status_result, blt_result;
};

static void call_again(void *argument)
{
    struct reentry *reentry = argument;
    if (reentry->depth++ > 0) {
        return;
    }
    uint32_t status;
    const softcp_device *device = reentry->session->core->device;
    reentry->status_result = softcp_session_status(device, reentry->session->id, &status);
    reentry->blt_result = blt(reentry->session, reentry->source, reentry->destination);
}

static void destroy_session(void *argument)
{
    struct reentry *reentry = argument;
    if (reentry->depth++ == 0) {
        reentry->status_result = softcp_session_destroy(reentry->session->core->device, reentry->session->id);
    }
}

static void test_callbacks_that_call(struct core *core)
{
    struct core_session session = core_session_keyed(core);
    struct resource *source, *destination, *inner_source, *inner_destination;
    make_pair(&source, &destination);
    make_pair(&inner_source, &inner_destination);
    struct reentry reentry = {&session, inner_source, inner_destination, 0, -1, -1};
    core->host.argument = &reentry;
    core->host.during_map = call_again;
    ok(core_decrypts(&session, source, destination, NULL, NULL), "a blit whose map makes calls on the same session");
    is_hresult(reentry.status_result, SOFTCP_S_OK, "a status inside map");
    is_hresult(reentry.blt_result, SOFTCP_S_OK, "a blit inside map");
    host_is_balanced(&core->host, "calls inside map");

    reentry.depth = 0;
    core->host.during_map = destroy_session;
    ok(core_decrypts(&session, source, destination, NULL, NULL), "a blit whose map destroys the session ends well");
    is_hresult(reentry.status_result, SOFTCP_S_OK, "destroy inside map");
    core->host.during_map = NULL;
    is_hresult(blt(&session, source, destination), SOFTCP_E_INVALIDARG, "and then it is gone");
    host_is_balanced(&core->host, "destroy inside map");
    resource_free(source);
    resource_free(destination);
    resource_free(inner_source);
    resource_free(inner_destination);
}

void test_mappings(const char *identity)
{
    struct core core;
    core_begin(&core, identity, NULL);
    struct core_session session = core_session_keyed(&core);
    test_failing_callbacks(&session);
    test_lies(&session);
    test_overlaps(&session);
    test_order(&session);
    test_small_surfaces(&session);
    core_session_decrypts(&session, "after all that the session is as it was");
    test_callbacks_that_call(&core);
    core_end(&core);
}
