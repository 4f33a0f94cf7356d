/* A library in a process: threads, devices destroyed while they are used, fork, exit with live sessions. */
#include "core_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 40

/* What a thread does, and how often it went wrong. */
struct work {
    struct core *core;
    struct core_session *shared; /* null: a session of the thread's own */
    uint8_t content_key[KEY_SIZE];
    unsigned failures;
    pthread_t thread;
};

static void *blits_and_refreshes(void *argument)
{
    struct work *work = argument;
    const softcp_device *device = work->core->device;
    struct core_session session = core_session_keyed(work->core);
    struct resource *source = resource_nv12(64, 32, 72), *destination = resource_nv12(64, 32, 64);
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t number[KEY_SIZE];
        work->failures += !core_decrypts(&session, source, destination, NULL, work->content_key);
        work->failures += softcp_session_start_key_refresh(device, session.id, sizeof number, number) != SOFTCP_S_OK;
        work->failures += !core_decrypts(&session, destination, source, NULL, NULL);
        work->failures += softcp_session_finish_key_refresh(device, session.id) != SOFTCP_S_OK;
        client_xor(session.key, number);
    }
    work->failures += softcp_session_destroy(device, session.id) != SOFTCP_S_OK;
    resource_free(source);
    resource_free(destination);
    return NULL;
}

static void *blits_on_a_shared_session(void *argument)
{
    struct work *work = argument;
    struct core_session session = *work->shared;
    struct resource *source = resource_buffer(5000), *destination = resource_buffer(5000);
    for (int i = 0; i < ROUNDS; i++) {
        work->failures += !core_decrypts(&session, source, destination, NULL, i % 2 ? work->content_key : NULL);
    }
    resource_free(source);
    resource_free(destination);
    return NULL;
}

static void *creates_and_destroys(void *argument)
{
    struct work *work = argument;
    const struct softcp_session_desc desc = core_session_desc();
    for (int i = 0; i < 20 * ROUNDS; i++) {
        softcp_session id;
        size_t handle;
        work->failures += softcp_session_create(work->core->device, &desc, &id) != SOFTCP_S_OK;
        work->failures += softcp_session_handle(work->core->device, id, &handle) != SOFTCP_S_OK;
        work->failures += softcp_session_destroy(work->core->device, id) != SOFTCP_S_OK;
        work->failures += softcp_session_handle(work->core->device, id, &handle) != SOFTCP_E_INVALIDARG;
    }
    return NULL;
}

static void run_together(struct work *work, size_t count, void *(*body)(void *), const char *name)
{
    for (size_t i = 0; i < count; i++) {
        client_random(work[i].content_key, KEY_SIZE);
        if (pthread_create(&work[i].thread, NULL, body, &work[i]) != 0) {
            tap_bail_out("no thread");
        }
    }
    unsigned failures = 0;
    for (size_t i = 0; i < count; i++) {
        pthread_join(work[i].thread, NULL);
        failures += work[i].failures;
    }
    is_number(failures, 0, "%s: no call fails and every byte is right", name);
    host_is_balanced(&work[0].core->host, name);
}

void test_threads(const char *identity)
{
    struct core core;
    core_begin(&core, identity, NULL);
    struct work own[2] = {{.core = &core}, {.core = &core}};
    run_together(own, 2, blits_and_refreshes, "two threads on two sessions");
    struct core_session session = core_session_keyed(&core);
    struct work shared[4] = {{&core, &session, {0}, 0, 0},
                             {&core, &session, {0}, 0, 0},
                             {&core, &session, {0}, 0, 0},
                             {&core, &session, {0}, 0, 0}};
    run_together(shared, 4, blits_on_a_shared_session, "four threads on one session");
    struct work makers[4] = {{.core = &core}, {.core = &core}, {.core = &core}, {.core = &core}};
    run_together(makers, 4, creates_and_destroys, "four threads that create and destroy");
    core_session_decrypts(&session, "the session that was there all the time");
    core_end(&core);
}

/* A call that waits in `map` until another thread has destroyed the device. */
struct meeting {
    struct core *core;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool mapping, destroyed;
};

static void destroy_here(void *argument)
{
    struct meeting *meeting = argument;
    softcp_device_destroy(meeting->core->device);
    meeting->core->device = NULL;
    meeting->core->host.during_map = NULL;
}

static void wait_for_destroyer(void *argument)
{
    struct meeting *meeting = argument;
    pthread_mutex_lock(&meeting->lock);
    meeting->mapping = true;
    pthread_cond_broadcast(&meeting->changed);
    while (!meeting->destroyed) {
        pthread_cond_wait(&meeting->changed, &meeting->lock);
    }
    pthread_mutex_unlock(&meeting->lock);
}

static void *destroyer(void *argument)
{
    struct meeting *meeting = argument;
    pthread_mutex_lock(&meeting->lock);
    while (!meeting->mapping) {
        pthread_cond_wait(&meeting->changed, &meeting->lock);
    }
    softcp_device_destroy(meeting->core->device);
    meeting->core->device = NULL;
    meeting->destroyed = true;
    pthread_cond_broadcast(&meeting->changed);
    pthread_mutex_unlock(&meeting->lock);
    return NULL;
}

void test_destroyed_during_a_call(const char *identity)
{
    static const char *const names[] = {"by the callback", "by another thread"};
    for (int i = 0; i < 2; i++) {
        struct core core;
        core_begin(&core, identity, NULL);
        struct core_session session = core_session_keyed(&core);
        struct resource *source = resource_buffer(100), *destination = resource_buffer(100);
        struct meeting meeting = {&core, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};
        pthread_t thread;
        if (i == 1 && pthread_create(&thread, NULL, destroyer, &meeting) != 0) {
            tap_bail_out("no thread");
        }
        core.host.argument = &meeting;
        core.host.during_map = i == 0 ? destroy_here : wait_for_destroyer;
        ok(core_decrypts(&session, source, destination, NULL, NULL), "%s: a blit under way ends well", names[i]);
        host_is_balanced(&core.host, names[i]);
        if (i == 1) {
            pthread_join(thread, NULL);
        }
        resource_free(source);
        resource_free(destination);
        core_end(&core);
    }
}

/* Runs `body` in a forked child; passes if the child ends with exit code 0. The child prints nothing. */
static void child_succeeds(int (*body)(void *), void *argument, bool by_exit, const char *name)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int code = body(argument);
        if (by_exit) {
            exit(code); /* with what the library, or this program, registered to be run at exit */
        }
        _exit(code);
    }
    int status = -1;
    ok(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s", name);
    if (status != 0) {
        tap_note("  wait status 0x%04x", (unsigned)status);
    }
}

/* A session that parent and child have from before the fork. */
struct inheritance {
    struct core *core;
    struct core_session *session;
    uint8_t parents_number[KEY_SIZE];
};

static int use_after_fork(void *argument)
{
    struct inheritance *inheritance = argument;
    struct core_session *old = inheritance->session, new = core_session_keyed(inheritance->core);
    struct resource *source = resource_buffer(500), *destination = resource_buffer(500);
    uint8_t number[KEY_SIZE];
    bool right = core_decrypts(old, source, destination, NULL, NULL) &&
                 core_decrypts(&new, source, destination, NULL, NULL);
    right = right && softcp_session_start_key_refresh(inheritance->core->device, old->id, sizeof number, number) ==
                         SOFTCP_S_OK;
    right = right && memcmp(number, inheritance->parents_number, sizeof number) != 0;
    resource_free(source);
    resource_free(destination);
    return right ? 0 : 1;
}

static struct core exiting; /* alive at exit, and not leaked */

static int exit_with_live_sessions(void *argument)
{
    core_begin(&exiting, argument, NULL);
    struct core_session keyed = core_session_keyed(&exiting), refreshing = core_session_keyed(&exiting);
    uint8_t number[KEY_SIZE];
    core_session_create(&exiting);
    return softcp_session_start_key_refresh(exiting.device, refreshing.id, sizeof number, number) != SOFTCP_S_OK ||
           keyed.id == 0;
}

static void *blits_for_ever(void *argument)
{
    struct core_session *session = argument;
    static uint8_t memory[2][4096];
    struct resource source = {.mapping = {.data = memory[0], .row_bytes = 4096, .rows = 1}};
    struct resource destination = {.mapping = {.data = memory[1], .row_bytes = 4096, .rows = 1}};
    uint8_t iv[IV_SIZE] = {0};
    for (;;) {
        softcp_session_decryption_blt(session->core->device, session->id, &source, &destination, NULL, 0, NULL,
                                      sizeof iv, iv);
    }
    return NULL;
}

static int exit_during_a_blit(void *argument)
{
    static struct core_session session;
    core_begin(&exiting, argument, NULL);
    session = core_session_keyed(&exiting);
    pthread_t thread;
    if (pthread_create(&thread, NULL, blits_for_ever, &session) != 0) {
        return 1;
    }
    const struct timespec moment = {0, 20 * 1000 * 1000};
    nanosleep(&moment, NULL);
    return 0;
}

void test_processes(const char *identity)
{
    struct core core;
    core_begin(&core, identity, NULL);
    struct core_session session = core_session_keyed(&core);
    struct inheritance inheritance = {&core, &session, {0}};
    /* The child starts from the state before this number, so a generator that does not see the fork repeats it. */
    int child_may_start[2];
    if (pipe(child_may_start) != 0) {
        tap_bail_out("no pipe");
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        ssize_t received = read(child_may_start[0], inheritance.parents_number, KEY_SIZE);
        _exit(received == KEY_SIZE ? use_after_fork(&inheritance) : 2);
    }
    uint8_t number[KEY_SIZE];
    is_hresult(softcp_session_start_key_refresh(core.device, session.id, sizeof number, number), SOFTCP_S_OK,
               "the parent uses its session after a fork");
    int status = -1;
    ok(write(child_may_start[1], number, sizeof number) == sizeof number && waitpid(child, &status, 0) == child &&
           WIFEXITED(status) && WEXITSTATUS(status) == 0,
       "so does the child, with random numbers of its own");
    close(child_may_start[0]);
    close(child_may_start[1]);
    is_hresult(softcp_session_finish_key_refresh(core.device, session.id), SOFTCP_S_OK, "the parent goes on");
    client_xor(session.key, number);
    core_session_decrypts(&session, "with its own key");
    core_end(&core);

    child_succeeds(exit_with_live_sessions, (void *)identity, true, "exit with live sessions");
    child_succeeds(exit_during_a_blit, (void *)identity, true, "exit while a thread blits");
    child_succeeds(exit_with_live_sessions, (void *)identity, false, "_exit with live sessions");
}
