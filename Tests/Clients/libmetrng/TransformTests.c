// SPDX-License-Identifier: Apache-2.0
//
// The transforms against plain references, on every path that this processor has.

#include "Transforms.h"

#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "Check.h"

__extension__ typedef unsigned __int128 wide;

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

// MARK: Bits

// One sample of 64 lanes after another, digit by digit; the reference takes words as the transform
// does.
static size_t reference_fast(uint64_t digits, const uint64_t *in, uint64_t *out, size_t count) {
    size_t used = 0;
    for (size_t done = 0; done < count; done++) {
        int decided[64] = {0};
        out[done] = 0;
        for (int place = 63; place >= 0; place--) {
            bool all = true;
            uint64_t drawn = in[used++];
            for (int lane = 0; lane < 64; lane++) {
                bool p = digits >> place & 1, u = drawn >> lane & 1;
                if (decided[lane] || p == u) continue;
                decided[lane] = 1;
                out[done] |= (uint64_t)p << lane;
            }
            for (int lane = 0; lane < 64; lane++) all &= decided[lane];
            // After the last 1 of p nothing is decided any more.
            if (all || (digits & ((UINT64_C(1) << place) - 1)) == 0) break;
        }
    }
    return used;
}

static size_t reference_frugal(uint64_t digits, const uint64_t *in, uint64_t *out, size_t count) {
    size_t at = 0;
    memset(out, 0, count * 8);
    for (size_t i = 0; i < count * 64; i++) {
        unsigned position = 0;
        for (; !(in[at / 64] >> at % 64 & 1); at++) position++;
        at++;
        if (position < 64) out[i / 64] |= (digits >> (63 - position) & 1) << i % 64;
    }
    return (at + 63) / 64;
}

static const double probabilities[] = {0.5,         0.25,    0.3,     0.7310585786300049,
                                       1e-9,        0x1p-64, 0x1p-60, 0.9999999999999999,
                                       1 - 0x1p-30, 0.75};

static void probabilities_have_digits(void) {
    CHECK(metrngi_probability(1).is_one);
    CHECK(metrngi_probability(0).digits == 0 && !metrngi_probability(0).is_one);
    CHECK(metrngi_probability(0.5).digits == UINT64_C(1) << 63);
    CHECK(metrngi_probability(0x1p-64).digits == 1 && metrngi_probability(0x1p-70).digits == 0);
    CHECK(metrngi_probability(0x1.8p-65).digits == 1);
    CHECK(metrngi_probability(1 - 0x1p-53).digits == UINT64_C(0xfffffffffffff800));
    CHECK(metrngi_probability(0.3).digits == UINT64_C(0x4ccccccccccccc00));
    CHECK(metrngi_probability(5e-324).digits == 0);
}

// Both methods with words that come `portion` at a time.
static void compare_bits(double probability, size_t portion) {
    enum { COUNT = 30 };
    static uint64_t stream[WORDS], out[COUNT], expected[COUNT];
    struct metrngi_probability p = metrngi_probability(probability);
    for (int method = 0; method < 2; method++) {
        struct metrngi_comparison comparison = {0};
        struct metrngi_search search = {0};
        memcpy(stream, words, sizeof words);
        size_t used = method ? reference_frugal(p.digits, stream, expected, COUNT)
                             : reference_fast(p.digits, stream, expected, COUNT);
        uint64_t *next = stream;
        for (size_t done = 0; done < COUNT;) {
            const uint64_t *end = next + portion;
            done +=
                method
                    ? metrngi_bernoulli_frugal(p, &search, &next, end, out + done, COUNT - done)
                    : metrngi_bernoulli_fast(p, &comparison, &next, end, out + done, COUNT - done);
        }
        CHECK(memcmp(out, expected, sizeof out) == 0);
        CHECK((size_t)(next - stream) == used);
        CHECK(is_zero(stream, used * 8) && memcmp(next, words + used, 800) == 0);
    }
}

static void bits_are_those_of_the_reference(void) {
    for (size_t i = 0; i < WORDS; i++) words[i] = word_of(5000 + i);
    // A run of zeros longer than a word, for the frugal method.
    memset(words + 7, 0, 24);
    for (size_t i = 0; i < sizeof probabilities / 8; i++)
        for (size_t portion = 1; portion < 100; portion = portion * 3) {
            compare_bits(probabilities[i], portion);
        }
    uint64_t out[2] = {5, 5}, *next = words;
    struct metrngi_comparison comparison = {0};
    struct metrngi_search search = {0};
    CHECK(metrngi_bernoulli_fast(metrngi_probability(1), &comparison, &next, words, out, 2) == 2);
    CHECK(out[0] == UINT64_MAX && out[1] == UINT64_MAX && next == words);
    CHECK(metrngi_bernoulli_frugal(metrngi_probability(0), &search, &next, words, out, 2) == 2);
    CHECK(is_zero(out, sizeof out) && next == words);
}

static void bits_become_bytes(void) {
    uint8_t out[200];
    for (size_t i = 0; i < WORDS; i++) words[i] = word_of(i);
    for (size_t count = 0; count < 200; count++) {
        memset(out, 0xee, sizeof out);
        metrngi_unpack(words, out, count);
        bool is_right = count == 200 || out[count] == 0xee;
        for (size_t i = 0; i < count; i++) is_right &= out[i] == (words[i / 64] >> i % 64 & 1);
        CHECK(is_right);
    }
}

static void each_probability_is_exact(void) {
    // The digits of 0.3f, 2^-33 and 2^-40 decide these words, and more words where they do not.
    static const float p[] = {0.3f, 0.3f, 0x1p-33f, 0x1p-33f, 0x1p-33f, 0x1p-40f, 1, 0, 0.5f};
    const uint32_t third = (uint32_t)((double)0.3f * 0x1p32);
    uint64_t stream[] = {
        (uint64_t)third << 32 | (third - 1),  // 1, 0: nothing is left of 0.3f after 32 digits
        0,                                    // undecided, undecided
        UINT64_C(0x7fffffffffffffff),         // 1: below half
        UINT64_C(0x8000000000000000),         // 0
        0,                                    // undecided, undecided
        0,                                    // 1
        UINT64_C(0x0100000000000000),         // 0: not below 2^-8
        UINT64_C(0x00000000ffffffff),         // 1 all the same, 0
        0x80000000,                           // 0
    };
    static const uint8_t expected[] = {1, 0, 1, 0, 1, 0, 1, 0, 0};
    for (size_t portion = 1; portion < 10; portion++) {
        uint64_t in[19] = {0}, *next = in;
        uint8_t out[9];
        memcpy(in, stream, sizeof stream);
        struct metrngi_ties ties = {0};
        for (size_t done = 0; done < 9;)
            done += metrngi_bernoulli_each(p + done, &ties, &next, next + portion, out + done,
                                           9 - done);
        CHECK(memcmp(out, expected, 9) == 0);
        CHECK(next == in + 9);
    }
}

// MARK: Integers

static void integers_are_bounded(void) {
    static const uint64_t bounds[] = {
        0, 1, 2, 3, 1000, UINT64_C(1) << 32, (UINT64_C(1) << 63) + 1, UINT64_MAX};
    for (size_t b = 0; b < sizeof bounds / 8; b++) {
        uint64_t bound = bounds[b], in[WORDS], out[500], *next = in;
        make_words(77);
        memcpy(in, words, sizeof in);
        size_t done = 0, expected = 0;
        while (done < 500) done += metrngi_integers(bound, &next, next + 7, out + done, 500 - done);
        bool is_right = true;
        const uint64_t *word = words;
        for (; expected < 500; word++) {
            wide product = (wide)*word * bound;
            // Of 2^64 words, 2^64 mod bound are too many.
            if (bound && (uint64_t)product < (uint64_t)(((wide)1 << 64) % bound)) continue;
            is_right &= out[expected++] == (bound ? (uint64_t)(product >> 64) : *word);
        }
        CHECK(is_right);
        CHECK(next - in == word - words && is_zero(in, (size_t)(next - in) * 8));
    }
}

static void permutations_are_complete(void) {
    enum { ORDERS = 24, DRAWS = 24000 };
    uint32_t counts[256] = {0};
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        int64_t order[4] = {0, 1, 2, 3};
        uint64_t in[8], *next = in;
        for (int i = 0; i < 8; i++) in[i] = word_of(draw * 8 + (uint64_t)i);
        size_t left = 4;
        while (left > 1) left = metrngi_shuffle(&next, next + 1, order, left);
        counts[order[0] << 6 | order[1] << 4 | order[2] << 2 | order[3]]++;
    }
    double chi = 0;
    int seen = 0;
    for (int i = 0; i < 256; i++) {
        seen += counts[i] > 0;
        if (counts[i]) chi += pow((double)counts[i] - DRAWS / ORDERS, 2) / (DRAWS / ORDERS);
    }
    CHECK(seen == ORDERS && chi < 49.7);  // alpha 0.001 of 23 degrees of freedom
}

// MARK: Categories

// The table is asked with words at equal distances, so that each share shows to 1 in 2^20.
static void compare_shares(const double *weights, size_t count) {
    enum { GRID = 1 << 20 };
    metrng_alias *table;
    CHECK_OK(metrng_alias_new(&table, weights, count));
    uint32_t *counts = calloc(count, sizeof *counts);
    double sum = 0, largest = 0;
    for (size_t i = 0; i < count; i++) largest = weights[i] > largest ? weights[i] : largest;
    for (size_t i = 0; i < count; i++) sum += weights[i] / largest;
    for (uint64_t i = 0; i < GRID; i += 512) {
        uint64_t in[512], *next = in;
        int64_t out[512];
        for (uint64_t k = 0; k < 512; k++) in[k] = (i + k) << 44 | word_of(i + k) >> 20;
        CHECK(metrngi_categorical(table, &next, in + 512, out, 600) == 512);
        for (int k = 0; k < 512; k++) counts[out[k]]++;
    }
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        double expected = weights[i] / largest / sum * GRID;
        // Each column of the table has an end in each of its two parts.
        wrong += fabs(counts[i] - expected) > 2 + 2.0 * (double)count;
        wrong += weights[i] == 0 && counts[i] > 0;
    }
    CHECK(wrong == 0);
    free(counts);
    metrng_alias_free(table);
}

static void categories_have_their_shares(void) {
    double many[1000];
    for (int i = 0; i < 1000; i++) many[i] = i % 7 == 3 ? 0 : 1 + i % 13;
    compare_shares((double[]){1}, 1);
    compare_shares((double[]){3}, 1);
    compare_shares((double[]){1, 1}, 2);
    compare_shares((double[]){0, 0.25, 0, 0.5, 0.25, 0}, 6);
    compare_shares((double[]){1e308, 1e308, 1e308, 1}, 4);
    compare_shares((double[]){1e-300, 3e-300}, 2);
    compare_shares((double[]){1, 1e-30, 0}, 3);
    compare_shares((double[]){0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0}, 11);
    compare_shares(many, 1000);
}

static void wrong_weights_are_refused(void) {
    static const double wrong[][2] = {{0, 0}, {-1, 2}, {NAN, 1}, {1, INFINITY}, {-0.0, 0}};
    metrng_alias *table = (metrng_alias *)words;
    for (size_t i = 0; i < 5; i++) {
        CHECK_STATUS(METRNG_INVALID_ARGUMENT, metrng_alias_new(&table, wrong[i], 2));
        CHECK(table == NULL);
    }
    CHECK_STATUS(METRNG_INVALID_ARGUMENT, metrng_alias_new(&table, wrong[0], 0));
    CHECK_STATUS(METRNG_INVALID_ARGUMENT, metrng_alias_new(&table, wrong[0], SIZE_MAX));
    metrng_alias_free(NULL);
}

int main(int count, char **arguments) {
    static const struct test tests[] = {
#define TEST(name) {#name, name}
        TEST(the_environment_chooses_a_path),
        TEST(real_numbers_are_those_of_the_reference),
        TEST(real_numbers_do_not_depend_on_where_they_stand),
        TEST(nothing_is_written_beyond_the_end),
        TEST(mean_and_deviation_are_applied),
        TEST(probabilities_have_digits),
        TEST(bits_are_those_of_the_reference),
        TEST(bits_become_bytes),
        TEST(each_probability_is_exact),
        TEST(integers_are_bounded),
        TEST(permutations_are_complete),
        TEST(categories_have_their_shares),
        TEST(wrong_weights_are_refused),
        {NULL, NULL},
    };
    return run_tests(count, arguments, tests);
}
