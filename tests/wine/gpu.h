/* A Direct3D device with its video interfaces, and resources with bytes in them. What cannot fail where there is content
   protection at all ends the program when it fails. */
#ifndef GPU_H
#define GPU_H

#include "sdk.h"

#include "../c/tap.h"
#include "crypto.h"

#ifdef __cplusplus
extern "C" {
#endif

struct gpu {
    ID3D11Device *device;
    ID3D11DeviceContext *context;
    ID3D11VideoDevice *video_device;
    ID3D11VideoContext *video_context;
};

/* Of what use a resource is. */
enum kind { STAGING, TARGET };

/* Line-buffered output, so that a program that dies leaves what it has said. */
void tap_begin(void);

/* A device of the default adapter; without the video interfaces; the video interfaces. */
struct gpu gpu_begin(void);
struct gpu gpu_begin_plain(void);
void gpu_video(struct gpu *gpu);
/* Returns the references that the device still has. */
ULONG gpu_end(struct gpu *gpu);

/* What the driver says of AES-128-CTR for a decoder profile; GUID_NULL for none. */
D3D11_VIDEO_CONTENT_PROTECTION_CAPS gpu_caps(const struct gpu *gpu, const GUID *profile);

/* Descriptions of RGBA textures and of buffers; a program changes them for what is to be special. */
D3D11_TEXTURE2D_DESC texture_desc(UINT width, UINT height, enum kind kind, UINT misc);
D3D11_BUFFER_DESC buffer_desc(UINT size, enum kind kind, UINT misc);

/* Resources that must come into being. A buffer is returned as the texture that it is passed for. */
ID3D11Texture2D *gpu_texture(const struct gpu *gpu, UINT width, UINT height, enum kind kind, UINT misc);
ID3D11Texture2D *gpu_buffer(const struct gpu *gpu, UINT size, enum kind kind, UINT misc);

/* Visible bytes of a resource, row after row. */
size_t gpu_size(ID3D11Texture2D *resource);
/* Writes and reads them; a resource that cannot be mapped is copied. */
void gpu_write(const struct gpu *gpu, ID3D11Texture2D *resource, const void *bytes);
void gpu_read(const struct gpu *gpu, ID3D11Texture2D *resource, void *bytes);
void gpu_fill(const struct gpu *gpu, ID3D11Texture2D *resource, int value);

/* Checks all bytes of a resource. */
void gpu_holds(const struct gpu *gpu, ID3D11Texture2D *resource, const void *bytes, const char *name);
void gpu_is_filled(const struct gpu *gpu, ID3D11Texture2D *resource, int value, const char *name);

/* Releases an object, which may be null, and returns the references left. */
ULONG com_release(void *object);
/* The references that an object has. */
ULONG com_references(void *object);

/* Memory that must be there. */
void *allocate(size_t size);

/* Bytes in use on all heaps of this process: exact, and Wine 8 does not know a process's private bytes. */
size_t heap_bytes(void);
/* The handles of this process, or a number that grows with them: Wine 8 does not count them. */
DWORD handle_count(void);

#ifdef __cplusplus
}
#endif

#endif
