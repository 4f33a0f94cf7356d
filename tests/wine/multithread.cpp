/* Threads that use one device, one of them within ID3D11Multithread::Enter and Leave, as media pipelines do: the
   others wait, and nobody waits for ever. below.dll stands below the layer. Each order of calls that could end in a
   deadlock is gone through ROUNDS times (20,000 unless the variable of this name says otherwise), over plain memory
   of below.dll within the device's critical section, and some times over Wine's own memory. A watchdog ends the
   program when an order makes no progress, and names it. With an argument, only orders with this text in their name
   are gone through. */
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "below.h"
#include "film.h"

namespace {

constexpr DWORD patience = 20000; /* milliseconds without a round */
constexpr UINT size = 256;        /* bytes of a buffer */
constexpr UINT share = 100;       /* one round of so many is over Wine's memory, or with a device of Wine's */

std::atomic<UINT> progress;
std::atomic<const char *> current{"the beginning"};
below_failures *below;

DWORD WINAPI watch(void *)
{
    for (UINT before = progress;; before = progress) {
        Sleep(patience);
        if (progress == before) {
            printf("not ok - %s: threads wait for each other for ever, after %u rounds\n", current.load(), before);
            ExitProcess(1);
        }
    }
}

const char *wanted = "";

/* Goes through an order of calls, unless others are wanted. */
void go_through(const char *order, std::function<void()> test)
{
    if (std::strstr(order, wanted) == nullptr) {
        return;
    }
    tap_context("%s", order);
    current = order;
    progress = 0;
    test();
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

/* A place where two threads meet, over and over: none goes on before the other is there. */
struct Meeting {
    std::atomic<UINT> arrived{0};

    void meet()
    {
        const UINT number = arrived++;
        for (UINT spins = 0; arrived <= (number | 1); spins++) {
            spins < 100 ? YieldProcessor() : static_cast<void>(SwitchToThread());
        }
    }
};

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

/* Each thread maps resources of its own, and every one for the first time. */
void test_maps(const gpu &gpu, UINT rounds)
{
    std::atomic<UINT> failed{0};
    auto map_new = [&] {
        ID3D11Texture2D *buffer = gpu_buffer(&gpu, size, STAGING, 0);
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

/* Both threads blit with one session, between resources of their own. */
void test_blits(const gpu &gpu, UINT rounds)
{
    const session session = session_begin(&gpu);
    uint8_t wrapped[KEY_SIZE], key[KEY_SIZE];
    is_hresult(gpu.video_context->GetEncryptionBltKey(session.object, sizeof wrapped, wrapped), S_OK, "GetEncryptionBltKey");
    crypto_unwrap(session.key, wrapped, key);
    struct Lane {
        ID3D11Texture2D *source, *target, *back;
        uint8_t clear[size], encrypted[size], iv[IV_SIZE];
        UINT wrong;
    };
    auto lane = [&](uint64_t number) {
        Lane lane = {gpu_buffer(&gpu, size, STAGING, 0), gpu_buffer(&gpu, size, TARGET, 0), gpu_buffer(&gpu, size, STAGING, 0),
                     {}, {}, {}, 0};
        crypto_random(lane.clear, size);
        std::memcpy(lane.encrypted, lane.clear, size);
        crypto_iv(number, 0, lane.iv);
        crypto_ctr(session.key, lane.iv, nullptr, lane.encrypted, size);
        gpu_write(&gpu, lane.source, lane.encrypted);
        return lane;
    };
    Lane lanes[] = {lane(1), lane(2)};
    auto blit = [&](Lane &lane) {
        uint8_t iv[IV_SIZE], seen[size];
        session_decrypt(&session, lane.source, lane.target, nullptr, nullptr, lane.iv);
        session_encrypt(&session, lane.target, lane.back, iv);
        gpu_read(&gpu, lane.back, seen);
        crypto_ctr(key, iv, nullptr, seen, size);
        lane.wrong += std::memcmp(seen, lane.clear, size) != 0;
        progress++;
    };
    on_two_threads([&] { for (UINT i = 0; i < rounds; i++) { const Critical inside(gpu); blit(lanes[0]); } },
                   [&] { for (UINT i = 0; i < rounds; i++) { blit(lanes[1]); } });
    for (const Lane &lane : lanes) {
        is_number(lane.wrong, 0, "a frame there and back by a session that two threads use, %u times", rounds);
        com_release(lane.source);
        com_release(lane.target);
        com_release(lane.back);
    }
    com_release(session.object);
}

/* Another library's hook of Map makes a blit of the session that is blitting. */
std::function<void()> in_map;

void test_blit_in_map(const gpu &gpu, UINT rounds)
{
    Film film(gpu, gpu_buffer(&gpu, size, STAGING, 0)), inner(gpu, gpu_buffer(&gpu, size, STAGING, 0));
    ID3D11Texture2D *target = gpu_buffer(&gpu, size, TARGET, 0), *other = gpu_buffer(&gpu, size, TARGET, 0);
    std::vector<uint8_t> encrypted = film.clear;
    uint8_t iv[IV_SIZE];
    UINT blits = 0;
    crypto_iv(1, 0, iv);
    crypto_ctr(film.session.key, iv, nullptr, encrypted.data(), encrypted.size());
    gpu_write(&gpu, film.source, encrypted.data());
    gpu_write(&gpu, inner.source, encrypted.data());
    in_map = [&] {
        blits++;
        session_decrypt(&film.session, inner.source, other, nullptr, nullptr, iv);
    };
    below->in_map = [] { in_map(); };
    for (UINT i = 0; i < rounds; i++) {
        session_decrypt(&film.session, film.source, target, nullptr, nullptr, iv);
        progress++;
    }
    below->in_map = nullptr;
    gpu_holds(&gpu, target, film.clear.data(), "the outer blits did their work");
    gpu_holds(&gpu, other, film.clear.data(), "and so did the inner ones");
    ok(blits >= rounds, "%u of them within %u", blits, rounds);
    com_release(other);
    com_release(target);
}

/* The first use of a device's video interfaces, on two threads: of one device that is new to the layer again and
   again. */
void test_first_use(const gpu &gpu, UINT rounds)
{
    Meeting meeting;
    struct gpu again = {};
    UINT failed[2] = {}, round = 0;
    std::atomic<UINT> others{0};
    auto all = [&](UINT thread, std::function<void()> use) {
        for (UINT i = 0; i < rounds; i++) {
            if (thread == 0) {
                again = gpu_begin_plain();
            }
            meeting.meet();
            use();
            meeting.meet();
            if (thread == 0) {
                gpu_end(&again);
                progress++;
            }
        }
    };
    below->one_device = gpu.device;
    on_two_threads([&] { all(0, [&] {
        /* Each time a little later: the other thread is on its way, and at every place of it. */
        while (others <= round) {
            YieldProcessor();
        }
        for (UINT spins = round++ % 512 * 16; spins > 0; spins--) {
            YieldProcessor();
        }
        const Critical inside(again);
        failed[0] += FAILED(again.device->QueryInterface(IID_PPV_ARGS(&again.video_device)));
    }); }, [&] { all(1, [&] {
        others++;
        failed[1] += FAILED(again.context->QueryInterface(IID_PPV_ARGS(&again.video_context)));
    }); });
    below->one_device = nullptr;
    is_number(failed[0] + failed[1], 0, "both threads got their interface, %u times", rounds);
}

/* The same with devices that are really new. */
void test_first_use_of_devices(UINT rounds)
{
    UINT left = 0;
    std::atomic<UINT> failed{0};
    for (UINT i = 0; i < rounds; i++) {
        Meeting meeting;
        gpu gpu = gpu_begin_plain();
        on_two_threads([&] {
            const Critical inside(gpu);
            meeting.meet();
            failed += FAILED(gpu.device->QueryInterface(IID_PPV_ARGS(&gpu.video_device)));
        }, [&] {
            meeting.meet();
            failed += FAILED(gpu.context->QueryInterface(IID_PPV_ARGS(&gpu.video_context)));
        });
        left += gpu_end(&gpu);
        progress++;
    }
    is_number(failed, 0, "both threads of %u devices got their interface", rounds);
    is_number(left, 0, "and nothing is left of the devices");
}

/* How often an order is gone through. */
UINT rounds_wanted()
{
    const char *text = std::getenv("ROUNDS");
    const UINT rounds = text != nullptr ? std::strtoul(text, nullptr, 10) : 20000;
    return rounds != 0 ? rounds : 1;
}

} // namespace

int main(int argc, char **argv)
{
    tap_begin();
    const UINT rounds = rounds_wanted(), few = (rounds + share - 1) / share;
    wanted = argc > 1 ? argv[1] : "";
    CloseHandle(CreateThread(nullptr, 0, watch, nullptr, 0, nullptr));
    go_through("the first use of new devices, within and without Enter", [&] { test_first_use_of_devices((few + 9) / 10); });
    gpu gpu = gpu_begin();
    below = reinterpret_cast<below_failures_function>(
        reinterpret_cast<void *>(GetProcAddress(GetModuleHandleA("below.dll"), "below_failures")))();
    protect(gpu);

    below->plain_memory = TRUE;
    go_through("first maps, within and without Enter", [&] { test_maps(gpu, rounds); });
    go_through("blits of one session, within and without Enter", [&] { test_blits(gpu, rounds); });
    go_through("a blit of the session that is blitting, in a hook of Map", [&] { test_blit_in_map(gpu, rounds); });
    below->plain_memory = FALSE;

    go_through("first maps over Wine's memory", [&] { test_maps(gpu, few); });
    go_through("blits of one session over Wine's memory", [&] { test_blits(gpu, few); });
    go_through("a blit in a hook of Map over Wine's memory", [&] { test_blit_in_map(gpu, few); });

    com_release(gpu.video_context); /* which end with what the layer has of the device */
    com_release(gpu.video_device);
    gpu.video_context = nullptr;
    gpu.video_device = nullptr;
    go_through("the first use of a device, within and without Enter", [&] { test_first_use(gpu, rounds); });
    tap_context(nullptr);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
    return tap_done();
}
