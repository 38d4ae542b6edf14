# SPDX-License-Identifier: Apache-2.0
"""Recording and replaying consumed words."""

import gc
import os

import metrng
import pytest
from conftest import need

need("numpy")
import numpy as np  # noqa: E402


def draw_everything():
    """Draws in every way that needs NumPy only, from sessions opened here."""
    session = metrng.Session(allow_simulated=True)
    generator = np.random.Generator(metrng.BitGenerator(allow_simulated=True))
    drawn = [
        session.normal(1001),
        session.uniform(7, "float64"),
        session.bernoulli(1000, 0.3),
        session.bernoulli(1000, 0.3, method="frugal"),
        session.categorical([1, 2, 3], 100),
        session.permutation(100),
        generator.standard_normal(1000),
        generator.integers(10, size=100, dtype="int32"),
        generator.random(3, dtype="float32"),
        np.array([metrng.Random(allow_simulated=True).random() for _ in range(3)]),
    ]
    with metrng.numpy_noise(allow_simulated=True):
        drawn.append(np.random.rand(5))
    return session, [values.tolist() for values in drawn]


def test_a_replay_gives_the_same_draws(daemon, tmp_path):
    path = tmp_path / "run.words"
    with metrng.record(path):
        session, first = draw_everything()
        assert session.origin.provenance == "simulated"
    for _ in range(2):
        with metrng.replay(path):
            session, again = draw_everything()
            assert session.origin.provenance == "replay"
            assert session.report().bytes_from["replay"] == session.report().bytes_used
        assert again == first
    assert draw_everything()[1] != first
    assert path.read_bytes().startswith(b"metrng-words 1\n")


def test_replay_needs_no_daemon_and_ends(daemon, tmp_path):
    path = tmp_path / "run.words"
    with metrng.record(path):
        first = metrng.Session(allow_simulated=True).bytes(64)
    with metrng.replay(path):
        session = metrng.Session("/nonexistent")
        assert session.bytes(64) == first
        with pytest.raises(EOFError, match="recording"):
            session.bytes(8)


def test_files(daemon, tmp_path):
    path = tmp_path / "run.words"
    with open(path, "w+b") as file:
        with metrng.record(file):
            first = metrng.Session(allow_simulated=True).words(10).tolist()
        file.seek(0)
        with metrng.replay(file):
            assert metrng.Session().words(10).tolist() == first
    with pytest.raises(FileExistsError):
        with metrng.record(path):
            pass
    with pytest.raises(FileNotFoundError):
        with metrng.replay(tmp_path / "absent"):
            pass


def test_an_empty_block_is_an_error(daemon, tmp_path):
    session = metrng.Session(allow_simulated=True)
    with pytest.raises(ValueError, match="inside the block"):
        with metrng.record(tmp_path / "run.words"):
            session.bytes(8)  # opened before: not recorded
    assert not (tmp_path / "run.words").exists()
    with pytest.raises(ConnectionError):
        with metrng.record(tmp_path / "run.words"):
            metrng.Session(tmp_path / "absent.sock")
    assert not (tmp_path / "run.words").exists()


@pytest.mark.filterwarnings("always")
@pytest.mark.parametrize("block", ["record('run.words')", "replay('run.words')", "numpy_noise()", "torch_noise()"])
def test_a_block_that_is_not_entered_warns(daemon, block):
    if block == "torch_noise()":
        need("torch")
        block = "torch_noise(allow_simulated=True)"
    with pytest.warns(RuntimeWarning, match="was never entered.*with metrng"):
        eval(f"metrng.{block}")
        gc.collect()


def test_a_replay_can_be_repeated(daemon, tmp_path):
    with metrng.record(tmp_path / "run.words"):
        first = metrng.Session(allow_simulated=True).bytes(8)
    block = metrng.replay(tmp_path / "run.words")
    for _ in range(2):
        with block:
            assert metrng.Session().bytes(8) == first


def test_a_block_is_one_stream(daemon, tmp_path):
    with metrng.record(tmp_path / "run.words"):
        metrng.Session(allow_simulated=True).bytes(8)
        with pytest.raises(ValueError, match="one stream"):
            metrng.Session(allow_simulated=True, grade="raw")


def test_the_session_ends_with_the_block(daemon, tmp_path):
    with metrng.record(tmp_path / "run.words"):
        session = metrng.Session(allow_simulated=True)
        session.bytes(8)
    with pytest.raises(ValueError, match="closed"):
        session.bytes(8)


@pytest.mark.parametrize("damage", ["cut", "flipped", "other"])
def test_damage_is_told(daemon, tmp_path, damage):
    path = tmp_path / "run.words"
    with metrng.record(path):
        metrng.Session(allow_simulated=True).bytes(4096)
    data = bytearray(path.read_bytes())
    if damage == "cut":
        del data[-5:]
    elif damage == "flipped":
        data[-5] ^= 1
    else:
        data[:6] = b"matrix"
    path.write_bytes(data)
    with pytest.raises(OSError, match="recording|words"):
        with metrng.replay(path):
            metrng.Session().bytes(4096)


def test_a_full_disk_fails_the_draw(daemon):
    with open("/dev/full", "wb", buffering=0) as file:
        with pytest.raises(metrng.RecordingFailed):
            with metrng.record(file):
                metrng.Session(allow_simulated=True).bytes(1_000_000)


def test_a_forked_child_is_not_recorded(daemon, tmp_path):
    with metrng.record(tmp_path / "run.words"):
        session = metrng.Session(allow_simulated=True)
        session.bytes(8)
        child = os.fork()
        if child == 0:
            try:
                session.bytes(8)
            except metrng.RecordingFailed:
                os._exit(3)
            finally:
                os._exit(4)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
        session.bytes(8)
