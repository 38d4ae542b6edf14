# SPDX-License-Identifier: Apache-2.0
"""Training of classifiers: the feature network and the recognisers."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from .images import ImageSet
from .networks import Classifier
from .training import Progress


def held_out(images: ImageSet, seed: int, share: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Returns the indices to train on and those to test with."""
    order = np.random.Generator(np.random.PCG64(seed)).permutation(len(images.labels))
    count = int(round(len(order) * share))
    return order[count:], order[:count]


def shifted(batch: torch.Tensor, height: int, width: int, reach: float, generator: torch.Generator) -> torch.Tensor:
    """Moves, turns and stretches each image a little; the border is background, −1."""
    count = len(batch)
    angle = (torch.rand(count, generator=generator) - 0.5) * 0.35
    scale = 1 + (torch.rand(count, generator=generator) - 0.5) * 0.2
    moves = (torch.rand(count, 2, generator=generator) - 0.5) * 4 * reach
    cosine, sine = angle.cos() * scale, angle.sin() * scale
    rows = [torch.stack([cosine, -sine, moves[:, 0] / width], 1), torch.stack([sine, cosine, moves[:, 1] / height], 1)]
    grid = functional.affine_grid(torch.stack(rows, 1), [count, 1, height, width], align_corners=False)
    return functional.grid_sample(batch.view(-1, 1, height, width) + 1, grid, align_corners=False).flatten(1) - 1


def train_classifier(
    images: ImageSet, seed: int, epochs: int, share: float, shift: float | None = None
) -> tuple[Classifier, float]:
    """Trains a classifier on all but a share of the images, and returns it with its accuracy on those.

    Images are moved by up to `shift` pixels; without it by half a pixel, or two where they have more than 12.
    """
    if not images.label_names:
        raise ValueError("a classifier needs labels: sub-folders")
    torch.manual_seed(seed)
    network = Classifier(images.height, images.width, len(images.label_names))
    training, testing = held_out(images, seed, share)
    pixels, labels = torch.from_numpy(images.flat), torch.from_numpy(images.labels)
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-3)
    batch = 64
    steps = epochs * (len(training) // batch)
    progress = Progress(steps)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    reach = shift if shift is not None else 0.5 if images.width <= 12 else 2.0
    for step in range(steps):
        position = step % (len(training) // batch)
        if position == 0:
            order = torch.randperm(len(training), generator=generator).numpy()
        chosen = training[order[position * batch : (position + 1) * batch]]
        inputs = shifted(pixels[chosen], images.height, images.width, reach, generator)
        inputs = inputs + 0.1 * torch.randn(inputs.shape, generator=generator)
        loss = functional.cross_entropy(network(inputs)[1], labels[chosen], label_smoothing=0.05)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rates.step()
        progress.step(step + 1, float(loss.detach()))
    network.eval()
    with torch.no_grad():
        correct = network(pixels[testing])[1].argmax(1) == labels[testing]
    return network, float(correct.float().mean())
