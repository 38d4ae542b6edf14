// SPDX-License-Identifier: Apache-2.0
//
// The transforms to real numbers against plain references, on every path that this processor has.

#include "Transforms.h"

#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "Check.h"

enum { WORDS = 4096 };

static uint64_t words[WORDS];

static void make_words(uint64_t first) {
    static const uint64_t edges[] = {
        0,
        UINT64_MAX,
        0xff000000,
        UINT64_C(0xffffffffff000000),
        0x400000,
        0x800000,
        0xc00000,
        0xffffff,
        0x1fffff,
        0x200000,
        UINT64_C(1) << 63,
        UINT64_C(0xffffffff00000000),
        1,
        UINT64_C(0xfffffffffffff),
        UINT64_C(0x10000000000000),
        UINT64_C(0x8000000000000),
    };
    for (size_t i = 0; i < WORDS; i++) words[i] = word_of(first + i);
    memcpy(words, edges, sizeof edges);
    // The same as second words of pairs of doubles.
    for (size_t i = 0; i < sizeof edges / 8; i++) words[101 + 2 * i] = edges[i];
}

// The path that a process with METRNG_ISA in its environment chooses.
static void the_environment_chooses_a_path(void) {
    static const char *const names[] = {"portable", "avx2", "avx512"};
    for (int wanted = 0; wanted < 4; wanted++) {
        int best = (int)metrngi_best_path(), expected = wanted < best ? wanted : best, status = -1;
        fflush(NULL);
        if (fork() == 0) {
            setenv("METRNG_ISA", wanted < 3 ? names[wanted] : "abacus", 1);
            _exit(strcmp(metrng_path(), names[expected]) != 0);
        }
        CHECK(wait(&status) > 0 && status == 0);
    }
}

// MARK: References of real numbers, a sample each

static double reference_uniform_float(size_t i) {
    return (double)((uint32_t)(words[i / 2] >> 32 * (i % 2)) >> 8) * 0x1p-24;
}

static double reference_uniform_double(size_t i) { return (double)(words[i] >> 11) * 0x1p-53; }

static double turned(long double radius, long double angle, bool change, bool negative, size_t i) {
    bool is_sine = (i % 2 == 1) != change;
    return (double)((negative ? -radius : radius) * (is_sine ? sinl(angle) : cosl(angle)));
}

static double reference_normal_float(size_t i) {
    uint64_t word = words[i / 2];
    long double u = 1 - (long double)(word >> 24) * 0x1p-40L;
    long double angle = ((long double)(word & 0x3fffff) + 0.5L - 0x1p21L) * (M_PIl * 0x1p-23L);
    return turned(sqrtl(-2 * logl(u)), angle, word >> 22 & 1, word >> 23 & 1, i);
}

static double reference_normal_double(size_t i) {
    uint64_t word = words[i | 1], below = ~words[i & ~(size_t)1];
    long double u = ((long double)below + 1) * 0x1p-64L;
    uint64_t j = word & UINT64_C(0xfffffffffffff);
    long double angle = ((long double)j + 0.5L - 0x1p51L) * (M_PIl * 0x1p-53L);
    return turned(sqrtl(-2 * logl(u)), angle, word >> 52 & 1, word >> 53 & 1, i);
}

// MARK: Real numbers

struct real {
    size_t sample_bytes, most;
    double (*reference)(size_t i);
    double relative, absolute;  // errors that are allowed
};

static const struct real reals[] = {
    {4, 2 * WORDS, reference_uniform_float, 0, 0},
    {8, WORDS, reference_uniform_double, 0, 0},
    {4, 2 * WORDS, reference_normal_float, 4e-7, 1e-12},
    {8, WORDS, reference_normal_double, 1.5e-15, 1e-21},
};

static void transform(int which, int path, const void *in, void *out, size_t count) {
    switch (which) {
        case 0:
            metrngi_uniform_float(path, in, out, count);
            break;
        case 1:
            metrngi_uniform_double(path, in, out, count);
            break;
        case 2:
            metrngi_normal_float(path, in, out, count, 0, 1);
            break;
        default:
            metrngi_normal_double(path, in, out, count, 0, 1);
            break;
    }
}

static double sample(const struct real *real, const void *samples, size_t i) {
    if (real->sample_bytes == 8) return ((const double *)samples)[i];
    return (double)((const float *)samples)[i];
}

static void real_numbers_are_those_of_the_reference(void) {
    static uint64_t out[WORDS];
    for (int path = 0; path <= (int)metrngi_best_path(); path++)
        for (int which = 0; which < 4; which++) {
            const struct real *real = &reals[which];
            make_words(1);
            transform(which, path, words, out, real->most);
            size_t wrong = 0;
            for (size_t i = 0; i < real->most; i++) {
                double expected = real->reference(i), error = sample(real, out, i) - expected;
                bool is_wrong = !(fabs(error) <= real->relative * fabs(expected) + real->absolute);
                if (is_wrong && wrong++ == 0)
                    fprintf(stderr, "path %d, transform %d, sample %zu: %.17g, expected %.17g\n",
                            path, which, i, sample(real, out, i), expected);
            }
            CHECK(wrong == 0);
        }
}

static void real_numbers_do_not_depend_on_where_they_stand(void) {
    static uint64_t whole[WORDS + 1], parts[WORDS + 1];
    for (int path = 0; path <= (int)metrngi_best_path(); path++)
        for (int which = 0; which < 4; which++) {
            const struct real *real = &reals[which];
            const size_t group = which == 2 || which == 0 || which == 3 ? 2 : 1;
            make_words(2);
            transform(which, path, words, whole, real->most);
            // In pieces and in place.
            memcpy(parts, words, sizeof words);
            for (size_t at = 0, size = 0; at < real->most; size++) {
                size_t part = size * group < real->most - at ? size * group : real->most - at;
                uint8_t *here = (uint8_t *)parts + at * real->sample_bytes;
                transform(which, path, here, here, part);
                at += part;
            }
            CHECK(memcmp(whole, parts, sizeof words) == 0);
            if (real->sample_bytes == 8) continue;
            // Out of place, where floats may begin.
            for (size_t count = 0; count < 300; count++) {
                transform(which, path, words, (float *)parts + 1, count);
                CHECK(memcmp((float *)parts + 1, whole, count * 4) == 0);
            }
        }
}

static void nothing_is_written_beyond_the_end(void) {
    static uint64_t out[64];
    for (int path = 0; path <= (int)metrngi_best_path(); path++)
        for (int which = 0; which < 4; which++)
            for (size_t count = 0; count < 40; count++) {
                size_t bytes = count * reals[which].sample_bytes;
                memset(out, 0xa5, sizeof out);
                transform(which, path, words, out, count);
                bool is_left = true;
                for (size_t i = bytes; i < sizeof out; i++) is_left &= ((uint8_t *)out)[i] == 0xa5;
                CHECK(is_left);
            }
}

static void mean_and_deviation_are_applied(void) {
    float plain[100], scaled[100];
    double plain_wide[100], scaled_wide[100];
    make_words(3);
    for (int path = 0; path <= (int)metrngi_best_path(); path++) {
        metrngi_normal_float(path, words + 300, plain, 100, 0, 1);
        metrngi_normal_float(path, words + 300, scaled, 100, -3, 0.25f);
        metrngi_normal_double(path, words + 300, plain_wide, 100, 0, 1);
        metrngi_normal_double(path, words + 300, scaled_wide, 100, 1e6, 2);
        for (int i = 0; i < 100; i++) {
            CHECK(fabsf(scaled[i] - (plain[i] * 0.25f - 3)) < 1e-6f);
            CHECK(fabs(scaled_wide[i] - (plain_wide[i] * 2 + 1e6)) < 1e-9);
        }
        metrngi_normal_float(path, words, scaled, 100, 5, 0);
        for (int i = 0; i < 100; i++) CHECK(scaled[i] == 5);
    }
}

int main(int count, char **arguments) {
    static const struct test tests[] = {
#define TEST(name) {#name, name}
        TEST(the_environment_chooses_a_path),
        TEST(real_numbers_are_those_of_the_reference),
        TEST(real_numbers_do_not_depend_on_where_they_stand),
        TEST(nothing_is_written_beyond_the_end),
        TEST(mean_and_deviation_are_applied),
        {NULL, NULL},
    };
    return run_tests(count, arguments, tests);
}
