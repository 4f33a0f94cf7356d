/* Decoders of encrypted bitstreams over `below.dll`, whose decoder takes clear ones: what is listed, every scheme by
   every method and key, what is refused, and the rules of protection. The argument "hardware" says that the driver has
   sealed keys, "without" that it has nothing that a decoder below could use, "teardown" that the first encrypted
   buffer meets one that takes content, too. */
#include <stdlib.h>
#include <string.h>

#include "below.h"
#include "client.h"

typedef D3D11_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK subsample;

/* ISO/IEC 23001-7. */
struct scheme {
    const char *name;
    const GUID *encryption;
    bool cbc;
    UINT crypt, skip; /* the stripes */
};
static const struct scheme schemes[] = {
    {"cenc", &D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC, false, 0, 0},
    {"cens", &D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC, false, 1, 9},
    {"cbc1", &D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS, true, 0, 0},
    {"cbcs", &D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS, true, 1, 9},
    {"cbcs, 5:3", &D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS, true, 5, 3},
};

enum { BYTES = 5000, WIDTH = 64, HEIGHT = 48, PICTURE = WIDTH * HEIGHT * 4, PARAMETERS = 100 };
static subsample map[] = {{20, 1000}, {7, 333}, {0, 2000}, {33, 15}, {1, 0}, {100, 1491}};
static subsample whole[] = {{0, BYTES}};

static struct below_decoder *below;
static struct below_video *video;

/* A sample, clear and encrypted, and what is said of it. */
struct sample {
    uint8_t clear[BYTES], bytes[BYTES], iv[IV_SIZE];
    subsample *map;
    UINT count, crypt, skip;
};

/* IVs of AES-CTR: each one greater than the one before. */
static void next_iv(uint8_t iv[IV_SIZE])
{
    static uint64_t number;
    crypto_iv(++number, 0, iv);
}

static void next(uint8_t counter[IV_SIZE])
{
    for (int i = IV_SIZE - 1; i >= 8 && ++counter[i] == 0; i--) {
    }
}

static void encrypt(struct sample *sample, const struct scheme *scheme, const uint8_t key[KEY_SIZE])
{
    uint8_t chain[16], stream[16];
    UINT used = 16, at = 0;
    memcpy(sample->bytes, sample->clear, BYTES);
    memcpy(chain, sample->iv, 16);
    for (UINT i = 0; i < sample->count; i++) {
        uint8_t *region = &sample->bytes[at + sample->map[i].ClearSize];
        const UINT size = sample->map[i].EncryptedSize;
        at += sample->map[i].ClearSize + size;
        if (scheme->cbc && scheme->crypt != 0) {
            memcpy(chain, sample->iv, 16);
        }
        if (!scheme->cbc && scheme->crypt == 0) {
            for (UINT byte = 0; byte < size; byte++) {
                if (used == 16) {
                    crypto_wrap(key, chain, stream);
                    next(chain);
                    used = 0;
                }
                region[byte] ^= stream[used++];
            }
            continue;
        }
        for (UINT block = 0; block < size / 16; block++) {
            if (scheme->crypt != 0 && block % (scheme->crypt + scheme->skip) >= scheme->crypt) {
                continue;
            }
            uint8_t *place = &region[16 * block];
            if (scheme->cbc) {
                crypto_xor(place, chain);
                crypto_wrap(key, place, chain);
                memcpy(place, chain, 16);
            } else {
                crypto_wrap(key, chain, stream);
                crypto_xor(place, stream);
                next(chain);
            }
        }
    }
}

static void sample_begin(struct sample *sample, const struct scheme *scheme, const uint8_t key[KEY_SIZE],
                         subsample *regions, UINT count)
{
    crypto_random(sample->clear, BYTES);
    if (scheme->cbc) {
        crypto_random(sample->iv, IV_SIZE);
    } else {
        next_iv(sample->iv);
    }
    sample->map = regions, sample->count = count, sample->crypt = scheme->crypt, sample->skip = scheme->skip;
    encrypt(sample, scheme, key);
}

/* Everything that a test decodes with. */
struct player {
    struct gpu gpu;
    ID3D11VideoContext3 *context3;
    ID3D11VideoContext1 *context1;
    struct session session;
    struct channel channel;
    HANDLE device;
    ID3D11VideoDecoder *decoder;
    ID3D11Texture2D *output;
    ID3D11VideoDecoderOutputView *view;
};

static const D3D11_VIDEO_DECODER_DESC *stream(void)
{
    static D3D11_VIDEO_DECODER_DESC desc;
    desc = (D3D11_VIDEO_DECODER_DESC){D3D11_DECODER_PROFILE_H264_VLD_NOFGT, WIDTH, HEIGHT, DXGI_FORMAT_NV12};
    return &desc;
}

/* The listed configuration with an encryption. */
static bool find(const struct player *player, const GUID *encryption, D3D11_VIDEO_DECODER_CONFIG *config)
{
    UINT count = 0;
    ID3D11VideoDevice_GetVideoDecoderConfigCount(player->gpu.video_device, stream(), &count);
    for (UINT i = 0; i < count; i++) {
        ID3D11VideoDevice_GetVideoDecoderConfig(player->gpu.video_device, stream(), i, config);
        if (IsEqualGUID(&config->guidConfigBitstreamEncryption, encryption)) {
            return true;
        }
    }
    return false;
}

static void set_decoder(struct player *player, const GUID *encryption)
{
    D3D11_VIDEO_DECODER_CONFIG config;
    com_release(player->decoder);
    player->decoder = NULL;
    ok(find(player, encryption, &config), "a configuration with the encryption is listed");
    is_hresult(ID3D11VideoDevice_CreateVideoDecoder(player->gpu.video_device, stream(), &config, &player->decoder),
               S_OK, "CreateVideoDecoder");
    if (player->decoder == NULL) {
        tap_bail_out("no decoder");
    }
    ok(IsEqualGUID(&below->config.guidConfigBitstreamEncryption, &DXVA_NoEncrypt) &&
           below->config.ConfigDecoderSpecific == config.ConfigDecoderSpecific, "below it is the clear configuration");
}

static void bind_session(struct player *player)
{
    D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT command;
    memset(&command, 0, sizeof command);
    is_hresult(ID3D11VideoDecoder_GetDriverHandle(player->decoder, &command.DecoderHandle), S_OK, "GetDriverHandle");
    ID3D11CryptoSession_GetCryptoSessionHandle(player->session.object, &command.CryptoSessionHandle);
    command.DeviceHandle = player->device;
    is_hresult(channel_configure(&player->channel, &D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION, &command,
                                 sizeof command, "CRYPTO_SESSION"), S_OK, "the session is bound to the decoder");
}

static void set_output(struct player *player, UINT misc)
{
    const D3D11_VIDEO_DECODER_OUTPUT_VIEW_DESC desc = {
        D3D11_DECODER_PROFILE_H264_VLD_NOFGT, D3D11_VDOV_DIMENSION_TEXTURE2D, {{0}}};
    com_release(player->view);
    com_release(player->output);
    player->output = gpu_texture(&player->gpu, WIDTH, HEIGHT, TARGET, misc);
    is_hresult(ID3D11VideoDevice_CreateVideoDecoderOutputView(player->gpu.video_device,
                                                              (ID3D11Resource *)player->output,
                                                              &desc, &player->view), S_OK, "CreateVideoDecoderOutputView");
}

/* Fills a buffer of the decoder; returns the place that was handed out, for looks only. */
static uint8_t *put(const struct player *player, D3D11_VIDEO_DECODER_BUFFER_TYPE type, const void *bytes, UINT offset,
                    UINT size)
{
    void *place = NULL;
    UINT room = 0;
    ID3D11VideoContext *const context = player->gpu.video_context;
    is_hresult(ID3D11VideoContext_GetDecoderBuffer(context, player->decoder, type, &room, &place), S_OK,
               "GetDecoderBuffer");
    if (place == NULL || room < offset + size) {
        tap_bail_out("a buffer of %u bytes", room);
    }
    memcpy((uint8_t *)place + offset, bytes, size);
    is_hresult(ID3D11VideoContext_ReleaseDecoderBuffer(context, player->decoder, type), S_OK, "ReleaseDecoderBuffer");
    return place;
}

static HRESULT begin(const struct player *player, UINT key_size, const void *key)
{
    return ID3D11VideoContext_DecoderBeginFrame(player->gpu.video_context, player->decoder, player->view, key_size,
                                                key);
}

static HRESULT end(const struct player *player)
{
    return ID3D11VideoContext_DecoderEndFrame(player->gpu.video_context, player->decoder);
}

static D3D11_VIDEO_DECODER_BUFFER_DESC2 desc_of(struct sample *sample)
{
    return (D3D11_VIDEO_DECODER_BUFFER_DESC2){
        .BufferType = D3D11_VIDEO_DECODER_BUFFER_BITSTREAM, .DataOffset = 64, .DataSize = BYTES, .pIV = sample->iv,
        .IVSize = IV_SIZE, .pSubSampleMappingBlock = sample->map, .SubSampleMappingCount = sample->count,
        .cBlocksStripeEncrypted = sample->crypt, .cBlocksStripeClear = sample->skip};
}

static HRESULT submit_desc(const struct player *player, const D3D11_VIDEO_DECODER_BUFFER_DESC2 *desc)
{
    return player->context3->lpVtbl->SubmitDecoderBuffers2(player->context3, player->decoder, 1, desc);
}

static HRESULT submit(const struct player *player, struct sample *sample)
{
    const D3D11_VIDEO_DECODER_BUFFER_DESC2 desc = desc_of(sample);
    put(player, D3D11_VIDEO_DECODER_BUFFER_BITSTREAM, sample->bytes, 64, BYTES);
    return submit_desc(player, &desc);
}

static void arrived(const struct sample *sample)
{
    is_number(below->bitstream_size, BYTES, "so many bytes arrive below");
    is_bytes(below->bitstream, sample->clear, BYTES, "the clear bytes arrive below");
}

/* The picture is the clear bytes, and then zeros. */
static void shows(const struct player *player, const struct sample *sample)
{
    uint8_t picture[PICTURE] = {0};
    memcpy(picture, sample->clear, BYTES);
    gpu_holds(&player->gpu, player->output, picture, "the picture is that of the clear bytes");
}

static void test_nothing_below(const struct player *player)
{
    ID3D11VideoDevice *const device = player->gpu.video_device;
    UINT count = 77;
    D3D11_VIDEO_DECODER_CONFIG config = {.guidConfigBitstreamEncryption = D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC,
                                         .ConfigBitstreamRaw = 1};
    ID3D11VideoDecoder *decoder = (ID3D11VideoDecoder *)&config;
    tap_context("no video interfaces below");
    is_hresult(ID3D11VideoDevice_GetVideoDecoderConfigCount(device, stream(), &count), E_NOTIMPL,
               "GetVideoDecoderConfigCount");
    is_number(count, 0, "no configurations");
    is_hresult(ID3D11VideoDevice_GetVideoDecoderConfig(device, stream(), 0, &config), E_NOTIMPL,
               "GetVideoDecoderConfig");
    is_hresult(ID3D11VideoDevice_CreateVideoDecoder(device, stream(), &config, &decoder), E_NOTIMPL,
               "CreateVideoDecoder");
    ok(decoder == NULL, "and no decoder");

    tap_context("no decoder below");
    video->present = TRUE;
    count = 77;
    is_hresult(ID3D11VideoDevice_GetVideoDecoderConfigCount(device, stream(), &count), S_OK,
               "GetVideoDecoderConfigCount");
    is_number(count, 0, "no configurations");
    below->present = TRUE;
}

static void test_list(const struct player *player, bool hardware)
{
    ID3D11VideoDevice *const device = player->gpu.video_device;
    const GUID *const encryptions[] = {&D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC,
                                       &D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS, &D3D11_DECODER_ENCRYPTION_HW_CENC};
    const UINT offered = hardware ? 3 : 2, clear = BELOW_CONFIGS - 1;
    UINT count = 0;
    D3D11_VIDEO_DECODER_CONFIG config, first;
    tap_context("the list");
    is_hresult(ID3D11VideoDevice_GetVideoDecoderConfigCount(device, stream(), &count), S_OK,
               "GetVideoDecoderConfigCount");
    is_number(count, clear + BELOW_RAW_CONFIGS * offered,
              "those below, and the raw ones once more for each encryption");
    for (UINT i = 0; i < clear; i++) {
        is_hresult(ID3D11VideoDevice_GetVideoDecoderConfig(device, stream(), i, &config), S_OK, "number %u", i);
        ok(IsEqualGUID(&config.guidConfigBitstreamEncryption, &DXVA_NoEncrypt) &&
               config.ConfigDecoderSpecific == 10 + i,
           "is as below");
    }
    for (UINT i = 0; i < BELOW_RAW_CONFIGS * offered; i++) {
        ID3D11VideoDevice_GetVideoDecoderConfig(device, stream(), i / offered, &first);
        is_hresult(ID3D11VideoDevice_GetVideoDecoderConfig(device, stream(), clear + i, &config), S_OK, "number %u",
                   clear + i);
        first.guidConfigBitstreamEncryption = *encryptions[i % offered];
        is_bytes(&config, &first, sizeof config, "is a clear one with an encryption");
    }
    is_hresult(ID3D11VideoDevice_GetVideoDecoderConfig(device, stream(), count, &config), E_INVALIDARG, "and no more");
    const GUID profile = stream()->Guid;
    D3D11_VIDEO_DECODER_DESC desc = *stream();
    desc.Guid.Data1 ^= 0x80000000; /* of which the driver knows no sessions */
    is_hresult(ID3D11VideoDevice_GetVideoDecoderConfigCount(device, &desc, &count), S_OK, "another profile");
    is_number(count, BELOW_CONFIGS, "is listed as below");
    desc.Guid = profile;
}

/* A driver whose decoders are of no use here. */
static void test_without(const struct player *player)
{
    UINT count = 0;
    D3D11_VIDEO_DECODER_CONFIG config = {.guidConfigBitstreamEncryption = D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC,
                                         .ConfigBitstreamRaw = 1};
    ID3D11VideoDecoder *decoder = NULL;
    tap_context("a driver that does not hand out what it decrypts");
    is_hresult(ID3D11VideoDevice_GetVideoDecoderConfigCount(player->gpu.video_device, stream(), &count), S_OK,
               "GetVideoDecoderConfigCount");
    is_number(count, BELOW_CONFIGS, "the list is that below");
    is_hresult(ID3D11VideoDevice_CreateVideoDecoder(player->gpu.video_device, stream(), &config, &decoder),
               D3DERR_UNSUPPORTEDCRYPTO, "CreateVideoDecoder");
    ok(decoder == NULL && below->decoders == 0, "no decoder");
}

static void test_creation(struct player *player)
{
    D3D11_VIDEO_DECODER_CONFIG config, got;
    D3D11_VIDEO_DECODER_DESC desc;
    ID3D11VideoDecoder *decoder = NULL;
    ID3D11Device *device = NULL;
    HANDLE handle = NULL;
    tap_context("creation");
    const UINT before = below->decoders;
    find(player, &D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS, &config);
    is_hresult(ID3D11VideoDevice_CreateVideoDecoder(player->gpu.video_device, stream(), &config, NULL), E_INVALIDARG,
               "no place");
    config.ConfigBitstreamRaw = 0;
    is_hresult(ID3D11VideoDevice_CreateVideoDecoder(player->gpu.video_device, stream(), &config, &decoder),
               E_INVALIDARG, "no bitstreams");
    config.ConfigBitstreamRaw = 1;
    desc = *stream();
    desc.Guid.Data1 ^= 0x80000000;
    is_hresult(ID3D11VideoDevice_CreateVideoDecoder(player->gpu.video_device, &desc, &config, &decoder),
               D3DERR_UNSUPPORTEDCRYPTO, "a profile that the driver has no sessions for");
    ok(decoder == NULL, "no decoder");
    is_number(below->decoders, before, "and none below");
    is_hresult(ID3D11VideoDevice_CreateVideoDecoder(player->gpu.video_device, stream(), &config, &decoder), S_OK,
               "one");
    is_hresult(ID3D11VideoDecoder_GetCreationParameters(decoder, &desc, &got), S_OK, "GetCreationParameters");
    is_bytes(&desc, stream(), sizeof desc, "the stream");
    is_bytes(&got, &config, sizeof got, "the configuration, as it was asked for");
    is_hresult(ID3D11VideoDecoder_GetDriverHandle(decoder, &handle), S_OK, "GetDriverHandle");
    ok(handle != NULL, "a handle");
    ID3D11VideoDecoder_GetDevice(decoder, &device);
    ok(device == player->gpu.device, "its device");
    com_release(device);
    is_number(com_release(decoder), 0, "nobody keeps it");
    is_number(below->decoders, before, "nor the one below");
    config.guidConfigBitstreamEncryption = D3D11_CRYPTO_TYPE_AES128_CTR;
    is_hresult(ID3D11VideoDevice_CreateVideoDecoder(player->gpu.video_device, stream(), &config, &decoder), S_OK,
               "AES-128-CTR by its older name");
    com_release(decoder);
}

/* One frame of a scheme by the newest methods, with picture parameters beside the bitstream. */
static void test_scheme(struct player *player, const struct scheme *scheme)
{
    struct sample *sample = allocate(sizeof *sample);
    uint8_t content_key[KEY_SIZE], wrapped[KEY_SIZE], parameters[PARAMETERS];
    ID3D11VideoContext3 *const context = player->context3;
    set_decoder(player, scheme->encryption);
    tap_context("%s", scheme->name);
    is_hresult(begin(player, 0, NULL), D3DERR_INVALIDCALL, "without a session no frame begins");
    bind_session(player);

    tap_context("%s, session key", scheme->name);
    sample_begin(sample, scheme, player->session.key, map, ARRAYSIZE(map));
    crypto_random(parameters, sizeof parameters);
    is_hresult(context->lpVtbl->DecoderBeginFrame1(context, player->decoder, player->view, 0, NULL, 0, NULL, NULL),
               S_OK, "DecoderBeginFrame1");
    is_hresult(begin(player, 0, NULL), D3DERR_INVALIDCALL, "no frame begins in a frame");
    put(player, D3D11_VIDEO_DECODER_BUFFER_PICTURE_PARAMETERS, parameters, 0, PARAMETERS);
    const uint8_t *place = put(player, D3D11_VIDEO_DECODER_BUFFER_BITSTREAM, sample->bytes, 64, BYTES);
    const D3D11_VIDEO_DECODER_BUFFER_DESC2 descs[] = {
        {.BufferType = D3D11_VIDEO_DECODER_BUFFER_PICTURE_PARAMETERS, .DataSize = PARAMETERS}, desc_of(sample)};
    is_hresult(context->lpVtbl->SubmitDecoderBuffers2(context, player->decoder, 2, descs), S_OK,
               "SubmitDecoderBuffers2");
    arrived(sample);
    is_bytes(&place[64], sample->bytes, BYTES, "what the program has is encrypted still");
    is_bytes(below->parameters, parameters, PARAMETERS, "the picture parameters arrive, too");
    is_hresult(submit_desc(player, &descs[1]), E_INVALIDARG, "a buffer is submitted once");
    is_hresult(end(player), S_OK, "DecoderEndFrame");
    is_hresult(end(player), D3DERR_INVALIDCALL, "which ends the frame");
    shows(player, sample);

    tap_context("%s, content key", scheme->name);
    crypto_random(content_key, KEY_SIZE);
    crypto_wrap(player->session.key, content_key, wrapped);
    sample_begin(sample, scheme, content_key, whole, 1);
    is_hresult(begin(player, KEY_SIZE, wrapped), S_OK, "DecoderBeginFrame");
    sample->count = 0; /* without a map the whole buffer is one region */
    is_hresult(submit(player, sample), S_OK, "SubmitDecoderBuffers2");
    is_hresult(end(player), S_OK, "DecoderEndFrame");
    arrived(sample);
    shows(player, sample);
    free(sample);
}

/* The older methods. */
static void test_older_methods(struct player *player)
{
    struct sample *sample = allocate(sizeof *sample);
    set_decoder(player, &D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC);
    bind_session(player);
    tap_context("SubmitDecoderBuffers1");
    sample_begin(sample, &schemes[0], player->session.key, map, ARRAYSIZE(map));
    is_hresult(begin(player, 0, NULL), S_OK, "DecoderBeginFrame");
    put(player, D3D11_VIDEO_DECODER_BUFFER_BITSTREAM, sample->bytes, 0, BYTES);
    const D3D11_VIDEO_DECODER_BUFFER_DESC1 by_map = {D3D11_VIDEO_DECODER_BUFFER_BITSTREAM, 0, BYTES, sample->iv,
                                                     IV_SIZE, map, ARRAYSIZE(map)};
    is_hresult(ID3D11VideoContext1_SubmitDecoderBuffers1(player->context1, player->decoder, 1, &by_map), S_OK, "a map");
    is_hresult(end(player), S_OK, "DecoderEndFrame");
    arrived(sample);

    tap_context("SubmitDecoderBuffers");
    sample_begin(sample, &schemes[0], player->session.key, whole, 1);
    D3D11_VIDEO_DECODER_BUFFER_DESC desc = {.BufferType = D3D11_VIDEO_DECODER_BUFFER_BITSTREAM, .DataSize = BYTES,
                                            .pIV = sample->iv, .IVSize = IV_SIZE};
    is_hresult(begin(player, 0, NULL), S_OK, "DecoderBeginFrame");
    put(player, D3D11_VIDEO_DECODER_BUFFER_BITSTREAM, sample->bytes, 0, BYTES);
    is_hresult(ID3D11VideoContext_SubmitDecoderBuffers(player->gpu.video_context, player->decoder, 1, &desc), S_OK,
               "all bytes");
    is_hresult(end(player), S_OK, "DecoderEndFrame");
    arrived(sample);

    const struct pattern pattern = {160, 32, 64};
    memcpy(sample->bytes, sample->clear, BYTES);
    next_iv(sample->iv);
    crypto_ctr(player->session.key, sample->iv, &pattern, sample->bytes, BYTES);
    desc.PartialEncryption = TRUE;
    desc.EncryptedBlockInfo = (D3D11_ENCRYPTED_BLOCK_INFO){pattern.beginning, pattern.skip, pattern.encrypt};
    is_hresult(begin(player, 0, NULL), S_OK, "DecoderBeginFrame");
    put(player, D3D11_VIDEO_DECODER_BUFFER_BITSTREAM, sample->bytes, 0, BYTES);
    is_hresult(ID3D11VideoContext_SubmitDecoderBuffers(player->gpu.video_context, player->decoder, 1, &desc), S_OK,
               "a pattern of bytes");
    is_hresult(end(player), S_OK, "DecoderEndFrame");
    arrived(sample);
    free(sample);
}

/* Two buffers in one frame, with a new session key between them. */
static void test_refresh(struct player *player)
{
    struct sample *first = allocate(sizeof *first), *second = allocate(sizeof *second);
    uint8_t number[KEY_SIZE];
    ID3D11VideoContext *const context = player->gpu.video_context;
    set_decoder(player, &D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS);
    bind_session(player);
    tap_context("session key refresh");
    sample_begin(first, &schemes[3], player->session.key, map, ARRAYSIZE(map));
    ID3D11VideoContext_StartSessionKeyRefresh(context, player->session.object, KEY_SIZE, number);
    is_hresult(begin(player, 0, NULL), S_OK, "DecoderBeginFrame");
    is_hresult(submit(player, first), S_OK, "a buffer under the old key");
    ID3D11VideoContext_FinishSessionKeyRefresh(context, player->session.object);
    crypto_xor(player->session.key, number);
    sample_begin(second, &schemes[3], player->session.key, map, ARRAYSIZE(map));
    is_hresult(submit(player, second), S_OK, "a buffer under the new key, in the same frame");
    is_hresult(end(player), S_OK, "DecoderEndFrame");
    is_number(below->bitstream_size, 2 * BYTES, "both arrive");
    is_bytes(below->bitstream, first->clear, BYTES, "the first one");
    is_bytes(&below->bitstream[BYTES], second->clear, BYTES, "the second one");
    free(first);
    free(second);
}

static void test_refusals(struct player *player)
{
    struct sample *sample = allocate(sizeof *sample);
    ID3D11VideoContext *const context = player->gpu.video_context;
    set_decoder(player, &D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS);
    bind_session(player);
    tap_context("refusals");
    sample_begin(sample, &schemes[3], player->session.key, map, ARRAYSIZE(map));
    D3D11_VIDEO_DECODER_BUFFER_DESC2 desc = desc_of(sample);
    put(player, D3D11_VIDEO_DECODER_BUFFER_BITSTREAM, sample->bytes, 64, BYTES);
    is_hresult(submit_desc(player, &desc), D3DERR_INVALIDCALL, "a buffer without a frame");
    is_hresult(begin(player, KEY_SIZE, NULL), E_INVALIDARG, "a size of no key");
    is_hresult(ID3D11VideoContext_DecoderBeginFrame(context, player->decoder, NULL, 0, NULL), E_INVALIDARG, "no view");
    below->begin = E_PENDING;
    is_hresult(begin(player, 0, NULL), E_PENDING, "a decoder below that is busy");
    below->begin = S_OK;
    is_hresult(begin(player, 0, NULL), S_OK, "and then is not");

    const UINT submits = below->submits;
    desc.IVSize = 8;
    is_hresult(submit_desc(player, &desc), E_INVALIDARG, "an IV of 8 bytes");
    desc = desc_of(sample), desc.pIV = NULL;
    is_hresult(submit_desc(player, &desc), E_INVALIDARG, "a null IV with a size");
    desc = desc_of(sample), desc.cBlocksStripeClear = 0;
    is_hresult(submit_desc(player, &desc), E_INVALIDARG, "stripes without clear blocks");
    desc = desc_of(sample), desc.cBlocksStripeEncrypted = 0;
    is_hresult(submit_desc(player, &desc), E_INVALIDARG, "stripes without encrypted blocks");
    desc = desc_of(sample), desc.SubSampleMappingCount--;
    is_hresult(submit_desc(player, &desc), E_INVALIDARG, "a map that does not cover the buffer");
    desc = desc_of(sample), desc.pSubSampleMappingBlock = NULL;
    is_hresult(submit_desc(player, &desc), E_INVALIDARG, "a null map with a count");
    desc = desc_of(sample), desc.DataOffset = BELOW_BITSTREAM_SIZE - BYTES + 1;
    is_hresult(submit_desc(player, &desc), E_INVALIDARG, "more bytes than the buffer has");
    desc = desc_of(sample), desc.BufferType = D3D11_VIDEO_DECODER_BUFFER_SLICE_CONTROL;
    is_hresult(submit_desc(player, &desc), E_INVALIDARG, "a buffer that was not got");
    const D3D11_VIDEO_DECODER_BUFFER_DESC pattern = {
        .BufferType = D3D11_VIDEO_DECODER_BUFFER_BITSTREAM, .DataOffset = 64, .DataSize = BYTES, .pIV = sample->iv,
        .IVSize = IV_SIZE, .PartialEncryption = TRUE, .EncryptedBlockInfo = {160, 32, 64}};
    is_hresult(ID3D11VideoContext_SubmitDecoderBuffers(context, player->decoder, 1, &pattern), E_INVALIDARG,
               "a pattern of bytes in another scheme than cenc");
    is_hresult(player->context3->lpVtbl->SubmitDecoderBuffers2(player->context3, player->decoder, 65, &desc),
               E_INVALIDARG, "more than 64 buffers");
    is_number(below->submits, submits, "nothing of it arrives below");
    void *place = NULL;
    UINT size = 0;
    is_hresult(ID3D11VideoContext_GetDecoderBuffer(context, player->decoder, D3D11_VIDEO_DECODER_BUFFER_BITSTREAM,
                                                   &size, &place), S_OK, "the buffer is the program's again");
    is_bytes((uint8_t *)place + 64, sample->bytes, BYTES, "with what it has written");
    desc = desc_of(sample);
    is_hresult(submit_desc(player, &desc), E_INVALIDARG, "a buffer that was not released");
    is_hresult(ID3D11VideoContext_GetDecoderBuffer(context, player->decoder, D3D11_VIDEO_DECODER_BUFFER_BITSTREAM,
                                                   &size, &place), E_INVALIDARG, "nor can it be got twice");
    is_hresult(ID3D11VideoContext_ReleaseDecoderBuffer(context, player->decoder, D3D11_VIDEO_DECODER_BUFFER_BITSTREAM),
               S_OK, "ReleaseDecoderBuffer");
    is_hresult(ID3D11VideoContext_ReleaseDecoderBuffer(context, player->decoder, D3D11_VIDEO_DECODER_BUFFER_BITSTREAM),
               E_INVALIDARG, "or released twice");
    is_hresult(submit_desc(player, &desc), S_OK, "the frame goes on");
    is_hresult(end(player), S_OK, "DecoderEndFrame");
    arrived(sample);

    tap_context("another device's context");
    struct gpu other = gpu_begin();
    is_hresult(ID3D11VideoContext_DecoderBeginFrame(other.video_context, player->decoder, player->view, 0, NULL),
               E_INVALIDARG, "DecoderBeginFrame");
    gpu_end(&other);
    free(sample);
}

/* PROTECTION by the driver's channel, or by one of type D3D11, of which the driver knows nothing. */
static void protect(struct player *player, struct channel *runtime, bool on)
{
    if (runtime == NULL) {
        channel_protection(&player->channel, on);
        return;
    }
    D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT command;
    D3D11_AUTHENTICATED_CONFIGURE_OUTPUT answer;
    memset(&command, 0, sizeof command);
    command.Parameters.ConfigureType = D3D11_AUTHENTICATED_CONFIGURE_PROTECTION;
    command.Parameters.hChannel = runtime->handle;
    command.Protections.Flags.ProtectionEnabled = on;
    is_hresult(ID3D11VideoContext_ConfigureAuthenticatedChannel(player->gpu.video_context, runtime->object,
                                                                sizeof command,
                                                                &command, &answer), S_OK, "PROTECTION %s", on ? "on" : "off");
}

/* A teardown that the first encrypted buffer meets. */
static void test_teardown(struct player *player)
{
    struct sample *sample = allocate(sizeof *sample);
    set_decoder(player, &D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS);
    bind_session(player);
    set_output(player, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT);
    tap_context("teardown");
    sample_begin(sample, &schemes[3], player->session.key, map, ARRAYSIZE(map));
    is_hresult(begin(player, 0, NULL), S_OK, "DecoderBeginFrame");
    is_hresult(submit(player, sample), D3DERR_INVALIDCALL, "a buffer whose key is lost");
    is_hresult(end(player), S_OK, "DecoderEndFrame");
    is_number(below->submits, 0, "nothing arrives below");
    is_hresult(begin(player, 0, NULL), D3DERR_INVALIDCALL, "without a key no frame begins");
    session_negotiate(&player->session);
    sample_begin(sample, &schemes[3], player->session.key, map, ARRAYSIZE(map));
    is_hresult(begin(player, 0, NULL), S_OK, "with a new key one begins");
    is_hresult(submit(player, sample), S_OK, "SubmitDecoderBuffers2");
    is_hresult(end(player), S_OK, "DecoderEndFrame");
    arrived(sample);
    shows(player, sample);
    free(sample);
}

static void test_protection(struct player *player, struct channel *runtime)
{
    struct sample *sample = allocate(sizeof *sample);
    set_decoder(player, &D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS);
    bind_session(player);
    tap_context("protection by %s", runtime == NULL ? "the driver's channel" : "a channel of the runtime");
    sample_begin(sample, &schemes[3], player->session.key, map, ARRAYSIZE(map));
    UINT begins = below->begins;
    protect(player, runtime, true);
    is_hresult(begin(player, 0, NULL), D3DERR_CANNOTPROTECTCONTENT, "is on: no frame for an output without protection");
    is_number(below->begins, begins, "begins below");
    protect(player, runtime, false);
    is_hresult(begin(player, 0, NULL), S_OK, "off: one begins");
    protect(player, runtime, true);
    const UINT submits = below->submits;
    is_hresult(submit(player, sample), D3DERR_CANNOTPROTECTCONTENT, "on again: its buffers are refused");
    is_number(below->submits, submits, "and do not arrive below");
    is_hresult(end(player), S_OK, "it can be ended");

    set_output(player, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT);
    is_hresult(begin(player, 0, NULL), S_OK, "a protected output");
    is_hresult(submit(player, sample), S_OK, "SubmitDecoderBuffers2");
    is_hresult(end(player), S_OK, "DecoderEndFrame");
    arrived(sample);
    ID3D11Texture2D *const staging = gpu_texture(&player->gpu, WIDTH, HEIGHT, STAGING, 0);
    uint8_t *picture = allocate(PICTURE), *expected = allocate(PICTURE), iv[IV_SIZE], wrapped[KEY_SIZE],
            key[KEY_SIZE];
    memset(expected, 0, PICTURE);
    gpu_fill(&player->gpu, staging, 0x11);
    ID3D11DeviceContext_CopyResource(player->gpu.context, (ID3D11Resource *)staging, (ID3D11Resource *)player->output);
    gpu_is_filled(&player->gpu, staging, 0x11, "the picture cannot be copied out");
    is_hresult(ID3D11VideoContext_GetEncryptionBltKey(player->gpu.video_context, player->session.object, KEY_SIZE,
                                                      wrapped),
               S_OK, "GetEncryptionBltKey");
    session_encrypt(&player->session, player->output, staging, iv);
    gpu_read(&player->gpu, staging, picture);
    crypto_unwrap(player->session.key, wrapped, key);
    crypto_ctr(key, iv, NULL, picture, PICTURE);
    memcpy(expected, sample->clear, BYTES);
    is_bytes(picture, expected, PICTURE, "read back encrypted it is that of the clear bytes");
    protect(player, runtime, false);
    com_release(staging);
    free(picture);
    free(expected);
    set_output(player, 0);
    free(sample);
}

/* The key of a session that the frame names. */
static void test_named_session(struct player *player, const GUID *encryption, const struct scheme *scheme)
{
    struct sample *sample = allocate(sizeof *sample);
    D3D11_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION named = {.pCryptoSession = player->session.object};
    set_decoder(player, encryption);
    tap_context("a session that the frame names, %s", scheme->name);
    sample_begin(sample, scheme, player->session.key, map, ARRAYSIZE(map));
    if (encryption == &D3D11_DECODER_ENCRYPTION_HW_CENC) {
        is_hresult(begin(player, KEY_SIZE, sample->iv), E_INVALIDARG, "a key in the place of the structure");
    }
    named.pCryptoSession = NULL;
    is_hresult(begin(player, sizeof named, &named), E_INVALIDARG, "no session");
    named.pCryptoSession = player->session.object;
    uint8_t junk[32] = {1};
    named.pBlob = junk, named.BlobSize = sizeof junk;
    ok(FAILED(begin(player, sizeof named, &named)), "a sealed key that nobody opens");
    named.pBlob = NULL, named.BlobSize = 0;
    is_hresult(begin(player, sizeof named, &named), S_OK, "the session's own key");
    is_hresult(submit(player, sample), S_OK, "SubmitDecoderBuffers2");
    is_hresult(end(player), S_OK, "DecoderEndFrame");
    arrived(sample);
    free(sample);
}

/* A decoder of clear bitstreams is the one below, by the newer methods, too, which are not there. */
static void test_clear(struct player *player)
{
    uint8_t bytes[BYTES];
    ID3D11VideoContext3 *const context = player->context3;
    set_decoder(player, &DXVA_NoEncrypt);
    tap_context("a clear decoder");
    crypto_random(bytes, BYTES);
    is_hresult(context->lpVtbl->DecoderBeginFrame1(context, player->decoder, player->view, 0, NULL, 0, NULL, NULL),
               S_OK, "DecoderBeginFrame1");
    put(player, D3D11_VIDEO_DECODER_BUFFER_BITSTREAM, bytes, 64, BYTES);
    const D3D11_VIDEO_DECODER_BUFFER_DESC2 desc = {
        .BufferType = D3D11_VIDEO_DECODER_BUFFER_BITSTREAM, .DataOffset = 64, .DataSize = BYTES};
    is_hresult(submit_desc(player, &desc), S_OK, "SubmitDecoderBuffers2");
    is_hresult(end(player), S_OK, "DecoderEndFrame");
    is_bytes(below->bitstream, bytes, BYTES, "the bytes arrive");
}

static void player_end(struct player *player)
{
    tap_context(NULL);
    com_release(player->decoder);
    com_release(player->view);
    com_release(player->output);
    com_release(player->session.object);
    com_release(player->channel.object);
    com_release(player->context1);
    com_release(player->context3);
    is_number(below->decoders, 0, "no decoder is left below");
    is_number(below->views, 0, "no view is left below");
    is_number(gpu_end(&player->gpu), 0, "nothing is left of the device");
}

int main(int argc, char **argv)
{
    const bool hardware = argc > 1 && strcmp(argv[1], "hardware") == 0;
    const GUID video_context3 = {0xa9e2faa0, 0xcb39, 0x418f, {0xa0, 0xb7, 0xd8, 0xaa, 0xd4, 0xde, 0x67, 0x2e}};
    tap_begin();
    struct player player = {.gpu = gpu_begin()};
    const HMODULE library = GetModuleHandleA("below.dll");
    below = ((below_decoder_function)(void *)GetProcAddress(library, "below_decoder"))();
    video = ((below_video_function)(void *)GetProcAddress(library, "below_video"))();
    is_hresult(ID3D11VideoContext_QueryInterface(player.gpu.video_context, &IID_ID3D11VideoContext1,
                                                 (void **)&player.context1), S_OK, "ID3D11VideoContext1");
    is_hresult(ID3D11VideoContext_QueryInterface(player.gpu.video_context, &video_context3, (void **)&player.context3),
               S_OK, "ID3D11VideoContext3");
    test_nothing_below(&player);
    if (argc > 1 && strcmp(argv[1], "without") == 0) {
        test_without(&player);
        com_release(player.context1);
        com_release(player.context3);
        gpu_end(&player.gpu);
        return tap_done();
    }
    test_list(&player, hardware);
    test_creation(&player);

    tap_context("a session and a channel");
    player.session = session_create(&player.gpu, &D3D11_DECODER_PROFILE_H264_VLD_NOFGT, &D3D11_KEY_EXCHANGE_RSAES_OAEP);
    session_certificate(&player.session);
    session_negotiate(&player.session);
    const D3D11_VIDEO_CONTENT_PROTECTION_CAPS caps = gpu_caps(&player.gpu, &D3D11_DECODER_PROFILE_H264_VLD_NOFGT);
    player.channel = channel_begin(&player.gpu, caps.Caps & D3D11_CONTENT_PROTECTION_CAPS_SOFTWARE
                                                    ? D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE
                                                    : D3D11_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE);
    player.device = channel_device(&player.channel);
    set_output(&player, 0);
    if (argc > 1 && strcmp(argv[1], "teardown") == 0) {
        test_teardown(&player);
        player_end(&player);
        return tap_done();
    }
    for (size_t i = 0; i < ARRAYSIZE(schemes); i++) {
        test_scheme(&player, &schemes[i]);
    }
    if (!hardware) {
        test_older_methods(&player);
    }
    test_refresh(&player);
    test_refusals(&player);
    test_protection(&player, NULL);
    struct channel runtime = channel_create(&player.gpu, D3D11_AUTHENTICATED_CHANNEL_D3D11);
    test_protection(&player, &runtime);
    com_release(runtime.object);
    test_named_session(&player, &D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS, &schemes[3]);
    if (hardware) {
        test_named_session(&player, &D3D11_DECODER_ENCRYPTION_HW_CENC, &schemes[0]);
    }
    is_number(below->encrypted, 0, "nothing of encryption arrives below");
    is_number(below->wrong, 0, "no call is wrong there");
    is_number(below->gets, below->releases, "every buffer is given back there");
    test_clear(&player);

    player_end(&player);
    return tap_done();
}
