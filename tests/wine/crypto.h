/* The application's cryptography, on Windows' own: BCrypt for ciphers, hashes and RSA, Crypt32 for certificates. What a
   system's BCrypt lacks (Wine 8: RSAES-OAEP and AES-CMAC) is made of what it has. A failure of BCrypt itself ends the
   program. */
#ifndef CRYPTO_H
#define CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KEY_SIZE 16
#define IV_SIZE 16
#define OMAC_SIZE 16
#define RSA_SIZE 256

/* Which bytes of a buffer are encrypted: a beginning, then clear and encrypted runs in turn. */
struct pattern {
    uint32_t beginning;
    uint32_t skip;
    uint32_t encrypt;
};

/* The public key of a certificate: big-endian, with 65537 as its exponent. */
struct rsa_key {
    uint8_t modulus[RSA_SIZE];
};

void crypto_random(void *bytes, size_t size);

/* The counter block of an IV and a block count, both big-endian. */
void crypto_iv(uint64_t iv, uint64_t count, uint8_t block[IV_SIZE]);

/* AES-128-CTR over the bytes that `pattern` says, in place; null: over all. Encrypts and decrypts. */
void crypto_ctr(const uint8_t key[KEY_SIZE], const uint8_t iv[IV_SIZE], const struct pattern *pattern, uint8_t *bytes,
                size_t size);

/* AES-128-ECB of one block: how the session key wraps content keys and read-back keys. */
void crypto_wrap(const uint8_t key[KEY_SIZE], const uint8_t plain[KEY_SIZE], uint8_t wrapped[KEY_SIZE]);
void crypto_unwrap(const uint8_t key[KEY_SIZE], const uint8_t wrapped[KEY_SIZE], uint8_t plain[KEY_SIZE]);

/* into := into XOR with: what both sides do with the number of a session key refresh. */
void crypto_xor(uint8_t into[KEY_SIZE], const uint8_t with[KEY_SIZE]);

/* AES-128 OMAC1 (CMAC). */
void crypto_omac(const uint8_t key[KEY_SIZE], const void *bytes, size_t size, uint8_t omac[OMAC_SIZE]);

/* Reads a driver's PKCS #7 chain; `key` becomes that of the leaf, the certificate which issued no other. Returns the
   number of certificates; 0 when it cannot be read, or has no leaf with an RSA key of 2048 bits. */
unsigned crypto_chain(const uint8_t *blob, size_t size, struct rsa_key *key);

/* RSAES-OAEP with SHA-512, MGF1-SHA-512 and an empty label. Returns whether BCrypt has done it itself. */
bool crypto_oaep(const struct rsa_key *key, const uint8_t *plain, size_t size, uint8_t message[RSA_SIZE]);

/* Checks what is done by hand here against known answers. */
void crypto_self_test(void);

#ifdef __cplusplus
}
#endif

#endif
