/* The tests of authenticated channels, and the stage that they need. They go through a route only, so they run over the
   function tables of the DDI and over the core functions alike. */
#ifndef CHANNEL_TESTS_H
#define CHANNEL_TESTS_H

#include "channel.h"

/* What queries are to answer, as configured. */
struct configured {
    const uint64_t *outputs;
    UINT output_count;
    UINT bus_type;
    BOOL contiguous, non_contiguous;
    const GUID *encryptions;
    UINT encryption_count;
};

/* The software profile's: output 1, memory that can be reached over no graphics bus, AES-128-CTR. */
extern const struct configured configured_by_default;

/* Where channels are made, and what is there for them to name. */
struct stage {
    void *owner;                                               /* what channels are made on; the route knows its type */
    struct channel (*create)(const struct stage *stage, UINT type); /* keyless; ends the program when that fails */
    EVP_PKEY *driver_key;
    struct configured configured;
    HANDLE session, second_session;   /* live */
    HANDLE decoder, second_decoder;
    HANDLE stale_session, stale_decoder;                       /* destroyed */
    HANDLE foreign_session, foreign_decoder, foreign_device;   /* another device's */
};

/* A channel with a key, and one that is initialised too, with random first numbers. */
struct channel channel_keyed(const struct stage *stage);
struct channel channel_ready(const struct stage *stage);
void channel_end(struct channel *channel);

/* Everything that a channel can set, as its queries tell it. */
struct state {
    UINT protection;
    UINT processes;
    HANDLE session; /* bound to the stage's decoder */
    GUID encryption;
};

/* Asks for it. Null if all four answers are right, else what is not. */
const char *state_of(const struct stage *stage, struct channel *channel, struct state *state);

/* A command of each kind that changes the state of a channel that has set nothing yet; signed. */
struct command command_of_kind(const struct stage *stage, struct channel *channel, int kind, HANDLE device);

/* A query of each kind that is answered S_OK on a channel that has allowed one process. */
struct query query_of_kind(const struct stage *stage, struct channel *channel, int kind, HANDLE device);

/* OpenSSL's CMAC against NIST SP 800-38B, so that what is checked with it is checked well. */
void test_omac(void);

void test_channel_queries(const struct stage *stage);
void test_channel_commands(const struct stage *stage);
void test_channel_order(const struct stage *stage);
void test_channel_sizes(const struct stage *stage);
void test_channel_attacks(const struct stage *stage);

#endif
