# SPDX-License-Identifier: Apache-2.0
"""A chain of 64 Ising spins by block Gibbs sampling with thrml, whose p-bits are what an array of junctions is."""

import jax
import jax.numpy as jnp
import thrml
from thrml.models import IsingEBM, IsingSamplingProgram, hinton_init

import metrng; key = metrng.jax_key(allow_simulated=True)

SPINS, COUPLING, CHAINS = 64, 0.5, 32

nodes = [thrml.SpinNode() for _ in range(SPINS)]
edges = list(zip(nodes, nodes[1:]))
model = IsingEBM(nodes, edges, jnp.zeros(SPINS), jnp.full(SPINS - 1, COUPLING), jnp.array(1.0))
blocks = [thrml.Block(nodes[::2]), thrml.Block(nodes[1::2])]
program = IsingSamplingProgram(model, blocks, clamped_blocks=[])
schedule = thrml.SamplingSchedule(n_warmup=50, n_samples=50, steps_per_sample=2)

start_key, sample_key = jax.random.split(key)
start = hinton_init(start_key, model, blocks, (CHAINS,))
sample = jax.vmap(lambda key, state: thrml.sample_states(key, program, schedule, state, [], [thrml.Block(nodes)])[0])
spins = 2 * sample(jax.random.split(sample_key, CHAINS), start).astype(jnp.float32) - 1
print(f"correlation of neighbours: {(spins[..., 1:] * spins[..., :-1]).mean():.3f} ({jnp.tanh(COUPLING):.3f} exactly)")
