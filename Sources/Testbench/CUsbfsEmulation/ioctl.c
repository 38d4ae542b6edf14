// SPDX-License-Identifier: Apache-2.0

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "device.h"

static struct usbdevfs_urb *raw(struct ue_urb *urb) {
    return (struct usbdevfs_urb *)(void *)urb->urb->data;
}

void ue_free_urb(gpointer pointer) {
    struct ue_urb *urb = pointer;
    g_object_unref(urb->urb);
    g_object_unref(urb->buffer);
    g_free(urb);
}

void ue_show_readiness(struct ue_device *device) {
    bool ready = device->is_gone;
    for (guint i = 0; i < device->urbs->len; i++) {
        ready = ready || ((struct ue_urb *)device->urbs->pdata[i])->is_done;
    }
    if (ready == device->shows_ready) return;
    device->shows_ready = ready;
    char byte = 0;
    // The pipe has one page, so that one byte makes it full and the node not writable.
    ssize_t moved = ready ? read(device->fifo, &byte, 1) : write(device->fifo, &byte, 1);
    (void)moved;
}

// MARK: transfers

static void finish(struct ue_urb *urb, int outcome) {
    raw(urb)->actual_length = outcome >= 0 ? outcome : 0;
    raw(urb)->status = outcome >= 0 ? 0 : outcome;
    urb->is_done = true;
}

static int ask(struct ue_device *device, struct ue_urb *urb) {
    const struct ue_function *function = &device->function;
    uint8_t *data = urb->buffer->data;
    size_t length = (size_t)raw(urb)->buffer_length;
    uint8_t endpoint = raw(urb)->endpoint;
    if (raw(urb)->type == USBDEVFS_URB_TYPE_CONTROL) {
        if (length < 8) return -EINVAL;
        return function->control(function->context, data, data + 8, length - 8);
    }
    return (endpoint & 0x80) != 0 ? function->read(function->context, endpoint, data, length)
                                  : function->write(function->context, endpoint, data, length);
}

bool ue_advance(struct ue_device *device) {
    // An endpoint that has no answer for one transfer has none for the next.
    bool waits[256] = {false};
    bool any = false;
    for (guint i = 0; i < device->urbs->len; i++) {
        struct ue_urb *urb = device->urbs->pdata[i];
        bool *is_waiting = &waits[raw(urb)->endpoint];
        if (urb->is_done || *is_waiting) continue;
        int outcome = ask(device, urb);
        if (outcome == UE_NOT_YET) {
            *is_waiting = true;
            any = true;
        } else {
            finish(urb, outcome);
        }
    }
    ue_show_readiness(device);
    return any;
}

void ue_fail_all(struct ue_device *device, int status) {
    for (guint i = 0; i < device->urbs->len; i++) {
        struct ue_urb *urb = device->urbs->pdata[i];
        if (!urb->is_done) finish(urb, status);
    }
    ue_show_readiness(device);
}

// MARK: ioctls

// Each returns 0, or the errno with which the ioctl fails.

static int submit(struct ue_device *device, UMockdevIoctlClient *client, UMockdevIoctlData *data) {
    if (device->is_gone) return ENODEV;
    struct usbdevfs_urb *wanted = (struct usbdevfs_urb *)(void *)data->data;
    if (wanted->type == USBDEVFS_URB_TYPE_ISO || wanted->buffer_length < 0) return EINVAL;
    UMockdevIoctlData *buffer = umockdev_ioctl_data_resolve(
        data, offsetof(struct usbdevfs_urb, buffer), (gsize)wanted->buffer_length, NULL);
    if (buffer == NULL) return EFAULT;
    struct ue_urb *urb = g_new0(struct ue_urb, 1);
    urb->urb = g_object_ref(data);
    urb->buffer = buffer;
    urb->client = client;
    g_ptr_array_add(device->urbs, urb);
    if (ue_advance(device)) pthread_cond_signal(&device->bus->wakes);
    return 0;
}

static int discard(struct ue_device *device, UMockdevIoctlClient *client) {
    gulong address = *(gulong *)(void *)umockdev_ioctl_client_get_arg(client)->data;
    for (guint i = 0; i < device->urbs->len; i++) {
        struct ue_urb *urb = device->urbs->pdata[i];
        if (urb->client == client && urb->urb->client_addr == address && !urb->is_done) {
            finish(urb, -ENOENT);
            ue_show_readiness(device);
            return 0;
        }
    }
    return EINVAL;
}

static int reap(struct ue_device *device, UMockdevIoctlClient *client, UMockdevIoctlData *data) {
    for (guint i = 0; i < device->urbs->len; i++) {
        struct ue_urb *urb = device->urbs->pdata[i];
        if (urb->client != client || !urb->is_done) continue;
        gboolean is_set = umockdev_ioctl_data_set_ptr(data, 0, urb->urb);
        g_ptr_array_remove_index(device->urbs, i);
        ue_show_readiness(device);
        return is_set ? 0 : EFAULT;
    }
    return device->is_gone ? ENODEV : EAGAIN;
}

static int claim(struct ue_device *device, UMockdevIoctlClient *client) {
    if (device->is_gone) return ENODEV;
    if (device->holder != NULL && device->holder != client) return EBUSY;
    device->holder = client;
    return 0;
}

static int release(struct ue_device *device, UMockdevIoctlClient *client) {
    if (device->holder != client) return EINVAL;
    device->holder = NULL;
    return 0;
}

static int answer(struct ue_device *device, UMockdevIoctlClient *client, UMockdevIoctlData *data) {
    const struct ue_function *function = &device->function;
    gulong request = umockdev_ioctl_client_get_request(client);
    switch (request) {
        case USBDEVFS_GET_CAPABILITIES:
            *(uint32_t *)(void *)data->data =
                USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_NO_PACKET_SIZE_LIM;
            return 0;
        case USBDEVFS_CLAIMINTERFACE:
        case USBDEVFS_DISCONNECT_CLAIM:
            return claim(device, client);
        case USBDEVFS_RELEASEINTERFACE:
            return release(device, client);
        case USBDEVFS_GETDRIVER:
            return ENODATA;
        case USBDEVFS_SUBMITURB:
            return submit(device, client, data);
        case USBDEVFS_DISCARDURB:
            return discard(device, client);
        case USBDEVFS_REAPURB:
        case USBDEVFS_REAPURBNDELAY:
            return reap(device, client, data);
        case USBDEVFS_CLEAR_HALT:
            if (device->is_gone) return ENODEV;
            function->clear_halt(function->context, *(uint8_t *)data->data);
            return 0;
        case USBDEVFS_RESET:
            if (device->is_gone) return ENODEV;
            function->reset(function->context);
            return 0;
        default:
            return device->is_gone ? ENODEV : ENOTTY;
    }
}

gboolean ue_handle_ioctl(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer pointer) {
    (void)base;
    struct ue_device *device = pointer;
    gsize size = _IOC_SIZE(umockdev_ioctl_client_get_request(client));
    UMockdevIoctlData *data =
        umockdev_ioctl_data_resolve(umockdev_ioctl_client_get_arg(client), 0, size, NULL);
    pthread_mutex_lock(&device->bus->lock);
    int error = data == NULL && size > 0 ? EFAULT : answer(device, client, data);
    pthread_mutex_unlock(&device->bus->lock);
    umockdev_ioctl_client_complete(client, error == 0 ? 0 : -1, error);
    if (data != NULL) g_object_unref(data);
    return TRUE;
}

void ue_client_vanished(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer pointer) {
    (void)base;
    struct ue_device *device = pointer;
    pthread_mutex_lock(&device->bus->lock);
    if (device->holder == client) device->holder = NULL;
    for (guint i = device->urbs->len; i-- > 0;) {
        struct ue_urb *urb = device->urbs->pdata[i];
        if (urb->client == client) g_ptr_array_remove_index(device->urbs, i);
    }
    ue_show_readiness(device);
    pthread_mutex_unlock(&device->bus->lock);
}
