// SPDX-License-Identifier: Apache-2.0

#ifndef CTESTSUPPORT_H
#define CTESTSUPPORT_H

#include <stdbool.h>
#include <sys/types.h>

// Makes the kernel check file permissions of the calling thread, and of no other one, as if it
// belonged to user `uid`. Needs root; whether it worked.
bool ctestsupport_check_files_as(uid_t uid);

// Sends bytes to a local socket with `copies` (1 ... 253) copies of a descriptor. Returns how many
// bytes were taken, or -1 with errno set.
ssize_t ctestsupport_send_copies(int fd, const void *bytes, size_t count, int descriptor,
                                 int copies);

// fork, which Swift does not offer. Of a process with several threads the child has one, which may
// call what needs no lock that another one may have held.
int ctestsupport_fork(void);

// Makes a terminal without a device. Returns the device's end, which does not wait, and writes the
// path of the terminal to `path`, of `capacity` bytes; -1 with errno set on failure.
int ctestsupport_open_terminal(char *path, size_t capacity);

#endif
