/* What selftest.exe has found: steps with their checks, tables of functions, the system. It is all in static memory,
   so that it can be written after a crash, and while a step hangs with a lock of the heap. */
#ifndef SELFTEST_REPORT_H
#define SELFTEST_REPORT_H

#include <windows.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    MOST_ADAPTERS = 8,
    MOST_STEPS = 12,
    MOST_TABLES = 16,
    MOST_NOTES = 24,
    MOST_MODULES = 160,
    MOST_ENTRIES = 512,
    TEXT_SIZE = 200,
};

/* The better ones first. */
enum outcome { NOT_RUN, SKIPPED, PASSED, FAILED, RUNNING, HUNG, CRASHED };

struct step {
    const char *name;
    volatile LONG outcome; /* enum outcome */
    volatile bool is_over; /* nothing is recorded any more: a step that hung may wake up */
    DWORD milliseconds;
    unsigned checks, failures;
    unsigned failure_count, note_count;
    char failure[MOST_NOTES][TEXT_SIZE];
    char note[MOST_NOTES][TEXT_SIZE];
};

/* Where something lies. The path itself is not kept: it may have a user's name in it. */
struct module {
    char file[64];
    const char *place; /* "beside the program", "system", "elsewhere" */
    char version[32];  /* empty: none */
};

/* The table of functions of an interface. */
struct table {
    const char *interface_name;
    const char *memory; /* "module", "heap" (private memory), "other" */
    struct module module; /* that it lies in; an empty file name: none */
    unsigned entries;     /* that lead to code */
    char code[4][64];     /* the modules that its entries lead into */
    unsigned code_count;
    bool code_elsewhere; /* some entries lead to code outside of modules */
    bool is_shared;      /* a second object of the kind has the same table */
    void **address;
    void *before[MOST_ENTRIES];
    uint64_t code_before[MOST_ENTRIES];
    volatile bool was_rewritten[MOST_ENTRIES];
    bool was_hooked[MOST_ENTRIES]; /* the code that the entry led to has changed */
};

struct adapter {
    const char *kind; /* "warp", "hardware" */
    char description[128];
    unsigned vendor, device, subsystem, revision;
    char driver_version[48];
    unsigned feature_level;
    unsigned step_count, table_count;
    struct step steps[MOST_STEPS];
    struct table tables[MOST_TABLES];
};

struct report {
    char program_version[32];
    unsigned bits;
    char windows[48], wine[32];
    const char *processor;
    struct module d3d11;
    char softcp[32]; /* the layer's version; empty: another d3d11.dll */
    struct module modules[MOST_MODULES];
    unsigned module_count;
    char crash[TEXT_SIZE];
    bool is_complete;
    struct step start; /* what belongs to no adapter */
    unsigned adapter_count;
    struct adapter adapters[MOST_ADAPTERS];
};

extern struct report report;

/* The step whose checks this thread records; null for none. The functions of tap.h record there. */
void report_step(struct step *step);

/* "passed", "failed", "skipped", ... */
const char *report_outcome(enum outcome outcome);
/* The worst of all steps. */
enum outcome report_worst(void);

/* One step has ended: its line, and what failed. */
void report_print_step(const struct step *step);
/* The summary, and what to do with the file. */
void report_print_end(const char *json_file);

/* Writes the whole report as JSON. Takes no memory from the heap. Returns whether it was written. */
bool report_write_json(const char *file);

#ifdef __cplusplus
}
#endif

#endif
