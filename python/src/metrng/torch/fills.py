# SPDX-License-Identifier: Apache-2.0
"""Fills of tensors of any type, layout and device with uniform bits, numbers and integers."""

from __future__ import annotations

import math
from typing import Callable

import torch

from ..errors import NotServed
from .source import Source

#: Binary digits of the mantissa: the finest uniform numbers that never round to 1.
DIGITS = {torch.float64: 53, torch.float32: 24, torch.float16: 11, torch.bfloat16: 8}


def require_floating(tensor: torch.Tensor, operation: str) -> None:
    if tensor.dtype not in DIGITS and not tensor.is_complex():
        raise NotServed(f"{operation} makes float64, float32, float16 and bfloat16, not {tensor.dtype}")


def fill(tensor: torch.Tensor, dtype: torch.dtype, draw: Callable[[torch.Tensor], object]) -> torch.Tensor:
    """Fills `tensor` with what `draw` puts into contiguous memory of the CPU with this type, converted."""
    if tensor.numel() == 0:
        return tensor
    if tensor.dtype is dtype and not tensor.is_cuda and tensor.is_contiguous():
        draw(tensor)
        return tensor
    scratch = torch.empty(tensor.shape, dtype=dtype, device="cpu", pin_memory=tensor.is_cuda)
    draw(scratch)
    return tensor.copy_(scratch, non_blocking=tensor.is_cuda)


def words(source: Source, scratch: torch.Tensor) -> None:
    """Fills contiguous memory with random bits."""
    source.native.fill(scratch.data_ptr(), scratch.numel() * scratch.element_size())


def uniform_doubles(source: Source, shape: torch.Size) -> torch.Tensor:
    """Returns multiples of 2⁻⁵³ of the open interval (0, 1): 0 is replaced by 2⁻⁵⁴."""
    result = torch.empty(shape, dtype=torch.float64, device="cpu")
    source.native.fill_uniform(result.data_ptr(), result.numel(), True)
    return result.clamp_(min=2.0**-54)


def normal(source: Source, tensor: torch.Tensor, mean: float, std: float) -> torch.Tensor:
    """Fills `tensor` with normal numbers; those of complex tensors have half the variance in either part."""
    if tensor.is_complex():
        normal(source, torch.view_as_real(tensor), mean, std / math.sqrt(2))
        return tensor
    is_double = tensor.dtype is torch.float64
    return fill(
        tensor,
        torch.float64 if is_double else torch.float32,
        lambda memory: source.native.fill_normal(memory.data_ptr(), memory.numel(), is_double, mean, std),
    )


def _narrow_uniform(source: Source, scratch: torch.Tensor, digits: int) -> None:
    bits = torch.empty(scratch.shape, dtype=torch.int16, device="cpu")
    words(source, bits)
    scratch.copy_(bits.bitwise_and_(2**digits - 1)).mul_(2.0**-digits)


def uniform(source: Source, tensor: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """Fills `tensor` with numbers in [low, high), with as many digits as its type has."""
    if tensor.is_complex():
        uniform(source, torch.view_as_real(tensor), low, high)
        return tensor
    digits = DIGITS[tensor.dtype]
    is_double = tensor.dtype is torch.float64

    def draw(memory: torch.Tensor) -> None:
        if digits < 24:
            _narrow_uniform(source, memory, digits)
        else:
            source.native.fill_uniform(memory.data_ptr(), memory.numel(), is_double)
        if (low, high) != (0, 1):
            memory.mul_(high - low).add_(low)

    fill(tensor, torch.float64 if is_double else torch.float32, draw)
    if (low, high) != (0, 1) and low < high:
        # Rounding can reach high, which the interval does not hold.
        limits = torch.tensor([high, low], dtype=tensor.dtype, device="cpu")
        tensor.clamp_(max=torch.nextafter(limits[0], limits[1]).item())
    return tensor


def integers(source: Source, tensor: torch.Tensor, low: int, high: int) -> torch.Tensor:
    """Fills `tensor` with integers of [low, high)."""

    def draw(memory: torch.Tensor) -> None:
        source.native.fill_integers(memory.data_ptr(), memory.numel(), (high - low) % 2**64)
        if low:
            memory.add_(low)

    fill(tensor, torch.int64, draw)
    if tensor.dtype in DIGITS and max(abs(low), abs(high)) > 2 ** DIGITS[tensor.dtype]:
        limits = torch.tensor([high, low], dtype=tensor.dtype, device="cpu")
        tensor.clamp_(max=torch.nextafter(limits[0], limits[1]).item())
    return tensor
