#include "tap.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char context[128];
static unsigned checks;
static unsigned failures;

/* Prints the line of a check. */
static void result(bool passed, const char *suffix, const char *format, va_list arguments)
{
    checks++;
    failures += !passed;
    printf("%sok %u - %s", passed ? "" : "not ", checks, context);
    vprintf(format, arguments);
    printf("%s\n", suffix);
}

/* Prints the line of a check whose format and arguments follow `format`. */
#define RESULT(passed)                    \
    do {                                  \
        va_list arguments;                \
        va_start(arguments, format);      \
        result((passed), "", format, arguments); \
        va_end(arguments);                \
    } while (0)

void tap_context(const char *format, ...)
{
    context[0] = '\0';
    if (format == NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(context, sizeof context - 2, format, arguments);
    va_end(arguments);
    size_t end = length < 0 ? 0 : (size_t)length;
    end = end < sizeof context - 3 ? end : sizeof context - 3;
    memcpy(&context[end], ": ", sizeof ": ");
}

bool tap_ok(bool passed, const char *file, int line, const char *condition, const char *format, ...)
{
    RESULT(passed);
    if (!passed) {
        printf("#   %s:%d: %s\n", file, line, condition);
    }
    return passed;
}

bool tap_hresult(int32_t got, int32_t expected, const char *file, int line, const char *format, ...)
{
    RESULT(got == expected);
    if (got != expected) {
        printf("#   %s:%d: got 0x%08" PRIx32 ", expected 0x%08" PRIx32 "\n", file, line, (uint32_t)got,
               (uint32_t)expected);
    }
    return got == expected;
}

bool tap_number(uint64_t got, uint64_t expected, const char *file, int line, const char *format, ...)
{
    RESULT(got == expected);
    if (got != expected) {
        printf("#   %s:%d: got %" PRIu64 ", expected %" PRIu64 "\n", file, line, got, expected);
    }
    return got == expected;
}

bool tap_bytes(const void *got, const void *expected, size_t size, const char *file, int line, const char *format, ...)
{
    const uint8_t *a = got, *b = expected;
    size_t at = 0;
    while (at < size && a[at] == b[at]) {
        at++;
    }
    RESULT(at == size);
    if (at != size) {
        printf("#   %s:%d: byte %zu of %zu is 0x%02x, expected 0x%02x\n", file, line, at, size, a[at], b[at]);
    }
    return at == size;
}

bool tap_filled(const void *bytes, uint8_t value, size_t size, const char *file, int line, const char *format, ...)
{
    const uint8_t *a = bytes;
    size_t at = 0;
    while (at < size && a[at] == value) {
        at++;
    }
    RESULT(at == size);
    if (at != size) {
        printf("#   %s:%d: byte %zu of %zu is 0x%02x, expected 0x%02x\n", file, line, at, size, a[at], value);
    }
    return at == size;
}

void tap_skip(const char *reason, const char *format, ...)
{
    char suffix[160];
    snprintf(suffix, sizeof suffix, " # SKIP %s", reason);
    va_list arguments;
    va_start(arguments, format);
    result(true, suffix, format, arguments);
    va_end(arguments);
}

void tap_note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("# ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

int tap_done(void)
{
    printf("1..%u\n", checks);
    if (failures != 0) {
        printf("# %u of %u checks failed\n", failures, checks);
    }
    fflush(stdout);
    return failures != 0;
}

void tap_bail_out(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("Bail out! ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    fflush(stdout);
    exit(1);
}
