// SPDX-License-Identifier: Apache-2.0
//
// The pool of transfers: how it is made, submitted, taken back and freed.

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "CLinux.h"
#include "internal.h"

enum { TRANSFERS = 16 };

// MARK: shape

struct bl_stream_shape bl_shape(enum bl_speed speed) {
    size_t size = speed == BL_SPEED_SUPER ? 256 << 10 : 64 << 10;
    return (struct bl_stream_shape){.transfer_size = size, .transfers = TRANSFERS};
}

static bool is_possible(struct bl_stream_shape shape) {
    return shape.transfers > 0 && shape.transfer_size > 0 && shape.transfer_size <= INT_MAX &&
           shape.transfers <= SIZE_MAX / shape.transfer_size;
}

static size_t pool_size(const struct bl_stream *stream) {
    return stream->shape.transfer_size * stream->shape.transfers;
}

// MARK: the thread of the link

// Queues a transfer that finished while the stream runs. With the lock.
static void enqueue(struct bl_board *board, struct bl_slot *slot, int error) {
    struct bl_stream *stream = &board->stream;
    slot->whereabouts = BL_QUEUED;
    stream->queue[(stream->first + stream->queued) % stream->shape.transfers] =
        (unsigned)(slot - stream->slots);
    stream->queued++;
    if (error != 0) stream->halted = true;
}

static void finished(struct libusb_transfer *transfer) {
    struct bl_slot *slot = transfer->user_data;
    struct bl_board *board = slot->board;
    pthread_mutex_lock(&board->lock);
    board->stream.in_flight--;
    if (board->stream.halted) {
        slot->whereabouts = BL_IDLE;
    } else {
        enqueue(board, slot, bl_error_of_status(transfer->status));
    }
    pthread_cond_signal(&board->changed);
    pthread_mutex_unlock(&board->lock);
}

// MARK: transfers

// Returns whether the slot was idle, and says of it that it flies.
static bool take_off(struct bl_slot *slot) {
    struct bl_board *board = slot->board;
    pthread_mutex_lock(&board->lock);
    bool is_idle = slot->whereabouts == BL_IDLE && !board->stream.halted;
    if (is_idle) {
        slot->whereabouts = BL_IN_FLIGHT;
        board->stream.in_flight++;
    }
    pthread_mutex_unlock(&board->lock);
    return is_idle;
}

static int submit(struct bl_slot *slot) {
    struct bl_board *board = slot->board;
    if (!take_off(slot)) return 0;
    int error = bl_submit(slot->transfer);
    if (error == 0) return 0;
    pthread_mutex_lock(&board->lock);
    slot->whereabouts = BL_IDLE;
    board->stream.in_flight--;
    pthread_mutex_unlock(&board->lock);
    return error;
}

int bl_submit_idle(struct bl_board *board) {
    struct bl_stream *stream = &board->stream;
    // The kernel may have memory again; a retry helps with nothing else.
    int error = stream->submit_error == BL_NO_MEMORY ? 0 : stream->submit_error;
    for (unsigned i = 0; i < stream->shape.transfers && error == 0; i++) {
        error = submit(&stream->slots[i]);
    }
    stream->submit_error = error;
    pthread_mutex_lock(&board->lock);
    bool has_some = stream->in_flight + stream->queued > 0;
    pthread_mutex_unlock(&board->lock);
    return has_some ? 0 : error;
}

// Halts the stream, cancels the transfers in flight and forgets those that are queued.
//
// Returns whether all came back.
static bool take_back(struct bl_board *board) {
    struct bl_stream *stream = &board->stream;
    pthread_mutex_lock(&board->lock);
    stream->halted = true;
    pthread_mutex_unlock(&board->lock);
    // The last first, so that none is filled because the one before it was taken away. One that
    // does not fly is not found.
    for (unsigned i = stream->shape.transfers; i-- > 0;) {
        libusb_cancel_transfer(stream->slots[i].transfer);
    }
    struct timespec limit = bl_after(BL_TAKE_BACK_MILLISECONDS);
    pthread_mutex_lock(&board->lock);
    int waited = 0;
    while (stream->in_flight > 0 && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&board->changed, &board->lock, &limit);
    }
    bool all = stream->in_flight == 0;
    for (unsigned i = 0; i < stream->shape.transfers; i++) {
        if (stream->slots[i].whereabouts == BL_QUEUED) stream->slots[i].whereabouts = BL_IDLE;
    }
    stream->first = 0;
    stream->queued = 0;
    pthread_mutex_unlock(&board->lock);
    stream->consumed = 0;
    if (all) explicit_bzero(stream->memory, pool_size(stream));
    return all;
}

// Runs a stream whose transfers are all idle.
static int set_off(struct bl_board *board) {
    pthread_mutex_lock(&board->lock);
    board->stream.halted = false;
    pthread_mutex_unlock(&board->lock);
    board->stream.submit_error = 0;
    return bl_submit_idle(board);
}

// MARK: beginning and end

void bl_free_stream(struct bl_board *board) {
    struct bl_stream *stream = &board->stream;
    if (stream->slots != NULL) {
        for (unsigned i = 0; i < stream->shape.transfers; i++) {
            libusb_free_transfer(stream->slots[i].transfer);
        }
    }
    if (stream->memory != NULL) clinux_memory_unmap(stream->memory, pool_size(stream));
    free(stream->queue);
    free(stream->slots);
    stream->queue = NULL;
    stream->slots = NULL;
    stream->memory = NULL;
}

static bool fill(struct bl_board *board, unsigned number) {
    struct bl_stream *stream = &board->stream;
    struct bl_slot *slot = &stream->slots[number];
    slot->board = board;
    slot->transfer = libusb_alloc_transfer(0);
    if (slot->transfer == NULL) return false;
    size_t size = stream->shape.transfer_size;
    libusb_fill_bulk_transfer(slot->transfer, board->handle, stream->endpoint,
                              stream->memory + number * size, (int)size, finished, slot, 0);
    return true;
}

static bool allocate(struct bl_board *board, bool locked) {
    struct bl_stream *stream = &board->stream;
    stream->memory = clinux_memory_map(pool_size(stream), locked);
    stream->queue = calloc(stream->shape.transfers, sizeof *stream->queue);
    stream->slots = calloc(stream->shape.transfers, sizeof *stream->slots);
    if (stream->memory == NULL || stream->queue == NULL || stream->slots == NULL) return false;
    for (unsigned i = 0; i < stream->shape.transfers; i++) {
        if (!fill(board, i)) return false;
    }
    return true;
}

int bl_stream_start(struct bl_board *board, uint8_t endpoint, struct bl_stream_shape shape,
                    bool locked) {
    struct bl_stream *stream = &board->stream;
    bl_stream_stop(board);
    if (stream->memory != NULL) return BL_TIMEOUT;
    if (!is_possible(shape)) return BL_NO_MEMORY;
    stream->endpoint = endpoint;
    stream->shape = shape;
    stream->error = 0;
    if (!allocate(board, locked)) {
        bl_free_stream(board);
        return BL_NO_MEMORY;
    }
    stream->is_started = true;
    int error = set_off(board);
    if (error != 0) bl_stream_stop(board);
    return error;
}

void bl_stream_stop(struct bl_board *board) {
    board->stream.is_started = false;
    if (board->stream.memory == NULL) return;
    // Memory that the kernel may still write to is used for nothing else.
    if (take_back(board)) bl_free_stream(board);
}

int bl_stream_recover(struct bl_board *board) {
    struct bl_stream *stream = &board->stream;
    if (!stream->is_started) return BL_OTHER;
    int error = take_back(board) ? 0 : BL_TIMEOUT;
    if (error == 0) error = bl_clear_halt(board, stream->endpoint);
    if (error == 0) error = set_off(board);
    stream->error = error;
    return error;
}
