// SPDX-License-Identifier: Apache-2.0

#include "Check.h"

#include <stdlib.h>

static int failures;
static bool slow;

void check_that(bool holds, const char *file, int line, const char *text) {
    if (holds) return;
    fprintf(stderr, "%s:%d: failed: %s\n", file, line, text);
    __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
}

void check_status(metrng_status wanted, metrng_status found, const char *file, int line,
                  const char *text) {
    char message[512] = "";
    if (wanted == found) return;
    metrng_error(message, sizeof message);
    fprintf(stderr, "%s:%d: status %d, expected %d: %s\n    %s\n", file, line, (int)found,
            (int)wanted, text, message);
    __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
}

bool is_slow(void) { return slow; }

static bool is_chosen(const char *name, int count, char **arguments) {
    bool has_names = false;
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--slow") == 0) continue;
        if (strcmp(arguments[i], name) == 0) return true;
        has_names = true;
    }
    return !has_names;
}

int run_tests(int count, char **arguments, const struct test *tests) {
    for (int i = 1; i < count; i++) slow |= strcmp(arguments[i], "--slow") == 0;
    for (; tests->name; tests++) {
        if (!is_chosen(tests->name, count, arguments)) continue;
        int before = failures;
        tests->run();
        if (failures > before) fprintf(stderr, "FAILED: %s\n", tests->name);
    }
    return failures > 0;
}

// MARK: Words

// Each step has an inverse.
uint64_t word_of(uint64_t number) {
    uint64_t x = number + UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
    x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return x ^ x >> 32;
}

uint64_t number_of(uint64_t word) {
    const uint64_t inverse = UINT64_C(0xcfee444d8b59a89b);
    uint64_t x = word ^ word >> 32;
    x *= inverse;
    x = (x ^ x >> 32) * inverse;
    return (x ^ x >> 32) - UINT64_C(0x9e3779b97f4a7c15);
}

bool is_zero(const void *memory, size_t bytes) {
    const unsigned char *byte = memory;
    for (size_t i = 0; i < bytes; i++)
        if (byte[i]) return false;
    return true;
}

// MARK: Sessions

metrng_options options_for(struct daemon *daemon) {
    metrng_options options = METRNG_OPTIONS_INIT;
    options.path = daemon->path;
    options.reconnect_seconds = 5;
    return options;
}

metrng *open_session(struct daemon *daemon) {
    metrng *session;
    metrng_options options = options_for(daemon);
    CHECK_OK(metrng_open(&session, &options));
    if (!session) exit(1);
    return session;
}

metrng_report report_of(metrng *session) {
    metrng_report report;
    CHECK_OK(metrng_get_report(session, &report, sizeof report));
    return report;
}

const char *message(void) {
    static char text[512];
    metrng_error(text, sizeof text);
    return text;
}
