# SPDX-License-Identifier: Apache-2.0
"""`torch_noise()` and `torch_generator()`."""

from __future__ import annotations

import dataclasses
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, NoReturn

import torch

from ..blocks import Block
from ..errors import InvalidArgument
from ..session import Origin, Report, Session, refuse_copy
from .dispatcher import overrides
from .source import Source, active, address_of, blocks, generators

if TYPE_CHECKING:
    from types import TracebackType


@dataclasses.dataclass(frozen=True)
class TorchReport:
    """What PyTorch drew: number of draws and of samples by operation, draws by thread and operation, and the session.

    An operation is the leaf that others end in: `torch.randn` counts as `normal_`. A forked child, such as a worker of
    a DataLoader, counts for itself.
    """

    draws: dict[str, int]
    samples: dict[str, int]
    threads: dict[str, dict[str, int]]
    session: Report

    @property
    def bits(self) -> int:
        """Number of bits used."""
        return self.session.bits

    @property
    def origin(self) -> Origin | None:
        """Origin of all bits used; None before the first."""
        return self.session.origin


def _report(source: Source) -> TorchReport:
    draws: dict[str, int] = {}
    samples: dict[str, int] = {}
    threads: dict[str, dict[str, int]] = {}
    for (thread, operation), (count, size) in sorted(source.counts.copy().items()):
        draws[operation] = draws.get(operation, 0) + count
        samples[operation] = samples.get(operation, 0) + size
        threads.setdefault(thread, {})[operation] = count
    return TorchReport(draws, samples, threads, source.session.report())


class TorchNoise(Block):
    """A block in which PyTorch draws from metrng, in the threads that enter it. Made by `torch_noise`."""

    _call = "metrng.torch_noise(…)"

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._lock = threading.Lock()
        self._entries = 0

    def __enter__(self) -> TorchNoise:
        self._enter()
        with self._lock:
            if self._entries < 0:
                raise InvalidArgument("this block has ended: call torch_noise() again")
            overrides.acquire()
            self._entries += 1
        active.enter(self._source)
        blocks.append(self._source)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not active.leave(self._source):
            raise InvalidArgument("this thread is not in this block: leave it in the thread that entered it")
        blocks.remove(self._source)
        overrides.release()
        with self._lock:
            self._entries -= 1
            if self._entries == 0:
                self._entries = -1
                self._final = _report(self._source)
                self._source.session.close()

    _final: TorchReport | None = None

    @property
    def origin(self) -> Origin | None:
        """Origin of all bits that the block used; None before the first."""
        return self.report().origin

    def report(self) -> TorchReport:
        """Returns the draws so far; after the block, all of them."""
        return self._final or _report(self._source)

    def __reduce__(self) -> NoReturn:
        refuse_copy("block of torch_noise")


def torch_noise(
    path: str | os.PathLike[str] | None = None, *, grade: str = "full", allow_simulated: bool = False
) -> TorchNoise:
    """Makes every random operation of PyTorch in the block draw from metrng, with and without a generator.

    It holds for the thread that enters; other threads enter the same object themselves. An operation that draws and
    is not served raises `metrng.NotServed`, which says what to do. Seeds have no effect in the block.
    """
    session = Session(path, grade=grade, allow_simulated=allow_simulated)
    return TorchNoise(Source(session, {"path": path, "grade": grade, "allow_simulated": allow_simulated}))


def _release(address: int, session: Session) -> None:
    del generators[address]
    overrides.release()
    session.close()


class TorchGenerator(torch.Generator):
    """A generator whose draws are metrng's, for `generator=` of PyTorch and of diffusers. Made by `torch_generator`."""

    _source: Source

    @property
    def origin(self) -> Origin | None:
        """Origin of all bits that the generator used; None before the first."""
        return self.report().origin

    def report(self) -> TorchReport:
        """Returns the draws so far."""
        return _report(self._source)

    def _refuse(self, *arguments: Any, **keywords: Any) -> NoReturn:
        raise TypeError(
            "random bits have no seed and no state: record the words with metrng.record() and replay them instead"
        )

    manual_seed = seed = initial_seed = get_state = set_state = _refuse
    graphsafe_get_state = graphsafe_set_state = clone_state = get_offset = set_offset = _refuse

    def __reduce__(self) -> NoReturn:
        refuse_copy("generator")

    def __copy__(self) -> NoReturn:
        refuse_copy("generator")

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        refuse_copy("generator")


def torch_generator(
    path: str | os.PathLike[str] | None = None, *, grade: str = "full", allow_simulated: bool = False
) -> TorchGenerator:
    """Returns a generator of the CPU that draws from metrng wherever it is passed, in any thread.

    Operations that it is not passed to are not concerned.
    """
    session = Session(path, grade=grade, allow_simulated=allow_simulated)
    overrides.acquire()
    generator = TorchGenerator(device="cpu")
    settings = {"path": path, "grade": grade, "allow_simulated": allow_simulated}
    generator._source = generators[address_of(generator)] = Source(session, settings)
    weakref.finalize(generator, _release, address_of(generator), session)
    return generator
