// SPDX-License-Identifier: Apache-2.0
//
// The beginning and the end of a connection: INFO says what the daemon offers, NAME tells it who we
// are. Stream.c has what comes in between.

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "Internal.h"

enum {
    REST_NANOSECONDS = 20 * 1000000,
    INFO_MAXIMUM = 262144,  // bytes of INFO that we are ready to read
};

metrng_status metrngi_rest(metrng *session) {
    metrng_status status = metrngi_wait(session, -1, 0, metrngi_now() + REST_NANOSECONDS);
    return status == METRNG_UNAVAILABLE ? METRNG_OK : status;
}

static metrng_status fail_to_connect(metrng *session, int error) {
    if (error == EACCES || error == EPERM)
        return metrngi_fail(METRNG_NOT_PERMITTED,
                            "not permitted to open %s: %s; ask to be added to the group of the "
                            "socket",
                            session->path, strerror(error));
    return metrngi_fail(METRNG_UNREACHABLE,
                        "cannot reach the entropy daemon at %s: %s; is metrngd running?",
                        session->path, strerror(error));
}

// Connects a new socket. A full queue of a busy daemon is waited for.
static metrng_status open_socket(metrng *session, int *descriptor, int64_t deadline) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, session->path, sizeof address.sun_path);
    *descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*descriptor < 0) return fail_to_connect(session, errno);
    metrng_status status = METRNG_OK;
    while (connect(*descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
        int error = errno;
        if ((error != EAGAIN && error != EINTR) || metrngi_now() > deadline)
            status = fail_to_connect(session, error);
        else
            status = metrngi_rest(session);
        if (status == METRNG_OK) continue;
        close(*descriptor);
        *descriptor = -1;
        break;
    }
    return status;
}

// The other end of the connection sees the end even while a forked child has a copy.
static void close_socket(int descriptor) {
    shutdown(descriptor, SHUT_RDWR);
    close(descriptor);
}

metrng_status metrngi_fail_by_reply(metrng *session, unsigned status) {
    switch (status) {
        case MEP_UNAVAILABLE:
            return metrngi_fail_plainly(METRNG_UNAVAILABLE);
        case MEP_BAD_REQUEST:
            return metrngi_fail_plainly(METRNG_NOT_OFFERED);
        case MEP_DENIED:
            return metrngi_fail_plainly(METRNG_DENIED);
        case MEP_OVER_QUOTA:
            return metrngi_fail_plainly(METRNG_OVER_QUOTA);
        default:
            return metrngi_fail(METRNG_DISCONNECTED, "the entropy daemon at %s is stopping",
                                session->path);
    }
}

metrng_status metrngi_fail_by_violation(metrng *session, const char *what) {
    return metrngi_fail(METRNG_PROTOCOL_VIOLATION,
                        "the peer at %s does not speak MEP/1: %s; is it metrngd?", session->path,
                        what);
}

// MARK: Requests that are answered at once

// Sends a request with `count` bytes behind it, and receives the header of the reply.
static metrng_status exchange(metrng *session, int descriptor, struct mep_request request,
                              const void *bytes, size_t count, struct mep_reply *reply,
                              int64_t deadline) {
    uint8_t message[MEP_REQUEST_BYTES + MEP_MAXIMUM_NAME], header[MEP_REPLY_BYTES];
    metrngi_write_request(&request, message);
    if (count > 0) memcpy(message + MEP_REQUEST_BYTES, bytes, count);
    // A failure to send may come with a last word that explains it, so it is read first.
    metrng_status sent =
        metrngi_send(session, descriptor, message, MEP_REQUEST_BYTES + count, deadline);
    if (sent != METRNG_OK && sent != METRNG_DISCONNECTED) return sent;
    metrng_status status =
        metrngi_receive_all(session, descriptor, header, sizeof header, deadline);
    if (status != METRNG_OK) return status;
    if (!metrngi_parse_reply(header, reply))
        return metrngi_fail_by_violation(session, "a reply has an invalid header");
    if (reply->status != MEP_OK) return metrngi_fail_by_reply(session, reply->status);
    if (reply->tag != request.tag)
        return metrngi_fail_by_violation(session, "a reply belongs to another request");
    return METRNG_OK;
}

// INFO, in memory that the caller frees, without a NUL at its end.
static metrng_status read_info(metrng *session, int descriptor, char **json, size_t *length,
                               int64_t deadline) {
    struct mep_reply reply;
    *json = NULL;
    metrng_status status =
        exchange(session, descriptor, (struct mep_request){.operation = MEP_INFO}, NULL, 0, &reply,
                 deadline);
    if (status != METRNG_OK) return status;
    if (reply.length > INFO_MAXIMUM)
        return metrngi_fail_by_violation(session, "its INFO is larger than any that is known");
    *length = reply.length;
    *json = malloc(*length + 1);
    if (!*json) return metrngi_fail_plainly(METRNG_NO_MEMORY);
    status = metrngi_receive_all(session, descriptor, *json, *length, deadline);
    if (status != METRNG_OK) {
        free(*json);
        *json = NULL;
    }
    return status;
}

static metrng_status send_name(metrng *session, int descriptor, int64_t deadline) {
    struct mep_reply reply;
    size_t length = strlen(session->name);
    struct mep_request request = {.operation = MEP_NAME, .length = (uint32_t)length};
    metrng_status status =
        exchange(session, descriptor, request, session->name, length, &reply, deadline);
    if (status == METRNG_OK && reply.length != 0)
        return metrngi_fail_by_violation(session, "a reply to NAME has bytes");
    return status;
}

// What INFO says of the provenances, against what is allowed. A daemon that lists none may yet get
// a board.
static metrng_status check_provenances(metrng *session, const char *json, size_t length) {
    if (session->allow_simulated || !metrngi_info_has_any(json, length, "provenances") ||
        metrngi_info_lists(json, length, "provenances", "hardware") ||
        metrngi_info_lists(json, length, "provenances", "host"))
        return METRNG_OK;
    const char *served =
        metrngi_info_lists(json, length, "provenances", "replay") ? "replayed" : "simulated";
    return metrngi_fail(METRNG_NOT_GENUINE,
                        "the daemon at %s serves %s bits, which are not random; allow them "
                        "explicitly if that is what you want",
                        session->path, served);
}

static metrng_status greet(metrng *session, int64_t deadline) {
    struct metrngi_connection *connection = &session->state->connection;
    char *json;
    size_t length;
    metrng_status status = read_info(session, session->descriptor, &json, &length, deadline);
    if (status != METRNG_OK) return status;
    status = check_provenances(session, json, length);
    bool takes_name = metrngi_info_lists(json, length, "operations", "name");
    connection->offers_genuine = metrngi_info_lists(json, length, "flags", "genuine");
    free(json);
    if (status == METRNG_OK && takes_name)
        status = send_name(session, session->descriptor, deadline);
    return status;
}

// MARK: The connection of a session

metrng_status metrngi_connect(metrng *session) {
    struct metrngi_connection *connection = &session->state->connection;
    int64_t deadline = metrngi_now() + (int64_t)METRNGI_ANSWER_SECONDS * 1000000000;
    int descriptor;
    metrng_status status = open_socket(session, &descriptor, deadline);
    if (status != METRNG_OK) return status;
    __atomic_store_n(&session->descriptor, descriptor, __ATOMIC_SEQ_CST);
    memset(connection, 0, sizeof *connection);
    connection->is_open = true;
    connection->is_exact = session->wait_nanoseconds == 0;
    status = greet(session, deadline);
    if (status != METRNG_OK) {
        metrngi_disconnect(session);
        return status;
    }
    if (session->state->was_connected) session->state->report.reconnections++;
    session->state->was_connected = true;
    return METRNG_OK;
}

void metrngi_disconnect(metrng *session) {
    struct metrngi_connection *connection = &session->state->connection;
    if (!connection->is_open) return;
    session->state->report.bytes_discarded += metrngi_in_flight(connection);
    memset(connection, 0, sizeof *connection);
    // The number first: a child forked in between must not close what it means by then.
    close_socket(__atomic_exchange_n(&session->descriptor, -1, __ATOMIC_SEQ_CST));
}

metrng_status metrngi_fetch_info(metrng *session, char *json, size_t size, size_t *needed) {
    int64_t deadline = metrngi_now() + (int64_t)METRNGI_ANSWER_SECONDS * 1000000000;
    int descriptor;
    metrng_status status = open_socket(session, &descriptor, deadline);
    if (status != METRNG_OK) return status;
    char *text;
    size_t length;
    status = read_info(session, descriptor, &text, &length, deadline);
    close_socket(descriptor);
    if (status != METRNG_OK) return status;
    if (needed) *needed = length;
    if (length < size) {
        memcpy(json, text, length);
        json[length] = 0;
    }
    free(text);
    return METRNG_OK;
}
