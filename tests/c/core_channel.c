/* Channels over the core functions: the stage on which the channel tests run, and what belongs to the functions
   alone. */
#include "channel_tests.h"
#include "core_hardware.h"

#include <stdlib.h>
#include <string.h>

#define FILL 0xA5

static softcp_device *device_of(const struct channel *channel)
{
    return ((struct core *)channel->owner)->device;
}

static softcp_channel id_of(const struct channel *channel)
{
    return (softcp_channel)(uintptr_t)channel->object;
}

static HRESULT negotiate(const struct channel *channel, UINT size, void *data)
{
    return softcp_channel_negotiate(device_of(channel), id_of(channel), size, data);
}

static HRESULT query(const struct channel *channel, UINT input_size, const void *input, UINT output_size, void *output)
{
    return softcp_channel_query(device_of(channel), id_of(channel), input_size, input, output_size, output);
}

static HRESULT configure(const struct channel *channel, UINT input_size, const void *input, void *output)
{
    return softcp_channel_configure(device_of(channel), id_of(channel), input_size, input, output);
}

static void destroy(struct channel *channel)
{
    is_hresult(softcp_channel_destroy(device_of(channel), id_of(channel)), SOFTCP_S_OK, "softcp_channel_destroy");
    channel->object = NULL;
}

static const struct channel_route function_route = {negotiate, query, configure, destroy};

static struct channel create(const struct stage *stage, UINT type)
{
    struct core *core = stage->owner;
    softcp_channel id = 0;
    softcp_hresult hresult = softcp_channel_create(core->device, type, &id);
    if (hresult != SOFTCP_S_OK || id == 0) {
        tap_bail_out("no channel of type %u: 0x%08x", type, (unsigned)hresult);
    }
    return (struct channel){
        .route = &function_route,
        .owner = core,
        .object = (void *)(uintptr_t)id,
        .driver_key = stage->driver_key,
        .handle = (HANDLE)(uintptr_t)id, /* the id is the handle that messages carry */
        .type = type,
    };
}

struct channel core_channel_ready(struct core *core)
{
    const struct stage stage = {.owner = core, .create = create, .driver_key = core->driver_key};
    return channel_ready(&stage);
}

static HANDLE handle_of(const struct core_session *session)
{
    size_t handle = 0;
    if (softcp_session_handle(session->core->device, session->id, &handle) != SOFTCP_S_OK) {
        tap_bail_out("a session has no handle");
    }
    return (HANDLE)(uintptr_t)handle;
}

static softcp_decoder register_decoder(const struct core *core)
{
    softcp_decoder decoder = 0;
    softcp_hresult hresult = softcp_decoder_register(core->device, NULL, &decoder);
    if (hresult != SOFTCP_S_OK || decoder == 0) {
        tap_bail_out("no decoder: 0x%08x", (unsigned)hresult);
    }
    return decoder;
}

/* A stage on a device, with everything that belongs to another device of the same adapter. Sessions and decoders end
   with their device. */
static struct stage stage_begin(struct core *core, struct core *other)
{
    struct core_session session = core_session_create(core), second = core_session_keyed(core);
    struct core_session stale = core_session_create(core), foreign = core_session_create(other);
    softcp_decoder stale_decoder = register_decoder(core);
    struct stage stage = {
        .owner = core,
        .create = create,
        .driver_key = core->driver_key,
        .configured = configured_by_default,
        .session = handle_of(&session),
        .second_session = handle_of(&second),
        .stale_session = handle_of(&stale),
        .foreign_session = handle_of(&foreign),
        .decoder = (HANDLE)(uintptr_t)register_decoder(core),
        .second_decoder = (HANDLE)(uintptr_t)register_decoder(core),
        .stale_decoder = (HANDLE)(uintptr_t)stale_decoder,
        .foreign_decoder = (HANDLE)(uintptr_t)register_decoder(other),
    };
    softcp_session_destroy(core->device, stale.id);
    softcp_decoder_unregister(core->device, stale_decoder);
    const struct stage on_other = {.owner = other, .create = create, .driver_key = core->driver_key};
    struct channel channel = channel_ready(&on_other);
    stage.foreign_device = channel_device(&channel);
    channel_end(&channel);
    return stage;
}

static void test_core_certificates(struct core *core)
{
    static const uint32_t types[] = {D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE,
                                     D3D11_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE};
    const softcp_device *device = core->device;
    for (int i = 0; i < 2; i++) {
        uint32_t size = 0, session_size = 0;
        is_hresult(softcp_channel_certificate_size(device, types[i], &size), SOFTCP_S_OK,
                   "certificate size of channel type %u", types[i]);
        is_hresult(softcp_session_certificate_size(device, &aes_128_ctr, &session_size), SOFTCP_S_OK, "of sessions");
        uint8_t *blob = malloc(size + 1), *session_blob = malloc(session_size + 1);
        memset(blob, FILL, size + 1);
        is_hresult(softcp_channel_certificate(device, types[i], size + 1, blob), SOFTCP_E_INVALIDARG, "a byte more");
        is_hresult(softcp_channel_certificate(device, types[i], size - 1, blob), SOFTCP_E_INVALIDARG, "a byte less");
        is_hresult(softcp_channel_certificate(device, types[i], size, NULL), SOFTCP_E_INVALIDARG, "into null");
        is_hresult(softcp_channel_certificate(device, 1, size, blob), SOFTCP_E_INVALIDARG, "of channel type 1");
        is_hresult(softcp_channel_certificate(NULL, types[i], size, blob), SOFTCP_E_INVALIDARG, "of no device");
        is_filled(blob, FILL, size + 1, "the buffer keeps its bytes (D30)");
        is_hresult(softcp_channel_certificate(device, types[i], size, blob), SOFTCP_S_OK, "certificate");
        is_hresult(softcp_session_certificate(device, &aes_128_ctr, session_size, session_blob), SOFTCP_S_OK,
                   "of sessions");
        ok(size == session_size && memcmp(blob, session_blob, size) == 0,
           "it is that of sessions, whose chain has been verified");
        free(blob);
        free(session_blob);
    }
    static const uint32_t none[] = {0, 1, 4, UINT32_MAX};
    for (int i = 0; i < 4; i++) {
        uint32_t size = 7;
        is_hresult(softcp_channel_certificate_size(device, none[i], &size), SOFTCP_E_INVALIDARG,
                   "certificate size of channel type %u", none[i]);
        is_number(size, 0, "is zero (D30)");
    }
    uint32_t size = 7;
    is_hresult(softcp_channel_certificate_size(NULL, types[0], &size), SOFTCP_E_INVALIDARG, "of no device");
    is_number(size, 0, "is zero (D30)");
    is_hresult(softcp_channel_certificate_size(device, types[0], NULL), SOFTCP_E_INVALIDARG, "into null");
}

static void test_core_channel_create(struct core *core)
{
    static const uint32_t none[] = {0, 1, 4, UINT32_MAX};
    for (int i = 0; i < 4; i++) {
        softcp_channel id = 7;
        is_hresult(softcp_channel_create(core->device, none[i], &id), SOFTCP_E_INVALIDARG, "create: type %u", none[i]);
        is_number(id, 0, "the channel is zero (D30)");
    }
    softcp_channel id = 7;
    is_hresult(softcp_channel_create(NULL, 2, &id), SOFTCP_E_INVALIDARG, "create: no device");
    is_number(id, 0, "the channel is zero (D30)");
    is_hresult(softcp_channel_create(core->device, 2, NULL), SOFTCP_E_INVALIDARG, "create: nowhere to write it to");
    is_hresult(softcp_channel_destroy(core->device, 0), SOFTCP_S_OK, "destroying no channel does nothing");
    is_hresult(softcp_channel_destroy(core->device, 12345), SOFTCP_E_INVALIDARG, "destroying a number that is none");
    is_hresult(softcp_channel_destroy(NULL, 1), SOFTCP_E_INVALIDARG, "destroying without a device");
}

/* Every function with a channel that is no live one of the device: nothing can be signed. Without a device there is
   nobody to answer at all. */
static void refuses_channel(struct channel channel, const char *name)
{
    channel.keyed = false;
    struct query asked = channel_query(&channel, QUERY_PROTECTION);
    struct command command = command_protection(&channel, 1);
    if (device_of(&channel) != NULL) {
        is_right(channel_ask(&channel, asked.as.bytes, asked.size, asked.answer_size, asked.answer_size, E_INVALIDARG,
                             NULL),
                 "query: %s", name);
        commands(&channel, &command, E_INVALIDARG, "configure: %s", name);
    } else {
        uint8_t output[100];
        is_hresult(query(&channel, (UINT)asked.size, asked.as.bytes, sizeof output, output), SOFTCP_E_INVALIDARG,
                   "query: %s", name);
        is_hresult(configure(&channel, (UINT)command.size, command.as.bytes, output), SOFTCP_E_INVALIDARG,
                   "configure: %s", name);
    }
    uint8_t message[RSA_SIZE];
    client_key_exchange(channel.driver_key, channel.key, KEY_SIZE, message);
    is_hresult(negotiate(&channel, sizeof message, message), SOFTCP_E_INVALIDARG, "negotiate: %s", name);
}

static void test_core_channels_that_are_none(const struct stage *stage, struct core *other)
{
    struct core *core = stage->owner, nothing = *core;
    nothing.device = NULL;
    struct channel channel = channel_ready(stage), none = channel;
    none.object = NULL;
    refuses_channel(none, "no channel");
    none.object = (void *)UINTPTR_MAX;
    refuses_channel(none, "a number that never was a channel");
    none.object = stage->session;
    refuses_channel(none, "a session as a channel");
    none = channel;
    none.owner = &nothing;
    refuses_channel(none, "no device");
    none.owner = other;
    refuses_channel(none, "another device's channel");
    is_hresult(softcp_channel_destroy(other->device, id_of(&channel)), SOFTCP_E_INVALIDARG,
               "destroying another device's channel");
    is_hresult(softcp_session_destroy(core->device, id_of(&channel)), SOFTCP_E_INVALIDARG,
               "destroying a channel as a session");
    is_hresult(softcp_channel_destroy(core->device, (softcp_channel)(uintptr_t)stage->session), SOFTCP_E_INVALIDARG,
               "destroying a session as a channel");
    struct command command = command_protection(&channel, 0);
    commands(&channel, &command, S_OK, "after all that the channel is as it was");
    none = channel;
    channel_end(&channel);
    struct channel successor = channel_ready(stage);
    refuses_channel(none, "destroyed channel");
    is_hresult(softcp_channel_destroy(core->device, id_of(&none)), SOFTCP_E_INVALIDARG, "destroying it again");
    command = command_protection(&successor, 0);
    commands(&successor, &command, S_OK, "a channel created since is as it was");
    channel_end(&successor);
}

/* What the host asks for, so that it can do what a channel commands. */
static void test_what_the_host_is_told(const struct stage *stage)
{
    struct core *core = stage->owner;
    const softcp_device *device = core->device;
    struct channel channel = channel_ready(stage);
    HANDLE device_handle = channel_device(&channel);
    uint32_t enforced = 7;
    struct command command = command_protection(&channel, 1);
    commands(&channel, &command, S_OK, "PROTECTION on");
    is_hresult(softcp_protection_enforced(device, &enforced), SOFTCP_S_OK, "the host asks");
    is_number(enforced, 1, "it is enforced");
    command = command_protection(&channel, 2);
    commands(&channel, &command, S_OK, "overlay or full screen alone");
    softcp_protection_enforced(device, &enforced);
    is_number(enforced, 0, "is not enforced");
    uint32_t flags = 7;
    is_hresult(softcp_protection(device, &flags), SOFTCP_S_OK, "the flags in force");
    is_number(flags, SOFTCP_PROTECTION_OVERLAY_OR_FULLSCREEN_REQUIRED, "that flag");
    is_hresult(softcp_protection(device, NULL), SOFTCP_E_INVALIDARG, "the flags into null");
    is_hresult(softcp_protection(NULL, &flags), SOFTCP_E_INVALIDARG, "the flags of no device");
    is_number(flags, 0, "are zero (D30)");

    softcp_decoder decoder = register_decoder(core);
    struct core_session bound = core_session_create(core);
    softcp_session session = 7;
    is_hresult(softcp_decoder_session(device, decoder, &session), SOFTCP_S_OK, "a decoder's session");
    is_number(session, 0, "none yet");
    command = command_crypto_session(&channel, (HANDLE)(uintptr_t)decoder, handle_of(&bound), device_handle);
    commands(&channel, &command, S_OK, "CONFIGURE_CRYPTO_SESSION");
    is_hresult(softcp_decoder_session(device, decoder, &session), SOFTCP_S_OK, "a decoder's session");
    is_number(session, bound.id, "the one that was bound");
    softcp_session_destroy(device, bound.id);
    is_hresult(softcp_decoder_session(device, decoder, &session), SOFTCP_S_OK, "a decoder's session");
    is_number(session, 0, "is gone when it is destroyed");
    is_hresult(softcp_decoder_unregister(device, decoder), SOFTCP_S_OK, "unregistering");
    is_hresult(softcp_decoder_unregister(device, decoder), SOFTCP_E_INVALIDARG, "unregistering twice");
    session = 7;
    is_hresult(softcp_decoder_session(device, decoder, &session), SOFTCP_E_INVALIDARG, "a decoder that is gone");
    is_number(session, 0, "its session is zero (D30)");
    is_hresult(softcp_decoder_session(device, (softcp_decoder)(uintptr_t)stage->decoder, NULL), SOFTCP_E_INVALIDARG,
               "a decoder's session into null");
    is_hresult(softcp_decoder_session(NULL, decoder, &session), SOFTCP_E_INVALIDARG, "without a device");
    is_hresult(softcp_decoder_register(NULL, NULL, &decoder), SOFTCP_E_INVALIDARG, "registering without a device");
    is_number(decoder, 0, "the decoder is zero (D30)");
    is_hresult(softcp_decoder_register(device, NULL, NULL), SOFTCP_E_INVALIDARG, "registering into null");

    softcp_guid encryption = aes_128_ctr;
    is_hresult(softcp_accessible_encryption(device, &encryption), SOFTCP_S_OK, "encryption of accessible content");
    is_bytes(&encryption, &no_guid, sizeof encryption, "none yet");
    command = command_encryption(&channel, &D3D11_CRYPTO_TYPE_AES128_CTR);
    commands(&channel, &command, S_OK, "ENCRYPTION_WHEN_ACCESSIBLE");
    is_hresult(softcp_accessible_encryption(device, &encryption), SOFTCP_S_OK, "encryption of accessible content");
    is_bytes(&encryption, &aes_128_ctr, sizeof encryption, "the one that was chosen");
    is_hresult(softcp_accessible_encryption(device, NULL), SOFTCP_E_INVALIDARG, "into null");
    is_hresult(softcp_accessible_encryption(NULL, &encryption), SOFTCP_E_INVALIDARG, "without a device");

    union answer answer;
    static const int steps[] = {1, 1, -1, 1, -1, -1, -1};
    static const UINT counts[] = {1, 2, 1, 2, 1, 0, 0};
    for (int i = 0; i < 7; i++) {
        is_hresult(steps[i] > 0 ? softcp_unrestricted_share_add(device) : softcp_unrestricted_share_remove(device),
                   SOFTCP_S_OK, "a share %s", steps[i] > 0 ? "more" : "less");
        struct query asked = channel_query(&channel, QUERY_UNRESTRICTED_COUNT);
        asks(&channel, &asked, S_OK, &answer, "UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT");
        is_number(answer.unrestricted_count.UnrestrictedProtectedSharedResourceCount, counts[i], "%u", counts[i]);
    }
    is_hresult(softcp_unrestricted_share_add(NULL), SOFTCP_E_INVALIDARG, "a share of no device");
    is_hresult(softcp_unrestricted_share_remove(NULL), SOFTCP_E_INVALIDARG, "a share less of no device");
    channel_end(&channel);
}

static uint32_t allowed(const struct core *core, uint32_t type, uint64_t handle)
{
    const struct softcp_process process = {.process_type = type, .handle = handle};
    uint32_t answer = 7;
    is_hresult(softcp_process_allowed(core->device, &process, &answer), SOFTCP_S_OK, "may process %u, 0x%x open?", type,
               (unsigned)handle);
    return answer;
}

static void share(struct channel *channel, UINT type, uintptr_t handle, BOOL allow, HRESULT hresult)
{
    struct command command = command_shared_resource(channel, type, (HANDLE)handle, allow);
    commands(channel, &command, hresult, "SHARED_RESOURCE %u, 0x%x, %d", type, (unsigned)handle, allow);
}

/* Processes that the host allows from the start, and those that channels allow. */
static void test_processes_of_the_host(const struct core *made)
{
    struct core core = *made;
    struct host host;
    host_begin(&host);
    host.callbacks.allowed_processes = host_processes;
    host.processes[0] = (struct softcp_process){.process_type = SOFTCP_PROCESS_DWM};
    host.processes[1] = (struct softcp_process){.process_type = SOFTCP_PROCESS_HANDLE, .handle = 0x1111};
    host.process_count = 2;
    is_hresult(softcp_device_create(core.adapter, &host.callbacks, &core.device), SOFTCP_S_OK,
               "a host that allows two processes");
    is_number(host.list_calls, 1, "it is asked once");
    struct stage stage = {.owner = &core, .create = create, .driver_key = core.driver_key};
    struct channel channel = channel_ready(&stage);
    ok(allowed(&core, SOFTCP_PROCESS_DWM, 0) == 1 && allowed(&core, SOFTCP_PROCESS_HANDLE, 0x1111) == 1, "they may");
    is_number(allowed(&core, SOFTCP_PROCESS_DWM, 99), 1, "the window manager needs no handle");
    is_number(allowed(&core, SOFTCP_PROCESS_HANDLE, 0x2222), 0, "another process may not");
    struct query asked = channel_query(&channel, QUERY_PROCESS_COUNT);
    union answer answer;
    asks(&channel, &asked, S_OK, &answer, "RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT");
    is_number(answer.process_count.RestrictedSharedResourceProcessCount, 2, "the host's are among them");
    asked = query_index(&channel, QUERY_PROCESS, 1);
    asks(&channel, &asked, S_OK, &answer, "RESTRICTED_SHARED_RESOURCE_PROCESS 1");
    ok(answer.process.ProcessIdentifier == D3D11_PROCESSIDTYPE_HANDLE &&
           answer.process.ProcessHandle == (HANDLE)(uintptr_t)0x1111,
       "is the host's second");
    share(&channel, D3D11_PROCESSIDTYPE_DWM, 0, 0, E_INVALIDARG);
    share(&channel, D3D11_PROCESSIDTYPE_HANDLE, 0x1111, 0, E_INVALIDARG);
    is_number(allowed(&core, SOFTCP_PROCESS_HANDLE, 0x1111), 1, "no channel revokes what the host allows");
    share(&channel, D3D11_PROCESSIDTYPE_HANDLE, 0x2222, 1, S_OK);
    is_number(allowed(&core, SOFTCP_PROCESS_HANDLE, 0x2222), 1, "a channel allows a process");
    share(&channel, D3D11_PROCESSIDTYPE_HANDLE, 0x2222, 0, S_OK);
    is_number(allowed(&core, SOFTCP_PROCESS_HANDLE, 0x2222), 0, "and revokes that");

    unsigned wrong = 0;
    UINT many = 0;
    HRESULT hresult = S_OK;
    while (many < 5000 && wrong == 0 && hresult == S_OK) {
        struct command command = command_shared_resource(&channel, D3D11_PROCESSIDTYPE_HANDLE,
                                                         (HANDLE)(uintptr_t)(0x10000 + many), 1);
        D3D11_AUTHENTICATED_CONFIGURE_OUTPUT output;
        hresult = configure(&channel, (UINT)command.size, command.as.bytes, &output);
        wrong += output.ReturnCode != hresult;
        many += hresult == S_OK;
    }
    is_hresult(hresult, E_OUTOFMEMORY, "after %u processes there is an end", many);
    is_number(wrong, 0, "which the answer says too");
    channel_end(&channel);
    is_number(allowed(&core, SOFTCP_PROCESS_HANDLE, 0x10000), 0, "they end with their channel");

    const struct softcp_process unknown = {.process_type = 3};
    uint32_t answered = 7;
    is_hresult(softcp_process_allowed(core.device, &unknown, &answered), SOFTCP_E_INVALIDARG,
               "an unknown process type");
    is_number(answered, 0, "the answer is zero (D30)");
    is_hresult(softcp_process_allowed(core.device, NULL, &answered), SOFTCP_E_INVALIDARG, "a null process");
    is_hresult(softcp_process_allowed(core.device, &unknown, NULL), SOFTCP_E_INVALIDARG, "into null");
    is_hresult(softcp_process_allowed(NULL, &unknown, &answered), SOFTCP_E_INVALIDARG, "without a device");
    softcp_device_destroy(core.device);

    host.processes[1].process_type = 3;
    core.device = NULL;
    is_hresult(softcp_device_create(core.adapter, &host.callbacks, &core.device), SOFTCP_E_INVALIDARG,
               "a host with an unknown process type");
    ok(core.device == NULL, "there is no device");
    host_end(&host);
}

/* The number of outputs, and the last one's identifier. */
static void names_outputs(const struct stage *stage, struct channel *channel, UINT count, uint64_t last,
                          const char *name)
{
    union answer answer;
    HANDLE device = channel_device(channel);
    struct query asked = query_outputs(channel, QUERY_OUTPUT_COUNT, device, stage->session, 0);
    asks(channel, &asked, S_OK, &answer, "OUTPUT_ID_COUNT: %s", name);
    is_number(answer.output_count.OutputIDCount, count, "%s: %u outputs", name, count);
    if (count > 0) {
        asked = query_outputs(channel, QUERY_OUTPUT, device, stage->session, count - 1);
        asks(channel, &asked, S_OK, &answer, "OUTPUT_ID: %s", name);
        ok(answer.output.OutputID == last, "%s: its identifier", name);
    }
    asked = query_outputs(channel, QUERY_OUTPUT, device, stage->session, count);
    asks(channel, &asked, E_INVALIDARG, NULL, "OUTPUT_ID past the end: %s", name);
}

/* A host whose callback uses the channel that is being asked. */
struct reentry {
    const struct channel *channel;
    struct command command;
    const char *wrong;
    unsigned calls;
};

static void command_during_list(void *argument)
{
    struct reentry *reentry = argument;
    if (reentry->calls++ == 0) {
        const struct command *command = &reentry->command;
        reentry->wrong = channel_configure(reentry->channel, command->as.bytes, command->size, S_OK);
    }
}

/* A callback that destroys what is being asked: the channel, or the device with it. */
struct destruction {
    struct core *core;
    softcp_channel channel; /* 0: the device */
    softcp_hresult result;
};

static void destroy_during_list(void *argument)
{
    struct destruction *destruction = argument;
    softcp_device *device = destruction->core->device;
    destruction->core->host.during_list = NULL;
    destruction->result = destruction->channel != 0 ? softcp_channel_destroy(device, destruction->channel)
                                                    : softcp_device_destroy(device);
}

static void test_destroyed_during_a_query(const char *identity)
{
    static const char *const names[] = {"the channel", "the device"};
    for (int i = 0; i < 2; i++) {
        struct core core;
        core_begin(&core, identity, NULL);
        softcp_device_destroy(core.device);
        core.host.callbacks.outputs = host_outputs;
        is_hresult(softcp_device_create(core.adapter, &core.host.callbacks, &core.device), SOFTCP_S_OK, "a device");
        struct stage stage = {.owner = &core, .create = create, .driver_key = core.driver_key};
        struct channel channel = channel_ready(&stage);
        struct destruction destruction = {.core = &core, .channel = i == 0 ? id_of(&channel) : 0, .result = E_FAIL};
        core.host.argument = &destruction;
        core.host.during_list = destroy_during_list;
        struct query asked = query_outputs(&channel, QUERY_OUTPUT_COUNT, NULL, NULL, 0);
        uint8_t output[sizeof(D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT)];
        HRESULT hresult = query(&channel, (UINT)asked.size, asked.as.bytes, sizeof output, output);
        is_hresult(destruction.result, SOFTCP_S_OK, "%s destroyed by the host while a query is under way", names[i]);
        ok(hresult == S_OK || hresult == E_INVALIDARG, "%s: the query ends, answered or refused", names[i]);
        if (i == 1) {
            core.device = NULL;
        }
        core_end(&core);
    }
}

/* Outputs that the host names, which may change at any time. */
static void test_outputs_of_the_host(const struct core *made)
{
    struct core core = *made;
    struct host host;
    host_begin(&host);
    host.callbacks.outputs = host_outputs;
    is_hresult(softcp_device_create(core.adapter, &host.callbacks, &core.device), SOFTCP_S_OK,
               "a host that names its outputs");
    struct core_session session = core_session_create(&core);
    struct stage stage = {
        .owner = &core, .create = create, .driver_key = core.driver_key, .session = handle_of(&session)};
    struct channel channel = channel_ready(&stage);
    for (size_t i = 0; i < HOST_LIST_ROOM; i++) {
        host.outputs[i] = 0xABCDEF0000000000u + i;
    }
    names_outputs(&stage, &channel, 0, 0, "none");
    host.output_count = 2;
    names_outputs(&stage, &channel, 2, host.outputs[1], "two");
    host.output_count = 1;
    names_outputs(&stage, &channel, 1, host.outputs[0], "one is gone");
    host.output_count = 64;
    names_outputs(&stage, &channel, 64, host.outputs[63], "as many as there is room for");
    host.output_count = 65;
    names_outputs(&stage, &channel, 65, host.outputs[64], "one more than there is room for at first");
    host.output_count = HOST_LIST_ROOM;
    names_outputs(&stage, &channel, HOST_LIST_ROOM, host.outputs[HOST_LIST_ROOM - 1], "many more");
    host.output_count = UINT32_MAX;
    struct query asked = query_outputs(&channel, QUERY_OUTPUT_COUNT, channel_device(&channel), stage.session, 0);
    union answer unwritten;
    is_hresult(query(&channel, (UINT)asked.size, asked.as.bytes, (UINT)asked.answer_size, &unwritten), E_FAIL,
               "a host that claims the largest number is not believed");

    host.output_count = 2;
    struct reentry reentry = {.channel = &channel, .command = command_protection(&channel, 2), .wrong = "not called"};
    host.argument = &reentry;
    host.during_list = command_during_list;
    names_outputs(&stage, &channel, 2, host.outputs[1], "a host that uses the channel meanwhile");
    is_right(reentry.wrong, "its command is obeyed");
    host.during_list = NULL;
    channel_end(&channel);
    softcp_device_destroy(core.device);
    host_end(&host);
}

void test_core_channels(const char *identity)
{
    struct core core;
    core_begin(&core, identity, NULL);
    struct core other = core;
    is_hresult(softcp_device_create(core.adapter, &core.host.callbacks, &other.device), SOFTCP_S_OK,
               "a second device of the same adapter");
    test_core_certificates(&core);
    test_core_channel_create(&core);
    struct stage stage = stage_begin(&core, &other);
    test_core_channels_that_are_none(&stage, &other);
    test_what_the_host_is_told(&stage);
    test_processes_of_the_host(&core);
    test_outputs_of_the_host(&core);
    test_destroyed_during_a_query(identity);
    test_channel_queries(&stage);
    test_channel_commands(&stage);
    test_channel_order(&stage);
    test_channel_sizes(&stage);
    test_channel_attacks(&stage);
    softcp_device_destroy(other.device);
    core_end(&core);
}
