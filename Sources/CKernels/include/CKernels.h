// SPDX-License-Identifier: Apache-2.0
//
// The measured kernels of the hot path. Every one is a pure function of its arguments (any thread
// may call, nothing is allocated or kept), exists as portable C and as one or more paths for
// particular processors, and gives the same result, bit for bit, on every path.
//
// `features` says which instructions a call may use: ck_features_here(), or less (tests compare
// the paths that way). Asking for what the machine does not have is undefined.
//
// Rows. A shot is a row of 64-bit words, bit i of word j being lane 64*j + i. Where a comment says
// "strided rows", a row takes `stride` words, a multiple of CK_STRIP_WORDS; words beyond the lanes
// of the board are padding, whose verdicts mean nothing and are to be ignored.

#ifndef CKERNELS_H
#define CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CK_STRIP_WORDS = 8,      // kernels work on strips of 8 words: 512 lanes
    CK_WINDOW_SHOTS = 1024,  // shots in a health window
    CK_COUNT_PLANES = 11,    // bits of a count from 0 to 1,024
    CK_THRESHOLD_BITS = 16,  // resolution of a switching probability: 1 / 65,536
    CK_FIRST_PLANES = 12,    // of them that are always compared; the others if a lane needs it
};

typedef uint32_t ck_features;
enum {
    CK_PORTABLE = 0,
    CK_AVX2 = 1,    // with BMI and BMI2, as on every such processor that hides nothing
    CK_AVX512 = 2,  // F, DQ, BW and VL, with all of CK_AVX2
    CK_BMI2 = 4,
    CK_SHA = 8,
    CK_CRC32 = 16,  // SSE 4.2 and PCLMULQDQ
};

// What this processor and operating system can run. Asked once and remembered.
ck_features ck_features_here(void);

// ---------------------------------------------------------------------------------------------
// Lane sampling: two-state chains, for the simulated board. NOT a source of entropy.

// Eight xoshiro256+ generators side by side. The caller fills it; no column may be all zero.
struct ck_generator {
    uint64_t state[4][CK_STRIP_WORDS];
};

// 512 devices: their state now, and the probability of leaving it in the next shot, p01 from
// state 0 and p10 from state 1, as fractions of 65,536 in bit planes (plane 0 the lowest bit).
struct ck_chain_strip {
    uint64_t state[CK_STRIP_WORDS];
    uint64_t p01[CK_THRESHOLD_BITS][CK_STRIP_WORDS];
    uint64_t p10[CK_THRESHOLD_BITS][CK_STRIP_WORDS];
};

// What 512 devices remember: a hidden bit each, and the probabilities that take the place of the
// chain's while that bit is 1.
struct ck_memory_strip {
    uint64_t hidden[CK_STRIP_WORDS];
    uint64_t p01[CK_THRESHOLD_BITS][CK_STRIP_WORDS];
    uint64_t p10[CK_THRESHOLD_BITS][CK_STRIP_WORDS];
};

// Advances every device by `shots` shots and writes one row of `words` words a shot, rows following
// each other without a gap. With `toggles`, a bit says whether the device switched; otherwise it is
// the state after the shot. `strips` holds ceil(words / 8) strips.
//
// `memories` holds as many, or is NULL for devices without memory. Each hidden bit flips before a
// shot with probability `flips` / 16 (0 ... 15): its autocorrelation is (1 - flips / 8)^lag.
//
// A strip draws CK_FIRST_PLANES words of each column in a shot, and the others of CK_THRESHOLD_BITS
// where one of its 512 lanes is not decided by them; with memory, four before them. Which path
// computes it makes no difference to a bit.
void ck_sample_lanes(ck_features features, struct ck_generator *generator,
                     struct ck_chain_strip *strips, struct ck_memory_strip *memories,
                     unsigned flips, size_t words, size_t shots, bool toggles, uint64_t *rows);

// ---------------------------------------------------------------------------------------------
// Macrospins: trajectories of the model of a device. NOT a source of entropy.

enum {
    CK_MACROSPINS = 16,            // trajectories that a group advances side by side
    CK_MACROSPIN_FLOATS = 3 * 16,  // of a group: x of each trajectory, then y, then z
};

// What a time step does. Fields are given as the angle by which they turn the magnetisation in a
// step: gamma * dt / (1 + damping^2) times the field in T. Angles above 0.3 are too coarse.
struct ck_macrospin_step {
    float bias;        // field along x
    float easy_axis;   // field along z
    float anisotropy;  // field along z at z = 1
    float noise;       // standard deviation of each component of the thermal field
    float damping;
};

// Advances `groups` groups of unit vectors, which follow one another in `spins`, by `steps` steps
// of the stochastic Landau-Lifshitz-Gilbert equation.
void ck_advance_macrospins(ck_features features, struct ck_generator *generator,
                           const struct ck_macrospin_step *step, float *spins, size_t groups,
                           size_t steps);

// ---------------------------------------------------------------------------------------------
// Lane health

// Counts the ones of each lane over CK_WINDOW_SHOTS strided rows. `planes` receives
// CK_COUNT_PLANES rows of `stride` words: bit k of a lane's count is its bit in row k.
void ck_count_ones(ck_features features, const uint64_t *rows, size_t stride, uint64_t *planes);

// Likewise, how often each lane differs from the row before. The row before `rows` has to be
// readable: it is the last sample before the window.
void ck_count_changes(ck_features features, const uint64_t *rows, size_t stride, uint64_t *planes);

// How many of the lanes in `mask` are one in each of CK_WINDOW_SHOTS strided rows, for boards of up
// to 4,096 lanes. `row_ones` has room for CK_WINDOW_SHOTS counts.
void ck_count_row_ones(ck_features features, const uint64_t *rows, size_t stride, size_t words,
                       const uint64_t *mask, uint16_t *row_ones);

// Likewise as ck_count_ones, how often each lane differs from the majority of its row: a row's
// majority is one when more than `half` of it are, as ck_count_row_ones found.
void ck_count_dissent(ck_features features, const uint64_t *rows, size_t stride,
                      const uint16_t *row_ones, uint32_t half, uint64_t *planes);

// The lanes in which at least `cutoff` (1 ... 1,024) of the window's samples equal its first one.
// `planes` is what ck_count_ones gave for the window, `first` the window's first row.
void ck_compare_counts(const uint64_t *planes, const uint64_t *first, size_t stride,
                       uint32_t cutoff, uint64_t *lanes);

// The lanes that hold, somewhere in a window of CK_WINDOW_SHOTS strided rows, the end of a run of
// at least `warning` (`failure`) equal samples, 17 <= warning <= failure.
//
// `rows` is the window's first row; the `failure` rows before it have to be readable and are the
// samples before the window, so that runs across its start are seen. `scratch` has room for
// CK_WINDOW_SHOTS + failure rows of CK_STRIP_WORDS words.
void ck_find_runs(ck_features features, const uint64_t *rows, size_t stride, uint32_t warning,
                  uint32_t failure, uint64_t *scratch, uint64_t *warning_lanes,
                  uint64_t *failure_lanes);

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

// CRC-32C (Castagnoli) of `bytes` following data whose CRC is `crc`; 0 to begin with.
uint32_t ck_crc32c(ck_features features, uint32_t crc, const uint8_t *data, size_t bytes);

#endif
