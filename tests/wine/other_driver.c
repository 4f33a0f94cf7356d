/* A driver that is a library of its own: `driver.c`. With the argument "missing", one that cannot be loaded: the program runs
   as if there were no layer, and the log says why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

/* Whether the log has a line with both texts. */
static bool log_says(const char *first, const char *second)
{
    char line[1024];
    bool found = false;
    FILE *log = fopen(getenv("SOFTCP_LOG_PATH"), "r");
    while (log != NULL && fgets(line, sizeof line, log) != NULL) {
        found = found || (strstr(line, first) != NULL && strstr(line, second) != NULL);
    }
    if (log != NULL) {
        fclose(log);
    }
    return found;
}

static int test_missing(void)
{
    struct gpu gpu = gpu_begin_plain();
    void *object = &gpu;
    is_hresult(ID3D11Device_QueryInterface(gpu.device, &IID_ID3D11VideoDevice, &object), E_NOINTERFACE,
               "there is no ID3D11VideoDevice");
    ok(object == NULL, "and no pointer");
    object = &gpu;
    is_hresult(ID3D11DeviceContext_QueryInterface(gpu.context, &IID_ID3D11VideoContext, &object), E_NOINTERFACE,
               "there is no ID3D11VideoContext");
    ok(object == NULL, "and no pointer");
    ok(log_says("driver cannot be used", "missing.dll"), "the log names the driver");
    ID3D11Texture2D *staging = gpu_texture(&gpu, 8, 8, STAGING, 0);
    ID3D11Texture2D *target = gpu_texture(&gpu, 8, 8, TARGET, 0);
    gpu_fill(&gpu, staging, 0x5A);
    ID3D11DeviceContext_CopyResource(gpu.context, (ID3D11Resource *)target, (ID3D11Resource *)staging);
    gpu_is_filled(&gpu, target, 0x5A, "everything else is done");
    com_release(target);
    com_release(staging);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
    return tap_done();
}

/* A resource of `size` bytes in the way of a browser's decryptor: a beginning that is encrypted, the rest clear. */
static void test_decryption(const struct gpu *gpu, struct session *session, ID3D11Texture2D *source,
                            ID3D11Texture2D *target, UINT beginning, bool wraps)
{
    const size_t size = gpu_size(source);
    uint8_t content_key[KEY_SIZE], wrapped[KEY_SIZE], iv[IV_SIZE], *clear = allocate(size), *encrypted = allocate(size);
    D3D11_ENCRYPTED_BLOCK_INFO info = {beginning, (UINT)size - beginning, 0};
    const struct pattern pattern = {beginning, (uint32_t)size - beginning, 0};
    crypto_random(clear, size);
    crypto_random(content_key, sizeof content_key);
    crypto_wrap(session->key, content_key, wrapped);
    crypto_iv(beginning + 1, 0, iv);
    memcpy(encrypted, clear, size);
    crypto_ctr(wraps ? content_key : session->key, iv, &pattern, encrypted, size);
    gpu_write(gpu, source, encrypted);
    session_decrypt(session, source, target, &info, wraps ? wrapped : NULL, iv);
    gpu_holds(gpu, target, clear, "what was decrypted");
    ok(info.NumBytesInEncryptPattern == 0, "and the structure is as it was");
    free(encrypted);
    free(clear);
}

int main(int argc, char **argv)
{
    tap_begin();
    if (argc > 1 && strcmp(argv[1], "missing") == 0) {
        return test_missing();
    }
    struct gpu gpu = gpu_begin();
    const D3D11_VIDEO_CONTENT_PROTECTION_CAPS caps = gpu_caps(&gpu, &D3D11_DECODER_PROFILE_H264_VLD_NOFGT);
    is_number(caps.ProtectedMemorySize, 12345678, "the capabilities are those of the driver");
    is_number(caps.BlockAlignmentSize, 4, "to the last of them");
    ID3D11AuthenticatedChannel *none = (ID3D11AuthenticatedChannel *)&gpu;
    ok(FAILED(ID3D11VideoDevice_CreateAuthenticatedChannel(
           gpu.video_device, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE, &none)) && none == NULL,
       "a channel, which this driver has not");

    struct session session =
        session_create(&gpu, &D3D11_DECODER_PROFILE_H264_VLD_NOFGT, &D3D11_KEY_EXCHANGE_RSAES_OAEP);
    uint8_t message[RSA_SIZE] = {0};
    crypto_random(session.key, KEY_SIZE);
    memcpy(message, session.key, KEY_SIZE);
    is_hresult(ID3D11VideoContext_NegotiateCryptoSessionKeyExchange(gpu.video_context, session.object, sizeof message,
                                                                    message), S_OK, "the driver's own key exchange");
    ID3D11Texture2D *sources[] = {gpu_buffer(&gpu, 16384, STAGING, 0), gpu_texture(&gpu, 33, 9, STAGING, 0)};
    ID3D11Texture2D *targets[] = {gpu_buffer(&gpu, 16384, TARGET, 0), gpu_texture(&gpu, 33, 9, TARGET, 0)};
    static const UINT beginnings[] = {16, 112, 1008, 1024};
    for (unsigned i = 0; i < 2 * sizeof beginnings / sizeof *beginnings; i++) {
        const unsigned shape = i % 2;
        tap_context("%s, %u bytes", shape == 0 ? "buffer" : "texture", beginnings[i / 2]);
        test_decryption(&gpu, &session, sources[shape], targets[shape], beginnings[i / 2], false);
        test_decryption(&gpu, &session, sources[shape], targets[shape], beginnings[i / 2], true);
    }
    tap_context(NULL);
    for (int i = 0; i < 2; i++) {
        com_release(targets[i]);
        com_release(sources[i]);
    }
    com_release(session.object);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
    return tap_done();
}
