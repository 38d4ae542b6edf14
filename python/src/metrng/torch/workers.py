# SPDX-License-Identifier: Apache-2.0
"""Workers of a DataLoader: processes that draw too."""

from __future__ import annotations

import functools
from typing import Any, Callable

from torch import multiprocessing
from torch.utils.data import dataloader

from ..errors import NotServed
from .source import active

_undo: list[Callable[[], None]] = []


class _WorkerInit:
    """The `worker_init_fn` of loaders whose workers are not forked.

    Pickled inside torch_noise, it takes along what the block was opened with; called in the worker, it opens one there
    until the worker ends.
    """

    def __init__(self, settings: dict[str, Any] | None = None) -> None:
        self._settings = settings

    def __reduce__(self) -> tuple[Any, ...]:
        source = active.source
        return _WorkerInit, (self._settings if source is None else source.settings,)

    def __call__(self, worker: int) -> None:
        if active.source is not None:  # forked inside the block
            return
        if self._settings is None:
            raise NotServed(
                "torch_worker_init was passed outside torch_noise: iterate over the loader inside the block"
            )
        from .noise import torch_noise

        torch_noise(**self._settings).__enter__()


torch_worker_init = _WorkerInit()


def _check(loader: Any) -> None:
    """Raises for workers that would draw PyTorch's own numbers without telling."""
    if active.source is None:
        return
    context = loader.multiprocessing_context or multiprocessing
    method = context.get_start_method()
    if method != "fork" and loader.worker_init_fn is not torch_worker_init:
        raise NotServed(
            f'workers of a DataLoader are started by "{method}" and would not draw from metrng: pass '
            f"worker_init_fn=metrng.torch_worker_init"
        )


def install() -> None:
    """Checks every loader before it starts workers."""
    loader_type = dataloader.DataLoader
    get_iterator = loader_type._get_iterator

    @functools.wraps(get_iterator)
    def checked(self: Any) -> Any:
        if self.num_workers > 0:
            _check(self)
        return get_iterator(self)

    loader_type._get_iterator = checked  # type: ignore[method-assign]
    _undo.append(lambda: setattr(loader_type, "_get_iterator", get_iterator))


def remove() -> None:
    while _undo:
        _undo.pop()()
