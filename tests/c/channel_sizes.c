/* Messages of wrong sizes, answers without room, null pointers, memory that is misaligned or shared by input and
   output, and padding that is not zero. */
#include "channel_tests.h"

#include <stdlib.h>
#include <string.h>

#define FILL 0xA5
#define LARGE_SIZE 4096            /* still read */
#define HUGE_SIZE ((size_t)1 << 20) /* refused unread */

/* Memory of this size with a message at its beginning and random bytes behind it. */
static uint8_t *extended(const void *message, size_t message_size, size_t size)
{
    uint8_t *memory = malloc(size);
    if (memory == NULL) {
        tap_bail_out("no memory for %zu bytes", size);
    }
    client_random(memory, size);
    memcpy(memory, message, message_size);
    return memory;
}

/* Passes if nothing was wrong, and begins to count anew. */
#define NONE_WRONG(count, ...)             \
    do {                                   \
        is_number((count), 0, __VA_ARGS__); \
        (count) = 0;                       \
    } while (0)

/* Each query in every size up to its own, then larger ones. */
static void test_query_sizes(const struct stage *stage, struct channel *channel, HANDLE device)
{
    for (int kind = 0; kind < QUERIES; kind++) {
        const char *name = query_kinds[kind].name;
        unsigned wrong = 0;
        struct query query = query_of_kind(stage, channel, kind, device);
        for (size_t size = 0; size < sizeof query.as.header; size++) {
            wrong += channel_ask(channel, query.as.bytes, size, query.answer_size, query.answer_size, E_INVALIDARG,
                                 NULL) != NULL;
        }
        NONE_WRONG(wrong, "%s: shorter than a header: nothing is answered", name);
        for (size_t room = 0; room < HEADER_SIZE; room++) {
            wrong += channel_ask(channel, query.as.bytes, query.size, room, query.answer_size, E_INVALIDARG, NULL) !=
                     NULL;
        }
        NONE_WRONG(wrong, "%s: output shorter than a header: nothing is answered", name);
        asks(channel, &query, S_OK, NULL, "%s: none of these used the number up", name);
        for (size_t size = sizeof query.as.header; size < query.size; size++) {
            query = query_of_kind(stage, channel, kind, device);
            wrong += channel_ask(channel, query.as.bytes, size, query.answer_size, query.answer_size, E_INVALIDARG,
                                 NULL) != NULL;
            wrong += channel_ask(channel, query.as.bytes, query.size, query.answer_size, query.answer_size,
                                 E_INVALIDARG, NULL) != NULL; /* the number is used up */
        }
        NONE_WRONG(wrong, "%s: shorter than the query: E_INVALIDARG, answered and signed (D17)", name);
        for (size_t room = HEADER_SIZE; room < query.answer_size; room++) {
            query = query_of_kind(stage, channel, kind, device);
            wrong += channel_ask(channel, query.as.bytes, query.size, room, query.answer_size, E_INVALIDARG, NULL) !=
                     NULL;
            wrong += channel_ask(channel, query.as.bytes, query.size, query.answer_size, query.answer_size,
                                 E_INVALIDARG, NULL) != NULL;
        }
        NONE_WRONG(wrong, "%s: room for a header only: E_INVALIDARG, in a signed header (D17)", name);

        union answer exact, roomy;
        query = query_of_kind(stage, channel, kind, device);
        asks(channel, &query, S_OK, &exact, "%s: exact sizes", name);
        static const size_t more[] = {1, 2, 4, 8, 48, 1000, LARGE_SIZE - 100};
        for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
            query = query_of_kind(stage, channel, kind, device);
            size_t size = query.size + more[i], room = query.answer_size + more[i];
            uint8_t *larger = extended(query.as.bytes, query.size, size);
            wrong += channel_ask(channel, larger, size, room, query.answer_size, S_OK, &roomy) != NULL;
            wrong += memcmp(&exact.bytes[HEADER_SIZE], &roomy.bytes[HEADER_SIZE], query.answer_size - HEADER_SIZE) != 0;
            free(larger);
        }
        NONE_WRONG(wrong, "%s: larger sizes are as exact ones", name);
    }
    struct query query = channel_query(channel, QUERY_PROTECTION);
    union answer answer;
    uint8_t *larger = extended(query.as.bytes, query.size, HUGE_SIZE);
    is_right(channel_ask(channel, larger, HUGE_SIZE, query.answer_size, query.answer_size, S_OK, NULL),
             "a query of 1 MiB is answered as one of 32 bytes");
    free(larger);
    query = channel_query(channel, QUERY_PROTECTION);
    is_hresult(channel->route->query(channel, (UINT)query.size, query.as.bytes, UINT32_MAX, &answer), S_OK,
               "the largest output");
    query = channel_query(channel, QUERY_PROTECTION);
    uint8_t *exact_fit = extended(query.as.bytes, query.size, query.size);
    is_hresult(channel->route->query(channel, UINT32_MAX, exact_fit, sizeof answer, &answer), S_OK,
               "the largest query: no more is read than a query of its kind has");
    free(exact_fit);
}

/* A command in every size but its own: as an attacker cuts it, and as a wrong application signs it. */
static void test_command_sizes(const struct stage *stage, struct channel *channel, int kind, HANDLE device)
{
    const char *name = command_kinds[kind].name;
    struct command good = command_of_kind(stage, channel, kind, device);
    unsigned wrong = 0, sizes = 0;
    for (size_t size = 0; size < sizeof good.as.bytes; size++) {
        if (size != good.size) {
            wrong += channel_configure(channel, good.as.bytes, size, E_INVALIDARG) != NULL;
            sizes++;
        }
    }
    NONE_WRONG(wrong, "%s: cut or continued with zeros to %u other sizes, OMAC as it was", name, sizes);
    static const size_t more[] = {1, 4, 8, 16, 48, 1000, LARGE_SIZE - 100};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        uint8_t *larger = extended(good.as.bytes, good.size, good.size + more[i]);
        wrong += channel_configure(channel, larger, good.size + more[i], E_INVALIDARG) != NULL;
        free(larger);
    }
    NONE_WRONG(wrong, "%s: continued with random bytes", name);
    if (kind == INITIALIZE) {
        for (size_t size = sizeof good.as.header; size < sizeof good.as.bytes; size++) {
            struct command other = good;
            other.size = size;
            channel_sign(channel, &other);
            wrong += size != good.size && channel_configure(channel, other.as.bytes, size, E_INVALIDARG) != NULL;
        }
        NONE_WRONG(wrong, "%s: signed in another size (D14)", name);
        commands(channel, &good, S_OK, "%s: and after all that it is taken", name);
        channel->query_number = good.as.initialize.StartSequenceQuery;
        channel->command_number = good.as.initialize.StartSequenceConfigure;
        return;
    }
    commands(channel, &good, S_OK, "%s: and after all that it is taken, with its number", name);
    for (size_t size = sizeof good.as.header; size < sizeof good.as.bytes; size++) {
        if (size != good.size) {
            struct command other = command_of_kind(stage, channel, kind, device);
            other.size = size;
            channel_sign(channel, &other);
            wrong += channel_configure(channel, other.as.bytes, size, E_INVALIDARG) != NULL;
            other.size = good.size;
            channel_sign(channel, &other);
            wrong += channel_configure(channel, other.as.bytes, good.size, E_INVALIDARG) != NULL;
        }
    }
    NONE_WRONG(wrong, "%s: signed in another size: refused, and the number used up (D14, D15)", name);
}

/* Commands that are larger than any is, of exactly the size that is said, signed. */
static void test_large_commands(struct channel *channel)
{
    struct command command = command_protection(channel, 1);
    D3D11_AUTHENTICATED_CONFIGURE_OUTPUT output;
    uint8_t *larger = extended(command.as.bytes, command.size, HUGE_SIZE);
    client_omac(channel->key, &larger[OMAC_SIZE], HUGE_SIZE - OMAC_SIZE, larger);
    is_right(channel_configure(channel, larger, HUGE_SIZE, E_INVALIDARG), "a signed command of 1 MiB is answered");
    is_hresult(channel->route->configure(channel, UINT32_MAX, command.as.bytes, &output), E_INVALIDARG,
               "the largest command");
    commands(channel, &command, S_OK, "which are not read, and use no number up");
    command = command_protection(channel, 0);
    memcpy(larger, command.as.bytes, command.size);
    client_omac(channel->key, &larger[OMAC_SIZE], LARGE_SIZE - OMAC_SIZE, larger);
    is_right(channel_configure(channel, larger, LARGE_SIZE, E_INVALIDARG), "a signed command of 4 KiB");
    commands(channel, &command, E_INVALIDARG, "which is read, and uses its number up (D15)");
    free(larger);
}

static void test_null_pointers(struct channel *channel)
{
    struct query query = channel_query(channel, QUERY_PROTECTION);
    uint8_t output[200];
    memset(output, FILL, sizeof output);
    const UINT query_size = (UINT)query.size, room = sizeof output;
    is_hresult(channel->route->query(channel, query_size, NULL, room, output), E_INVALIDARG, "a null query");
    is_hresult(channel->route->query(channel, 0, NULL, room, output), E_INVALIDARG, "a null query of no bytes");
    is_hresult(channel->route->query(channel, UINT32_MAX, NULL, room, output), E_INVALIDARG, "a huge null query");
    is_filled(output, FILL, sizeof output, "nothing is answered");
    is_hresult(channel->route->query(channel, query_size, query.as.bytes, room, NULL), E_INVALIDARG, "a null output");
    is_hresult(channel->route->query(channel, query_size, query.as.bytes, 0, NULL), E_INVALIDARG, "of no bytes");
    is_hresult(channel->route->query(channel, 0, NULL, 0, NULL), E_INVALIDARG, "a query of nothing for nothing");
    asks(channel, &query, S_OK, NULL, "no null pointer used a number up");

    struct command command = command_protection(channel, 1);
    const UINT command_size = (UINT)command.size;
    is_hresult(channel->route->configure(channel, command_size, NULL, output), E_INVALIDARG, "a null command");
    is_hresult(channel->route->configure(channel, 0, NULL, output), E_INVALIDARG, "a null command of no bytes");
    is_hresult(channel->route->configure(channel, UINT32_MAX, NULL, output), E_INVALIDARG, "a huge null command");
    is_hresult(channel->route->configure(channel, command_size, command.as.bytes, NULL), E_INVALIDARG, "a null output");
    is_hresult(channel->route->configure(channel, 0, NULL, NULL), E_INVALIDARG, "a command of nothing for nothing");
    commands(channel, &command, S_OK, "no null pointer used a number up");
}

/* The answer to a command or query, wherever input and output lie. */
static bool is_answer(const struct channel *channel, const uint8_t *output, size_t size, const uint8_t *echo)
{
    uint8_t omac[OMAC_SIZE];
    client_omac(channel->key, &output[OMAC_SIZE], size - OMAC_SIZE, omac);
    D3D11_AUTHENTICATED_QUERY_OUTPUT header;
    memcpy(&header, output, sizeof header);
    return memcmp(omac, output, sizeof omac) == 0 && header.ReturnCode == S_OK &&
           memcmp(&output[OMAC_SIZE], echo, sizeof(GUID) + sizeof(HANDLE) + sizeof(UINT)) == 0;
}

/* Input and output at every distance from one another, equal and overlapping included, and so at every alignment. */
static void test_memory(const struct stage *stage, struct channel *channel, HANDLE device)
{
    enum { ROOM = 96 };
    uint8_t *memory = malloc(3 * ROOM);
    if (memory == NULL) {
        tap_bail_out("no memory");
    }
    unsigned wrong_commands = 0, wrong_queries = 0, positions = 0;
    uint8_t *const input = &memory[ROOM];
    for (int distance = -ROOM; distance <= ROOM; distance++) {
        uint8_t *output = input + distance;
        struct command command = command_protection(channel, positions % 2);
        memcpy(input, command.as.bytes, command.size);
        HRESULT hresult = channel->route->configure(channel, (UINT)command.size, input, output);
        wrong_commands += hresult != S_OK || !is_answer(channel, output, HEADER_SIZE, &command.as.bytes[OMAC_SIZE]);
        struct query query = query_of_kind(stage, channel, QUERY_OUTPUT, device);
        memcpy(input, query.as.bytes, query.size);
        hresult = channel->route->query(channel, (UINT)query.size, input, (UINT)query.answer_size, output);
        wrong_queries += hresult != S_OK || !is_answer(channel, output, query.answer_size, query.as.bytes);
        positions++;
    }
    is_number(wrong_commands, 0, "commands: output at %u distances from the input", positions);
    is_number(wrong_queries, 0, "queries: output at %u distances from the input", positions);
    free(memory);

    unsigned wrong = 0;
    for (size_t offset = 0; offset < 16; offset++) {
        struct command command = command_protection(channel, offset % 2);
        uint8_t *odd = malloc(offset + command.size), *odd_output = malloc(offset + HEADER_SIZE);
        if (odd == NULL || odd_output == NULL) {
            tap_bail_out("no memory");
        }
        memcpy(&odd[offset], command.as.bytes, command.size);
        HRESULT hresult = channel->route->configure(channel, (UINT)command.size, &odd[offset], &odd_output[offset]);
        wrong += hresult != S_OK || !is_answer(channel, &odd_output[offset], HEADER_SIZE, &command.as.bytes[OMAC_SIZE]);
        free(odd);
        free(odd_output);
    }
    is_number(wrong, 0, "messages that begin at any address and end where their memory does");
}

/* Where a structure has padding: between the end of one member and the beginning of the next, or its own end. */
struct gap {
    int kind;
    size_t from, to;
};
#define END_OF(structure, member) (offsetof(structure, member) + sizeof(((structure *)0)->member))
#define GAP(kind, structure, member, next) {kind, END_OF(structure, member), offsetof(structure, next)}
#define TAIL(kind, structure, member) {kind, END_OF(structure, member), sizeof(structure)}
#define HEADER_TAIL(kind) TAIL(kind, D3D11_AUTHENTICATED_CONFIGURE_INPUT, SequenceNumber)

static const struct gap gaps[] = {
    HEADER_TAIL(INITIALIZE),
    HEADER_TAIL(PROTECTION),
    TAIL(PROTECTION, D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT, Protections),
    HEADER_TAIL(CRYPTO_SESSION),
    HEADER_TAIL(SHARED_RESOURCE),
    GAP(SHARED_RESOURCE, D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT, ProcessType, ProcessHandle),
    TAIL(SHARED_RESOURCE, D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT, AllowAccess),
    HEADER_TAIL(ENCRYPTION_WHEN_ACCESSIBLE),
};

/* Applications that leave padding as it is: the OMAC covers it as it is sent. */
static void test_padding(const struct stage *stage, HANDLE device)
{
    static const uint8_t fills[] = {0x01, 0x5A, 0x80, 0xA5, 0xFF};
    size_t bytes = 0;
    for (size_t fill = 0; fill < sizeof fills; fill++) {
        struct channel channel = channel_keyed(stage);
        channel.query_number = 100; /* what command_of_kind's INITIALIZE says */
        channel.command_number = 200;
        for (int kind = 0; kind < COMMANDS; kind++) {
            struct command command = command_of_kind(stage, &channel, kind, device);
            for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
                if (gaps[i].kind == kind) {
                    memset(&command.as.bytes[gaps[i].from], fills[fill], gaps[i].to - gaps[i].from);
                    bytes += gaps[i].to - gaps[i].from;
                }
            }
            const char *name = command_kinds[kind].name;
            if (gaps[0].to > gaps[0].from) { /* elsewhere than on 64 bits only some commands have padding */
                is_right(channel_configure(&channel, command.as.bytes, command.size, E_INVALIDARG),
                         "%s: padding 0x%02x that came after the OMAC", name, fills[fill]);
            }
            commands(&channel, &command, S_OK, "%s: padding 0x%02x under the OMAC", name, fills[fill]);
            if (kind == INITIALIZE) {
                channel.command_number = 200; /* INITIALIZE's own number counts for nothing */
            }
        }
        channel_end(&channel);
    }
    tap_note("%zu bytes of padding", bytes);
}

void test_channel_sizes(const struct stage *stage)
{
    struct channel channel = channel_ready(stage);
    HANDLE device = channel_device(&channel);
    struct command command = command_of_kind(stage, &channel, SHARED_RESOURCE, device);
    commands(&channel, &command, S_OK, "a process, so that there is one to ask for");
    test_query_sizes(stage, &channel, device);
    test_null_pointers(&channel);
    test_memory(stage, &channel, device);
    test_large_commands(&channel);
    channel_end(&channel);

    channel = channel_keyed(stage);
    for (int kind = 0; kind < COMMANDS; kind++) {
        test_command_sizes(stage, &channel, kind, device);
    }
    channel_end(&channel);
    test_padding(stage, device);
}
