/* A program that knows nothing of content protection: it draws and prints what it sees. Its output must be the same with
   the layer and without it. */
#include <cstdio>
#include <vector>

#include <d3dcompiler.h>

#include "gpu.h"

namespace {

constexpr UINT width = 64, height = 48;

const char shader[] = "float4 vs(float4 position : POSITION) : SV_POSITION { return position; }\n"
                      "float4 ps(float4 position : SV_POSITION) : SV_TARGET { return float4(0.25, 0.5, 0.75, 1); }\n";

void say(const char *name, HRESULT result)
{
    printf("%s: 0x%08lx\n", name, static_cast<unsigned long>(result));
}

void say_references(const char *step, const gpu &gpu)
{
    printf("after %s: device %lu, context %lu\n", step, com_references(gpu.device), com_references(gpu.context));
}

/* The first 64 bits of FNV-1a. */
uint64_t hash(const uint8_t *bytes, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    }
    return hash;
}

const void *table(void *object)
{
    return *static_cast<const void **>(object);
}

/* Which interfaces an object has, apart from those of video, and whether they are the object. */
void say_interfaces(const char *name, IUnknown *object)
{
    static const struct {
        const char *name;
        GUID iid;
    } interfaces[] = {
        {"IUnknown", IID_IUnknown},
        {"ID3D11Device", __uuidof(ID3D11Device)},
        {"ID3D11Device1", __uuidof(ID3D11Device1)},
        {"ID3D11Device2", __uuidof(ID3D11Device2)},
        {"ID3D11Device3", __uuidof(ID3D11Device3)},
        {"ID3D11Device4", __uuidof(ID3D11Device4)},
        {"ID3D11Device5", __uuidof(ID3D11Device5)},
        {"ID3D11DeviceContext", __uuidof(ID3D11DeviceContext)},
        {"ID3D11DeviceContext1", __uuidof(ID3D11DeviceContext1)},
        {"ID3D11DeviceContext2", __uuidof(ID3D11DeviceContext2)},
        {"ID3D11DeviceContext3", __uuidof(ID3D11DeviceContext3)},
        {"ID3D11DeviceContext4", __uuidof(ID3D11DeviceContext4)},
        {"ID3D11Multithread", __uuidof(ID3D11Multithread)},
        {"ID3D11InfoQueue", __uuidof(ID3D11InfoQueue)},
        {"ID3D11Debug", __uuidof(ID3D11Debug)},
        {"ID3D11CryptoSession", __uuidof(ID3D11CryptoSession)},
        {"IDXGIDevice", __uuidof(IDXGIDevice)},
        {"IDXGIDevice1", __uuidof(IDXGIDevice1)},
        {"IDXGIDevice2", __uuidof(IDXGIDevice2)},
        {"IDXGIDevice3", __uuidof(IDXGIDevice3)},
        {"IDXGIDevice4", __uuidof(IDXGIDevice4)},
        {"none", {0x12345678, 0x1234, 0x1234, {1, 2, 3, 4, 5, 6, 7, 8}}},
    };
    for (const auto &interface_ : interfaces) {
        IUnknown *first = nullptr, *second = nullptr;
        const HRESULT result = object->QueryInterface(interface_.iid, reinterpret_cast<void **>(&first));
        printf("%s as %s: 0x%08lx", name, interface_.name, static_cast<unsigned long>(result));
        if (SUCCEEDED(result)) {
            object->QueryInterface(interface_.iid, reinterpret_cast<void **>(&second));
            printf(", %s, %s, references %lu", first == object ? "the object" : "another address",
                   first == second ? "the same again" : "another again", com_references(first));
        }
        printf("\n");
        com_release(first);
        com_release(second);
    }
}

void say_pixels(const char *name, const gpu &gpu, ID3D11Texture2D *texture)
{
    std::vector<uint8_t> pixels(gpu_size(texture));
    gpu_read(&gpu, texture, pixels.data());
    printf("%s: pixels %016llx, the first %02x%02x%02x%02x\n", name,
           static_cast<unsigned long long>(hash(pixels.data(), pixels.size())), pixels[0], pixels[1], pixels[2], pixels[3]);
}

void say_adapter(const gpu &gpu)
{
    IDXGIDevice *device = nullptr;
    IDXGIAdapter *adapter = nullptr;
    DXGI_ADAPTER_DESC desc = {};
    say("IDXGIDevice", gpu.device->QueryInterface(&device));
    say("GetAdapter", device->GetAdapter(&adapter));
    say("GetDesc", adapter->GetDesc(&desc));
    printf("adapter: %ls, vendor %04x, device %04x, %llu MiB\n", desc.Description, desc.VendorId, desc.DeviceId,
           static_cast<unsigned long long>(desc.DedicatedVideoMemory >> 20));
    IDXGIAdapter3 *adapter3 = nullptr;
    say("IDXGIAdapter3", adapter->QueryInterface(&adapter3));
    com_release(adapter3);
    com_release(adapter);
    com_release(device);
}

/* A triangle over half of the target. */
void draw(const gpu &gpu, ID3D11RenderTargetView *view)
{
    ID3DBlob *vertex_code = nullptr, *pixel_code = nullptr;
    if (FAILED(D3DCompile(shader, sizeof shader - 1, nullptr, nullptr, nullptr, "vs", "vs_4_0", 0, 0, &vertex_code,
                          nullptr)) ||
        FAILED(D3DCompile(shader, sizeof shader - 1, nullptr, nullptr, nullptr, "ps", "ps_4_0", 0, 0, &pixel_code,
                          nullptr))) {
        printf("no triangle: shaders cannot be compiled here\n");
        com_release(vertex_code);
        return;
    }
    const float vertices[][4] = {{-1, -1, 0, 1}, {-1, 1, 0, 1}, {1, 1, 0, 1}};
    const D3D11_BUFFER_DESC desc = {sizeof vertices, D3D11_USAGE_IMMUTABLE, D3D11_BIND_VERTEX_BUFFER, 0, 0, 0};
    const D3D11_SUBRESOURCE_DATA data = {vertices, 0, 0};
    const D3D11_INPUT_ELEMENT_DESC element = {"POSITION", 0, DXGI_FORMAT_R32G32B32A32_FLOAT, 0, 0,
                                              D3D11_INPUT_PER_VERTEX_DATA, 0};
    ID3D11VertexShader *vertex_shader = nullptr;
    ID3D11PixelShader *pixel_shader = nullptr;
    ID3D11InputLayout *layout = nullptr;
    ID3D11Buffer *buffer = nullptr;
    say("vertex shader", gpu.device->CreateVertexShader(vertex_code->GetBufferPointer(), vertex_code->GetBufferSize(),
                                                        nullptr, &vertex_shader));
    say("pixel shader", gpu.device->CreatePixelShader(pixel_code->GetBufferPointer(), pixel_code->GetBufferSize(),
                                                      nullptr, &pixel_shader));
    say("layout", gpu.device->CreateInputLayout(&element, 1, vertex_code->GetBufferPointer(),
                                                vertex_code->GetBufferSize(), &layout));
    say("vertex buffer", gpu.device->CreateBuffer(&desc, &data, &buffer));
    const UINT stride = sizeof vertices[0], offset = 0;
    const D3D11_VIEWPORT viewport = {0, 0, width, height, 0, 1};
    gpu.context->IASetInputLayout(layout);
    gpu.context->IASetPrimitiveTopology(D3D11_PRIMITIVE_TOPOLOGY_TRIANGLELIST);
    gpu.context->IASetVertexBuffers(0, 1, &buffer, &stride, &offset);
    gpu.context->VSSetShader(vertex_shader, nullptr, 0);
    gpu.context->PSSetShader(pixel_shader, nullptr, 0);
    gpu.context->RSSetViewports(1, &viewport);
    gpu.context->OMSetRenderTargets(1, &view, nullptr);
    gpu.context->Draw(3, 0);
    gpu.context->ClearState();
    com_release(buffer);
    com_release(layout);
    com_release(pixel_shader);
    com_release(vertex_shader);
    com_release(pixel_code);
    com_release(vertex_code);
}

/* What a program can do with resources, each way of filling and copying. */
void render(const gpu &gpu)
{
    ID3D11Texture2D *target = gpu_texture(&gpu, width, height, TARGET, 0), *copy = gpu_texture(&gpu, width, height, TARGET, 0);
    ID3D11RenderTargetView *view = nullptr;
    say("view", gpu.device->CreateRenderTargetView(target, nullptr, &view));
    const float colour[] = {1, 0.5, 0.25, 1};
    gpu.context->ClearRenderTargetView(view, colour);
    say_pixels("cleared", gpu, target);
    draw(gpu, view);
    say_pixels("drawn", gpu, target);
    const D3D11_BOX box = {3, 4, 0, 40, 30, 1};
    gpu_fill(&gpu, copy, 0x11);
    gpu.context->CopySubresourceRegion(copy, 0, 7, 5, 0, target, 0, &box);
    say_pixels("copied in part", gpu, copy);
    std::vector<uint32_t> pixels(10 * 10, 0x80604020);
    const D3D11_BOX small = {1, 1, 0, 11, 11, 1};
    gpu.context->UpdateSubresource(copy, 0, &small, pixels.data(), 40, 400);
    say_pixels("updated", gpu, copy);
    gpu.context->CopyResource(target, copy);
    say_pixels("copied", gpu, target);
    gpu.context->Flush();
    say_references("rendering", gpu);
    com_release(view);
    com_release(copy);
    com_release(target);
    ID3D11Texture2D *buffer = gpu_buffer(&gpu, 1000, TARGET, 0);
    gpu_fill(&gpu, buffer, 0x42);
    say_pixels("a buffer", gpu, buffer);
    com_release(buffer);
    say_references("releasing", gpu);
}

/* Descriptions that are refused, and flags as they are stored. */
void resources(const gpu &gpu)
{
    for (const UINT usage : {D3D11_USAGE_DEFAULT, D3D11_USAGE_IMMUTABLE, D3D11_USAGE_DYNAMIC, D3D11_USAGE_STAGING}) {
        for (const UINT access : {0u, UINT(D3D11_CPU_ACCESS_WRITE), UINT(D3D11_CPU_ACCESS_READ)}) {
            D3D11_TEXTURE2D_DESC desc = texture_desc(8, 8, TARGET, 0);
            desc.Usage = static_cast<D3D11_USAGE>(usage);
            desc.CPUAccessFlags = access;
            desc.BindFlags = usage == D3D11_USAGE_STAGING ? 0 : D3D11_BIND_SHADER_RESOURCE;
            ID3D11Texture2D *texture = nullptr;
            printf("usage %u, access 0x%x: ", usage, access);
            say("texture", gpu.device->CreateTexture2D(&desc, nullptr, &texture));
            if (texture) {
                D3D11_MAPPED_SUBRESOURCE mapped;
                const HRESULT result = gpu.context->Map(texture, 0, D3D11_MAP_READ, 0, &mapped);
                say("  mapped", result);
                if (SUCCEEDED(result)) {
                    gpu.context->Unmap(texture, 0);
                }
                texture->Release();
            }
        }
    }
}

void tables(const gpu &a, const gpu &b)
{
    ID3D11Device *of_context = nullptr;
    ID3D11DeviceContext *immediate = nullptr, *deferred = nullptr;
    a.context->GetDevice(&of_context);
    a.device->GetImmediateContext(&immediate);
    say("a deferred context", a.device->CreateDeferredContext(0, &deferred));
    printf("two devices: %s table\n", table(a.device) == table(b.device) ? "one" : "each its own");
    printf("two contexts: %s table\n", table(a.context) == table(b.context) ? "one" : "each its own");
    printf("a deferred context: %s table\n", table(a.context) == table(deferred) ? "the same" : "its own");
    printf("the context's device: %s\n", of_context == a.device ? "the device" : "another");
    printf("the immediate context: %s\n", immediate == a.context ? "the context" : "another");
    com_release(deferred);
    com_release(immediate);
    com_release(of_context);
}

/* A device with a window. */
void present()
{
    const HWND window = CreateWindowA("STATIC", "plain rendering", WS_OVERLAPPEDWINDOW, 0, 0, width, height, nullptr, nullptr,
                                      nullptr, nullptr);
    DXGI_SWAP_CHAIN_DESC desc = {};
    desc.BufferDesc = {width, height, {60, 1}, DXGI_FORMAT_R8G8B8A8_UNORM, DXGI_MODE_SCANLINE_ORDER_UNSPECIFIED,
                       DXGI_MODE_SCALING_UNSPECIFIED};
    desc.SampleDesc = {1, 0};
    desc.BufferUsage = DXGI_USAGE_RENDER_TARGET_OUTPUT;
    desc.BufferCount = 1;
    desc.OutputWindow = window;
    desc.Windowed = TRUE;
    gpu gpu = {};
    IDXGISwapChain *chain = nullptr;
    D3D_FEATURE_LEVEL level;
    say("D3D11CreateDeviceAndSwapChain",
        D3D11CreateDeviceAndSwapChain(nullptr, D3D_DRIVER_TYPE_HARDWARE, nullptr, 0, nullptr, 0, D3D11_SDK_VERSION, &desc,
                                      &chain, &gpu.device, &level, &gpu.context));
    if (chain) {
        ID3D11Texture2D *back = nullptr;
        ID3D11RenderTargetView *view = nullptr;
        say("GetBuffer", chain->GetBuffer(0, __uuidof(ID3D11Texture2D), reinterpret_cast<void **>(&back)));
        say("view", gpu.device->CreateRenderTargetView(back, nullptr, &view));
        const float colour[] = {0, 1, 0, 1};
        gpu.context->ClearRenderTargetView(view, colour);
        say_pixels("the back buffer", gpu, back);
        com_release(view);
        com_release(back);
        say("Present", chain->Present(0, 0));
        say_references("presenting", gpu);
        printf("the chain: %lu left\n", com_release(chain));
    }
    printf("the device: %lu left\n", gpu.device ? gpu_end(&gpu) : 0);
    DestroyWindow(window);
}

} // namespace

int main()
{
    tap_begin();
    D3D_FEATURE_LEVEL level;
    say("nothing asked for", D3D11CreateDevice(nullptr, D3D_DRIVER_TYPE_HARDWARE, nullptr, 0, nullptr, 0, D3D11_SDK_VERSION,
                                               nullptr, &level, nullptr));
    say("a bad version", D3D11CreateDevice(nullptr, D3D_DRIVER_TYPE_HARDWARE, nullptr, 0, nullptr, 0, 0, nullptr, nullptr,
                                           nullptr));
    gpu first = gpu_begin_plain(), second = gpu_begin_plain();
    printf("feature level 0x%x, flags 0x%x, removed 0x%08lx\n", first.device->GetFeatureLevel(),
           first.device->GetCreationFlags(), static_cast<unsigned long>(first.device->GetDeviceRemovedReason()));
    say_references("creation", first);
    say_adapter(first);
    tables(first, second);
    say_interfaces("device", first.device);
    say_interfaces("context", first.context);
    say_references("queries", first);
    resources(first);
    render(first);
    printf("the second device: %lu left\n", gpu_end(&second));
    render(first);
    printf("the device: %lu left\n", gpu_end(&first));
    present();
    return 0;
}
