# SPDX-License-Identifier: Apache-2.0
"""Sessions: bits, numbers, errors, forks, threads, interrupts."""

import array
import copy
import importlib.metadata
import os
import pickle
import re
import subprocess
import sys

import metrng
import pytest
from conftest import REPOSITORY, need
from statistics_of import kolmogorov_smirnov, mean_is, normal_distribution, proportion_is

need("numpy")
import numpy as np  # noqa: E402


@pytest.fixture
def session(daemon):
    with metrng.Session(allow_simulated=True) as session:
        yield session


def in_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, timeout=120
    )


def test_import_is_light_and_connects_to_nothing():
    code = (
        "import sys, metrng; assert not {'numpy', 'torch', 'jax'} & set(sys.modules), 'imported'; "
        "assert 'metrng._native' not in sys.modules; print(metrng.__version__)"
    )
    result = in_python(code, METRNG_SOCKET="/nonexistent")
    assert (result.returncode, result.stdout.strip()) == (0, metrng.__version__), result.stderr


def test_versions_agree():
    swift = REPOSITORY / "Sources" / "Control" / "ControlInterface" / "InterfaceDescription.swift"
    version = re.search(r'metrngVersion = "(.*)"', swift.read_text(encoding="utf-8"))[1]
    assert metrng.__version__ == version == importlib.metadata.version("metrng")
    from metrng import _native

    assert _native.version == version and _native.code_path in ("avx512", "avx2", "portable")


def test_every_public_name_loads():
    for name in metrng.__all__:
        if name in ("torch_generator", "torch_noise", "torch_worker_init"):
            continue  # needs PyTorch; test_torch.py has them
        assert getattr(metrng, name) is not None
    assert set(metrng.__all__) <= set(dir(metrng))
    with pytest.raises(AttributeError):
        metrng.nothing


class TestFills:
    @pytest.fixture
    def session(self, fixed):
        with metrng.Session(fixed, allow_simulated=True) as session:
            yield session

    def test_normal(self, session):
        for dtype in ("float32", "float64"):
            values = session.normal((100, 100), dtype, mean=2.0, stdev=3.0)
            assert values.shape == (100, 100) and values.dtype == dtype
            assert kolmogorov_smirnov(((values - 2) / 3).ravel().tolist(), normal_distribution) < 1.95
        assert session.normal().shape == ()

    def test_uniform(self, session):
        for dtype, digits in (("float32", 24), ("float64", 53)):
            values = session.uniform(10_000, dtype)
            assert values.dtype == dtype and values.min() >= 0 and values.max() < 1
            scaled = values.astype("float64") * 2.0**digits
            assert (scaled == np.floor(scaled)).all() and (scaled % 2 == 1).any()
            assert kolmogorov_smirnov(values.tolist(), lambda value: value) < 1.95

    def test_out_of_any_kind(self, session):
        for out in (
            array.array("f", bytes(400)),
            array.array("d", bytes(800)),
            np.zeros(100, "float32"),
            np.zeros((10, 20), "float64")[:, ::2],
            memoryview(np.zeros((10, 10), "float32")),
            memoryview(np.zeros((20, 10)))[::2],
            memoryview(np.zeros(100))[::-1],
        ):
            assert session.normal(out=out) is out
            assert len(set(np.asarray(out).ravel().tolist())) == 100
        with pytest.raises(TypeError, match="float32 or float64"):
            session.normal(out=np.zeros(3, "int32"))
        with pytest.raises(ValueError, match="read-only"):
            session.uniform(out=memoryview(np.zeros(3)).toreadonly())

    def test_other_types_are_named(self, session):
        for dtype in ("float16", "int64", "complex64", "bfloat16"):
            with pytest.raises(TypeError, match="astype"):
                session.normal(3, dtype)

    @pytest.mark.parametrize("method", ["fast", "frugal"])
    def test_bernoulli(self, session, method):
        for p in (0.0, 0.3, 1.0):
            values = session.bernoulli(20_000, p, method=method)
            assert values.dtype == bool
            proportion_is(int(values.sum()), 20_000, p)
            packed = session.bernoulli_packed(20_001, p, method=method)
            assert packed.shape == (313,) and int(packed[-1]) >> 33 == 0
            proportion_is(int(np.unpackbits(packed.view("u1")).sum()), 20_001, p)
        with pytest.raises(ValueError, match="fast"):
            session.bernoulli(3, method="slow")
        for p in (-0.1, 1.1, float("nan")):
            with pytest.raises(ValueError):
                session.bernoulli(3, p, method=method)

    def test_bernoulli_of_each(self, session):
        p = np.repeat(np.array([0, 0.1, 0.9, 1], "float32"), 5000)
        values = session.bernoulli(p=p).reshape(4, 5000).sum(1)
        assert values[0] == 0 and values[3] == 5000
        proportion_is(int(values[1]), 5000, 0.1)
        proportion_is(int(values[2]), 5000, 0.9)
        assert session.bernoulli((3, 2), np.array([0.0, 1.0])).tolist() == [[False, True]] * 3

    def test_categorical(self, session):
        table = metrng.Alias([1, 0, 2, 5])
        counts = np.bincount(session.categorical(table, 20_000), minlength=4)
        assert counts[1] == 0
        for index, weight in enumerate((1, 0, 2, 5)):
            proportion_is(int(counts[index]), 20_000, weight / 8)
        assert session.categorical([1.0], (2, 2)).tolist() == [[0, 0], [0, 0]]
        for weights in ([], [0, 0], [1, -1], [float("nan")], [[1, 2]]):
            with pytest.raises(ValueError):
                session.categorical(weights, 3)

    def test_integers(self, session):
        values = session.integers(-3, 4, 20_000)
        assert values.dtype == "int64" and values.min() == -3 and values.max() == 3
        mean_is(values.tolist(), 0, 2)
        assert session.integers(5, shape=(2, 3), dtype="uint8").max() < 5
        assert session.integers(0, 2**64, 3, "uint64").dtype == "uint64"
        wide = session.integers(-(2**63), 2**63, 1000)
        assert wide.min() < -(2**61) and wide.max() > 2**61
        for low, high, dtype in ((3, 3, "int64"), (0, 300, "uint8"), (-1, 3, "uint8"), (0, 2**63 + 1, "int64")):
            with pytest.raises(ValueError, match="fit"):
                session.integers(low, high, 3, dtype)

    def test_permutation(self, session):
        assert sorted(session.permutation(1000).tolist()) == list(range(1000))
        assert session.permutation(0).tolist() == []
        rows = np.arange(30).reshape(10, 3)
        assert sorted(session.permutation(rows)[:, 0].tolist()) == rows[:, 0].tolist()
        firsts = [int(session.permutation(4)[0]) for _ in range(4000)]
        for value in range(4):
            proportion_is(firsts.count(value), 4000, 0.25)

    def test_bytes_and_words(self, session):
        assert len(session.bytes(1001)) == 1001 and session.bytes(0) == b""
        target = bytearray(64)
        assert session.readinto(target) == 64 and any(target)
        assert session.words((2, 3)).dtype == "uint64"
        assert len({session.bytes(8) for _ in range(100)}) == 100


class TestTruth:
    def test_origin_and_report(self, daemon):
        with metrng.Session(allow_simulated=True) as session:
            assert session.origin is None and session.report().origin is None
            session.bytes(16)
            assert (session.origin.provenance, session.origin.grade) == ("simulated", "full")
            assert session.origin.first_epoch <= session.origin.last_epoch
            report = session.report()
            assert report.bytes_used == 16 and report.bits == 128
            assert report.bytes_from == {"hardware": 0, "simulated": 16, "replay": 0, "host": 0}
            assert report.origin.provenance == "simulated"
            assert "full" in str(session.info())

    def test_raw_grade(self, daemon):
        with metrng.Session(allow_simulated=True, grade="raw") as session:
            session.bytes(8)
            assert session.origin.grade == "raw"


class TestErrors:
    def test_no_daemon(self, tmp_path):
        with pytest.raises(ConnectionError, match="metrngd") as caught:
            metrng.Session(tmp_path / "absent.sock")
        assert isinstance(caught.value, metrng.Unreachable)
        assert "absent.sock" in str(caught.value) and "METRNG_SOCKET" in str(caught.value)

    def test_simulated_without_consent(self, daemon):
        with pytest.raises(PermissionError) as caught:
            with metrng.Session() as session:
                session.bytes(8)
        assert isinstance(caught.value, metrng.NotGenuine)
        assert "simulated" in str(caught.value) and "allow_simulated=True" in str(caught.value)

    def test_unknown_grade(self, daemon):
        with pytest.raises(ValueError, match="full"):
            metrng.Session(grade="expand")

    @pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
    def test_permission_denied(self, own_daemon):
        os.chmod(own_daemon.folder, 0o755)
        os.chmod(own_daemon.entropy, 0o600)
        code = (
            "import os, metrng, metrng.errors, metrng.session; os.setuid(65534)\n"
            f"try: metrng.Session({own_daemon.entropy!r}, allow_simulated=True)\n"
            "except PermissionError as error: print(type(error).__name__, error)"
        )
        result = in_python(code)
        assert result.stdout.startswith("NotPermitted"), result.stdout + result.stderr

    def test_closed(self, daemon):
        session = metrng.Session(allow_simulated=True)
        session.close()
        session.close()
        for use in (lambda: session.bytes(1), session.normal, session.report, session.info, lambda: session.origin):
            with pytest.raises(ValueError, match="closed"):
                use()

    def test_sizes(self, session):
        for shape in (-1, (2, -3)):
            with pytest.raises(ValueError):
                session.normal(shape)
        with pytest.raises((ValueError, MemoryError)):
            session.words(2**62)
        with pytest.raises(ValueError):
            session.bytes(-1)
        for samples in (-1, -63, -64, -65):
            with pytest.raises(ValueError):
                session.bernoulli_packed(samples)
        with pytest.raises(ValueError):
            session.permutation(-1)
        with pytest.raises((MemoryError, OverflowError)):
            session.bytes(2**62)
        with pytest.raises(TypeError):
            session.bytes(1.5)
        for empty in (session.normal(0), session.words((0, 5)), session.bernoulli(0), session.categorical([1], 0)):
            assert empty.size == 0

    def test_bad_parameters(self, session):
        for parameters in ({"stdev": -1.0}, {"mean": float("nan")}, {"stdev": float("inf")}):
            with pytest.raises(ValueError):
                session.normal(3, **parameters)

    @pytest.mark.parametrize(
        "use",
        [
            lambda session: session.bytes(-1),
            lambda session: session.normal(-1),
            lambda session: metrng.Alias([0, 0]),
            lambda session: metrng.Alias([1, float("inf")]),
            lambda session: metrng.Alias(3),
            lambda session: session.bernoulli(2, [0.5, 2]),
            lambda session: session.close() or session.bytes(1),
        ],
    )
    def test_wrong_arguments_are_errors_of_metrng(self, daemon, use):
        with metrng.Session(allow_simulated=True) as session:
            with pytest.raises(metrng.InvalidArgument):
                use(session)

    def test_hints(self, session):
        with pytest.raises(TypeError, match=r"tuple: \(…, 3\)"):
            session.normal(2, 3)
        for items in (2.5, "3", None):
            with pytest.raises(TypeError, match="permutation"):
                session.permutation(items)
        assert sorted(session.permutation(np.int32(3))) == [0, 1, 2]
        for make in (metrng.Session, metrng.BitGenerator, metrng.Random):
            with pytest.raises(TypeError, match="no seed"):
                make(42)

    def test_buffers_that_cannot_hold_bits(self, session):
        for buffer in (np.array([None]), np.zeros(2, [("a", object), ("b", "i8")])):
            with pytest.raises(TypeError, match="objects"):
                session.readinto(buffer)
        with pytest.raises(BufferError):
            session.readinto(memoryview(bytearray(10))[::2])
        with pytest.raises(ValueError, match="shape"):
            session.normal(3, out=np.zeros(5))

    def test_buffer_that_is_too_small(self, session):
        with pytest.raises(ValueError, match="80"):
            session.native.fill_normal(bytearray(40), 20, False, 0.0, 1.0)

    def test_no_copies(self, session):
        for use in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="record"):
                use(session)


def test_reserve(fixed):
    with metrng.Session(fixed, allow_simulated=True) as session:
        session.native.reserve(1000)
        assert session.report().bytes_at_hand >= 8000 and session.report().bytes_used == 0
        with pytest.raises(ValueError):
            session.native.reserve(1 << 20)
