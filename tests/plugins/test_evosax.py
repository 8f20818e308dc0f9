"""Every algorithm of evosax that is registered: one contract, held by the adapter."""

import subprocess
import sys
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.strategies.evosax.adapter import EvosaxStrategy
from discover_zoo.strategies.evosax.algorithms import PLAIN, Open_ES
from discover_zoo.strategies.evosax.special import SPECIAL

from discover import Component, Scalar, Space, Strategy, Told, UserError, Weights, component, free, real, weights
from discover.config.search_config import checked_config
from discover.plugin.loader import load_plugins

POPULATION = 16

UNSUITED = {"GuidedES": "it needs a surrogate gradient before each ask; without one its state is NaN"}
"""Algorithms of evosax that cannot work under plain ask and tell, and why."""

BLIND = {"RandomSearch": "it draws from the prior, whatever it is told"}
"""Algorithms that cannot improve from one generation to the next, and why."""

GENERATIONS = {"DiffusionEvolution": 32}
"""How long a search is where 40 generations are not what an algorithm is set to."""

REPRESENTATIVE = ("CMA_ES", "Open_ES", "PSO")
EVERY: dict[str, Any] = {name: made() for name, made in sorted({**PLAIN, **SPECIAL}.items())}
STRATEGIES = [
    pytest.param(made, id=name, marks=() if name in REPRESENTATIVE else pytest.mark.slow) for name, made in EVERY.items()
]


@component
class Point(Component):
    """Somewhere beside the optimum, which lies where all coordinates are zero."""

    x: Weights = weights(init=lambda self, key: jnp.full(5, 1.5), std=1.0)
    y: Scalar = real(0.9, low=-1.0, high=1.0)


SPACE = Space(Point(x=free(), y=free()))


class Programs(NamedTuple):
    init: Any
    ask: Any
    tell: Any


@pytest.fixture(scope="module", params=STRATEGIES)
def strategy(request: pytest.FixtureRequest) -> EvosaxStrategy:
    return request.param


def programs(strategy: Strategy) -> Programs:
    return Programs(
        lambda key: strategy.init(key, SPACE, POPULATION),
        jax.jit(lambda key, state: strategy.ask(key, state, SPACE, POPULATION)),
        jax.jit(lambda key, state, genomes, fitness: strategy.tell(key, state, SPACE, Told.of(genomes, fitness))),
    )


@pytest.fixture(scope="module")
def run(strategy: Strategy) -> Programs:
    return programs(strategy)


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


def test_each_improves_on_the_sphere_and_higher_is_better(strategy: EvosaxStrategy, run: Programs) -> None:
    if strategy.algorithm in BLIND:
        pytest.skip(BLIND[strategy.algorithm])
    _, means = searched(run, GENERATIONS.get(strategy.algorithm, 40), lambda genomes, _: sphere(genomes))
    assert means[-1] > means[0] / 2
    _, means = searched(run, GENERATIONS.get(strategy.algorithm, 10), lambda genomes, _: -sphere(genomes))
    assert means[-1] < means[0]


def test_each_survives_a_broken_member_a_generation(strategy: EvosaxStrategy, run: Programs) -> None:
    def one_broken(genomes: jax.Array, generation: int) -> jax.Array:
        fitness = sphere(genomes)
        return fitness.at[generation % POPULATION].set(fitness.min())

    state, means = searched(run, GENERATIONS.get(strategy.algorithm, 40), one_broken)
    assert finite(state)
    assert means[-1] > means[0] / 2 or strategy.algorithm in BLIND


@pytest.mark.parametrize("fitness", [0.0, -1e30])
def test_each_survives_generations_in_which_all_are_equal(run: Programs, fitness: float) -> None:
    state, _ = searched(run, 10, lambda genomes, _: jnp.full(POPULATION, fitness))
    assert finite(state)
    assert finite(run.ask(jax.random.key(1), state)[0].genomes)


def test_the_first_generation_lies_around_the_start_with_its_natural_spread() -> None:
    start = SPACE.start(jax.random.key(0))
    for name in ("CMA_ES", "Open_ES", "SimpleGA", "iAMaLGaM_Univariate"):
        strategy = EVERY[name]
        proposal, _ = strategy.ask(jax.random.key(1), strategy.init(jax.random.key(0), SPACE, POPULATION), SPACE, POPULATION)
        away = np.asarray(proposal.genomes - start)
        assert np.all(np.abs(away.mean(axis=0)) < 5 / np.sqrt(POPULATION)), name
        assert 0.7 < away.std() < 1.3, name
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
        strategy.tell(key, state, SPACE, Told.of(proposal.genomes, sphere(proposal.genomes)))

    one_generation(strategy, jax.random.key(0))
    settings = {name: getattr(strategy, name) for name in strategy.__dataclass_fields__}  # type: ignore[attr-defined]
    with compilations() as count:
        one_generation(type(strategy)(**settings), jax.random.key(1))
    assert count.compiled == 0


def next_population(strategy: Strategy, least: int) -> int:
    return next(p for p in range(least, 99) if strategy.check_population(SPACE, p) is None)


def test_one_search_does_not_share_its_evosax_object_with_another_size(strategy: EvosaxStrategy) -> None:
    for population in (POPULATION, next_population(strategy, POPULATION + 1)):
        state = strategy.init(jax.random.key(0), SPACE, population)
        assert strategy.ask(jax.random.key(1), state, SPACE, population)[0].genomes.shape == (population, SPACE.dimension)


def test_the_smallest_population_works(strategy: EvosaxStrategy) -> None:
    key, population = jax.random.key(0), next_population(strategy, 1)
    state = strategy.init(key, SPACE, population)
    for generation in range(5):
        proposal, state = strategy.ask(jax.random.fold_in(key, generation), state, SPACE, population)
        state = strategy.tell(key, state, SPACE, Told.of(proposal.genomes, sphere(proposal.genomes)))
    assert finite(state)


def test_a_population_that_does_not_suit_is_refused_when_the_config_is_read() -> None:
    registry = load_plugins().registry

    def message(strategy: Any, population: int) -> str:
        words = {"candidate": {"recipe": "ppo", "rule": {"ppo": {"clip": "free"}}}, "generations": 1}
        words |= {"strategy": strategy, "population": population, "tasks": [{"task": "catch", "steps": 9999}]}
        with pytest.raises(UserError) as error:
            checked_config(registry, words)
        return str(error.value)

    assert message("Open_ES", 7) == "population 7 does not suit the strategy 'Open_ES': it works with pairs, so take 8."
    assert message("CMA_ES", 3) == "population 3 does not suit the strategy 'CMA_ES': it needs 4 at least."
    for population, wanted in ((3, 8), (10, 16), (12, 16)):
        assert message("SV_Open_ES", population) == (
            f"population {population} does not suit the strategy 'SV_Open_ES': "
            f"it shares it out among 4 distributions, so take {wanted}."
        )
    assert message({"GESMR_GA": {"groups": 4}}, 16) == (
        "population 16 does not suit the strategy 'GESMR_GA': it works with the best and 4 groups of one size, so take 17."
    )


@pytest.mark.parametrize(
    "name", [name if i % 3 == 0 else pytest.param(name, marks=pytest.mark.slow) for i, name in enumerate(EVERY)]
)
def test_a_generation_has_the_shapes_of_its_space_and_leaves_a_state_like_the_one_before(name: str) -> None:
    """Traced, not run."""
    strategy, key = EVERY[name], jax.random.key(0)
    population = next_population(strategy, POPULATION)

    def generation(state: Any) -> Any:
        proposal, asked = strategy.ask(key, state, SPACE, population)
        return proposal.genomes, strategy.tell(key, asked, SPACE, Told.of(proposal.genomes, sphere(proposal.genomes)))

    state = jax.eval_shape(lambda: strategy.init(key, SPACE, population))
    genomes, told = jax.eval_shape(generation, state)
    assert genomes == jax.ShapeDtypeStruct((population, SPACE.dimension), jnp.float32)
    assert jax.tree.map(lambda x: (x.shape, x.dtype), told) == jax.tree.map(lambda x: (x.shape, x.dtype), state)


def test_diffusion_begins_around_the_start_and_tells_what_it_asked() -> None:
    strategy, start = EVERY["DiffusionEvolution"], SPACE.start(jax.random.key(0))
    state = strategy.init(jax.random.key(1), SPACE, 64)
    np.testing.assert_array_equal(state.start, start)
    proposal, asked = strategy.ask(jax.random.key(2), state, SPACE, 64)
    np.testing.assert_allclose(proposal.genomes.mean(axis=0), start, atol=5 * 3.0 / 64**0.5)
    told = strategy.tell(jax.random.key(3), asked, SPACE, Told.of(proposal.genomes, sphere(proposal.genomes)))
    np.testing.assert_allclose(told.inner.population + start, proposal.genomes, atol=1e-5)


def test_what_a_refusal_proposes_suits() -> None:
    for name, strategy in EVERY.items():
        for population in range(1, 40):
            problem = strategy.check_population(SPACE, population)
            if problem is not None:
                wanted = int(problem.removesuffix(" at least").split()[-1])
                assert population < wanted <= population + 16, name
                assert strategy.check_population(SPACE, wanted) is None, name
    assert PLAIN["SNES"]().check_population(SPACE, 7) is None  # pairs are for those that say so


SMALLEST = {"RandomSearch": 1, "SV_Open_ES": 8, "SV_CMA_ES": 16}
FOUR = [
    "ARS",
    "CMAAnchoredLES",
    "CMA_ES",
    "CR_FM_NES",
    "DifferentialEvolution",
    "ESMC",
    "GESMR_GA",
    "LM_MA_ES",
    "MA_ES",
    "Rm_ES",
    "Sep_CMA_ES",
    "iAMaLGaM_Full",
    "iAMaLGaM_Univariate",
]


def test_the_smallest_populations_are_two_unless_an_algorithm_needs_more() -> None:
    found = {name: next_population(strategy, 1) for name, strategy in EVERY.items()}
    assert found == dict.fromkeys(EVERY, 2) | dict.fromkeys(FOUR, 4) | SMALLEST


def test_the_recommendation_is_the_mean_of_a_distribution() -> None:
    start, key = SPACE.start(jax.random.key(0)), jax.random.key(0)
    for name in ("SNES", "SV_Open_ES"):
        recommendation = EVERY[name].recommendation(EVERY[name].init(key, SPACE, POPULATION), SPACE)
        np.testing.assert_array_equal(recommendation, start)
    for name in ("SimpleGA", "DiffusionEvolution"):
        assert EVERY[name].recommendation(EVERY[name].init(key, SPACE, POPULATION), SPACE) is None


def test_open_es_steps_by_its_learning_rate_in_deviations_and_both_decay() -> None:
    strategy = Open_ES(learning_rate=0.5, std=2.0, decay=0.5)
    state = strategy.init(jax.random.key(0), SPACE, POPULATION)
    moves = []
    for generation in range(5):
        proposal, asked = strategy.ask(jax.random.key(generation), state, SPACE, POPULATION)
        told = strategy.tell(jax.random.key(2), asked, SPACE, Told.of(proposal.genomes, proposal.genomes[:, 0]))
        moves.append(float(told.mean[0] - state.mean[0]))
        state = told
    assert moves[0] == pytest.approx(1.0, rel=1e-3)  # Adam's first step, uphill
    assert sum(moves[2:]) < moves[0]  # 1/4 + 1/8 + 1/16, while its memory lasts
    assert 0.02 <= float(state.std) <= 0.25


MUTATING = ("GESMR_GA", "LGA", "MR15_GA", "SAMR_GA", "SimpleGA")
"""Algorithms whose deviation is that of a mutation; the first population has the natural spread."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ("ASEBO", "Open_ES", "PSO", "xNES") else pytest.mark.slow)
        for name, made in EVERY.items()
        if hasattr(made, "std") and name not in MUTATING
    ],
)
def test_the_deviation_that_is_set_is_that_of_the_first_generation(name: str) -> None:
    strategy = type(EVERY[name])(std=4.0)
    state = strategy.init(jax.random.key(0), SPACE, 64)
    away = strategy.ask(jax.random.key(1), state, SPACE, 64)[0].genomes - SPACE.start(jax.random.key(0))
    assert 3.0 < float(jnp.sqrt(jnp.mean(away**2))) < 5.0


@pytest.mark.parametrize("name", ["MA_ES", "LM_MA_ES"])
def test_what_is_learned_does_not_depend_on_the_order_of_the_members(name: str) -> None:
    strategy, order = EVERY[name], jax.random.permutation(jax.random.key(9), POPULATION)
    state = strategy.init(jax.random.key(0), SPACE, POPULATION)
    proposal, asked = strategy.ask(jax.random.key(1), state, SPACE, POPULATION)
    fitness = sphere(proposal.genomes)
    told = strategy.tell(jax.random.key(2), asked, SPACE, Told.of(proposal.genomes, fitness))
    other = asked.replace(z=asked.z[order])
    other = strategy.tell(jax.random.key(2), other, SPACE, Told.of(proposal.genomes[order], fitness[order]))
    np.testing.assert_allclose(told.M, other.M, atol=1e-5)
    assert float(jnp.abs(told.M - asked.M).max()) > 0.01


def test_the_step_of_rm_es_grows_while_generations_are_better_and_shrinks_while_they_are_worse() -> None:
    strategy = EVERY["Rm_ES"]
    for trend, grows in ((1.0, True), (-1.0, False)):
        state = strategy.init(jax.random.key(0), SPACE, POPULATION)
        for generation in range(4):
            proposal, state = strategy.ask(jax.random.key(generation), state, SPACE, POPULATION)
            fitness = jnp.arange(POPULATION) + 100.0 * trend * generation
            state = strategy.tell(jax.random.key(9), state, SPACE, Told.of(proposal.genomes, fitness))
            if generation == 0:
                assert float(state.std) == 1.0
        assert (float(state.std) > 1.0) == grows


@pytest.mark.parametrize("population", [4, 16, 64])
def test_gradientless_descent_tries_small_and_large_steps_in_any_population(population: int) -> None:
    strategy = EVERY["GradientlessDescent"]
    state = strategy.init(jax.random.key(0), SPACE, population)
    keys = jax.random.split(jax.random.key(1), 200)
    away = jax.vmap(lambda key: strategy.ask(key, state, SPACE, population)[0].genomes - state.mean)(keys)
    deviations = jnp.sqrt(jnp.mean(away**2, axis=(0, 2)))
    np.testing.assert_allclose(deviations[jnp.array([0, -1])], [2.0, 0.02], rtol=0.1)


def test_the_distributions_of_sv_open_es_narrow() -> None:
    strategy = type(EVERY["SV_Open_ES"])(decay=0.5)
    state = strategy.init(jax.random.key(0), SPACE, POPULATION)
    for generation in range(4):
        proposal, state = strategy.ask(jax.random.key(generation), state, SPACE, POPULATION)
        state = strategy.tell(jax.random.key(9), state, SPACE, Told.of(proposal.genomes, sphere(proposal.genomes)))
    np.testing.assert_allclose(state.std, 0.5**4)


def test_the_unit_of_fitness_does_not_matter(run: Programs) -> None:
    """A power of two, so that nothing rounds otherwise."""
    ends = [searched(run, 4, lambda genomes, _, unit=unit: unit * sphere(genomes))[0] for unit in (1.0, 1024.0)]
    one, other = (run.ask(jax.random.key(5), state)[0].genomes for state in ends)
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_a_temperature_is_one_of_the_spread_of_a_generation(unit: float) -> None:
    strategy = EVERY["SimulatedAnnealing"]
    state = strategy.init(jax.random.key(0), SPACE, POPULATION)
    proposal, asked = strategy.ask(jax.random.key(1), state, SPACE, POPULATION)
    told = strategy.tell(jax.random.key(2), asked, SPACE, Told.of(proposal.genomes, unit * jnp.arange(16.0)))
    fitness, elsewhere = unit * (jnp.arange(16.0) - 0.5), proposal.genomes + 1.0  # the best is worse by a ninth of a spread
    keys = jax.random.split(jax.random.key(3), 200)
    after = jax.vmap(lambda key: strategy.tell(key, told, SPACE, Told.of(elsewhere, fitness)).mean)(keys)
    assert 0.2 < float(jnp.mean(jnp.any(after != told.mean, axis=1))) < 0.45  # exp(-0.108 / 0.095) = 0.32


@pytest.mark.slow
def test_evosax_may_be_imported_first_inside_a_trace() -> None:
    program = (
        "import jax\n"
        "from discover import Component, Scalar, Space, component, free, real\n"
        "from discover_zoo.strategies.evosax.algorithms import PLAIN\n"
        "@component\n"
        "class One(Component):\n"
        "    x: Scalar = real(0.0, low=-1.0, high=1.0)\n"
        "space = Space(One(x=free()))\n"
        "for seed in range(2):\n"
        "    jax.jit(lambda key: PLAIN['CMAAnchoredLES']().init(key, space, 8))(jax.random.key(seed))\n"
        "    PLAIN['CMAAnchoredLES']().init(jax.random.key(seed), space, 10)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_every_algorithm_of_evosax_is_registered_by_its_name_or_has_a_reason() -> None:
    import evosax.algorithms

    names = {entry.name for entry in load_plugins().registry.entries("strategy") if entry.provenance.plugin == "evosax"}
    ours = {"IPOP_CMA_ES"}  # runs CMA_ES again and again
    assert (names - ours) | set(UNSUITED) == set(evosax.algorithms.algorithms)
    assert not names & set(UNSUITED)


@component
class Guided(EvosaxStrategy):
    """What is left out."""

    algorithm = "GuidedES"


def test_guided_es_waits_for_a_gradient() -> None:
    state = Guided().init(jax.random.key(0), SPACE, POPULATION)
    _, state = Guided().ask(jax.random.key(1), state, SPACE, POPULATION)
    assert not finite(state)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["LM_MA_ES", "PSO", "Rm_ES", "iAMaLGaM_Univariate"])
def test_evosaxs_own_defaults_fail_where_ours_differ(name: str) -> None:
    """Else ours would be needless: after 40 generations on the sphere they are at least twice as far from its top, or NaN."""
    from evosax.algorithms import algorithms

    algorithm = algorithms[name](POPULATION, jnp.zeros(SPACE.dimension))
    key, params = jax.random.key(0), algorithm.default_params
    genomes = SPACE.start(key) + jax.random.normal(key, (POPULATION, SPACE.dimension))
    held = (genomes, -sphere(genomes)) if name == "PSO" else (SPACE.start(key),)
    state, last = algorithm.init(key, *held, params), jnp.zeros(())
    for generation in range(40):
        genomes, state = algorithm.ask(jax.random.fold_in(key, generation), state, params)
        state, _ = algorithm.tell(key, genomes, -sphere(genomes), state, params)
        last = sphere(genomes).mean()
    ours = searched(programs(EVERY[name]), 40, lambda genomes, _: sphere(genomes))[1][-1]
    assert not float(last) > 2.0 * ours


@component
class OneFifthGA(EvosaxStrategy):
    """Any other algorithm of evosax needs this much."""

    algorithm = "MR15_GA"


def test_an_algorithm_that_holds_a_population_takes_its_first_one_as_given_and_not_as_progress() -> None:
    strategy = OneFifthGA()
    state = strategy.init(jax.random.key(0), SPACE, POPULATION)
    first, asked = strategy.ask(jax.random.key(1), state, SPACE, POPULATION)
    np.testing.assert_array_equal(first.genomes[0], SPACE.start(jax.random.key(0)))
    told = strategy.tell(jax.random.key(2), asked, SPACE, Told.of(first.genomes, sphere(first.genomes)))
    np.testing.assert_array_equal(told.fitness, -sphere(first.genomes))
    assert float(told.std) == float(state.std)  # it doubles where most children beat their parents: these had none
    second, asked = strategy.ask(jax.random.key(3), told, SPACE, POPULATION)
    assert not np.any(np.all(second.genomes[:, None] == first.genomes[None], axis=-1))
    told = strategy.tell(jax.random.key(4), asked, SPACE, Told.of(second.genomes, jnp.full(POPULATION, -1e9)))
    assert {tuple(row) for row in told.population.tolist()} == {tuple(row) for row in first.genomes.tolist()}
    assert float(told.std) == float(state.std) / 2
