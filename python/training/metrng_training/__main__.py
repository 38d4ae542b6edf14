# SPDX-License-Identifier: Apache-2.0
"""The commands of `scripts/train`."""

from __future__ import annotations

import argparse
import contextlib
import json
import pathlib
import sys
import time
from typing import Any

import numpy as np
import torch

from . import array, bank, classifiers, golden, images, quality, samplers, storage
from .images import ImageSet
from .networks import ConvolutionDenoiser, DenseDenoiser
from .noise import BankNoise, EhrenfestNoise, NoiseSource, SoftwareNoise
from .process import DEVICES
from .training import PLANS, Training

DENOISERS = {kind.architecture: kind for kind in (DenseDenoiser, ConvolutionDenoiser)}


def chosen_images(arguments: argparse.Namespace) -> ImageSet:
    if arguments.images is not None:
        return images.folder(arguments.images, arguments.size)
    return images.digits() if arguments.size == 8 else images.mnist()


def open_lease(arguments: argparse.Namespace, stack: contextlib.ExitStack) -> Any:
    """Takes a lease, at a weak operating point."""
    from metrng.control import Control

    control = stack.enter_context(Control(arguments.control))
    lease = control.lease(
        arguments.board, count=arguments.lanes, seconds=array.SECONDS, allow_simulated=arguments.allow_simulated
    )
    stack.enter_context(lease)
    if arguments.point is not None:
        amplitude, width, bias_field = arguments.point
        lease.set_point(amplitude=amplitude, width=width, bias_field=bias_field)
    else:
        array.find_weak_point(lease)
    even = array.ChosenLanes(lease)
    point = ", ".join(f"{value:.4g}" for value in lease.operating_point.values())
    lanes = f"{len(even)} of {len(lease)} lanes of {lease.board} ({lease.provenance}) that flip about equally often"
    print(f"{lanes}; pulses of {point} (mV, ps, µT)", file=sys.stderr)
    return even


def make_bank(arguments: argparse.Namespace) -> None:
    chosen = chosen_images(arguments)
    with contextlib.ExitStack() as stack:
        lease = open_lease(arguments, stack)
        start = shown = time.monotonic()

        def progress(done: int, total: int) -> None:
            nonlocal shown
            if time.monotonic() - shown > (0.2 if sys.stderr.isatty() else 10) or done == total:
                shown = time.monotonic()
                left = (shown - start) / done * (total - done)
                end = "\n" if done == total or not sys.stderr.isatty() else "\r"
                print(f"trajectory {done}/{total}, {left:.0f} s left   ", end=end, file=sys.stderr, flush=True)

        made = array.make_bank(
            lease, chosen, rounds=arguments.rounds, readings=arguments.readings, seed=arguments.seed,
            devices=arguments.devices, progress=progress,
        )
    made.save(arguments.output)


def source_of(arguments: argparse.Namespace, chosen: ImageSet, stack: contextlib.ExitStack) -> NoiseSource:
    if arguments.noise == "software":
        return SoftwareNoise(chosen, arguments.seed)
    if arguments.noise == "ehrenfest":
        return EhrenfestNoise(chosen, arguments.seed, arguments.devices)
    if arguments.noise == "lease":
        return array.LeaseNoise(chosen, arguments.seed, open_lease(arguments, stack), arguments.devices)
    if arguments.bank is None:
        raise ValueError("--noise bank needs --bank FILE")
    return BankNoise(chosen, arguments.seed, bank.load(arguments.bank))


def train(arguments: argparse.Namespace) -> None:
    chosen = chosen_images(arguments)
    architecture = DENOISERS[arguments.architecture or ("dense-1" if arguments.size <= 12 else "unet-1")]
    plan = PLANS[architecture.architecture]
    if arguments.steps is not None:
        plan = type(plan)(**{**vars(plan), "steps": arguments.steps})
    output = pathlib.Path(arguments.output)
    checkpoint = output.with_suffix(".checkpoint")
    if checkpoint.exists() and not arguments.resume:
        raise FileExistsError(f"{checkpoint} is of an interrupted training: give --resume, or remove it")
    with contextlib.ExitStack() as stack:
        source = source_of(arguments, chosen, stack)
        training = Training(architecture, chosen, source, plan, arguments.seed)
        if checkpoint.exists():
            training.resume(checkpoint)
        training.run(checkpoint)
    facts = {"images": chosen.name, "seed": str(arguments.seed), "steps": str(plan.steps)}
    storage.save_network(training.network, output, **facts, **source.facts)
    checkpoint.unlink(missing_ok=True)
    print(f"{output}: trained for {training.seconds:.0f} s", file=sys.stderr)


def classifier(arguments: argparse.Namespace) -> None:
    chosen = chosen_images(arguments)
    network, accuracy = classifiers.train_classifier(
        chosen, arguments.seed, arguments.epochs, arguments.held_out, arguments.shift
    )
    facts = {"images": chosen.name, "seed": str(arguments.seed), "accuracy": f"{accuracy:.4f}"}
    storage.save_network(network, arguments.output, **facts)
    print(f"{arguments.output}: recognises {accuracy:.2%} of the {arguments.held_out:.0%} held out", file=sys.stderr)


def statistics(arguments: argparse.Namespace) -> None:
    chosen = chosen_images(arguments)
    network = storage.load_network(arguments.features)
    pixels = quality.Moments.of(chosen.flat)
    features = quality.Moments.of(quality.classified(network, chosen.flat)[0])
    tensors = {
        "featureCovariance": features.covariance,
        "featureMean": features.mean,
        "labels": np.bincount(chosen.labels, minlength=len(chosen.label_names)),
        "pixelCovariance": pixels.covariance,
        "pixelMean": pixels.mean,
    }
    facts = {
        "format": "metrng-moments",
        "version": storage.VERSION,
        "count": str(len(chosen.labels)),
        "features": storage.digest(arguments.features),
        "height": str(chosen.height),
        "images": chosen.name,
        "width": str(chosen.width),
    }
    storage.write(arguments.output, {name: t.astype(np.float32) for name, t in tensors.items()}, facts)


def sampled(arguments: argparse.Namespace, network: torch.nn.Module, labels: np.ndarray, seed: int) -> np.ndarray:
    generator = np.random.Generator(np.random.PCG64(seed))
    predict = samplers.predictor(network, labels, arguments.guidance)
    shape = (len(labels), network.height * network.width)
    return samplers.SAMPLERS[arguments.sampler](predict, shape, arguments.steps, generator)


def evaluate(arguments: argparse.Namespace) -> None:
    """Prints a line of JSON for each run, and one with means and standard deviations."""
    chosen = chosen_images(arguments)
    network = storage.load_network(arguments.model)
    features = storage.load_network(arguments.features)
    recogniser = storage.load_network(arguments.recogniser)
    labels = chosen.labels if arguments.count is None else np.arange(arguments.count) % len(chosen.label_names)
    real = quality.Moments.of(quality.classified(features, chosen.flat)[0]), quality.Moments.of(chosen.flat)
    runs = []
    for seed in range(arguments.seed, arguments.seed + arguments.runs):
        made = quality.eight_bit(sampled(arguments, network, labels, seed))
        found = quality.Moments.of(quality.classified(features, made)[0]), quality.Moments.of(made)
        run = {
            "feature": quality.frechet_distance(real[0], found[0]),
            "pixel": quality.frechet_distance(real[1], found[1]),
            "recognised": float((quality.classified(recogniser, made)[1] == labels).mean()),
        }
        runs.append(run)
        print(json.dumps({"seed": seed, **{key: round(value, 4) for key, value in run.items()}}), flush=True)
    table = {key: np.array([run[key] for run in runs]) for key in runs[0]}
    deviations = {key: round(float(v.std(ddof=1)), 4) for key, v in table.items()} if len(runs) > 1 else {}
    facts = {key: getattr(arguments, key) for key in ("sampler", "steps", "guidance")}
    means = {key: round(float(v.mean()), 4) for key, v in table.items()}
    print(json.dumps({"model": arguments.model, **facts, "mean": means, "deviation": deviations}))


def draw(arguments: argparse.Namespace) -> None:
    """Draws a picture of samples, a row for each label."""
    from PIL import Image

    network = storage.load_network(arguments.model)
    labels = np.repeat(np.arange(network.labels), arguments.columns)
    made = sampled(arguments, network, labels, arguments.seed).reshape(
        network.labels, arguments.columns, network.height, network.width
    )
    framed = np.pad(made, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=0)
    picture = framed.transpose(0, 2, 1, 3).reshape(framed.shape[0] * framed.shape[2], -1)
    grey = np.rint((picture + 1) * 127.5).astype(np.uint8)
    scale = 4 if network.width <= 12 else 2
    image = Image.fromarray(grey)
    image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST).save(arguments.output)


def golden_vectors(arguments: argparse.Namespace) -> None:
    storage.write(arguments.output, golden.outputs(), {"format": "metrng-golden"})


def with_images(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--size", type=int, default=8, help="height and width in pixels (8)")
    parser.add_argument(
        "--images",
        metavar="FOLDER",
        help="images to train on, sub-folders are labels; without it scikit-learn's digits (8) or MNIST (28)",
    )
    parser.add_argument("--seed", type=int, default=1)


def with_lease(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--devices", type=int, default=DEVICES, help="devices a pixel (16)")
    parser.add_argument("--control", metavar="PATH", help="control socket of metrngd; METRNG_CONTROL, or the usual one")
    parser.add_argument("--board", help="whose lanes are leased; may be left out where there is one")
    parser.add_argument("--lanes", type=int, help="how many lanes; all that are good")
    parser.add_argument("--point", type=point, metavar="MV,PS,UT", help="of the pulses; the one of 1 %% flips is found")
    parser.add_argument("--allow-simulated", action="store_true", help="accepts an array that is a model")


def point(text: str) -> tuple[float, ...]:
    values = tuple(float(part) for part in text.split(","))
    if len(values) != 3:
        raise ValueError(text)
    return values


def with_sampling(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True)
    parser.add_argument("--sampler", choices=samplers.SAMPLERS, default="reverse")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--guidance", type=float, default=0.5)


def parsed(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/train", description="Trains and judges the networks of metrng.")
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch (1)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("denoiser", help="trains a denoiser")
    command.set_defaults(run=train)
    with_images(command)
    command.add_argument("--architecture", choices=DENOISERS, help="dense-1 up to 12 pixels, unet-1 above")
    command.add_argument("--noise", choices=["software", "ehrenfest", "bank", "lease"], default="software")
    command.add_argument("--bank", metavar="FILE", help="for --noise bank: trajectories of an array")
    with_lease(command)
    command.add_argument("--steps", type=int)
    command.add_argument("--resume", action="store_true", help="goes on where an interrupted training stopped")
    command.add_argument("--output", required=True, metavar="FILE")

    command = commands.add_parser("bank", help="makes a bank of trajectories in an array, for --noise bank")
    command.set_defaults(run=make_bank)
    with_images(command)
    with_lease(command)
    command.add_argument("--rounds", type=int, default=20, help="trajectories of each image (20)")
    command.add_argument("--readings", type=int, default=20, help="readings of each trajectory (20)")
    command.add_argument("--output", required=True, metavar="FILE")

    command = commands.add_parser("classifier", help="trains a feature network or a recogniser")
    command.set_defaults(run=classifier)
    with_images(command)
    command.add_argument("--epochs", type=int, default=60)
    command.add_argument("--shift", type=float, help="pixels by which images are moved in training (0.5; 2 above 12)")
    command.add_argument("--held-out", type=float, default=0.1, help="share of the images to test with (0.1)")
    command.add_argument("--output", required=True, metavar="FILE")

    command = commands.add_parser("moments", help="writes means and covariances of real images")
    command.set_defaults(run=statistics)
    with_images(command)
    command.add_argument("--features", required=True, metavar="FILE")
    command.add_argument("--output", required=True, metavar="FILE")

    command = commands.add_parser("evaluate", help="Fréchet distances and recognition, with noise of PCG64")
    command.set_defaults(run=evaluate)
    with_images(command)
    with_sampling(command)
    command.add_argument("--features", required=True, metavar="FILE")
    command.add_argument("--recogniser", required=True, metavar="FILE")
    command.add_argument("--runs", type=int, default=6, help="sampling runs, with seeds from --seed on (6)")
    command.add_argument("--count", type=int, help="images a run; without it as many, and of the labels, as the data")

    command = commands.add_parser("draw", help="draws samples as a PNG")
    command.set_defaults(run=draw)
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--columns", type=int, default=12)
    with_sampling(command)
    command.add_argument("--output", required=True, metavar="FILE")

    command = commands.add_parser("golden", help="writes Tests/Fixtures/networks.safetensors")
    command.set_defaults(run=golden_vectors)
    command.add_argument("--output", required=True, metavar="FILE")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    arguments = parsed(words)
    torch.set_num_threads(arguments.threads)
    try:
        arguments.run(arguments)
    except KeyboardInterrupt:
        print("\ntrain: interrupted; --resume goes on", file=sys.stderr)
        return 130
    except (OSError, ValueError, RuntimeError) as error:
        print(f"train: error: {error}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
