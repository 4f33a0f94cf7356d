/* The application's half of crypto sessions and authenticated channels, over the public interfaces. */
#ifndef CLIENT_H
#define CLIENT_H

#include "gpu.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A crypto session and the application's copy of its key. */
struct session {
    const struct gpu *gpu;
    ID3D11CryptoSession *object;
    struct rsa_key driver_key;
    uint8_t key[KEY_SIZE];
};

/* AES-128-CTR without a decoder: create, read the certificate, negotiate. Every step is checked. */
struct session session_begin(const struct gpu *gpu);
/* The same for a decoder profile and a key exchange type, without certificate and key exchange. */
struct session session_create(const struct gpu *gpu, const GUID *profile, const GUID *key_exchange);
/* Reads the certificate. */
void session_certificate(struct session *session);
/* A key exchange with a new random key. */
void session_negotiate(struct session *session);
/* DecryptionBlt and EncryptionBlt. `content_key` is wrapped, and may be null, as may `info`. */
void session_decrypt(const struct session *session, ID3D11Texture2D *source, ID3D11Texture2D *destination,
                     D3D11_ENCRYPTED_BLOCK_INFO *info, const uint8_t *content_key, uint8_t iv[IV_SIZE]);
void session_encrypt(const struct session *session, ID3D11Texture2D *source, ID3D11Texture2D *destination,
                     uint8_t iv[IV_SIZE]);

/* A channel and the application's copy of its state. */
struct channel {
    const struct gpu *gpu;
    ID3D11AuthenticatedChannel *object;
    HANDLE handle;
    uint8_t key[KEY_SIZE];
    UINT query_number, command_number; /* of the next message */
};

/* Create, read the certificate, negotiate, INITIALIZE. Every step is checked. */
struct channel channel_begin(const struct gpu *gpu, D3D11_AUTHENTICATED_CHANNEL_TYPE type);
/* The first of these steps alone. */
struct channel channel_create(const struct gpu *gpu, D3D11_AUTHENTICATED_CHANNEL_TYPE type);

/* A command of `size` bytes gets its header and its OMAC. */
void channel_sign(struct channel *channel, const GUID *type, void *command, size_t size);
/* A query gets its header. */
void channel_number(struct channel *channel, const GUID *type, void *query);
/* Signs and sends a command, and checks the answer to the last bit: the header repeated, the return code, the OMAC. */
HRESULT channel_configure(struct channel *channel, const GUID *type, void *command, size_t size, const char *name);
/* The same for a query. */
HRESULT channel_query(struct channel *channel, const GUID *type, void *query, size_t size, void *answer,
                      size_t answer_size, const char *name);

/* PROTECTION on or off; must succeed. */
void channel_protection(struct channel *channel, bool on);
/* The handle of the device, by query. */
HANDLE channel_device(struct channel *channel);

#ifdef __cplusplus
}
#endif

#endif
