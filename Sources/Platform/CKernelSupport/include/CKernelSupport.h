// SPDX-License-Identifier: Apache-2.0
//
// What the measured kernels share: which instructions a call may use, and the shape of their rows.
//
// `features` says which instructions a call may use: ck_features_here(), or fewer (tests compare
// the paths that way). Asking for what the machine does not have is undefined.
//
// Rows. A shot is a row of 64-bit words, bit i of word j being lane 64*j + i. Where a comment says
// "strided rows", a row takes `stride` words, a multiple of CK_STRIP_WORDS; words beyond the lanes
// of the board are padding, whose verdicts mean nothing and are to be ignored.

#ifndef CKERNELSUPPORT_H
#define CKERNELSUPPORT_H

#include <stdint.h>

enum { CK_STRIP_WORDS = 8 };  // kernels work on strips of 8 words: 512 lanes

typedef uint32_t ck_features;
enum {
    CK_PORTABLE = 0,
    CK_AVX2 = 1,    // with BMI and BMI2, as on every such processor that hides nothing
    CK_AVX512 = 2,  // F, DQ, BW, VL and VPOPCNTDQ, with all of CK_AVX2: from Ice Lake and Zen 4 on
    CK_BMI2 = 4,
    CK_SHA = 8,
    CK_CRC32 = 16,  // SSE 4.2 and PCLMULQDQ
};

// What this processor and operating system can run. Asked once and remembered. Any thread.
ck_features ck_features_here(void);

#endif
