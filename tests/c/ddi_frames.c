/* Encrypted frames over the table: buffers in, and the clear bytes in the output view. The reference driver decodes
   nothing, so its output holds the clear bytes of a frame's buffers one after another. */
#include "ddi_tests.h"

#include <stdlib.h>
#include <string.h>

#define FILL 0xA5
#define SIZE 300
#define BITSTREAM D3D11_1DDI_VIDEO_DECODER_BUFFER_BITSTREAM

/* A frame's data, clear and encrypted, in a resource; and what is decoded to. */
struct picture {
    uint8_t clear[SIZE], iv[IV_SIZE];
    struct surface data, output;
    D3D11_1DDI_HVIDEODECODEROUTPUTVIEW view;
};

static D3D11_1DDI_HVIDEODECODEROUTPUTVIEW view_create(struct device *device, D3D10DDI_HRESOURCE resource,
                                                      HRESULT expected, const char *name)
{
    const D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW arguments = {
        .hDrvResource = resource, .DecodeProfile = D3D11_DECODER_PROFILE_H264_VLD_NOFGT, .ArraySize = 1};
    size_t size = device->call.CalcPrivateVideoDecoderOutputViewSize(device->handle, &arguments);
    D3D11_1DDI_HVIDEODECODEROUTPUTVIEW view = {calloc(1, size)};
    is_hresult(device->call.CreateVideoDecoderOutputView(device->handle, &arguments, view,
                                                         (D3D11_1DDI_HRTVIDEODECODEROUTPUTVIEW){&view}),
               expected, "%s", name);
    return view;
}

/* Two buffers' room in the output, in rows with padding. `pattern` null: everything is encrypted. */
static struct picture picture_begin(struct device *device, const uint8_t key[KEY_SIZE], const struct pattern *pattern,
                                    uint32_t flags)
{
    struct picture picture = {
        .data = surface_create(device, shape_buffer(SIZE)),
        .output = surface_create(device, shape_with(shape_rows(SIZE / 3, 6, 128), flags)),
    };
    uint8_t sent[SIZE];
    client_random(picture.clear, SIZE);
    client_iv(3, 0, picture.iv);
    memcpy(sent, picture.clear, SIZE);
    client_ctr(key, picture.iv, pattern, sent, SIZE);
    surface_write(&picture.data, sent);
    picture.view = view_create(device, picture.output.handle, S_OK, "an output view is made");
    return picture;
}

static void picture_end(struct device *device, struct picture *picture)
{
    SILENT(device->ddi, device->call.DestroyVideoDecoderOutputView(device->handle, picture->view),
           "the view is destroyed");
    SILENT(device->ddi, device->call.DestroyVideoDecoderOutputView(device->handle, picture->view),
           "twice does nothing");
    free(picture->view.pDrvPrivate);
    surface_destroy(&picture->data);
    surface_destroy(&picture->output);
}

/* Begins a frame by the table's structure; null, or with a histogram of the last component where it has some. */
static HRESULT begin_as(const struct decoder *decoder, const struct picture *picture, const void *key, UINT size,
                        bool is_null, D3D10DDI_HRESOURCE histogram)
{
    const struct entries *call = &decoder->device->call;
    const D3D10DDI_HDEVICE device = decoder->device->handle;
    if (call->VideoDecoderBeginFrame2_4 != NULL) {
        D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME arguments = {
            .hOutputView = picture->view, .pContentKey = key, .ContentKeySize = size};
        arguments.Histograms[3].hBuffer = histogram;
        return call->VideoDecoderBeginFrame2_4(device, decoder->handle, is_null ? NULL : &arguments);
    }
    if (call->VideoDecoderBeginFrameRs4 != NULL) {
        D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0 arguments = {
            .hOutputView = picture->view, .pContentKey = key, .ContentKeySize = size};
        arguments.Histograms[3].hBuffer = histogram;
        return call->VideoDecoderBeginFrameRs4(device, decoder->handle, is_null ? NULL : &arguments);
    }
    const D3D11_1DDIARG_VIDEODECODERBEGINFRAME arguments = {
        .hOutputView = picture->view, .pContentKey = key, .ContentKeySize = size};
    return call->VideoDecoderBeginFrame(device, decoder->handle, is_null ? NULL : &arguments);
}

static HRESULT begin(const struct decoder *decoder, const struct picture *picture, const void *key, UINT size)
{
    return begin_as(decoder, picture, key, size, false, (D3D10DDI_HRESOURCE){NULL});
}

static void end(const struct decoder *decoder)
{
    struct device *device = decoder->device;
    SILENT(device->ddi, device->call.VideoDecoderEndFrame(device->handle, decoder->handle), "the frame ends");
}

static D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC whole(struct picture *picture)
{
    return (D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC){.hResource = picture->data.handle,
                                                  .BufferType = BITSTREAM,
                                                  .DataSize = SIZE,
                                                  .pIV = picture->iv,
                                                  .IVSize = IV_SIZE};
}

static HRESULT submit(const struct decoder *decoder, UINT count, const D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC *buffers)
{
    return decoder->device->call.VideoDecoderSubmitBuffers(decoder->device->handle, decoder->handle, count, buffers);
}

/* What the output holds: read when it can be, else by EncryptionBlt under the session's read-back key. */
static void output_read(struct session *session, const struct picture *picture, bool enforced, uint8_t bytes[2 * SIZE])
{
    struct device *device = session->device;
    if (!enforced) {
        surface_read(&picture->output, bytes);
        return;
    }
    uint8_t wrapped[KEY_SIZE], key[KEY_SIZE], iv[IV_SIZE] = {0};
    struct surface read_back = surface_create(device, shape_rows(SIZE / 3, 6, 0));
    SILENT(device->ddi, device->call.GetEncryptionBltKey(device->handle, session->handle, sizeof wrapped, wrapped),
           "GetEncryptionBltKey");
    client_unwrap(session->key, wrapped, key);
    SILENT(device->ddi,
           device->call.EncryptionBlt(device->handle, session->handle, picture->output.handle, read_back.handle,
                                      sizeof iv, iv),
           "the protected output is read back");
    surface_read(&read_back, bytes);
    client_ctr(key, iv, NULL, bytes, 2 * SIZE);
    surface_destroy(&read_back);
}

/* One frame of two buffers, under the session key or a content key. */
static void test_frame(struct session *session, const struct decoder *decoder, bool enforced, bool has_content_key,
                       const struct pattern *pattern)
{
    struct device *device = session->device;
    uint8_t content_key[KEY_SIZE], wrapped[KEY_SIZE], read[2 * SIZE];
    client_random(content_key, KEY_SIZE);
    client_wrap(session->key, content_key, wrapped);
    struct picture picture = picture_begin(device, has_content_key ? content_key : session->key, pattern,
                                           enforced ? SOFTCP_RESOURCE_PROTECTED : 0);
    D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC buffers[2] = {whole(&picture), whole(&picture)};
    for (int i = 0; pattern != NULL && i < 2; i++) {
        buffers[i].PartialEncryption = TRUE;
        buffers[i].EncryptedBlockInfo = (D3D11_ENCRYPTED_BLOCK_INFO){pattern->beginning, pattern->skip, pattern->encrypt};
    }
    is_hresult(begin(decoder, &picture, has_content_key ? wrapped : NULL, has_content_key ? KEY_SIZE : 0), S_OK,
               "a frame begins");
    buffers[1].IVSize = IV_SIZE - 1;
    is_hresult(submit(decoder, 2, buffers), E_INVALIDARG, "one bad buffer of two");
    buffers[1].IVSize = IV_SIZE;
    output_read(session, &picture, enforced, read);
    is_filled(read, 0, sizeof read, "writes nothing");
    is_hresult(submit(decoder, 2, buffers), S_OK, "two buffers");
    is_hresult(submit(decoder, 1, buffers), E_INVALIDARG, "a third has no room");
    end(decoder);
    output_read(session, &picture, enforced, read);
    is_bytes(read, picture.clear, SIZE, "the output holds the clear bytes of the first");
    is_bytes(read + SIZE, picture.clear, SIZE, "and of the second");
    picture_end(device, &picture);
}

/* Subsamples go through the entry that came with the driver model. */
static void test_subsamples(struct session *session, const struct decoder *decoder, bool enforced)
{
    struct device *device = session->device;
    D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK blocks[2] = {{0, 100}, {150, 50}};
    const struct pattern same = {100, 150, 50};
    uint8_t read[2 * SIZE];
    struct picture picture =
        picture_begin(device, session->key, &same, enforced ? SOFTCP_RESOURCE_PROTECTED : 0);
    D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1 buffer = {.hResource = picture.data.handle,
                                                       .BufferType = BITSTREAM,
                                                       .DataSize = SIZE,
                                                       .pIV = picture.iv,
                                                       .IVSize = IV_SIZE,
                                                       .pSubSampleMappingBlock = blocks,
                                                       .SubSampleMappingCount = 2};
    D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC striped = {.hResource = picture.data.handle,
                                                       .BufferType = BITSTREAM,
                                                       .DataSize = SIZE,
                                                       .pIV = picture.iv,
                                                       .IVSize = IV_SIZE,
                                                       .pSubSampleMappingBlock = blocks,
                                                       .SubSampleMappingCount = 2};
    is_hresult(begin(decoder, &picture, NULL, 0), S_OK, "a frame with subsamples begins");
    HRESULT hresult = S_OK;
    if (device->call.VideoDecoderSubmitBuffers2 != NULL) {
        static const struct {
            UINT encrypted, clear;
            HRESULT expected;
        } stripes[] = {{0, 9, E_INVALIDARG}, {1, 0, E_INVALIDARG}};
        for (int i = 0; i < 2; i++) {
            striped.cBlocksStripeEncrypted = stripes[i].encrypted;
            striped.cBlocksStripeClear = stripes[i].clear;
            is_hresult(device->call.VideoDecoderSubmitBuffers2(device->handle, decoder->handle, 1, &striped),
                       stripes[i].expected, "stripes of %u and %u blocks are refused", (unsigned)stripes[i].encrypted,
                       (unsigned)stripes[i].clear);
        }
        striped.cBlocksStripeEncrypted = striped.cBlocksStripeClear = 0;
        hresult = device->call.VideoDecoderSubmitBuffers2(device->handle, decoder->handle, 1, &striped);
    } else {
        hresult = device->call.VideoDecoderSubmitBuffers1(device->handle, decoder->handle, 1, &buffer);
    }
    is_hresult(hresult, S_OK, "a buffer with subsamples");
    end(decoder);
    output_read(session, &picture, enforced, read);
    is_bytes(read, picture.clear, SIZE, "the output holds the clear bytes");
    picture_end(device, &picture);
}

/* Frames of a decoder of its own for each scheme, by the entries that the table has: session key, content key, and a
   structure that names the session. The session is bound to the decoder by `bind_decoder`. */
static void test_schemes(struct session *session, bool enforced, bind_decoder *bind, void *context)
{
    static const struct {
        const char *name;
        struct scheme scheme;
    } schemes[] = {{"cenc", {false, 0, 0}}, {"cens 1:9", {false, 1, 9}}, {"cens 2:3", {false, 2, 3}},
                   {"cbc1", {true, 0, 0}},  {"cbcs 1:9", {true, 1, 9}},  {"cbcs 2:3", {true, 2, 3}}};
    static const struct part parts[] = {{5, 41}, {0, 0}, {4, 100}, {0, 131}, {19, 0}};
    enum { PARTS = sizeof parts / sizeof parts[0] };
    struct device *device = session->device;
    const bool has_stripes = device->call.VideoDecoderSubmitBuffers2 != NULL;
    const bool has_parts = has_stripes || device->call.VideoDecoderSubmitBuffers1 != NULL;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        const struct scheme scheme = schemes[i].scheme;
        if (scheme.stripe_encrypted != 0 && !has_stripes) {
            continue;
        }
        struct decoder decoder = decoder_create_of(
            device, scheme.cbc ? D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS : D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC);
        bind(context, &decoder);
        uint8_t content_key[KEY_SIZE], wrapped[KEY_SIZE], read[2 * SIZE], sent[SIZE];
        client_random(content_key, KEY_SIZE);
        client_wrap(session->key, content_key, wrapped);
        D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION named = {.hCryptoSession = session->handle};
        for (int kind = 0; kind < 3; kind++) {
            if (kind == 2 && !scheme.cbc) {
                continue; /* of AES-CTR, a structure is HW_CENC's */
            }
            const uint8_t *key = kind == 1 ? content_key : session->key;
            struct picture picture = picture_begin(device, key, NULL, enforced ? SOFTCP_RESOURCE_PROTECTED : 0);
            const struct part *map = has_parts ? parts : NULL;
            memcpy(sent, picture.clear, SIZE);
            client_encrypt_sample(scheme, key, picture.iv, map, PARTS, sent, SIZE);
            surface_write(&picture.data, sent);
            D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK blocks[PARTS];
            for (int part = 0; part < PARTS; part++) {
                blocks[part] = (D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK){parts[part].clear,
                                                                                      parts[part].encrypted};
            }
            const void *frame_key = kind == 0 ? NULL : kind == 1 ? (const void *)wrapped : (const void *)&named;
            const UINT key_size = kind == 0 ? 0 : kind == 1 ? KEY_SIZE : sizeof named;
            is_hresult(begin(&decoder, &picture, frame_key, key_size), S_OK, "%s: a frame", schemes[i].name);
            HRESULT hresult = S_OK;
            if (has_stripes) {
                D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC buffers[2] = {{.hResource = picture.data.handle,
                                                                       .BufferType = BITSTREAM,
                                                                       .DataSize = SIZE,
                                                                       .pIV = picture.iv,
                                                                       .IVSize = IV_SIZE,
                                                                       .pSubSampleMappingBlock = blocks,
                                                                       .SubSampleMappingCount = PARTS,
                                                                       .cBlocksStripeEncrypted = scheme.stripe_encrypted,
                                                                       .cBlocksStripeClear = scheme.stripe_clear}};
                buffers[1] = buffers[0];
                buffers[1].IVSize = 8;
                is_hresult(device->call.VideoDecoderSubmitBuffers2(device->handle, decoder.handle, 2, buffers),
                           E_INVALIDARG, "%s: an IV of 8 bytes (D64)", schemes[i].name);
                buffers[1] = buffers[0];
                buffers[1].SubSampleMappingCount = PARTS - 1;
                is_hresult(device->call.VideoDecoderSubmitBuffers2(device->handle, decoder.handle, 2, buffers),
                           E_INVALIDARG, "%s: a map that covers too little (D64)", schemes[i].name);
                buffers[1] = buffers[0];
                buffers[1].BufferType = 10;
                is_hresult(device->call.VideoDecoderSubmitBuffers2(device->handle, decoder.handle, 2, buffers),
                           E_INVALIDARG, "%s: a buffer of unknown type", schemes[i].name);
                output_read(session, &picture, enforced, read);
                is_filled(read, 0, sizeof read, "%s: none of them writes", schemes[i].name);
                buffers[1] = buffers[0];
                hresult = device->call.VideoDecoderSubmitBuffers2(device->handle, decoder.handle, 2, buffers);
            } else if (has_parts) {
                D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1 buffers[2] = {{.hResource = picture.data.handle,
                                                                        .BufferType = BITSTREAM,
                                                                        .DataSize = SIZE,
                                                                        .pIV = picture.iv,
                                                                        .IVSize = IV_SIZE,
                                                                        .pSubSampleMappingBlock = blocks,
                                                                        .SubSampleMappingCount = PARTS}};
                buffers[1] = buffers[0];
                hresult = device->call.VideoDecoderSubmitBuffers1(device->handle, decoder.handle, 2, buffers);
            } else {
                D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC buffers[2] = {whole(&picture), whole(&picture)};
                if (scheme.cbc) {
                    buffers[1].PartialEncryption = TRUE;
                    is_hresult(submit(&decoder, 2, buffers), E_INVALIDARG, "a byte pattern of AES-CBC (D68)");
                    buffers[1].PartialEncryption = FALSE;
                }
                hresult = submit(&decoder, 2, buffers);
            }
            is_hresult(hresult, S_OK, "%s: two buffers", schemes[i].name);
            end(&decoder);
            output_read(session, &picture, enforced, read);
            is_bytes(read, picture.clear, SIZE, "%s: the clear bytes of the first", schemes[i].name);
            is_bytes(read + SIZE, picture.clear, SIZE, "%s: and of the second, which begins with its own IV", schemes[i].name);
            picture_end(device, &picture);
        }
        const struct picture nothing = picture_begin(device, session->key, NULL, 0);
        named.BlobSize = 64;
        is_hresult(begin(&decoder, &nothing, &named, sizeof named), E_INVALIDARG, "a null blob with a size");
        struct picture rest = nothing;
        picture_end(device, &rest);
        decoder_end(&decoder);
    }
}

static void test_frame_refusals(struct session *session, const struct decoder *decoder, bool enforced)
{
    struct device *device = session->device;
    uint8_t read[2 * SIZE];
    const uint8_t short_key[5] = {0};
    struct picture picture = picture_begin(device, session->key, NULL, enforced ? SOFTCP_RESOURCE_PROTECTED : 0);
    D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC buffer = whole(&picture);
    REPORTS(device->ddi, "VideoDecoderEndFrame", D3DERR_INVALIDCALL,
            device->call.VideoDecoderEndFrame(device->handle, decoder->handle), "no frame has begun");
    is_hresult(submit(decoder, 1, &buffer), D3DERR_INVALIDCALL, "nor takes buffers");
    is_hresult(begin_as(decoder, &picture, NULL, 0, true, (D3D10DDI_HRESOURCE){NULL}), E_INVALIDARG,
               "a frame of null");
    if (device->call.VideoDecoderBeginFrame == NULL) {
        is_hresult(begin_as(decoder, &picture, NULL, 0, false, picture.data.handle), E_NOTIMPL,
                   "a frame with a histogram");
    }
    is_hresult(begin(decoder, &picture, short_key, sizeof short_key), E_INVALIDARG, "a content key of five bytes");
    const struct picture nothing = {.clear = {0}};
    is_hresult(begin(decoder, &nothing, NULL, 0), E_INVALIDARG, "a frame without an output view");
    uint64_t stale[2] = {0x5A5A5A5A, 0};
    const struct picture unknown = {.view = {stale}};
    is_hresult(begin(decoder, &unknown, NULL, 0), E_INVALIDARG, "an output view that is none");
    is_hresult(begin(decoder, &picture, NULL, 0), S_OK, "a frame");
    is_hresult(begin(decoder, &picture, NULL, 0), D3DERR_INVALIDCALL, "frames do not nest");
    is_hresult(submit(decoder, 1, NULL), E_INVALIDARG, "buffers at null");
    is_hresult(submit(decoder, 0, NULL), S_OK, "no buffers");
    buffer.DataOffset = 1;
    is_hresult(submit(decoder, 1, &buffer), E_INVALIDARG, "data past the end of its resource");
    buffer = whole(&picture);
    buffer.hResource.pDrvPrivate = NULL;
    is_hresult(submit(decoder, 1, &buffer), E_INVALIDARG, "a buffer without a resource");
    buffer = whole(&picture);
    surface_map(&picture.data);
    is_hresult(submit(decoder, 1, &buffer), E_INVALIDARG, "a buffer that is mapped");
    surface_unmap(&picture.data);
    buffer.BufferType = D3D11_1DDI_VIDEO_DECODER_BUFFER_UNKNOWN;
    is_hresult(submit(decoder, 1, &buffer), E_INVALIDARG, "a buffer of unknown type");
    buffer = whole(&picture);
    if (!enforced) {
        surface_map(&picture.output);
        is_hresult(submit(decoder, 1, &buffer), E_INVALIDARG, "an output that is mapped");
        surface_unmap(&picture.output);
    }
    end(decoder);
    output_read(session, &picture, enforced, read);
    is_filled(read, 0, sizeof read, "nothing of all that is written");
    picture_end(device, &picture);

    struct picture plain = picture_begin(device, session->key, NULL, 0);
    is_hresult(begin(decoder, &plain, NULL, 0), S_OK, "a frame with an unprotected output");
    buffer = whole(&plain);
    is_hresult(submit(decoder, 1, &buffer), enforced ? D3DERR_CANNOTPROTECTCONTENT : S_OK,
               "takes buffers unless protection is enforced (D19)");
    struct surface safe = surface_create(device, shape_with(shape_buffer(SIZE), SOFTCP_RESOURCE_PROTECTED));
    D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC copy = {
        .hResource = safe.handle, .BufferType = BITSTREAM, .DataSize = SIZE};
    is_hresult(submit(decoder, 1, &copy), enforced ? D3DERR_CANNOTPROTECTCONTENT : S_OK,
               "nor copies a clear buffer out of a protected resource to it then");
    surface_destroy(&safe);
    end(decoder);
    surface_read(&plain.output, read);
    ok((memcmp(read, plain.clear, SIZE) == 0) == !enforced, "and shows them only then");
    picture_end(device, &plain);

    struct surface samples = surface_create(device, shape_with(shape_buffer(SIZE), SOFTCP_RESOURCE_MULTISAMPLED));
    D3D11_1DDI_HVIDEODECODEROUTPUTVIEW view =
        view_create(device, samples.handle, E_INVALIDARG, "a multisampled resource has no output view");
    SILENT(device->ddi, device->call.DestroyVideoDecoderOutputView(device->handle, view), "destroying none is harmless");
    free(view.pDrvPrivate);
    surface_destroy(&samples);
}

void test_frames(struct session *session, const struct decoder *decoder, bool enforced, bind_decoder *bind, void *context)
{
    static const struct pattern pattern = {7, 20, 13};
    for (int key = 0; key < 2; key++) {
        test_frame(session, decoder, enforced, key == 1, NULL);
        test_frame(session, decoder, enforced, key == 1, &pattern);
    }
    if (session->device->call.VideoDecoderSubmitBuffers1 != NULL ||
        session->device->call.VideoDecoderSubmitBuffers2 != NULL) {
        test_subsamples(session, decoder, enforced);
    }
    test_frame_refusals(session, decoder, enforced);
    test_schemes(session, enforced, bind, context);
}
