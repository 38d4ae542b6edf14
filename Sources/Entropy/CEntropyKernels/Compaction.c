// SPDX-License-Identifier: Apache-2.0

#include <string.h>

#include "CEntropyKernels.h"

// Bits are gathered in `pending` and leave it 64 at a time.
struct bit_sink {
    uint8_t *out;
    uint64_t pending;
    unsigned pending_bits;
};

static inline void put_bits(struct bit_sink *sink, uint64_t bits, unsigned count) {
    sink->pending |= bits << sink->pending_bits;
    unsigned total = sink->pending_bits + count;
    if (total >= 64) {
        memcpy(sink->out, &sink->pending, 8);
        sink->out += 8;
        // A shift by 64 is undefined: it happens when nothing was pending, and nothing is left.
        sink->pending = sink->pending_bits == 0 ? 0 : bits >> (64 - sink->pending_bits);
        total -= 64;
    }
    sink->pending_bits = total;
}

static size_t finish(struct bit_sink *sink, const uint8_t *start) {
    memcpy(sink->out, &sink->pending, 8);
    return (size_t)(sink->out - start) * 8 + sink->pending_bits;
}

// The bits of `word` under `mask`, moved together (Hacker's Delight 7-4).
static uint64_t gather_portable(uint64_t word, uint64_t mask) {
    uint64_t bits = word & mask, moving = ~mask << 1;
    for (unsigned step = 0; step < 6; step++) {
        uint64_t parity = moving;
        for (unsigned shift = 1; shift < 64; shift <<= 1) parity ^= parity << shift;
        uint64_t move = parity & mask;
        mask = (mask ^ move) | (move >> (1u << step));
        uint64_t moved = bits & move;
        bits = (bits ^ moved) | (moved >> (1u << step));
        moving &= ~parity;
    }
    return bits;
}

#define COMPACT_WITH(gather)                                                \
    struct bit_sink sink = {out, 0, 0};                                     \
    for (size_t shot = 0; shot < shots; shot++)                             \
        for (size_t word = 0; word < words; word++)                         \
            put_bits(&sink, gather(rows[shot * stride + word], mask[word]), \
                     (unsigned)__builtin_popcountll(mask[word]));           \
    return finish(&sink, out);

static size_t compact_portable(const uint64_t *rows, size_t stride, size_t words, size_t shots,
                               const uint64_t *mask, uint8_t *out) {
    COMPACT_WITH(gather_portable)
}

#if defined(__x86_64__)

#include <immintrin.h>

__attribute__((target("bmi2,popcnt"))) static size_t compact_bmi2(const uint64_t *rows,
                                                                  size_t stride, size_t words,
                                                                  size_t shots,
                                                                  const uint64_t *mask,
                                                                  uint8_t *out) {
    COMPACT_WITH(_pext_u64)
}

#endif

// Every lane is wanted and rows do not end in padding: the rows are the answer.
static bool is_plain_copy(size_t stride, size_t words, const uint64_t *mask) {
    uint64_t all = ~UINT64_C(0);
    for (size_t word = 0; word < words; word++) all &= mask[word];
    return stride == words && all == ~UINT64_C(0);
}

size_t ck_compact_rows(ck_features features, const uint64_t *rows, size_t stride, size_t words,
                       size_t shots, const uint64_t *mask, uint8_t *out) {
    if (is_plain_copy(stride, words, mask)) {
        size_t bytes = shots * words * sizeof *rows;
        memcpy(out, rows, bytes);
        return bytes * 8;
    }
#if defined(__x86_64__)
    if (features & CK_BMI2) return compact_bmi2(rows, stride, words, shots, mask, out);
#else
    (void)features;
#endif
    return compact_portable(rows, stride, words, shots, mask, out);
}
