/* The system's d3d11.dll is loaded by its full path before the layer forwards its first call: the log says so. */
#include <stdio.h>
#include <string.h>

#include "gpu.h"

int main(void)
{
    char path[MAX_PATH], line[4096];
    unsigned lines = 0;
    tap_begin();
    const UINT length = GetSystemDirectoryA(path, MAX_PATH - sizeof "\\d3d11.dll");
    strcpy(&path[length], "\\d3d11.dll");
    ok(LoadLibraryA(path) != NULL, "the system's library is loaded");
    struct gpu gpu = gpu_begin();
    is_number(gpu_end(&gpu), 0, "and the layer works beside it");
    GetEnvironmentVariableA("SOFTCP_LOG_PATH", path, sizeof path);
    FILE *log = fopen(path, "r");
    while (log != NULL && fgets(line, sizeof line, log) != NULL) {
        lines += strstr(line, "loaded-second") != NULL;
    }
    if (log != NULL) {
        fclose(log);
    }
    is_number(lines, 1, "which one line of the log says");
    return tap_done();
}
