// SPDX-License-Identifier: Apache-2.0
//
// The body of NetworkKernels.c, compiled once for each path. The loops are written for the compiler
// to vectorise.

// exp(x) to about 1e-7, for any finite x; beyond ±87 as for ±87.
static inline __attribute__((always_inline)) float PATH(exponential)(float x) {
    x = x < -87.0f ? -87.0f : x > 87.0f ? 87.0f : x;
    // The nearest whole number of powers of two: what the magic summand leaves in the mantissa.
    const float magic = 12582912.0f;
    float shifted = x * 1.44269504f + magic;
    float powers = shifted - magic;
    float rest = x - powers * 0.693359375f + powers * 2.12194440e-4f;
    float sum = 1.9875691500e-4f;
    sum = sum * rest + 1.3981999507e-3f;
    sum = sum * rest + 8.3334519073e-3f;
    sum = sum * rest + 4.1665795894e-2f;
    sum = sum * rest + 1.6666665459e-1f;
    sum = sum * rest + 5.0000001201e-1f;
    sum = sum * rest * rest + rest + 1.0f;
    int32_t exponent = ((int32_t)powers + 127) << 23;
    float scale;
    memcpy(&scale, &exponent, sizeof scale);
    return sum * scale;
}

static inline __attribute__((always_inline)) float PATH(silu)(float x) {
    return x / (1.0f + PATH(exponential)(-x));
}

static void PATH(add)(float *rows, size_t count, size_t width, const float *vectors,
                      const int32_t *which) {
    for (size_t row = 0; row < count; row++) {
        const float *vector = vectors + (which ? (size_t)which[row] * width : 0);
        float *values = rows + row * width;
        for (size_t i = 0; i < width; i++) values[i] += vector[i];
    }
}

static void PATH(add_silu)(float *rows, size_t count, size_t width, const float *vectors,
                           const int32_t *which) {
    for (size_t row = 0; row < count; row++) {
        const float *vector = vectors + (which ? (size_t)which[row] * width : 0);
        float *values = rows + row * width;
        for (size_t i = 0; i < width; i++) values[i] = PATH(silu)(values[i] + vector[i]);
    }
}

static void PATH(layer_norm)(const float *rows, float *out, size_t count, size_t width,
                             const float *weight, const float *bias) {
    for (size_t row = 0; row < count; row++) {
#pragma clang fp reassociate(on)
        const float *x = rows + row * width;
        float *y = out + row * width;
        float sum = 0, squares = 0;
        for (size_t i = 0; i < width; i++) sum += x[i];
        float mean = sum / (float)width;
        for (size_t i = 0; i < width; i++) squares += (x[i] - mean) * (x[i] - mean);
        float inverse = 1.0f / sqrtf(squares / (float)width + NORM_EPSILON);
        for (size_t i = 0; i < width; i++) y[i] = (x[i] - mean) * inverse * weight[i] + bias[i];
    }
}

// Replaces a sum for each channel by the mean of its group.
static void PATH(spread)(float *sums, size_t channels, size_t groups, size_t positions) {
    size_t members = channels / groups;
    for (size_t group = 0; group < groups; group++) {
        float sum = 0;
        for (size_t i = 0; i < members; i++) sum += sums[group * members + i];
        for (size_t i = 0; i < members; i++)
            sums[group * members + i] = sum / (float)(members * positions);
    }
}

static void PATH(group_norm_silu)(const float *images, float *out, size_t count, size_t positions,
                                  size_t channels, size_t groups, const float *weight,
                                  const float *bias) {
    float means[NK_MAXIMUM_CHANNELS], scales[NK_MAXIMUM_CHANNELS];
    for (size_t image = 0; image < count; image++) {
        const float *x = images + image * positions * channels;
        float *y = out + image * positions * channels;
        for (size_t i = 0; i < channels; i++) means[i] = scales[i] = 0;
        for (size_t p = 0; p < positions; p++)
            for (size_t i = 0; i < channels; i++) means[i] += x[p * channels + i];
        PATH(spread)(means, channels, groups, positions);
        for (size_t p = 0; p < positions; p++)
            for (size_t i = 0; i < channels; i++) {
                float difference = x[p * channels + i] - means[i];
                scales[i] += difference * difference;
            }
        PATH(spread)(scales, channels, groups, positions);
        for (size_t i = 0; i < channels; i++)
            scales[i] = weight[i] / sqrtf(scales[i] + NORM_EPSILON);
        for (size_t p = 0; p < positions; p++)
            for (size_t i = 0; i < channels; i++)
                y[p * channels + i] =
                    PATH(silu)((x[p * channels + i] - means[i]) * scales[i] + bias[i]);
    }
}
