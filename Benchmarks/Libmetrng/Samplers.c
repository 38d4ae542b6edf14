// SPDX-License-Identifier: Apache-2.0
//
// The rate of each transform of libmetrng on each path, against a copy of the words that it takes;
// and of a session against its own reads of bytes, from the daemon that METRNG_SOCKET names.
//
// usage: samplers kernels | samplers session

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "Transforms.h"
#include "metrng.h"

enum { WORDS = 16384, ROUNDS = 60 };

static uint64_t words[WORDS], taken[WORDS], out[WORDS * 4];
static metrng_alias *table;
static float each[WORDS * 2];

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void make_words(void) {
    uint64_t state = 1;
    for (size_t i = 0; i < WORDS; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
        words[i] = (state ^ state >> 29) * UINT64_C(0xd6e8feb86659fd93);
    }
    for (size_t i = 0; i < WORDS * 2; i++) each[i] = (float)(i % 101) / 100;
}

// MARK: Kernels

// Each draws as many samples as it says, and returns how many words that took.
static size_t uniform_floats(enum metrngi_path path, size_t *samples) {
    metrngi_uniform_float(path, words, (float *)out, *samples = WORDS * 2);
    return WORDS;
}

static size_t uniform_doubles(enum metrngi_path path, size_t *samples) {
    metrngi_uniform_double(path, words, (double *)out, *samples = WORDS);
    return WORDS;
}

static size_t normal_floats(enum metrngi_path path, size_t *samples) {
    metrngi_normal_float(path, words, (float *)out, *samples = WORDS * 2, 0, 1);
    return WORDS;
}

static size_t normal_doubles(enum metrngi_path path, size_t *samples) {
    metrngi_normal_double(path, words, (double *)out, *samples = WORDS, 0, 1);
    return WORDS;
}

static size_t fast_bits(enum metrngi_path path, size_t *samples) {
    struct metrngi_comparison state = {0};
    uint64_t *next = taken;
    (void)path;
    *samples = 64 * metrngi_bernoulli_fast(metrngi_probability(0.3), &state, &next, taken + WORDS,
                                           out, WORDS / 8);
    return (size_t)(next - taken);
}

static size_t frugal_bits(enum metrngi_path path, size_t *samples) {
    struct metrngi_search state = {0};
    uint64_t *next = taken;
    (void)path;
    *samples = 64 * metrngi_bernoulli_frugal(metrngi_probability(0.3), &state, &next, taken + WORDS,
                                             out, WORDS / 4);
    return (size_t)(next - taken);
}

static size_t bits_of_each(enum metrngi_path path, size_t *samples) {
    struct metrngi_ties state = {0};
    uint64_t *next = taken;
    (void)path;
    *samples = metrngi_bernoulli_each(each, &state, &next, taken + WORDS, (uint8_t *)out, WORDS);
    return (size_t)(next - taken);
}

static size_t categories(enum metrngi_path path, size_t *samples) {
    uint64_t *next = taken;
    (void)path;
    return *samples = metrngi_categorical(table, &next, taken + WORDS, (int64_t *)out, WORDS);
}

static size_t integers(enum metrngi_path path, size_t *samples) {
    uint64_t *next = taken;
    (void)path;
    *samples = metrngi_integers(1000, &next, taken + WORDS, out, WORDS);
    return (size_t)(next - taken);
}

static const struct kernel {
    const char *name;
    size_t (*run)(enum metrngi_path path, size_t *samples);
    int has_paths;
} kernels[] = {
    {"uniform float32", uniform_floats, 1},
    {"uniform float64", uniform_doubles, 1},
    {"normal float32", normal_floats, 1},
    {"normal float64", normal_doubles, 1},
    {"Bernoulli 0.3, fast, packed", fast_bits, 0},
    {"Bernoulli 0.3, frugal, packed", frugal_bits, 0},
    {"Bernoulli of each", bits_of_each, 0},
    {"categorical, 1,000", categories, 0},
    {"integers below 1,000", integers, 0},
};

static void measure(const struct kernel *kernel, enum metrngi_path path, const char *path_name) {
    double best = 1e9, best_copy = 1e9;
    size_t samples = 0, used = 0;
    for (int round = 0; round < ROUNDS; round++) {
        memcpy(taken, words, sizeof words);
        double begin = now();
        used = kernel->run(path, &samples);
        double elapsed = now() - begin;
        if (elapsed < best) best = elapsed;
        begin = now();
        memcpy(out, words, used * 8);
        __asm__ volatile("" : : "r"(out) : "memory");
        elapsed = now() - begin;
        if (elapsed < best_copy) best_copy = elapsed;
    }
    printf("| %s | %s | %.2f | %.1f | %.3f |\n", kernel->name, path_name,
           (double)samples / best / 1e9, (double)used * 64 / (double)samples, best_copy / best);
}

static int measure_kernels(void) {
    static const char *const names[] = {"portable", "AVX2", "AVX-512"};
    double weights[1000];
    for (int i = 0; i < 1000; i++) weights[i] = 1 + i % 17;
    if (metrng_alias_new(&table, weights, 1000) != METRNG_OK) return 1;
    puts(
        "| samples | path | G/s | bits a sample | of the rate of a copy of the words "
        "|\n|---|---|---|---|---|");
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
        for (int path = kernels[i].has_paths ? (int)metrngi_best_path() : 0; path >= 0; path--)
            measure(&kernels[i], (enum metrngi_path)path,
                    kernels[i].has_paths ? names[path] : "every");
    metrng_alias_free(table);
    return 0;
}

// MARK: A session

enum { BYTES = 64 << 20 };

static int fail(void) {
    char message[512];
    metrng_error(message, sizeof message);
    fprintf(stderr, "samplers: error: %s\n", message);
    return 1;
}

// In turn, so that what else the machine does affects both alike.
static int measure_session(void) {
    metrng *session;
    metrng_options options = METRNG_OPTIONS_INIT;
    options.allow_simulated = 1;
    options.client = "benchmark";
    float *memory = malloc(BYTES);
    double bytes = 0, normals = 0;
    if (!memory || metrng_open(&session, &options) != METRNG_OK) return fail();
    if (metrng_read(session, memory, BYTES / 8) != METRNG_OK) return fail();
    for (int round = 0; round < 6; round++) {
        double begin = now();
        if (metrng_read(session, memory, BYTES / 2) != METRNG_OK) return fail();
        bytes += now() - begin;
        begin = now();
        if (metrng_normal_float(session, memory, BYTES / 2 / sizeof(float), 0, 1) != METRNG_OK)
            return fail();
        normals += now() - begin;
    }
    printf("| a session of libmetrng | |\n|---|---|\n");
    printf("| bytes, GB/s | %.3f |\n| normal float32, G/s | %.3f |\n", 3.0 * BYTES / bytes / 1e9,
           3.0 * BYTES / sizeof(float) / normals / 1e9);
    printf("| normal float32 against bytes / 4 | %.2f |\n", bytes / normals);
    metrng_close(session);
    free(memory);
    return 0;
}

int main(int count, char **arguments) {
    make_words();
    if (count == 2 && strcmp(arguments[1], "kernels") == 0) return measure_kernels();
    if (count == 2 && strcmp(arguments[1], "session") == 0) return measure_session();
    fputs("usage: samplers kernels | samplers session\n", stderr);
    return 64;
}
