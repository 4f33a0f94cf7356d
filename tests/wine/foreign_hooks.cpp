/* Other people's hooks. Objects get copies of their tables, entries are replaced and put back, and, where heap_tables.dll
   stands below the layer (the argument "heap"), tables lie in the heap and are written again by their owner: the video
   interfaces are there all the same, and nothing leaves protected resources while protection is on. */
#include <cstdio>
#include <cstring>
#include <memory>

#include "film.h"
#include "heap_tables.h"

namespace {

constexpr UINT size = 4096;
constexpr size_t entries = 160; /* at least as many as any interface has */

template <class F> F exported(const char *name)
{
    return reinterpret_cast<F>(reinterpret_cast<void *>(GetProcAddress(GetModuleHandleA("heap_tables.dll"), name)));
}

void **&table_of(void *object)
{
    return *static_cast<void ***>(object);
}

/* An object gets a table of its own, a copy of the one it has: the usual way to hook one object only. */
struct Copied {
    void *object;
    void **before;
    void *copy[entries];

    explicit Copied(void *object_) : object(object_), before(table_of(object_))
    {
        std::memcpy(copy, before, sizeof copy);
        table_of(object) = copy;
    }
    ~Copied() { table_of(object) = before; }
};

bool has(IUnknown *object, REFIID iid)
{
    IUnknown *found = nullptr;
    const bool there = SUCCEEDED(object->QueryInterface(iid, reinterpret_cast<void **>(&found)));
    com_release(found);
    return there;
}

/* Through whatever table: from each object to each interface. */
void test_copied_tables(bool before_first_use)
{
    tap_context(before_first_use ? "copied tables, before the first use" : "copied tables");
    gpu gpu = gpu_begin_plain();
    IDXGIDevice *dxgi = nullptr;
    ID3D11Multithread *multithread = nullptr;
    gpu.device->QueryInterface(IID_PPV_ARGS(&dxgi));
    gpu.context->QueryInterface(IID_PPV_ARGS(&multithread));
    if (!before_first_use) {
        gpu_video(&gpu);
    }
    {
        Copied device(gpu.device), dxgi_device(dxgi), context(gpu.context);
        IUnknown *const of_device[] = {gpu.device, dxgi};
        for (IUnknown *object : of_device) {
            const char *name = object == dxgi ? "IDXGIDevice" : "ID3D11Device";
            ok(has(object, __uuidof(ID3D11VideoDevice)), "%s: ID3D11VideoDevice", name);
            ok(has(object, __uuidof(ID3D11Device)) && has(object, __uuidof(IDXGIDevice)), "%s: both ways", name);
            ok(!has(object, __uuidof(ID3D11VideoContext)), "%s: no ID3D11VideoContext", name);
        }
        ok(has(gpu.context, __uuidof(ID3D11VideoContext)), "the context: ID3D11VideoContext");
        ok(has(gpu.context, __uuidof(ID3D11DeviceContext1)), "the context: ID3D11DeviceContext1");
        ok(has(multithread, __uuidof(ID3D11VideoContext)), "ID3D11Multithread: ID3D11VideoContext");
        if (before_first_use) {
            gpu_video(&gpu);
        }
        channel channel = channel_begin(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
        channel_protection(&channel, true);
        auto film = std::make_unique<Film>(gpu, gpu_buffer(&gpu, size, STAGING, 0));
        ID3D11Texture2D *safe = gpu_buffer(&gpu, size, TARGET, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT);
        ID3D11Texture2D *staging = gpu_buffer(&gpu, size, STAGING, 0);
        film->play(safe);
        gpu_fill(&gpu, staging, 0x5A);
        gpu.context->CopyResource(staging, safe);
        gpu_is_filled(&gpu, staging, 0x5A, "a copy out of a protected resource is refused");
        film->holds(safe, staging, film->clear.data(), "which holds its frame");
        film.reset();
        com_release(staging);
        com_release(safe);
        com_release(channel.object);
    }
    com_release(multithread);
    com_release(dxgi);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
}

void stays(const gpu &gpu, ID3D11Texture2D *safe, ID3D11Texture2D *staging, const char *when);

/* The code of Map, CopySubresourceRegion, CopyResource and ResolveSubresource before the layer. */
uint8_t pristine[4][16];

/* Hooks with a lock: the usual kind, which is taken around what the hook calls, and is no place to come back to. */
struct Guarded {
    Copied copied;
    bool is_within = false;
    UINT calls = 0, again = 0; /* how often it was called, and how often while it was within itself */
    static std::vector<Guarded *> all;

    explicit Guarded(void *object) : copied(object)
    {
        copied.copy[0] = reinterpret_cast<void *>(query);
        all.push_back(this);
    }
    ~Guarded() { all.pop_back(); }

    static HRESULT STDMETHODCALLTYPE query(IUnknown *object, REFIID iid, void **out)
    {
        for (Guarded *guarded : all) {
            if (guarded->copied.object == object) {
                guarded->calls++;
                guarded->again += guarded->is_within;
                const bool before = guarded->is_within;
                guarded->is_within = true;
                const HRESULT result = reinterpret_cast<HRESULT(STDMETHODCALLTYPE *)(IUnknown *, REFIID, void **)>(
                    guarded->copied.before[0])(object, iid, out);
                guarded->is_within = before;
                return result;
            }
        }
        return E_UNEXPECTED;
    }
};
std::vector<Guarded *> Guarded::all;

/* From each hooked interface to the others, and nobody comes back into a hook. */
void test_guarded_queries(bool before_first_use)
{
    tap_context(before_first_use ? "hooks of QueryInterface with a lock, before the first use"
                                 : "hooks of QueryInterface with a lock");
    gpu gpu = gpu_begin_plain();
    IDXGIDevice *dxgi = nullptr;
    ID3D11Multithread *multithread = nullptr;
    ID3DUserDefinedAnnotation *annotation = nullptr;
    gpu.device->QueryInterface(IID_PPV_ARGS(&dxgi));
    gpu.context->QueryInterface(IID_PPV_ARGS(&multithread));
    gpu.context->QueryInterface(IID_PPV_ARGS(&annotation));
    if (!before_first_use) {
        gpu_video(&gpu);
    }
    {
        Guarded hooks[] = {Guarded(gpu.device), Guarded(dxgi), Guarded(gpu.context), Guarded(multithread),
                           Guarded(annotation)};
        UINT calls = 0, again = 0;
        for (const Guarded &hook : hooks) {
            auto *object = static_cast<IUnknown *>(hook.copied.object);
            const bool of_device = &hook - hooks < 2;
            ok(has(object, __uuidof(ID3D11VideoDevice)) == of_device, "hook %u: ID3D11VideoDevice",
               static_cast<UINT>(&hook - hooks));
            ok(has(object, __uuidof(ID3D11VideoContext)) != of_device, "hook %u: ID3D11VideoContext",
               static_cast<UINT>(&hook - hooks));
            ok(has(object, of_device ? __uuidof(IDXGIDevice) : __uuidof(ID3DUserDefinedAnnotation)), "hook %u: its own",
               static_cast<UINT>(&hook - hooks));
        }
        for (const Guarded &hook : hooks) {
            calls += hook.calls;
            again += hook.again;
        }
        ok(calls >= 15, "%u calls came to the hooks", calls);
        is_number(again, 0, "none of them within another one of the same hook");
    }
    com_release(annotation);
    com_release(multithread);
    com_release(dxgi);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
}

/* The layer's own objects, each with a copied table. */
void test_copied_objects()
{
    tap_context("copied tables of the layer's objects");
    gpu gpu = gpu_begin();
    {
        channel channel = channel_create(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
        com_release(channel.object);
        Copied device(gpu.video_device), context(gpu.video_context);
        channel = channel_begin(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
        auto hooked_channel = std::make_unique<Copied>(channel.object);
        channel_protection(&channel, true);
        auto film = std::make_unique<Film>(gpu, gpu_buffer(&gpu, size, STAGING, 0));
        ID3D11Texture2D *safe = gpu_buffer(&gpu, size, TARGET, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT);
        ID3D11Texture2D *staging = gpu_buffer(&gpu, size, STAGING, 0);
        {
            Copied session(film->session.object); /* of resources, Wine does not take copies */
            session_negotiate(&film->session);
            uint8_t number[KEY_SIZE] = {};
            film->play(safe);
            film->holds(safe, staging, film->clear.data(), "a frame there and back");
            gpu.video_context->StartSessionKeyRefresh(film->session.object, sizeof number, number);
            gpu.video_context->FinishSessionKeyRefresh(film->session.object);
            crypto_xor(film->session.key, number);
            film->play(safe);
            film->holds(safe, staging, film->clear.data(), "and after a refresh");
            stays(gpu, safe, staging, "while tables are copied");
        }
        channel_protection(&channel, false);
        hooked_channel.reset();
        film.reset();
        com_release(staging);
        com_release(safe);
        com_release(channel.object);
        for (void *stranger : {static_cast<void *>(gpu.device), static_cast<void *>(gpu.context)}) {
            UINT certificate = 0;
            is_hresult(gpu.video_context->NegotiateCryptoSessionKeyExchange(static_cast<ID3D11CryptoSession *>(stranger), 1,
                                                                            &certificate),
                       E_INVALIDARG, "what is no session is none");
        }
    }
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
}

/* A copy for the interface that a program knows, and not an entry more: behind it is nothing. */
struct Short {
    void *object;
    void **before;
    void *pages;

    Short(void *object_, size_t count) : object(object_), before(table_of(object_))
    {
        constexpr size_t page = 4096;
        DWORD was;
        pages = VirtualAlloc(nullptr, 2 * page, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
        VirtualProtect(static_cast<uint8_t *>(pages) + page, page, PAGE_NOACCESS, &was);
        void **copy = reinterpret_cast<void **>(static_cast<uint8_t *>(pages) + page) - count;
        std::memcpy(copy, before, count * sizeof *copy);
        table_of(object) = copy;
    }
    ~Short()
    {
        table_of(object) = before;
        VirtualFree(pages, 0, MEM_RELEASE);
    }
};

/* Tables for the first version of each interface. */
void test_short_tables(bool before_first_use)
{
    char options[1024] = "";
    tap_context(before_first_use ? "short tables, before the first use" : "short tables");
    GetEnvironmentVariableA("SOFTCP_OPTIONS", options, sizeof options);
    if (std::strstr(options, "dxvk") != nullptr) {
        tap_skip("DXVK calls functions of its own by its tables", "tables for the first version of each interface");
        return;
    }
    gpu gpu = gpu_begin_plain();
    if (!before_first_use) {
        gpu_video(&gpu);
    }
    std::unique_ptr<Film> film;
    ID3D11Texture2D *safe = nullptr, *staging = nullptr;
    channel channel;
    {
        Short device(gpu.device, 43), context(gpu.context, 115); /* of its IDXGIDevice, Wine itself needs more */
        if (before_first_use) {
            gpu_video(&gpu);
        }
        channel = channel_begin(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
        channel_protection(&channel, true);
        film = std::make_unique<Film>(gpu, gpu_buffer(&gpu, size, STAGING, 0));
        safe = gpu_buffer(&gpu, size, TARGET, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT);
        staging = gpu_buffer(&gpu, size, STAGING, 0);
        film->play(safe);
        film->holds(safe, staging, film->clear.data(), "a frame there and back");
        gpu_fill(&gpu, staging, 0x5A);
        gpu.context->CopyResource(staging, safe);
        gpu.context->CopySubresourceRegion(staging, 0, 0, 0, 0, safe, 0, nullptr);
        gpu_is_filled(&gpu, staging, 0x5A, "copies are refused");
    }
    stays(gpu, safe, staging, "with the whole tables again");
    channel_protection(&channel, false);
    film.reset();
    com_release(staging);
    com_release(safe);
    com_release(channel.object);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
}

/* Another library that hooks the same code leaves, and puts back what the code was before the layer. */
void test_code_put_back()
{
    tap_context("code put back");
    constexpr size_t methods[] = {14, 46, 47, 57}; /* Map, CopySubresourceRegion, CopyResource, ResolveSubresource */
    constexpr size_t bytes = 16;
    uint8_t now[4][bytes];
    gpu gpu = gpu_begin();
    channel channel = channel_begin(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
    channel_protection(&channel, true);
    auto film = std::make_unique<Film>(gpu, gpu_buffer(&gpu, size, STAGING, 0));
    ID3D11Texture2D *safe = gpu_buffer(&gpu, size, TARGET, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT);
    ID3D11Texture2D *staging = gpu_buffer(&gpu, size, STAGING, 0);
    film->play(safe);
    UINT differ = 0;
    for (size_t i = 0; i < 4; i++) {
        auto *code = static_cast<uint8_t *>(table_of(gpu.context)[methods[i]]);
        std::memcpy(now[i], code, bytes);
        differ += std::memcmp(now[i], pristine[i], bytes) != 0;
        DWORD before;
        VirtualProtect(code, bytes, PAGE_EXECUTE_READWRITE, &before);
        std::memcpy(code, pristine[i], bytes);
        VirtualProtect(code, bytes, before, &before);
        FlushInstructionCache(GetCurrentProcess(), code, bytes);
    }
    is_number(differ, 4, "the layer's hooks are where the methods' code is");
    film->play(safe);
    UINT hooked = 0;
    for (size_t i = 0; i < 4; i++) {
        hooked += std::memcmp(table_of(gpu.context)[methods[i]], pristine[i], bytes) != 0;
    }
    is_number(hooked, 4, "and are there again after the next blit");
    stays(gpu, safe, staging, "after the next blit");
    film->holds(safe, staging, film->clear.data(), "which was done");
    channel_protection(&channel, false);
    film.reset();
    com_release(staging);
    com_release(safe);
    com_release(channel.object);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
}

/* Each way out of a protected resource by a context. */
void stays(const gpu &gpu, ID3D11Texture2D *safe, ID3D11Texture2D *staging, const char *when)
{
    D3D11_MAPPED_SUBRESOURCE mapped;
    ID3D11DeviceContext1 *later = nullptr;
    gpu_fill(&gpu, staging, 0x5A);
    gpu.context->CopyResource(staging, safe);
    gpu_is_filled(&gpu, staging, 0x5A, when);
    gpu.context->CopySubresourceRegion(staging, 0, 0, 0, 0, safe, 0, nullptr);
    gpu_is_filled(&gpu, staging, 0x5A, when);
    if (SUCCEEDED(gpu.context->QueryInterface(IID_PPV_ARGS(&later)))) {
        later->CopySubresourceRegion1(staging, 0, 0, 0, 0, safe, 0, nullptr, 0);
        gpu_is_filled(&gpu, staging, 0x5A, when);
        com_release(later);
    }
    is_hresult(gpu.context->Map(safe, 0, D3D11_MAP_READ, 0, &mapped), static_cast<HRESULT>(0x8876087D), "%s, by Map", when);
}

using Copy = void (STDMETHODCALLTYPE *)(ID3D11DeviceContext *, ID3D11Resource *, ID3D11Resource *);
Copy copy_before;
UINT copies;

void STDMETHODCALLTYPE copy_hook(ID3D11DeviceContext *context, ID3D11Resource *to, ID3D11Resource *from)
{
    copies++;
    copy_before(context, to, from);
}

void write_entry(void **entry, void *value)
{
    DWORD before;
    VirtualProtect(entry, sizeof *entry, PAGE_READWRITE, &before);
    *entry = value;
    VirtualProtect(entry, sizeof *entry, before, &before);
}

/* Another library replaces an entry, and leaves by putting back what was there: before and after the layer's first use. */
void test_hook_that_leaves(bool before_first_use)
{
    tap_context(before_first_use ? "a hook from before, leaving" : "a hook that leaves");
    constexpr size_t copy_resource = 47;
    gpu gpu = gpu_begin_plain();
    auto arrive = [&] {
        void **entry = &table_of(gpu.context)[copy_resource];
        copy_before = reinterpret_cast<Copy>(*entry);
        write_entry(entry, reinterpret_cast<void *>(copy_hook));
    };
    if (before_first_use) {
        arrive();
    }
    gpu_video(&gpu);
    channel channel = channel_begin(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
    channel_protection(&channel, true);
    auto film = std::make_unique<Film>(gpu, gpu_buffer(&gpu, size, STAGING, 0));
    ID3D11Texture2D *safe = gpu_buffer(&gpu, size, TARGET, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT);
    ID3D11Texture2D *staging = gpu_buffer(&gpu, size, STAGING, 0);
    film->play(safe);
    if (!before_first_use) {
        arrive();
    }
    stays(gpu, safe, staging, "while it is there");
    const UINT seen = copies;
    gpu.context->CopyResource(staging, film->source);
    is_number(copies, seen + 1, "the other library sees copies");
    write_entry(&table_of(gpu.context)[copy_resource], reinterpret_cast<void *>(copy_before));
    stays(gpu, safe, staging, "when it has left");
    film->play(safe);
    film->holds(safe, staging, film->clear.data(), "and blits go on");
    film.reset();
    com_release(staging);
    com_release(safe);
    com_release(channel.object);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
}

/* The owner writes its tables again, once and without end. */
void test_owner()
{
    tap_context("the owner writes");
    gpu gpu = gpu_begin();
    channel channel = channel_begin(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
    channel_protection(&channel, true);
    auto film = std::make_unique<Film>(gpu, gpu_buffer(&gpu, size, STAGING, 0));
    ID3D11Texture2D *safe = gpu_buffer(&gpu, size, TARGET, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT);
    ID3D11Texture2D *staging = gpu_buffer(&gpu, size, STAGING, 0);
    film->play(safe);
    exported<heap_tables_restore_function>("heap_tables_restore")();
    stays(gpu, safe, staging, "after it was written");
    exported<heap_tables_loop_function>("heap_tables_loop")(TRUE);
    for (int i = 0; i < 10; i++) {
        film->play(safe);
        stays(gpu, safe, staging, "while it is being written");
    }
    exported<heap_tables_loop_function>("heap_tables_loop")(FALSE);
    film->play(safe);
    film->holds(safe, staging, film->clear.data(), "and blits go on");
    film.reset();
    com_release(staging);
    com_release(safe);
    com_release(channel.object);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
}

/* Tables whose memory is used again, and more devices than any list of entries could hold. */
void test_many_devices()
{
    tap_context("many devices");
    UINT without = 0, leaks = 0, left = 0;
    for (int i = 0; i < 130; i++) {
        gpu gpu = gpu_begin_plain();
        without += !has(gpu.device, __uuidof(ID3D11VideoDevice)) || !has(gpu.context, __uuidof(ID3D11VideoContext));
        if (i % 26 == 25) {
            gpu_video(&gpu);
            channel channel = channel_begin(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
            channel_protection(&channel, true);
            ID3D11Texture2D *safe = gpu_buffer(&gpu, size, TARGET, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT);
            ID3D11Texture2D *staging = gpu_buffer(&gpu, size, STAGING, 0);
            auto film = std::make_unique<Film>(gpu, gpu_buffer(&gpu, size, STAGING, 0));
            std::vector<uint8_t> seen(size);
            film->play(safe);
            gpu_fill(&gpu, staging, 0x5A);
            gpu.context->CopyResource(staging, safe);
            gpu_read(&gpu, staging, seen.data());
            leaks += seen == film->clear;
            film->holds(safe, staging, film->clear.data(), "a blit");
            film.reset();
            com_release(staging);
            com_release(safe);
            com_release(channel.object);
        }
        left += gpu_end(&gpu);
    }
    is_number(without, 0, "devices without video interfaces");
    is_number(leaks, 0, "devices that let content out");
    is_number(left, 0, "references that are left");
}

/* Where a way out cannot be hooked nothing protected comes in while protection is on, and that is logged once. */
void test_no_enforcement()
{
    tap_context("no enforcement");
    gpu any = gpu_begin_plain(); /* loads heap_tables.dll */
    gpu_end(&any);
    exported<heap_tables_fixed_function>("heap_tables_fixed")(TRUE);
    gpu gpu = gpu_begin();
    exported<heap_tables_fixed_function>("heap_tables_fixed")(FALSE);
    auto film = std::make_unique<Film>(gpu, gpu_buffer(&gpu, size, STAGING, 0));
    ID3D11Texture2D *safe = gpu_buffer(&gpu, size, TARGET, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT);
    film->play(safe);
    gpu_holds(&gpu, safe, film->clear.data(), "without protection a blit is done");
    gpu_fill(&gpu, safe, 0x5A);
    channel channel = channel_begin(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
    channel_protection(&channel, true);
    for (int i = 0; i < 3; i++) {
        film->play(safe);
    }
    channel_protection(&channel, false);
    gpu_is_filled(&gpu, safe, 0x5A, "with protection none is");
    film.reset();
    com_release(channel.object);
    com_release(safe);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
    char path[MAX_PATH], line[4096];
    UINT lines = 0;
    GetEnvironmentVariableA("SOFTCP_LOG_PATH", path, sizeof path);
    FILE *log = fopen(path, "r");
    while (log != nullptr && fgets(line, sizeof line, log) != nullptr) {
        lines += std::strstr(line, "no-enforcement") != nullptr;
    }
    if (log != nullptr) {
        fclose(log);
    }
    is_number(lines, 1, "which one line of the log says");
}

/* From the library itself that the layer forwards to, by whose functions its devices work. */
void read_pristine()
{
    char path[MAX_PATH], options[1024] = "";
    GetEnvironmentVariableA("SOFTCP_OPTIONS", options, sizeof options);
    const char *const real = std::strstr(options, "d3d11.real=");
    if (real != nullptr) {
        const char *const name = std::strchr(real, '=') + 1;
        std::snprintf(path, sizeof path, "%.*s", static_cast<int>(std::strcspn(name, ";")), name);
    } else {
        const UINT length = GetSystemDirectoryA(path, MAX_PATH - sizeof "\\d3d11.dll");
        std::strcpy(&path[length], "\\d3d11.dll");
    }
    const auto create = reinterpret_cast<PFN_D3D11_CREATE_DEVICE>(
        reinterpret_cast<void *>(GetProcAddress(LoadLibraryA(path), "D3D11CreateDevice")));
    ID3D11Device *device = nullptr;
    ID3D11DeviceContext *context = nullptr;
    is_hresult(create(nullptr, D3D_DRIVER_TYPE_HARDWARE, nullptr, 0, nullptr, 0, D3D11_SDK_VERSION, &device, nullptr, &context),
               S_OK, "a device without the layer");
    constexpr size_t methods[] = {14, 46, 47, 57};
    for (size_t i = 0; i < 4; i++) {
        std::memcpy(pristine[i], table_of(context)[methods[i]], sizeof pristine[i]);
    }
    com_release(context);
    com_release(device);
}

} // namespace

int main(int argc, char **argv)
{
    tap_begin();
    const auto is_asked = [&](const char *what) { return argc > 1 && std::strcmp(argv[1], what) == 0; };
    if (is_asked("fixed")) {
        test_no_enforcement();
        return tap_done();
    }
    if (!is_asked("heap")) {
        read_pristine();
    }
    test_hook_that_leaves(true);
    test_hook_that_leaves(false);
    test_copied_tables(true);
    test_copied_tables(false);
    test_guarded_queries(true);
    test_guarded_queries(false);
    test_short_tables(true);
    test_short_tables(false);
    test_copied_objects();
    if (!is_asked("heap")) {
        test_code_put_back();
    }
    if (is_asked("heap")) {
        test_owner();
        test_many_devices();
    }
    return tap_done();
}
