// SPDX-License-Identifier: Apache-2.0
//
// The operations of the portable path, for Paths.h: four floats in a register, by SSE2 where every
// processor has it and otherwise by what the compiler makes of vectors.

#define FMA_F(a, b, c) ((a) * (b) + (c))
#define FMA_D(a, b, c) ((a) * (b) + (c))

#define LEAVE() ((void)0)

#if defined(__x86_64__)

#include <immintrin.h>

#define SQRT_F(a) ((f32)_mm_sqrt_ps((__m128)(a)))
#define SQRT_D(a) ((f64)_mm_sqrt_pd((__m128d)(a)))
#define EVEN_F(a, b) ((u32)_mm_shuffle_ps((__m128)(a), (__m128)(b), 0x88))
#define ODD_F(a, b) ((u32)_mm_shuffle_ps((__m128)(a), (__m128)(b), 0xdd))
#define LOW_F(e, o) ((f32)_mm_unpacklo_ps((__m128)(e), (__m128)(o)))
#define HIGH_F(e, o) ((f32)_mm_unpackhi_ps((__m128)(e), (__m128)(o)))
#define EVEN_D(a, b) ((u64)_mm_unpacklo_pd((__m128d)(a), (__m128d)(b)))
#define ODD_D(a, b) ((u64)_mm_unpackhi_pd((__m128d)(a), (__m128d)(b)))
#define LOW_D(e, o) ((f64)_mm_unpacklo_pd((__m128d)(e), (__m128d)(o)))
#define HIGH_D(e, o) ((f64)_mm_unpackhi_pd((__m128d)(e), (__m128d)(o)))

#else

#define SQRT_F(a)                                                                 \
    ({                                                                            \
        f32 a_ = (a);                                                             \
        for (int lane_ = 0; lane_ < LANES; lane_++) a_[lane_] = sqrtf(a_[lane_]); \
        a_;                                                                       \
    })
#define SQRT_D(a)                                                                    \
    ({                                                                               \
        f64 a_ = (a);                                                                \
        for (int lane_ = 0; lane_ < LANES / 2; lane_++) a_[lane_] = sqrt(a_[lane_]); \
        a_;                                                                          \
    })
#define EVEN_F(a, b) ((u32){(a)[0], (a)[2], (b)[0], (b)[2]})
#define ODD_F(a, b) ((u32){(a)[1], (a)[3], (b)[1], (b)[3]})
#define LOW_F(e, o) ((f32){(e)[0], (o)[0], (e)[1], (o)[1]})
#define HIGH_F(e, o) ((f32){(e)[2], (o)[2], (e)[3], (o)[3]})
#define EVEN_D(a, b) ((u64){(a)[0], (b)[0]})
#define ODD_D(a, b) ((u64){(a)[1], (b)[1]})
#define LOW_D(e, o) ((f64){(e)[0], (o)[0]})
#define HIGH_D(e, o) ((f64){(e)[1], (o)[1]})

#endif
