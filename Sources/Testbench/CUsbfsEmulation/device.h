// SPDX-License-Identifier: Apache-2.0

#ifndef METRNG_CUSBFSEMULATION_DEVICE_H
#define METRNG_CUSBFSEMULATION_DEVICE_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/ioctl.h>
// After the one above, which it needs.
#include <linux/usbdevice_fs.h>
#include <umockdev.h>

#include "CUsbfsEmulation.h"

struct ue_bus {
    UMockdevTestbed *testbed;
    char *directory;
    unsigned last_address;
    GPtrArray *devices;  // plugged in
    GPtrArray *gone;     // that were, until the end: programs may have them open

    pthread_t ticker;  // asks again what had no answer
    pthread_mutex_t lock;
    pthread_cond_t wakes;
    bool ends;
};

// A transfer that a program submitted and has not got back.
struct ue_urb {
    UMockdevIoctlData *urb;  // the struct usbdevfs_urb of the program
    UMockdevIoctlData *buffer;
    UMockdevIoctlClient *client;
    bool is_done;
};

// All of it is under the lock of the bus.
struct ue_device {
    struct ue_bus *bus;
    struct ue_function function;
    UMockdevIoctlBase *handler;
    char *node;  // "/dev/bus/usb/001/002"
    char *place;
    char *devpath;  // in /sys
    int fifo;       // the node: a byte in it means that there is nothing to reap
    bool shows_ready;
    bool is_gone;
    UMockdevIoctlClient *holder;  // of the interface
    GPtrArray *urbs;              // struct ue_urb, in the order of their submission
};

// Answers an ioctl of a program. Called from the thread of umockdev.
gboolean ue_handle_ioctl(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer device);

// Forgets a program that has closed the device.
void ue_client_vanished(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer device);

// Asks the device for everything that waits. With the lock.
//
// Returns whether something still waits.
bool ue_advance(struct ue_device *device);

// Lets every transfer fail with a status. With the lock.
void ue_fail_all(struct ue_device *device, int status);

// Lets the node poll as there is something to reap or not. With the lock.
void ue_show_readiness(struct ue_device *device);

void ue_free_urb(gpointer urb);

#endif
