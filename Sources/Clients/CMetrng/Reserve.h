// SPDX-License-Identifier: Apache-2.0
//
// The words at hand of a session, for callers compiled with the library that draw one number at a
// time, such as the Python extension. Not installed; no stable interface.
//
//     metrng_lock(session);
//     uint64_t word;
//     while (!metrng_take64(reserve, &word))                 // a compare, a load and a store
//         if ((status = metrng_refill(session)) != METRNG_OK) break;
//     metrng_unlock(session);
//
// The reserve lies in memory that the kernel zeroes in a forked child: there `next` equals `end`,
// so that a child falls into metrng_refill, which connects again. Nothing here needs a check of its
// own.

#ifndef METRNG_RESERVE_H
#define METRNG_RESERVE_H

#include <stdbool.h>

#include "metrng.h"

// All members belong to the thread that holds the lock of the session. Taking moves `next`; the
// session finds out later how far, for its report, origin and recording.
typedef struct metrng_reserve {
    uint64_t *next, *end;  // words not used yet; NULL both in a new session and in a forked child
    uint32_t half;         // the upper half of a word of which metrng_take32 gave the lower
    uint32_t has_half;     // 1 when there is one
} metrng_reserve;

// The reserve of a session, at the same address until metrng_close.
metrng_reserve *metrng_get_reserve(metrng *session);

// Locks the session for the calling thread; may be nested, each by an unlock of its own. An unlock
// in a forked child of a lock from before the fork does nothing: the child's session is unlocked.
void metrng_lock(metrng *session);
void metrng_unlock(metrng *session);

// Makes sure that a word is at hand; waits for it. The lock must be held. Fails as metrng_words
// does.
metrng_status metrng_refill(metrng *session);

// Forgets that a word was half used, so that the next 32 bits begin a word. metrng_record does it,
// in order that a replay of the recording begins alike.
static inline void metrng_drop_half(metrng_reserve *reserve) {
    reserve->half = 0;
    reserve->has_half = 0;
}

// Takes 64 bits, or returns false when no word is at hand. The lock must be held.
static inline bool metrng_take64(metrng_reserve *reserve, uint64_t *word) {
    uint64_t *next = reserve->next;
    if (next == reserve->end) return false;
    *word = *next;
    *next = 0;
    reserve->next = next + 1;
    return true;
}

// Takes 32 bits: the lower half of a word, then its upper half.
static inline bool metrng_take32(metrng_reserve *reserve, uint32_t *bits) {
    if (reserve->has_half) {
        *bits = reserve->half;
        metrng_drop_half(reserve);
        return true;
    }
    uint64_t word;
    if (!metrng_take64(reserve, &word)) return false;
    *bits = (uint32_t)word;
    reserve->half = (uint32_t)(word >> 32);
    reserve->has_half = 1;
    return true;
}

// Takes a multiple of 2^-53 in [0, 1).
static inline bool metrng_take_double(metrng_reserve *reserve, double *number) {
    uint64_t word;
    if (!metrng_take64(reserve, &word)) return false;
    *number = (double)(word >> 11) * 0x1p-53;
    return true;
}

#endif
