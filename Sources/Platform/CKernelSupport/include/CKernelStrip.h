// SPDX-License-Identifier: Apache-2.0
//
// One strip of a row as a value: 512 lanes. Kernels are written once over this type; the compiler
// lowers it to one 512-bit, two 256-bit or four 128-bit registers, as the path's target says.

#ifndef CK_STRIP_H
#define CK_STRIP_H

#include <stdint.h>
#include <string.h>

#include "CKernelSupport.h"

// Vectors never cross a call that is not inlined, so that the ABI of wide arguments is no matter.
#pragma clang diagnostic ignored "-Wpsabi"

typedef uint64_t strip __attribute__((vector_size(64)));

#define CK_INLINE static inline __attribute__((always_inline))
// Not inlined, so that its loop has all the registers.
#define CK_NOINLINE static __attribute__((noinline))

#define LOAD(p)                              \
    ({                                       \
        strip value_;                        \
        memcpy(&value_, (p), sizeof value_); \
        value_;                              \
    })
#define STORE(p, v)                          \
    do {                                     \
        strip value_ = (v);                  \
        memcpy((p), &value_, sizeof value_); \
    } while (0)

#endif
