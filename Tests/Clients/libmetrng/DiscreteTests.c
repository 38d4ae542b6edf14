// SPDX-License-Identifier: Apache-2.0
//
// The transforms to bits, integers, orders and categories against plain references.

#include <math.h>
#include <stdlib.h>

#include "Check.h"
#include "Transforms.h"

__extension__ typedef unsigned __int128 wide;

enum { WORDS = 4096 };

static uint64_t words[WORDS];

static void make_words(uint64_t first) {
    for (size_t i = 0; i < WORDS; i++) words[i] = word_of(first + i);
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
            // 2^64 mod bound of the 2^64 words are rejected.
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
