# SPDX-License-Identifier: Apache-2.0
"""The Ehrenfest process of a thermometer code, and schedules.

A pixel x in [−1, 1] is n₀ = K/2·(1 + x) devices that are up, out of K. After pulses a device has kept its state with
probability (1 + a)/2, so the number n that are up has the mean K/2·(1 + a·x). With (n − K/2)/(√K/2), the noise has the
variance 1 − a² and the signal √K·a·x, so the share of the signal is ᾱ = K·a²/(K·a² + 1 − a²).
"""

from __future__ import annotations

import numpy as np

DEVICES = 16
#: The ends of all schedules, as ᾱ.
SMALLEST, LARGEST = 1e-4, 1 - 1e-4


def cosine(time: np.ndarray | float) -> np.ndarray:
    """Returns ᾱ of the cosine schedule at a time from 0 (image) to 1 (noise)."""
    return np.clip(np.cos((np.asarray(time) + 0.008) / 1.008 * np.pi / 2) ** 2, SMALLEST, LARGEST)


def log_snr(share: np.ndarray) -> np.ndarray:
    return np.log(share) - np.log1p(-share)


def flip_memory(share: np.ndarray, devices: int = DEVICES) -> np.ndarray:
    """Returns a, what is left of the signal of each device, where ᾱ is `share`."""
    ratio = share / (1 - share)
    return np.sqrt(ratio / (devices + ratio))


def signal_share(memory: np.ndarray, devices: int = DEVICES) -> np.ndarray:
    """Returns ᾱ where a is `memory`."""
    square = np.asarray(memory, dtype=np.float64) ** 2
    return devices * square / (devices * square + 1 - square)


def encoded(images: np.ndarray, devices: int = DEVICES) -> np.ndarray:
    """Returns the numbers of devices that are up for images in [−1, 1]."""
    return np.clip(np.rint((images + 1) * (devices / 2)), 0, devices).astype(np.int64)


def decoded(counts: np.ndarray, devices: int = DEVICES) -> np.ndarray:
    """Returns images in [−1, 1] for numbers of devices that are up."""
    return (counts / (devices / 2) - 1).astype(np.float32)


def scaled(counts: np.ndarray, share: np.ndarray, devices: int = DEVICES, offset: np.ndarray | float = 0) -> np.ndarray:
    """Returns counts as a denoiser takes them: √ᾱ·x₀ + √(1−ᾱ)·ε. `offset` is b, the mean of (2n/K − 1) for x = 0."""
    memory = flip_memory(share, devices)
    deviation = np.sqrt(devices * memory**2 + 1 - memory**2)
    values = (counts - devices / 2 * (1 + offset)) / (np.sqrt(devices) / 2) / deviation
    return values.astype(np.float32)
