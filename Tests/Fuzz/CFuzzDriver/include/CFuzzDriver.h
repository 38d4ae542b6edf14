// SPDX-License-Identifier: Apache-2.0

#ifndef CFUZZDRIVER_H
#define CFUZZDRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What libFuzzer calls with each input; returns 0.
typedef int (*cfuzz_callback)(const uint8_t *bytes, size_t count);

// Whether this program was linked with libFuzzer, as scripts/fuzz does.
bool cfuzz_has_engine(void);

// Runs libFuzzer with the arguments of the command line. Only where `cfuzz_has_engine`.
int cfuzz_run_engine(int *argc, char ***argv, cfuzz_callback callback);

// Limits the memory of this process to `bytes`, and installs handlers that write the input being
// run to `reproducer`, say so on standard error and end the process with status CFUZZ_FAILED, for a
// crash and for an input that takes more than `seconds` of processor time. Not for use with
// libFuzzer, which does the same. `reproducer` is copied. Returns 0, or -1 with errno set.
int cfuzz_watch(const char *reproducer, size_t bytes, unsigned seconds);

enum { CFUZZ_FAILED = 77 };

// Calls `callback` with a copy of the input at the end of a mapping, so that a read of the byte
// after it faults. Only after `cfuzz_watch`, from one thread. Returns 0, or -1 with errno set.
int cfuzz_run(const uint8_t *bytes, size_t count, cfuzz_callback callback);

// A descriptor of an empty regular file that is in memory only, or -1 with errno set.
int cfuzz_file_in_memory(void);

// Reads a byte, so that the compiler cannot leave the read out.
uint8_t cfuzz_read(const uint8_t *at);

#endif
