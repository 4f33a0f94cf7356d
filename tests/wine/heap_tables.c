/* A d3d11.dll for tests, to stand between the layer and Wine's, that keeps its tables as Windows' library does by public
   reports: in the heap, one of 302 entries for each context (and here for each device), which is written again while it
   runs. The memory of a table is used again by the next object, at once. Everything else is Wine's. */
#include "heap_tables.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 302, MOST = 1024, KINDS = 2 };

static FARPROC real(const char *name)
{
    static HMODULE library;
    if (library == NULL) {
        char path[MAX_PATH];
        const UINT length = GetSystemDirectoryA(path, MAX_PATH - sizeof "\\d3d11.dll");
        strcpy(&path[length], "\\d3d11.dll");
        library = LoadLibraryA(path);
    }
    return GetProcAddress(library, name);
}

#define FORWARD(name)                                                                                             \
    __declspec(dllexport) uintptr_t name(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, uintptr_t f); \
    uintptr_t name(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, uintptr_t f)                  \
    {                                                                                                             \
        return ((uintptr_t (*)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t))(void *)real(#name))( \
            a, b, c, d, e, f);                                                                                    \
    }
FORWARD(D3D11CoreCreateDevice)
FORWARD(D3D11CoreCreateLayeredDevice)
FORWARD(D3D11CoreGetLayeredDeviceSize)
FORWARD(D3D11CoreRegisterLayers)

/* The tables of one device and its immediate context. The owner is private data of the device, and ends with it. */
struct tables {
    IUnknown owner;
    LONG references;
    void **objects[KINDS]; /* the objects' own pointers to their tables */
    void **table[KINDS];
    void *pristine[KINDS][ENTRIES];
};

static struct tables *all[MOST];
static void **spare[MOST * KINDS]; /* the last one freed is the first one used */
static UINT spares;
static SRWLOCK lock = SRWLOCK_INIT;
static volatile LONG looping;
static BOOL fixed;

static const GUID owner_name = {0x0a9a3d1f, 0x5c3b, 0x4f5e, {0x8d, 0x11, 0x3b, 0x8b, 0x0e, 0x9c, 0x4a, 0x78}};

static void write_again(const struct tables *tables)
{
    for (UINT kind = 0; kind < KINDS; kind++) {
        memcpy(tables->table[kind], tables->pristine[kind], sizeof tables->pristine[kind]);
        /* And where the object has been given another table, its entries. */
        if (*tables->objects[kind] != tables->table[kind]) {
            *tables->objects[kind] = tables->table[kind];
        }
    }
}

__declspec(dllexport) void heap_tables_restore(void)
{
    AcquireSRWLockShared(&lock);
    for (UINT i = 0; i < MOST; i++) {
        if (all[i] != NULL) {
            write_again(all[i]);
        }
    }
    ReleaseSRWLockShared(&lock);
}

static DWORD WINAPI loop(void *unused)
{
    (void)unused;
    while (looping) {
        heap_tables_restore();
        SwitchToThread();
    }
    return 0;
}

__declspec(dllexport) void heap_tables_loop(WINBOOL on)
{
    static HANDLE thread;
    looping = on;
    if (on) {
        thread = CreateThread(NULL, 0, loop, NULL, 0, NULL);
    } else if (thread != NULL) {
        WaitForSingleObject(thread, INFINITE);
        CloseHandle(thread);
        thread = NULL;
    }
}

__declspec(dllexport) void heap_tables_fixed(WINBOOL on)
{
    fixed = on;
}

/* A jump to a function, in memory that can be run and read, and never be made writable. */
static void *fixed_jump(void *function)
{
    static const UINT8 code[] = {0x48, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xE0}; /* mov rax, function; jmp rax */
    const HANDLE mapping = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_EXECUTE_READWRITE, 0, 4096, NULL);
    UINT8 *writable = MapViewOfFile(mapping, FILE_MAP_WRITE, 0, 0, 0);
    memcpy(writable, code, sizeof code);
    memcpy(&writable[2], &function, sizeof function);
    UnmapViewOfFile(writable);
    return MapViewOfFile(mapping, FILE_MAP_READ | FILE_MAP_EXECUTE, 0, 0, 0);
}

static struct tables *owned(IUnknown *owner)
{
    return (struct tables *)((char *)owner - offsetof(struct tables, owner));
}

static HRESULT STDMETHODCALLTYPE owner_query(IUnknown *owner, REFIID iid, void **out)
{
    *out = IsEqualGUID(iid, &IID_IUnknown) ? owner : NULL;
    return *out != NULL ? IUnknown_AddRef(owner), S_OK : E_NOINTERFACE;
}

static ULONG STDMETHODCALLTYPE owner_add_ref(IUnknown *owner)
{
    return (ULONG)InterlockedIncrement(&owned(owner)->references);
}

static ULONG STDMETHODCALLTYPE owner_release(IUnknown *owner)
{
    struct tables *tables = owned(owner);
    const LONG left = InterlockedDecrement(&tables->references);
    if (left == 0) {
        AcquireSRWLockExclusive(&lock);
        for (UINT i = 0; i < MOST; i++) {
            all[i] = all[i] == tables ? NULL : all[i];
        }
        for (UINT kind = 0; kind < KINDS; kind++) {
            memset(tables->table[kind], 0xDD, sizeof tables->pristine[kind]);
            spare[spares++] = tables->table[kind];
        }
        ReleaseSRWLockExclusive(&lock);
        /* What is left of the objects is Wine's to take apart, without these tables. */
        free(tables);
    }
    return (ULONG)left;
}

static IUnknownVtbl owner_table = {owner_query, owner_add_ref, owner_release};

static void give_tables(ID3D11Device *device)
{
    ID3D11DeviceContext *context;
    struct tables *tables = calloc(1, sizeof *tables);
    ID3D11Device_GetImmediateContext(device, &context);
    tables->owner.lpVtbl = &owner_table;
    tables->references = 1;
    tables->objects[0] = (void **)device;
    tables->objects[1] = (void **)context;
    AcquireSRWLockExclusive(&lock);
    for (UINT kind = 0; kind < KINDS; kind++) {
        void **table = spares != 0 ? spare[--spares] : malloc(sizeof tables->pristine[kind]);
        memcpy(tables->pristine[kind], *(void **)tables->objects[kind], sizeof tables->pristine[kind]);
        if (kind == 1 && fixed) {
            ID3D11DeviceContextVtbl *vtbl = (void *)tables->pristine[kind];
            vtbl->CopyResource = fixed_jump((void *)vtbl->CopyResource);
        }
        memcpy(table, tables->pristine[kind], sizeof tables->pristine[kind]);
        tables->table[kind] = table;
        *tables->objects[kind] = table;
    }
    for (UINT i = 0; i < MOST; i++) {
        if (all[i] == NULL) {
            all[i] = tables;
            break;
        }
    }
    ReleaseSRWLockExclusive(&lock);
    ID3D11DeviceContext_Release(context);
    ID3D11Device_SetPrivateDataInterface(device, &owner_name, &tables->owner);
    owner_release(&tables->owner);
}

__declspec(dllexport) HRESULT WINAPI D3D11CreateDeviceAndSwapChain(
    IDXGIAdapter *adapter, D3D_DRIVER_TYPE type, HMODULE rasterizer, UINT flags, const D3D_FEATURE_LEVEL *levels, UINT count,
    UINT version, const DXGI_SWAP_CHAIN_DESC *desc, IDXGISwapChain **chain, ID3D11Device **device,
    D3D_FEATURE_LEVEL *level, ID3D11DeviceContext **context)
{
    const HRESULT result =
        ((PFN_D3D11_CREATE_DEVICE_AND_SWAP_CHAIN)(void *)real("D3D11CreateDeviceAndSwapChain"))(
            adapter, type, rasterizer, flags, levels, count, version, desc, chain, device, level, context);
    if (SUCCEEDED(result) && device != NULL && *device != NULL) {
        give_tables(*device);
    }
    return result;
}

__declspec(dllexport) HRESULT WINAPI D3D11CreateDevice(
    IDXGIAdapter *adapter, D3D_DRIVER_TYPE type, HMODULE rasterizer, UINT flags, const D3D_FEATURE_LEVEL *levels, UINT count,
    UINT version, ID3D11Device **device, D3D_FEATURE_LEVEL *level, ID3D11DeviceContext **context)
{
    return D3D11CreateDeviceAndSwapChain(adapter, type, rasterizer, flags, levels, count, version, NULL, NULL, device,
                                         level, context);
}
