#include "gpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the program when a call fails that only prepares a test. */
static void require(HRESULT result, const char *what)
{
    if (FAILED(result)) {
        tap_bail_out("%s: 0x%08lx", what, (unsigned long)result);
    }
}

void tap_begin(void)
{
    setvbuf(stdout, NULL, _IONBF, 0); /* Windows has no line buffers */
}

struct gpu gpu_begin_plain(void)
{
    struct gpu gpu = {0};
    require(D3D11CreateDevice(NULL, D3D_DRIVER_TYPE_HARDWARE, NULL, 0, NULL, 0, D3D11_SDK_VERSION, &gpu.device, NULL,
                              &gpu.context), "D3D11CreateDevice");
    return gpu;
}

void gpu_video(struct gpu *gpu)
{
    require(ID3D11Device_QueryInterface(gpu->device, &IID_ID3D11VideoDevice, (void **)&gpu->video_device),
            "QueryInterface of the device for ID3D11VideoDevice");
    require(ID3D11DeviceContext_QueryInterface(gpu->context, &IID_ID3D11VideoContext, (void **)&gpu->video_context),
            "QueryInterface of the context for ID3D11VideoContext");
}

struct gpu gpu_begin(void)
{
    struct gpu gpu = gpu_begin_plain();
    gpu_video(&gpu);
    return gpu;
}

ULONG gpu_end(struct gpu *gpu)
{
    com_release(gpu->video_context);
    com_release(gpu->video_device);
    com_release(gpu->context);
    return com_release(gpu->device);
}

D3D11_VIDEO_CONTENT_PROTECTION_CAPS gpu_caps(const struct gpu *gpu, const GUID *profile)
{
    D3D11_VIDEO_CONTENT_PROTECTION_CAPS caps;
    memset(&caps, 0xA5, sizeof caps);
    is_hresult(ID3D11VideoDevice_GetContentProtectionCaps(gpu->video_device, &D3D11_CRYPTO_TYPE_AES128_CTR, profile,
                                                          &caps), S_OK, "GetContentProtectionCaps");
    return caps;
}

D3D11_TEXTURE2D_DESC texture_desc(UINT width, UINT height, enum kind kind, UINT misc)
{
    D3D11_TEXTURE2D_DESC desc = {
        .Width = width,
        .Height = height,
        .MipLevels = 1,
        .ArraySize = 1,
        .Format = DXGI_FORMAT_R8G8B8A8_UNORM,
        .SampleDesc = {1, 0},
        .Usage = kind == STAGING ? D3D11_USAGE_STAGING : D3D11_USAGE_DEFAULT,
        .BindFlags = kind == STAGING ? 0 : D3D11_BIND_RENDER_TARGET,
        .CPUAccessFlags = kind == STAGING ? D3D11_CPU_ACCESS_READ | D3D11_CPU_ACCESS_WRITE : 0,
        .MiscFlags = misc,
    };
    return desc;
}

D3D11_BUFFER_DESC buffer_desc(UINT size, enum kind kind, UINT misc)
{
    const D3D11_TEXTURE2D_DESC like = texture_desc(1, 1, kind, misc);
    D3D11_BUFFER_DESC desc = {
        .ByteWidth = size,
        .Usage = like.Usage,
        .BindFlags = like.BindFlags,
        .CPUAccessFlags = like.CPUAccessFlags,
        .MiscFlags = like.MiscFlags,
    };
    return desc;
}

ID3D11Texture2D *gpu_texture(const struct gpu *gpu, UINT width, UINT height, enum kind kind, UINT misc)
{
    const D3D11_TEXTURE2D_DESC desc = texture_desc(width, height, kind, misc);
    ID3D11Texture2D *texture = NULL;
    require(ID3D11Device_CreateTexture2D(gpu->device, &desc, NULL, &texture), "CreateTexture2D");
    return texture;
}

ID3D11Texture2D *gpu_buffer(const struct gpu *gpu, UINT size, enum kind kind, UINT misc)
{
    const D3D11_BUFFER_DESC desc = buffer_desc(size, kind, misc);
    ID3D11Buffer *buffer = NULL;
    require(ID3D11Device_CreateBuffer(gpu->device, &desc, NULL, &buffer), "CreateBuffer");
    return (ID3D11Texture2D *)buffer;
}

/* What is to be known of a resource to read it. */
struct extent {
    bool is_buffer, is_staging;
    UINT width; /* pixels */
    size_t row, rows;
};

static struct extent extent_of(ID3D11Texture2D *resource)
{
    D3D11_RESOURCE_DIMENSION dimension;
    ID3D11Texture2D_GetType(resource, &dimension);
    if (dimension == D3D11_RESOURCE_DIMENSION_BUFFER) {
        D3D11_BUFFER_DESC desc;
        ID3D11Buffer_GetDesc((ID3D11Buffer *)resource, &desc);
        return (struct extent){true, desc.Usage == D3D11_USAGE_STAGING, desc.ByteWidth, desc.ByteWidth, 1};
    }
    D3D11_TEXTURE2D_DESC desc;
    ID3D11Texture2D_GetDesc(resource, &desc);
    return (struct extent){false, desc.Usage == D3D11_USAGE_STAGING, desc.Width, (size_t)desc.Width * 4, desc.Height};
}

size_t gpu_size(ID3D11Texture2D *resource)
{
    const struct extent extent = extent_of(resource);
    return extent.row * extent.rows;
}

/* The resource itself if it can be mapped, else a staging one like it. To be released. */
static ID3D11Texture2D *staging_for(const struct gpu *gpu, ID3D11Texture2D *resource)
{
    const struct extent extent = extent_of(resource);
    if (extent.is_staging) {
        ID3D11Texture2D_AddRef(resource);
        return resource;
    }
    return extent.is_buffer ? gpu_buffer(gpu, extent.width, STAGING, 0)
                            : gpu_texture(gpu, extent.width, (UINT)extent.rows, STAGING, 0);
}

/* Copies bytes from or to a resource that can be mapped. */
static void transfer(const struct gpu *gpu, ID3D11Texture2D *resource, D3D11_MAP access, const void *from, void *to)
{
    const struct extent extent = extent_of(resource);
    D3D11_MAPPED_SUBRESOURCE mapped;
    require(ID3D11DeviceContext_Map(gpu->context, (ID3D11Resource *)resource, 0, access, 0, &mapped), "Map");
    for (size_t row = 0; row < extent.rows; row++) {
        uint8_t *line = (uint8_t *)mapped.pData + row * mapped.RowPitch;
        if (from != NULL) {
            memcpy(line, (const uint8_t *)from + row * extent.row, extent.row);
        } else {
            memcpy((uint8_t *)to + row * extent.row, line, extent.row);
        }
    }
    ID3D11DeviceContext_Unmap(gpu->context, (ID3D11Resource *)resource, 0);
}

void gpu_write(const struct gpu *gpu, ID3D11Texture2D *resource, const void *bytes)
{
    ID3D11Texture2D *staging = staging_for(gpu, resource);
    transfer(gpu, staging, D3D11_MAP_WRITE, bytes, NULL);
    if (staging != resource) {
        ID3D11DeviceContext_CopyResource(gpu->context, (ID3D11Resource *)resource, (ID3D11Resource *)staging);
    }
    com_release(staging);
}

void gpu_read(const struct gpu *gpu, ID3D11Texture2D *resource, void *bytes)
{
    ID3D11Texture2D *staging = staging_for(gpu, resource);
    if (staging != resource) {
        ID3D11DeviceContext_CopyResource(gpu->context, (ID3D11Resource *)staging, (ID3D11Resource *)resource);
    }
    transfer(gpu, staging, D3D11_MAP_READ, NULL, bytes);
    com_release(staging);
}

void gpu_fill(const struct gpu *gpu, ID3D11Texture2D *resource, int value)
{
    const size_t size = gpu_size(resource);
    void *bytes = memset(allocate(size), value, size);
    gpu_write(gpu, resource, bytes);
    free(bytes);
}

void gpu_holds(const struct gpu *gpu, ID3D11Texture2D *resource, const void *bytes, const char *name)
{
    const size_t size = gpu_size(resource);
    void *seen = allocate(size);
    gpu_read(gpu, resource, seen);
    is_bytes(seen, bytes, size, "%s", name);
    free(seen);
}

void gpu_is_filled(const struct gpu *gpu, ID3D11Texture2D *resource, int value, const char *name)
{
    const size_t size = gpu_size(resource);
    void *expected = memset(allocate(size), value, size);
    gpu_holds(gpu, resource, expected, name);
    free(expected);
}

ULONG com_release(void *object)
{
    return object != NULL ? IUnknown_Release((IUnknown *)object) : 0;
}

ULONG com_references(void *object)
{
    IUnknown_AddRef((IUnknown *)object);
    return IUnknown_Release((IUnknown *)object);
}

void *allocate(size_t size)
{
    void *memory = malloc(size != 0 ? size : 1);
    if (memory == NULL) {
        tap_bail_out("no memory for %zu bytes", size);
    }
    return memory;
}

size_t heap_bytes(void)
{
    HANDLE heaps[64];
    const DWORD count = GetProcessHeaps(64, heaps);
    size_t bytes = 0;
    for (DWORD i = 0; i < count && i < 64; i++) {
        PROCESS_HEAP_ENTRY entry = {0};
        HeapLock(heaps[i]);
        while (HeapWalk(heaps[i], &entry)) {
            bytes += entry.wFlags & PROCESS_HEAP_ENTRY_BUSY ? entry.cbData : 0;
        }
        HeapUnlock(heaps[i]);
    }
    return bytes;
}

DWORD handle_count(void)
{
    DWORD count = 0;
    if (!GetProcessHandleCount(GetCurrentProcess(), &count) || count == 0) {
        HANDLE handle = CreateEventA(NULL, FALSE, FALSE, NULL);
        count = (DWORD)(uintptr_t)handle; /* the first that is free */
        CloseHandle(handle);
    }
    return count;
}
