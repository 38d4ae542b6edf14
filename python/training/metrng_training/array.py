# SPDX-License-Identifier: Apache-2.0
"""Trajectories of images in an array, through a lease of its lanes."""

from __future__ import annotations

from collections import deque
from typing import Any, Iterable, Protocol

import numpy as np

from .bank import Bank
from .images import ImageSet
from .process import DEVICES, cosine, decoded, encoded, flip_memory, scaled, signal_share


#: Trajectories after which the flip curve is measured again, since an array drifts.
RECALIBRATION = 8192
#: How often all 0 and all 1 are written for a measurement of the curve.
REPEATS = 256
#: For which a lease is renewed: longer than a training stops for anything. A client that ends gives it back at once.
SECONDS = 600


class DeviceArray(Protocol):
    """What is used of `metrng.lease.Lease`."""

    def __len__(self) -> int: ...

    def write(self, states: np.ndarray) -> None: ...

    def trajectory(self, pulses: Iterable[int]) -> np.ndarray: ...


class FlipCurve:
    """What n pulses leave of the states that were written: E[s] = a(n)·s₀ + b(n) for s = ±1, the mean of all lanes."""

    def __init__(self, pulses: np.ndarray, memory: np.ndarray, offset: np.ndarray) -> None:
        self.pulses, self.memory, self.offset = pulses, memory, offset

    @staticmethod
    def mean(curves: list[FlipCurve]) -> FlipCurve:
        """Returns the mean of curves that were measured at the same numbers of pulses."""
        memory = np.mean([curve.memory for curve in curves], axis=0)
        return FlipCurve(curves[0].pulses, memory, np.mean([curve.offset for curve in curves], axis=0))

    def pulses_for(self, memory: np.ndarray) -> np.ndarray:
        """Returns the numbers of pulses after which a is nearest, from 1 up, interpolated in ln a."""
        falling = np.minimum.accumulate(np.maximum(self.memory, 1e-6))
        wanted = np.log(np.clip(memory, falling[-1], falling[0]))
        found = np.interp(-wanted, -np.log(falling), self.pulses)
        return np.maximum(np.rint(found), 1).astype(np.int64)


def measure(array: DeviceArray, pulses: np.ndarray, repeats: int) -> FlipCurve:
    """Measures the curve at rising numbers of pulses: writes all 0 and all 1, pulses, counts."""
    sums = np.zeros((2, len(pulses)))
    steps = np.diff(pulses, prepend=0)
    for _ in range(repeats):
        for state in (0, 1):
            array.write(np.full(len(array), bool(state)))
            sums[state] += array.trajectory(steps.tolist()).mean(axis=1) * 2 - 1
    means = sums / repeats
    return FlipCurve(np.asarray(pulses), (means[1] - means[0]) / 2, (means[1] + means[0]) / 2)


class ChosenLanes:
    """Some lanes of a lease as an array: those that a pulse flips about as often as the median one.

    Lanes that hardly flip would hold the images that they were given for many times as many pulses as the others, and
    those that are stuck for ever.
    """

    def __init__(self, lease: Any, *, factor: float = 2, repeats: int = 128, pulses: int = 8) -> None:
        flips = np.zeros(len(lease))
        for repeat in range(repeats):
            written = np.full(len(lease), bool(repeat % 2))
            lease.write(written)
            flips += lease.trajectory([pulses])[0] != written
        # From the share that differs after some pulses to that after one.
        rate = -np.log(np.maximum(1 - 2 * flips / repeats, 1e-3))
        median = np.median(rate)
        self._lanes = np.flatnonzero((rate > median / factor) & (rate < median * factor))
        if len(self._lanes) < len(lease) / 8:
            raise ValueError(f"{len(self._lanes)} of {len(lease)} lanes flip about as often as the median; check the point")
        self._lease = lease

    def __len__(self) -> int:
        return len(self._lanes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lease, name)

    def write(self, states: np.ndarray) -> None:
        every = np.zeros(len(self._lease), dtype=bool)
        every[self._lanes] = states
        self._lease.write(every)

    def trajectory(self, pulses: Iterable[int]) -> np.ndarray:
        return self._lease.trajectory(pulses)[:, self._lanes]


def range_of(array: DeviceArray, least: float = 0.01) -> int:
    """Returns a number of pulses after which a is below `least`."""
    up, pulses = np.zeros(2), 1
    while pulses <= 1 << 20:
        for state in (0, 1):
            array.write(np.full(len(array), bool(state)))
            up[state] = array.trajectory([pulses]).mean()
        # A small a is lost in the noise of one measurement, so it is taken where it is larger: a(3n) is near a(n)³.
        if up[1] - up[0] < least ** (1 / 3):
            return 3 * pulses
        pulses *= 2
    raise ValueError("a million pulses do not flip the devices: the operating point of the lease is too weak")


def reading_plan(array: DeviceArray, readings: int, devices: int, repeats: int) -> FlipCurve:
    """Chooses the numbers of pulses to read at, evenly along the cosine schedule, and measures the curve there.

    Numbers that are equal are merged, so there may be fewer of them.
    """
    end = range_of(array)
    coarse = measure(array, np.unique(np.rint(np.geomspace(1, end, 40)).astype(np.int64)), 8)
    times = (np.arange(readings) + 0.5) / readings
    pulses = np.unique(coarse.pulses_for(flip_memory(cosine(times), devices)))
    return measure(array, pulses, repeats)


def find_weak_point(lease: Any, *, amplitude: float = 2300, flips: float = 0.01) -> None:
    """Sets the operating point at which a pulse flips a device with the probability `flips`, by the pulse width.

    Short and high pulses depend least on the diameter and the temperature of a device. The bias field stays.
    """
    amplitude = min(amplitude, lease.facts["amplitudeLimits"]["upper"])
    bias_field = lease.operating_point["biasFieldMicrotesla"]

    def probability(width: float) -> float:
        lease.set_point(amplitude=amplitude, width=width, bias_field=bias_field)
        return (1 - max(measure(lease, np.array([4]), 16).memory[0], 0) ** 0.25) / 2

    width, last = 80.0, 0.0
    while (found := probability(width)) < flips:
        last, width = found, width * 1.06
        if width > 500:
            raise ValueError(f"pulses of {amplitude} mV flip no device; give another point with --point")
    # The logarithm of the probability is nearly a straight line over a step of 6 %.
    low, high = np.log(max(last, flips / 10)), np.log(found)
    share = np.clip((np.log(flips) - low) / (high - low), 0, 1)
    lease.set_point(amplitude=amplitude, width=width / 1.06 ** (1 - share), bias_field=bias_field)
    lease.wait()


def trajectories(
    array: DeviceArray,
    images: np.ndarray,
    pulses: np.ndarray,
    generator: np.random.Generator,
    devices: int = DEVICES,
) -> np.ndarray:
    """Diffuses images [count, pixels] of devices that are up; returns [count, reading, pixel] of them.

    Each load is on a fresh random permutation of the lanes, so that every device is one of the array's mean. An image
    may be on several loads, and a load have several images.
    """
    count, pixels = images.shape
    # For each device of each pixel, whether it is up at first.
    states = (np.arange(devices) < images[:, :, None]).reshape(-1)
    found = np.empty((len(pulses), states.size), dtype=bool)
    steps = np.diff(pulses, prepend=0)
    for start in range(0, states.size, len(array)):
        part = slice(start, min(start + len(array), states.size))
        lanes = generator.permutation(len(array))[: part.stop - part.start]
        written = np.zeros(len(array), dtype=bool)
        written[lanes] = states[part]
        array.write(written)
        found[:, part] = array.trajectory(steps.tolist())[:, lanes]
    counts = found.reshape(len(pulses), count, pixels, devices).sum(axis=3, dtype=np.uint8)
    return np.ascontiguousarray(counts.transpose(1, 0, 2))


def facts_of(lease: Any, images: ImageSet, devices: int) -> dict[str, str]:
    """Returns the metadata of a bank: where its noise came from, and of what images."""
    point = lease.operating_point
    return {
        "provenance": lease.provenance,
        "board": lease.board,
        "firstHealthEpoch": str(lease.health_epoch),
        "lastHealthEpoch": str(lease.health_epoch),
        "operatingPoint": "{amplitudeMillivolts} mV, {pulseWidthPicoseconds} ps, {biasFieldMicrotesla} µT".format(**point),
        "devicesPerPixel": str(devices),
        "images": images.digest,
        "imageCount": str(len(images.labels)),
        "height": str(images.height),
        "width": str(images.width),
    }


def make_bank(
    lease: Any,
    images: ImageSet,
    *,
    rounds: int,
    readings: int,
    seed: int,
    devices: int = DEVICES,
    repeats: int = REPEATS,
    progress: Any = None,
) -> Bank:
    """Diffuses every image `rounds` times. The permutations come from PCG64; they are no noise."""
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 4])))
    curves = [reading_plan(lease, readings, devices, repeats)]
    pulses = curves[0].pulses
    start = encoded(images.flat, devices)
    total = rounds * len(start)
    order = np.concatenate([generator.permutation(len(start)) for _ in range(rounds)])
    counts = np.empty((total, len(pulses), start.shape[1]), dtype=np.uint8)
    group = max(1, len(lease) // (devices * start.shape[1]))
    for first in range(0, total, group):
        chosen = order[first : first + group]
        lease.renew(SECONDS)
        if first // RECALIBRATION != (first - group) // RECALIBRATION:
            curves.append(measure(lease, pulses, repeats))
        counts[first : first + len(chosen)] = trajectories(lease, start[chosen], pulses, generator, devices)
        if progress is not None:
            progress(min(first + group, total), total)
    curve = FlipCurve.mean(curves)
    return Bank(counts, order, pulses, curve.memory, curve.offset, facts_of(lease, images, devices))


class LeaseNoise:
    """Noise from an array while the training runs: readings of trajectories, each used once, in random order."""

    READINGS = 20
    #: Readings that are kept to draw from, so that those of one trajectory are far apart.
    POOL = 4096

    def __init__(self, images: ImageSet, seed: int, lease: Any, devices: int = DEVICES) -> None:
        self._generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 5])))
        self._lease, self._devices = lease, devices
        self._up = encoded(images.flat, devices)
        self.clean = decoded(self._up, devices)
        self._group = max(1, len(lease) // (devices * self._up.shape[1]))
        self._curve = reading_plan(lease, self.READINGS, devices, REPEATS)
        self._since_curve = 0
        self._pool: list[tuple[int, np.ndarray, float, float]] = []
        self._order: deque[int] = deque()
        facts = facts_of(lease, images, devices)
        known = ("provenance", "board", "firstHealthEpoch", "operatingPoint", "devicesPerPixel")
        self.facts = {"noise": "array", **{key: facts[key] for key in known}}

    def _fill(self) -> None:
        while len(self._order) < self._group:
            self._order.extend(self._generator.permutation(len(self._up)).tolist())
        chosen = np.array([self._order.popleft() for _ in range(self._group)])
        self._lease.renew(SECONDS)
        if self._since_curve >= RECALIBRATION:
            self._curve, self._since_curve = measure(self._lease, self._curve.pulses, REPEATS), 0
        self._since_curve += self._group
        curve = self._curve
        counts = trajectories(self._lease, self._up[chosen], curve.pulses, self._generator, self._devices)
        shares = np.clip(signal_share(curve.memory, self._devices), 1e-6, 1 - 1e-6)
        for image, readings in zip(chosen, counts):
            self._pool.extend((image, reading, *at) for reading, *at in zip(readings, shares, curve.offset))

    def batch(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        while len(self._pool) < self.POOL + count:
            self._fill()
        drawn = []
        for _ in range(count):
            place = int(self._generator.integers(len(self._pool)))
            self._pool[place], self._pool[-1] = self._pool[-1], self._pool[place]
            drawn.append(self._pool.pop())
        images, counts, shares, offsets = zip(*drawn)
        share = np.array(shares)
        noisy = scaled(np.stack(counts), share[:, None], self._devices, np.array(offsets)[:, None])
        return np.array(images), noisy, share

    def state(self) -> dict[str, Any]:
        """Nothing: what an array did cannot be had again, so a training that is resumed takes new noise."""
        return {}

    def restore(self, state: dict[str, Any]) -> None: ...
