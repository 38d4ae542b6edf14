# SPDX-License-Identifier: Apache-2.0
"""JAX on bits of ours, in three ways."""

import os

import metrng
import pytest
from conftest import need, reply
from statistics_of import kolmogorov_smirnov, mean_is, normal_distribution, proportion_is

need("jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402


@pytest.fixture
def source(fixed):
    return metrng.jax_source(fixed, allow_simulated=True)


@pytest.fixture
def key(source):
    return source.key()


class TestKeysThatCallBack:
    def test_distributions(self, key):
        assert kolmogorov_smirnov(jax.random.normal(key, (10_000,)).tolist(), normal_distribution) < 1.95
        assert kolmogorov_smirnov(jax.random.uniform(key, (10_000,)).tolist(), lambda value: value) < 1.95
        proportion_is(int(jax.random.bernoulli(key, 0.3, (10_000,)).sum()), 10_000, 0.3)
        mean_is(jax.random.categorical(key, jnp.zeros(4), shape=(10_000,)).tolist(), 1.5, 1.12)
        assert sorted(jax.random.permutation(key, 20).tolist()) == list(range(20))

    def test_every_draw_is_counted_and_of_the_array(self, key, source):
        before = source.report()
        jax.random.normal(key, (1000,))
        after = source.report()
        assert after.callbacks == before.callbacks + 1
        assert after.callback_bytes == before.callback_bytes + 4000
        assert after.expanded_keys == before.expanded_keys and after.origin.provenance == "simulated"

    def test_a_key_gives_other_bits_each_time(self, key):
        draw = jax.jit(lambda key: jax.random.normal(key, (4,)))
        assert len({tuple(draw(key).tolist()) for _ in range(10)}) == 10

    def test_transformations(self, key):
        def step(carry, key):
            return carry, jax.random.normal(key)

        _, walk = jax.jit(lambda key: jax.lax.scan(step, 0.0, jax.random.split(key, 50)))(key)
        rows = jax.vmap(lambda key: jax.random.normal(key, (3,)))(jax.random.split(key, 20))
        loop = jax.lax.fori_loop(
            0, 5, lambda i, x: x.at[i].set(jax.random.normal(jax.random.fold_in(key, i))), jnp.zeros(5)
        )
        for drawn in (walk, rows, loop):
            assert len(set(drawn.flatten().tolist())) == drawn.size
        gradient = jax.grad(lambda x: (x * jax.random.normal(key, (3,))).sum())(jnp.ones(3))
        assert len(set(gradient.tolist())) == 3

    def test_record_and_replay(self, daemon, tmp_path):
        def draw():
            return jax.random.normal(metrng.jax_key(allow_simulated=True), (10,)).tolist()

        with metrng.record(tmp_path / "run.words"):
            first = draw()
        with metrng.replay(tmp_path / "run.words"):
            assert draw() == first
        assert draw() != first

    def test_errors_arrive_with_our_text(self, scripted):
        path = scripted(lambda length, tag: reply(bytes(length), tag + 1))
        key = metrng.jax_key(path, allow_simulated=True)
        with pytest.raises(Exception, match="ProtocolViolation"):
            jax.random.normal(key, (3,)).block_until_ready()

    def test_one_connection_for_all_keys(self, daemon):
        assert metrng.jax_source(allow_simulated=True) is metrng.jax_source(allow_simulated=True)
        assert metrng.jax_source(allow_simulated=True) is not metrng.jax_source(allow_simulated=True, grade="raw")


class TestExpandedKeys:
    @pytest.mark.parametrize("impl", ["threefry2x32", "rbg", "unsafe_rbg"])
    def test_keys(self, fixed, source, impl):
        before = source.report().expanded_keys
        key = metrng.jax_expanded_key(fixed, impl=impl, allow_simulated=True)
        assert jax.random.normal(key, (3,)).tolist() == jax.random.normal(key, (3,)).tolist()
        keys = source.expanded_key((5, 2), impl=impl)
        assert keys.shape == (5, 2) and str(impl) in str(jax.random.key_impl(keys))
        assert len({tuple(row) for row in jax.random.key_data(keys).reshape(10, -1).tolist()}) == 10
        assert source.report().expanded_keys == before + 11

    def test_unknown_implementation(self, daemon):
        with pytest.raises(ValueError, match="threefry2x32"):
            metrng.jax_expanded_key(impl="xorshift", allow_simulated=True)


class TestArrays:
    def test_arrays(self, source):
        drawn = source.normal((100, 100))
        assert isinstance(drawn, jax.Array) and drawn.shape == (100, 100)
        assert kolmogorov_smirnov(drawn.flatten().tolist(), normal_distribution) < 1.95
        assert kolmogorov_smirnov(source.uniform(10_000).tolist(), lambda value: value) < 1.95
        proportion_is(int(source.bernoulli(10_000, 0.2).sum()), 10_000, 0.2)
        assert source.report().arrays >= 3

    def test_a_compiled_function_does_not_keep_bits(self, source):
        for draw in (source.normal, source.bernoulli, source.expanded_key):
            with pytest.raises(metrng.NotServed, match="jax_key"):
                jax.jit(draw)()
        before = source.report().arrays
        assert jax.vmap(lambda x: x + source.normal())(jnp.zeros(2)).shape == (2,)
        assert source.report().arrays == before + 1
