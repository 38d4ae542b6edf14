# SPDX-License-Identifier: Apache-2.0
"""Recording and replaying the words that draws consume: the honest substitute for a seed."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import IO, TYPE_CHECKING, Tuple, Union

from . import _native
from .blocks import Block
from .errors import InvalidArgument

if TYPE_CHECKING:
    from types import TracebackType

#: path, grade, allow_simulated, reconnect_seconds, wait_seconds
Settings = Tuple[Union[str, None], int, bool, float, float]
File = Union[str, "os.PathLike[str]", IO[bytes]]

_GRADES = {"raw": 0, "full": 1}
_CLIENT = f"Python {sys.version_info.major}.{sys.version_info.minor}"

_lock = threading.RLock()
_blocks: list[_Block] = []


def _renew_lock() -> None:
    """A forked child has none of the other threads, one of which may hold the lock."""
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)


class _Block(Block):
    """A block in which every session that is opened is one and the same."""

    def __init__(self, file: File) -> None:
        super().__init__()
        self._file = file
        self._opened: IO[bytes] | None = None
        self._native: _native.Session | None = None
        self._settings: Settings | None = None

    _mode = ""
    _verb = ""

    def __enter__(self) -> _Block:
        self._enter()
        if isinstance(self._file, (str, os.PathLike)):
            self._opened = open(self._file, self._mode)  # closed by __exit__
        with _lock:
            _blocks.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _lock:
            _blocks.remove(self)
        try:
            if self._native is not None:
                self._finish(self._native)
            else:
                self._discard()
                if kind is None:
                    raise InvalidArgument(
                        f"nothing was opened in this block, so nothing is {self._verb}: open the session, generator "
                        f"or noise inside the block"
                    )
        finally:
            if self._native is not None:
                self._native.close()
            if self._opened is not None:
                self._opened.close()
            self._native = self._settings = self._opened = None

    def _descriptor(self) -> int:
        return (self._opened or self._file).fileno()  # type: ignore[union-attr]

    def _finish(self, native: _native.Session) -> None:
        """Ends the session's use of the file."""

    def _discard(self) -> None:
        """Takes away what a block without a session has made."""

    def share(self, settings: Settings) -> _native.Session:
        """Returns the session of the block; every user of the block must ask for the same kind of bits."""
        if self._native is None:
            self._native = self._open(settings)
            self._settings = settings
        elif settings != self._settings:
            raise InvalidArgument(
                f"all draws in this block are {self._verb} as one stream: open everything in it with the same path, "
                f"grade, allow_simulated and times"
            )
        return self._native

    def _open(self, settings: Settings) -> _native.Session:
        raise NotImplementedError


class record(_Block):  # noqa: N801  (used like a function)
    """Records the words that every session opened in the block consumes.

    `file` is a path, of a file that must not exist yet, or a binary file open for writing. Everything opened in the
    block draws from one session, so that a replay gives each draw the same bits when the draws are made in the same
    order.
    """

    _call = "metrng.record(…)"
    _mode = "xb"
    _verb = "recorded"

    def _open(self, settings: Settings) -> _native.Session:
        return _native.Session(*settings, _CLIENT, self._descriptor(), -1)

    def _finish(self, native: _native.Session) -> None:
        native.record(-1)

    def _discard(self) -> None:
        if self._opened is not None:
            with contextlib.suppress(OSError):  # gone already, or elsewhere: the working directory has changed
                if os.path.samefile(self._opened.name, self._opened.fileno()):
                    os.unlink(self._opened.name)


class replay(_Block):  # noqa: N801  (used like a function)
    """Gives the words of a recording, in the same order, to every session opened in the block.

    Their provenance is `replay`. When they end, draws raise `metrng.RecordingEnded`.
    """

    _call = "metrng.replay(…)"
    _mode = "rb"
    _verb = "replayed"

    def _open(self, settings: Settings) -> _native.Session:
        return _native.Session(*settings, _CLIENT, -1, self._descriptor())


def is_in_block() -> bool:
    """Whether words are recorded or replayed now."""
    return bool(_blocks)


def open_native(
    path: str | os.PathLike[str] | None,
    grade: str,
    allow_simulated: bool,
    reconnect_seconds: float,
    wait_seconds: float | None,
) -> tuple[_native.Session, bool]:
    """Returns a session, and whether it is that of a block, which closes it."""
    if path is not None and not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be a str or os.PathLike, that of the entropy socket, not {path!r}; random bits have no seed")
    if grade not in _GRADES:
        raise InvalidArgument(f'grade must be "full" or "raw", not {grade!r}')
    settings = (
        None if path is None else os.fspath(path),
        _GRADES[grade],
        bool(allow_simulated),
        float(reconnect_seconds),
        -1.0 if wait_seconds is None else float(wait_seconds),
    )
    with _lock:
        if _blocks:
            return _blocks[-1].share(settings), True
    return _native.Session(*settings, _CLIENT, -1, -1), False
