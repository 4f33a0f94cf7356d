/* Shared textures between two processes, over `below.dll`: which of them the other process can open, and what it knows of
   them. The program starts itself with a handle as its argument. */
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "client.h"

namespace {

constexpr UINT shared = D3D11_RESOURCE_MISC_SHARED, content = D3D11_RESOURCE_MISC_RESTRICTED_CONTENT;
constexpr UINT restricted = D3D11_RESOURCE_MISC_RESTRICT_SHARED_RESOURCE;
constexpr HRESULT cannot_protect = static_cast<HRESULT>(0x8876087D);

/* What the other process found, as its exit code. */
enum Found { FAILED_OTHERWISE = 10, REFUSED, PROTECTED, UNPROTECTED };
const char *const found_names[] = {"an error", "refused", "protected", "unprotected"};

bool can_be_mapped(const gpu &gpu, ID3D11Texture2D *texture)
{
    D3D11_MAPPED_SUBRESOURCE mapped;
    const bool can = SUCCEEDED(gpu.context->Map(texture, 0, D3D11_MAP_READ, 0, &mapped));
    if (can) {
        gpu.context->Unmap(texture, 0);
    }
    return can;
}

/* The other process. It makes no checks of its own, since the output is its parent's. */
int open(HANDLE handle)
{
    gpu gpu = gpu_begin();
    ID3D11Texture2D *texture = reinterpret_cast<ID3D11Texture2D *>(&gpu);
    const HRESULT result =
        gpu.device->OpenSharedResource(handle, IID_ID3D11Texture2D, reinterpret_cast<void **>(&texture));
    if (FAILED(result)) {
        return result == cannot_protect && texture == nullptr ? REFUSED : FAILED_OTHERWISE;
    }
    ID3D11AuthenticatedChannel *channel;
    D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT command{};
    D3D11_AUTHENTICATED_CONFIGURE_OUTPUT answer;
    if (!can_be_mapped(gpu, texture) ||
        FAILED(gpu.video_device->CreateAuthenticatedChannel(D3D11_AUTHENTICATED_CHANNEL_D3D11, &channel))) {
        return FAILED_OTHERWISE;
    }
    channel->GetChannelHandle(&command.Parameters.hChannel);
    command.Parameters.ConfigureType = D3D11_AUTHENTICATED_CONFIGURE_PROTECTION;
    command.Protections.Flags.ProtectionEnabled = 1;
    if (FAILED(gpu.video_context->ConfigureAuthenticatedChannel(channel, sizeof command, &command, &answer))) {
        return FAILED_OTHERWISE;
    }
    return can_be_mapped(gpu, texture) ? UNPROTECTED : PROTECTED;
}

HRESULT allow(channel &channel, HANDLE process, bool allowed)
{
    D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT command{};
    command.ProcessType = D3D11_PROCESSIDTYPE_HANDLE;
    command.ProcessHandle = process;
    command.AllowAccess = allowed;
    return channel_configure(&channel, &D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE, &command, sizeof command,
                             "SHARED_RESOURCE");
}

enum Permission { NONE, ALLOWED, REVOKED };

/* Lets another process open the texture, and checks what it found. */
void other_process(channel &channel, HANDLE handle, Permission permission, Found expected, const char *name)
{
    char path[MAX_PATH], line[MAX_PATH + 40];
    STARTUPINFOA startup{};
    PROCESS_INFORMATION process;
    DWORD code = 0;
    startup.cb = sizeof startup;
    GetModuleFileNameA(nullptr, path, sizeof path);
    snprintf(line, sizeof line, "\"%s\" %llx", path, static_cast<unsigned long long>(reinterpret_cast<uintptr_t>(handle)));
    if (!CreateProcessA(path, line, nullptr, nullptr, FALSE, CREATE_SUSPENDED, nullptr, nullptr, &startup, &process)) {
        tap_bail_out("CreateProcess: %lu", GetLastError());
    }
    if (permission != NONE) {
        is_hresult(allow(channel, process.hProcess, true), S_OK, "the process is allowed");
    }
    if (permission == REVOKED) {
        is_hresult(allow(channel, process.hProcess, false), S_OK, "and revoked");
    }
    ResumeThread(process.hThread);
    WaitForSingleObject(process.hProcess, 30000);
    GetExitCodeProcess(process.hProcess, &code);
    ok(code == expected, "%s: %s", name,
       code >= FAILED_OTHERWISE && code <= UNPROTECTED ? found_names[code - FAILED_OTHERWISE] : "it did not come to its end");
    if (permission == ALLOWED) {
        is_hresult(allow(channel, process.hProcess, false), S_OK, "the process is revoked");
    }
    CloseHandle(process.hThread);
    CloseHandle(process.hProcess);
}

HANDLE handle_of(ID3D11Texture2D *texture)
{
    IDXGIResource *resource;
    HANDLE handle = nullptr;
    is_hresult(texture->QueryInterface(IID_IDXGIResource, reinterpret_cast<void **>(&resource)), S_OK, "IDXGIResource");
    is_hresult(resource->GetSharedHandle(&handle), S_OK, "GetSharedHandle");
    resource->Release();
    return handle;
}

UINT unrestricted(channel &channel)
{
    D3D11_AUTHENTICATED_QUERY_INPUT query{};
    D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT answer;
    is_hresult(channel_query(&channel, &D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT, &query,
                             sizeof query, &answer, sizeof answer, "COUNT"), S_OK, "COUNT");
    return answer.UnrestrictedProtectedSharedResourceCount;
}

} // namespace

int main(int argc, char **argv)
{
    if (argc > 1) {
        return open(reinterpret_cast<HANDLE>(static_cast<uintptr_t>(strtoull(argv[1], nullptr, 16))));
    }
    tap_begin();
    gpu gpu = gpu_begin();
    channel channel = channel_begin(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
    ID3D11Texture2D *safe = gpu_texture(&gpu, 8, 8, TARGET, shared | content | restricted), *again = nullptr;
    const HANDLE handle = handle_of(safe);
    other_process(channel, handle, NONE, PROTECTED, "no protection, restricted");
    channel_protection(&channel, true);
    other_process(channel, handle, NONE, REFUSED, "protection, restricted, not allowed");
    other_process(channel, handle, ALLOWED, PROTECTED, "protection, restricted, allowed");
    other_process(channel, handle, REVOKED, REFUSED, "protection, restricted, revoked");
    is_hresult(gpu.device->OpenSharedResource(handle, IID_ID3D11Texture2D, reinterpret_cast<void **>(&again)), S_OK,
               "the process that made it can always open it");
    ok(!can_be_mapped(gpu, again), "and has it protected");
    com_release(again);
    com_release(safe);
    other_process(channel, handle, NONE, UNPROTECTED, "what is gone says nothing any more");

    ID3D11Texture2D *plain = gpu_texture(&gpu, 8, 8, TARGET, shared);
    other_process(channel, handle_of(plain), NONE, UNPROTECTED, "without flags");
    com_release(plain);
    is_number(unrestricted(channel), 0, "no protected resource that anybody can open");
    ID3D11Texture2D *anybody = gpu_texture(&gpu, 8, 8, TARGET, shared | content);
    other_process(channel, handle_of(anybody), NONE, PROTECTED, "protected and not restricted");
    is_number(unrestricted(channel), 1, "one that anybody can open");
    com_release(anybody);
    is_number(unrestricted(channel), 0, "none any more");
    channel_protection(&channel, false);
    com_release(channel.object);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
    return tap_done();
}
