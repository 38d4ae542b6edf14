// SPDX-License-Identifier: Apache-2.0
//
// Words in, samples out: pure functions that know no session. Words are read and left as they are
// unless a comment says otherwise; memory may have any alignment.
//
// Each sample depends on its own words only, by the same operations wherever it stands, so that a
// replay of the same words gives the same samples on the same path, to the last bit, however the
// words arrive.

#ifndef METRNG_TRANSFORMS_H
#define METRNG_TRANSFORMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The instructions that transforms use.
enum metrngi_path { METRNGI_PORTABLE, METRNGI_AVX2, METRNGI_AVX512 };

// The best path of this processor, or a lesser one by METRNG_ISA of the environment. Chosen once.
enum metrngi_path metrngi_path(void);

// The best path of this processor.
enum metrngi_path metrngi_best_path(void);

// In the following, `out` may be `words`. `count` is in samples.

// ceil(count / 2) words.
void metrngi_uniform_float(enum metrngi_path path, const void *words, float *out, size_t count);

// `count` words.
void metrngi_uniform_double(enum metrngi_path path, const void *words, double *out, size_t count);

// ceil(count / 2) words.
void metrngi_normal_float(enum metrngi_path path, const void *words, float *out, size_t count,
                          float mean, float stdev);

// `count` words, rounded up to two.
void metrngi_normal_double(enum metrngi_path path, const void *words, double *out, size_t count,
                           double mean, double stdev);

// What follows takes as many words as chance wants: each function goes on from *next up to `end`,
// zeroes the words that it takes and moves *next. It ends when the output is complete or no word is
// left, and returns how many outputs it completed; call it again with the rest and more words.

// A probability as 64 binary digits after the point, the highest first.
struct metrngi_probability {
    uint64_t digits;
    bool is_one;
};

// The nearest to p in [0, 1].
struct metrngi_probability metrngi_probability(double p);

// 64 samples that are compared digit by digit.
struct metrngi_comparison {
    uint64_t ones, undecided;
    unsigned place;  // of the next digit, from 63 down
};

// Words of 64 samples. `state` begins as zeros.
size_t metrngi_bernoulli_fast(struct metrngi_probability p, struct metrngi_comparison *state,
                              uint64_t **next, const uint64_t *end, uint64_t *out, size_t count);

// The search for the next 1 in the stream.
struct metrngi_search {
    uint64_t bits;   // of a word, not looked at yet
    unsigned left;   // how many
    unsigned zeros;  // seen so far
    uint64_t samples;
    unsigned filled;
};

// Words of 64 samples. `state` begins as zeros. The bits left in it after the last are discarded.
size_t metrngi_bernoulli_frugal(struct metrngi_probability p, struct metrngi_search *state,
                                uint64_t **next, const uint64_t *end, uint64_t *out, size_t count);

// Bytes 0 and 1 of bits.
void metrngi_unpack(const uint64_t *bits, uint8_t *out, size_t count);

// Two bytes a word. Where 32 bits do not decide, the word itself is followed by one for each such
// sample; `state` begins as zeros.
struct metrngi_ties {
    uint8_t undecided;  // the samples of the last pair that wait for a word: 1, 2
    uint8_t samples[2];
};

size_t metrngi_bernoulli_each(const float *p, struct metrngi_ties *state, uint64_t **next,
                              const uint64_t *end, uint8_t *out, size_t count);

// Integers below `bound` (0: any).
size_t metrngi_integers(uint64_t bound, uint64_t **next, const uint64_t *end, uint64_t *out,
                        size_t count);

// Exchanges the last of `left` elements with one of them, and so on down to the first; returns how
// many are left.
size_t metrngi_shuffle(uint64_t **next, const uint64_t *end, int64_t *elements, size_t left);

struct metrng_alias;
size_t metrngi_categorical(const struct metrng_alias *table, uint64_t **next, const uint64_t *end,
                           int64_t *out, size_t count);

#endif
