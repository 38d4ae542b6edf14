// SPDX-License-Identifier: Apache-2.0
//
// The words at hand: where they are, where they came from, and the account of those that were used.

#include <string.h>

#include "Internal.h"

// A read of at least so many words does not go through the reserve.
enum { DIRECT_WORDS = 512 };

// MARK: Account

static bool is_genuine(metrng_provenance provenance) {
    return provenance == METRNG_HARDWARE || provenance == METRNG_HOST;
}

static void merge(metrng_origin *origin, bool *has_origin, struct metrngi_source source) {
    if (!*has_origin) origin->first_epoch = source.epoch;
    if (!*has_origin || is_genuine(origin->provenance))
        origin->provenance = (metrng_provenance)source.provenance;
    origin->grade = (metrng_grade)source.grade;
    origin->last_epoch = source.epoch;
    *has_origin = true;
}

// Accounts for words in the order in which they are used.
static metrng_status account(metrng *session, const void *words, size_t count,
                             struct metrngi_source source) {
    struct metrng_state *state = session->state;
    state->report.bytes_used += count * 8;
    state->report.bytes_from[source.provenance] += count * 8;
    merge(&state->call.origin, &state->call.has_origin, source);
    merge(&state->report.origin, &state->has_total_origin, source);
    return state->is_recording ? metrngi_append(session, words, count, source) : METRNG_OK;
}

void metrngi_clear_reserve(struct metrng_state *state) {
    state->reserve.next = state->reserve.end = state->settled = state->words;
    metrng_drop_half(&state->reserve);
    state->segment_count = 0;
}

metrng_status metrngi_settle(metrng *session) {
    struct metrng_state *state = session->state;
    metrng_status status = METRNG_OK;
    while (state->settled < state->reserve.next) {
        uint64_t *end = state->segments[0].end;
        if (end > state->reserve.next) end = state->reserve.next;
        size_t count = (size_t)(end - state->settled);
        metrng_status outcome = account(session, state->shadow + (state->settled - state->words),
                                        count, state->segments[0].source);
        if (outcome != METRNG_OK) status = outcome;
        state->settled = end;
        if (end == state->segments[0].end)
            memmove(state->segments, state->segments + 1,
                    --state->segment_count * sizeof state->segments[0]);
    }
    return status;
}

// MARK: Words of a daemon or a recording

// Connects unless there is a connection, again and again for as long as the options say.
static metrng_status connect_again(metrng *session) {
    struct metrngi_call *call = &session->state->call;
    while (!session->state->connection.is_open) {
        if (call->attempts > 1) {
            metrng_status status = metrngi_rest(session);
            if (status != METRNG_OK) return status;
        }
        metrng_status status = metrngi_connect(session);
        if (status != METRNG_UNREACHABLE && status != METRNG_DISCONNECTED && status != METRNG_OK)
            return status;
        if (!call->outage_since) call->outage_since = metrngi_now();
        call->attempts++;
        if (status != METRNG_OK &&
            metrngi_now() - call->outage_since >= session->reconnect_nanoseconds)
            return METRNG_DISCONNECTED;
    }
    return METRNG_OK;
}

static metrng_status receive(metrng *session, void *words, size_t capacity, uint64_t needed,
                             size_t *received, struct metrngi_source *source) {
    struct metrngi_call *call = &session->state->call;
    for (;;) {
        metrng_status status = connect_again(session);
        if (status != METRNG_OK) return status;
        status = metrngi_receive(session, words, capacity, needed, received);
        if (status == METRNG_OK) {
            *source = session->state->connection.source;
            call->outage_since = 0;
            call->attempts = 0;
            return METRNG_OK;
        }
        if (status == METRNG_UNAVAILABLE || status == METRNG_INTERRUPTED) return status;
        metrngi_disconnect(session);
        if (status != METRNG_DISCONNECTED || session->reconnect_nanoseconds == 0) return status;
        if (!call->outage_since) call->outage_since = metrngi_now();
        call->attempts++;
        if (metrngi_now() - call->outage_since >= session->reconnect_nanoseconds) return status;
    }
}

static metrng_status check_usable(metrng *session) {
    if (session->is_unsafe)
        return metrngi_fail(METRNG_NO_MEMORY,
                            "the kernel does not keep the memory of a session from forked children "
                            "any more; open another session");
    if (!session->is_forked) return METRNG_OK;
    return metrngi_fail(METRNG_RECORDING_FAILED,
                        "a recording of words belongs to the process that began it, and this is a "
                        "forked child; open a session here");
}

// MARK: The reserve

// Moves the words at hand to the start of the reserve. Nothing is left where they were.
static void compact(struct metrng_state *state) {
    metrng_reserve *reserve = &state->reserve;
    size_t used = (size_t)(reserve->next - state->words);
    size_t count = (size_t)(reserve->end - reserve->next);
    memmove(state->words, reserve->next, count * 8);
    memset(state->words + count, 0, used * 8);
    if (state->is_recording) memmove(state->shadow, state->shadow + used, count * 8);
    for (unsigned i = 0; i < state->segment_count; i++) state->segments[i].end -= used;
    reserve->next = state->settled = state->words;
    reserve->end = state->words + count;
}

static bool add_segment(struct metrng_state *state, size_t count, struct metrngi_source source) {
    unsigned last = state->segment_count;
    if (last > 0 && metrngi_same_source(state->segments[last - 1].source, source))
        last--;
    else if (last == METRNGI_SEGMENTS)
        return false;
    if (state->is_recording)
        memcpy(state->shadow + (state->reserve.end - state->words), state->reserve.end, count * 8);
    state->reserve.end += count;
    state->segments[last].end = state->reserve.end;
    state->segments[last].source = source;
    state->segment_count = last + 1;
    return true;
}

metrng_status metrngi_refill(metrng *session, size_t minimum, size_t needed) {
    struct metrng_state *state = session->state;
    metrng_status status = metrngi_settle(session);
    if (status == METRNG_OK) status = check_usable(session);
    if (status == METRNG_OK && metrngi_at_hand(session) < minimum) compact(state);
    while (status == METRNG_OK && metrngi_at_hand(session) < minimum) {
        size_t count = 0, held = metrngi_at_hand(session);
        struct metrngi_source source;
        if (session->is_replay)
            status = metrngi_replay(session, state->reserve.end, &count, &source);
        else
            status = receive(session, state->reserve.end, METRNGI_RESERVE_WORDS - held,
                             (needed - held) * 8, &count, &source);
        if (status == METRNG_OK && !add_segment(state, count, source)) {
            state->report.bytes_discarded += (held + count) * 8;
            memset(state->words, 0, (held + count) * 8);
            metrngi_clear_reserve(state);
            status = metrngi_fail(METRNG_UNAVAILABLE,
                                  "the origin of the bits changes too often to wait for %zu words "
                                  "of them; wait for fewer",
                                  minimum);
        }
    }
    return status;
}

metrng_status metrngi_take(metrng *session, void *out, size_t count) {
    metrng_reserve *reserve = &session->state->reserve;
    uint8_t *next = out;
    while (count > 0) {
        size_t moved = metrngi_at_hand(session);
        if (moved > 0) {
            if (moved > count) moved = count;
            memcpy(next, reserve->next, moved * 8);
            memset(reserve->next, 0, moved * 8);
            reserve->next += moved;
        } else if (count < DIRECT_WORDS || session->is_replay ||
                   check_usable(session) != METRNG_OK) {
            metrng_status status = metrngi_refill(session, 1, count);
            if (status != METRNG_OK) return status;
        } else {
            struct metrngi_source source;
            metrng_status status = metrngi_settle(session);
            if (status == METRNG_OK)
                status = receive(session, next, count, count * 8, &moved, &source);
            if (status == METRNG_OK) status = account(session, next, moved, source);
            if (status != METRNG_OK) return status;
        }
        next += moved * 8;
        count -= moved;
    }
    return METRNG_OK;
}
