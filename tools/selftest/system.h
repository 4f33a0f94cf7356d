/* The system, the modules of this process, and which d3d11.dll programs meet. */
#ifndef SELFTEST_SYSTEM_H
#define SELFTEST_SYSTEM_H

#include "report.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Windows, Wine, processor. */
void system_describe(void);

/* Loads d3d11.dll as programs do, or the system's by its full path. Returns whether there is one with
   D3D11CreateDevice; that function is what is called here by the name. */
bool system_load_d3d11(bool systems);

/* Lists the modules of this process. */
void system_list_modules(void);

/* The module that an address lies in; an empty file name where it lies in none. */
struct module system_module_of(const void *address);

#ifdef __cplusplus
}
#endif

#endif
