/* The channel of type D3D11, which the runtime answers itself: without a certificate, a key exchange and OMACs. */
#include <cstring>
#include <vector>

#include "client.h"

namespace {

struct Channel {
    const gpu &device;
    channel object;

    explicit Channel(const gpu &gpu) : device(gpu), object(channel_create(&gpu, D3D11_AUTHENTICATED_CHANNEL_D3D11)) {}
    ~Channel() { com_release(object.object); }

    template <typename Command> HRESULT configure(const GUID &type, Command &command, UINT size = sizeof(Command))
    {
        auto *header = reinterpret_cast<D3D11_AUTHENTICATED_CONFIGURE_INPUT *>(&command);
        D3D11_AUTHENTICATED_CONFIGURE_OUTPUT answer;
        std::memset(&answer, 0xA5, sizeof answer);
        header->ConfigureType = type, header->hChannel = object.handle, header->SequenceNumber = 7;
        const HRESULT result =
            device.video_context->ConfigureAuthenticatedChannel(object.object, size, &command, &answer);
        if (size == sizeof command) {
            is_filled(&answer.omac, 0, OMAC_SIZE, "no OMAC");
            ok(answer.ConfigureType == type && answer.hChannel == object.handle && answer.SequenceNumber == 7,
               "the answer repeats the header");
            is_hresult(answer.ReturnCode, result, "the answer's return code is that of the call");
        }
        return result;
    }

    template <typename Query, typename Answer> HRESULT query(const GUID &type, Query &query, Answer &answer)
    {
        auto *header = reinterpret_cast<D3D11_AUTHENTICATED_QUERY_INPUT *>(&query);
        auto *output = reinterpret_cast<D3D11_AUTHENTICATED_QUERY_OUTPUT *>(&answer);
        std::memset(&answer, 0xA5, sizeof answer);
        header->QueryType = type, header->hChannel = object.handle, header->SequenceNumber = 9;
        const HRESULT result = device.video_context->QueryAuthenticatedChannel(object.object, sizeof query, &query,
                                                                               sizeof answer, &answer);
        is_filled(&output->omac, 0, OMAC_SIZE, "no OMAC");
        ok(output->QueryType == type && output->hChannel == object.handle && output->SequenceNumber == 9,
           "the answer repeats the header");
        is_hresult(output->ReturnCode, result, "the answer's return code is that of the call");
        return result;
    }

    UINT flags()
    {
        D3D11_AUTHENTICATED_QUERY_INPUT input{};
        D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT answer;
        is_hresult(query(D3D11_AUTHENTICATED_QUERY_PROTECTION, input, answer), S_OK, "PROTECTION is answered");
        return answer.ProtectionFlags.Value;
    }

    HRESULT protect(UINT flags)
    {
        D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT command{};
        command.Protections.Value = flags;
        return configure(D3D11_AUTHENTICATED_CONFIGURE_PROTECTION, command);
    }

    HRESULT share(D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE type, HANDLE process, bool allow)
    {
        D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT command{};
        command.ProcessType = type, command.ProcessHandle = process, command.AllowAccess = allow;
        return configure(D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE, command);
    }

    UINT processes()
    {
        D3D11_AUTHENTICATED_QUERY_INPUT input{};
        D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT answer;
        is_hresult(query(D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT, input, answer), S_OK,
                   "PROCESS_COUNT is answered");
        return answer.RestrictedSharedResourceProcessCount;
    }

    HRESULT process(UINT index, D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT &answer)
    {
        D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT input{};
        input.ProcessIndex = index;
        return query(D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS, input, answer);
    }
};

void test_without_keys(Channel &channel)
{
    UINT size = 77;
    uint8_t bytes[RSA_SIZE] = {};
    ID3D11AuthenticatedChannel *object = channel.object.object;
    ok(channel.object.handle != nullptr, "it has a handle");
    is_hresult(object->GetCertificateSize(&size), E_INVALIDARG, "it has no certificate's size");
    is_hresult(object->GetCertificate(sizeof bytes, bytes), E_INVALIDARG, "and no certificate");
    is_hresult(channel.device.video_context->NegotiateAuthenticatedChannelKeyExchange(object, sizeof bytes, bytes),
               E_INVALIDARG, "and no key exchange");
}

void test_queries(Channel &channel, const gpu &gpu)
{
    D3D11_AUTHENTICATED_QUERY_INPUT input{};
    D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT type;
    is_hresult(channel.query(D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE, input, type), S_OK, "CHANNEL_TYPE");
    is_number(type.ChannelType, D3D11_AUTHENTICATED_CHANNEL_D3D11, "the type is D3D11");

    D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT device;
    is_hresult(channel.query(D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE, input, device), S_OK, "DEVICE_HANDLE");
    struct channel driver = channel_begin(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
    ok(device.DeviceHandle != nullptr, "the device has a handle");
    ok(driver.handle != channel.object.handle, "the channels have different handles");
    com_release(driver.object);

    D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT unrestricted;
    is_hresult(channel.query(D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT, input,
                             unrestricted), S_OK, "UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT");
    is_number(unrestricted.UnrestrictedProtectedSharedResourceCount, 0, "no shared resources");

    D3D11_AUTHENTICATED_QUERY_OUTPUT unknown;
    for (const GUID *query : {&D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES, &D3D11_AUTHENTICATED_QUERY_OUTPUT_ID,
                              &D3D11_CRYPTO_TYPE_AES128_CTR}) {
        input.QueryType = *query, input.hChannel = channel.object.handle;
        is_hresult(gpu.video_context->QueryAuthenticatedChannel(channel.object.object, sizeof input, &input,
                                                                sizeof unknown, &unknown),
                   E_FAIL, "a query that only drivers answer, or nobody");
    }
    input.QueryType = D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE;
    is_hresult(gpu.video_context->QueryAuthenticatedChannel(channel.object.object, sizeof input, &input, sizeof type - 8,
                                                            &type), E_INVALIDARG, "an output that is too small");
    input.hChannel = INVALID_HANDLE_VALUE;
    is_hresult(gpu.video_context->QueryAuthenticatedChannel(channel.object.object, sizeof input, &input, sizeof type,
                                                            &type), E_INVALIDARG, "the handle of another channel");
}

void test_commands(Channel &channel)
{
    D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT initialize{};
    for (int i = 0; i < 2; i++) {
        is_hresult(channel.configure(D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE, initialize), S_OK, "INITIALIZE");
    }
    D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT bind{};
    is_hresult(channel.configure(D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION, bind), E_FAIL, "CRYPTO_SESSION");
    D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT accessible{};
    is_hresult(channel.configure(D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE, accessible), E_FAIL,
               "ENCRYPTION_WHEN_ACCESSIBLE");
    is_hresult(channel.configure(D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE, initialize, sizeof initialize - 4),
               E_INVALIDARG, "a command that is cut");

    is_number(channel.flags(), 0, "no protection");
    is_hresult(channel.protect(3), S_OK, "PROTECTION with both flags");
    is_number(channel.flags(), 3, "both flags");
    is_hresult(channel.protect(4), E_INVALIDARG, "a flag without a meaning");
    is_number(channel.flags(), 3, "and nothing has changed");
    is_hresult(channel.protect(0), S_OK, "PROTECTION off");
    is_number(channel.flags(), 0, "no protection any more");
}

void test_processes(Channel &channel)
{
    const HANDLE process = GetCurrentProcess();
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT answer;
    is_number(channel.processes(), 0, "no process is allowed");
    is_hresult(channel.process(0, answer), E_INVALIDARG, "so there is no first one");
    is_hresult(channel.share(D3D11_PROCESSIDTYPE_HANDLE, process, true), S_OK, "a process is allowed");
    is_hresult(channel.share(D3D11_PROCESSIDTYPE_DWM, nullptr, true), S_OK, "the window manager is allowed");
    is_hresult(channel.share(static_cast<D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE>(9), process, true), E_INVALIDARG,
               "an unknown kind of process");
    is_number(channel.processes(), 2, "two are allowed");
    is_hresult(channel.process(0, answer), S_OK, "the first one");
    ok(answer.ProcessIdentifier == D3D11_PROCESSIDTYPE_HANDLE && answer.ProcessHandle == process, "is the process");
    is_hresult(channel.process(1, answer), S_OK, "the second one");
    is_number(answer.ProcessIdentifier, D3D11_PROCESSIDTYPE_DWM, "is the window manager");
    is_number(answer.ProcessIndex, 1, "the index is repeated");
    is_hresult(channel.process(2, answer), E_INVALIDARG, "there is no third one");
    is_hresult(channel.share(D3D11_PROCESSIDTYPE_HANDLE, process, false), S_OK, "the process is revoked");
    is_hresult(channel.share(D3D11_PROCESSIDTYPE_DWM, nullptr, false), S_OK, "and so is the window manager");
    is_number(channel.processes(), 0, "none is left");
}

/* What the flag forbids: mapping, copies and blits. It goes with the channel. */
void test_enforcement(const gpu &gpu)
{
    tap_context("protection");
    session session = session_begin(&gpu);
    ID3D11Texture2D *source = gpu_texture(&gpu, 16, 16, STAGING, 0), *plain = gpu_texture(&gpu, 16, 16, TARGET, 0);
    ID3D11Texture2D *safe = gpu_texture(&gpu, 16, 16, TARGET, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT);
    ID3D11Texture2D *mappable = gpu_texture(&gpu, 16, 16, STAGING, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT);
    uint8_t clear[16 * 16 * 4], encrypted[sizeof clear], iv[IV_SIZE];
    crypto_random(clear, sizeof clear);
    std::memcpy(encrypted, clear, sizeof clear);
    crypto_iv(1, 0, iv);
    crypto_ctr(session.key, iv, nullptr, encrypted, sizeof encrypted);
    gpu_write(&gpu, source, encrypted);
    D3D11_MAPPED_SUBRESOURCE mapped;
    {
        Channel channel(gpu);
        is_hresult(channel.protect(1), S_OK, "on");
        gpu_fill(&gpu, plain, 0x5A);
        session_decrypt(&session, source, plain, nullptr, nullptr, iv);
        gpu_is_filled(&gpu, plain, 0x5A, "on: no DecryptionBlt to a texture that is not protected");
        session_decrypt(&session, source, safe, nullptr, nullptr, iv);
        gpu.context->CopyResource(plain, safe);
        gpu_is_filled(&gpu, plain, 0x5A, "on: no copy to a texture that is not protected");
        ok(FAILED(gpu.context->Map(mappable, 0, D3D11_MAP_READ, 0, &mapped)), "on: no Map of protected content");
        struct channel driver = channel_begin(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
        channel_protection(&driver, false);
        com_release(driver.object);
        gpu.context->CopyResource(plain, safe);
        gpu_is_filled(&gpu, plain, 0x5A, "a driver's channel does not turn it off");
    }
    gpu.context->CopyResource(plain, safe);
    gpu_holds(&gpu, plain, clear, "without the channel: a copy has what the blit has written");
    is_hresult(gpu.context->Map(mappable, 0, D3D11_MAP_READ, 0, &mapped), S_OK, "without the channel: Map");
    gpu.context->Unmap(mappable, 0);
    for (ID3D11Texture2D *texture : {mappable, safe, plain, source}) {
        com_release(texture);
    }
    com_release(session.object);
}

} // namespace

int main()
{
    tap_begin();
    gpu gpu = gpu_begin();
    {
        Channel channel(gpu);
        test_without_keys(channel);
        test_queries(channel, gpu);
        test_commands(channel);
        test_processes(channel);
    }
    test_enforcement(gpu);
    tap_context(nullptr);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
    return tap_done();
}
