// SPDX-License-Identifier: Apache-2.0
//
// A session from inside.
//
// Everything that changes while bits are drawn lies in `struct metrng_state`, in a mapping of its
// own that the kernel zeroes in a forked child: there the mutex is unlocked (zeros are an unlocked
// mutex of glibc and musl), nothing is at hand, and nothing is connected. `struct metrng` has what
// a child needs to begin again: the settings, and the number of the parent's socket, which the
// child closes without shutting it down.
//
// Layers: Session.c (locks, forks, opening) uses Words.c (the words at hand, their origin), which
// uses Connection.c (MEP/1) or Recording.c (replay). The transforms (Transforms.h) know no session.
//
// Functions whose comment says "locked" are called by the thread that holds the session's lock.

#ifndef METRNG_INTERNAL_H
#define METRNG_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "Protocol.h"
#include "Reserve.h"
#include "WordsFormat.h"
#include "metrng.h"

enum {
    METRNGI_RESERVE_WORDS = 32768,  // 256 KiB: the largest request
    METRNGI_RESERVE_CAPACITY = METRNGI_RESERVE_WORDS + WORDS_CHUNK_MAXIMUM / 8,
    METRNGI_FIRST_BYTES = 4096,  // the smallest read-ahead
    METRNGI_IN_FLIGHT = 2,
    METRNGI_SEGMENTS = 8,
    METRNGI_ANSWER_SECONDS = 10,  // for what a daemon answers at once: INFO, NAME, NONBLOCK
    METRNGI_PATH_BYTES = 108,     // of a Unix socket's address
    METRNGI_NAME_BYTES = 64 + 1,
};

// The origin of bits that belong together.
struct metrngi_source {
    uint8_t provenance, grade;
    uint32_t epoch;
};

static inline bool metrngi_same_source(struct metrngi_source a, struct metrngi_source b) {
    return a.provenance == b.provenance && a.grade == b.grade && a.epoch == b.epoch;
}

// A request that was sent and whose reply has not begun.
struct metrngi_pending {
    uint64_t tag;
    uint32_t length;
};

// A connection. Zeros are none.
struct metrngi_connection {
    bool is_open;
    bool offers_genuine;
    bool send_failed;  // the daemon's last word, if there is one, is still to be read
    bool is_exact;     // request what is needed and nothing ahead
    uint64_t last_tag;
    struct metrngi_pending pending[METRNGI_IN_FLIGHT];  // the oldest first
    unsigned pending_count;
    uint8_t header[MEP_REPLY_BYTES];  // the part of the next reply's header that arrived
    unsigned header_bytes;
    uint32_t reply_bytes;          // of the current reply, not received yet
    struct metrngi_source source;  // of the current reply
    uint8_t part[8];               // the part of a word that arrived
    unsigned part_bytes;
};

// What a call has done so far.
struct metrngi_call {
    int64_t deadline;      // nanoseconds; 0: not set yet
    int64_t outage_since;  // nanoseconds; 0: the daemon is not known to be gone
    unsigned attempts;     // to get words since then
    bool has_origin;
    metrng_origin origin;
};

struct metrng_state {
    uint64_t is_alive;  // METRNGI_ALIVE; 0 in a forked child
    pthread_mutex_t mutex;
    uintptr_t owner;  // the thread that holds the mutex
    unsigned depth;

    metrng_reserve reserve;
    uint64_t *settled;  // the words up to here are accounted for
    struct {
        uint64_t *end;
        struct metrngi_source source;
    } segments[METRNGI_SEGMENTS];  // of the words at hand, in their order
    unsigned segment_count;

    struct metrngi_connection connection;
    struct metrngi_call call;
    bool has_origin;
    metrng_origin origin;  // of the last call
    bool has_total_origin;
    metrng_report report;

    bool was_connected;

    bool is_recording;
    bool record_failed;
    struct metrngi_source record_source;  // of the words that wait to be written
    size_t record_count;
    uint64_t records[WORDS_CHUNK_MAXIMUM / 8];

    _Alignas(64) uint64_t words[METRNGI_RESERVE_CAPACITY];   // the reserve
    _Alignas(64) uint64_t shadow[METRNGI_RESERVE_CAPACITY];  // while recording: them as they came
};

#define METRNGI_ALIVE UINT64_C(0x6d6574726e672021)

struct metrng {
    struct metrng_state *state;
    int descriptor;  // the socket, -1 without; atomic. A forked child closes it
    bool is_replay;
    bool records;    // outlives a fork, for the child to fail
    bool is_forked;  // a child's copy of a session that records or replays
    bool is_unsafe;  // the kernel no longer keeps the state from children
    int record_descriptor, replay_descriptor;
    uint64_t replay_offset;    // bytes read
    metrng_status replay_end;  // not OK: there are no more words
    char replay_message[160];  // of replay_end
    metrng_grade grade;
    bool allow_simulated;
    int64_t reconnect_nanoseconds;
    int64_t wait_nanoseconds;  // negative: for ever
    int (*interrupted)(void *);
    void *context;
    char path[METRNGI_PATH_BYTES];
    char name[METRNGI_NAME_BYTES];
};

// MARK: Errors.c

// Stores the message of a failure for metrng_error, and returns `status`.
metrng_status metrngi_fail(metrng_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// The same with the text of `status` as the message.
metrng_status metrngi_fail_plainly(metrng_status status);

const char *metrngi_provenance_name(unsigned provenance);

metrng_status metrngi_fail_by_reply(metrng *session, unsigned status);
metrng_status metrngi_fail_by_violation(metrng *session, const char *what);

// MARK: Exchange.c

int64_t metrngi_now(void);  // nanoseconds of the monotonic clock

// Waits until the socket is ready for `events` of poll, at most until `deadline` (0: for ever).
// UNAVAILABLE, without a message, after it; INTERRUPTED when the caller wishes. `descriptor` -1
// just waits.
metrng_status metrngi_wait(metrng *session, int descriptor, short events, int64_t deadline);

// INTERRUPTED when the caller wishes.
metrng_status metrngi_check_interrupt(metrng *session);

// Sends or receives exactly `count` bytes. DISCONNECTED when the connection has ended, UNAVAILABLE
// after the deadline.
metrng_status metrngi_send(metrng *session, int descriptor, const void *bytes, size_t count,
                           int64_t deadline);
metrng_status metrngi_receive_all(metrng *session, int descriptor, void *bytes, size_t count,
                                  int64_t deadline);

// Receives what there is without waiting: 1 ... `count` bytes, or 0 when there is nothing yet.
metrng_status metrngi_receive_some(metrng *session, int descriptor, void *bytes, size_t count,
                                   size_t *received);

// MARK: Connection.c; locked

// Connects and introduces this client. UNREACHABLE when there is no daemon.
metrng_status metrngi_connect(metrng *session);

// Closes the connection; bits that were requested are lost. Nothing happens without one.
void metrngi_disconnect(metrng *session);

// Waits a moment between two attempts to connect.
metrng_status metrngi_rest(metrng *session);

// INFO, as metrng_info.
metrng_status metrngi_fetch_info(metrng *session, char *json, size_t size, size_t *needed);

// MARK: Stream.c; locked

// The bytes that were requested and not received.
uint64_t metrngi_in_flight(const struct metrngi_connection *connection);

// Sends requests such that `needed` bytes come, and more ahead of need. A connection that ended
// shows when the reply is received.
metrng_status metrngi_request(metrng *session, uint64_t needed);

// Receives whole words of one source: at least one, at most `capacity`, to memory of any alignment;
// `needed` is what the call still needs, in bytes. DISCONNECTED when the connection is lost.
metrng_status metrngi_receive(metrng *session, void *words, size_t capacity, uint64_t needed,
                              size_t *received);

// MARK: Words.c; locked

// Makes the reserve empty, without an account.
void metrngi_clear_reserve(struct metrng_state *state);

// Accounts for words that were taken from the reserve since the last time.
metrng_status metrngi_settle(metrng *session);

// Makes sure that `minimum` (1 ... METRNGI_RESERVE_WORDS) words are at hand, of the `needed` that
// the call is sure to take.
metrng_status metrngi_refill(metrng *session, size_t minimum, size_t needed);

// Moves `count` words to `out`, of any alignment.
metrng_status metrngi_take(metrng *session, void *out, size_t count);

// The number of words at hand.
static inline size_t metrngi_at_hand(const metrng *session) {
    return (size_t)(session->state->reserve.end - session->state->reserve.next);
}

// MARK: Recording.c; locked

// Appends words, of any alignment, to the recording.
metrng_status metrngi_append(metrng *session, const void *words, size_t count,
                             struct metrngi_source source);

// Writes what waits to be written.
metrng_status metrngi_flush(metrng *session);

// Reads the next chunk of the recording that is replayed, to room for a whole one.
metrng_status metrngi_replay(metrng *session, uint64_t *words, size_t *received,
                             struct metrngi_source *source);

// Reads the first line of the recording.
metrng_status metrngi_begin_replay(metrng *session);

// MARK: Session.c

// Begins and ends a call: takes the lock, and makes a forked child's session its own; at the end of
// the outermost call accounts for the words, and stores their origin if `status` is OK. The value
// is the outcome of the call.
void metrngi_enter(metrng *session);
metrng_status metrngi_leave(metrng *session, metrng_status status);

// Zeroes memory in a way that the compiler may not leave out.
static inline void metrngi_wipe(void *memory, size_t bytes) {
    __builtin_memset(memory, 0, bytes);
    __asm__ volatile("" : : "r"(memory) : "memory");
}

#endif
