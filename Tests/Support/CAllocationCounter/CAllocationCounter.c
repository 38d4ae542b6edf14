// SPDX-License-Identifier: Apache-2.0

#include "CAllocationCounter.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// What `thread` holds while no thread is counted.
enum { FREE = 0, PAUSED = -1 };

struct watch {
    _Atomic pid_t thread;
    atomic_size_t count;
    // Written by the watched thread before it makes `has_first` true.
    void *first[CALLOCATIONCOUNTER_FRAMES];
    int depth;
    atomic_bool has_first;
};

static struct watch watches[CALLOCATIONCOUNTER_WATCHES];
static atomic_int watch_count;

pid_t callocationcounter_this_thread(void) {
    // Kept, since every allocation asks while there is a watch.
    static _Thread_local pid_t thread;
    if (thread == 0) thread = gettid();
    return thread;
}

int callocationcounter_begin(pid_t thread) {
    // The first call loads a library, which allocates.
    void *frame;
    backtrace(&frame, 1);
    for (int i = 0; i < CALLOCATIONCOUNTER_WATCHES; i++) {
        pid_t expected = FREE;
        if (!atomic_compare_exchange_strong(&watches[i].thread, &expected, PAUSED)) continue;
        atomic_store(&watches[i].count, 0);
        atomic_store(&watches[i].has_first, false);
        atomic_fetch_add(&watch_count, 1);
        atomic_store(&watches[i].thread, thread);
        return i;
    }
    return -1;
}

size_t callocationcounter_count(int watch) { return atomic_load(&watches[watch].count); }

size_t callocationcounter_first(int watch, void *frames[CALLOCATIONCOUNTER_FRAMES]) {
    struct watch *chosen = &watches[watch];
    if (!atomic_load(&chosen->has_first)) return 0;
    memcpy(frames, chosen->first, (size_t)chosen->depth * sizeof *frames);
    return (size_t)chosen->depth;
}

// Whether the allocations of the thread are not counted: while it is in `backtrace`, which may
// allocate, and when it says so.
static _Thread_local bool is_ignored;

void callocationcounter_ignore(bool ignores) { is_ignored = ignores; }

void callocationcounter_stop(int watch) { atomic_store(&watches[watch].thread, PAUSED); }

void callocationcounter_end(int watch) {
    atomic_store(&watches[watch].thread, FREE);
    atomic_fetch_sub(&watch_count, 1);
}

void callocationcounter_describe(const void *address, char *text, size_t room) {
    Dl_info place;
    if (dladdr(address, &place) == 0) {
        snprintf(text, room, "%p", address);
    } else if (place.dli_sname) {
        snprintf(text, room, "%s", place.dli_sname);
    } else {
        size_t offset = (size_t)((const char *)address - (const char *)place.dli_fbase);
        snprintf(text, room, "%s+%#zx", place.dli_fname, offset);
    }
}

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)

bool callocationcounter_counts(void) { return false; }

#else

bool callocationcounter_counts(void) { return true; }

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static void note(struct watch *watch) {
    if (atomic_fetch_add(&watch->count, 1) > 0) return;
    is_ignored = true;
    watch->depth = backtrace(watch->first, CALLOCATIONCOUNTER_FRAMES);
    is_ignored = false;
    atomic_store(&watch->has_first, true);
}

static void count_allocation(void) {
    if (atomic_load_explicit(&watch_count, memory_order_relaxed) == 0 || is_ignored) return;
    pid_t thread = callocationcounter_this_thread();
    for (int i = 0; i < CALLOCATIONCOUNTER_WATCHES; i++) {
        if (atomic_load(&watches[i].thread) == thread) note(&watches[i]);
    }
}

void *malloc(size_t size) {
    count_allocation();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    count_allocation();
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    count_allocation();
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
    count_allocation();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count_allocation();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    count_allocation();
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
    int saved = errno;
    void *found = __libc_memalign(alignment, size);
    errno = saved;
    if (!found) return ENOMEM;
    *memory = found;
    return 0;
}

#endif
