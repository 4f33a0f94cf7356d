/* The parts of core_client, and what they share. */
#ifndef CORE_TESTS_H
#define CORE_TESTS_H

#include "host.h"

/* The GUIDs of the contract, as softcp.h names them in its comments. */
extern const softcp_guid no_guid, aes_128_ctr, rsaes_oaep, h264_profile;

/* An adapter with one device over a host of its own, and the key of its verified certificate. */
struct core {
    struct host host;
    softcp_adapter *adapter;
    softcp_device *device;
    EVP_PKEY *driver_key;
};

/* A session and the application's copy of its key. */
struct core_session {
    struct core *core;
    softcp_session id;
    uint8_t key[KEY_SIZE];
};

/* Makes everything up to a device; ends the program when that fails. `options` may be null. The structure must stay
   where it is. The environment may be null too. */
void core_begin(struct core *core, const char *identity, const char *options);
void core_begin_with(struct core *core, const char *identity, const char *options,
                     const struct softcp_secure_environment *environment);
void core_end(struct core *core);

/* What to create a session with. */
struct softcp_session_desc core_session_desc(void);

/* Creates a session without a key, or with a random one. */
struct core_session core_session_create(struct core *core);
struct core_session core_session_keyed(struct core *core);

/* A key exchange with a new random key. */
softcp_hresult core_session_negotiate(struct core_session *session);

/* One decryption blit of random bytes from one resource to another, or within one; the destination is compared with
   what OpenSSL says, the padding with what it was. Makes no check of its own, so threads may call it. */
bool core_decrypts(struct core_session *session, struct resource *source, struct resource *destination,
                   const struct pattern *pattern, const uint8_t *content_key);

/* Passes if the session decrypts a buffer under the key that both sides should have, with balanced maps. */
void core_session_decrypts(struct core_session *session, const char *name);

void test_adapters(const char *identity);
void test_devices(const char *identity);
void test_core_capabilities(const char *identity);
void test_core_protocol(const char *identity);
void test_core_refusals(const char *identity);
void test_sealed_keys(const char *identity);
void test_loss(const char *identity);
void test_mappings(const char *identity);
void test_core_decoders(const char *identity);
void test_core_hardware(const char *identity);
void test_environment(const char *identity);
void test_core_channels(const char *identity);
void test_attached(const char *identity);
void test_threads(const char *identity);
void test_destroyed_during_a_call(const char *identity);
void test_processes(const char *identity);
void test_removed(const char *identity);
void test_errors(const char *identity);

#endif
