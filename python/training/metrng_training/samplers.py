# SPDX-License-Identifier: Apache-2.0
"""Samplers in software, for judging networks before the array is there. `Diffusion` in Swift has those of the product."""

from __future__ import annotations

from typing import Callable

import numpy as np
import torch

from .networks import clean_images
from .process import DEVICES, cosine, decoded, flip_memory, log_snr, scaled

#: Predicts clean images in [−1, 1] from (noisy images as a denoiser takes them, ᾱ).
Predictor = Callable[[np.ndarray, float], np.ndarray]


def predictor(network: torch.nn.Module, labels: np.ndarray, guidance: float) -> Predictor:
    """Returns guided predictions for the labels: x̂ = (1+w)·x̂(label) − w·x̂(none)."""
    wanted = torch.from_numpy(labels.astype(np.int64))
    none = torch.full_like(wanted, network.labels)

    def predict(noisy: np.ndarray, share: float) -> np.ndarray:
        with torch.no_grad():
            images = torch.from_numpy(noisy.astype(np.float32))
            ratio = torch.full((len(noisy),), float(log_snr(np.float64(share))))
            result = (1 + guidance) * clean_images(network, images, ratio, wanted)
            if guidance:
                result -= guidance * clean_images(network, images, ratio, none)
        return result.clamp(-1, 1).numpy()

    return predict


def reverse_step(
    counts: np.ndarray,
    start: np.ndarray,
    now: float,
    then: float,
    generator: np.random.Generator,
    devices: int = DEVICES,
) -> np.ndarray:
    """Takes the exact reverse step of the Ehrenfest process, from a = `now` to the larger a = `then`.

    `start` is the number of devices that are taken to have been up at first; it need not be whole. The expected number
    J of devices that are up and were so at the start solves J(K−n−n₀+J) = R(n−J)(n₀−J), R = ((1+a)/(1−a))².
    """
    odds = ((1 + now) / (1 - now)) ** 2
    # (1 − R)·J² + (K − n − n₀ + R(n + n₀))·J − R·n·n₀ = 0, and the root that is at most n and n₀, without cancellation.
    linear = devices + (odds - 1) * (counts + start)
    root = np.sqrt(np.maximum(linear**2 - 4 * (odds - 1) * odds * counts * start, 0))
    both = 2 * odds * counts * start / (linear + root)
    up = np.clip(np.divide(both, counts, out=np.zeros_like(both), where=counts > 0), 0, 1)
    down = np.clip(
        np.divide(start - both, devices - counts, out=np.zeros_like(both), where=counts < devices), 0, 1
    )
    kept, between, rest = (1 + now) / 2, (1 + now / then) / 2, (1 + then) / 2
    stay = up * rest * between / kept + (1 - up) * (1 - rest) * between / (1 - kept)
    rise = down * rest * (1 - between) / (1 - kept) + (1 - down) * (1 - rest) * (1 - between) / kept
    return generator.binomial(counts, np.clip(stay, 0, 1)) + generator.binomial(
        devices - counts, np.clip(rise, 0, 1)
    )


def times(steps: int) -> np.ndarray:
    """Returns ᾱ at each step, from noise to image."""
    return cosine(np.arange(steps, 0, -1) / steps)


def reverse(
    predict: Predictor, shape: tuple[int, int], steps: int, generator: np.random.Generator, devices: int = DEVICES
) -> np.ndarray:
    """Samples by the reverse Ehrenfest process from 50 % ones."""
    shares = times(steps)
    memory = flip_memory(shares, devices)
    counts = generator.binomial(devices, 0.5, size=shape)
    for step, share in enumerate(shares):
        clean = predict(scaled(counts, share, devices), share)
        if step + 1 < steps:
            start = (clean + 1) * (devices / 2)
            counts = reverse_step(counts, start, memory[step], memory[step + 1], generator, devices)
    return clean


def ddpm(predict: Predictor, shape: tuple[int, int], steps: int, generator: np.random.Generator) -> np.ndarray:
    """Samples by DDPM with the variance of the posterior."""
    shares = times(steps)
    noisy = generator.standard_normal(shape)
    for step, share in enumerate(shares):
        clean = predict(noisy, share)
        if step + 1 < steps:
            following = shares[step + 1]
            alpha = share / following
            mean = np.sqrt(following) * (1 - alpha) * clean + np.sqrt(alpha) * (1 - following) * noisy
            deviation = np.sqrt((1 - following) * (1 - alpha) / (1 - share))
            noisy = mean / (1 - share) + deviation * generator.standard_normal(shape)
    return clean


def ddim(predict: Predictor, shape: tuple[int, int], steps: int, generator: np.random.Generator) -> np.ndarray:
    """Samples by DDIM with η = 0."""
    shares = times(steps)
    noisy = generator.standard_normal(shape)
    for step, share in enumerate(shares):
        clean = predict(noisy, share)
        if step + 1 < steps:
            following = shares[step + 1]
            noise = (noisy - np.sqrt(share) * clean) / np.sqrt(1 - share)
            noisy = np.sqrt(following) * clean + np.sqrt(1 - following) * noise
    return clean


SAMPLERS = {"reverse": reverse, "ddpm": ddpm, "ddim": ddim}
