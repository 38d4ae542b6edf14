// SPDX-License-Identifier: Apache-2.0

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "Transforms.h"
#include "metrng.h"

#define INLINE static inline __attribute__((always_inline))
#define BODY "Real.body.h"
#include "Paths.h"

enum metrngi_path metrngi_best_path(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return METRNGI_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return METRNGI_AVX2;
#endif
    return METRNGI_PORTABLE;
}

static const char *const names[] = {"portable", "avx2", "avx512"};

static enum metrngi_path choose_path(void) {
    enum metrngi_path best = metrngi_best_path();
    const char *wanted = getenv("METRNG_ISA");
    for (int path = METRNGI_PORTABLE; wanted && path < (int)best; path++)
        if (strcmp(wanted, names[path]) == 0) return (enum metrngi_path)path;
    return best;
}

enum metrngi_path metrngi_path(void) {
    static int chosen = -1;
    int path = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
    if (path < 0) {
        path = (int)choose_path();
        __atomic_store_n(&chosen, path, __ATOMIC_RELAXED);
    }
    return (enum metrngi_path)path;
}

const char *metrng_path(void) { return names[metrngi_path()]; }

void metrngi_uniform_float(enum metrngi_path path, const void *words, float *out, size_t count) {
    DISPATCH(path, uniform_float, words, out, count);
}

void metrngi_uniform_double(enum metrngi_path path, const void *words, double *out, size_t count) {
    DISPATCH(path, uniform_double, words, out, count);
}

void metrngi_normal_float(enum metrngi_path path, const void *words, float *out, size_t count,
                          float mean, float stdev) {
    DISPATCH(path, normal_float, words, out, count, mean, stdev);
}

void metrngi_normal_double(enum metrngi_path path, const void *words, double *out, size_t count,
                           double mean, double stdev) {
    DISPATCH(path, normal_double, words, out, count, mean, stdev);
}
