/* Channels as a correct application uses them: every query with its values, every command with its effect. */
#include "channel_tests.h"

#include <stdio.h>
#include <string.h>

static const GUID none = {0};
static const uint64_t default_outputs[] = {1};

const struct configured configured_by_default = {
    .outputs = default_outputs,
    .output_count = 1,
    .bus_type = D3D11_BUS_TYPE_OTHER,
    .contiguous = 1,
    .non_contiguous = 1,
    .encryptions = &D3D11_CRYPTO_TYPE_AES128_CTR,
    .encryption_count = 1,
};

struct channel channel_keyed(const struct stage *stage)
{
    struct channel channel = stage->create(stage, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
    HRESULT hresult = channel_negotiate(&channel);
    if (hresult != S_OK) {
        tap_bail_out("no key exchange of a channel: 0x%08x", (unsigned)hresult);
    }
    return channel;
}

struct channel channel_ready(const struct stage *stage)
{
    struct channel channel = channel_keyed(stage);
    UINT first[2];
    client_random(first, sizeof first);
    channel_initialize(&channel, first[0] >> 1, first[1] >> 1); /* far from the end of either sequence */
    return channel;
}

void channel_end(struct channel *channel)
{
    channel->route->destroy(channel);
}

const char *state_of(const struct stage *stage, struct channel *channel, struct state *state)
{
    static const int kinds[] = {QUERY_PROTECTION, QUERY_PROCESS_COUNT, QUERY_CRYPTO_SESSION, QUERY_CURRENT_ENCRYPTION};
    union answer answers[4];
    const char *wrong = NULL;
    for (int i = 0; i < 4; i++) {
        struct query query = kinds[i] == QUERY_CRYPTO_SESSION ? query_crypto_session(channel, stage->decoder)
                                                              : channel_query(channel, kinds[i]);
        const char *this_wrong = channel_ask(channel, query.as.bytes, query.size, query.answer_size, query.answer_size,
                                             S_OK, &answers[i]);
        wrong = wrong != NULL ? wrong : this_wrong;
    }
    memset(state, 0, sizeof *state);
    state->protection = answers[0].protection.ProtectionFlags.Value;
    state->processes = answers[1].process_count.RestrictedSharedResourceProcessCount;
    state->session = answers[2].crypto_session.CryptoSessionHandle;
    state->encryption = answers[3].current_encryption.EncryptionGuid;
    return wrong;
}

struct command command_of_kind(const struct stage *stage, struct channel *channel, int kind, HANDLE device)
{
    switch (kind) {
    case INITIALIZE: {
        struct command command = channel_command(channel, INITIALIZE);
        command.as.initialize.StartSequenceQuery = 100;
        command.as.initialize.StartSequenceConfigure = 200;
        channel_sign(channel, &command);
        return command;
    }
    case PROTECTION:
        return command_protection(channel, D3D11_AUTHENTICATED_PROTECTION_FLAG_OVERLAY_OR_FULLSCREEN_REQUIRED);
    case CRYPTO_SESSION:
        return command_crypto_session(channel, stage->decoder, stage->session, device);
    case SHARED_RESOURCE:
        return command_shared_resource(channel, D3D11_PROCESSIDTYPE_HANDLE, (HANDLE)(uintptr_t)0x1234, 1);
    default:
        return command_encryption(channel, &D3D11_CRYPTO_TYPE_AES128_CTR);
    }
}

struct query query_of_kind(const struct stage *stage, struct channel *channel, int kind, HANDLE device)
{
    switch (kind) {
    case QUERY_CRYPTO_SESSION:
        return query_crypto_session(channel, stage->decoder);
    case QUERY_OUTPUT_COUNT:
    case QUERY_OUTPUT:
        return query_outputs(channel, kind, device, stage->session, 0);
    case QUERY_PROCESS:
    case QUERY_ENCRYPTION:
        return query_index(channel, kind, 0);
    default:
        return channel_query(channel, kind);
    }
}

void test_omac(void)
{
    static const uint8_t key[KEY_SIZE] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                          0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
    static const uint8_t message[40] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d,
                                        0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a, 0xae, 0x2d, 0x8a, 0x57,
                                        0x1e, 0x03, 0xac, 0x9c, 0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf,
                                        0x8e, 0x51, 0x30, 0xc8, 0x1c, 0x46, 0xa3, 0x5c, 0xe4, 0x11};
    static const struct {
        size_t size;
        uint8_t omac[OMAC_SIZE];
    } examples[] = {
        {0, {0xbb, 0x1d, 0x69, 0x29, 0xe9, 0x59, 0x37, 0x28, 0x7f, 0xa3, 0x7d, 0x12, 0x9b, 0x75, 0x67, 0x46}},
        {16, {0x07, 0x0a, 0x16, 0xb4, 0x6b, 0x4d, 0x41, 0x44, 0xf7, 0x9b, 0xdd, 0x9d, 0xd0, 0x4a, 0x28, 0x7c}},
        {40, {0xdf, 0xa6, 0x67, 0x47, 0xde, 0x9a, 0xe6, 0x30, 0x30, 0xca, 0x32, 0x61, 0x14, 0x97, 0xc8, 0x27}},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        uint8_t omac[OMAC_SIZE];
        client_omac(key, message, examples[i].size, omac);
        is_bytes(omac, examples[i].omac, sizeof omac, "OMAC1 of %zu bytes, as in NIST SP 800-38B", examples[i].size);
    }
}

/* The queries whose values nothing changes. */
static void test_constant_queries(const struct stage *stage, struct channel *channel, HANDLE device)
{
    const struct configured *configured = &stage->configured;
    union answer answer;
    struct query query = channel_query(channel, QUERY_CHANNEL_TYPE);
    asks(channel, &query, S_OK, &answer, "CHANNEL_TYPE");
    is_number(answer.channel_type.ChannelType, channel->type, "it is the type that was asked for");
    ok(channel_device(channel) == device, "the device's handle stays the same");
    query = channel_query(channel, QUERY_ACCESSIBILITY);
    asks(channel, &query, S_OK, &answer, "ACCESSIBILITY_ATTRIBUTES");
    is_number(answer.accessibility.BusType, configured->bus_type, "bus type and modifiers, as configured");
    is_number(answer.accessibility.AccessibleInContiguousBlocks, configured->contiguous, "contiguous blocks");
    is_number(answer.accessibility.AccessibleInNonContiguousBlocks, configured->non_contiguous, "scattered blocks");

    const HANDLE sessions[] = {stage->session, stage->second_session};
    for (int i = 0; i < 2; i++) {
        query = query_outputs(channel, QUERY_OUTPUT_COUNT, device, sessions[i], 0);
        asks(channel, &query, S_OK, &answer, "OUTPUT_ID_COUNT of session %d", i);
        is_number(answer.output_count.OutputIDCount, configured->output_count, "as many outputs as configured");
        ok(answer.output_count.DeviceHandle == device && answer.output_count.CryptoSessionHandle == sessions[i],
           "device and session are repeated");
        for (UINT index = 0; index < configured->output_count; index++) {
            query = query_outputs(channel, QUERY_OUTPUT, device, sessions[i], index);
            asks(channel, &query, S_OK, &answer, "OUTPUT_ID %u", index);
            ok(answer.output.OutputID == configured->outputs[index] && answer.output.OutputIDIndex == index,
               "identifier and index");
            ok(answer.output.DeviceHandle == device && answer.output.CryptoSessionHandle == sessions[i],
               "device and session are repeated");
        }
    }
    const UINT past[] = {configured->output_count, configured->output_count + 1, UINT32_MAX};
    for (int i = 0; i < 3; i++) {
        query = query_outputs(channel, QUERY_OUTPUT, device, stage->session, past[i]);
        asks(channel, &query, E_INVALIDARG, NULL, "OUTPUT_ID %u is past the end", past[i]);
    }

    query = channel_query(channel, QUERY_ENCRYPTION_COUNT);
    asks(channel, &query, S_OK, &answer, "ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT");
    is_number(answer.encryption_count.EncryptionGuidCount, configured->encryption_count, "as configured");
    for (UINT index = 0; index < configured->encryption_count; index++) {
        query = query_index(channel, QUERY_ENCRYPTION, index);
        asks(channel, &query, S_OK, &answer, "ENCRYPTION_WHEN_ACCESSIBLE_GUID %u", index);
        is_number(answer.encryption.EncryptionGuidIndex, index, "the index is repeated");
        is_bytes(&answer.encryption.EncryptionGuid, &configured->encryptions[index], sizeof(GUID), "the encryption");
    }
    const UINT past_encryptions[] = {configured->encryption_count, UINT32_MAX};
    for (int i = 0; i < 2; i++) {
        query = query_index(channel, QUERY_ENCRYPTION, past_encryptions[i]);
        asks(channel, &query, E_INVALIDARG, NULL, "ENCRYPTION_WHEN_ACCESSIBLE_GUID %u is past the end",
             past_encryptions[i]);
    }
}

/* Handles that are no live object of the channel's device. */
static void test_wrong_handles(const struct stage *stage, struct channel *channel, HANDLE device)
{
    const struct {
        const char *name;
        HANDLE device, session, decoder;
    } wrong[] = {
        {"null device", NULL, stage->session, stage->decoder},
        {"number that is no device", (HANDLE)(uintptr_t)0x5A5A5A5A, stage->session, stage->decoder},
        {"another device", stage->foreign_device, stage->session, stage->decoder},
        {"session as device", stage->session, stage->session, stage->decoder},
        {"null session", device, NULL, stage->decoder},
        {"number that is no session", device, (HANDLE)(uintptr_t)0x5A5A5A5A, stage->decoder},
        {"destroyed session", device, stage->stale_session, stage->decoder},
        {"another device's session", device, stage->foreign_session, stage->decoder},
        {"device as session", device, device, stage->decoder},
        {"decoder as session", device, stage->decoder, stage->decoder},
        {"channel as session", device, channel->handle, stage->decoder},
        {"null decoder", device, stage->session, NULL},
        {"number that is no decoder", device, stage->session, (HANDLE)(uintptr_t)0x5A5A5A5A},
        {"destroyed decoder", device, stage->session, stage->stale_decoder},
        {"another device's decoder", device, stage->session, stage->foreign_decoder},
        {"session as decoder", device, stage->session, stage->session},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct query query;
        if (wrong[i].decoder == stage->decoder) {
            query = query_outputs(channel, QUERY_OUTPUT_COUNT, wrong[i].device, wrong[i].session, 0);
            asks(channel, &query, E_INVALIDARG, NULL, "OUTPUT_ID_COUNT: %s", wrong[i].name);
            query = query_outputs(channel, QUERY_OUTPUT, wrong[i].device, wrong[i].session, 0);
            asks(channel, &query, E_INVALIDARG, NULL, "OUTPUT_ID: %s", wrong[i].name);
        } else {
            query = query_crypto_session(channel, wrong[i].decoder);
            asks(channel, &query, E_INVALIDARG, NULL, "CRYPTO_SESSION: %s", wrong[i].name);
        }
        struct command command =
            command_crypto_session(channel, wrong[i].decoder, wrong[i].session, wrong[i].device);
        commands(channel, &command, E_INVALIDARG, "CONFIGURE_CRYPTO_SESSION: %s", wrong[i].name);
    }
}

static void is_bound(struct channel *channel, HANDLE decoder, HANDLE session, HANDLE device, const char *name)
{
    struct query query = query_crypto_session(channel, decoder);
    union answer answer;
    asks(channel, &query, S_OK, &answer, "CRYPTO_SESSION: %s", name);
    ok(answer.crypto_session.DecoderHandle == decoder && answer.crypto_session.CryptoSessionHandle == session &&
           answer.crypto_session.DeviceHandle == device,
       "decoder, session and device");
}

static void test_binding(const struct stage *stage, struct channel *channel, HANDLE device)
{
    is_bound(channel, stage->second_decoder, NULL, device, "a decoder without a session");
    struct command command = command_crypto_session(channel, stage->decoder, stage->session, device);
    commands(channel, &command, S_OK, "CONFIGURE_CRYPTO_SESSION");
    is_bound(channel, stage->decoder, stage->session, device, "a decoder with a session");
    is_bound(channel, stage->second_decoder, NULL, device, "another decoder");
    command = command_crypto_session(channel, stage->second_decoder, stage->session, device);
    commands(channel, &command, S_OK, "one session for two decoders");
    command = command_crypto_session(channel, stage->decoder, stage->second_session, device);
    commands(channel, &command, S_OK, "another session for a decoder");
    is_bound(channel, stage->decoder, stage->second_session, device, "the newer session");
    is_bound(channel, stage->second_decoder, stage->session, device, "the other decoder");
}

static void is_protected(struct channel *channel, UINT flags, const char *name)
{
    struct query query = channel_query(channel, QUERY_PROTECTION);
    union answer answer;
    asks(channel, &query, S_OK, &answer, "PROTECTION: %s", name);
    is_number(answer.protection.ProtectionFlags.Value, flags, "%s: flags %u", name, flags);
}

static void test_protection(const struct stage *stage, struct channel *channel)
{
    is_protected(channel, 0, "at first");
    static const UINT flags[] = {1, 3, 2, 0, 1};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        struct command command = command_protection(channel, flags[i]);
        commands(channel, &command, S_OK, "CONFIGURE_PROTECTION %u", flags[i]);
        is_protected(channel, flags[i], "as set");
    }
    static const UINT unknown[] = {4, 5, 0x80000000u, 0xFFFFFFFFu, 0xFFFFFFFCu};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        struct command command = command_protection(channel, unknown[i]);
        commands(channel, &command, E_INVALIDARG, "unknown flags 0x%08x", unknown[i]);
    }
    is_protected(channel, 1, "unknown flags change nothing");

    struct channel other = channel_ready(stage);
    is_protected(&other, 1, "another channel sees what is in force on the device");
    struct command command = command_protection(&other, 0);
    commands(&other, &command, S_OK, "another channel, which enabled nothing, disables");
    is_protected(&other, 1, "which takes nothing away");
    command = command_protection(&other, 1);
    commands(&other, &command, S_OK, "another channel enables too");
    command = command_protection(channel, 0);
    commands(channel, &command, S_OK, "the first one disables");
    is_protected(channel, 1, "and the other one's lasts");
    channel_end(&other);
    is_protected(channel, 0, "as long as that channel");
}

static UINT process_count(struct channel *channel)
{
    struct query query = channel_query(channel, QUERY_PROCESS_COUNT);
    union answer answer;
    asks(channel, &query, S_OK, &answer, "RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT");
    return answer.process_count.RestrictedSharedResourceProcessCount;
}

/* How often a process is in the list. */
static unsigned listed(struct channel *channel, UINT type, HANDLE process)
{
    unsigned found = 0;
    for (UINT index = 0, count = process_count(channel); index < count && index < 1000; index++) {
        struct query query = query_index(channel, QUERY_PROCESS, index);
        union answer answer;
        asks(channel, &query, S_OK, &answer, "RESTRICTED_SHARED_RESOURCE_PROCESS %u", index);
        is_number(answer.process.ProcessIndex, index, "the index is repeated");
        found += answer.process.ProcessIdentifier == type && answer.process.ProcessHandle == process;
    }
    return found;
}

static void share(struct channel *channel, UINT type, uintptr_t process, BOOL allow, HRESULT hresult, const char *name)
{
    struct command command = command_shared_resource(channel, type, (HANDLE)process, allow);
    commands(channel, &command, hresult, "CONFIGURE_SHARED_RESOURCE: %s", name);
}

static void test_processes_of_channels(const struct stage *stage, struct channel *channel)
{
    const UINT unknown = D3D11_PROCESSIDTYPE_UNKNOWN, dwm = D3D11_PROCESSIDTYPE_DWM;
    const UINT by_handle = D3D11_PROCESSIDTYPE_HANDLE;
    HANDLE const one = (HANDLE)(uintptr_t)0x1234, two = (HANDLE)(uintptr_t)0x5678;
    UINT before = process_count(channel);
    share(channel, by_handle, 0x1234, 1, S_OK, "a process");
    is_number(listed(channel, by_handle, one), 1, "it is in the list");
    share(channel, dwm, 0x77, 1, S_OK, "the window manager, whatever the handle");
    is_number(listed(channel, dwm, NULL), 1, "it is in the list, with a null handle");
    share(channel, by_handle, 0x5678, -1, S_OK, "any BOOL that is not zero is true");
    is_number(listed(channel, by_handle, two), 1, "it is in the list");
    is_number(process_count(channel), before + 3, "three processes more");
    share(channel, by_handle, 0x1234, 1, S_OK, "a process that is allowed already");
    is_number(listed(channel, by_handle, one), 1, "is in the list once");
    share(channel, unknown, 0x9999, 1, E_INVALIDARG, "an unknown process");
    share(channel, 3, 0x9999, 1, E_INVALIDARG, "type 3");
    share(channel, UINT32_MAX, 0x9999, 1, E_INVALIDARG, "type 0xFFFFFFFF");
    share(channel, UINT32_MAX, 0x9999, 0, E_INVALIDARG, "type 0xFFFFFFFF, to be revoked");
    share(channel, by_handle, 0x9999, 0, S_OK, "revoking what nobody allowed");
    is_number(process_count(channel), before + 3, "none of that changes the list");
    const UINT past[] = {before + 3, before + 4, UINT32_MAX};
    for (int i = 0; i < 3; i++) {
        struct query query = query_index(channel, QUERY_PROCESS, past[i]);
        asks(channel, &query, E_INVALIDARG, NULL, "RESTRICTED_SHARED_RESOURCE_PROCESS %u is past the end", past[i]);
    }

    struct channel other = channel_ready(stage);
    is_number(listed(&other, by_handle, one), 1, "another channel sees the process");
    share(&other, by_handle, 0x1234, 0, E_INVALIDARG, "another channel cannot revoke it");
    share(&other, by_handle, 0x1234, 1, S_OK, "another channel allows it too");
    channel_end(&other);
    is_number(listed(channel, by_handle, one), 1, "and ends: the first one's lasts");
    share(channel, by_handle, 0x1234, 0, S_OK, "the first one revokes");
    is_number(listed(channel, by_handle, one), 0, "it is no longer in the list");
    share(channel, dwm, 0, 0, S_OK, "the window manager is revoked");
    is_number(listed(channel, dwm, NULL), 0, "it is no longer in the list");
    share(channel, by_handle, 0x5678, 0, S_OK, "so is the last process");
    is_number(process_count(channel), before, "the list is as it was");
}

static void is_encryption(struct channel *channel, const GUID *expected, const char *name)
{
    struct query query = channel_query(channel, QUERY_CURRENT_ENCRYPTION);
    union answer answer;
    asks(channel, &query, S_OK, &answer, "CURRENT_ENCRYPTION_WHEN_ACCESSIBLE: %s", name);
    is_bytes(&answer.current_encryption.EncryptionGuid, expected, sizeof(GUID), "%s", name);
}

static void test_encryption(const struct stage *stage, struct channel *channel)
{
    const GUID *aes = &D3D11_CRYPTO_TYPE_AES128_CTR;
    is_encryption(channel, &none, "none at first");
    struct command command = command_encryption(channel, aes);
    commands(channel, &command, S_OK, "ENCRYPTION_WHEN_ACCESSIBLE: AES-128-CTR");
    is_encryption(channel, aes, "AES-128-CTR");
    command = command_encryption(channel, &D3D11_KEY_EXCHANGE_RSAES_OAEP);
    commands(channel, &command, E_INVALIDARG, "ENCRYPTION_WHEN_ACCESSIBLE: one that is not in the list");
    is_encryption(channel, aes, "which changes nothing");
    struct channel other = channel_ready(stage);
    is_encryption(&other, aes, "another channel sees it");
    command = command_encryption(&other, &none);
    commands(&other, &command, E_INVALIDARG, "another channel cannot choose none");
    is_encryption(&other, aes, "it changes nothing");
    command = command_encryption(&other, aes);
    commands(&other, &command, S_OK, "another channel may choose the same");
    channel_end(&other);
    is_encryption(channel, aes, "and ends: the first one's lasts");
    command = command_encryption(channel, &none);
    commands(channel, &command, S_OK, "the first one takes it back");
    is_encryption(channel, &none, "none again");
}

/* What two channels have set alike stays until both are gone: no channel takes away what another has set. */
static void test_settings_of_two_channels(const struct stage *stage)
{
    const UINT by_handle = D3D11_PROCESSIDTYPE_HANDLE;
    HANDLE const process = (HANDLE)(uintptr_t)0x4321;
    for (int ends = 0; ends < 2; ends++) {
        const char *how = ends ? "ends" : "takes it back";
        struct channel first = channel_ready(stage), second = channel_ready(stage);
        share(&first, by_handle, 0x4321, 1, S_OK, "the first channel allows a process");
        share(&second, by_handle, 0x4321, 1, S_OK, "so does the second");
        struct command command = command_encryption(&first, &D3D11_CRYPTO_TYPE_AES128_CTR);
        commands(&first, &command, S_OK, "the first channel chooses an encryption");
        command = command_encryption(&second, &D3D11_CRYPTO_TYPE_AES128_CTR);
        commands(&second, &command, S_OK, "so does the second");
        if (ends) {
            channel_end(&first);
        } else {
            share(&first, by_handle, 0x4321, 0, S_OK, "the first channel revokes");
            command = command_encryption(&first, &none);
            commands(&first, &command, S_OK, "and chooses none");
        }
        is_number(listed(&second, by_handle, process), 1, "the first channel %s: the process is still allowed", how);
        is_encryption(&second, &D3D11_CRYPTO_TYPE_AES128_CTR, "the second channel's choice is still in force");
        channel_end(&second);
        if (!ends) {
            channel_end(&first);
        }
    }
}

/* A binding is a channel's setting too. */
static void test_bindings_of_two_channels(const struct stage *stage)
{
    struct channel first = channel_ready(stage), second = channel_ready(stage);
    HANDLE device = channel_device(&first);
    struct command command = command_crypto_session(&first, stage->decoder, stage->session, device);
    commands(&first, &command, S_OK, "the first channel binds a session");
    command = command_crypto_session(&second, stage->decoder, stage->second_session, device);
    commands(&second, &command, E_INVALIDARG, "the second channel cannot bind another");
    is_bound(&first, stage->decoder, stage->session, device, "the first channel's");
    channel_end(&first);
    is_bound(&second, stage->decoder, NULL, device, "a binding ends with its channel");
    channel_end(&second);
}

void test_channel_queries(const struct stage *stage)
{
    static const UINT types[] = {D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE,
                                 D3D11_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE};
    for (int i = 0; i < 2; i++) {
        struct channel channel = stage->create(stage, types[i]);
        is_hresult(channel_negotiate(&channel), S_OK, "key exchange of a channel of type %u", types[i]);
        channel_initialize(&channel, 1, 1);
        HANDLE device = channel_device(&channel);
        ok(device != NULL && device != channel.handle && device != stage->session && device != stage->decoder,
           "the device has a handle of its own (D25)");
        test_constant_queries(stage, &channel, device);
        channel_end(&channel);
    }
}

void test_channel_commands(const struct stage *stage)
{
    test_settings_of_two_channels(stage);
    test_bindings_of_two_channels(stage);
    struct channel channel = channel_ready(stage);
    HANDLE device = channel_device(&channel);
    test_wrong_handles(stage, &channel, device);
    test_binding(stage, &channel, device);
    test_protection(stage, &channel);
    test_processes_of_channels(stage, &channel);
    test_encryption(stage, &channel);
    channel_end(&channel);
}
