// SPDX-License-Identifier: Apache-2.0
//
// The parts of a neural network that are no matrix products, over rows of floats.
//
// Every kernel is a pure function of its arguments (any thread may call, nothing is allocated or
// kept), and exists as portable C and for particular processors; see CKernelSupport.h for
// `features`. The paths differ by rounding only. Images are channels-last:
// [image][row][column][channel]. Input and output do not overlap unless a kernel says so.

#ifndef CNETWORKKERNELS_H
#define CNETWORKKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "CKernelSupport.h"

enum { NK_MAXIMUM_CHANNELS = 256 };

// Adds a vector to each row: that with the number which[row] of `vectors`, each of `width` floats;
// the first one everywhere when `which` is NULL.
void nk_add(ck_features features, float *rows, size_t count, size_t width, const float *vectors,
            const int32_t *which);

// As nk_add, and then x / (1 + exp(-x)) of each value.
void nk_add_silu(ck_features features, float *rows, size_t count, size_t width,
                 const float *vectors, const int32_t *which);

// Normalises each row to mean 0 and variance 1, then multiplies by `weight` and adds `bias`.
void nk_layer_norm(ck_features features, const float *rows, float *out, size_t count, size_t width,
                   const float *weight, const float *bias);

// Normalises each of `groups` groups of neighbouring channels of each image, over all `positions`,
// multiplies by `weight` and adds `bias` of the channel, and then x / (1 + exp(-x)). `channels` is
// at most NK_MAXIMUM_CHANNELS.
void nk_group_norm_silu(ck_features features, const float *images, float *out, size_t count,
                        size_t positions, size_t channels, size_t groups, const float *weight,
                        const float *bias);

// The 3 x 3 neighbourhood of each position, zeros beyond the border: rows of 9 * channels floats,
// neighbour by neighbour. With a `stride` of 2, of every second position in both directions, from
// the first.
void nk_neighbourhoods(const float *images, float *out, size_t count, size_t height, size_t width,
                       size_t channels, size_t stride);

#endif
