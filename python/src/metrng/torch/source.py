# SPDX-License-Identifier: Apache-2.0
"""The session behind PyTorch's draws, what it counts, and which one a draw belongs to."""

from __future__ import annotations

import functools
import os
import threading
import weakref
from typing import Any

import torch

from .. import _native
from ..errors import NotServed
from ..session import Session

_BACKWARD = (
    "{operation} was called in a backward pass, as torch.utils.checkpoint does to compute a layer again: new random bits "
    "would give wrong gradients. Do not checkpoint layers that draw, or train outside torch_noise"
)

_sources: weakref.WeakSet[Source] = weakref.WeakSet()


def _forget_the_parents_draws() -> None:
    for source in _sources:
        source.counts.clear()


os.register_at_fork(after_in_child=_forget_the_parents_draws)


class Source:
    """A session that serves PyTorch, with a count of draws and samples for each thread and operation."""

    def __init__(self, session: Session, settings: dict[str, Any]) -> None:
        self.session = session
        self.native = session.native
        self.settings = settings
        self.counts: dict[tuple[str, str], list[int]] = {}
        _sources.add(self)

    def count(self, operation: str, samples: int) -> None:
        """Counts a draw. Each thread has entries of its own, so that none is lost."""
        key = (threading.current_thread().name, operation)
        entry = self.counts.get(key)
        if entry is None:
            entry = self.counts.setdefault(key, [0, 0])
        entry[0] += 1
        entry[1] += samples

    @functools.cached_property
    def numpy(self) -> Any:
        """A generator of NumPy on the same bits, for distributions whose exact samplers NumPy has."""
        try:
            import numpy
        except ImportError as error:
            raise NotServed("poisson, binomial, gamma and Dirichlet numbers need numpy: pip install numpy") from error
        bits: Any = _native.BitGenerator(self.native)
        return numpy.random.Generator(bits)


#: Sources by the address of the generator in C++, which stays while kernels see ever new wrappers.
generators: dict[int, Source] = {}


def address_of(generator: Any) -> int:
    """Returns the address of a generator in C++."""
    return generator._cdata


class _Active(threading.local):
    """What a thread draws from: the source of the last block that it entered and has not left."""

    source: Source | None = None

    def __init__(self) -> None:
        self._entered: list[Source] = []

    def enter(self, source: Source) -> None:
        self._entered.append(source)
        self.source = source

    def leave(self, source: Source) -> bool:
        """Returns whether the thread had entered. Blocks may be left in any order."""
        if source not in self._entered:
            return False
        self._entered.reverse()
        self._entered.remove(source)
        self._entered.reverse()
        self.source = self._entered[-1] if self._entered else None
        return True


active = _Active()

#: One for each thread in a block of torch_noise.
blocks: list[Source] = []


def check_stranger(operation: str) -> None:
    """Raises for a draw by a thread of PyTorch's backward pass, which may belong to a block of another thread."""
    is_backward = blocks and torch._C._current_graph_task_id() != -1
    if is_backward and threading.current_thread().__class__.__name__ == "_DummyThread":
        raise NotServed(_BACKWARD.format(operation=operation))


def source_for(generator: torch.Generator | None) -> Source | None:
    """Returns the source that a draw of this thread with this generator belongs to; None: PyTorch's own."""
    if generators and generator is not None:
        source = generators.get(address_of(generator))
        if source is not None:
            return source
    return active.source


def check_context(operation: str, tensor: torch.Tensor | None) -> None:
    """Raises where a draw would be wrong though it could be made."""
    if torch._C._current_graph_task_id() != -1:
        raise NotServed(_BACKWARD.format(operation=operation))
    if tensor is not None and tensor.is_cuda and torch.cuda.is_current_stream_capturing():
        raise NotServed(
            f"{operation} was called while a CUDA graph is captured: every replay would repeat the same numbers. Draw "
            f"outside the graph and copy the noise into a tensor that it reads"
        )
