#include "system.h"

#include <d3d11.h>
#include <psapi.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

static void to_text(const wchar_t *wide, char *text, int size)
{
    if (WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, size, NULL, NULL) == 0) {
        text[size - 1] = '\0';
    }
}

/* Where a file lies, without its path. */
static const char *place_of(const wchar_t *path)
{
    wchar_t own[MAX_PATH], system[MAX_PATH];
    const wchar_t *end = wcsrchr(path, L'\\');
    const size_t length = end != NULL ? (size_t)(end - path) : 0;
    GetModuleFileNameW(NULL, own, MAX_PATH);
    const wchar_t *own_end = wcsrchr(own, L'\\');
    if (own_end != NULL && (size_t)(own_end - own) == length && _wcsnicmp(own, path, length) == 0) {
        return "beside the program";
    }
    /* Drivers lie in directories below it. */
    const UINT system_length = GetSystemDirectoryW(system, MAX_PATH);
    if (_wcsnicmp(system, path, system_length) == 0 && path[system_length] == L'\\') {
        return "system";
    }
    /* Programs of 32 bits on Windows of 64. */
    const UINT other_length = GetSystemWow64DirectoryW(system, MAX_PATH);
    if (other_length != 0 && _wcsnicmp(system, path, other_length) == 0 && path[other_length] == L'\\') {
        return "system";
    }
    return "elsewhere";
}

static void version_of(const wchar_t *path, char *version, size_t size)
{
    static uint8_t data[16384]; /* steps and modules are looked at one after the other */
    VS_FIXEDFILEINFO *fixed;
    UINT length;
    DWORD unused;
    const DWORD needed = GetFileVersionInfoSizeW(path, &unused);
    version[0] = '\0';
    if (needed != 0 && needed <= sizeof data && GetFileVersionInfoW(path, 0, needed, data) &&
        VerQueryValueW(data, L"\\", (void **)&fixed, &length) && length >= sizeof *fixed) {
        snprintf(version, size, "%u.%u.%u.%u", HIWORD(fixed->dwFileVersionMS), LOWORD(fixed->dwFileVersionMS),
                 HIWORD(fixed->dwFileVersionLS), LOWORD(fixed->dwFileVersionLS));
    }
}

static struct module describe(HMODULE handle)
{
    struct module module = {{0}, "elsewhere", {0}};
    wchar_t path[MAX_PATH];
    if (GetModuleFileNameW(handle, path, MAX_PATH) == 0) {
        return module;
    }
    const wchar_t *name = wcsrchr(path, L'\\');
    to_text(name != NULL ? name + 1 : path, module.file, sizeof module.file);
    module.place = place_of(path);
    version_of(path, module.version, sizeof module.version);
    return module;
}

struct module system_module_of(const void *address)
{
    HMODULE handle;
    struct module none = {{0}, NULL, {0}};
    return GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, address,
                              &handle)
               ? describe(handle)
               : none;
}

void system_list_modules(void)
{
    static HMODULE handles[MOST_MODULES];
    DWORD needed = 0;
    report.module_count = 0;
    if (!K32EnumProcessModules(GetCurrentProcess(), handles, sizeof handles, &needed)) {
        return;
    }
    const DWORD count = needed / sizeof *handles;
    for (DWORD i = 0; i < count && i < MOST_MODULES; i++) {
        report.modules[report.module_count++] = describe(handles[i]);
    }
}

void system_describe(void)
{
    const HMODULE ntdll = GetModuleHandleA("ntdll.dll");
    OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof version};
    /* GetVersionEx says what it believes that a program wants to hear. */
    LONG(WINAPI * get_version)(OSVERSIONINFOW *) = (void *)GetProcAddress(ntdll, "RtlGetVersion");
    const char *(CDECL * wine_version)(void) = (void *)GetProcAddress(ntdll, "wine_get_version");
    if (get_version != NULL && get_version(&version) >= 0) {
        snprintf(report.windows, sizeof report.windows, "%lu.%lu.%lu", version.dwMajorVersion, version.dwMinorVersion,
                 version.dwBuildNumber);
    }
    if (wine_version != NULL) {
        snprintf(report.wine, sizeof report.wine, "%s", wine_version());
    }
    SYSTEM_INFO info;
    GetNativeSystemInfo(&info);
    report.processor = info.wProcessorArchitecture == PROCESSOR_ARCHITECTURE_AMD64   ? "x86_64"
                       : info.wProcessorArchitecture == PROCESSOR_ARCHITECTURE_INTEL ? "x86"
                       : info.wProcessorArchitecture == PROCESSOR_ARCHITECTURE_ARM64 ? "arm64"
                                                                                     : "other";
    report.bits = 8 * sizeof(void *);
}

static PFN_D3D11_CREATE_DEVICE create_device;

bool system_load_d3d11(bool systems)
{
    wchar_t path[MAX_PATH] = L"d3d11.dll";
    if (systems) {
        const UINT length = GetSystemDirectoryW(path, MAX_PATH - 16);
        wcscpy(&path[length], L"\\d3d11.dll");
    }
    const HMODULE library = LoadLibraryW(path);
    if (library == NULL) {
        return false;
    }
    report.d3d11 = describe(library);
    const char *(CDECL * softcp_version)(void) = (void *)GetProcAddress(library, "softcp_version");
    if (softcp_version != NULL) {
        snprintf(report.softcp, sizeof report.softcp, "%s", softcp_version());
    }
    create_device = (PFN_D3D11_CREATE_DEVICE)(void *)GetProcAddress(library, "D3D11CreateDevice");
    return create_device != NULL;
}

/* For everything that calls it by this name: the library that was loaded, not one that the loader has chosen at the
   start. */
HRESULT WINAPI D3D11CreateDevice(IDXGIAdapter *adapter, D3D_DRIVER_TYPE type, HMODULE rasterizer, UINT flags,
                                 const D3D_FEATURE_LEVEL *levels, UINT count, UINT version, ID3D11Device **device,
                                 D3D_FEATURE_LEVEL *level, ID3D11DeviceContext **context)
{
    return create_device(adapter, type, rasterizer, flags, levels, count, version, device, level, context);
}
