/* The start of a protected player: the capabilities, an authenticated channel, a crypto session, frames through it and
   back, and new session keys while it runs. */
#include <cstring>
#include <vector>

#include "client.h"

namespace {

constexpr UINT width = 60, height = 17; /* rows are padded wherever they can be */
using Bytes = std::vector<uint8_t>;

Bytes random_bytes(size_t size)
{
    Bytes bytes(size);
    crypto_random(bytes.data(), size);
    return bytes;
}

/* The capabilities, and all key exchange types by their index. */
UINT capabilities(const gpu &gpu)
{
    D3D11_VIDEO_CONTENT_PROTECTION_CAPS caps = gpu_caps(&gpu, &GUID_NULL);
    tap_note("capabilities 0x%x, alignment %u, %llu bytes of protected memory", caps.Caps, caps.BlockAlignmentSize,
             (unsigned long long)caps.ProtectedMemorySize);
    ok(caps.Caps & D3D11_CONTENT_PROTECTION_CAPS_SOFTWARE, "SOFTWARE");
    ok(caps.Caps & D3D11_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION, "PARTIAL_DECRYPTION");
    ok(caps.Caps & D3D11_CONTENT_PROTECTION_CAPS_CONTENT_KEY, "CONTENT_KEY");
    ok(caps.Caps & D3D11_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY, "FRESHEN_SESSION_KEY");
    ok(caps.Caps & D3D11_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK, "ENCRYPTED_READ_BACK");
    ok(caps.Caps & D3D11_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT, "DECRYPTION_BLT");
    ok(caps.ProtectedMemorySize != 0, "there is protected memory");
    bool rsa = false;
    UINT index = 0;
    HRESULT result;
    GUID type;
    while ((result = gpu.video_device->CheckCryptoKeyExchange(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL, index, &type)) ==
               S_OK &&
           index < 100) {
        rsa = rsa || IsEqualGUID(type, D3D11_KEY_EXCHANGE_RSAES_OAEP);
        index++;
    }
    is_hresult(result, E_INVALIDARG, "CheckCryptoKeyExchange ends with the index %u", index);
    is_number(index, caps.KeyExchangeTypeCount, "which is the count of the capabilities");
    ok(rsa, "RSAES-OAEP is one of them");
    return caps.Caps;
}

/* The channel is what it says, and protection is on. */
void check_channel(channel &channel)
{
    D3D11_AUTHENTICATED_QUERY_INPUT query = {};
    D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT type;
    is_hresult(channel_query(&channel, &D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE, &query, sizeof query, &type, sizeof type,
                             "CHANNEL_TYPE"), S_OK, "CHANNEL_TYPE");
    is_number(type.ChannelType, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE, "is the one asked for");
    ok(channel_device(&channel) != nullptr, "the device has a handle");
    channel_protection(&channel, true);
    D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT protection;
    is_hresult(channel_query(&channel, &D3D11_AUTHENTICATED_QUERY_PROTECTION, &query, sizeof query, &protection,
                             sizeof protection, "PROTECTION"), S_OK, "the query PROTECTION");
    is_number(protection.ProtectionFlags.Value, 1, "protection is on, and nothing else");
}

/* Binds the session to a decoder, where there are decoders. */
void bind_decoder(const gpu &gpu, channel &channel, const session &session)
{
    D3D11_VIDEO_DECODER_DESC desc = {D3D11_DECODER_PROFILE_H264_VLD_NOFGT, 640, 480, DXGI_FORMAT_NV12};
    D3D11_VIDEO_DECODER_CONFIG config = {};
    ID3D11VideoDecoder *decoder = nullptr;
    if (gpu.video_device->GetVideoDecoderProfileCount() == 0 ||
        FAILED(gpu.video_device->CreateVideoDecoder(&desc, &config, &decoder))) {
        tap_skip("this implementation has no decoders", "CONFIGURE_CRYPTO_SESSION");
        return;
    }
    D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT command = {};
    decoder->GetDriverHandle(&command.DecoderHandle);
    session.object->GetCryptoSessionHandle(&command.CryptoSessionHandle);
    command.DeviceHandle = channel_device(&channel);
    is_hresult(channel_configure(&channel, &D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION, &command, sizeof command,
                                 "CRYPTO_SESSION"), S_OK, "CRYPTO_SESSION");
    decoder->Release();
}

/* A frame on its way to the screen: a staging texture and a protected one. */
struct Screen {
    const gpu &device;
    ID3D11Texture2D *staging, *target;

    Screen(const gpu &gpu)
        : device(gpu), staging(gpu_texture(&gpu, width, height, STAGING, 0)),
          target(gpu_texture(&gpu, width, height, TARGET, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT))
    {
    }
    ~Screen()
    {
        com_release(staging);
        com_release(target);
    }

    /* Encrypts a frame as a server would, and has it decrypted into the protected texture. A null content key means
       the session key. */
    Bytes play(const session &session, const uint8_t *content_key, const pattern *pattern, const char *name) const
    {
        static uint64_t number;
        const Bytes frame = random_bytes(gpu_size(target));
        Bytes encrypted = frame;
        uint8_t iv[IV_SIZE], wrapped[KEY_SIZE];
        crypto_iv(++number, 0, iv);
        crypto_ctr(content_key ? content_key : session.key, iv, pattern, encrypted.data(), encrypted.size());
        if (content_key) {
            crypto_wrap(session.key, content_key, wrapped);
        }
        gpu_write(&device, staging, encrypted.data());
        D3D11_ENCRYPTED_BLOCK_INFO info = {};
        if (pattern) {
            info = {pattern->beginning, pattern->skip, pattern->encrypt};
        }
        session_decrypt(&session, staging, target, pattern ? &info : nullptr, content_key ? wrapped : nullptr, iv);
        gpu_holds(&device, staging, encrypted.data(), name);
        return frame;
    }

    /* Reads the protected texture back, encrypted, and compares it. */
    void check(const session &session, const uint8_t key[KEY_SIZE], const Bytes &frame, const char *name) const
    {
        Bytes seen(frame.size());
        uint8_t iv[IV_SIZE];
        std::memset(iv, 0xA5, sizeof iv);
        session_encrypt(&session, target, staging, iv);
        is_filled(&iv[8], 0, 8, "%s: the count of the read-back begins at 0", name);
        gpu_read(&device, staging, seen.data());
        ok(seen != frame, "%s: what is read back is encrypted", name);
        crypto_ctr(key, iv, nullptr, seen.data(), seen.size());
        is_bytes(seen.data(), frame.data(), frame.size(), "%s: the frame arrived", name);
    }
};

/* The key under which read-backs are encrypted: the session key where the driver has no other. */
Bytes read_back_key(const gpu &gpu, const session &session, UINT caps)
{
    Bytes key(session.key, session.key + KEY_SIZE);
    if (caps & D3D11_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY) {
        uint8_t wrapped[KEY_SIZE];
        is_hresult(gpu.video_context->GetEncryptionBltKey(session.object, sizeof wrapped, wrapped), S_OK,
                   "GetEncryptionBltKey");
        crypto_unwrap(session.key, wrapped, key.data());
    }
    return key;
}

/* A new session key, made by both sides from a random number of the driver's. */
void refresh(const gpu &gpu, session &session, const Screen &screen, UINT caps)
{
    uint8_t number[KEY_SIZE] = {};
    gpu.video_context->StartSessionKeyRefresh(session.object, sizeof number, number);
    ok(number[0] | number[1] | number[2] | number[3] | number[4] | number[5] | number[6] | number[7],
       "the driver's random number is written");
    Bytes frame = screen.play(session, nullptr, nullptr, "a frame under the old key");
    screen.check(session, read_back_key(gpu, session, caps).data(), frame, "until Finish the old key is in force");
    gpu.video_context->FinishSessionKeyRefresh(session.object);
    crypto_xor(session.key, number);
    frame = screen.play(session, nullptr, nullptr, "a frame under the new key");
    screen.check(session, read_back_key(gpu, session, caps).data(), frame, "from then on the new one");
    const Bytes content_key = random_bytes(KEY_SIZE);
    frame = screen.play(session, content_key.data(), nullptr, "a content key under the new key");
    screen.check(session, read_back_key(gpu, session, caps).data(), frame, "which wraps content keys too");
}

} // namespace

int main()
{
    tap_begin();
    crypto_self_test();
    gpu gpu = gpu_begin();
    const UINT caps = capabilities(gpu);
    channel channel = channel_begin(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
    check_channel(channel);
    session session = session_begin(&gpu);
    uint8_t message[RSA_SIZE];
    tap_note("RSAES-OAEP is %s", crypto_oaep(&session.driver_key, session.key, KEY_SIZE, message)
                                     ? "BCrypt's" : "made by hand, since BCrypt has none");
    bind_decoder(gpu, channel, session);
    {
        const Screen screen(gpu);
        const Bytes content_key = random_bytes(KEY_SIZE);
        const pattern whole = {width * 4 * height, 0, 0}, part = {32, 144, 16}, odd = {5, 3, 2};
        const struct {
            const pattern *pattern;
            const char *name;
        } frames[] = {{nullptr, "all encrypted"}, {&whole, "all of it the beginning"}, {&part, "1 block of 10"},
                      {&odd, "runs of odd lengths"}};
        for (const auto &kind : frames) {
            const Bytes frame = screen.play(session, content_key.data(), kind.pattern, "the source keeps its bytes");
            screen.check(session, read_back_key(gpu, session, caps).data(), frame, kind.name);
        }
        const Bytes key = read_back_key(gpu, session, caps);
        const Bytes frame = screen.play(session, nullptr, &part, "without a content key");
        screen.check(session, key.data(), frame, "the session key decrypts");
        screen.check(session, key.data(), frame, "a second read-back under the same key");
        for (int i = 0; i < 3; i++) {
            refresh(gpu, session, screen, caps);
        }
        session_negotiate(&session);
        screen.check(session, read_back_key(gpu, session, caps).data(),
                     screen.play(session, nullptr, nullptr, "a key exchange again"), "replaces the key");
    }
    channel_protection(&channel, false);
    com_release(session.object);
    com_release(channel.object);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
    return tap_done();
}
