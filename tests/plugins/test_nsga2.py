"""NSGA-II: fronts, crowding, and a search for good candidates of every size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.strategies.nsga2 import NSGA2, crowding, fronts

from discover import Component, Scalar, Space, Status, Told, choice, component, free, real
from discover.testing import check_strategy


@component
class Plain(Component):
    a: Scalar = real(0.0, low=-1.0, high=1.0)


@component
class Rich(Component):
    a: Scalar = real(0.0, low=-1.0, high=1.0)
    b: Scalar = real(0.0, low=-1.0, high=1.0)
    c: Scalar = real(0.0, low=-1.0, high=1.0)


@component
class Holder(Component):
    part: Component


SPACE = Space(Holder(part=choice(Plain(a=free()), Rich(a=free(), b=free(), c=free()))))


def fronts_by_hand(values: np.ndarray) -> np.ndarray:
    front, left, index = np.full(len(values), -1), set(range(len(values))), 0
    while left:
        first = {i for i in left if not any(np.all(values[j] >= values[i]) and np.any(values[j] > values[i]) for j in left)}
        front[list(first)] = index
        left, index = left - first, index + 1
    return front


@pytest.mark.parametrize("levels", [4, 1000])
def test_fronts_are_those_of_comparing_all_pairs(levels: int) -> None:
    values = np.random.default_rng(levels).integers(0, levels, (40, 2)).astype(np.float32)
    np.testing.assert_array_equal(jax.jit(fronts)(values), fronts_by_hand(values))


def test_crowding_is_the_gap_between_neighbors_and_the_ends_are_far() -> None:
    values = jnp.array([[0.0, 4.0], [1.0, 3.0], [3.0, 1.0], [4.0, 0.0], [-1.0, -1.0]])
    distance = np.asarray(crowding(values, fronts(values)))
    np.testing.assert_allclose(distance[[1, 2]], [3 / 4 + 3 / 4, 3 / 4 + 3 / 4], rtol=1e-6)
    assert distance[[0, 3, 4]].min() > 1e8


def test_it_keeps_good_candidates_of_both_sizes_and_none_that_broke() -> None:
    strategy, population = NSGA2(), 16
    ask = jax.jit(lambda key, state: strategy.ask(key, state, SPACE, population))
    tell = jax.jit(lambda key, state, told: strategy.tell(key, state, SPACE, told))
    state = strategy.init(jax.random.key(0), SPACE, population)
    for generation in range(12):
        proposal, state = ask(jax.random.key(generation), state)
        decoded = [SPACE.decode(genome, SPACE.structure(genome)) for genome in np.asarray(proposal.genomes)]
        plain = np.asarray([isinstance(each.part, Plain) for each in decoded])
        fitness = np.asarray([-abs(float(each.part.a) - 0.5) for each in decoded]) + np.where(plain, 0.0, 1.0)
        status = np.where(np.arange(population) == 3, Status.NOT_FINITE, Status.OK)
        fitness = np.where(status == Status.OK, fitness, 99.0)  # which must not count
        told = Told.of(proposal.genomes, jnp.asarray(fitness, jnp.float32))
        state = tell(jax.random.key(generation), state, told._replace(status=jnp.asarray(status, jnp.int8)))
    values = np.asarray(state.values)
    assert values.max() < 2.0
    best = {size: values[values[:, 1] == -size, 0].max() for size in (2.0, 4.0)}
    assert best[2.0] > -0.1
    assert best[4.0] > 0.9
    recommended = strategy.recommendation(state, SPACE)
    np.testing.assert_array_equal(recommended, state.genomes[values[:, 0].argmax()])


def test_env_steps_may_be_the_cost() -> None:
    strategy = NSGA2(cost="env_steps")
    state = strategy.init(jax.random.key(0), SPACE, 2)
    told = Told.of(state.genomes, jnp.array([1.0, 2.0]))._replace(cost=jnp.array([100.0, 300.0]))
    after = jax.jit(lambda state, told: strategy.tell(jax.random.key(0), state, SPACE, told))(state, told)
    assert sorted(after.values[:, 1].tolist()) == [-300.0, -100.0]


def test_it_keeps_the_promises_of_a_strategy() -> None:
    check_strategy(NSGA2())
