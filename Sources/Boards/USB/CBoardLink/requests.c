// SPDX-License-Identifier: Apache-2.0
//
// Transfers that the caller waits for. libusb's own synchronous calls are not used: a thread in one
// of them may find itself serving the transfers of everybody, and waits for ever for one that the
// kernel does not give back.

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static void free_request(struct bl_request *request) {
    libusb_free_transfer(request->transfer);
    explicit_bzero(request->bytes, request->length);
    free(request);
}

void bl_free_lost_request(struct bl_board *board) {
    if (board->lost != NULL) free_request(board->lost);
    board->lost = NULL;
}

static struct bl_request *make_request(struct bl_board *board, size_t length) {
    struct bl_request *request = calloc(1, sizeof *request + length);
    if (request == NULL) return NULL;
    request->board = board;
    request->length = length;
    request->transfer = libusb_alloc_transfer(0);
    if (request->transfer == NULL) {
        free(request);
        return NULL;
    }
    return request;
}

static void finished(struct libusb_transfer *transfer) {
    struct bl_request *request = transfer->user_data;
    struct bl_board *board = request->board;
    pthread_mutex_lock(&board->lock);
    request->is_done = true;
    pthread_cond_signal(&board->changed);
    pthread_mutex_unlock(&board->lock);
}

static bool wait_for(struct bl_request *request, uint32_t milliseconds) {
    struct bl_board *board = request->board;
    struct timespec limit = bl_after(milliseconds);
    pthread_mutex_lock(&board->lock);
    int waited = 0;
    while (!request->is_done && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&board->changed, &board->lock, &limit);
    }
    bool is_done = request->is_done;
    pthread_mutex_unlock(&board->lock);
    return is_done;
}

// Submits and waits. On BL_TIMEOUT the request may be the board's, as its lost one.
//
// Returns how many bytes were moved.
static int perform(struct bl_request *request, uint32_t milliseconds) {
    int error = bl_submit(request->transfer);
    if (error != 0) return error;
    bool is_late = !wait_for(request, milliseconds);
    if (is_late) {
        libusb_cancel_transfer(request->transfer);
        if (!wait_for(request, BL_TAKE_BACK_MILLISECONDS)) {
            request->board->lost = request;
            return BL_TIMEOUT;
        }
    }
    enum libusb_transfer_status status = request->transfer->status;
    if (is_late && status == LIBUSB_TRANSFER_CANCELLED) return BL_TIMEOUT;
    error = bl_error_of_status(status);
    return error != 0 ? error : request->transfer->actual_length;
}

// Whether a request can be made: there is at most one that the kernel has kept.
static bool is_free(struct bl_board *board) {
    if (board->lost != NULL && wait_for(board->lost, 0)) bl_free_lost_request(board);
    return board->lost == NULL;
}

static int control(struct bl_board *board, struct bl_request *request, void *data,
                   uint32_t milliseconds) {
    unsigned char *stage = request->bytes + LIBUSB_CONTROL_SETUP_SIZE;
    size_t length = request->length - LIBUSB_CONTROL_SETUP_SIZE;
    bool is_in = (request->bytes[0] & LIBUSB_ENDPOINT_IN) != 0;
    if (!is_in && length > 0) memcpy(stage, data, length);
    libusb_fill_control_transfer(request->transfer, board->handle, request->bytes, finished,
                                 request, 0);
    int result = perform(request, milliseconds);
    if (is_in && result > 0) memcpy(data, stage, (size_t)result);
    return result;
}

int bl_control(struct bl_board *board, uint8_t type, uint8_t number, uint16_t value, uint16_t index,
               void *data, uint16_t length, uint32_t milliseconds) {
    if (!is_free(board)) return BL_TIMEOUT;
    struct bl_request *request = make_request(board, LIBUSB_CONTROL_SETUP_SIZE + (size_t)length);
    if (request == NULL) return BL_NO_MEMORY;
    libusb_fill_control_setup(request->bytes, type, number, value, index, length);
    int result = control(board, request, data, milliseconds);
    if (board->lost == NULL) free_request(request);
    return result;
}

static int bulk(struct bl_board *board, struct bl_request *request, uint8_t endpoint,
                uint32_t milliseconds) {
    libusb_fill_bulk_transfer(request->transfer, board->handle, endpoint, request->bytes,
                              (int)request->length, finished, request, 0);
    return perform(request, milliseconds);
}

int bl_bulk_out(struct bl_board *board, uint8_t endpoint, const void *data, size_t length,
                uint32_t milliseconds) {
    if (!is_free(board)) return BL_TIMEOUT;
    struct bl_request *request = length > INT_MAX ? NULL : make_request(board, length);
    if (request == NULL) return BL_NO_MEMORY;
    if (length > 0) memcpy(request->bytes, data, length);
    int result = bulk(board, request, endpoint, milliseconds);
    if (board->lost == NULL) free_request(request);
    if (result >= 0) result = (size_t)result == length ? 0 : BL_IO;
    return result;
}

int bl_bulk_in(struct bl_board *board, uint8_t endpoint, void *data, size_t room,
               uint32_t milliseconds) {
    if (!is_free(board)) return BL_TIMEOUT;
    struct bl_request *request = room > INT_MAX ? NULL : make_request(board, room);
    if (request == NULL) return BL_NO_MEMORY;
    int result = bulk(board, request, endpoint, milliseconds);
    if (result > 0) memcpy(data, request->bytes, (size_t)result);
    if (board->lost == NULL) free_request(request);
    return result;
}
