/* bcryptprimitives.dll for Wine 8, which has none: the random numbers of every program that Rust's compiler makes. */
#include <windows.h>

BOOLEAN WINAPI SystemFunction036(PVOID bytes, ULONG size);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T size);
BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T size)
{
    return SystemFunction036(bytes, (ULONG)size);
}
