# SPDX-License-Identifier: Apache-2.0
"""The training of denoisers: the process, banks, sources of noise, resuming, files of weights."""

import json
import os
import subprocess
import sys

import pytest
from conftest import REPOSITORY, need

for package in ("numpy", "torch", "sklearn", "mlxtend", "scipy", "PIL", "safetensors"):
    need(package)
import numpy as np  # noqa: E402
import torch  # noqa: E402
from lease_server import LeaseServer  # noqa: E402
from metrng.control import Control  # noqa: E402
from PIL import Image  # noqa: E402

sys.path.insert(0, str(REPOSITORY / "python" / "training"))
from metrng_training import array, bank, golden, images, networks, process, quality, samplers, storage  # noqa: E402
from metrng_training.noise import BankNoise, EhrenfestNoise, SoftwareNoise  # noqa: E402
from metrng_training.training import Plan, Training  # noqa: E402

#: Sigmas that correct code exceeds for fewer than one seed in 100,000.
LIMIT = 4.5


@pytest.fixture(scope="module")
def digits():
    return images.digits()


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def lease(tmp_path):
    server = LeaseServer(tmp_path, lanes=1100, dead=())
    with Control(server.path) as control, control.lease(allow_simulated=True) as lease:
        yield lease
    server.close()


# The process


@pytest.mark.parametrize("kind", [SoftwareNoise, EhrenfestNoise])
def test_noise_has_the_mean_and_the_variance_of_its_share(digits, kind):
    source = kind(digits, 1)
    chosen, noisy, share = source.batch(20_000)
    signal = np.sqrt(share)[:, None] * source.clean[chosen]
    noise = (noisy - signal) / np.sqrt(1 - share)[:, None]
    count = noise.size
    assert abs(noise.mean()) < LIMIT / np.sqrt(count)
    kurtosis = (noise.astype(float) ** 4).mean()
    assert abs((noise.astype(float) ** 2).mean() - 1) < LIMIT * np.sqrt((kurtosis - 1) / count)
    # A source whose a is 2 % wrong is told apart.
    wrong = (noisy - 0.98 * signal) / np.sqrt(1 - share)[:, None]
    assert abs((wrong * source.clean[chosen]).mean()) > LIMIT / np.sqrt(count)


def test_share_and_memory_are_inverse():
    share = np.array([1e-4, 0.3, 0.999])
    assert np.allclose(process.signal_share(process.flip_memory(share)), share)


def test_digits_are_exact_in_sixteen_devices(digits):
    assert (process.decoded(process.encoded(digits.flat)) == digits.flat).all()


def test_the_reverse_step_of_one_device_is_exact():
    """From a known start, forward to a and back to a larger one gives the law of the forward process there."""
    generator = np.random.Generator(np.random.PCG64(5))
    count, now, then = 200_000, 0.35, 0.6
    at = generator.binomial(1, (1 + now) / 2, count)
    back = samplers.reverse_step(at, np.ones(count), now, then, generator, devices=1)
    assert abs(back.mean() - (1 + then) / 2) < LIMIT * np.sqrt((1 - then**2) / 4 / count)
    # The two are correlated as the process is.
    joint = (2 * at - 1) * (2 * back - 1)
    assert abs(joint.mean() - now / then) < LIMIT / np.sqrt(count)


def test_the_reverse_step_of_a_pixel_has_the_right_mean():
    generator = np.random.Generator(np.random.PCG64(5))
    count, start, now, then = 200_000, 11, 0.35, 0.6
    at = generator.binomial(start, (1 + now) / 2, count) + generator.binomial(16 - start, (1 - now) / 2, count)
    back = samplers.reverse_step(at, np.full(count, float(start)), now, then, generator)
    assert abs(back.mean() - (8 + then * (start - 8))) < 0.01
    wrong = samplers.reverse_step(at, np.full(count, start - 1.0), now, then, generator)
    assert abs(wrong.mean() - (8 + then * (start - 8))) > 0.2


# Banks, and noise through a lease


def test_a_bank_made_through_a_lease_follows_the_law(digits, lease, tmp_path):
    few = images.ImageSet("few", digits.images[:40], digits.labels[:40], digits.label_names)
    made = array.make_bank(lease, few, rounds=3, readings=6, seed=1, repeats=32)
    path = tmp_path / "few.metrng-bank"
    made.save(path)
    found = bank.load(path)
    assert found.trajectories == 120 and sorted(found.image.tolist()) == sorted(3 * list(range(40)))
    assert found.facts["noise"] == "array" and found.facts["provenance"] == "simulated"
    ideal = 0.98**found.pulses
    deviations = 1 / np.sqrt(2 * 32 * 1100)
    assert (np.abs(found.memory - ideal) < LIMIT * deviations).all()
    assert (np.abs(found.offset) < LIMIT * deviations).all()
    trajectories, readings = np.divmod(np.arange(120 * found.readings), found.readings)
    noisy, share = found.noisy(trajectories, readings)
    noise = (noisy - np.sqrt(share)[:, None] * few.flat[found.image[trajectories]]) / np.sqrt(1 - share)[:, None]
    # Readings of one trajectory are dependent: the mean over them has at most the deviation of one reading.
    means = noise.reshape(120, found.readings, 64).mean(axis=1)
    assert abs(means.mean()) < LIMIT / np.sqrt(means.size) + 0.02
    assert abs(noise.var() - 1) < 0.05


def test_images_may_be_on_several_loads_and_loads_have_several_images(digits, tmp_path):
    up = process.encoded(digits.flat[:5])
    for name, lanes in (("small", 100), ("large", 2500)):
        (tmp_path / name).mkdir()
        server = LeaseServer(tmp_path / name, lanes=lanes, flip=0)
        with Control(server.path) as control, control.lease(allow_simulated=True) as lease:
            generator = np.random.Generator(np.random.PCG64(1))
            counts = array.trajectories(lease, up, np.array([1, 70_000]), generator)
        assert (counts == up[:, None, :]).all()
        server.close()


def test_the_plan_of_readings_covers_the_schedule(lease):
    plan = array.reading_plan(lease, 20, 16, 16)
    assert 15 <= len(plan.pulses) <= 20 and (np.diff(plan.pulses) > 0).all()
    assert plan.pulses[0] <= 3 and plan.memory[-1] < 0.03


def test_a_weak_point_is_found_by_the_width():
    class Pulsed:
        """An array whose pulses flip with a probability that rises 10 % a ps, 1 % at 137 ps."""

        def __init__(self):
            self.generator, self.flip = np.random.Generator(np.random.PCG64(3)), 0.0
            self.states = np.zeros(4000, bool)
            self.facts = {"amplitudeLimits": {"lower": 0, "upper": 2700}}
            self.operating_point = {"biasFieldMicrotesla": 20_000}

        def __len__(self):
            return 4000

        def set_point(self, amplitude, width, bias_field):
            assert bias_field == 20_000
            self.flip = min(0.5, 0.01 * np.exp(0.1 * (width - 137)))

        def write(self, states):
            self.states = states.copy()

        def trajectory(self, pulses):
            (count,) = pulses
            self.states ^= self.generator.random(4000) < (1 - (1 - 2 * self.flip) ** count) / 2
            return self.states[None, :]

        def wait(self):
            pass

    pulsed = Pulsed()
    array.find_weak_point(pulsed)
    assert 0.008 < pulsed.flip < 0.0125


def test_lanes_that_are_stuck_or_slow_are_left_out(tmp_path):
    server = LeaseServer(tmp_path, lanes=400, dead=range(20))
    server.flip = np.where(np.arange(400) < 60, 0.001, 0.01)
    with Control(server.path) as control, control.lease(allow_simulated=True) as lease:
        even = array.ChosenLanes(lease)
        # The share of lanes whose flips are counted as beyond a factor of 2 by chance is below 10 %.
        assert 300 <= len(even) <= 340 and even._lanes.min() >= 60
        even.write(np.arange(len(even)) % 2 == 0)
        assert (even.trajectory([0])[0] == (np.arange(len(even)) % 2 == 0)).all()
        assert even.board == "array0"
        even.pulse(1)
        even.wait()
    server.close()


def test_live_noise_is_that_of_its_share(digits, lease):
    source = array.LeaseNoise(digits, 1, lease)
    source.POOL = 500
    chosen, noisy, share = source.batch(500)
    noise = (noisy - np.sqrt(share)[:, None] * source.clean[chosen]) / np.sqrt(1 - share)[:, None]
    assert abs(noise.mean()) < 0.05 and abs(noise.var() - 1) < 0.1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda t, m: m.update(format="other"), "no bank"),
        (lambda t, m: m.update(version="2"), "no bank"),
        (lambda t, m: m.pop("board"), "board"),
        (lambda t, m: m.update(provenance="genuine"), "provenance"),
        (lambda t, m: m.update(height="9"), "64 pixels"),
        (lambda t, m: m.update(imageCount="1"), "beyond"),
        (lambda t, m: m.update(devicesPerPixel="3"), "devices up"),
        (lambda t, m: t.update(counts=t["counts"].astype(np.float32)), "float32"),
        (lambda t, m: t.update(image=t["image"][:1]), "shape"),
        (lambda t, m: t.pop("memory"), "tensors"),
        (lambda t, m: t.update(memory=np.full(2, np.nan, np.float32)), "±1"),
        (lambda t, m: t.update(pulses=np.array([5, 5], np.uint32)), "rise"),
    ],
)
def test_a_bank_that_is_wrong_is_refused(digits, tmp_path, change, text):
    tensors = {
        "counts": np.full((3, 2, 64), 4, np.uint8),
        "image": np.array([0, 1, 1], np.uint32),
        "pulses": np.array([5, 90], np.uint32),
        "memory": np.array([0.9, 0.1], np.float32),
        "offset": np.zeros(2, np.float32),
    }
    metadata = {
        "format": "metrng-bank", "version": "1", "provenance": "simulated", "board": "array0", "devicesPerPixel": "16",
        "images": digits.digest, "imageCount": "2", "height": "8", "width": "8",
    }
    path = tmp_path / "bank"
    storage.write(path, tensors, metadata)
    bank.load(path)
    change(tensors, metadata)
    storage.write(path, tensors, metadata)
    with pytest.raises(bank.BankError, match=text):
        bank.load(path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(bank.BankError, match="damaged"):
        bank.load(path)


def test_a_bank_of_other_images_is_refused(digits, lease):
    few = images.ImageSet("few", digits.images[:3], digits.labels[:3], digits.label_names)
    made = array.make_bank(lease, few, rounds=1, readings=2, seed=1, repeats=2)
    BankNoise(few, 1, made)
    with pytest.raises(bank.BankError, match="other images"):
        BankNoise(digits, 1, made)


# Training


def weights(training):
    return torch.cat([value.flatten() for value in training.average.values()])


def test_a_training_that_is_resumed_is_the_same(digits, tmp_path):
    plan = Plan(steps=12, batch=16, rate=1e-3)

    def training(steps=12):
        made = Training(networks.DenseDenoiser, digits, EhrenfestNoise(digits, 1), plan, 1)
        object.__setattr__(made.plan, "steps", 12)
        while made.done < steps:
            made._step()
        return made

    whole, half = training(), training(5)
    half.save(tmp_path / "checkpoint")
    resumed = training(0)
    resumed.resume(tmp_path / "checkpoint")
    resumed.run()
    assert resumed.done == 12 and torch.equal(weights(resumed), weights(whole))
    other = Training(networks.DenseDenoiser, digits, EhrenfestNoise(digits, 2), plan, 2)
    with pytest.raises(ValueError, match="another seed"):
        other.resume(tmp_path / "checkpoint")


@pytest.mark.parametrize("kind", [networks.DenseDenoiser, networks.ConvolutionDenoiser])
def test_a_training_learns(digits, kind):
    source = EhrenfestNoise(digits, 1)
    training = Training(kind, digits, source, Plan(steps=60, batch=64, rate=2e-3), 1)
    losses = [training._step() for _ in range(60)]
    assert np.mean(losses[-10:]) < 0.85 * np.mean(losses[:3])


def test_a_file_of_weights_is_read_as_it_was_written(tmp_path):
    network = networks.DenseDenoiser(8, 8, 10)
    storage.save_network(network, tmp_path / "w", noise="software")
    first = (tmp_path / "w").read_bytes()
    storage.save_network(storage.load_network(tmp_path / "w"), tmp_path / "w", noise="software")
    assert (tmp_path / "w").read_bytes() == first
    with torch.no_grad():
        network.input.bias[0] = 1e9
    with pytest.raises(ValueError, match="input.bias"), np.errstate(over="ignore"):
        storage.save_network(network, tmp_path / "w")
    assert (tmp_path / "w").read_bytes() == first


def test_golden_vectors_are_those_in_the_fixtures():
    import safetensors.numpy

    found = safetensors.numpy.load_file(REPOSITORY / "Tests" / "Fixtures" / "networks.safetensors")
    made = golden.outputs()
    assert found.keys() == made.keys()
    for name, values in made.items():
        assert np.abs(found[name] - values).max() < 2e-5, name


def test_the_frechet_distance_is_that_of_scipy(digits):
    import scipy.linalg

    first, second = quality.Moments.of(digits.flat[:600, 10:30]), quality.Moments.of(digits.flat[600:, 10:30])
    root = scipy.linalg.sqrtm(first.covariance @ second.covariance).real
    expected = ((first.mean - second.mean) ** 2).sum() + np.trace(first.covariance + second.covariance - 2 * root)
    assert abs(quality.frechet_distance(first, second) - expected) < 1e-5
    assert abs(quality.frechet_distance(first, first)) < 1e-6


# Folders of images, and the commands


def test_a_folder_of_images_is_made_grey_and_square(tmp_path):
    for label, grey in (("b", 255), ("a", 0)):
        (tmp_path / label).mkdir()
        Image.new("RGB", (40, 20), (grey, grey, grey)).save(tmp_path / label / "one.png")
    (tmp_path / "a" / "notes.txt").write_text("no image")
    found = images.folder(tmp_path, 8)
    assert found.images.shape == (2, 8, 8) and found.labels.tolist() == [0, 1] and found.label_names == ["a", "b"]
    assert (found.images[0] == -1).all() and (found.images[1] == 1).all()
    (tmp_path / "a" / "broken.png").write_bytes(b"\x89PNG broken")
    with pytest.raises(ValueError, match="broken.png"):
        images.folder(tmp_path, 8)
    with pytest.raises(ValueError, match="no images"):
        images.folder(tmp_path / "a" / "..", 8) if (tmp_path / "a" / "broken.png").unlink() else images.folder(
            empty(tmp_path), 8
        )
    with pytest.raises(NotADirectoryError):
        images.folder(tmp_path / "absent", 8)


def empty(folder):
    (folder / "empty").mkdir()
    return folder / "empty"


def train(*words, folder, **environment):
    path = os.pathsep.join(str(REPOSITORY / "python" / name) for name in ("training",))
    return subprocess.run(
        [sys.executable, "-m", "metrng_training", *map(str, words)],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=500,
    )


def test_the_commands_from_a_bank_to_a_picture(tmp_path):
    server = LeaseServer(tmp_path, lanes=1024)
    (tmp_path / "pictures").mkdir()
    for index in range(4):
        Image.fromarray(np.full((12, 12), 60 * index, np.uint8)).save(tmp_path / "pictures" / f"{index}.png")
    data = ("--images", "pictures")
    lease = ("--control", server.path, "--point", "2300,137,0")
    refused = train("bank", *data, *lease, "--output", "b", folder=tmp_path)
    assert refused.returncode == 1 and "allow" in refused.stderr and not (tmp_path / "b").exists()
    lease += ("--allow-simulated",)
    made = train("bank", *data, *lease, "--rounds", 2, "--readings", 4, "--output", "b", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    for noise in (("bank", "--bank", "b"), ("lease", *lease)):
        words = ("denoiser", *data, "--noise", *noise, "--steps", 3, "--output", "m.safetensors")
        trained = train(*words, folder=tmp_path)
        assert trained.returncode == 0 and "step 3/3" in trained.stderr, trained.stderr
        facts = storage.metadata_of(tmp_path / "m.safetensors")
        assert facts["noise"] == "array" and facts["provenance"] == "simulated" and facts["labels"] == "0"
    server.close()


def test_the_commands_that_judge(tmp_path):
    models = REPOSITORY / "models"
    words = ("denoiser", "--steps", 2, "--noise", "ehrenfest", "--output", "m.safetensors")
    assert train(*words, folder=tmp_path).returncode == 0
    (tmp_path / "m.checkpoint").write_bytes(b"x")
    assert "--resume" in train(*words, folder=tmp_path).stderr
    judged = train(
        "evaluate", "--model", "m.safetensors", "--features", models / "features8.safetensors",
        "--recogniser", models / "recogniser8.safetensors", "--runs", 1, "--steps", 3, "--count", 40, folder=tmp_path,
    )
    assert judged.returncode == 0, judged.stderr
    assert json.loads(judged.stdout.splitlines()[-1])["mean"]["pixel"] > 5
    drawn = train("draw", "--model", "m.safetensors", "--steps", 2, "--output", "p.png", folder=tmp_path)
    assert drawn.returncode == 0 and Image.open(tmp_path / "p.png").size == (12 * 9 * 4, 10 * 9 * 4)


def test_the_shipped_moments_are_those_of_the_digits(tmp_path):
    models = REPOSITORY / "models"
    words = ("moments", "--features", models / "features8.safetensors", "--output", "moments")
    assert train(*words, folder=tmp_path).returncode == 0
    import safetensors.numpy

    made, shipped = (safetensors.numpy.load_file(p) for p in (tmp_path / "moments", models / "moments8.safetensors"))
    assert all(np.allclose(made[name], shipped[name], atol=1e-4) for name in shipped)
