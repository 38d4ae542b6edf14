// SPDX-License-Identifier: Apache-2.0

#include <string.h>

#include "Transforms.h"

// Takes a word.
static inline uint64_t take(uint64_t **next) {
    uint64_t word = **next;
    *(*next)++ = 0;
    return word;
}

struct metrngi_probability metrngi_probability(double p) {
    if (p >= 1) return (struct metrngi_probability){.is_one = true};
    // A product below 2^52 is rounded to a whole number; from there on it is one.
    double scaled = p * 0x1p64;
    if (scaled < 0x1p52) scaled += 0.5;
    return (struct metrngi_probability){.digits = (uint64_t)scaled};
}

// MARK: Fast
//
// A sample is 1 when a uniform number u in [0, 1) is below p. The digits of 64 such numbers come a
// word at a time, the highest first; the first digit in which u differs from p decides. After the
// last 1 of p, numbers that agree with p so far cannot be below it any more.

size_t metrngi_bernoulli_fast(struct metrngi_probability p, struct metrngi_comparison *state,
                              uint64_t **next, const uint64_t *end, uint64_t *out, size_t count) {
    const uint64_t digits = p.digits;
    const unsigned last = digits ? (unsigned)__builtin_ctzll(digits) : 64;
    if (p.is_one || digits == 0) {
        memset(out, p.is_one ? 0xff : 0, count * 8);
        return count;
    }
    struct metrngi_comparison now = *state;
    for (size_t done = 0; done < count; done++) {
        // An unfinished comparison has undecided samples.
        if (!now.undecided) now = (struct metrngi_comparison){0, ~UINT64_C(0), 63};
        for (;;) {
            if (*next == end) {
                *state = now;
                return done;
            }
            uint64_t is_one = -(digits >> now.place & 1), drawn = take(next);
            now.ones |= now.undecided & is_one & ~drawn;
            now.undecided &= ~(is_one ^ drawn);
            if (now.undecided == 0 || now.place == last) break;
            now.place--;
        }
        out[done] = now.ones;
        now.undecided = 0;
    }
    *state = now;
    return count;
}

// MARK: Frugal
//
// The first 1 of a stream of fair bits is at position k with probability 2^-(k+1), which is the
// weight of digit k of p: so that digit is 1 with probability p.

size_t metrngi_bernoulli_frugal(struct metrngi_probability p, struct metrngi_search *state,
                                uint64_t **next, const uint64_t *end, uint64_t *out, size_t count) {
    if (p.is_one || p.digits == 0) {
        memset(out, p.is_one ? 0xff : 0, count * 8);
        return count;
    }
    struct metrngi_search now = *state;
    size_t done = 0;
    while (done < count) {
        if (now.bits == 0) {
            // The rest of the word is zeros; beyond 64 it does not matter how many.
            now.zeros = now.zeros + now.left < 64 ? now.zeros + now.left : 64;
            now.left = 0;
            if (*next == end) break;
            now.bits = take(next);
            now.left = 64;
            continue;
        }
        unsigned zeros = (unsigned)__builtin_ctzll(now.bits), position = now.zeros + zeros;
        now.bits = now.bits >> zeros >> 1;
        now.left -= zeros + 1;
        now.zeros = 0;
        uint64_t sample = position < 64 ? p.digits >> (63 - position) & 1 : 0;
        now.samples |= sample << now.filled;
        if (++now.filled < 64) continue;
        out[done++] = now.samples;
        now.samples = now.filled = 0;
    }
    *state = now;
    return done;
}

void metrngi_unpack(const uint64_t *bits, uint8_t *out, size_t count) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        // Each byte has all eight bits; of each, one is kept and moved down by the carry of an
        // addition.
        uint64_t eight = (bits[i / 64] >> i % 64 & 0xff) * UINT64_C(0x0101010101010101);
        eight &= UINT64_C(0x8040201008040201);
        eight = (eight + UINT64_C(0x007f7f7f7f7f7f7f)) >> 7 & UINT64_C(0x0101010101010101);
        memcpy(out + i, &eight, 8);
    }
    for (; i < count; i++) out[i] = bits[i / 64] >> i % 64 & 1;
}

// MARK: A probability for each sample

// The first 32 digits of p, and the rest of it as a fraction of the last of these, 2^-64 of which
// is one. p < 1.
static uint32_t first_digits(float p, uint64_t *rest) {
    double scaled = (double)p * 0x1p32;
    uint32_t digits = (uint32_t)scaled;
    *rest = (uint64_t)((scaled - digits) * 0x1p64);
    return digits;
}

// 0 or 1, or 2 when these bits do not decide.
static inline uint8_t compare(float p, uint32_t bits) {
    if (p >= 1) return 1;
    double scaled = (double)p * 0x1p32;
    uint32_t digits = (uint32_t)scaled;
    if (bits == digits && scaled != digits) return 2;
    return bits < digits;
}

size_t metrngi_bernoulli_each(const float *p, struct metrngi_ties *state, uint64_t **next,
                              const uint64_t *end, uint8_t *out, size_t count) {
    size_t done = 0;
    while (done < count) {
        size_t pair = count - done < 2 ? 1 : 2;
        if (!state->undecided) {
            if (*next == end) return done;
            uint64_t word = take(next);
            for (size_t i = 0; i < pair; i++) {
                state->samples[i] = compare(p[done + i], (uint32_t)(word >> 32 * i));
                if (state->samples[i] == 2) state->undecided |= (uint8_t)(1 << i);
            }
        }
        for (size_t i = 0; i < pair; i++) {
            uint64_t rest;
            if (!(state->undecided & 1 << i)) continue;
            if (*next == end) return done;
            (void)first_digits(p[done + i], &rest);
            state->samples[i] = take(next) < rest;
            state->undecided &= (uint8_t) ~(1 << i);
        }
        memcpy(out + done, state->samples, pair);
        done += pair;
    }
    return done;
}
