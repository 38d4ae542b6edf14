# SPDX-License-Identifier: Apache-2.0
"""The training loop: progress, checkpoints, an average of the weights."""

from __future__ import annotations

import os
import pathlib
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .images import ImageSet
from .networks import ConvolutionDenoiser, DenseDenoiser
from .noise import NoiseSource
from .process import log_snr


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train."""

    steps: int
    batch: int
    rate: float
    #: The share of images whose label is left out, for guidance.
    label_drop: float = 0.15
    #: Of the average of weights, at the end.
    decay: float = 0.999


PLANS = {
    DenseDenoiser.architecture: Plan(steps=6000, batch=256, rate=2e-3),
    ConvolutionDenoiser.architecture: Plan(steps=3000, batch=64, rate=2e-3),
}


class Progress:
    """A line on the terminal, or one every ten seconds elsewhere: share, loss, rate, remaining time."""

    def __init__(self, total: int, done: int = 0) -> None:
        self._total, self._first = total, done
        self._start = self._shown = time.monotonic()
        self._terminal = sys.stderr.isatty()
        self._losses: list[float] = []

    def step(self, done: int, loss: float) -> None:
        self._losses.append(loss)
        now = time.monotonic()
        if now - self._shown < (0.2 if self._terminal else 10) and done < self._total:
            return
        self._shown = now
        rate = (done - self._first) / max(now - self._start, 1e-9)
        recent = sum(self._losses[-200:]) / len(self._losses[-200:])
        line = (
            f"step {done}/{self._total} ({100 * done // self._total} %), loss {recent:.4f}, "
            f"{rate:.1f} steps/s, {(self._total - done) / rate:.0f} s left"
        )
        if self._terminal:
            print(f"\r\033[K{line}", end="\n" if done == self._total else "", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)


class Training:
    """A denoiser in training. The same seed and source give the same weights, on one kind of processor."""

    def __init__(
        self, architecture: type[torch.nn.Module], images: ImageSet, source: NoiseSource, plan: Plan, seed: int
    ) -> None:
        torch.manual_seed(seed)
        labels = len(images.label_names)
        self.network = architecture(images.height, images.width, labels)
        self.average = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self._images, self._source, self.plan, self._seed = images, source, plan, seed
        self._clean = torch.from_numpy(source.clean)
        # The label after the last means none. It is 0, that of all images, where there are no labels.
        self._labels = torch.from_numpy(images.labels)
        self._none = labels
        self._optimiser = torch.optim.AdamW(self.network.parameters(), lr=plan.rate, weight_decay=1e-4)
        self._drops = torch.Generator().manual_seed(seed)
        self.done = 0
        self.seconds = 0.0

    def run(self, checkpoint: pathlib.Path | None = None) -> None:
        """Trains to the end of the plan, and writes the checkpoint twice a minute and when interrupted."""
        progress = Progress(self.plan.steps, self.done)
        start = saved = time.monotonic()
        earlier = self.seconds
        try:
            while self.done < self.plan.steps:
                progress.step(self.done + 1, self._step())
                self.seconds = earlier + time.monotonic() - start
                if checkpoint is not None and time.monotonic() - saved > 30:
                    self.save(checkpoint)
                    saved = time.monotonic()
        except BaseException:
            if checkpoint is not None and self.done:
                self.save(checkpoint)
            raise
        self.network.load_state_dict(self.average)

    def _step(self) -> float:
        plan = self.plan
        chosen, noisy, share = self._source.batch(plan.batch)
        clean, noisy_images = self._clean[chosen], torch.from_numpy(noisy)
        labels = self._labels[chosen].clone()
        labels[torch.rand(len(labels), generator=self._drops) < plan.label_drop] = self._none
        ratio = torch.from_numpy(log_snr(share).astype(np.float32))
        signal = torch.from_numpy(np.sqrt(share).astype(np.float32))[:, None]
        noise = torch.from_numpy(np.sqrt(1 - share).astype(np.float32))[:, None]
        # With ε = (x − √ᾱ·x₀)/√(1−ᾱ), v = √ᾱ·ε − √(1−ᾱ)·x₀ = (√ᾱ·x − x₀)/√(1−ᾱ).
        target = (signal * noisy_images - clean) / noise
        loss = torch.nn.functional.mse_loss(self.network(noisy_images, ratio, labels), target)
        self._optimiser.param_groups[0]["lr"] = plan.rate * self._rate_factor()
        self._optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        self.done += 1
        decay = min(plan.decay, (1 + self.done) / (10 + self.done))
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                self.average[name].lerp_(value, 1 - decay)
        return float(loss.detach())

    def _rate_factor(self) -> float:
        """Rises over the first 100 steps, then falls to a hundredth along a cosine."""
        share = self.done / self.plan.steps
        return min(1.0, (self.done + 1) / 100) * (0.01 + 0.99 * (1 + float(np.cos(np.pi * share))) / 2)

    def _identity(self) -> dict[str, Any]:
        return {
            "architecture": self.network.architecture,
            "images": self._images.digest,
            "plan": repr(self.plan),
            "seed": self._seed,
            "noise": repr(sorted(self._source.facts.items())),
        }

    def save(self, path: pathlib.Path) -> None:
        """Writes a checkpoint as a whole."""
        state = {
            "identity": self._identity(),
            "done": self.done,
            "seconds": self.seconds,
            "network": self.network.state_dict(),
            "average": self.average,
            "optimiser": self._optimiser.state_dict(),
            "drops": self._drops.get_state(),
            "source": self._source.state(),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        torch.save(state, part)
        os.replace(part, path)

    def resume(self, path: pathlib.Path) -> None:
        """Goes on from a checkpoint, which has to be one of this training."""
        state = torch.load(path, weights_only=True)
        for key, value in self._identity().items():
            if state["identity"][key] != value:
                raise ValueError(
                    f"{path} is of a training with another {key} ({state['identity'][key]}, not {value}); "
                    "give the same options, or remove it"
                )
        self.done, self.seconds = state["done"], state["seconds"]
        self.network.load_state_dict(state["network"])
        self.average = state["average"]
        self._optimiser.load_state_dict(state["optimiser"])
        self._drops.set_state(state["drops"])
        self._source.restore(state["source"])
