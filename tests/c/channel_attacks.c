/* An attacker between application and driver, who sees every message, changes, repeats, delays, mixes and invents them,
   but has no key. Nothing that is refused may move the state: the queries show it, and the true command still works,
   with its number. (Cut and continued messages are channel_sizes.c's.) */
#include "channel_tests.h"

#include <string.h>

static bool same_state(const struct state *a, const struct state *b)
{
    return a->protection == b->protection && a->processes == b->processes && a->session == b->session &&
           memcmp(&a->encryption, &b->encryption, sizeof a->encryption) == 0;
}

/* The state of a channel, or an impossible one if a query fails. */
static struct state look(const struct stage *stage, struct channel *channel)
{
    struct state state;
    const char *wrong = state_of(stage, channel, &state);
    if (wrong != NULL) {
        tap_note("  the state cannot be asked for: %s", wrong);
        state.protection = UINT32_MAX;
    }
    return state;
}

/* Sends a command with each of its bits changed. Between INITIALIZE and the rest there is a difference: before it no
   query is answered, so only the true message can show that nothing happened. */
static void test_changed_bits(const struct stage *stage, struct channel *channel, int kind, HANDLE device)
{
    const char *name = command_kinds[kind].name;
    if (kind == CRYPTO_SESSION) {
        struct command other = command_crypto_session(channel, stage->decoder, stage->second_session, device);
        commands(channel, &other, S_OK, "%s: another session is bound before", name);
    }
    struct command command = command_of_kind(stage, channel, kind, device);
    struct state before, after;
    if (kind != INITIALIZE) {
        before = look(stage, channel);
    }
    unsigned wrong = 0, moved = 0;
    for (size_t byte = 0; byte < command.size; byte++) {
        for (int bit = 0; bit < 8; bit++) {
            command.as.bytes[byte] ^= 1u << bit;
            wrong += channel_configure(channel, command.as.bytes, command.size, E_INVALIDARG) != NULL;
            command.as.bytes[byte] ^= 1u << bit;
        }
        if (kind != INITIALIZE) {
            after = look(stage, channel);
            moved += !same_state(&before, &after);
        }
    }
    is_number(wrong, 0, "%s: each of %zu bits changed: refused, the refusal signed", name, 8 * command.size);
    is_number(moved, 0, "%s: and the state has not moved", name);
    commands(channel, &command, S_OK, "%s: the true message, with its number", name);
    if (kind == INITIALIZE) {
        channel->query_number = command.as.initialize.StartSequenceQuery;
        channel->command_number = command.as.initialize.StartSequenceConfigure;
        before = look(stage, channel);
        ok(before.protection == 0, "%s: has set the first numbers", name);
    } else {
        after = look(stage, channel);
        ok(before.protection != UINT32_MAX && !same_state(&before, &after), "%s: moves the state", name);
    }
}

/* Queries are not signed. What an attacker can do with them is to ask; what he changes is told from the answer. */
static void test_changed_queries(const struct stage *stage, struct channel *channel, HANDLE device)
{
    for (int kind = 0; kind < QUERIES; kind++) {
        const char *name = query_kinds[kind].name;
        unsigned wrong = 0;
        struct query query = query_of_kind(stage, channel, kind, device);
        uint8_t *handle = (uint8_t *)&query.as.header.hChannel;
        for (size_t bit = 0; bit < 8 * sizeof query.as.header.hChannel; bit++) {
            handle[bit / 8] ^= 1u << bit % 8;
            wrong += channel_ask(channel, query.as.bytes, query.size, query.answer_size, query.answer_size,
                                 E_INVALIDARG, NULL) != NULL;
            handle[bit / 8] ^= 1u << bit % 8;
        }
        is_number(wrong, 0, "%s: each bit of the handle changed", name);
        asks(channel, &query, S_OK, NULL, "%s: the true query, with its number", name);
        for (size_t bit = 0; bit < 8 * sizeof query.as.header.QueryType; bit++) {
            query = query_of_kind(stage, channel, kind, device);
            query.as.bytes[bit / 8] ^= 1u << bit % 8;
            wrong += channel_ask(channel, query.as.bytes, query.size, query.answer_size, HEADER_SIZE, E_FAIL, NULL) !=
                     NULL;
        }
        is_number(wrong, 0, "%s: each bit of the GUID changed: unknown, and said so under the OMAC", name);
    }
}

static void test_replay_and_reorder(const struct stage *stage, HANDLE device)
{
    struct channel channel = channel_ready(stage);
    struct command first = command_of_kind(stage, &channel, PROTECTION, device);
    struct command second = command_of_kind(stage, &channel, SHARED_RESOURCE, device);
    struct command third = command_of_kind(stage, &channel, ENCRYPTION_WHEN_ACCESSIBLE, device);
    struct state before = look(stage, &channel), after;
    commands(&channel, &second, S_OK, "the second of three commands comes first");
    commands(&channel, &first, E_INVALIDARG, "the first one comes late");
    commands(&channel, &second, E_INVALIDARG, "the second one comes again");
    after = look(stage, &channel);
    ok(after.protection == before.protection && after.processes == before.processes + 1,
       "the second one was obeyed once, the first one not");
    commands(&channel, &third, S_OK, "the third one is in order");
    struct command undo = command_shared_resource(&channel, D3D11_PROCESSIDTYPE_HANDLE, (HANDLE)(uintptr_t)0x1234, 0);
    commands(&channel, &undo, S_OK, "what the second one allowed is revoked");
    const struct command *const seen[] = {&first, &second, &third, &undo};
    before = look(stage, &channel);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4; i++) {
            is_right(channel_configure(&channel, seen[i]->as.bytes, seen[i]->size, E_INVALIDARG),
                     "%s is replayed", command_kinds[(int[]){PROTECTION, SHARED_RESOURCE, ENCRYPTION_WHEN_ACCESSIBLE,
                                                             SHARED_RESOURCE}[i]].name);
        }
        is_hresult(round == 0 ? channel_negotiate(&channel) : S_OK, S_OK, "a new key exchange does not help");
    }
    after = look(stage, &channel);
    ok(same_state(&before, &after), "and the state has not moved");

    struct query query = channel_query(&channel, QUERY_PROTECTION);
    union answer answer;
    asks(&channel, &query, S_OK, &answer, "a query");
    for (int i = 0; i < 3; i++) {
        asks(&channel, &query, E_INVALIDARG, NULL, "is replayed");
    }
    channel_end(&channel);
}

/* Two channels: everything that one may be told is refused by the other. */
static void test_mixed_channels(const struct stage *stage, HANDLE device)
{
    struct channel one = channel_keyed(stage), two = channel_keyed(stage);
    ok(one.handle != two.handle, "two channels have two handles (D25)");
    struct command initialize = command_of_kind(stage, &one, INITIALIZE, device);
    is_right(channel_configure(&two, initialize.as.bytes, initialize.size, E_INVALIDARG),
             "INITIALIZE of another channel");
    channel_initialize(&one, 500, 500);
    channel_initialize(&two, 500, 500);
    struct state before = look(stage, &two), after;
    for (int kind = PROTECTION; kind < COMMANDS; kind++) {
        const char *name = command_kinds[kind].name;
        one.command_number = two.command_number = 500 + (UINT)kind;
        struct command command = command_of_kind(stage, &one, kind, device);
        is_right(channel_configure(&two, command.as.bytes, command.size, E_INVALIDARG), "%s of another channel", name);
        command.as.header.hChannel = two.handle;
        is_right(channel_configure(&two, command.as.bytes, command.size, E_INVALIDARG),
                 "%s of another channel, the handle changed", name);
        sign(one.key, &command);
        is_right(channel_configure(&two, command.as.bytes, command.size, E_INVALIDARG),
                 "%s under another channel's key", name);
        command.as.header.hChannel = one.handle;
        sign(two.key, &command);
        is_right(channel_configure(&two, command.as.bytes, command.size, E_INVALIDARG),
                 "%s under the right key, with another channel's handle", name);
        static const uint8_t zero_key[KEY_SIZE];
        command.as.header.hChannel = two.handle;
        sign(zero_key, &command);
        is_right(channel_configure(&two, command.as.bytes, command.size, E_INVALIDARG), "%s under a zero key", name);
        memset(&command.as.header.omac, 0, sizeof command.as.header.omac);
        is_right(channel_configure(&two, command.as.bytes, command.size, E_INVALIDARG), "%s with a zero OMAC", name);
        after = look(stage, &two);
        ok(same_state(&before, &after), "the state has not moved");
    }
    struct query query = channel_query(&one, QUERY_CHANNEL_TYPE);
    asks(&two, &query, E_INVALIDARG, NULL, "a query of another channel");
    two.command_number = 501;
    struct command command = command_protection(&two, 2);
    commands(&two, &command, S_OK, "a true command with the first of those numbers");
    command = command_protection(&two, 0);
    commands(&two, &command, S_OK, "and one that takes it back");

    /* The same key twice: only the handle tells the channels apart. */
    uint8_t message[RSA_SIZE];
    client_key_exchange(stage->driver_key, one.key, KEY_SIZE, message);
    is_hresult(two.route->negotiate(&two, sizeof message, message), S_OK, "both channels with one key");
    memcpy(two.key, one.key, KEY_SIZE);
    one.command_number = two.command_number = 600;
    before = look(stage, &two);
    command = command_protection(&one, 2);
    is_right(channel_configure(&two, command.as.bytes, command.size, E_INVALIDARG), "a command of the other channel");
    after = look(stage, &two);
    ok(same_state(&before, &after), "the state has not moved");
    commands(&one, &command, S_OK, "which that channel obeys");
    command = command_protection(&two, 2);
    commands(&two, &command, S_OK, "and this one its own, with the same number");
    channel_end(&two);
    channel_end(&one);
}

/* Hands an answer back as a command: whoever has it need not know the key. */
static void reflects(const struct channel *channel, const void *answer, size_t size, const char *name)
{
    const char *wrong = channel_configure(channel, answer, size, E_INVALIDARG);
    is_right(wrong, "reflected: %s", name);
}

/* Answers are signed with the key of commands and begin like commands. The command numbers are far below those of the
   answers that are reflected, so that a number is free to be used up. */
static void test_reflected_answers(const struct stage *stage, HANDLE device)
{
    struct channel channel = channel_keyed(stage);
    D3D11_AUTHENTICATED_CONFIGURE_OUTPUT output;
    memset(&output, 0, sizeof output);

    channel.command_number = 0x7FFFFFFF; /* INITIALIZE's own number, which is not looked at */
    struct command command = channel_command(&channel, INITIALIZE);
    command.as.initialize.StartSequenceQuery = 100000;
    command.as.initialize.StartSequenceConfigure = 10;
    channel_sign(&channel, &command);
    is_hresult(channel.route->configure(&channel, (UINT)command.size, command.as.bytes, &output), S_OK, "INITIALIZE");
    channel.query_number = 100000;
    channel.command_number = 10;
    struct state before = look(stage, &channel), after;
    reflects(&channel, &output, sizeof output, "the answer to INITIALIZE");
    command = command_protection(&channel, 0); /* number 10 */
    commands(&channel, &command, S_OK, "that used no number up");

    /* Failures, with a number and a GUID of the attacker's choice: he needs no OMAC to be answered. */
    for (int kind = 0; kind < COMMANDS; kind++) {
        struct command forged = channel_command(&channel, kind);
        forged.as.header.SequenceNumber = 50000;
        channel.command_number--;
        is_hresult(channel.route->configure(&channel, (UINT)forged.size, forged.as.bytes, &output), E_INVALIDARG,
                   "a forged %s", command_kinds[kind].name);
        reflects(&channel, &output, sizeof output, "the answer to it");
    }
    is_hresult(channel.route->configure(&channel, 3, command.as.bytes, &output), E_INVALIDARG, "three bytes");
    reflects(&channel, &output, sizeof output, "the answer to them");

    union answer answer;
    command = command_of_kind(stage, &channel, SHARED_RESOURCE, device); /* number 11: a process to ask for */
    is_hresult(channel.route->configure(&channel, (UINT)command.size, command.as.bytes, &output), S_OK, "a command");
    reflects(&channel, &output, sizeof output, "the answer to it");
    before = look(stage, &channel);
    for (int kind = 0; kind < QUERIES; kind++) {
        const char *name = query_kinds[kind].name;
        struct query query = query_of_kind(stage, &channel, kind, device);
        asks(&channel, &query, S_OK, &answer, "%s", name);
        reflects(&channel, &answer, query.answer_size, "the answer to it");
        asks(&channel, &query, E_INVALIDARG, &answer, "%s again, which fails", name);
        reflects(&channel, &answer, query.answer_size, "the answer to it");
        query = query_of_kind(stage, &channel, kind, device);
        is_right(channel_ask(&channel, query.as.bytes, query.size, HEADER_SIZE, query.answer_size, E_INVALIDARG,
                             &answer),
                 "%s with room for a header", name);
        reflects(&channel, &answer, HEADER_SIZE, "the answer to it");
        for (int command_kind = 0; command_kind < COMMANDS; command_kind++) {
            query = query_of_kind(stage, &channel, kind, device);
            query.as.header.QueryType = *command_kinds[command_kind].type;
            if (channel_ask(&channel, query.as.bytes, query.size, query.answer_size, HEADER_SIZE, E_FAIL, &answer) !=
                NULL) {
                ok(false, "a query by the name of %s", command_kinds[command_kind].name);
            }
            reflects(&channel, &answer, HEADER_SIZE, command_kinds[command_kind].name);
        }
    }
    after = look(stage, &channel);
    ok(same_state(&before, &after), "no reflected answer has moved the state");
    channel.command_number = 12;
    command = command_protection(&channel, 2);
    commands(&channel, &command, S_OK, "none has used a number up: the next is still 12");
    channel_end(&channel);
}

/* A message for a channel that is gone, sent to its successor. */
static void test_successor(const struct stage *stage)
{
    struct channel gone = channel_ready(stage);
    HANDLE handle = gone.handle;
    struct command command = command_protection(&gone, 2);
    channel_end(&gone);
    struct channel successor = channel_ready(stage);
    ok(successor.handle != handle, "a handle is not given to the next channel at once");
    is_right(channel_configure(&successor, command.as.bytes, command.size, E_INVALIDARG),
             "a command of a channel that is gone");
    channel_end(&successor);
}

void test_channel_attacks(const struct stage *stage)
{
    struct channel channel = channel_keyed(stage);
    HANDLE device = NULL;
    for (int kind = 0; kind < COMMANDS; kind++) {
        test_changed_bits(stage, &channel, kind, device);
        device = device != NULL ? device : channel_device(&channel);
    }
    test_changed_queries(stage, &channel, device);
    channel_end(&channel);
    test_replay_and_reorder(stage, device);
    test_mixed_channels(stage, device);
    test_reflected_answers(stage, device);
    test_successor(stage);
}
