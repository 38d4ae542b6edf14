// SPDX-License-Identifier: Apache-2.0

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "Internal.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "words are used in memory as they come: this needs a little-endian processor"
#endif

static const char default_path[] = "/run/metrng/entropy.sock";

// MARK: Locks and forks

// Its address tells threads apart.
static _Thread_local char thread_mark;

// What a new state, and that of a forked child, begins with. False when a child of this process
// would not get an empty one.
static bool begin_state(metrng *session) {
    struct metrng_state *state = session->state;
    metrngi_clear_reserve(state);
    state->is_alive = METRNGI_ALIVE;
    return madvise(state, sizeof *state, MADV_WIPEONFORK) == 0;
}

// Makes the state of a forked child its own. The kernel has zeroed it.
static void begin_in_child(metrng *session) {
    int parents = __atomic_exchange_n(&session->descriptor, -1, __ATOMIC_SEQ_CST);
    if (parents >= 0) close(parents);
    session->is_forked |= session->records;
    session->is_unsafe = !begin_state(session);
}

void metrng_lock(metrng *session) {
    struct metrng_state *state = session->state;
    uintptr_t me = (uintptr_t)&thread_mark;
    if (__atomic_load_n(&state->owner, __ATOMIC_RELAXED) != me) {
        pthread_mutex_lock(&state->mutex);
        __atomic_store_n(&state->owner, me, __ATOMIC_RELAXED);
    }
    if (state->depth++ == 0) {
        if (state->is_alive != METRNGI_ALIVE) begin_in_child(session);
        memset(&state->call, 0, sizeof state->call);
    }
}

// Accounts for the words of the outermost call.
static metrng_status finish(metrng *session, metrng_status status) {
    struct metrng_state *state = session->state;
    metrng_status settled = metrngi_settle(session);
    if (status == METRNG_OK) status = settled;
    if (status == METRNG_OK && state->call.has_origin) {
        state->origin = state->call.origin;
        state->has_origin = true;
    }
    return status;
}

static metrng_status unlock(metrng *session, metrng_status status) {
    struct metrng_state *state = session->state;
    if (__atomic_load_n(&state->owner, __ATOMIC_RELAXED) != (uintptr_t)&thread_mark) return status;
    if (state->depth == 1) status = finish(session, status);
    if (--state->depth > 0) return status;
    __atomic_store_n(&state->owner, 0, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&state->mutex);
    return status;
}

void metrng_unlock(metrng *session) { (void)unlock(session, METRNG_OK); }

void metrngi_enter(metrng *session) {
    metrng_lock(session);
    struct metrngi_call *call = &session->state->call;
    call->deadline = call->outage_since = 0;
    call->attempts = 0;
}

metrng_status metrngi_leave(metrng *session, metrng_status status) {
    return unlock(session, status);
}

metrng_reserve *metrng_get_reserve(metrng *session) { return &session->state->reserve; }

metrng_status metrng_refill(metrng *session) {
    metrngi_enter(session);
    return metrngi_leave(session, metrngi_refill(session, 1, 1));
}

metrng_status metrng_reserve_words(metrng *session, size_t count) {
    if (count > METRNGI_RESERVE_WORDS)
        return metrngi_fail(METRNG_INVALID_ARGUMENT, "at most %d words can be reserved",
                            METRNGI_RESERVE_WORDS);
    metrngi_enter(session);
    return metrngi_leave(session, metrngi_refill(session, count, count));
}

// MARK: Options

static bool is_seconds(double seconds) { return seconds >= 0 && seconds <= 1e9; }

static metrng_status check_options(const metrng_options *options) {
    if (options->grade != METRNG_RAW && options->grade != METRNG_FULL)
        return metrngi_fail(METRNG_INVALID_ARGUMENT, "there is no grade %d", (int)options->grade);
    if (!is_seconds(options->reconnect_seconds))
        return metrngi_fail(METRNG_INVALID_ARGUMENT, "reconnect_seconds must be in 0 ... 1e9");
    if (isnan(options->wait_seconds) || options->wait_seconds > 1e9)
        return metrngi_fail(METRNG_INVALID_ARGUMENT,
                            "wait_seconds must be negative, for ever, or in 0 ... 1e9");
    size_t length = 0;
    for (; options->client && options->client[length]; length++)
        if (options->client[length] < ' ' || options->client[length] > '~' || length == 40)
            return metrngi_fail(METRNG_INVALID_ARGUMENT,
                                "client must be at most 40 bytes of printable ASCII");
    return METRNG_OK;
}

// The options of a caller that may have been compiled with another version of the header.
static metrng_status read_options(metrng_options *options, const metrng_options *from) {
    *options = (metrng_options)METRNG_OPTIONS_INIT;
    if (!from) return METRNG_OK;
    size_t known = from->size < sizeof *options ? from->size : sizeof *options;
    if (known < sizeof options->size)
        return metrngi_fail(METRNG_INVALID_ARGUMENT,
                            "options.size is wrong; initialise options with METRNG_OPTIONS_INIT");
    for (size_t i = sizeof *options; i < from->size; i++)
        if (((const char *)from)[i])
            return metrngi_fail(METRNG_INVALID_ARGUMENT,
                                "libmetrng %s does not know an option of its caller; it is too old",
                                METRNG_VERSION);
    memcpy(options, from, known);
    return check_options(options);
}

static metrng_status choose_path(metrng *session, const char *path) {
    if (!path) path = getenv("METRNG_SOCKET");
    if (!path || !*path) path = default_path;
    size_t length = strlen(path);
    if (length >= sizeof session->path)
        return metrngi_fail(METRNG_INVALID_ARGUMENT,
                            "the path of a socket has at most %zu bytes, this one %zu",
                            sizeof session->path - 1, length);
    memcpy(session->path, path, length + 1);
    return METRNG_OK;
}

// MARK: Opening and closing

// A session that is neither connected nor reads a recording.
static metrng_status make_session(metrng **made, const metrng_options *options) {
    metrng *session = calloc(1, sizeof *session);
    void *state = mmap(NULL, sizeof *session->state, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!session || state == MAP_FAILED) {
        free(session);
        if (state != MAP_FAILED) munmap(state, sizeof *session->state);
        return metrngi_fail_plainly(METRNG_NO_MEMORY);
    }
    session->state = state;
    session->descriptor = session->record_descriptor = session->replay_descriptor = -1;
    session->grade = options->grade;
    session->allow_simulated = options->allow_simulated != 0;
    session->reconnect_nanoseconds = (int64_t)(options->reconnect_seconds * 1e9);
    session->wait_nanoseconds =
        options->wait_seconds < 0 ? -1 : (int64_t)(options->wait_seconds * 1e9);
    session->interrupted = options->interrupted;
    session->context = options->context;
    snprintf(session->name, sizeof session->name, "%s, libmetrng %s",
             options->client ? options->client : "C", METRNG_VERSION);
    *made = session;
    if (begin_state(session) && madvise(state, sizeof *session->state, MADV_DONTDUMP) == 0)
        return METRNG_OK;
    return metrngi_fail(METRNG_NO_MEMORY,
                        "this kernel cannot keep memory from forked children and core dumps: %s; "
                        "Linux 4.14 or later is needed",
                        strerror(errno));
}

void metrng_close(metrng *session) {
    if (!session) return;
    metrngi_enter(session);
    if (metrngi_settle(session) == METRNG_OK) (void)metrngi_flush(session);
    metrngi_disconnect(session);
    session->state->depth = 1;
    (void)metrngi_leave(session, METRNG_OK);
    pthread_mutex_destroy(&session->state->mutex);
    metrngi_wipe(session->state, sizeof *session->state);
    munmap(session->state, sizeof *session->state);
    free(session);
}

// Ends an opening: the session, or nothing and the reason.
static metrng_status opened(metrng **session, metrng *made, metrng_status status) {
    if (status == METRNG_OK)
        *session = made;
    else
        metrng_close(made);
    return status;
}

metrng_status metrng_open(metrng **session, const metrng_options *options) {
    metrng_options chosen;
    metrng *made = NULL;
    *session = NULL;
    metrng_status status = read_options(&chosen, options);
    if (status == METRNG_OK) status = make_session(&made, &chosen);
    if (status == METRNG_OK) status = choose_path(made, chosen.path);
    if (status == METRNG_OK) {
        metrngi_enter(made);
        status = metrngi_leave(made, metrngi_connect(made));
    }
    if (status == METRNG_OK && chosen.record_descriptor >= 0)
        status = metrng_record(made, chosen.record_descriptor);
    return opened(session, made, status);
}

metrng_status metrng_open_replay(metrng **session, int descriptor, const metrng_options *options) {
    metrng_options chosen;
    metrng *made = NULL;
    *session = NULL;
    metrng_status status = read_options(&chosen, options);
    if (status == METRNG_OK) status = make_session(&made, &chosen);
    if (status == METRNG_OK) {
        made->is_replay = made->records = true;
        made->replay_descriptor = descriptor;
        status = metrngi_begin_replay(made);
    }
    if (status == METRNG_OK && chosen.record_descriptor >= 0)
        status = metrng_record(made, chosen.record_descriptor);
    return opened(session, made, status);
}

// MARK: Truth

metrng_status metrng_get_origin(metrng *session, metrng_origin *origin) {
    metrngi_enter(session);
    struct metrng_state *state = session->state;
    metrng_status status = metrngi_settle(session);
    // Between metrng_lock and metrng_unlock a call is under way.
    bool is_under_way = state->call.has_origin;
    if (!is_under_way && !state->has_origin)
        status = metrngi_fail(METRNG_UNAVAILABLE, "no bits were drawn yet that have an origin");
    *origin = is_under_way ? state->call.origin : state->origin;
    return metrngi_leave(session, status);
}

metrng_status metrng_get_report(metrng *session, metrng_report *report, size_t size) {
    metrngi_enter(session);
    struct metrng_state *state = session->state;
    metrng_status status = metrngi_settle(session);
    metrng_report now = state->report;
    now.bytes_at_hand = metrngi_at_hand(session) * 8;
    now.bytes_in_flight = metrngi_in_flight(&state->connection);
    if (size > sizeof now) size = sizeof now;
    memcpy(report, &now, size);
    return metrngi_leave(session, status);
}

metrng_status metrng_info(metrng *session, char *json, size_t size, size_t *needed) {
    metrngi_enter(session);
    if (size > 0) json[0] = 0;
    if (needed) *needed = 0;
    metrng_status status =
        session->is_replay
            ? metrngi_fail(METRNG_NOT_OFFERED, "a recording of words does not describe itself")
            : metrngi_fetch_info(session, json, size, needed);
    return metrngi_leave(session, status);
}
