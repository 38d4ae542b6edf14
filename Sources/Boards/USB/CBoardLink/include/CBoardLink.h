// SPDX-License-Identifier: Apache-2.0
//
// Boards on the USB, through libusb-1.0: which there are, requests, and the stream of bulk
// transfers. It moves bytes and knows nothing of what they mean.
//
// Threads. A link has one thread of its own, "metrng-usb", with all signals blocked, that serves
// libusb. It moves finished transfers into a queue and wakes the thread that waits for it; nothing
// here ever calls back. The calls for a link come from one thread at a time, and so do those for a
// board, which may be another thread; but bl_stream_interrupt and bl_is_present may
// come from any thread while the board is open.
//
// Results. Calls that return int or ssize_t give 0 or a count, or one of the negative `bl_error`.
//
// Time. Whatever waits has a limit: the one it is given, and where it takes transfers back from the
// kernel two seconds more. bl_clear_halt and bl_reset wait for the kernel, which gives the device
// five seconds.
//
// Processes. All descriptors are close-on-exec. A child of fork can use nothing of this, and finds
// the memory of the stream zeroed.

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
    BL_IO = -7,             // transfer error on the bus
    BL_NO_MEMORY = -8,      // no memory that can be locked, or none of the kernel for transfers
    BL_OTHER = -9,          // libusb failed in another way, or there is no stream
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
    uint16_t release;  // bcdDevice: 0x0102 is 1.2
    uint8_t bus;
    uint8_t address;
    uint8_t interface_protocol;
    enum bl_speed speed;
    char place[32];          // bus and ports, as "1-2.3"
    char serial[128];        // empty when the device has none, as is
    char product_name[128];  // this; a control character is given as "?"
};

// ---------------------------------------------------------------------------------------------
// The link

struct bl_link;

// Why a link could not be opened.
struct bl_link_failure {
    const char *usb_error;  // libusb's name of its error, a constant; NULL when it was not libusb
    int system_error;       // the errno of the call that failed; 0 when it is not known
};

// Starts libusb and the thread. `*out` is the caller's until bl_link_close; unchanged on failure.
// Then `*failure` says why.
int bl_link_open(struct bl_link **out, struct bl_link_failure *failure);

// Ends the thread. All boards of the link have to be closed before.
void bl_link_close(struct bl_link *link);

// A non-blocking eventfd that polls readable from when a device came or went until it is read, or
// bl_link_forget_changes is called. It is the link's. Where the system cannot tell of changes, the
// link's thread looks once a second.
int bl_link_changes(const struct bl_link *link);
void bl_link_forget_changes(struct bl_link *link);

// Writes up to `room` devices that have one of the ids and a vendor-specific interface of subclass
// 0x4D as their first, whatever its protocol: a board of another version is a board.
//
// Returns how many.
ssize_t bl_link_list(struct bl_link *link, const struct bl_id *ids, size_t id_count,
                     struct bl_device *out, size_t room);

// ---------------------------------------------------------------------------------------------
// A board

struct bl_board;

// Opens the very device that bl_link_list gave, and takes its first interface, also from a driver
// of the kernel that gives it up. `*out` is the caller's until bl_close; unchanged on failure.
int bl_open(struct bl_link *link, const struct bl_device *device, struct bl_board **out);

// Ends the stream if there is one, and gives the device back.
void bl_close(struct bl_board *board);

// Whether the device is still on the bus, as far as the link's thread has heard.
bool bl_is_present(const struct bl_board *board);

// A control request. `type` has the direction in bit 7. Waits at most `milliseconds`: there is no
// waiting for ever. After BL_TIMEOUT the device may have done what was asked of it, or not; it is
// ready for the next request as far as USB is concerned.
//
// Returns how many bytes were moved.
int bl_control(struct bl_board *board, uint8_t type, uint8_t request, uint16_t value,
               uint16_t index, void *data, uint16_t length, uint32_t milliseconds);

// Sends all of `data`, or fails; then a part may have been sent.
int bl_bulk_out(struct bl_board *board, uint8_t endpoint, const void *data, size_t length,
                uint32_t milliseconds);

// Waits for one transfer of an IN endpoint, at most `milliseconds`. `room` is a multiple of every
// maximum packet size. For an endpoint that has no stream now. What a transfer brought that was too
// late is lost.
//
// Returns how many bytes came.
int bl_bulk_in(struct bl_board *board, uint8_t endpoint, void *data, size_t room,
               uint32_t milliseconds);

int bl_clear_halt(struct bl_board *board, uint8_t endpoint);

// Ends the stream and resets the device, after which it may be another one: then this returns
// BL_GONE.
int bl_reset(struct bl_board *board);

// ---------------------------------------------------------------------------------------------
// The stream of a board

struct bl_stream_shape {
    size_t transfer_size;  // bytes, a multiple of every maximum packet size
    unsigned transfers;    // in flight
};

// How to read at a speed. All transfers together have at most a quarter of the 16 MiB that Linux
// lends to USB transfers of the whole machine.
struct bl_stream_shape bl_shape(enum bl_speed speed);

// Makes a pool of transfers, whose memory is left out of core dumps and, with `locked`, kept from
// swap, and submits them all. An earlier stream ends first. Fails with
// BL_NO_MEMORY when the memory cannot be had, or locked. A kernel that lends less than is asked for
// gets fewer transfers, at least one; more of them when it lends more later. Such a kernel may
// refuse requests as well, with the same error.
int bl_stream_start(struct bl_board *board, uint8_t endpoint, struct bl_stream_shape shape,
                    bool locked);

// Copies the next bytes of the stream, in order, each once, to `room` (at least 1) bytes of
// `buffer`. The memory of a transfer is wiped when all of it was copied, and only then does the
// transfer wait for the endpoint again: while nobody reads, the board is not asked for more.
//
// Returns how many bytes; 0 when none came in `milliseconds` or after bl_stream_interrupt; with 0
// or less it takes what is there. When a transfer failed, the bytes before it come first, then its
// error; from then on the stream stands still, and every call gives the error again, until
// bl_stream_recover.
ssize_t bl_stream_read(struct bl_board *board, void *buffer, size_t room, int milliseconds);

// Makes a waiting read return 0; a read that begins later is not affected. Any thread.
void bl_stream_interrupt(struct bl_board *board);

// Takes all transfers back, clears the halt of the endpoint, and submits them again. Bytes
// that were not read are lost. On failure the stream stands still as before.
int bl_stream_recover(struct bl_board *board);

// Takes all transfers back and frees them, their memory wiped. What the kernel does not give back
// in time is kept until bl_close, and bl_stream_start fails with BL_TIMEOUT meanwhile.
void bl_stream_stop(struct bl_board *board);

#endif
