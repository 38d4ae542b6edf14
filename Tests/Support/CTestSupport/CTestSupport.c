// SPDX-License-Identifier: Apache-2.0

#include "CTestSupport.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <unistd.h>

bool ctestsupport_check_files_as(uid_t uid) {
    setfsuid(uid);
    // The call reports nothing but the previous value, so it is asked again.
    return (uid_t)setfsuid(uid) == uid;
}

ssize_t ctestsupport_send_copies(int fd, const void *bytes, size_t count, int descriptor,
                                 int copies) {
    enum { MOST = 253 };
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(MOST * sizeof(int))];
    } room;
    int descriptors[MOST];
    if (copies < 1 || copies > MOST) return -1;
    for (int i = 0; i < copies; i++) descriptors[i] = descriptor;
    size_t size = (size_t)copies * sizeof(int);
    struct iovec piece = {(void *)(uintptr_t)bytes, count};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = room.bytes,
                             .msg_controllen = CMSG_SPACE(size)};
    memset(&room, 0, sizeof room);
    room.header.cmsg_level = SOL_SOCKET;
    room.header.cmsg_type = SCM_RIGHTS;
    room.header.cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(&room.header), descriptors, size);
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

int ctestsupport_fork(void) { return fork(); }

int ctestsupport_open_terminal(char *path, size_t capacity) {
    int device = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (device < 0) return -1;
    int error = unlockpt(device) != 0 ? errno : ptsname_r(device, path, capacity);
    if (error == 0) return device;
    close(device);
    errno = error;
    return -1;
}
