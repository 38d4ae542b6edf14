// SPDX-License-Identifier: Apache-2.0

#include "CFuzzDriver.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

// From libclang_rt.fuzzer_no_main; absent from an ordinary build.
extern int LLVMFuzzerRunDriver(int *argc, char ***argv, cfuzz_callback callback)
    __attribute__((weak));

bool cfuzz_has_engine(void) { return LLVMFuzzerRunDriver != NULL; }

int cfuzz_run_engine(int *argc, char ***argv, cfuzz_callback callback) {
    return LLVMFuzzerRunDriver(argc, argv, callback);
}

static char reproducer_path[PATH_MAX];
static unsigned time_limit;
// The input being run; NULL between inputs.
static const uint8_t *volatile input;
static volatile size_t input_count;

static void say(const char *text) {
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
}

static void on_signal(int number) {
    int saved = open(reproducer_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool whole =
        saved >= 0 && write(saved, (const void *)input, input_count) == (ssize_t)input_count;
    say(number == SIGPROF ? "fuzz-parsers: error: time-out" : "fuzz-parsers: error: crash");
    say(whole ? "; the input is in " : "; the input cannot be written to ");
    say(reproducer_path);
    say("\n");
    _exit(CFUZZ_FAILED);
}

int cfuzz_watch(const char *reproducer, size_t bytes, unsigned seconds) {
    if (strlen(reproducer) >= sizeof reproducer_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(reproducer_path, reproducer);
    time_limit = seconds;
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
    struct rlimit limit = {bytes, bytes};
    if (setrlimit(RLIMIT_DATA, &limit) != 0) return -1;
#else
    (void)bytes;  // The sanitizers map terabytes.
#endif
    // A stack of its own for the handler: the other one may be exhausted.
    static uint8_t stack[64 * 1024];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    if (sigaltstack(&alternate, NULL) != 0) return -1;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT, SIGPROF};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (sigaction(signals[i], &action, NULL) != 0) return -1;
    }
    return 0;
}

// Pages of which the last cannot be accessed.
static uint8_t *pages;
static size_t pages_count;

static int make_room(size_t count) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t wanted = (count + page - 1) / page * page + page;
    if (wanted <= pages_count) return 0;
    if (pages) munmap(pages, pages_count);
    pages_count = 0;
    void *mapped = mmap(NULL, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return -1;
    pages = mapped;
    pages_count = wanted;
    return mprotect(pages + wanted - page, page, PROT_NONE);
}

int cfuzz_run(const uint8_t *bytes, size_t count, cfuzz_callback callback) {
    if (make_room(count) != 0) return -1;
    uint8_t *copy = pages + pages_count - (size_t)sysconf(_SC_PAGESIZE) - count;
    if (count > 0) memcpy(copy, bytes, count);
    input_count = count;
    input = copy;
    struct itimerval limit = {.it_value = {.tv_sec = time_limit}}, none = {{0, 0}, {0, 0}};
    if (setitimer(ITIMER_PROF, &limit, NULL) != 0) return -1;
    callback(copy, count);
    input = NULL;
    return setitimer(ITIMER_PROF, &none, NULL);
}

int cfuzz_file_in_memory(void) { return memfd_create("fuzz", MFD_CLOEXEC); }

uint8_t cfuzz_read(const uint8_t *at) { return *(const volatile uint8_t *)at; }
