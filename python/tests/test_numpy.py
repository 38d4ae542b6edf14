# SPDX-License-Identifier: Apache-2.0
"""NumPy's generators, `numpy.random.*` and `random.Random` on bits of ours."""

import copy
import os
import pickle
import random
import signal
import threading

import metrng
import pytest
from conftest import need, reply
from statistics_of import kolmogorov_smirnov, mean_is, normal_distribution, proportion_is

need("numpy")
import numpy as np  # noqa: E402

#: Every method of numpy.random.Generator that draws, in one form or more.
FORMS = {
    "random": [(), (3,), (3, "f")],
    "standard_normal": [(), (3,), (3, "f")],
    "standard_exponential": [(), (3,), (3, "f"), (3, "d", "inv")],
    "standard_gamma": [(2.0,), (2.0, 3), (2.0, 3, "f")],
    "normal": [(), (1, 2, 3)],
    "uniform": [(), (1, 2, 3)],
    "exponential": [(), (1, 3)],
    "integers": [(10,), (10, None, 3), (0, 2**63, 3), (0, 200, 3, "u1"), (0, 2, 3, "?"), ([5, 6],)],
    "permutation": [(5,)],
    "permuted": [([1, 2, 3],)],
    "choice": [(5,), (5, 3), (5, 3, False), (3, 2, True, [0.2, 0.3, 0.5])],
    "bytes": [(5,)],
    "beta": [(1, 2), (1, 2, 3)],
    "binomial": [(10, 0.5), (10, 0.5, 3)],
    "chisquare": [(3,)],
    "dirichlet": [([1, 2, 3],)],
    "f": [(2, 3)],
    "gamma": [(2,)],
    "geometric": [(0.5,)],
    "gumbel": [()],
    "hypergeometric": [(5, 5, 3)],
    "laplace": [()],
    "logistic": [()],
    "lognormal": [()],
    "logseries": [(0.5,)],
    "multinomial": [(10, [0.5, 0.5])],
    "multivariate_hypergeometric": [([5, 5], 3)],
    "multivariate_normal": [([0, 0], [[1, 0], [0, 1]])],
    "negative_binomial": [(5, 0.5)],
    "noncentral_chisquare": [(3, 1)],
    "noncentral_f": [(2, 3, 1)],
    "pareto": [(2,)],
    "poisson": [(3,), (3, 4)],
    "power": [(2,)],
    "rayleigh": [()],
    "standard_cauchy": [()],
    "standard_t": [(3,)],
    "triangular": [(0, 1, 2)],
    "vonmises": [(0, 1)],
    "wald": [(1, 1)],
    "weibull": [(2,)],
    "zipf": [(2,)],
}
CALLS = [(name, arguments) for name, forms in FORMS.items() for arguments in forms]


@pytest.fixture
def generator(daemon):
    return np.random.Generator(metrng.BitGenerator(allow_simulated=True))


class TestGenerator:
    def test_every_drawing_method_is_in_the_table(self):
        public = {name for name in dir(np.random.Generator) if not name.startswith("_")}
        assert public - set(FORMS) == {"bit_generator", "shuffle", *(public & {"spawn"})}

    @pytest.mark.parametrize(("name", "arguments"), CALLS, ids=str)
    def test_method_draws_from_us(self, generator, name, arguments):
        before = generator.bit_generator.report().bytes_used
        getattr(generator, name)(*arguments)
        assert generator.bit_generator.report().bytes_used > before

    def test_distributions(self, fixed):
        generator = np.random.Generator(metrng.BitGenerator(fixed, allow_simulated=True))
        assert kolmogorov_smirnov(generator.standard_normal(20_000).tolist(), normal_distribution) < 1.95
        assert kolmogorov_smirnov(generator.random(20_000, "f").tolist(), lambda value: value) < 1.95
        mean_is(generator.integers(0, 10, 20_000).tolist(), 4.5, 2.88)
        values = list(range(100))
        generator.shuffle(values)
        assert sorted(values) == list(range(100)) != values

    def test_default_rng_and_random_state(self, daemon):
        bits = metrng.BitGenerator(allow_simulated=True)
        assert np.random.default_rng(bits).bit_generator is bits
        assert len(set(np.random.RandomState(bits).random_sample(100))) == 100

    def test_origin_and_report(self, generator):
        assert generator.bit_generator.origin is None
        generator.random()
        assert generator.bit_generator.origin.provenance == "simulated"
        assert generator.bit_generator.report().bytes_used == 8

    def test_raw_words(self, daemon):
        bits = metrng.BitGenerator(allow_simulated=True)
        assert len({bits.random_raw() for _ in range(100)}) == 100
        assert bits.random_raw((2, 3)).dtype == "uint64"
        assert bits.random_raw(2, output=False) is None
        assert bits.check() is None

    def test_generator_outlives_its_maker(self, daemon):
        numbers = []
        for _ in range(20):
            numbers += np.random.Generator(metrng.BitGenerator(allow_simulated=True)).random(10).tolist()
        assert len(set(numbers)) == 200

    def test_threads_share_one(self, generator):
        parts = [None] * 4

        def draw(index):
            parts[index] = np.concatenate([generator.random(1000) for _ in range(50)])

        threads = [threading.Thread(target=draw, args=(index,)) for index in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(np.unique(np.concatenate(parts))) > 199_990

    def test_lock_is_reentrant(self, generator):
        lock = generator.bit_generator.lock
        with lock, lock:
            assert 0 <= generator.random() < 1

    def test_lock_that_is_not_held_cannot_be_released(self, generator):
        for release in (generator.bit_generator.lock.release, lambda: generator.bit_generator.lock.__exit__(None, None, None)):
            with pytest.raises(RuntimeError, match="not held"):
                release()
        generator.bit_generator.session.close()
        with pytest.raises(ValueError, match="closed"):
            generator.random()

    @pytest.mark.parametrize("legacy", ["numpy_noise", "RandomState"])
    def test_legacy_normals_of_a_forked_child_are_its_own(self, daemon, legacy):
        with metrng.numpy_noise(allow_simulated=True):
            draw = np.random.randn
            if legacy == "RandomState":
                draw = np.random.RandomState(metrng.BitGenerator(allow_simulated=True)).randn
            draw()  # makes two
            reader, writer = os.pipe()
            if os.fork() == 0:
                os.write(writer, repr(float(draw())).encode())
                os._exit(0)
            os.wait()
            assert float(os.read(reader, 100)) != float(draw())
            os.close(reader), os.close(writer)


class TestRefusals:
    @pytest.mark.parametrize(
        "use",
        [
            lambda bits: bits.seed(1),
            lambda bits: bits.jumped(),
            lambda bits: bits.spawn(2),
            lambda bits: bits.state,
            lambda bits: setattr(bits, "state", {}),
            lambda bits: bits.seed_seq,
            copy.copy,
            copy.deepcopy,
            pickle.dumps,
            lambda bits: pickle.dumps(np.random.Generator(bits)),
            lambda bits: copy.deepcopy(np.random.Generator(bits)),
            lambda bits: np.random.RandomState(bits).seed(1),
            lambda bits: np.random.RandomState(bits).get_state(),
        ],
    )
    def test_state_raises_with_a_sentence(self, daemon, use):
        with pytest.raises(TypeError) as caught:
            use(metrng.BitGenerator(allow_simulated=True))
        assert len(str(caught.value)) > 20

    def test_a_daemon_that_dies_in_mid_draw(self, scripted):
        replies = iter(range(3))

        def answer(length, tag):
            return reply(os.urandom(length), tag) if next(replies, None) is not None else None

        session = metrng.Session(scripted(answer), allow_simulated=True, reconnect_seconds=0)
        generator = np.random.Generator(metrng.BitGenerator.on(session))
        with pytest.raises(ConnectionError):
            generator.standard_normal(1_000_000)

    def test_closed(self, generator):
        generator.bit_generator.session.close()
        with pytest.raises(ValueError, match="closed"):
            generator.random()

    @pytest.mark.parametrize(("name", "arguments"), CALLS, ids=str)
    def test_method_surfaces_the_error(self, own_dead_source, name, arguments):
        with pytest.raises(metrng.ProtocolViolation):
            getattr(own_dead_source, name)(*arguments)

    @pytest.fixture
    def own_dead_source(self, scripted):
        path = scripted(lambda length, tag: reply(bytes(length), tag + 1))
        return np.random.Generator(metrng.BitGenerator(path, allow_simulated=True))

    def test_the_error_comes_once(self, scripted):
        is_broken = threading.Event()
        is_broken.set()

        def answer(length, tag):
            return reply(os.urandom(length), tag + (1 if is_broken.is_set() else 0))

        generator = np.random.Generator(metrng.BitGenerator(scripted(answer), allow_simulated=True))
        with pytest.raises(ConnectionError):
            generator.standard_normal(10)
        is_broken.clear()
        assert len(set(generator.standard_normal(10))) == 10

    @pytest.mark.parametrize(
        "draw", [lambda generator: generator.standard_normal(1000), lambda generator: generator.random()]
    )
    def test_control_c(self, scripted, draw):
        waiting = threading.Event()

        def answer(length, tag):
            waiting.set()
            threading.Event().wait()

        generator = np.random.Generator(metrng.BitGenerator(scripted(answer), allow_simulated=True))

        def interrupt():
            waiting.wait()
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            draw(generator)


class TestCallersWithoutTheLock:
    """As numba draws."""

    def test_functions(self, fixed):
        functions = metrng.BitGenerator(fixed, allow_simulated=True).ctypes
        assert functions._fields == np.random.PCG64().ctypes._fields
        bits = metrng.BitGenerator(fixed, allow_simulated=True)
        functions = bits.ctypes
        words = metrng.Session(fixed, allow_simulated=True).words(4).tolist()
        assert functions.next_uint64(functions.state) == words[0]
        assert functions.next_uint32(functions.state) == words[1] & 0xFFFFFFFF
        assert functions.next_uint32(functions.state) == words[1] >> 32
        assert functions.next_double(functions.state) == (words[2] >> 11) * 2.0**-53
        assert bits.check() is None and bits.random_raw() == words[3]

    def test_check_raises_what_stopped_a_draw(self, scripted):
        bits = metrng.BitGenerator(scripted(lambda length, tag: reply(bytes(length), tag + 1)), allow_simulated=True)
        functions = bits.ctypes
        assert len({functions.next_uint64(functions.state) for _ in range(100)}) == 100  # no constant
        with pytest.raises(metrng.ProtocolViolation):
            bits.check()
        assert bits.check() is None


class TestNumpyNoise:
    def test_legacy_functions_draw_from_us(self, fixed):
        before = np.random.get_bit_generator()
        with metrng.numpy_noise(fixed, allow_simulated=True) as noise:
            assert kolmogorov_smirnov(np.random.randn(5000).tolist(), normal_distribution) < 1.95
            used = noise.report().bytes_used
            np.random.rand(), np.random.choice(5), np.random.shuffle([1, 2, 3])
            assert noise.report().bytes_used > used
            with pytest.raises(TypeError):
                np.random.seed(1)
        assert np.random.get_bit_generator() is before

    def test_scipy(self, daemon):
        need("scipy")
        import scipy.stats

        with metrng.numpy_noise(allow_simulated=True) as noise:
            scipy.stats.norm.rvs(size=10)
            assert noise.report().bytes_used >= 80

    def test_the_state_is_restored_after_an_error(self, daemon):
        before = np.random.get_bit_generator()
        with pytest.raises(KeyError):
            with metrng.numpy_noise(allow_simulated=True):
                raise KeyError
        assert np.random.get_bit_generator() is before


class TestRandom:
    def test_numbers(self, fixed):
        source = metrng.Random(fixed, allow_simulated=True)
        assert isinstance(source, random.Random)
        assert kolmogorov_smirnov([source.random() for _ in range(5000)], lambda value: value) < 1.95
        assert kolmogorov_smirnov([source.gauss(0, 1) for _ in range(5000)], normal_distribution) < 1.95
        rolls = [source.randint(1, 6) for _ in range(6000)]
        for face in range(1, 7):
            proportion_is(rolls.count(face), 6000, 1 / 6)
        assert sorted(source.sample(range(100), 100)) == list(range(100))
        assert [source.getrandbits(0), len(source.randbytes(9))] == [0, 9]
        assert {source.getrandbits(3) for _ in range(300)} == set(range(8))
        assert 2**999 < max(source.getrandbits(1000) for _ in range(20)) < 2**1000
        assert source.origin.provenance == "simulated" and source.report().bytes_used > 0
        with pytest.raises(ValueError):
            source.getrandbits(-1)

    def test_every_method_draws_from_us(self, daemon):
        source = metrng.Random(allow_simulated=True)
        state = random.getstate()
        source.seed()
        calls = [
            (source.choice, [1, 2]), (source.choices, [1, 2]), (source.expovariate, 1.0), (source.betavariate, 1, 1),
            (source.gammavariate, 2, 1), (source.lognormvariate, 0, 1), (source.normalvariate, 0, 1),
            (source.paretovariate, 1), (source.randrange, 10), (source.shuffle, [1, 2, 3]), (source.triangular,),
            (source.uniform, 0, 1), (source.vonmisesvariate, 0, 1), (source.weibullvariate, 1, 1),
        ]  # fmt: skip
        for method, *arguments in calls:
            before = source.report().bytes_used
            method(*arguments)
            assert source.report().bytes_used > before, method
        assert random.getstate() == state

    @pytest.mark.parametrize(
        "use",
        [
            lambda source: source.seed(1),
            lambda source: source.getstate(),
            lambda source: source.setstate(()),
            copy.copy,
            copy.deepcopy,
            pickle.dumps,
        ],
    )
    def test_state_raises(self, daemon, use):
        with pytest.raises(TypeError, match="record"):
            use(metrng.Random(allow_simulated=True))
