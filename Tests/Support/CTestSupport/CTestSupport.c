// SPDX-License-Identifier: Apache-2.0

#include "CTestSupport.h"

#include <sys/fsuid.h>

bool ctestsupport_check_files_as(uid_t uid) {
    setfsuid(uid);
    // The call reports nothing but the previous value, so it is asked again.
    return (uid_t)setfsuid(uid) == uid;
}
