#include "hardware.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILL 0xA5

/* 16 bytes in base64url without padding. */
static void base64url(const uint8_t bytes[16], char text[23])
{
    unsigned char padded[25];
    EVP_EncodeBlock(padded, bytes, 16);
    for (int i = 0; i < 22; i++) {
        text[i] = padded[i] == '+' ? '-' : padded[i] == '/' ? '_' : (char)padded[i];
    }
    text[22] = '\0';
}

size_t licence_of(const uint8_t kid[KID_SIZE], const uint8_t key[KEY_SIZE], char text[LICENCE_ROOM])
{
    char kid_text[23], key_text[23];
    base64url(kid, kid_text);
    base64url(key, key_text);
    return (size_t)snprintf(text, LICENCE_ROOM,
                            "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"%s\",\"k\":\"%s\"}],\"type\":\"temporary\"}",
                            kid_text, key_text);
}

GUID guid_of(const uint8_t kid[KID_SIZE])
{
    GUID guid = {
        .Data1 = (UINT)kid[0] << 24 | (UINT)kid[1] << 16 | (UINT)kid[2] << 8 | kid[3],
        .Data2 = (uint16_t)(kid[4] << 8 | kid[5]),
        .Data3 = (uint16_t)(kid[6] << 8 | kid[7]),
    };
    memcpy(guid.Data4, &kid[8], sizeof guid.Data4);
    return guid;
}

void executes(const struct commander *commander, UINT function, const void *input, size_t size, size_t room,
              HRESULT status, size_t written, void *answer, const char *name)
{
    uint8_t *output = malloc(room != 0 ? room : 1); /* exactly as large as said, so that a checker sees a byte more */
    if (output == NULL) {
        tap_bail_out("no memory");
    }
    memset(output, FILL, room);
    struct reply reply = {.status = 7, .written = 7, .transport_time = 7, .execution_time = 7};
    is_hresult(commander->execute(commander, function, input, size, room != 0 ? output : NULL, room, &reply), S_OK,
               "%s: is carried", name);
    is_hresult(reply.status, status, "%s: status", name);
    is_number(reply.written, written, "%s: bytes of the answer", name);
    ok(reply.transport_time == 0 && reply.execution_time < 600000000u, "%s: times in units of 100 ns", name);
    if (reply.written == written) {
        is_filled(&output[written], 0, room - written, "%s: zeros behind the answer (D29)", name);
        if (answer != NULL) {
            memcpy(answer, output, written);
        }
    }
    free(output);
}

void make_blob(const struct commander *commander, const uint8_t kid[KID_SIZE], const uint8_t key[KEY_SIZE],
               uint8_t blob[BLOB_SIZE])
{
    char licence[LICENCE_ROOM];
    const size_t size = licence_of(kid, key, licence);
    memset(blob, 0, BLOB_SIZE);
    executes(commander, PROVISION, NULL, 0, 8, S_OK, 8, NULL, "PROVISION");
    executes(commander, LOAD_LICENCE, licence, size, 24, S_OK, 24, NULL, "LOAD_LICENCE");
    executes(commander, MAKE_KEY_BLOB, kid, KID_SIZE, BLOB_SIZE, S_OK, BLOB_SIZE, blob, "MAKE_KEY_BLOB");
}

/* A little-endian number of an answer. */
static UINT number(const uint8_t *bytes)
{
    return (UINT)bytes[0] | (UINT)bytes[1] << 8 | (UINT)bytes[2] << 16 | (UINT)bytes[3] << 24;
}

static void test_version(const struct commander *commander)
{
    uint8_t answer[16] = {0};
    executes(commander, VERSION, NULL, 0, 16, S_OK, 16, answer, "VERSION");
    is_number(number(&answer[0]), 1, "version 1");
    is_number(number(&answer[4]), 1024, "1024 keys");
    is_number(number(&answer[8]), 65536, "licences of 65,536 bytes");
    is_number(number(&answer[12]), BLOB_SIZE, "blobs of 64 bytes");
    executes(commander, VERSION, NULL, 0, 1000, S_OK, 16, NULL, "VERSION with much room");
    executes(commander, VERSION, NULL, 0, 15, NO_ROOM, 0, NULL, "VERSION with a byte too little room");
    executes(commander, VERSION, NULL, 0, 0, NO_ROOM, 0, NULL, "VERSION without room");
    executes(commander, VERSION, "x", 1, 16, BAD_INPUT, 0, NULL, "VERSION with a byte of input");
    static const UINT unknown[] = {0, 7, UINT32_MAX};
    for (int i = 0; i < 3; i++) {
        executes(commander, unknown[i], NULL, 0, 16, UNKNOWN_FUNCTION, 0, NULL, "an unknown function");
    }
}

/* Licences that bring no key. */
static void test_bad_licences(const struct commander *commander, const char *good, size_t size)
{
    static const char *const bad[] = {
        "", "{", "{}", "{\"keys\":[]}", "[]", "null",
        "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"AAAAAAAAAAAAAAAAAAAAAA\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAA\"}]}",
        "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAA\"}]}",
        "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"AAAAAAAAAAAAAAAAAAAA\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAA\"}]}",
        "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"k\":\"AAAAAAAAAAAAAAAAAA+AAA\"}]}",
        "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAA\"},"
        "{\"kty\":\"oct\",\"kid\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAA\"}]}",
    };
    const uint8_t kid[KID_SIZE] = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        executes(commander, LOAD_LICENCE, bad[i], strlen(bad[i]), 100, BAD_LICENCE, 0, NULL, "a licence that is none");
    }
    unsigned accepted = 0;
    for (size_t cut = 0; cut < size; cut++) {
        struct reply reply = {.status = S_OK};
        uint8_t answer[24];
        commander->execute(commander, LOAD_LICENCE, good, cut, answer, sizeof answer, &reply);
        accepted += reply.status != BAD_LICENCE;
    }
    is_number(accepted, 0, "a licence cut at each length is none");
    executes(commander, MAKE_KEY_BLOB, kid, sizeof kid, BLOB_SIZE, UNKNOWN_KID, 0, NULL, "none of these brought a key");
}

void test_clear_key_commands(const struct commander *commander)
{
    uint8_t kid[KID_SIZE], key[KEY_SIZE], answer[100], blob[BLOB_SIZE], second[BLOB_SIZE], counted[4];
    char licence[LICENCE_ROOM];
    client_random(kid, sizeof kid);
    client_random(key, sizeof key);
    const size_t size = licence_of(kid, key, licence);
    test_version(commander);
    executes(commander, LOAD_LICENCE, licence, size, 24, NOT_PROVISIONED, 0, NULL, "LOAD_LICENCE before PROVISION");
    executes(commander, MAKE_KEY_BLOB, kid, KID_SIZE, BLOB_SIZE, NOT_PROVISIONED, 0, NULL, "MAKE_KEY_BLOB before it");
    executes(commander, REVOKE, kid, KID_SIZE, 4, NOT_PROVISIONED, 0, NULL, "REVOKE before it");
    executes(commander, PROVISION, NULL, 0, 7, NO_ROOM, 0, NULL, "PROVISION without room");
    executes(commander, LOAD_LICENCE, licence, size, 24, NOT_PROVISIONED, 0, NULL, "changes nothing");

    executes(commander, PROVISION, NULL, 0, 8, S_OK, 8, answer, "PROVISION");
    const UINT provisioning = number(answer);
    ok(provisioning != 0, "is counted");
    executes(commander, PROVISION, NULL, 0, 9, S_OK, 8, answer, "PROVISION again");
    is_number(number(answer), provisioning, "is the same one");
    test_bad_licences(commander, licence, size);
    executes(commander, LOAD_LICENCE, licence, size, 23, NO_ROOM, 0, NULL, "LOAD_LICENCE with a byte too little room");
    executes(commander, MAKE_KEY_BLOB, kid, KID_SIZE, BLOB_SIZE, UNKNOWN_KID, 0, NULL, "loads nothing");
    executes(commander, LOAD_LICENCE, licence, size, 24, S_OK, 24, answer, "LOAD_LICENCE");
    ok(number(&answer[0]) == 0 && number(&answer[4]) == 1, "one key of a temporary licence");
    is_bytes(&answer[8], kid, KID_SIZE, "with this KID");
    executes(commander, MAKE_KEY_BLOB, kid, KID_SIZE, 63, NO_ROOM, 0, NULL, "MAKE_KEY_BLOB without room");
    executes(commander, MAKE_KEY_BLOB, kid, KID_SIZE - 1, BLOB_SIZE, BAD_INPUT, 0, NULL, "with a KID cut short");
    executes(commander, MAKE_KEY_BLOB, kid, KID_SIZE, 70, S_OK, BLOB_SIZE, blob, "MAKE_KEY_BLOB");
    executes(commander, MAKE_KEY_BLOB, kid, KID_SIZE, BLOB_SIZE, S_OK, BLOB_SIZE, second, "MAKE_KEY_BLOB again");
    ok(memcmp(blob, second, BLOB_SIZE) != 0, "no two blobs are the same");
    bool shown = false;
    for (size_t at = 0; at + KEY_SIZE <= BLOB_SIZE; at++) {
        shown = shown || memcmp(&blob[at], key, KEY_SIZE) == 0;
    }
    ok(!shown, "a blob does not show its key");

    const uint8_t unknown[KID_SIZE] = {1, 2, 3};
    executes(commander, REVOKE, unknown, KID_SIZE, 4, UNKNOWN_KID, 0, NULL, "REVOKE an unknown KID");
    executes(commander, REVOKE, kid, KID_SIZE, 3, NO_ROOM, 0, NULL, "REVOKE without room");
    executes(commander, MAKE_KEY_BLOB, kid, KID_SIZE, BLOB_SIZE, S_OK, BLOB_SIZE, NULL, "revokes nothing");
    executes(commander, REVOKE, kid, KID_SIZE, 4, S_OK, 4, counted, "REVOKE");
    is_number(number(counted), 1, "one key");
    executes(commander, REVOKE, NULL, 0, 4, S_OK, 4, counted, "REVOKE all");
    is_number(number(counted), 0, "none more");
    executes(commander, MAKE_KEY_BLOB, kid, KID_SIZE, BLOB_SIZE, REVOKED, 0, NULL, "MAKE_KEY_BLOB of a revoked KID");
    executes(commander, LOAD_LICENCE, licence, size, 24, REVOKED, 0, NULL, "LOAD_LICENCE of a revoked KID");

    executes(commander, TEARDOWN, "x", 1, 0, BAD_INPUT, 0, NULL, "TEARDOWN with input");
    executes(commander, TEARDOWN, NULL, 0, 5, S_OK, 0, NULL, "TEARDOWN");
    executes(commander, LOAD_LICENCE, licence, size, 24, NOT_PROVISIONED, 0, NULL, "LOAD_LICENCE after it");
    executes(commander, PROVISION, NULL, 0, 8, S_OK, 8, answer, "PROVISION after it");
    is_number(number(answer), provisioning + 1, "is another one");
    executes(commander, LOAD_LICENCE, licence, size, 24, S_OK, 24, NULL, "which has forgotten the revocation");
    executes(commander, TEARDOWN, NULL, 0, 0, S_OK, 0, NULL, "TEARDOWN");
}
