"""Every algorithm of evosax that is registered: one contract, held by the adapter."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_evosax.adapter import EvosaxStrategy
from discover_evosax.algorithms import CMAES, SNES, OpenES, SepCMAES, SimpleGA

from discover import Component, Scalar, Space, Strategy, UserError, Weights, component, free, real, weights
from discover.plugins import load_plugins

POPULATION = 16
STRATEGIES = [CMAES(), OpenES(learning_rate=0.2), SNES(), SepCMAES(), SimpleGA()]


@component
class Point(Component):
    """Somewhere beside the optimum, which lies where all coordinates are zero."""

    x: Weights = weights(init=lambda self, key: jnp.full(5, 1.5), deviation=1.0)
    y: Scalar = real(0.9, low=-1.0, high=1.0)


SPACE = Space(Point(x=free(), y=free()))


class Programs(NamedTuple):
    init: Any
    ask: Any
    tell: Any


@pytest.fixture(scope="module", params=STRATEGIES, ids=lambda s: type(s).__name__)
def strategy(request: pytest.FixtureRequest) -> EvosaxStrategy:
    return request.param


@pytest.fixture(scope="module")
def run(strategy: Strategy) -> Programs:
    return Programs(
        lambda key: strategy.init(key, SPACE, POPULATION),
        jax.jit(lambda key, state: strategy.ask(key, state, SPACE, POPULATION)),
        jax.jit(lambda key, state, genomes, fitness: strategy.tell(key, state, SPACE, genomes, fitness)),
    )


def sphere(genomes: jax.Array) -> jax.Array:
    return -jnp.sum(genomes**2, axis=1)


def searched(run: Programs, generations: int, fitness: Any) -> tuple[Any, list[float]]:
    """The state after a search, and the mean of the sphere over each generation."""
    key = jax.random.key(0)
    state, means = run.init(key), []
    for generation in range(generations):
        key_ask, key_tell = jax.random.split(jax.random.fold_in(key, generation))
        proposal, state = run.ask(key_ask, state)
        means.append(float(sphere(proposal.genomes).mean()))
        state = run.tell(key_tell, state, proposal.genomes, fitness(proposal.genomes, generation))
    return state, means


def finite(tree: Any) -> bool:
    return all(bool(np.all(np.isfinite(leaf))) for leaf in jax.tree.leaves(tree))


def test_each_improves_on_the_sphere_and_higher_is_better(run: Programs) -> None:
    _, means = searched(run, 40, lambda genomes, _: sphere(genomes))
    assert means[-1] > means[0] / 2
    _, means = searched(run, 15, lambda genomes, _: -sphere(genomes))
    assert means[-1] < means[0]


def test_each_survives_a_broken_member_a_generation(run: Programs) -> None:
    def one_broken(genomes: jax.Array, generation: int) -> jax.Array:
        fitness = sphere(genomes)
        return fitness.at[generation % POPULATION].set(fitness.min())

    state, means = searched(run, 40, one_broken)
    assert finite(state)
    assert means[-1] > means[0] / 2


@pytest.mark.parametrize("fitness", [0.0, -1e30])
def test_each_survives_generations_in_which_all_are_equal(run: Programs, fitness: float) -> None:
    state, _ = searched(run, 10, lambda genomes, _: jnp.full(POPULATION, fitness))
    assert finite(state)
    assert finite(run.ask(jax.random.key(1), state)[0].genomes)


def test_the_first_generation_lies_around_the_start_with_its_natural_spread(run: Programs) -> None:
    start = SPACE.start(jax.random.key(0))
    state = run.init(jax.random.key(0))
    proposal, _ = run.ask(jax.random.key(1), state)
    away = np.asarray(proposal.genomes - start)
    assert np.all(np.abs(away.mean(axis=0)) < 5 / np.sqrt(POPULATION))
    assert 0.7 < away.std() < 1.3
    assert proposal.genomes.dtype == jnp.float32


def test_the_state_is_arrays_that_never_change_structure_shape_or_type(run: Programs) -> None:
    state = run.init(jax.random.key(0))
    after, _ = searched(run, 3, lambda genomes, _: sphere(genomes))
    kinds = [jax.tree.map(lambda x: (x.shape, x.dtype, x.weak_type), tree) for tree in (state, after)]
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(state))
    assert jax.tree.structure(state) == jax.tree.structure(after)
    assert jax.tree.leaves(kinds[0]) == jax.tree.leaves(kinds[1])
    assert not any(leaf.weak_type for leaf in jax.tree.leaves(state))


def test_a_state_saved_as_arrays_and_restored_continues_to_the_same_bits(run: Programs) -> None:
    state, _ = searched(run, 3, lambda genomes, _: sphere(genomes))
    structure = jax.tree.structure(run.init(jax.random.key(7)))
    restored = jax.tree.unflatten(structure, [jnp.asarray(np.asarray(leaf)) for leaf in jax.tree.leaves(state)])
    (one, _), (other, _) = run.ask(jax.random.key(5), state), run.ask(jax.random.key(5), restored)
    np.testing.assert_array_equal(one.genomes, other.genomes)


def test_nothing_compiles_anew_for_a_further_generation_or_an_equal_strategy(
    strategy: EvosaxStrategy, compilations: Any
) -> None:
    def one_generation(strategy: EvosaxStrategy, key: jax.Array) -> None:
        state = strategy.init(key, SPACE, POPULATION)
        proposal, state = strategy.ask(key, state, SPACE, POPULATION)
        strategy.tell(key, state, SPACE, proposal.genomes, sphere(proposal.genomes))

    one_generation(strategy, jax.random.key(0))
    settings = {name: getattr(strategy, name) for name in strategy.__dataclass_fields__}  # type: ignore[attr-defined]
    with compilations() as count:
        one_generation(type(strategy)(**settings), jax.random.key(1))
    assert count.compiled == 0


def test_one_search_does_not_share_its_evosax_object_with_another_size(strategy: EvosaxStrategy) -> None:
    for population in (POPULATION, POPULATION + 2):
        state = strategy.init(jax.random.key(0), SPACE, population)
        assert strategy.ask(jax.random.key(1), state, SPACE, population)[0].genomes.shape == (population, SPACE.dimension)


def test_the_smallest_population_works_and_a_smaller_one_is_refused(strategy: EvosaxStrategy) -> None:
    least, name = strategy.smallest_population(SPACE), type(strategy).__name__
    key = jax.random.key(0)
    state = strategy.init(key, SPACE, least)
    for generation in range(5):
        proposal, state = strategy.ask(jax.random.fold_in(key, generation), state, SPACE, least)
        state = strategy.tell(key, state, SPACE, proposal.genomes, sphere(proposal.genomes))
    assert finite(state)
    with pytest.raises(UserError) as error:
        strategy.init(key, SPACE, least - 1)
    assert str(error.value) == f"population {least - 1} is too small for the strategy {name}: it needs {least} at least."


def test_pairs_need_an_even_population() -> None:
    with pytest.raises(UserError) as error:
        OpenES().init(jax.random.key(0), SPACE, 7)
    assert str(error.value) == "population 7 is odd, but the strategy OpenES works with pairs: take 8."


def test_the_favourite_is_the_mean_of_a_distribution() -> None:
    state = SNES().init(jax.random.key(0), SPACE, POPULATION)
    np.testing.assert_array_equal(SNES().favourite(state, SPACE), SPACE.start(jax.random.key(0)))
    assert SimpleGA().favourite(SimpleGA().init(jax.random.key(0), SPACE, POPULATION), SPACE) is None


def test_open_es_steps_by_its_learning_rate_and_its_deviation_decays() -> None:
    strategy = OpenES(learning_rate=0.5, deviation=2.0, decay=0.5)
    state = strategy.init(jax.random.key(0), SPACE, POPULATION)
    proposal, asked = strategy.ask(jax.random.key(1), state, SPACE, POPULATION)
    told = strategy.tell(jax.random.key(2), asked, SPACE, proposal.genomes, proposal.genomes[:, 0])
    assert float(state.std) == 2.0
    assert float(told.mean[0] - state.mean[0]) == pytest.approx(0.5, rel=1e-3)  # Adam's first step, uphill
    for generation in range(3):
        proposal, told = strategy.ask(jax.random.key(generation), told, SPACE, POPULATION)
        told = strategy.tell(jax.random.key(2), told, SPACE, proposal.genomes, proposal.genomes[:, 0])
    assert 0.02 <= float(told.std) <= 0.5


def test_they_are_registered_by_their_evosax_names() -> None:
    import evosax.algorithms

    names = {entry.name for entry in load_plugins().registry.entries("strategy") if entry.provenance.plugin == "evosax"}
    assert names == {"CMA_ES", "Open_ES", "Sep_CMA_ES", "SNES", "SimpleGA"}
    assert names <= set(evosax.algorithms.algorithms)


@component
class OneFifthGA(EvosaxStrategy):
    """Any other algorithm of evosax needs this much."""

    def build(self, population: int, solution: jax.Array) -> Any:
        from evosax.algorithms import MR15_GA

        return MR15_GA(population, solution)


def test_an_algorithm_that_holds_a_population_takes_its_first_one_as_given_and_not_as_progress() -> None:
    strategy = OneFifthGA()
    state = strategy.init(jax.random.key(0), SPACE, POPULATION)
    first, asked = strategy.ask(jax.random.key(1), state, SPACE, POPULATION)
    np.testing.assert_array_equal(first.genomes[0], SPACE.start(jax.random.key(0)))
    told = strategy.tell(jax.random.key(2), asked, SPACE, first.genomes, sphere(first.genomes))
    np.testing.assert_array_equal(told.fitness, -sphere(first.genomes))
    assert float(told.std) == float(state.std)  # it doubles where most children beat their parents: these had none
    second, asked = strategy.ask(jax.random.key(3), told, SPACE, POPULATION)
    assert not np.any(np.all(second.genomes[:, None] == first.genomes[None], axis=-1))
    told = strategy.tell(jax.random.key(4), asked, SPACE, second.genomes, jnp.full(POPULATION, -1e9))
    assert {tuple(row) for row in told.population.tolist()} == {tuple(row) for row in first.genomes.tolist()}
    assert float(told.std) == float(state.std) / 2
