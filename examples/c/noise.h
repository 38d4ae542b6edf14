// SPDX-License-Identifier: Apache-2.0

#include <stddef.h>

// Uniform numbers in [0, 1). `fill` ends the program with a message when there are none.
struct noise {
    void *source;
    void (*fill)(void *source, float *out, size_t count);
};

// Those of metrngd, which may be simulated.
struct noise noise_of_the_array(void);

// Those of erand48.
struct noise noise_of_software(void);
