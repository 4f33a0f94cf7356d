/* The rules of COM on the video interfaces and the objects they make: identity, references, private data, threads, and what
   is left when all is released. */
#include <cstring>
#include <initializer_list>
#include <vector>

#include "client.h"

namespace {

const GUID name = {0x6d0c6b5c, 0x2f1a, 0x4f0e, {0x9a, 0x31, 0x55, 0x1b, 0x7c, 0x0d, 0x8e, 0x21}};
const GUID other_name = {0x6d0c6b5d, 0x2f1a, 0x4f0e, {0x9a, 0x31, 0x55, 0x1b, 0x7c, 0x0d, 0x8e, 0x21}};

/* A test object that says when it dies. */
struct Witness final : IUnknown {
    LONG references = 1;
    bool &gone;

    explicit Witness(bool &gone_) : gone(gone_) {}
    virtual ~Witness() { gone = true; }
    HRESULT STDMETHODCALLTYPE QueryInterface(REFIID iid, void **out) override
    {
        *out = IsEqualGUID(iid, IID_IUnknown) ? this : nullptr;
        return *out ? AddRef(), S_OK : E_NOINTERFACE;
    }
    ULONG STDMETHODCALLTYPE AddRef() override { return InterlockedIncrement(&references); }
    ULONG STDMETHODCALLTYPE Release() override
    {
        const LONG left = InterlockedDecrement(&references);
        if (left == 0) {
            delete this;
        }
        return left;
    }
};

struct Interface {
    const char *name;
    GUID iid;
};
const Interface of_device[] = {
    {"IUnknown", IID_IUnknown}, {"ID3D11Device", __uuidof(ID3D11Device)}, {"ID3D11Device1", __uuidof(ID3D11Device1)},
    {"ID3D11VideoDevice", __uuidof(ID3D11VideoDevice)}, {"ID3D11VideoDevice1", __uuidof(ID3D11VideoDevice1)},
    {"ID3D11VideoDevice2", __uuidof(ID3D11VideoDevice2)}, {"IDXGIDevice", __uuidof(IDXGIDevice)},
    {"IDXGIDevice1", __uuidof(IDXGIDevice1)},
};
const Interface of_context[] = {
    {"IUnknown", IID_IUnknown}, {"ID3D11DeviceChild", __uuidof(ID3D11DeviceChild)},
    {"ID3D11DeviceContext", __uuidof(ID3D11DeviceContext)}, {"ID3D11DeviceContext1", __uuidof(ID3D11DeviceContext1)},
    {"ID3D11VideoContext", __uuidof(ID3D11VideoContext)}, {"ID3D11VideoContext1", __uuidof(ID3D11VideoContext1)},
};
const Interface of_session[] = {
    {"IUnknown", IID_IUnknown}, {"ID3D11DeviceChild", __uuidof(ID3D11DeviceChild)},
    {"ID3D11CryptoSession", __uuidof(ID3D11CryptoSession)},
};
const Interface of_channel[] = {
    {"IUnknown", IID_IUnknown}, {"ID3D11DeviceChild", __uuidof(ID3D11DeviceChild)},
    {"ID3D11AuthenticatedChannel", __uuidof(ID3D11AuthenticatedChannel)},
};

IUnknown *query(IUnknown *object, REFIID iid)
{
    void *out = nullptr;
    return SUCCEEDED(object->QueryInterface(iid, &out)) ? static_cast<IUnknown *>(out) : nullptr;
}

/* From every interface to every other one, to one identity, and to none that it has not; and no reference is left. */
template <size_t count> void test_identity(const char *object_name, IUnknown *object, const Interface (&interfaces)[count])
{
    tap_context("%s", object_name);
    const ULONG before = com_references(object);
    IUnknown *const identity = query(object, IID_IUnknown);
    for (const Interface &from : interfaces) {
        IUnknown *start = query(object, from.iid);
        if (!ok(start != nullptr, "is a %s", from.name)) {
            continue;
        }
        for (const Interface &to : interfaces) {
            IUnknown *end = query(start, to.iid), *again = query(start, to.iid);
            IUnknown *back = end ? query(end, from.iid) : nullptr, *unknown = end ? query(end, IID_IUnknown) : nullptr;
            if (end == nullptr || back == nullptr || unknown != identity || end != again) {
                ok(false, "from %s to %s: there %d, back %d, the same object %d, the same each time %d", from.name, to.name,
                   end != nullptr, back != nullptr, unknown == identity, end == again);
            }
            for (IUnknown *reference : {end, again, back, unknown}) {
                com_release(reference);
            }
        }
        void *out = &out;
        is_hresult(start->QueryInterface(name, &out), E_NOINTERFACE, "%s: what it is not", from.name);
        ok(out == nullptr, "%s: the pointer is null then", from.name);
        const ULONG one = start->AddRef();
        is_number(start->AddRef(), one + 1, "%s: AddRef counts", from.name);
        is_number(start->Release(), one, "%s: so does Release", from.name);
        is_number(start->Release(), one - 1, "%s: down to where it was", from.name);
        com_release(start);
    }
    com_release(identity);
    is_number(com_references(object), before, "as many references as before");
}

/* Every interface of d3d11 to d3d11_4, of dxgi and of sdklayers that a header declares; what mingw-w64's do not is added. */
#define EVERY_INTERFACE(I)                                                                                               \
    I(ID3D11DeviceChild) I(ID3D11Asynchronous) I(ID3D11Query) I(ID3D11Resource) I(ID3D11View) I(ID3D11BlendState)      \
    I(ID3D11Buffer) I(ID3D11ClassInstance) I(ID3D11ClassLinkage) I(ID3D11CommandList) I(ID3D11ComputeShader)           \
    I(ID3D11Counter) I(ID3D11DepthStencilState) I(ID3D11DepthStencilView) I(ID3D11DomainShader)                        \
    I(ID3D11GeometryShader) I(ID3D11HullShader) I(ID3D11InputLayout) I(ID3D11PixelShader) I(ID3D11Predicate)           \
    I(ID3D11RasterizerState) I(ID3D11RenderTargetView) I(ID3D11SamplerState) I(ID3D11ShaderResourceView)               \
    I(ID3D11Texture1D) I(ID3D11Texture2D) I(ID3D11Texture3D) I(ID3D11UnorderedAccessView) I(ID3D11VertexShader)        \
    I(ID3D11DeviceContext) I(ID3D11AuthenticatedChannel) I(ID3D11CryptoSession) I(ID3D11VideoDecoder)                  \
    I(ID3D11VideoProcessorEnumerator) I(ID3D11VideoProcessor) I(ID3D11VideoDecoderOutputView)                          \
    I(ID3D11VideoProcessorInputView) I(ID3D11VideoProcessorOutputView) I(ID3D11VideoDevice) I(ID3D11VideoContext)      \
    I(ID3D11Device) I(ID3D11BlendState1) I(ID3DDeviceContextState) I(ID3D11DeviceContext1) I(ID3D11VideoContext1)      \
    I(ID3D11VideoDevice1) I(ID3D11VideoProcessorEnumerator1) I(ID3DUserDefinedAnnotation) I(ID3D11RasterizerState1)    \
    I(ID3D11Device1) I(ID3D11DeviceContext2) I(ID3D11Device2) I(ID3D11Texture2D1) I(ID3D11Texture3D1)                  \
    I(ID3D11RasterizerState2) I(ID3D11ShaderResourceView1) I(ID3D11RenderTargetView1) I(ID3D11UnorderedAccessView1)    \
    I(ID3D11Query1) I(ID3D11DeviceContext3) I(ID3D11Fence) I(ID3D11DeviceContext4) I(ID3D11Device3) I(ID3D11Device4)   \
    I(ID3D11Device5) I(ID3D11Multithread) I(ID3D11VideoContext2) I(ID3D11VideoDevice2) I(ID3D11Debug)                  \
    I(ID3D11SwitchToRef) I(ID3D11InfoQueue) I(IDXGIObject) I(IDXGIDeviceSubObject) I(IDXGIResource)                    \
    I(IDXGIKeyedMutex) I(IDXGISurface) I(IDXGISurface1) I(IDXGIOutput) I(IDXGIAdapter) I(IDXGISwapChain)               \
    I(IDXGIFactory) I(IDXGIDevice) I(IDXGIAdapter1) I(IDXGIDevice1) I(IDXGIFactory1) I(IDXGISurface2)                  \
    I(IDXGIResource1) I(IDXGIDisplayControl) I(IDXGIDevice2) I(IDXGISwapChain1) I(IDXGIFactory2) I(IDXGIAdapter2)      \
    I(IDXGIDevice3) I(IDXGIFactory4) I(IDXGIAdapter3) I(IDXGIDevice4) I(IUnknown)                                     

/* From every interface of an object to every interface there is, one answer: the same pointer, or none. */
void test_every_interface(const char *object_name, IUnknown *object)
{
    tap_context("every interface of %s", object_name);
#define ENTRY(name) {#name, __uuidof(name)},
    const std::vector<Interface> all = {EVERY_INTERFACE(ENTRY)
        {"ID3D11VideoContext3", {0xa9e2faa0, 0xcb39, 0x418f, {0xa0, 0xb7, 0xd8, 0xaa, 0xd4, 0xde, 0x67, 0x2e}}},
        {"ID3D11TracingDevice", {0x1911c771, 0x1587, 0x413e, {0xa7, 0xe0, 0xfb, 0x26, 0xc3, 0xde, 0x02, 0x68}}},
        {"ID3D11RefTrackingOptions", {0x193dacdf, 0x0db2, 0x4c05, {0xa5, 0x5c, 0xef, 0x06, 0xca, 0xc5, 0x6f, 0xd9}}},
        {"ID3D10Device", {0x9b7e4c0f, 0x342c, 0x4106, {0xa1, 0x9f, 0x4f, 0x27, 0x04, 0xf6, 0x89, 0xf0}}},
        {"ID3D10Multithread", {0x9b7e4e00, 0x342c, 0x4106, {0xa1, 0x9f, 0x4f, 0x27, 0x04, 0xf6, 0x89, 0xf0}}}};
#undef ENTRY
    const ULONG before = com_references(object);
    std::vector<IUnknown *> found;
    size_t interfaces = 0, differences = 0;
    for (const Interface &entry : all) {
        found.push_back(query(object, entry.iid));
        interfaces += found.back() != nullptr;
    }
    IUnknown *const identity = query(object, IID_IUnknown);
    for (size_t from = 0; from < all.size(); from++) {
        /* With DXVK, the ID3D11Multithread of a device is that of its context, which is another object. */
        IUnknown *const own = found[from] != nullptr ? query(found[from], IID_IUnknown) : nullptr;
        com_release(own);
        if (found[from] != nullptr && own != identity) {
            tap_note("%s is another object's", all[from].name);
            continue;
        }
        for (size_t to = 0; found[from] != nullptr && to < all.size(); to++) {
            IUnknown *const seen = query(found[from], all[to].iid);
            if (seen != found[to] && differences++ < 8) {
                tap_note("from %s to %s: %s", all[from].name, all[to].name,
                         seen == nullptr ? "none" : found[to] == nullptr ? "one, where the object has none" : "another one");
            }
            com_release(seen);
        }
    }
    com_release(identity);
    is_number(differences, 0, "%zu interfaces of %zu, each with the same answers", interfaces, all.size());
    for (IUnknown *entry : found) {
        com_release(entry);
    }
    is_number(com_references(object), before, "as many references as before");
}

/* A deferred context has no video interfaces, whichever of its interfaces is asked. */
void test_deferred(const gpu &gpu)
{
    ID3D11DeviceContext *deferred = nullptr;
    is_hresult(gpu.device->CreateDeferredContext(0, &deferred), S_OK, "a deferred context");
    test_every_interface("a deferred context", deferred);
    for (const GUID &from : {__uuidof(ID3D11DeviceContext), __uuidof(ID3D11DeviceContext1), __uuidof(ID3D11DeviceChild)}) {
        IUnknown *const start = query(deferred, from);
        ok(start != nullptr, "an interface of it");
        for (const GUID &to : {__uuidof(ID3D11VideoContext), __uuidof(ID3D11VideoContext1), __uuidof(ID3D11VideoDevice)}) {
            ok(query(start, to) == nullptr, "has no video interface");
        }
        com_release(start);
    }
    tap_context(nullptr);
    is_number(com_release(deferred), 0, "nothing is left of the deferred context");
}

/* Private data of an object that has it. */
template <class T> void test_private_data(const char *object_name, T *object)
{
    tap_context("private data of %s", object_name);
    const uint8_t data[] = {1, 2, 3, 4, 5};
    uint8_t seen[8];
    UINT size = sizeof seen;
    is_hresult(object->GetPrivateData(name, &size, seen), DXGI_ERROR_NOT_FOUND, "none");
    is_number(size, 0, "of no size");
    is_hresult(object->SetPrivateData(name, sizeof data, data), S_OK, "set");
    size = 0;
    is_hresult(object->GetPrivateData(name, &size, nullptr), S_OK, "its size is asked for");
    is_number(size, sizeof data, "5 bytes");
    std::memset(seen, 0xA5, sizeof seen);
    size = sizeof data - 1;
    is_hresult(object->GetPrivateData(name, &size, seen), DXGI_ERROR_MORE_DATA, "too little room");
    is_number(size, sizeof data, "says how much is needed");
    is_filled(seen, 0xA5, sizeof seen, "and writes nothing");
    size = sizeof seen;
    is_hresult(object->GetPrivateData(name, &size, seen), S_OK, "more room than needed");
    is_number(size, sizeof data, "5 bytes");
    is_bytes(seen, data, sizeof data, "the data");
    is_filled(&seen[sizeof data], 0xA5, sizeof seen - sizeof data, "and nothing more");
    is_hresult(object->SetPrivateData(name, 2, &data[3]), S_OK, "set again");
    size = sizeof seen;
    is_hresult(object->GetPrivateData(name, &size, seen), S_OK, "the new data");
    ok(size == 2 && seen[0] == 4 && seen[1] == 5, "in place of the old");
    size = sizeof seen;
    is_hresult(object->GetPrivateData(other_name, &size, seen), DXGI_ERROR_NOT_FOUND, "none of another name");

    bool gone = false;
    auto *witness = new Witness(gone);
    is_hresult(object->SetPrivateDataInterface(name, witness), S_OK, "an interface");
    is_number(witness->references, 2, "of which a reference is kept");
    IUnknown *got = nullptr;
    size = sizeof got;
    is_hresult(object->GetPrivateData(name, &size, &got), S_OK, "is handed out");
    ok(got == witness && size == sizeof got, "as it is");
    is_number(witness->references, 3, "with a reference");
    com_release(got);
    witness->Release();
    ok(!gone, "it lives");
    is_hresult(object->SetPrivateData(name, sizeof data, data), S_OK, "other data in its place");
    ok(gone, "let it go");
    is_hresult(object->SetPrivateData(name, 0, nullptr), S_OK, "taken away");
    size = sizeof seen;
    is_hresult(object->GetPrivateData(name, &size, seen), DXGI_ERROR_NOT_FOUND, "none");
}

/* What dies with an object. */
template <class T> void test_death(const char *object_name, T *object)
{
    tap_context("the end of %s", object_name);
    bool gone = false;
    auto *witness = new Witness(gone);
    object->SetPrivateDataInterface(name, witness);
    witness->Release();
    ok(!gone, "not yet");
    is_number(object->Release(), 0, "the last reference");
    ok(gone, "takes its private data along");
}

template <class T> void test_device_of(const char *object_name, T *object, const gpu &gpu)
{
    tap_context("%s", object_name);
    const ULONG before = com_references(gpu.device);
    ID3D11Device *device = nullptr;
    object->GetDevice(&device);
    ok(device == gpu.device, "GetDevice: the device");
    is_number(com_references(gpu.device), before + 1, "with a reference");
    com_release(device);
}

/* Sessions and channels say what they were made with, and hold their device. */
void test_children(const gpu &gpu)
{
    session session = session_create(&gpu, &D3D11_DECODER_PROFILE_H264_VLD_NOFGT, &D3D11_KEY_EXCHANGE_RSAES_OAEP);
    channel channel = channel_create(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
    struct channel runtime = channel_create(&gpu, D3D11_AUTHENTICATED_CHANNEL_D3D11);
    GUID guid = {};
    session.object->GetCryptoType(&guid);
    ok(IsEqualGUID(guid, D3D11_CRYPTO_TYPE_AES128_CTR), "the session's crypto type");
    session.object->GetDecoderProfile(&guid);
    ok(IsEqualGUID(guid, D3D11_DECODER_PROFILE_H264_VLD_NOFGT), "and decoder profile");
    HANDLE handle = nullptr, again = nullptr;
    session.object->GetCryptoSessionHandle(&handle);
    session.object->GetCryptoSessionHandle(&again);
    ok(handle != nullptr && handle == again, "its handle is always the same");
    ok(channel.handle != nullptr && runtime.handle != nullptr && handle != channel.handle && handle != runtime.handle &&
           channel.handle != runtime.handle, "and no other object's");
    test_device_of("a session", session.object, gpu);
    test_device_of("a channel", channel.object, gpu);
    test_device_of("the runtime's channel", runtime.object, gpu);
    test_device_of("the video context", gpu.video_context, gpu);
    test_identity("a session", session.object, of_session);
    test_identity("a channel", channel.object, of_channel);
    test_identity("the runtime's channel", runtime.object, of_channel);
    test_private_data("a session", session.object);
    test_private_data("a channel", channel.object);
    test_private_data("the runtime's channel", runtime.object);
    test_death("a session", session.object);
    test_death("a channel", channel.object);
    test_death("the runtime's channel", runtime.object);
}

/* A device goes when the last of all that holds it goes, whichever it is. */
void test_last_reference(int last)
{
    static const char *const names[] = {"device", "context", "video device", "video context", "session", "channel"};
    tap_context("the %s is released last", names[last]);
    gpu gpu = gpu_begin();
    session session = session_begin(&gpu);
    channel channel = channel_begin(&gpu, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE);
    bool gone = false;
    auto *witness = new Witness(gone);
    is_hresult(gpu.device->SetPrivateDataInterface(name, witness), S_OK, "a witness");
    witness->Release();
    IUnknown *const objects[] = {gpu.device, gpu.context, gpu.video_device, gpu.video_context, session.object,
                                 channel.object};
    for (int i = 0; i < 6; i++) {
        if (i != last) {
            com_release(objects[i]);
        }
    }
    ok(!gone, "the device lives");
    if (last == 4) {
        HANDLE handle = nullptr;
        session.object->GetCryptoSessionHandle(&handle);
        ok(handle != nullptr, "and the session works");
    }
    is_number(com_release(objects[last]), 0, "the last reference");
    ok(gone, "the device is gone");
}

/* What one thread does with a device that it shares; returns what went wrong. A key exchange is the program's business on
   one context, which is for one thread at a time. */
struct Worker {
    const gpu *device;
    unsigned rounds, failures;
};

DWORD WINAPI work(void *argument)
{
    auto *worker = static_cast<Worker *>(argument);
    const gpu &gpu = *worker->device;
    for (unsigned i = 0; i < worker->rounds; i++) {
        ID3D11CryptoSession *session = nullptr;
        ID3D11AuthenticatedChannel *channel = nullptr;
        ID3D11VideoDevice1 *device = nullptr;
        HANDLE handle = nullptr;
        UINT size = 0;
        const bool made =
            SUCCEEDED(gpu.video_device->CreateCryptoSession(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL,
                                                            &D3D11_KEY_EXCHANGE_RSAES_OAEP, &session)) &&
            SUCCEEDED(gpu.video_device->CreateAuthenticatedChannel(D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE, &channel)) &&
            SUCCEEDED(gpu.device->QueryInterface(&device));
        worker->failures += !made;
        if (made) {
            session->GetCryptoSessionHandle(&handle);
            worker->failures += handle == nullptr || FAILED(session->GetCertificateSize(&size)) || size == 0;
            session->SetPrivateData(name, sizeof i, &i);
        }
        com_release(device);
        com_release(channel);
        com_release(session);
    }
    return 0;
}

void test_threads()
{
    tap_context("threads");
    gpu gpu = gpu_begin();
    session session = session_begin(&gpu); /* used on this thread meanwhile */
    ID3D11Texture2D *source = gpu_buffer(&gpu, 1024, STAGING, 0), *target = gpu_buffer(&gpu, 1024, TARGET, 0);
    Worker workers[8];
    HANDLE threads[8];
    for (int i = 0; i < 8; i++) {
        workers[i] = {&gpu, 200, 0};
        threads[i] = CreateThread(nullptr, 0, work, &workers[i], 0, nullptr);
    }
    uint8_t clear[1024], encrypted[1024], seen[1024], iv[IV_SIZE];
    unsigned wrong = 0;
    for (int i = 0; i < 50; i++) {
        crypto_random(clear, sizeof clear);
        std::memcpy(encrypted, clear, sizeof clear);
        crypto_iv(i, 0, iv);
        crypto_ctr(session.key, iv, nullptr, encrypted, sizeof encrypted);
        gpu_write(&gpu, source, encrypted);
        session_decrypt(&session, source, target, nullptr, nullptr, iv);
        gpu_read(&gpu, target, seen);
        wrong += std::memcmp(seen, clear, sizeof clear) != 0;
    }
    is_number(wrong, 0, "blits beside eight threads that make sessions and channels");
    is_number(WaitForMultipleObjects(8, threads, TRUE, 60000), WAIT_OBJECT_0, "the threads end");
    for (int i = 0; i < 8; i++) {
        is_number(workers[i].failures, 0, "thread %d: 200 sessions and channels", i);
        CloseHandle(threads[i]);
    }
    com_release(target);
    com_release(source);
    com_release(session.object);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
}

/* A resource that was mapped before the first video interface is mapped. */
void test_early_map()
{
    tap_context("mapped early");
    gpu gpu = gpu_begin_plain();
    ID3D11Texture2D *source = gpu_buffer(&gpu, 256, STAGING, 0), *target = gpu_buffer(&gpu, 256, TARGET, 0);
    D3D11_MAPPED_SUBRESOURCE mapped;
    gpu_fill(&gpu, target, 0x5A);
    is_hresult(gpu.context->Map(source, 0, D3D11_MAP_WRITE, 0, &mapped), S_OK, "Map");
    gpu_video(&gpu);
    session session = session_begin(&gpu);
    uint8_t iv[IV_SIZE], expected[256] = {};
    crypto_iv(1, 0, iv);
    session_decrypt(&session, source, target, nullptr, nullptr, iv);
    gpu_is_filled(&gpu, target, 0x5A, "a blit from it is refused");
    gpu.context->Unmap(source, 0);
    gpu_fill(&gpu, source, 0);
    crypto_ctr(session.key, iv, nullptr, expected, sizeof expected);
    session_decrypt(&session, source, target, nullptr, nullptr, iv);
    gpu_holds(&gpu, target, expected, "and done when it is unmapped");
    com_release(target);
    com_release(source);
    com_release(session.object);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
}

/* A device without the layer's interfaces, or with all of them in use. */
void one_device(bool with_sessions)
{
    gpu gpu = gpu_begin_plain();
    if (with_sessions) {
        gpu_video(&gpu);
        ID3D11CryptoSession *session = nullptr;
        ID3D11AuthenticatedChannel *channel = nullptr;
        gpu.video_device->CreateCryptoSession(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL, &D3D11_KEY_EXCHANGE_RSAES_OAEP,
                                              &session);
        gpu.video_device->CreateAuthenticatedChannel(D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE, &channel);
        com_release(session);
        com_release(channel);
    }
    gpu_end(&gpu);
}

/* The implementation below may leak of its own, so devices with sessions are measured against those without. */
void test_leaks()
{
    tap_context("leaks");
    double growth[2], handles[2];
    for (const bool with_sessions : {false, true}) {
        for (int i = 0; i < 5; i++) {
            one_device(with_sessions);
        }
        const size_t before = heap_bytes();
        const DWORD before_handles = handle_count();
        const DWORD start = GetTickCount();
        int devices = 0;
        for (; devices < 40 && GetTickCount() - start < 15000; devices++) {
            one_device(with_sessions);
        }
        const size_t after = heap_bytes();
        growth[with_sessions] = (static_cast<double>(after) - static_cast<double>(before)) / devices;
        handles[with_sessions] = static_cast<double>(handle_count()) - before_handles;
        tap_note("%d devices %s sessions: %.0f bytes more for each, handles %+.0f", devices,
                 with_sessions ? "with" : "without", growth[with_sessions], handles[with_sessions]);
    }
    ok(growth[true] < growth[false] + 64, "a device with sessions leaves no more memory than one without");
    ok(handles[true] <= handles[false] + 8, "nor handles");

    gpu gpu = gpu_begin();
    size_t before = 0;
    DWORD before_handles = 0;
    for (int i = 0; i < 5000; i++) {
        Worker worker = {&gpu, 1, 0};
        work(&worker);
        if (i == 1000) {
            before = heap_bytes();
            before_handles = handle_count();
        }
    }
    const size_t after = heap_bytes();
    ok(after < before + 4000, "4000 sessions and channels: %zu bytes in use, then %zu", before, after);
    ok(handle_count() <= before_handles + 8, "and no handles more");
    gpu_end(&gpu);
}

} // namespace

int main()
{
    tap_begin();
    gpu gpu = gpu_begin();
    test_identity("the device", gpu.device, of_device);
    test_identity("the video device", gpu.video_device, of_device);
    test_identity("the context", gpu.context, of_context);
    test_identity("the video context", gpu.video_context, of_context);
    test_every_interface("the device", gpu.device);
    test_every_interface("the context", gpu.context);
    test_deferred(gpu);
    test_private_data("the device", gpu.device);
    test_private_data("the video context", gpu.video_context);
    test_children(gpu);
    tap_context(nullptr);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
    for (int last = 0; last < 6; last++) {
        test_last_reference(last);
    }
    test_early_map();
    test_threads();
    test_leaks();
    tap_context(nullptr);
    return tap_done();
}
