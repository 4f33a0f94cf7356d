#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../../tests/c/tap.h"

struct report report;

static __thread struct step *current;
static __thread char context[96];

void report_step(struct step *step)
{
    current = step;
    context[0] = '\0';
}

const char *report_outcome(enum outcome outcome)
{
    static const char *const names[] = {"not run", "skipped", "passed", "failed", "running", "hung", "crashed"};
    return names[outcome];
}

enum outcome report_worst(void)
{
    enum outcome worst = report.start.outcome;
    for (unsigned i = 0; i < report.adapter_count; i++) {
        for (unsigned j = 0; j < report.adapters[i].step_count; j++) {
            const enum outcome outcome = report.adapters[i].steps[j].outcome;
            worst = outcome > worst ? outcome : worst;
        }
    }
    return worst;
}

/* Adds a text to a list of a step. */
static void add(char (*list)[TEXT_SIZE], unsigned *count, const char *format, va_list arguments)
{
    if (*count == MOST_NOTES) {
        return;
    }
    char *text = list[*count];
    const int length = snprintf(text, TEXT_SIZE, "%s", context);
    vsnprintf(&text[length], TEXT_SIZE - (size_t)length, format, arguments);
    ++*count;
}

static void append(char *text, const char *format, ...)
{
    const size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(&text[length], TEXT_SIZE - length, format, arguments);
    va_end(arguments);
}

/* Records a check. Returns the text of a failure, for what is to be said besides; null where there is none. */
static char *record(bool passed, const char *format, va_list arguments)
{
    struct step *step = current;
    if (step == NULL || step->is_over) {
        return NULL;
    }
    step->checks++;
    if (passed) {
        return NULL;
    }
    step->failures++;
    const unsigned before = step->failure_count;
    add(step->failure, &step->failure_count, format, arguments);
    return step->failure_count != before ? step->failure[before] : NULL;
}

#define RECORD(passed, failure)                            \
    do {                                                   \
        va_list arguments;                                 \
        va_start(arguments, format);                       \
        (failure) = record((passed), format, arguments);   \
        va_end(arguments);                                 \
    } while (0)

/* The functions of tap.h: what the tests under Wine print, is recorded here. */

void tap_context(const char *format, ...)
{
    context[0] = '\0';
    if (format == NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(context, sizeof context - 2, format, arguments);
    va_end(arguments);
    strcat(context, ": ");
}

bool tap_ok(bool passed, const char *file, int line, const char *condition, const char *format, ...)
{
    char *failure;
    (void)file, (void)line, (void)condition;
    RECORD(passed, failure);
    (void)failure;
    return passed;
}

bool tap_hresult(int32_t got, int32_t expected, const char *file, int line, const char *format, ...)
{
    char *failure;
    (void)file, (void)line;
    RECORD(got == expected, failure);
    if (failure != NULL) {
        append(failure, ": 0x%08x, expected 0x%08x", (unsigned)got, (unsigned)expected);
    }
    return got == expected;
}

bool tap_number(uint64_t got, uint64_t expected, const char *file, int line, const char *format, ...)
{
    char *failure;
    (void)file, (void)line;
    RECORD(got == expected, failure);
    if (failure != NULL) {
        append(failure, ": %llu, expected %llu", (unsigned long long)got, (unsigned long long)expected);
    }
    return got == expected;
}

/* The first byte that differs; `size` for none. `step` is 1, or 0 where all are compared with the first one. */
static size_t difference(const uint8_t *a, const uint8_t *b, size_t step, size_t size)
{
    size_t at = 0;
    while (at < size && a[at] == b[at * step]) {
        at++;
    }
    return at;
}

bool tap_bytes(const void *got, const void *expected, size_t size, const char *file, int line, const char *format, ...)
{
    const size_t at = difference(got, expected, 1, size);
    char *failure;
    (void)file, (void)line;
    RECORD(at == size, failure);
    if (failure != NULL) {
        append(failure, ": byte %u of %u differs", (unsigned)at, (unsigned)size);
    }
    return at == size;
}

bool tap_filled(const void *bytes, uint8_t value, size_t size, const char *file, int line, const char *format, ...)
{
    const size_t at = difference(bytes, &value, 0, size);
    char *failure;
    (void)file, (void)line;
    RECORD(at == size, failure);
    if (failure != NULL) {
        append(failure, ": byte %u of %u is not 0x%02x", (unsigned)at, (unsigned)size, value);
    }
    return at == size;
}

void tap_note(const char *format, ...)
{
    struct step *step = current;
    if (step != NULL && !step->is_over) {
        va_list arguments;
        va_start(arguments, format);
        add(step->note, &step->note_count, format, arguments);
        va_end(arguments);
    }
}

void tap_skip(const char *reason, const char *format, ...)
{
    (void)format;
    tap_note("left out: %s", reason);
}

/* Ends the step: each runs on a thread of its own. */
void tap_bail_out(const char *format, ...)
{
    char *failure;
    RECORD(false, failure);
    (void)failure;
    ExitThread(1);
}

int tap_done(void)
{
    return 0;
}

void report_print_step(const struct step *step)
{
    printf("    %-14s %-8s %4u checks %6u ms\n", step->name, report_outcome(step->outcome), step->checks,
           (unsigned)step->milliseconds);
    for (unsigned i = 0; i < step->failure_count; i++) {
        printf("        failed: %s\n", step->failure[i]);
    }
    if (step->outcome == SKIPPED && step->note_count != 0) {
        printf("        %s\n", step->note[step->note_count - 1]);
    }
}

void report_print_end(const char *json_file)
{
    const enum outcome worst = report_worst();
    printf("\nThe whole: %s\n", report_outcome(worst));
    if (report.crash[0] != '\0') {
        printf("Crash: %s\n", report.crash);
    }
    if (json_file != NULL) {
        printf("Please send back this one file, whatever the result: %s\n"
               "It has versions, file names, addresses' kinds and results in it, no paths and no names of users.\n", json_file);
    }
}

/* JSON. */

static char json[512 * 1024];
static size_t json_size;
static bool json_is_first; /* member or element of what was opened last */

static void put(const char *text, size_t length)
{
    if (json_size + length <= sizeof json) {
        memcpy(&json[json_size], text, length);
        json_size += length;
    }
}

static void quoted(const char *text)
{
    put("\"", 1);
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        char escape[8];
        if (c == '"' || c == '\\') {
            put("\\", 1);
        }
        if (c < 0x20) {
            put(escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", c));
        } else {
            put(text, 1);
        }
    }
    put("\"", 1);
}

/* Begins a member, or an element where the name is null. */
static void member(const char *name)
{
    put(json_is_first ? "\n" : ",\n", json_is_first ? 1 : 2);
    json_is_first = false;
    if (name != NULL) {
        quoted(name);
        put(": ", 2);
    }
}

static void open_json(const char *name, const char *bracket)
{
    if (json_size != 0) {
        member(name);
    }
    put(bracket, 1);
    json_is_first = true;
}

static void close_json(const char *bracket)
{
    put(json_is_first ? "" : "\n", json_is_first ? 0 : 1);
    put(bracket, 1);
    json_is_first = false;
}

/* Text; null for an empty one, where nothing is known. */
static void text_member(const char *name, const char *text)
{
    member(name);
    if (text == NULL || text[0] == '\0') {
        put("null", 4);
    } else {
        quoted(text);
    }
}

static void number_member(const char *name, unsigned number)
{
    char digits[16];
    member(name);
    put(digits, (size_t)snprintf(digits, sizeof digits, "%u", number));
}

static void hex_member(const char *name, unsigned number)
{
    char digits[16];
    snprintf(digits, sizeof digits, "0x%04x", number);
    text_member(name, digits);
}

static void bool_member(const char *name, bool value)
{
    member(name);
    put(value ? "true" : "false", value ? 4 : 5);
}

static void module_members(const struct module *module)
{
    text_member("file", module->file);
    text_member("place", module->file[0] != '\0' ? module->place : NULL);
    text_member("version", module->version);
}

static void step_json(const struct step *step)
{
    open_json(NULL, "{");
    text_member("name", step->name);
    text_member("result", report_outcome(step->outcome));
    number_member("milliseconds", (unsigned)step->milliseconds);
    number_member("checks", step->checks);
    number_member("failed", step->failures);
    open_json("failures", "[");
    for (unsigned i = 0; i < step->failure_count; i++) {
        text_member(NULL, step->failure[i]);
    }
    close_json("]");
    open_json("notes", "[");
    for (unsigned i = 0; i < step->note_count; i++) {
        text_member(NULL, step->note[i]);
    }
    close_json("]");
    close_json("}");
}

static void table_json(const struct table *table)
{
    open_json(NULL, "{");
    text_member("interface", table->interface_name);
    text_member("memory", table->memory);
    open_json("module", "{");
    module_members(&table->module);
    close_json("}");
    bool_member("shared_with_second_object", table->is_shared);
    number_member("entries", table->entries);
    open_json("code", "[");
    for (unsigned i = 0; i < table->code_count; i++) {
        text_member(NULL, table->code[i]);
    }
    close_json("]");
    bool_member("code_outside_modules", table->code_elsewhere);
    open_json("rewritten", "[");
    for (unsigned i = 0; i < table->entries; i++) {
        if (table->was_rewritten[i]) {
            number_member(NULL, i);
        }
    }
    close_json("]");
    open_json("code_changed", "[");
    for (unsigned i = 0; i < table->entries; i++) {
        if (table->was_hooked[i]) {
            number_member(NULL, i);
        }
    }
    close_json("]");
    close_json("}");
}

static void adapter_json(const struct adapter *adapter)
{
    open_json(NULL, "{");
    text_member("kind", adapter->kind);
    text_member("description", adapter->description);
    hex_member("vendor", adapter->vendor);
    hex_member("device", adapter->device);
    hex_member("subsystem", adapter->subsystem);
    hex_member("revision", adapter->revision);
    text_member("driver_version", adapter->driver_version);
    hex_member("feature_level", adapter->feature_level);
    open_json("steps", "[");
    for (unsigned i = 0; i < adapter->step_count; i++) {
        step_json(&adapter->steps[i]);
    }
    close_json("]");
    open_json("tables", "[");
    for (unsigned i = 0; i < adapter->table_count; i++) {
        table_json(&adapter->tables[i]);
    }
    close_json("]");
    close_json("}");
}

bool report_write_json(const char *file)
{
    json_size = 0;
    open_json(NULL, "{");
    text_member("report", "softcp-selftest");
    number_member("version", 1);
    bool_member("complete", report.is_complete);
    text_member("result", report_outcome(report_worst()));
    text_member("crash", report.crash);
    text_member("program_version", report.program_version);
    number_member("bits", report.bits);
    open_json("system", "{");
    text_member("windows", report.windows);
    text_member("wine", report.wine);
    text_member("processor", report.processor);
    close_json("}");
    open_json("d3d11", "{");
    module_members(&report.d3d11);
    text_member("softcp", report.softcp);
    close_json("}");
    open_json("start", "[");
    step_json(&report.start);
    close_json("]");
    open_json("adapters", "[");
    for (unsigned i = 0; i < report.adapter_count; i++) {
        adapter_json(&report.adapters[i]);
    }
    close_json("]");
    open_json("modules", "[");
    for (unsigned i = 0; i < report.module_count; i++) {
        open_json(NULL, "{");
        module_members(&report.modules[i]);
        close_json("}");
    }
    close_json("]");
    close_json("}");
    put("\n", 1);
    if (json_size == sizeof json) {
        return false;
    }
    const HANDLE handle = CreateFileA(file, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    DWORD written = 0;
    if (handle == INVALID_HANDLE_VALUE) {
        return false;
    }
    const bool done = WriteFile(handle, json, (DWORD)json_size, &written, NULL) && written == json_size;
    CloseHandle(handle);
    return done;
}
