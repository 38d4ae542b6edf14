// SPDX-License-Identifier: Apache-2.0

#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum { INTERFACE = 0 };

struct timespec bl_after(uint32_t milliseconds) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += milliseconds / 1000;
    time.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (time.tv_nsec >= 1000000000) {
        time.tv_sec += 1;
        time.tv_nsec -= 1000000000;
    }
    return time;
}

// MARK: opening and closing

static bool is_same(libusb_device *device, const struct bl_device *wanted) {
    char place[sizeof wanted->place];
    bl_describe_place(device, place, sizeof place);
    return libusb_get_bus_number(device) == wanted->bus &&
           libusb_get_device_address(device) == wanted->address &&
           strcmp(place, wanted->place) == 0;
}

static int open_device(struct bl_link *link, const struct bl_device *wanted,
                       libusb_device_handle **handle) {
    libusb_device **devices;
    ssize_t count = bl_devices(link, &devices);
    if (count < 0) return bl_error_of_usb((int)count);
    int error = BL_GONE;
    for (ssize_t i = 0; i < count && error == BL_GONE; i++) {
        if (is_same(devices[i], wanted)) error = bl_error_of_usb(libusb_open(devices[i], handle));
    }
    libusb_free_device_list(devices, 1);
    return error;
}

static int open_and_claim(struct bl_link *link, const struct bl_device *device,
                          libusb_device_handle **handle) {
    int error = open_device(link, device, handle);
    if (error != 0) return error;
    // Not every system can; then a driver that is there makes the claim fail.
    libusb_set_auto_detach_kernel_driver(*handle, 1);
    error = bl_error_of_usb(libusb_claim_interface(*handle, INTERFACE));
    if (error != 0) libusb_close(*handle);
    return error;
}

static struct bl_board *make_board(struct bl_link *link, libusb_device_handle *handle) {
    struct bl_board *board = calloc(1, sizeof *board);
    if (board == NULL) return NULL;
    board->link = link;
    board->handle = handle;
    pthread_mutex_init(&board->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&board->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return board;
}

static void enter(struct bl_board *board) {
    pthread_mutex_lock(&board->link->lock);
    board->next = board->link->boards;
    board->link->boards = board;
    pthread_mutex_unlock(&board->link->lock);
}

static void leave(struct bl_board *board) {
    pthread_mutex_lock(&board->link->lock);
    struct bl_board **place = &board->link->boards;
    while (*place != board) place = &(*place)->next;
    *place = board->next;
    pthread_mutex_unlock(&board->link->lock);
}

static bool is_listed(struct bl_board *board) {
    libusb_device **devices;
    ssize_t count = bl_devices(board->link, &devices);
    if (count < 0) return true;
    bool found = false;
    for (ssize_t i = 0; i < count; i++) {
        found = found || devices[i] == libusb_get_device(board->handle);
    }
    libusb_free_device_list(devices, 1);
    return found;
}

int bl_open(struct bl_link *link, const struct bl_device *device, struct bl_board **out) {
    libusb_device_handle *handle;
    int error = open_and_claim(link, device, &handle);
    if (error != 0) return error;
    struct bl_board *board = make_board(link, handle);
    if (board == NULL) {
        libusb_close(handle);
        return BL_NO_MEMORY;
    }
    enter(board);
    // One that left before it was entered was not marked as gone.
    if (!is_listed(board)) atomic_store(&board->is_gone, true);
    *out = board;
    return 0;
}

void bl_close(struct bl_board *board) {
    bl_stream_stop(board);
    leave(board);
    libusb_release_interface(board->handle, INTERFACE);
    libusb_close(board->handle);
    bl_free_stream(board);
    bl_free_lost_request(board);
    pthread_cond_destroy(&board->changed);
    pthread_mutex_destroy(&board->lock);
    free(board);
}

bool bl_is_present(const struct bl_board *board) { return !atomic_load(&board->is_gone); }

// MARK: the whole device

int bl_clear_halt(struct bl_board *board, uint8_t endpoint) {
    return bl_error_of_usb(libusb_clear_halt(board->handle, endpoint));
}

int bl_reset(struct bl_board *board) {
    bl_stream_stop(board);
    int result = libusb_reset_device(board->handle);
    // It came back with other descriptors, or not at all.
    bool is_another = result == LIBUSB_ERROR_NOT_FOUND;
    return is_another ? BL_GONE : bl_error_of_usb(result);
}
