/* Protected textures and buffers: how they are created, what may not be done with them while protection is on, and how many
   there can be. The argument "budget" says that the driver has 1 MiB for them. */
#include <cstring>
#include <vector>

#include "film.h"

namespace {

constexpr UINT width = 33, height = 9, buffer_size = 1000;
constexpr UINT content = D3D11_RESOURCE_MISC_RESTRICTED_CONTENT, hardware = D3D11_RESOURCE_MISC_HW_PROTECTED;

/* Textures and buffers are tested alike. */
enum Shape { TEXTURE, BUFFER };
const char *const shape_names[] = {"texture", "buffer"};

ID3D11Texture2D *create(const gpu &gpu, Shape shape, enum kind kind, UINT misc)
{
    return shape == TEXTURE ? gpu_texture(&gpu, width, height, kind, misc) : gpu_buffer(&gpu, buffer_size, kind, misc);
}

/* The result of creating one of any usage; what is created is released. */
HRESULT try_create(const gpu &gpu, Shape shape, D3D11_USAGE usage, UINT misc)
{
    const bool is_staging = usage == D3D11_USAGE_STAGING, is_dynamic = usage == D3D11_USAGE_DYNAMIC;
    const UINT bind = is_staging ? 0 : is_dynamic ? D3D11_BIND_SHADER_RESOURCE : D3D11_BIND_RENDER_TARGET;
    const UINT access = is_staging || is_dynamic ? D3D11_CPU_ACCESS_WRITE : 0;
    ID3D11Resource *resource = nullptr;
    HRESULT result;
    if (shape == TEXTURE) {
        D3D11_TEXTURE2D_DESC desc = texture_desc(width, height, TARGET, misc);
        desc.Usage = usage, desc.BindFlags = bind, desc.CPUAccessFlags = access;
        result = gpu.device->CreateTexture2D(&desc, nullptr, reinterpret_cast<ID3D11Texture2D **>(&resource));
    } else {
        const D3D11_BUFFER_DESC desc = {buffer_size, usage, bind, access, misc, 0};
        result = gpu.device->CreateBuffer(&desc, nullptr, reinterpret_cast<ID3D11Buffer **>(&resource));
    }
    ok((resource != nullptr) == SUCCEEDED(result), "a resource or none, as the result says");
    com_release(resource);
    return result;
}

UINT misc_of(ID3D11Texture2D *resource, Shape shape)
{
    D3D11_TEXTURE2D_DESC texture;
    D3D11_BUFFER_DESC buffer;
    if (shape == TEXTURE) {
        resource->GetDesc(&texture);
        return texture.MiscFlags;
    }
    reinterpret_cast<ID3D11Buffer *>(resource)->GetDesc(&buffer);
    return buffer.MiscFlags;
}

void test_creation(const gpu &gpu, Shape shape)
{
    tap_context("%s", shape_names[shape]);
    for (const UINT misc : {content, hardware, content | hardware}) {
        ID3D11Texture2D *resource = create(gpu, shape, TARGET, misc);
        is_number(misc_of(resource, shape), misc, "the description keeps the flags 0x%x", misc);
        com_release(resource);
    }
    is_hresult(try_create(gpu, shape, D3D11_USAGE_DYNAMIC, hardware), E_INVALIDARG, "HW_PROTECTED is refused with DYNAMIC");
    is_hresult(try_create(gpu, shape, D3D11_USAGE_STAGING, hardware), E_INVALIDARG, "HW_PROTECTED is refused with STAGING");
    is_hresult(try_create(gpu, shape, D3D11_USAGE_DYNAMIC, 0), S_OK, "DYNAMIC without flags");
    is_hresult(try_create(gpu, shape, D3D11_USAGE_STAGING, 0), S_OK, "STAGING without flags");
}

/* Every way from a resource to another one. */
void copy(const gpu &gpu, int way, ID3D11Texture2D *destination, ID3D11Texture2D *source)
{
    if (way == 0) {
        gpu.context->CopyResource(destination, source);
    } else {
        gpu.context->CopySubresourceRegion(destination, 0, 0, 0, 0, source, 0, nullptr);
    }
}
const char *const way_names[] = {"CopyResource", "CopySubresourceRegion"};

void test_protection(const gpu &gpu, channel &channel, Shape shape, UINT misc)
{
    tap_context("%s 0x%x", shape_names[shape], misc);
    Film film(gpu, create(gpu, shape, STAGING, 0));
    ID3D11Texture2D *safe = create(gpu, shape, TARGET, misc), *other = create(gpu, shape, TARGET, misc);
    ID3D11Texture2D *plain = create(gpu, shape, TARGET, 0), *staging = create(gpu, shape, STAGING, 0);
    std::vector<uint8_t> filled(film.clear.size(), 0x5A);
    D3D11_MAPPED_SUBRESOURCE mapped;

    film.play(plain);
    gpu_holds(&gpu, plain, film.clear.data(), "before protection any destination will do");
    film.play(safe);
    gpu_holds(&gpu, safe, film.clear.data(), "and a protected resource can be copied");

    channel_protection(&channel, true);
    gpu_fill(&gpu, plain, 0x5A);
    film.play(plain);
    gpu_is_filled(&gpu, plain, 0x5A, "protection on: DecryptionBlt to an unprotected destination does nothing");
    for (int way = 0; way < 2; way++) {
        gpu_fill(&gpu, staging, 0x5A);
        copy(gpu, way, plain, safe);
        gpu_is_filled(&gpu, plain, 0x5A, way_names[way]);
        copy(gpu, way, staging, safe);
        gpu_is_filled(&gpu, staging, 0x5A, way_names[way]);
        gpu_write(&gpu, plain, film.clear.data());
        copy(gpu, way, other, plain);
        film.holds(other, staging, film.clear.data(), "an unprotected one can be copied to a protected one");
        film.play(safe);
        film.holds(safe, staging, film.clear.data(), "DecryptionBlt to a protected destination");
        copy(gpu, way, other, safe);
        film.holds(other, staging, film.clear.data(), "a protected one can be copied to another one");
        gpu_fill(&gpu, plain, 0x5A);
    }
    gpu.context->UpdateSubresource(safe, 0, nullptr, filled.data(), width * 4, 0);
    film.holds(safe, staging, filled.data(), "a protected one can be written");
    ok(FAILED(gpu.context->Map(safe, 0, D3D11_MAP_READ, 0, &mapped)), "a protected one cannot be mapped");
    if (misc == content) {
        ID3D11Texture2D *mappable = create(gpu, shape, STAGING, content);
        IDXGISurface *surface = nullptr; /* a buffer has none */
        DXGI_MAPPED_RECT rect = {};
        mappable->QueryInterface(IID_PPV_ARGS(&surface));
        if (surface != nullptr) {
            is_hresult(surface->Map(&rect, DXGI_MAP_READ), static_cast<HRESULT>(0x8876087D), "nor through its DXGI surface");
        }
        ok(FAILED(gpu.context->Map(mappable, 0, D3D11_MAP_READ, 0, &mapped)),
           "not even one that could be mapped otherwise");
        channel_protection(&channel, false);
        if (surface != nullptr) {
            is_hresult(surface->Map(&rect, DXGI_MAP_READ), S_OK, "protection off: its DXGI surface can be mapped, too");
            surface->Unmap();
            com_release(surface);
        }
        is_hresult(gpu.context->Map(mappable, 0, D3D11_MAP_READ, 0, &mapped), S_OK, "protection off: it can be mapped");
        gpu.context->Unmap(mappable, 0);
        com_release(mappable);
    } else {
        channel_protection(&channel, false);
    }
    gpu_holds(&gpu, safe, filled.data(), "protection off: a protected resource can be copied");
    film.play(plain);
    gpu_holds(&gpu, plain, film.clear.data(), "and DecryptionBlt goes where it likes");
    com_release(staging);
    com_release(plain);
    com_release(other);
    com_release(safe);
}

/* Protection ends with the channel that has asked for it. */
void test_channel_end(const gpu &gpu)
{
    tap_context("the channel's end");
    Film film(gpu, create(gpu, BUFFER, STAGING, 0));
    ID3D11Texture2D *plain = create(gpu, BUFFER, TARGET, 0);
    channel first = channel_begin(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
    channel second = channel_begin(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
    channel_protection(&first, true);
    channel_protection(&second, true);
    channel_protection(&second, false);
    gpu_fill(&gpu, plain, 0x5A);
    film.play(plain);
    gpu_is_filled(&gpu, plain, 0x5A, "protection is on as long as one channel says so");
    com_release(second.object);
    com_release(first.object);
    film.play(plain);
    gpu_holds(&gpu, plain, film.clear.data(), "and off without channels");
    com_release(plain);
}

/* 1 MiB of protected memory: four textures of 256 KiB, and no buffer more. */
void test_budget(const gpu &gpu)
{
    tap_context("budget");
    is_number(gpu_caps(&gpu, &GUID_NULL).ProtectedMemorySize, 1 << 20, "the capabilities say 1 MiB");
    std::vector<ID3D11Texture2D *> textures;
    for (int i = 0; i < 4; i++) {
        textures.push_back(gpu_texture(&gpu, 256, 256, TARGET, content));
    }
    is_hresult(try_create(gpu, BUFFER, D3D11_USAGE_DEFAULT, content), E_OUTOFMEMORY, "a buffer more");
    is_hresult(try_create(gpu, TEXTURE, D3D11_USAGE_DEFAULT, hardware), E_OUTOFMEMORY, "a texture more");
    is_hresult(try_create(gpu, TEXTURE, D3D11_USAGE_DEFAULT, 0), S_OK, "an unprotected texture more");
    com_release(textures.back());
    textures.pop_back();
    is_hresult(try_create(gpu, BUFFER, D3D11_USAGE_DEFAULT, content), S_OK, "a buffer in place of a texture");
    for (int i = 0; i < 100; i++) {
        com_release(gpu_texture(&gpu, 256, 256, TARGET, content));
    }
    ok(true, "what is released is given back, a hundred times");
    for (ID3D11Texture2D *texture : textures) {
        com_release(texture);
    }
}

} // namespace

int main(int argc, char **argv)
{
    tap_begin();
    gpu gpu = gpu_begin();
    if (argc > 1 && std::strcmp(argv[1], "budget") == 0) {
        test_budget(gpu);
    } else {
        channel channel = channel_begin(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
        for (const Shape shape : {TEXTURE, BUFFER}) {
            test_creation(gpu, shape);
            for (const UINT misc : {content, hardware}) {
                test_protection(gpu, channel, shape, misc);
            }
        }
        com_release(channel.object);
        test_channel_end(gpu);
    }
    tap_context(nullptr);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
    return tap_done();
}
