/* What a browser's decryptor does: a session for H.264, samples through buffers of 16 KiB that it passes as textures, and
   a result that it looks for where some drivers put it. */
#include <cstring>
#include <vector>

#include "client.h"

namespace {

constexpr UINT room = 16384;
constexpr UINT untouched = 0;

/* The three buffers of a decryptor: written by the program, decrypted into, read by the program. */
struct Buffers {
    ID3D11Texture2D *input, *target, *output;
};

void decrypt(const gpu &gpu, const session &session, const Buffers &buffers, const uint8_t key[KEY_SIZE], bool content_key,
             UINT size)
{
    static uint64_t number;
    std::vector<uint8_t> sample(room), encrypted;
    crypto_random(sample.data(), room);
    encrypted = sample;
    uint8_t iv[IV_SIZE], wrapped[KEY_SIZE];
    crypto_iv(++number << 20, 0, iv);
    const UINT beginning = (size + 15) / 16 * 16;
    crypto_ctr(key, iv, nullptr, encrypted.data(), beginning);
    crypto_wrap(session.key, key, wrapped);

    D3D11_MAPPED_SUBRESOURCE mapped;
    auto *input = reinterpret_cast<ID3D11Resource *>(buffers.input);
    auto *output = reinterpret_cast<ID3D11Resource *>(buffers.output);
    gpu_fill(&gpu, buffers.target, 0xA5);
    if (FAILED(gpu.context->Map(input, 0, D3D11_MAP_WRITE, 0, &mapped))) {
        tap_bail_out("the input buffer cannot be mapped");
    }
    std::memcpy(mapped.pData, encrypted.data(), room);
    gpu.context->Unmap(input, 0);
    D3D11_ENCRYPTED_BLOCK_INFO info = {beginning, room - beginning, untouched};
    gpu.video_context->DecryptionBlt(session.object, buffers.input, buffers.target, &info, content_key ? KEY_SIZE : 0,
                                     content_key ? wrapped : nullptr, sizeof iv, iv);
    is_number(info.NumBytesInEncryptPattern, untouched, "%u bytes: no failure is echoed", size);
    ok(info.NumEncryptedBytesAtBeginning == beginning && info.NumBytesInSkipPattern == room - beginning,
       "%u bytes: the pattern keeps its other fields", size);
    gpu.context->CopyResource(output, reinterpret_cast<ID3D11Resource *>(buffers.target));
    if (FAILED(gpu.context->Map(output, 0, D3D11_MAP_READ, 0, &mapped))) {
        tap_bail_out("the output buffer cannot be mapped");
    }
    is_bytes(mapped.pData, sample.data(), room, "%u bytes: the clear bytes, and behind them those that were clear", size);
    gpu.context->Unmap(output, 0);
}

/* RSAES-OAEP among the key exchange types, as a browser looks for it. */
bool offers_rsa(const gpu &gpu)
{
    const D3D11_VIDEO_CONTENT_PROTECTION_CAPS caps = gpu_caps(&gpu, &D3D11_DECODER_PROFILE_H264_VLD_NOFGT);
    for (UINT i = 0; i < caps.KeyExchangeTypeCount; i++) {
        GUID type;
        is_hresult(gpu.video_device->CheckCryptoKeyExchange(&D3D11_CRYPTO_TYPE_AES128_CTR,
                                                            &D3D11_DECODER_PROFILE_H264_VLD_NOFGT, i, &type),
                   S_OK, "CheckCryptoKeyExchange %u", i);
        if (IsEqualGUID(type, D3D11_KEY_EXCHANGE_RSAES_OAEP)) {
            return true;
        }
    }
    return false;
}

} // namespace

int main()
{
    tap_begin();
    gpu gpu = gpu_begin();
    ok(offers_rsa(gpu), "RSAES-OAEP is offered for H.264");
    session session = session_create(&gpu, &D3D11_DECODER_PROFILE_H264_VLD_NOFGT, &D3D11_KEY_EXCHANGE_RSAES_OAEP);
    session_certificate(&session);
    session_negotiate(&session);
    const Buffers buffers = {gpu_buffer(&gpu, room, STAGING, 0), gpu_buffer(&gpu, room, TARGET, 0),
                             gpu_buffer(&gpu, room, STAGING, 0)};
    uint8_t key[KEY_SIZE];
    crypto_random(key, sizeof key);
    for (const UINT size : {1, 2, 15, 16, 17, 31, 32, 33, 100, 188, 1000, 1024, 1316, 4095, 4096, 4097, 10000, 16367, 16368,
                            16369, 16383, 16384}) {
        decrypt(gpu, session, buffers, key, true, size);
        decrypt(gpu, session, buffers, session.key, false, size);
    }
    for (UINT i = 0; i < 100; i++) {
        decrypt(gpu, session, buffers, key, true, 1 + i * 163);
    }
    com_release(buffers.input);
    com_release(buffers.target);
    com_release(buffers.output);
    com_release(session.object);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
    return tap_done();
}
