# SPDX-License-Identifier: Apache-2.0
"""Statistics of samples at a level of 0.001: with words of a fixed seed, or replayed, they pass or fail for good."""

import math


def mean_is(values, expected, deviation, z=3.3):
    """Whether the mean of independent values is the expected one; `deviation` is that of one value."""
    count = len(values)
    assert abs(sum(values) / count - expected) <= z * deviation / math.sqrt(count)


def proportion_is(successes, count, probability, z=3.3):
    """Whether a number of successes fits a probability."""
    assert abs(successes - count * probability) <= z * math.sqrt(count * probability * (1 - probability))


def kolmogorov_smirnov(values, distribution):
    """√n times the largest distance between the values' and a continuous distribution function; 1.95 is 0.001."""
    ordered = sorted(values)
    count = len(ordered)
    return math.sqrt(count) * max(
        max((index + 1) / count - distribution(value), distribution(value) - index / count)
        for index, value in enumerate(ordered)
    )


def normal_distribution(value):
    return 0.5 * math.erfc(-value / math.sqrt(2))
