// SPDX-License-Identifier: Apache-2.0
//
// The measured kernels between the frames of a board and its rings: those an assessor reads.
//
// Every kernel is a pure function of its arguments (any thread may call, nothing is allocated or
// kept), exists as portable C and as one or more paths for particular processors, and gives the
// same result, bit for bit, on every path; see CKernelSupport.h for `features`.

#ifndef CENTROPYKERNELS_H
#define CENTROPYKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CKernelSupport.h"

enum {
    CK_WINDOW_SHOTS = 1024,  // shots in a health window
    CK_COUNT_PLANES = 11,    // bits of a count from 0 to 1,024
    CK_LANES_LIMIT = 4096,   // lanes of the largest board
};

// ---------------------------------------------------------------------------------------------
// Lane health

// Counts the ones of each lane, and its changes from one shot to the next, over CK_WINDOW_SHOTS
// strided rows. `ones` and `changes` receive CK_COUNT_PLANES rows of `stride` words: bit k of a
// lane's count is its bit in row k.
//
// `at_rest` receives the lanes that may have a run of at least `warning` (20 or more) equal samples
// that ends in the window: all that have, and of ideal lanes one in some thousands. The `warning`
// rows before the window have to be readable and are the samples before it.
void ck_count_lanes(ck_features features, const uint64_t *rows, size_t stride, size_t words,
                    uint32_t warning, uint64_t *ones, uint64_t *changes, uint64_t *at_rest);

// A count for each lane of how often it differs from another bit: the one `rotation` (0 ... 63)
// places lower in the word `back` words before the lane's own, in a circle of 64. A `back` of some
// strides is the same word so many shots earlier.
typedef struct ck_prediction {
    size_t back;
    unsigned rotation;
    uint64_t *planes;  // receives the counts, in CK_COUNT_PLANES rows of `stride` words
} ck_prediction;

// Counts over CK_WINDOW_SHOTS strided rows; the rows before them have to be readable as far as the
// counts look back.
void ck_count_predictions(ck_features features, const uint64_t *rows, size_t stride,
                          const ck_prediction *predictions, size_t count);

// Adds the counts of a window, in CK_COUNT_PLANES planes, to sums in `count` planes, which are no
// fewer.
void ck_add_counts(ck_features features, const uint64_t *planes, size_t stride, size_t count,
                   uint64_t *sums);

// What the numbers of ones in the rows of a window amount to.
typedef struct ck_row_statistics {
    uint32_t lanes;  // that were counted
    uint32_t
        majority_ones;  // rows whose majority is one: of more than half of the lanes, rounded down
    uint64_t sum, sum_of_squares;  // of the numbers of ones
} ck_row_statistics;

// Compares the lanes in `lanes` with one another, over CK_WINDOW_SHOTS strided rows of at most
// CK_LANES_LIMIT lanes. `row_ones` receives, for each row, how many of them are one, and `dissent`,
// in planes as ck_count_lanes does, how often each lane differs from the majority of its row.
void ck_compare_lanes(ck_features features, const uint64_t *rows, size_t stride, size_t words,
                      const uint64_t *lanes, uint16_t *row_ones, uint64_t *dissent,
                      ck_row_statistics *statistics);

// The lanes in which at least `cutoff` (1 ... 1,024) of the window's samples equal its first one.
// `planes` has the counts of ones of the window, `first` the window's first row.
void ck_compare_counts(ck_features features, const uint64_t *planes, const uint64_t *first,
                       size_t stride, uint32_t cutoff, uint64_t *lanes);

// Adds to `warning_lanes` (`failure_lanes`) those whose count is at least the first (second) of the
// cut-offs, or at most shots less that: those whose bits were predicted so often by another bit or
// by its complement. `planes` has `count` rows of `stride` words and holds counts from 0 to
// `shots`; the cut-offs are from 1 to `shots`.
void ck_compare_predictions(ck_features features, const uint64_t *planes, size_t count,
                            size_t stride, uint32_t shots, const uint32_t *cutoffs,
                            uint64_t *warning_lanes, uint64_t *failure_lanes);

// The lanes of those in `at_rest` that hold, somewhere in a window of CK_WINDOW_SHOTS strided rows,
// the end of a run of at least `warning` (`failure`) equal samples, 2 <= warning <= failure < 2 *
// warning. The others have none.
//
// `rows` is the window's first row; the 2 * warning - 1 rows before it have to be readable and are
// the samples before the window, so that runs across its start are seen. `scratch` has room for 3 *
// warning rows of CK_STRIP_WORDS words.
//
// How long it takes tells how many lanes were at rest, and nothing else about the bits.
void ck_find_runs(ck_features features, const uint64_t *rows, size_t stride,
                  const uint64_t *at_rest, uint32_t warning, uint32_t failure, uint64_t *scratch,
                  uint64_t *warning_lanes, uint64_t *failure_lanes);

// Chooses some rows of a window by their content alone: those whose number of ones, as
// ck_compare_lanes found, is `middle` or one more, modulo 16. Of two neighbouring numbers one is
// even, so that rows of one parity are chosen too. `chosen` has room for CK_WINDOW_SHOTS indices,
// and receives them in order. Returns how many.
size_t ck_choose_rows(ck_features features, const uint16_t *row_ones, uint16_t middle,
                      uint16_t *chosen);

// Keyed digests of the lanes in `lanes` of blocks of rows: the `block_rows` that end with each of
// the `count` rows in `chosen`. Equal blocks have equal digests. Blocks of independent ideal bits
// have with probability 2^-64, and any two different blocks of which neither depends on `key`,
// `words` words of any value, with at most 2^-32. The rows before the window have to be readable as
// far as blocks reach; at most CK_LANES_LIMIT lanes.
void ck_digest_blocks(ck_features features, const uint64_t *rows, size_t stride, size_t words,
                      const uint64_t *lanes, const uint64_t *key, const uint16_t *chosen,
                      size_t count, size_t block_rows, uint64_t *digests);

// Writes the bits of the lanes in `mask`, row after row, lowest lane first, without gaps. `out` has
// room for all of them and 8 bytes more. Returns how many bits were written; bits after the last
// one in its byte are zero.
size_t ck_compact_rows(ck_features features, const uint64_t *rows, size_t stride, size_t words,
                       size_t shots, const uint64_t *mask, uint8_t *out);

// ---------------------------------------------------------------------------------------------
// Hashing

enum { CK_DIGEST_BYTES = 32, CK_MESSAGE_LIMIT = 1024 };

// SHA-256 of `count` messages of `message_bytes` (0 ... CK_MESSAGE_LIMIT) each, which follow one
// another in `in`; the digests follow one another in `out`.
void ck_sha256_batch(ck_features features, const uint8_t *in, size_t message_bytes, size_t count,
                     uint8_t *out);

#endif
