// SPDX-License-Identifier: Apache-2.0

#include "CKernelStrip.h"
#include "CSimulationKernels.h"

#define CK_BODY "LaneSampling.body.h"
#include "CKernelPaths.h"

void ck_sample_lanes(ck_features features, struct ck_generator *generator,
                     struct ck_chain_strip *strips, struct ck_memory_strip *memories,
                     unsigned flips, size_t words, size_t shots, bool toggles, uint64_t *rows) {
    CK_DISPATCH(features, sample_lanes, generator, strips, memories, flips, words, shots, toggles,
                rows);
}
