// SPDX-License-Identifier: Apache-2.0
//
// Recordings of consumed words: writing one while words are used, and reading one in place of the
// daemon. WordsFormat.c has the format.

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "Bytes.h"
#include "Internal.h"

// MARK: Writing

// What one write may take without waiting for a reader: all of it in a file, and in a pipe that is
// ready this much.
static size_t write_limit(int descriptor) {
    struct stat about;
    return fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode) ? SSIZE_MAX : PIPE_BUF;
}

static metrng_status write_all(metrng *session, const void *bytes, size_t count) {
    const char *next = bytes;
    const size_t limit = write_limit(session->record_descriptor);
    while (count > 0) {
        // A write that waits cannot be interrupted by the caller's wish, so the wait comes first.
        if (limit == PIPE_BUF && session->interrupted) {
            metrng_status status = metrngi_wait(session, session->record_descriptor, POLLOUT, 0);
            if (status != METRNG_OK) return status;
        }
        ssize_t written = write(session->record_descriptor, next, count < limit ? count : limit);
        if (written >= 0) {
            next += written;
            count -= (size_t)written;
        } else if (errno == EAGAIN) {
            metrng_status status = metrngi_wait(session, session->record_descriptor, POLLOUT, 0);
            if (status != METRNG_OK) return status;
        } else if (errno != EINTR) {
            return metrngi_fail(METRNG_RECORDING_FAILED, "cannot write the recording of words: %s",
                                strerror(errno));
        }
    }
    return METRNG_OK;
}

metrng_status metrngi_flush(metrng *session) {
    struct metrng_state *state = session->state;
    if (state->record_count == 0) return METRNG_OK;
    struct words_chunk chunk = {
        .count = (uint32_t)(state->record_count * 8),
        .provenance = state->record_source.provenance,
        .grade = state->record_source.grade,
        .epoch = state->record_source.epoch,
    };
    uint8_t header[WORDS_HEADER_BYTES];
    metrngi_write_chunk_header(&chunk, state->records, header);
    metrng_status status = write_all(session, header, sizeof header);
    if (status == METRNG_OK) status = write_all(session, state->records, chunk.count);
    metrngi_wipe(state->records, chunk.count);
    state->record_count = 0;
    if (status != METRNG_OK) state->record_failed = true;
    return status;
}

metrng_status metrngi_append(metrng *session, const void *words, size_t count,
                             struct metrngi_source source) {
    struct metrng_state *state = session->state;
    const uint8_t *next = words;
    metrng_status status = METRNG_OK;
    if (state->record_failed)
        return metrngi_fail(METRNG_RECORDING_FAILED,
                            "the recording of words is incomplete since it could not be written; "
                            "end it");
    if (state->record_count > 0 && !metrngi_same_source(state->record_source, source))
        status = metrngi_flush(session);
    while (count > 0 && status == METRNG_OK) {
        size_t part = WORDS_CHUNK_MAXIMUM / 8 - state->record_count;
        if (part > count) part = count;
        memcpy(state->records + state->record_count, next, part * 8);
        state->record_source = source;
        state->record_count += part;
        next += part * 8;
        count -= part;
        if (state->record_count == WORDS_CHUNK_MAXIMUM / 8) status = metrngi_flush(session);
    }
    return status;
}

// Ends the recording that there is, if any.
static metrng_status end_recording(metrng *session) {
    struct metrng_state *state = session->state;
    metrng_status status = metrngi_settle(session);
    if (status == METRNG_OK && state->is_recording) status = metrngi_flush(session);
    metrngi_wipe(state->shadow, sizeof state->shadow);
    state->is_recording = state->record_failed = false;
    session->records = session->is_replay;
    session->is_forked &= session->is_replay;
    return status;
}

metrng_status metrng_record(metrng *session, int descriptor) {
    metrngi_enter(session);
    struct metrng_state *state = session->state;
    metrng_status status = state->is_recording ? end_recording(session) : metrngi_settle(session);
    session->records = session->is_replay;
    session->is_forked &= session->is_replay;
    metrng_drop_half(&state->reserve);
    if (descriptor >= 0 && status == METRNG_OK) {
        session->record_descriptor = descriptor;
        status = write_all(session, WORDS_FIRST_LINE, WORDS_FIRST_LINE_BYTES);
        if (status == METRNG_OK) {
            memcpy(state->shadow, state->words, sizeof state->words);
            state->is_recording = session->records = true;
        }
    }
    return metrngi_leave(session, status);
}

// MARK: Reading

// The recording gives no more words, now and later.
static metrng_status end_replay(metrng *session, metrng_status status, const char *reason) {
    session->replay_end = status;
    snprintf(session->replay_message, sizeof session->replay_message,
             "the recording of words %s at byte %llu", reason,
             (unsigned long long)session->replay_offset);
    return metrngi_fail(status, "%s", session->replay_message);
}

// Reads `count` bytes, fewer at the end of the file. INTERRUPTED when the caller wishes;
// RECORDING_FAILED, without a message, with errno.
static metrng_status read_all(metrng *session, void *bytes, size_t count, size_t *done) {
    const int descriptor = session->replay_descriptor;
    *done = 0;
    while (*done < count) {
        // A pipe may be empty for long. A negative number is left for read to refuse.
        metrng_status status =
            descriptor < 0 ? METRNG_OK : metrngi_wait(session, descriptor, POLLIN, 0);
        if (status != METRNG_OK) return status;
        ssize_t got = read(descriptor, (char *)bytes + *done, count - *done);
        if (got == 0) break;
        if (got > 0)
            *done += (size_t)got;
        else if (errno != EINTR && errno != EAGAIN)
            return METRNG_RECORDING_FAILED;
    }
    return METRNG_OK;
}

metrng_status metrngi_begin_replay(metrng *session) {
    char line[WORDS_FIRST_LINE_BYTES];
    size_t got;
    metrng_status status = read_all(session, line, sizeof line, &got);
    if (status == METRNG_RECORDING_FAILED)
        return metrngi_fail(status, "cannot read the recording of words: %s", strerror(errno));
    if (status != METRNG_OK) return status;
    if (got != sizeof line || memcmp(line, WORDS_FIRST_LINE, sizeof line) != 0)
        return metrngi_fail(METRNG_RECORDING_FAILED,
                            "this is no recording of words: it does not begin with the line "
                            "\"metrng-words 1\"");
    session->replay_offset = sizeof line;
    return METRNG_OK;
}

// Ends a replay in a chunk of which a part was read.
static metrng_status leave_replay(metrng *session, metrng_status status) {
    if (status != METRNG_INTERRUPTED)
        return end_replay(session, METRNG_RECORDING_FAILED, "cannot be read");
    (void)end_replay(session, METRNG_RECORDING_FAILED,
                     "was left, as the caller wished, in a chunk that begins");
    return metrngi_fail_plainly(status);
}

metrng_status metrngi_replay(metrng *session, uint64_t *words, size_t *received,
                             struct metrngi_source *source) {
    uint8_t header[WORDS_HEADER_BYTES];
    struct words_chunk chunk;
    if (session->replay_end != METRNG_OK)
        return metrngi_fail(session->replay_end, "%s", session->replay_message);
    metrng_status status = metrngi_check_interrupt(session);
    if (status != METRNG_OK) return status;
    size_t got;
    status = read_all(session, header, sizeof header, &got);
    if (got == 0 && status == METRNG_INTERRUPTED) return status;
    if (status != METRNG_OK) return leave_replay(session, status);
    if (got == 0)
        return end_replay(session, METRNG_RECORDING_ENDED,
                          "has ended; record more words: it ended");
    if (got != sizeof header)
        return end_replay(session, METRNG_RECORDING_FAILED, "was cut in a chunk that begins");
    if (!metrngi_parse_chunk_header(header, &chunk))
        return end_replay(session, METRNG_RECORDING_FAILED, "is damaged");
    status = read_all(session, words, chunk.count, &got);
    bool is_intact = status == METRNG_OK && got == chunk.count &&
                     metrngi_chunk_is_intact(header, words, chunk.count);
    if (!is_intact) memset(words, 0, got);
    if (status != METRNG_OK) return leave_replay(session, status);
    if (!is_intact)
        return end_replay(session, METRNG_RECORDING_FAILED,
                          got == chunk.count ? "is damaged" : "was cut in a chunk that begins");
    session->replay_offset += sizeof header + chunk.count;
    *received = chunk.count / 8;
    *source = (struct metrngi_source){METRNG_REPLAY, chunk.grade, chunk.epoch};
    return METRNG_OK;
}
