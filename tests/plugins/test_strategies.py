"""Random search and the genetic algorithm: promises of the kind, and a mixed toy whose best structure is known."""

import functools
from typing import Any, ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.strategies.genetic import Genetic
from discover_zoo.strategies.map_elites import MAPElites
from discover_zoo.strategies.niches import Niches
from discover_zoo.strategies.random_search import RandomSearch
from discover_zoo.strategies.regularized_evolution import RegularizedEvolution
from discover_zoo.strategies.structures import earlier_alike, firsts_of_structures

from discover import Component, Integer, Scalar, Space, Strategy, Told, choice, component, free, integer, real


class Part(Component):
    """Of a machine; ``[G]`` machines of one structure are rated at once."""

    kind: ClassVar[str] = "part"

    def form(self) -> str:
        raise NotImplementedError

    def misfit(self) -> Any:
        raise NotImplementedError


@component
class Lever(Part):
    slope: Scalar = real(0.5, low=-1.0, high=1.0)

    def form(self) -> str:
        return "lever"

    def misfit(self) -> Any:
        return np.abs(self.slope - 0.6)


@component
class Valve(Part):
    gain: Scalar = real(1.0, low=0.01, high=100.0, scale="log")

    def form(self) -> str:
        return "valve"

    def misfit(self) -> Any:
        return np.abs(np.log10(self.gain / 20.0)) / 4


@component
class Stack(Part):
    part: Part
    depth: Integer = integer(1, low=1, high=9)

    def form(self) -> str:
        return f"stack of {self.part.form()}"

    def misfit(self) -> Any:
        return np.abs(self.depth - 7) / 8 + self.part.misfit()


HEAD = {"lever": 0.6, "valve": 0.3, "stack of lever": 0.0, "stack of valve": 1.0}
TAIL = {"lever": 0.6, "valve": 1.0, "stack of lever": 0.0, "stack of valve": 0.3}
MODE = {"slow": 0.0, "fast": 0.3, "late": 0.2}


@component
class Machine(Component):
    """Worth what its structure is worth, less how far its numbers are off. The best structure is the worst at its defaults."""

    head: Part
    tail: Part
    mode: Literal["slow", "fast", "late"] = "slow"

    def fitness(self) -> Any:
        worth = HEAD[self.head.form()] + TAIL[self.tail.form()] + MODE[self.mode]
        return worth - 5.0 * (self.head.misfit() + self.tail.misfit())


def some_part() -> Any:
    inner = choice(Lever(slope=free()), Valve(gain=free()))
    return choice(Lever(slope=free()), Valve(gain=free()), Stack(depth=free(), part=inner))


SPACE = Space(Machine(head=some_part(), tail=some_part(), mode=choice("slow", "fast", "late")))
BEST = Machine(head=Stack(part=Valve(gain=20.0), depth=7), tail=Valve(gain=20.0), mode="fast")
EASY = Machine(head=Lever(), tail=Lever())


class Programs(NamedTuple):
    """A strategy's methods for one space and population."""

    init: Any
    ask: Any
    tell: Any


@functools.cache
def compiled(kind: type[Strategy], space: Space, population: int) -> Programs:
    """Compiled once for all seeds and settings: a strategy is a pytree."""
    del kind
    return Programs(
        jax.jit(lambda strategy, key: strategy.init(key, space, population)),
        jax.jit(lambda strategy, key, state: strategy.ask(key, state, space, population)),
        jax.jit(lambda strategy, key, state, genomes, fitness: strategy.tell(key, state, space, Told.of(genomes, fitness))),
    )


def programs(strategy: Strategy, space: Space, population: int) -> Programs:
    return Programs(*(functools.partial(method, strategy) for method in compiled(type(strategy), space, population)))


def rated(genomes: np.ndarray) -> np.ndarray:
    """The fitness of a population of machines, group by group; each member must be in exactly one."""
    groups, fitness, seen = SPACE.groups(genomes), np.zeros(len(genomes), np.float32), np.zeros(len(genomes), int)
    for group in groups:
        fitness[group.members] = group.candidates.fitness()
        seen[group.members] += 1
    assert np.all(seen == 1)
    assert len(groups) == len({SPACE.structure(genome) for genome in genomes[[g.members[0] for g in groups]]})
    return fitness


def champion(run: Programs, seed: int, generations: int) -> np.ndarray:
    """The genome of the best machine that a search has seen."""
    key = jax.random.key(seed)
    state, best, most = run.init(key), np.zeros(SPACE.dimension), -np.inf
    for generation in range(generations):
        key_ask, key_tell = jax.random.split(jax.random.fold_in(key, generation))
        proposal, state = run.ask(key_ask, state)
        genomes = np.asarray(proposal.genomes)
        fitness = rated(genomes)
        if fitness.max() > most:
            best, most = genomes[fitness.argmax()], fitness.max()
        state = run.tell(key_tell, state, proposal.genomes, fitness)
    return best


def test_the_toy_hides_its_best_structure_behind_bad_defaults() -> None:
    worth = sorted((h + t + m for h in HEAD.values() for t in TAIL.values() for m in MODE.values()), reverse=True)
    assert BEST.fitness() == pytest.approx(worth[0], abs=1e-6)
    assert worth[0] - worth[1] > 0.09
    assert SPACE.structures == len(worth) == 48
    unset = Machine(head=Stack(part=Valve(), depth=1), tail=Valve(), mode="fast")
    assert unset.fitness() < EASY.fitness() - 2.0


@pytest.mark.slow
def test_the_genetic_strategy_finds_the_best_structure_in_nine_of_ten_seeds_and_luck_does_not() -> None:
    target, found = SPACE.structure(SPACE.encode(BEST)), {}
    for strategy in (Genetic(), RandomSearch()):
        run = programs(strategy, SPACE, 64)
        found[type(strategy)] = sum(SPACE.structure(champion(run, seed, 40)) == target for seed in range(10))
    assert found[Genetic] >= 9
    assert found[RandomSearch] <= 6


# The kind's promises --------------------------------------------------------------------------------------------------

STRATEGIES = [
    Genetic(),
    RandomSearch(),
    pytest.param(RegularizedEvolution(), marks=pytest.mark.slow),
    pytest.param(MAPElites(cells=16), marks=pytest.mark.slow),
]


@pytest.mark.parametrize("strategy", STRATEGIES, ids=repr)
def test_the_first_member_of_all_is_the_start_genome(strategy: Strategy) -> None:
    run = programs(strategy, SPACE, 8)
    state = run.init(jax.random.key(0))
    first, state = run.ask(jax.random.key(1), state)
    np.testing.assert_allclose(first.genomes[0], SPACE.start(jax.random.key(0)), rtol=1e-6)
    assert len(np.unique(np.asarray(first.genomes), axis=0)) == 8
    assert first.parents is None


@pytest.mark.parametrize("strategy", STRATEGIES, ids=repr)
def test_the_state_keeps_its_structure_shapes_and_dtypes(strategy: Strategy) -> None:
    run = programs(strategy, SPACE, 8)
    state = before = run.init(jax.random.key(0))
    for generation in range(3):
        proposal, state = run.ask(jax.random.key(generation), state)
        state = run.tell(jax.random.key(generation), state, proposal.genomes, jnp.arange(8.0))
    kinds = [jax.tree.map(lambda x: (x.shape, x.dtype, x.weak_type), tree) for tree in (before, state)]
    assert kinds[0] == kinds[1]


def test_random_search_learns_nothing() -> None:
    run = programs(RandomSearch(), SPACE, 8)
    state = run.init(jax.random.key(0))
    state = run.tell(jax.random.key(1), state, jnp.zeros((8, SPACE.dimension)), jnp.arange(8.0))
    other = run.tell(jax.random.key(1), state, jnp.ones((8, SPACE.dimension)), -jnp.arange(8.0))
    state = run.tell(jax.random.key(1), state, jnp.zeros((8, SPACE.dimension)), jnp.arange(8.0))
    np.testing.assert_array_equal(run.ask(jax.random.key(2), state)[0].genomes, run.ask(jax.random.key(2), other)[0].genomes)


def generation_after(strategy: Genetic, genomes: Any, fitness: Any, space: Space = SPACE) -> np.ndarray:
    run = programs(strategy, space, len(genomes))
    state = run.tell(jax.random.key(0), run.init(jax.random.key(0)), jnp.asarray(genomes), jnp.asarray(fitness))
    return np.asarray(run.ask(jax.random.key(1), state)[0].genomes)


def test_the_best_of_each_structure_stay_before_the_second_best() -> None:
    easy, best = SPACE.encode(EASY), SPACE.encode(BEST)
    genomes = np.stack([easy, easy + 0.01, easy + 0.02, easy + 0.03, best, best + 0.01, best + 0.02, best + 0.03])
    children = generation_after(Genetic(elite=0.5), genomes, [7.0, 8.0, 6.0, 5.0, 1.0, 2.0, 4.0, 3.0])
    np.testing.assert_array_equal(children[:4], genomes[[1, 6, 0, 7]])


def test_at_least_one_stays_even_without_elite_and_children_differ_from_all_parents() -> None:
    genomes = np.asarray(jax.vmap(SPACE.sample)(jax.random.split(jax.random.key(3), 8)))
    children = generation_after(Genetic(elite=0.0, mutation=0.0), genomes, np.arange(8.0))
    np.testing.assert_array_equal(children[0], genomes[7])
    for child in children[1:]:
        assert not np.any(np.all(child == genomes, axis=1))


@pytest.mark.slow
def test_a_child_is_made_even_where_all_would_stay() -> None:
    genomes = np.asarray(jax.vmap(SPACE.sample)(jax.random.split(jax.random.key(3), 4)))
    after = generation_after(Genetic(elite=0.9), genomes, np.arange(4.0))
    np.testing.assert_array_equal(after[:3], genomes[:0:-1])
    assert not np.any(np.all(after[3] == genomes, axis=1))


@pytest.mark.slow
def test_a_harder_tournament_takes_better_parents() -> None:
    space = Space(Lever(slope=free()))
    slopes = np.linspace(-4.0, 4.0, 200, dtype=np.float32)[:, None]
    means = [
        generation_after(Genetic(tournament=size, crossover=0.0, elite=0.0), slopes, slopes[:, 0], space)[1:].mean()
        for size in (1.0, 2.0, 8.0)
    ]
    # The best of k uniform draws from [-4, 4] is 4 * (k - 1) / (k + 1) on average; mutation moves it by 0.3, evenly.
    assert means == pytest.approx([0.0, 4 / 3, 28 / 9], abs=0.5)


def test_a_population_without_room_for_a_child_is_refused() -> None:
    assert Genetic().check_population(SPACE, 2) is None
    assert Genetic().check_population(SPACE, 1) == "it needs 2 at least, the best of a generation and a child"


# Structures -----------------------------------------------------------------------------------------------------------


def counted_in_pairs(structures: np.ndarray) -> np.ndarray:
    """As `earlier_alike`, by a comparison of each row with every other: memory and time grow by the square."""
    alike = np.all(structures[:, None] == structures[None], axis=-1)
    return np.sum(np.tril(alike, -1), axis=1)


@pytest.mark.parametrize("population", [2, 7, pytest.param(64, marks=pytest.mark.slow)])
@pytest.mark.parametrize("options", [pytest.param(1, marks=pytest.mark.slow), 2, pytest.param(5, marks=pytest.mark.slow)])
def test_earlier_members_of_a_structure_are_counted_as_by_comparing_all_pairs(population: int, options: int) -> None:
    draw = np.random.default_rng(population * options)
    for choices in (1, 3):
        structures = draw.integers(-1, options, (population, choices)).astype(np.int32)
        np.testing.assert_array_equal(earlier_alike(jnp.asarray(structures)), counted_in_pairs(structures))


@pytest.mark.parametrize("population", [pytest.param(2, marks=pytest.mark.slow), 64])
def test_the_order_of_the_genetic_strategy_is_that_of_comparing_all_pairs(population: int) -> None:
    genomes = jax.vmap(SPACE.sample)(jax.random.split(jax.random.key(population), population))
    structures = np.asarray(jax.vmap(SPACE.active_options)(genomes))
    expected = np.argsort(counted_in_pairs(structures), kind="stable")
    np.testing.assert_array_equal(firsts_of_structures(genomes, SPACE), expected)


def test_without_choices_all_members_are_alike() -> None:
    np.testing.assert_array_equal(earlier_alike(jnp.zeros((4, 0), jnp.int32)), [0, 1, 2, 3])


def test_a_hundred_thousand_members_are_ordered_in_little_memory() -> None:
    structures = np.random.default_rng(0).integers(0, 4, (100_000, 4)).astype(np.int32)
    program = jax.jit(earlier_alike).lower(jnp.asarray(structures)).compile()
    memory = program.memory_analysis()
    assert memory is not None
    assert memory.temp_size_in_bytes < 100 * structures.nbytes  # a table of pairs would take 10 GB
    counts = np.asarray(program(jnp.asarray(structures)))
    _, sizes = np.unique(structures, axis=0, return_counts=True)
    np.testing.assert_array_equal(np.bincount(counts), [int(np.sum(sizes > n)) for n in range(sizes.max())])


# Regularized evolution and MAP-Elites ---------------------------------------------------------------------------------


def test_members_die_of_age_however_good_they_were() -> None:
    strategy = RegularizedEvolution(tournament=64, lifespan=2, mutation=0.0)
    run = programs(strategy, SPACE, 8)
    state = run.init(jax.random.key(0))
    for generation in range(3):
        proposal, state = run.ask(jax.random.key(generation), state)
        state = run.tell(jax.random.key(generation), state, proposal.genomes, jnp.arange(8.0) - 100.0 * generation)
    np.testing.assert_array_equal(state.fitness, [*(np.arange(8.0) - 100.0), *(np.arange(8.0) - 200.0)])


def test_an_elite_stays_until_a_better_member_of_its_structure_comes() -> None:
    easy, best = SPACE.encode(EASY), SPACE.encode(BEST)
    run = programs(MAPElites(cells=16), SPACE, 2)
    state = run.tell(jax.random.key(0), run.init(jax.random.key(0)), jnp.stack([easy, best]), jnp.array([3.0, 1.0]))
    worse, better = jnp.asarray(easy + 0.01), jnp.asarray(best + 0.01)
    state = run.tell(jax.random.key(0), state, jnp.stack([worse, better]), jnp.array([2.0, 4.0]))
    assert int(state.filled) == 2
    np.testing.assert_array_equal(state.genomes[:2], jnp.stack([better, jnp.asarray(easy)]))
    np.testing.assert_array_equal(state.fitness[:2], [4.0, 3.0])


# Niches ---------------------------------------------------------------------------------------------------------------


def test_pairs_are_mirrored_share_a_structure_and_begin_at_the_start() -> None:
    run = programs(Niches(), SPACE, 16)
    proposal, state = run.ask(jax.random.key(1), run.init(jax.random.key(0)))
    up, down = np.split(np.asarray(proposal.genomes), 2)
    np.testing.assert_allclose((up + down) / 2, state.means, atol=1e-5)
    assert [SPACE.structure(g) for g in up] == [SPACE.structure(g) for g in down]
    assert len({SPACE.structure(g) for g in up}) == 8
    np.testing.assert_allclose(up[0], SPACE.start(jax.random.key(0)), rtol=1e-6)
    np.testing.assert_allclose(down[0], up[0])


def test_niches_become_fewer_and_the_best_structure_stays() -> None:
    target, run = SPACE.structure(SPACE.encode(EASY)), programs(Niches(halving=1.0), SPACE, 32)
    state, alive = run.init(jax.random.key(0)), []
    for generation in range(5):
        proposal, state = run.ask(jax.random.key(generation), state)
        structures = [SPACE.structure(genome) for genome in np.asarray(proposal.genomes)]
        alive.append(len(set(structures)))
        fitness = np.asarray([float(structure == target) for structure in structures])
        state = run.tell(jax.random.key(generation), state, proposal.genomes, jnp.asarray(fitness))
        assert SPACE.structure(np.asarray(state.means[0])) == target
    assert alive == [16, 8, 4, 2, 2]


def test_numbers_climb_by_the_differences_of_pairs_whatever_structures_are_worth() -> None:
    space = Space(Lever(slope=free()))
    run = programs(Niches(), space, 8)
    state = run.init(jax.random.key(0))
    before = float(state.means[0, 0])
    for generation in range(3):
        proposal, state = run.ask(jax.random.key(generation), state)
        state = run.tell(jax.random.key(generation), state, proposal.genomes, proposal.genomes[:, 0])
    assert float(state.means[0, 0]) > before + 1.0


def test_an_odd_population_is_refused_with_the_next_that_suits() -> None:
    assert Niches().check_population(SPACE, 7) == "it works with pairs, so take 8"
    assert Niches().check_population(SPACE, 2) == "it needs 4 at least, two pairs"
    assert Niches().check_population(SPACE, 8) is None
