// SPDX-License-Identifier: Apache-2.0

#include "CEntropyKernels.h"
#include "CKernelStrip.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum counted_kind { COUNT_DIFFERENCES, COUNT_ROTATED, COUNT_DISSENT };

enum {
    BLOCK_SHOTS = 256,  // rows of one column that stay in the first-level cache
    STRIPS_LIMIT = CK_LANES_LIMIT / 64 / CK_STRIP_WORDS,
    QUADS_LIMIT = 5,          // before the last one
    LANES_BY_THEMSELVES = 2,  // a lane takes less than a third of what a column of 512 takes
};

// Adds the sum that stands for a row, mixed so that rows do not cancel each other.
CK_INLINE uint64_t digest_after(uint64_t digest, uint64_t sum) {
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
    sum = (sum ^ sum >> 32) * odd;
    return (digest + (sum ^ sum >> 29)) * odd;
}

// Whether a lane has runs of `warning` and `failure` samples: bit `bit` of the words at `rows`.
static void find_lane_run(const uint64_t *rows, size_t stride, unsigned bit, uint32_t warning,
                          uint32_t failure, uint64_t *warning_lanes, uint64_t *failure_lanes) {
    const size_t before = 2 * (size_t)warning - 1;
    const uint64_t *row = rows - before * stride;
    uint64_t last = *row, run = 0, longest = 0;
    for (size_t shot = 0; shot < before + CK_WINDOW_SHOTS; shot++, row += stride) {
        // All ones if the sample equals the one before.
        uint64_t same = (((*row ^ last) >> bit) & 1) - 1;
        run = (run & same) + 1;
        last = *row;
        if (shot >= before && run > longest) longest = run;
    }
    *warning_lanes |= (uint64_t)(longest >= warning) << bit;
    *failure_lanes |= (uint64_t)(longest >= failure) << bit;
}

// The runs of the lanes in `lanes`, `count` words; the others have none.
static void find_lane_runs(const uint64_t *rows, size_t stride, const uint64_t *lanes, size_t count,
                           uint32_t warning, uint32_t failure, uint64_t *warning_lanes,
                           uint64_t *failure_lanes) {
    for (size_t word = 0; word < count; word++) {
        warning_lanes[word] = failure_lanes[word] = 0;
        for (uint64_t rest = lanes[word]; rest != 0; rest &= rest - 1)
            find_lane_run(rows + word, stride, (unsigned)__builtin_ctzll(rest), warning, failure,
                          warning_lanes + word, failure_lanes + word);
    }
}

#define CK_BODY "LaneHealth.body.h"
#include "CKernelPaths.h"

void ck_count_lanes(ck_features features, const uint64_t *rows, size_t stride, size_t words,
                    uint32_t warning, uint64_t *ones, uint64_t *changes, uint64_t *at_rest) {
    CK_DISPATCH(features, count_lanes, rows, stride, warning, ones, changes, at_rest);
    // Padding never moves.
    for (size_t word = words; word < stride; word++) at_rest[word] = 0;
}

void ck_count_predictions(ck_features features, const uint64_t *rows, size_t stride,
                          const ck_prediction *predictions, size_t count) {
    CK_DISPATCH(features, count_predictions, rows, stride, predictions, count);
}

void ck_add_counts(ck_features features, const uint64_t *planes, size_t stride, size_t count,
                   uint64_t *sums) {
    CK_DISPATCH(features, add_counts, planes, stride, count, sums);
}

void ck_compare_lanes(ck_features features, const uint64_t *rows, size_t stride, size_t words,
                      const uint64_t *lanes, uint16_t *row_ones, uint64_t *dissent,
                      ck_row_statistics *statistics) {
    CK_DISPATCH(features, compare_lanes, rows, stride, words, lanes, row_ones, dissent, statistics);
}

void ck_find_runs(ck_features features, const uint64_t *rows, size_t stride,
                  const uint64_t *at_rest, uint32_t warning, uint32_t failure, uint64_t *scratch,
                  uint64_t *warning_lanes, uint64_t *failure_lanes) {
    CK_DISPATCH(features, find_runs, rows, stride, at_rest, warning, failure, scratch,
                warning_lanes, failure_lanes);
}

size_t ck_choose_rows(ck_features features, const uint16_t *row_ones, uint16_t middle,
                      uint16_t *chosen) {
    size_t count;
    CK_DISPATCH(features, choose_rows, row_ones, middle, chosen, &count);
    return count;
}

void ck_digest_blocks(ck_features features, const uint64_t *rows, size_t stride, size_t words,
                      const uint64_t *lanes, const uint64_t *key, const uint16_t *chosen,
                      size_t count, size_t block_rows, uint64_t *digests) {
    CK_DISPATCH(features, digest_blocks, rows, stride, words, lanes, key, chosen, count, block_rows,
                digests);
}

void ck_compare_predictions(ck_features features, const uint64_t *planes, size_t count,
                            size_t stride, uint32_t shots, const uint32_t *cutoffs,
                            uint64_t *warning_lanes, uint64_t *failure_lanes) {
    CK_DISPATCH(features, compare_predictions, planes, count, stride, shots, cutoffs, warning_lanes,
                failure_lanes);
}

void ck_compare_counts(ck_features features, const uint64_t *planes, const uint64_t *first,
                       size_t stride, uint32_t cutoff, uint64_t *lanes) {
    CK_DISPATCH(features, compare_counts, planes, first, stride, cutoff, lanes);
}
