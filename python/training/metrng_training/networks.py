# SPDX-License-Identifier: Apache-2.0
"""The networks: two denoisers and a classifier. `DenoisingNetworks` in Swift computes the same functions.

The names of parameters are those of the tensors in a file of weights, so a change here is a new architecture with a
new name. A denoiser takes images scaled to √ᾱ·x₀ + √(1−ᾱ)·ε, the log signal-to-noise ratio ln(ᾱ/(1−ᾱ)) of each, and
labels (the one after the last stands for none), and gives v = √ᾱ·ε − √(1−ᾱ)·x₀.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

FREQUENCIES = 16


class Conditioning(nn.Module):
    """A vector for each pair of a noise level and a label."""

    def __init__(self, labels: int, width: int) -> None:
        super().__init__()
        self.noise1 = nn.Linear(2 * FREQUENCIES, width)
        self.noise2 = nn.Linear(width, width)
        self.label = nn.Embedding(labels + 1, width)
        frequencies = 0.05 * 2 ** (torch.arange(FREQUENCIES, dtype=torch.float64) / 3)
        self.register_buffer("frequencies", frequencies.float(), persistent=False)

    def forward(self, log_snr: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        angles = log_snr[:, None] * self.frequencies
        hidden = functional.silu(self.noise1(torch.cat([angles.sin(), angles.cos()], dim=1)))
        return functional.silu(self.noise2(hidden) + self.label(labels))


class DenseBlock(nn.Module):
    def __init__(self, width: int, conditions: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.hidden = nn.Linear(width, 2 * width)
        self.condition = nn.Linear(conditions, 2 * width)
        self.output = nn.Linear(2 * width, width)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return x + self.output(functional.silu(self.hidden(self.norm(x)) + self.condition(condition)))


class DenseDenoiser(nn.Module):
    """A residual network of fully connected layers, for images of at most 1,024 pixels."""

    architecture = "dense-1"
    WIDTH, CONDITIONS, BLOCKS = 256, 64, 3

    def __init__(self, height: int, width: int, labels: int) -> None:
        super().__init__()
        if not 1 <= height * width <= 1024:
            raise ValueError(f"dense-1 is for images of at most 1024 pixels, not {height} x {width}")
        self.height, self.width, self.labels = height, width, labels
        self.condition = Conditioning(labels, self.CONDITIONS)
        self.input = nn.Linear(height * width, self.WIDTH)
        self.blocks = nn.ModuleList(DenseBlock(self.WIDTH, self.CONDITIONS) for _ in range(self.BLOCKS))
        self.norm = nn.LayerNorm(self.WIDTH)
        self.output = nn.Linear(self.WIDTH, height * width)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, noisy: torch.Tensor, log_snr: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        condition = self.condition(log_snr, labels)
        hidden = self.input(noisy)
        for block in self.blocks:
            hidden = block(hidden, condition)
        return self.output(self.norm(hidden))


class ConvolutionBlock(nn.Module):
    GROUPS = 8

    def __init__(self, inputs: int, outputs: int, conditions: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(self.GROUPS, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.condition = nn.Linear(conditions, outputs)
        self.norm2 = nn.GroupNorm(self.GROUPS, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        hidden = self.conv1(functional.silu(self.norm1(x))) + self.condition(condition)[:, :, None, None]
        hidden = self.conv2(functional.silu(self.norm2(hidden)))
        return hidden + (x if self.skip is None else self.skip(x))


class ConvolutionDenoiser(nn.Module):
    """A U-Net of two resolutions on patches of 2 x 2 pixels, for images whose sides are multiples of 4, at most 64."""

    architecture = "unet-1"
    CHANNELS, DEEP, CONDITIONS = 32, 64, 128

    def __init__(self, height: int, width: int, labels: int) -> None:
        super().__init__()
        if height % 4 or width % 4 or not (4 <= height <= 64 and 4 <= width <= 64):
            raise ValueError(f"unet-1 is for sides that are multiples of 4 from 4 to 64, not {height} x {width}")
        self.height, self.width, self.labels = height, width, labels
        channels, deep, conditions = self.CHANNELS, self.DEEP, self.CONDITIONS
        self.condition = Conditioning(labels, conditions)
        self.input = nn.Conv2d(4, channels, 3, padding=1)
        self.first = ConvolutionBlock(channels, channels, conditions)
        self.down = nn.Conv2d(channels, deep, 3, stride=2, padding=1)
        self.middle = nn.ModuleList(ConvolutionBlock(deep, deep, conditions) for _ in range(3))
        self.up = nn.Conv2d(deep, channels, 3, padding=1)
        self.last = ConvolutionBlock(2 * channels, channels, conditions)
        self.norm = nn.GroupNorm(ConvolutionBlock.GROUPS, channels)
        self.output = nn.Conv2d(channels, 4, 3, padding=1)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, noisy: torch.Tensor, log_snr: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        condition = self.condition(log_snr, labels)
        # Channel 2·i + j is the pixel in row i, column j of each patch.
        patches = functional.pixel_unshuffle(noisy.view(-1, 1, self.height, self.width), 2)
        shallow = self.first(self.input(patches), condition)
        hidden = self.down(shallow)
        for block in self.middle:
            hidden = block(hidden, condition)
        hidden = self.up(functional.interpolate(hidden, scale_factor=2, mode="nearest"))
        hidden = self.last(torch.cat([hidden, shallow], dim=1), condition)
        patches = self.output(functional.silu(self.norm(hidden)))
        return functional.pixel_shuffle(patches, 2).flatten(1)


class Classifier(nn.Module):
    """A small classifier of images; its 32 values before the last layer are the features of Fréchet distances."""

    architecture = "classifier-1"
    FEATURES = 32

    def __init__(self, height: int, width: int, labels: int) -> None:
        super().__init__()
        if height % 4 or width % 4 or not (4 <= height <= 64 and 4 <= width <= 64):
            raise ValueError(f"classifier-1 is for sides that are multiples of 4 from 4 to 64, not {height} x {width}")
        self.height, self.width, self.labels = height, width, labels
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 32, 3, padding=1)
        self.features = nn.Linear(32 * (height // 4) * (width // 4), self.FEATURES)
        self.output = nn.Linear(self.FEATURES, labels)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the features and the logits of images in [−1, 1]."""
        x = functional.silu(self.conv1(images.view(-1, 1, self.height, self.width)))
        x = functional.avg_pool2d(functional.silu(self.conv2(x)), 2)
        x = functional.avg_pool2d(functional.silu(self.conv3(x)), 2)
        features = functional.silu(self.features(x.flatten(1)))
        return features, self.output(features)


ARCHITECTURES = {kind.architecture: kind for kind in (DenseDenoiser, ConvolutionDenoiser, Classifier)}


def clean_images(network: nn.Module, noisy: torch.Tensor, log_snr: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Returns the clean images that a denoiser predicts, not clamped."""
    share = torch.sigmoid(log_snr)[:, None]
    return share.sqrt() * noisy - (1 - share).sqrt() * network(noisy, log_snr, labels)
