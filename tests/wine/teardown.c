/* A teardown on request: `teardown.exe key` and `teardown.exe content`, with a fault that occurs at the third call that uses a
   key. All sessions lose their keys, the event is signalled, and a new key exchange brings a session back. */
#include <stdlib.h>
#include <string.h>

#include "client.h"

enum { WIDTH = 64 };

static D3D11_CRYPTO_SESSION_STATUS status_of(ID3D11VideoContext1 *context, const struct session *session)
{
    D3D11_CRYPTO_SESSION_STATUS status = 99;
    ID3D11VideoContext1_CheckCryptoSessionStatus(context, session->object, &status);
    return status;
}

/* Decrypts `clear`, which is enciphered under the session's key. */
static void play(const struct session *session, ID3D11Texture2D *source, ID3D11Texture2D *destination,
                 const uint8_t *clear, uint64_t number)
{
    uint8_t iv[IV_SIZE], *bytes = allocate(gpu_size(source));
    memcpy(bytes, clear, gpu_size(source));
    crypto_iv(number, 0, iv);
    crypto_ctr(session->key, iv, NULL, bytes, gpu_size(source));
    gpu_write(session->gpu, source, bytes);
    session_decrypt(session, source, destination, NULL, NULL, iv);
    free(bytes);
}

int main(int argc, char **argv)
{
    const bool content = argc > 1 && strcmp(argv[1], "content") == 0;
    const D3D11_CRYPTO_SESSION_STATUS lost =
        content ? D3D11_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST : D3D11_CRYPTO_SESSION_STATUS_KEY_LOST;
    tap_begin();
    struct gpu gpu = gpu_begin();
    ID3D11VideoContext1 *context = NULL;
    IDXGIDevice *dxgi = NULL;
    IDXGIAdapter *adapter = NULL;
    IDXGIAdapter3 *adapter3 = NULL;
    DWORD cookie = 0;
    const HANDLE event = CreateEventA(NULL, FALSE, FALSE, NULL), removed = CreateEventA(NULL, FALSE, FALSE, NULL);
    is_hresult(ID3D11VideoContext_QueryInterface(gpu.video_context, &IID_ID3D11VideoContext1, (void **)&context), S_OK,
               "ID3D11VideoContext1");
    is_hresult(ID3D11Device_QueryInterface(gpu.device, &IID_IDXGIDevice, (void **)&dxgi), S_OK, "IDXGIDevice");
    is_hresult(IDXGIDevice_GetAdapter(dxgi, &adapter), S_OK, "GetAdapter");
    is_hresult(IDXGIAdapter_QueryInterface(adapter, &IID_IDXGIAdapter3, (void **)&adapter3), S_OK, "IDXGIAdapter3");
    is_hresult(IDXGIAdapter3_RegisterHardwareContentProtectionTeardownStatusEvent(adapter3, removed, &cookie), S_OK,
               "registering an event");
    IDXGIAdapter3_UnregisterHardwareContentProtectionTeardownStatus(adapter3, cookie);
    is_hresult(IDXGIAdapter3_RegisterHardwareContentProtectionTeardownStatusEvent(adapter3, event, &cookie), S_OK,
               "registering another one");

    struct session session = session_begin(&gpu), other = session_begin(&gpu);
    ID3D11Texture2D *source = gpu_texture(&gpu, WIDTH, WIDTH, STAGING, 0);
    ID3D11Texture2D *plain = gpu_texture(&gpu, WIDTH, WIDTH, TARGET, 0);
    ID3D11Texture2D *safe = gpu_texture(&gpu, WIDTH, WIDTH, TARGET, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT);
    ID3D11Texture2D *hardware = gpu_texture(&gpu, WIDTH, WIDTH, TARGET, D3D11_RESOURCE_MISC_HW_PROTECTED);
    uint8_t clear[WIDTH * WIDTH * 4], number[KEY_SIZE], other_number[KEY_SIZE];
    crypto_random(clear, sizeof clear);

    play(&session, source, plain, clear, 1);
    play(&session, source, safe, clear, 2);
    gpu_holds(&gpu, safe, clear, "before: a protected texture is decrypted to");
    ID3D11DeviceContext_CopyResource(gpu.context, (ID3D11Resource *)hardware, (ID3D11Resource *)safe);
    is_number(status_of(context, &session), D3D11_CRYPTO_SESSION_STATUS_OK, "before: the status is OK");
    is_number(WaitForSingleObject(event, 0), WAIT_TIMEOUT, "before: the event is not signalled");

    memset(number, 0x5A, sizeof number);
    memset(other_number, 0x5A, sizeof other_number);
    ID3D11VideoContext_StartSessionKeyRefresh(gpu.video_context, session.object, KEY_SIZE, number);
    is_filled(number, 0x5A, KEY_SIZE, "the call that meets the teardown does nothing");
    is_number(WaitForSingleObject(event, 5000), WAIT_OBJECT_0, "the event is signalled");
    is_number(WaitForSingleObject(event, 200), WAIT_TIMEOUT, "once");
    is_number(WaitForSingleObject(removed, 0), WAIT_TIMEOUT, "an event that was unregistered is not");
    is_number(status_of(context, &session), lost, "the session's status");
    is_number(status_of(context, &other), lost, "the status of another session");
    is_number(status_of(context, &session), lost, "the session's status, asked again");

    gpu_holds(&gpu, plain, clear, "what is not protected is kept");
    ID3D11Texture2D *const protected_ones[] = {safe, hardware};
    for (int i = 0; i < 2; i++) {
        if (content) {
            gpu_is_filled(&gpu, protected_ones[i], 0, "protected content is gone");
        } else {
            gpu_holds(&gpu, protected_ones[i], clear, "protected content is kept");
        }
    }

    gpu_fill(&gpu, safe, 0x5A);
    play(&session, source, safe, clear, 3);
    gpu_is_filled(&gpu, safe, 0x5A, "without a key: DecryptionBlt does nothing");
    is_hresult(ID3D11VideoContext_GetEncryptionBltKey(gpu.video_context, session.object, KEY_SIZE, number),
               D3DERR_INVALIDCALL, "without a key: GetEncryptionBltKey");
    ID3D11VideoContext_StartSessionKeyRefresh(gpu.video_context, session.object, KEY_SIZE, number);
    is_filled(number, 0x5A, KEY_SIZE, "without a key: no refresh");
    ID3D11VideoContext_StartSessionKeyRefresh(gpu.video_context, other.object, KEY_SIZE, other_number);
    is_filled(other_number, 0x5A, KEY_SIZE, "without a key: no refresh of the other session");

    session_negotiate(&session);
    is_number(status_of(context, &session), D3D11_CRYPTO_SESSION_STATUS_OK, "a key exchange: the status is OK");
    is_number(status_of(context, &other), lost, "but not that of the other session");
    play(&session, source, safe, clear, 4);
    gpu_holds(&gpu, safe, clear, "and blits go on");
    is_number(WaitForSingleObject(event, 200), WAIT_TIMEOUT, "and nothing is signalled");

    IDXGIAdapter3_UnregisterHardwareContentProtectionTeardownStatus(adapter3, cookie);
    com_release(hardware);
    com_release(safe);
    com_release(plain);
    com_release(source);
    com_release(other.object);
    com_release(session.object);
    com_release(adapter3);
    com_release(adapter);
    com_release(dxgi);
    com_release(context);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
    CloseHandle(event);
    CloseHandle(removed);
    return tap_done();
}
