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
_SUBMODULES = ("control", "lease", *_MODULES)

__all__ = ["__version__", "control", *sorted(_HOMES)]  # pyright: ignore[reportUnsupportedDunderAll]

if TYPE_CHECKING:
    from . import control as control
    from .errors import (
        Denied as Denied,
    )
    from .errors import (
        Disconnected as Disconnected,
    )
    from .errors import (
        Error as Error,
    )
    from .errors import (
        Interrupted as Interrupted,
    )
    from .errors import (
        InvalidArgument as InvalidArgument,
    )
    from .errors import (
        NotGenuine as NotGenuine,
    )
    from .errors import (
        NotOffered as NotOffered,
    )
    from .errors import (
        NotPermitted as NotPermitted,
    )
    from .errors import (
        NotServed as NotServed,
    )
    from .errors import (
        OutOfMemory as OutOfMemory,
    )
    from .errors import (
        OverQuota as OverQuota,
    )
    from .errors import (
        ProtocolViolation as ProtocolViolation,
    )
    from .errors import (
        RecordingEnded as RecordingEnded,
    )
    from .errors import (
        RecordingFailed as RecordingFailed,
    )
    from .errors import (
        Unavailable as Unavailable,
    )
    from .errors import (
        Unreachable as Unreachable,
    )
    from .generators import BitGenerator as BitGenerator
    from .generators import Random as Random
    from .generators import numpy_noise as numpy_noise
    from .jax import jax_expanded_key as jax_expanded_key
    from .jax import jax_key as jax_key
    from .jax import jax_source as jax_source
    from .recording import Recording as Recording
    from .recording import load_recording as load_recording
    from .session import Alias as Alias
    from .session import Origin as Origin
    from .session import Report as Report
    from .session import Session as Session
    from .torch import (
        torch_generator as torch_generator,
    )
    from .torch import (
        torch_noise as torch_noise,
    )
    from .torch import (
        torch_worker_init as torch_worker_init,
    )
    from .words import record as record
    from .words import replay as replay


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
