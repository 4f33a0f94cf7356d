/* What a test can ask of `heap_tables.c`, where it stands below the layer. */
#ifndef HEAP_TABLES_H
#define HEAP_TABLES_H

#include "sdk.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Exported under these names by the library called `heap_tables.dll`. */

/* Writes the entries of every table as they were when it was made. */
typedef void (*heap_tables_restore_function)(void);
/* Does so without end on a thread of its own, or stops it. */
typedef void (*heap_tables_loop_function)(WINBOOL on);
/* From the next device on, CopyResource of contexts is a function whose code nobody can change; or not. */
typedef void (*heap_tables_fixed_function)(WINBOOL on);

#ifdef __cplusplus
}
#endif

#endif
