// SPDX-License-Identifier: Apache-2.0
//
// Boards on the USB, through libusb-1.0: which there are, requests, and the stream of bulk
// transfers. It moves bytes and knows nothing of what they mean.
//
// Threads. A link has one thread of its own, with all signals blocked, that serves libusb. It moves
// finished transfers into a queue and wakes whoever waits for it; nothing here ever calls back. The
// calls for a link or a board come from one thread at a time, but for bl_stream_interrupt, which
// any thread may call while the board is open. Everything that waits does so for a limited time.
//
// Results. Calls that return int or ssize_t give 0 or a count, or one of the negative `bl_error`.

#ifndef METRNG_CBOARDLINK_H
#define METRNG_CBOARDLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum bl_error {
    BL_GONE = -1,           // the device is not on the bus (any more)
    BL_NOT_PERMITTED = -2,  // this user may not open it
    BL_BUSY = -3,           // another program, or a driver that stays, has it
    BL_TIMEOUT = -4,        // no answer in time
    BL_STALL = -5,          // the request was refused, or the endpoint is halted
    BL_OVERFLOW = -6,       // the device sent more than was asked for
    BL_IO = -7,             // the bus could not carry it
    BL_NO_MEMORY = -8,      // no memory that can be locked, or none of the kernel for transfers
    BL_OTHER = -9,
};

// What an error means, in words. Never NULL; a constant.
const char *bl_error_text(int error);

enum bl_speed { BL_SPEED_UNKNOWN, BL_SPEED_FULL, BL_SPEED_HIGH, BL_SPEED_SUPER };

struct bl_id {
    uint16_t vendor;
    uint16_t product;
};

// A device on the bus, as the kernel told of it: nothing is opened to know this.
struct bl_device {
    uint16_t vendor;
    uint16_t product;
    uint8_t bus;
    uint8_t address;
    uint8_t interface_protocol;
    enum bl_speed speed;
    char place[32];  // bus and ports, as "1-2.3"
    char serial[128];
    char product_name[128];
};

// ---------------------------------------------------------------------------------------------
// The link

struct bl_link;

// Starts libusb and the thread. `*out` is the caller's until bl_link_close.
int bl_link_open(struct bl_link **out);

// Ends the thread. All boards of the link have to be closed before.
void bl_link_close(struct bl_link *link);

// A descriptor that polls readable from when a device came or went until bl_link_forget_changes. It
// is the link's. Where the system cannot tell of changes, it is never readable: look from time to
// time.
int bl_link_changes(const struct bl_link *link);
void bl_link_forget_changes(struct bl_link *link);

// Writes up to `room` devices that have one of the ids and a vendor-specific interface of subclass
// 0x4D as their first.
//
// Returns how many.
ssize_t bl_link_list(struct bl_link *link, const struct bl_id *ids, size_t id_count,
                     struct bl_device *out, size_t room);

// ---------------------------------------------------------------------------------------------
// A board

struct bl_board;

// Opens a device of bl_link_list and takes its first interface, also from a driver of the kernel
// that lets go of it. `*out` is the caller's until bl_close.
int bl_open(struct bl_link *link, const struct bl_device *device, struct bl_board **out);

// Ends the stream if there is one, and gives the device back.
void bl_close(struct bl_board *board);

// Whether the device is still on the bus, as far as the system tells of changes.
bool bl_is_present(const struct bl_board *board);

// A control request. `type` has the direction in bit 7. Waits at most `milliseconds`, which is not
// 0.
//
// Returns how many bytes were moved.
int bl_control(struct bl_board *board, uint8_t type, uint8_t request, uint16_t value,
               uint16_t index, void *data, uint16_t length, uint32_t milliseconds);

// Sends all of `data`, or fails.
int bl_bulk_out(struct bl_board *board, uint8_t endpoint, const void *data, size_t length,
                uint32_t milliseconds);

int bl_clear_halt(struct bl_board *board, uint8_t endpoint);

// Resets the device, after which it may be another one: then this returns BL_GONE.
int bl_reset(struct bl_board *board);

// ---------------------------------------------------------------------------------------------
// The stream of a board

struct bl_shape {
    size_t transfer_size;  // bytes, a multiple of every maximum packet size
    unsigned transfers;    // in flight
};

// How to read at a speed. Stays well below the 16 MiB that Linux lends to all USB transfers of the
// machine.
struct bl_shape bl_shape_for(enum bl_speed speed);

// Makes a pool of transfers, whose memory is left out of core dumps and, with `locked`, kept from
// swap, and lets them all wait for the endpoint. Fails with BL_NO_MEMORY when the memory cannot be
// had, or locked. A kernel that lends less than is asked for gets fewer transfers, at least one.
int bl_stream_start(struct bl_board *board, uint8_t endpoint, struct bl_shape shape, bool locked);

// Copies the next bytes of the stream, in order, each once. The memory of a transfer is wiped when
// all of it was copied, and only then does the transfer wait for the endpoint again: while nobody
// reads, the board is not asked for more.
//
// Returns how many bytes; 0 when none came in time or after bl_stream_interrupt. When a transfer
// failed, the bytes before it come first, then its error; from then on the stream stands still, and
// every call gives the error again, until bl_stream_recover.
ssize_t bl_stream_read(struct bl_board *board, void *buffer, size_t room, int milliseconds);

// Lets a read that is waiting return 0. Any thread.
void bl_stream_interrupt(struct bl_board *board);

// Takes all transfers back, clears the halt of the endpoint, and lets them wait for it again. Bytes
// that were not read are lost.
int bl_stream_recover(struct bl_board *board);

// Takes all transfers back and frees them, their memory wiped.
void bl_stream_stop(struct bl_board *board);

struct bl_counters {
    uint64_t bytes;
    uint64_t transfers;
    uint64_t failures;    // transfers that failed
    uint64_t recoveries;  // calls of bl_stream_recover
};

// Since the board was opened.
struct bl_counters bl_counters_of(const struct bl_board *board);

#endif
