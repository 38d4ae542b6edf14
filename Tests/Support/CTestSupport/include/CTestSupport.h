// SPDX-License-Identifier: Apache-2.0

#ifndef CTESTSUPPORT_H
#define CTESTSUPPORT_H

#include <stdbool.h>
#include <sys/types.h>

// Makes the kernel check file permissions of the calling thread, and of no other one, as if it
// belonged to user `uid`. Needs root; whether it worked.
bool ctestsupport_check_files_as(uid_t uid);

#endif
