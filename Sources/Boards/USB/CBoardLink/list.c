// SPDX-License-Identifier: Apache-2.0

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

enum { SUBCLASS = 0x4D, DEEPEST_PORT = 7 };

static enum bl_speed speed_of(libusb_device *device) {
    switch (libusb_get_device_speed(device)) {
        case LIBUSB_SPEED_LOW:
        case LIBUSB_SPEED_FULL:
            return BL_SPEED_FULL;
        case LIBUSB_SPEED_HIGH:
            return BL_SPEED_HIGH;
        case LIBUSB_SPEED_SUPER:
        case LIBUSB_SPEED_SUPER_PLUS:
            return BL_SPEED_SUPER;
        default:
            return BL_SPEED_UNKNOWN;
    }
}

void bl_describe_place(libusb_device *device, char *out, size_t room) {
    uint8_t ports[DEEPEST_PORT];
    int count = libusb_get_port_numbers(device, ports, sizeof ports);
    // Three digits and a separator for each of eight numbers at most.
    int used = snprintf(out, room, "%u", libusb_get_bus_number(device));
    for (int i = 0; i < count; i++) {
        used += snprintf(out + used, room - (size_t)used, "%c%u", i == 0 ? '-' : '.', ports[i]);
    }
}

// Reads what the kernel keeps of a string of the device. Nothing is asked of the device, which may
// be asleep or not permitted. Texts of a device go into messages, so that they are made one line.
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
    for (char *c = out; *c != 0; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F) *c = '?';
    }
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

static bool has_id(const struct libusb_device_descriptor *descriptor, const struct bl_id *ids,
                   size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (ids[i].vendor == descriptor->idVendor && ids[i].product == descriptor->idProduct) {
            return true;
        }
    }
    return false;
}

static bool describe(libusb_device *device, const struct bl_id *ids, size_t id_count,
                     struct bl_device *out) {
    struct libusb_device_descriptor descriptor;
    if (libusb_get_device_descriptor(device, &descriptor) != 0) return false;
    if (!has_id(&descriptor, ids, id_count)) return false;
    int protocol = board_protocol(device);
    if (protocol < 0) return false;
    *out = (struct bl_device){
        .vendor = descriptor.idVendor,
        .product = descriptor.idProduct,
        .release = descriptor.bcdDevice,
        .bus = libusb_get_bus_number(device),
        .address = libusb_get_device_address(device),
        .interface_protocol = (uint8_t)protocol,
        .speed = speed_of(device),
    };
    bl_describe_place(device, out->place, sizeof out->place);
    read_text(out->place, "serial", out->serial, sizeof out->serial);
    read_text(out->place, "product", out->product_name, sizeof out->product_name);
    return true;
}

ssize_t bl_link_list(struct bl_link *link, const struct bl_id *ids, size_t id_count,
                     struct bl_device *out, size_t room) {
    libusb_device **devices;
    ssize_t count = bl_devices(link, &devices);
    if (count < 0) return bl_error_of_usb((int)count);
    size_t found = 0;
    for (ssize_t i = 0; i < count && found < room; i++) {
        if (describe(devices[i], ids, id_count, &out[found])) found++;
    }
    libusb_free_device_list(devices, 1);
    return (ssize_t)found;
}
