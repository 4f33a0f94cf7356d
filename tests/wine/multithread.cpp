/* Threads that use one device, one of them within ID3D11Multithread::Enter and Leave, as media pipelines do: the others wait,
   and nobody waits for ever. below.dll stands below the layer. Each test is many rounds of one order; a watchdog ends the
   program when nothing goes on any more. */
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "below.h"
#include "film.h"

namespace {

constexpr DWORD patience = 20000; /* milliseconds without a round */

std::atomic<unsigned> progress;
const char *current = "";

DWORD WINAPI watch(void *)
{
    for (unsigned before = progress;; before = progress) {
        Sleep(patience);
        if (progress == before) {
            printf("not ok - %s: threads wait for each other for ever, after %u rounds\n", current, before);
            ExitProcess(1);
        }
    }
}

DWORD WINAPI call(void *body)
{
    (*static_cast<std::function<void()> *>(body))();
    return 0;
}

/* Runs two bodies on two threads until both are done. */
void on_two_threads(std::function<void()> first, std::function<void()> second)
{
    const HANDLE thread = CreateThread(nullptr, 0, call, &first, 0, nullptr);
    second();
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}

/* The device's critical section, for as long as it lives. */
struct Critical {
    ID3D11Multithread *multithread = nullptr;

    explicit Critical(const gpu &gpu)
    {
        gpu.context->QueryInterface(IID_PPV_ARGS(&multithread));
        multithread->Enter();
    }
    ~Critical()
    {
        multithread->Leave();
        multithread->Release();
    }
};

void protect(const gpu &gpu)
{
    ID3D11Multithread *multithread = nullptr;
    is_hresult(gpu.context->QueryInterface(IID_PPV_ARGS(&multithread)), S_OK, "ID3D11Multithread");
    multithread->SetMultithreadProtected(TRUE);
    multithread->Release();
}

/* Each maps resources of its own, and every one for the first time. */
void test_maps(const gpu &gpu, UINT rounds)
{
    tap_context("maps");
    current = "maps";
    std::atomic<UINT> failed{0};
    auto map_new = [&] {
        ID3D11Texture2D *buffer = gpu_buffer(&gpu, 64, STAGING, 0);
        auto *resource = reinterpret_cast<ID3D11Resource *>(buffer);
        D3D11_MAPPED_SUBRESOURCE mapped;
        failed += FAILED(gpu.context->Map(resource, 0, D3D11_MAP_WRITE, 0, &mapped));
        gpu.context->Unmap(resource, 0);
        com_release(buffer);
        progress++;
    };
    on_two_threads([&] { for (UINT i = 0; i < rounds; i++) { const Critical inside(gpu); map_new(); } },
                   [&] { for (UINT i = 0; i < rounds; i++) { map_new(); } });
    is_number(failed, 0, "%u resources were mapped on two threads", rounds * 2);
}

/* Both blit with one session, between resources of their own. */
void test_blits(const gpu &gpu, UINT rounds)
{
    tap_context("blits");
    current = "blits";
    const session session = session_begin(&gpu);
    uint8_t key[KEY_SIZE];
    is_hresult(gpu.video_context->GetEncryptionBltKey(session.object, sizeof key, key), S_OK, "GetEncryptionBltKey");
    struct Lane {
        ID3D11Texture2D *source, *target, *back;
    };
    auto lane = [&] {
        return Lane{gpu_buffer(&gpu, 4096, STAGING, 0), gpu_buffer(&gpu, 4096, TARGET, 0), gpu_buffer(&gpu, 4096, STAGING, 0)};
    };
    Lane lanes[] = {lane(), lane()};
    std::atomic<uint64_t> number{0};
    auto blit = [&](const Lane &lane) {
        uint8_t iv[IV_SIZE];
        crypto_iv(++number, 0, iv);
        session_decrypt(&session, lane.source, lane.target, nullptr, nullptr, iv);
        session_encrypt(&session, lane.target, lane.back, iv);
        progress++;
    };
    on_two_threads([&] { for (UINT i = 0; i < rounds; i++) { const Critical inside(gpu); blit(lanes[0]); } },
                   [&] { for (UINT i = 0; i < rounds; i++) { blit(lanes[1]); } });
    for (const Lane &lane : lanes) {
        com_release(lane.source);
        com_release(lane.target);
        com_release(lane.back);
    }
    com_release(session.object);
    is_number(number, rounds * 2, "blits of one session on two threads");
}

/* Another library's hook of Map makes a blit of the session that is blitting. */
std::function<void()> in_map;

void test_blit_in_map(const gpu &gpu, below_failures *below, UINT rounds)
{
    tap_context("a blit in Map");
    current = "a blit in Map";
    Film film(gpu, gpu_buffer(&gpu, 4096, STAGING, 0)), inner(gpu, gpu_buffer(&gpu, 4096, STAGING, 0));
    ID3D11Texture2D *target = gpu_buffer(&gpu, 4096, TARGET, 0), *other = gpu_buffer(&gpu, 4096, TARGET, 0);
    ID3D11Texture2D *staging = gpu_buffer(&gpu, 4096, STAGING, 0);
    UINT blits = 0;
    in_map = [&] {
        uint8_t iv[IV_SIZE];
        crypto_iv(1000000 + ++blits, 0, iv);
        session_decrypt(&film.session, inner.source, other, nullptr, nullptr, iv);
        progress++;
    };
    film.number = 2000000;
    for (UINT i = 0; i < rounds; i++) {
        std::vector<uint8_t> encrypted = film.clear;
        uint8_t iv[IV_SIZE];
        crypto_iv(++film.number, 0, iv);
        crypto_ctr(film.session.key, iv, nullptr, encrypted.data(), encrypted.size());
        gpu_write(&gpu, film.source, encrypted.data());
        below->in_map = [] { in_map(); };
        session_decrypt(&film.session, film.source, target, nullptr, nullptr, iv);
        below->in_map = nullptr;
        progress++;
    }
    gpu_holds(&gpu, target, film.clear.data(), "the outer blit did its work");
    ok(blits >= rounds, "and so did %u blits within", blits);
    com_release(staging);
    com_release(other);
    com_release(target);
}

/* The first use of a new device's video interfaces, on two threads. */
void test_first_use(UINT rounds)
{
    tap_context("first use");
    current = "first use";
    UINT left = 0;
    std::atomic<UINT> failed{0};
    for (UINT i = 0; i < rounds; i++) {
        gpu gpu = gpu_begin_plain();
        std::atomic<UINT> ready{0};
        auto meet = [&] { for (ready++; ready < 2;) { YieldProcessor(); } };
        on_two_threads([&] {
            const Critical inside(gpu);
            meet();
            failed += FAILED(gpu.device->QueryInterface(IID_PPV_ARGS(&gpu.video_device)));
        }, [&] {
            meet();
            failed += FAILED(gpu.context->QueryInterface(IID_PPV_ARGS(&gpu.video_context)));
        });
        left += gpu_end(&gpu);
        progress++;
    }
    is_number(failed, 0, "both threads of %u devices got their interface", rounds);
    is_number(left, 0, "and nothing is left of the devices");
}

} // namespace

int main(int argc, char **argv)
{
    tap_begin();
    const UINT rounds = argc > 1 ? strtoul(argv[1], nullptr, 10) : 5000;
    CloseHandle(CreateThread(nullptr, 0, watch, nullptr, 0, nullptr));
    test_first_use(rounds / 100);
    gpu gpu = gpu_begin();
    auto *below = reinterpret_cast<below_failures_function>(
        reinterpret_cast<void *>(GetProcAddress(GetModuleHandleA("below.dll"), "below_failures")))();
    protect(gpu);
    test_maps(gpu, rounds);
    test_blits(gpu, rounds / 4);
    test_blit_in_map(gpu, below, rounds / 20);
    tap_context(nullptr);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
    return tap_done();
}
