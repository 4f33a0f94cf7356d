/* selftest.exe: what the drop-in d3d11.dll does on this machine, in one command, for those who have no such machine.

       selftest.exe [--json FILE] [--system]

   With WARP and with each hardware adapter: a device, the tables of its interfaces, ID3D11Multithread::Enter, the
   playback sequence with its blits and refreshes read back, enforcement of protection, and the teardown. The result
   is text, and JSON in one file that can be sent back: versions, file names and results, no paths and no names of
   users.

   Each step runs on a thread of its own. One that hangs is named after a minute, and the next adapter is tried; a
   crash is named, too; what had been found is written in both cases, and before each step. Exit code: 0 all passed, 1 something failed, 2
   the command line or the system's Direct3D cannot be used, 3 a step hung or crashed. */
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

#include "../../tests/wine/film.h"
#include "report.h"
#include "system.h"

#ifndef SELFTEST_VERSION
#define SELFTEST_VERSION "unknown"
#endif

namespace {

constexpr UINT width = 60, height = 17, buffer_size = 4096; /* rows are padded wherever they can be */

const char *json_file = "softcp-selftest.json";
DWORD patience = 60000; /* milliseconds for a step */
bool hangs, crashes, ends; /* for tests of this program itself */
LONG is_ending;

/* Ends the process without asking anybody: a thread may hang with the loader's lock. */
[[noreturn]] void end(UINT code)
{
    fflush(stdout);
    TerminateProcess(GetCurrentProcess(), code);
    for (;;) {
        Sleep(INFINITE);
    }
}

/* What is being tested: an adapter with its device. */
struct Test {
    adapter &record;
    IDXGIAdapter1 *dxgi; /* null: WARP */
    struct gpu gpu = {};
    bool has_video = false;
    bool is_lost = false; /* a step has hung: nothing of the device can be trusted, and nothing is released */
};

step *running; /* the step that a crash happens in */

struct Body {
    std::function<void()> run;
    step *to;
};

DWORD WINAPI call(void *argument)
{
    auto *body = static_cast<Body *>(argument);
    report_step(body->to);
    body->run();
    report_step(nullptr);
    return 0;
}

/* Runs a step on a thread of its own, for as long as there is patience. Returns whether it has come to its end. */
bool run(step &to, const char *name, std::function<void()> body)
{
    to.name = name;
    to.outcome = RUNNING;
    running = &to;
    /* What ends the process without asking anybody leaves this behind. */
    report_write_json(json_file);
    const DWORD start = GetTickCount();
    auto *argument = new Body{std::move(body), &to}; /* never freed: the step may outlive it */
    const HANDLE thread = CreateThread(nullptr, 0, call, argument, 0, nullptr);
    const bool ended = WaitForSingleObject(thread, patience) == WAIT_OBJECT_0;
    to.is_over = true;
    to.milliseconds = GetTickCount() - start;
    CloseHandle(thread);
    if (!ended) {
        to.outcome = HUNG;
    } else if (to.failures != 0) {
        to.outcome = FAILED;
    } else if (to.outcome == RUNNING) {
        to.outcome = PASSED;
    }
    running = nullptr;
    report_print_step(&to);
    return ended;
}

void step_of(Test &test, const char *name, std::function<void()> body)
{
    if (test.record.step_count == MOST_STEPS) {
        return;
    }
    step &to = test.record.steps[test.record.step_count++];
    if (test.is_lost || (test.gpu.device == nullptr && std::strcmp(name, "device") != 0)) {
        to.name = name;
        to.outcome = SKIPPED;
        std::snprintf(to.note[to.note_count++], TEXT_SIZE, "%s",
                      test.is_lost ? "a step before it hung" : "there is no device");
        report_print_step(&to);
        return;
    }
    test.is_lost = !run(to, name, std::move(body));
}

/* Ends the running step as one that cannot be done here. */
void skip(const char *reason)
{
    tap_note("%s", reason);
    running->outcome = SKIPPED;
}

/* Tables of functions. */

bool read(const void *from, void *to, size_t bytes)
{
    SIZE_T done = 0;
    return ReadProcessMemory(GetCurrentProcess(), from, to, bytes, &done) && done == bytes;
}

bool is_code(const void *address)
{
    MEMORY_BASIC_INFORMATION memory;
    constexpr DWORD executable = PAGE_EXECUTE | PAGE_EXECUTE_READ | PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY;
    return VirtualQuery(address, &memory, sizeof memory) == sizeof memory && memory.State == MEM_COMMIT &&
           (memory.Protect & executable) != 0;
}

const char *memory_kind(const void *address)
{
    MEMORY_BASIC_INFORMATION memory;
    if (VirtualQuery(address, &memory, sizeof memory) != sizeof memory) {
        return "other";
    }
    return memory.Type == MEM_IMAGE ? "module" : memory.Type == MEM_PRIVATE ? "heap" : "other";
}

void note_code(table &to, const void *code)
{
    const module where = system_module_of(code);
    to.code_elsewhere = to.code_elsewhere || where.file[0] == '\0';
    for (unsigned i = 0; i < to.code_count; i++) {
        if (std::strcmp(to.code[i], where.file) == 0) {
            return;
        }
    }
    if (where.file[0] != '\0' && to.code_count < sizeof to.code / sizeof *to.code) {
        std::strcpy(to.code[to.code_count++], where.file);
    }
}

/* Looks at an interface's table. `twin` is the same interface of a second object, or null. */
void look_at_table(Test &test, const char *name, IUnknown *object, IUnknown *twin)
{
    if (object == nullptr || test.record.table_count == MOST_TABLES) {
        return;
    }
    table &to = test.record.tables[test.record.table_count];
    to.interface_name = name;
    to.address = *reinterpret_cast<void ***>(object);
    to.memory = memory_kind(to.address);
    to.module = system_module_of(to.address);
    to.is_shared = twin != nullptr && *reinterpret_cast<void ***>(twin) == to.address;
    while (to.entries < MOST_ENTRIES && read(&to.address[to.entries], &to.before[to.entries], sizeof(void *)) &&
           is_code(to.before[to.entries])) {
        const void *code = to.before[to.entries];
        read(code, &to.code_before[to.entries], sizeof to.code_before[0]);
        note_code(to, code);
        to.entries++;
    }
    test.record.table_count++;
    ok(to.entries >= 3, "%s has a table", name);
}

/* Compares the tables with what they were. */
void compare_tables(adapter &record)
{
    for (unsigned i = 0; i < record.table_count; i++) {
        table &to = record.tables[i];
        for (unsigned entry = 0; entry < to.entries; entry++) {
            void *now = nullptr;
            uint64_t code = 0;
            if (read(&to.address[entry], &now, sizeof now) && now != to.before[entry]) {
                to.was_rewritten[entry] = true;
            }
            if (read(to.before[entry], &code, sizeof code) && code != to.code_before[entry]) {
                to.was_hooked[entry] = true;
            }
        }
    }
}

/* Compares them all the time while something else goes on: an entry may be written and written back. */
struct Watch {
    adapter &record;
    std::atomic<bool> goes_on{true};
    HANDLE thread;

    explicit Watch(adapter &record_) : record(record_), thread(CreateThread(nullptr, 0, watch, this, 0, nullptr)) {}
    ~Watch()
    {
        goes_on = false;
        WaitForSingleObject(thread, INFINITE);
        CloseHandle(thread);
    }
    static DWORD WINAPI watch(void *argument)
    {
        auto *watch = static_cast<Watch *>(argument);
        while (watch->goes_on) {
            compare_tables(watch->record);
            Sleep(1);
        }
        return 0;
    }
};

IUnknown *query(IUnknown *object, REFIID iid)
{
    void *found = nullptr;
    return object != nullptr && SUCCEEDED(object->QueryInterface(iid, &found)) ? static_cast<IUnknown *>(found) : nullptr;
}

HRESULT create(const Test &test, gpu *gpu)
{
    static const D3D_FEATURE_LEVEL levels[] = {D3D_FEATURE_LEVEL_11_1, D3D_FEATURE_LEVEL_11_0, D3D_FEATURE_LEVEL_10_1,
                                               D3D_FEATURE_LEVEL_10_0};
    const D3D_DRIVER_TYPE type = test.dxgi != nullptr ? D3D_DRIVER_TYPE_UNKNOWN : D3D_DRIVER_TYPE_WARP;
    *gpu = {};
    HRESULT result = E_FAIL;
    /* Where 11_1 is not known, it must not be asked for. */
    for (UINT first = 0; first < 2 && FAILED(result); first++) {
        result = D3D11CreateDevice(test.dxgi, type, nullptr, 0, &levels[first], ARRAYSIZE(levels) - first, D3D11_SDK_VERSION,
                                   &gpu->device, nullptr, &gpu->context);
    }
    return result;
}

void describe_adapter(Test &test)
{
    IDXGIDevice *device = nullptr;
    IDXGIAdapter *adapter = nullptr;
    if (FAILED(test.gpu.device->QueryInterface(IID_PPV_ARGS(&device)))) {
        return;
    }
    DXGI_ADAPTER_DESC desc = {};
    LARGE_INTEGER version = {};
    if (SUCCEEDED(device->GetAdapter(&adapter)) && SUCCEEDED(adapter->GetDesc(&desc))) {
        WideCharToMultiByte(CP_UTF8, 0, desc.Description, -1, test.record.description, sizeof test.record.description - 1,
                            nullptr, nullptr);
        test.record.vendor = desc.VendorId;
        test.record.device = desc.DeviceId;
        test.record.subsystem = desc.SubSysId;
        test.record.revision = desc.Revision;
        if (SUCCEEDED(adapter->CheckInterfaceSupport(__uuidof(IDXGIDevice), &version))) {
            std::snprintf(test.record.driver_version, sizeof test.record.driver_version, "%u.%u.%u.%u",
                          HIWORD(version.HighPart), LOWORD(version.HighPart), HIWORD(version.LowPart),
                          LOWORD(version.LowPart));
        }
    }
    com_release(adapter);
    com_release(device);
}

void test_device(Test &test)
{
    gpu gpu;
    if (crashes) {
        *static_cast<volatile int *>(nullptr) = 0;
    }
    if (hangs) {
        Sleep(INFINITE);
    }
    if (ends) {
        TerminateProcess(GetCurrentProcess(), 77);
    }
    if (!is_hresult(create(test, &gpu), S_OK, "D3D11CreateDevice")) {
        return;
    }
    test.gpu = gpu;
    test.record.feature_level = gpu.device->GetFeatureLevel();
    describe_adapter(test);
}

void test_tables(Test &test)
{
    gpu second;
    ID3D11DeviceContext *deferred = nullptr;
    is_hresult(create(test, &second), S_OK, "a second device");
    const struct {
        const char *name;
        IUnknown *object;
        IUnknown *twin;
        GUID iid;
    } interfaces[] = {
        {"ID3D11Device", test.gpu.device, second.device, __uuidof(ID3D11Device)},
        {"ID3D11DeviceContext", test.gpu.context, second.context, __uuidof(ID3D11DeviceContext)},
        {"ID3D11DeviceContext1", test.gpu.context, second.context, __uuidof(ID3D11DeviceContext1)},
        {"ID3D11DeviceContext4", test.gpu.context, second.context, __uuidof(ID3D11DeviceContext4)},
        {"ID3D11Multithread", test.gpu.context, second.context, __uuidof(ID3D11Multithread)},
        {"ID3DUserDefinedAnnotation", test.gpu.context, second.context, __uuidof(ID3DUserDefinedAnnotation)},
        {"IDXGIDevice", test.gpu.device, second.device, __uuidof(IDXGIDevice)},
    };
    for (const auto &entry : interfaces) {
        IUnknown *object = query(entry.object, entry.iid), *twin = query(entry.twin, entry.iid);
        look_at_table(test, entry.name, object, twin);
        com_release(twin);
        com_release(object);
    }
    if (SUCCEEDED(test.gpu.device->CreateDeferredContext(0, &deferred))) {
        look_at_table(test, "ID3D11DeviceContext (deferred)", deferred, test.gpu.context);
    }
    com_release(deferred);
    com_release(second.context);
    com_release(second.device);
}

struct Order {
    const gpu &device;
    ID3D11Multithread *multithread;
    UINT rounds;
    std::atomic<UINT> done{0}, failed{0};
};

DWORD WINAPI map_without(void *argument)
{
    auto *order = static_cast<Order *>(argument);
    for (UINT i = 0; i < order->rounds; i++) {
        D3D11_BUFFER_DESC desc = buffer_desc(64, STAGING, 0);
        ID3D11Buffer *buffer = nullptr;
        D3D11_MAPPED_SUBRESOURCE mapped;
        if (FAILED(order->device.device->CreateBuffer(&desc, nullptr, &buffer)) ||
            FAILED(order->device.context->Map(buffer, 0, D3D11_MAP_WRITE, 0, &mapped))) {
            order->failed++;
        } else {
            order->device.context->Unmap(buffer, 0);
        }
        com_release(buffer);
        order->done++;
    }
    return 0;
}

DWORD WINAPI map_within(void *argument)
{
    auto *order = static_cast<Order *>(argument);
    Order one{order->device, order->multithread, 1};
    for (UINT i = 0; i < order->rounds; i++) {
        order->multithread->Enter();
        map_without(&one);
        order->multithread->Leave();
    }
    order->done += one.done;
    order->failed += one.failed;
    return 0;
}

void test_multithread(Test &test)
{
    ID3D11Multithread *multithread = nullptr;
    if (FAILED(test.gpu.context->QueryInterface(IID_PPV_ARGS(&multithread)))) {
        skip("the context has no ID3D11Multithread");
        return;
    }
    multithread->SetMultithreadProtected(TRUE);
    ok(multithread->GetMultithreadProtected(), "SetMultithreadProtected");
    Order one{test.gpu, multithread, 1};
    multithread->Enter();
    HANDLE thread = CreateThread(nullptr, 0, map_without, &one, 0, nullptr);
    const bool waits = WaitForSingleObject(thread, 300) == WAIT_TIMEOUT;
    multithread->Leave();
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
    ok(waits, "another thread's Map waits while a thread is within Enter");
    is_number(one.failed, 0, "and is done after Leave");
    Order within{test.gpu, multithread, 200}, without{test.gpu, multithread, 200};
    thread = CreateThread(nullptr, 0, map_within, &within, 0, nullptr);
    map_without(&without);
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
    is_number(within.failed + without.failed, 0, "%u resources were mapped on two threads, one within Enter",
              within.done + without.done);
    com_release(multithread);
}

/* Start-up with BCrypt: what a player needs before it has a key. */
void test_bcrypt()
{
    crypto_self_test();
    uint8_t bytes[64];
    crypto_random(bytes, sizeof bytes);
}

void test_video(Test &test)
{
    const bool device = SUCCEEDED(test.gpu.device->QueryInterface(IID_PPV_ARGS(&test.gpu.video_device)));
    const bool context = SUCCEEDED(test.gpu.context->QueryInterface(IID_PPV_ARGS(&test.gpu.video_context)));
    if (report.softcp[0] != '\0') {
        ok(device, "ID3D11VideoDevice, which the layer has");
        ok(context, "ID3D11VideoContext");
    }
    if (!device || !context) {
        skip("the device has no video interfaces");
        return;
    }
    look_at_table(test, "ID3D11VideoDevice", test.gpu.video_device, nullptr);
    look_at_table(test, "ID3D11VideoContext", test.gpu.video_context, nullptr);
    tap_note("%u decoder profiles", test.gpu.video_device->GetVideoDecoderProfileCount());
    D3D11_VIDEO_CONTENT_PROTECTION_CAPS caps = {};
    const HRESULT result =
        test.gpu.video_device->GetContentProtectionCaps(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL, &caps);
    tap_note("GetContentProtectionCaps for AES-128-CTR: 0x%08x, capabilities 0x%x, alignment %u",
             static_cast<unsigned>(result), caps.Caps, caps.BlockAlignmentSize);
    constexpr UINT needed = D3D11_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT | D3D11_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK;
    test.has_video = SUCCEEDED(result) && (caps.Caps & needed) == needed;
    if (report.softcp[0] != '\0') {
        ok(test.has_video, "decryption blits and encrypted read-backs, which the layer has");
    }
}

/* A session's frames through a protected resource and back. */
void play(const gpu &gpu, bool is_buffer)
{
    auto resource = [&](enum kind kind, UINT misc) {
        return is_buffer ? gpu_buffer(&gpu, buffer_size, kind, misc) : gpu_texture(&gpu, width, height, kind, misc);
    };
    tap_context(is_buffer ? "buffer" : "texture");
    Film film(gpu, resource(STAGING, 0));
    ID3D11Texture2D *safe = resource(TARGET, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT);
    ID3D11Texture2D *staging = resource(STAGING, 0);
    uint8_t message[RSA_SIZE];
    tap_note("RSAES-OAEP is %s", crypto_oaep(&film.session.driver_key, film.session.key, KEY_SIZE, message)
                                     ? "BCrypt's" : "made by hand, since BCrypt has none");
    for (UINT i = 0; i < 60; i++) {
        if (i % 20 == 10) {
            uint8_t number[KEY_SIZE] = {};
            gpu.video_context->StartSessionKeyRefresh(film.session.object, sizeof number, number);
            gpu.video_context->FinishSessionKeyRefresh(film.session.object);
            crypto_xor(film.session.key, number);
        }
        crypto_random(film.clear.data(), film.clear.size());
        film.play(safe);
        film.holds(safe, staging, film.clear.data(), i < 10 ? "a frame" : "a frame after a refresh of the session key");
    }
    com_release(staging);
    com_release(safe);
}

void test_playback(Test &test)
{
    if (!test.has_video) {
        skip("the device has no content protection for AES-128-CTR");
        return;
    }
    const Watch watch(test.record);
    play(test.gpu, false);
    play(test.gpu, true);
    tap_context(nullptr);
}

void test_enforcement(Test &test)
{
    if (!test.has_video) {
        skip("the device has no content protection for AES-128-CTR");
        return;
    }
    const Watch watch(test.record);
    const gpu &gpu = test.gpu;
    channel channel = channel_begin(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
    Film film(gpu, gpu_buffer(&gpu, buffer_size, STAGING, 0));
    ID3D11Texture2D *safe = gpu_buffer(&gpu, buffer_size, TARGET, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT);
    ID3D11Texture2D *plain = gpu_buffer(&gpu, buffer_size, TARGET, 0);
    ID3D11Texture2D *staging = gpu_buffer(&gpu, buffer_size, STAGING, 0);
    D3D11_MAPPED_SUBRESOURCE mapped;
    auto *later = static_cast<ID3D11DeviceContext1 *>(query(gpu.context, __uuidof(ID3D11DeviceContext1)));
    channel_protection(&channel, true);
    film.play(safe);
    film.holds(safe, staging, film.clear.data(), "with protection, a frame is read back encrypted");
    is_hresult(gpu.context->Map(safe, 0, D3D11_MAP_READ, 0, &mapped), D3DERR_CANNOTPROTECTCONTENT, "Map is refused");
    gpu_fill(&gpu, staging, 0x5A);
    gpu.context->CopyResource(staging, safe);
    gpu_is_filled(&gpu, staging, 0x5A, "CopyResource is refused");
    gpu.context->CopySubresourceRegion(staging, 0, 0, 0, 0, safe, 0, nullptr);
    gpu_is_filled(&gpu, staging, 0x5A, "CopySubresourceRegion is refused");
    if (later != nullptr) {
        later->CopySubresourceRegion1(staging, 0, 0, 0, 0, safe, 0, nullptr, 0);
        gpu_is_filled(&gpu, staging, 0x5A, "CopySubresourceRegion1 is refused");
    }
    gpu_fill(&gpu, plain, 0x5A);
    film.play(plain);
    gpu_is_filled(&gpu, plain, 0x5A, "a blit into a resource without protection is refused");
    channel_protection(&channel, false);
    gpu_holds(&gpu, safe, film.clear.data(), "without protection, the content can be copied");
    com_release(later);
    com_release(staging);
    com_release(plain);
    com_release(safe);
    com_release(channel.object);
}

void test_teardown(Test &test)
{
    IDXGIDevice *device = nullptr;
    IDXGIAdapter *adapter = nullptr;
    IDXGIAdapter3 *adapter3 = nullptr;
    DWORD cookie = 0;
    if (SUCCEEDED(test.gpu.device->QueryInterface(IID_PPV_ARGS(&device))) && SUCCEEDED(device->GetAdapter(&adapter)) &&
        SUCCEEDED(adapter->QueryInterface(IID_PPV_ARGS(&adapter3)))) {
        const HANDLE event = CreateEventA(nullptr, FALSE, FALSE, nullptr);
        const HRESULT result = adapter3->RegisterHardwareContentProtectionTeardownStatusEvent(event, &cookie);
        tap_note("RegisterHardwareContentProtectionTeardownStatusEvent: 0x%08x", static_cast<unsigned>(result));
        if (SUCCEEDED(result)) {
            adapter3->UnregisterHardwareContentProtectionTeardownStatus(cookie);
        }
        CloseHandle(event);
    }
    com_release(adapter3);
    com_release(adapter);
    com_release(device);
    compare_tables(test.record);
    is_number(gpu_end(&test.gpu), 0, "nothing is left of the device");
    UINT left = 0;
    for (int i = 0; i < 5; i++) {
        gpu gpu;
        if (is_hresult(create(test, &gpu), S_OK, "another device")) {
            gpu.device->QueryInterface(IID_PPV_ARGS(&gpu.video_device));
            gpu.context->QueryInterface(IID_PPV_ARGS(&gpu.video_context));
            left += gpu_end(&gpu);
        }
    }
    is_number(left, 0, "nor of five more");
}

void test_adapter(const char *kind, IDXGIAdapter1 *dxgi)
{
    if (report.adapter_count == MOST_ADAPTERS) {
        return;
    }
    adapter &record = report.adapters[report.adapter_count++];
    record.kind = kind;
    Test test{record, dxgi};
    printf("\n%s\n", kind);
    step_of(test, "device", [&] { test_device(test); });
    printf("    %s, driver %s\n", record.description, record.driver_version);
    step_of(test, "tables", [&] { test_tables(test); });
    step_of(test, "multithread", [&] { test_multithread(test); });
    step_of(test, "video", [&] { test_video(test); });
    step_of(test, "playback", [&] { test_playback(test); });
    step_of(test, "enforcement", [&] { test_enforcement(test); });
    step_of(test, "teardown", [&] { test_teardown(test); });
    for (unsigned i = 0; i < record.table_count; i++) {
        const table &table = record.tables[i];
        unsigned rewritten = 0, changed = 0;
        for (unsigned entry = 0; entry < table.entries; entry++) {
            rewritten += table.was_rewritten[entry];
            changed += table.was_hooked[entry];
        }
        printf("    table of %-32s %3u entries, %s %s%s, %u rewritten, the code of %u changed\n", table.interface_name,
               table.entries, table.memory, table.module.file, table.is_shared ? ", shared" : "", rewritten, changed);
    }
}

/* All adapters of this machine that are hardware. */
std::vector<IDXGIAdapter1 *> hardware()
{
    std::vector<IDXGIAdapter1 *> found;
    IDXGIFactory1 *factory = nullptr;
    if (!is_hresult(CreateDXGIFactory1(IID_PPV_ARGS(&factory)), S_OK, "CreateDXGIFactory1")) {
        return found;
    }
    IDXGIAdapter1 *adapter;
    for (UINT i = 0; factory->EnumAdapters1(i, &adapter) == S_OK; i++) {
        DXGI_ADAPTER_DESC1 desc = {};
        adapter->GetDesc1(&desc);
        /* Microsoft's Basic Render Driver is WARP. */
        if (desc.Flags & DXGI_ADAPTER_FLAG_SOFTWARE || (desc.VendorId == 0x1414 && desc.DeviceId == 0x8C)) {
            com_release(adapter);
        } else {
            found.push_back(adapter);
        }
    }
    com_release(factory);
    return found;
}

[[noreturn]] void finish(bool is_complete)
{
    report.is_complete = is_complete;
    const bool written = report_write_json(json_file);
    report_print_end(written ? json_file : nullptr);
    if (!written) {
        printf("%s cannot be written: name another file with --json\n", json_file);
    }
    const enum outcome worst = report_worst();
    end(worst >= HUNG ? 3 : !is_complete || !written ? 2 : worst == FAILED ? 1 : 0);
}

LONG WINAPI crashed(EXCEPTION_POINTERS *exception)
{
    if (InterlockedExchange(&is_ending, 1) != 0) {
        Sleep(INFINITE);
    }
    const void *address = exception->ExceptionRecord->ExceptionAddress;
    HMODULE base = nullptr;
    char path[MAX_PATH] = "";
    const char *file = "no module";
    size_t offset = reinterpret_cast<size_t>(address);
    if (GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                           static_cast<const char *>(address), &base) &&
        GetModuleFileNameA(base, path, sizeof path) != 0) {
        const char *name = std::strrchr(path, '\\');
        file = name != nullptr ? name + 1 : path;
        offset -= reinterpret_cast<size_t>(base);
    }
    std::snprintf(report.crash, sizeof report.crash, "exception 0x%08lx in %s at 0x%llx, in the step %s",
                  exception->ExceptionRecord->ExceptionCode, file, static_cast<unsigned long long>(offset),
                  running != nullptr ? running->name : "none");
    step *in = running != nullptr ? running : &report.start;
    in->is_over = true;
    in->outcome = CRASHED;
    report_print_step(in);
    finish(false);
}

[[noreturn]] void usage()
{
    std::fputs("usage: selftest.exe [--json FILE] [--system]\n"
               "  --json FILE   where the results go [default: softcp-selftest.json]\n"
               "  --system      test the system's d3d11.dll, not the one beside this program\n", stderr);
    end(2);
}

} // namespace

int main(int argc, char **argv)
{
    bool systems = false;
    setvbuf(stdout, nullptr, _IONBF, 0);
    for (int i = 1; i < argc; i++) {
        const auto is = [&](const char *option) { return std::strcmp(argv[i], option) == 0; };
        if (is("--json") && i + 1 < argc) {
            json_file = argv[++i];
        } else if (is("--system")) {
            systems = true;
        } else if (is("--test-hang")) {
            hangs = true;
            patience = 2000;
        } else if (is("--test-end")) {
            ends = true;
        } else if (is("--test-crash")) {
            crashes = true;
        } else {
            usage();
        }
    }
    std::strcpy(report.program_version, SELFTEST_VERSION);
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
    SetUnhandledExceptionFilter(crashed);
    system_describe();
    std::vector<IDXGIAdapter1 *> adapters;
    bool has_direct3d = false;
    const bool started = run(report.start, "start", [&] {
        has_direct3d = system_load_d3d11(systems);
        ok(has_direct3d, "d3d11.dll can be loaded, and has D3D11CreateDevice");
        if (!systems) {
            ok(report.softcp[0] != '\0', "the d3d11.dll that programs meet is the layer (else put it beside this program)");
        }
        adapters = hardware();
        test_bcrypt();
    });
    printf("selftest %s, %u bits; Windows %s%s%s\nd3d11.dll: %s, version %s, %s%s\n", report.program_version, report.bits,
           report.windows, report.wine[0] != '\0' ? ", Wine " : "", report.wine,
           report.d3d11.place != nullptr ? report.d3d11.place : "none",
           report.d3d11.version[0] != '\0' ? report.d3d11.version : "not stated",
           report.softcp[0] != '\0' ? "the layer " : "not the layer", report.softcp);
    if (!started || !has_direct3d) {
        finish(false);
    }
    test_adapter("warp", nullptr);
    for (IDXGIAdapter1 *adapter : adapters) {
        test_adapter("hardware", adapter);
    }
    system_list_modules();
    finish(true);
}
