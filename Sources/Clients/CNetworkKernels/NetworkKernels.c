// SPDX-License-Identifier: Apache-2.0

#include <math.h>
#include <string.h>

#include "CNetworkKernels.h"

// As in PyTorch.
static const float NORM_EPSILON = 1e-5f;

#define CK_BODY "NetworkKernels.body.h"
#include "CKernelPaths.h"

void nk_add(ck_features features, float *rows, size_t count, size_t width, const float *vectors,
            const int32_t *which) {
    CK_DISPATCH(features, add, rows, count, width, vectors, which);
}

void nk_add_silu(ck_features features, float *rows, size_t count, size_t width,
                 const float *vectors, const int32_t *which) {
    CK_DISPATCH(features, add_silu, rows, count, width, vectors, which);
}

void nk_layer_norm(ck_features features, const float *rows, float *out, size_t count, size_t width,
                   const float *weight, const float *bias) {
    CK_DISPATCH(features, layer_norm, rows, out, count, width, weight, bias);
}

void nk_group_norm_silu(ck_features features, const float *images, float *out, size_t count,
                        size_t positions, size_t channels, size_t groups, const float *weight,
                        const float *bias) {
    CK_DISPATCH(features, group_norm_silu, images, out, count, positions, channels, groups, weight,
                bias);
}

// One position: its nine neighbours, each copied whole.
static void neighbourhood(const float *image, float *out, size_t row, size_t column, size_t height,
                          size_t width, size_t channels) {
    for (size_t tap = 0; tap < 9; tap++, out += channels) {
        // A position before the first wraps round to a large number.
        size_t y = row + tap / 3 - 1, x = column + tap % 3 - 1;
        if (y < height && x < width)
            memcpy(out, image + (y * width + x) * channels, channels * sizeof *out);
        else
            memset(out, 0, channels * sizeof *out);
    }
}

void nk_neighbourhoods(const float *images, float *out, size_t count, size_t height, size_t width,
                       size_t channels, size_t stride) {
    for (size_t image = 0; image < count; image++, images += height * width * channels)
        for (size_t row = 0; row < height; row += stride)
            for (size_t column = 0; column < width; column += stride, out += 9 * channels)
                neighbourhood(images, out, row, column, height, width, channels);
}
