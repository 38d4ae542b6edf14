# SPDX-License-Identifier: Apache-2.0
"""Random numbers from arrays of magnetic tunnel junctions.

Importing this module connects to nothing, draws nothing, and imports neither NumPy, PyTorch nor JAX. Names below are
loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

#: Public names, by the module that defines them.
_MODULES = {
    "errors": (
        "Denied Disconnected Error Interrupted InvalidArgument NotGenuine NotOffered NotPermitted NotServed "
        "OutOfMemory OverQuota ProtocolViolation RecordingEnded RecordingFailed Unavailable Unreachable"
    ),
    "session": "Alias Origin Report Session",
    "words": "record replay",
    "generators": "BitGenerator Random numpy_noise",
    "torch": "torch_generator torch_noise torch_worker_init",
    "jax": "jax_expanded_key jax_key jax_source",
    "recording": "Recording load_recording",
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names.split()}
_SUBMODULES = ("control", *_MODULES)

__all__ = ["__version__", "control", *sorted(_HOMES)]  # pyright: ignore[reportUnsupportedDunderAll]

if TYPE_CHECKING:
    from . import control as control
    from .errors import (
        Denied as Denied,
        Disconnected as Disconnected,
        Error as Error,
        Interrupted as Interrupted,
        InvalidArgument as InvalidArgument,
        NotGenuine as NotGenuine,
        NotOffered as NotOffered,
        NotPermitted as NotPermitted,
        NotServed as NotServed,
        OutOfMemory as OutOfMemory,
        OverQuota as OverQuota,
        ProtocolViolation as ProtocolViolation,
        RecordingEnded as RecordingEnded,
        RecordingFailed as RecordingFailed,
        Unavailable as Unavailable,
        Unreachable as Unreachable,
    )
    from .generators import BitGenerator as BitGenerator, Random as Random, numpy_noise as numpy_noise
    from .jax import jax_expanded_key as jax_expanded_key, jax_key as jax_key, jax_source as jax_source
    from .recording import Recording as Recording, load_recording as load_recording
    from .session import Alias as Alias, Origin as Origin, Report as Report, Session as Session
    from .torch import (
        torch_generator as torch_generator,
        torch_noise as torch_noise,
        torch_worker_init as torch_worker_init,
    )
    from .words import record as record, replay as replay


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    elif name in _SUBMODULES:
        value = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
