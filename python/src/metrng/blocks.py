# SPDX-License-Identifier: Apache-2.0
"""Blocks, which have an effect only while they are entered by `with`."""

from __future__ import annotations

import warnings


class Block:
    """A block that warns when it is dropped without having been entered: nothing drew from it, silently."""

    #: How the block is written, for the warning.
    _call = ""
    _is_unused = False

    def __init__(self) -> None:
        self._is_unused = True

    def _enter(self) -> None:
        self._is_unused = False

    def __del__(self) -> None:
        if self._is_unused:
            warnings.warn(
                f"{self._call} was never entered and had no effect: write `with {self._call}:`",
                RuntimeWarning,
                stacklevel=2,
                source=self,
            )
