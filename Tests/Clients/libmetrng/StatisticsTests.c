// SPDX-License-Identifier: Apache-2.0
//
// The distributions of samples of fixed words: 10^6 of them, with --slow 10^8. The words are the
// same every time, so that the thresholds hold or do not, without chance. Each test is also given
// samples that are wrong, and must find that out.

#include <math.h>
#include <stdlib.h>

#include "Check.h"
#include "Transforms.h"

static size_t sample_count(void) { return is_slow() ? 100000000 : 1000000; }

static uint64_t *make_words(size_t count, uint64_t first) {
    uint64_t *words = malloc(count * 8);
    if (!words) exit(1);
    for (size_t i = 0; i < count; i++) words[i] = word_of(first + i);
    return words;
}

// MARK: Normal numbers

static void sort(float *samples, size_t count) {
    uint32_t *from = malloc(count * 4), *to = malloc(count * 4), *swapped;
    for (size_t i = 0; i < count; i++) {
        memcpy(&from[i], &samples[i], 4);
        from[i] ^= from[i] >> 31 ? 0xffffffff : 0x80000000;
    }
    for (int shift = 0; shift < 32; shift += 8) {
        size_t starts[257] = {0};
        for (size_t i = 0; i < count; i++) starts[(from[i] >> shift & 255) + 1]++;
        for (int i = 0; i < 256; i++) starts[i + 1] += starts[i];
        for (size_t i = 0; i < count; i++) to[starts[from[i] >> shift & 255]++] = from[i];
        swapped = from, from = to, to = swapped;
    }
    for (size_t i = 0; i < count; i++) {
        from[i] ^= from[i] >> 31 ? 0x80000000 : 0xffffffff;
        memcpy(&samples[i], &from[i], 4);
    }
    free(from);
    free(to);
}

struct fit {
    double ks, a2;      // of Kolmogorov and Smirnov, times sqrt n; of Anderson and Darling
    double moments[4];  // mean, variance, skewness, kurtosis, in their standard errors
    double tail;        // number beyond 4, in its standard error
    double largest;
};

static double tail_of(double x) { return 0.5 * erfc(x / sqrt(2)); }

static struct fit fit_normal(float *samples, size_t count) {
    struct fit fit = {0};
    long double sums[5] = {0}, a2 = 0;
    const double n = (double)count;
    size_t beyond = 0;
    sort(samples, count);
    for (size_t i = 0; i < count; i++) {
        double x = (double)samples[i], power = x;
        for (int k = 1; k <= 4; k++, power *= x) sums[k] += power;
        beyond += fabs(x) > 4;
        double below = tail_of(-x), above = tail_of((double)samples[count - 1 - i]);
        double high = ((double)i + 1) / n - below, low = below - (double)i / n;
        if (high > fit.ks) fit.ks = high;
        if (low > fit.ks) fit.ks = low;
        a2 += (2 * (long double)i + 1) * (logl(below) + logl(above));
    }
    fit.ks *= sqrt(n);
    fit.a2 = (double)(-(long double)n - a2 / n);
    fit.moments[0] = (double)sums[1] / sqrt(n);
    fit.moments[1] = (double)(sums[2] - n) / sqrt(2 * n);
    fit.moments[2] = (double)sums[3] / sqrt(15 * n);
    fit.moments[3] = (double)(sums[4] - 3 * n) / sqrt(96 * n);
    fit.tail = ((double)beyond - n * 2 * tail_of(4)) / sqrt(n * 2 * tail_of(4));
    fit.largest = fmax(fabs((double)samples[0]), fabs((double)samples[count - 1]));
    return fit;
}

static bool is_normal(struct fit fit) {
    bool is_good = fit.ks < 1.36 && fit.a2 < 2.49 && fabs(fit.tail) < 3;
    for (int i = 0; i < 4; i++) is_good &= fabs(fit.moments[i]) < 3;
    return is_good;
}

static void print(const char *name, int path, struct fit fit) {
    printf(
        "%s, path %d: KS %.2f, A2 %.2f, moments %+.1f %+.1f %+.1f %+.1f, tail %+.1f, largest "
        "%.2f\n",
        name, path, fit.ks, fit.a2, fit.moments[0], fit.moments[1], fit.moments[2], fit.moments[3],
        fit.tail, fit.largest);
}

static void floats_are_normal(void) {
    size_t count = sample_count();
    uint64_t *words = make_words(count / 2, 1);
    float *samples = malloc(count * 4);
    for (int path = 0; path <= (int)metrngi_best_path(); path++) {
        metrngi_normal_float((enum metrngi_path)path, words, samples, count, 0, 1);
        struct fit fit = fit_normal(samples, count);
        if (is_slow() || !is_normal(fit)) print("floats", path, fit);
        CHECK(is_normal(fit));
    }
    free(samples);
    free(words);
}

static void doubles_are_normal(void) {
    size_t count = sample_count() / (is_slow() ? 4 : 1);
    uint64_t *words = make_words(count, 3);
    double *samples = malloc(count * 8);
    float *rounded = malloc(count * 4);
    for (int path = 0; path <= (int)metrngi_best_path(); path++) {
        metrngi_normal_double((enum metrngi_path)path, words, samples, count, 0, 1);
        for (size_t i = 0; i < count; i++) rounded[i] = (float)samples[i];
        struct fit fit = fit_normal(rounded, count);
        if (is_slow() || !is_normal(fit)) print("doubles", path, fit);
        CHECK(is_normal(fit));
    }
    free(rounded);
    free(samples);
    free(words);
}

static void the_tail_is_complete(void) {
    // All bits of the radius set: the largest sample there is.
    uint64_t words[2] = {UINT64_C(0xffffffffff200000), UINT64_C(0xffffffffff1fffff)};
    float samples[4];
    double wide[2];
    for (int path = 0; path <= (int)metrngi_best_path(); path++) {
        metrngi_normal_float((enum metrngi_path)path, words, samples, 4, 0, 1);
        CHECK(fabsf(samples[0]) > 7.44f && fabsf(samples[0]) < 7.46f);
        CHECK(samples[1] != 0 && samples[1] == -samples[3]);
        words[1] = UINT64_C(0x8000000000000);
        words[0] = UINT64_MAX;
        metrngi_normal_double((enum metrngi_path)path, words, wide, 2, 0, 1);
        CHECK(fabs(wide[0]) > 9.41 && fabs(wide[0]) < 9.42);
        words[0] = UINT64_C(0xffffffffff200000);
        words[1] = UINT64_C(0xffffffffff1fffff);
    }
}

static void wrong_normal_numbers_are_found(void) {
    size_t count = 1000000;
    uint64_t *words = make_words(count / 2, 1);
    float *samples = malloc(count * 4);
    enum metrngi_path path = metrngi_best_path();
    metrngi_normal_float(path, words, samples, count, 0, 1.005f);
    CHECK(!is_normal(fit_normal(samples, count)));
    metrngi_normal_float(path, words, samples, count, 0.005f, 1);
    CHECK(!is_normal(fit_normal(samples, count)));
    // A device that is at 51 % ones, and one that is stuck.
    for (size_t i = 0; i < count / 2; i++) words[i] |= i % 50 == 0 ? UINT64_C(1) << 63 : 0;
    metrngi_normal_float(path, words, samples, count, 0, 1);
    CHECK(!is_normal(fit_normal(samples, count)));
    for (size_t i = 0; i < count / 2; i++) words[i] = word_of(i) | 1 << 21;
    metrngi_normal_float(path, words, samples, count, 0, 1);
    CHECK(!is_normal(fit_normal(samples, count)));
    // Uniforms of 24 bits have no tail.
    for (size_t i = 0; i < count / 2; i++) words[i] = word_of(i) & ~UINT64_C(0xffff000000);
    metrngi_normal_float(path, words, samples, count, 0, 1);
    CHECK(fit_normal(samples, count).largest < 5.8);
    free(samples);
    free(words);
}

// MARK: Uniform numbers

static double uniform_chi(const double *samples, size_t count) {
    enum { BINS = 1000 };
    static uint32_t bins[BINS];
    double chi = 0, expected = (double)count / BINS;
    memset(bins, 0, sizeof bins);
    for (size_t i = 0; i < count; i++) bins[(size_t)(samples[i] * BINS)]++;
    for (int i = 0; i < BINS; i++) chi += (bins[i] - expected) * (bins[i] - expected) / expected;
    return chi;
}

static void uniform_numbers_are_uniform(void) {
    enum { COUNT = 1000000 };
    const double limit = 1142;  // alpha 0.001 of 999 degrees of freedom
    uint64_t *words = make_words(COUNT, 1);
    double *samples = malloc(COUNT * 8);
    float *narrow = malloc(COUNT * 4);
    for (int path = 0; path <= (int)metrngi_best_path(); path++) {
        metrngi_uniform_double((enum metrngi_path)path, words, samples, COUNT);
        CHECK(uniform_chi(samples, COUNT) < limit);
        metrngi_uniform_float((enum metrngi_path)path, words, narrow, COUNT);
        for (size_t i = 0; i < COUNT; i++) samples[i] = (double)narrow[i];
        CHECK(uniform_chi(samples, COUNT) < limit);
        for (size_t i = 0; i < COUNT; i++) samples[i] *= 0.998;
        CHECK(uniform_chi(samples, COUNT) > limit);
    }
    free(narrow);
    free(samples);
    free(words);
}

// MARK: Bits

// The number of ones against p, in its standard error, and the words that they took.
static double ones_of(double p, int method, const uint64_t *words, size_t count, double *taken) {
    size_t packed = count / 64;
    uint64_t *in = malloc(count), *out = malloc(packed * 8), *next = in;
    memcpy(in, words, count);
    struct metrngi_probability digits = metrngi_probability(p);
    struct metrngi_comparison comparison = {0};
    struct metrngi_search search = {0};
    size_t done =
        method ? metrngi_bernoulli_frugal(digits, &search, &next, in + count / 8, out, packed)
               : metrngi_bernoulli_fast(digits, &comparison, &next, in + count / 8, out, packed);
    CHECK(done == packed);
    double ones = 0, n = (double)packed * 64;
    for (size_t i = 0; i < packed; i++) ones += __builtin_popcountll(out[i]);
    *taken = (double)(next - in) * 64 / n;
    free(in);
    free(out);
    return (ones - n * p) / sqrt(n * p * (1 - p));
}

static void bits_have_their_probability(void) {
    static const double probabilities[] = {0.5, 0.3, 0.001, 0.99, 0.7310585786300049};
    size_t count = is_slow() ? 100000000 / 64 * 64 : 1000000;
    uint64_t *words = make_words(count / 8, 11);
    double taken;
    for (int i = 0; i < 5; i++) {
        double z = ones_of(probabilities[i], 0, words, count, &taken);
        CHECK(fabs(z) < 3.3 && taken <= 7.5);
        z = ones_of(probabilities[i], 1, words, count, &taken);
        CHECK(fabs(z) < 3.3 && taken < 2.02);
    }
    ones_of(0.5, 0, words, count, &taken);
    CHECK(taken == 1);
    // One that is not p.
    for (size_t i = 0; i < count / 8; i++) words[i] |= i % 100 == 0 ? word_of(i) : 0;
    CHECK(fabs(ones_of(0.5, 0, words, count, &taken)) > 3.3);
    free(words);
}

int main(int count, char **arguments) {
    static const struct test tests[] = {
#define TEST(name) {#name, name}
        TEST(floats_are_normal),
        TEST(doubles_are_normal),
        TEST(the_tail_is_complete),
        TEST(wrong_normal_numbers_are_found),
        TEST(uniform_numbers_are_uniform),
        TEST(bits_have_their_probability),
        {NULL, NULL},
    };
    return run_tests(count, arguments, tests);
}
