// SPDX-License-Identifier: Apache-2.0
//
// Reading the stream: from the queue of finished transfers to the caller's memory.

#include <errno.h>
#include <string.h>

#include "internal.h"

// How long a read may wait: to a moment, and to the next interruption.
struct patience {
    struct timespec limit;
    uint64_t interruptions;
};

static struct patience begin(struct bl_board *board, int milliseconds) {
    struct patience patience = {.limit = bl_after(milliseconds > 0 ? (uint32_t)milliseconds : 0)};
    pthread_mutex_lock(&board->lock);
    patience.interruptions = board->stream.interruptions;
    pthread_mutex_unlock(&board->lock);
    return patience;
}

// The first transfer of the queue, NULL when it is empty. With the lock.
static struct bl_slot *first(const struct bl_stream *stream) {
    return stream->queued == 0 ? NULL : &stream->slots[stream->queue[stream->first]];
}

// The first transfer of the queue, for which it waits.
//
// Returns NULL when none came in time, the wait was interrupted, or none can come; the last sets
// the error of the stream.
static struct bl_slot *wait_for_slot(struct bl_board *board, const struct patience *patience) {
    struct bl_stream *stream = &board->stream;
    pthread_mutex_lock(&board->lock);
    int waited = 0;
    while (stream->queued == 0 && stream->in_flight > 0 && waited != ETIMEDOUT &&
           stream->interruptions == patience->interruptions) {
        waited = pthread_cond_timedwait(&board->changed, &board->lock, &patience->limit);
    }
    if (stream->queued == 0 && stream->in_flight == 0) {
        stream->halted = true;
        stream->error = stream->submit_error;
    }
    struct bl_slot *slot = first(stream);
    pthread_mutex_unlock(&board->lock);
    return slot;
}

static struct bl_slot *look_for_slot(struct bl_board *board) {
    pthread_mutex_lock(&board->lock);
    struct bl_slot *slot = first(&board->stream);
    pthread_mutex_unlock(&board->lock);
    return slot;
}

// Wipes the first transfer of the queue, which was read to its end, and submits it to the
// endpoint again. The last one of a stream that stands still sets its error instead.
static void recycle(struct bl_board *board, struct bl_slot *slot) {
    struct bl_stream *stream = &board->stream;
    explicit_bzero(slot->transfer->buffer, (size_t)slot->transfer->actual_length);
    stream->consumed = 0;
    stream->error = bl_error_of_status(slot->transfer->status);
    pthread_mutex_lock(&board->lock);
    slot->whereabouts = BL_IDLE;
    stream->first = (stream->first + 1) % stream->shape.transfers;
    stream->queued--;
    pthread_mutex_unlock(&board->lock);
    if (stream->error == 0) stream->error = bl_submit_idle(board);
}

static size_t copy_from(struct bl_board *board, struct bl_slot *slot, unsigned char *buffer,
                        size_t room) {
    struct bl_stream *stream = &board->stream;
    size_t left = (size_t)slot->transfer->actual_length - stream->consumed;
    size_t count = left < room ? left : room;
    memcpy(buffer, slot->transfer->buffer + stream->consumed, count);
    stream->consumed += count;
    if (count == left) recycle(board, slot);
    return count;
}

ssize_t bl_stream_read(struct bl_board *board, void *buffer, size_t room, int milliseconds) {
    struct bl_stream *stream = &board->stream;
    if (!stream->is_started) return BL_OTHER;
    struct patience patience = begin(board, milliseconds);
    size_t count = 0;
    while (count < room && stream->error == 0) {
        struct bl_slot *slot = count == 0 ? wait_for_slot(board, &patience) : look_for_slot(board);
        if (slot == NULL) break;
        count += copy_from(board, slot, (unsigned char *)buffer + count, room - count);
    }
    return count > 0 ? (ssize_t)count : stream->error;
}

void bl_stream_interrupt(struct bl_board *board) {
    pthread_mutex_lock(&board->lock);
    board->stream.interruptions++;
    pthread_cond_broadcast(&board->changed);
    pthread_mutex_unlock(&board->lock);
}
