#include "channel.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#define FILL 0xA5

#define QUERY_KIND(name, query, answer) {#name, &D3D11_AUTHENTICATED_QUERY_##name, sizeof(query), sizeof(answer)}
const struct message_kind query_kinds[QUERIES] = {
    QUERY_KIND(PROTECTION, D3D11_AUTHENTICATED_QUERY_INPUT, D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT),
    QUERY_KIND(CHANNEL_TYPE, D3D11_AUTHENTICATED_QUERY_INPUT, D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT),
    QUERY_KIND(DEVICE_HANDLE, D3D11_AUTHENTICATED_QUERY_INPUT, D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT),
    QUERY_KIND(CRYPTO_SESSION, D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT,
               D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT),
    QUERY_KIND(RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT, D3D11_AUTHENTICATED_QUERY_INPUT,
               D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT),
    QUERY_KIND(RESTRICTED_SHARED_RESOURCE_PROCESS, D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT,
               D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT),
    QUERY_KIND(UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT, D3D11_AUTHENTICATED_QUERY_INPUT,
               D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT),
    QUERY_KIND(OUTPUT_ID_COUNT, D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT,
               D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT),
    QUERY_KIND(OUTPUT_ID, D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT, D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT),
    QUERY_KIND(ACCESSIBILITY_ATTRIBUTES, D3D11_AUTHENTICATED_QUERY_INPUT,
               D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT),
    QUERY_KIND(ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT, D3D11_AUTHENTICATED_QUERY_INPUT,
               D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT),
    QUERY_KIND(ENCRYPTION_WHEN_ACCESSIBLE_GUID, D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT,
               D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT),
    QUERY_KIND(CURRENT_ENCRYPTION_WHEN_ACCESSIBLE, D3D11_AUTHENTICATED_QUERY_INPUT,
               D3D11_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT),
};

#define COMMAND_KIND(name, command) \
    {#name, &D3D11_AUTHENTICATED_CONFIGURE_##name, sizeof(command), sizeof(D3D11_AUTHENTICATED_CONFIGURE_OUTPUT)}
const struct message_kind command_kinds[COMMANDS] = {
    COMMAND_KIND(INITIALIZE, D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT),
    COMMAND_KIND(PROTECTION, D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT),
    COMMAND_KIND(CRYPTO_SESSION, D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT),
    COMMAND_KIND(SHARED_RESOURCE, D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT),
    COMMAND_KIND(ENCRYPTION_WHEN_ACCESSIBLE, D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT),
};

/* A context that knows the algorithm; found once, as finding it is slow. */
static EVP_MAC_CTX *omac_context(void)
{
    static EVP_MAC_CTX *context;
    if (context == NULL) {
        EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
        context = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
        EVP_MAC_free(mac);
        char cipher[] = "AES-128-CBC";
        const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
                                         OSSL_PARAM_construct_end()};
        if (context == NULL || EVP_MAC_CTX_set_params(context, parameters) != 1) {
            tap_bail_out("OpenSSL has no CMAC");
        }
    }
    return context;
}

void client_omac(const uint8_t key[KEY_SIZE], const void *bytes, size_t size, uint8_t omac[OMAC_SIZE])
{
    EVP_MAC_CTX *context = omac_context();
    size_t written = 0;
    if (EVP_MAC_init(context, key, KEY_SIZE, NULL) != 1 || EVP_MAC_update(context, bytes, size) != 1 ||
        EVP_MAC_final(context, omac, &written, OMAC_SIZE) != 1 || written != OMAC_SIZE) {
        tap_bail_out("OpenSSL: no CMAC of %zu bytes", size);
    }
}

struct command channel_command(struct channel *channel, int kind)
{
    struct command command;
    memset(&command, 0, sizeof command);
    command.size = command_kinds[kind].size;
    command.as.header.ConfigureType = *command_kinds[kind].type;
    command.as.header.hChannel = channel->handle;
    command.as.header.SequenceNumber = channel->command_number++;
    return command;
}

struct query channel_query(struct channel *channel, int kind)
{
    struct query query;
    memset(&query, 0, sizeof query);
    query.size = query_kinds[kind].size;
    query.answer_size = query_kinds[kind].answer_size;
    query.as.header.QueryType = *query_kinds[kind].type;
    query.as.header.hChannel = channel->handle;
    query.as.header.SequenceNumber = channel->query_number++;
    return query;
}

void sign(const uint8_t key[KEY_SIZE], struct command *command)
{
    client_omac(key, &command->as.bytes[OMAC_SIZE], command->size - OMAC_SIZE, command->as.header.omac.Omac);
}

void channel_sign(const struct channel *channel, struct command *command)
{
    sign(channel->key, command);
}

/* Memory of exactly `size` bytes, so that a memory checker sees one too many. */
static uint8_t *allocate(size_t size)
{
    uint8_t *memory = malloc(size != 0 ? size : 1);
    if (memory == NULL) {
        tap_bail_out("no memory for %zu bytes", size);
    }
    return memory;
}

/* The header of an answer, its OMAC and its return code. `echo` are the bytes that are to be repeated, from GUID to
   sequence number, or null for zeros. */
static const char *check_header(const struct channel *channel, const uint8_t *answer, size_t size, const uint8_t *echo,
                                HRESULT expected)
{
    static const uint8_t zeros[sizeof(GUID) + sizeof(HANDLE) + sizeof(UINT)];
    D3D11_AUTHENTICATED_QUERY_OUTPUT header;
    memcpy(&header, answer, sizeof header);
    uint8_t omac[OMAC_SIZE] = {0};
    if (channel->keyed) {
        client_omac(channel->key, &answer[OMAC_SIZE], size - OMAC_SIZE, omac);
    }
    if (memcmp(omac, header.omac.Omac, sizeof omac) != 0) {
        return channel->keyed ? "the OMAC of the answer is wrong" : "the OMAC of the answer is not zero";
    }
    if (memcmp(echo != NULL ? echo : zeros, &answer[OMAC_SIZE], sizeof zeros) != 0) {
        return echo != NULL ? "GUID, handle and sequence number are not repeated" : "the header is not zero";
    }
    return header.ReturnCode == expected ? NULL : "the return code is not the HRESULT";
}

static bool all_are(const uint8_t *bytes, uint8_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != value) {
            return false;
        }
    }
    return true;
}

/* Says what a call returned, if it is not what was expected. */
static const char *check_hresult(HRESULT hresult, HRESULT expected)
{
    static char text[64];
    snprintf(text, sizeof text, "returned 0x%08x, expected 0x%08x", (unsigned)hresult, (unsigned)expected);
    return hresult == expected ? NULL : text;
}

const char *channel_configure(const struct channel *channel, const void *bytes, size_t size, HRESULT expected)
{
    const size_t output_size = sizeof(D3D11_AUTHENTICATED_CONFIGURE_OUTPUT);
    uint8_t *input = allocate(size), *output = allocate(output_size);
    memcpy(input, bytes, size);
    memset(output, FILL, output_size);
    HRESULT hresult = channel->route->configure(channel, (UINT)size, input, output);
    const char *wrong = check_hresult(hresult, expected);
    if (wrong == NULL) {
        bool whole = size >= sizeof(D3D11_AUTHENTICATED_CONFIGURE_INPUT);
        wrong = check_header(channel, output, output_size, whole ? &input[OMAC_SIZE] : NULL, expected);
    }
    if (wrong == NULL && memcmp(input, bytes, size) != 0) {
        wrong = "the command was written to";
    }
    free(input);
    free(output);
    return wrong;
}

const char *channel_ask(const struct channel *channel, const void *bytes, size_t size, size_t room, size_t answer_size,
                        HRESULT expected, union answer *answer)
{
    uint8_t *input = allocate(size), *output = allocate(room);
    memcpy(input, bytes, size);
    memset(output, FILL, room);
    HRESULT hresult = channel->route->query(channel, (UINT)size, input, (UINT)room, output);
    size_t answered = room >= answer_size ? answer_size : HEADER_SIZE;
    if (size < sizeof(D3D11_AUTHENTICATED_QUERY_INPUT) || room < HEADER_SIZE) {
        answered = 0;
    }
    const char *wrong = check_hresult(hresult, expected);
    if (wrong == NULL && answered != 0) {
        wrong = check_header(channel, output, answered, input, expected);
    }
    if (wrong == NULL && answered > HEADER_SIZE && expected != S_OK &&
        !all_are(&output[HEADER_SIZE], 0, answered - HEADER_SIZE)) {
        wrong = "the answer of a failed query is not zero behind its header";
    }
    if (wrong == NULL && !all_are(&output[answered], FILL, room - answered)) {
        wrong = answered != 0 ? "something is written behind the answer" : "something is answered";
    }
    if (wrong == NULL && memcmp(input, bytes, size) != 0) {
        wrong = "the query was written to";
    }
    if (answer != NULL) {
        memset(answer, 0, sizeof *answer);
        memcpy(answer, output, answered < sizeof *answer ? answered : sizeof *answer);
    }
    free(input);
    free(output);
    return wrong;
}

bool tap_right(const char *wrong, const char *file, int line, const char *format, ...)
{
    char name[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    return tap_ok(wrong == NULL, file, line, wrong != NULL ? wrong : "", "%s", name);
}

HRESULT channel_negotiate(struct channel *channel)
{
    uint8_t key[KEY_SIZE], message[RSA_SIZE];
    client_random(key, sizeof key);
    client_key_exchange(channel->driver_key, key, sizeof key, message);
    HRESULT hresult = channel->route->negotiate(channel, sizeof message, message);
    if (hresult == S_OK) {
        memcpy(channel->key, key, sizeof key);
        channel->keyed = true;
    }
    return hresult;
}

void channel_initialize(struct channel *channel, UINT first_query, UINT first_command)
{
    channel->command_number = 77; /* INITIALIZE's own number is not looked at */
    struct command command = channel_command(channel, INITIALIZE);
    command.as.initialize.StartSequenceQuery = first_query;
    command.as.initialize.StartSequenceConfigure = first_command;
    commands(channel, &command, S_OK, "INITIALIZE with queries from %u, commands from %u", first_query, first_command);
    channel->query_number = first_query;
    channel->command_number = first_command;
}

struct command command_protection(struct channel *channel, UINT flags)
{
    struct command command = channel_command(channel, PROTECTION);
    command.as.protection.Protections.Value = flags;
    channel_sign(channel, &command);
    return command;
}

struct command command_crypto_session(struct channel *channel, HANDLE decoder, HANDLE session, HANDLE device)
{
    struct command command = channel_command(channel, CRYPTO_SESSION);
    command.as.crypto_session.DecoderHandle = decoder;
    command.as.crypto_session.CryptoSessionHandle = session;
    command.as.crypto_session.DeviceHandle = device;
    channel_sign(channel, &command);
    return command;
}

struct command command_shared_resource(struct channel *channel, UINT type, HANDLE process, BOOL allow)
{
    struct command command = channel_command(channel, SHARED_RESOURCE);
    command.as.shared_resource.ProcessType = type;
    command.as.shared_resource.ProcessHandle = process;
    command.as.shared_resource.AllowAccess = allow;
    channel_sign(channel, &command);
    return command;
}

struct command command_encryption(struct channel *channel, const GUID *encryption)
{
    struct command command = channel_command(channel, ENCRYPTION_WHEN_ACCESSIBLE);
    command.as.encryption.EncryptionGuid = *encryption;
    channel_sign(channel, &command);
    return command;
}

struct query query_crypto_session(struct channel *channel, HANDLE decoder)
{
    struct query query = channel_query(channel, QUERY_CRYPTO_SESSION);
    query.as.crypto_session.DecoderHandle = decoder;
    return query;
}

struct query query_outputs(struct channel *channel, int kind, HANDLE device, HANDLE session, UINT index)
{
    struct query query = channel_query(channel, kind);
    query.as.output_count.DeviceHandle = device;
    query.as.output_count.CryptoSessionHandle = session;
    if (kind == QUERY_OUTPUT) {
        query.as.output.OutputIDIndex = index;
    }
    return query;
}

struct query query_index(struct channel *channel, int kind, UINT index)
{
    struct query query = channel_query(channel, kind);
    if (kind == QUERY_PROCESS) {
        query.as.process.ProcessIndex = index;
    } else {
        query.as.encryption.EncryptionGuidIndex = index;
    }
    return query;
}

HANDLE channel_device(struct channel *channel)
{
    struct query query = channel_query(channel, QUERY_DEVICE_HANDLE);
    union answer answer;
    asks(channel, &query, S_OK, &answer, "DEVICE_HANDLE");
    return answer.device.DeviceHandle;
}
