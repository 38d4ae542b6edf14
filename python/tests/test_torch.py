# SPDX-License-Identifier: Apache-2.0
"""PyTorch on bits of ours: distributions, types, layouts, and everything that must raise."""

import copy
import math
import pickle
import threading
import warnings

import metrng
import pytest
from conftest import need
from statistics_of import kolmogorov_smirnov, mean_is, normal_distribution, proportion_is

need("torch")
import torch  # noqa: E402

FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
DIGITS = {torch.float64: 53, torch.float32: 24, torch.float16: 11, torch.bfloat16: 8}
INTEGERS = [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
COUNT = 20_000


@pytest.fixture
def noise(fixed):
    with metrng.torch_noise(fixed, allow_simulated=True) as noise:
        yield noise


def values(tensor):
    return tensor.double().flatten().tolist()


class TestDistributions:
    @pytest.mark.parametrize("dtype", FLOATS, ids=str)
    def test_normal(self, noise, dtype):
        drawn = torch.empty(COUNT, dtype=dtype).normal_(2, 3)
        mean_is(values(drawn), 2, 3)
        mean_is([((value - 2) / 3) ** 2 for value in values(drawn)], 1, math.sqrt(2))
        if dtype in (torch.float64, torch.float32):
            assert kolmogorov_smirnov([(value - 2) / 3 for value in values(drawn)], normal_distribution) < 1.95

    @pytest.mark.parametrize("dtype", FLOATS, ids=str)
    def test_uniform_is_as_fine_as_its_type_and_never_1(self, noise, dtype):
        drawn = torch.rand(200_000, dtype=dtype)
        assert drawn.min() >= 0 and drawn.max() < 1
        scaled = drawn.double() * 2.0 ** DIGITS[dtype]
        assert torch.equal(scaled, scaled.floor()) and (scaled % 2 == 1).any()
        mean_is(values(drawn[:COUNT]), 0.5 - 2.0 ** -DIGITS[dtype] / 2, math.sqrt(1 / 12))

    @pytest.mark.parametrize("dtype", FLOATS, ids=str)
    def test_uniform_stays_below_its_end(self, noise, dtype):
        high = 1 + torch.finfo(dtype).eps
        drawn = torch.empty(100_000, dtype=dtype).uniform_(1, high)
        assert set(values(drawn)) == {1.0}
        drawn = torch.empty(100_000, dtype=dtype).uniform_(-3, 5)
        assert drawn.min() >= -3 and drawn.max() < 5
        assert set(values(torch.empty(5, dtype=dtype).uniform_(2, 2))) == {2.0}

    @pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128], ids=str)
    def test_complex(self, noise, dtype):
        drawn = torch.randn(COUNT, dtype=dtype)
        for part in (drawn.real, drawn.imag):
            assert kolmogorov_smirnov([value * math.sqrt(2) for value in values(part)], normal_distribution) < 1.95
        drawn = torch.rand(100, dtype=dtype)
        assert drawn.real.min() >= 0 and drawn.imag.max() < 1

    @pytest.mark.parametrize("dtype", FLOATS, ids=str)
    def test_exponential_is_never_0(self, noise, dtype):
        drawn = torch.empty(COUNT, dtype=dtype).exponential_(2.0)
        assert drawn.min() > 0
        mean_is(values(drawn), 0.5, 0.5)

    def test_others(self, noise):
        new = lambda: torch.empty(COUNT, dtype=torch.float64)  # noqa: E731
        cauchy = [0.5 + math.atan((value - 1) / 2) / math.pi for value in values(new().cauchy_(1, 2))]
        assert kolmogorov_smirnov(cauchy, lambda value: value) < 1.95
        assert (
            kolmogorov_smirnov([math.log(v) - 1 for v in values(new().log_normal_(1, 1))], normal_distribution) < 1.95
        )
        geometric = values(new().geometric_(0.25))
        assert min(geometric) == 1
        mean_is(geometric, 4, math.sqrt(12))
        mean_is(values(torch.poisson(torch.full((COUNT,), 3.0))), 3, math.sqrt(3))
        binomial = torch.binomial(torch.full((COUNT,), 10.0), torch.full((COUNT,), 0.3))
        mean_is(values(binomial), 3, math.sqrt(2.1))
        mean_is(values(torch._standard_gamma(torch.full((COUNT,), 2.0))), 2, math.sqrt(2))
        dirichlet = torch._sample_dirichlet(torch.full((COUNT, 4), 1.0))
        assert torch.allclose(dirichlet.sum(-1), torch.ones(COUNT))
        mean_is(values(dirichlet[:, 0]), 0.25, math.sqrt(3 / 80))
        mean_is(values(torch.normal(torch.full((COUNT,), 2.0), 3.0)), 2, 3)
        mean_is(values(torch.normal(2.0, torch.full((COUNT,), 3.0))), 2, 3)
        mean_is(values(torch.normal(torch.full((COUNT,), 2.0), torch.full((1,), 3.0))), 2, 3)

    @pytest.mark.parametrize("dtype", INTEGERS + FLOATS, ids=str)
    def test_integers(self, noise, dtype):
        largest = 2 ** DIGITS[dtype] if dtype in FLOATS else 1 if dtype is torch.bool else torch.iinfo(dtype).max
        drawn = torch.empty(COUNT, dtype=dtype).random_()
        scaled = [value / largest for value in values(drawn)]
        assert min(scaled) >= 0 and max(scaled) <= 1
        mean_is(scaled, 0.5, 0.5 if dtype is torch.bool else math.sqrt(1 / 12))
        if dtype is not torch.bool:
            drawn = torch.empty(COUNT, dtype=dtype).random_(3, 7)
            for value in (3, 4, 5, 6):
                proportion_is(int((drawn == value).sum()), COUNT, 0.25)

    def test_wide_integers(self, noise):
        drawn = torch.randint(-(2**63), 2**62, (COUNT,))
        assert drawn.min() < -(2**62) and drawn.max() > 2**61
        large = torch.empty(COUNT).random_(0, 2**40 + 1)
        assert large.max() <= 2**40

    @pytest.mark.parametrize("dtype", INTEGERS + FLOATS, ids=str)
    def test_bernoulli(self, noise, dtype):
        drawn = torch.empty(COUNT, dtype=dtype).bernoulli_(0.3)
        proportion_is(int((drawn != 0).sum()), COUNT, 0.3)
        assert set(values(drawn)) == {0.0, 1.0}
        each = torch.tensor([0.0, 1.0, 0.5]).expand(COUNT, 3)
        drawn = torch.bernoulli(each)
        assert drawn[:, 0].sum() == 0 and drawn[:, 1].sum() == COUNT
        proportion_is(int(drawn[:, 2].sum()), COUNT, 0.5)

    def test_multinomial(self, noise):
        weights = torch.tensor([[1.0, 0.0, 3.0, 0.0], [0.0, 2.0, 2.0, 0.0]])
        drawn = torch.multinomial(weights, COUNT, replacement=True)
        proportion_is(int((drawn[0] == 2).sum()), COUNT, 0.75)
        assert set(drawn[0].tolist()) == {0, 2} and set(drawn[1].tolist()) == {1, 2}
        once = torch.multinomial(weights, 2)
        assert [sorted(row) for row in once.tolist()] == [[0, 2], [1, 2]]
        firsts = torch.stack([torch.multinomial(weights[0], 1) for _ in range(2000)])
        proportion_is(int((firsts == 2).sum()), 2000, 0.75)

    def test_permutation(self, noise):
        for dtype in (torch.int64, torch.int32, torch.float32):
            assert sorted(values(torch.randperm(1000, dtype=dtype))) == list(range(1000))
        assert torch.randperm(0).numel() == 0


class TestReach:
    """Operations that end in leaves."""

    def test_layouts(self, noise):
        base = torch.zeros(10, 20)
        base[:, ::2].normal_()
        assert (base[:, ::2] != 0).all() and (base[:, 1::2] == 0).all()
        for tensor in (
            torch.empty(3, 4).t().normal_(),
            torch.empty(2, 3, 4, 5).to(memory_format=torch.channels_last).normal_(),
            torch.randn(()),
            torch.empty(0, 3).uniform_(),
            torch.randn(4, requires_grad=True),
        ):
            assert len(set(values(tensor))) == tensor.numel()
        with pytest.raises(RuntimeError):
            torch.empty(1).expand(5).normal_()
        draws = noise.report().draws["normal_"]
        torch.empty(3, device="meta").normal_()
        assert noise.report().draws["normal_"] == draws

    def test_modules(self, noise):
        before = torch.default_generator.get_state()
        torch.nn.init.orthogonal_(torch.empty(4, 4))
        torch.nn.Linear(4, 4)
        torch.nn.functional.gumbel_softmax(torch.ones(4))
        torch.nn.LSTM(3, 3, 2, dropout=0.5)(torch.ones(5, 2, 3))
        torch.nn.TransformerEncoderLayer(8, 2, 8)(torch.ones(5, 2, 8))
        torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2)).rsample()
        torch.distributions.Categorical(torch.ones(3)).sample((5,))
        torch.distributions.Beta(1.0, 2.0).rsample()
        torch.vmap(lambda _: torch.randn(2), randomness="different")(torch.ones(3))
        same = torch.vmap(lambda _: torch.randn(2), randomness="same")(torch.ones(3))
        assert torch.equal(same[0], same[1])
        assert torch.equal(torch.default_generator.get_state(), before)

    def test_gradients_pass(self, noise):
        weights = torch.ones(100, requires_grad=True)
        kept = torch.nn.functional.dropout(weights, 0.5)
        kept.sum().backward()
        assert torch.equal(weights.grad, kept.detach())
        mean = torch.zeros(3, requires_grad=True)
        torch.distributions.Normal(mean, 1.0).rsample().sum().backward()
        assert torch.equal(mean.grad, torch.ones(3))
        slope = torch.full((50,), -1.0, requires_grad=True)
        out = torch.nn.functional.rrelu(slope, 0.1, 0.3, True)
        out.sum().backward()
        assert torch.equal(slope.grad, -out.detach()) and slope.grad.min() >= 0.1 and slope.grad.max() < 0.3

    def test_in_evaluation_nothing_is_drawn(self, noise):
        torch.nn.Dropout().eval()(torch.ones(3))
        torch.nn.functional.rrelu(-torch.ones(3), training=False)
        q = torch.ones(1, 1, 2, 8)
        torch.nn.functional.scaled_dot_product_attention(q, q, q)
        assert noise.report().draws == {}

    def test_arguments_are_checked_as_before(self, noise):
        for call in (
            lambda: torch.empty(2).normal_(0, -1),
            lambda: torch.empty(2).uniform_(2, 1),
            lambda: torch.empty(2).uniform_(0, float("inf")),
            lambda: torch.empty(2).uniform_(float("nan"), 1),
            lambda: torch.empty(2).uniform_(-3e38, 3e38),
            lambda: torch.empty(2, dtype=torch.float64).uniform_(-1e308, 1.5e308),
            lambda: torch.empty(2, dtype=torch.float16).uniform_(0, 1e6),
            lambda: torch.empty(2).exponential_(0),
            lambda: torch.empty(2).bernoulli_(1.5),
            lambda: torch.empty(2).geometric_(1),
            lambda: torch.empty(2).cauchy_(0, 0),
            lambda: torch.empty(2).log_normal_(0, 0),
            lambda: torch.randint(3, 3, (2,)),
            lambda: torch.empty(2, dtype=torch.int8).random_(0, 1000),
            lambda: torch.multinomial(torch.tensor([0.0, 0.0]), 1),
            lambda: torch.multinomial(torch.tensor([1.0, 0.0]), 2),
            lambda: torch.multinomial(torch.tensor([-1.0, 2.0]), 1, True),
            lambda: torch.poisson(torch.tensor([-1.0])),
            lambda: torch.bernoulli(torch.tensor([2.0])),
            lambda: torch.normal(torch.zeros(2), torch.tensor([-1.0, 1.0])),
            lambda: torch.randperm(-1),
            lambda: torch.empty(2, dtype=torch.int64).normal_(),
        ):
            with pytest.raises(RuntimeError):
                call()


class TestTruth:
    def test_report(self, daemon):
        with metrng.torch_noise(allow_simulated=True) as noise:
            assert noise.report().draws == {} and noise.origin is None
            torch.randn(100), torch.randn(50), torch.rand(3)
            report = noise.report()
            assert report.draws == {"normal_": 2, "uniform_": 1}
            assert report.samples == {"normal_": 150, "uniform_": 3}
            assert report.threads == {"MainThread": report.draws}
            assert report.bits >= 32 * 153
            assert (noise.origin.provenance, noise.origin.grade) == ("simulated", "full")
        torch.randn(5)
        assert noise.report().draws == report.draws

    def test_threads_enter_themselves(self, daemon):
        with metrng.torch_noise(allow_simulated=True) as noise:

            def draw(enter):
                if enter:
                    with noise:
                        torch.randn(10)
                else:
                    torch.randn(10)

            for enter in (True, False):
                thread = threading.Thread(target=draw, args=(enter,), name=f"enter {enter}")
                thread.start()
                thread.join()
            assert noise.report().threads == {"enter True": {"normal_": 1}}

    def test_blocks_may_be_left_in_any_order(self, daemon):
        first, second = (metrng.torch_noise(allow_simulated=True) for _ in range(2))
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        torch.randn(10)
        assert second.report().draws == {"normal_": 1}
        second.__exit__(None, None, None)
        torch.randn(10)
        assert second.report().draws == {"normal_": 1}

    def test_another_thread_cannot_leave_a_block(self, daemon):
        with metrng.torch_noise(allow_simulated=True) as noise:
            caught = []

            def leave():
                try:
                    noise.__exit__(None, None, None)
                except ValueError as error:
                    caught.append(str(error))

            thread = threading.Thread(target=leave)
            thread.start()
            thread.join()
            assert "thread" in caught[0]
            torch.randn(10)
            assert noise.report().draws == {"normal_": 1}

    def test_record_and_replay(self, daemon, tmp_path):
        def draw():
            with metrng.torch_noise(allow_simulated=True) as noise:
                return [
                    torch.randn(1001),
                    torch.rand(3, dtype=torch.float16),
                    torch.poisson(torch.ones(9)),
                ], noise.origin

        with metrng.record(tmp_path / "run.words"):
            first, _ = draw()
        with metrng.replay(tmp_path / "run.words"):
            again, origin = draw()
        assert all(torch.equal(one, other) for one, other in zip(first, again))
        assert origin.provenance == "replay"

    def test_seeds_have_no_effect(self, noise):
        draws = []
        for _ in range(2):
            torch.manual_seed(1)
            draws += [torch.randn(3), torch.randn(3, generator=torch.Generator().manual_seed(1))]
        assert len({tuple(draw.tolist()) for draw in draws}) == 4

    def test_everything_is_undone(self, daemon):
        expected = torch.randn(5, generator=torch.Generator().manual_seed(1))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for _ in range(3):
                with metrng.torch_noise(allow_simulated=True):
                    with metrng.torch_noise(allow_simulated=True) as inner:
                        torch.randn(3)
                        assert inner.report().draws == {"normal_": 1}
                    torch.randn(3)
                    assert inner.report().draws == {"normal_": 1}
        with pytest.raises(KeyError):
            with metrng.torch_noise(allow_simulated=True):
                raise KeyError
        assert torch.equal(torch.randn(5, generator=torch.Generator().manual_seed(1)), expected)

    def test_a_block_cannot_be_used_again(self, daemon):
        noise = metrng.torch_noise(allow_simulated=True)
        with noise:
            pass
        with pytest.raises(ValueError, match="ended"):
            with noise:
                pass
        with pytest.raises(TypeError):
            pickle.dumps(noise)


class TestGenerator:
    def test_draws_are_ours_wherever_it_is_passed(self, daemon):
        generator = metrng.torch_generator(allow_simulated=True)
        assert isinstance(generator, torch.Generator) and generator.device.type == "cpu"
        before = torch.default_generator.get_state()
        torch.randn(3, generator=generator), torch.rand(3, generator=generator)
        torch.randperm(3, generator=generator), torch.bernoulli(torch.ones(3) / 2, generator=generator)
        torch.poisson(torch.ones(3), generator=generator), torch.multinomial(torch.ones(3), 1, generator=generator)
        assert torch.equal(torch.default_generator.get_state(), before)
        assert generator.report().draws["normal_"] == 1 and sum(generator.report().draws.values()) == 6
        assert generator.origin.provenance == "simulated"
        torch.randn(3)
        assert generator.report().draws["normal_"] == 1
        assert not torch.equal(torch.default_generator.get_state(), before)

    def test_other_threads(self, daemon):
        generator = metrng.torch_generator(allow_simulated=True)
        thread = threading.Thread(target=lambda: torch.randn(3, generator=generator), name="other")
        thread.start()
        thread.join()
        assert generator.report().threads == {"other": {"normal_": 1}}

    def test_it_ends_with_its_last_user(self, daemon):
        from metrng.torch.dispatcher import overrides
        from metrng.torch.source import generators

        for _ in range(3):
            generator = metrng.torch_generator(allow_simulated=True)
            torch.randn(3, generator=generator)
            del generator
        assert generators == {} and overrides._users == 0

    @pytest.mark.parametrize(
        "use",
        [
            lambda generator: generator.manual_seed(1),
            lambda generator: generator.seed(),
            lambda generator: generator.initial_seed(),
            lambda generator: generator.get_state(),
            lambda generator: generator.set_state(torch.empty(0)),
            lambda generator: generator.clone_state(),
            copy.copy,
            copy.deepcopy,
            pickle.dumps,
        ],
    )
    def test_state_raises(self, daemon, use):
        with pytest.raises(TypeError, match="record"):
            use(metrng.torch_generator(allow_simulated=True))
