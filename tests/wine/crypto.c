#include "crypto.h"

#include <stdlib.h>
#include <string.h>

#include <windows.h>
#include <bcrypt.h>
#include <wincrypt.h>

#include "../c/tap.h"

#define HASH_SIZE 64
#define WORDS (RSA_SIZE / 4)

static void require(NTSTATUS status, const char *what)
{
    if (status < 0) {
        tap_bail_out("BCrypt: %s: 0x%08lx (Wine needs the package libgnutls30 for AES)", what, (unsigned long)status);
    }
}

void crypto_random(void *bytes, size_t size)
{
    require(BCryptGenRandom(NULL, bytes, (ULONG)size, BCRYPT_USE_SYSTEM_PREFERRED_RNG), "random numbers");
}

static void put_number(uint64_t number, uint8_t *big_endian)
{
    for (int i = 0; i < 8; i++) {
        big_endian[7 - i] = (uint8_t)(number >> 8 * i);
    }
}

void crypto_iv(uint64_t iv, uint64_t count, uint8_t block[IV_SIZE])
{
    put_number(iv, &block[0]);
    put_number(count, &block[8]);
}

/* AES-128-ECB in place. */
static void ecb(bool encrypt, const uint8_t key[KEY_SIZE], uint8_t *bytes, size_t size)
{
    static BCRYPT_ALG_HANDLE aes; /* opened by the first call, which is on the main thread */
    if (aes == NULL) {
        require(BCryptOpenAlgorithmProvider(&aes, BCRYPT_AES_ALGORITHM, NULL, 0), "AES");
        require(BCryptSetProperty(aes, BCRYPT_CHAINING_MODE, (PUCHAR)BCRYPT_CHAIN_MODE_ECB,
                                  sizeof BCRYPT_CHAIN_MODE_ECB, 0), "ECB");
    }
    BCRYPT_KEY_HANDLE handle;
    ULONG written;
    require(BCryptGenerateSymmetricKey(aes, &handle, NULL, 0, (PUCHAR)key, KEY_SIZE, 0), "an AES key");
    const ULONG length = (ULONG)size;
    require(encrypt ? BCryptEncrypt(handle, bytes, length, NULL, NULL, 0, bytes, length, &written, 0)
                    : BCryptDecrypt(handle, bytes, length, NULL, NULL, 0, bytes, length, &written, 0), "AES-ECB");
    BCryptDestroyKey(handle);
}

void crypto_wrap(const uint8_t key[KEY_SIZE], const uint8_t plain[KEY_SIZE], uint8_t wrapped[KEY_SIZE])
{
    memmove(wrapped, plain, KEY_SIZE);
    ecb(true, key, wrapped, KEY_SIZE);
}

void crypto_unwrap(const uint8_t key[KEY_SIZE], const uint8_t wrapped[KEY_SIZE], uint8_t plain[KEY_SIZE])
{
    memmove(plain, wrapped, KEY_SIZE);
    ecb(false, key, plain, KEY_SIZE);
}

void crypto_xor(uint8_t into[KEY_SIZE], const uint8_t with[KEY_SIZE])
{
    for (int i = 0; i < KEY_SIZE; i++) {
        into[i] ^= with[i];
    }
}

static bool is_encrypted(const struct pattern *pattern, size_t at)
{
    if (pattern == NULL || at < pattern->beginning) {
        return true;
    }
    if (pattern->encrypt == 0) {
        return false; /* the rest is clear, whatever the skip */
    }
    const size_t period = (size_t)pattern->skip + pattern->encrypt;
    return (at - pattern->beginning) % period >= pattern->skip;
}

void crypto_ctr(const uint8_t key[KEY_SIZE], const uint8_t iv[IV_SIZE], const struct pattern *pattern, uint8_t *bytes,
                size_t size)
{
    if (size == 0) {
        return;
    }
    const size_t blocks = (size + 15) / 16;
    uint8_t *stream = malloc(blocks * 16);
    if (stream == NULL) {
        tap_bail_out("no memory");
    }
    uint64_t count = 0;
    for (int i = 8; i < 16; i++) {
        count = count << 8 | iv[i];
    }
    for (size_t i = 0; i < blocks; i++) {
        memcpy(&stream[16 * i], iv, 8);
        put_number(count + i, &stream[16 * i + 8]);
    }
    ecb(true, key, stream, blocks * 16);
    size_t used = 0;
    for (size_t at = 0; at < size; at++) {
        if (is_encrypted(pattern, at)) {
            bytes[at] ^= stream[used++]; /* clear bytes consume no keystream */
        }
    }
    free(stream);
}

/* A CMAC subkey from the one before: multiplication by x. */
static void subkey(uint8_t block[16])
{
    const uint8_t carry = block[0] >> 7;
    for (int i = 0; i < 15; i++) {
        block[i] = (uint8_t)(block[i] << 1 | block[i + 1] >> 7);
    }
    block[15] = (uint8_t)(block[15] << 1) ^ (carry ? 0x87 : 0);
}

/* NIST SP 800-38B, section 6. */
void crypto_omac(const uint8_t key[KEY_SIZE], const void *bytes, size_t size, uint8_t omac[OMAC_SIZE])
{
    const uint8_t *at = bytes;
    uint8_t last[16] = {0}, k[16] = {0};
    ecb(true, key, k, 16);
    subkey(k);
    memset(omac, 0, OMAC_SIZE);
    for (; size > 16; size -= 16, at += 16) {
        crypto_xor(omac, at);
        ecb(true, key, omac, 16);
    }
    memcpy(last, at, size);
    if (size < 16) {
        last[size] = 0x80;
        subkey(k);
    }
    crypto_xor(omac, last);
    crypto_xor(omac, k);
    ecb(true, key, omac, 16);
}

static void sha512(const void *a, size_t a_size, const void *b, size_t b_size, uint8_t hash[HASH_SIZE])
{
    static BCRYPT_ALG_HANDLE algorithm;
    BCRYPT_HASH_HANDLE handle;
    if (algorithm == NULL) {
        require(BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_SHA512_ALGORITHM, NULL, 0), "SHA-512");
    }
    require(BCryptCreateHash(algorithm, &handle, NULL, 0, NULL, 0, 0), "a hash");
    require(BCryptHashData(handle, (PUCHAR)a, (ULONG)a_size, 0), "hashing");
    require(BCryptHashData(handle, (PUCHAR)b, (ULONG)b_size, 0), "hashing");
    require(BCryptFinishHash(handle, hash, HASH_SIZE, 0), "a hash's end");
    BCryptDestroyHash(handle);
}

/* RFC 8017, B.2.1: `bytes` XOR the mask of a seed. */
static void mask(const uint8_t *seed, size_t seed_size, uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        static uint8_t hash[HASH_SIZE];
        if (at % HASH_SIZE == 0) {
            const uint8_t counter[4] = {0, 0, 0, (uint8_t)(at / HASH_SIZE)};
            sha512(seed, seed_size, counter, sizeof counter, hash);
        }
        bytes[at] ^= hash[at % HASH_SIZE];
    }
}

/* RFC 8017, 7.1.1, steps 2a to 2i, for an empty label. */
static void oaep_encode(const uint8_t seed[HASH_SIZE], const uint8_t *plain, size_t size, uint8_t encoded[RSA_SIZE])
{
    uint8_t *const masked_seed = &encoded[1], *const data = &encoded[1 + HASH_SIZE];
    const size_t data_size = RSA_SIZE - 1 - HASH_SIZE;
    memset(encoded, 0, RSA_SIZE);
    memcpy(masked_seed, seed, HASH_SIZE);
    sha512("", 0, "", 0, data);
    data[data_size - size - 1] = 1;
    memcpy(&data[data_size - size], plain, size);
    mask(seed, HASH_SIZE, data, data_size);
    mask(data, data_size, masked_seed, HASH_SIZE);
}

/* Numbers of 2048 bits, least significant word first. */
struct number {
    uint32_t words[WORDS];
};

static struct number number_of(const uint8_t big_endian[RSA_SIZE])
{
    struct number number;
    for (int i = 0; i < WORDS; i++) {
        const uint8_t *at = &big_endian[RSA_SIZE - 4 - 4 * i];
        number.words[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    }
    return number;
}

/* sum := a + b mod n, for a and b less than n. */
static void add(struct number *sum, const struct number *a, const struct number *b, const struct number *n)
{
    struct number reduced;
    uint64_t carry = 0;
    int64_t borrow = 0;
    for (int i = 0; i < WORDS; i++) {
        carry += (uint64_t)a->words[i] + b->words[i];
        const uint32_t word = (uint32_t)carry;
        borrow += (int64_t)word - n->words[i];
        sum->words[i] = word;
        reduced.words[i] = (uint32_t)borrow;
        carry >>= 32;
        borrow >>= 32;
    }
    if (carry != 0 || borrow == 0) {
        *sum = reduced;
    }
}

/* a times b mod n, bit by bit: slow, and nothing here is secret from this machine. */
static struct number multiply(const struct number *a, const struct number *b, const struct number *n)
{
    struct number product = {{0}};
    for (int bit = 32 * WORDS - 1; bit >= 0; bit--) {
        add(&product, &product, &product, n);
        if (a->words[bit / 32] >> bit % 32 & 1) {
            add(&product, &product, b, n);
        }
    }
    return product;
}

/* base to the power of 65537, mod n. */
static void rsa(const uint8_t modulus[RSA_SIZE], const uint8_t base[RSA_SIZE], uint8_t power[RSA_SIZE])
{
    const struct number n = number_of(modulus), b = number_of(base);
    struct number p = b;
    for (int i = 0; i < 16; i++) {
        p = multiply(&p, &p, &n);
    }
    p = multiply(&p, &b, &n);
    for (int i = 0; i < RSA_SIZE; i++) {
        power[RSA_SIZE - 1 - i] = (uint8_t)(p.words[i / 4] >> 8 * (i % 4));
    }
}

/* The same by BCrypt alone; false where it cannot. */
static bool oaep_by_bcrypt(const struct rsa_key *key, const uint8_t *plain, size_t size, uint8_t message[RSA_SIZE])
{
    struct {
        BCRYPT_RSAKEY_BLOB header;
        uint8_t exponent[3];
        uint8_t modulus[RSA_SIZE];
    } blob = {{BCRYPT_RSAPUBLIC_MAGIC, 8 * RSA_SIZE, 3, RSA_SIZE, 0, 0}, {1, 0, 1}, {0}};
    memcpy(blob.modulus, key->modulus, RSA_SIZE);
    BCRYPT_OAEP_PADDING_INFO padding = {BCRYPT_SHA512_ALGORITHM, NULL, 0};
    BCRYPT_ALG_HANDLE algorithm;
    BCRYPT_KEY_HANDLE handle;
    ULONG written = 0;
    if (BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_RSA_ALGORITHM, NULL, 0) < 0) {
        return false;
    }
    bool done = false;
    const ULONG blob_size = offsetof(__typeof__(blob), modulus) + RSA_SIZE;
    if (BCryptImportKeyPair(algorithm, NULL, BCRYPT_RSAPUBLIC_BLOB, &handle, (PUCHAR)&blob, blob_size, 0) >= 0) {
        done = BCryptEncrypt(handle, (PUCHAR)plain, (ULONG)size, &padding, NULL, 0, message, RSA_SIZE, &written,
                             BCRYPT_PAD_OAEP) >= 0 &&
               written == RSA_SIZE;
        BCryptDestroyKey(handle);
    }
    BCryptCloseAlgorithmProvider(algorithm, 0);
    return done;
}

bool crypto_oaep(const struct rsa_key *key, const uint8_t *plain, size_t size, uint8_t message[RSA_SIZE])
{
    if (oaep_by_bcrypt(key, plain, size, message)) {
        return true;
    }
    uint8_t seed[HASH_SIZE], encoded[RSA_SIZE];
    crypto_random(seed, sizeof seed);
    oaep_encode(seed, plain, size, encoded);
    rsa(key->modulus, encoded, message);
    return false;
}

/* Whether a certificate of the store other than this one names it as its issuer. */
static bool is_issuer(HCERTSTORE store, PCCERT_CONTEXT certificate)
{
    bool found = false;
    for (PCCERT_CONTEXT other = NULL; (other = CertEnumCertificatesInStore(store, other)) != NULL;) {
        const bool same = CertCompareCertificate(X509_ASN_ENCODING, other->pCertInfo, certificate->pCertInfo);
        found = found || (!same && CertCompareCertificateName(X509_ASN_ENCODING, &other->pCertInfo->Issuer,
                                                              &certificate->pCertInfo->Subject));
    }
    return found;
}

static bool read_key(PCCERT_CONTEXT certificate, struct rsa_key *key)
{
    struct {
        BLOBHEADER header;
        RSAPUBKEY key;
        uint8_t modulus[RSA_SIZE]; /* little-endian */
    } blob;
    DWORD size = sizeof blob;
    const CRYPT_BIT_BLOB *bytes = &certificate->pCertInfo->SubjectPublicKeyInfo.PublicKey;
    if (!CryptDecodeObject(X509_ASN_ENCODING, RSA_CSP_PUBLICKEYBLOB, bytes->pbData, bytes->cbData, 0, &blob, &size) ||
        blob.key.bitlen != 8 * RSA_SIZE || blob.key.pubexp != 65537) {
        return false;
    }
    for (int i = 0; i < RSA_SIZE; i++) {
        key->modulus[i] = blob.modulus[RSA_SIZE - 1 - i];
    }
    return true;
}

unsigned crypto_chain(const uint8_t *blob, size_t size, struct rsa_key *key)
{
    CRYPT_DATA_BLOB bytes = {(DWORD)size, (BYTE *)blob};
    HCERTSTORE store = NULL;
    if (!CryptQueryObject(CERT_QUERY_OBJECT_BLOB, &bytes, CERT_QUERY_CONTENT_FLAG_PKCS7_SIGNED,
                          CERT_QUERY_FORMAT_FLAG_BINARY, 0, NULL, NULL, NULL, &store, NULL, NULL)) {
        return 0;
    }
    unsigned certificates = 0;
    bool found = false;
    for (PCCERT_CONTEXT certificate = NULL; (certificate = CertEnumCertificatesInStore(store, certificate)) != NULL;) {
        certificates++;
        if (!found && !is_issuer(store, certificate)) {
            found = read_key(certificate, key);
        }
    }
    CertCloseStore(store, 0);
    return found ? certificates : 0;
}

void crypto_self_test(void)
{
    /* RFC 4493, section 4, examples 1 to 3. */
    static const uint8_t key[KEY_SIZE] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                          0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
    static const uint8_t text[40] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93,
                                     0x17, 0x2a, 0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03, 0xac, 0x9c, 0x9e, 0xb7, 0x6f, 0xac,
                                     0x45, 0xaf, 0x8e, 0x51, 0x30, 0xc8, 0x1c, 0x46, 0xa3, 0x5c, 0xe4, 0x11};
    static const struct {
        size_t size;
        uint8_t omac[OMAC_SIZE];
    } answers[] = {
        {0, {0xbb, 0x1d, 0x69, 0x29, 0xe9, 0x59, 0x37, 0x28, 0x7f, 0xa3, 0x7d, 0x12, 0x9b, 0x75, 0x67, 0x46}},
        {16, {0x07, 0x0a, 0x16, 0xb4, 0x6b, 0x4d, 0x41, 0x44, 0xf7, 0x9b, 0xdd, 0x9d, 0xd0, 0x4a, 0x28, 0x7c}},
        {40, {0xdf, 0xa6, 0x67, 0x47, 0xde, 0x9a, 0xe6, 0x30, 0x30, 0xca, 0x32, 0x61, 0x14, 0x97, 0xc8, 0x27}},
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        uint8_t omac[OMAC_SIZE];
        crypto_omac(key, text, answers[i].size, omac);
        is_bytes(omac, answers[i].omac, OMAC_SIZE, "OMAC of %zu bytes as in RFC 4493", answers[i].size);
    }

    /* (n - 1) to an odd power is n - 1 mod n; and what the mask takes away it gives back. */
    uint8_t n[RSA_SIZE], minus_one[RSA_SIZE], power[RSA_SIZE], encoded[RSA_SIZE], seed[HASH_SIZE];
    crypto_random(n, sizeof n);
    n[0] |= 0x80;
    n[RSA_SIZE - 1] |= 1;
    memcpy(minus_one, n, sizeof n);
    minus_one[RSA_SIZE - 1] ^= 1;
    rsa(n, minus_one, power);
    is_bytes(power, minus_one, sizeof power, "-1 to the power of 65537 is -1");
    crypto_random(seed, sizeof seed);
    oaep_encode(seed, key, sizeof key, encoded);
    mask(&encoded[1 + HASH_SIZE], RSA_SIZE - 1 - HASH_SIZE, &encoded[1], HASH_SIZE);
    is_bytes(&encoded[1], seed, HASH_SIZE, "OAEP's seed can be read back");
    mask(seed, HASH_SIZE, &encoded[1 + HASH_SIZE], RSA_SIZE - 1 - HASH_SIZE);
    ok(encoded[0] == 0 && encoded[RSA_SIZE - KEY_SIZE - 1] == 1 &&
           memcmp(&encoded[RSA_SIZE - KEY_SIZE], key, KEY_SIZE) == 0, "and its message");
}
