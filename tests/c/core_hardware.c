/* Hardware protection over the core functions, with the built-in environment: commands, sealed keys in blits and
   frames, teardown and recovery, SetHardwareProtection. */
#include "core_hardware.h"

#include "hardware.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILL 0xA5
#define SIZE 200

const softcp_guid hw_protection = {0xb1170d8a, 0x628d, 0x4da3, {0xad, 0x3b, 0x82, 0xdd, 0xb0, 0x8b, 0x49, 0x70}};

#define OPTIONS "capabilities.flags.hardware_drm_communication=true"

/* What the host heard of teardowns. */
struct heard {
    unsigned calls;
    size_t session; /* of the last one */
    uint32_t status;
};

static struct heard heard;

static void SOFTCP_CALL teardown(void *context, size_t session, uint32_t status)
{
    (void)context;
    heard = (struct heard){heard.calls + 1, session, status};
}

/* A device whose host opens no keys itself and hears of teardowns. */
static void begin(struct core *core, const char *identity, const char *options)
{
    core_begin(core, identity, options);
    softcp_device_destroy(core->device);
    core->host.callbacks.unwrap_key = NULL;
    core->host.callbacks.teardown = teardown;
    if (softcp_device_create(core->adapter, &core->host.callbacks, &core->device) != SOFTCP_S_OK) {
        tap_bail_out("no device");
    }
    heard = (struct heard){0};
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

/* The owner of a commander over the core functions. */
struct over {
    const softcp_device *device;
    softcp_session session;
};

static HRESULT execute(const struct commander *commander, UINT function, const void *input, size_t size, void *output,
                       size_t room, struct reply *reply)
{
    const struct over *over = commander->owner;
    struct softcp_secure_command command = {
        .size = sizeof command,
        .function = function,
        .input = input,
        .input_size = (uint32_t)size,
        .output = output,
        .output_size = (uint32_t)room,
        .written = 7,
        .status = 7,
        .effect = 7,
    };
    softcp_hresult hresult = softcp_session_execute(over->device, over->session, &command);
    *reply = (struct reply){command.status, command.written, command.transport_time, command.execution_time};
    uint32_t effect = command.status != S_OK  ? SOFTCP_SECURE_EFFECT_NONE
                      : function == PROVISION ? SOFTCP_SECURE_EFFECT_PROVISIONED
                      : function == TEARDOWN  ? SOFTCP_SECURE_EFFECT_TORN_DOWN
                                              : SOFTCP_SECURE_EFFECT_NONE;
    if (command.effect != effect) {
        ok(false, "the effect of command %u is %u, not %u", function, command.effect, effect);
    }
    return hresult;
}

/* Passes if a session has this status. */
static void has_status(const struct core *core, softcp_session session, uint32_t status, const char *name)
{
    uint32_t got = 7;
    is_hresult(softcp_session_status(core->device, session, &got), SOFTCP_S_OK, "status: %s", name);
    is_number(got, status, "status: %s", name);
}

/* A blit with a sealed key: the clear bytes if it succeeds, nothing written if not. */
static void blits(struct core *core, softcp_session session, const uint8_t key[KEY_SIZE], const void *blob, size_t size,
                  softcp_hresult expected, const char *name)
{
    struct resource *source = resource_buffer(SIZE), *destination = resource_buffer(SIZE);
    uint8_t clear[SIZE], iv[IV_SIZE];
    static uint64_t number;
    client_iv(++number, 0, iv);
    client_random(clear, sizeof clear);
    resource_write(source, clear);
    client_ctr(key, iv, NULL, source->memory, SIZE);
    resource_fill(destination, FILL);
    is_hresult(softcp_session_decryption_blt(core->device, session, source, destination, NULL, (uint32_t)size, blob,
                                             sizeof iv, iv),
               expected, "blit: %s", name);
    if (expected == SOFTCP_S_OK) {
        is_bytes(destination->memory, clear, SIZE, "blit: %s: the clear bytes", name);
    } else {
        is_filled(destination->memory, FILL, SIZE, "blit: %s: nothing is written", name);
    }
    host_is_balanced(&core->host, name);
    resource_free(source);
    resource_free(destination);
}

static void test_offered(const char *identity)
{
    struct core core;
    begin(&core, identity, OPTIONS);
    softcp_guid type;
    is_hresult(softcp_key_exchange_type(core.device, &aes_128_ctr, &h264_profile, 0, &type), SOFTCP_S_OK, "type 0");
    is_bytes(&type, &rsaes_oaep, sizeof type, "is RSAES-OAEP");
    is_hresult(softcp_key_exchange_type(core.device, &aes_128_ctr, &h264_profile, 1, &type), SOFTCP_S_OK, "type 1");
    is_bytes(&type, &hw_protection, sizeof type, "is HW_PROTECTION");
    is_hresult(softcp_key_exchange_type(core.device, &aes_128_ctr, &h264_profile, 2, &type), SOFTCP_E_INVALIDARG,
               "there are no more");
    static const softcp_guid *const types[] = {&hw_protection, &rsaes_oaep};
    for (int i = 0; i < 2; i++) {
        uint32_t input = 7, output = 7;
        is_hresult(softcp_private_data_sizes(core.device, &aes_128_ctr, NULL, types[i], &input, &output), SOFTCP_S_OK,
                   "private sizes of type %d", i);
        ok(input == 0 && output == 0, "none with the built-in environment");
    }
    const struct {
        const softcp_device *device;
        const softcp_guid *crypto, *profile, *exchange;
        softcp_hresult expected;
    } bad[] = {
        {NULL, &aes_128_ctr, NULL, &hw_protection, SOFTCP_E_INVALIDARG},
        {core.device, NULL, NULL, &hw_protection, SOFTCP_E_INVALIDARG},
        {core.device, &aes_128_ctr, NULL, NULL, SOFTCP_E_INVALIDARG},
        {core.device, &h264_profile, NULL, &hw_protection, SOFTCP_E_UNSUPPORTEDCRYPTO},
        {core.device, &aes_128_ctr, &rsaes_oaep, &hw_protection, SOFTCP_E_UNSUPPORTEDCRYPTO},
        {core.device, &aes_128_ctr, NULL, &aes_128_ctr, SOFTCP_E_UNSUPPORTEDCRYPTO},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint32_t input = 7, output = 7;
        is_hresult(softcp_private_data_sizes(bad[i].device, bad[i].crypto, bad[i].profile, bad[i].exchange, &input,
                                             &output),
                   bad[i].expected, "private sizes: bad argument %zu", i);
        ok(input == 0 && output == 0, "both are zero (D30)");
    }
    uint32_t size = 7;
    is_hresult(softcp_private_data_sizes(core.device, &aes_128_ctr, NULL, &hw_protection, NULL, &size),
               SOFTCP_E_INVALIDARG, "the input's size into null");
    is_number(size, 0, "the other one is zero (D30)");
    core_end(&core);

    begin(&core, identity, NULL);
    struct softcp_session_desc desc = core_session_desc();
    desc.key_exchange_type = hw_protection;
    softcp_session id = 7;
    is_hresult(softcp_session_create(core.device, &desc, &id), SOFTCP_E_UNSUPPORTEDCRYPTO,
               "a profile without it has no command sessions");
    is_number(id, 0, "the session is zero (D30)");
    is_hresult(softcp_private_data_sizes(core.device, &aes_128_ctr, NULL, &hw_protection, &size, &size),
               SOFTCP_E_UNSUPPORTEDCRYPTO, "nor private data");
    struct core_session media = core_session_keyed(&core);
    uint8_t blob[BLOB_SIZE] = {0};
    uint64_t data = 7;
    blits(&core, media.id, media.key, blob, sizeof blob, SOFTCP_E_INVALIDARG, "a sealed key (D28)");
    is_hresult(softcp_session_new_hardware_key(core.device, media.id, 0, NULL, &data), SOFTCP_E_NOTIMPL,
               "nor hardware keys");
    is_number(data, 0, "the data is zero (D30)");
    core_end(&core);
}

/* A command that does not reach the environment: an error, outputs as they were, written members zero but for the
   status. */
static void refuses_command(const softcp_device *device, softcp_session session, struct softcp_secure_command command,
                            softcp_hresult expected, const char *name)
{
    uint8_t output[16];
    memset(output, FILL, sizeof output);
    command.output = command.output != NULL ? output : NULL;
    command.written = command.effect = 7;
    command.status = 7;
    command.transport_time = command.execution_time = 7;
    is_hresult(softcp_session_execute(device, session, &command), expected, "execute: %s", name);
    is_filled(output, FILL, sizeof output, "%s: the output keeps its bytes", name);
    if (command.size >= sizeof command) {
        ok(command.status == expected && command.written == 0 && command.effect == 0 && command.transport_time == 0 &&
               command.execution_time == 0,
           "%s: the status is the failure, the rest zero", name);
    } else {
        ok(command.status == 7 && command.written == 7, "%s: nothing is written to a structure of unknown size", name);
    }
}

static void test_bad_commands(struct core *core, softcp_session session, const struct core_session *media)
{
    uint8_t byte = 0;
    const struct softcp_secure_command good = {
        .size = sizeof good, .function = VERSION, .output = &byte, .output_size = 16};
    struct softcp_secure_command bad = good;
    refuses_command(NULL, session, bad, SOFTCP_E_INVALIDARG, "no device");
    refuses_command(core->device, 0, bad, SOFTCP_E_INVALIDARG, "no session");
    refuses_command(core->device, session + 1, bad, SOFTCP_E_INVALIDARG, "a number that is none");
    refuses_command(core->device, media->id, bad, SOFTCP_E_INVALIDCALL, "a session of another key exchange");
    bad.size = sizeof bad - 1;
    refuses_command(core->device, session, bad, SOFTCP_E_INVALIDARG, "a byte less than the structure");
    bad.size = 0;
    refuses_command(core->device, session, bad, SOFTCP_E_INVALIDARG, "size 0");
    bad = good;
    bad.output = NULL;
    refuses_command(core->device, session, bad, SOFTCP_E_INVALIDARG, "a null output");
    bad = good;
    bad.input_size = 1;
    refuses_command(core->device, session, bad, SOFTCP_E_INVALIDARG, "a null input");
    bad = good;
    bad.private_input = &byte;
    bad.private_input_size = 1;
    refuses_command(core->device, session, bad, SOFTCP_E_INVALIDARG, "private bytes that there are none of");
    bad = good;
    bad.private_output = &byte;
    bad.private_output_size = 1;
    refuses_command(core->device, session, bad, SOFTCP_E_INVALIDARG, "room for private bytes that there are none of");
    is_hresult(softcp_session_execute(core->device, session, NULL), SOFTCP_E_INVALIDARG, "a null command");
    struct {
        struct softcp_secure_command command;
        uint8_t beyond[32];
    } later;
    memset(&later, FILL, sizeof later);
    uint8_t output[16];
    later.command = good;
    later.command.size = sizeof later;
    later.command.output = output;
    is_hresult(softcp_session_execute(core->device, session, &later.command), SOFTCP_S_OK,
               "a command of a later, larger version");
    ok(later.command.written == 16 && later.command.size == sizeof later, "is carried, and its size stays");
    is_filled(later.beyond, FILL, sizeof later.beyond, "and the rest is left alone");
}

/* A command session is no other session. */
static void test_command_session(struct core *core, softcp_session session)
{
    uint8_t buffer[RSA_SIZE], key[KEY_SIZE] = {0};
    client_key_exchange(core->driver_key, key, sizeof key, buffer);
    is_hresult(softcp_session_negotiate(core->device, session, sizeof buffer, buffer), SOFTCP_E_INVALIDCALL,
               "a command session takes no key exchange");
    memset(buffer, FILL, sizeof buffer);
    is_hresult(softcp_session_start_key_refresh(core->device, session, KEY_SIZE, buffer), SOFTCP_E_INVALIDCALL,
               "no refresh");
    is_hresult(softcp_session_finish_key_refresh(core->device, session), SOFTCP_E_INVALIDCALL, "no end of one");
    is_hresult(softcp_session_encryption_blt_key(core->device, session, KEY_SIZE, buffer), SOFTCP_E_INVALIDCALL,
               "no read-back key");
    is_filled(buffer, FILL, sizeof buffer, "the buffers keep their bytes (D30)");
    blits(core, session, key, NULL, 0, SOFTCP_E_INVALIDCALL, "on a command session");
}

static void test_sealed(struct core *core, const struct commander *commander, const uint8_t kid[KID_SIZE],
                        const uint8_t key[KEY_SIZE], const uint8_t blob[BLOB_SIZE])
{
    struct core_session media = core_session_create(core);
    blits(core, media.id, key, blob, BLOB_SIZE, SOFTCP_E_INVALIDCALL, "a session without a key (D3)");
    is_hresult(core_session_negotiate(&media), SOFTCP_S_OK, "key exchange");
    blits(core, media.id, key, blob, BLOB_SIZE, SOFTCP_S_OK, "a sealed key");
    uint8_t changed[BLOB_SIZE + 1] = {0};
    for (size_t bit = 0; bit < BLOB_SIZE * 8; bit += 61) {
        memcpy(changed, blob, BLOB_SIZE);
        changed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        blits(core, media.id, key, changed, BLOB_SIZE, SOFTCP_E_INVALIDARG, "a bit of it flipped");
    }
    memcpy(changed, blob, BLOB_SIZE);
    static const size_t sizes[] = {0, 1, 15, 17, BLOB_SIZE - 1, BLOB_SIZE + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        blits(core, media.id, key, changed, sizes[i], SOFTCP_E_INVALIDARG, "of another size");
    }

    const softcp_decoder decoder = core_decoder(core, &hw_cenc);
    const GUID kid_guid = guid_of(kid);
    softcp_guid id, other;
    memcpy(&id, &kid_guid, sizeof id);
    other = id;
    other.data4[7] ^= 1;
    const softcp_guid *const ids[] = {&id, NULL, &no_guid, &aes_128_ctr};
    for (int i = 0; i < 4; i++) {
        is_hresult(softcp_decoder_begin_frame(core->device, decoder, media.id, BLOB_SIZE, blob, ids[i]), SOFTCP_S_OK,
                   "a frame with the blob, key id %d", i);
        decoder_decrypts(core, decoder, key, 1, SOFTCP_S_OK, "its key");
        is_hresult(softcp_decoder_end_frame(core->device, decoder), SOFTCP_S_OK, "the frame ends");
    }
    is_hresult(softcp_decoder_begin_frame(core->device, decoder, media.id, BLOB_SIZE, blob, &other),
               SOFTCP_E_INVALIDARG, "a frame that expects another key id");
    is_hresult(softcp_decoder_begin_frame(core->device, decoder, media.id, BLOB_SIZE, changed,
                                          &id),
               SOFTCP_S_OK, "a frame");
    is_hresult(softcp_session_invalidate(core->device, media.id, SOFTCP_SESSION_STATUS_KEY_LOST), SOFTCP_S_OK, "lost");
    decoder_decrypts(core, decoder, key, 2, SOFTCP_E_INVALIDCALL, "in the middle of the frame (D23)");
    is_hresult(softcp_decoder_end_frame(core->device, decoder), SOFTCP_S_OK, "which can be ended");
    is_hresult(core_session_negotiate(&media), SOFTCP_S_OK, "a new key exchange");
    blits(core, media.id, key, blob, BLOB_SIZE, SOFTCP_S_OK, "the blob is good as before: it was no teardown");
    executes(commander, REVOKE, kid, KID_SIZE, 4, S_OK, 4, NULL, "REVOKE");
    blits(core, media.id, key, blob, BLOB_SIZE, SOFTCP_E_INVALIDARG, "a revoked key");
    is_hresult(softcp_decoder_begin_frame(core->device, decoder, media.id, BLOB_SIZE, blob, &id), SOFTCP_E_INVALIDARG,
               "no frame either");
    softcp_decoder_unregister(core->device, decoder);
    softcp_session_destroy(core->device, media.id);
}

static void test_commands(const char *identity)
{
    struct core core, stranger;
    begin(&core, identity, OPTIONS);
    struct over over = {core.device, session_of(&core, &hw_protection)};
    const struct commander commander = {&over, execute};
    struct core_session media = core_session_keyed(&core);
    has_status(&core, over.session, SOFTCP_SESSION_STATUS_OK, "a new command session");
    test_bad_commands(&core, over.session, &media);
    test_command_session(&core, over.session);
    test_clear_key_commands(&commander);
    has_status(&core, over.session, SOFTCP_SESSION_STATUS_KEY_LOST, "a command session after TEARDOWN");
    test_command_session(&core, over.session);
    is_hresult(core_session_negotiate(&media), SOFTCP_S_OK, "the media session recovers by a key exchange");
    uint8_t kid[KID_SIZE], key[KEY_SIZE], blob[BLOB_SIZE];
    client_random(kid, sizeof kid);
    client_random(key, sizeof key);
    make_blob(&commander, kid, key, blob);
    has_status(&core, over.session, SOFTCP_SESSION_STATUS_OK, "it recovers by PROVISION");
    test_sealed(&core, &commander, kid, key, blob);

    begin(&stranger, identity, OPTIONS);
    struct over elsewhere = {stranger.device, session_of(&stranger, &hw_protection)};
    const struct commander other = {&elsewhere, execute};
    uint8_t foreign[BLOB_SIZE];
    make_blob(&other, kid, key, foreign);
    blits(&core, media.id, key, foreign, BLOB_SIZE, SOFTCP_E_INVALIDARG, "another adapter's blob");
    is_hresult(softcp_session_destroy(core.device, over.session), SOFTCP_S_OK, "destroy");
    refuses_command(core.device, over.session,
                    (struct softcp_secure_command){.size = sizeof(struct softcp_secure_command), .function = VERSION},
                    SOFTCP_E_INVALIDARG, "a destroyed session");
    core_end(&stranger);
    core_end(&core);
}

/* Who hears of a teardown, what is lost, and what brings it back. */
static void test_teardown(const char *identity)
{
    struct core core;
    begin(&core, identity, OPTIONS ";quirks.key_exchange_alias=true");
    struct over over = {core.device, session_of(&core, &hw_protection)};
    const struct commander commander = {&over, execute};
    struct core_session keyed = core_session_keyed(&core), untouched = core_session_create(&core);
    const softcp_session media = session_of(&core, &aes_128_ctr);
    uint8_t kid[KID_SIZE], key[KEY_SIZE], blob[BLOB_SIZE], old[BLOB_SIZE];
    client_random(kid, sizeof kid);
    client_random(key, sizeof key);
    make_blob(&commander, kid, key, blob);
    blits(&core, media, key, blob, BLOB_SIZE, SOFTCP_S_OK, "a media session needs no key exchange (D29)");
    blits(&core, media, key, NULL, 0, SOFTCP_E_INVALIDCALL, "but has no session key");
    uint64_t data = 0, again = 0;
    is_hresult(softcp_session_new_hardware_key(core.device, media, 0, NULL, &data), SOFTCP_S_OK, "a hardware key");
    is_hresult(softcp_session_new_hardware_key(core.device, media, BLOB_SIZE, blob, &again), SOFTCP_S_OK,
               "one with a blob");
    ok(data != 0 && data == again, "its data is the provisioning's number");
    is_hresult(softcp_session_new_hardware_key(core.device, media, BLOB_SIZE - 1, blob, &again), SOFTCP_E_INVALIDARG,
               "one with half a blob");
    is_number(again, 0, "the data is zero (D30)");
    is_hresult(softcp_session_new_hardware_key(core.device, media, 1, NULL, &again), SOFTCP_E_INVALIDARG, "null input");
    is_hresult(softcp_session_new_hardware_key(core.device, media, 0, NULL, NULL), SOFTCP_E_INVALIDARG, "into null");
    is_hresult(softcp_session_new_hardware_key(NULL, media, 0, NULL, &again), SOFTCP_E_INVALIDARG, "no device");
    again = 7;
    is_hresult(softcp_session_new_hardware_key(core.device, keyed.id, 0, NULL, &again), SOFTCP_E_INVALIDCALL,
               "an RSA session has no hardware key");
    is_number(again, 0, "the data is zero (D30)");
    is_number(heard.calls, 0, "nothing was lost so far");

    memcpy(old, blob, sizeof old);
    static const uint32_t losses[] = {SOFTCP_SESSION_STATUS_KEY_LOST, SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST};
    for (int i = 0; i < 2; i++) {
        const unsigned calls = heard.calls;
        is_hresult(softcp_adapter_teardown(core.adapter, losses[i]), SOFTCP_S_OK, "teardown %u", losses[i]);
        ok(heard.calls == calls + 1 && heard.session == 0 && heard.status == losses[i], "the host hears of it once");
        is_hresult(softcp_adapter_teardown(core.adapter, losses[i]), SOFTCP_S_OK, "teardown %u again", losses[i]);
        is_number(heard.calls, calls + 1, "has nothing to take");
        has_status(&core, over.session, losses[i], "the command session");
        has_status(&core, media, losses[i], "the media session");
        has_status(&core, keyed.id, losses[i], "the RSA session");
        has_status(&core, untouched.id, SOFTCP_SESSION_STATUS_OK, "a session without a key has nothing to lose");
        blits(&core, media, key, blob, BLOB_SIZE, SOFTCP_E_INVALIDCALL, "an environment that is not provisioned");
        is_hresult(softcp_session_new_hardware_key(core.device, media, 0, NULL, &data), SOFTCP_E_INVALIDCALL,
                   "no hardware key before provisioning");
        make_blob(&commander, kid, key, blob);
        has_status(&core, over.session, SOFTCP_SESSION_STATUS_OK, "PROVISION brings the command session back");
        has_status(&core, media, losses[i], "and no other");
        blits(&core, media, key, blob, BLOB_SIZE, SOFTCP_E_INVALIDCALL, "lost (D23)");
        is_hresult(softcp_session_new_hardware_key(core.device, media, 0, NULL, &data), SOFTCP_S_OK, "a hardware key");
        has_status(&core, media, SOFTCP_SESSION_STATUS_OK, "brings the media session back");
        blits(&core, media, key, blob, BLOB_SIZE, SOFTCP_S_OK, "recovered");
        blits(&core, media, key, old, BLOB_SIZE, SOFTCP_E_INVALIDARG, "a blob of before the teardown");
        is_hresult(core_session_negotiate(&keyed), SOFTCP_S_OK, "a key exchange brings the RSA session back");
        core_session_decrypts(&keyed, "recovered");
    }
    unsigned calls = heard.calls;
    is_hresult(softcp_session_invalidate(core.device, keyed.id, losses[0]), SOFTCP_S_OK, "one session lost");
    ok(heard.calls == calls + 1 && heard.session == keyed.id && heard.status == losses[0], "the host hears which");
    has_status(&core, media, SOFTCP_SESSION_STATUS_OK, "the others are as they were");
    blits(&core, media, key, blob, BLOB_SIZE, SOFTCP_S_OK, "and so is the environment");
    static const uint32_t none[] = {0, 3, UINT32_MAX};
    for (int i = 0; i < 3; i++) {
        is_hresult(softcp_adapter_teardown(core.adapter, none[i]), SOFTCP_E_INVALIDARG, "teardown %u", none[i]);
    }
    is_hresult(softcp_adapter_teardown(NULL, losses[0]), SOFTCP_E_INVALIDARG, "teardown of no adapter");
    calls = heard.calls;
    executes(&commander, TEARDOWN, NULL, 0, 0, S_OK, 0, NULL, "TEARDOWN");
    ok(heard.calls == calls + 1 && heard.session == 0 && heard.status == losses[0], "the host hears of that too");
    has_status(&core, media, SOFTCP_SESSION_STATUS_KEY_LOST, "the media session");
    struct core other = core;
    is_hresult(softcp_device_create(core.adapter, &core.host.callbacks, &other.device), SOFTCP_S_OK, "a second device");
    struct core_session elsewhere = core_session_keyed(&other);
    calls = heard.calls;
    executes(&commander, TEARDOWN, NULL, 0, 0, S_OK, 0, NULL, "TEARDOWN");
    is_number(heard.calls, calls + 1, "of two devices' hosts only that one hears which lost something");
    is_hresult(core_session_negotiate(&keyed), SOFTCP_S_OK, "key exchange");
    is_hresult(core_session_negotiate(&elsewhere), SOFTCP_S_OK, "key exchange on the second device");
    calls = heard.calls;
    is_hresult(softcp_adapter_teardown(core.adapter, losses[1]), SOFTCP_S_OK, "teardown");
    is_number(heard.calls, calls + 2, "both hosts hear of a teardown");
    has_status(&other, elsewhere.id, losses[1], "the second device's session");
    softcp_device_destroy(other.device);
    core_end(&core);
}

/* Resources that the host was asked to protect. */
static struct switched {
    unsigned calls;
    void *resource;
    uint32_t is_protected;
    softcp_hresult result;
} switched;

static softcp_hresult SOFTCP_CALL set_protection(void *context, void *resource, uint32_t is_protected)
{
    (void)context;
    switched = (struct switched){switched.calls + 1, resource, is_protected, switched.result};
    return switched.result;
}

static void test_set_hardware_protection(const char *identity)
{
    const void *entry = softcp_ddi_entry("pfnSetHardwareProtection");
    PFND3DWDDM2_0DDI_SETHARDWAREPROTECTION set = NULL;
    ok(entry != NULL, "softcp_ddi_entry has SetHardwareProtection, which no video table has");
    memcpy(&set, &entry, sizeof set);
    int device = 0, cookie = 0;
    const D3D10DDI_HDEVICE h_device = {&device};
    const D3D10DDI_HRESOURCE resource = {&cookie}, null = {NULL};
    static const struct {
        const char *options;
        bool has_callback;
        softcp_hresult result, expected;
    } cases[] = {
        {"capabilities.flags.hardware_protected_memory_transition=true", true, 0, SOFTCP_S_OK},
        {"capabilities.flags.hardware_protected_memory_transition=true", true, 1, SOFTCP_S_OK},
        {"capabilities.flags.hardware_protected_memory_transition=true", true, INT32_MIN, INT32_MIN},
        {"capabilities.flags.hardware_protected_memory_transition=true", false, 0, SOFTCP_E_NOTIMPL},
        {NULL, true, 0, SOFTCP_E_NOTIMPL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct core core;
        core_begin(&core, identity, cases[i].options);
        softcp_device_destroy(core.device);
        core.host.callbacks.set_hardware_protection = cases[i].has_callback ? set_protection : NULL;
        is_hresult(softcp_device_create(core.adapter, &core.host.callbacks, &core.device), SOFTCP_S_OK, "a device");
        is_hresult(softcp_ddi_attach(core.device, h_device), SOFTCP_S_OK, "attached");
        switched = (struct switched){.result = cases[i].result};
        static const BOOL values[] = {1, 0, 7};
        for (int j = 0; j < 3; j++) {
            core.host.reports = 0;
            set(h_device, resource, values[j]);
            is_number(core.host.reports, cases[i].expected != SOFTCP_S_OK, "SetHardwareProtection %d: reports",
                      values[j]);
            if (cases[i].expected != SOFTCP_S_OK) {
                is_hresult(core.host.reported, cases[i].expected, "the HRESULT");
                ok(strcmp(core.host.function, "SetHardwareProtection") == 0, "the entry");
            } else {
                ok(switched.resource == &cookie && switched.is_protected == (values[j] != 0), "the host is told");
            }
        }
        const unsigned calls = switched.calls;
        core.host.reports = 0;
        set(h_device, null, 1);
        is_number(core.host.reports, 1, "a null resource is one report");
        is_number(switched.calls, calls, "and the host is not asked");
        core_end(&core);
        set(h_device, resource, 1);
        is_number(switched.calls, calls, "without a device the host is not asked");
    }
}

/* A page whose end nothing can be read or written behind. */
struct guarded {
    uint8_t *pages;
    size_t page;
};

static struct guarded guarded_begin(void)
{
    struct guarded guarded = {NULL, (size_t)sysconf(_SC_PAGESIZE)};
    void *pages = NULL;
    if (posix_memalign(&pages, guarded.page, 2 * guarded.page) != 0) {
        tap_bail_out("no memory");
    }
    guarded.pages = pages;
    memset(guarded.pages, FILL, 2 * guarded.page);
    if (mprotect(guarded.pages + guarded.page, guarded.page, PROT_NONE) != 0) {
        tap_bail_out("no guard page");
    }
    return guarded;
}

static void guarded_end(struct guarded *guarded)
{
    mprotect(guarded->pages + guarded->page, guarded->page, PROT_READ | PROT_WRITE);
    free(guarded->pages);
}

/* Sizes that are claimed for a few bytes before a guard page: each is compared with what is allowed before a byte of them
   is touched (D34). A byte too many ends the program. */
static void test_claimed_sizes(const char *identity)
{
    static const uint32_t sizes[] = {0xFFFFFFFFu, 0xFFFFFFF0u, 0x80000000u, 0x7FFFFFFFu, 0x10000000u, 1048577u};
    struct core core;
    begin(&core, identity, OPTIONS);
    softcp_session commands = session_of(&core, &hw_protection);
    struct core_session media = core_session_keyed(&core);
    struct guarded guarded = guarded_begin();
    uint8_t *few = guarded.pages + guarded.page - 8;
    softcp_decoder decoder = 0;
    softcp_decoder_register(core.device, NULL, &decoder);
    struct resource *source = resource_buffer(SIZE), *destination = resource_buffer(SIZE);
    uint8_t iv[IV_SIZE] = {0};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const uint32_t size = sizes[i];
        for (int which = 0; which < 4; which++) {
            struct softcp_secure_command command = {
                .size = sizeof command,
                .function = VERSION,
                .private_input = few,
                .input = few,
                .private_output = few,
                .output = few,
                .private_input_size = which == 0 ? size : 0,
                .input_size = which == 1 ? size : 0,
                .private_output_size = which == 2 ? size : 0,
                .output_size = which == 3 ? size : 8,
            };
            is_hresult(softcp_session_execute(core.device, commands, &command), SOFTCP_E_INVALIDARG,
                       "command: size %d of 0x%x", which, size);
            is_hresult(command.status, SOFTCP_E_INVALIDARG, "and the status");
        }
        uint64_t data = 7;
        ok(softcp_session_new_hardware_key(core.device, commands, size, few, &data) < 0 && data == 0,
           "hardware key: private input of 0x%x", size);
        is_hresult(softcp_session_decryption_blt(core.device, media.id, source, destination, NULL, size, few,
                                                 sizeof iv, iv),
                   SOFTCP_E_INVALIDARG, "blit: content key of 0x%x", size);
        is_hresult(softcp_session_decryption_blt(core.device, media.id, source, destination, NULL, 0, NULL, size, few),
                   SOFTCP_E_INVALIDARG, "blit: IV of 0x%x", size);
        is_hresult(softcp_session_encryption_blt(core.device, media.id, source, destination, size, few),
                   SOFTCP_E_INVALIDARG, "read-back: IV of 0x%x", size);
        is_hresult(softcp_session_start_key_refresh(core.device, media.id, size, few), SOFTCP_E_INVALIDARG,
                   "refresh number of 0x%x", size);
        is_hresult(softcp_session_encryption_blt_key(core.device, media.id, size, few), SOFTCP_E_INVALIDARG,
                   "read-back key of 0x%x", size);
        is_hresult(softcp_session_negotiate(core.device, media.id, size, few), SOFTCP_E_INVALIDARG,
                   "key exchange of 0x%x", size);
        is_hresult(softcp_session_certificate(core.device, &aes_128_ctr, size, few), SOFTCP_E_INVALIDARG,
                   "certificate of 0x%x", size);
        is_hresult(softcp_channel_certificate(core.device, SOFTCP_CHANNEL_DRIVER_SOFTWARE, size, few),
                   SOFTCP_E_INVALIDARG, "channel certificate of 0x%x", size);
        is_hresult(softcp_decoder_begin_frame(core.device, decoder, media.id, size, few, NULL), SOFTCP_E_INVALIDARG,
                   "frame: content key of 0x%x", size);
        is_hresult(softcp_decoder_begin_frame(core.device, decoder, media.id, 0, NULL, NULL), SOFTCP_S_OK, "a frame");
        struct softcp_decoder_buffer buffer = {
            .size = sizeof buffer,
            .buffer_type = 6,
            .source = few,
            .destination = few,
            .iv = iv,
            .subsamples = (const struct softcp_subsample *)(const void *)few,
            .data_size = size,
            .iv_size = sizeof iv,
            .subsample_count = size,
        };
        is_hresult(softcp_decoder_decrypt_buffer(core.device, decoder, &buffer), SOFTCP_E_INVALIDARG,
                   "buffer: as many subsamples as bytes, 0x%x", size);
        buffer.subsamples = NULL;
        buffer.subsample_count = 0;
        buffer.iv_size = size;
        is_hresult(softcp_decoder_decrypt_buffer(core.device, decoder, &buffer), SOFTCP_E_INVALIDARG,
                   "buffer: IV of 0x%x", size);
        is_hresult(softcp_decoder_end_frame(core.device, decoder), SOFTCP_S_OK, "its end");
    }
    is_filled(few, FILL, 8, "nothing is written");
    /* A text without an end. */
    char *text = malloc((1 << 17) + 1);
    memset(text, ' ', 1 << 17);
    text[1 << 17] = '\0';
    is_hresult(softcp_inject_fault(core.device, text), SOFTCP_E_INVALIDARG, "a text of 131,072 bytes");
    free(text);
    core_session_decrypts(&media, "and everything is as it was");
    resource_free(source);
    resource_free(destination);
    guarded_end(&guarded);
    core_end(&core);
}

/* D36: what a removed device says to the functions that its adapter would answer. */
static void test_removed_hardware(const char *identity)
{
    struct core core;
    begin(&core, identity, "faults.opt_in=true");
    struct core_session session = core_session_keyed(&core);
    is_hresult(softcp_inject_fault(core.device, "device-removed"), SOFTCP_S_OK, "device-removed");
    struct softcp_session_desc desc = core_session_desc();
    softcp_session id = 7;
    is_hresult(softcp_session_create(core.device, &desc, &id), SOFTCP_E_DEVICEREMOVED, "no session");
    struct softcp_content_protection_caps caps;
    softcp_guid type;
    uint32_t size = 7, output = 7, enforced = 7;
    size_t handle = 7;
    is_hresult(softcp_caps(core.device, &aes_128_ctr, NULL, &caps), SOFTCP_E_DEVICEREMOVED, "no capabilities");
    is_number(caps.caps, 0, "they are zero (D30)");
    is_hresult(softcp_key_exchange_type(core.device, &aes_128_ctr, NULL, 0, &type), SOFTCP_E_DEVICEREMOVED, "no types");
    is_hresult(softcp_session_certificate_size(core.device, &aes_128_ctr, &size), SOFTCP_E_DEVICEREMOVED,
               "no certificate");
    is_number(size, 0, "its size is zero (D30)");
    is_hresult(softcp_channel_certificate_size(core.device, SOFTCP_CHANNEL_DRIVER_SOFTWARE, &size),
               SOFTCP_E_DEVICEREMOVED, "none of channels");
    is_hresult(softcp_private_data_sizes(core.device, &aes_128_ctr, NULL, &rsaes_oaep, &size, &output),
               SOFTCP_E_DEVICEREMOVED, "no private sizes");
    is_hresult(softcp_protected_memory_reserve(core.device, 1), SOFTCP_E_DEVICEREMOVED, "no protected memory");
    is_hresult(softcp_session_handle(core.device, session.id, &handle), SOFTCP_E_DEVICEREMOVED, "no handle");
    is_hresult(softcp_protection_enforced(core.device, &enforced), SOFTCP_S_OK, "protection is told");
    is_hresult(softcp_protected_memory_release(core.device, 0), SOFTCP_S_OK, "memory is given back");
    is_hresult(softcp_session_destroy(core.device, session.id), SOFTCP_S_OK, "the session is destroyed");
    core_end(&core);
}

void test_core_hardware(const char *identity)
{
    test_offered(identity);
    test_commands(identity);
    test_teardown(identity);
    test_set_hardware_protection(identity);
    test_claimed_sizes(identity);
    test_removed_hardware(identity);
}
