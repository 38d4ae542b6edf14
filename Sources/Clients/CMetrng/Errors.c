// SPDX-License-Identifier: Apache-2.0

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "Internal.h"

// The message of the last failure on this thread.
static _Thread_local char last_message[512];

const char *metrng_version(void) { return METRNG_VERSION; }

const char *metrng_status_text(metrng_status status) {
    switch (status) {
        case METRNG_OK:
            return "no error";
        case METRNG_UNREACHABLE:
            return "no entropy daemon is reachable; is metrngd running?";
        case METRNG_NOT_PERMITTED:
            return "not permitted to open the entropy socket; ask to be added to its group";
        case METRNG_NOT_GENUINE:
            return "the bits are simulated or replayed, and not random; allow them explicitly if "
                   "that is what you want";
        case METRNG_UNAVAILABLE:
            return "no bits are available; `mectl status` says why";
        case METRNG_NOT_OFFERED:
            return "the daemon does not offer this grade or request";
        case METRNG_DENIED:
            return "the daemon refuses to serve this client";
        case METRNG_OVER_QUOTA:
            return "the daemon has reached its limit of clients; raise entropy.maximumClients";
        case METRNG_DISCONNECTED:
            return "the connection to the entropy daemon has ended; is metrngd running?";
        case METRNG_PROTOCOL_VIOLATION:
            return "the peer does not speak MEP/1; is it metrngd?";
        case METRNG_INTERRUPTED:
            return "the call was interrupted";
        case METRNG_INVALID_ARGUMENT:
            return "an argument is not valid";
        case METRNG_NO_MEMORY:
            return "there is not enough memory";
        case METRNG_RECORDING_ENDED:
            return "the recording has ended; record more words, or draw fewer";
        case METRNG_RECORDING_FAILED:
            return "the recording of words cannot be used";
    }
    return "unknown status";
}

const char *metrngi_provenance_name(unsigned provenance) {
    static const char *const names[] = {"hardware", "simulated", "replay", "host"};
    return provenance < 4 ? names[provenance] : "unknown";
}

metrng_status metrngi_fail(metrng_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last_message, sizeof last_message, format, arguments);
    va_end(arguments);
    return status;
}

metrng_status metrngi_fail_plainly(metrng_status status) {
    return metrngi_fail(status, "%s", metrng_status_text(status));
}

size_t metrng_error(char *text, size_t size) {
    if (size > 0) snprintf(text, size, "%s", last_message);
    return strlen(last_message);
}
