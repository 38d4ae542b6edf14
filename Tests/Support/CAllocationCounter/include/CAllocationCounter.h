// SPDX-License-Identifier: Apache-2.0

#ifndef CALLOCATIONCOUNTER_H
#define CALLOCATIONCOUNTER_H

// Counts the allocations of memory that single threads make. A program that is linked with this has
// its own malloc, calloc, realloc, aligned_alloc, memalign and posix_memalign, which call those of
// glibc.

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    // Threads that can be watched at a time.
    CALLOCATIONCOUNTER_WATCHES = 16,
    // Return addresses that are kept of the first allocation.
    CALLOCATIONCOUNTER_FRAMES = 24,
};

// Whether allocations are counted: not under a sanitizer, which has a malloc of its own.
bool callocationcounter_counts(void);

// The thread that calls, as the kernel numbers it.
pid_t callocationcounter_this_thread(void);

// Begins to count the allocations of a thread of this process. Returns the number of the watch, or
// -1 when there are CALLOCATIONCOUNTER_WATCHES already. Any thread may call.
int callocationcounter_begin(pid_t thread);

// Allocations since `begin`. Any thread may call.
size_t callocationcounter_count(int watch);

// The return addresses at the first allocation since `begin`, the innermost first; returns how
// many.
size_t callocationcounter_first(int watch, void *frames[CALLOCATIONCOUNTER_FRAMES]);

// Counts no more, and keeps what was counted.
void callocationcounter_stop(int watch);

// Leaves out the allocations of the thread that calls, in all watches, or counts them again.
void callocationcounter_ignore(bool ignores);

// Ends a watch. What it counted is gone.
void callocationcounter_end(int watch);

// Writes the name of the function that an address is in, as the linker knows it, or else the file
// and the offset in it.
void callocationcounter_describe(const void *address, char *text, size_t room);

#endif
