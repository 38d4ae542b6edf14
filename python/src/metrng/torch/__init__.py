# SPDX-License-Identifier: Apache-2.0
"""metrng as the source of PyTorch's random numbers."""

from .noise import TorchGenerator, TorchNoise, TorchReport, torch_generator, torch_noise
from .workers import torch_worker_init

__all__ = ["TorchGenerator", "TorchNoise", "TorchReport", "torch_generator", "torch_noise", "torch_worker_init"]
