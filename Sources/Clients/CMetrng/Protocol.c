// SPDX-License-Identifier: Apache-2.0

#include "Protocol.h"

#include <string.h>

#include "Bytes.h"

void metrngi_write_request(const struct mep_request *request, uint8_t *bytes) {
    bytes[0] = MEP_VERSION;
    bytes[1] = request->operation;
    bytes[2] = request->grade;
    bytes[3] = request->flags;
    metrngi_store32(bytes + 4, request->length);
    metrngi_store64(bytes + 8, request->tag);
}

bool metrngi_parse_reply(const uint8_t *bytes, struct mep_reply *reply) {
    *reply = (struct mep_reply){
        .status = bytes[1],
        .provenance = bytes[2],
        .grade = bytes[3],
        .length = metrngi_load32(bytes + 4),
        .tag = metrngi_load64(bytes + 8),
        .epoch = metrngi_load32(bytes + 16),
    };
    return bytes[0] == MEP_VERSION && reply->status <= MEP_SHUTTING_DOWN &&
           reply->provenance <= 3 && reply->grade <= 2 &&
           (reply->length == 0 || reply->status == MEP_OK) && reply->length <= MEP_MAXIMUM_LENGTH;
}

// MARK: INFO
//
// A scan of JSON that knows strings and nesting, and nothing else: enough to find a list of the
// outermost object. Members of objects inside are not looked at.

struct scan {
    const char *at, *end;
};

static void skip_space(struct scan *scan) {
    while (scan->at < scan->end && memchr(" \t\r\n", *scan->at, 4)) scan->at++;
}

static bool take(struct scan *scan, char wanted) {
    skip_space(scan);
    if (scan->at == scan->end || *scan->at != wanted) return false;
    scan->at++;
    return true;
}

// Moves past a string. Reports whether it is `wanted`; strings with escapes are not.
static bool take_string(struct scan *scan, const char *wanted, bool *is_wanted) {
    if (!take(scan, '"')) return false;
    const char *start = scan->at;
    bool has_escape = false;
    for (; scan->at < scan->end && *scan->at != '"'; scan->at++)
        if (*scan->at == '\\') {
            has_escape = true;
            if (++scan->at == scan->end) return false;
        }
    if (scan->at == scan->end) return false;
    size_t length = (size_t)(scan->at++ - start);
    *is_wanted = !has_escape && length == strlen(wanted) && memcmp(start, wanted, length) == 0;
    return true;
}

// Moves past a value, up to the comma or bracket that ends it.
static bool skip_value(struct scan *scan) {
    size_t depth = 0;
    while (skip_space(scan), scan->at < scan->end) {
        bool ignored;
        char here = *scan->at;
        if (here == '"') {
            if (!take_string(scan, "", &ignored)) return false;
            continue;
        }
        if (depth == 0 && memchr(",]}", here, 3)) return true;
        if (here == '{' || here == '[') depth++;
        if (here == '}' || here == ']') depth--;
        scan->at++;
    }
    return false;
}

// Whether the array that begins here has the string `item`, or any element where `item` is NULL.
static bool list_has(struct scan *scan, const char *item) {
    if (!take(scan, '[') || take(scan, ']')) return false;
    if (!item) return skip_value(scan);
    do {
        bool is_item = false;
        skip_space(scan);
        if (scan->at < scan->end && *scan->at == '"' && !take_string(scan, item, &is_item))
            return false;
        if (is_item) return true;
        if (!skip_value(scan)) return false;
    } while (take(scan, ','));
    return false;
}

static bool find(const char *json, size_t length, const char *name, const char *item) {
    struct scan scan = {json, json + length};
    if (!take(&scan, '{')) return false;
    do {
        bool is_name;
        if (!take_string(&scan, name, &is_name) || !take(&scan, ':')) return false;
        if (is_name) return list_has(&scan, item);
        if (!skip_value(&scan)) return false;
    } while (take(&scan, ','));
    return false;
}

bool metrngi_info_lists(const char *json, size_t length, const char *name, const char *item) {
    return find(json, length, name, item);
}

bool metrngi_info_has_any(const char *json, size_t length, const char *name) {
    return find(json, length, name, NULL);
}
