// SPDX-License-Identifier: Apache-2.0
//
// MEP/1 as a pure codec: values in, bytes out, and back. docs/protocols.md has the layouts, and
// Sources/Protocols/Vectors/mep1.json the vectors to which all implementations are held.

#ifndef METRNG_PROTOCOL_H
#define METRNG_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MEP_VERSION = 1,
    MEP_REQUEST_BYTES = 16,
    MEP_REPLY_BYTES = 24,
    MEP_MAXIMUM_LENGTH = 1048576,  // of a READ and of any reply
    MEP_MAXIMUM_NAME = 64,         // bytes that follow a NAME
};

enum mep_operation { MEP_READ = 1, MEP_INFO = 3, MEP_NAME = 4 };

// Flags of a request. MEP_GENUINE is sent only to servers whose INFO offers it.
enum mep_flags { MEP_NONBLOCK = 1, MEP_GENUINE = 2 };

enum mep_status {
    MEP_OK = 0,
    MEP_UNAVAILABLE = 1,
    MEP_BAD_REQUEST = 2,
    MEP_DENIED = 3,
    MEP_OVER_QUOTA = 4,
    MEP_SHUTTING_DOWN = 5,
};

struct mep_request {
    uint8_t operation, grade, flags;
    uint32_t length;
    uint64_t tag;
};

struct mep_reply {
    uint8_t status, provenance, grade;
    uint32_t length;
    uint64_t tag;
    uint32_t epoch;
};

// Writes a request of MEP_REQUEST_BYTES.
void metrngi_write_request(const struct mep_request *request, uint8_t *bytes);

// Reads a reply of MEP_REPLY_BYTES. False when it is none that this version of the protocol knows.
bool metrngi_parse_reply(const uint8_t *bytes, struct mep_reply *reply);

// Whether the object of INFO has a member `name` whose value is an array with the string `item`.
// What is no JSON has none. `length` bytes are read and no more.
bool metrngi_info_lists(const char *json, size_t length, const char *name, const char *item);

// Whether the object of INFO has a member `name` whose value is an array with an element.
bool metrngi_info_has_any(const char *json, size_t length, const char *name);

#endif
