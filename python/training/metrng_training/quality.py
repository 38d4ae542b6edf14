# SPDX-License-Identifier: Apache-2.0
"""How good images are: Fréchet distances to real ones, and the share of digits that are recognised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Moments:
    """Mean and covariance of a set of vectors."""

    mean: np.ndarray
    covariance: np.ndarray

    @staticmethod
    def of(vectors: np.ndarray) -> Moments:
        values = vectors.astype(np.float64)
        return Moments(values.mean(axis=0), np.cov(values, rowvar=False))


def frechet_distance(first: Moments, second: Moments) -> float:
    """Returns |m₁ − m₂|² + tr(C₁ + C₂ − 2(C₁C₂)^½).

    The trace of the root is that of (C₁^½·C₂·C₁^½)^½, which is symmetric, so covariances may be singular.
    """
    values, vectors = np.linalg.eigh(first.covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    product = np.linalg.eigvalsh(root @ second.covariance @ root)
    difference = first.mean - second.mean
    traces = np.trace(first.covariance) + np.trace(second.covariance)
    return float(difference @ difference + traces - 2 * np.sqrt(np.maximum(product, 0)).sum())


def classified(classifier: torch.nn.Module, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the features and the recognised labels of images in [−1, 1], [count, pixels]."""
    features, labels = [], []
    with torch.no_grad():
        for part in torch.from_numpy(images.astype(np.float32)).split(500):
            found, logits = classifier(part)
            features.append(found.numpy())
            labels.append(logits.argmax(dim=1).numpy())
    return np.concatenate(features), np.concatenate(labels)


def eight_bit(images: np.ndarray) -> np.ndarray:
    """Returns images as they come out of an 8-bit file."""
    return (np.rint((np.clip(images, -1, 1) + 1) * 127.5) / 127.5 - 1).astype(np.float32)
