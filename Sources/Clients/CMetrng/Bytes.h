// SPDX-License-Identifier: Apache-2.0
//
// Little-endian integers in memory of any alignment.

#ifndef METRNG_BYTES_H
#define METRNG_BYTES_H

#include <stdint.h>

static inline uint32_t metrngi_load32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static inline uint64_t metrngi_load64(const uint8_t *bytes) {
    return metrngi_load32(bytes) | (uint64_t)metrngi_load32(bytes + 4) << 32;
}

static inline void metrngi_store32(uint8_t *bytes, uint32_t value) {
    for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> 8 * i);
}

static inline void metrngi_store64(uint8_t *bytes, uint64_t value) {
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(value >> 8 * i);
}

#endif
