# SPDX-License-Identifier: Apache-2.0
"""Sources of noisy images to train on."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from .bank import Bank
from .images import ImageSet
from .process import DEVICES, cosine, decoded, encoded, flip_memory, scaled


class NoiseSource(Protocol):
    """Makes batches: (indices of images, noisy images as a denoiser takes them, ᾱ of each)."""

    #: What the file of weights says about the noise.
    facts: dict[str, str]
    #: The images without noise, float32 [count, pixels]: as far as the source resolves grey levels.
    clean: np.ndarray

    def batch(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...

    def state(self) -> dict[str, Any]:
        """What `restore` needs to go on; empty where going on exactly is not possible."""
        ...

    def restore(self, state: dict[str, Any]) -> None: ...


class _Seeded:
    """A source whose numbers all come from PCG64 with a seed."""

    def __init__(self, images: ImageSet, seed: int, stream: int) -> None:
        self.clean = images.flat
        self._generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, stream])))

    def state(self) -> dict[str, Any]:
        return dict(self._generator.bit_generator.state)

    def restore(self, state: dict[str, Any]) -> None:
        self._generator.bit_generator.state = state


class SoftwareNoise(_Seeded):
    """Gaussian noise of NumPy's PCG64, at noise levels of the cosine schedule."""

    def __init__(self, images: ImageSet, seed: int) -> None:
        super().__init__(images, seed, 1)
        self.facts = {"noise": "software"}

    def batch(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        chosen = self._generator.integers(len(self.clean), size=count)
        share = cosine(self._generator.random(count))
        gaussian = self._generator.standard_normal((count, self.clean.shape[1]), dtype=np.float32)
        signal, noise = np.sqrt(share)[:, None], np.sqrt(1 - share)[:, None]
        return chosen, (signal * self.clean[chosen] + noise * gaussian).astype(np.float32), share


class EhrenfestNoise(_Seeded):
    """The exact process of the thermometer code, as binomials of NumPy's PCG64: an ideal array."""

    def __init__(self, images: ImageSet, seed: int, devices: int = DEVICES) -> None:
        super().__init__(images, seed, 2)
        self._devices = devices
        self._up = encoded(self.clean, devices)
        self.clean = decoded(self._up, devices)
        self.facts = {"noise": "ehrenfest", "devicesPerPixel": str(devices)}

    def batch(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        chosen = self._generator.integers(len(self.clean), size=count)
        share = cosine(self._generator.random(count))[:, None]
        stays = (1 + flip_memory(share, self._devices)) / 2
        up = self._up[chosen]
        counts = self._generator.binomial(up, stays) + self._generator.binomial(self._devices - up, 1 - stays)
        return chosen, scaled(counts, share, self._devices), share[:, 0]


class BankNoise(_Seeded):
    """Readings of a bank of trajectories, each drawn at random; only the draws come from PCG64."""

    def __init__(self, images: ImageSet, seed: int, bank: Bank) -> None:
        super().__init__(images, seed, 3)
        bank.require_images(images)
        self._bank = bank
        self.clean = decoded(encoded(images.flat, bank.devices), bank.devices)
        self.facts = bank.facts

    def batch(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        trajectories = self._generator.integers(self._bank.trajectories, size=count)
        readings = self._generator.integers(self._bank.readings, size=count)
        return (self._bank.image[trajectories], *self._bank.noisy(trajectories, readings))
