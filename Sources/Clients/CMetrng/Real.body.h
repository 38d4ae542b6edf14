// SPDX-License-Identifier: Apache-2.0

typedef float PATH(f32) __attribute__((vector_size(LANES * 4)));
typedef uint32_t PATH(u32) __attribute__((vector_size(LANES * 4)));
typedef int32_t PATH(i32) __attribute__((vector_size(LANES * 4)));
typedef double PATH(f64) __attribute__((vector_size(LANES * 4)));
typedef uint64_t PATH(u64) __attribute__((vector_size(LANES * 4)));
typedef int64_t PATH(i64) __attribute__((vector_size(LANES * 4)));
// Registers in memory of any type and alignment.
typedef PATH(u32) PATH(any_u32) __attribute__((aligned(1), may_alias));
typedef PATH(f32) PATH(any_f32) __attribute__((aligned(1), may_alias));
typedef PATH(u64) PATH(any_u64) __attribute__((aligned(1), may_alias));
typedef PATH(f64) PATH(any_f64) __attribute__((aligned(1), may_alias));
#define f32 PATH(f32)
#define u32 PATH(u32)
#define i32 PATH(i32)
#define f64 PATH(f64)
#define u64 PATH(u64)
#define i64 PATH(i64)

// The lanes of `a` where `mask` is all ones, and those of `b` where it is zero.
INLINE f32 PATH(choose_f)(u32 mask, f32 a, f32 b) {
    return (f32)(((u32)a & mask) | ((u32)b & ~mask));
}

INLINE f64 PATH(choose_d)(u64 mask, f64 a, f64 b) {
    return (f64)(((u64)a & mask) | ((u64)b & ~mask));
}

INLINE f32 PATH(float_of)(u32 below_2_to_31) {
    return __builtin_convertvector((i32)below_2_to_31, f32);
}

INLINE f32 PATH(all_f)(float value) { return value - (f32){0}; }

INLINE f64 PATH(all_d)(double value) { return value - (f64){0}; }

// Integers to doubles, rounded once: the halves become parts of doubles by their bits alone.
INLINE f64 PATH(double_of)(u64 integer) {
    f64 high = (f64)(integer >> 32 | UINT64_C(0x4530000000000000));          // 2^84 + high * 2^32
    f64 low = (f64)((integer & 0xffffffff) | UINT64_C(0x4330000000000000));  // 2^52 + low
    return high - 0x1.00000001p84 + low;
}

// MARK: Uniform

INLINE f32 PATH(uniform_f)(u32 words) { return PATH(float_of)(words >> 8) * 0x1p-24f; }

static void PATH(uniform_float)(const uint8_t *words, float *out, size_t count) {
    for (; count >= LANES; count -= LANES, words += LANES * 4, out += LANES)
        *(PATH(any_f32) *)out = PATH(uniform_f)(*(const PATH(any_u32) *)words);
    u32 bits = {0};
    memcpy(&bits, words, count * 4);
    f32 samples = PATH(uniform_f)(bits);
    memcpy(out, &samples, count * 4);
}

INLINE f64 PATH(uniform_d)(u64 words) { return PATH(double_of)(words >> 11) * 0x1p-53; }

static void PATH(uniform_double)(const uint8_t *words, double *out, size_t count) {
    for (; count >= LANES / 2; count -= LANES / 2, words += LANES * 4, out += LANES / 2)
        *(PATH(any_f64) *)out = PATH(uniform_d)(*(const PATH(any_u64) *)words);
    u64 bits = {0};
    memcpy(&bits, words, count * 8);
    f64 samples = PATH(uniform_d)(bits);
    memcpy(out, &samples, count * 8);
}

// MARK: Normal floats
//
// Box and Muller: radius sqrt(-2 ln u) and angle of a word, 40 and 24 bits, give two samples.

// -2 ln u of u = 1 - t, t in [0, 1) a multiple of 2^-40 with `top` its first 24 bits and `low` its
// last 16. Near u = 1 the logarithm is taken of t itself, so that small radii are as fine as the
// bits.
INLINE f32 PATH(minus_two_ln_f)(u32 top, u32 low) {
    f32 scale = PATH(all_f)(0x1p-24f);
    f32 t = FMA_F(PATH(float_of)(top), scale, PATH(float_of)(low) * 0x1p-40f);
    f32 u = FMA_F(PATH(float_of)(top ^ 0xffffff), scale, PATH(float_of)(0x10000 - low) * 0x1p-40f);
    // u = 2^e * m with m in [sqrt 1/2, sqrt 2).
    u32 bits = (u32)u - 0x3f3504f3;
    i32 e = (i32)bits >> 23;
    f32 m = (f32)((bits & 0x7fffff) + 0x3f3504f3);
    f32 f = PATH(choose_f)((u32)(e >> 31), m - 1, -t);
    // ln(1 + f): the polynomial of Cephes' logf, in a form that has more to do at a time.
    f32 square = f * f, fourth = square * square;
    f32 a = FMA_F(f, PATH(all_f)(-2.4999993993e-1f), PATH(all_f)(3.3333331174e-1f));
    f32 b = FMA_F(f, PATH(all_f)(-1.6668057665e-1f), PATH(all_f)(2.0000714765e-1f));
    f32 c = FMA_F(f, PATH(all_f)(-1.2420140846e-1f), PATH(all_f)(1.4249322787e-1f));
    f32 d = FMA_F(f, PATH(all_f)(-1.1514610310e-1f), PATH(all_f)(1.1676998740e-1f));
    d = FMA_F(square, PATH(all_f)(7.0376836292e-2f), d);
    f32 p = FMA_F(FMA_F(d, square, c), fourth, FMA_F(b, square, a));
    f32 ln = FMA_F(FMA_F(p, f, PATH(all_f)(-0.5f)), square, f);
    return FMA_F(__builtin_convertvector(e, f32), PATH(all_f)(-2 * 0.69314718056f), ln * -2.0f);
}

// Sine and cosine of the angle (j + 1/2 - 2^21) * 2 pi / 2^24, j of 22 bits: within 45 degrees of
// 0, never 0 itself. By Cephes' sinf and cosf.
INLINE f32 PATH(angle_f)(u32 j) {
    return __builtin_convertvector((i32)(2 * j + 1) - 0x400000, f32) * 0x1.921fb6p-23f;
}

INLINE f32 PATH(sine_f)(f32 x, f32 square) {
    f32 p = FMA_F(square, PATH(all_f)(-1.9515295891e-4f), PATH(all_f)(8.3321608736e-3f));
    p = FMA_F(p, square, PATH(all_f)(-1.6666654611e-1f));
    return FMA_F(p * square, x, x);
}

INLINE f32 PATH(cosine_f)(f32 square) {
    f32 p = FMA_F(square, PATH(all_f)(2.443315711809948e-5f), PATH(all_f)(-1.388731625493765e-3f));
    p = FMA_F(p, square, PATH(all_f)(4.166664568298827e-2f));
    return FMA_F(FMA_F(p, square, PATH(all_f)(-0.5f)), square, PATH(all_f)(1));
}

// Words are taken BLOCK pairs of registers at a time: first their radii, then their angles. That
// keeps more of them under way in the processor than one after another from end to end.
#define BLOCK 16

// The radii of `pairs` pairs of registers of words.
static void PATH(radii_f)(const uint8_t *words, f32 *radii, size_t pairs, f32 stdev) {
    for (size_t i = 0; i < pairs; i++) {
        const PATH(any_u32) *pair = (const PATH(any_u32) *)words + 2 * i;
        u32 low = EVEN_F(pair[0], pair[1]), high = ODD_F(pair[0], pair[1]);
        f32 square = PATH(minus_two_ln_f)(high >> 8, (high & 0xff) << 8 | low >> 24);
        radii[i] = SQRT_F(square) * stdev;
    }
}

// The samples of words and their radii.
static void PATH(turn_f)(const uint8_t *words, const f32 *radii, float *out, size_t pairs,
                         f32 mean) {
    for (size_t i = 0; i < pairs; i++) {
        const PATH(any_u32) *pair = (const PATH(any_u32) *)words + 2 * i;
        u32 low = EVEN_F(pair[0], pair[1]);
        // Bits 22 and 23 of the angle choose a quarter: sine and cosine change places, and both
        // signs.
        f32 x = PATH(angle_f)(low & 0x3fffff), square = x * x;
        f32 sine = PATH(sine_f)(x, square), cosine = PATH(cosine_f)(square);
        u32 change = (u32)((i32)(low << 9) >> 31);
        f32 radius = (f32)((u32)radii[i] ^ (low << 8 & 0x80000000));
        f32 even = FMA_F(radius, PATH(choose_f)(change, sine, cosine), mean);
        f32 odd = FMA_F(radius, PATH(choose_f)(change, cosine, sine), mean);
        PATH(any_f32) *samples = (PATH(any_f32) *)out + 2 * i;
        samples[0] = LOW_F(even, odd);
        samples[1] = HIGH_F(even, odd);
    }
}

static void PATH(normal_float)(const uint8_t *words, float *out, size_t count, float mean,
                               float stdev) {
    f32 radii[BLOCK], means = PATH(all_f)(mean), stdevs = PATH(all_f)(stdev);
    float last[2 * LANES] = {0};
    while (count >= 2 * LANES) {
        size_t pairs = count / (2 * LANES) < BLOCK ? count / (2 * LANES) : BLOCK;
        PATH(radii_f)(words, radii, pairs, stdevs);
        PATH(turn_f)(words, radii, out, pairs, means);
        words += pairs * sizeof last;
        out += pairs * 2 * LANES;
        count -= pairs * 2 * LANES;
    }
    memcpy(last, words, (count + 1) / 2 * 8);
    PATH(radii_f)((const uint8_t *)last, radii, 1, stdevs);
    PATH(turn_f)((const uint8_t *)last, radii, last, 1, means);
    memcpy(out, last, count * 4);
    LEAVE();
}

// MARK: Normal doubles
//
// The same of two words: 64 bits of radius, 54 bits of angle. Polynomials of FreeBSD's libm
// (e_log.c, k_sin.c, k_cos.c).

// -2 ln u of u = 1 - word / 2^64.
INLINE f64 PATH(minus_two_ln_d)(u64 word) {
    f64 u = (PATH(double_of)(~word) + 1) * 0x1p-64;
    u64 bits = (u64)u + (UINT64_C(0x3ff0000000000000) - UINT64_C(0x3fe6a09e667f3bcd));
    u64 biased = bits >> 52;
    f64 e = (f64)(biased | UINT64_C(0x4330000000000000)) - (0x1p52 + 1023);
    f64 m = (f64)((bits & UINT64_C(0xfffffffffffff)) + UINT64_C(0x3fe6a09e667f3bcd));
    u64 is_small = -(((biased - 1023) >> 63));
    f64 f = PATH(choose_d)(is_small, m - 1, -(PATH(double_of)(word) * 0x1p-64));
    f64 s = f / (2 + f), z = s * s;
    f64 p = PATH(all_d)(1.479819860511658591e-01);
    p = FMA_D(p, z, PATH(all_d)(1.531383769920937332e-01));
    p = FMA_D(p, z, PATH(all_d)(1.818357216161805012e-01));
    p = FMA_D(p, z, PATH(all_d)(2.222219843214978396e-01));
    p = FMA_D(p, z, PATH(all_d)(2.857142874366239149e-01));
    p = FMA_D(p, z, PATH(all_d)(3.999999999940941908e-01));
    p = FMA_D(p, z, PATH(all_d)(6.666666666666735130e-01));
    f64 half_square = 0.5 * f * f;
    f64 ln = f - (half_square - s * (half_square + z * p));
    return FMA_D(e, PATH(all_d)(-2 * 0.69314718055994530942), -2 * ln);
}

INLINE f64 PATH(sine_d)(f64 x, f64 z) {
    f64 p =
        FMA_D(z, PATH(all_d)(1.58969099521155010221e-10), PATH(all_d)(-2.50507602534068634195e-08));
    p = FMA_D(p, z, PATH(all_d)(2.75573137070700676789e-06));
    p = FMA_D(p, z, PATH(all_d)(-1.98412698298579493134e-04));
    p = FMA_D(p, z, PATH(all_d)(8.33333333332248946124e-03));
    p = FMA_D(p, z, PATH(all_d)(-1.66666666666666324348e-01));
    return FMA_D(p * z, x, x);
}

INLINE f64 PATH(cosine_d)(f64 z) {
    f64 p =
        FMA_D(z, PATH(all_d)(-1.13596475577881948265e-11), PATH(all_d)(2.08757232129817482790e-09));
    p = FMA_D(p, z, PATH(all_d)(-2.75573143513906633035e-07));
    p = FMA_D(p, z, PATH(all_d)(2.48015872894767294178e-05));
    p = FMA_D(p, z, PATH(all_d)(-1.38888888888741095749e-03));
    p = FMA_D(p, z, PATH(all_d)(4.16666666666666019037e-02));
    return FMA_D(FMA_D(p, z, PATH(all_d)(-0.5)), z, PATH(all_d)(1));
}

static void PATH(radii_d)(const uint8_t *words, f64 *radii, size_t pairs, f64 stdev) {
    for (size_t i = 0; i < pairs; i++) {
        const PATH(any_u64) *pair = (const PATH(any_u64) *)words + 2 * i;
        radii[i] = SQRT_D(PATH(minus_two_ln_d)(EVEN_D(pair[0], pair[1]))) * stdev;
    }
}

static void PATH(turn_d)(const uint8_t *words, const f64 *radii, double *out, size_t pairs,
                         f64 mean) {
    for (size_t i = 0; i < pairs; i++) {
        const PATH(any_u64) *pair = (const PATH(any_u64) *)words + 2 * i;
        u64 word = ODD_D(pair[0], pair[1]);
        // 52 bits within 45 degrees of 0, then a bit to change places and one for both signs.
        u64 j = (word & UINT64_C(0xfffffffffffff)) | UINT64_C(0x4330000000000000);
        f64 x = ((f64)j - (0x1p52 + 0x1p51) + 0.5) * 0x1.921fb54442d18p-52;
        f64 z = x * x, sine = PATH(sine_d)(x, z), cosine = PATH(cosine_d)(z);
        u64 change = -(word >> 52 & 1);
        f64 radius = (f64)((u64)radii[i] ^ (word << 10 & UINT64_C(0x8000000000000000)));
        f64 even = FMA_D(radius, PATH(choose_d)(change, sine, cosine), mean);
        f64 odd = FMA_D(radius, PATH(choose_d)(change, cosine, sine), mean);
        PATH(any_f64) *samples = (PATH(any_f64) *)out + 2 * i;
        samples[0] = LOW_D(even, odd);
        samples[1] = HIGH_D(even, odd);
    }
}

static void PATH(normal_double)(const uint8_t *words, double *out, size_t count, double mean,
                                double stdev) {
    f64 radii[BLOCK], means = PATH(all_d)(mean), stdevs = PATH(all_d)(stdev);
    double last[LANES] = {0};
    while (count >= LANES) {
        size_t pairs = count / LANES < BLOCK ? count / LANES : BLOCK;
        PATH(radii_d)(words, radii, pairs, stdevs);
        PATH(turn_d)(words, radii, out, pairs, means);
        words += pairs * sizeof last;
        out += pairs * LANES;
        count -= pairs * LANES;
    }
    memcpy(last, words, (count + 1) / 2 * 16);
    PATH(radii_d)((const uint8_t *)last, radii, 1, stdevs);
    PATH(turn_d)((const uint8_t *)last, radii, last, 1, means);
    memcpy(out, last, count * 8);
    LEAVE();
}

#undef BLOCK
#undef f32
#undef u32
#undef i32
#undef f64
#undef u64
#undef i64
