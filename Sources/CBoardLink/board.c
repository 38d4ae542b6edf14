// SPDX-License-Identifier: Apache-2.0

#include <stdlib.h>

#include "internal.h"

enum { INTERFACE = 0 };

static int open_device(struct bl_link *link, const struct bl_device *wanted,
                       libusb_device_handle **handle) {
    libusb_device **devices;
    ssize_t count = libusb_get_device_list(link->context, &devices);
    if (count < 0) return bl_error_of_usb((int)count);
    int error = BL_GONE;
    for (ssize_t i = 0; i < count; i++) {
        // An address is given to another device only after this one is gone.
        if (libusb_get_bus_number(devices[i]) == wanted->bus &&
            libusb_get_device_address(devices[i]) == wanted->address) {
            error = bl_error_of_usb(libusb_open(devices[i], handle));
            break;
        }
    }
    libusb_free_device_list(devices, 1);
    return error;
}

int bl_open(struct bl_link *link, const struct bl_device *device, struct bl_board **out) {
    struct bl_board *board = calloc(1, sizeof *board);
    if (board == NULL) return BL_NO_MEMORY;
    board->link = link;
    pthread_mutex_init(&board->lock, NULL);
    int error = open_device(link, device, &board->handle);
    if (error == 0) {
        // Not every system can; then a driver that is there makes the claim fail.
        libusb_set_auto_detach_kernel_driver(board->handle, 1);
        error = bl_error_of_usb(libusb_claim_interface(board->handle, INTERFACE));
        if (error != 0) libusb_close(board->handle);
    }
    if (error != 0) {
        pthread_mutex_destroy(&board->lock);
        free(board);
        return error;
    }
    pthread_mutex_lock(&link->lock);
    board->next = link->boards;
    link->boards = board;
    pthread_mutex_unlock(&link->lock);
    *out = board;
    return 0;
}

static void forget(struct bl_board *board) {
    pthread_mutex_lock(&board->link->lock);
    struct bl_board **place = &board->link->boards;
    while (*place != board) place = &(*place)->next;
    *place = board->next;
    pthread_mutex_unlock(&board->link->lock);
}

bool bl_is_present(const struct bl_board *board) { return !atomic_load(&board->is_gone); }

void bl_close(struct bl_board *board) {
    bl_stream_stop(board);
    forget(board);
    libusb_release_interface(board->handle, INTERFACE);
    libusb_close(board->handle);
    pthread_mutex_destroy(&board->lock);
    free(board);
}

int bl_control(struct bl_board *board, uint8_t type, uint8_t request, uint16_t value,
               uint16_t index, void *data, uint16_t length, uint32_t milliseconds) {
    int count = libusb_control_transfer(board->handle, type, request, value, index, data, length,
                                        milliseconds);
    return count >= 0 ? count : bl_error_of_usb(count);
}

int bl_bulk_out(struct bl_board *board, uint8_t endpoint, const void *data, size_t length,
                uint32_t milliseconds) {
    int sent = 0;
    int error = libusb_bulk_transfer(board->handle, endpoint, (unsigned char *)data, (int)length,
                                     &sent, milliseconds);
    if (error != 0) return bl_error_of_usb(error);
    return (size_t)sent == length ? 0 : BL_IO;
}

int bl_clear_halt(struct bl_board *board, uint8_t endpoint) {
    return bl_error_of_usb(libusb_clear_halt(board->handle, endpoint));
}

int bl_reset(struct bl_board *board) { return bl_error_of_usb(libusb_reset_device(board->handle)); }

struct bl_counters bl_counters_of(const struct bl_board *board) {
    return (struct bl_counters){
        .bytes = atomic_load_explicit(&board->bytes, memory_order_relaxed),
        .transfers = atomic_load_explicit(&board->transfers, memory_order_relaxed),
        .failures = atomic_load_explicit(&board->failures, memory_order_relaxed),
        .recoveries = atomic_load_explicit(&board->recoveries, memory_order_relaxed),
    };
}
