// SPDX-License-Identifier: Apache-2.0

#ifndef METRNG_CBOARDLINK_INTERNAL_H
#define METRNG_CBOARDLINK_INTERNAL_H

#include <libusb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "CBoardLink.h"

struct bl_link {
    libusb_context *context;
    pthread_t thread;
    atomic_bool ends;
    int changes;  // eventfd
    bool has_hotplug;
    libusb_hotplug_callback_handle hotplug;
    pthread_mutex_t lock;     // of the list
    struct bl_board *boards;  // that are open
};

// Where a transfer of the pool is.
enum bl_place {
    BL_IDLE,    // nowhere: it was not submitted, or was taken back
    BL_FLYING,  // with libusb
    BL_QUEUED,  // finished, and not read to its end
};

struct bl_slot {
    struct libusb_transfer *transfer;
    struct bl_stream *stream;
    enum bl_place place;
};

struct bl_stream {
    struct bl_board *board;
    uint8_t endpoint;
    size_t transfer_size;
    unsigned count;
    unsigned char *memory;  // transfer_size * count bytes, one mapping
    struct bl_slot *slots;

    // Under the lock: places, the queue, and what follows.
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned *queue;  // a ring of slot numbers, `count` of them
    unsigned first;
    unsigned queued;
    unsigned flying;
    bool interrupted;
    bool taken_back;  // finished transfers are not queued: they are being taken back

    // Of the reading thread.
    size_t consumed;  // bytes of the first transfer of the queue that were read
    int error;        // that every read gives; 0 when the stream runs
};

struct bl_board {
    struct bl_link *link;
    struct bl_board *next;  // in the list of the link
    atomic_bool is_gone;
    libusb_device_handle *handle;
    struct bl_stream *stream;
    pthread_mutex_t lock;  // of `stream`, for bl_stream_interrupt
    atomic_uint_fast64_t bytes;
    atomic_uint_fast64_t transfers;
    atomic_uint_fast64_t failures;
    atomic_uint_fast64_t recoveries;
};

// An error of libusb as one of ours; 0 stays 0.
int bl_error_of_usb(int error);

#endif
