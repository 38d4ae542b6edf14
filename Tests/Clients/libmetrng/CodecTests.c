// SPDX-License-Identifier: Apache-2.0
//
// The codecs against the golden vectors, which scripts/test-libmetrng gives as lines on the
// standard input: a word for the kind, then its fields with spaces between. And what is no vector.

#include <stdlib.h>

#include "Check.h"
#include "Protocol.h"
#include "WordsFormat.h"

static size_t bytes_of(const char *hex, uint8_t *bytes) {
    size_t count = 0;
    for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2) bytes[count++] = (uint8_t)byte;
    return count;
}

static void check_request(const char *line) {
    unsigned operation, grade, flags, length;
    unsigned long long tag;
    char hex[64];
    uint8_t expected[64], written[MEP_REQUEST_BYTES];
    CHECK(sscanf(line, "request %63s %u %u %u %u %llx", hex, &operation, &grade, &flags, &length,
                 &tag) == 6);
    CHECK(bytes_of(hex, expected) == MEP_REQUEST_BYTES);
    struct mep_request request = {(uint8_t)operation, (uint8_t)grade, (uint8_t)flags, length, tag};
    metrngi_write_request(&request, written);
    CHECK(memcmp(written, expected, sizeof written) == 0);
}

static void check_reply(const char *line) {
    unsigned status, provenance, grade, length, epoch;
    unsigned long long tag;
    char hex[64];
    uint8_t bytes[64];
    struct mep_reply reply;
    CHECK(sscanf(line, "reply %63s %u %u %u %u %llx %u", hex, &status, &provenance, &grade, &length,
                 &tag, &epoch) == 7);
    CHECK(bytes_of(hex, bytes) == MEP_REPLY_BYTES && metrngi_parse_reply(bytes, &reply));
    CHECK(reply.status == status && reply.provenance == provenance && reply.grade == grade);
    CHECK(reply.length == length && reply.tag == tag && reply.epoch == epoch);
}

static void check_invalid_reply(const char *line) {
    char hex[64];
    uint8_t bytes[64];
    struct mep_reply reply;
    CHECK(sscanf(line, "invalidReply %63s", hex) == 1);
    CHECK(bytes_of(hex, bytes) == MEP_REPLY_BYTES && !metrngi_parse_reply(bytes, &reply));
}

static void check_chunk(const char *line) {
    unsigned provenance, grade, epoch;
    static char header_hex[64], hex[4096];
    static uint8_t header[64], bytes[2048], written[WORDS_HEADER_BYTES];
    CHECK(sscanf(line, "chunk %63s %4095s %u %u %u", header_hex, hex, &provenance, &grade,
                 &epoch) == 5);
    CHECK(bytes_of(header_hex, header) == WORDS_HEADER_BYTES);
    size_t count = bytes_of(hex, bytes);
    struct words_chunk chunk = {(uint32_t)count, (uint8_t)provenance, (uint8_t)grade, epoch, 0};
    metrngi_write_chunk_header(&chunk, bytes, written);
    CHECK(memcmp(written, header, sizeof written) == 0);
    CHECK(metrngi_parse_chunk_header(header, &chunk) && chunk.count == count);
    CHECK(chunk.provenance == provenance && chunk.grade == grade && chunk.epoch == epoch);
    CHECK(metrngi_chunk_is_intact(header, bytes, count));
    bytes[0] ^= 1;
    CHECK(!metrngi_chunk_is_intact(header, bytes, count));
}

static void check_invalid_chunk(const char *line) {
    char hex[64];
    uint8_t header[64];
    struct words_chunk chunk;
    CHECK(sscanf(line, "invalidChunk %63s", hex) == 1);
    CHECK(bytes_of(hex, header) == WORDS_HEADER_BYTES &&
          !metrngi_parse_chunk_header(header, &chunk));
}

static void vectors_hold(void) {
    static const struct {
        const char *kind;
        void (*check)(const char *line);
    } kinds[] = {{"request", check_request},
                 {"reply", check_reply},
                 {"invalidReply", check_invalid_reply},
                 {"chunk", check_chunk},
                 {"invalidChunk", check_invalid_chunk}};
    static char line[8192];
    int counts[5] = {0};
    while (fgets(line, sizeof line, stdin))
        for (int i = 0; i < 5; i++) {
            size_t length = strlen(kinds[i].kind);
            if (strncmp(line, kinds[i].kind, length) != 0 || line[length] != ' ') continue;
            kinds[i].check(line);
            counts[i]++;
        }
    // At least what there was when this was written.
    CHECK(counts[0] >= 4 && counts[1] >= 9 && counts[2] >= 7 && counts[3] >= 3 && counts[4] >= 6);
}

static void checksums_are_castagnolis(void) {
    CHECK(metrngi_crc32c(0, "123456789", 9) == 0xe3069283);
    CHECK(metrngi_crc32c(metrngi_crc32c(0, "1234567", 7), "89", 2) == 0xe3069283);
    CHECK(metrngi_crc32c(0, "", 0) == 0);
}

static bool lists(const char *json, const char *name, const char *item) {
    // At the end of memory that is not to be read.
    size_t length = strlen(json);
    char *copy = malloc(length + 1);
    memcpy(copy, json, length);
    char *exact = realloc(copy, length > 0 ? length : 1);
    bool found = item ? metrngi_info_lists(exact, length, name, item)
                      : metrngi_info_has_any(exact, length, name);
    free(exact);
    return found;
}

static void info_is_searched(void) {
    CHECK(lists("{\"a\":[\"x\"]}", "a", "x"));
    CHECK(lists(" { \"b\" : {\"a\":[]} , \"a\" : [ \"y\" , \"x\" ] } ", "a", "x"));
    CHECK(lists("{\"b\":\"}\\\"\",\"a\":[1,[\"x\"],{\"x\":2},\"x\"]}", "a", "x"));
    CHECK(lists("{\"a\":[1]}", "a", NULL));
    CHECK(!lists("{\"a\":[ ]}", "a", NULL));
    CHECK(!lists("{\"a\":[[\"x\"]]}", "a", "x"));
    CHECK(!lists("{\"b\":{\"a\":[\"x\"]}}", "a", "x"));
    CHECK(!lists("{\"a\":[\"xx\"]}", "a", "x"));
    CHECK(!lists("{\"a\":\"x\"}", "a", "x"));
    CHECK(!lists("{\"a\":[\"\\u0078\"]}", "a", "x"));
    CHECK(!lists("[\"a\",[\"x\"]]", "a", "x"));
    // Every beginning of one, and every byte of it changed: nothing is read beyond the end.
    const char *json = "{\"b\":{\"c\":[1,\"\\\"\"]},\"a\":[true,\"x\"],\"d\":-1.5e3}";
    char changed[64];
    for (size_t length = 0; length <= strlen(json); length++) {
        memcpy(changed, json, length);
        changed[length] = 0;
        CHECK(lists(changed, "a", "x") == (strstr(changed, "\"x\"") != NULL));
        for (size_t at = 0; at < length; at++)
            for (const char *other = "\"\\{}[],: x"; *other; other++) {
                changed[at] = *other;
                lists(changed, "a", "x");
                changed[at] = json[at];
            }
    }
}

int main(int count, char **arguments) {
    static const struct test tests[] = {
#define TEST(name) {#name, name}
        TEST(vectors_hold),
        TEST(checksums_are_castagnolis),
        TEST(info_is_searched),
        {NULL, NULL},
    };
    return run_tests(count, arguments, tests);
}
