// SPDX-License-Identifier: Apache-2.0

// What Tests/Package/sandbox tries and no program of a small Debian does: "probe WHAT" exits with 0
// when it could be done, and otherwise says why not.

#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, LOCKED = 200 << 20 };

static int map(int protection, size_t size, int flags) {
    void *place = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    return place == MAP_FAILED ? -1 : 0;
}

/// Memory that is written and run.
static int map_code(void) { return map(PROT_READ | PROT_WRITE | PROT_EXEC, PAGE, 0); }

/// More memory than a service may lock that asks for nothing.
static int lock_memory(void) { return map(PROT_READ | PROT_WRITE, LOCKED, MAP_LOCKED); }

/// To be traced by the parent.
static int be_traced(void) { return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL); }

/// A module of the kernel. No bytes are none, which the kernel says only to whom may load one.
static int load_module(void) {
    return syscall(SYS_init_module, "", 0UL, "") == -1 && errno == ENOEXEC ? 0 : -1;
}

/// A call by the gate for programs of 32 bits (getpid).
static int call_foreign(void) {
    long result = 20;
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
    errno = EPERM;
    return result == getpid() ? 0 : -1;
}

static const struct {
    const char *name;
    int (*run)(void);
} probes[] = {{"map-code", map_code},
              {"lock-memory", lock_memory},
              {"be-traced", be_traced},
              {"load-module", load_module},
              {"call-foreign", call_foreign}};

int main(int count, char *words[]) {
    for (size_t i = 0; count == 2 && i < sizeof probes / sizeof probes[0]; i++) {
        if (strcmp(words[1], probes[i].name) != 0) continue;
        if (probes[i].run() == 0) return 0;
        perror(words[1]);
        return 1;
    }
    fprintf(stderr, "probe: no such probe\n");
    return 64;
}
