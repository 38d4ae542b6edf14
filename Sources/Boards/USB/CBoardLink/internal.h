// SPDX-License-Identifier: Apache-2.0

#ifndef METRNG_CBOARDLINK_INTERNAL_H
#define METRNG_CBOARDLINK_INTERNAL_H

#include <libusb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "CBoardLink.h"

enum {
    // How long transfers may take to come back once they are cancelled. The kernel gives all of
    // them back, also those of a device that is gone; the limit is for one that does not.
    BL_TAKE_BACK_MILLISECONDS = 2000,
};

struct bl_link {
    libusb_context *context;
    pthread_t thread;
    atomic_bool ends;
    int changes;  // eventfd
    bool has_hotplug;
    libusb_hotplug_callback_handle hotplug;
    uint64_t devices;  // a digest of those that the thread saw last, where it has to look

    pthread_mutex_t lock;     // of the list; inside it no other lock is taken
    struct bl_board *boards;  // that are open
};

// Where a transfer of the pool is.
enum bl_whereabouts {
    BL_IDLE,       // nowhere: it was not submitted, or was taken back
    BL_IN_FLIGHT,  // with libusb
    BL_QUEUED,     // finished, and not read to its end
};

struct bl_slot {
    struct libusb_transfer *transfer;
    struct bl_board *board;
    enum bl_whereabouts whereabouts;  // under the lock of the board
};

struct bl_stream {
    // For the thread of the board only; unchanged while transfers are in flight.
    bool is_started;
    uint8_t endpoint;
    struct bl_stream_shape shape;
    unsigned char *memory;  // of all transfers, one mapping; NULL: there is none
    struct bl_slot *slots;
    size_t consumed;   // bytes of the first transfer of the queue that were read
    int error;         // that every read gives; 0 when the stream runs
    int submit_error;  // of the last attempt to submit

    // Under the lock of the board.
    unsigned *queue;  // a ring of slot numbers, `transfers` of them
    unsigned first;
    unsigned queued;
    unsigned in_flight;
    bool halted;  // what finishes is not queued: a transfer failed, or all are taken back
    uint64_t interruptions;
};

// A transfer that a call waits for.
struct bl_request {
    struct libusb_transfer *transfer;
    struct bl_board *board;
    bool is_done;  // under the lock of the board
    size_t length;
    unsigned char bytes[];  // for a control request with the set-up
};

// libusb has locks of its own: nothing of it is called with the lock of a board held.
struct bl_board {
    struct bl_link *link;
    struct bl_board *next;  // in the list of the link
    libusb_device_handle *handle;
    atomic_bool is_gone;
    pthread_mutex_t lock;
    pthread_cond_t changed;  // by the monotonic clock
    struct bl_stream stream;
    struct bl_request *lost;  // that the kernel did not give back; NULL as a rule
};

// An error of libusb, or the status of a transfer, as one of ours; success is 0.
int bl_error_of_usb(int error);
int bl_error_of_status(enum libusb_transfer_status status);

// Submits a transfer to libusb.
int bl_submit(struct libusb_transfer *transfer);

// The list that libusb has, as one of its errors or a count. Frees with libusb_free_device_list.
ssize_t bl_devices(struct bl_link *link, libusb_device ***devices);

// Bus and ports, as "1-2.3".
void bl_describe_place(libusb_device *device, char *out, size_t room);

// The monotonic time `milliseconds` from now.
struct timespec bl_after(uint32_t milliseconds);

// Frees what was not given back in time. Only when the device is closed: then nobody has it any
// more.
void bl_free_lost_request(struct bl_board *board);
void bl_free_stream(struct bl_board *board);

// Submits every idle transfer of the pool, as far as the kernel has memory.
//
// Returns 0 when at least one transfer is in flight or queued.
int bl_submit_idle(struct bl_board *board);

#endif
