// SPDX-License-Identifier: Apache-2.0

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"

enum {
    // How often a device is asked again what it had no answer to.
    RETRY_MICROSECONDS = 1000,
    // Between the failure of the transfers of a device that is pulled out and the news of its
    // going.
    LEAVING_MICROSECONDS = 20000,
};

#define CONTROLLER "/devices/pci0000:00/0000:00:14.0/usb1"

// The root hub, without which nothing has a place.
static const char root_hub[] =
    "P: " CONTROLLER
    "\n"
    "N: bus/usb/001/001\n"
    "E: DEVNAME=/dev/bus/usb/001/001\n"
    "E: DEVTYPE=usb_device\n"
    "E: SUBSYSTEM=usb\n"
    "E: BUSNUM=001\nE: DEVNUM=001\nE: MAJOR=189\nE: MINOR=0\n"
    "E: PRODUCT=1d6b/2/601\n"
    "A: busnum=1\\n\nA: devnum=1\\n\nA: speed=480\\n\nA: idVendor=1d6b\nA: idProduct=0002\n"
    "A: bConfigurationValue=1\\n\nA: bNumConfigurations=1\\n\nA: maxchild=8\n"
    "H: descriptors="
    "12010002090001406B1D020001060302010109021900010100E0000904000001090000000705810304000C\n";

// MARK: the bus

static bool advance_all(struct ue_bus *bus) {
    bool any = false;
    for (guint i = 0; i < bus->devices->len; i++) {
        if (ue_advance(bus->devices->pdata[i])) any = true;
    }
    return any;
}

static void *tick(void *pointer) {
    struct ue_bus *bus = pointer;
    pthread_mutex_lock(&bus->lock);
    while (!bus->ends) {
        if (advance_all(bus)) {
            pthread_mutex_unlock(&bus->lock);
            usleep(RETRY_MICROSECONDS);
            pthread_mutex_lock(&bus->lock);
        } else {
            pthread_cond_wait(&bus->wakes, &bus->lock);
        }
    }
    pthread_mutex_unlock(&bus->lock);
    return NULL;
}

static void free_device(gpointer pointer) {
    struct ue_device *device = pointer;
    umockdev_testbed_detach_ioctl(device->bus->testbed, device->node, NULL);
    g_signal_handlers_disconnect_by_data(device->handler, device);
    g_object_unref(device->handler);
    g_ptr_array_free(device->urbs, TRUE);
    if (device->fifo >= 0) close(device->fifo);
    g_free(device->node);
    g_free(device->place);
    g_free(device->devpath);
    g_free(device);
}

struct ue_bus *ue_bus_start(void) {
    const char *preloaded = getenv("LD_PRELOAD");
    if (preloaded == NULL || strstr(preloaded, "libumockdev-preload") == NULL) return NULL;
    UMockdevTestbed *testbed = umockdev_testbed_new();
    if (!umockdev_testbed_add_from_string(testbed, root_hub, NULL)) {
        g_object_unref(testbed);
        return NULL;
    }
    struct ue_bus *bus = g_new0(struct ue_bus, 1);
    bus->testbed = testbed;
    bus->directory = umockdev_testbed_get_root_dir(testbed);
    bus->last_address = 1;
    bus->devices = g_ptr_array_new();
    bus->gone = g_ptr_array_new_with_free_func(free_device);
    pthread_mutex_init(&bus->lock, NULL);
    pthread_cond_init(&bus->wakes, NULL);
    if (pthread_create(&bus->ticker, NULL, tick, bus) != 0) g_error("no thread");
    return bus;
}

const char *ue_bus_directory(const struct ue_bus *bus) { return bus->directory; }

void ue_bus_stop(struct ue_bus *bus) {
    while (bus->devices->len > 0) ue_unplug(bus->devices->pdata[0]);
    pthread_mutex_lock(&bus->lock);
    bus->ends = true;
    pthread_cond_signal(&bus->wakes);
    pthread_mutex_unlock(&bus->lock);
    pthread_join(bus->ticker, NULL);
    g_ptr_array_free(bus->devices, TRUE);
    g_ptr_array_free(bus->gone, TRUE);
    g_object_unref(bus->testbed);
    g_free(bus->directory);
    pthread_cond_destroy(&bus->wakes);
    pthread_mutex_destroy(&bus->lock);
    g_free(bus);
}

// MARK: a device

static void append_hex(GString *text, const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) g_string_append_printf(text, "%02X", bytes[i]);
}

static unsigned field(const uint8_t *bytes, size_t at) {
    return (unsigned)bytes[at] | (unsigned)bytes[at + 1] << 8;
}

static char *describe(const struct ue_identity *identity, const char *devpath, unsigned address) {
    const uint8_t *device = identity->device;
    unsigned vendor = field(device, 8), product = field(device, 10), release = field(device, 12);
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "P: %s\n", devpath);
    g_string_append_printf(text, "E: DEVNAME=/dev/bus/usb/001/%03u\n", address);
    g_string_append_printf(text, "E: DEVTYPE=usb_device\nE: SUBSYSTEM=usb\nE: DRIVER=usb\n");
    g_string_append_printf(text, "E: BUSNUM=001\nE: DEVNUM=%03u\n", address);
    g_string_append_printf(text, "E: MAJOR=189\nE: MINOR=%u\n", address - 1);
    g_string_append_printf(text, "E: PRODUCT=%x/%x/%x\n", vendor, product, release);
    g_string_append_printf(text, "A: busnum=1\\n\nA: devnum=%u\\n\nA: speed=%s\\n\n", address,
                           identity->speed);
    g_string_append_printf(text, "A: idVendor=%04x\nA: idProduct=%04x\nA: bcdDevice=%04x\n", vendor,
                           product, release);
    g_string_append_printf(text, "A: manufacturer=%s\nA: product=%s\nA: serial=%s\n",
                           identity->manufacturer, identity->product, identity->serial);
    g_string_append_printf(text, "A: bConfigurationValue=1\\n\nA: bNumConfigurations=1\\n\n");
    g_string_append_printf(text, "A: power/control=on\n");
    g_string_append(text, "H: descriptors=");
    append_hex(text, device, 18);
    append_hex(text, identity->configuration, identity->configuration_length);
    // The interface follows the nine bytes of the configuration.
    const uint8_t *interface = identity->configuration + 9;
    g_string_append_printf(text, "\n\nP: %s/%s:1.0\n", devpath, identity->place);
    g_string_append_printf(text, "E: DEVTYPE=usb_interface\nE: SUBSYSTEM=usb\n");
    g_string_append_printf(text, "E: INTERFACE=%u/%u/%u\n", interface[5], interface[6],
                           interface[7]);
    g_string_append_printf(text, "A: bInterfaceNumber=00\nA: bInterfaceClass=%02x\n", interface[5]);
    g_string_append_printf(text, "A: bInterfaceSubClass=%02x\nA: bInterfaceProtocol=%02x\n",
                           interface[6], interface[7]);
    return g_string_free(text, FALSE);
}

// The node is a FIFO: a file would always poll ready, and libusb would never rest.
//
// Returns its descriptor, or -1.
static int make_fifo(struct ue_device *device) {
    g_autofree char *path = g_build_filename(device->bus->directory, device->node, NULL);
    if (mkfifo(path, 0600) != 0) return -1;
    int fifo = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fifo >= 0) fcntl(fifo, F_SETPIPE_SZ, 4096);
    return fifo;
}

// Takes the device off the bus.
static void take_off(struct ue_device *device) {
    pthread_mutex_lock(&device->bus->lock);
    device->is_gone = true;
    ue_fail_all(device, -ESHUTDOWN);
    g_ptr_array_remove(device->bus->devices, device);
    pthread_mutex_unlock(&device->bus->lock);
}

struct ue_device *ue_plug(struct ue_bus *bus, const struct ue_identity *identity,
                          const struct ue_function *function) {
    struct ue_device *device = g_new0(struct ue_device, 1);
    unsigned address = ++bus->last_address;
    device->bus = bus;
    device->function = *function;
    device->node = g_strdup_printf("/dev/bus/usb/001/%03u", address);
    device->place = g_strdup(identity->place);
    device->devpath = g_strdup_printf("%s/%s", CONTROLLER, identity->place);
    device->urbs = g_ptr_array_new_with_free_func(ue_free_urb);
    device->handler = umockdev_ioctl_base_new();
    device->fifo = -1;
    device->shows_ready = true;
    g_signal_connect(device->handler, "handle-ioctl", G_CALLBACK(ue_handle_ioctl), device);
    g_signal_connect(device->handler, "client-vanished", G_CALLBACK(ue_client_vanished), device);
    pthread_mutex_lock(&bus->lock);
    device->fifo = make_fifo(device);
    g_ptr_array_add(bus->devices, device);
    if (device->fifo >= 0) ue_show_readiness(device);
    pthread_mutex_unlock(&bus->lock);
    // The uevent comes with the description. The node has to answer by then.
    g_autofree char *text = describe(identity, device->devpath, address);
    if (device->fifo >= 0 &&
        umockdev_testbed_attach_ioctl(bus->testbed, device->node, device->handler, NULL) &&
        umockdev_testbed_add_from_string(bus->testbed, text, NULL)) {
        return device;
    }
    take_off(device);
    free_device(device);
    return NULL;
}

void ue_unplug(struct ue_device *device) {
    struct ue_bus *bus = device->bus;
    take_off(device);
    // A program sees its transfers fail before it hears why.
    usleep(LEAVING_MICROSECONDS);
    g_autofree char *path = g_strdup_printf("/sys%s", device->devpath);
    umockdev_testbed_uevent(bus->testbed, path, "remove");
    g_autofree char *interface = g_strdup_printf("%s/%s:1.0", path, device->place);
    umockdev_testbed_remove_device(bus->testbed, interface);
    umockdev_testbed_remove_device(bus->testbed, path);
    // Programs that have it open go on asking it, and have to be told that it is gone.
    g_ptr_array_add(bus->gone, device);
}
