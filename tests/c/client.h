/* The application's half of the protocol, with OpenSSL 3 (libcrypto) as its only crypto. It shares nothing with the
   library under test, so that the two check each other. A failure of OpenSSL itself ends the program. */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#define KEY_SIZE 16
#define IV_SIZE 16
#define RSA_SIZE 256

/* Which bytes of a buffer are encrypted: a beginning, then clear and encrypted runs in turn (D6 to D8). */
struct pattern {
    uint32_t beginning;
    uint32_t skip;
    uint32_t encrypt;
};

/* What is to be encrypted for a key exchange, where a test wants it wrong. */
struct oaep {
    const EVP_MD *hash;
    const EVP_MD *mgf1;
    const char *label;
};

/* Fills `size` bytes with random ones. */
void client_random(void *bytes, size_t size);

/* The counter block of an IV and a block count (D5). */
void client_iv(uint64_t iv, uint64_t count, uint8_t block[IV_SIZE]);

/* Reads the IV or the count of a counter block. */
uint64_t client_iv_number(const uint8_t *big_endian);

/* AES-128-CTR over the bytes that `pattern` says, in place; null: over all. Encrypts and decrypts. */
void client_ctr(const uint8_t key[KEY_SIZE], const uint8_t iv[IV_SIZE], const struct pattern *pattern, uint8_t *bytes,
                size_t size);

/* A scheme of Common Encryption (ISO/IEC 23001-7): AES-CTR is cenc, with stripes cens; AES-CBC is cbc1, with stripes cbcs.
   Stripes are in blocks of 16 bytes, both counts 0 for none. */
struct scheme {
    bool cbc;
    uint32_t stripe_encrypted, stripe_clear;
};

/* Clear bytes of a sample and the encrypted region behind them. */
struct part {
    uint32_t clear, encrypted;
};

/* Encrypts a sample in place. Without parts it is one region. Bytes that OpenSSL gets are gathered region by region. */
void client_encrypt_sample(struct scheme scheme, const uint8_t key[KEY_SIZE], const uint8_t iv[IV_SIZE],
                           const struct part *parts, size_t count, uint8_t *bytes, size_t size);

/* AES-128-ECB of one block: how the session key wraps content keys and read-back keys. */
void client_wrap(const uint8_t key[KEY_SIZE], const uint8_t plain[KEY_SIZE], uint8_t wrapped[KEY_SIZE]);
void client_unwrap(const uint8_t key[KEY_SIZE], const uint8_t wrapped[KEY_SIZE], uint8_t plain[KEY_SIZE]);

/* into := into XOR with: what both sides do with the number of a session key refresh. */
void client_xor(uint8_t into[KEY_SIZE], const uint8_t with[KEY_SIZE]);

/* What a driver's certificate chain is, read from its PKCS #7 blob and verified up to the root in a PEM file. */
struct chain {
    int certificates;     /* in the blob */
    bool leaf_first;      /* the first one is nobody's issuer, and each next one issued the one before */
    bool verified;        /* X509_verify_cert with that root as the only trust anchor */
    bool encipherment;    /* the leaf may be used for key encipherment */
    int bits;             /* of the leaf's RSA key */
    EVP_PKEY *key;        /* the leaf's public key; free with EVP_PKEY_free. Null when the blob could not be read. */
};

/* Reads a chain from a DER PKCS #7 blob, or, with `pkcs7` false, from DER certificates one after another (D13). */
struct chain client_chain(const uint8_t *blob, size_t size, bool pkcs7, const char *root_pem);

/* RSAES-OAEP with SHA-512, MGF1-SHA-512 and an empty label. */
void client_key_exchange(EVP_PKEY *key, const uint8_t *plain, size_t size, uint8_t message[RSA_SIZE]);

/* RSAES-OAEP with other parameters. */
void client_key_exchange_with(EVP_PKEY *key, struct oaep oaep, const uint8_t *plain, size_t size,
                              uint8_t message[RSA_SIZE]);

#endif
