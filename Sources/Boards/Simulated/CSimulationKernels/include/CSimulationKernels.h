// SPDX-License-Identifier: Apache-2.0
//
// The measured kernels of the simulated board. NOT a source of entropy.
//
// Every kernel is a pure function of its arguments (any thread may call, nothing is allocated or
// kept), exists as portable C and as one or more paths for particular processors, and gives the
// same result, bit for bit, on every path; see CKernelSupport.h for `features`.

#ifndef CSIMULATIONKERNELS_H
#define CSIMULATIONKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CKernelSupport.h"

enum {
    CK_THRESHOLD_BITS = 24,  // resolution of a switching probability: 1 / 16,777,216
    CK_FIRST_PLANES = 12,    // of them that are always compared
    CK_SECOND_PLANES = 4,    // that are compared next if a lane needs them, and then all others
};

// Eight xoshiro256+ generators side by side. The caller fills it; no column may be all zero.
struct ck_generator {
    uint64_t state[4][CK_STRIP_WORDS];
};

// ---------------------------------------------------------------------------------------------
// Lane sampling: two-state chains, for the simulated board. NOT a source of entropy.

// 512 devices: their state now, and the probability of leaving it in the next shot, p01 from
// state 0 and p10 from state 1, as fractions of 2^24 in bit planes (plane 0 the lowest bit).
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
// A strip draws CK_FIRST_PLANES words of each column in a shot, CK_SECOND_PLANES more where one of
// its 512 lanes is not decided by them, and the others of CK_THRESHOLD_BITS where one still is not;
// with memory, four before them. Which path computes it makes no difference to a bit.
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

#endif
