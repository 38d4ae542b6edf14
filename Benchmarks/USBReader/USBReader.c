// SPDX-License-Identifier: Apache-2.0
//
// The least that a program can do to read a board: libusb, transfers that are submitted again as
// they come back, and a count of bytes. What the daemon reaches is held against it.
//
//     usb-reader MEBIBYTES [TRANSFER_BYTES [TRANSFERS [VENDOR:PRODUCT]]]
//
// Transfers of 65536 bytes, 16 of them, and the board 1209:0001 when nothing else is said. Prints
// bytes, seconds, and seconds of CPU in a line. Exit status 0, 1 when the board cannot be read, 64
// for a wrong command line.

#include <inttypes.h>
#include <libusb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum {
    STREAM_ENDPOINT = 0x81,
    START = 0x06,
    STOP = 0x07,
    REQUEST_MILLISECONDS = 1000,
    // A board that says nothing for so long is given up.
    SILENCE_SECONDS = 5,
    WRONG_USAGE = 64,
};

struct request {
    uint64_t bytes;
    size_t transfer_size;
    size_t transfers;
    unsigned vendor;
    unsigned product;
};

struct reader {
    uint64_t wanted;
    uint64_t received;
    size_t in_flight;
    int failure;  // status of the first transfer that failed
};

static void give_up(const char *what, int error) {
    fprintf(stderr, "usb-reader: error: %s: %s\n", what, libusb_error_name(error));
    exit(EXIT_FAILURE);
}

// MARK: command line

// A number from 1 to `largest`, or 0.
static uint64_t number(const char *text, uint64_t largest) {
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    return *end == 0 && value <= largest ? value : 0;
}

static bool parse(int count, char **words, struct request *out) {
    *out =
        (struct request){.transfer_size = 65536, .transfers = 16, .vendor = 0x1209, .product = 1};
    if (count < 2 || count > 5) return false;
    out->bytes = number(words[1], UINT32_MAX) << 20;
    if (count > 2) out->transfer_size = number(words[2], 16 << 20);
    if (count > 3) out->transfers = number(words[3], 1024);
    char rest;
    if (count > 4 && sscanf(words[4], "%4x:%4x%c", &out->vendor, &out->product, &rest) != 2) {
        return false;
    }
    return out->bytes > 0 && out->transfer_size > 0 && out->transfers > 0;
}

// MARK: time

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

// MARK: transfers

static void finished(struct libusb_transfer *transfer) {
    struct reader *reader = transfer->user_data;
    reader->in_flight--;
    reader->received += (uint64_t)transfer->actual_length;
    if (reader->failure == 0) reader->failure = (int)transfer->status;
    if (reader->failure != 0 || reader->received >= reader->wanted) return;
    if (libusb_submit_transfer(transfer) != 0) {
        reader->failure = LIBUSB_TRANSFER_ERROR;
    } else {
        reader->in_flight++;
    }
}

static struct libusb_transfer *make_transfer(libusb_device_handle *handle, struct reader *reader,
                                             size_t size) {
    struct libusb_transfer *transfer = libusb_alloc_transfer(0);
    unsigned char *buffer = malloc(size);
    if (transfer == NULL || buffer == NULL) give_up("transfers", LIBUSB_ERROR_NO_MEM);
    libusb_fill_bulk_transfer(transfer, handle, STREAM_ENDPOINT, buffer, (int)size, finished,
                              reader, 0);
    transfer->flags = LIBUSB_TRANSFER_FREE_BUFFER;
    return transfer;
}

static void cancel(struct libusb_transfer **transfers, size_t count) {
    for (size_t i = 0; i < count; i++) libusb_cancel_transfer(transfers[i]);
}

// Serves libusb until enough came, a transfer failed, or nothing came for long; then takes back the
// transfers that are under way. They have no time-out of their own, which libusb would set a timer
// for each time.
static void serve(libusb_context *context, struct reader *reader,
                  struct libusb_transfer **transfers, size_t count) {
    bool is_ending = false;
    while (reader->in_flight > 0) {
        uint64_t before = reader->received;
        struct timeval patience = {.tv_sec = SILENCE_SECONDS};
        double began = seconds();
        libusb_handle_events_timeout_completed(context, &patience, NULL);
        bool is_silent = reader->received == before && seconds() - began >= SILENCE_SECONDS;
        if (is_silent && reader->failure == 0) reader->failure = LIBUSB_TRANSFER_TIMED_OUT;
        if (is_ending || (reader->failure == 0 && reader->received < reader->wanted)) continue;
        is_ending = true;
        cancel(transfers, count);
    }
}

static void stream(libusb_context *context, libusb_device_handle *handle, struct reader *reader,
                   const struct request *request) {
    size_t count = request->transfers;
    struct libusb_transfer **transfers = calloc(count, sizeof *transfers);
    if (transfers == NULL) give_up("transfers", LIBUSB_ERROR_NO_MEM);
    for (size_t i = 0; i < count; i++) {
        transfers[i] = make_transfer(handle, reader, request->transfer_size);
        int error = libusb_submit_transfer(transfers[i]);
        if (error != 0) give_up("submitting", error);
        reader->in_flight++;
    }
    serve(context, reader, transfers, count);
    for (size_t i = 0; i < count; i++) libusb_free_transfer(transfers[i]);
    free(transfers);
}

// MARK: the board

static libusb_device_handle *open_board(libusb_context *context, const struct request *request) {
    libusb_device **devices;
    ssize_t count = libusb_get_device_list(context, &devices);
    libusb_device_handle *handle = NULL;
    int error = LIBUSB_ERROR_NO_DEVICE;
    for (ssize_t i = 0; i < count && handle == NULL; i++) {
        struct libusb_device_descriptor descriptor;
        libusb_get_device_descriptor(devices[i], &descriptor);
        if (descriptor.idVendor != request->vendor || descriptor.idProduct != request->product) {
            continue;
        }
        error = libusb_open(devices[i], &handle);
    }
    if (count >= 0) libusb_free_device_list(devices, 1);
    if (error == 0) error = libusb_claim_interface(handle, 0);
    if (error != 0) give_up("opening", error);
    return handle;
}

static void command(libusb_device_handle *handle, uint8_t request) {
    uint8_t type = LIBUSB_REQUEST_TYPE_VENDOR | LIBUSB_RECIPIENT_INTERFACE;
    int result =
        libusb_control_transfer(handle, type, request, 0, 0, NULL, 0, REQUEST_MILLISECONDS);
    if (result < 0) give_up(request == START ? "START" : "STOP", result);
}

// MARK: all of it

static int measure(libusb_context *context, libusb_device_handle *handle,
                   const struct request *request) {
    struct reader reader = {.wanted = request->bytes};
    command(handle, START);
    double began = seconds(), cpu_began = cpu_seconds();
    stream(context, handle, &reader, request);
    double took = seconds() - began, cpu_took = cpu_seconds() - cpu_began;
    if (reader.received < reader.wanted) {
        fprintf(stderr, "usb-reader: error: a transfer failed with status %d\n", reader.failure);
        return EXIT_FAILURE;
    }
    command(handle, STOP);
    printf("%" PRIu64 " bytes %.3f s %.3f s CPU\n", reader.received, took, cpu_took);
    return EXIT_SUCCESS;
}

int main(int count, char **words) {
    struct request request;
    if (!parse(count, words, &request)) {
        fputs("usage: usb-reader MEBIBYTES [TRANSFER_BYTES [TRANSFERS [VENDOR:PRODUCT]]]\n",
              stderr);
        return WRONG_USAGE;
    }
    libusb_context *context;
    int error = libusb_init(&context);
    if (error != 0) give_up("libusb", error);
    libusb_device_handle *handle = open_board(context, &request);
    int status = measure(context, handle, &request);
    libusb_release_interface(handle, 0);
    libusb_close(handle);
    libusb_exit(context);
    return status;
}
