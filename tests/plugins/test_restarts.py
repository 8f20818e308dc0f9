"""CMA-ES with restarts: a run that has come to an end begins elsewhere, with twice as many evaluations for a generation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.strategies.evosax.restarts import RestartedCMAES

from discover import Component, Scalar, Space, Told, component, free, real


@component
class Plane(Component):
    x: Scalar = real(0.5, low=-1.0, high=1.0)
    y: Scalar = real(-0.5, low=-1.0, high=1.0)


SPACE, POPULATION = Space(Plane(x=free(), y=free())), 8


@pytest.mark.slow
def test_runs_restart_where_nothing_rises_and_their_generations_double() -> None:
    strategy = RestartedCMAES(restarts=2, patience=1)
    ask = jax.jit(lambda key, state: strategy.ask(key, state, SPACE, POPULATION))
    tell = jax.jit(lambda key, state, genomes, fitness: strategy.tell(key, state, SPACE, Told.of(genomes, fitness)))
    state, kept = strategy.init(jax.random.key(0), SPACE, POPULATION), []
    for generation in range(14):
        key = jax.random.key(generation)
        proposal, state = ask(key, state)
        fitness = jnp.zeros(POPULATION) if generation else -jnp.sum(proposal.genomes**2, axis=1) + 100.0
        before, state = state, tell(key, state, proposal.genomes, fitness)
        kept.append((int(state.doublings), int(state.filled)))
        if before.doublings != state.doublings:
            assert not np.array_equal(before.inner.mean, state.inner.mean)
    # generation 0 rises; 1 does not, and the run ends; the second run tells after two, and ends with its second generation
    assert kept[:6] == [(0, 0), (1, 0), (1, 1), (1, 0), (1, 1), (2, 0)]
    assert kept[6:14] == [(2, 1), (2, 2), (2, 3), (2, 0), (2, 1), (2, 2), (2, 3), (2, 0)]
    first = strategy.init(jax.random.key(0), SPACE, POPULATION)
    np.testing.assert_array_equal(strategy.recommendation(state, SPACE), first.best)
    assert jax.tree.map(jnp.shape, state) == jax.tree.map(jnp.shape, first)
