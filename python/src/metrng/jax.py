# SPDX-License-Identifier: Apache-2.0
"""metrng as the source of JAX's random numbers, in three ways.

- `key()` makes a key whose every draw calls back for bits of the array, in unmodified code, under jit, vmap and scan.
  A key that is used twice gives other bits. `jax.checkpoint` computes draws again, and so gives wrong gradients: use
  these keys for sampling, not for training with recomputation.
- `expanded_key()` makes an ordinary key of 64 or 128 bits of the array. What JAX draws from it is pseudorandom.
- `normal()`, `uniform()` and `bernoulli()` make arrays of bits of the array, outside of jit.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from typing import Any, Callable

from .errors import InvalidArgument, NotServed
from .session import Origin, Report, Session, Shape
from .words import is_in_block

#: Number of 32-bit words in a key, by implementation.
_KEY_WORDS = {"threefry2x32": 2, "rbg": 4, "unsafe_rbg": 4}


@dataclasses.dataclass(frozen=True)
class JaxReport:
    """What JAX got: callbacks of keys and the bytes that they drew, keys that are expanded, arrays, and the session."""

    callbacks: int
    callback_bytes: int
    expanded_keys: int
    arrays: int
    session: Report

    @property
    def origin(self) -> Origin | None:
        """Origin of all bits used; None before the first."""
        return self.session.origin


class JaxSource:
    """A session for JAX. It stays open, because compiled functions keep calling it. Made by `jax_source`."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._lock = threading.Lock()
        self._callbacks = self._callback_bytes = self._expanded = self._arrays = 0
        self._implementation: Any = None

    def report(self) -> JaxReport:
        """Returns what was drawn so far."""
        return JaxReport(self._callbacks, self._callback_bytes, self._expanded, self._arrays, self.session.report())

    # Keys that call back

    def key(self) -> Any:
        """Returns a key for `jax.random` whose draws are bits of the array."""
        import jax

        return jax.random.key(0, impl=self.implementation())

    def implementation(self) -> Any:
        """Returns the PRNG implementation, for `jax.random.key(0, impl=…)`."""
        with self._lock:
            if self._implementation is None:
                self._implementation = self._define()
        return self._implementation

    def _define(self) -> Any:
        import jax
        import jax.extend
        from jax.experimental import io_callback

        numpy = jax.numpy

        def random_bits(key: Any, bit_width: int, shape: tuple[int, ...]) -> Any:
            result = jax.ShapeDtypeStruct(shape, f"uint{bit_width}")
            return io_callback(lambda _: self._draw(shape, f"uint{bit_width}"), result, key)

        return jax.extend.random.define_prng_impl(
            key_shape=(1,),
            seed=lambda _: numpy.zeros((1,), "uint32"),
            split=lambda key, shape: numpy.zeros((*shape, 1), "uint32"),
            random_bits=random_bits,
            fold_in=lambda key, _: key,
            name="metrng",
            tag="metrng",
        )

    def _draw(self, shape: tuple[int, ...], dtype: str) -> Any:
        import numpy

        array = numpy.empty(shape, dtype)
        self.session.native.fill(array, array.nbytes)
        with self._lock:
            self._callbacks += 1
            self._callback_bytes += array.nbytes
        return array

    # Keys that are expanded

    def expanded_key(self, shape: Shape = (), *, impl: str = "threefry2x32") -> Any:
        """Returns keys of random words, one or an array for vmap. JAX expands them: these are not bits of the array."""
        import jax

        if impl not in _KEY_WORDS:
            raise InvalidArgument(f"impl must be one of {', '.join(_KEY_WORDS)}, not {impl!r}")
        self._refuse_tracing()
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        words = self.session.words((*shape, _KEY_WORDS[impl] // 2)).view("uint32")
        with self._lock:
            self._expanded += words.size // _KEY_WORDS[impl]
        return jax.random.wrap_key_data(jax.numpy.asarray(words), impl=impl)

    # Arrays

    def normal(self, shape: Shape = (), dtype: Any = "float32") -> Any:
        """Returns an array of normal numbers."""
        return self._array(lambda: self.session.normal(shape, dtype))

    def uniform(self, shape: Shape = (), dtype: Any = "float32") -> Any:
        """Returns an array of numbers in [0, 1)."""
        return self._array(lambda: self.session.uniform(shape, dtype))

    def bernoulli(self, shape: Shape | None = None, p: Any = 0.5) -> Any:
        """Returns an array of booleans that are true with probability `p`."""
        return self._array(lambda: self.session.bernoulli(shape, p))

    def _array(self, draw: Callable[[], Any]) -> Any:
        import jax

        self._refuse_tracing()
        values = draw()
        with self._lock:
            self._arrays += 1
        return jax.numpy.asarray(values)

    def _refuse_tracing(self) -> None:
        """Raises in a function that JAX is compiling: it would keep these bits and give them in every call."""
        import jax

        if isinstance(jax.numpy.zeros(()), jax.core.Tracer):
            raise NotServed(
                "a compiled function would give the same bits in every call: draw outside of jit and pass them in, "
                "or use jax_key()"
            )


_lock = threading.Lock()
_sources: dict[Any, JaxSource] = {}


def jax_source(
    path: str | os.PathLike[str] | None = None, *, grade: str = "full", allow_simulated: bool = False
) -> JaxSource:
    """Returns the source for these settings: one for the process, or one for each block of record or replay."""
    with _lock:
        key: Any = (path, os.environ.get("METRNG_SOCKET"), grade, bool(allow_simulated))
        if is_in_block() or key not in _sources:
            session = Session(path, grade=grade, allow_simulated=allow_simulated)
            key = session.native if is_in_block() else key
            _sources.setdefault(key, JaxSource(session))
        return _sources[key]


def jax_key(path: str | os.PathLike[str] | None = None, *, grade: str = "full", allow_simulated: bool = False) -> Any:
    """Returns a key for `jax.random` whose draws are bits of the array, in unmodified code."""
    return jax_source(path, grade=grade, allow_simulated=allow_simulated).key()


def jax_expanded_key(
    path: str | os.PathLike[str] | None = None,
    *,
    shape: Shape = (),
    impl: str = "threefry2x32",
    grade: str = "full",
    allow_simulated: bool = False,
) -> Any:
    """Returns ordinary keys made of bits of the array, which JAX expands to pseudorandom numbers."""
    return jax_source(path, grade=grade, allow_simulated=allow_simulated).expanded_key(shape, impl=impl)
