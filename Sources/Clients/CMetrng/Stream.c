// SPDX-License-Identifier: Apache-2.0
//
// Words from a connection. Requests go out ahead of need, at most METRNGI_IN_FLIGHT at a time;
// their replies come in order. A call that ends early (interrupted, out of time) leaves everything
// such that the next call goes on where it stopped.

#include <poll.h>
#include <string.h>

#include "Internal.h"

uint64_t metrngi_in_flight(const struct metrngi_connection *connection) {
    uint64_t bytes = connection->reply_bytes + connection->part_bytes;
    for (unsigned i = 0; i < connection->pending_count; i++) bytes += connection->pending[i].length;
    return bytes;
}

// MARK: Requests

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

// The length of the next request; 0 for none. As many bytes are requested ahead of need as were
// used before, within limits, so that a session that draws little wastes little.
static uint32_t next_length(const metrng *session, uint64_t needed) {
    const struct metrngi_connection *connection = &session->state->connection;
    const uint64_t largest = METRNGI_RESERVE_WORDS * 8;
    uint64_t coming = metrngi_in_flight(connection);
    if (connection->pending_count == METRNGI_IN_FLIGHT) return 0;
    if (connection->is_exact) return (uint32_t)(coming > 0 ? 0 : least(needed, largest));
    uint64_t ahead = least(session->state->report.bytes_used, 3 * largest);
    uint64_t wanted = needed + ahead;
    if (wanted < METRNGI_FIRST_BYTES) wanted = METRNGI_FIRST_BYTES;
    uint64_t owned = coming + metrngi_at_hand(session) * 8;
    if (wanted < owned + METRNGI_FIRST_BYTES && coming >= needed) return 0;
    uint64_t length = wanted > owned ? wanted - owned : 0;
    length -= length % METRNGI_FIRST_BYTES;
    if (length < METRNGI_FIRST_BYTES) length = METRNGI_FIRST_BYTES;
    return (uint32_t)least(length, largest);
}

// Whether the daemon is told that only genuine bits will do.
static bool insists(const metrng *session) {
    return session->state->connection.offers_genuine && !session->allow_simulated;
}

metrng_status metrngi_request(metrng *session, uint64_t needed) {
    struct metrngi_connection *connection = &session->state->connection;
    uint32_t length;
    while (!connection->send_failed && (length = next_length(session, needed)) > 0) {
        uint8_t flags = session->wait_nanoseconds == 0 ? MEP_NONBLOCK : 0;
        if (insists(session)) flags |= MEP_GENUINE;
        struct mep_request request = {
            .operation = MEP_READ,
            .grade = (uint8_t)session->grade,
            .flags = flags,
            .length = length,
            .tag = ++connection->last_tag,
        };
        uint8_t message[MEP_REQUEST_BYTES];
        metrngi_write_request(&request, message);
        // Room for a request there is always: the daemon owes us no more than two answers.
        metrng_status status = metrngi_send(session, session->descriptor, message, sizeof message,
                                            metrngi_now() + INT64_C(1000000000));
        if (status == METRNG_DISCONNECTED) {
            connection->send_failed = true;
            return METRNG_OK;
        }
        if (status != METRNG_OK) return status;
        session->state->report.requests++;
        connection->pending[connection->pending_count++] =
            (struct metrngi_pending){.tag = request.tag, .length = length};
    }
    return METRNG_OK;
}

// MARK: Replies

// Waits for bytes, as long as the options say.
static metrng_status wait_for_bits(metrng *session) {
    struct metrngi_call *call = &session->state->call;
    if (!call->deadline && session->wait_nanoseconds >= 0)
        call->deadline = metrngi_now() + (session->wait_nanoseconds
                                              ? session->wait_nanoseconds
                                              : METRNGI_ANSWER_SECONDS * INT64_C(1000000000));
    metrng_status status = metrngi_wait(session, session->descriptor, POLLIN, call->deadline);
    if (status == METRNG_UNAVAILABLE)
        return metrngi_fail(status, "no bits came from %s in time; `mectl status` says why",
                            session->path);
    return status;
}

static metrng_status receive_header(metrng *session, struct mep_reply *reply) {
    struct metrngi_connection *connection = &session->state->connection;
    while (connection->header_bytes < MEP_REPLY_BYTES) {
        size_t received;
        metrng_status status = metrngi_receive_some(
            session, session->descriptor, connection->header + connection->header_bytes,
            MEP_REPLY_BYTES - connection->header_bytes, &received);
        if (status == METRNG_OK && received == 0) status = wait_for_bits(session);
        if (status != METRNG_OK) return status;
        connection->header_bytes += (unsigned)received;
    }
    connection->header_bytes = 0;
    if (metrngi_parse_reply(connection->header, reply)) return METRNG_OK;
    return metrngi_fail_by_violation(session, "a reply has an invalid header");
}

static metrng_status check_bits(metrng *session, const struct mep_reply *reply, uint32_t length) {
    if (reply->length != length)
        return metrngi_fail_by_violation(session, "a reply has another length than requested");
    if (reply->grade != session->grade)
        return metrngi_fail_by_violation(session, "a reply has another grade than requested");
    bool is_genuine = reply->provenance == METRNG_HARDWARE || reply->provenance == METRNG_HOST;
    if (is_genuine || session->allow_simulated) return METRNG_OK;
    return metrngi_fail(METRNG_NOT_GENUINE,
                        "the daemon at %s serves %s bits, which are not random; allow them "
                        "explicitly if that is what you want",
                        session->path, metrngi_provenance_name(reply->provenance));
}

// Begins the next reply that has bits, after requesting what is needed.
static metrng_status begin_reply(metrng *session, uint64_t needed) {
    struct metrngi_connection *connection = &session->state->connection;
    for (;;) {
        struct mep_reply reply;
        metrng_status status = metrngi_check_interrupt(session);
        if (status == METRNG_OK) status = metrngi_request(session, needed);
        if (status == METRNG_OK) status = receive_header(session, &reply);
        if (status != METRNG_OK) return status;
        // The last word of a daemon is no answer to a request.
        if (reply.status == MEP_DENIED && insists(session))
            return metrngi_fail(
                METRNG_NOT_GENUINE,
                "the daemon at %s has no bits but simulated or replayed ones, which "
                "are not random; allow them explicitly if that is what you want",
                session->path);
        if (reply.status > MEP_UNAVAILABLE) return metrngi_fail_by_reply(session, reply.status);
        struct metrngi_pending request = connection->pending[0];
        if (connection->pending_count == 0 || reply.tag != request.tag)
            return metrngi_fail_by_violation(session, "a reply belongs to no request");
        connection->pending[0] = connection->pending[1];
        connection->pending_count--;
        if (reply.status == MEP_OK) {
            status = check_bits(session, &reply, request.length);
            if (status != METRNG_OK) return status;
            connection->reply_bytes = reply.length;
            connection->is_exact = session->wait_nanoseconds == 0;
            connection->source =
                (struct metrngi_source){reply.provenance, reply.grade, reply.epoch};
            return METRNG_OK;
        }
        // There may still be enough for what is needed.
        if (request.length <= needed) return metrngi_fail_plainly(METRNG_UNAVAILABLE);
        connection->is_exact = true;
    }
}

metrng_status metrngi_receive(metrng *session, void *words, size_t capacity, uint64_t needed,
                              size_t *received) {
    struct metrngi_connection *connection = &session->state->connection;
    *received = 0;
    metrng_status status = connection->reply_bytes > 0 ? metrngi_request(session, needed)
                                                       : begin_reply(session, needed);
    if (status != METRNG_OK) return status;
    uint8_t *start = words;
    size_t count = connection->part_bytes;
    memcpy(start, connection->part, count);
    while (count < 8 && status == METRNG_OK) {
        size_t got, room = least(capacity * 8 - count, connection->reply_bytes);
        status = metrngi_receive_some(session, session->descriptor, start + count, room, &got);
        if (status == METRNG_OK && got == 0) status = wait_for_bits(session);
        count += got;
        connection->reply_bytes -= (uint32_t)got;
    }
    // A reply is whole words, so that the part of a word is part of one reply.
    connection->part_bytes = (unsigned)(count % 8);
    memcpy(connection->part, start + count - count % 8, count % 8);
    *received = count / 8;
    return status;
}
