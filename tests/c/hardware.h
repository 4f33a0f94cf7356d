/* The application's half of hardware protection: the messages of the built-in clear-key environment, and commands over
   whatever carries them. */
#ifndef HARDWARE_H
#define HARDWARE_H

#include "softcp_ddi.h"

#include "client.h"
#include "tap.h"

#define KID_SIZE 16
#define BLOB_SIZE 64
#define LICENCE_ROOM 256

/* Function numbers of the built-in environment. */
enum { VERSION = 1, PROVISION, LOAD_LICENCE, MAKE_KEY_BLOB, REVOKE, TEARDOWN };

/* Its statuses: failures with the customer bit. */
#define STATUS(code) ((HRESULT)(0xA0040000u | (code)))
#define UNKNOWN_FUNCTION STATUS(1)
#define BAD_INPUT STATUS(2)
#define NO_ROOM STATUS(3)
#define NOT_PROVISIONED STATUS(4)
#define BAD_LICENCE STATUS(5)
#define UNKNOWN_KID STATUS(6)
#define REVOKED STATUS(7)

/* What is written back beside the answer. */
struct reply {
    HRESULT status;
    UINT written;
    UINT64 transport_time, execution_time;
};

/* A session that carries commands, and how: each output of a command is a buffer of exactly `room` bytes. */
struct commander {
    void *owner;
    HRESULT (*execute)(const struct commander *commander, UINT function, const void *input, size_t size, void *output,
                       size_t room, struct reply *reply);
};

/* A licence with one key, as text; returns its length. */
size_t licence_of(const uint8_t kid[KID_SIZE], const uint8_t key[KEY_SIZE], char text[LICENCE_ROOM]);

/* The GUID of the same written form as a KID. */
GUID guid_of(const uint8_t kid[KID_SIZE]);

/* Sends a command with room for `room` bytes; passes if it ends with `status`, if an answer has `written` bytes and if
   zeros are behind it (D29). `answer` receives the `written` bytes and may be null. */
void executes(const struct commander *commander, UINT function, const void *input, size_t size, size_t room,
              HRESULT status, size_t written, void *answer, const char *name);

/* Provisions, loads a key and has a sealed blob of it made. */
void make_blob(const struct commander *commander, const uint8_t kid[KID_SIZE], const uint8_t key[KEY_SIZE],
               uint8_t blob[BLOB_SIZE]);

/* Every command of an environment that is not provisioned yet, right and wrong. It is torn down at the end. */
void test_clear_key_commands(const struct commander *commander);

#endif
