# SPDX-License-Identifier: Apache-2.0
"""Brownian motions of torchsde, which derives their noise from seeds, again and again.

A motion is a tree of intervals; each node has seeds, and its noise is made from them whenever it is asked for. For a
motion made inside torch_noise the noise of a node is drawn once, and takes the place of the seed.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import sys
import threading
from typing import Any, Callable

import torch

from ..errors import NotServed

_MODULE = "torchsde._brownian.brownian_interval"
_SEEDS = ("_W_seed", "_H_seed", "_left_a_seed", "_right_a_seed", "_top_a_seed")

_undo: list[Callable[[], None]] = []


class _OurEntropy(int):
    """The entropy of a motion whose noise is ours; its value only seeds what is not used."""


class _Noise:
    """The noise of a node, in the place of its seed."""

    def __init__(self, values: torch.Tensor) -> None:
        self.values = values


class _Making(threading.local):
    depth = 0


_making = _Making()


def _keep(nodes: tuple[Any, ...], seed: Any, noise: _Noise) -> None:
    for node in nodes:
        for name in _SEEDS:
            if getattr(node, name, None) is seed:
                setattr(node, name, noise)


def _noise_of(
    node: Any, nodes: tuple[Any, ...], seed: Any, size: tuple[int, ...], is_active: bool
) -> torch.Tensor | None:
    """Returns the noise for a seed of one of `nodes`; None for a motion that is none of ours."""
    if isinstance(seed, _Noise):
        return seed.values
    top = node._top
    is_ours = _making.depth > 0 or isinstance(top._entropy, _OurEntropy)
    if is_ours != is_active:
        raise NotServed(
            "a Brownian motion of torchsde is queried inside torch_noise but was made outside, or the reverse: its noise "
            "would come from two sources. Make it and query it inside the block"
        )
    if not is_ours:
        return None
    noise = _Noise(torch.randn(size, dtype=top._dtype, device=top._device))
    _keep(nodes, seed, noise)
    return noise.values


def _patch(module: Any, is_active: Callable[[], bool]) -> None:
    interval, motion = module._Interval, module.BrownianInterval
    randn, randn_levy, initialise = interval._randn, interval._randn_levy, motion.__init__

    def our_randn(self: Any, seed: Any) -> torch.Tensor:
        noise = _noise_of(self, (self,), seed, self._top._size, is_active())
        return randn(self, seed) if noise is None else noise

    def our_randn_levy(self: Any) -> torch.Tensor:
        size = (*self._top._size, *self._top._size[-1:])
        nodes = (self,) if self._parent is None else (self._parent,)
        noise = _noise_of(self, nodes, self._a_seed(), size, is_active())
        return randn_levy(self) if noise is None else noise

    @functools.wraps(initialise)
    def our_initialise(self: Any, *arguments: Any, **keywords: Any) -> None:
        if not is_active():
            return initialise(self, *arguments, **keywords)
        _making.depth += 1
        try:
            initialise(self, *arguments, **keywords)
        finally:
            _making.depth -= 1
        self._entropy = _OurEntropy(self._entropy)

    interval._randn, interval._randn_levy, motion.__init__ = our_randn, our_randn_levy, our_initialise

    def undo() -> None:
        interval._randn, interval._randn_levy, motion.__init__ = randn, randn_levy, initialise

    _undo.append(undo)


class _Finder(importlib.abc.MetaPathFinder):
    """Patches the module as soon as it has been imported."""

    def __init__(self, is_active: Callable[[], bool]) -> None:
        self._is_active = is_active

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_patch(module: Any) -> None:
                execute(module)
                _patch(module, self._is_active)

            spec.loader.exec_module = execute_and_patch  # type: ignore[method-assign]
        return spec


def install(is_active: Callable[[], bool]) -> None:
    """Patches torchsde, now or when it is imported. `is_active` tells whether the calling thread draws from us."""
    if _MODULE in sys.modules:
        _patch(sys.modules[_MODULE], is_active)
    else:
        sys.meta_path.insert(0, _Finder(is_active))


def remove() -> None:
    """Undoes `install`. Motions of ours keep their noise."""
    while _undo:
        _undo.pop()()
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
