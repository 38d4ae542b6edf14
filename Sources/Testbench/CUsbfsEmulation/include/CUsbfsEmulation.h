// SPDX-License-Identifier: Apache-2.0
//
// A USB that is not there, for unmodified programs: they run as `UMOCKDEV_DIR=DIRECTORY
// umockdev-wrapper PROGRAM` and find its devices in /sys and /dev, through udev, and behind the
// ioctls of usbfs.
//
// The program that has the bus runs under umockdev-wrapper as well: without it nobody hears of a
// plug.
//
// Threads. Any thread may call anything here, but plugs and unplugs of one bus come one at a time.
// The functions of a device are called one at a time, from threads of the bus.
//
// A program that still uses the bus when it is stopped is aborted by umockdev.

#ifndef METRNG_CUSBFSEMULATION_H
#define METRNG_CUSBFSEMULATION_H

#include <stddef.h>
#include <stdint.h>

// What a device does. The results are a number of bytes, UE_NOT_YET, or the negative errno that
// usbfs gives as the status of a URB. Everything returns at once; `context` is passed on.
struct ue_function {
    void *context;
    // Any request on endpoint 0. `data` has room for the `length` bytes of the data stage.
    int (*control)(void *context, const uint8_t setup[8], uint8_t *data, size_t length);
    int (*read)(void *context, uint8_t endpoint, uint8_t *data, size_t room);
    int (*write)(void *context, uint8_t endpoint, const uint8_t *data, size_t length);
    void (*clear_halt)(void *context, uint8_t endpoint);
    void (*reset)(void *context);
};

// The device has no answer now. It is asked again a millisecond later.
enum { UE_NOT_YET = -0x10000 };

// What /sys says of a device. Nothing is kept after ue_plug.
struct ue_identity {
    const char *place;  // bus 1 and ports, as "1-2.3"
    const char *speed;  // in Mbit/s, as the kernel writes it: "480"
    const char *manufacturer;
    const char *product;
    const char *serial;
    const uint8_t *device;  // the descriptor of 18 bytes
    const uint8_t *configuration;
    size_t configuration_length;
};

struct ue_bus;
struct ue_device;

// Returns NULL when this program does not run under umockdev-wrapper. The bus is the caller's until
// ue_bus_stop.
struct ue_bus *ue_bus_start(void);

// Unplugs everything and takes the directory away.
void ue_bus_stop(struct ue_bus *bus);

// UMOCKDEV_DIR for programs. The bus's.
const char *ue_bus_directory(const struct ue_bus *bus);

// Plugs a device in, which gets the next address of the bus. Returns NULL when umockdev refuses.
// `*function` is copied; its context has to live as long as the bus.
struct ue_device *ue_plug(struct ue_bus *bus, const struct ue_identity *identity,
                          const struct ue_function *function);

// Pulls the device out: its transfers fail, and then it is gone.
void ue_unplug(struct ue_device *device);

#endif
