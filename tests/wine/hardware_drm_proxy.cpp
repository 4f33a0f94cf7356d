/* A hardware DRM component of a browser: commands to the secure environment behind a HW_PROTECTION session, media
   sessions whose content keys are sealed blobs, and everything anew after a teardown. The driver is to have SoftCP's
   built-in clear-key environment (SOFTCP_OPTIONS="capabilities.profile=hardware-like;quirks.key_exchange_alias=true").
   The argument "decoder" says that frames go through a decoder for HW_CENC, over `below.dll`, and not through a blit.
   */
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include <wrl/client.h>

#include "below.h"
#include "client.h"

namespace {

using Microsoft::WRL::ComPtr;
using Bytes = std::vector<uint8_t>;

/* Function numbers of the clear-key environment, and one of its failures. */
enum Function : UINT { VERSION = 1, PROVISION, LOAD_LICENCE, MAKE_KEY_BLOB, REVOKE, TEARDOWN };
constexpr auto not_provisioned = static_cast<HRESULT>(0xA0040004), revoked = static_cast<HRESULT>(0xA0040007);
constexpr size_t blob_size = 64, frame_size = 4096;

/* The interfaces of a proxy, and how its commands travel. */
struct Proxy {
    gpu device;
    ComPtr<ID3D11VideoDevice1> device1;
    ComPtr<ID3D11VideoDevice2> device2;
    ComPtr<ID3D11VideoContext1> context1;
    ComPtr<IDXGIAdapter3> adapter;
    bool free_threaded = false;

    Proxy() : device(gpu_begin())
    {
        ComPtr<IDXGIDevice> dxgi;
        ComPtr<IDXGIAdapter> any;
        is_hresult(device.video_device->QueryInterface(IID_PPV_ARGS(&device1)), S_OK, "ID3D11VideoDevice1");
        is_hresult(device.video_device->QueryInterface(IID_PPV_ARGS(&device2)), S_OK, "ID3D11VideoDevice2");
        is_hresult(device.video_context->QueryInterface(IID_PPV_ARGS(&context1)), S_OK, "ID3D11VideoContext1");
        if (!device1 || !device2 || !context1 || FAILED(device.device->QueryInterface(IID_PPV_ARGS(&dxgi))) ||
            FAILED(dxgi->GetAdapter(&any)) || FAILED(any.As(&adapter))) {
            tap_bail_out("an interface is missing");
        }
    }
    session create(const GUID &key_exchange) const
    {
        return session_create(&device, &D3D11_DECODER_PROFILE_H264_VLD_NOFGT, &key_exchange);
    }
    D3D11_CRYPTO_SESSION_STATUS status(const session &session) const
    {
        auto status = static_cast<D3D11_CRYPTO_SESSION_STATUS>(77);
        context1->CheckCryptoSessionStatus(session.object, &status);
        return status;
    }
    /* Sends a command with room for `room` bytes; it is to end with `expected`. Returns the answer. */
    Bytes execute(const session &session, Function function, const Bytes &command, size_t room, HRESULT expected,
                  const char *name) const
    {
        using Input = D3D11_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA;
        using Output = D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA;
        UINT private_input = 77, private_output = 77;
        is_hresult(device1->GetCryptoSessionPrivateDataSize(
                       &D3D11_CRYPTO_TYPE_AES128_CTR, &D3D11_DECODER_PROFILE_H264_VLD_NOFGT,
                       &D3D11_KEY_EXCHANGE_HW_PROTECTION, &private_input, &private_output), S_OK, "%s: private sizes", name);
        const size_t guard = 16;
        std::vector<uint64_t> in((sizeof(Input) + private_input + command.size()) / 8 + 1);
        std::vector<uint64_t> out((sizeof(Output) + private_output + room + guard) / 8 + 1, 0xA5A5A5A5A5A5A5A5u);
        auto *input = reinterpret_cast<Input *>(in.data());
        auto *output = reinterpret_cast<Output *>(out.data());
        input->PrivateDataSize = private_input;
        input->HWProtectionDataSize = static_cast<UINT>(command.size());
        std::memcpy(&input->pbInput[private_input], command.data(), command.size());
        output->PrivateDataSize = private_output;
        output->MaxHWProtectionDataSize = static_cast<UINT>(room);
        D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA data = {function, input, output, 77};
        is_hresult(free_threaded
                       ? device2->NegotiateCryptoSessionKeyExchangeMT(
                             session.object, D3D11_CRYPTO_SESSION_KEY_EXCHANGE_FLAG_NONE, sizeof data, &data)
                       : device.video_context->NegotiateCryptoSessionKeyExchange(session.object, sizeof data, &data),
                   S_OK, "%s: is carried", name);
        is_hresult(data.Status, expected, "%s: ends as it should", name);
        const uint8_t *bytes = &output->pbOutput[private_output];
        const size_t size = output->HWProtectionDataSize;
        if (!ok(size <= room, "%s: the answer fits", name)) {
            return {};
        }
        is_filled(&bytes[size], 0, room - size, "%s: zeros behind the answer", name);
        is_filled(&bytes[room], 0xA5, guard, "%s: nothing past the room", name);
        return Bytes(bytes, bytes + size);
    }
};

std::string base64url(const Bytes &bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    for (size_t bit = 0; bit < 8 * bytes.size(); bit += 6) {
        const size_t at = bit / 8;
        const unsigned pair = unsigned(bytes[at]) << 8 | (at + 1 < bytes.size() ? bytes[at + 1] : 0);
        text += digits[pair >> (10 - bit % 8) & 63];
    }
    return text;
}

Bytes random_bytes(size_t size)
{
    Bytes bytes(size);
    crypto_random(bytes.data(), size);
    return bytes;
}

/* A content key that a licence brings. */
struct Key {
    Bytes kid = random_bytes(16), key = random_bytes(KEY_SIZE);

    Bytes licence() const
    {
        const std::string text = "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"" + base64url(kid) + "\",\"k\":\"" +
                                 base64url(key) + "\"}],\"type\":\"temporary\"}";
        return Bytes(text.begin(), text.end());
    }
};

/* Provisions, loads the licence, and returns the sealed blob of its key. */
Bytes make_blob(const Proxy &proxy, const session &commands, const Key &key)
{
    proxy.execute(commands, PROVISION, {}, 8, S_OK, "PROVISION");
    const Bytes loaded = proxy.execute(commands, LOAD_LICENCE, key.licence(), 24, S_OK, "LOAD_LICENCE");
    ok(loaded.size() == 24 && std::equal(key.kid.begin(), key.kid.end(), loaded.begin() + 8), "with this KID");
    const Bytes blob = proxy.execute(commands, MAKE_KEY_BLOB, key.kid, blob_size, S_OK, "MAKE_KEY_BLOB");
    is_number(blob.size(), blob_size, "a blob of 64 bytes");
    return blob;
}

below_decoder *below; /* null where there is no decoder */

/* A frame under the content key through a decoder whose frame names session and sealed key. */
void decode(const Proxy &proxy, const session &media, const Key &key, const Bytes &blob, bool arrives, const char *name)
{
    static uint64_t number;
    const Bytes frame = random_bytes(frame_size);
    Bytes encrypted = frame, sealed = blob;
    uint8_t iv[IV_SIZE];
    crypto_iv(++number, 0, iv);
    crypto_ctr(key.key.data(), iv, nullptr, encrypted.data(), encrypted.size());
    ID3D11VideoDevice *const device = proxy.device.video_device;
    ID3D11VideoContext *const context = proxy.device.video_context;
    const D3D11_VIDEO_DECODER_DESC stream = {D3D11_DECODER_PROFILE_H264_VLD_NOFGT, 64, 64, DXGI_FORMAT_NV12};
    D3D11_VIDEO_DECODER_CONFIG config = {};
    UINT count = 0;
    device->GetVideoDecoderConfigCount(&stream, &count);
    for (UINT i = 0; i < count && config.guidConfigBitstreamEncryption != D3D11_DECODER_ENCRYPTION_HW_CENC; i++) {
        device->GetVideoDecoderConfig(&stream, i, &config);
    }
    ID3D11Texture2D *output = gpu_texture(&proxy.device, 64, 64, TARGET, 0);
    const D3D11_VIDEO_DECODER_OUTPUT_VIEW_DESC view_desc = {stream.Guid, D3D11_VDOV_DIMENSION_TEXTURE2D, {{0}}};
    ID3D11VideoDecoder *decoder = nullptr;
    ID3D11VideoDecoderOutputView *view = nullptr;
    if (FAILED(device->CreateVideoDecoder(&stream, &config, &decoder)) ||
        FAILED(device->CreateVideoDecoderOutputView(output, &view_desc, &view))) {
        tap_bail_out("no decoder for sealed keys");
    }
    const D3D11_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION named = {media.object, static_cast<UINT>(sealed.size()),
                                                                  sealed.data(), nullptr, 0, nullptr};
    below->bitstream_size = 0;
    bool is_decoded = false;
    if (SUCCEEDED(context->DecoderBeginFrame(decoder, view, sizeof named, &named))) {
        void *place = nullptr;
        UINT room = 0;
        is_hresult(context->GetDecoderBuffer(decoder, D3D11_VIDEO_DECODER_BUFFER_BITSTREAM, &room, &place), S_OK,
                   "GetDecoderBuffer");
        std::memcpy(place, encrypted.data(), frame_size);
        context->ReleaseDecoderBuffer(decoder, D3D11_VIDEO_DECODER_BUFFER_BITSTREAM);
        D3D11_VIDEO_DECODER_BUFFER_DESC desc = {};
        desc.BufferType = D3D11_VIDEO_DECODER_BUFFER_BITSTREAM, desc.DataSize = frame_size;
        desc.pIV = iv, desc.IVSize = sizeof iv;
        is_decoded = SUCCEEDED(context->SubmitDecoderBuffers(decoder, 1, &desc));
        is_hresult(context->DecoderEndFrame(decoder), S_OK, "DecoderEndFrame");
    }
    ok(is_decoded == arrives && below->bitstream_size == (arrives ? frame_size : 0), "%s", name);
    if (arrives) {
        is_bytes(below->bitstream, frame.data(), frame_size, "%s: the clear bytes arrive", name);
    }
    is_number(below->encrypted + below->wrong, 0, "nothing of encryption arrives below");
    com_release(view);
    com_release(output);
    is_number(com_release(decoder), 0, "the decoder goes");
}

/* A frame under the content key; `arrives` says whether it is to be decrypted. */
void play(const Proxy &proxy, const session &media, const Key &key, const Bytes &blob, bool arrives, const char *name)
{
    if (below != nullptr) {
        decode(proxy, media, key, blob, arrives, name);
        return;
    }
    static uint64_t number;
    const Bytes frame = random_bytes(frame_size);
    Bytes encrypted = frame;
    uint8_t iv[IV_SIZE];
    crypto_iv(++number, 0, iv);
    crypto_ctr(key.key.data(), iv, nullptr, encrypted.data(), encrypted.size());
    ID3D11Texture2D *source = gpu_buffer(&proxy.device, frame_size, STAGING, 0);
    ID3D11Texture2D *target = gpu_buffer(&proxy.device, frame_size, TARGET, 0);
    gpu_write(&proxy.device, source, encrypted.data());
    gpu_fill(&proxy.device, target, 0x5A);
    proxy.device.video_context->DecryptionBlt(media.object, source, target, nullptr, static_cast<UINT>(blob.size()),
                                              blob.data(), sizeof iv, iv);
    if (arrives) {
        gpu_holds(&proxy.device, target, frame.data(), name);
    } else {
        gpu_is_filled(&proxy.device, target, 0x5A, name);
    }
    com_release(target);
    com_release(source);
}

void test_capabilities(const Proxy &proxy)
{
    const auto caps = gpu_caps(&proxy.device, &D3D11_DECODER_PROFILE_H264_VLD_NOFGT);
    const UINT wanted = D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_TEARDOWN |
                        D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION |
                        D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION_MULTI_THREADED;
    is_number(caps.Caps & 0xE000, wanted, "teardown and communication, in the API's bits");
    is_number(caps.Caps >> 16, 0, "and none that the API does not know");
    bool offered = false;
    for (UINT i = 0; i < caps.KeyExchangeTypeCount; i++) {
        GUID type = {};
        proxy.device.video_device->CheckCryptoKeyExchange(&D3D11_CRYPTO_TYPE_AES128_CTR,
                                                          &D3D11_DECODER_PROFILE_H264_VLD_NOFGT, i, &type);
        offered = offered || IsEqualGUID(type, D3D11_KEY_EXCHANGE_HW_PROTECTION);
    }
    ok(offered, "HW_PROTECTION is a key exchange type");
}

/* Messages that do not reach the environment. */
void test_bad_messages(const Proxy &proxy, const session &commands)
{
    D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA data = {VERSION, nullptr, nullptr, 77};
    auto negotiate = [&](UINT size, void *message) {
        return proxy.device.video_context->NegotiateCryptoSessionKeyExchange(commands.object, size, message);
    };
    is_hresult(negotiate(sizeof data, &data), E_INVALIDARG, "a message without input and output");
    is_hresult(negotiate(sizeof data - 1, &data), E_INVALIDARG, "a message cut short");
    is_hresult(negotiate(sizeof data, nullptr), E_INVALIDARG, "no message");
    uint8_t message[RSA_SIZE] = {};
    is_hresult(negotiate(sizeof message, message), E_INVALIDARG, "an RSA message");
    is_hresult(proxy.device2->NegotiateCryptoSessionKeyExchangeMT(
                   commands.object, static_cast<D3D11_CRYPTO_SESSION_KEY_EXCHANGE_FLAGS>(1), sizeof data, &data),
               E_INVALIDARG, "flags that there are none of");
}

/* An event of the adapter, and what becomes of it. */
struct Teardown {
    const Proxy &proxy;
    HANDLE event = CreateEventA(nullptr, TRUE, FALSE, nullptr);
    DWORD cookie = 0;

    explicit Teardown(const Proxy &proxy_) : proxy(proxy_)
    {
        is_hresult(proxy.adapter->RegisterHardwareContentProtectionTeardownStatusEvent(event, &cookie), S_OK,
                   "an event is registered");
    }
    ~Teardown()
    {
        CloseHandle(event);
    }
    bool comes(DWORD milliseconds) const
    {
        return WaitForSingleObject(event, milliseconds) == WAIT_OBJECT_0;
    }
};

void test_life(Proxy &proxy)
{
    tap_context("%s", proxy.free_threaded ? "free-threaded" : "on the context");
    const Key key;
    session commands = proxy.create(D3D11_KEY_EXCHANGE_HW_PROTECTION);
    session media = proxy.create(D3D11_CRYPTO_TYPE_AES128_CTR);
    is_number(proxy.execute(commands, VERSION, {}, 16, S_OK, "VERSION").size(), 16, "VERSION answers 16 bytes");
    test_bad_messages(proxy, commands);
    proxy.execute(commands, LOAD_LICENCE, key.licence(), 24, not_provisioned, "LOAD_LICENCE before PROVISION");
    Bytes blob = make_blob(proxy, commands, key);
    UINT64 data = 0;
    is_hresult(proxy.context1->GetDataForNewHardwareKey(media.object, blob_size, blob.data(), &data), S_OK,
               "GetDataForNewHardwareKey");
    ok(data != 0, "which is the number of the provisioning");
    play(proxy, media, key, blob, true, "a frame with a sealed key");
    play(proxy, media, key, Bytes(blob.begin(), blob.end() - 1), false, "a blob cut short opens nothing");

    Teardown teardown(proxy);
    ok(!teardown.comes(200), "the event waits");
    is_number(proxy.status(media), D3D11_CRYPTO_SESSION_STATUS_OK, "the session is well");
    proxy.execute(commands, TEARDOWN, {}, 0, S_OK, "TEARDOWN");
    ok(teardown.comes(5000), "the event comes");
    is_number(proxy.status(media), D3D11_CRYPTO_SESSION_STATUS_KEY_LOST, "the media session has lost its key");
    is_number(proxy.status(commands), D3D11_CRYPTO_SESSION_STATUS_KEY_LOST, "so has the command session");
    play(proxy, media, key, blob, false, "nothing is decrypted any more");
    com_release(media.object);
    com_release(commands.object);

    ResetEvent(teardown.event);
    commands = proxy.create(D3D11_KEY_EXCHANGE_HW_PROTECTION);
    media = proxy.create(D3D11_CRYPTO_TYPE_AES128_CTR);
    const Bytes old = blob;
    blob = make_blob(proxy, commands, key);
    is_hresult(proxy.context1->GetDataForNewHardwareKey(media.object, 0, nullptr, &data), S_OK,
               "GetDataForNewHardwareKey after it");
    is_number(proxy.status(media), D3D11_CRYPTO_SESSION_STATUS_OK, "new sessions are well");
    play(proxy, media, key, blob, true, "a frame after the teardown");
    play(proxy, media, key, old, false, "a blob from before opens nothing");
    is_number(proxy.execute(commands, REVOKE, {}, 4, S_OK, "REVOKE").size(), 4, "REVOKE answers a count");
    proxy.execute(commands, MAKE_KEY_BLOB, key.kid, blob_size, revoked, "MAKE_KEY_BLOB of a revoked key");
    play(proxy, media, key, blob, false, "a revoked key opens nothing");

    ok(!teardown.comes(0), "all this is no teardown");
    proxy.adapter->UnregisterHardwareContentProtectionTeardownStatus(teardown.cookie);
    proxy.execute(commands, TEARDOWN, {}, 0, S_OK, "TEARDOWN");
    ok(!teardown.comes(300), "an event that is no longer registered stays");
    com_release(media.object);
    com_release(commands.object);
}

} // namespace

int main(int argc, char **argv)
{
    tap_begin();
    ULONG left;
    {
        Proxy proxy;
        if (argc > 1 && std::strcmp(argv[1], "decoder") == 0) {
            const HMODULE library = GetModuleHandleA("below.dll");
            below = reinterpret_cast<below_decoder_function>(
                reinterpret_cast<void *>(GetProcAddress(library, "below_decoder")))();
            reinterpret_cast<below_video_function>(
                reinterpret_cast<void *>(GetProcAddress(library, "below_video")))()->present = TRUE;
            below->present = TRUE;
        }
        test_capabilities(proxy);
        DWORD cookie = 77;
        ok(FAILED(proxy.adapter->RegisterHardwareContentProtectionTeardownStatusEvent(nullptr, &cookie)),
           "no event cannot be registered");
        for (const bool free_threaded : {false, true}) {
            proxy.free_threaded = free_threaded;
            test_life(proxy);
        }
        tap_context(nullptr);
        proxy.device1.Reset();
        proxy.device2.Reset();
        proxy.context1.Reset();
        left = gpu_end(&proxy.device);
    }
    is_number(left, 0, "nothing is left of the device");
    return tap_done();
}
