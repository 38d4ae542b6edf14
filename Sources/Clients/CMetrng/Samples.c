// SPDX-License-Identifier: Apache-2.0
//
// The calls that fill memory with samples: words of a session through the transforms.

#include <math.h>
#include <string.h>

#include "Internal.h"
#include "Transforms.h"

enum {
    CHUNK_WORDS = 4096,  // at a time, so that they stay in the nearest caches
    DIRECT_GROUPS = 256,
    DIRECT_WORDS = 16384,
};

// Ends a call that fills `bytes` at `out`: after a failure nothing of it is left.
static metrng_status end(metrng *session, metrng_status status, void *out, size_t bytes) {
    status = metrngi_leave(session, status);
    if (status != METRNG_OK && bytes > 0) memset(out, 0, bytes);
    return status;
}

// False, with a message, when so many samples do not fit in memory.
static bool fits(size_t count, size_t size) {
    if (count <= SIZE_MAX / 2 / size) return true;
    metrngi_fail(METRNG_INVALID_ARGUMENT, "%zu samples are more than memory can hold", count);
    return false;
}

metrng_status metrng_read(metrng *session, void *bytes, size_t count) {
    if (!fits(count, 1)) return METRNG_INVALID_ARGUMENT;
    metrngi_enter(session);
    metrng_status status = metrngi_take(session, bytes, count / 8);
    if (status == METRNG_OK && count % 8 > 0) {
        uint64_t last;
        status = metrngi_take(session, &last, 1);
        if (status == METRNG_OK) memcpy((uint8_t *)bytes + count / 8 * 8, &last, count % 8);
        metrngi_wipe(&last, sizeof last);
    }
    return end(session, status, bytes, count);
}

metrng_status metrng_words(metrng *session, uint64_t *words, size_t count) {
    if (!fits(count, 8)) return METRNG_INVALID_ARGUMENT;
    metrngi_enter(session);
    return end(session, metrngi_take(session, words, count), words, count * 8);
}

// MARK: Real numbers
//
// Groups of words become groups of samples of the same size in memory. Words at hand are
// transformed from where they are; many more are received where the samples go, and transformed in
// place.

struct real {
    void (*transform)(const struct real *real, const void *words, void *out, size_t count);
    size_t group_words, group_samples, sample_bytes;
    double mean, stdev;
};

static metrng_status fill_at_hand(metrng *session, const struct real *real, uint8_t *out,
                                  size_t count, size_t *done) {
    metrng_reserve *reserve = &session->state->reserve;
    size_t groups = metrngi_at_hand(session) / real->group_words;
    size_t wanted = (count + real->group_samples - 1) / real->group_samples;
    if (groups > wanted) groups = wanted;
    if (groups > CHUNK_WORDS / real->group_words) groups = CHUNK_WORDS / real->group_words;
    *done = groups * real->group_samples < count ? groups * real->group_samples : count;
    real->transform(real, reserve->next, out, *done);
    memset(reserve->next, 0, groups * real->group_words * 8);
    reserve->next += groups * real->group_words;
    return METRNG_OK;
}

static metrng_status fill_in_place(metrng *session, const struct real *real, uint8_t *out,
                                   size_t count, size_t *done) {
    size_t groups = count / real->group_samples;
    if (groups > DIRECT_WORDS / real->group_words) groups = DIRECT_WORDS / real->group_words;
    *done = groups * real->group_samples;
    metrng_status status = metrngi_take(session, out, groups * real->group_words);
    if (status == METRNG_OK) real->transform(real, out, out, *done);
    return status;
}

// The number of words that `count` samples take.
static size_t words_for(const struct real *real, size_t count) {
    return (count + real->group_samples - 1) / real->group_samples * real->group_words;
}

static metrng_status fill(metrng *session, const struct real *real, void *out, size_t count) {
    if (!fits(count, real->sample_bytes)) return METRNG_INVALID_ARGUMENT;
    metrngi_enter(session);
    metrng_status status = METRNG_OK;
    uint8_t *next = out;
    for (size_t left = count; left > 0 && status == METRNG_OK;) {
        size_t done = 0;
        if (metrngi_at_hand(session) >= real->group_words)
            status = fill_at_hand(session, real, next, left, &done);
        else if (left / real->group_samples >= DIRECT_GROUPS)
            status = fill_in_place(session, real, next, left, &done);
        else
            status = metrngi_refill(session, real->group_words, words_for(real, left));
        next += done * real->sample_bytes;
        left -= done;
    }
    return end(session, status, out, count * real->sample_bytes);
}

static void uniform_float(const struct real *real, const void *words, void *out, size_t count) {
    (void)real;
    metrngi_uniform_float(metrngi_path(), words, out, count);
}

static void uniform_double(const struct real *real, const void *words, void *out, size_t count) {
    (void)real;
    metrngi_uniform_double(metrngi_path(), words, out, count);
}

static void normal_float(const struct real *real, const void *words, void *out, size_t count) {
    metrngi_normal_float(metrngi_path(), words, out, count, (float)real->mean, (float)real->stdev);
}

static void normal_double(const struct real *real, const void *words, void *out, size_t count) {
    metrngi_normal_double(metrngi_path(), words, out, count, real->mean, real->stdev);
}

static bool is_normal(double mean, double stdev) {
    if (isfinite(mean) && isfinite(stdev) && stdev >= 0) return true;
    metrngi_fail(METRNG_INVALID_ARGUMENT,
                 "a normal distribution has a finite mean and a finite stdev >= 0, not %g and %g",
                 mean, stdev);
    return false;
}

metrng_status metrng_uniform_float(metrng *session, float *out, size_t count) {
    static const struct real real = {uniform_float, 1, 2, sizeof(float), 0, 0};
    return fill(session, &real, out, count);
}

metrng_status metrng_uniform_double(metrng *session, double *out, size_t count) {
    static const struct real real = {uniform_double, 1, 1, sizeof(double), 0, 0};
    return fill(session, &real, out, count);
}

metrng_status metrng_normal_float(metrng *session, float *out, size_t count, float mean,
                                  float stdev) {
    if (!is_normal((double)mean, (double)stdev)) return METRNG_INVALID_ARGUMENT;
    struct real real = {normal_float, 1, 2, sizeof(float), (double)mean, (double)stdev};
    return fill(session, &real, out, count);
}

metrng_status metrng_normal_double(metrng *session, double *out, size_t count, double mean,
                                   double stdev) {
    if (!is_normal(mean, stdev)) return METRNG_INVALID_ARGUMENT;
    struct real real = {normal_double, 2, 2, sizeof(double), mean, stdev};
    return fill(session, &real, out, count);
}

// MARK: Discrete samples
//
// These take as many words as chance wants: again and again from what is at hand.

// The rest of a call: what is drawn, where the next output goes, and how many are left.
struct discrete {
    size_t (*transform)(struct discrete *discrete, uint64_t **next, const uint64_t *end);
    size_t left;
    uint64_t bound;
    struct metrngi_probability p;
    struct metrngi_comparison comparison;
    struct metrngi_search search;
    struct metrngi_ties ties;
    const struct metrng_alias *table;
    const float *each;
    uint64_t *words;  // one of these is the output
    int64_t *numbers;
    uint8_t *bytes;
};

// Draws until nothing is left. The lock must be held.
static metrng_status draw_all(metrng *session, struct discrete *discrete) {
    metrng_reserve *reserve = &session->state->reserve;
    for (;;) {
        // At least a word for each output, or for two samples of probabilities of their own.
        discrete->left -= discrete->transform(discrete, &reserve->next, reserve->end);
        if (discrete->left == 0) return METRNG_OK;
        metrng_status status =
            metrngi_refill(session, 1, discrete->each ? (discrete->left + 1) / 2 : discrete->left);
        if (status != METRNG_OK) return status;
    }
}

// A whole call that fills `bytes` at `out`.
static metrng_status draw(metrng *session, struct discrete *discrete, void *out, size_t bytes) {
    metrngi_enter(session);
    metrng_status status = discrete->left > 0 ? draw_all(session, discrete) : METRNG_OK;
    // The samples of an unfinished word.
    metrngi_wipe(discrete, sizeof *discrete);
    return end(session, status, out, bytes);
}

static size_t draw_integers(struct discrete *discrete, uint64_t **next, const uint64_t *last) {
    size_t done = metrngi_integers(discrete->bound, next, last, discrete->words, discrete->left);
    discrete->words += done;
    return done;
}

metrng_status metrng_integers(metrng *session, uint64_t *out, size_t count, uint64_t bound) {
    if (!fits(count, 8)) return METRNG_INVALID_ARGUMENT;
    struct discrete discrete = {draw_integers, count, .bound = bound, .words = out};
    return draw(session, &discrete, out, count * 8);
}

static size_t draw_categories(struct discrete *discrete, uint64_t **next, const uint64_t *last) {
    size_t done =
        metrngi_categorical(discrete->table, next, last, discrete->numbers, discrete->left);
    discrete->numbers += done;
    return done;
}

metrng_status metrng_categorical(metrng *session, const metrng_alias *table, int64_t *out,
                                 size_t count) {
    if (!fits(count, 8)) return METRNG_INVALID_ARGUMENT;
    struct discrete discrete = {draw_categories, count, .table = table, .numbers = out};
    return draw(session, &discrete, out, count * 8);
}

static size_t draw_order(struct discrete *discrete, uint64_t **next, const uint64_t *last) {
    // The first element needs no draw.
    size_t left = metrngi_shuffle(next, last, discrete->numbers, discrete->left);
    return discrete->left - (left > 1 ? left : 0);
}

metrng_status metrng_permutation(metrng *session, int64_t *out, size_t count) {
    if (!fits(count, 8)) return METRNG_INVALID_ARGUMENT;
    for (size_t i = 0; i < count; i++) out[i] = (int64_t)i;
    struct discrete discrete = {draw_order, count, .numbers = out};
    return draw(session, &discrete, out, count * 8);
}

// MARK: Bernoulli

static size_t draw_fast(struct discrete *discrete, uint64_t **next, const uint64_t *last) {
    size_t done = metrngi_bernoulli_fast(discrete->p, &discrete->comparison, next, last,
                                         discrete->words, discrete->left);
    discrete->words += done;
    return done;
}

static size_t draw_frugal(struct discrete *discrete, uint64_t **next, const uint64_t *last) {
    size_t done = metrngi_bernoulli_frugal(discrete->p, &discrete->search, next, last,
                                           discrete->words, discrete->left);
    discrete->words += done;
    return done;
}

static bool is_bernoulli(double p, metrng_method method) {
    if (!(p >= 0 && p <= 1))
        metrngi_fail(METRNG_INVALID_ARGUMENT, "a probability is in [0, 1], not %g", p);
    else if (method != METRNG_FAST && method != METRNG_FRUGAL)
        metrngi_fail(METRNG_INVALID_ARGUMENT, "there is no method %d", (int)method);
    else
        return true;
    return false;
}

static struct discrete bernoulli(double p, metrng_method method) {
    return (struct discrete){method == METRNG_FAST ? draw_fast : draw_frugal,
                             .p = metrngi_probability(p)};
}

metrng_status metrng_bernoulli_packed(metrng *session, uint64_t *out, size_t samples, double p,
                                      metrng_method method) {
    if (!is_bernoulli(p, method)) return METRNG_INVALID_ARGUMENT;
    size_t words = samples / 64 + (samples % 64 > 0);
    struct discrete discrete = bernoulli(p, method);
    discrete.left = words;
    discrete.words = out;
    metrng_status status = draw(session, &discrete, out, words * 8);
    if (samples % 64 > 0) out[words - 1] &= ~UINT64_C(0) >> (64 - samples % 64);
    return status;
}

metrng_status metrng_bernoulli_bytes(metrng *session, uint8_t *out, size_t count, double p,
                                     metrng_method method) {
    if (!is_bernoulli(p, method) || !fits(count, 1)) return METRNG_INVALID_ARGUMENT;
    uint64_t packed[64];
    struct discrete discrete = bernoulli(p, method);
    metrng_status status = METRNG_OK;
    metrngi_enter(session);
    for (size_t done = 0; done < count && status == METRNG_OK;) {
        size_t part = count - done < 64 * 64 ? count - done : 64 * 64;
        discrete.left = (part + 63) / 64;
        discrete.words = packed;
        status = draw_all(session, &discrete);
        metrngi_unpack(packed, out + done, part);
        done += part;
    }
    metrngi_wipe(packed, sizeof packed);
    metrngi_wipe(&discrete, sizeof discrete);
    return end(session, status, out, count);
}

static size_t draw_each(struct discrete *discrete, uint64_t **next, const uint64_t *last) {
    size_t done = metrngi_bernoulli_each(discrete->each, &discrete->ties, next, last,
                                         discrete->bytes, discrete->left);
    discrete->each += done;
    discrete->bytes += done;
    return done;
}

metrng_status metrng_bernoulli_each(metrng *session, uint8_t *out, const float *p, size_t count) {
    if (!fits(count, sizeof *p)) return METRNG_INVALID_ARGUMENT;
    for (size_t i = 0; i < count; i++)
        if (!(p[i] >= 0 && p[i] <= 1))
            return metrngi_fail(METRNG_INVALID_ARGUMENT,
                                "a probability is in [0, 1], not %g (index %zu)", (double)p[i], i);
    struct discrete discrete = {draw_each, count, .each = p, .bytes = out};
    return draw(session, &discrete, out, count);
}
