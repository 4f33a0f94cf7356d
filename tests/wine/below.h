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
};

/* Exported under this name by the library called `below.dll`. */
typedef struct below_failures *(*below_failures_function)(void);

#ifdef __cplusplus
}
#endif

#endif
