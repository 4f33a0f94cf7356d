#include "client.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tap.h"

/* Ends the program when a call of OpenSSL failed that cannot fail in a sound environment. */
static void require(int success, const char *what)
{
    if (success <= 0) {
        tap_bail_out("OpenSSL: %s: %s", what, ERR_error_string(ERR_get_error(), NULL));
    }
}

void client_random(void *bytes, size_t size)
{
    require(RAND_bytes(bytes, (int)size), "RAND_bytes");
}

void client_iv(uint64_t iv, uint64_t count, uint8_t block[IV_SIZE])
{
    for (int i = 0; i < 8; i++) {
        block[7 - i] = (uint8_t)(iv >> 8 * i);
        block[15 - i] = (uint8_t)(count >> 8 * i);
    }
}

uint64_t client_iv_number(const uint8_t *big_endian)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++) {
        number = number << 8 | big_endian[i];
    }
    return number;
}

/* `size` bytes of keystream. OpenSSL counts through all 16 bytes of the block; the DDI's counter is the last eight, so
   where they wrap the stream starts anew at the same IV and count 0 (D5). */
static void keystream(const uint8_t key[KEY_SIZE], const uint8_t iv[IV_SIZE], uint8_t *bytes, size_t size)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    require(context != NULL, "EVP_CIPHER_CTX_new");
    uint8_t block[IV_SIZE];
    memcpy(block, iv, IV_SIZE);
    memset(bytes, 0, size);
    for (size_t done = 0; done < size;) {
        uint64_t blocks_before_wrap = 0 - client_iv_number(&block[8]); /* 0 stands for 2^64 */
        size_t length = size - done;
        if (blocks_before_wrap != 0 && length / 16 >= blocks_before_wrap) {
            length = (size_t)blocks_before_wrap * 16;
        }
        int written = 0;
        require(EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), NULL, key, block), "EVP_EncryptInit_ex");
        require(EVP_EncryptUpdate(context, &bytes[done], &written, &bytes[done], (int)length), "EVP_EncryptUpdate");
        done += length;
        memset(&block[8], 0, 8);
    }
    EVP_CIPHER_CTX_free(context);
}

/* Whether the byte at `at` is encrypted. */
static bool is_encrypted(const struct pattern *pattern, size_t at)
{
    if (pattern == NULL || at < pattern->beginning) {
        return true;
    }
    if (pattern->encrypt == 0) {
        return false; /* the rest is clear, whatever the skip (D8) */
    }
    if (pattern->skip == 0) {
        return true; /* the rest is encrypted (D8) */
    }
    size_t period = (size_t)pattern->skip + pattern->encrypt;
    return (at - pattern->beginning) % period >= pattern->skip;
}

void client_ctr(const uint8_t key[KEY_SIZE], const uint8_t iv[IV_SIZE], const struct pattern *pattern, uint8_t *bytes,
                size_t size)
{
    uint8_t *stream = malloc(size != 0 ? size : 1);
    require(stream != NULL, "malloc");
    keystream(key, iv, stream, size);
    size_t used = 0;
    for (size_t at = 0; at < size; at++) {
        if (is_encrypted(pattern, at)) {
            bytes[at] ^= stream[used++]; /* clear bytes consume no keystream (D6) */
        }
    }
    free(stream);
}

/* AES-128-CBC of whole blocks, in place. */
static void cbc(const uint8_t key[KEY_SIZE], const uint8_t iv[IV_SIZE], uint8_t *bytes, size_t size)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    require(context != NULL, "EVP_CIPHER_CTX_new");
    int written = 0;
    require(EVP_EncryptInit_ex(context, EVP_aes_128_cbc(), NULL, key, iv), "EVP_EncryptInit_ex");
    require(EVP_CIPHER_CTX_set_padding(context, 0), "EVP_CIPHER_CTX_set_padding");
    require(EVP_EncryptUpdate(context, bytes, &written, bytes, (int)size), "EVP_EncryptUpdate");
    EVP_CIPHER_CTX_free(context);
}

/* Whether the byte at `at` of a region of `size` bytes is encrypted. */
static bool is_in_stripe(struct scheme scheme, size_t at, size_t size)
{
    const uint64_t period = (uint64_t)scheme.stripe_encrypted + scheme.stripe_clear;
    if (!scheme.cbc && period == 0) {
        return true; /* cenc: every byte */
    }
    if (at / 16 * 16 + 16 > size) {
        return false; /* no whole block */
    }
    return period == 0 || at / 16 % period < scheme.stripe_encrypted;
}

void client_encrypt_sample(struct scheme scheme, const uint8_t key[KEY_SIZE], const uint8_t iv[IV_SIZE],
                           const struct part *parts, size_t count, uint8_t *bytes, size_t size)
{
    const struct part whole = {0, (uint32_t)size};
    uint8_t *gathered = malloc(size != 0 ? size : 1);
    uint8_t **places = malloc((size != 0 ? size : 1) * sizeof *places);
    require(gathered != NULL && places != NULL, "malloc");
    const bool restarts = scheme.cbc && scheme.stripe_encrypted != 0;
    size_t used = 0, at = 0;
    for (size_t i = 0; i < (parts != NULL ? count : 1); i++) {
        const struct part part = parts != NULL ? parts[i] : whole;
        at += part.clear;
        for (size_t j = 0; j < part.encrypted; j++) {
            if (is_in_stripe(scheme, j, part.encrypted)) {
                places[used] = &bytes[at + j];
                gathered[used++] = bytes[at + j];
            }
        }
        at += part.encrypted;
        if (restarts || i + 1 == (parts != NULL ? count : 1)) {
            if (scheme.cbc) {
                cbc(key, iv, gathered, used);
            } else {
                client_ctr(key, iv, NULL, gathered, used);
            }
            for (size_t j = 0; j < used; j++) {
                *places[j] = gathered[j];
            }
            used = 0;
        }
    }
    free(gathered);
    free(places);
}

static void ecb(bool encrypt, const uint8_t key[KEY_SIZE], const uint8_t in[KEY_SIZE], uint8_t out[KEY_SIZE])
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    require(context != NULL, "EVP_CIPHER_CTX_new");
    int written = 0;
    require(EVP_CipherInit_ex(context, EVP_aes_128_ecb(), NULL, key, NULL, encrypt), "EVP_CipherInit_ex");
    require(EVP_CIPHER_CTX_set_padding(context, 0), "EVP_CIPHER_CTX_set_padding");
    require(EVP_CipherUpdate(context, out, &written, in, KEY_SIZE), "EVP_CipherUpdate");
    EVP_CIPHER_CTX_free(context);
}

void client_wrap(const uint8_t key[KEY_SIZE], const uint8_t plain[KEY_SIZE], uint8_t wrapped[KEY_SIZE])
{
    ecb(true, key, plain, wrapped);
}

void client_unwrap(const uint8_t key[KEY_SIZE], const uint8_t wrapped[KEY_SIZE], uint8_t plain[KEY_SIZE])
{
    ecb(false, key, wrapped, plain);
}

void client_xor(uint8_t into[KEY_SIZE], const uint8_t with[KEY_SIZE])
{
    for (int i = 0; i < KEY_SIZE; i++) {
        into[i] ^= with[i];
    }
}

/* The certificates of a blob in its order; null when it cannot be read to its end. */
static STACK_OF(X509) *read_certificates(const uint8_t *blob, size_t size, bool pkcs7)
{
    const uint8_t *at = blob, *end = blob + size;
    STACK_OF(X509) *certificates = sk_X509_new_null();
    require(certificates != NULL, "sk_X509_new_null");
    bool complete = true;
    if (pkcs7) {
        PKCS7 *message = d2i_PKCS7(NULL, &at, (long)size);
        complete = message != NULL && PKCS7_type_is_signed(message) && message->d.sign->cert != NULL;
        for (int i = 0; complete && i < sk_X509_num(message->d.sign->cert); i++) {
            X509 *certificate = sk_X509_value(message->d.sign->cert, i);
            X509_up_ref(certificate);
            sk_X509_push(certificates, certificate);
        }
        PKCS7_free(message);
    }
    while (!pkcs7 && complete && at < end) {
        X509 *certificate = d2i_X509(NULL, &at, (long)(end - at));
        complete = certificate != NULL && sk_X509_push(certificates, certificate) > 0;
    }
    if (!complete || at != end) {
        sk_X509_pop_free(certificates, X509_free);
        return NULL;
    }
    return certificates;
}

static bool verify(X509 *leaf, STACK_OF(X509) *chain, const char *root_pem)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    require(store != NULL && context != NULL, "X509_STORE_CTX_new");
    if (X509_STORE_load_file(store, root_pem) != 1) {
        tap_bail_out("%s cannot be read as the root certificate", root_pem);
    }
    require(X509_STORE_CTX_init(context, store, leaf, chain), "X509_STORE_CTX_init");
    bool verified = X509_verify_cert(context) == 1;
    if (!verified) {
        tap_note("chain: %s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return verified;
}

struct chain client_chain(const uint8_t *blob, size_t size, bool pkcs7, const char *root_pem)
{
    struct chain chain = {0};
    STACK_OF(X509) *certificates = read_certificates(blob, size, pkcs7);
    if (certificates == NULL || sk_X509_num(certificates) == 0) {
        sk_X509_free(certificates);
        return chain;
    }
    X509 *leaf = sk_X509_value(certificates, 0);
    chain.certificates = sk_X509_num(certificates);
    chain.leaf_first = X509_check_ca(leaf) == 0;
    for (int i = 1; i < chain.certificates; i++) {
        X509 *issuer = sk_X509_value(certificates, i), *subject = sk_X509_value(certificates, i - 1);
        chain.leaf_first = chain.leaf_first && X509_check_issued(issuer, subject) == X509_V_OK;
    }
    chain.verified = verify(leaf, certificates, root_pem);
    chain.encipherment = (X509_get_key_usage(leaf) & KU_KEY_ENCIPHERMENT) != 0;
    chain.key = X509_get_pubkey(leaf);
    require(chain.key != NULL, "X509_get_pubkey");
    chain.bits = EVP_PKEY_is_a(chain.key, "RSA") ? EVP_PKEY_get_bits(chain.key) : 0;
    sk_X509_pop_free(certificates, X509_free);
    return chain;
}

void client_key_exchange(EVP_PKEY *key, const uint8_t *plain, size_t size, uint8_t message[RSA_SIZE])
{
    struct oaep oaep = {EVP_sha512(), EVP_sha512(), ""};
    client_key_exchange_with(key, oaep, plain, size, message);
}

void client_key_exchange_with(EVP_PKEY *key, struct oaep oaep, const uint8_t *plain, size_t size,
                              uint8_t message[RSA_SIZE])
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    require(context != NULL && EVP_PKEY_encrypt_init(context), "EVP_PKEY_encrypt_init");
    require(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING), "EVP_PKEY_CTX_set_rsa_padding");
    require(EVP_PKEY_CTX_set_rsa_oaep_md(context, oaep.hash), "EVP_PKEY_CTX_set_rsa_oaep_md");
    require(EVP_PKEY_CTX_set_rsa_mgf1_md(context, oaep.mgf1), "EVP_PKEY_CTX_set_rsa_mgf1_md");
    if (oaep.label[0] != '\0') {
        char *label = OPENSSL_strdup(oaep.label);
        require(EVP_PKEY_CTX_set0_rsa_oaep_label(context, label, (int)strlen(label)), "set0_rsa_oaep_label");
    }
    size_t written = RSA_SIZE;
    require(EVP_PKEY_encrypt(context, message, &written, plain, size), "EVP_PKEY_encrypt");
    require(written == RSA_SIZE, "an RSA-2048 key");
    EVP_PKEY_CTX_free(context);
}
