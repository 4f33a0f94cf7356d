/* What a test can ask of `below.c`, where it stands below the layer. */
#ifndef BELOW_H
#define BELOW_H

#include "sdk.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Calls that fail with these results while they are failures. */
struct below_failures {
    HRESULT map;           /* Map of the context */
    HRESULT create;        /* CreateBuffer and CreateTexture2D */
    BOOL reclaim_discards; /* the content of resources that were offered is lost */
    BOOL copies_by_table;  /* CopySubresourceRegion calls CopySubresourceRegion1 of the table, as DXVK's up to 2.4.1 does */
    void (*in_map)(void);  /* called by Map, as another library's hook of it might do something; not within itself */
    BOOL copies_nothing;   /* CopySubresourceRegion does nothing, and nobody is told */
    BOOL plain_memory;     /* Map, Unmap and whole copies of buffers work on memory of this library, within the device's
                              critical section: thousands of times as often in a second as on Wine's memory. Not to be
                              changed while a buffer lives that was mapped or copied */
    ID3D11Device *one_device; /* D3D11CreateDevice hands out this one, without the private data that it was given since
                                 it was made: to everybody above, it is a new device. Its CreateDeferredContext enters
                                 the device's critical section */
};

/* Exported under this name by the library called `below.dll`. */
typedef struct below_failures *(*below_failures_function)(void);

/* The last call of a video interface below: its arguments, each kind in the order of the parameters. */
struct below_video {
    BOOL present; /* whether devices and contexts have the interfaces; not at the beginning */
    const char *method;
    const void *pointers[4];
    UINT numbers[4];
    FLOAT real;
    SIZE size;
};

typedef struct below_video *(*below_video_function)(void);

/* What these methods answer below. */
enum { BELOW_PROFILES = 7 };
#define BELOW_CREATED S_FALSE
#define BELOW_BLT E_ABORT

/* The decoder below, where there are video interfaces and one is wanted: it takes clear bitstreams alone, and a picture
   is its bitstream, from the first byte on, and zeros. What it was given is noted here. */
struct below_decoder {
    BOOL present; /* whether decoders can be created; not at the beginning */
    HRESULT begin; /* DecoderBeginFrame fails with this while it is a failure */
    UINT decoders, views; /* that live */
    D3D11_VIDEO_DECODER_CONFIG config; /* of the last one */
    UINT gets, releases, begins, submits, ends;
    UINT encrypted; /* times that something had to do with encryption: a configuration, a key, a description */
    UINT wrong; /* calls with what is no decoder of this one, out of turn, or beyond a buffer */
    UINT bitstream_size; /* of the frame */
    uint8_t bitstream[1 << 16];
    uint8_t parameters[256]; /* the picture parameters that were submitted last */
};

typedef struct below_decoder *(*below_decoder_function)(void);

/* The configurations that it lists: two of raw bitstreams, one of macroblocks, and one that is encrypted below. The
   sizes of its buffers. */
enum { BELOW_CONFIGS = 4, BELOW_RAW_CONFIGS = 2, BELOW_BITSTREAM_SIZE = 1 << 14, BELOW_PARAMETERS_SIZE = 256 };

#ifdef __cplusplus
}
#endif

#endif
