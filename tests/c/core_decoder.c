/* Decoders of the host: the encrypted buffers of their frames, compared with OpenSSL's AES-CTR. */
#include "channel.h"
#include "core_hardware.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define FILL 0xA5
#define SIZE 400
#define BITSTREAM 6
#define PICTURE_PARAMETERS 0

const softcp_guid hw_cenc = {0x89d6ac4f, 0x09f2, 0x4229, {0xb2, 0xcd, 0x37, 0x74, 0x0a, 0x6d, 0xfd, 0x81}};
static const softcp_guid cenc = {0xb0405235, 0xc13d, 0x44f2, {0x9a, 0xe5, 0xdd, 0x48, 0xe0, 0x8e, 0x5b, 0x67}};
static const softcp_guid cbcs = {0x422d9319, 0x9d21, 0x4bb7, {0x93, 0x71, 0xfa, 0xf5, 0xa8, 0x2c, 0x3e, 0x04}};
static const softcp_guid no_encrypt = {0x1b81bed0, 0xa0c7, 0x11d3, {0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5}};

softcp_decoder core_decoder(struct core *core, const softcp_guid *encryption)
{
    const struct softcp_decoder_desc desc = {.size = sizeof desc, .bitstream_encryption = *encryption};
    softcp_decoder decoder = 0;
    softcp_hresult hresult = softcp_decoder_register(core->device, &desc, &decoder);
    if (hresult != SOFTCP_S_OK || decoder == 0) {
        tap_bail_out("no decoder: 0x%08x", (unsigned)hresult);
    }
    return decoder;
}

/* Data before and after. All of the memory is exactly as large as it is said to be. */
struct sample {
    uint8_t *clear, *sent, *got, iv[IV_SIZE];
    size_t size;
    struct softcp_encrypted_block_info info;
};

/* A sample of random bytes, encrypted under a key as `pattern` says; null: all of it. */
static struct sample sample_begin(const uint8_t key[KEY_SIZE], uint64_t iv, size_t size, const struct pattern *pattern)
{
    struct sample sample = {.clear = malloc(size), .sent = malloc(size), .got = malloc(size), .size = size};
    if (sample.clear == NULL || sample.sent == NULL || sample.got == NULL) {
        tap_bail_out("no memory");
    }
    client_random(sample.clear, size);
    memcpy(sample.sent, sample.clear, size);
    memset(sample.got, FILL, size);
    client_iv(iv, 0, sample.iv);
    client_ctr(key, sample.iv, pattern, sample.sent, size);
    if (pattern != NULL) {
        sample.info = (struct softcp_encrypted_block_info){pattern->beginning, pattern->skip, pattern->encrypt};
    }
    return sample;
}

static void sample_end(struct sample *sample)
{
    free(sample->clear);
    free(sample->sent);
    free(sample->got);
}

/* The buffer of a sample: everything encrypted, from one memory to another. */
static struct softcp_decoder_buffer whole(const struct sample *sample)
{
    return (struct softcp_decoder_buffer){
        .size = sizeof(struct softcp_decoder_buffer),
        .buffer_type = BITSTREAM,
        .source = sample->sent,
        .destination = sample->got,
        .iv = sample->iv,
        .data_size = (uint32_t)sample->size,
        .iv_size = IV_SIZE,
    };
}

static softcp_hresult begin(struct core *core, softcp_decoder decoder, softcp_session session, const void *key,
                            size_t size, const softcp_guid *key_id)
{
    return softcp_decoder_begin_frame(core->device, decoder, session, (uint32_t)size, key, key_id);
}

static softcp_hresult decrypt(struct core *core, softcp_decoder decoder, const struct softcp_decoder_buffer *buffer)
{
    return softcp_decoder_decrypt_buffer(core->device, decoder, buffer);
}

static void end(struct core *core, softcp_decoder decoder)
{
    is_hresult(softcp_decoder_end_frame(core->device, decoder), SOFTCP_S_OK, "the frame ends");
}

void decoder_decrypts(struct core *core, softcp_decoder decoder, const uint8_t key[KEY_SIZE], uint64_t iv,
                      softcp_hresult expected, const char *name)
{
    struct sample sample = sample_begin(key, iv, SIZE, NULL);
    const struct softcp_decoder_buffer buffer = whole(&sample);
    is_hresult(decrypt(core, decoder, &buffer), expected, "%s", name);
    if (expected == SOFTCP_S_OK) {
        is_bytes(sample.got, sample.clear, SIZE, "%s: the clear bytes", name);
    } else {
        is_filled(sample.got, FILL, SIZE, "%s: nothing is written", name);
    }
    sample_end(&sample);
}

/* Passes if a buffer, changed from one that is all right, is refused and writes nothing. */
static void refuses(struct core *core, softcp_decoder decoder, const struct sample *sample,
                    struct softcp_decoder_buffer buffer, softcp_hresult expected, const char *name)
{
    is_hresult(decrypt(core, decoder, &buffer), expected, "%s", name);
    is_filled(sample->got, FILL, sample->size, "%s: nothing is written", name);
}

static void test_patterns(struct core *core, softcp_decoder decoder, const uint8_t key[KEY_SIZE])
{
    static const struct pattern patterns[] = {{0, 0, 0},  {16, 144, 16}, {7, 3, 5},     {3, 0, 1}, {9, 4, 0},
                                              {SIZE, 0, 0}, {5000, 1, 1},  {100, 300, 0}, {1, 1, 1}, {0, 16, 32}};
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        struct sample sample = sample_begin(key, i, SIZE, &patterns[i]);
        struct softcp_decoder_buffer buffer = whole(&sample);
        buffer.pattern = &sample.info;
        is_hresult(decrypt(core, decoder, &buffer), SOFTCP_S_OK, "pattern %zu", i);
        is_bytes(sample.got, sample.clear, SIZE, "pattern %zu: the clear bytes", i);
        buffer.destination = sample.sent;
        is_hresult(decrypt(core, decoder, &buffer), SOFTCP_S_OK, "pattern %zu, in place", i);
        is_bytes(sample.sent, sample.clear, SIZE, "pattern %zu: the clear bytes, in place", i);
        sample_end(&sample);
    }
}

/* Encrypts what subsamples say: one keystream over the encrypted bytes of all of them. */
static void encrypt_subsamples(const uint8_t key[KEY_SIZE], struct sample *sample,
                               const struct softcp_subsample *subsamples, size_t count)
{
    uint8_t gathered[SIZE];
    size_t used = 0;
    for (int pass = 0; pass < 2; pass++) {
        size_t at = 0, taken = 0;
        for (size_t i = 0; i < count; i++) {
            at += subsamples[i].clear_size;
            if (pass == 0) {
                memcpy(&gathered[used], &sample->clear[at], subsamples[i].encrypted_size);
                used += subsamples[i].encrypted_size;
            } else {
                memcpy(&sample->sent[at], &gathered[taken], subsamples[i].encrypted_size);
                taken += subsamples[i].encrypted_size;
            }
            at += subsamples[i].encrypted_size;
        }
        if (pass == 0) {
            client_ctr(key, sample->iv, NULL, gathered, used);
        }
    }
}

static void test_subsamples(struct core *core, softcp_decoder decoder, const uint8_t key[KEY_SIZE])
{
    static const struct {
        uint32_t count;
        struct softcp_subsample at[6];
    } lists[] = {
        {1, {{0, SIZE}}},
        {1, {{SIZE, 0}}},
        {2, {{5, 195}, {7, 193}}},
        {4, {{0, 0}, {1, 1}, {0, 15}, {100, 283}}},
        {6, {{3, 17}, {40, 0}, {0, 1}, {0, 2}, {0, 33}, {4, 300}}},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const struct pattern nothing = {0, 0, 0};
        struct sample sample = sample_begin(key, 100 + i, SIZE, &nothing);
        encrypt_subsamples(key, &sample, lists[i].at, lists[i].count);
        struct softcp_decoder_buffer buffer = whole(&sample);
        struct softcp_subsample *exact = malloc(lists[i].count * sizeof *exact);
        memcpy(exact, lists[i].at, lists[i].count * sizeof *exact);
        buffer.subsamples = exact;
        buffer.subsample_count = lists[i].count;
        is_hresult(decrypt(core, decoder, &buffer), SOFTCP_S_OK, "subsamples %zu", i);
        is_bytes(sample.got, sample.clear, SIZE, "subsamples %zu: the clear bytes", i);
        buffer.destination = sample.sent;
        is_hresult(decrypt(core, decoder, &buffer), SOFTCP_S_OK, "subsamples %zu, in place", i);
        is_bytes(sample.sent, sample.clear, SIZE, "subsamples %zu: the clear bytes, in place", i);
        free(exact);
        sample_end(&sample);
    }
}

/* Every wrong buffer, in a frame that has begun; none uses the frame up. */
static void test_bad_buffers(struct core *core, softcp_decoder decoder, const uint8_t key[KEY_SIZE])
{
    struct sample sample = sample_begin(key, 200, SIZE, NULL);
    const struct softcp_decoder_buffer good = whole(&sample);
    struct softcp_decoder_buffer bad;
#define REFUSES(change, name)                                                  \
    bad = good;                                                                \
    change;                                                                    \
    refuses(core, decoder, &sample, bad, SOFTCP_E_INVALIDARG, name)
    REFUSES(bad.size = 0, "size 0");
    REFUSES(bad.size = offsetof(struct softcp_decoder_buffer, stripe_encrypted_blocks) - 1,
            "a byte less than the first version of the structure");
    REFUSES(bad.buffer_type = 9, "a type past the last");
    REFUSES(bad.buffer_type = 10, "type 10");
    REFUSES(bad.buffer_type = UINT32_MAX, "the greatest type");
    REFUSES(bad.stripe_encrypted_blocks = 1, "stripes without clear blocks");
    REFUSES(bad.stripe_clear_blocks = 9, "stripes without encrypted blocks");
    REFUSES(bad.source = NULL, "a null source");
    REFUSES(bad.destination = NULL, "a null destination");
    REFUSES(bad.iv_size = 0, "an IV of 0 bytes");
    REFUSES(bad.iv_size = 8, "an IV of 8 bytes");
    REFUSES(bad.iv_size = 17, "an IV of 17 bytes");
    REFUSES(bad.source = sample.got + 1; bad.data_size = SIZE - 1, "memory that overlaps by a byte less");
    REFUSES(bad.subsample_count = 1, "null subsamples");
    REFUSES(bad.subsample_count = UINT32_MAX, "the most null subsamples");
    const struct softcp_subsample fit[] = {{100, 300}}, less[] = {{100, 299}}, more[] = {{100, 301}};
    const struct softcp_subsample wraps[] = {{UINT32_MAX, 1}, {SIZE, 0}}, far[] = {{UINT32_MAX, UINT32_MAX}};
    REFUSES(bad.subsamples = less; bad.subsample_count = 1, "subsamples of a byte too few");
    REFUSES(bad.subsamples = more; bad.subsample_count = 1, "subsamples of a byte too many");
    REFUSES(bad.subsamples = wraps; bad.subsample_count = 2, "subsamples whose sum wraps at 32 bits");
    REFUSES(bad.subsamples = far; bad.subsample_count = 1, "subsamples of the largest numbers");
    const struct softcp_encrypted_block_info info = {16, 16, 16};
    REFUSES(bad.subsamples = fit; bad.subsample_count = 1; bad.pattern = &info, "subsamples and a pattern");
    REFUSES(bad.pattern = &info; bad.stripe_encrypted_blocks = bad.stripe_clear_blocks = 1, "stripes and a pattern");
#undef REFUSES
    refuses(core, decoder + 1, &sample, good, SOFTCP_E_INVALIDARG, "a number that is none");
    is_hresult(softcp_decoder_decrypt_buffer(core->device, decoder, NULL), SOFTCP_E_INVALIDARG, "a null buffer");
    is_hresult(softcp_decoder_decrypt_buffer(NULL, decoder, &good), SOFTCP_E_INVALIDARG, "without a device");
    is_filled(sample.got, FILL, SIZE, "nothing is written");

    struct {
        struct softcp_decoder_buffer buffer;
        uint8_t beyond[32];
    } later;
    memset(&later, FILL, sizeof later);
    later.buffer = good;
    later.buffer.size = sizeof later;
    is_hresult(decrypt(core, decoder, &later.buffer), SOFTCP_S_OK, "a buffer of a later, larger version");
    is_bytes(sample.got, sample.clear, SIZE, "is decrypted");
    struct softcp_decoder_buffer clear = good;
    clear.iv = NULL;
    is_hresult(decrypt(core, decoder, &clear), SOFTCP_S_OK, "a buffer without IV");
    is_bytes(sample.got, sample.sent, SIZE, "is copied");
    struct softcp_decoder_buffer empty = good;
    empty.data_size = 0;
    is_hresult(decrypt(core, decoder, &empty), SOFTCP_S_OK, "a buffer of 0 bytes");
    sample_end(&sample);
}

/* Binds a session to a decoder over a channel, which must live as long as the binding. */
static void bind(struct channel *channel, softcp_decoder decoder, const struct core_session *session)
{
    struct command command = command_crypto_session(channel, (HANDLE)(uintptr_t)decoder,
                                                    (HANDLE)(uintptr_t)session->id, channel_device(channel));
    commands(channel, &command, S_OK, "CONFIGURE_CRYPTO_SESSION");
}

/* Frames of the session that a channel has bound: session key, wrapped key, a blob that the host opens. */
static void test_bound_session(const char *identity)
{
    struct core core;
    core_begin(&core, identity, NULL);
    struct core_session session = core_session_create(&core);
    struct channel channel = core_channel_ready(&core);
    const softcp_decoder decoder = core_decoder(&core, &no_guid);
    uint8_t content_key[KEY_SIZE], wrapped[KEY_SIZE], number[KEY_SIZE];
    client_random(content_key, sizeof content_key);
    is_hresult(begin(&core, decoder, 0, NULL, 0, NULL), SOFTCP_E_INVALIDCALL, "no session is bound");
    bind(&channel, decoder, &session);
    is_hresult(begin(&core, decoder, 0, NULL, 0, NULL), SOFTCP_E_INVALIDCALL, "the bound session has no key (D3)");
    decoder_decrypts(&core, decoder, session.key, 1, SOFTCP_E_INVALIDCALL, "no frame has begun");
    is_hresult(softcp_decoder_end_frame(core.device, decoder), SOFTCP_E_INVALIDCALL, "none to end");
    is_hresult(core_session_negotiate(&session), SOFTCP_S_OK, "key exchange");

    is_hresult(begin(&core, decoder, 0, NULL, 0, NULL), SOFTCP_S_OK, "a frame under the session key");
    is_hresult(begin(&core, decoder, 0, NULL, 0, NULL), SOFTCP_E_INVALIDCALL, "a frame in a frame");
    test_patterns(&core, decoder, session.key);
    test_subsamples(&core, decoder, session.key);
    test_bad_buffers(&core, decoder, session.key);
    decoder_decrypts(&core, decoder, session.key, 1, SOFTCP_S_OK, "the same IV again, where order is free (D10)");
    is_hresult(softcp_session_start_key_refresh(core.device, session.id, sizeof number, number), SOFTCP_S_OK, "Start");
    decoder_decrypts(&core, decoder, session.key, 2, SOFTCP_S_OK, "before Finish the old key");
    is_hresult(softcp_session_finish_key_refresh(core.device, session.id), SOFTCP_S_OK, "Finish");
    client_xor(session.key, number);
    decoder_decrypts(&core, decoder, session.key, 3, SOFTCP_S_OK, "after it the new one, in the same frame");
    end(&core, decoder);
    decoder_decrypts(&core, decoder, session.key, 1, SOFTCP_E_INVALIDCALL, "after the frame");

    client_wrap(session.key, content_key, wrapped);
    is_hresult(begin(&core, decoder, 0, wrapped, sizeof wrapped, NULL), SOFTCP_S_OK, "a frame under a wrapped key");
    is_number(core.host.unwraps, 0, "which is not the host's to unwrap");
    decoder_decrypts(&core, decoder, content_key, 4, SOFTCP_S_OK, "that key");
    softcp_session_start_key_refresh(core.device, session.id, sizeof number, number);
    softcp_session_finish_key_refresh(core.device, session.id);
    client_xor(session.key, number);
    decoder_decrypts(&core, decoder, content_key, 5, SOFTCP_S_OK, "it was opened when the frame began: still that key");
    end(&core, decoder);

    uint8_t blob[HOST_BLOB_SIZE];
    host_seal(&core.host, content_key, blob);
    is_hresult(begin(&core, decoder, 0, blob, sizeof blob, NULL), SOFTCP_S_OK, "a frame under the host's sealed key");
    is_number(core.host.unwraps, 1, "which it opens once");
    decoder_decrypts(&core, decoder, content_key, 6, SOFTCP_S_OK, "that key");
    end(&core, decoder);
    is_hresult(begin(&core, decoder, 0, blob, sizeof blob - 1, NULL), SOFTCP_E_INVALIDARG, "a blob that it refuses");
    core.host.unwrap_result = (softcp_hresult)0x8004ABCD;
    is_hresult(begin(&core, decoder, 0, blob, sizeof blob, NULL), (softcp_hresult)0x8004ABCD, "its own failure");
    core.host.unwrap_result = 0;
    is_hresult(begin(&core, decoder, 0, wrapped, 0, NULL), SOFTCP_E_INVALIDARG, "a key of 0 bytes");
    decoder_decrypts(&core, decoder, content_key, 7, SOFTCP_E_INVALIDCALL, "no frame has begun by these");

    is_hresult(begin(&core, decoder, 0, NULL, 0, NULL), SOFTCP_S_OK, "a frame");
    is_hresult(softcp_session_invalidate(core.device, session.id, SOFTCP_SESSION_STATUS_KEY_LOST), SOFTCP_S_OK,
               "the key is lost in the middle of it");
    decoder_decrypts(&core, decoder, session.key, 8, SOFTCP_E_INVALIDCALL, "its buffers are refused (D23)");
    is_hresult(core_session_negotiate(&session), SOFTCP_S_OK, "a new key exchange");
    decoder_decrypts(&core, decoder, session.key, 9, SOFTCP_S_OK, "the rest is under the new key");
    end(&core, decoder);
    client_wrap(session.key, content_key, wrapped);
    is_hresult(begin(&core, decoder, 0, wrapped, sizeof wrapped, NULL), SOFTCP_S_OK, "a frame under a wrapped key");
    softcp_session_invalidate(core.device, session.id, SOFTCP_SESSION_STATUS_KEY_LOST);
    is_hresult(core_session_negotiate(&session), SOFTCP_S_OK, "lost, and a new key exchange");
    decoder_decrypts(&core, decoder, content_key, 10, SOFTCP_E_INVALIDCALL, "the content key stays lost");
    end(&core, decoder);
    channel.route->destroy(&channel);
    is_hresult(begin(&core, decoder, 0, NULL, 0, NULL), SOFTCP_E_INVALIDCALL, "the channel and its binding are gone");
    is_hresult(softcp_decoder_unregister(core.device, decoder), SOFTCP_S_OK, "the decoder is gone");
    is_hresult(begin(&core, decoder, 0, NULL, 0, NULL), SOFTCP_E_INVALIDARG, "a frame of none");
    is_hresult(softcp_decoder_end_frame(core.device, decoder), SOFTCP_E_INVALIDARG, "ending a frame of none");
    core_end(&core);
}

/* Frames that name their session and bring a sealed key, of any size, 16 included. */
static void test_named_session(const char *identity)
{
    struct core core;
    core_begin(&core, identity, NULL);
    struct core_session session = core_session_keyed(&core);
    const softcp_decoder decoder = core_decoder(&core, &hw_cenc), by_session = core_decoder(&core, &cenc);
    uint8_t content_key[KEY_SIZE], blob[HOST_BLOB_SIZE];
    client_random(content_key, sizeof content_key);
    host_seal(&core.host, content_key, blob);
    is_hresult(begin(&core, decoder, 0, blob, sizeof blob, NULL), SOFTCP_E_INVALIDCALL,
               "a frame must name its session");
    is_hresult(begin(&core, decoder, session.id + 1, blob, sizeof blob, NULL), SOFTCP_E_INVALIDARG, "a stale session");
    is_hresult(begin(&core, decoder, session.id, blob, sizeof blob, &h264_profile), SOFTCP_S_OK, "a frame with a blob");
    decoder_decrypts(&core, decoder, content_key, 1, SOFTCP_S_OK, "the key in it");
    is_hresult(begin(&core, by_session, session.id, blob, sizeof blob, NULL), SOFTCP_S_OK,
               "a frame of another decoder at the same time");
    decoder_decrypts(&core, by_session, content_key, 1, SOFTCP_S_OK, "the same key");
    end(&core, by_session);
    is_hresult(begin(&core, by_session, session.id, NULL, 0, NULL), SOFTCP_S_OK, "a frame without a content key");
    decoder_decrypts(&core, by_session, session.key, 1, SOFTCP_S_OK, "the session key");
    end(&core, by_session);
    end(&core, decoder);
    struct core_session short_lived = core_session_keyed(&core);
    is_hresult(begin(&core, decoder, short_lived.id, blob, sizeof blob, NULL), SOFTCP_S_OK, "a frame");
    softcp_session_destroy(core.device, short_lived.id);
    decoder_decrypts(&core, decoder, content_key, 2, SOFTCP_E_INVALIDARG, "whose session is destroyed");
    end(&core, decoder);
    const unsigned unwraps = core.host.unwraps;
    is_hresult(begin(&core, decoder, session.id, NULL, sizeof blob, NULL), SOFTCP_E_INVALIDARG, "a null blob with a size");
    is_hresult(begin(&core, by_session, session.id, NULL, 16, NULL), SOFTCP_E_INVALIDARG, "a null key with a size");
    is_hresult(begin(&core, decoder, session.id, blob, KEY_SIZE, NULL), SOFTCP_E_INVALIDARG, "16 bytes are a blob too");
    is_number(core.host.unwraps, unwraps + 1, "the host was asked");
    is_hresult(softcp_decoder_register(core.device, &(struct softcp_decoder_desc){sizeof(struct softcp_decoder_desc),
                                                                                 h264_profile},
                                       &(softcp_decoder){0}),
               SOFTCP_E_UNSUPPORTEDCRYPTO, "an encryption that is none");
    core_end(&core);
}

/* A decoder that takes no encrypted buffers. */
static void test_clear_decoder(const char *identity)
{
    struct core core;
    core_begin(&core, identity, NULL);
    const softcp_decoder decoder = core_decoder(&core, &no_encrypt);
    struct sample sample = sample_begin((const uint8_t *)"0123456789abcdef", 1, SIZE, NULL);
    struct softcp_decoder_buffer buffer = whole(&sample);
    is_hresult(begin(&core, decoder, 0, NULL, 0, NULL), SOFTCP_S_OK, "a frame without encryption needs no session");
    refuses(&core, decoder, &sample, buffer, SOFTCP_E_INVALIDARG, "an encrypted buffer in it");
    buffer.iv = NULL;
    is_hresult(decrypt(&core, decoder, &buffer), SOFTCP_S_OK, "a clear buffer");
    is_bytes(sample.got, sample.sent, SIZE, "is copied");
    end(&core, decoder);
    is_hresult(begin(&core, decoder, 12345, "no key", 6, &h264_profile), SOFTCP_S_OK, "session and key are ignored");
    is_number(core.host.unwraps, 0, "the host is not asked to open it");
    end(&core, decoder);
    sample_end(&sample);
    core_end(&core);
}

static const struct scheme_case {
    const char *name;
    const softcp_guid *encryption;
    struct scheme scheme;
} schemes[] = {
    {"cenc", &cenc, {false, 0, 0}},       {"cens 1:9", &cenc, {false, 1, 9}}, {"cens 5:5", &cenc, {false, 5, 5}},
    {"cbc1", &cbcs, {true, 0, 0}},        {"cbcs 1:9", &cbcs, {true, 1, 9}},  {"cbcs 5:5", &cbcs, {true, 5, 5}},
    {"cbcs, the greatest counts", &cbcs, {true, UINT32_MAX, UINT32_MAX}},
};
#define SCHEMES (sizeof schemes / sizeof schemes[0])

/* One buffer of random bytes in a scheme. `parts` null: it is one region. */
static void decrypts_sample(struct core *core, softcp_decoder decoder, const uint8_t key[KEY_SIZE],
                            const struct scheme_case *of, const uint8_t iv[IV_SIZE], const struct part *parts,
                            size_t count, const char *name)
{
    struct sample sample = sample_begin(key, 0, SIZE, NULL);
    memcpy(sample.sent, sample.clear, SIZE);
    client_encrypt_sample(of->scheme, key, iv, parts, count, sample.sent, SIZE);
    struct softcp_decoder_buffer buffer = whole(&sample);
    memcpy(sample.iv, iv, IV_SIZE);
    struct softcp_subsample *map = malloc((count != 0 ? count : 1) * sizeof *map);
    for (size_t i = 0; i < count; i++) {
        map[i] = (struct softcp_subsample){parts[i].clear, parts[i].encrypted};
    }
    buffer.subsamples = count != 0 ? map : NULL;
    buffer.subsample_count = (uint32_t)count;
    buffer.stripe_encrypted_blocks = of->scheme.stripe_encrypted;
    buffer.stripe_clear_blocks = of->scheme.stripe_clear;
    is_hresult(decrypt(core, decoder, &buffer), SOFTCP_S_OK, "%s, %s", of->name, name);
    is_bytes(sample.got, sample.clear, SIZE, "%s, %s: the clear bytes", of->name, name);
    buffer.destination = sample.sent;
    if (of->scheme.cbc) { /* the same IV again; AES-CTR would need another one (D10, D69) */
        is_hresult(decrypt(core, decoder, &buffer), SOFTCP_S_OK, "%s, %s, in place", of->name, name);
        is_bytes(sample.sent, sample.clear, SIZE, "%s, %s: the clear bytes, in place", of->name, name);
    }
    free(map);
    sample_end(&sample);
}

/* The four schemes: regions, stripes, keys, refresh, what is refused, and callers of the structure's first version. */
static void test_schemes(const char *identity)
{
    struct core core;
    core_begin(&core, identity, "capabilities.profile=hardware-like");
    struct core_session session = core_session_keyed(&core);
    struct channel channel = core_channel_ready(&core);
    static const struct part whole_blocks[] = {{4, 160}, {0, 64}, {12, 160}};
    static const struct part odd[] = {{3, 41}, {0, 0}, {0, 23}, {9, 170}, {1, 15}, {138, 0}};
    for (size_t i = 0; i < SCHEMES; i++) {
        const struct scheme_case *of = &schemes[i];
        const softcp_decoder decoder = core_decoder(&core, of->encryption);
        uint8_t content_key[KEY_SIZE], wrapped[KEY_SIZE], number[KEY_SIZE], iv[IV_SIZE];
        client_random(content_key, sizeof content_key);
        bind(&channel, decoder, &session);
        is_hresult(begin(&core, decoder, 0, NULL, 0, NULL), SOFTCP_S_OK, "%s: a frame", of->name);
        uint64_t next = 1000 * (i + 1); /* IVs of AES-CTR increase (D10) */
        client_iv(next += 1, 0, iv);
        decrypts_sample(&core, decoder, session.key, of, iv, NULL, 0, "session key");
        end(&core, decoder);
        softcp_session_start_key_refresh(core.device, session.id, sizeof number, number);
        softcp_session_finish_key_refresh(core.device, session.id);
        client_xor(session.key, number);
        client_wrap(session.key, content_key, wrapped);
#define NEXT_IV() client_iv(of->scheme.cbc ? next : (next += 1), 0, iv)
        is_hresult(begin(&core, decoder, 0, NULL, 0, NULL), SOFTCP_S_OK, "%s: a frame after a refresh", of->name);
        for (int again = 0; again < 2; again++) {
            NEXT_IV();
            decrypts_sample(&core, decoder, session.key, of, iv, whole_blocks, 3, "the refreshed key");
        }
        end(&core, decoder);
        is_hresult(begin(&core, decoder, 0, wrapped, sizeof wrapped, NULL), SOFTCP_S_OK, "%s: a frame under a wrapped key",
                   of->name);
        NEXT_IV();
        decrypts_sample(&core, decoder, content_key, of, iv, odd, 6, "content key, odd regions");
        NEXT_IV();
        decrypts_sample(&core, decoder, content_key, of, iv, whole_blocks, 3, "content key, whole blocks");
        end(&core, decoder);
        uint8_t blob[HOST_BLOB_SIZE];
        host_seal(&core.host, content_key, blob);
        for (int named = 0; named < 2; named++) {
            is_hresult(begin(&core, decoder, named ? session.id : 0, blob, sizeof blob, NULL), SOFTCP_S_OK,
                       "%s: a frame under a sealed key", of->name);
            NEXT_IV();
            decrypts_sample(&core, decoder, content_key, of, iv, odd, 6, "sealed key");
            end(&core, decoder);
        }
#undef NEXT_IV
        is_hresult(begin(&core, decoder, 0, NULL, 0, NULL), SOFTCP_S_OK, "%s: a frame with bad buffers", of->name);
        struct sample sample = sample_begin(session.key, 1, SIZE, NULL);
        const struct softcp_decoder_buffer good = whole(&sample);
        struct softcp_decoder_buffer bad;
#define REFUSES(change, name)                                                  \
    bad = good;                                                                \
    bad.stripe_encrypted_blocks = of->scheme.stripe_encrypted;                 \
    bad.stripe_clear_blocks = of->scheme.stripe_clear;                         \
    change;                                                                    \
    refuses(&core, decoder, &sample, bad, SOFTCP_E_INVALIDARG, name)
        REFUSES(bad.iv_size = 8, "an IV of 8 bytes (D64)");
        const struct softcp_subsample less[] = {{100, 299}};
        REFUSES(bad.subsamples = less; bad.subsample_count = 1, "subsamples of a byte too few (D64)");
        REFUSES(bad.stripe_encrypted_blocks = 0; bad.stripe_clear_blocks = 9, "stripes without encrypted blocks (D64)");
        REFUSES(bad.stripe_encrypted_blocks = 1; bad.stripe_clear_blocks = 0, "stripes without clear blocks (D64)");
        const struct softcp_encrypted_block_info info = {16, 16, 24};
        REFUSES(bad.pattern = &info, "a pattern out of alignment (D7), or of another scheme than cenc (D68)");
#undef REFUSES
        sample_end(&sample);
        client_iv(next += 1, 0, iv);
        decrypts_sample(&core, decoder, session.key, &schemes[of->scheme.cbc ? 3 : 0], iv, NULL, 0, "after all that");
        end(&core, decoder);
        is_hresult(softcp_decoder_unregister(core.device, decoder), SOFTCP_S_OK, "unregister");
    }
    channel.route->destroy(&channel);
    core_end(&core);
}

/* A caller of before there were stripes: its structure ends where they begin. */
static void test_first_version(const char *identity)
{
    struct core core;
    core_begin(&core, identity, NULL);
    struct core_session session = core_session_keyed(&core);
    const size_t first = offsetof(struct softcp_decoder_buffer, stripe_encrypted_blocks);
    for (int is_cbc = 0; is_cbc < 2; is_cbc++) {
        const softcp_decoder decoder = core_decoder(&core, is_cbc ? &cbcs : &cenc);
        is_hresult(begin(&core, decoder, session.id, NULL, 0, NULL), SOFTCP_S_OK, "a frame");
        struct sample sample = sample_begin(session.key, 1, SIZE, NULL);
        memcpy(sample.sent, sample.clear, SIZE);
        client_encrypt_sample((struct scheme){is_cbc, 0, 0}, session.key, sample.iv, NULL, 0, sample.sent, SIZE);
        struct softcp_decoder_buffer buffer = whole(&sample), *old = malloc(first);
        buffer.size = (uint32_t)first;
        memcpy(old, &buffer, first);
        is_hresult(decrypt(&core, decoder, old), SOFTCP_S_OK, "a structure of the first version");
        is_bytes(sample.got, sample.clear, SIZE, "is decrypted without stripes");
        free(old);
        sample_end(&sample);
        end(&core, decoder);
    }
    core_end(&core);
}

/* Rules of profiles: alignment, order of IVs, which buffers may be encrypted, no partial decryption. */
static void test_rules(const char *identity)
{
    struct core core;
    core_begin(&core, identity, "capabilities.profile=hardware-like;capabilities.flags.encrypt_slicedata_only=true");
    struct core_session session = core_session_keyed(&core);
    const softcp_decoder decoder = core_decoder(&core, &hw_cenc);
    is_hresult(begin(&core, decoder, session.id, NULL, 0, NULL), SOFTCP_S_OK, "a frame");
    struct sample sample = sample_begin(session.key, 10, SIZE, NULL);
    struct softcp_decoder_buffer buffer = whole(&sample);
    struct softcp_encrypted_block_info info = {0, 16, 24};
    buffer.pattern = &info;
    refuses(&core, decoder, &sample, buffer, SOFTCP_E_INVALIDARG, "a run that is no multiple of 16 (D7)");
    buffer.pattern = NULL;
    buffer.buffer_type = PICTURE_PARAMETERS;
    refuses(&core, decoder, &sample, buffer, SOFTCP_E_INVALIDARG, "an encrypted buffer that is no slice data");
    buffer.iv = NULL;
    is_hresult(decrypt(&core, decoder, &buffer), SOFTCP_S_OK, "a clear one");
    is_bytes(sample.got, sample.sent, SIZE, "is copied");
    sample_end(&sample);
    decoder_decrypts(&core, decoder, session.key, 10, SOFTCP_S_OK, "an IV that refused buffers did not use up");
    decoder_decrypts(&core, decoder, session.key, 10, SOFTCP_E_INVALIDARG, "the same IV again (D10)");
    decoder_decrypts(&core, decoder, session.key, 9, SOFTCP_E_INVALIDARG, "a smaller one (D10)");
    decoder_decrypts(&core, decoder, session.key, 11, SOFTCP_S_OK, "a greater one");
    end(&core, decoder);
    is_hresult(begin(&core, decoder, session.id, NULL, 0, NULL), SOFTCP_S_OK, "the next frame");
    decoder_decrypts(&core, decoder, session.key, 11, SOFTCP_E_INVALIDARG, "goes on with the order (D10)");
    end(&core, decoder);
    core_end(&core);

    core_begin(&core, identity, "capabilities.flags.partial_decryption=false;capabilities.flags.content_key=false");
    session = core_session_keyed(&core);
    const softcp_decoder plain = core_decoder(&core, &hw_cenc);
    uint8_t blob[HOST_BLOB_SIZE];
    host_seal(&core.host, session.key, blob);
    is_hresult(begin(&core, plain, session.id, blob, sizeof blob, NULL), SOFTCP_E_NOTIMPL, "no content keys");
    is_hresult(begin(&core, plain, session.id, NULL, 0, NULL), SOFTCP_S_OK, "a frame under the session key");
    sample = sample_begin(session.key, 1, SIZE, NULL);
    buffer = whole(&sample);
    buffer.pattern = &info;
    refuses(&core, plain, &sample, buffer, SOFTCP_E_NOTIMPL, "a pattern");
    const struct softcp_subsample subsamples[] = {{0, SIZE}};
    buffer.pattern = NULL;
    buffer.subsamples = subsamples;
    buffer.subsample_count = 1;
    refuses(&core, plain, &sample, buffer, SOFTCP_E_NOTIMPL, "subsamples");
    sample_end(&sample);
    decoder_decrypts(&core, plain, session.key, 1, SOFTCP_S_OK, "a buffer as a whole");
    core_end(&core);
}

void test_core_decoders(const char *identity)
{
    test_bound_session(identity);
    test_named_session(identity);
    test_clear_decoder(identity);
    test_schemes(identity);
    test_first_version(identity);
    test_rules(identity);
}
