/* The Test Anything Protocol: one line "ok N - name" or "not ok N - name" for each check, the plan at the end. */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Lets the compiler check a name against its arguments. */
#if defined(__MINGW32__)
#define TAP_PRINTF(text, first) __attribute__((format(gnu_printf, text, first)))
#elif defined(__GNUC__)
#define TAP_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define TAP_PRINTF(text, first)
#endif

/* Begins every following name with this text, until the next call; null for nothing. */
void tap_context(const char *format, ...) TAP_PRINTF(1, 2);

/* One check. The name takes printf arguments. Returns whether it passed. */
#define ok(condition, ...) tap_ok((condition), __FILE__, __LINE__, #condition, __VA_ARGS__)

/* Passes if two HRESULTs are equal. */
#define is_hresult(got, expected, ...) tap_hresult((got), (expected), __FILE__, __LINE__, __VA_ARGS__)

/* Passes if two numbers are equal. */
#define is_number(got, expected, ...) \
    tap_number((uint64_t)(got), (uint64_t)(expected), __FILE__, __LINE__, __VA_ARGS__)

/* Passes if `size` bytes are equal; says at which offset they are not. */
#define is_bytes(got, expected, size, ...) tap_bytes((got), (expected), (size), __FILE__, __LINE__, __VA_ARGS__)

/* Passes if all `size` bytes have this value. */
#define is_filled(bytes, value, size, ...) tap_filled((bytes), (value), (size), __FILE__, __LINE__, __VA_ARGS__)

/* A check that cannot be made here, with the reason. */
void tap_skip(const char *reason, const char *format, ...) TAP_PRINTF(2, 3);

/* Prints a line of diagnosis. */
void tap_note(const char *format, ...) TAP_PRINTF(1, 2);

/* Prints the plan. Returns the exit code of the program: 0 if every check passed, else 1. */
int tap_done(void);

/* Ends the program: it cannot go on, for a reason that is no finding about the library. */
void tap_bail_out(const char *format, ...) TAP_PRINTF(1, 2);

/* Behind the macros. */
bool tap_ok(bool passed, const char *file, int line, const char *condition, const char *format, ...) TAP_PRINTF(5, 6);
bool tap_hresult(int32_t got, int32_t expected, const char *file, int line, const char *format, ...) TAP_PRINTF(5, 6);
bool tap_number(uint64_t got, uint64_t expected, const char *file, int line, const char *format, ...) TAP_PRINTF(5, 6);
bool tap_bytes(const void *got, const void *expected, size_t size, const char *file, int line, const char *format, ...)
    TAP_PRINTF(6, 7);
bool tap_filled(const void *bytes, uint8_t value, size_t size, const char *file, int line, const char *format, ...)
    TAP_PRINTF(6, 7);

#ifdef __cplusplus
}
#endif

#endif
