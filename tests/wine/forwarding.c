/* The methods of the video interfaces that are not about content protection, over `below.dll`: without such interfaces
   below they are not implemented, with them every argument arrives there and the answer comes back. */
#include <string.h>

#include "below.h"
#include "client.h"

static struct below_video *below;

static void called(const char *method)
{
    ok(below->method != NULL && strcmp(below->method, method) == 0, "%s arrives, %s did", method,
       below->method != NULL ? below->method : "nothing");
    below->method = NULL;
}

int main(void)
{
    tap_begin();
    struct gpu gpu = gpu_begin();
    ID3D11VideoDevice *const device = gpu.video_device;
    ID3D11VideoContext *const context = gpu.video_context;
    below = ((below_video_function)(void *)GetProcAddress(GetModuleHandleA("below.dll"), "below_video"))();
    ID3D11VideoDecoder *decoder = (ID3D11VideoDecoder *)&gpu;
    ID3D11VideoProcessorEnumerator *enumerator = (ID3D11VideoProcessorEnumerator *)&gpu;
    D3D11_VIDEO_PROCESSOR_CONTENT_DESC content = {0};
    D3D11_VIDEO_DECODER_DESC desc = {D3D11_DECODER_PROFILE_H264_VLD_NOFGT, 64, 48, DXGI_FORMAT_NV12};
    D3D11_VIDEO_DECODER_CONFIG config = {0};
    D3D11_VIDEO_PROCESSOR_STREAM streams[3] = {{0}};
    ID3D11VideoProcessor *const processor = (ID3D11VideoProcessor *)0x123456789ABCDEF0;
    ID3D11VideoProcessorOutputView *const view = (ID3D11VideoProcessorOutputView *)0x0FEDCBA987654321;
    WINBOOL supported = 5;

    tap_context("nothing below");
    is_number(ID3D11VideoDevice_GetVideoDecoderProfileCount(device), 0, "no profiles");
    is_hresult(ID3D11VideoDevice_CheckVideoDecoderFormat(device, &desc.Guid, DXGI_FORMAT_NV12, &supported), E_NOTIMPL,
               "CheckVideoDecoderFormat");
    is_hresult(ID3D11VideoDevice_CreateVideoDecoder(device, &desc, &config, &decoder), E_NOTIMPL, "CreateVideoDecoder");
    ok(decoder == NULL, "and no decoder");
    is_hresult(ID3D11VideoDevice_CreateVideoProcessorEnumerator(device, &content, &enumerator), E_NOTIMPL,
               "CreateVideoProcessorEnumerator");
    ok(enumerator == NULL, "and no enumerator");
    is_hresult(ID3D11VideoContext_VideoProcessorBlt(context, processor, view, 1, 3, streams), E_NOTIMPL,
               "VideoProcessorBlt");
    ID3D11VideoContext_VideoProcessorSetStreamAlpha(context, processor, 1, TRUE, 0.5f);
    ok(below->method == NULL, "and nothing was called");

    tap_context("video interfaces below");
    below->present = TRUE;
    is_number(ID3D11VideoDevice_GetVideoDecoderProfileCount(device), BELOW_PROFILES, "the number of profiles");
    called("GetVideoDecoderProfileCount");
    is_hresult(ID3D11VideoDevice_CheckVideoDecoderFormat(device, &desc.Guid, DXGI_FORMAT_NV12, &supported), S_OK,
               "CheckVideoDecoderFormat");
    ok(supported == TRUE && below->pointers[0] == &desc.Guid && below->pointers[1] == &supported &&
           below->numbers[0] == DXGI_FORMAT_NV12, "its arguments");
    called("CheckVideoDecoderFormat");
    is_hresult(ID3D11VideoDevice_CreateVideoDecoder(device, &desc, &config, &decoder), BELOW_CREATED,
               "CreateVideoDecoder");
    ok(decoder != NULL && below->pointers[0] == &desc && below->pointers[1] == &config &&
           below->pointers[2] == &decoder, "its arguments");
    called("CreateVideoDecoder");

    ID3D11VideoContext_VideoProcessorSetStreamAlpha(context, processor, 17, TRUE, 0.625f);
    ok(below->pointers[0] == processor && below->numbers[0] == 17 && below->numbers[1] == TRUE && below->real == 0.625f,
       "a number of floating point");
    called("VideoProcessorSetStreamAlpha");
    const SIZE size = {-1921, 1081};
    ID3D11VideoContext_VideoProcessorSetOutputConstriction(context, processor, TRUE, size);
    ok(below->pointers[0] == processor && below->numbers[0] == TRUE && below->size.cx == -1921 &&
           below->size.cy == 1081, "a structure by value");
    called("VideoProcessorSetOutputConstriction");
    is_hresult(ID3D11VideoContext_VideoProcessorBlt(context, processor, view, 0xFFFFFFFE, 3, streams), BELOW_BLT,
               "VideoProcessorBlt");
    ok(below->pointers[0] == processor && below->pointers[1] == view && below->pointers[2] == streams &&
           below->numbers[0] == 0xFFFFFFFE && below->numbers[1] == 3, "its arguments");
    called("VideoProcessorBlt");

    void *object = NULL;
    is_hresult(ID3D11Device_QueryInterface(gpu.device, &IID_ID3D11VideoDevice, &object), S_OK, "ID3D11VideoDevice");
    ok(object == device, "is still the layer's");
    com_release(object);
    struct session session = session_begin(&gpu);
    com_release(session.object);
    below->present = FALSE;
    is_number(ID3D11VideoDevice_GetVideoDecoderProfileCount(device), 0, "no profiles any more");

    tap_context(NULL);
    is_number(gpu_end(&gpu), 0, "nothing is left of the device");
    return tap_done();
}
