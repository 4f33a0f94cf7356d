/* A secure environment of the host, in C: what its callbacks are told, what becomes of their answers, and calls that
   they make themselves. */
#include "core_hardware.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FILL 0xA5
#define PRIVATE_IN 3
#define PRIVATE_OUT 5
#define BLOB_SIZE 20
#define OPTIONS "capabilities.flags.hardware_drm_communication=true;quirks.key_exchange_alias=true"

/* The context of the callbacks. */
struct environment {
    softcp_session session; /* of the last command or hardware key */
    uint32_t function;
    uint8_t heard[PRIVATE_IN + 32]; /* private bytes and command of the last one */
    uint32_t heard_size, room;
    unsigned commands, opened, teardowns;
    uint8_t answer[32]; /* what it answers, */
    uint32_t written;   /* says it has answered, */
    uint32_t effect;
    softcp_hresult status, key_result;
    softcp_guid key_id; /* of the last sealed key, all zero for none */
    uint8_t key[KEY_SIZE];
    void (*during)(struct environment *environment); /* called by `execute`, if not null */
    const softcp_device *device;                     /* for that, as the adapter */
    const softcp_adapter *adapter;
    softcp_hresult during_result;
    pthread_mutex_t lock;
    pthread_cond_t both;
    unsigned inside;
};

static void SOFTCP_CALL execute(void *context, softcp_session session, struct softcp_secure_command *command)
{
    struct environment *environment = context;
    if (environment->during != NULL) {
        environment->during(environment);
    }
    bool zero = command->written == 0 && command->status == 0 && command->effect == 0 && command->reserved == 0 &&
                command->transport_time == 0 && command->execution_time == 0;
    bool nulls = (command->input == NULL) == (command->input_size == 0) &&
                 (command->output == NULL) == (command->output_size == 0);
    pthread_mutex_lock(&environment->lock);
    environment->commands += zero && nulls && command->size == sizeof *command &&
                             command->private_input_size == PRIVATE_IN && command->private_output_size == PRIVATE_OUT;
    environment->session = session;
    environment->function = command->function;
    environment->heard_size = command->input_size;
    environment->room = command->output_size;
    memcpy(environment->heard, command->private_input, PRIVATE_IN);
    if (command->input_size <= 32 && command->input != NULL) {
        memcpy(&environment->heard[PRIVATE_IN], command->input, command->input_size);
    }
    memset(command->private_output, 0x11, PRIVATE_OUT);
    size_t fits = command->output_size < sizeof environment->answer ? command->output_size : sizeof environment->answer;
    if (fits != 0) {
        memcpy(command->output, environment->answer, fits);
    }
    command->written = environment->written;
    command->status = environment->status;
    command->effect = environment->effect;
    command->transport_time = 12;
    command->execution_time = UINT64_MAX;
    pthread_mutex_unlock(&environment->lock);
}

static softcp_hresult SOFTCP_CALL open_key(void *context, const void *blob, uint32_t blob_size,
                                           const softcp_guid *key_id, uint8_t *key)
{
    struct environment *environment = context;
    environment->opened++;
    environment->key_id = key_id != NULL ? *key_id : no_guid;
    memcpy(key, environment->key, KEY_SIZE);
    return blob_size == BLOB_SIZE && blob != NULL ? environment->key_result : (softcp_hresult)0x8004BAD0;
}

static softcp_hresult SOFTCP_CALL new_hardware_key(void *context, softcp_session session, uint32_t size,
                                                   const void *private_input, uint64_t *data)
{
    struct environment *environment = context;
    environment->session = session;
    *data = (uint64_t)size << 60 | (private_input != NULL);
    return environment->key_result;
}

static void SOFTCP_CALL teardown(void *context)
{
    struct environment *environment = context;
    environment->teardowns++;
}

static struct softcp_secure_environment callbacks_of(struct environment *environment)
{
    return (struct softcp_secure_environment){
        .size = sizeof(struct softcp_secure_environment),
        .private_input_size = PRIVATE_IN,
        .private_output_size = PRIVATE_OUT,
        .context = environment,
        .execute = execute,
        .open_key = open_key,
        .new_hardware_key = new_hardware_key,
        .teardown = teardown,
    };
}

/* A device on an adapter with this environment, whose host opens no keys itself. The callbacks are copied. */
static void begin(struct core *core, const char *identity, struct softcp_secure_environment callbacks)
{
    core_begin_with(core, identity, OPTIONS, &callbacks);
    memset(&callbacks, FILL, sizeof callbacks);
    softcp_device_destroy(core->device);
    core->host.callbacks.unwrap_key = NULL;
    if (softcp_device_create(core->adapter, &core->host.callbacks, &core->device) != SOFTCP_S_OK) {
        tap_bail_out("no device");
    }
}

static softcp_session session_of(const struct core *core, const softcp_guid *key_exchange)
{
    struct softcp_session_desc desc = core_session_desc();
    desc.key_exchange_type = *key_exchange;
    softcp_session id = 0;
    if (softcp_session_create(core->device, &desc, &id) != SOFTCP_S_OK) {
        tap_bail_out("no session");
    }
    return id;
}

static uint32_t status_of(const struct core *core, softcp_session session)
{
    uint32_t status = 7;
    is_hresult(softcp_session_status(core->device, session, &status), SOFTCP_S_OK, "status");
    return status;
}

/* A command of 4 bytes, 3 of them private before it, with room for `room` of at most 40 bytes. */
struct sent {
    struct softcp_secure_command command;
    uint8_t private_output[PRIVATE_OUT], output[40];
    softcp_hresult hresult;
};

static struct sent send(const struct core *core, softcp_session session, uint32_t input_size, uint32_t room)
{
    struct sent sent;
    memset(&sent, FILL, sizeof sent);
    sent.command = (struct softcp_secure_command){
        .size = sizeof sent.command,
        .function = 0xFEDCBA98,
        .private_input = "prv",
        .private_input_size = PRIVATE_IN,
        .input = "info",
        .input_size = input_size,
        .private_output = sent.private_output,
        .private_output_size = PRIVATE_OUT,
        .output = sent.output,
        .output_size = room,
        .written = 7,
        .status = 7,
        .effect = 7,
    };
    sent.hresult = softcp_session_execute(core->device, session, &sent.command);
    return sent;
}

static void test_commands(struct core *core, struct environment *environment)
{
    const softcp_session session = session_of(core, &hw_protection);
    uint32_t input = 7, output = 7;
    is_hresult(softcp_private_data_sizes(core->device, &aes_128_ctr, NULL, &hw_protection, &input, &output),
               SOFTCP_S_OK, "private sizes");
    ok(input == PRIVATE_IN && output == PRIVATE_OUT, "are the environment's");
    is_hresult(softcp_private_data_sizes(core->device, &aes_128_ctr, NULL, &rsaes_oaep, &input, &output), SOFTCP_S_OK,
               "private sizes of RSA sessions");
    ok(input == 0 && output == 0, "are none");

    memcpy(environment->answer, "the answer", 10);
    environment->written = 10;
    environment->status = 0x00040001;
    struct sent sent = send(core, session, 4, 16);
    is_hresult(sent.hresult, SOFTCP_S_OK, "a command is carried");
    is_number(environment->commands, 1, "to the environment, as the header says");
    ok(environment->session == session && environment->function == 0xFEDCBA98, "with session and function");
    ok(environment->heard_size == 4 && memcmp(environment->heard, "prvinfo", 7) == 0, "private bytes and command");
    is_number(environment->room, 16, "and room");
    ok(sent.command.status == 0x00040001 && sent.command.written == 10, "status and size come back");
    ok(sent.command.transport_time == 12 && sent.command.execution_time == UINT64_MAX, "and the times");
    ok(memcmp(sent.output, "the answer", 10) == 0, "and the answer");
    is_filled(&sent.output[10], 0, 6, "zeros behind it (D29)");
    is_filled(&sent.output[16], FILL, sizeof sent.output - 16, "nothing past its room");
    is_filled(sent.private_output, 0x11, PRIVATE_OUT, "private bytes too");

    environment->written = 0;
    environment->status = (softcp_hresult)0x80041234;
    sent = send(core, session, 0, 0);
    ok(sent.hresult == SOFTCP_S_OK && sent.command.status == (softcp_hresult)0x80041234 && sent.command.written == 0,
       "no command bytes, no room, and a failure of its own (D29)");
    is_number(environment->commands, 2, "as the header says");
    is_filled(sent.output, FILL, sizeof sent.output, "nothing is written without room");

    static const struct {
        uint32_t room, written, effect, reported, status;
    } hostile[] = {
        {4, 5, SOFTCP_SECURE_EFFECT_NONE, SOFTCP_SECURE_EFFECT_NONE, SOFTCP_SESSION_STATUS_OK},
        {0, 1, SOFTCP_SECURE_EFFECT_NONE, SOFTCP_SECURE_EFFECT_NONE, SOFTCP_SESSION_STATUS_OK},
        {4, UINT32_MAX, SOFTCP_SECURE_EFFECT_PROVISIONED, SOFTCP_SECURE_EFFECT_NONE, SOFTCP_SESSION_STATUS_OK},
        {4, 4, 3, SOFTCP_SECURE_EFFECT_NONE, SOFTCP_SESSION_STATUS_OK},
        {4, 4, UINT32_MAX, SOFTCP_SECURE_EFFECT_NONE, SOFTCP_SESSION_STATUS_OK},
        {4, 5, SOFTCP_SECURE_EFFECT_TORN_DOWN, SOFTCP_SECURE_EFFECT_TORN_DOWN, SOFTCP_SESSION_STATUS_KEY_LOST},
        {4, 5, SOFTCP_SECURE_EFFECT_PROVISIONED, SOFTCP_SECURE_EFFECT_NONE, SOFTCP_SESSION_STATUS_KEY_LOST},
    };
    environment->status = 0;
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        environment->written = hostile[i].written;
        environment->effect = hostile[i].effect;
        sent = send(core, session, 4, hostile[i].room);
        is_hresult(sent.hresult, SOFTCP_S_OK, "hostile answer %zu", i);
        ok(sent.command.status == (softcp_hresult)0x8000FFFF && sent.command.written == 0 &&
               sent.command.transport_time == 0 && sent.command.effect == hostile[i].reported,
           "hostile answer %zu: E_UNEXPECTED, nothing of it is used", i);
        is_filled(sent.output, 0, hostile[i].room, "hostile answer %zu: the output is zero", i);
        is_filled(sent.private_output, 0, PRIVATE_OUT, "hostile answer %zu: the private bytes too", i);
        is_number(status_of(core, session), hostile[i].status, "hostile answer %zu: status", i);
    }
    environment->written = 0;
    environment->effect = SOFTCP_SECURE_EFFECT_PROVISIONED;
    environment->status = (softcp_hresult)0x80041234;
    sent = send(core, session, 0, 0);
    is_number(status_of(core, session), SOFTCP_SESSION_STATUS_OK, "an effect counts whatever the status");
    environment->effect = SOFTCP_SECURE_EFFECT_NONE;
    environment->status = 0;
    is_number(environment->teardowns, 0, "a command that tears down has done so itself");
    is_hresult(softcp_adapter_teardown(core->adapter, SOFTCP_SESSION_STATUS_KEY_LOST), SOFTCP_S_OK, "teardown");
    is_number(environment->teardowns, 1, "tells the environment");
    is_number(status_of(core, session), SOFTCP_SESSION_STATUS_KEY_LOST, "and the session");
    is_hresult(softcp_session_destroy(core->device, session), SOFTCP_S_OK, "destroy");
}

static void test_keys(struct core *core, struct environment *environment)
{
    const softcp_session media = session_of(core, &aes_128_ctr);
    const softcp_decoder decoder = core_decoder(core, &hw_cenc);
    const softcp_device *device = core->device;
    const uint8_t blob[BLOB_SIZE] = {0};
    client_random(environment->key, sizeof environment->key);
    environment->key_result = SOFTCP_S_OK;
    static const struct {
        const softcp_guid *given, *told;
    } ids[] = {{&h264_profile, &h264_profile}, {NULL, &no_guid}, {&no_guid, &no_guid}, {&aes_128_ctr, &no_guid}};
    for (int i = 0; i < 4; i++) {
        environment->opened = 0;
        memset(&environment->key_id, FILL, sizeof environment->key_id);
        is_hresult(softcp_decoder_begin_frame(device, decoder, media, BLOB_SIZE, blob, ids[i].given), SOFTCP_S_OK,
                   "a frame, key id %d", i);
        is_number(environment->opened, 1, "the environment opens its key once");
        is_bytes(&environment->key_id, ids[i].told, sizeof(softcp_guid), "and hears of a key id that says something");
        decoder_decrypts(core, decoder, environment->key, 1, SOFTCP_S_OK, "the key");
        is_hresult(softcp_decoder_end_frame(device, decoder), SOFTCP_S_OK, "the frame ends");
    }
    static const softcp_hresult failures[] = {-1, INT32_MIN, SOFTCP_E_INVALIDCALL};
    for (int i = 0; i < 3; i++) {
        environment->key_result = failures[i];
        is_hresult(softcp_decoder_begin_frame(device, decoder, media, BLOB_SIZE, blob, NULL), failures[i],
                   "a failure is passed on");
        uint64_t data = 7;
        is_hresult(softcp_session_new_hardware_key(device, media, 0, NULL, &data), failures[i],
                   "of a hardware key too");
        is_number(data, 0, "the data is zero (D30)");
    }
    environment->key_result = 1;
    is_hresult(softcp_decoder_begin_frame(device, decoder, media, 0, blob, NULL), (softcp_hresult)0x8004BAD0,
               "a blob of 0 bytes is the environment's to refuse");
    is_hresult(softcp_decoder_begin_frame(device, decoder, media, BLOB_SIZE, blob, NULL), SOFTCP_S_OK,
               "a positive HRESULT is success");
    is_hresult(softcp_adapter_teardown(core->adapter, SOFTCP_SESSION_STATUS_KEY_LOST), SOFTCP_S_OK, "teardown");
    decoder_decrypts(core, decoder, environment->key, 2, SOFTCP_E_INVALIDCALL, "in the middle of the frame (D23)");
    uint64_t data = 0;
    is_hresult(softcp_session_new_hardware_key(device, media, 2, "xy", &data), SOFTCP_S_OK, "a hardware key");
    ok(environment->session == media && data == ((uint64_t)2 << 60 | 1), "its data is the environment's");
    is_number(status_of(core, media), SOFTCP_SESSION_STATUS_OK, "and ends the loss");
    is_hresult(softcp_session_new_hardware_key(device, media, 0, "xy", &data), SOFTCP_S_OK, "one without input");
    is_number(data, 0, "is told with null");
    is_hresult(softcp_decoder_unregister(device, decoder), SOFTCP_S_OK, "unregister");
    is_hresult(softcp_session_destroy(device, media), SOFTCP_S_OK, "destroy");
}

/* Calls that `execute` makes itself. */
static void asks_status(struct environment *environment)
{
    uint32_t status = 7;
    environment->during_result = softcp_session_status(environment->device, environment->session, &status);
}

static void tears_down(struct environment *environment)
{
    environment->during = NULL;
    environment->during_result = softcp_adapter_teardown(environment->adapter, SOFTCP_SESSION_STATUS_KEY_LOST);
}

static void destroys_session(struct environment *environment)
{
    environment->during = NULL;
    environment->during_result = softcp_session_destroy(environment->device, environment->session);
}

static void destroys_device(struct environment *environment)
{
    environment->during = NULL;
    environment->during_result = softcp_device_destroy((softcp_device *)environment->device);
}

static void test_calls_from_execute(struct core *core, struct environment *environment)
{
    static void (*const calls[])(struct environment *) = {asks_status, tears_down, destroys_session, destroys_device};
    environment->device = core->device;
    environment->adapter = core->adapter;
    for (int i = 0; i < 4; i++) {
        environment->session = session_of(core, &hw_protection);
        environment->effect = i == 1 ? SOFTCP_SECURE_EFFECT_PROVISIONED : SOFTCP_SECURE_EFFECT_NONE;
        environment->during = calls[i];
        environment->during_result = 7;
        environment->written = 4;
        const softcp_session session = environment->session;
        struct sent sent = send(core, session, 4, 8);
        is_hresult(environment->during_result, SOFTCP_S_OK, "execute calls the library, %d", i);
        ok(sent.hresult == SOFTCP_S_OK && sent.command.written == 4, "and the command ends, %d", i);
        if (i == 1) {
            is_number(status_of(core, session), SOFTCP_SESSION_STATUS_KEY_LOST,
                      "provisioning that a teardown overtakes does not count");
        }
    }
    core->device = NULL;
    environment->during = NULL;
}

/* Waits until two commands are inside at the same time. */
static void meets(struct environment *environment)
{
    pthread_mutex_lock(&environment->lock);
    environment->inside++;
    pthread_cond_broadcast(&environment->both);
    while (environment->inside < 2) {
        pthread_cond_wait(&environment->both, &environment->lock);
    }
    pthread_mutex_unlock(&environment->lock);
}

struct thread {
    struct core *core;
    softcp_session session;
    struct sent sent;
};

static void *run(void *argument)
{
    struct thread *thread = argument;
    thread->sent = send(thread->core, thread->session, 4, 8);
    return NULL;
}

/* Two commands of one session at once: neither waits for the other. */
static void test_commands_at_once(struct core *core, struct environment *environment)
{
    struct thread threads[2];
    pthread_t ids[2];
    const softcp_session session = session_of(core, &hw_protection);
    environment->inside = 0;
    environment->during = meets;
    environment->written = 4;
    environment->effect = SOFTCP_SECURE_EFFECT_NONE;
    for (int i = 0; i < 2; i++) {
        threads[i] = (struct thread){.core = core, .session = session};
        if (pthread_create(&ids[i], NULL, run, &threads[i]) != 0) {
            tap_bail_out("no thread");
        }
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(ids[i], NULL);
        ok(threads[i].sent.hresult == SOFTCP_S_OK && threads[i].sent.command.written == 4,
           "command %d of two at once", i);
    }
    environment->during = NULL;
    is_hresult(softcp_session_destroy(core->device, session), SOFTCP_S_OK, "destroy");
}

/* Descriptions of environments: sizes and what must be there. */
static void test_descriptions(struct environment *environment)
{
    const struct softcp_secure_environment whole = callbacks_of(environment);
    const uint32_t first = offsetof(struct softcp_secure_environment, open_key);
    const struct {
        uint32_t size;
        bool has_execute;
        softcp_hresult expected;
    } cases[] = {
        {sizeof whole, true, SOFTCP_S_OK},
        {first, true, SOFTCP_S_OK},
        {sizeof whole + 16, true, SOFTCP_S_OK},
        {first - 1, true, SOFTCP_E_INVALIDARG},
        {0, true, SOFTCP_E_INVALIDARG},
        {sizeof whole, false, SOFTCP_E_INVALIDARG},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct {
            struct softcp_secure_environment environment;
            uint8_t beyond[16];
        } given;
        memset(&given, FILL, sizeof given);
        given.environment = whole;
        given.environment.size = cases[i].size;
        given.environment.execute = cases[i].has_execute ? execute : NULL;
        const struct softcp_adapter_desc desc = {.size = sizeof desc, .environment = &given.environment};
        softcp_adapter *adapter = (softcp_adapter *)16;
        is_hresult(softcp_adapter_create(&desc, &adapter), cases[i].expected, "environment %zu", i);
        ok((adapter == NULL) == (cases[i].expected != SOFTCP_S_OK), "environment %zu: an adapter, or null", i);
        if (adapter != (softcp_adapter *)16) {
            softcp_adapter_destroy(adapter);
        }
    }
    struct softcp_adapter_desc older = {.size = offsetof(struct softcp_adapter_desc, environment),
                                        .environment = (const struct softcp_secure_environment *)16};
    softcp_adapter *adapter = NULL;
    is_hresult(softcp_adapter_create(&older, &adapter), SOFTCP_S_OK, "a description of before has no environment");
    softcp_adapter_destroy(adapter);
}

void test_environment(const char *identity)
{
    static struct environment environment;
    if (pthread_mutex_init(&environment.lock, NULL) != 0 || pthread_cond_init(&environment.both, NULL) != 0) {
        tap_bail_out("no mutex");
    }
    test_descriptions(&environment);
    struct core core;
    begin(&core, identity, callbacks_of(&environment));
    test_commands(&core, &environment);
    test_keys(&core, &environment);
    test_commands_at_once(&core, &environment);
    test_calls_from_execute(&core, &environment);
    core_end(&core);
    pthread_cond_destroy(&environment.both);
    pthread_mutex_destroy(&environment.lock);
}
