"""Mirrored pairs of evosax's algorithms: who mirrors whom, ranks within pairs, and that a pair begins alike."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from discover_zoo.strategies.evosax.algorithms import PLAIN, Open_ES
from discover_zoo.strategies.evosax.pairs import Mirrored
from discover_zoo.strategies.evosax.special import ESMC, SPECIAL
from scripted import Scripted

from discover import Component, Space, Status, Told, UserError, Weights, Work, component, free, weights
from discover.config.search_config import checked_config
from discover.contract.executor import Curves
from discover.inner_loop.lifetime import begin
from discover.outer_loop.fitness import Evaluator
from discover.plugin.loader import load_plugins
from discover.testing import check_strategy
from discover.testing.programs import quickly_compiled

MIRRORED = ("ARS", "ASEBO", "ESMC", "NoiseReuseES", "Open_ES", "PGPE", "PersistentES", "SV_Open_ES")
BY_POPULATION = {"CR_FM_NES": "it mirrors all members, but learns a covariance from ranks of the population"}
EVERY: dict[str, Any] = {**PLAIN, **SPECIAL}
MEMBERS = 16


@component
class Point(Component):
    """Ten numbers whose coordinates are the numbers themselves."""

    x: Weights = weights(init=lambda self, key: jnp.zeros(10), std=1.0)


SPACE = Space(Point(x=free()))


def away(name: str) -> tuple[np.ndarray, int] | None:
    """The first generation relative to the means, ``[distributions, members, 10]``; None where nothing has a mean."""
    strategy = EVERY[name]()
    population = next(p for p in range(MEMBERS, 99) if strategy.check_population(SPACE, p) is None)
    state = strategy.init(jax.random.key(0), SPACE, population)
    if not hasattr(state, "mean"):
        return None
    proposal, _ = strategy.ask(jax.random.key(1), state, SPACE, population)
    means = np.reshape(state.mean, (-1, 1, 10))
    return np.reshape(proposal.genomes, (len(means), -1, 10)) - means, population // len(means)


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n == "ESMC" else pytest.mark.slow) for n in MIRRORED])
def test_members_of_a_pair_mirror_each_other(name: str) -> None:
    found = away(name)
    assert found is not None
    noise, members = found
    pairs = EVERY[name]().pairs(members)
    assert sorted(pairs.ravel().tolist()) == list(range(members))
    np.testing.assert_allclose(noise[:, pairs[:, 0]], -noise[:, pairs[:, 1]], atol=1e-5)
    assert name == "ESMC" or np.abs(noise).max(axis=2).min() > 0.1


@pytest.mark.slow
def test_no_other_algorithm_mirrors_all_its_members() -> None:
    assert {name for name, made in EVERY.items() if issubclass(made, Mirrored)} == {*MIRRORED}
    for name in {*EVERY} - {*MIRRORED} - {*BY_POPULATION}:
        found = away(name)
        if found is not None:
            noise = found[0]
            mirrored = np.abs(noise[:, :, None] + noise[:, None]).max(axis=3).min(axis=2) < 1e-5
            assert not (mirrored & (np.abs(noise).max(axis=2) > 0.0)).all(), name


def shaped(strategy: Mirrored, cost: list[float]) -> list[float]:
    shape: Any = strategy.arguments(SPACE)["fitness_shaping_fn"]
    return quickly_compiled(lambda cost: shape(None, cost, None, None))(np.asarray(cost, np.float32)).tolist()


def test_the_better_of_a_pair_costs_nothing_the_other_one_and_equals_a_half() -> None:
    cost = [3.0, 1.0, 5.0, 2.0, 1.0, 1.0, 9e9, np.nan]
    assert shaped(Open_ES(ranks="pairs"), cost) == [1.0, 0.5, 0.0, 0.5, 0.0, 0.5, 1.0, 0.5]
    assert shaped(ESMC(ranks="pairs"), [4.0, 4.0, 1.0, 7.0, 2.0, 6.0]) == [0.5, 0.5, 0.0, 1.0, 1.0, 0.0]


def test_only_the_order_within_pairs_counts_and_who_was_not_evaluated_says_nothing() -> None:
    strategy, members = Open_ES(ranks="pairs"), 6
    before = strategy.init(jax.random.key(0), SPACE, members)
    proposal, state = strategy.ask(jax.random.key(1), before, SPACE, members)

    def mean(fitness: list[float], status: list[Status]) -> np.ndarray:
        told = Told.of(proposal.genomes, jnp.asarray(fitness))._replace(status=jnp.asarray(status, jnp.int8))
        after = strategy.tell(jax.random.key(2), state, SPACE, told)
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(after))
        return np.asarray(after.mean)

    sound = [Status.OK] * members
    expected = mean([1.0, 5.0, 3.0, 2.0, 4.0, 3.0], sound)
    np.testing.assert_array_equal(mean([1e6, -7.0, 0.0, 2e6, -8.0, 0.0], sound), expected)
    assert not np.array_equal(mean([2.0, 5.0, 3.0, 1.0, 4.0, 3.0], sound), expected)
    missing = [Status.NOT_RUN, Status.OK, Status.OK, Status.OK, Status.OK, Status.NOT_RUN]
    left_out = mean([0.9, 5.0, 3.0, 2.0, 4.0, 0.9], missing)
    np.testing.assert_array_equal(left_out, mean([2.0, 5.0, 3.0, 2.0, 4.0, 3.0], sound))
    broken = mean([0.9, 5.0, 3.0, 2.0, 4.0, 3.0], [Status.NOT_FINITE, *sound[1:]])
    np.testing.assert_array_equal(broken, expected)


@pytest.mark.slow
def test_open_es_with_ranks_in_pairs_needs_117_to_118_generations_to_a_known_optimum() -> None:
    """``-|x - 1|^2`` in ten dimensions, 32 pairs, deviation 0.1, Adam with 0.01, from 0 to a distance of 0.1.

    A single seed takes 114 to 121; the median over many is the figure.
    """
    strategy = Open_ES(ranks="pairs", std=0.1, decay=1.0, learning_rate=0.1)

    def distances(seed: jax.Array) -> jax.Array:
        def generation(state: Any, key: jax.Array) -> tuple[Any, jax.Array]:
            proposal, state = strategy.ask(key, state, SPACE, 64)
            told = Told.of(proposal.genomes, -jnp.sum((proposal.genomes - 1.0) ** 2, axis=1))
            state = strategy.tell(key, state, SPACE, told)
            return state, jnp.linalg.norm(state.mean - 1.0)

        key = jax.random.key(seed)
        return jax.lax.scan(generation, strategy.init(key, SPACE, 64), jax.random.split(key, 130))[1]

    near = np.asarray(quickly_compiled(jax.vmap(distances))(np.arange(63))) < 0.1
    assert near.any(axis=1).all()
    first = 1 + near.argmax(axis=1)
    assert 117 <= np.median(first) <= 118
    assert 110 <= first.min() <= first.max() <= 125


WORDS: dict[str, Any] = {
    "candidate": {"recipe": "climb", "rule": {"toy_climb": {"slope": "free"}}},
    "strategy": {"Open_ES": {"ranks": "pairs"}},
    "objective": "toy_finalreturn",
    "population": 4,
    "generations": 2,
    "seeds": 2,
    "tasks": [{"task": "payday", "steps": 48}],
}


class Beginnings(Scripted):
    """Keeps how each member begins with each seed: what the agent and the level are, ``[P, S, ...]``."""

    def __init__(self) -> None:
        self.begun: list[Any] = []

    def curves(self, work: Work, progress: Any) -> Curves:
        each = jax.vmap(lambda member, key: begin(member, work.environment, key), in_axes=(None, 0))
        life = quickly_compiled(jax.vmap(each, in_axes=(0, None)))(work.candidates, work.keys)
        self.begun.append(jax.tree.map(raw, (life.key, life.params, life.actor)))
        nothing = np.zeros((*work.shape, 100), np.float32)
        return Curves(nothing, nothing, {}, np.ones(work.shape, bool), np.zeros(work.shape, np.int32))


def raw(leaf: jax.Array) -> np.ndarray:
    return np.asarray(jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf)


@pytest.mark.slow
def test_all_members_of_a_generation_meet_the_same_level_and_begin_with_the_same_agent() -> None:
    registry, executor = toys.plugins().registry, Beginnings()
    config = checked_config(registry, WORDS)
    evaluator = Evaluator(registry, config, Space(config.template), executor, progress=lambda what, share: None)
    for generation in (0, 1):
        evaluator.evaluate(np.asarray([[0.1], [-0.3], [0.2], [0.3]], np.float32), "search", generation, 2)
    first, second = executor.begun
    for leaf in jax.tree.leaves(first):
        np.testing.assert_array_equal(leaf, np.broadcast_to(leaf[:1], leaf.shape))
    level, later = first[2].task, second[2].task
    assert level.shape[:2] == (4, 2)
    assert not np.array_equal(level[:, 0], level[:, 1])  # another seed
    assert not np.array_equal(level, later)  # another generation


def test_what_has_no_pairs_is_refused_and_so_is_an_odd_population() -> None:
    registry = load_plugins(extra=[toys]).registry

    def message(strategy: Any, population: int = 4) -> str:
        with pytest.raises(UserError) as error:
            checked_config(registry, {**WORDS, "strategy": strategy, "population": population})
        return str(error.value)

    assert message({"CMA_ES": {"ranks": "pairs"}}) == (
        "strategy.CMA_ES: CMA_ES has no field 'ranks'; Known: std; 'ranks' is a field of " + ", ".join(MIRRORED) + "."
    )
    assert message({"Open_ES": {"ranks": "pairs"}}, 7) == (
        "population 7 does not suit the strategy 'Open_ES': it works with pairs, so take 8."
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", MIRRORED)
def test_each_keeps_the_promises_of_a_strategy_with_ranks_in_pairs(name: str) -> None:
    check_strategy(EVERY[name](ranks="pairs"))
