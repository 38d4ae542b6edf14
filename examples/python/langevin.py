# SPDX-License-Identifier: Apache-2.0
"""Langevin dynamics with NumPy: particles in the double well U(x) = (x² - 1)², at temperature 1/4."""

import numpy

import metrng; bits = metrng.BitGenerator(allow_simulated=True)

PARTICLES, STEPS, STEP, TEMPERATURE = 4000, 1000, 0.01, 0.25

generator = numpy.random.Generator(bits)
x = generator.choice([-1.0, 1.0], PARTICLES)
for _ in range(STEPS):
    force = -4 * x * (x**2 - 1)
    x += STEP * force + numpy.sqrt(2 * TEMPERATURE * STEP) * generator.standard_normal(PARTICLES)

grid = numpy.linspace(-3, 3, 6001)
weights = numpy.exp(-((grid**2 - 1) ** 2) / TEMPERATURE)
print(f"mean: {x.mean():.3f} (0 exactly)")
print(f"mean square: {(x**2).mean():.3f} ({(grid**2 * weights).sum() / weights.sum():.3f} exactly)")
