# SPDX-License-Identifier: Apache-2.0
"""Golden vectors of the networks, for the tests of `DenoisingNetworks`.

Weights and inputs follow from a formula that the tests have too, so that only outputs are in the file.
"""

from __future__ import annotations

import numpy as np
import torch

from .networks import Classifier, ConvolutionDenoiser, DenseDenoiser, clean_images
from .quality import Moments, frechet_distance

#: Name -> (architecture, height, width, labels).
NETWORKS = {
    "dense": (DenseDenoiser, 8, 8, 10),
    "denseWithoutLabels": (DenseDenoiser, 5, 3, 0),
    "convolution": (ConvolutionDenoiser, 28, 28, 10),
    "convolutionWide": (ConvolutionDenoiser, 8, 12, 3),
    "classifier": (Classifier, 8, 8, 10),
    "classifierWide": (Classifier, 8, 12, 4),
}
IMAGES = 3
SHARES = (0.0005, 0.4, 0.998)


def mixed(stream: int, count: int) -> np.ndarray:
    """Returns numbers from −1 to 1 with 24 bits: those of SplitMix64 with the seed stream·2³², in order."""
    mask = (1 << 64) - 1
    numbers = []
    for index in range(1, count + 1):
        z = ((stream << 32) + index * 0x9E3779B97F4A7C15) & mask
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & mask
        numbers.append((z ^ z >> 31) >> 40)
    return (np.array(numbers, dtype=np.float64) / (1 << 23) - 1).astype(np.float32)


def weights(network: torch.nn.Module) -> dict[str, np.ndarray]:
    """Returns the weights of the formula: tensor by tensor in the order of the names."""
    tensors = {}
    for stream, (name, value) in enumerate(sorted(network.state_dict().items())):
        numbers = mixed(stream, value.numel())
        if value.dim() > 1:
            numbers *= np.float32(1.7 / np.sqrt(value[0].numel()))
        else:
            numbers = np.float32(0.2) * numbers + np.float32("norm" in name and name.endswith("weight"))
        tensors[name] = numbers.astype(np.float16).reshape(value.shape)
    return tensors


def outputs() -> dict[str, np.ndarray]:
    """Returns the outputs of every network, and the Fréchet distance of two sets of vectors."""
    results = {}
    for number, (name, (kind, height, width, labels)) in enumerate(NETWORKS.items()):
        network = kind(height, width, labels)
        network.load_state_dict({key: torch.from_numpy(t.astype(np.float32)) for key, t in weights(network).items()})
        network.eval().requires_grad_(False)
        inputs = torch.from_numpy(2 * mixed(1000 + number, IMAGES * height * width).reshape(IMAGES, -1))
        if kind is Classifier:
            results[f"{name}.features"] = network(inputs)[0].numpy()
            results[f"{name}.logits"] = network(inputs)[1].numpy()
            continue
        # Images with the labels 0, none and the last.
        given = torch.tensor([0, labels, max(labels - 1, 0)])
        for index, share in enumerate(SHARES):
            ratio = torch.full((IMAGES,), float(np.log(share) - np.log1p(-share)))
            results[f"{name}.{index}"] = clean_images(network, inputs, ratio, given).numpy()
    first, second = mixed(2000, 50 * 6).reshape(50, 6), mixed(2001, 40 * 6).reshape(40, 6)
    second[:, 3] = 2 * second[:, 2]  # A singular covariance.
    distance = frechet_distance(Moments.of(first), Moments.of(second))
    results["frechet"] = np.array([distance], dtype=np.float32)
    return results
