"""Racing: seeds and steps go to the better members, and the strategy inside is told of everyone in a right order."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.strategies.genetic import Genetic
from discover_zoo.strategies.pbt import pbt
from discover_zoo.strategies.racing import Racing

from discover import Component, Key, Proposal, Scalar, Space, Strategy, Told, UserError, component, free, real
from discover.testing import check_strategy


@component
class Slope(Component):
    x: Scalar = real(0.0, low=-8.0, high=8.0)


SPACE, POPULATION = Space(Slope(x=free())), 8


class Kept(NamedTuple):
    """What a strategy was told last, and how often it was asked and told."""

    told: Told
    asked: jax.Array
    heard: jax.Array


@component
class Keeps(Strategy):
    """Proposes whole numbers, others each time, and keeps what it is told."""

    def init(self, key: Key, space: Space, population: int) -> Kept:
        told = Told.of(jnp.zeros((population, 1)), jnp.zeros(population))
        return Kept(told._replace(cost=jnp.zeros(population)), jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32))

    def ask(self, key: Key, state: Kept, space: Space, population: int) -> tuple[Proposal, Kept]:
        genomes = jnp.arange(population, dtype=jnp.float32)[:, None] + 100.0 * state.asked
        return Proposal(genomes), state._replace(asked=state.asked + 1)

    def tell(self, key: Key, state: Kept, space: Space, told: Told) -> Kept:
        return Kept(told._replace(returns=()), state.asked, state.heard + 1)

    def recommendation(self, state: Kept, space: Space) -> jax.Array:
        return jnp.full(1, 7.0) + state.asked


class Rung(NamedTuple):
    """A rung as it was asked for, and the state after it."""

    proposal: Proposal
    state: Any


def raced(strategy: Racing, *fitness: list[float], spread: float = np.inf, status: list[int] | None = None) -> list[Rung]:
    """Rungs in which each member had a fitness, one list for each rung."""
    state, rungs = strategy.init(jax.random.key(0), SPACE, POPULATION), []
    for values in fitness:
        proposal, state = strategy.ask(jax.random.key(1), state, SPACE, POPULATION)
        assert proposal.seeds is not None
        told = Told.of(proposal.genomes, jnp.asarray(values), proposal.seeds)
        told = told._replace(spread=jnp.full(POPULATION, spread), status=jnp.asarray(status or [0] * POPULATION, jnp.int8))
        state = strategy.tell(jax.random.key(2), state, SPACE, told)
        rungs.append(Rung(proposal, state))
    return rungs


def seeds(rungs: list[Rung]) -> list[list[int]]:
    return [np.asarray(rung.proposal.seeds).tolist() for rung in rungs]


def test_the_better_half_stays_and_gets_twice_the_seeds_and_everyone_is_told_at_the_end() -> None:
    first, second = [1.0, 8.0, 3.0, 6.0, 5.0, 4.0, 7.0, 2.0], [0.0, 2.0, 0.0, 9.0, 8.0, 0.0, 7.0, 0.0]
    rungs = raced(Racing(strategy=Keeps(), rungs=2, keep=2), first, second, first)
    assert seeds(rungs) == [[1] * 8, [0, 2, 0, 2, 2, 0, 2, 0], [1] * 8]
    np.testing.assert_array_equal(rungs[0].proposal.genomes, rungs[1].proposal.genomes)
    np.testing.assert_array_equal(rungs[2].proposal.genomes, rungs[0].proposal.genomes + 100.0)
    assert [int(rung.state.inner.heard) for rung in rungs] == [0, 1, 1]
    told = rungs[1].state.inner.told
    assert told.seeds.tolist() == [1, 3, 1, 3, 3, 1, 3, 1]
    assert told.cost.tolist() == [1, 3, 1, 3, 3, 1, 3, 1]
    # the mean over three seeds of who stayed; the others are as they were: all are below
    np.testing.assert_allclose(told.fitness, [1.0, 4.0, 3.0, 8.0, 7.0, 4.0, 7.0, 2.0], rtol=1e-6)
    assert Racing(strategy=Keeps()).recommendation(rungs[1].state, SPACE) == 8.0


def test_who_left_earlier_is_never_told_to_be_better() -> None:
    first, second = [1.0, 8.0, 3.0, 6.0, 5.0, 4.0, 7.0, 2.0], [0.0, -2.0, 0.0, -3.0, -4.0, 0.0, -5.0, 0.0]
    told = raced(Racing(strategy=Keeps(), rungs=2, keep=2), first, second)[1].state.inner.told
    fitness = np.asarray(told.fitness)
    stayed, out = [1, 3, 4, 6], [5, 2, 7, 0]
    np.testing.assert_allclose(fitness[stayed], (np.asarray(first)[stayed] + 2 * np.asarray(second)[stayed]) / 3, rtol=1e-6)
    assert fitness[out].max() <= fitness[stayed].min()
    np.testing.assert_allclose(np.diff(fitness[out]), -1.0, atol=1e-5)  # they differ as before


def test_a_broken_member_is_out_at_once_and_told_to_be_the_worst() -> None:
    first, status = [1.0, -0.5, 3.0, 6.0, 5.0, 4.0, 7.0, 2.0], [0, 1, 0, 0, 0, 0, 0, 0]
    rungs = raced(Racing(strategy=Keeps(), rungs=2, keep=2), first, first, status=status)
    assert seeds(rungs)[1] == [0, 0, 0, 2, 2, 2, 2, 0]
    told = rungs[1].state.inner.told
    assert told.status.tolist() == status
    assert np.argmin(told.fitness) == 1
    assert np.isfinite(told.fitness).all()


def test_steps_grow_to_all_of_them_and_only_seeds_of_one_budget_are_averaged() -> None:
    first = [1.0, 8.0, 3.0, 6.0, 5.0, 4.0, 7.0, 2.0]
    rungs = raced(Racing(strategy=Keeps(), rungs=3, keep=2, steps=0.25), first, [value + 10.0 for value in first], [20.0] * 8)
    assert [float(np.asarray(rung.proposal.budget)[0]) for rung in rungs] == pytest.approx([0.25, 0.5, 1.0])
    assert seeds(rungs)[2] == [0, 4, 0, 0, 0, 0, 4, 0]
    told = rungs[2].state.inner.told
    np.testing.assert_allclose(told.fitness, [1.0, 20.0, 3.0, 16.0, 15.0, 4.0, 20.0, 2.0], rtol=1e-6)
    assert told.seeds.tolist() == [1, 4, 1, 2, 2, 1, 4, 1]


def test_the_spread_is_that_of_all_seeds() -> None:
    """Two seeds, then four: as if the standard error were that of six numbers."""
    draw = np.random.default_rng(0).normal(size=6)
    one, two = draw[:2], draw[2:]
    strategy = Racing(strategy=Keeps(), rungs=2, keep=2, seeds=2)
    state = strategy.init(jax.random.key(0), SPACE, POPULATION)
    for part in (one, two):
        proposal, state = strategy.ask(jax.random.key(1), state, SPACE, POPULATION)
        assert proposal.seeds is not None
        told = Told.of(proposal.genomes, jnp.full(POPULATION, part.mean()), proposal.seeds)
        spread = jnp.full(POPULATION, part.std(ddof=1) / np.sqrt(len(part)))
        state = strategy.tell(jax.random.key(2), state, SPACE, told._replace(spread=spread))
    told = state.inner.told
    assert told.seeds.max() == 6
    np.testing.assert_allclose(np.asarray(told.spread)[told.seeds == 6], draw.std(ddof=1) / np.sqrt(6), rtol=1e-5)


def test_a_population_or_a_strategy_that_cannot_race_is_refused() -> None:
    assert Racing(strategy=Genetic(), rungs=3, keep=4).check_population(SPACE, 16) is None
    problem = Racing(strategy=Genetic(), rungs=3, keep=4).check_population(SPACE, 15)
    assert problem == "with 3 rungs after each of which 1 of 4 stays, it needs 16 at least"
    assert Racing(strategy=Genetic(), rungs=1).check_population(SPACE, 1) == Genetic().check_population(SPACE, 1)
    assert (Racing(strategy=Genetic(), keep=1).check_population(SPACE, 8) or "").endswith("set keep to 2 at least")
    for inside in (pbt.PBT(), Racing(strategy=Genetic())):
        strategy = Racing(strategy=inside)
        state = strategy.init(jax.random.key(0), SPACE, POPULATION)
        with pytest.raises(UserError, match=r"^racing decides how many seeds .*: put another one inside"):
            jax.eval_shape(lambda state=state, strategy=strategy: strategy.ask(jax.random.key(0), state, SPACE, POPULATION))


def test_it_keeps_the_promises_of_a_strategy() -> None:
    check_strategy(Racing(strategy=Genetic()))
