# SPDX-License-Identifier: Apache-2.0
"""Overrides PyTorch's random kernels in its dispatcher while somebody needs them.

The overrides are of the whole process; each draw asks whether its thread or its generator is ours, and is PyTorch's own
otherwise. Every operation that PyTorch marks as random is accounted for: it is served here, ends in one that is, draws
nothing, or raises.
"""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from typing import Any, Callable, Iterator

import torch

from ..errors import NotServed
from . import brownian, workers
from .leaves import LEAVES, NOT_DRAWN
from .source import active, check_context, check_stranger, source_for

#: Marked as random, but draw nothing.
DRAW_NOTHING = {"aten::_fused_sdp_choice", "aten::_nested_tensor_softmax_with_shape"}

#: Kernels that call a leaf through the dispatcher, by dispatch key.
END_IN_LEAVES = {
    "CPU": {"aten::native_dropout"},
    "NestedTensorCPU": {"aten::native_dropout", "aten::normal_"},
}

#: Keys whose kernels are made of other operations, and so end in leaves.
IMPLICIT = "CompositeImplicitAutograd"
#: Keys whose kernels may be anything. Those of the namespaces are made of other operations too.
EXPLICIT = ("CompositeExplicitAutograd", "CompositeExplicitAutogradNonFunctional")
NAMESPACES_OF_COMPOSITES = ("aten", "prims")

#: Keys whose kernels compute.
BACKENDS = (
    "CPU",
    "CUDA",
    "HIP",
    "XPU",
    "MPS",
    "HPU",
    "XLA",
    "MTIA",
    "PrivateUse1",
    "MkldnnCPU",
    "QuantizedCPU",
    "QuantizedCUDA",
    "SparseCPU",
    "SparseCUDA",
    "NestedTensorCPU",
    "NestedTensorCUDA",
)

#: Backends whose leaves are served.
SERVED = ("CPU", "CUDA")

#: Whether operations are marked, of those that were there before: finding out takes a quarter of a second for all.
_marks: dict[str, bool] = {}

_PROBABILITIES = ("dropout_p", "dropout", "p")
_SWITCHES = ("train", "training", "is_training")


def random_operations() -> Iterator[str]:
    """Returns the names of all operations that PyTorch, and whatever is loaded, marks as random."""
    for name in sorted(torch._C._dispatch_get_all_op_names()):
        if name not in _marks:
            operation = _operation(name)
            _marks[name] = operation is not None and torch.Tag.nondeterministic_seeded in operation.tags
        if _marks[name]:
            yield name


def account(name: str) -> dict[str, str]:
    """Returns what is done about a random operation, by dispatch key: leaf, composite, nothing drawn or refused."""
    plan = {}
    has = torch._C._dispatch_has_kernel_for_dispatch_key
    for key in (IMPLICIT, *EXPLICIT, *BACKENDS):
        if not has(name, key):
            continue
        if name in DRAW_NOTHING:
            plan[key] = "draws nothing"
        elif key == IMPLICIT or key in EXPLICIT and name.split("::")[0] in NAMESPACES_OF_COMPOSITES:
            plan[key] = "composite"
        elif key in SERVED and name.startswith("aten::") and name[6:] in LEAVES:
            plan[key] = "leaf"
        elif name in END_IN_LEAVES.get(key, ()):
            plan[key] = "ends in leaves"
        else:
            plan[key] = "refused"
    return plan


def _operation(name: str) -> Any:
    namespace, _, rest = name.partition("::")
    base, _, overload = rest.partition(".")
    try:
        return getattr(getattr(getattr(torch.ops, namespace), base), overload or "default")
    except (AttributeError, RuntimeError):
        return None


def _generator_position(schema: Any) -> int | None:
    """The position of a generator that is no keyword argument."""
    for position, argument in enumerate(schema.arguments):
        if argument.name == "generator" and not argument.kwarg_only:
            return position
    return None


def _samples(result: Any) -> int:
    return result.numel() if isinstance(result, torch.Tensor) else 0


def serve(name: str, kernel: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the kernel that draws from us where it should."""
    position = _generator_position(_operation(name)._schema)
    short = name.partition("::")[2]

    def run(keyset: Any, *arguments: Any, **keywords: Any) -> Any:
        if position is not None and len(arguments) > position:
            generator = arguments[position]
        else:
            generator = keywords.get("generator")
        source = source_for(generator)
        if source is None:
            check_stranger(short)
            return kernel.call_boxed(keyset, *arguments, **keywords)
        first = arguments[0] if arguments else keywords.get("out")
        check_context(short, first if isinstance(first, torch.Tensor) else None)
        result = function(source, *arguments, **keywords)
        if result is NOT_DRAWN:
            return kernel.call_boxed(keyset, *arguments, **keywords)
        source.count(short, _samples(result))
        return result

    return run


def draws_nothing(schema: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> bool:
    """Whether the arguments of a call switch its dropout off. Arguments that equal their default are missing."""
    given = {item.name: item.default_value for item in schema.arguments if item.has_default_value()}
    given.update(zip((item.name for item in schema.arguments if not item.kwarg_only), arguments))
    given.update(keywords)
    if any(name in given and given[name] is False for name in _SWITCHES):
        return True
    return any(name in given and given[name] == 0 for name in _PROBABILITIES)


def refuse(name: str, key: str, kernel: Any) -> Callable[..., Any]:
    """Returns the kernel that raises where it would draw other bits than ours."""
    schema = _operation(name)._schema

    def run(keyset: Any, *arguments: Any, **keywords: Any) -> Any:
        generators = (*arguments, *keywords.values())
        generator = next((item for item in generators if isinstance(item, torch.Generator)), None)
        if source_for(generator) is None or draws_nothing(schema, arguments, keywords):
            return kernel.call_boxed(keyset, *arguments, **keywords)
        raise NotServed(
            f"{name} draws random numbers, and metrng does not serve it on {key}. Set its dropout to 0, call eval() on "
            f"the module, choose the math backend (torch.nn.attention.sdpa_kernel), or call it outside torch_noise"
        )

    return run


class _Overrides:
    """The overrides in force, counted, so that the last user removes them."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._users = 0
        self._libraries: dict[str, torch.library.Library] = {}

    def acquire(self) -> None:
        with self._lock:
            if self._users == 0:
                self._install()
            self._users += 1

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._remove()

    def _install(self) -> None:
        if not hasattr(torch.library, "get_kernel"):
            raise ImportError(f"torch_noise needs PyTorch 2.9 or later, and this is {torch.__version__}")
        try:
            with _quiet():
                for name in random_operations():
                    for key, plan in account(name).items():
                        self._override(name, key, plan)
            brownian.install(lambda: active.source is not None)
            workers.install()
        except BaseException:
            self._remove()
            raise

    def _override(self, name: str, key: str, plan: str) -> None:
        if plan not in ("leaf", "refused"):
            return
        namespace, _, rest = name.partition("::")
        if key in EXPLICIT:  # stands for the keys of all backends, which can be overridden one by one only
            for backend in SERVED:
                self._override(name, backend, plan)
            return
        kernel = torch.library.get_kernel(name, key)
        function = serve(name, kernel, LEAVES[rest]) if plan == "leaf" else refuse(name, key, kernel)
        if namespace not in self._libraries:
            self._libraries[namespace] = torch.library.Library(namespace, "IMPL")
        self._libraries[namespace].impl(rest, function, key, with_keyset=True, allow_override=True)

    def _remove(self) -> None:
        workers.remove()
        brownian.remove()
        for library in self._libraries.values():
            library._destroy()
        self._libraries.clear()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hides PyTorch's warning that kernels are overridden, which is the intention."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Warning only once for all operators", category=UserWarning)
        yield


overrides = _Overrides()


def _renew_lock() -> None:
    """A forked child has none of the other threads, one of which may hold the lock."""
    overrides._lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)
