/* The application's half of an authenticated channel, with OpenSSL's CMAC. It knows the messages, not the way by which
   they reach the library: that is a route, over a function table of the DDI or over the core functions. */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "softcp_ddi.h"

#include "client.h"
#include "tap.h"

#define OMAC_SIZE 16
#define HEADER_SIZE sizeof(D3D11_AUTHENTICATED_QUERY_OUTPUT) /* of every answer, and of an answer to a command whole */

struct channel;

/* How the calls of a channel reach the library. Arguments are passed on as they are. */
struct channel_route {
    HRESULT (*negotiate)(const struct channel *channel, UINT size, void *data);
    HRESULT (*query)(const struct channel *channel, UINT input_size, const void *input, UINT output_size, void *output);
    HRESULT (*configure)(const struct channel *channel, UINT input_size, const void *input, void *output);
    void (*destroy)(struct channel *channel); /* and frees what belongs to it */
};

/* A channel and the application's copy of its state. */
struct channel {
    const struct channel_route *route;
    void *owner;               /* of the route: whose channel it is, */
    void *object;              /* and which */
    EVP_PKEY *driver_key;      /* of the certificate; borrowed */
    HANDLE handle;             /* that messages carry */
    UINT type;                 /* D3D11_AUTHENTICATED_CHANNEL_DRIVER_ */
    bool keyed;                /* whether answers are signed */
    uint8_t key[KEY_SIZE];
    UINT query_number;         /* of the next query */
    UINT command_number;       /* of the next command */
};

/* A command as it is sent. */
struct command {
    size_t size;
    union {
        D3D11_AUTHENTICATED_CONFIGURE_INPUT header;
        D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT initialize;
        D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT protection;
        D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT crypto_session;
        D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT shared_resource;
        D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT encryption;
        uint8_t bytes[160]; /* room to be made longer */
    } as;
};

/* A query as it is sent, and the size of its answer. */
struct query {
    size_t size, answer_size;
    union {
        D3D11_AUTHENTICATED_QUERY_INPUT header;
        D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT crypto_session;
        D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT process;
        D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT output_count;
        D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT output;
        D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT encryption;
        uint8_t bytes[160];
    } as;
};

/* The answer to a query. */
union answer {
    D3D11_AUTHENTICATED_QUERY_OUTPUT header;
    D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT protection;
    D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT channel_type;
    D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT device;
    D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT crypto_session;
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT process_count;
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT process;
    D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT unrestricted_count;
    D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT output_count;
    D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT output;
    D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT accessibility;
    D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT encryption_count;
    D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT encryption;
    D3D11_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT current_encryption;
    uint8_t bytes[160];
};

enum { QUERY_PROTECTION, QUERY_CHANNEL_TYPE, QUERY_DEVICE_HANDLE, QUERY_CRYPTO_SESSION, QUERY_PROCESS_COUNT,
       QUERY_PROCESS, QUERY_UNRESTRICTED_COUNT, QUERY_OUTPUT_COUNT, QUERY_OUTPUT, QUERY_ACCESSIBILITY,
       QUERY_ENCRYPTION_COUNT, QUERY_ENCRYPTION, QUERY_CURRENT_ENCRYPTION, QUERIES };
enum { INITIALIZE, PROTECTION, CRYPTO_SESSION, SHARED_RESOURCE, ENCRYPTION_WHEN_ACCESSIBLE, COMMANDS };

/* The messages that there are; `answer_size` is that of queries. */
struct message_kind {
    const char *name;
    const GUID *type;
    size_t size, answer_size;
};
extern const struct message_kind query_kinds[QUERIES], command_kinds[COMMANDS];

/* AES-128 OMAC1 by OpenSSL. */
void client_omac(const uint8_t key[KEY_SIZE], const void *bytes, size_t size, uint8_t omac[OMAC_SIZE]);

/* A message with the channel's handle and its next number, which is used up; the rest is zero. */
struct command channel_command(struct channel *channel, int kind);
struct query channel_query(struct channel *channel, int kind);

/* Writes the OMAC of a command. */
void channel_sign(const struct channel *channel, struct command *command);
void sign(const uint8_t key[KEY_SIZE], struct command *command);

/* Sends a command of `size` bytes as it lies there and checks the answer: HRESULT, the header repeated, the return
   code, the OMAC. Null if all is right, else what is not. */
const char *channel_configure(const struct channel *channel, const void *bytes, size_t size, HRESULT expected);

/* Sends a query as it lies there, with room for `room` bytes of answer, and checks the answer: HRESULT, the header
   repeated, the return code, the OMAC, no byte written behind it. The answer is to be the whole structure of
   `answer_size` bytes where there is room for it, else the header, else nothing; after a failure everything behind the
   header is to be zero. Null if all is right, else what is not. `answer` may be null. */
const char *channel_ask(const struct channel *channel, const void *bytes, size_t size, size_t room, size_t answer_size,
                        HRESULT expected, union answer *answer);

/* A check that passes when there is nothing wrong. */
#define is_right(wrong, ...) tap_right((wrong), __FILE__, __LINE__, __VA_ARGS__)
bool tap_right(const char *wrong, const char *file, int line, const char *format, ...) TAP_PRINTF(4, 5);

/* Signs and sends a command; passes if it is answered with `expected`. */
#define commands(channel, command, expected, ...) \
    is_right((channel_sign((channel), (command)), \
              channel_configure((channel), (command)->as.bytes, (command)->size, (expected))), __VA_ARGS__)

/* Sends a query with room for exactly its answer; passes if it is answered with `expected`. */
#define asks(channel, query, expected, answer, ...)                                                                 \
    is_right(channel_ask((channel), (query)->as.bytes, (query)->size, (query)->answer_size, (query)->answer_size,    \
                         (expected), (answer)),                                                                     \
             __VA_ARGS__)

/* A key exchange with a new random key. */
HRESULT channel_negotiate(struct channel *channel);

/* INITIALIZE with these first numbers; checks that it is accepted. */
void channel_initialize(struct channel *channel, UINT first_query, UINT first_command);

/* Commands with the values of their structures, signed. */
struct command command_protection(struct channel *channel, UINT flags);
struct command command_crypto_session(struct channel *channel, HANDLE decoder, HANDLE session, HANDLE device);
struct command command_shared_resource(struct channel *channel, UINT type, HANDLE process, BOOL allow);
struct command command_encryption(struct channel *channel, const GUID *encryption);

/* Queries with the values of their structures. */
struct query query_crypto_session(struct channel *channel, HANDLE decoder);
struct query query_outputs(struct channel *channel, int kind, HANDLE device, HANDLE session, UINT index);
struct query query_index(struct channel *channel, int kind, UINT index);

/* The handle of the channel's device, by query; checks the answer. */
HANDLE channel_device(struct channel *channel);

#endif
