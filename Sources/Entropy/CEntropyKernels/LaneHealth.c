// SPDX-License-Identifier: Apache-2.0

#include "CEntropyKernels.h"
#include "CKernelStrip.h"

enum counted_kind { COUNT_ONES, COUNT_DIFFERENCES, COUNT_ROTATED, COUNT_DISSENT };

#define CK_BODY "LaneHealth.body.h"
#include "CKernelPaths.h"

void ck_count_ones(ck_features features, const uint64_t *rows, size_t stride, uint64_t *planes) {
    CK_DISPATCH(features, count_ones, rows, stride, planes);
}

void ck_count_differences(ck_features features, const uint64_t *rows, size_t stride, size_t back,
                          unsigned rotation, uint64_t *planes) {
    CK_DISPATCH(features, count_differences, rows, stride, back, rotation, planes);
}

void ck_add_counts(ck_features features, const uint64_t *planes, size_t stride, size_t count,
                   uint64_t *sums) {
    CK_DISPATCH(features, add_counts, planes, stride, count, sums);
}

void ck_count_row_ones(ck_features features, const uint64_t *rows, size_t stride, size_t words,
                       const uint64_t *mask, uint16_t *row_ones) {
    CK_DISPATCH(features, count_row_ones, rows, stride, words, mask, row_ones);
}

void ck_count_dissent(ck_features features, const uint64_t *rows, size_t stride,
                      const uint16_t *row_ones, uint32_t half, uint64_t *planes) {
    CK_DISPATCH(features, count_dissent, rows, stride, row_ones, half, planes);
}

void ck_find_runs(ck_features features, const uint64_t *rows, size_t stride, uint32_t warning,
                  uint32_t failure, uint64_t *scratch, uint64_t *warning_lanes,
                  uint64_t *failure_lanes) {
    CK_DISPATCH(features, find_runs, rows, stride, warning, failure, scratch, warning_lanes,
                failure_lanes);
}

size_t ck_choose_rows(ck_features features, const uint16_t *row_ones, uint16_t middle,
                      uint16_t *chosen) {
    size_t count;
    CK_DISPATCH(features, choose_rows, row_ones, middle, chosen, &count);
    return count;
}

uint64_t ck_digest_row(const uint64_t *row, size_t words, const uint64_t *mask,
                       const uint64_t *key) {
    uint64_t sum = 0;
    for (size_t word = 0; word < words; word++) sum += (row[word] & mask[word]) * key[word];
    // The high bits of such a sum are the good ones.
    sum = (sum ^ sum >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ sum >> 29;
}

// The lanes of one word whose count is at least `bound`, from the highest plane down.
static uint64_t at_least(const uint64_t *planes, size_t stride, uint32_t bound) {
    uint64_t greater = 0, equal = ~UINT64_C(0);
    for (size_t k = CK_COUNT_PLANES; k-- > 0;) {
        uint64_t bits = planes[k * stride];
        uint64_t limit = (bound >> k & 1) ? ~UINT64_C(0) : 0;
        greater |= equal & bits & ~limit;
        equal &= ~(bits ^ limit);
    }
    return greater | equal;
}

void ck_compare_predictions(ck_features features, const uint64_t *planes, size_t count,
                            size_t stride, uint32_t shots, const uint32_t *cutoffs,
                            uint64_t *warning_lanes, uint64_t *failure_lanes) {
    CK_DISPATCH(features, compare_predictions, planes, count, stride, shots, cutoffs, warning_lanes,
                failure_lanes);
}

void ck_compare_counts(const uint64_t *planes, const uint64_t *first, size_t stride,
                       uint32_t cutoff, uint64_t *lanes) {
    for (size_t word = 0; word < stride; word++) {
        // A first sample of 1 is matched by the ones; a first sample of 0 by the zeros, and
        // zeros >= cutoff is ones < 1,024 - cutoff + 1.
        uint64_t ones = at_least(planes + word, stride, cutoff);
        uint64_t zeros = ~at_least(planes + word, stride, CK_WINDOW_SHOTS - cutoff + 1);
        lanes[word] = (first[word] & ones) | (~first[word] & zeros);
    }
}
