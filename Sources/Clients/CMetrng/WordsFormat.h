// SPDX-License-Identifier: Apache-2.0
//
// The format "metrng-words 1" of recordings of consumed words, as a pure codec: see
// docs/protocols.md. Sources/Protocols/Vectors/metrng-words.json has vectors.

#ifndef METRNG_WORDS_FORMAT_H
#define METRNG_WORDS_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORDS_FIRST_LINE "metrng-words 1\n"

enum {
    WORDS_FIRST_LINE_BYTES = 15,
    WORDS_HEADER_BYTES = 16,
    WORDS_CHUNK_MAXIMUM = 65536,  // bytes of words in a chunk: whole words, at least one
};

struct words_chunk {
    uint32_t count;  // bytes
    uint8_t provenance, grade;
    uint32_t epoch;
    uint32_t checksum;
};

// Continues a CRC-32C; begin with 0.
uint32_t metrngi_crc32c(uint32_t crc, const void *data, size_t bytes);

// Writes the header of a chunk of `bytes`, and its checksum. `chunk->checksum` is not read.
void metrngi_write_chunk_header(const struct words_chunk *chunk, const void *bytes,
                                uint8_t *header);

// Reads a header. False for one that no chunk can have.
bool metrngi_parse_chunk_header(const uint8_t *header, struct words_chunk *chunk);

// Whether the checksum of a header is that of the header and these bytes.
bool metrngi_chunk_is_intact(const uint8_t *header, const void *bytes, size_t count);

#endif
