// SPDX-License-Identifier: Apache-2.0
//
// Compiles the file named by BODY once for each path, with gcc and with clang. In the body:
//   PATH(name)    the path's own version of a function or type
//   f32, u32, i32, f64, u64, i64  registers of a path, which the body defines
//   LANES         floats in a register; half as many doubles
//   FMA_F, FMA_D  a * b + c, in one rounding where the path can
//   SQRT_F, SQRT_D
//   LEAVE()       for the end of a function: later code without such registers would wait for them
//   EVEN_F(a, b), ODD_F(a, b)    the even and the odd elements of two registers, in an order that
//   LOW_F(e, o), HIGH_F(e, o)    these undo; EVEN_D ... HIGH_D for doubles
//
// Included by one source file for each body; not a header in the usual sense.

#include "PathsPortable.h"

#define PATH_JOIN_(name, path) name##_##path
#define PATH_JOIN(name, path) PATH_JOIN_(name, path)
#define PATH(name) PATH_JOIN(name, PATH_NAME)

#define PATH_NAME portable
#define LANES 4
#include BODY
#undef PATH_NAME
#undef LANES

#if defined(__x86_64__)

#include "PathsUndefine.h"

#define FMA_F(a, b, c) ((f32)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define FMA_D(a, b, c) ((f64)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#define LEAVE() _mm256_zeroupper()
#define SQRT_F(a) ((f32)_mm256_sqrt_ps((__m256)(a)))
#define SQRT_D(a) ((f64)_mm256_sqrt_pd((__m256d)(a)))
#define EVEN_F(a, b) ((u32)_mm256_shuffle_ps((__m256)(a), (__m256)(b), 0x88))
#define ODD_F(a, b) ((u32)_mm256_shuffle_ps((__m256)(a), (__m256)(b), 0xdd))
#define LOW_F(e, o) ((f32)_mm256_unpacklo_ps((__m256)(e), (__m256)(o)))
#define HIGH_F(e, o) ((f32)_mm256_unpackhi_ps((__m256)(e), (__m256)(o)))
#define EVEN_D(a, b) ((u64)_mm256_unpacklo_pd((__m256d)(a), (__m256d)(b)))
#define ODD_D(a, b) ((u64)_mm256_unpackhi_pd((__m256d)(a), (__m256d)(b)))
#define LOW_D(e, o) ((f64)_mm256_unpacklo_pd((__m256d)(e), (__m256d)(o)))
#define HIGH_D(e, o) ((f64)_mm256_unpackhi_pd((__m256d)(e), (__m256d)(o)))

#define PATH_NAME avx2
#define LANES 8
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include BODY
#pragma clang attribute pop
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#include BODY
#pragma GCC pop_options
#endif
#undef PATH_NAME
#undef LANES

#include "PathsUndefine.h"

#define FMA_F(a, b, c) ((f32)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define FMA_D(a, b, c) ((f64)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#define LEAVE() _mm256_zeroupper()
#define SQRT_F(a) ((f32)_mm512_sqrt_ps((__m512)(a)))
#define SQRT_D(a) ((f64)_mm512_sqrt_pd((__m512d)(a)))
#define EVEN_F(a, b) ((u32)_mm512_shuffle_ps((__m512)(a), (__m512)(b), 0x88))
#define ODD_F(a, b) ((u32)_mm512_shuffle_ps((__m512)(a), (__m512)(b), 0xdd))
#define LOW_F(e, o) ((f32)_mm512_unpacklo_ps((__m512)(e), (__m512)(o)))
#define HIGH_F(e, o) ((f32)_mm512_unpackhi_ps((__m512)(e), (__m512)(o)))
#define EVEN_D(a, b) ((u64)_mm512_unpacklo_pd((__m512d)(a), (__m512d)(b)))
#define ODD_D(a, b) ((u64)_mm512_unpackhi_pd((__m512d)(a), (__m512d)(b)))
#define LOW_D(e, o) ((f64)_mm512_unpacklo_pd((__m512d)(e), (__m512d)(o)))
#define HIGH_D(e, o) ((f64)_mm512_unpackhi_pd((__m512d)(e), (__m512d)(o)))

#define PATH_NAME avx512
#define LANES 16
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl"))), \
                             apply_to = function)
#include BODY
#pragma clang attribute pop
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,prefer-vector-width=512")
#include BODY
#pragma GCC pop_options
#endif
#undef PATH_NAME
#undef LANES

#define DISPATCH(path, name, ...)                   \
    do {                                            \
        if ((path) == METRNGI_AVX512)               \
            PATH_JOIN(name, avx512)(__VA_ARGS__);   \
        else if ((path) == METRNGI_AVX2)            \
            PATH_JOIN(name, avx2)(__VA_ARGS__);     \
        else                                        \
            PATH_JOIN(name, portable)(__VA_ARGS__); \
    } while (0)

#else

#define DISPATCH(path, name, ...)               \
    do {                                        \
        (void)(path);                           \
        PATH_JOIN(name, portable)(__VA_ARGS__); \
    } while (0)

#endif
