# SPDX-License-Identifier: Apache-2.0
"""Files of weights: safetensors with 16-bit floats, and what they are in the metadata."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib

import numpy as np
import safetensors
import safetensors.numpy
import torch

from .networks import ARCHITECTURES

VERSION = "1"


def write(path: os.PathLike[str] | str, tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    """Writes a file of safetensors as a whole: an interrupted write leaves the old file or none."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    part.write_bytes(in_order(safetensors.numpy.save(contiguous, metadata)))
    os.replace(part, path)


def in_order(file: bytes) -> bytes:
    """Returns the file with the header's members in order: the library writes metadata in any order."""
    size = int.from_bytes(file[:8], "little")
    header = json.loads(file[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header.get("__metadata__", {}).items()))
    names = sorted((name for name in header if name != "__metadata__"), key=lambda name: header[name]["data_offsets"])
    text = json.dumps({name: header[name] for name in ["__metadata__", *names]}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + file[8 + size :]


def save_network(network: torch.nn.Module, path: os.PathLike[str] | str, **facts: str) -> None:
    """Writes the weights of a network, rounded to 16 bits."""
    tensors = {name: tensor.detach().numpy().astype(np.float16) for name, tensor in network.state_dict().items()}
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise ValueError(f"the tensor {name} has values that 16 bits do not hold; the training has diverged")
    shape = {"height": network.height, "width": network.width, "labels": network.labels}
    known = {"architecture": network.architecture, "version": VERSION, **{key: str(n) for key, n in shape.items()}}
    write(path, tensors, {**known, **facts})


def metadata_of(path: os.PathLike[str] | str) -> dict[str, str]:
    with safetensors.safe_open(path, "numpy") as file:
        return file.metadata() or {}


def load_network(path: os.PathLike[str] | str) -> torch.nn.Module:
    """Reads a network of any architecture, for inference."""
    facts = metadata_of(path)
    if facts.get("architecture") not in ARCHITECTURES or facts.get("version") != VERSION:
        raise ValueError(f"{path} holds no network that this version knows: its metadata are {facts}")
    kind = ARCHITECTURES[facts["architecture"]]
    network = kind(int(facts["height"]), int(facts["width"]), int(facts["labels"]))
    tensors = {name: torch.from_numpy(t.astype(np.float32)) for name, t in safetensors.numpy.load_file(path).items()}
    network.load_state_dict(tensors)
    return network.eval().requires_grad_(False)


def digest(path: os.PathLike[str] | str) -> str:
    """Returns the SHA-256 of a file, in hexadecimal digits."""
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
