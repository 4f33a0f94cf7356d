/* Calls that are wrong, one for each identifier of a message on content protection: the message is said in the debug output
   and, where the device has one, the information queue; the call fails or does nothing. The argument says what the runner has
   prepared:
     none         nothing
     below        below.dll stands below the layer: resources can be offered, and there is an information queue
     unsupported  the driver has neither EncryptionBlt nor DecryptionBlt
     memory       the driver has no memory for sessions and channels
   With SOFTCP_LOG_PATH every message is to be in that file, too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "below.h"
#include "client.h"

enum run { ALWAYS, BELOW, UNSUPPORTED, MEMORY, NEVER };
static const char *const run_names[] = {"", "below", "unsupported", "memory"};

/* Every identifier, and the run that provokes it. */
#define MESSAGES(M)                                             \
    M(CREATECRYPTOSESSION_NULLPARAM, ALWAYS)                    \
    M(CREATECRYPTOSESSION_OUTOFMEMORY_RETURN, MEMORY)           \
    M(GETCRYPTOTYPE_NULLPARAM, ALWAYS)                          \
    M(GETDECODERPROFILE_NULLPARAM, ALWAYS)                      \
    M(GETCRYPTOSESSIONCERTIFICATESIZE_NULLPARAM, ALWAYS)        \
    M(GETCRYPTOSESSIONCERTIFICATE_NULLPARAM, ALWAYS)            \
    M(GETCRYPTOSESSIONCERTIFICATE_WRONGSIZE, ALWAYS)            \
    M(GETCRYPTOSESSIONHANDLE_WRONGSIZE, ALWAYS)                 \
    M(NEGOTIATECRPYTOSESSIONKEYEXCHANGE_NULLPARAM, ALWAYS)      \
    M(ENCRYPTIONBLT_UNSUPPORTED, UNSUPPORTED)                   \
    M(ENCRYPTIONBLT_NULLPARAM, ALWAYS)                          \
    M(ENCRYPTIONBLT_SRC_WRONGDEVICE, ALWAYS)                    \
    M(ENCRYPTIONBLT_DST_WRONGDEVICE, ALWAYS)                    \
    M(ENCRYPTIONBLT_FORMAT_MISMATCH, ALWAYS)                    \
    M(ENCRYPTIONBLT_SIZE_MISMATCH, ALWAYS)                      \
    M(ENCRYPTIONBLT_SRC_MULTISAMPLED, ALWAYS)                   \
    M(ENCRYPTIONBLT_DST_NOT_STAGING, ALWAYS)                    \
    M(ENCRYPTIONBLT_SRC_MAPPED, ALWAYS)                         \
    M(ENCRYPTIONBLT_DST_MAPPED, ALWAYS)                         \
    M(ENCRYPTIONBLT_SRC_OFFERED, BELOW)                         \
    M(ENCRYPTIONBLT_DST_OFFERED, BELOW)                         \
    M(ENCRYPTIONBLT_SRC_CONTENT_UNDEFINED, ALWAYS)              \
    M(DECRYPTIONBLT_UNSUPPORTED, UNSUPPORTED)                   \
    M(DECRYPTIONBLT_NULLPARAM, ALWAYS)                          \
    M(DECRYPTIONBLT_SRC_WRONGDEVICE, ALWAYS)                    \
    M(DECRYPTIONBLT_DST_WRONGDEVICE, ALWAYS)                    \
    M(DECRYPTIONBLT_FORMAT_MISMATCH, ALWAYS)                    \
    M(DECRYPTIONBLT_SIZE_MISMATCH, ALWAYS)                      \
    M(DECRYPTIONBLT_DST_MULTISAMPLED, ALWAYS)                   \
    M(DECRYPTIONBLT_SRC_NOT_STAGING, ALWAYS)                    \
    M(DECRYPTIONBLT_DST_NOT_RENDER_TARGET, ALWAYS)              \
    M(DECRYPTIONBLT_SRC_MAPPED, ALWAYS)                         \
    M(DECRYPTIONBLT_DST_MAPPED, ALWAYS)                         \
    M(DECRYPTIONBLT_SRC_OFFERED, BELOW)                         \
    M(DECRYPTIONBLT_DST_OFFERED, BELOW)                         \
    M(DECRYPTIONBLT_SRC_CONTENT_UNDEFINED, BELOW)               \
    M(STARTSESSIONKEYREFRESH_NULLPARAM, ALWAYS)                 \
    M(STARTSESSIONKEYREFRESH_INVALIDSIZE, ALWAYS)               \
    M(FINISHSESSIONKEYREFRESH_NULLPARAM, ALWAYS)                \
    M(GETENCRYPTIONBLTKEY_NULLPARAM, ALWAYS)                    \
    M(GETENCRYPTIONBLTKEY_INVALIDSIZE, ALWAYS)                  \
    M(GETCONTENTPROTECTIONCAPS_NULLPARAM, ALWAYS)               \
    M(CHECKCRYPTOKEYEXCHANGE_NULLPARAM, ALWAYS)                 \
    M(CHECKCRYPTOKEYEXCHANGE_INVALIDINDEX, ALWAYS)              \
    M(CREATEAUTHENTICATEDCHANNEL_NULLPARAM, ALWAYS)             \
    M(CREATEAUTHENTICATEDCHANNEL_UNSUPPORTED, ALWAYS)           \
    M(CREATEAUTHENTICATEDCHANNEL_INVALIDTYPE, ALWAYS)           \
    M(CREATEAUTHENTICATEDCHANNEL_OUTOFMEMORY_RETURN, MEMORY)    \
    M(GETAUTHENTICATEDCHANNELCERTIFICATESIZE_INVALIDCHANNEL, ALWAYS) \
    M(GETAUTHENTICATEDCHANNELCERTIFICATESIZE_NULLPARAM, ALWAYS) \
    M(GETAUTHENTICATEDCHANNELCERTIFICATE_INVALIDCHANNEL, ALWAYS) \
    M(GETAUTHENTICATEDCHANNELCERTIFICATE_NULLPARAM, ALWAYS)     \
    M(GETAUTHENTICATEDCHANNELCERTIFICATE_WRONGSIZE, ALWAYS)     \
    M(NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_INVALIDCHANNEL, ALWAYS) \
    M(NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_NULLPARAM, ALWAYS) \
    M(QUERYAUTHENTICATEDCHANNEL_NULLPARAM, ALWAYS)              \
    M(QUERYAUTHENTICATEDCHANNEL_WRONGCHANNEL, ALWAYS)           \
    M(QUERYAUTHENTICATEDCHANNEL_UNSUPPORTEDQUERY, ALWAYS)       \
    M(QUERYAUTHENTICATEDCHANNEL_WRONGSIZE, ALWAYS)              \
    M(QUERYAUTHENTICATEDCHANNEL_INVALIDPROCESSINDEX, ALWAYS)    \
    M(CONFIGUREAUTHENTICATEDCHANNEL_NULLPARAM, ALWAYS)          \
    M(CONFIGUREAUTHENTICATEDCHANNEL_WRONGCHANNEL, ALWAYS)       \
    M(CONFIGUREAUTHENTICATEDCHANNEL_UNSUPPORTEDCONFIGURE, ALWAYS) \
    M(CONFIGUREAUTHENTICATEDCHANNEL_WRONGSIZE, ALWAYS)          \
    M(CONFIGUREAUTHENTICATEDCHANNEL_INVALIDPROCESSIDTYPE, ALWAYS) \
    M(NEGOTIATECRPYTOSESSIONKEYEXCHANGE_INVALIDSIZE, ALWAYS)    \
    M(NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_INVALIDSIZE, ALWAYS) \
    M(GETCRYPTOSESSIONHANDLE_OUTOFMEMORY, NEVER)

static struct message {
    D3D11_MESSAGE_ID id;
    const char *name;
    enum run run;
    bool seen;
} messages[] = {
#define MESSAGE(name, run) {D3D11_MESSAGE_ID_##name, #name, run, false},
    MESSAGES(MESSAGE)
};
#define MESSAGE_COUNT (sizeof messages / sizeof messages[0])

/* The debug output since the last call, and the number of lines with an identifier in it. */
static char said[16384];
static size_t said_size;

static LONG CALLBACK on_exception(EXCEPTION_POINTERS *exception)
{
    const EXCEPTION_RECORD *record = exception->ExceptionRecord;
    if (record->ExceptionCode != DBG_PRINTEXCEPTION_C || record->NumberParameters < 2) {
        return EXCEPTION_CONTINUE_SEARCH;
    }
    const char *text = (const char *)record->ExceptionInformation[1];
    const size_t size = strlen(text);
    if (said_size + size < sizeof said) {
        memcpy(&said[said_size], text, size + 1);
        said_size += size;
    }
    return EXCEPTION_CONTINUE_EXECUTION;
}

static ID3D11InfoQueue *queue; /* null where the device has none */

static void expect(void)
{
    said_size = 0;
    said[0] = '\0';
    if (queue != NULL) {
        ID3D11InfoQueue_ClearStoredMessages(queue);
    }
}

static unsigned count(const char *text, const char *part)
{
    unsigned found = 0;
    while ((text = strstr(text, part)) != NULL) {
        found++;
        text += strlen(part);
    }
    return found;
}

/* The only message of the queue must be this one. */
static void check_queue(const struct message *message, const char *function)
{
    _Alignas(D3D11_MESSAGE) char bytes[1024];
    D3D11_MESSAGE *stored = (D3D11_MESSAGE *)bytes;
    SIZE_T size = sizeof bytes;
    if (!is_number(ID3D11InfoQueue_GetNumStoredMessages(queue), 1, "%s: one message in the queue", message->name)) {
        return;
    }
    is_hresult(ID3D11InfoQueue_GetMessage(queue, 0, stored, &size), S_OK, "%s: it can be read", message->name);
    ok(stored->ID == message->id && stored->Severity == D3D11_MESSAGE_SEVERITY_ERROR, "%s: with its number, as an error",
       message->name);
    ok(strncmp(stored->pDescription, function, strlen(function)) == 0, "%s: begins with the method: %s", message->name,
       stored->pDescription);
}

/* Checks that a call of `function` has said this, and no other message with an identifier. */
static void was_said(D3D11_MESSAGE_ID id, const char *function)
{
    struct message *message = messages;
    while (message->id != id) {
        message++;
    }
    char begin[128], end[128];
    snprintf(begin, sizeof begin, "D3D11 ERROR: %s: ", function);
    snprintf(end, sizeof end, " ERROR #%u: %s", (unsigned)id, message->name);
    const char *at = strstr(said, end);
    const char *rest = at != NULL ? at + strlen(end) : "";
    /* Older debug layers write a space before the bracket. */
    const bool is_right = (strncmp(rest, "]\n", 2) == 0 || strncmp(rest, " ]\n", 3) == 0) &&
                          strstr(said, begin) != NULL && count(said, " ERROR #") == 1;
    if (!ok(is_right, "%s is said", message->name)) {
        tap_note("expected \"%s...%s]\", seen: %s", begin, end, said_size ? said : "nothing");
    }
    message->seen = message->seen || is_right;
    if (queue != NULL) {
        check_queue(message, function);
    }
}

/* A call that fails with a message; one that returns nothing. */
#define FAILS(result, name, function, call)                                  \
    do {                                                                     \
        expect();                                                            \
        const HRESULT failed = (call);                                       \
        was_said(D3D11_MESSAGE_ID_##name, (function));                       \
        is_hresult(failed, (result), #name);                                 \
    } while (0)
#define DOES_NOTHING(name, function, call)                                   \
    do {                                                                     \
        expect();                                                            \
        (call);                                                              \
        was_said(D3D11_MESSAGE_ID_##name, (function));                       \
    } while (0)

#define SIDE 16
#define CONTENT (SIDE * SIDE * 4)

/* What the tests work on. */
struct bench {
    struct gpu gpu, other; /* two devices */
    struct session session;
    ID3D11Texture2D *staging, *target; /* of the first device, as both blits want them */
    bool below;
};

static void test_video_device(const struct bench *bench)
{
    ID3D11VideoDevice *device = bench->gpu.video_device;
    const GUID *aes = &D3D11_CRYPTO_TYPE_AES128_CTR, *rsa = &D3D11_KEY_EXCHANGE_RSAES_OAEP;
    GUID guid;
    ID3D11CryptoSession *session = (ID3D11CryptoSession *)&guid;
    ID3D11AuthenticatedChannel *channel = (ID3D11AuthenticatedChannel *)&guid;
    const char *caps = "ID3D11VideoDevice::GetContentProtectionCaps";
    FAILS(E_INVALIDARG, GETCONTENTPROTECTIONCAPS_NULLPARAM, caps,
          ID3D11VideoDevice_GetContentProtectionCaps(device, aes, &GUID_NULL, NULL));
    const char *check = "ID3D11VideoDevice::CheckCryptoKeyExchange";
    FAILS(E_INVALIDARG, CHECKCRYPTOKEYEXCHANGE_NULLPARAM, check,
          ID3D11VideoDevice_CheckCryptoKeyExchange(device, aes, &GUID_NULL, 0, NULL));
    FAILS(E_INVALIDARG, CHECKCRYPTOKEYEXCHANGE_NULLPARAM, check,
          ID3D11VideoDevice_CheckCryptoKeyExchange(device, NULL, &GUID_NULL, 0, &guid));
    const UINT indices[] = {gpu_caps(&bench->gpu, &GUID_NULL).KeyExchangeTypeCount, 1000, UINT_MAX};
    for (int i = 0; i < 3; i++) {
        memset(&guid, 0xA5, sizeof guid);
        FAILS(E_INVALIDARG, CHECKCRYPTOKEYEXCHANGE_INVALIDINDEX, check,
              ID3D11VideoDevice_CheckCryptoKeyExchange(device, aes, &GUID_NULL, indices[i], &guid));
    }
    const char *create = "ID3D11VideoDevice::CreateCryptoSession";
    FAILS(E_INVALIDARG, CREATECRYPTOSESSION_NULLPARAM, create,
          ID3D11VideoDevice_CreateCryptoSession(device, NULL, &GUID_NULL, rsa, &session));
    ok(session == NULL, "no session");
    session = (ID3D11CryptoSession *)&guid;
    FAILS(E_INVALIDARG, CREATECRYPTOSESSION_NULLPARAM, create,
          ID3D11VideoDevice_CreateCryptoSession(device, aes, &GUID_NULL, NULL, &session));
    ok(session == NULL, "no session");
    FAILS(E_INVALIDARG, CREATECRYPTOSESSION_NULLPARAM, create,
          ID3D11VideoDevice_CreateCryptoSession(device, aes, &GUID_NULL, rsa, NULL));
    create = "ID3D11VideoDevice::CreateAuthenticatedChannel";
    FAILS(E_INVALIDARG, CREATEAUTHENTICATEDCHANNEL_NULLPARAM, create,
          ID3D11VideoDevice_CreateAuthenticatedChannel(device, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE, NULL));
    for (int type = 0; type <= 4; type += 4) {
        FAILS(E_INVALIDARG, CREATEAUTHENTICATEDCHANNEL_INVALIDTYPE, create,
              ID3D11VideoDevice_CreateAuthenticatedChannel(device, (D3D11_AUTHENTICATED_CHANNEL_TYPE)type, &channel));
        ok(channel == NULL, "no channel of type %d", type);
    }
    channel = (ID3D11AuthenticatedChannel *)&guid;
    FAILS(E_INVALIDARG, CREATEAUTHENTICATEDCHANNEL_UNSUPPORTED, create,
          ID3D11VideoDevice_CreateAuthenticatedChannel(device, D3D11_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE, &channel));
    ok(channel == NULL, "no hardware channel");
}

static void test_session(const struct bench *bench)
{
    ID3D11CryptoSession *session = bench->session.object;
    ID3D11VideoContext *context = bench->gpu.video_context;
    DOES_NOTHING(GETCRYPTOTYPE_NULLPARAM, "ID3D11CryptoSession::GetCryptoType",
                 ID3D11CryptoSession_GetCryptoType(session, NULL));
    DOES_NOTHING(GETDECODERPROFILE_NULLPARAM, "ID3D11CryptoSession::GetDecoderProfile",
                 ID3D11CryptoSession_GetDecoderProfile(session, NULL));
    /* There is no identifier of a null pointer here; the header has one of a wrong size. */
    DOES_NOTHING(GETCRYPTOSESSIONHANDLE_WRONGSIZE, "ID3D11CryptoSession::GetCryptoSessionHandle",
                 ID3D11CryptoSession_GetCryptoSessionHandle(session, NULL));
    FAILS(E_INVALIDARG, GETCRYPTOSESSIONCERTIFICATESIZE_NULLPARAM, "ID3D11CryptoSession::GetCertificateSize",
          ID3D11CryptoSession_GetCertificateSize(session, NULL));
    UINT size = 0;
    ID3D11CryptoSession_GetCertificateSize(session, &size);
    BYTE *certificate = memset(allocate(size + 1), 0xA5, size + 1);
    const char *get = "ID3D11CryptoSession::GetCertificate";
    FAILS(E_INVALIDARG, GETCRYPTOSESSIONCERTIFICATE_NULLPARAM, get, ID3D11CryptoSession_GetCertificate(session, size, NULL));
    FAILS(E_INVALIDARG, GETCRYPTOSESSIONCERTIFICATE_WRONGSIZE, get,
          ID3D11CryptoSession_GetCertificate(session, size - 1, certificate));
    FAILS(E_INVALIDARG, GETCRYPTOSESSIONCERTIFICATE_WRONGSIZE, get,
          ID3D11CryptoSession_GetCertificate(session, size + 1, certificate));
    is_filled(certificate, 0xA5, size + 1, "no byte of the certificate is written");
    free(certificate);

    const char *negotiate = "ID3D11VideoContext::NegotiateCryptoSessionKeyExchange";
    uint8_t message[RSA_SIZE + 1] = {0};
    FAILS(E_INVALIDARG, NEGOTIATECRPYTOSESSIONKEYEXCHANGE_NULLPARAM, negotiate,
          ID3D11VideoContext_NegotiateCryptoSessionKeyExchange(context, NULL, RSA_SIZE, message));
    FAILS(E_INVALIDARG, NEGOTIATECRPYTOSESSIONKEYEXCHANGE_NULLPARAM, negotiate,
          ID3D11VideoContext_NegotiateCryptoSessionKeyExchange(context, session, RSA_SIZE, NULL));
    const UINT sizes[] = {0, 16, RSA_SIZE - 1, RSA_SIZE + 1};
    for (int i = 0; i < 4; i++) {
        FAILS(E_INVALIDARG, NEGOTIATECRPYTOSESSIONKEYEXCHANGE_INVALIDSIZE, negotiate,
              ID3D11VideoContext_NegotiateCryptoSessionKeyExchange(context, session, sizes[i], message));
    }
}

static void test_refresh(const struct bench *bench)
{
    ID3D11CryptoSession *session = bench->session.object;
    ID3D11VideoContext *context = bench->gpu.video_context;
    const char *start = "ID3D11VideoContext::StartSessionKeyRefresh", *get = "ID3D11VideoContext::GetEncryptionBltKey";
    uint8_t buffer[KEY_SIZE + 1];
    memset(buffer, 0xA5, sizeof buffer);
    DOES_NOTHING(STARTSESSIONKEYREFRESH_NULLPARAM, start,
                 ID3D11VideoContext_StartSessionKeyRefresh(context, NULL, KEY_SIZE, buffer));
    DOES_NOTHING(STARTSESSIONKEYREFRESH_NULLPARAM, start,
                 ID3D11VideoContext_StartSessionKeyRefresh(context, session, KEY_SIZE, NULL));
    DOES_NOTHING(FINISHSESSIONKEYREFRESH_NULLPARAM, "ID3D11VideoContext::FinishSessionKeyRefresh",
                 ID3D11VideoContext_FinishSessionKeyRefresh(context, NULL));
    FAILS(E_INVALIDARG, GETENCRYPTIONBLTKEY_NULLPARAM, get,
          ID3D11VideoContext_GetEncryptionBltKey(context, NULL, KEY_SIZE, buffer));
    FAILS(E_INVALIDARG, GETENCRYPTIONBLTKEY_NULLPARAM, get,
          ID3D11VideoContext_GetEncryptionBltKey(context, session, KEY_SIZE, NULL));
    for (UINT size = 0; size <= KEY_SIZE + 1; size++) {
        if (size != KEY_SIZE) {
            DOES_NOTHING(STARTSESSIONKEYREFRESH_INVALIDSIZE, start,
                         ID3D11VideoContext_StartSessionKeyRefresh(context, session, size, buffer));
            FAILS(E_INVALIDARG, GETENCRYPTIONBLTKEY_INVALIDSIZE, get,
                  ID3D11VideoContext_GetEncryptionBltKey(context, session, size, buffer));
        }
    }
    is_filled(buffer, 0xA5, sizeof buffer, "no byte of a key or number is written");
}

/* A blit whose resources are the bench's but for what a test changes. */
struct blit {
    bool encrypts;
    ID3D11CryptoSession *session;
    ID3D11Texture2D *source, *destination;
    uint8_t *iv;
};

static uint8_t iv[IV_SIZE];

static struct blit blit_of(const struct bench *bench, bool encrypts)
{
    return (struct blit){encrypts, bench->session.object, encrypts ? bench->target : bench->staging,
                         encrypts ? bench->staging : bench->target, iv};
}

static void run(const struct bench *bench, const struct blit *blit)
{
    if (blit->encrypts) {
        ID3D11VideoContext_EncryptionBlt(bench->gpu.video_context, blit->session, blit->source, blit->destination, IV_SIZE,
                                         blit->iv);
    } else {
        ID3D11VideoContext_DecryptionBlt(bench->gpu.video_context, blit->session, blit->source, blit->destination, NULL, 0,
                                         NULL, IV_SIZE, blit->iv);
    }
}

/* A blit that does nothing: the IV and the bench's resources stay as they are. `id` is DecryptionBlt's, `encryption_id` that
   of EncryptionBlt. */
static void refuse_as(const struct bench *bench, struct blit blit, D3D11_MESSAGE_ID encryption_id, D3D11_MESSAGE_ID id)
{
    memset(iv, 0xA5, sizeof iv);
    expect();
    run(bench, &blit);
    was_said(blit.encrypts ? encryption_id : id,
             blit.encrypts ? "ID3D11VideoContext::EncryptionBlt" : "ID3D11VideoContext::DecryptionBlt");
    is_filled(iv, 0xA5, sizeof iv, "no byte of the IV is written");
}
#define REFUSE(bench, blit, encryption, decryption)                                   \
    refuse_as((bench), (blit), D3D11_MESSAGE_ID_##encryption, D3D11_MESSAGE_ID_##decryption)
#define REFUSE_BOTH(bench, blit, name) REFUSE(bench, blit, ENCRYPTIONBLT_##name, DECRYPTIONBLT_##name)

/* The same with a resource that the bench does not have, which is released; it must keep its bytes. */
static void refuse_with(const struct bench *bench, struct blit blit, bool as_source, const struct gpu *owner,
                        ID3D11Texture2D *resource, D3D11_MESSAGE_ID encryption_id, D3D11_MESSAGE_ID id)
{
    gpu_fill(owner, resource, 0x33);
    *(as_source ? &blit.source : &blit.destination) = resource;
    refuse_as(bench, blit, encryption_id, id);
    gpu_is_filled(owner, resource, 0x33, "the resource keeps its bytes");
    com_release(resource);
}
#define REFUSE_WITH(bench, blit, as_source, owner, resource, encryption, decryption)                        \
    refuse_with((bench), (blit), (as_source), (owner), (resource), D3D11_MESSAGE_ID_##encryption,            \
                D3D11_MESSAGE_ID_##decryption)

static ID3D11Texture2D *special(const struct gpu *gpu, D3D11_TEXTURE2D_DESC desc)
{
    ID3D11Texture2D *texture = NULL;
    is_hresult(ID3D11Device_CreateTexture2D(gpu->device, &desc, NULL, &texture), S_OK, "a special texture");
    if (texture == NULL) {
        tap_bail_out("no special texture");
    }
    return texture;
}

static void test_blit(const struct bench *bench, bool encrypts)
{
    const struct blit good = blit_of(bench, encrypts);
    const enum kind source_kind = encrypts ? TARGET : STAGING, destination_kind = encrypts ? STAGING : TARGET;
    const struct gpu *gpu = &bench->gpu;
    struct blit blit;
    D3D11_TEXTURE2D_DESC desc;
    D3D11_MAPPED_SUBRESOURCE mapped;
    gpu_fill(gpu, good.source, 0x11);
    gpu_fill(gpu, good.destination, 0x22);

    blit = good, blit.session = NULL;
    REFUSE_BOTH(bench, blit, NULLPARAM);
    blit = good, blit.source = NULL;
    REFUSE_BOTH(bench, blit, NULLPARAM);
    blit = good, blit.destination = NULL;
    REFUSE_BOTH(bench, blit, NULLPARAM);
    blit = good, blit.iv = NULL;
    REFUSE_BOTH(bench, blit, NULLPARAM);

    REFUSE_WITH(bench, good, true, &bench->other, gpu_texture(&bench->other, SIDE, SIDE, source_kind, 0),
                ENCRYPTIONBLT_SRC_WRONGDEVICE, DECRYPTIONBLT_SRC_WRONGDEVICE);
    REFUSE_WITH(bench, good, false, &bench->other, gpu_texture(&bench->other, SIDE, SIDE, destination_kind, 0),
                ENCRYPTIONBLT_DST_WRONGDEVICE, DECRYPTIONBLT_DST_WRONGDEVICE);
    desc = texture_desc(SIDE, SIDE, source_kind, 0);
    desc.Format = DXGI_FORMAT_R32_FLOAT;
    blit = good, blit.source = special(gpu, desc);
    REFUSE_BOTH(bench, blit, FORMAT_MISMATCH);
    com_release(blit.source);
    REFUSE_WITH(bench, good, true, gpu, gpu_buffer(gpu, CONTENT, source_kind, 0), ENCRYPTIONBLT_FORMAT_MISMATCH,
                DECRYPTIONBLT_FORMAT_MISMATCH);
    REFUSE_WITH(bench, good, false, gpu, gpu_texture(gpu, SIDE, SIDE + 1, destination_kind, 0),
                ENCRYPTIONBLT_SIZE_MISMATCH, DECRYPTIONBLT_SIZE_MISMATCH);
    REFUSE_WITH(bench, good, false, gpu, gpu_texture(gpu, SIDE - 1, SIDE, destination_kind, 0),
                ENCRYPTIONBLT_SIZE_MISMATCH, DECRYPTIONBLT_SIZE_MISMATCH);
    blit = good, blit.source = gpu_buffer(gpu, 64, source_kind, 0), blit.destination = gpu_buffer(gpu, 65, destination_kind, 0);
    REFUSE_BOTH(bench, blit, SIZE_MISMATCH);
    com_release(blit.source);
    com_release(blit.destination);
    desc = texture_desc(SIDE, SIDE, TARGET, 0);
    desc.SampleDesc.Count = 4;
    blit = good;
    *(encrypts ? &blit.source : &blit.destination) = special(gpu, desc);
    REFUSE(bench, blit, ENCRYPTIONBLT_SRC_MULTISAMPLED, DECRYPTIONBLT_DST_MULTISAMPLED);
    com_release(encrypts ? blit.source : blit.destination);

    if (encrypts) {
        REFUSE_WITH(bench, good, false, gpu, gpu_texture(gpu, SIDE, SIDE, TARGET, 0), ENCRYPTIONBLT_DST_NOT_STAGING, UNKNOWN);
    } else {
        REFUSE_WITH(bench, good, true, gpu, gpu_texture(gpu, SIDE, SIDE, TARGET, 0), UNKNOWN, DECRYPTIONBLT_SRC_NOT_STAGING);
        desc = texture_desc(SIDE, SIDE, TARGET, 0);
        desc.BindFlags = D3D11_BIND_SHADER_RESOURCE;
        REFUSE_WITH(bench, good, false, gpu, special(gpu, desc), UNKNOWN, DECRYPTIONBLT_DST_NOT_RENDER_TARGET);
    }

    /* What can be mapped is a staging resource, whatever else is wrong with that. */
    ID3D11Texture2D *mappable = gpu_texture(gpu, SIDE, SIDE, STAGING, 0);
    gpu_fill(gpu, mappable, 0x33);
    ID3D11DeviceContext_Map(gpu->context, (ID3D11Resource *)mappable, 0, D3D11_MAP_READ, 0, &mapped);
    blit = good, blit.source = mappable;
    REFUSE_BOTH(bench, blit, SRC_MAPPED);
    blit = good, blit.destination = mappable;
    REFUSE_BOTH(bench, blit, DST_MAPPED);
    ID3D11DeviceContext_Unmap(gpu->context, (ID3D11Resource *)mappable, 0);
    gpu_is_filled(gpu, mappable, 0x33, "the mapped resource keeps its bytes");
    com_release(mappable);

    gpu_is_filled(gpu, good.source, 0x11, "the source of all these blits keeps its bytes");
    gpu_is_filled(gpu, good.destination, 0x22, "so does the destination");
}

/* A discarded source, until something is written to it. */
static void test_discarded(const struct bench *bench)
{
    const struct blit blit = blit_of(bench, true);
    ID3D11DeviceContext1 *context = NULL;
    if (FAILED(ID3D11DeviceContext_QueryInterface(bench->gpu.context, &IID_ID3D11DeviceContext1, (void **)&context))) {
        tap_bail_out("no ID3D11DeviceContext1");
    }
    gpu_fill(&bench->gpu, bench->staging, 0x22);
    ID3D11DeviceContext1_DiscardResource(context, (ID3D11Resource *)bench->target);
    REFUSE(bench, blit, ENCRYPTIONBLT_SRC_CONTENT_UNDEFINED, UNKNOWN);
    gpu_is_filled(&bench->gpu, bench->staging, 0x22, "the destination keeps its bytes");
    com_release(context);
    gpu_fill(&bench->gpu, bench->target, 0x11);
}

/* Offered resources, and reclaimed ones whose content was lost. */
static void test_offered(const struct bench *bench, bool encrypts)
{
    const struct blit blit = blit_of(bench, encrypts);
    struct below_failures *below =
        ((below_failures_function)(void *)GetProcAddress(GetModuleHandleA("below.dll"), "below_failures"))();
    IDXGIDevice2 *device = NULL;
    IDXGIResource *source = NULL, *destination = NULL;
    WINBOOL discarded = 7;
    ID3D11Device_QueryInterface(bench->gpu.device, &IID_IDXGIDevice2, (void **)&device);
    ID3D11Texture2D_QueryInterface(blit.source, &IID_IDXGIResource, (void **)&source);
    ID3D11Texture2D_QueryInterface(blit.destination, &IID_IDXGIResource, (void **)&destination);
    if (device == NULL || source == NULL || destination == NULL) {
        tap_bail_out("no IDXGIDevice2 or IDXGIResource");
    }
    gpu_fill(&bench->gpu, blit.source, 0x11);
    gpu_fill(&bench->gpu, blit.destination, 0x22);
    is_hresult(IDXGIDevice2_OfferResources(device, 1, &source, DXGI_OFFER_RESOURCE_PRIORITY_NORMAL), S_OK, "offer");
    REFUSE_BOTH(bench, blit, SRC_OFFERED);
    is_hresult(IDXGIDevice2_ReclaimResources(device, 1, &source, &discarded), S_OK, "reclaim");
    is_hresult(IDXGIDevice2_OfferResources(device, 1, &destination, DXGI_OFFER_RESOURCE_PRIORITY_NORMAL), S_OK, "offer");
    REFUSE_BOTH(bench, blit, DST_OFFERED);
    is_hresult(IDXGIDevice2_ReclaimResources(device, 1, &destination, NULL), S_OK, "reclaim");
    is_hresult(IDXGIDevice2_OfferResources(device, 1, &source, DXGI_OFFER_RESOURCE_PRIORITY_LOW), S_OK, "offer");
    below->reclaim_discards = TRUE;
    is_hresult(IDXGIDevice2_ReclaimResources(device, 1, &source, &discarded), S_OK, "reclaim what is lost");
    below->reclaim_discards = FALSE;
    ok(discarded == TRUE, "the content is lost");
    REFUSE_BOTH(bench, blit, SRC_CONTENT_UNDEFINED);
    gpu_is_filled(&bench->gpu, blit.destination, 0x22, "the destination keeps its bytes");
    gpu_fill(&bench->gpu, blit.source, 0x11);
    com_release(source);
    com_release(destination);
    com_release(device);
}

/* Failures of the implementation below: a blit does nothing, and says so without an identifier. */
static void test_failures_below(const struct bench *bench)
{
    struct below_failures *below =
        ((below_failures_function)(void *)GetProcAddress(GetModuleHandleA("below.dll"), "below_failures"))();
    for (int encrypts = 0; encrypts < 2; encrypts++) {
        const struct blit blit = blit_of(bench, encrypts);
        gpu_fill(&bench->gpu, blit.source, 0x11);
        gpu_fill(&bench->gpu, blit.destination, 0x22);
        memset(iv, 0xA5, sizeof iv);
        expect();
        below->map = DXGI_ERROR_DEVICE_REMOVED;
        run(bench, &blit);
        below->map = S_OK;
        ok(said_size != 0 && count(said, " ERROR #") == 0, "Map fails: something is said, and no identifier");
        is_filled(iv, 0xA5, sizeof iv, "Map fails: the IV stays");
        gpu_is_filled(&bench->gpu, blit.destination, 0x22, "Map fails: the destination keeps its bytes");
    }
    ID3D11Texture2D *target = NULL;
    const D3D11_TEXTURE2D_DESC desc = texture_desc(SIDE, SIDE, TARGET, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT);
    below->create = E_OUTOFMEMORY;
    is_hresult(ID3D11Device_CreateTexture2D(bench->gpu.device, &desc, NULL, &target), E_OUTOFMEMORY,
               "CreateTexture2D of a protected texture fails as below");
    below->create = S_OK;
    ok(target == NULL, "and makes none");
}

static void test_channel_objects(const struct channel *channel, const struct channel *runtime)
{
    ID3D11VideoContext *context = channel->gpu->video_context;
    UINT size = 77;
    const char *get = "ID3D11AuthenticatedChannel::GetCertificateSize";
    FAILS(E_INVALIDARG, GETAUTHENTICATEDCHANNELCERTIFICATESIZE_NULLPARAM, get,
          ID3D11AuthenticatedChannel_GetCertificateSize(channel->object, NULL));
    FAILS(E_INVALIDARG, GETAUTHENTICATEDCHANNELCERTIFICATESIZE_INVALIDCHANNEL, get,
          ID3D11AuthenticatedChannel_GetCertificateSize(runtime->object, &size));
    is_number(size, 0, "the size is zero");
    ID3D11AuthenticatedChannel_GetCertificateSize(channel->object, &size);
    BYTE *certificate = memset(allocate(size + 1), 0xA5, size + 1);
    get = "ID3D11AuthenticatedChannel::GetCertificate";
    FAILS(E_INVALIDARG, GETAUTHENTICATEDCHANNELCERTIFICATE_NULLPARAM, get,
          ID3D11AuthenticatedChannel_GetCertificate(channel->object, size, NULL));
    FAILS(E_INVALIDARG, GETAUTHENTICATEDCHANNELCERTIFICATE_INVALIDCHANNEL, get,
          ID3D11AuthenticatedChannel_GetCertificate(runtime->object, size, certificate));
    FAILS(E_INVALIDARG, GETAUTHENTICATEDCHANNELCERTIFICATE_WRONGSIZE, get,
          ID3D11AuthenticatedChannel_GetCertificate(channel->object, size - 1, certificate));
    FAILS(E_INVALIDARG, GETAUTHENTICATEDCHANNELCERTIFICATE_WRONGSIZE, get,
          ID3D11AuthenticatedChannel_GetCertificate(channel->object, size + 1, certificate));
    is_filled(certificate, 0xA5, size + 1, "no byte of the certificate is written");
    free(certificate);

    const char *negotiate = "ID3D11VideoContext::NegotiateAuthenticatedChannelKeyExchange";
    uint8_t message[RSA_SIZE + 1] = {0};
    FAILS(E_INVALIDARG, NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_NULLPARAM, negotiate,
          ID3D11VideoContext_NegotiateAuthenticatedChannelKeyExchange(context, NULL, RSA_SIZE, message));
    FAILS(E_INVALIDARG, NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_NULLPARAM, negotiate,
          ID3D11VideoContext_NegotiateAuthenticatedChannelKeyExchange(context, channel->object, RSA_SIZE, NULL));
    FAILS(E_INVALIDARG, NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_INVALIDCHANNEL, negotiate,
          ID3D11VideoContext_NegotiateAuthenticatedChannelKeyExchange(context, runtime->object, RSA_SIZE, message));
    const UINT sizes[] = {0, 16, RSA_SIZE - 1, RSA_SIZE + 1};
    for (int i = 0; i < 4; i++) {
        FAILS(E_INVALIDARG, NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_INVALIDSIZE, negotiate,
              ID3D11VideoContext_NegotiateAuthenticatedChannelKeyExchange(context, channel->object, sizes[i], message));
    }
}

/* Queries on a channel with a driver, or on that of the runtime. */
static void test_queries(struct channel *channel)
{
    ID3D11VideoContext *context = channel->gpu->video_context;
    ID3D11AuthenticatedChannel *object = channel->object;
    const char *function = "ID3D11VideoContext::QueryAuthenticatedChannel";
    D3D11_AUTHENTICATED_QUERY_INPUT query = {0};
    D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT answer;
    channel_number(channel, &D3D11_AUTHENTICATED_QUERY_PROTECTION, &query);
    const UINT size = sizeof query, room = sizeof answer;
    memset(&answer, 0xA5, sizeof answer);
    FAILS(E_INVALIDARG, QUERYAUTHENTICATEDCHANNEL_NULLPARAM, function,
          ID3D11VideoContext_QueryAuthenticatedChannel(context, NULL, size, &query, room, &answer));
    FAILS(E_INVALIDARG, QUERYAUTHENTICATEDCHANNEL_NULLPARAM, function,
          ID3D11VideoContext_QueryAuthenticatedChannel(context, object, size, NULL, room, &answer));
    FAILS(E_INVALIDARG, QUERYAUTHENTICATEDCHANNEL_NULLPARAM, function,
          ID3D11VideoContext_QueryAuthenticatedChannel(context, object, size, &query, room, NULL));
    FAILS(E_INVALIDARG, QUERYAUTHENTICATEDCHANNEL_WRONGSIZE, function,
          ID3D11VideoContext_QueryAuthenticatedChannel(context, object, size - 1, &query, room, &answer));
    is_filled(&answer, 0xA5, sizeof answer, "no byte of an answer is written");
    FAILS(E_INVALIDARG, QUERYAUTHENTICATEDCHANNEL_WRONGSIZE, function,
          ID3D11VideoContext_QueryAuthenticatedChannel(context, object, size, &query, room - 8, &answer));
    query.hChannel = (HANDLE)((uintptr_t)channel->handle + 1);
    FAILS(E_INVALIDARG, QUERYAUTHENTICATEDCHANNEL_WRONGCHANNEL, function,
          ID3D11VideoContext_QueryAuthenticatedChannel(context, object, size, &query, room, &answer));
    channel_number(channel, &D3D11_KEY_EXCHANGE_RSAES_OAEP, &query);
    FAILS(E_FAIL, QUERYAUTHENTICATEDCHANNEL_UNSUPPORTEDQUERY, function,
          ID3D11VideoContext_QueryAuthenticatedChannel(context, object, size, &query, room, &answer));
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT process;
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT of_process;
    memset(&process, 0, sizeof process);
    channel_number(channel, &D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS, &process);
    process.ProcessIndex = 1000;
    FAILS(E_INVALIDARG, QUERYAUTHENTICATEDCHANNEL_INVALIDPROCESSINDEX, function,
          ID3D11VideoContext_QueryAuthenticatedChannel(context, object, sizeof process, &process, sizeof of_process,
                                                       &of_process));
}

static void test_commands(struct channel *channel)
{
    ID3D11VideoContext *context = channel->gpu->video_context;
    ID3D11AuthenticatedChannel *object = channel->object;
    const char *function = "ID3D11VideoContext::ConfigureAuthenticatedChannel";
    D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT command[2];
    D3D11_AUTHENTICATED_CONFIGURE_OUTPUT answer;
    memset(command, 0, sizeof command);
    command[0].Protections.Flags.ProtectionEnabled = 1;
    const GUID *const protection = &D3D11_AUTHENTICATED_CONFIGURE_PROTECTION;
    const UINT size = sizeof command[0];
    channel_sign(channel, protection, command, size);
    memset(&answer, 0xA5, sizeof answer);
    FAILS(E_INVALIDARG, CONFIGUREAUTHENTICATEDCHANNEL_NULLPARAM, function,
          ID3D11VideoContext_ConfigureAuthenticatedChannel(context, NULL, size, command, &answer));
    FAILS(E_INVALIDARG, CONFIGUREAUTHENTICATEDCHANNEL_NULLPARAM, function,
          ID3D11VideoContext_ConfigureAuthenticatedChannel(context, object, size, NULL, &answer));
    FAILS(E_INVALIDARG, CONFIGUREAUTHENTICATEDCHANNEL_NULLPARAM, function,
          ID3D11VideoContext_ConfigureAuthenticatedChannel(context, object, size, command, NULL));
    FAILS(E_INVALIDARG, CONFIGUREAUTHENTICATEDCHANNEL_WRONGSIZE, function,
          ID3D11VideoContext_ConfigureAuthenticatedChannel(context, object, 8, command, &answer));
    is_filled(&answer, 0xA5, sizeof answer, "no byte of an answer is written");
    channel_sign(channel, protection, command, size + 8);
    FAILS(E_INVALIDARG, CONFIGUREAUTHENTICATEDCHANNEL_WRONGSIZE, function,
          ID3D11VideoContext_ConfigureAuthenticatedChannel(context, object, size + 8, command, &answer));
    const HANDLE handle = channel->handle;
    channel->handle = (HANDLE)((uintptr_t)handle + 1);
    channel_sign(channel, protection, command, size);
    channel->handle = handle;
    FAILS(E_INVALIDARG, CONFIGUREAUTHENTICATEDCHANNEL_WRONGCHANNEL, function,
          ID3D11VideoContext_ConfigureAuthenticatedChannel(context, object, size, command, &answer));
    channel_sign(channel, &D3D11_KEY_EXCHANGE_RSAES_OAEP, command, size);
    FAILS(E_FAIL, CONFIGUREAUTHENTICATEDCHANNEL_UNSUPPORTEDCONFIGURE, function,
          ID3D11VideoContext_ConfigureAuthenticatedChannel(context, object, size, command, &answer));
    D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT share;
    memset(&share, 0, sizeof share);
    share.ProcessType = (D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE)3;
    share.AllowAccess = TRUE;
    channel_sign(channel, &D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE, &share, sizeof share);
    FAILS(E_INVALIDARG, CONFIGUREAUTHENTICATEDCHANNEL_INVALIDPROCESSIDTYPE, function,
          ID3D11VideoContext_ConfigureAuthenticatedChannel(context, object, sizeof share, &share, &answer));
}

/* After all of this the session and the channel still do what is right. */
static void test_still_works(const struct bench *bench, struct channel *channel)
{
    uint8_t clear[CONTENT], encrypted[CONTENT], good_iv[IV_SIZE];
    crypto_random(clear, sizeof clear);
    memcpy(encrypted, clear, sizeof clear);
    crypto_iv(1, 0, good_iv);
    crypto_ctr(bench->session.key, good_iv, NULL, encrypted, sizeof encrypted);
    gpu_write(&bench->gpu, bench->staging, encrypted);
    expect();
    session_decrypt(&bench->session, bench->staging, bench->target, NULL, NULL, good_iv);
    is_number(said_size, 0, "a blit that is right says nothing");
    gpu_holds(&bench->gpu, bench->target, clear, "and decrypts with the key that was in force");
    D3D11_AUTHENTICATED_QUERY_INPUT query = {0};
    D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT answer;
    is_hresult(channel_query(channel, &D3D11_AUTHENTICATED_QUERY_PROTECTION, &query, sizeof query, &answer, sizeof answer,
                             "PROTECTION"), S_OK, "the channel answers");
    is_number(answer.ProtectionFlags.Value, 0, "no command was obeyed");
}

static struct bench bench_begin(bool below)
{
    struct bench bench = {.gpu = gpu_begin(), .other = gpu_begin_plain(), .below = below};
    bench.staging = gpu_texture(&bench.gpu, SIDE, SIDE, STAGING, 0);
    bench.target = gpu_texture(&bench.gpu, SIDE, SIDE, TARGET, 0);
    if (SUCCEEDED(ID3D11Device_QueryInterface(bench.gpu.device, &IID_ID3D11InfoQueue, (void **)&queue))) {
        tap_note("the device has an information queue");
    }
    return bench;
}

static void bench_end(struct bench *bench)
{
    com_release(queue);
    com_release(bench->session.object);
    com_release(bench->staging);
    com_release(bench->target);
    is_number(gpu_end(&bench->other), 0, "nothing is left of the other device");
    is_number(gpu_end(&bench->gpu), 0, "nothing is left of the device");
}

static void test_all(struct bench *bench)
{
    bench->session = session_begin(&bench->gpu);
    struct channel channel = channel_begin(&bench->gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
    struct channel runtime = channel_create(&bench->gpu, D3D11_AUTHENTICATED_CHANNEL_D3D11);
    test_video_device(bench);
    test_session(bench);
    test_refresh(bench);
    for (int encrypts = 0; encrypts < 2; encrypts++) {
        test_blit(bench, encrypts);
        if (bench->below) {
            test_offered(bench, encrypts);
        }
    }
    test_discarded(bench);
    if (bench->below) {
        test_failures_below(bench);
    }
    test_channel_objects(&channel, &runtime);
    test_queries(&channel);
    test_queries(&runtime);
    test_commands(&channel);
    test_commands(&runtime);
    test_still_works(bench, &channel);
    com_release(channel.object);
    com_release(runtime.object);
}

static void test_unsupported(struct bench *bench)
{
    bench->session = session_begin(&bench->gpu);
    gpu_fill(&bench->gpu, bench->staging, 0x11);
    gpu_fill(&bench->gpu, bench->target, 0x22);
    for (int encrypts = 0; encrypts < 2; encrypts++) {
        REFUSE_BOTH(bench, blit_of(bench, encrypts), UNSUPPORTED);
    }
    gpu_is_filled(&bench->gpu, bench->staging, 0x11, "the staging texture keeps its bytes");
    gpu_is_filled(&bench->gpu, bench->target, 0x22, "so does the target");
}

static void test_memory(const struct bench *bench)
{
    ID3D11VideoDevice *device = bench->gpu.video_device;
    ID3D11CryptoSession *session = (ID3D11CryptoSession *)device;
    ID3D11AuthenticatedChannel *channel = (ID3D11AuthenticatedChannel *)device;
    FAILS(E_OUTOFMEMORY, CREATECRYPTOSESSION_OUTOFMEMORY_RETURN, "ID3D11VideoDevice::CreateCryptoSession",
          ID3D11VideoDevice_CreateCryptoSession(device, &D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL,
                                                &D3D11_KEY_EXCHANGE_RSAES_OAEP, &session));
    FAILS(E_OUTOFMEMORY, CREATEAUTHENTICATEDCHANNEL_OUTOFMEMORY_RETURN, "ID3D11VideoDevice::CreateAuthenticatedChannel",
          ID3D11VideoDevice_CreateAuthenticatedChannel(device, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE, &channel));
    ok(session == NULL && channel == NULL, "neither session nor channel");
}

/* The log of this run, to be freed; null where there is none. */
static char *read_log(void)
{
    const char *path = getenv("SOFTCP_LOG_PATH");
    FILE *file = path != NULL ? fopen(path, "rb") : NULL;
    if (file == NULL) {
        return NULL;
    }
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    rewind(file);
    char *text = allocate((size_t)size + 1);
    text[fread(text, 1, (size_t)size, file)] = '\0';
    fclose(file);
    return text;
}

static void check_coverage(enum run run)
{
    char *log = read_log();
    ok(log != NULL || getenv("SOFTCP_LOG_PATH") == NULL, "the log can be read");
    for (size_t i = 0; i < MESSAGE_COUNT; i++) {
        const struct message *message = &messages[i];
        if (message->run == run || (message->run == ALWAYS && run == BELOW)) {
            ok(message->seen, "%s was provoked", message->name);
        } else if (message->run == NEVER) {
            tap_skip("no driver of SoftCP allocates for a handle", "%s", message->name);
        }
        if (message->seen && log != NULL) {
            ok(strstr(log, message->name) != NULL, "%s is in the log", message->name);
        }
    }
    free(log);
}

int main(int argc, char **argv)
{
    tap_begin();
    enum run run = ALWAYS;
    for (int i = BELOW; argc > 1 && i <= MEMORY; i++) {
        if (strcmp(argv[1], run_names[i]) == 0) {
            run = (enum run)i;
        }
    }
    AddVectoredExceptionHandler(1, on_exception);
    struct bench bench = bench_begin(run == BELOW);
    if (run == BELOW) {
        ok(queue != NULL, "there is an information queue");
    }
    if (run == UNSUPPORTED) {
        test_unsupported(&bench);
    } else if (run == MEMORY) {
        test_memory(&bench);
    } else {
        test_all(&bench);
    }
    check_coverage(run);
    bench_end(&bench);
    return tap_done();
}
