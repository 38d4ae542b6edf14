// SPDX-License-Identifier: Apache-2.0

#include <errno.h>

#include "internal.h"

const char *bl_error_text(int error) {
    switch (error) {
        case BL_GONE:
            return "it is not on the bus";
        case BL_NOT_PERMITTED:
            return "no permission to open it";
        case BL_BUSY:
            return "in use by another program or a driver";
        case BL_TIMEOUT:
            return "no answer in time";
        case BL_STALL:
            return "endpoint stalled";
        case BL_OVERFLOW:
            return "it sent more than requested";
        case BL_IO:
            return "transfer error on the bus";
        case BL_NO_MEMORY:
            return "no memory for transfers";
        default:
            return "libusb failed";
    }
}

int bl_error_of_usb(int error) {
    switch (error) {
        case LIBUSB_SUCCESS:
            return 0;
        case LIBUSB_ERROR_NO_DEVICE:
            return BL_GONE;
        case LIBUSB_ERROR_ACCESS:
            return BL_NOT_PERMITTED;
        case LIBUSB_ERROR_BUSY:
            return BL_BUSY;
        case LIBUSB_ERROR_TIMEOUT:
            return BL_TIMEOUT;
        case LIBUSB_ERROR_PIPE:
            return BL_STALL;
        case LIBUSB_ERROR_OVERFLOW:
            return BL_OVERFLOW;
        case LIBUSB_ERROR_IO:
            return BL_IO;
        case LIBUSB_ERROR_NO_MEM:
            return BL_NO_MEMORY;
        default:
            return BL_OTHER;
    }
}

int bl_error_of_status(enum libusb_transfer_status status) {
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

int bl_submit(struct libusb_transfer *transfer) {
    errno = 0;
    int error = libusb_submit_transfer(transfer);
    // For a control request libusb 1.0.26 gives any failure of the ioctl this name, and leaves
    // errno as it was.
    if (error == LIBUSB_ERROR_IO && errno == ENOMEM) error = LIBUSB_ERROR_NO_MEM;
    return bl_error_of_usb(error);
}
