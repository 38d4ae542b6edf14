# SPDX-License-Identifier: Apache-2.0
"""Banks of trajectories: what an array did to images, for training without it. docs/models.md has the format."""

from __future__ import annotations

import os

import numpy as np
import safetensors

from .images import ImageSet
from .process import scaled, signal_share
from .storage import write

VERSION = "1"
PROVENANCES = ("hardware", "simulated", "replay", "host")


class BankError(ValueError):
    """The file is no bank, or not one of these images."""


class Bank:
    """Trajectories of images in an array, read at several numbers of pulses.

    `counts` [trajectory, reading, pixel] are devices that are up, `image` [trajectory] the image that each began as.
    All trajectories are read after the same numbers of `pulses` [reading], where the array's mean flip curve `memory`
    is a and its `offset` b [reading].
    """

    def __init__(
        self,
        counts: np.ndarray,
        image: np.ndarray,
        pulses: np.ndarray,
        memory: np.ndarray,
        offset: np.ndarray,
        metadata: dict[str, str],
    ) -> None:
        self.counts, self.image, self.metadata = counts, image.astype(np.int64), metadata
        self.pulses, self.memory, self.offset = pulses, memory.astype(np.float64), offset.astype(np.float64)
        self.devices = int(metadata["devicesPerPixel"])
        self._share = np.clip(signal_share(self.memory, self.devices), 1e-6, 1 - 1e-6)

    @property
    def trajectories(self) -> int:
        return self.counts.shape[0]

    @property
    def readings(self) -> int:
        return self.counts.shape[1]

    @property
    def facts(self) -> dict[str, str]:
        """What a file of weights says about its noise."""
        known = ("provenance", "board", "firstHealthEpoch", "lastHealthEpoch", "devicesPerPixel", "operatingPoint")
        return {"noise": "array", **{key: self.metadata[key] for key in known if key in self.metadata}}

    def require_images(self, images: ImageSet) -> None:
        if self.metadata["images"] != images.digest:
            raise BankError(f'the bank was made from other images than "{images.name}"; make one from these')

    def noisy(self, trajectories: np.ndarray, readings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns noisy images as a denoiser takes them, and their ᾱ."""
        share = self._share[readings]
        counts = self.counts[trajectories, readings]
        return scaled(counts, share[:, None], self.devices, self.offset[readings][:, None]), share

    def save(self, path: os.PathLike[str] | str) -> None:
        tensors = {
            "counts": self.counts,
            "image": self.image.astype(np.uint32),
            "pulses": self.pulses.astype(np.uint32),
            "memory": self.memory.astype(np.float32),
            "offset": self.offset.astype(np.float32),
        }
        write(path, tensors, {"format": "metrng-bank", "version": VERSION, **self.metadata})


def load(path: os.PathLike[str] | str) -> Bank:
    """Reads a bank and checks all of it."""
    try:
        with safetensors.safe_open(path, "numpy") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except safetensors.SafetensorError as error:
        raise BankError(f"{path} is no file of safetensors, or is damaged: {error}") from error
    if metadata.get("format") != "metrng-bank" or metadata.get("version") != VERSION:
        raise BankError(f"{path} is no bank of version {VERSION}: its metadata are {metadata}")
    try:
        _check(tensors, metadata)
    except (KeyError, ValueError) as error:
        raise BankError(f"{path} is no proper bank: {error}") from error
    return Bank(**{name: tensors[name] for name in _TYPES}, metadata=metadata)


_TYPES = {"counts": np.uint8, "image": np.uint32, "pulses": np.uint32, "memory": np.float32, "offset": np.float32}


def _check(tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    if set(tensors) != set(_TYPES):
        raise ValueError(f"its tensors are {sorted(tensors)}, not {sorted(_TYPES)}")
    for name, kind in _TYPES.items():
        if tensors[name].dtype != kind:
            raise ValueError(f"{name} is of type {tensors[name].dtype}, not {np.dtype(kind)}")
    if tensors["counts"].ndim != 3:
        raise ValueError("counts do not have three dimensions")
    trajectories, readings, pixels = tensors["counts"].shape
    shapes = {"image": trajectories, "pulses": readings, "memory": readings, "offset": readings}
    for name, length in shapes.items():
        if tensors[name].shape != (length,):
            raise ValueError(f"{name} has the shape {tensors[name].shape}, not ({length},)")
    count, height, width, devices = (int(metadata[k]) for k in ("imageCount", "height", "width", "devicesPerPixel"))
    if height * width != pixels:
        raise ValueError(f"counts have {pixels} pixels, and the images {height} x {width}")
    if not 1 <= devices <= 255 or tensors["counts"].max(initial=0) > devices:
        raise ValueError(f"a pixel has more devices up than the {devices} it has")
    if trajectories and tensors["image"].max() >= count:
        raise ValueError(f"a trajectory is of an image beyond the {count} there are")
    if (np.diff(tensors["pulses"].astype(np.int64)) <= 0).any():
        raise ValueError("the numbers of pulses do not rise")
    for name, largest in (("memory", 1.0), ("offset", 1.0)):
        if not (np.abs(tensors[name]) <= largest).all():
            raise ValueError(f"{name} has values beyond ±1")
    if metadata["provenance"] not in PROVENANCES:
        raise ValueError(f'the provenance "{metadata["provenance"]}" is none of {", ".join(PROVENANCES)}')
    metadata["images"], metadata["board"]
