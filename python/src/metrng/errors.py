# SPDX-License-Identifier: Apache-2.0
"""Exceptions of metrng.

Each one is also the built-in exception that a reader of Python expects, so `except ConnectionError` works as well as
`except metrng.Error`. The message names the cause, the socket and the remedy.
"""

from __future__ import annotations


class Error(Exception):
    """Base class of every exception that metrng raises about its source of bits."""


class Unreachable(Error, ConnectionError):
    """No daemon answers at the socket."""


class NotPermitted(Error, PermissionError):
    """The permissions of the socket do not admit this user."""


class NotGenuine(Error, PermissionError):
    """The bits are simulated or replayed, and `allow_simulated` was not set."""


class Unavailable(Error, BlockingIOError):
    """The daemon had no bits in the time allowed, or its recording has ended."""


class NotOffered(Error, ValueError):
    """The daemon does not offer that grade."""


class Denied(Error, PermissionError):
    """The daemon refused the request."""


class OverQuota(Error, ConnectionError):
    """The daemon has as many connections as it accepts."""


class Disconnected(Error, BrokenPipeError):
    """The daemon closed the connection and did not come back in the time allowed."""


class ProtocolViolation(Error, ConnectionAbortedError):
    """The peer at the socket does not follow MEP/1."""


class Interrupted(Error, InterruptedError):
    """A signal ended the call."""


class InvalidArgument(Error, ValueError):
    """An argument is out of range, or the session is closed."""


class OutOfMemory(Error, MemoryError):
    """There was no memory for the request."""


class RecordingEnded(Error, EOFError):
    """A replayed recording has no more words."""


class RecordingFailed(Error, OSError):
    """A recording of consumed words could not be written or read."""


class NotServed(Error, NotImplementedError):
    """An operation draws random numbers and metrng does not serve it."""


#: By the value of `metrng_status` in metrng.h.
_BY_STATUS: dict[int, type[Error]] = {
    1: Unreachable,
    2: NotPermitted,
    3: NotGenuine,
    4: Unavailable,
    5: NotOffered,
    6: Denied,
    7: OverQuota,
    8: Disconnected,
    9: ProtocolViolation,
    10: Interrupted,
    11: InvalidArgument,
    12: OutOfMemory,
    13: RecordingEnded,
    14: RecordingFailed,
}


#: What libmetrng's message cannot say: the remedy in words of Python.
_REMEDIES: dict[type[Error], str] = {
    Unreachable: " (METRNG_SOCKET or the argument path names another socket)",
    NotGenuine: " (allow_simulated=True)",
}


def error_for(status: int, text: str) -> Error:
    """Returns the exception for a status of libmetrng; the extension calls this."""
    kind = _BY_STATUS.get(status, Error)
    return kind(text + _REMEDIES.get(kind, ""))
