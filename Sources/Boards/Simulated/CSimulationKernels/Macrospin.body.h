// SPDX-License-Identifier: Apache-2.0
//
// Stratonovich-Heun for the stochastic Landau-Lifshitz-Gilbert equation of a macrospin, with fields
// as angles of rotation in a step: d(m) = -(m x B + a m x (m x B)). The field of a step's noise is
// the same in both evaluations.
//
// Noise. A weak scheme needs increments with the mean, variance and third moment of the normal
// distribution only (Kloeden and Platen 14.1). Here each is the sum of two 5-bit uniform numbers:
// one xoshiro256++ word of 32 bits makes the three components of a step.

#define CROSS(ax, ay, az, bx, by, bz, x, y, z) \
    spins16 x = (ay) * (bz) - (az) * (by);     \
    spins16 y = (az) * (bx) - (ax) * (bz);     \
    spins16 z = (ax) * (by) - (ay) * (bx)

// The change of (x, y, z) in the field (fx, fy, fz + anisotropy * z), with its sign turned.
#define TURN(x, y, z, dx, dy, dz)                                   \
    spins16 dx##_b = fz + anisotropy * (z);                         \
    CROSS(x, y, z, fx, fy, dx##_b, dx##_c, dy##_c, dz##_c);         \
    CROSS(x, y, z, dx##_c, dy##_c, dz##_c, dx##_d, dy##_d, dz##_d); \
    spins16 dx = dx##_c + damping * dx##_d;                         \
    spins16 dy = dy##_c + damping * dy##_d;                         \
    spins16 dz = dz##_c + damping * dz##_d

static void PATH(advance_group)(struct ck_generator *generator,
                                const struct ck_macrospin_step *step, float *spins, size_t steps) {
#pragma STDC FP_CONTRACT OFF
    strip s0 = LOAD(generator->state[0]), s1 = LOAD(generator->state[1]);
    strip s2 = LOAD(generator->state[2]), s3 = LOAD(generator->state[3]);
    spins16 x = LOAD_SPINS(spins), y = LOAD_SPINS(spins + 16), z = LOAD_SPINS(spins + 32);
    const spins16 zero = x - x;
    const spins16 anisotropy = zero + step->anisotropy, damping = zero + step->damping;
    // The sum of two numbers from 0 to 31 has mean 31 and variance 2 * (32 * 32 - 1) / 12.
    const spins16 scale = zero + step->noise * 0.0765840f;
    const spins16 bias = zero + step->bias - 31 * scale;
    const spins16 easy = zero + step->easy_axis - 31 * scale;
    const spins16 none = zero - 31 * scale;
    for (size_t at = 0; at < steps; at++) {
        strip sum = s0 + s3;
        words16 random = (words16)((sum << 23 | sum >> 41) + s0);
        strip shifted = s1 << 17;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= shifted;
        s3 = s3 << 45 | s3 >> 19;
        words16 sums = (random & 0x1f07c1f) + (random >> 5 & 0x1f07c1f);
        spins16 fx = bias + scale * FLOATS(sums & 63);
        spins16 fy = none + scale * FLOATS(sums >> 10 & 63);
        spins16 fz = easy + scale * FLOATS(sums >> 20 & 63);
        TURN(x, y, z, ax, ay, az);
        spins16 px = x - ax, py = y - ay, pz = z - az;
        TURN(px, py, pz, bx, by, bz);
        x -= 0.5f * (ax + bx);
        y -= 0.5f * (ay + by);
        z -= 0.5f * (az + bz);
        // 1 / |m| to second order in |m|^2 - 1, which is the error of one step.
        spins16 length = 1.5f - 0.5f * (x * x + y * y + z * z);
        x *= length;
        y *= length;
        z *= length;
    }
    STORE(generator->state[0], s0);
    STORE(generator->state[1], s1);
    STORE(generator->state[2], s2);
    STORE(generator->state[3], s3);
    STORE_SPINS(spins, x);
    STORE_SPINS(spins + 16, y);
    STORE_SPINS(spins + 32, z);
}

static void PATH(advance_macrospins)(struct ck_generator *generator,
                                     const struct ck_macrospin_step *step, float *spins,
                                     size_t groups, size_t steps) {
    for (size_t group = 0; group < groups; group++)
        PATH(advance_group)(generator, step, spins + group * CK_MACROSPIN_FLOATS, steps);
}

#undef CROSS
#undef TURN
