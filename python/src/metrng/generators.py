# SPDX-License-Identifier: Apache-2.0
"""metrng as the source of NumPy's generators, of `numpy.random.*` and of Python's `random`."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import random
import sys
import weakref
from typing import TYPE_CHECKING, Any, Iterator, NamedTuple, NoReturn, cast

from . import _native
from .blocks import Block
from .session import Origin, Report, Session, refuse_copy

if TYPE_CHECKING:
    from types import TracebackType

    # NumPy's annotations want this class; at run time its functions are found by the capsule.
    from numpy.random import BitGenerator as _Base
else:
    _Base = _native.BitGenerator

_NO_SEED = "random bits have no seed and no state: record the words with metrng.record() and replay them instead"


class _Functions(ctypes.Structure):
    """NumPy's bitgen_t."""

    _fields_ = [
        ("state", ctypes.c_void_p),
        ("next_uint64", ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)),
        ("next_uint32", ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p)),
        ("next_double", ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p)),
        ("next_raw", ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)),
    ]


class _Interface(NamedTuple):
    """What NumPy's own bit generators have as `ctypes`."""

    state_address: int
    state: ctypes.c_void_p
    next_uint64: Any
    next_uint32: Any
    next_double: Any
    bit_generator: ctypes.c_void_p


_generators: weakref.WeakSet[BitGenerator] = weakref.WeakSet()


def _forget_second_normals() -> None:
    """Makes every RandomState on our bits, in a forked child, forget a normal number that its parent will return.

    RandomState makes two at a time and keeps the second. It has no call to drop it, but drops it on the way to the
    state of its bit generator, which raises here.
    """
    if _generators and "numpy.random" in sys.modules:
        from numpy.random import RandomState

        for user in gc.get_referrers(*_generators):
            if isinstance(user, RandomState):
                with contextlib.suppress(TypeError):
                    user.set_state({"bit_generator": "metrng", "state": {}})


os.register_at_fork(after_in_child=_forget_second_normals)


class BitGenerator(_Base):
    """A bit generator for `numpy.random.Generator`, `numpy.random.default_rng` and `numpy.random.RandomState`.

    NumPy's draws cannot fail, so an error is raised at their end: what such a draw filled is not random and must not be
    used. A caller that takes no lock, such as numba, must call `check()` after its draws. Threads may share one.
    """

    def __new__(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        grade: str = "full",
        allow_simulated: bool = False,
    ) -> BitGenerator:
        return cls.on(Session(path, grade=grade, allow_simulated=allow_simulated))

    session: Session

    @classmethod
    def on(cls, session: Session) -> BitGenerator:
        """Returns a bit generator that draws from a session that is open already."""
        make = cast(Any, _native.BitGenerator.__new__)
        self: BitGenerator = make(cls, session.native)
        self.session = session
        _generators.add(self)
        return self

    @property
    def origin(self) -> Origin | None:
        """Origin of the bits drawn last; None before the first."""
        return self.session.origin

    def report(self) -> Report:
        """Returns what the session has done so far."""
        return self.session.report()

    @property
    def ctypes(self) -> Any:
        """The functions for callers such as numba. They take no lock: call `check()` after the draws."""
        address = ctypes.pythonapi.PyCapsule_GetPointer
        address.restype, address.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        functions = _Functions.from_address(address(self.capsule, b"BitGenerator"))
        return _Interface(
            functions.state,
            ctypes.c_void_p(functions.state),
            functions.next_uint64,
            functions.next_uint32,
            functions.next_double,
            ctypes.c_void_p(ctypes.addressof(functions)),
        )

    def random_raw(self, size: Any = None, output: bool = True) -> Any:
        """Returns 64-bit words: an int without `size`, otherwise an array."""
        words = cast(_native.BitGenerator, self).take_word() if size is None else self.session.words(size)
        return words if output else None

    @property
    def state(self) -> Any:
        raise TypeError(_NO_SEED)

    @state.setter
    def state(self, value: Any) -> NoReturn:
        raise TypeError(_NO_SEED)

    @property
    def seed_seq(self) -> NoReturn:
        raise TypeError(_NO_SEED)

    def seed(self, seed: Any = None) -> NoReturn:
        raise TypeError(_NO_SEED)

    def jumped(self, jumps: int = 1) -> NoReturn:
        raise TypeError("random bits have no sequence to jump in; make another metrng.BitGenerator()")

    def spawn(self, n_children: int) -> NoReturn:
        raise TypeError("make another metrng.BitGenerator() for each child: every one gets bits of its own")

    def __reduce__(self) -> NoReturn:
        refuse_copy("BitGenerator")

    def __copy__(self) -> NoReturn:
        refuse_copy("BitGenerator")

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        refuse_copy("BitGenerator")


class numpy_noise(Block):  # noqa: N801  (used like a function)
    """Makes `numpy.random.*`, and SciPy where it is given no generator, draw from metrng, in every thread.

    Generators made by `numpy.random.default_rng` keep their own bits. Needs NumPy 1.24.
    """

    _call = "metrng.numpy_noise(…)"

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, grade: str = "full", allow_simulated: bool = False
    ) -> None:
        super().__init__()
        self._block = _numpy_noise(path, grade, allow_simulated)

    def __enter__(self) -> BitGenerator:
        self._enter()
        return self._block.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._block.__exit__(kind, error, trace)


@contextlib.contextmanager
def _numpy_noise(
    path: str | os.PathLike[str] | None, grade: str, allow_simulated: bool
) -> Iterator[BitGenerator]:
    import numpy

    functions: Any = numpy.random
    generator = BitGenerator(path, grade=grade, allow_simulated=allow_simulated)
    previous = functions.get_bit_generator()
    functions.set_bit_generator(generator)
    try:
        yield generator
    finally:
        functions.set_bit_generator(previous)
        generator.session.close()


class Random(random.Random):
    """A `random.Random` that draws from metrng. seed, getstate, setstate, copies and pickles raise."""

    def __new__(cls, *arguments: Any, **settings: Any) -> Random:
        return super().__new__(cls)

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        grade: str = "full",
        allow_simulated: bool = False,
    ) -> None:
        self.session = Session(path, grade=grade, allow_simulated=allow_simulated)
        super().__init__()

    @property
    def origin(self) -> Origin | None:
        """Origin of the bits drawn last; None before the first."""
        return self.session.origin

    def report(self) -> Report:
        """Returns what the session has done so far."""
        return self.session.report()

    def random(self) -> float:
        """Returns a multiple of 2⁻⁵³ in [0, 1)."""
        return self.session.native.random()

    def getrandbits(self, k: int) -> int:
        """Returns an int of `k` random bits."""
        if k < 0:
            raise ValueError("number of bits must be non-negative")
        return int.from_bytes(self.session.native.read((k + 7) // 8), "little") >> (-k % 8)

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        """Returns a normal number. Keeps no second one, which a forked child would share."""
        return self.normalvariate(mu, sigma)

    def seed(self, a: Any = None, version: int = 2) -> None:
        """Accepts None only, which `random.Random` itself passes."""
        if a is not None:
            raise TypeError(_NO_SEED)

    def getstate(self) -> NoReturn:
        raise TypeError(_NO_SEED)

    def setstate(self, state: Any) -> NoReturn:
        raise TypeError(_NO_SEED)

    def __reduce__(self) -> NoReturn:
        refuse_copy("Random")

    def __copy__(self) -> NoReturn:
        refuse_copy("Random")

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        refuse_copy("Random")
