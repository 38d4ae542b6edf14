// SPDX-License-Identifier: Apache-2.0

#include "CKernelStrip.h"
#include "CSimulationKernels.h"

// A component of 16 trajectories, and 32 random bits for each.
typedef float spins16 __attribute__((vector_size(64)));
typedef uint32_t words16 __attribute__((vector_size(64)));
typedef int32_t integers16 __attribute__((vector_size(64)));

#define LOAD_SPINS(p)                        \
    ({                                       \
        spins16 value_;                      \
        memcpy(&value_, (p), sizeof value_); \
        value_;                              \
    })
#define STORE_SPINS(p, v)                    \
    do {                                     \
        spins16 value_ = (v);                \
        memcpy((p), &value_, sizeof value_); \
    } while (0)
// Small whole numbers as floats; as signed ones, for which every path has an instruction.
#define FLOATS(words) __builtin_convertvector((integers16)(words), spins16)

#define CK_BODY "Macrospin.body.h"
#include "CKernelPaths.h"

void ck_advance_macrospins(ck_features features, struct ck_generator *generator,
                           const struct ck_macrospin_step *step, float *spins, size_t groups,
                           size_t steps) {
    CK_DISPATCH(features, advance_macrospins, generator, step, spins, groups, steps);
}
