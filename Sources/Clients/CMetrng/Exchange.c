// SPDX-License-Identifier: Apache-2.0
//
// Waiting, and bytes through a socket that does not block. Every wait is a poll, which a signal
// ends even where it restarts other calls. Nothing here takes descriptors out of a message: those
// that a hostile peer passes are closed by the kernel.

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "Internal.h"

// How long a wait goes on without asking whether it is interrupted, in milliseconds.
enum { LONGEST_POLL = 60000, LONGEST_INTERRUPTIBLE_POLL = 100 };

int64_t metrngi_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

metrng_status metrngi_check_interrupt(metrng *session) {
    if (session->interrupted && session->interrupted(session->context))
        return metrngi_fail_plainly(METRNG_INTERRUPTED);
    return METRNG_OK;
}

metrng_status metrngi_wait(metrng *session, int descriptor, short events, int64_t deadline) {
    for (;;) {
        metrng_status status = metrngi_check_interrupt(session);
        if (status != METRNG_OK) return status;
        int timeout = session->interrupted ? LONGEST_INTERRUPTIBLE_POLL : LONGEST_POLL;
        if (deadline) {
            int64_t left = deadline - metrngi_now();
            if (left <= 0) return METRNG_UNAVAILABLE;
            if (left / 1000000 < timeout) timeout = (int)(left / 1000000) + 1;
        }
        struct pollfd poll_of = {.fd = descriptor, .events = events};
        int ready = poll(&poll_of, 1, timeout);
        if (ready > 0) return METRNG_OK;
        if (ready < 0 && errno != EINTR && errno != EAGAIN)
            return metrngi_fail(METRNG_NO_MEMORY, "cannot wait for the entropy daemon: %s",
                                strerror(errno));
    }
}

static metrng_status lost(metrng *session, int error) {
    if (error == 0)
        return metrngi_fail(METRNG_DISCONNECTED,
                            "the entropy daemon at %s closed the connection; is metrngd running?",
                            session->path);
    return metrngi_fail(METRNG_DISCONNECTED,
                        "the connection to the entropy daemon at %s has ended: %s; is metrngd "
                        "running?",
                        session->path, strerror(error));
}

static metrng_status unanswered(metrng *session) {
    return metrngi_fail(METRNG_UNAVAILABLE,
                        "the daemon at %s does not answer; `mectl status` says how it is",
                        session->path);
}

metrng_status metrngi_send(metrng *session, int descriptor, const void *bytes, size_t count,
                           int64_t deadline) {
    const char *next = bytes;
    while (count > 0) {
        ssize_t sent = send(descriptor, next, count, MSG_NOSIGNAL);
        if (sent >= 0) {
            next += sent;
            count -= (size_t)sent;
        } else if (errno == EAGAIN) {
            metrng_status status = metrngi_wait(session, descriptor, POLLOUT, deadline);
            if (status == METRNG_UNAVAILABLE) return unanswered(session);
            if (status != METRNG_OK) return status;
        } else if (errno != EINTR) {
            return lost(session, errno);
        }
    }
    return METRNG_OK;
}

metrng_status metrngi_receive_some(metrng *session, int descriptor, void *bytes, size_t count,
                                   size_t *received) {
    for (;;) {
        ssize_t got = recv(descriptor, bytes, count, 0);
        if (got > 0) {
            *received = (size_t)got;
            return METRNG_OK;
        }
        *received = 0;
        if (got == 0) return lost(session, 0);
        if (errno == EAGAIN) return METRNG_OK;
        if (errno != EINTR) return lost(session, errno);
    }
}

metrng_status metrngi_receive_all(metrng *session, int descriptor, void *bytes, size_t count,
                                  int64_t deadline) {
    char *next = bytes;
    while (count > 0) {
        size_t received;
        metrng_status status = metrngi_receive_some(session, descriptor, next, count, &received);
        if (status == METRNG_OK && received == 0) {
            status = metrngi_wait(session, descriptor, POLLIN, deadline);
            if (status == METRNG_UNAVAILABLE) return unanswered(session);
        }
        if (status != METRNG_OK) return status;
        next += received;
        count -= received;
    }
    return METRNG_OK;
}
