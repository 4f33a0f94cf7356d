/* What the layer does itself on a context is not a program's doing, and a step of it that fails is a failure. below.dll stands
   below the layer: its CopySubresourceRegion calls CopySubresourceRegion1 of the table, or does nothing. */
#include "below.h"
#include "film.h"

namespace {

constexpr UINT width = 64, height = 48, buffer_size = 16384, rounds = 20;

below_failures *below;

void test(const gpu &gpu, bool is_buffer)
{
    tap_context(is_buffer ? "buffer" : "texture");
    auto create = [&](enum kind kind, UINT misc) {
        return is_buffer ? gpu_buffer(&gpu, buffer_size, kind, misc) : gpu_texture(&gpu, width, height, kind, misc);
    };
    Film film(gpu, create(STAGING, 0));
    ID3D11Texture2D *safe = create(TARGET, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT);
    ID3D11Texture2D *other = create(TARGET, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT);
    ID3D11Texture2D *plain = create(TARGET, 0), *staging = create(STAGING, 0);
    channel channel = channel_begin(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
    channel_protection(&channel, true);

    below->copies_by_table = TRUE;
    for (UINT round = 0; round < rounds; round++) {
        crypto_random(film.clear.data(), film.clear.size());
        const std::vector<uint8_t> first = film.clear;
        film.play(safe);
        crypto_random(film.clear.data(), film.clear.size());
        film.play(other);
        film.holds(safe, staging, first.data(), "the first frame of this round is read back, encrypted");
        film.holds(other, staging, film.clear.data(), "and the second");
    }
    gpu_fill(&gpu, plain, 0x5A);
    gpu.context->CopySubresourceRegion(plain, 0, 0, 0, 0, safe, 0, nullptr);
    gpu_is_filled(&gpu, plain, 0x5A, "a program's CopySubresourceRegion is refused all the same");
    below->copies_by_table = FALSE;

    /* A read-back over a copy that has not taken place would hand out what an earlier one left. */
    uint8_t iv[IV_SIZE];
    for (UINT round = 0; round < 3; round++) {
        crypto_random(film.clear.data(), film.clear.size());
        film.play(safe);
        gpu_fill(&gpu, staging, 0x5A);
        below->copies_nothing = TRUE;
        session_encrypt(&film.session, safe, staging, iv);
        below->copies_nothing = FALSE;
        gpu_is_filled(&gpu, staging, 0x5A, "a copy below that does nothing makes the read-back fail");
        film.holds(safe, staging, film.clear.data(), "and the next one is right");
    }

    channel_protection(&channel, false);
    com_release(channel.object);
    com_release(staging);
    com_release(plain);
    com_release(other);
    com_release(safe);
}

} // namespace

int main()
{
    tap_begin();
    gpu gpu = gpu_begin();
    below = reinterpret_cast<below_failures_function>(
        reinterpret_cast<void *>(GetProcAddress(GetModuleHandleA("below.dll"), "below_failures")))();
    test(gpu, false);
    test(gpu, true);
    tap_context(nullptr);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
    return tap_done();
}
