/* Messages that are refused for what they are or for when they come: states, key exchanges, sequence
   numbers. (Sizes and pointers are channel_sizes.c's.) */
#include "channel_tests.h"

#include <unistd.h>

static const GUID unknown_guid = {0x12345678, 0x9ABC, 0xDEF0, {1, 2, 3, 4, 5, 6, 7, 8}};

/* Sends one query or command of each kind and passes if all are refused with E_INVALIDARG. */
static void refuses_all(const struct stage *stage, struct channel *channel, bool with_initialize, const char *name)
{
    for (int kind = 0; kind < QUERIES; kind++) {
        struct query query = query_of_kind(stage, channel, kind, stage->session);
        asks(channel, &query, E_INVALIDARG, NULL, "%s: query %s", name, query_kinds[kind].name);
    }
    for (int kind = with_initialize ? INITIALIZE : PROTECTION; kind < COMMANDS; kind++) {
        struct command command = channel_command(channel, kind);
        commands(channel, &command, E_INVALIDARG, "%s: command %s", name, command_kinds[kind].name);
    }
}

static void test_states(const struct stage *stage)
{
    struct channel channel = stage->create(stage, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
    refuses_all(stage, &channel, true, "before the key exchange");
    is_hresult(channel_negotiate(&channel), S_OK, "key exchange");
    refuses_all(stage, &channel, false, "before INITIALIZE");
    struct command command = channel_command(&channel, INITIALIZE);
    command.as.header.ConfigureType = unknown_guid;
    commands(&channel, &command, E_INVALIDARG, "before INITIALIZE: an unknown command is not told from a known one");
    channel_initialize(&channel, 10, 20);
    HANDLE device = channel_device(&channel); /* number 10 */
    ok(device != NULL, "and now it works");

    static const UINT numbers[] = {20, 21, 5, 0, 0xFFFFFFFFu};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        channel.command_number = numbers[i];
        command = channel_command(&channel, INITIALIZE);
        command.as.initialize.StartSequenceQuery = 1;
        command.as.initialize.StartSequenceConfigure = 1;
        commands(&channel, &command, E_INVALIDARG, "INITIALIZE a second time, with number %u (D16)", numbers[i]);
    }
    channel.query_number = 10;
    struct query query = channel_query(&channel, QUERY_PROTECTION);
    asks(&channel, &query, E_INVALIDARG, NULL, "it has not set the numbers back");
    channel.command_number = 20;
    command = command_protection(&channel, 0);
    commands(&channel, &command, S_OK, "and has used none up");
    channel_end(&channel);
}

static void test_key_exchanges(const struct stage *stage)
{
    struct channel channel = stage->create(stage, D3D11_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE);
    uint8_t plain[32], message[RSA_SIZE + 1] = {0};
    client_random(plain, sizeof plain);
    static const UINT lengths[] = {0, 15, 17, 32};
    for (int round = 0; round < 2; round++) {
        const char *when = round == 0 ? "first" : "later";
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            client_key_exchange(stage->driver_key, plain, lengths[i], message);
            is_hresult(channel.route->negotiate(&channel, RSA_SIZE, message), E_INVALIDARG,
                       "%s key exchange with a key of %u bytes (D22)", when, lengths[i]);
        }
        client_key_exchange(stage->driver_key, plain, KEY_SIZE, message);
        static const UINT sizes[] = {0, 1, 16, 255, 257};
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            is_hresult(channel.route->negotiate(&channel, sizes[i], message), E_INVALIDARG,
                       "%s key exchange of %u bytes", when, sizes[i]);
        }
        is_hresult(channel.route->negotiate(&channel, RSA_SIZE, NULL), E_INVALIDARG, "%s key exchange of null", when);
        message[99] ^= 0x10;
        is_hresult(channel.route->negotiate(&channel, RSA_SIZE, message), E_INVALIDARG,
                   "%s key exchange with one bit changed", when);
        if (round == 0) {
            struct query query = channel_query(&channel, QUERY_CHANNEL_TYPE);
            asks(&channel, &query, E_INVALIDARG, NULL, "there is no key yet: the answer is not signed");
            is_hresult(channel_negotiate(&channel), S_OK, "key exchange");
            is_hresult(channel_negotiate(&channel), S_OK, "and another before INITIALIZE");
            channel_initialize(&channel, 7, 7);
        }
    }
    ok(channel_device(&channel) != NULL, "the key is still in force");
    struct command old = command_protection(&channel, 1); /* signed with the key that is about to go */
    channel.command_number--;
    is_hresult(channel_negotiate(&channel), S_OK, "a key exchange after INITIALIZE");
    is_right(channel_configure(&channel, old.as.bytes, old.size, E_INVALIDARG), "the old key is no longer in force");
    channel.query_number = 7;
    struct query query = channel_query(&channel, QUERY_PROTECTION);
    asks(&channel, &query, E_INVALIDARG, NULL, "the numbers go on: an old one is refused");
    struct command command = channel_command(&channel, INITIALIZE);
    channel.command_number--;
    commands(&channel, &command, E_INVALIDARG, "and INITIALIZE is refused as ever (D16)");
    channel.command_number++;
    command = command_protection(&channel, 0);
    commands(&channel, &command, S_OK, "the new key is in force");
    channel_end(&channel);
}

/* One query and one command with these numbers. */
static void with_numbers(struct channel *channel, UINT number, HRESULT hresult, const char *name)
{
    channel->query_number = number;
    channel->command_number = number;
    struct query query = channel_query(channel, QUERY_PROTECTION);
    asks(channel, &query, hresult, NULL, "query %u: %s", number, name);
    struct command command = command_protection(channel, 0);
    commands(channel, &command, hresult, "command %u: %s", number, name);
}

static void test_numbers(const struct stage *stage)
{
    struct channel channel = channel_keyed(stage);
    channel_initialize(&channel, 1000, 1000);
    with_numbers(&channel, 999, E_INVALIDARG, "before the first");
    with_numbers(&channel, 0, E_INVALIDARG, "zero");
    with_numbers(&channel, 1000, S_OK, "the first");
    with_numbers(&channel, 1000, E_INVALIDARG, "equal");
    with_numbers(&channel, 1001, S_OK, "the next");
    with_numbers(&channel, 5000, S_OK, "greater by more than one");
    with_numbers(&channel, 1002, E_INVALIDARG, "skipped");
    with_numbers(&channel, 4999, E_INVALIDARG, "smaller by one");
    with_numbers(&channel, 0x80000000u, S_OK, "the sign bit is no sign");
    with_numbers(&channel, 0x7FFFFFFFu, E_INVALIDARG, "smaller");
    with_numbers(&channel, 0xFFFFFFFEu, S_OK, "the last but one");
    with_numbers(&channel, 0xFFFFFFFFu, S_OK, "the last");
    static const UINT numbers[] = {0xFFFFFFFFu, 0, 1, 1000, 0x80000000u, 0xFFFFFFFEu};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        with_numbers(&channel, numbers[i], E_INVALIDARG, "exhausted (D18)");
    }
    is_hresult(channel_negotiate(&channel), S_OK, "a new key exchange");
    with_numbers(&channel, 1, E_INVALIDARG, "does not end that (D18)");
    channel_end(&channel);

    channel = channel_keyed(stage);
    channel_initialize(&channel, 0, 0);
    with_numbers(&channel, 0, S_OK, "zero as the first");
    with_numbers(&channel, 0, E_INVALIDARG, "and equal");
    channel_end(&channel);

    channel = channel_keyed(stage);
    channel_initialize(&channel, 0xFFFFFFFFu, 3);
    struct query query = channel_query(&channel, QUERY_PROTECTION);
    asks(&channel, &query, S_OK, NULL, "the only query of a sequence that begins at its end");
    asks(&channel, &query, E_INVALIDARG, NULL, "is the only one (D18)");
    struct command command = command_protection(&channel, 0);
    commands(&channel, &command, S_OK, "commands are counted apart from queries");
    channel_end(&channel);

    channel = channel_keyed(stage);
    channel_initialize(&channel, 3, 0xFFFFFFFFu);
    command = command_protection(&channel, 0);
    commands(&channel, &command, S_OK, "the only command of a sequence that begins at its end");
    commands(&channel, &command, E_INVALIDARG, "is the only one (D18)");
    query = channel_query(&channel, QUERY_PROTECTION);
    asks(&channel, &query, S_OK, NULL, "queries are counted apart from commands");
    channel_end(&channel);
}

/* What is refused after its number was looked at uses the number up; what is refused before does not. */
static void test_queries_use_numbers_up(const struct stage *stage)
{
    struct channel channel = channel_keyed(stage);
    channel_initialize(&channel, 50, 50);
    struct query query = channel_query(&channel, QUERY_PROTECTION), other;
    query.as.header.QueryType = unknown_guid;
    query.answer_size = HEADER_SIZE;
    asks(&channel, &query, E_FAIL, NULL, "an unknown query");
    asks(&channel, &query, E_INVALIDARG, NULL, "uses its number up");
    query = channel_query(&channel, QUERY_PROTECTION);
    query.as.header.QueryType = D3D11_AUTHENTICATED_CONFIGURE_PROTECTION;
    is_right(channel_ask(&channel, query.as.bytes, query.size, 200, HEADER_SIZE, E_FAIL, NULL),
             "a command as a query is unknown, and answered by a header however large the output");
    other = channel_query(&channel, QUERY_PROTECTION);
    channel.query_number--;
    query = query_index(&channel, QUERY_PROCESS, UINT32_MAX);
    asks(&channel, &query, E_INVALIDARG, NULL, "a query for an index past the end");
    asks(&channel, &other, E_INVALIDARG, NULL, "uses its number up");
    query = channel_query(&channel, QUERY_PROTECTION);
    other = query;
    other.as.header.hChannel = stage->session;
    asks(&channel, &other, E_INVALIDARG, NULL, "a query with another handle");
    other.as.header.hChannel = NULL;
    asks(&channel, &other, E_INVALIDARG, NULL, "a query with a null handle");
    asks(&channel, &query, S_OK, NULL, "uses nothing up");
    channel_end(&channel);
}

static void test_commands_use_numbers_up(const struct stage *stage)
{
    struct channel channel = channel_keyed(stage);
    channel_initialize(&channel, 50, 50);
    struct command command = channel_command(&channel, PROTECTION), other;
    command.as.header.ConfigureType = unknown_guid;
    commands(&channel, &command, E_FAIL, "an unknown command");
    commands(&channel, &command, E_INVALIDARG, "uses its number up");
    command = channel_command(&channel, SHARED_RESOURCE);
    command.as.header.ConfigureType = D3D11_AUTHENTICATED_QUERY_PROTECTION;
    commands(&channel, &command, E_FAIL, "a query as a command is unknown");
    command = command_protection(&channel, 0xFF);
    commands(&channel, &command, E_INVALIDARG, "a command with a value that is refused");
    command.as.protection.Protections.Value = 1;
    commands(&channel, &command, E_INVALIDARG, "uses its number up");
    command = command_protection(&channel, 1);
    other = command;
    other.as.header.hChannel = stage->session;
    commands(&channel, &other, E_INVALIDARG, "a command with another handle");
    other.as.header.hChannel = NULL;
    commands(&channel, &other, E_INVALIDARG, "a command with a null handle");
    commands(&channel, &command, S_OK, "uses nothing up");
    channel_end(&channel);
}

/* Sends each message that names handles with the channel's own in each place. The answer is a signed refusal (D39); a call
   that waits for itself ends the program. */
static void test_channel_named_in_its_own_messages(const struct stage *stage)
{
    struct channel channel = channel_ready(stage);
    struct channel other = channel_ready(stage);
    HANDLE device = channel_device(&channel);
    const HANDLE names[] = {channel.handle, other.handle};
    alarm(120);
    for (int i = 0; i < 2; i++) {
        const char *whose = i == 0 ? "the channel's own" : "another channel's";
        struct query query = query_crypto_session(&channel, names[i]);
        asks(&channel, &query, E_INVALIDARG, NULL, "CRYPTO_SESSION query: %s handle for a decoder", whose);
        for (int kind = QUERY_OUTPUT_COUNT; kind <= QUERY_OUTPUT; kind++) {
            query = query_outputs(&channel, kind, device, names[i], 0);
            asks(&channel, &query, E_INVALIDARG, NULL, "%s: %s handle for a session", query_kinds[kind].name, whose);
            query = query_outputs(&channel, kind, names[i], stage->session, 0);
            asks(&channel, &query, E_INVALIDARG, NULL, "%s: %s handle for a device", query_kinds[kind].name, whose);
        }
        struct command command = command_crypto_session(&channel, names[i], stage->session, device);
        commands(&channel, &command, E_INVALIDARG, "CRYPTO_SESSION: %s handle for a decoder", whose);
        command = command_crypto_session(&channel, stage->decoder, names[i], device);
        commands(&channel, &command, E_INVALIDARG, "CRYPTO_SESSION: %s handle for a session", whose);
        command = command_crypto_session(&channel, stage->decoder, stage->session, names[i]);
        commands(&channel, &command, E_INVALIDARG, "CRYPTO_SESSION: %s handle for a device", whose);
        command = command_crypto_session(&channel, names[i], names[i], names[i]);
        commands(&channel, &command, E_INVALIDARG, "CRYPTO_SESSION: %s handle for all", whose);
    }
    /* What a process handle names is not looked for. */
    struct command command = command_shared_resource(&channel, D3D11_PROCESSIDTYPE_HANDLE, channel.handle, TRUE);
    commands(&channel, &command, S_OK, "SHARED_RESOURCE: the channel's own handle for a process");
    command = command_shared_resource(&channel, D3D11_PROCESSIDTYPE_HANDLE, channel.handle, FALSE);
    commands(&channel, &command, S_OK, "and it is taken back");
    channel_end(&other);
    channel_end(&channel);
    alarm(0);
}

void test_channel_order(const struct stage *stage)
{
    test_channel_named_in_its_own_messages(stage);
    test_states(stage);
    test_key_exchanges(stage);
    test_numbers(stage);
    test_queries_use_numbers_up(stage);
    test_commands_use_numbers_up(stage);
}
