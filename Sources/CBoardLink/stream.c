// SPDX-License-Identifier: Apache-2.0

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "internal.h"

// How long transfers may take to come back once they are cancelled, in milliseconds. libusb gives
// all of them back, also of a device that is gone; the limit is for a kernel that does not.
enum { TAKE_BACK_MILLISECONDS = 5000 };

struct bl_shape bl_shape_for(enum bl_speed speed) {
    size_t size = speed == BL_SPEED_SUPER ? 256 << 10 : 64 << 10;
    return (struct bl_shape){.transfer_size = size, .transfers = 16};
}

static struct timespec after(int milliseconds) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += milliseconds / 1000;
    time.tv_nsec += milliseconds % 1000 * 1000000L;
    if (time.tv_nsec >= 1000000000L) {
        time.tv_sec += 1;
        time.tv_nsec -= 1000000000L;
    }
    return time;
}

static int error_of_status(enum libusb_transfer_status status) {
    switch (status) {
        case LIBUSB_TRANSFER_COMPLETED:
            return 0;
        case LIBUSB_TRANSFER_STALL:
            return BL_STALL;
        case LIBUSB_TRANSFER_NO_DEVICE:
            return BL_GONE;
        case LIBUSB_TRANSFER_OVERFLOW:
            return BL_OVERFLOW;
        case LIBUSB_TRANSFER_TIMED_OUT:
            return BL_TIMEOUT;
        default:
            return BL_IO;
    }
}

// MARK: the thread of the link

static void finished(struct libusb_transfer *transfer) {
    struct bl_slot *slot = transfer->user_data;
    struct bl_stream *stream = slot->stream;
    pthread_mutex_lock(&stream->lock);
    stream->flying--;
    if (stream->taken_back) {
        slot->place = BL_IDLE;
    } else {
        slot->place = BL_QUEUED;
        stream->queue[(stream->first + stream->queued) % stream->count] =
            (unsigned)(slot - stream->slots);
        stream->queued++;
    }
    pthread_cond_signal(&stream->changed);
    pthread_mutex_unlock(&stream->lock);
}

// MARK: transfers

// The lock must not be held: libusb has locks of its own, and calls `finished` under none of them.
static int submit(struct bl_stream *stream, struct bl_slot *slot) {
    pthread_mutex_lock(&stream->lock);
    slot->place = BL_FLYING;
    stream->flying++;
    pthread_mutex_unlock(&stream->lock);
    int error = bl_error_of_usb(libusb_submit_transfer(slot->transfer));
    if (error != 0) {
        pthread_mutex_lock(&stream->lock);
        slot->place = BL_IDLE;
        stream->flying--;
        pthread_mutex_unlock(&stream->lock);
    }
    return error;
}

static int submit_all(struct bl_stream *stream) {
    for (unsigned i = 0; i < stream->count; i++) {
        int error = submit(stream, &stream->slots[i]);
        // What the kernel lends is shared by all: fewer will do.
        if (error == BL_NO_MEMORY && i > 0) return 0;
        if (error != 0) return error;
    }
    return 0;
}

// Cancels what flies and forgets what is queued.
//
// Returns whether all came back.
static bool take_back(struct bl_stream *stream) {
    pthread_mutex_lock(&stream->lock);
    stream->taken_back = true;
    pthread_mutex_unlock(&stream->lock);
    for (unsigned i = 0; i < stream->count; i++) {
        // One that does not fly is not found.
        libusb_cancel_transfer(stream->slots[i].transfer);
    }
    struct timespec limit = after(TAKE_BACK_MILLISECONDS);
    pthread_mutex_lock(&stream->lock);
    int waited = 0;
    while (stream->flying > 0 && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&stream->changed, &stream->lock, &limit);
    }
    bool all = stream->flying == 0;
    for (unsigned i = 0; i < stream->count; i++) {
        if (stream->slots[i].place == BL_QUEUED) stream->slots[i].place = BL_IDLE;
    }
    stream->queued = 0;
    stream->consumed = 0;
    stream->interrupted = false;
    stream->taken_back = !all;
    pthread_mutex_unlock(&stream->lock);
    if (all) explicit_bzero(stream->memory, stream->transfer_size * stream->count);
    return all;
}

// MARK: beginning and end

static void free_stream(struct bl_stream *stream) {
    if (stream->slots != NULL) {
        for (unsigned i = 0; i < stream->count; i++) {
            libusb_free_transfer(stream->slots[i].transfer);
        }
    }
    if (stream->memory != MAP_FAILED) munmap(stream->memory, stream->transfer_size * stream->count);
    pthread_cond_destroy(&stream->changed);
    pthread_mutex_destroy(&stream->lock);
    free(stream->queue);
    free(stream->slots);
    free(stream);
}

static bool allocate(struct bl_stream *stream, bool locked) {
    size_t size = stream->transfer_size * stream->count;
    stream->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stream->memory == MAP_FAILED) return false;
    madvise(stream->memory, size, MADV_DONTDUMP);
    if (locked && mlock(stream->memory, size) != 0) return false;
    stream->queue = calloc(stream->count, sizeof *stream->queue);
    stream->slots = calloc(stream->count, sizeof *stream->slots);
    if (stream->queue == NULL || stream->slots == NULL) return false;
    for (unsigned i = 0; i < stream->count; i++) {
        struct bl_slot *slot = &stream->slots[i];
        slot->stream = stream;
        slot->transfer = libusb_alloc_transfer(0);
        if (slot->transfer == NULL) return false;
        libusb_fill_bulk_transfer(slot->transfer, stream->board->handle, stream->endpoint,
                                  stream->memory + i * stream->transfer_size,
                                  (int)stream->transfer_size, finished, slot, 0);
    }
    return true;
}

static struct bl_stream *make_stream(struct bl_board *board, uint8_t endpoint,
                                     struct bl_shape shape, bool locked) {
    struct bl_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) return NULL;
    stream->board = board;
    stream->endpoint = endpoint;
    stream->transfer_size = shape.transfer_size;
    stream->count = shape.transfers;
    pthread_mutex_init(&stream->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&stream->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!allocate(stream, locked)) {
        free_stream(stream);
        return NULL;
    }
    return stream;
}

static void adopt(struct bl_board *board, struct bl_stream *stream) {
    pthread_mutex_lock(&board->lock);
    board->stream = stream;
    pthread_mutex_unlock(&board->lock);
}

int bl_stream_start(struct bl_board *board, uint8_t endpoint, struct bl_shape shape, bool locked) {
    bl_stream_stop(board);
    struct bl_stream *stream = make_stream(board, endpoint, shape, locked);
    if (stream == NULL) return BL_NO_MEMORY;
    adopt(board, stream);
    int error = submit_all(stream);
    if (error != 0) bl_stream_stop(board);
    return error;
}

void bl_stream_stop(struct bl_board *board) {
    struct bl_stream *stream = board->stream;
    if (stream == NULL) return;
    adopt(board, NULL);
    // Memory that the kernel may still write to is better lost than used for something else.
    if (take_back(stream)) free_stream(stream);
}

int bl_stream_recover(struct bl_board *board) {
    struct bl_stream *stream = board->stream;
    if (stream == NULL) return BL_OTHER;
    atomic_fetch_add_explicit(&board->recoveries, 1, memory_order_relaxed);
    if (!take_back(stream)) return BL_TIMEOUT;
    int error = bl_clear_halt(board, stream->endpoint);
    if (error == 0) error = submit_all(stream);
    stream->error = error;
    return error;
}

// MARK: reading

// Waits for a finished transfer.
//
// Returns it, or NULL when none came in time or the wait was interrupted.
static struct bl_slot *next_slot(struct bl_stream *stream, int milliseconds) {
    struct timespec limit = after(milliseconds);
    pthread_mutex_lock(&stream->lock);
    int waited = 0;
    while (stream->queued == 0 && !stream->interrupted && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&stream->changed, &stream->lock, &limit);
    }
    stream->interrupted = false;
    struct bl_slot *slot =
        stream->queued == 0 ? NULL : &stream->slots[stream->queue[stream->first]];
    pthread_mutex_unlock(&stream->lock);
    return slot;
}

// Lets a transfer that was read to its end wait for the endpoint again.
static int recycle(struct bl_stream *stream, struct bl_slot *slot) {
    explicit_bzero(slot->transfer->buffer, (size_t)slot->transfer->actual_length);
    pthread_mutex_lock(&stream->lock);
    stream->first = (stream->first + 1) % stream->count;
    stream->queued--;
    pthread_mutex_unlock(&stream->lock);
    stream->consumed = 0;
    return submit(stream, slot);
}

// Copies from a finished transfer, and sets the error of the stream at the end of one that failed.
static size_t copy_from(struct bl_stream *stream, struct bl_slot *slot, unsigned char *buffer,
                        size_t room) {
    struct libusb_transfer *transfer = slot->transfer;
    size_t left = (size_t)transfer->actual_length - stream->consumed;
    size_t count = left < room ? left : room;
    memcpy(buffer, transfer->buffer + stream->consumed, count);
    stream->consumed += count;
    if (count < left) return count;
    struct bl_board *board = stream->board;
    atomic_fetch_add_explicit(&board->transfers, 1, memory_order_relaxed);
    stream->error = error_of_status(transfer->status);
    if (stream->error == 0) stream->error = recycle(stream, slot);
    if (stream->error != 0) atomic_fetch_add_explicit(&board->failures, 1, memory_order_relaxed);
    return count;
}

ssize_t bl_stream_read(struct bl_board *board, void *buffer, size_t room, int milliseconds) {
    struct bl_stream *stream = board->stream;
    if (stream == NULL) return BL_OTHER;
    size_t count = 0;
    while (count < room && stream->error == 0) {
        struct bl_slot *slot = next_slot(stream, count == 0 ? milliseconds : 0);
        if (slot == NULL) break;
        count += copy_from(stream, slot, (unsigned char *)buffer + count, room - count);
    }
    atomic_fetch_add_explicit(&board->bytes, count, memory_order_relaxed);
    return count > 0 ? (ssize_t)count : stream->error;
}

void bl_stream_interrupt(struct bl_board *board) {
    pthread_mutex_lock(&board->lock);
    struct bl_stream *stream = board->stream;
    if (stream != NULL) {
        pthread_mutex_lock(&stream->lock);
        stream->interrupted = true;
        pthread_cond_signal(&stream->changed);
        pthread_mutex_unlock(&stream->lock);
    }
    pthread_mutex_unlock(&board->lock);
}
