// SPDX-License-Identifier: Apache-2.0

#include "WordsFormat.h"

#include <string.h>

#include "Bytes.h"

// The reflected polynomial 0x1EDC6F41, half a byte at a time. CChecksum has the same: this library
// is also built by itself, without another target.
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

#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t crc, const uint8_t *data,
                                                            size_t bytes) {
    uint64_t wide = crc;
    for (; bytes >= 8; bytes -= 8, data += 8) wide = _mm_crc32_u64(wide, metrngi_load64(data));
    crc = (uint32_t)wide;
    for (; bytes > 0; bytes--, data++) crc = _mm_crc32_u8(crc, *data);
    return crc;
}

#endif

uint32_t metrngi_crc32c(uint32_t crc, const void *data, size_t bytes) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return ~crc_sse42(~crc, data, bytes);
#endif
    return ~crc_portable(~crc, data, bytes);
}

// Where the checksum is in a header. It is computed with zeros there.
enum { CHECKSUM_AT = 12 };

static uint32_t checksum(const uint8_t *header, const void *bytes, size_t count) {
    uint8_t copy[WORDS_HEADER_BYTES];
    memcpy(copy, header, sizeof copy);
    metrngi_store32(copy + CHECKSUM_AT, 0);
    return metrngi_crc32c(metrngi_crc32c(0, copy, sizeof copy), bytes, count);
}

void metrngi_write_chunk_header(const struct words_chunk *chunk, const void *bytes,
                                uint8_t *header) {
    metrngi_store32(header, chunk->count);
    header[4] = chunk->provenance;
    header[5] = chunk->grade;
    header[6] = header[7] = 0;
    metrngi_store32(header + 8, chunk->epoch);
    metrngi_store32(header + CHECKSUM_AT, checksum(header, bytes, chunk->count));
}

bool metrngi_parse_chunk_header(const uint8_t *header, struct words_chunk *chunk) {
    *chunk = (struct words_chunk){
        .count = metrngi_load32(header),
        .provenance = header[4],
        .grade = header[5],
        .epoch = metrngi_load32(header + 8),
        .checksum = metrngi_load32(header + CHECKSUM_AT),
    };
    return chunk->count > 0 && chunk->count <= WORDS_CHUNK_MAXIMUM && chunk->count % 8 == 0 &&
           chunk->provenance <= 3 && chunk->grade <= 1 && header[6] == 0 && header[7] == 0;
}

bool metrngi_chunk_is_intact(const uint8_t *header, const void *bytes, size_t count) {
    return metrngi_load32(header + CHECKSUM_AT) == checksum(header, bytes, count);
}
