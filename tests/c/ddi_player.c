/* The start-up of a protected player, in the order in which applications go through it. */
#include "ddi_tests.h"

#include <string.h>

#define FILL 0xA5
#define SIZE 1000

/* What the player shows: the same bytes clear and encrypted, and where they go. */
struct film {
    uint8_t clear[SIZE], encrypted[SIZE], iv[IV_SIZE];
    struct surface source, plain, safe, read_back;
};

static struct film film_begin(struct device *device, const struct session *session)
{
    struct film film = {
        .source = surface_create(device, shape_buffer(SIZE)),
        .plain = surface_create(device, shape_buffer(SIZE)),
        .safe = surface_create(device, shape_with(shape_buffer(SIZE), SOFTCP_RESOURCE_PROTECTED)),
        .read_back = surface_create(device, shape_buffer(SIZE)),
    };
    client_random(film.clear, SIZE);
    client_iv(1, 0, film.iv);
    memcpy(film.encrypted, film.clear, SIZE);
    client_ctr(session->key, film.iv, NULL, film.encrypted, SIZE);
    surface_write(&film.source, film.encrypted);
    surface_fill(&film.plain, FILL);
    surface_fill(&film.safe, FILL);
    return film;
}

static void film_end(struct film *film)
{
    surface_destroy(&film->source);
    surface_destroy(&film->plain);
    surface_destroy(&film->safe);
    surface_destroy(&film->read_back);
}

static void decrypt(struct session *session, struct film *film, const struct surface *destination)
{
    struct device *device = session->device;
    device->call.DecryptionBlt(device->handle, session->handle, film->source.handle, destination->handle, NULL, 0, NULL,
                               IV_SIZE, film->iv);
}

static void is_protection(struct channel *channel, UINT flags)
{
    struct query query = channel_query(channel, QUERY_PROTECTION);
    union answer answer;
    asks(channel, &query, S_OK, &answer, "PROTECTION");
    is_number(answer.protection.ProtectionFlags.Value, flags, "the flags in force");
}

/* Whether a resource can be mapped. */
static void maps(const struct surface *surface, HRESULT expected, const char *name)
{
    struct device *device = surface->device;
    const struct softcp_driver *driver = &device->ddi->driver;
    static const uint32_t accesses[] = {SOFTCP_ACCESS_READ, SOFTCP_ACCESS_WRITE, SOFTCP_ACCESS_READ_WRITE};
    for (int i = 0; i < 3; i++) {
        struct softcp_mapping mapping;
        memset(&mapping, FILL, sizeof mapping);
        is_hresult(driver->map_resource(driver->context, device->handle, surface->handle, accesses[i], &mapping),
                   expected, "%s, access %u", name, accesses[i]);
        if (expected == S_OK) {
            surface_unmap(surface);
        } else {
            is_filled(&mapping, 0, sizeof mapping, "the mapping is zero (D30)");
        }
    }
}

/* A session, and the channel over which it is bound to decoders. */
struct binding {
    struct channel *channel;
    HANDLE session, device;
};

static void bind_session(void *context, const struct decoder *decoder)
{
    const struct binding *binding = context;
    struct command command =
        command_crypto_session(binding->channel, decoder_handle(decoder), binding->session, binding->device);
    commands(binding->channel, &command, S_OK, "CONFIGURE_CRYPTO_SESSION");
}

/* What is protected while protection is on. */
static void test_enforced(struct session *session, struct film *film)
{
    struct device *device = session->device;
    uint8_t read[SIZE], wrapped[KEY_SIZE], key[KEY_SIZE], iv[IV_SIZE];
    REPORTS(device->ddi, "DecryptionBlt", D3DERR_CANNOTPROTECTCONTENT, decrypt(session, film, &film->plain),
            "DecryptionBlt into an unprotected resource is refused (D19)");
    surface_read(&film->plain, read);
    is_filled(read, FILL, SIZE, "and writes nothing");
    REPORTS(device->ddi, "DecryptionBlt", D3DERR_CANNOTPROTECTCONTENT, decrypt(session, film, &film->source),
            "so is one in place");
    surface_read(&film->source, read);
    is_bytes(read, film->encrypted, SIZE, "which writes nothing");
    SILENT(device->ddi, decrypt(session, film, &film->safe), "DecryptionBlt into a protected resource");
    maps(&film->safe, D3DERR_CANNOTPROTECTCONTENT, "which cannot be mapped (D19)");
    maps(&film->source, S_OK, "an unprotected one can be mapped");

    SILENT(device->ddi, device->call.GetEncryptionBltKey(device->handle, session->handle, sizeof wrapped, wrapped),
           "GetEncryptionBltKey");
    client_unwrap(session->key, wrapped, key);
    memset(iv, FILL, sizeof iv);
    REPORTS(device->ddi, "EncryptionBlt", D3DERR_CANNOTPROTECTCONTENT,
            device->call.EncryptionBlt(device->handle, session->handle, film->plain.handle, film->read_back.handle,
                                       sizeof iv, iv),
            "EncryptionBlt of an unprotected resource is refused (D19)");
    is_filled(iv, FILL, sizeof iv, "and writes no IV");
    SILENT(device->ddi,
           device->call.EncryptionBlt(device->handle, session->handle, film->safe.handle, film->read_back.handle,
                                      sizeof iv, iv),
           "EncryptionBlt of the protected one");
    surface_read(&film->read_back, read);
    ok(memcmp(read, film->clear, SIZE) != 0 && memcmp(read, film->encrypted, SIZE) != 0,
       "what is read back is encrypted anew");
    client_ctr(key, iv, NULL, read, SIZE);
    is_bytes(read, film->clear, SIZE, "and holds the clear bytes");
}

static void play(const struct stage *stage, UINT type, const char *root)
{
    struct device *device = stage->owner;
    EVP_PKEY *key = channel_certificate(device, type, root);
    if (!ok(key != NULL, "the certificate of channel type %u is verified up to the root", type)) {
        return;
    }
    struct channel channel = stage->create(stage, type);
    channel.driver_key = key;
    is_hresult(channel_negotiate(&channel), S_OK, "key exchange of the channel");
    UINT first[2];
    client_random(first, sizeof first);
    channel_initialize(&channel, first[0] >> 1, first[1] >> 1);
    struct query query = channel_query(&channel, QUERY_CHANNEL_TYPE);
    union answer answer;
    asks(&channel, &query, S_OK, &answer, "CHANNEL_TYPE");
    is_number(answer.channel_type.ChannelType, type, "is the one asked for");

    struct session session = session_keyed(device, stage->driver_key);
    struct film film = film_begin(device, &session);
    SILENT(device->ddi, decrypt(&session, &film, &film.plain), "before protection any resource will do");
    surface_fill(&film.plain, FILL);
    struct command command = command_protection(&channel, D3D11_AUTHENTICATED_PROTECTION_FLAG_PROTECTION_ENABLED);
    commands(&channel, &command, S_OK, "PROTECTION on");
    is_protection(&channel, D3D11_AUTHENTICATED_PROTECTION_FLAG_PROTECTION_ENABLED);

    HANDLE device_handle = channel_device(&channel), bound_session = session_handle(&session);
    struct decoder decoder = decoder_create(device);
    HANDLE bound_decoder = decoder_handle(&decoder);
    command = command_crypto_session(&channel, bound_decoder, bound_session, device_handle);
    commands(&channel, &command, S_OK, "CONFIGURE_CRYPTO_SESSION");
    query = query_crypto_session(&channel, bound_decoder);
    asks(&channel, &query, S_OK, &answer, "QUERY_CRYPTO_SESSION");
    ok(answer.crypto_session.DecoderHandle == bound_decoder && answer.crypto_session.DeviceHandle == device_handle &&
           answer.crypto_session.CryptoSessionHandle == bound_session,
       "the decoder uses the session on the device");

    test_enforced(&session, &film);
    struct binding binding = {&channel, bound_session, device_handle};
    test_frames(&session, &decoder, true, bind_session, &binding);
    command = command_protection(&channel, D3D11_AUTHENTICATED_PROTECTION_FLAG_OVERLAY_OR_FULLSCREEN_REQUIRED);
    commands(&channel, &command, S_OK, "overlay or full screen alone");
    maps(&film.safe, S_OK, "is no protection of memory");
    command = command_protection(&channel, 3);
    commands(&channel, &command, S_OK, "both flags");
    test_enforced(&session, &film);

    command = command_protection(&channel, 0);
    commands(&channel, &command, S_OK, "PROTECTION off");
    is_protection(&channel, 0);
    uint8_t read[SIZE];
    SILENT(device->ddi, decrypt(&session, &film, &film.plain), "then DecryptionBlt goes to any resource again");
    surface_read(&film.plain, read);
    is_bytes(read, film.clear, SIZE, "and decrypts");
    maps(&film.safe, S_OK, "and protected resources can be mapped");
    surface_read(&film.safe, read);
    is_bytes(read, film.clear, SIZE, "they hold what was decrypted");
    test_frames(&session, &decoder, false, bind_session, &binding);

    command = command_protection(&channel, 1);
    commands(&channel, &command, S_OK, "PROTECTION on once more");
    REPORTS(device->ddi, "DecryptionBlt", D3DERR_CANNOTPROTECTCONTENT, decrypt(&session, &film, &film.plain),
            "is in force");
    channel_end(&channel);
    SILENT(device->ddi, decrypt(&session, &film, &film.plain), "until the channel is destroyed");
    decoder_end(&decoder);
    film_end(&film);
    session_end(&session);
    EVP_PKEY_free(key);
}

void test_player(const struct stage *stage, const char *root)
{
    play(stage, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE, root);
    play(stage, D3D11_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE, root);
}
