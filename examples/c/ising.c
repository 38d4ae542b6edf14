// SPDX-License-Identifier: Apache-2.0
//
// Gibbs sampling of the Ising model on a square lattice, as arrays of p-bits do it: each spin is up
// with a probability that its neighbours set. Spins of one colour of a chess board are independent
// of each other.

#include <math.h>
#include <stdio.h>

#include "noise.h"

enum { SIDE = 64, SWEEPS = 2000, SETTLING = 200 };
static const float temperature = 2.0f;

static int spins[SIDE][SIDE];

static int neighbours(int row, int column) {
    return spins[(row + 1) % SIDE][column] + spins[(row + SIDE - 1) % SIDE][column] +
           spins[row][(column + 1) % SIDE] + spins[row][(column + SIDE - 1) % SIDE];
}

static void update(int colour, const float *uniform) {
    for (int row = 0; row < SIDE; row++)
        for (int column = (row + colour) % 2; column < SIDE; column += 2) {
            float up = 1 / (1 + expf(-2 * (float)neighbours(row, column) / temperature));
            spins[row][column] = *uniform++ < up ? 1 : -1;
        }
}

static double energy(void) {
    int sum = 0;
    for (int row = 0; row < SIDE; row++)
        for (int column = 0; column < SIDE; column++)
            sum += spins[row][column] * neighbours(row, column);
    return -sum / 2.0 / (SIDE * SIDE);
}

int main(void) {
    struct noise noise = noise_of_the_array();
    float uniform[SIDE * SIDE / 2];
    double sum = 0;
    for (int row = 0; row < SIDE; row++)
        for (int column = 0; column < SIDE; column++) spins[row][column] = 1;
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        for (int colour = 0; colour < 2; colour++) {
            noise.fill(noise.source, uniform, SIDE * SIDE / 2);
            update(colour, uniform);
        }
        if (sweep >= SETTLING) sum += energy();
    }
    // L. Onsager, Phys. Rev. 65 (1944), for the infinite lattice.
    printf("energy of a spin: %.3f (-1.746 exactly)\n", sum / (SWEEPS - SETTLING));
    return 0;
}
