// SPDX-License-Identifier: Apache-2.0

#include "noise.h"

#include <metrng.h>
#include <stdio.h>
#include <stdlib.h>

static void check(metrng_status status) {
    if (status == METRNG_OK) return;
    char message[512];
    metrng_error(message, sizeof message);
    fprintf(stderr, "no noise: %s\n", message);
    exit(1);
}

static void fill_by_metrng(void *source, float *out, size_t count) {
    check(metrng_uniform_float(source, out, count));
}

struct noise noise_of_the_array(void) {
    metrng_options options = METRNG_OPTIONS_INIT;
    options.allow_simulated = 1;
    metrng *session;
    check(metrng_open(&session, &options));
    return (struct noise){session, fill_by_metrng};
}

static void fill_by_erand48(void *source, float *out, size_t count) {
    for (size_t i = 0; i < count; i++) out[i] = (float)(erand48(source) * (1 - 0x1p-24));
}

struct noise noise_of_software(void) {
    static unsigned short state[3] = {1, 2, 3};
    return (struct noise){state, fill_by_erand48};
}
