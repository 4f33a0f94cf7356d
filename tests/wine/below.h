/* What a test can ask of `below.c`, where it stands below the layer. */
#ifndef BELOW_H
#define BELOW_H

#include "sdk.h"

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

#ifdef __cplusplus
}
#endif

#endif
