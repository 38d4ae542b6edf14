// SPDX-License-Identifier: Apache-2.0

#include <string.h>

#include "CChecksum.h"

// The reflected polynomial 0x1EDC6F41, a byte at a time by half-byte tables: the slow path.
static uint32_t crc_portable(uint32_t crc, const uint8_t *data, size_t bytes) {
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    for (size_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}

#if defined(__x86_64__)

#include <immintrin.h>

// Three streams of BLOCK bytes keep the crc32 instruction (latency 3, one a cycle) busy; the CRCs
// of the first two are then moved past what follows them. Moving a CRC past n zero bytes is a
// multiplication by x^(8n) modulo the polynomial: a carry-less product with x^(8n - 33), reduced by
// the crc32 instruction itself, which multiplies by x^32 (the 33rd comes from the reflection).
enum { BLOCK = 1024 };
static const uint64_t PAST_ONE_BLOCK = 0x170076fa;   // x^(8 * 1024 - 33)
static const uint64_t PAST_TWO_BLOCKS = 0xa51b6135;  // x^(8 * 2048 - 33)

#define CK_CRC_TARGET __attribute__((target("sse4.2,pclmul")))

CK_CRC_TARGET static uint32_t move_past(uint32_t crc, uint64_t power) {
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi32_si128((int)crc), _mm_cvtsi64_si128((long long)power), 0);
    return (uint32_t)_mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

static inline uint64_t word_at(const uint8_t *data) {
    uint64_t word;
    memcpy(&word, data, sizeof word);
    return word;
}

CK_CRC_TARGET static uint32_t crc_sse42(uint32_t crc, const uint8_t *data, size_t bytes) {
    for (; bytes >= 3 * BLOCK; bytes -= 3 * BLOCK, data += 3 * BLOCK) {
        uint64_t a = crc, b = 0, c = 0;
        for (size_t i = 0; i < BLOCK; i += 8) {
            a = _mm_crc32_u64(a, word_at(data + i));
            b = _mm_crc32_u64(b, word_at(data + BLOCK + i));
            c = _mm_crc32_u64(c, word_at(data + 2 * BLOCK + i));
        }
        crc = move_past((uint32_t)a, PAST_TWO_BLOCKS) ^ move_past((uint32_t)b, PAST_ONE_BLOCK) ^
              (uint32_t)c;
    }
    for (; bytes >= 8; bytes -= 8, data += 8) crc = (uint32_t)_mm_crc32_u64(crc, word_at(data));
    for (; bytes > 0; bytes--, data++) crc = _mm_crc32_u8(crc, *data);
    return crc;
}

#endif

uint32_t ck_crc32c(ck_features features, uint32_t crc, const uint8_t *data, size_t bytes) {
#if defined(__x86_64__)
    if (features & CK_CRC32) return ~crc_sse42(~crc, data, bytes);
#else
    (void)features;
#endif
    return ~crc_portable(~crc, data, bytes);
}
