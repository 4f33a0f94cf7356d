/* Blits of every format that the implementation below can have, in sizes from one pixel to 4K, and of textures with mipmaps
   and arrays. What comes out is compared with the client's own AES-CTR over the visible bytes. */
#include <cstdio>
#include <cstring>
#include <vector>

#include "client.h"

namespace {

struct Format {
    DXGI_FORMAT format;
    UINT bytes; /* of a pixel */
    const char *name;
};
#define FORMAT(name, bytes) {DXGI_FORMAT_##name, bytes, #name}
/* Not B8G8R8X8: the byte without a meaning is lost in copies, by Wine's implementation at least. */
const Format formats[] = {
    FORMAT(R8_UNORM, 1), FORMAT(R8_UINT, 1), FORMAT(A8_UNORM, 1), FORMAT(R8_TYPELESS, 1), FORMAT(R8G8_UNORM, 2),
    FORMAT(R8G8_TYPELESS, 2), FORMAT(R16_UNORM, 2), FORMAT(R16_FLOAT, 2), FORMAT(R16_UINT, 2), FORMAT(R16_TYPELESS, 2),
    FORMAT(B5G6R5_UNORM, 2), FORMAT(R8G8B8A8_UNORM, 4), FORMAT(R8G8B8A8_UNORM_SRGB, 4), FORMAT(R8G8B8A8_UINT, 4),
    FORMAT(R8G8B8A8_TYPELESS, 4), FORMAT(B8G8R8A8_UNORM, 4), FORMAT(B8G8R8A8_UNORM_SRGB, 4),
    FORMAT(B8G8R8A8_TYPELESS, 4), FORMAT(R10G10B10A2_UNORM, 4),
    FORMAT(R10G10B10A2_TYPELESS, 4), FORMAT(R11G11B10_FLOAT, 4), FORMAT(R16G16_UNORM, 4), FORMAT(R16G16_FLOAT, 4),
    FORMAT(R32_FLOAT, 4), FORMAT(R32_UINT, 4), FORMAT(R32_TYPELESS, 4), FORMAT(R16G16B16A16_FLOAT, 8),
    FORMAT(R16G16B16A16_UNORM, 8), FORMAT(R16G16B16A16_TYPELESS, 8), FORMAT(R32G32_FLOAT, 8), FORMAT(R32G32_TYPELESS, 8),
    FORMAT(R32G32B32A32_FLOAT, 16), FORMAT(R32G32B32A32_UINT, 16), FORMAT(R32G32B32A32_TYPELESS, 16),
};

/* One resource's description as wanted here; null if it cannot be created below. */
ID3D11Texture2D *create(const gpu &gpu, const D3D11_TEXTURE2D_DESC &desc)
{
    ID3D11Texture2D *texture = nullptr;
    return SUCCEEDED(gpu.device->CreateTexture2D(&desc, nullptr, &texture)) ? texture : nullptr;
}

/* Writes or reads the visible bytes of a staging texture. */
void transfer(const gpu &gpu, ID3D11Texture2D *staging, D3D11_MAP access, std::vector<uint8_t> &bytes, size_t row)
{
    D3D11_MAPPED_SUBRESOURCE mapped;
    const HRESULT result = gpu.context->Map(staging, 0, access, 0, &mapped);
    if (FAILED(result)) {
        tap_bail_out("Map: 0x%08lx", static_cast<unsigned long>(result));
    }
    for (size_t at = 0; at < bytes.size(); at += row) {
        uint8_t *line = static_cast<uint8_t *>(mapped.pData) + at / row * mapped.RowPitch;
        if (access == D3D11_MAP_WRITE) {
            std::memcpy(line, &bytes[at], row);
        } else {
            std::memcpy(&bytes[at], line, row);
        }
    }
    gpu.context->Unmap(staging, 0);
}

uint64_t number;

/* Decrypts to `target`, and encrypts from it. The first subresource of a texture with several is what is decrypted. */
void round_trip(const session &session, ID3D11Texture2D *target, ID3D11Texture2D *staging, size_t row, UINT height,
                const char *name)
{
    const gpu &gpu = *session.gpu;
    std::vector<uint8_t> clear(row * height), bytes, wrapped(KEY_SIZE), key(KEY_SIZE);
    uint8_t iv[IV_SIZE];
    for (size_t i = 0; i < clear.size(); i++) {
        clear[i] = static_cast<uint8_t>(i * 31 + (i >> 8) * 7 + number);
    }
    bytes = clear;
    crypto_iv(++number, 5, iv);
    crypto_ctr(session.key, iv, nullptr, bytes.data(), bytes.size());
    transfer(gpu, staging, D3D11_MAP_WRITE, bytes, row);
    session_decrypt(&session, staging, target, nullptr, nullptr, iv);
    gpu.context->CopySubresourceRegion(staging, 0, 0, 0, 0, target, 0, nullptr);
    transfer(gpu, staging, D3D11_MAP_READ, bytes, row);
    is_bytes(bytes.data(), clear.data(), clear.size(), "%s: decrypted", name);

    is_hresult(gpu.video_context->GetEncryptionBltKey(session.object, KEY_SIZE, wrapped.data()), S_OK,
               "GetEncryptionBltKey");
    crypto_unwrap(session.key, wrapped.data(), key.data());
    session_encrypt(&session, target, staging, iv);
    transfer(gpu, staging, D3D11_MAP_READ, bytes, row);
    ok(bytes != clear || bytes.size() < 4, "%s: encrypted", name); /* a few bytes may well be equal */
    crypto_ctr(key.data(), iv, nullptr, bytes.data(), bytes.size());
    is_bytes(bytes.data(), clear.data(), clear.size(), "%s: read back", name);
}

/* Returns whether there are such textures. */
bool test_format(const session &session, const Format &format, UINT width, UINT height, UINT misc)
{
    D3D11_TEXTURE2D_DESC desc = texture_desc(width, height, TARGET, misc), plain = texture_desc(width, height, STAGING, 0);
    desc.Format = plain.Format = format.format;
    ID3D11Texture2D *target = create(*session.gpu, desc), *staging = create(*session.gpu, plain);
    if (target != nullptr && staging != nullptr) {
        char name[80];
        snprintf(name, sizeof name, "%s %ux%u%s", format.name, width, height, misc != 0 ? " protected" : "");
        round_trip(session, target, staging, static_cast<size_t>(width) * format.bytes, height, name);
    }
    const bool both = target != nullptr && staging != nullptr;
    com_release(target);
    com_release(staging);
    return both;
}

/* Only the first subresource is written; source and destination must agree in the rest. */
void test_subresources(const session &session, UINT levels, UINT layers)
{
    const gpu &gpu = *session.gpu;
    char name[60];
    snprintf(name, sizeof name, "%u levels, %u layers", levels, layers);
    D3D11_TEXTURE2D_DESC desc = texture_desc(32, 16, TARGET, 0), plain = texture_desc(32, 16, STAGING, 0);
    desc.MipLevels = levels, desc.ArraySize = layers;
    desc.BindFlags |= D3D11_BIND_SHADER_RESOURCE;
    ID3D11Texture2D *target = create(gpu, desc), *staging = create(gpu, plain), *last = nullptr;
    const UINT width = 32 >> (levels - 1), height = 16 >> (levels - 1), subresource = levels * layers - 1;
    D3D11_TEXTURE2D_DESC small = texture_desc(width, height, STAGING, 0);
    last = create(gpu, small);
    std::vector<uint8_t> mark(width * height * 4, 0x5A), seen(mark.size());
    gpu.context->UpdateSubresource(target, subresource, nullptr, mark.data(), width * 4, 0);
    round_trip(session, target, staging, 32 * 4, 16, name);
    gpu.context->CopySubresourceRegion(last, 0, 0, 0, 0, target, subresource, nullptr);
    transfer(gpu, last, D3D11_MAP_READ, seen, width * 4);
    is_filled(seen.data(), 0x5A, seen.size(), "%s: the last subresource is kept", name);
    com_release(last);
    com_release(staging);
    com_release(target);
}

} // namespace

int main()
{
    tap_begin();
    gpu gpu = gpu_begin();
    session session = session_begin(&gpu);
    unsigned tested = 0;
    for (const Format &format : formats) {
        bool exists = true;
        for (const UINT misc : {0u, static_cast<UINT>(D3D11_RESOURCE_MISC_RESTRICTED_CONTENT)}) {
            for (const SIZE size : {SIZE{1, 1}, SIZE{3, 5}, SIZE{17, 33}, SIZE{257, 3}}) {
                exists = exists && test_format(session, format, size.cx, size.cy, misc);
            }
        }
        tested += exists;
        if (!exists) {
            tap_skip("the implementation below has no such textures", "%s", format.name);
        }
    }
    ok(tested >= 8, "%u formats can be tested", tested);
    const Format rgba = FORMAT(R8G8B8A8_UNORM, 4), one = FORMAT(R8_UNORM, 1);
    for (const SIZE size : {SIZE{1, 4096}, SIZE{4096, 1}, SIZE{1921, 1081}, SIZE{3840, 2160}}) {
        ok(test_format(session, rgba, size.cx, size.cy, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT), "a large texture");
    }
    ok(test_format(session, one, 2047, 1025, 0), "a large texture of one byte a pixel");
    com_release(session.object);
    session = session_begin(&gpu);
    for (const SIZE shape : {SIZE{3, 1}, SIZE{1, 4}, SIZE{2, 3}}) {
        test_subresources(session, shape.cx, shape.cy);
    }
    com_release(session.object);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
    return tap_done();
}
