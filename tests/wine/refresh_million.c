/* A million session key refreshes, mirrored by the application, without a byte of memory more. */
#include <string.h>

#include "client.h"

#define REFRESHES 1000000
#define CHECK_EVERY 100000
#define SIZE 4096

/* A blit under the key that both sides should have. */
static void check(const struct gpu *gpu, const struct session *session, ID3D11Texture2D *source,
                  ID3D11Texture2D *destination, unsigned refreshes)
{
    uint8_t clear[SIZE], encrypted[SIZE], seen[SIZE], iv[IV_SIZE];
    crypto_random(clear, sizeof clear);
    memcpy(encrypted, clear, sizeof clear);
    crypto_iv(refreshes, 0, iv);
    crypto_ctr(session->key, iv, NULL, encrypted, sizeof encrypted);
    gpu_write(gpu, source, encrypted);
    session_decrypt(session, source, destination, NULL, NULL, iv);
    gpu_read(gpu, destination, seen);
    is_bytes(seen, clear, sizeof clear, "a blit after %u refreshes", refreshes);
}

int main(void)
{
    tap_begin();
    struct gpu gpu = gpu_begin();
    struct session session = session_begin(&gpu);
    ID3D11Texture2D *source = gpu_buffer(&gpu, SIZE, STAGING, 0), *destination = gpu_buffer(&gpu, SIZE, TARGET, 0);
    check(&gpu, &session, source, destination, 0);
    size_t before = 0;
    unsigned unwritten = 0;
    for (unsigned i = 1; i <= REFRESHES; i++) {
        static const uint8_t nothing[KEY_SIZE];
        uint8_t number[KEY_SIZE] = {0};
        ID3D11VideoContext_StartSessionKeyRefresh(gpu.video_context, session.object, sizeof number, number);
        ID3D11VideoContext_FinishSessionKeyRefresh(gpu.video_context, session.object);
        crypto_xor(session.key, number);
        unwritten += memcmp(number, nothing, KEY_SIZE) == 0;
        if (i % CHECK_EVERY == 0) {
            check(&gpu, &session, source, destination, i);
            before = before != 0 ? before : heap_bytes(); /* the first blits make what stays */
        }
    }
    is_number(unwritten, 0, "every refresh has a random number");
    const size_t after = heap_bytes();
    /* Wine's own memory varies by a few KiB; a byte for each refresh would be a million. */
    ok(after < before + 65536, "the memory in use stays: %zu bytes, then %zu", before, after);
    com_release(source);
    com_release(destination);
    com_release(session.object);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
    return tap_done();
}
