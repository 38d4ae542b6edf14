// SPDX-License-Identifier: Apache-2.0

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "internal.h"

enum { SUBCLASS = 0x4D };

const char *bl_error_text(int error) {
    switch (error) {
        case BL_GONE:
            return "it is not on the bus";
        case BL_NOT_PERMITTED:
            return "this user may not open it";
        case BL_BUSY:
            return "another program has it";
        case BL_TIMEOUT:
            return "it did not answer in time";
        case BL_STALL:
            return "it refused";
        case BL_OVERFLOW:
            return "it sent more than was asked for";
        case BL_IO:
            return "the bus could not carry it";
        case BL_NO_MEMORY:
            return "there is no memory for transfers";
        default:
            return "libusb failed";
    }
}

int bl_error_of_usb(int error) {
    switch (error) {
        case LIBUSB_SUCCESS:
            return 0;
        case LIBUSB_ERROR_NO_DEVICE:
        case LIBUSB_ERROR_NOT_FOUND:
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

// MARK: the thread

static void *serve(void *context) {
    struct bl_link *link = context;
    while (!atomic_load(&link->ends)) {
        // Only bl_link_close ends a wait; the limit is for a wake-up that libusb lost.
        struct timeval limit = {.tv_sec = 60};
        libusb_handle_events_timeout_completed(link->context, &limit, NULL);
    }
    return NULL;
}

static int start_thread(struct bl_link *link) {
    if (pthread_create(&link->thread, NULL, serve, link) != 0) return BL_NO_MEMORY;
    pthread_setname_np(link->thread, "metrng-usb");
    return 0;
}

static void mark_gone(struct bl_link *link, libusb_device *device) {
    pthread_mutex_lock(&link->lock);
    for (struct bl_board *board = link->boards; board != NULL; board = board->next) {
        if (libusb_get_device(board->handle) == device) atomic_store(&board->is_gone, true);
    }
    pthread_mutex_unlock(&link->lock);
}

static int on_change(libusb_context *context, libusb_device *device, libusb_hotplug_event event,
                     void *user) {
    (void)context;
    struct bl_link *link = user;
    if (event == LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT) mark_gone(link, device);
    uint64_t one = 1;
    // A full counter is readable anyway.
    ssize_t written = write(link->changes, &one, sizeof one);
    (void)written;
    return 0;
}

static int start(struct bl_link *link) {
    int error = bl_error_of_usb(libusb_init(&link->context));
    if (error != 0) return error;
    int both = LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT;
    int any = LIBUSB_HOTPLUG_MATCH_ANY;
    link->has_hotplug =
        libusb_has_capability(LIBUSB_CAP_HAS_HOTPLUG) &&
        libusb_hotplug_register_callback(link->context, both, 0, any, any, any, on_change, link,
                                         &link->hotplug) == LIBUSB_SUCCESS;
    error = start_thread(link);
    if (error != 0) libusb_exit(link->context);
    return error;
}

int bl_link_open(struct bl_link **out) {
    struct bl_link *link = calloc(1, sizeof *link);
    if (link == NULL) return BL_NO_MEMORY;
    link->changes = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&link->lock, NULL);
    // The threads that are made here, libusb's own among them, take no signals.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = link->changes < 0 ? BL_NO_MEMORY : start(link);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        if (link->changes >= 0) close(link->changes);
        pthread_mutex_destroy(&link->lock);
        free(link);
        return error;
    }
    *out = link;
    return 0;
}

void bl_link_close(struct bl_link *link) {
    atomic_store(&link->ends, true);
    if (link->has_hotplug) libusb_hotplug_deregister_callback(link->context, link->hotplug);
    libusb_interrupt_event_handler(link->context);
    pthread_join(link->thread, NULL);
    libusb_exit(link->context);
    close(link->changes);
    pthread_mutex_destroy(&link->lock);
    free(link);
}

int bl_link_changes(const struct bl_link *link) { return link->changes; }

void bl_link_forget_changes(struct bl_link *link) {
    uint64_t count;
    ssize_t got = read(link->changes, &count, sizeof count);
    (void)got;
}

// MARK: the list

static enum bl_speed speed_of(libusb_device *device) {
    switch (libusb_get_device_speed(device)) {
        case LIBUSB_SPEED_LOW:
        case LIBUSB_SPEED_FULL:
            return BL_SPEED_FULL;
        case LIBUSB_SPEED_HIGH:
            return BL_SPEED_HIGH;
        case LIBUSB_SPEED_UNKNOWN:
            return BL_SPEED_UNKNOWN;
        default:
            return BL_SPEED_SUPER;
    }
}

static void describe_place(libusb_device *device, char *out, size_t room) {
    uint8_t ports[7];
    int count = libusb_get_port_numbers(device, ports, sizeof ports);
    int used = snprintf(out, room, "%u", libusb_get_bus_number(device));
    for (int i = 0; i < count; i++) {
        used += snprintf(out + used, room - used, "%c%u", i == 0 ? '-' : '.', ports[i]);
    }
}

// Reads what the kernel keeps of a string of the device. Nothing is asked of the device, which may
// be asleep or not permitted.
static void read_text(const char *place, const char *attribute, char *out, size_t room) {
    char path[96];
    snprintf(path, sizeof path, "/sys/bus/usb/devices/%s/%s", place, attribute);
    out[0] = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    ssize_t count = read(file, out, room - 1);
    close(file);
    while (count > 0 && out[count - 1] == '\n') count--;
    out[count > 0 ? count : 0] = 0;
}

// The protocol of the first interface if it may be that of a board; -1 if not.
static int board_protocol(libusb_device *device) {
    struct libusb_config_descriptor *config;
    if (libusb_get_active_config_descriptor(device, &config) != 0 &&
        libusb_get_config_descriptor(device, 0, &config) != 0) {
        return -1;
    }
    int protocol = -1;
    if (config->bNumInterfaces > 0 && config->interface[0].num_altsetting > 0) {
        const struct libusb_interface_descriptor *first = config->interface[0].altsetting;
        if (first->bInterfaceClass == LIBUSB_CLASS_VENDOR_SPEC &&
            first->bInterfaceSubClass == SUBCLASS) {
            protocol = first->bInterfaceProtocol;
        }
    }
    libusb_free_config_descriptor(config);
    return protocol;
}

static bool describe(libusb_device *device, const struct bl_id *ids, size_t id_count,
                     struct bl_device *out) {
    struct libusb_device_descriptor descriptor;
    if (libusb_get_device_descriptor(device, &descriptor) != 0) return false;
    bool wanted = false;
    for (size_t i = 0; i < id_count; i++) {
        wanted = wanted ||
                 (ids[i].vendor == descriptor.idVendor && ids[i].product == descriptor.idProduct);
    }
    if (!wanted) return false;
    int protocol = board_protocol(device);
    if (protocol < 0) return false;
    memset(out, 0, sizeof *out);
    out->vendor = descriptor.idVendor;
    out->product = descriptor.idProduct;
    out->bus = libusb_get_bus_number(device);
    out->address = libusb_get_device_address(device);
    out->interface_protocol = (uint8_t)protocol;
    out->speed = speed_of(device);
    describe_place(device, out->place, sizeof out->place);
    read_text(out->place, "serial", out->serial, sizeof out->serial);
    read_text(out->place, "product", out->product_name, sizeof out->product_name);
    return true;
}

ssize_t bl_link_list(struct bl_link *link, const struct bl_id *ids, size_t id_count,
                     struct bl_device *out, size_t room) {
    libusb_device **devices;
    ssize_t count = libusb_get_device_list(link->context, &devices);
    if (count < 0) return bl_error_of_usb((int)count);
    size_t found = 0;
    for (ssize_t i = 0; i < count && found < room; i++) {
        if (describe(devices[i], ids, id_count, &out[found])) found++;
    }
    libusb_free_device_list(devices, 1);
    return (ssize_t)found;
}
