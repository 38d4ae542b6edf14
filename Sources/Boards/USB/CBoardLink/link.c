// SPDX-License-Identifier: Apache-2.0

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "internal.h"

enum {
    // Only bl_link_close ends a wait for events; the limit is for a wake-up that libusb lost.
    SERVE_SECONDS = 60,
    // How often the devices are looked at where the system does not tell of changes.
    LOOK_SECONDS = 1,
    // How long the thread rests when libusb cannot wait for events, so that it does not spin.
    FAILURE_MICROSECONDS = 100000,
};

// MARK: changes

static void announce(struct bl_link *link) {
    uint64_t one = 1;
    // A full counter is readable anyway.
    ssize_t written = write(link->changes, &one, sizeof one);
    (void)written;
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
    if (event == LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT) mark_gone(user, device);
    announce(user);
    return 0;
}

ssize_t bl_devices(struct bl_link *link, libusb_device ***devices) {
    return libusb_get_device_list(link->context, devices);
}

// The same for the same devices in any order. An address is given to another device only after all
// others of the bus had their turn.
static uint64_t digest(libusb_device *const *devices, ssize_t count) {
    uint64_t sum = 0;
    for (ssize_t i = 0; i < count; i++) {
        uint64_t number = (uint64_t)libusb_get_bus_number(devices[i]) << 8 |
                          libusb_get_device_address(devices[i]);
        sum += (number + 1) * 0x9E3779B97F4A7C15;
    }
    return sum;
}

static void mark_missing(struct bl_link *link, libusb_device *const *devices, ssize_t count) {
    pthread_mutex_lock(&link->lock);
    for (struct bl_board *board = link->boards; board != NULL; board = board->next) {
        bool is_there = false;
        for (ssize_t i = 0; i < count; i++) {
            is_there = is_there || devices[i] == libusb_get_device(board->handle);
        }
        if (!is_there) atomic_store(&board->is_gone, true);
    }
    pthread_mutex_unlock(&link->lock);
}

static void look(struct bl_link *link) {
    libusb_device **devices;
    ssize_t count = bl_devices(link, &devices);
    if (count < 0) return;
    uint64_t now = digest(devices, count);
    if (now != link->devices) {
        link->devices = now;
        mark_missing(link, devices, count);
        announce(link);
    }
    libusb_free_device_list(devices, 1);
}

// MARK: the thread

static bool is_past(struct timespec time) {
    struct timespec now = bl_after(0);
    return now.tv_sec > time.tv_sec || (now.tv_sec == time.tv_sec && now.tv_nsec >= time.tv_nsec);
}

static void *serve(void *context) {
    struct bl_link *link = context;
    struct timespec next_look = bl_after(0);
    while (!atomic_load(&link->ends)) {
        if (!link->has_hotplug && is_past(next_look)) {
            look(link);
            next_look = bl_after(LOOK_SECONDS * 1000);
        }
        struct timeval limit = {.tv_sec = link->has_hotplug ? SERVE_SECONDS : LOOK_SECONDS};
        int error = libusb_handle_events_timeout_completed(link->context, &limit, NULL);
        if (error != 0 && error != LIBUSB_ERROR_INTERRUPTED) usleep(FAILURE_MICROSECONDS);
    }
    return NULL;
}

static int start_thread(struct bl_link *link, struct bl_link_failure *failure) {
    failure->system_error = pthread_create(&link->thread, NULL, serve, link);
    if (failure->system_error != 0) return BL_NO_MEMORY;
    pthread_setname_np(link->thread, "metrng-usb");
    return 0;
}

// MARK: beginning and end

static void stop_listening(struct bl_link *link) {
    if (link->has_hotplug) libusb_hotplug_deregister_callback(link->context, link->hotplug);
}

static int start_usb(struct bl_link *link, struct bl_link_failure *failure) {
    // libusb has one name for many failures, and leaves errno as the call left it that failed.
    errno = 0;
    int error = libusb_init(&link->context);
    if (error != 0) {
        failure->system_error = errno;
        failure->usb_error = libusb_error_name(error);
    }
    return bl_error_of_usb(error);
}

static int start(struct bl_link *link, struct bl_link_failure *failure) {
    int error = start_usb(link, failure);
    if (error != 0) return error;
    int both = LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT;
    int any = LIBUSB_HOTPLUG_MATCH_ANY;
    link->has_hotplug =
        libusb_has_capability(LIBUSB_CAP_HAS_HOTPLUG) &&
        libusb_hotplug_register_callback(link->context, both, 0, any, any, any, on_change, link,
                                         &link->hotplug) == LIBUSB_SUCCESS;
    error = start_thread(link, failure);
    if (error != 0) {
        stop_listening(link);
        libusb_exit(link->context);
    }
    return error;
}

int bl_link_open(struct bl_link **out, struct bl_link_failure *failure) {
    *failure = (struct bl_link_failure){.usb_error = NULL, .system_error = ENOMEM};
    struct bl_link *link = calloc(1, sizeof *link);
    if (link == NULL) return BL_NO_MEMORY;
    link->changes = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (link->changes < 0) failure->system_error = errno;
    pthread_mutex_init(&link->lock, NULL);
    // The threads that are made here, libusb's own among them, take no signals.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = link->changes < 0 ? BL_OTHER : start(link, failure);
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
    libusb_interrupt_event_handler(link->context);
    pthread_join(link->thread, NULL);
    stop_listening(link);
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
