/* Hardware protection over the tables 3, 5, 6 and 7, and the calls of a browser: its hardware DRM proxy, and its
   decryptor. */
#include "ddi_tests.h"

#include "hardware.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILL 0xA5
#define GUARD 16 /* bytes behind an output */
#define BUFFER 16384
#define WDDM_2_4 3 /* in `sub_devices` */

#define OPTIONS "capabilities.profile=hardware-like;quirks.key_exchange_alias=true"

/* The owner of a commander over a table. */
struct over {
    struct device *device;
    D3D11_1DDI_HCRYPTOSESSION session;
    bool free_threaded; /* NegotiateCryptoSessionKeyExchangeMT */
};

static HRESULT negotiate(const struct over *over, UINT size, void *data)
{
    const struct entries *call = &over->device->call;
    return over->free_threaded
               ? call->NegotiateCryptoSessionKeyExchangeMT(over->device->handle, over->session, 0, size, data)
               : call->NegotiateCryptoSessionKeyExchange(over->device->handle, over->session, size, data);
}

/* A command in memory: input and output that go on behind their structures. */
struct message {
    D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA data;
    uint8_t *answer; /* where pbOutput is */
    size_t room, behind; /* bytes of the answer, and behind it */
};

static void *allocate(size_t structure, size_t start, size_t bytes, size_t behind)
{
    size_t size = (start + bytes > structure ? start + bytes : structure) + behind;
    void *memory = malloc(size);
    if (memory == NULL) {
        tap_bail_out("no memory");
    }
    return memset(memory, FILL, size);
}

static struct message message_begin(UINT function, const void *input, size_t size, size_t room)
{
    const size_t in = offsetof(D3D11_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA, pbInput);
    const size_t out = offsetof(D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA, pbOutput);
    D3D11_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA *given =
        allocate(sizeof(D3D11_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA), in, size, 0);
    D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA *answer =
        allocate(sizeof(D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA), out, room, GUARD);
    given->PrivateDataSize = answer->PrivateDataSize = 0;
    given->HWProtectionDataSize = (UINT)size;
    answer->MaxHWProtectionDataSize = (UINT)room;
    if (size != 0) {
        memcpy((uint8_t *)given + in, input, size);
    }
    const size_t whole = out + room > sizeof *answer ? out + room : sizeof *answer;
    return (struct message){
        .data = {.HWProtectionFunctionID = function, .pInputData = given, .pOutputData = answer, .Status = 7},
        .answer = (uint8_t *)answer + out,
        .room = room,
        .behind = whole + GUARD - (out + room),
    };
}

static void message_end(struct message *message)
{
    free(message->data.pInputData);
    free(message->data.pOutputData);
}

static HRESULT execute(const struct commander *commander, UINT function, const void *input, size_t size, void *output,
                       size_t room, struct reply *reply)
{
    struct message message = message_begin(function, input, size, room);
    HRESULT hresult = negotiate(commander->owner, sizeof message.data, &message.data);
    const D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA *answer = message.data.pOutputData;
    *reply = (struct reply){message.data.Status, answer->HWProtectionDataSize, answer->TransportTime,
                            answer->ExecutionTime};
    if (room != 0) {
        memcpy(output, message.answer, room);
    }
    bool beyond = false;
    for (size_t at = 0; at < message.behind; at++) {
        beyond = beyond || message.answer[room + at] != FILL;
    }
    if (beyond || answer->MaxHWProtectionDataSize != room || answer->PrivateDataSize != 0) {
        ok(false, "command %u: nothing is written past the room, and the caller's sizes stay (D29)", function);
    }
    message_end(&message);
    return hresult;
}

/* A session of a key exchange type for H.264, as browsers create them. */
static struct session create(struct device *device, EVP_PKEY *driver_key, const GUID *key_exchange, HRESULT expected)
{
    struct session session = session_memory(device, driver_key);
    D3D11_1DDIARG_CREATECRYPTOSESSION arguments = session_arguments();
    arguments.KeyExchangeType = *key_exchange;
    arguments.DecodeProfile = D3D11_DECODER_PROFILE_H264_VLD_NOFGT;
    is_hresult(device->call.CreateCryptoSession(device->handle, &arguments, session.handle,
                                                (D3D11_1DDI_HRTCRYPTOSESSION){&session}),
               expected, "CreateCryptoSession");
    return session;
}

static void has_status(const struct session *session, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS expected, const char *name)
{
    struct device *device = session->device;
    D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS status = 7;
    SILENT(device->ddi, device->call.CheckCryptoSessionStatus(device->handle, session->handle, &status),
           "CheckCryptoSessionStatus: %s", name);
    is_number(status, expected, "status: %s", name);
}

/* Whether one of the enumerated key exchange types is this one, as browsers look for it. */
static bool offers(struct device *device, const GUID *wanted)
{
    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps;
    is_hresult(device->call.GetContentProtectionCaps(device->handle, &D3D11_CRYPTO_TYPE_AES128_CTR,
                                                     &D3D11_DECODER_PROFILE_H264_VLD_NOFGT, &caps),
               S_OK, "GetContentProtectionCaps");
    bool found = false;
    for (UINT i = 0; i < caps.KeyExchangeTypeCount; i++) {
        GUID type;
        is_hresult(device->call.GetCryptoKeyExchangeType(device->handle, &D3D11_CRYPTO_TYPE_AES128_CTR,
                                                         &D3D11_DECODER_PROFILE_H264_VLD_NOFGT, i, &type),
                   S_OK, "GetCryptoKeyExchangeType %u", i);
        found = found || memcmp(&type, wanted, sizeof type) == 0;
    }
    return found;
}

static void test_private_sizes(struct device *device)
{
    static const GUID none = {0};
    const GUID *const aes = &D3D11_CRYPTO_TYPE_AES128_CTR, *const hardware = &D3D11_KEY_EXCHANGE_HW_PROTECTION;
    const struct {
        const GUID *crypto, *profile, *exchange;
        HRESULT expected;
    } cases[] = {
        {aes, &D3D11_DECODER_PROFILE_H264_VLD_NOFGT, hardware, S_OK},
        {aes, NULL, hardware, S_OK},
        {aes, &none, hardware, S_OK},
        {aes, NULL, &D3D11_KEY_EXCHANGE_RSAES_OAEP, S_OK},
        {aes, NULL, aes, S_OK},
        {aes, NULL, &none, D3DERR_UNSUPPORTEDCRYPTO},
        {hardware, NULL, hardware, D3DERR_UNSUPPORTEDCRYPTO},
        {aes, hardware, hardware, D3DERR_UNSUPPORTEDCRYPTO},
        {NULL, NULL, hardware, E_INVALIDARG},
        {aes, NULL, NULL, E_INVALIDARG},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        UINT input = 7, output = 7;
        ddi_forget(device->ddi);
        device->call.GetCryptoSessionPrivateDataSize(device->handle, cases[i].crypto, cases[i].profile,
                                                     cases[i].exchange, &input, &output);
        if (cases[i].expected == S_OK) {
            ddi_check_silent(device->ddi, __FILE__, __LINE__, "private sizes %zu", i);
        } else {
            ddi_check_report(device->ddi, "GetCryptoSessionPrivateDataSize", cases[i].expected, __FILE__, __LINE__,
                             "private sizes %zu", i);
        }
        ok(input == 0 && output == 0, "private sizes %zu: none, or zero (D30)", i);
    }
    UINT size = 7;
    REPORTS(device->ddi, "GetCryptoSessionPrivateDataSize", E_INVALIDARG,
            device->call.GetCryptoSessionPrivateDataSize(device->handle, aes, NULL, hardware, &size, NULL),
            "one size into null");
    is_number(size, 0, "the other is zero (D30)");
}

/* A message that does not reach the environment: status and written members say so, the bytes stay. */
static void refuses(const struct over *over, struct message *message, UINT size, HRESULT expected, const char *name)
{
    is_hresult(negotiate(over, size, &message->data), expected, "%s", name);
    if (size == sizeof message->data) {
        is_hresult(message->data.Status, expected, "%s: status", name);
    } else {
        is_number((uint32_t)message->data.Status, 7, "%s: no status", name);
    }
    is_filled(message->answer, FILL, message->room, "%s: the output keeps its bytes (D30)", name);
    message_end(message);
}

static void test_bad_messages(const struct over *over, const struct session *rsa)
{
    const UINT size = sizeof(D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA);
    const UINT sizes[] = {0, 4, size - 1, size + 1, RSA_SIZE};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct message message = message_begin(VERSION, NULL, 0, 16);
        if (sizes[i] <= size) {
            refuses(over, &message, sizes[i], E_INVALIDARG, "a message of another size");
        } else {
            uint8_t large[RSA_SIZE] = {0};
            memcpy(large, &message.data, size);
            is_hresult(negotiate(over, sizes[i], large), E_INVALIDARG, "a message of another size");
            message_end(&message);
        }
    }
    is_hresult(negotiate(over, size, NULL), E_INVALIDARG, "a null message");
    struct message message = message_begin(VERSION, NULL, 0, 16);
    free(message.data.pInputData);
    message.data.pInputData = NULL;
    refuses(over, &message, size, E_INVALIDARG, "a null input");
    message = message_begin(VERSION, NULL, 0, 16);
    void *output = message.data.pOutputData;
    message.data.pOutputData = NULL;
    is_hresult(negotiate(over, size, &message.data), E_INVALIDARG, "a null output");
    is_hresult(message.data.Status, E_INVALIDARG, "a null output: status");
    message.data.pOutputData = output;
    message_end(&message);
    message = message_begin(VERSION, "prv", 3, 16);
    message.data.pInputData->PrivateDataSize = 3;
    message.data.pInputData->HWProtectionDataSize = 0;
    refuses(over, &message, size, E_INVALIDARG, "private bytes that there are none of");
    message = message_begin(VERSION, NULL, 0, 20);
    message.data.pOutputData->PrivateDataSize = 4;
    message.data.pOutputData->MaxHWProtectionDataSize = 16;
    refuses(over, &message, size, E_INVALIDARG, "room for private bytes that there are none of");
    const struct over wrong = {over->device, rsa->handle, over->free_threaded};
    message = message_begin(VERSION, NULL, 0, 16);
    is_hresult(negotiate(&wrong, size, &message.data), E_INVALIDARG, "a command on an RSA session");
    is_filled(message.answer, FILL, 16, "the output keeps its bytes (D30)");
    message_end(&message);
}

/* A blit of a whole buffer with a sealed key. */
static void blits(const struct session *session, const uint8_t key[KEY_SIZE], const void *blob, size_t size,
                  HRESULT expected, const char *name)
{
    static uint64_t number;
    struct device *device = session->device;
    struct surface source = surface_create(device, shape_buffer(100));
    struct surface destination = surface_create(device, shape_buffer(100));
    uint8_t clear[100], bytes[100], iv[IV_SIZE];
    client_random(clear, sizeof clear);
    client_iv(++number, 0, iv);
    memcpy(bytes, clear, sizeof bytes);
    client_ctr(key, iv, NULL, bytes, sizeof bytes);
    surface_write(&source, bytes);
    surface_fill(&destination, FILL);
    ddi_forget(device->ddi);
    device->call.DecryptionBlt(device->handle, session->handle, source.handle, destination.handle, NULL, (UINT)size,
                               blob, sizeof iv, iv);
    surface_read(&destination, bytes);
    if (expected == S_OK) {
        ddi_check_silent(device->ddi, __FILE__, __LINE__, "DecryptionBlt: %s", name);
        is_bytes(bytes, clear, sizeof bytes, "%s: the clear bytes", name);
    } else {
        ddi_check_report(device->ddi, "DecryptionBlt", expected, __FILE__, __LINE__, "DecryptionBlt: %s", name);
        is_filled(bytes, FILL, sizeof bytes, "%s: nothing is written", name);
    }
    surface_destroy(&source);
    surface_destroy(&destination);
}

static void test_hardware_keys(const struct session *media, const struct session *rsa, const uint8_t blob[BLOB_SIZE])
{
    struct device *device = media->device;
    PFND3DWDDM2_0DDI_GETDATAFORNEWHARDWAREKEY get = device->call.GetDataForNewHardwareKey;
    UINT64 data = 0, again = 0;
    is_hresult(get(device->handle, media->handle, 0, NULL, &data), S_OK, "GetDataForNewHardwareKey");
    is_hresult(get(device->handle, media->handle, BLOB_SIZE, blob, &again), S_OK, "with a blob");
    ok(data != 0 && data == again, "its data is the provisioning's number");
    const struct {
        D3D11_1DDI_HCRYPTOSESSION session;
        UINT size;
        const void *input;
        HRESULT expected;
    } bad[] = {
        {media->handle, BLOB_SIZE - 1, blob, E_INVALIDARG},
        {media->handle, 1, NULL, E_INVALIDARG},
        {rsa->handle, 0, NULL, D3DERR_INVALIDCALL},
        {{NULL}, 0, NULL, E_INVALIDARG},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        data = 7;
        is_hresult(get(device->handle, bad[i].session, bad[i].size, bad[i].input, &data), bad[i].expected,
                   "GetDataForNewHardwareKey: bad argument %zu", i);
        is_number(data, 0, "the data is zero (D30)");
    }
    is_hresult(get(device->handle, media->handle, 0, NULL, NULL), E_INVALIDARG, "into null");
    data = 7;
    is_hresult(get((D3D10DDI_HDEVICE){NULL}, media->handle, 0, NULL, &data), E_INVALIDARG, "no device");
    is_number(data, 0, "the data is zero (D30)");
}

/* A command session is no other session. */
static void test_command_session(const struct session *session)
{
    struct device *device = session->device;
    uint8_t buffer[KEY_SIZE];
    memset(buffer, FILL, sizeof buffer);
    REPORTS(device->ddi, "StartSessionKeyRefresh", D3DERR_INVALIDCALL,
            device->call.StartSessionKeyRefresh(device->handle, session->handle, sizeof buffer, buffer), "no refresh");
    REPORTS(device->ddi, "FinishSessionKeyRefresh", D3DERR_INVALIDCALL,
            device->call.FinishSessionKeyRefresh(device->handle, session->handle), "no end of one");
    REPORTS(device->ddi, "GetEncryptionBltKey", D3DERR_INVALIDCALL,
            device->call.GetEncryptionBltKey(device->handle, session->handle, sizeof buffer, buffer),
            "no read-back key");
    is_filled(buffer, FILL, sizeof buffer, "the buffers keep their bytes (D30)");
    blits(session, buffer, NULL, 0, D3DERR_INVALIDCALL, "on a command session");
    uint8_t message[RSA_SIZE] = {0};
    is_hresult(device->call.NegotiateCryptoSessionKeyExchange(device->handle, session->handle, sizeof message, message),
               E_INVALIDARG, "an RSA message is no command");
}

/* Everything of one table: commands by the key exchange, or by its free-threaded twin. */
static void test_table(struct device *device, EVP_PKEY *driver_key, bool free_threaded)
{
    struct session commands = create(device, driver_key, &D3D11_KEY_EXCHANGE_HW_PROTECTION, S_OK);
    struct session rsa = session_keyed(device, driver_key);
    struct session media = create(device, driver_key, &D3D11_CRYPTO_TYPE_AES128_CTR, S_OK);
    struct over over = {device, commands.handle, free_threaded};
    const struct commander commander = {&over, execute};
    has_status(&commands, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK, "a new command session");
    UINT64 data = 7;
    is_hresult(device->call.GetDataForNewHardwareKey(device->handle, media.handle, 0, NULL, &data), D3DERR_INVALIDCALL,
               "GetDataForNewHardwareKey before provisioning");
    is_number(data, 0, "the data is zero (D30)");
    test_bad_messages(&over, &rsa);
    test_command_session(&commands);
    test_clear_key_commands(&commander);

    has_status(&commands, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST, "the command session after TEARDOWN");
    has_status(&media, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST, "the media session");
    has_status(&rsa, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST, "the RSA session");
    test_command_session(&commands);
    uint8_t kid[KID_SIZE], key[KEY_SIZE], blob[BLOB_SIZE];
    client_random(kid, sizeof kid);
    client_random(key, sizeof key);
    make_blob(&commander, kid, key, blob);
    has_status(&commands, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK, "PROVISION brings the command session back");
    blits(&media, key, blob, BLOB_SIZE, D3DERR_INVALIDCALL, "a media session that is lost");
    test_hardware_keys(&media, &rsa, blob);
    has_status(&media, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK, "a hardware key brings the media session back");
    blits(&media, key, blob, BLOB_SIZE, S_OK, "recovered");
    blits(&media, key, NULL, 0, D3DERR_INVALIDCALL, "it has no session key");
    blits(&media, key, blob, BLOB_SIZE - 1, E_INVALIDARG, "a blob cut short (D28)");
    is_hresult(session_negotiate(&rsa), S_OK, "a key exchange brings the RSA session back");
    blits(&rsa, key, blob, BLOB_SIZE, S_OK, "which takes sealed keys too");
    executes(&commander, REVOKE, NULL, 0, 4, S_OK, 4, NULL, "REVOKE all");
    blits(&media, key, blob, BLOB_SIZE, E_INVALIDARG, "a revoked key");

    session_end(&media);
    session_end(&rsa);
    struct message message = message_begin(VERSION, NULL, 0, 16);
    device->call.DestroyCryptoSession(device->handle, commands.handle);
    is_hresult(negotiate(&over, sizeof message.data, &message.data), E_INVALIDARG, "a destroyed command session");
    is_filled(message.answer, FILL, message.room, "the output keeps its bytes (D30)");
    message_end(&message);
    free(commands.handle.pDrvPrivate);
}

/* The free-threaded twin takes no flags, and does the key exchange of RSA sessions too. */
static void test_twin(struct device *device, EVP_PKEY *driver_key)
{
    struct session commands = create(device, driver_key, &D3D11_KEY_EXCHANGE_HW_PROTECTION, S_OK);
    static const UINT flags[] = {1, 2, UINT32_MAX};
    for (int i = 0; i < 3; i++) {
        struct message message = message_begin(VERSION, NULL, 0, 16);
        is_hresult(device->call.NegotiateCryptoSessionKeyExchangeMT(device->handle, commands.handle, flags[i],
                                                                    sizeof message.data, &message.data),
                   E_INVALIDARG, "the twin with flags 0x%x", flags[i]);
        is_filled(message.answer, FILL, message.room, "the output keeps its bytes (D30)");
        message_end(&message);
    }
    struct session rsa = session_create(device, driver_key);
    uint8_t message[RSA_SIZE];
    client_random(rsa.key, sizeof rsa.key);
    client_key_exchange(driver_key, rsa.key, KEY_SIZE, message);
    is_hresult(device->call.NegotiateCryptoSessionKeyExchangeMT(device->handle, rsa.handle, 0, sizeof message, message),
               S_OK, "the twin with an RSA message");
    blits(&rsa, rsa.key, NULL, 0, S_OK, "under the key of that message");
    session_end(&rsa);
    session_end(&commands);
}

/* One sample through buffers of 16 KiB, as browsers do it: the sample's bytes encrypted at the beginning, their number
   rounded up to whole blocks, and the rest skipped. */
static void plays(const struct session *session, const uint8_t key[KEY_SIZE], const void *blob, size_t blob_size,
                  uint64_t number, size_t size)
{
    struct device *device = session->device;
    static uint8_t sample[BUFFER], bytes[BUFFER];
    uint8_t iv[IV_SIZE];
    const size_t rounded = (size + 15) / 16 * 16;
    client_random(sample, sizeof sample);
    memcpy(bytes, sample, sizeof bytes);
    client_iv(number, 0, iv);
    client_ctr(key, iv, NULL, bytes, rounded);
    struct surface staging = surface_create(device, shape_buffer(BUFFER));
    struct surface target = surface_create(device, shape_buffer(BUFFER));
    surface_write(&staging, bytes);
    D3D11_1DDI_ENCRYPTED_BLOCK_INFO info = {(UINT)rounded, (UINT)(BUFFER - rounded), 0};
    SILENT(device->ddi,
           device->call.DecryptionBlt(device->handle, session->handle, staging.handle, target.handle, &info,
                                      (UINT)blob_size, blob, sizeof iv, iv),
           "sample %u of %zu bytes", (unsigned)number, size);
    is_number(info.NumBytesInEncryptPattern, 0, "the field where some drivers fail is untouched (D21)");
    surface_read(&target, bytes);
    is_bytes(bytes, sample, sizeof bytes, "sample %u: the clear bytes", (unsigned)number);
    surface_destroy(&staging);
    surface_destroy(&target);
}

static const size_t sample_sizes[] = {1, 15, 16, 17, 1000, 4096, BUFFER - 1, BUFFER};
#define SAMPLES (sizeof sample_sizes / sizeof sample_sizes[0])

/* The hardware DRM proxy: a command session, keys by licence, a media session, and everything anew after a teardown. */
static void test_browser_proxy(struct device *device, EVP_PKEY *driver_key)
{
    uint8_t kid[KID_SIZE], key[KEY_SIZE], blob[BLOB_SIZE];
    client_random(kid, sizeof kid);
    client_random(key, sizeof key);
    ok(offers(device, &D3D11_KEY_EXCHANGE_HW_PROTECTION), "the browser finds HW_PROTECTION");
    uint64_t number = 1000;
    for (int life = 0; life < 3; life++) {
        struct session commands = create(device, driver_key, &D3D11_KEY_EXCHANGE_HW_PROTECTION, S_OK);
        struct over over = {device, commands.handle, false};
        const struct commander commander = {&over, execute};
        make_blob(&commander, kid, key, blob);
        struct session media = create(device, driver_key, &D3D11_CRYPTO_TYPE_AES128_CTR, S_OK);
        UINT64 data = 0;
        is_hresult(device->call.GetDataForNewHardwareKey(device->handle, media.handle, BLOB_SIZE, blob, &data), S_OK,
                   "GetDataForNewHardwareKey");
        for (size_t i = 0; i < SAMPLES; i++) {
            plays(&media, key, blob, BLOB_SIZE, ++number, sample_sizes[i]);
        }
        executes(&commander, TEARDOWN, NULL, 0, 0, S_OK, 0, NULL, "a power event");
        has_status(&media, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST, "the browser notices");
        blits(&media, key, blob, BLOB_SIZE, D3DERR_INVALIDCALL, "with keys that are gone");
        session_end(&media);
        session_end(&commands);
    }
}

/* The decryptor: a software driver's session, wrapped or session key. */
static void test_browser_decryptor(struct device *device, EVP_PKEY *driver_key)
{
    ok(offers(device, &D3D11_KEY_EXCHANGE_RSAES_OAEP), "the browser finds RSAES-OAEP");
    ok(!offers(device, &D3D11_KEY_EXCHANGE_HW_PROTECTION), "and no HW_PROTECTION");
    struct session session = create(device, driver_key, &D3D11_KEY_EXCHANGE_RSAES_OAEP, S_OK);
    is_hresult(session_negotiate(&session), S_OK, "key exchange");
    uint8_t content_key[KEY_SIZE], wrapped[KEY_SIZE];
    client_random(content_key, sizeof content_key);
    client_wrap(session.key, content_key, wrapped);
    for (size_t i = 0; i < SAMPLES; i++) {
        plays(&session, session.key, NULL, 0, i, sample_sizes[i]);
        plays(&session, content_key, wrapped, sizeof wrapped, i, sample_sizes[i]);
    }
    static const UINT sizes[] = {0, 1, 15, 17, BLOB_SIZE};
    const uint8_t blob[BLOB_SIZE] = {0};
    for (int i = 0; i < 5; i++) {
        blits(&session, content_key, blob, sizes[i], E_INVALIDARG, "a sealed key without an environment (D28)");
    }
    session_end(&session);
    struct session refused = create(device, driver_key, &D3D11_KEY_EXCHANGE_HW_PROTECTION, D3DERR_UNSUPPORTEDCRYPTO);
    free(refused.handle.pDrvPrivate);
    refused = create(device, driver_key, &D3D11_CRYPTO_TYPE_AES128_CTR, D3DERR_UNSUPPORTEDCRYPTO);
    free(refused.handle.pDrvPrivate);
}

/* The key of a driver's verified certificate. */
static EVP_PKEY *key_of(struct device *device, const char *identity)
{
    char root[1024];
    snprintf(root, sizeof root, "%s/root.pem", identity);
    UINT size;
    uint8_t *blob = certificate_blob(device, &size);
    struct chain chain = client_chain(blob, size, true, root);
    free(blob);
    if (!chain.verified) {
        tap_bail_out("the certificate is not verified");
    }
    return chain.key;
}

void test_hardware(softcp_open_driver_fn open, const char *identity)
{
    static const char *const more[] = {OPTIONS, ""};
    for (int software = 0; software < 2; software++) {
        struct ddi ddi;
        char options[1024];
        snprintf(options, sizeof options, "identity.directory=%s;%s", identity, more[software]);
        for (int i = 1; i < SUB_DEVICES; i++) {
            struct device device;
            ddi_open(&ddi, open, options); /* an environment of its own for each table */
            tap_context("hardware, %s, %s", sub_devices[i].name, software ? "software profile" : "hardware-like");
            device_create(&device, &ddi, &sub_devices[i]);
            EVP_PKEY *driver_key = key_of(&device, identity);
            ok((device.call.NegotiateCryptoSessionKeyExchangeMT != NULL) == (i == WDDM_2_4),
               "the free-threaded twin is WDDM 2.4's");
            if (software) {
                test_browser_decryptor(&device, driver_key);
            } else {
                test_private_sizes(&device);
                test_table(&device, driver_key, false);
                if (device.call.NegotiateCryptoSessionKeyExchangeMT != NULL) {
                    test_twin(&device, driver_key);
                }
                test_browser_proxy(&device, driver_key);
            }
            EVP_PKEY_free(driver_key);
            device_destroy(&device);
            ddi_close(&ddi);
        }
    }
    tap_context("hardware, free-threaded");
    struct ddi ddi;
    struct device device;
    char options[1024];
    snprintf(options, sizeof options, "identity.directory=%s;%s", identity, OPTIONS);
    ddi_open(&ddi, open, options);
    device_create(&device, &ddi, &sub_devices[WDDM_2_4]);
    EVP_PKEY *driver_key = key_of(&device, identity);
    test_table(&device, driver_key, true);
    EVP_PKEY_free(driver_key);
    device_destroy(&device);
    ddi_close(&ddi);
    tap_context(NULL);
}
