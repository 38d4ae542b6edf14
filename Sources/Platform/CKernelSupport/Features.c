// SPDX-License-Identifier: Apache-2.0

#include <stdatomic.h>

#include "CKernelSupport.h"

#if defined(__x86_64__)

#include <cpuid.h>

static uint64_t enabled_state(void) {
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static ck_features ask_processor(void) {
    enum { YMM_STATE = 0x06, ZMM_STATE = 0xe6 };  // what the system saves at a task switch
    uint32_t a, b, c, d;
    ck_features found = CK_PORTABLE;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return found;
    if ((c & bit_SSE4_2) && (c & bit_PCLMUL)) found |= CK_CRC32;
    uint64_t saved = (c & bit_OSXSAVE) ? enabled_state() : 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return found;
    if (b & bit_SHA) found |= CK_SHA;
    if (b & bit_BMI2) found |= CK_BMI2;
    // The paths are compiled with what their attributes name, so all of it has to be there.
    const uint32_t avx2 = bit_AVX2 | bit_BMI | bit_BMI2;
    const uint32_t avx512 = avx2 | bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL;
    if ((b & avx2) == avx2 && (saved & YMM_STATE) == YMM_STATE) found |= CK_AVX2;
    if ((b & avx512) == avx512 && (c & bit_AVX512VPOPCNTDQ) && (saved & ZMM_STATE) == ZMM_STATE)
        found |= CK_AVX512;
    return found;
}

#else

static ck_features ask_processor(void) { return CK_PORTABLE; }

#endif

ck_features ck_features_here(void) {
    // A virtual machine traps cpuid, which costs more than hashing a frame. Threads that come here
    // at once all find the same answer.
    enum { ASKED = 1u << 31 };
    static _Atomic uint32_t answer;
    uint32_t known = atomic_load_explicit(&answer, memory_order_relaxed);
    if (known == 0) {
        known = ask_processor() | ASKED;
        atomic_store_explicit(&answer, known, memory_order_relaxed);
    }
    return known & ~(uint32_t)ASKED;
}
