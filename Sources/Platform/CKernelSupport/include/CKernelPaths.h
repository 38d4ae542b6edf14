// SPDX-License-Identifier: Apache-2.0
//
// Compiles the file named by CK_BODY once for each path. In the body, PATH(name) is the name of
// the path's own version of a function, and CK_VECTOR_BYTES the width of the path's registers.
//
// Included by one source file for each body; not a header in the usual sense.

#define CK_JOIN_(name, path) name##_##path
#define CK_JOIN(name, path) CK_JOIN_(name, path)
#define PATH(name) CK_JOIN(name, CK_PATH)

#define CK_PATH portable
#define CK_VECTOR_BYTES 16
#include CK_BODY
#undef CK_PATH
#undef CK_VECTOR_BYTES

#if defined(__x86_64__)

#define CK_PATH avx2
#define CK_VECTOR_BYTES 32
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2"))), apply_to = function)
#include CK_BODY
#pragma clang attribute pop
#undef CK_PATH
#undef CK_VECTOR_BYTES

#define CK_PATH avx512
#define CK_VECTOR_BYTES 64
#pragma clang attribute push(                                                                    \
    __attribute__((target("avx2,bmi,bmi2,avx512f,avx512dq,avx512bw,avx512vl,avx512vpopcntdq"))), \
    apply_to = function)
#include CK_BODY
#pragma clang attribute pop
#undef CK_PATH
#undef CK_VECTOR_BYTES

#define CK_DISPATCH(features, name, ...)          \
    do {                                          \
        if ((features)&CK_AVX512)                 \
            CK_JOIN(name, avx512)(__VA_ARGS__);   \
        else if ((features)&CK_AVX2)              \
            CK_JOIN(name, avx2)(__VA_ARGS__);     \
        else                                      \
            CK_JOIN(name, portable)(__VA_ARGS__); \
    } while (0)

#else

#define CK_DISPATCH(features, name, ...)      \
    do {                                      \
        (void)(features);                     \
        CK_JOIN(name, portable)(__VA_ARGS__); \
    } while (0)

#endif
