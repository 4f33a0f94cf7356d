/* Which devices have the layer's video interfaces: the argument is the setting d3d11.video_device, always, auto or never. */
#include <cstring>

#include "client.h"

namespace {

bool has_video(const gpu &gpu)
{
    ID3D11VideoDevice *device = nullptr;
    ID3D11VideoContext *context = nullptr;
    const bool has = SUCCEEDED(gpu.device->QueryInterface(IID_PPV_ARGS(&device)));
    ok(has == SUCCEEDED(gpu.context->QueryInterface(IID_PPV_ARGS(&context))), "device and context agree");
    com_release(context);
    com_release(device);
    return has;
}

HRESULT create(gpu *gpu, UINT flags)
{
    *gpu = {};
    return D3D11CreateDevice(nullptr, D3D_DRIVER_TYPE_HARDWARE, nullptr, flags, nullptr, 0, D3D11_SDK_VERSION, &gpu->device,
                             nullptr, &gpu->context);
}

/* The same with a swap chain, by whichever of its outputs a program asks for. */
void test_swap_chain(bool fails)
{
    const HWND window = CreateWindowA("static", "video_device", WS_POPUP, 0, 0, 64, 64, nullptr, nullptr, nullptr, nullptr);
    DXGI_SWAP_CHAIN_DESC desc = {};
    desc.BufferDesc = {64, 64, {60, 1}, DXGI_FORMAT_R8G8B8A8_UNORM, DXGI_MODE_SCANLINE_ORDER_UNSPECIFIED,
                       DXGI_MODE_SCALING_UNSPECIFIED};
    desc.SampleDesc.Count = 1;
    desc.BufferUsage = DXGI_USAGE_RENDER_TARGET_OUTPUT;
    desc.BufferCount = 1;
    desc.OutputWindow = window;
    desc.Windowed = TRUE;
    for (UINT outputs = 1; outputs < 8; outputs++) {
        IDXGISwapChain *chain = nullptr;
        gpu gpu = {};
        const HRESULT result = D3D11CreateDeviceAndSwapChain(
            nullptr, D3D_DRIVER_TYPE_HARDWARE, nullptr, D3D11_CREATE_DEVICE_VIDEO_SUPPORT, nullptr, 0, D3D11_SDK_VERSION,
            &desc, outputs & 1 ? &chain : nullptr, outputs & 2 ? &gpu.device : nullptr, nullptr,
            outputs & 4 ? &gpu.context : nullptr);
        if (fails) {
            is_hresult(result, DXGI_ERROR_UNSUPPORTED, "with a swap chain, outputs %u", outputs);
            ok(chain == nullptr && gpu.device == nullptr && gpu.context == nullptr, "nothing is handed out");
        } else {
            is_hresult(result, S_OK, "with a swap chain, outputs %u", outputs);
            ok((chain != nullptr) == (outputs & 1) && (gpu.device != nullptr) == !!(outputs & 2) &&
                   (gpu.context != nullptr) == !!(outputs & 4), "what was asked for is handed out");
            if (gpu.device != nullptr && gpu.context != nullptr) {
                ok(has_video(gpu), "has video interfaces");
            }
        }
        com_release(chain);
        com_release(gpu.context);
        com_release(gpu.device);
    }
    DestroyWindow(window);
}

} // namespace

int main(int argc, char **argv)
{
    tap_begin();
    const char *setting = argc > 1 ? argv[1] : "always";
    const bool always = std::strcmp(setting, "always") == 0, never = std::strcmp(setting, "never") == 0;
    gpu gpu;
    is_hresult(create(&gpu, 0), S_OK, "a device without VIDEO_SUPPORT");
    ok(has_video(gpu) == always, "has video interfaces only where they are always there");
    com_release(gpu_buffer(&gpu, 64, TARGET, 0));
    ok(has_video(gpu) == always, "and a resource changes nothing");
    com_release(gpu_buffer(&gpu, 64, TARGET, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT));
    ok(has_video(gpu) == !never, "but a protected one, unless they are never there");
    is_number(gpu_end(&gpu), 0, "nothing is left of it");

    const HRESULT result = create(&gpu, D3D11_CREATE_DEVICE_VIDEO_SUPPORT);
    if (never) {
        is_hresult(result, DXGI_ERROR_UNSUPPORTED, "a device with VIDEO_SUPPORT cannot be, since there is no video below");
        ok(gpu.device == nullptr && gpu.context == nullptr, "and nothing is handed out");
        test_swap_chain(true);
        return tap_done();
    }
    is_hresult(result, S_OK, "a device with VIDEO_SUPPORT");
    ok(has_video(gpu), "has video interfaces");
    is_number(gpu_end(&gpu), 0, "nothing is left of it");
    test_swap_chain(false);

    is_hresult(create(&gpu, 0), S_OK, "a device without VIDEO_SUPPORT");
    IDXGIDevice *dxgi = nullptr;
    IDXGIAdapter *adapter = nullptr;
    IDXGIAdapter3 *adapter3 = nullptr;
    gpu.device->QueryInterface(IID_PPV_ARGS(&dxgi));
    dxgi->GetAdapter(&adapter);
    if (SUCCEEDED(adapter->QueryInterface(IID_PPV_ARGS(&adapter3)))) {
        const HANDLE event = CreateEventA(nullptr, FALSE, FALSE, nullptr);
        DWORD cookie = 0;
        is_hresult(adapter3->RegisterHardwareContentProtectionTeardownStatusEvent(event, &cookie), S_OK,
                   "an event for the teardown of content protection");
        ok(has_video(gpu), "asks for content protection");
        adapter3->UnregisterHardwareContentProtectionTeardownStatus(cookie);
        CloseHandle(event);
        com_release(adapter3);
    }
    com_release(adapter);
    com_release(dxgi);
    is_number(gpu_end(&gpu), 0, "nothing is left of it");
    return tap_done();
}
