/* A film of one frame: what a player does with it, over and over. */
#ifndef FILM_H
#define FILM_H

#include <cstring>
#include <vector>

#include "client.h"

/* A ciphertext in a staging resource, which it releases, and a session that can decrypt it. */
struct Film {
    session session;
    ID3D11Texture2D *source;
    std::vector<uint8_t> clear;
    uint64_t number = 0;

    Film(const gpu &gpu, ID3D11Texture2D *source_) : session(session_begin(&gpu)), source(source_)
    {
        clear.resize(gpu_size(source));
        crypto_random(clear.data(), clear.size());
    }
    ~Film()
    {
        com_release(source);
        com_release(session.object);
    }
    /* Encrypts the content anew, and has it decrypted to a resource. */
    void play(ID3D11Texture2D *destination)
    {
        std::vector<uint8_t> encrypted = clear;
        uint8_t iv[IV_SIZE];
        crypto_iv(++number, 0, iv);
        crypto_ctr(session.key, iv, nullptr, encrypted.data(), encrypted.size());
        gpu_write(session.gpu, source, encrypted.data());
        session_decrypt(&session, source, destination, nullptr, nullptr, iv);
    }
    /* What a protected resource holds, read back in the only way there is. */
    void holds(ID3D11Texture2D *resource, ID3D11Texture2D *staging, const void *bytes, const char *name)
    {
        const gpu *gpu = session.gpu;
        uint8_t wrapped[KEY_SIZE], key[KEY_SIZE], iv[IV_SIZE];
        std::memcpy(key, session.key, KEY_SIZE);
        if (gpu_caps(gpu, &GUID_NULL).Caps & D3D11_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY) {
            is_hresult(gpu->video_context->GetEncryptionBltKey(session.object, KEY_SIZE, wrapped), S_OK,
                       "GetEncryptionBltKey");
            crypto_unwrap(session.key, wrapped, key);
        }
        std::vector<uint8_t> seen(clear.size());
        session_encrypt(&session, resource, staging, iv);
        gpu_read(gpu, staging, seen.data());
        crypto_ctr(key, iv, nullptr, seen.data(), seen.size());
        is_bytes(seen.data(), bytes, seen.size(), "%s", name);
    }
};

#endif
