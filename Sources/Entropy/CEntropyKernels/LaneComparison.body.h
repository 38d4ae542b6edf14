// SPDX-License-Identifier: Apache-2.0

// How many of the lanes in `mask` are one in each word, over the strips of a row.
CK_INLINE strip PATH(word_ones)(const uint64_t *row, size_t stride, const strip *mask) {
    strip ones = {0};
    for (size_t at = 0; at < stride; at += CK_STRIP_WORDS)
        ones += __builtin_elementwise_popcount(LOAD(row + at) & *mask++);
    return ones;
}

// Four rows in one: no count takes more than 16 bits.
CK_INLINE strip PATH(four_rows)(const uint64_t *rows, size_t stride, const strip *mask) {
    strip ones = PATH(word_ones)(rows, stride, mask);
    ones |= PATH(word_ones)(rows + stride, stride, mask) << 16;
    ones |= PATH(word_ones)(rows + 2 * stride, stride, mask) << 32;
    return ones | PATH(word_ones)(rows + 3 * stride, stride, mask) << 48;
}

// The sums of the words of eight strips, in order: strips become pairs, fours and eights of sums.
#define ADD_SHUFFLED(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#define ADD_PAIRS(a, b) \
    (ADD_SHUFFLED(a, b, 0, 8, 2, 10, 4, 12, 6, 14) + ADD_SHUFFLED(a, b, 1, 9, 3, 11, 5, 13, 7, 15))
#define ADD_FOURS(a, b) \
    (ADD_SHUFFLED(a, b, 0, 1, 8, 9, 4, 5, 12, 13) + ADD_SHUFFLED(a, b, 2, 3, 10, 11, 6, 7, 14, 15))
#define ADD_EIGHTS(a, b) \
    (ADD_SHUFFLED(a, b, 0, 1, 2, 3, 8, 9, 10, 11) + ADD_SHUFFLED(a, b, 4, 5, 6, 7, 12, 13, 14, 15))

CK_INLINE void PATH(row_ones)(const uint64_t *rows, size_t stride, const strip *mask,
                              uint16_t *row_ones) {
#define FOUR(i) PATH(four_rows)(rows + 4 * (i)*stride, stride, mask)
    for (size_t shot = 0; shot < BLOCK_SHOTS; shot += 32, rows += 32 * stride) {
        strip first = ADD_FOURS(ADD_PAIRS(FOUR(0), FOUR(1)), ADD_PAIRS(FOUR(2), FOUR(3)));
        strip second = ADD_FOURS(ADD_PAIRS(FOUR(4), FOUR(5)), ADD_PAIRS(FOUR(6), FOUR(7)));
        STORE(row_ones + shot, ADD_EIGHTS(first, second));
    }
#undef FOUR
}

#undef ADD_PAIRS
#undef ADD_FOURS
#undef ADD_EIGHTS
#undef ADD_SHUFFLED

CK_NOINLINE void PATH(count_row_ones)(const uint64_t *rows, size_t stride, const strip *masks,
                                      uint16_t *row_ones) {
    // A row of one strip, the usual one, is summed up without a loop.
    if (stride == CK_STRIP_WORDS)
        PATH(row_ones)(rows, CK_STRIP_WORDS, masks, row_ones);
    else
        PATH(row_ones)(rows, stride, masks, row_ones);
}

static void PATH(compare_lanes)(const uint64_t *rows, size_t stride, size_t words,
                                const uint64_t *lanes, uint16_t *row_ones, uint64_t *dissent,
                                ck_row_statistics *statistics) {
    strip masks[STRIPS_LIMIT] = {{0}};
    memcpy(masks, lanes, words * sizeof *lanes);
    uint32_t counted = 0;
    for (size_t word = 0; word < words; word++)
        counted += (uint32_t)__builtin_popcountll(lanes[word]);
    memset(dissent, 0, CK_COUNT_PLANES * stride * sizeof *dissent);
    *statistics = (ck_row_statistics){.lanes = counted};
    for (size_t shot = 0; shot < CK_WINDOW_SHOTS; shot += BLOCK_SHOTS) {
        const uint64_t *block = rows + shot * stride;
        PATH(count_row_ones)(block, stride, masks, row_ones + shot);
        uint64_t majority[BLOCK_SHOTS];
        for (size_t i = 0; i < BLOCK_SHOTS; i++) {
            uint64_t ones = row_ones[shot + i];
            majority[i] = ones > counted / 2 ? ~UINT64_C(0) : 0;
            statistics->majority_ones += majority[i] & 1;
            statistics->sum += ones;
            statistics->sum_of_squares += ones * ones;
        }
        for (size_t at = 0; at < stride; at += COLUMN_WORDS)
            PATH(count_dissent)(block + at, stride, majority, dissent + at);
    }
}

static void PATH(choose_rows)(const uint16_t *row_ones, uint16_t middle, uint16_t *chosen,
                              size_t *count) {
    typedef uint16_t counts __attribute__((vector_size(64)));
    typedef bool flags __attribute__((ext_vector_type(32)));
    size_t found = 0;
    for (uint32_t shot = 0; shot < CK_WINDOW_SHOTS; shot += 32) {
        counts ones;
        memcpy(&ones, row_ones + shot, sizeof ones);
        flags are_chosen = __builtin_convertvector((counts)(((ones - middle) & 15) < 2), flags);
        uint32_t rest;
        memcpy(&rest, &are_chosen, sizeof rest);
        for (; rest != 0; rest &= rest - 1)
            chosen[found++] = (uint16_t)(shot + (uint32_t)__builtin_ctz(rest));
    }
    *count = found;
}

// NH, of UMAC (Black et al. 1999): the two halves of each word, with those of the key added, times
// one another, summed up.
CK_INLINE void PATH(digests)(const uint64_t *rows, size_t stride, const strip *lanes,
                             const strip *key, const uint16_t *chosen, size_t count,
                             size_t block_rows, uint64_t *digests) {
    typedef uint32_t halves __attribute__((vector_size(64)));
    for (size_t index = 0; index < count; index++) {
        const uint64_t *row = rows + chosen[index] * stride;
        uint64_t digest = 0;
        for (size_t back = 0; back < block_rows; back++, row -= stride) {
            strip sums = {0};
            for (size_t at = 0; at < stride; at += CK_STRIP_WORDS) {
                halves keyed = (halves)(LOAD(row + at) & lanes[at / CK_STRIP_WORDS]);
                strip word = (strip)(keyed + (halves)key[at / CK_STRIP_WORDS]);
                sums += (word & UINT32_MAX) * (word >> 32);
            }
            digest = digest_after(digest, __builtin_reduce_add(sums));
        }
        digests[index] = digest;
    }
}

static void PATH(digest_blocks)(const uint64_t *rows, size_t stride, size_t words,
                                const uint64_t *lanes, const uint64_t *key, const uint16_t *chosen,
                                size_t count, size_t block_rows, uint64_t *digests) {
    strip masks[STRIPS_LIMIT] = {{0}}, keys[STRIPS_LIMIT] = {{0}};
    memcpy(masks, lanes, words * sizeof *lanes);
    memcpy(keys, key, words * sizeof *key);
    if (stride == CK_STRIP_WORDS)
        PATH(digests)(rows, CK_STRIP_WORDS, masks, keys, chosen, count, block_rows, digests);
    else
        PATH(digests)(rows, stride, masks, keys, chosen, count, block_rows, digests);
}
