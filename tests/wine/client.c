#include "client.h"

#include <stdlib.h>
#include <string.h>

static void read_chain(const uint8_t *certificate, UINT size, struct rsa_key *key)
{
    const unsigned certificates = crypto_chain(certificate, size, key);
    ok(certificates >= 1, "a chain of %u certificates with an RSA key of 2048 bits", certificates);
    if (certificates == 0) {
        tap_bail_out("the certificate chain of %u bytes cannot be used", size);
    }
}

/* Certificates of both kinds of objects are read alike. */
#define READ_CERTIFICATE(kind, object, key)                                                              \
    do {                                                                                                 \
        UINT size = 0;                                                                                   \
        is_hresult(kind##_GetCertificateSize((object), &size), S_OK, "GetCertificateSize");              \
        uint8_t *certificate = allocate(size);                                                           \
        is_hresult(kind##_GetCertificate((object), size, certificate), S_OK, "GetCertificate");          \
        read_chain(certificate, size, (key));                                                            \
        free(certificate);                                                                               \
    } while (0)

struct session session_create(const struct gpu *gpu, const GUID *profile, const GUID *key_exchange)
{
    struct session session = {.gpu = gpu};
    is_hresult(ID3D11VideoDevice_CreateCryptoSession(gpu->video_device, &D3D11_CRYPTO_TYPE_AES128_CTR, profile,
                                                     key_exchange, &session.object), S_OK, "CreateCryptoSession");
    if (session.object == NULL) {
        tap_bail_out("no crypto session");
    }
    return session;
}

void session_certificate(struct session *session)
{
    READ_CERTIFICATE(ID3D11CryptoSession, session->object, &session->driver_key);
}

void session_negotiate(struct session *session)
{
    uint8_t message[RSA_SIZE];
    crypto_random(session->key, KEY_SIZE);
    crypto_oaep(&session->driver_key, session->key, KEY_SIZE, message);
    is_hresult(ID3D11VideoContext_NegotiateCryptoSessionKeyExchange(session->gpu->video_context, session->object,
                                                                    sizeof message, message), S_OK,
               "NegotiateCryptoSessionKeyExchange");
}

struct session session_begin(const struct gpu *gpu)
{
    struct session session = session_create(gpu, &GUID_NULL, &D3D11_KEY_EXCHANGE_RSAES_OAEP);
    session_certificate(&session);
    session_negotiate(&session);
    return session;
}

void session_decrypt(const struct session *session, ID3D11Texture2D *source, ID3D11Texture2D *destination,
                     D3D11_ENCRYPTED_BLOCK_INFO *info, const uint8_t *content_key, uint8_t iv[IV_SIZE])
{
    ID3D11VideoContext_DecryptionBlt(session->gpu->video_context, session->object, source, destination, info,
                                     content_key != NULL ? KEY_SIZE : 0, content_key, IV_SIZE, iv);
}

void session_encrypt(const struct session *session, ID3D11Texture2D *source, ID3D11Texture2D *destination,
                     uint8_t iv[IV_SIZE])
{
    ID3D11VideoContext_EncryptionBlt(session->gpu->video_context, session->object, source, destination, IV_SIZE, iv);
}

struct channel channel_create(const struct gpu *gpu, D3D11_AUTHENTICATED_CHANNEL_TYPE type)
{
    struct channel channel = {.gpu = gpu};
    is_hresult(ID3D11VideoDevice_CreateAuthenticatedChannel(gpu->video_device, type, &channel.object), S_OK,
               "CreateAuthenticatedChannel");
    if (channel.object == NULL) {
        tap_bail_out("no authenticated channel");
    }
    ID3D11AuthenticatedChannel_GetChannelHandle(channel.object, &channel.handle);
    return channel;
}

struct channel channel_begin(const struct gpu *gpu, D3D11_AUTHENTICATED_CHANNEL_TYPE type)
{
    struct channel channel = channel_create(gpu, type);
    struct rsa_key driver_key;
    uint8_t message[RSA_SIZE];
    READ_CERTIFICATE(ID3D11AuthenticatedChannel, channel.object, &driver_key);
    crypto_random(channel.key, KEY_SIZE);
    crypto_oaep(&driver_key, channel.key, KEY_SIZE, message);
    is_hresult(ID3D11VideoContext_NegotiateAuthenticatedChannelKeyExchange(gpu->video_context, channel.object,
                                                                           sizeof message, message), S_OK,
               "NegotiateAuthenticatedChannelKeyExchange");
    crypto_random(&channel.query_number, 2); /* small, so that the sequences do not end */
    crypto_random(&channel.command_number, 2);
    D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT initialize;
    memset(&initialize, 0, sizeof initialize);
    initialize.StartSequenceQuery = channel.query_number++;
    initialize.StartSequenceConfigure = channel.command_number;
    is_hresult(channel_configure(&channel, &D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE, &initialize, sizeof initialize,
                                 "INITIALIZE"), S_OK, "INITIALIZE");
    return channel;
}

void channel_sign(struct channel *channel, const GUID *type, void *command, size_t size)
{
    D3D11_AUTHENTICATED_CONFIGURE_INPUT *input = command;
    input->ConfigureType = *type;
    input->hChannel = channel->handle;
    input->SequenceNumber = channel->command_number++;
    crypto_omac(channel->key, (const uint8_t *)command + OMAC_SIZE, size - OMAC_SIZE, (uint8_t *)&input->omac);
}

void channel_number(struct channel *channel, const GUID *type, void *query)
{
    D3D11_AUTHENTICATED_QUERY_INPUT *input = query;
    input->QueryType = *type;
    input->hChannel = channel->handle;
    input->SequenceNumber = channel->query_number++;
}

/* Checks an answer; both kinds begin alike. */
static void check_answer(const struct channel *channel, const GUID *type, UINT number, HRESULT result,
                         const void *answer, size_t size, const char *name)
{
    const D3D11_AUTHENTICATED_QUERY_OUTPUT *output = answer;
    uint8_t omac[OMAC_SIZE];
    crypto_omac(channel->key, (const uint8_t *)answer + OMAC_SIZE, size - OMAC_SIZE, omac);
    is_bytes(&output->omac, omac, OMAC_SIZE, "%s: the answer's OMAC", name);
    ok(IsEqualGUID(&output->QueryType, type) && output->hChannel == channel->handle &&
           output->SequenceNumber == number, "%s: the answer repeats the header", name);
    is_hresult(output->ReturnCode, result, "%s: the answer's return code is that of the call", name);
}

HRESULT channel_configure(struct channel *channel, const GUID *type, void *command, size_t size, const char *name)
{
    D3D11_AUTHENTICATED_CONFIGURE_OUTPUT answer;
    memset(&answer, 0xA5, sizeof answer);
    channel_sign(channel, type, command, size);
    const HRESULT result = ID3D11VideoContext_ConfigureAuthenticatedChannel(
        channel->gpu->video_context, channel->object, (UINT)size, command, &answer);
    check_answer(channel, type, channel->command_number - 1, result, &answer, sizeof answer, name);
    return result;
}

HRESULT channel_query(struct channel *channel, const GUID *type, void *query, size_t size, void *answer,
                      size_t answer_size, const char *name)
{
    memset(answer, 0xA5, answer_size);
    channel_number(channel, type, query);
    const HRESULT result = ID3D11VideoContext_QueryAuthenticatedChannel(
        channel->gpu->video_context, channel->object, (UINT)size, query, (UINT)answer_size, answer);
    check_answer(channel, type, channel->query_number - 1, result, answer, answer_size, name);
    return result;
}

void channel_protection(struct channel *channel, bool on)
{
    D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT command;
    memset(&command, 0, sizeof command);
    command.Protections.Flags.ProtectionEnabled = on;
    is_hresult(channel_configure(channel, &D3D11_AUTHENTICATED_CONFIGURE_PROTECTION, &command, sizeof command,
                                 "PROTECTION"), S_OK, "PROTECTION %s", on ? "on" : "off");
}

HANDLE channel_device(struct channel *channel)
{
    D3D11_AUTHENTICATED_QUERY_INPUT query;
    D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT answer;
    memset(&query, 0, sizeof query);
    is_hresult(channel_query(channel, &D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE, &query, sizeof query, &answer,
                             sizeof answer, "DEVICE_HANDLE"), S_OK, "DEVICE_HANDLE");
    return answer.DeviceHandle;
}
