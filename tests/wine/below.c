/* A d3d11.dll for tests, to stand between the layer and Wine's: everything is Wine's, and devices also have what Wine
   lacks, an information queue, resources that can be offered and shared and, on request, video interfaces that only
   record their arguments, and a decoder of clear bitstreams. Calls can be made to fail by the functions in `below.h`.
   */
#include "below.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Wine's library, found by its path since this one may be called d3d11.dll too. */
static FARPROC real(const char *name)
{
    static HMODULE library;
    if (library == NULL) {
        char path[MAX_PATH];
        const UINT length = GetSystemDirectoryA(path, MAX_PATH - sizeof "\\d3d11.dll");
        strcpy(&path[length], "\\d3d11.dll");
        library = LoadLibraryA(path);
    }
    return GetProcAddress(library, name);
}

/* What Wine's dxgi asks of Wine's d3d11, by whatever module has that name. None has more than six parameters. */
#define FORWARD(name)                                                                                             \
    __declspec(dllexport) uintptr_t name(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, uintptr_t f); \
    uintptr_t name(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, uintptr_t f)                  \
    {                                                                                                             \
        return ((uintptr_t (*)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t))(void *)real(#name))( \
            a, b, c, d, e, f);                                                                                    \
    }
FORWARD(D3D11CoreCreateDevice)
FORWARD(D3D11CoreCreateLayeredDevice)
FORWARD(D3D11CoreGetLayeredDeviceSize)
FORWARD(D3D11CoreRegisterLayers)

static struct below_failures failures;

__declspec(dllexport) struct below_failures *below_failures(void)
{
    return &failures;
}

/* The information queue of a device. It lives as private data of the device, and is an interface of it. */
struct queue {
    ID3D11InfoQueue queue;
    IUnknown owner; /* what the private data has a reference of */
    LONG references;
    ID3D11Device *device;
    SRWLOCK lock;
    UINT64 count;
    struct stored {
        D3D11_MESSAGE message;
        char text[512];
    } *messages;
};

static const GUID queue_name = {0x0a9a3d1e, 0x5c3b, 0x4f5e, {0x8d, 0x11, 0x3b, 0x8b, 0x0e, 0x9c, 0x4a, 0x77}};

static struct queue *queue_of(ID3D11InfoQueue *queue)
{
    return (struct queue *)queue;
}

static HRESULT STDMETHODCALLTYPE queue_query(ID3D11InfoQueue *queue, REFIID iid, void **out)
{
    return ID3D11Device_QueryInterface(queue_of(queue)->device, iid, out);
}

static ULONG STDMETHODCALLTYPE queue_add_ref(ID3D11InfoQueue *queue)
{
    return ID3D11Device_AddRef(queue_of(queue)->device);
}

static ULONG STDMETHODCALLTYPE queue_release(ID3D11InfoQueue *queue)
{
    return ID3D11Device_Release(queue_of(queue)->device);
}

static void STDMETHODCALLTYPE queue_clear(ID3D11InfoQueue *queue)
{
    AcquireSRWLockExclusive(&queue_of(queue)->lock);
    queue_of(queue)->count = 0;
    ReleaseSRWLockExclusive(&queue_of(queue)->lock);
}

static UINT64 STDMETHODCALLTYPE queue_count(ID3D11InfoQueue *queue)
{
    return queue_of(queue)->count;
}

static HRESULT STDMETHODCALLTYPE queue_get(ID3D11InfoQueue *queue, UINT64 index, D3D11_MESSAGE *message, SIZE_T *size)
{
    struct queue *of = queue_of(queue);
    if (index >= of->count) {
        return E_INVALIDARG;
    }
    const struct stored *stored = &of->messages[index];
    const SIZE_T needed = sizeof *message + stored->message.DescriptionByteLength;
    if (message != NULL) {
        if (*size < needed) {
            return E_INVALIDARG;
        }
        char *text = (char *)&message[1];
        *message = stored->message;
        memcpy(text, stored->text, stored->message.DescriptionByteLength);
        message->pDescription = text;
    }
    *size = needed;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE queue_add(ID3D11InfoQueue *queue, D3D11_MESSAGE_CATEGORY category,
                                           D3D11_MESSAGE_SEVERITY severity, D3D11_MESSAGE_ID id, const char *text)
{
    struct queue *of = queue_of(queue);
    AcquireSRWLockExclusive(&of->lock);
    if (of->count % 64 == 0) {
        of->messages = realloc(of->messages, (of->count + 64) * sizeof *of->messages);
    }
    struct stored *stored = &of->messages[of->count++];
    strncpy(stored->text, text, sizeof stored->text - 1);
    stored->text[sizeof stored->text - 1] = '\0';
    stored->message = (D3D11_MESSAGE){category, severity, id, NULL, strlen(stored->text) + 1};
    ReleaseSRWLockExclusive(&of->lock);
    return S_OK;
}

/* Filters and breakpoints: nobody asks for them. */
static HRESULT STDMETHODCALLTYPE not_implemented(void)
{
    return E_NOTIMPL;
}
#define NOT(method) .method = (void *)not_implemented

static ID3D11InfoQueueVtbl queue_table = {
    .QueryInterface = queue_query,
    .AddRef = queue_add_ref,
    .Release = queue_release,
    .ClearStoredMessages = queue_clear,
    .GetMessage = queue_get,
    .GetNumStoredMessages = queue_count,
    .GetNumStoredMessagesAllowedByRetrievalFilter = queue_count,
    .AddMessage = queue_add,
    NOT(SetMessageCountLimit), NOT(GetNumMessagesAllowedByStorageFilter), NOT(GetNumMessagesDeniedByStorageFilter),
    NOT(GetNumMessagesDiscardedByMessageCountLimit), NOT(GetMessageCountLimit), NOT(AddStorageFilterEntries),
    NOT(GetStorageFilter), NOT(ClearStorageFilter), NOT(PushEmptyStorageFilter), NOT(PushCopyOfStorageFilter),
    NOT(PushStorageFilter), NOT(PopStorageFilter), NOT(GetStorageFilterStackSize), NOT(AddRetrievalFilterEntries),
    NOT(GetRetrievalFilter), NOT(ClearRetrievalFilter), NOT(PushEmptyRetrievalFilter), NOT(PushCopyOfRetrievalFilter),
    NOT(PushRetrievalFilter), NOT(PopRetrievalFilter), NOT(GetRetrievalFilterStackSize), NOT(AddApplicationMessage),
    NOT(SetBreakOnCategory), NOT(SetBreakOnSeverity), NOT(SetBreakOnID), NOT(GetBreakOnCategory),
    NOT(GetBreakOnSeverity), NOT(GetBreakOnID), NOT(SetMuteDebugOutput), NOT(GetMuteDebugOutput),
};

static struct queue *queue_owned(IUnknown *owner)
{
    return (struct queue *)((char *)owner - offsetof(struct queue, owner));
}

static HRESULT STDMETHODCALLTYPE owner_query(IUnknown *owner, REFIID iid, void **out)
{
    *out = IsEqualGUID(iid, &IID_IUnknown) ? owner : NULL;
    return *out != NULL ? IUnknown_AddRef(owner), S_OK : E_NOINTERFACE;
}

static ULONG STDMETHODCALLTYPE owner_add_ref(IUnknown *owner)
{
    return (ULONG)InterlockedIncrement(&queue_owned(owner)->references);
}

static ULONG STDMETHODCALLTYPE owner_release(IUnknown *owner)
{
    struct queue *queue = queue_owned(owner);
    const LONG left = InterlockedDecrement(&queue->references);
    if (left == 0) {
        free(queue->messages);
        free(queue);
    }
    return (ULONG)left;
}

static IUnknownVtbl owner_table = {owner_query, owner_add_ref, owner_release};

static void give_queue(ID3D11Device *device)
{
    struct queue *queue = calloc(1, sizeof *queue);
    queue->queue.lpVtbl = &queue_table;
    queue->owner.lpVtbl = &owner_table;
    queue->references = 1;
    queue->device = device;
    ID3D11Device_SetPrivateDataInterface(device, &queue_name, &queue->owner);
    owner_release(&queue->owner);
}

/* Replaces an entry of a table; Wine has one table for all objects of a kind. `original` is null before the first time.
   */
static void patch(void *entry, void *original, void *replacement)
{
    DWORD before;
    if (*(void **)original == NULL) {
        *(void **)original = *(void **)entry;
        VirtualProtect(entry, sizeof(void *), PAGE_READWRITE, &before);
        *(void **)entry = replacement;
        VirtualProtect(entry, sizeof(void *), before, &before);
    }
}
#define PATCH(object, original, method) \
    patch(&(object)->lpVtbl->method, &(original).method, (void *)below_##method)

static ID3D11DeviceVtbl device_below;
static ID3D11DeviceContextVtbl context_below;
static IDXGIDevice2Vtbl dxgi_below;

/* The video interfaces of whatever device and context: objects of this library, which are never destroyed. */
static struct below_video video;

__declspec(dllexport) struct below_video *below_video(void)
{
    return &video;
}

static ID3D11VideoDevice video_device;
static ID3D11VideoContext video_context;

static HRESULT STDMETHODCALLTYPE video_query(IUnknown *object, REFIID iid, void **out)
{
    const BOOL known = IsEqualGUID(iid, &IID_IUnknown) ||
                       IsEqualGUID(iid, (void *)object == &video_device ? &IID_ID3D11VideoDevice : &IID_ID3D11VideoContext);
    *out = known ? object : NULL;
    return known ? S_OK : E_NOINTERFACE;
}

static ULONG STDMETHODCALLTYPE video_count(IUnknown *object)
{
    (void)object;
    return 1;
}

static UINT STDMETHODCALLTYPE video_profiles(ID3D11VideoDevice *device)
{
    (void)device;
    video.method = "GetVideoDecoderProfileCount";
    return BELOW_PROFILES;
}

static HRESULT STDMETHODCALLTYPE video_check(ID3D11VideoDevice *device, const GUID *profile, DXGI_FORMAT format,
                                             WINBOOL *supported)
{
    (void)device;
    video = (struct below_video){TRUE, "CheckVideoDecoderFormat", {profile, supported}, {format}, 0, {0, 0}};
    *supported = TRUE;
    return S_OK;
}

/* The decoder below. Its objects count references, and are children of no device. */
static struct below_decoder decoding;

__declspec(dllexport) struct below_decoder *below_decoder(void)
{
    return &decoding;
}

struct decoder {
    ID3D11VideoDecoder object;
    LONG references;
    BOOL in_frame;
    ID3D11Resource *output;
    struct decoder_buffer {
        BOOL is_held;
        UINT size;
        uint8_t *bytes;
    } buffers[9];
};

struct view {
    ID3D11VideoDecoderOutputView object;
    LONG references;
    ID3D11Resource *resource;
};

static HRESULT STDMETHODCALLTYPE child_query(ID3D11DeviceChild *child, REFIID iid, void **out)
{
    (void)iid;
    ID3D11DeviceChild_AddRef(child);
    *out = child;
    return S_OK;
}

static ULONG STDMETHODCALLTYPE decoder_add_ref(ID3D11VideoDecoder *object)
{
    return InterlockedIncrement(&((struct decoder *)object)->references);
}

static ULONG STDMETHODCALLTYPE decoder_release(ID3D11VideoDecoder *object)
{
    struct decoder *decoder = (struct decoder *)object;
    const LONG references = InterlockedDecrement(&decoder->references);
    if (references == 0) {
        for (UINT i = 0; i < 9; i++) {
            free(decoder->buffers[i].bytes);
        }
        free(decoder);
        decoding.decoders--;
    }
    return references;
}

static ULONG STDMETHODCALLTYPE view_add_ref(ID3D11VideoDecoderOutputView *object)
{
    return InterlockedIncrement(&((struct view *)object)->references);
}

static ULONG STDMETHODCALLTYPE view_release(ID3D11VideoDecoderOutputView *object)
{
    struct view *view = (struct view *)object;
    const LONG references = InterlockedDecrement(&view->references);
    if (references == 0) {
        ID3D11Resource_Release(view->resource);
        free(view);
        decoding.views--;
    }
    return references;
}

static void STDMETHODCALLTYPE view_resource(ID3D11VideoDecoderOutputView *object, ID3D11Resource **resource)
{
    *resource = ((struct view *)object)->resource;
    ID3D11Resource_AddRef(*resource);
}

static ID3D11VideoDecoderVtbl decoder_table = {
    .QueryInterface = (void *)child_query, .AddRef = decoder_add_ref, .Release = decoder_release};
static ID3D11VideoDecoderOutputViewVtbl view_table = {
    .QueryInterface = (void *)child_query, .AddRef = view_add_ref, .Release = view_release, .GetResource = view_resource};

/* Null, and noted, for what is none. */
static struct decoder *decoder_of(ID3D11VideoDecoder *object)
{
    if (object == NULL || object->lpVtbl != &decoder_table) {
        decoding.wrong++;
        return NULL;
    }
    return (struct decoder *)object;
}

static HRESULT STDMETHODCALLTYPE video_config_count(ID3D11VideoDevice *device, const D3D11_VIDEO_DECODER_DESC *desc,
                                                    UINT *count)
{
    (void)device, (void)desc;
    *count = decoding.present ? BELOW_CONFIGS : 0;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE video_config(ID3D11VideoDevice *device, const D3D11_VIDEO_DECODER_DESC *desc,
                                              UINT index, D3D11_VIDEO_DECODER_CONFIG *config)
{
    (void)device, (void)desc;
    if (!decoding.present || index >= BELOW_CONFIGS) {
        return E_INVALIDARG;
    }
    memset(config, 0, sizeof *config);
    config->guidConfigBitstreamEncryption = index == 3 ? D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC : DXVA_NoEncrypt;
    config->guidConfigMBcontrolEncryption = config->guidConfigResidDiffEncryption = DXVA_NoEncrypt;
    config->ConfigBitstreamRaw = index == 0 ? 1 : index == 1 ? 2 : index == 2 ? 0 : 1;
    config->ConfigMinRenderTargetBuffCount = 3;
    config->ConfigDecoderSpecific = (USHORT)(10 + index);
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE video_create_view(ID3D11VideoDevice *device, ID3D11Resource *resource,
                                                   const D3D11_VIDEO_DECODER_OUTPUT_VIEW_DESC *desc,
                                                   ID3D11VideoDecoderOutputView **view)
{
    (void)device, (void)desc;
    struct view *new = calloc(1, sizeof *new);
    new->object.lpVtbl = &view_table;
    new->references = 1;
    new->resource = resource;
    ID3D11Resource_AddRef(resource);
    decoding.views++;
    *view = &new->object;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE video_get_buffer(ID3D11VideoContext *context, ID3D11VideoDecoder *object,
                                                  D3D11_VIDEO_DECODER_BUFFER_TYPE type, UINT *size, void **out)
{
    (void)context;
    struct decoder *decoder = decoder_of(object);
    if (decoder == NULL || type >= 9 || decoder->buffers[type].is_held) {
        decoding.wrong += decoder != NULL;
        return E_INVALIDARG;
    }
    struct decoder_buffer *buffer = &decoder->buffers[type];
    decoding.gets++;
    buffer->is_held = TRUE;
    buffer->size = type == D3D11_VIDEO_DECODER_BUFFER_BITSTREAM ? BELOW_BITSTREAM_SIZE : BELOW_PARAMETERS_SIZE;
    free(buffer->bytes); /* another place each time */
    buffer->bytes = malloc(buffer->size);
    memset(buffer->bytes, 0xEE, buffer->size);
    *size = buffer->size;
    *out = buffer->bytes;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE video_release_buffer(ID3D11VideoContext *context, ID3D11VideoDecoder *object,
                                                      D3D11_VIDEO_DECODER_BUFFER_TYPE type)
{
    (void)context;
    struct decoder *decoder = decoder_of(object);
    if (decoder == NULL || type >= 9 || !decoder->buffers[type].is_held) {
        decoding.wrong += decoder != NULL;
        return E_INVALIDARG;
    }
    decoding.releases++;
    decoder->buffers[type].is_held = FALSE;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE video_begin(ID3D11VideoContext *context, ID3D11VideoDecoder *object,
                                             ID3D11VideoDecoderOutputView *view, UINT key_size, const void *key)
{
    (void)context;
    struct decoder *decoder = decoder_of(object);
    if (decoder == NULL || view == NULL || view->lpVtbl != &view_table || decoder->in_frame) {
        decoding.wrong += decoder != NULL;
        return E_INVALIDARG;
    }
    if (FAILED(decoding.begin)) {
        return decoding.begin;
    }
    decoding.begins++;
    decoding.encrypted += key_size != 0 || key != NULL;
    decoding.bitstream_size = 0;
    decoder->in_frame = TRUE;
    decoder->output = ((struct view *)view)->resource;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE video_submit(ID3D11VideoContext *context, ID3D11VideoDecoder *object, UINT count,
                                              const D3D11_VIDEO_DECODER_BUFFER_DESC *descs)
{
    (void)context;
    struct decoder *decoder = decoder_of(object);
    if (decoder == NULL || !decoder->in_frame) {
        decoding.wrong += decoder != NULL;
        return E_INVALIDARG;
    }
    for (UINT i = 0; i < count; i++) {
        const D3D11_VIDEO_DECODER_BUFFER_DESC *desc = &descs[i];
        const struct decoder_buffer *buffer = &decoder->buffers[desc->BufferType < 9 ? desc->BufferType : 8];
        decoding.encrypted += desc->pIV != NULL || desc->IVSize != 0 || desc->PartialEncryption;
        if (buffer->bytes == NULL || buffer->is_held || desc->DataOffset + desc->DataSize > buffer->size ||
            decoding.bitstream_size + desc->DataSize > sizeof decoding.bitstream) {
            decoding.wrong++;
            return E_INVALIDARG;
        }
        if (desc->BufferType == D3D11_VIDEO_DECODER_BUFFER_BITSTREAM) {
            memcpy(&decoding.bitstream[decoding.bitstream_size], &buffer->bytes[desc->DataOffset], desc->DataSize);
            decoding.bitstream_size += desc->DataSize;
        } else if (desc->BufferType == D3D11_VIDEO_DECODER_BUFFER_PICTURE_PARAMETERS) {
            memcpy(decoding.parameters, &buffer->bytes[desc->DataOffset], desc->DataSize);
        }
    }
    decoding.submits++;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE video_end(ID3D11VideoContext *context, ID3D11VideoDecoder *object)
{
    (void)context;
    struct decoder *decoder = decoder_of(object);
    if (decoder == NULL || !decoder->in_frame) {
        decoding.wrong += decoder != NULL;
        return E_INVALIDARG;
    }
    D3D11_TEXTURE2D_DESC desc;
    ID3D11Device *device;
    ID3D11DeviceContext *drawing;
    ID3D11Texture2D_GetDesc((ID3D11Texture2D *)decoder->output, &desc);
    const UINT pitch = desc.Width * 4;
    uint8_t *picture = calloc(desc.Height, pitch);
    const UINT bytes = pitch * desc.Height;
    memcpy(picture, decoding.bitstream, decoding.bitstream_size < bytes ? decoding.bitstream_size : bytes);
    ID3D11Resource_GetDevice(decoder->output, &device);
    ID3D11Device_GetImmediateContext(device, &drawing);
    ID3D11DeviceContext_UpdateSubresource(drawing, decoder->output, 0, NULL, picture, pitch, 0);
    ID3D11DeviceContext_Release(drawing);
    ID3D11Device_Release(device);
    free(picture);
    decoder->in_frame = FALSE;
    decoding.ends++;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE video_create(ID3D11VideoDevice *device, const D3D11_VIDEO_DECODER_DESC *desc,
                                              const D3D11_VIDEO_DECODER_CONFIG *config, ID3D11VideoDecoder **decoder)
{
    if (decoding.present) {
        struct decoder *new = calloc(1, sizeof *new);
        new->object.lpVtbl = &decoder_table;
        new->references = 1;
        decoding.decoders++;
        decoding.config = *config;
        decoding.encrypted += !IsEqualGUID(&config->guidConfigBitstreamEncryption, &DXVA_NoEncrypt);
        *decoder = &new->object;
        return S_OK;
    }
    video = (struct below_video){TRUE, "CreateVideoDecoder", {desc, config, decoder}, {0}, 0, {0, 0}};
    *decoder = (ID3D11VideoDecoder *)device;
    return BELOW_CREATED;
}

static void STDMETHODCALLTYPE video_alpha(ID3D11VideoContext *context, ID3D11VideoProcessor *processor, UINT stream,
                                          WINBOOL enable, FLOAT alpha)
{
    (void)context;
    video = (struct below_video){TRUE, "VideoProcessorSetStreamAlpha", {processor}, {stream, enable}, alpha, {0, 0}};
}

static void STDMETHODCALLTYPE video_constriction(ID3D11VideoContext *context, ID3D11VideoProcessor *processor,
                                                 WINBOOL enable, SIZE size)
{
    (void)context;
    video = (struct below_video){TRUE, "VideoProcessorSetOutputConstriction", {processor}, {enable}, 0, size};
}

static HRESULT STDMETHODCALLTYPE video_blt(ID3D11VideoContext *context, ID3D11VideoProcessor *processor,
                                           ID3D11VideoProcessorOutputView *view, UINT frame, UINT count,
                                           const D3D11_VIDEO_PROCESSOR_STREAM *streams)
{
    (void)context;
    video = (struct below_video){TRUE, "VideoProcessorBlt", {processor, view, streams}, {frame, count}, 0, {0, 0}};
    return BELOW_BLT;
}

/* The entries that nobody calls stay null: such a call is to be seen. */
static ID3D11VideoDeviceVtbl video_device_table = {
    .QueryInterface = (void *)video_query,
    .AddRef = (void *)video_count,
    .Release = (void *)video_count,
    .GetVideoDecoderProfileCount = video_profiles,
    .CheckVideoDecoderFormat = video_check,
    .CreateVideoDecoder = video_create,
    .CreateVideoDecoderOutputView = video_create_view,
    .GetVideoDecoderConfigCount = video_config_count,
    .GetVideoDecoderConfig = video_config,
};
static ID3D11VideoContextVtbl video_context_table = {
    .QueryInterface = (void *)video_query,
    .AddRef = (void *)video_count,
    .Release = (void *)video_count,
    .VideoProcessorSetStreamAlpha = video_alpha,
    .VideoProcessorSetOutputConstriction = video_constriction,
    .VideoProcessorBlt = video_blt,
    .GetDecoderBuffer = video_get_buffer,
    .ReleaseDecoderBuffer = video_release_buffer,
    .DecoderBeginFrame = video_begin,
    .DecoderEndFrame = video_end,
    .SubmitDecoderBuffers = video_submit,
};
static ID3D11VideoDevice video_device = {&video_device_table};
static ID3D11VideoContext video_context = {&video_context_table};

static HRESULT STDMETHODCALLTYPE below_context_QueryInterface(ID3D11DeviceContext *context, REFIID iid, void **out)
{
    if (!video.present || !IsEqualGUID(iid, &IID_ID3D11VideoContext)) {
        return context_below.QueryInterface(context, iid, out);
    }
    *out = &video_context;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE below_QueryInterface(ID3D11Device *device, REFIID iid, void **out)
{
    if (video.present && IsEqualGUID(iid, &IID_ID3D11VideoDevice)) {
        *out = &video_device;
        return S_OK;
    }
    IUnknown *owner = NULL;
    UINT size = sizeof owner;
    if (!IsEqualGUID(iid, &IID_ID3D11InfoQueue) ||
        FAILED(ID3D11Device_GetPrivateData(device, &queue_name, &size, &owner))) {
        return device_below.QueryInterface(device, iid, out);
    }
    *out = &queue_owned(owner)->queue;
    owner_release(owner);
    ID3D11Device_AddRef(device);
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE below_CreateBuffer(ID3D11Device *device, const D3D11_BUFFER_DESC *desc,
                                                    const D3D11_SUBRESOURCE_DATA *data, ID3D11Buffer **buffer)
{
    return FAILED(failures.create) ? failures.create : device_below.CreateBuffer(device, desc, data, buffer);
}

static IDXGIResourceVtbl resource_below;

/* A handle as it is known to all processes: nothing is behind it. */
static HRESULT STDMETHODCALLTYPE below_GetSharedHandle(IDXGIResource *resource, HANDLE *handle)
{
    *handle = (HANDLE)(0x40000000 | ((uintptr_t)resource & 0x3FFFFFF0) | 2);
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE below_CreateTexture2D(ID3D11Device *device, const D3D11_TEXTURE2D_DESC *desc,
                                                       const D3D11_SUBRESOURCE_DATA *data, ID3D11Texture2D **texture)
{
    IDXGIResource *resource;
    const HRESULT result = FAILED(failures.create) ? failures.create
                                                   : device_below.CreateTexture2D(device, desc, data, texture);
    if (SUCCEEDED(result) && texture != NULL &&
        SUCCEEDED(ID3D11Texture2D_QueryInterface(*texture, &IID_IDXGIResource, (void **)&resource))) {
        PATCH(resource, resource_below, GetSharedHandle);
        IDXGIResource_Release(resource);
    }
    return result;
}

/* What is opened is another texture, and one that can be mapped unless something forbids it. */
static HRESULT STDMETHODCALLTYPE below_OpenSharedResource(ID3D11Device *device, HANDLE handle, REFIID iid, void **out)
{
    const D3D11_TEXTURE2D_DESC desc = {8, 8, 1, 1, DXGI_FORMAT_R8G8B8A8_UNORM, {1, 0}, D3D11_USAGE_STAGING, 0,
                                       D3D11_CPU_ACCESS_READ, 0};
    ID3D11Texture2D *texture;
    (void)handle;
    HRESULT result = device_below.CreateTexture2D(device, &desc, NULL, &texture);
    if (SUCCEEDED(result)) {
        result = ID3D11Texture2D_QueryInterface(texture, iid, out);
        ID3D11Texture2D_Release(texture);
    }
    return result;
}

/* The plain memory of a buffer. It is private data of the buffer, and ends with it. */
struct memory {
    IUnknown owner;
    LONG references;
    UINT size;
    uint8_t bytes[];
};

/* Of d3d11_4.h; mingw-w64's libraries lack it. */
static const GUID multithread_iid = {0x9b7e4e00, 0x342c, 0x4106, {0xa1, 0x9f, 0x4f, 0x27, 0x04, 0xf6, 0x89, 0xf0}};

static const GUID memory_name = {0x0a9a3d1e, 0x5c3b, 0x4f5e, {0x8d, 0x11, 0x3b, 0x8b, 0x0e, 0x9c, 0x4a, 0x78}};

static ULONG STDMETHODCALLTYPE memory_add_ref(IUnknown *owner)
{
    return (ULONG)InterlockedIncrement(&((struct memory *)owner)->references);
}

static ULONG STDMETHODCALLTYPE memory_release(IUnknown *owner)
{
    const LONG left = InterlockedDecrement(&((struct memory *)owner)->references);
    if (left == 0) {
        free(owner);
    }
    return (ULONG)left;
}

static IUnknownVtbl memory_table = {owner_query, memory_add_ref, memory_release};

/* The memory of a buffer, with zeros in it at first; null where there is no plain memory. It lives as long as the
   buffer. */
static struct memory *memory_of(ID3D11Resource *resource)
{
    D3D11_RESOURCE_DIMENSION dimension;
    D3D11_BUFFER_DESC desc;
    struct memory *memory = NULL;
    UINT size = sizeof memory;
    ID3D11Resource_GetType(resource, &dimension);
    if (!failures.plain_memory || dimension != D3D11_RESOURCE_DIMENSION_BUFFER) {
        return NULL;
    }
    if (FAILED(ID3D11Resource_GetPrivateData(resource, &memory_name, &size, &memory))) {
        ID3D11Buffer_GetDesc((ID3D11Buffer *)resource, &desc);
        memory = calloc(1, sizeof *memory + desc.ByteWidth);
        memory->owner.lpVtbl = &memory_table;
        memory->references = 1;
        memory->size = desc.ByteWidth;
        ID3D11Resource_SetPrivateDataInterface(resource, &memory_name, &memory->owner);
    }
    memory_release(&memory->owner);
    return memory;
}

/* Into the device's critical section, as every call on a context is below. To be left with `leave`. */
static ID3D11Multithread *enter(ID3D11DeviceContext *context)
{
    ID3D11Multithread *multithread;
    context_below.QueryInterface(context, &multithread_iid, (void **)&multithread);
    ID3D11Multithread_Enter(multithread);
    return multithread;
}

static void leave(ID3D11Multithread *multithread)
{
    ID3D11Multithread_Leave(multithread);
    ID3D11Multithread_Release(multithread);
}

static HRESULT STDMETHODCALLTYPE below_Map(ID3D11DeviceContext *context, ID3D11Resource *resource, UINT subresource,
                                           D3D11_MAP access, UINT flags, D3D11_MAPPED_SUBRESOURCE *mapped)
{
    static __thread BOOL is_inside;
    if (failures.in_map != NULL && !is_inside) {
        is_inside = TRUE;
        failures.in_map();
        is_inside = FALSE;
    }
    if (FAILED(failures.map)) {
        return failures.map;
    }
    if (!failures.plain_memory) {
        return context_below.Map(context, resource, subresource, access, flags, mapped);
    }
    ID3D11Multithread *multithread = enter(context);
    struct memory *memory = memory_of(resource);
    HRESULT result = S_OK;
    if (memory != NULL) {
        *mapped = (D3D11_MAPPED_SUBRESOURCE){memory->bytes, memory->size, memory->size};
    } else {
        result = context_below.Map(context, resource, subresource, access, flags, mapped);
    }
    leave(multithread);
    return result;
}

static void STDMETHODCALLTYPE below_Unmap(ID3D11DeviceContext *context, ID3D11Resource *resource, UINT subresource)
{
    if (!failures.plain_memory) {
        context_below.Unmap(context, resource, subresource);
        return;
    }
    ID3D11Multithread *multithread = enter(context);
    if (memory_of(resource) == NULL) {
        context_below.Unmap(context, resource, subresource);
    }
    leave(multithread);
}

/* Whether it was a copy of plain memory, which has taken place then. */
static BOOL copied_memory(ID3D11DeviceContext *context, ID3D11Resource *to, ID3D11Resource *from)
{
    if (!failures.plain_memory) {
        return FALSE;
    }
    ID3D11Multithread *multithread = enter(context);
    struct memory *to_memory = memory_of(to), *from_memory = memory_of(from);
    const BOOL both = to_memory != NULL && from_memory != NULL && to_memory->size == from_memory->size;
    if (both) {
        memcpy(to_memory->bytes, from_memory->bytes, to_memory->size);
    }
    leave(multithread);
    return both;
}

static void STDMETHODCALLTYPE below_CopyResource(ID3D11DeviceContext *context, ID3D11Resource *to, ID3D11Resource *from)
{
    if (!copied_memory(context, to, from)) {
        context_below.CopyResource(context, to, from);
    }
}

static void STDMETHODCALLTYPE below_CopySubresourceRegion(ID3D11DeviceContext *context, ID3D11Resource *to,
                                                          UINT to_subresource, UINT x, UINT y, UINT z, ID3D11Resource *from,
                                                          UINT from_subresource, const D3D11_BOX *box)
{
    ID3D11DeviceContext1 *later;
    if (failures.copies_nothing || (box == NULL && x == 0 && y == 0 && z == 0 && copied_memory(context, to, from))) {
        return;
    }
    if (failures.copies_by_table &&
        SUCCEEDED(context_below.QueryInterface(context, &IID_ID3D11DeviceContext1, (void **)&later))) {
        ID3D11DeviceContext1_CopySubresourceRegion1(later, to, to_subresource, x, y, z, from, from_subresource, box, 0);
        ID3D11DeviceContext1_Release(later);
        return;
    }
    context_below.CopySubresourceRegion(context, to, to_subresource, x, y, z, from, from_subresource, box);
}

static HRESULT STDMETHODCALLTYPE below_OfferResources(IDXGIDevice2 *device, UINT count, IDXGIResource *const *resources,
                                                      DXGI_OFFER_RESOURCE_PRIORITY priority)
{
    (void)device, (void)count, (void)resources, (void)priority;
    return S_OK;
}

static HRESULT STDMETHODCALLTYPE below_ReclaimResources(IDXGIDevice2 *device, UINT count, IDXGIResource *const *resources,
                                                        WINBOOL *discarded)
{
    (void)device, (void)resources;
    for (UINT i = 0; discarded != NULL && i < count; i++) {
        discarded[i] = failures.reclaim_discards;
    }
    return S_OK;
}

/* The private data that the device which was given some last has been given since it was made. */
static ID3D11Device *given_to;
static GUID given[16];
static UINT givens;

static HRESULT STDMETHODCALLTYPE below_SetPrivateDataInterface(ID3D11Device *device, REFGUID name, const IUnknown *data)
{
    givens = device == given_to ? givens : 0;
    given_to = device;
    if (data != NULL && givens < 16 && !IsEqualGUID(name, &queue_name)) {
        given[givens++] = *name;
    }
    return device_below.SetPrivateDataInterface(device, name, data);
}

/* `one_device` as if it were new, with a reference. */
static HRESULT hand_out_again(ID3D11Device **device, D3D_FEATURE_LEVEL *level, ID3D11DeviceContext **context)
{
    ID3D11Device *const one = failures.one_device;
    while (one == given_to && givens != 0) {
        ID3D11Device_SetPrivateData(one, &given[--givens], 0, NULL);
    }
    if (device != NULL) {
        ID3D11Device_AddRef(one);
        *device = one;
    }
    if (level != NULL) {
        *level = ID3D11Device_GetFeatureLevel(one);
    }
    if (context != NULL) {
        ID3D11Device_GetImmediateContext(one, context);
    }
    return S_OK;
}

/* Within the critical section, where the order of locks is looked at. */
static HRESULT STDMETHODCALLTYPE below_CreateDeferredContext(ID3D11Device *device, UINT flags, ID3D11DeviceContext **out)
{
    ID3D11DeviceContext *context;
    if (failures.one_device == NULL) {
        return device_below.CreateDeferredContext(device, flags, out);
    }
    ID3D11Device_GetImmediateContext(device, &context);
    ID3D11Multithread *multithread = enter(context);
    const HRESULT result = device_below.CreateDeferredContext(device, flags, out);
    leave(multithread);
    ID3D11DeviceContext_Release(context);
    return result;
}

static void attach(ID3D11Device *device)
{
    ID3D11DeviceContext *context;
    IDXGIDevice2 *dxgi;
    give_queue(device);
    PATCH(device, device_below, QueryInterface);
    PATCH(device, device_below, CreateBuffer);
    PATCH(device, device_below, CreateTexture2D);
    PATCH(device, device_below, OpenSharedResource);
    PATCH(device, device_below, SetPrivateDataInterface);
    PATCH(device, device_below, CreateDeferredContext);
    ID3D11Device_GetImmediateContext(device, &context);
    PATCH(context, context_below, Map);
    PATCH(context, context_below, Unmap);
    PATCH(context, context_below, CopyResource);
    PATCH(context, context_below, CopySubresourceRegion);
    patch(&context->lpVtbl->QueryInterface, &context_below.QueryInterface, (void *)below_context_QueryInterface);
    ID3D11DeviceContext_Release(context);
    if (SUCCEEDED(device_below.QueryInterface(device, &IID_IDXGIDevice2, (void **)&dxgi))) {
        PATCH(dxgi, dxgi_below, OfferResources);
        PATCH(dxgi, dxgi_below, ReclaimResources);
        IDXGIDevice2_Release(dxgi);
    }
}

__declspec(dllexport) HRESULT WINAPI D3D11CreateDeviceAndSwapChain(
    IDXGIAdapter *adapter, D3D_DRIVER_TYPE type, HMODULE rasterizer, UINT flags, const D3D_FEATURE_LEVEL *levels, UINT count,
    UINT version, const DXGI_SWAP_CHAIN_DESC *desc, IDXGISwapChain **chain, ID3D11Device **device,
    D3D_FEATURE_LEVEL *level, ID3D11DeviceContext **context)
{
    if (failures.one_device != NULL) {
        return hand_out_again(device, level, context);
    }
    const HRESULT result =
        ((PFN_D3D11_CREATE_DEVICE_AND_SWAP_CHAIN)(void *)real("D3D11CreateDeviceAndSwapChain"))(
            adapter, type, rasterizer, flags, levels, count, version, desc, chain, device, level, context);
    if (SUCCEEDED(result) && device != NULL && *device != NULL) {
        attach(*device);
    }
    return result;
}

__declspec(dllexport) HRESULT WINAPI D3D11CreateDevice(
    IDXGIAdapter *adapter, D3D_DRIVER_TYPE type, HMODULE rasterizer, UINT flags, const D3D_FEATURE_LEVEL *levels, UINT count,
    UINT version, ID3D11Device **device, D3D_FEATURE_LEVEL *level, ID3D11DeviceContext **context)
{
    return D3D11CreateDeviceAndSwapChain(adapter, type, rasterizer, flags, levels, count, version, NULL, NULL, device,
                                         level, context);
}
