# SPDX-License-Identifier: Apache-2.0
"""Sessions: connections to metrngd that give bits and samples."""

from __future__ import annotations

import dataclasses
import json
import operator
import os
from typing import TYPE_CHECKING, Any, NoReturn, Union

from . import _native
from .errors import InvalidArgument, ProtocolViolation, Unavailable
from .words import open_native

if TYPE_CHECKING:
    from types import TracebackType

    import numpy
    import numpy.typing

Shape = Union[int, "tuple[int, ...]"]

PROVENANCES = ("hardware", "simulated", "replay", "host")
GRADES = ("raw", "full")
_METHODS = {"fast": 0, "frugal": 1}


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where bits came from: provenance, grade, and the daemon's health epochs of the first and the last of them."""

    provenance: str
    grade: str
    first_epoch: int
    last_epoch: int


@dataclasses.dataclass(frozen=True)
class Report:
    """What a session has done since it was opened, or since the fork in a child.

    `bytes_used` were consumed by draws, `bytes_discarded` received and lost, `bytes_at_hand` are read ahead.
    `bytes_from` has the used bytes by provenance. `origin` is that of all used bits, None before the first; its
    provenance is the worst one.
    """

    bytes_used: int
    bytes_discarded: int
    bytes_at_hand: int
    bytes_from: dict[str, int]
    requests: int
    reconnections: int
    origin: Origin | None

    @property
    def bits(self) -> int:
        """Number of bits used."""
        return 8 * self.bytes_used


def refuse_copy(what: str) -> NoReturn:
    """Raises why a source of random bits has no copies."""
    raise TypeError(
        f"a {what} cannot be copied or pickled: two copies would share bits, or not repeat each other. "
        f"Open another one, or record the words with metrng.record()"
    )


class Alias:
    """The table of a categorical distribution, for `Session.categorical`. Any thread may use it."""

    def __init__(self, weights: numpy.typing.ArrayLike) -> None:
        values = _numpy().asarray(weights, dtype="float64", order="C")
        if values.ndim != 1 or values.size == 0:
            raise InvalidArgument(f"weights must be a sequence of at least one number, not of shape {values.shape}")
        self.size = values.size
        self.native = _native.Alias(values, values.size)


class Session:
    """A connection to metrngd, and the bits and samples that it gives.

    `path` is the entropy socket; None is METRNG_SOCKET of the environment, or /run/metrng/entropy.sock. Simulated and
    replayed bits are refused unless `allow_simulated` is set. A draw waits for bits for `wait_seconds`, or for ever
    when that is None, and for a daemon that restarts for `reconnect_seconds`.

    Threads may share a session; their calls wait for each other. A forked child may go on to use it: it connects anew
    and gets other bits. A draw that raises leaves its output zeroed, and its bits are lost.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        grade: str = "full",
        allow_simulated: bool = False,
        reconnect_seconds: float = 10.0,
        wait_seconds: float | None = None,
    ) -> None:
        self.native, self._is_shared = open_native(path, grade, allow_simulated, reconnect_seconds, wait_seconds)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        refuse_copy("session")

    def __copy__(self) -> NoReturn:
        refuse_copy("session")

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        refuse_copy("session")

    def close(self) -> None:
        """Closes the connection. Inside `metrng.record` or `metrng.replay` the end of the block does it."""
        if not self._is_shared:
            self.native.close()

    @property
    def origin(self) -> Origin | None:
        """Origin of the bits of the last draw; None before the first."""
        try:
            return _origin(*self.native.origin())
        except Unavailable:
            return None

    def report(self) -> Report:
        """Returns what the session has done so far."""
        used, discarded, at_hand, by_provenance, requests, reconnections, *origin = self.native.report()
        return Report(
            used,
            discarded,
            at_hand,
            dict(zip(PROVENANCES, by_provenance)),
            requests,
            reconnections,
            _origin(*origin) if used else None,
        )

    def info(self) -> dict[str, Any]:
        """Returns the daemon's description of itself: version, limits, grades, provenances, boards."""
        text = self.native.info()
        try:
            described = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ProtocolViolation(f"the daemon's description of itself is no JSON: {error}; is it metrngd?") from error
        if not isinstance(described, dict):
            raise ProtocolViolation("the daemon's description of itself is no JSON object; is it metrngd?")
        return described

    # Bits

    def bytes(self, count: int) -> bytes:
        """Returns `count` random bytes."""
        return self.native.read(operator.index(count))

    def readinto(self, buffer: Any) -> int:
        """Fills a writable, contiguous buffer with random bytes, and returns their number."""
        view = memoryview(buffer)
        if "O" in view.format:
            raise TypeError("a buffer of Python objects cannot hold random bytes")
        count = view.nbytes
        self.native.fill(buffer, count)
        return count

    def words(self, shape: Shape = ()) -> numpy.ndarray:
        """Returns uniform 64-bit words."""
        array = _empty(shape, "uint64")
        self.native.fill(array, array.nbytes)
        return array[()]

    # Numbers

    def normal(
        self,
        shape: Shape = (),
        dtype: numpy.typing.DTypeLike = "float32",
        *,
        mean: float = 0.0,
        stdev: float = 1.0,
        out: Any = None,
    ) -> Any:
        """Returns normal numbers, float32 or float64, or fills `out`, any writable array or buffer of such."""
        target = _FloatTarget(shape, dtype, out)
        self.native.fill_normal(target.buffer, target.count, target.is_double, mean, stdev)
        return target.finish()

    def uniform(
        self,
        shape: Shape = (),
        dtype: numpy.typing.DTypeLike = "float32",
        *,
        out: Any = None,
    ) -> Any:
        """Returns numbers in [0, 1): multiples of 2⁻²⁴ (float32) or 2⁻⁵³ (float64); or fills `out`."""
        target = _FloatTarget(shape, dtype, out)
        self.native.fill_uniform(target.buffer, target.count, target.is_double)
        return target.finish()

    def bernoulli(
        self, shape: Shape | None = None, p: float | numpy.typing.ArrayLike = 0.5, *, method: str = "fast"
    ) -> numpy.ndarray:
        """Returns booleans that are true with probability `p`, a number or an array with one for each (float32).

        Both methods are exact in a number `p` to 2⁻⁶⁴: "fast" takes at most about 7.4 bits a sample, "frugal" about 2
        and ten times as long.
        """
        numpy = _numpy()
        if isinstance(p, (int, float)):
            array = _empty(() if shape is None else shape, "bool")
            self.native.fill_bernoulli(array, array.size, p, _method(method))
            return array[()]
        each = numpy.asarray(p, dtype="float32")
        if shape is not None:
            each = numpy.broadcast_to(each, shape)
        each = numpy.ascontiguousarray(each).reshape(each.shape)
        array = numpy.empty(each.shape, "bool")
        self.native.fill_bernoulli_each(array, each, array.size)
        return array[()]

    def bernoulli_packed(self, samples: int, p: float = 0.5, *, method: str = "fast") -> numpy.ndarray:
        """Returns bits that are 1 with probability `p`, 64 in a uint64 from the lowest bit up."""
        samples = operator.index(samples)
        array = _empty(-(-samples // 64), "uint64")
        self.native.fill_bernoulli_packed(array, samples, p, _method(method))
        return array

    def categorical(self, weights: Alias | numpy.typing.ArrayLike, shape: Shape = ()) -> numpy.ndarray:
        """Returns indices of `weights`, each with a probability in proportion to its weight.

        For many calls with the same weights pass `metrng.Alias(weights)`.
        """
        table = weights if isinstance(weights, Alias) else Alias(weights)
        array = _empty(shape, "int64")
        self.native.fill_categorical(array, array.size, table.native)
        return array[()]

    def integers(
        self, low: int, high: int | None = None, shape: Shape = (), dtype: numpy.typing.DTypeLike = "int64"
    ) -> numpy.ndarray:
        """Returns integers of [low, high), or of [0, low) without `high`; all equally likely."""
        low, high = (0, low) if high is None else (low, high)
        low, high = operator.index(low), operator.index(high)
        numpy = _numpy()
        limits = numpy.iinfo(dtype)
        if not limits.min <= low < high <= int(limits.max) + 1:
            raise InvalidArgument(f"[{low}, {high}) is empty, or does not fit into {numpy.dtype(dtype)}")
        array = _empty(shape, "uint64")
        self.native.fill_integers(array, array.size, (high - low) % 2**64)
        array += numpy.uint64(low % 2**64)
        return array.astype(dtype)[()]

    def permutation(self, items: int | numpy.typing.ArrayLike) -> numpy.ndarray:
        """Returns 0 … items - 1 in random order, or a copy of an array with its first axis in random order."""
        numpy = _numpy()
        try:
            count, array = operator.index(items), None  # type: ignore[arg-type]
        except TypeError:
            array = numpy.asarray(items)
            if array.ndim == 0:
                raise TypeError(f"a permutation is of a number of items or of an array, not of {items!r}") from None
            count = len(array)
        order = _empty(count, "int64")
        self.native.fill_permutation(order, order.size)
        return order if array is None else array[order]


class _FloatTarget:
    """The memory of a fill with float32 or float64, and what the caller gets afterwards."""

    def __init__(self, shape: Shape, dtype: Any, out: Any) -> None:
        self._out = out
        if out is None:
            self.buffer = _empty(shape, _float_type(dtype))
            self.is_double = self.buffer.itemsize == 8
            self.count = self.buffer.size
            return
        view = memoryview(out)
        if view.format not in ("f", "d"):
            raise TypeError(f"out must hold float32 or float64, not items of format {view.format!r}")
        if view.readonly:
            raise ValueError("out is read-only")
        if shape != () and ((shape,) if isinstance(shape, int) else tuple(shape)) != view.shape:
            raise InvalidArgument(f"out has the shape {view.shape}, not {shape!r}; leave out the shape")
        self.is_double = view.format == "d"
        self.count = view.nbytes // view.itemsize
        self.buffer = (
            out if view.c_contiguous else _numpy().empty(view.shape, "float64" if self.is_double else "float32")
        )

    def finish(self) -> Any:
        if self._out is None:
            return self.buffer[()]
        if self.buffer is not self._out:
            _numpy().asarray(self._out)[...] = self.buffer
        return self._out


def _origin(provenance: int, grade: int, first_epoch: int, last_epoch: int) -> Origin:
    return Origin(PROVENANCES[provenance], GRADES[grade], first_epoch, last_epoch)


def _numpy() -> Any:
    try:
        import numpy
    except ImportError as error:
        raise ImportError(
            "this method makes NumPy arrays; install numpy, or use bytes(), readinto() or out="
        ) from error
    return numpy


def _float_type(dtype: Any) -> Any:
    if isinstance(dtype, int):
        raise TypeError(f"a shape of several dimensions is a tuple: (…, {dtype})")
    try:
        kind = _numpy().dtype(dtype)
    except TypeError:
        kind = dtype
    if kind not in ("float32", "float64"):
        raise TypeError(f"normal and uniform numbers are float32 or float64, not {kind}; convert them with .astype()")
    return kind


def _empty(shape: Any, dtype: Any) -> Any:
    try:
        return _numpy().empty(shape, dtype)
    except ValueError as error:
        raise InvalidArgument(f"bad shape {shape!r}: {error}") from error


def _method(name: str) -> int:
    if name not in _METHODS:
        raise InvalidArgument(f'method must be "fast" or "frugal", not {name!r}')
    return _METHODS[name]
