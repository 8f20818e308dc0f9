"""Members that are worth less effort than others: fewer seeds, a shorter life, or none at all."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from scripted import Scripted

from discover import Proposal, Registry, Space, Strategy, Told, UserError, Work, component, hookimpl
from discover.config.search_config import checked_config
from discover.contract.events import Generation, Status
from discover.contract.executor import Curves
from discover.outer_loop.effort import Effort, effort_of
from discover.outer_loop.fitness import Evaluator
from discover.outer_loop.search import search
from discover.plugin.loader import load_plugins

WORDS: dict[str, Any] = {
    "candidate": {"recipe": "climb", "rule": {"toy_climb": {"slope": "free", "noise": 0.5}}},
    "strategy": "toy_hill",
    "objective": "toy_finalreturn",
    "population": 3,
    "generations": 2,
    "seeds": 3,
    "finalists": 2,
    "selection_seeds": 2,
    "tasks": [{"task": "payday", "steps": 48}, {"task": "payday", "steps": 40}],
}
GENOMES = np.asarray([[0.1], [0.2], [0.1], [0.3]], np.float32)


class Lucky(Scripted):
    """Returns the slope and the luck of the seed."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int, int]] = []

    def curves(self, work: Work, progress: Any) -> Curves:
        self.asked.append((*work.shape, work.total))
        luck = (np.asarray(jax.random.key_data(work.keys))[:, -1] % 1000) / 1000
        returns = np.broadcast_to((work.candidates.rule.slope[:, None] + luck)[..., None], (*work.shape, 100))
        steps = np.full(work.shape, 8 * work.total, np.int32)
        return Curves(returns.astype(np.float32), returns, {}, np.ones(work.shape, bool), steps)


def evaluated(seeds: list[int], budget: list[float], seed_count: int = 3) -> tuple[Any, Lucky]:
    executor, registry = Lucky(), toys.plugins().registry
    config = checked_config(registry, WORDS)
    evaluator = Evaluator(registry, config, Space(config.template), executor, progress=lambda what, share: None)
    effort = Effort(np.asarray(seeds, np.int32), np.asarray(budget, np.float32))
    return evaluator.evaluate(GENOMES, "search", 0, seed_count, effort=effort), executor


def test_members_get_the_seeds_and_the_budget_that_they_are_worth() -> None:
    made, executor = evaluated([3, 1, 2, 0], [1.0, 1.0, 0.5, 1.0])
    assert sorted(executor.asked) == [(1, 1, 5), (1, 1, 6), (1, 2, 2), (1, 2, 3), (1, 3, 5), (1, 3, 6)]
    assert made.status.tolist() == [Status.OK, Status.OK, Status.OK, Status.NOT_RUN]
    assert made.cost.tolist() == [3 * 88, 88, 2 * 8 * 5, 0]
    assert made.env_steps == sum(made.cost)
    for task in made.returns:
        runs = np.isfinite(task).all(axis=2)
        np.testing.assert_array_equal(runs, [[1, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 0]])
        np.testing.assert_array_equal(task[2, :2], task[0, :2])  # the same candidate with the same seeds
    assert made.fitness[3] == np.nextafter(made.fitness[:3].min(), np.float32(-np.inf))


def test_a_strategy_is_told_how_sure_a_fitness_is_and_what_it_cost() -> None:
    made, _ = evaluated([3, 1, 2, 0], [1.0, 1.0, 0.5, 1.0])
    told = made.told(jnp.asarray(GENOMES))
    lives = np.mean([task[:, :, -1] for task in made.returns], axis=0)  # [P, S]: tasks weigh the same
    np.testing.assert_allclose(told.fitness[0], lives[0].mean(), rtol=1e-6)
    np.testing.assert_allclose(told.spread[0], lives[0].std(ddof=1) / np.sqrt(3), rtol=1e-4)
    np.testing.assert_allclose(told.spread[2], lives[2, :2].std(ddof=1) / np.sqrt(2), rtol=1e-4)
    assert np.isinf(told.spread[np.asarray([1, 3])]).all()
    assert told.seeds.tolist() == [3, 1, 2, 0]
    assert told.cost.tolist() == made.cost.tolist()
    assert [task.shape for task in told.returns] == [(4, 3, 100)] * 2
    assert made.first(2).told(jnp.asarray(GENOMES[:2])).cost.tolist() == [264, 88]


def test_copies_are_those_of_one_effort() -> None:
    made, executor = evaluated([2, 0, 2, 2], [1.0] * 4)
    assert sorted(executor.asked) == [(2, 2, 5), (2, 2, 6)]
    assert made.cost.tolist() == [176, 0, 176, 176]
    assert made.env_steps == 2 * 176


def test_seeds_are_at_most_those_of_the_config_and_a_budget_is_a_share() -> None:
    genomes = jnp.zeros((3, 1))
    assert effort_of(Proposal(genomes), 2).seeds.tolist() == [2, 2, 2]
    assert effort_of(Proposal(genomes, seeds=jnp.array([-1, 1, 9])), 2).seeds.tolist() == [0, 1, 2]
    for wrong in (0.0, 1.5, float("nan")):
        with pytest.raises(UserError, match=r"^the strategy proposes a budget of .*: give each member more than 0"):
            effort_of(Proposal(genomes, budget=jnp.array([1.0, wrong, 1.0])), 2)


@component
class Choosy(Strategy):
    """Gives three members different effort; they keep what they were told."""

    ongoing: bool = False

    def init(self, key: jax.Array, space: Space, population: int) -> Any:
        return Told.of(jnp.zeros((population, 1)), jnp.zeros(population))._replace(returns=(jnp.zeros((3, 3, 100)),) * 2)

    def ask(self, key: jax.Array, state: Any, space: Space, population: int) -> tuple[Proposal, Any]:
        parents = jnp.arange(3) if self.ongoing else None
        genomes = jnp.asarray([[0.1], [0.2], [0.3]])
        return Proposal(genomes, parents, jnp.array([2, 0, 1]), jnp.array([1.0, 1.0, 0.5])), state

    def tell(self, key: jax.Array, state: Any, space: Space, told: Told) -> Any:
        return told


class Watcher:
    """A plugin that brings the strategy, and keeps the generations."""

    def __init__(self) -> None:
        self.generations: list[Generation] = []

    @hookimpl
    def discover_register(self, registry: Registry) -> None:
        registry.add("choosy", Choosy)

    @hookimpl
    def discover_generation_done(self, generation: Generation) -> None:
        self.generations.append(generation)


@pytest.mark.slow
def test_a_search_leaves_out_members_that_are_worth_no_seeds(tmp_path: Path) -> None:
    watcher = Watcher()
    result = search(load_plugins(extra=[toys, watcher]), {**WORDS, "strategy": "choosy"}, tmp_path / "it")
    for generation in watcher.generations:
        assert generation.status.tolist() == [Status.OK, Status.NOT_RUN, Status.OK]
        assert generation.env_steps == 2 * 88 + 8 * (3 + 2)  # half of 5 updates are 2
        assert generation.broken_so_far == {}
    assert result.broken == {}
    assert 0.2 not in np.round(result.finalists, 3)  # it was never evaluated
    with pytest.raises(UserError, match=r"^the strategy keeps agents alive, .*: propose parents, or seeds and budget.$"):
        search(load_plugins(extra=[toys, watcher]), {**WORDS, "strategy": {"choosy": {"ongoing": True}}}, tmp_path / "no")


def test_elites_are_evaluated_again_beside_the_population_and_the_strategy_knows_nothing_of_it(tmp_path: Path) -> None:
    plain, watched = Watcher(), Watcher()
    words = {**WORDS, "tasks": WORDS["tasks"][:1]}
    search(load_plugins(extra=[toys, plain]), words, tmp_path / "plain")
    search(load_plugins(extra=[toys, watched]), {**words, "elites": 2}, tmp_path / "elites")
    (first, second), (same, more) = plain.generations, watched.generations
    np.testing.assert_array_equal(first.fitness, same.fitness)
    np.testing.assert_array_equal(second.fitness, more.fitness)
    assert (same.env_steps, more.env_steps) == (first.env_steps, second.env_steps + 2 * 3 * 48)
    assert second.best_fitness == max(first.fitness.max(), second.fitness.max())  # no candidate was evaluated again
    assert more.best_fitness not in np.concatenate([first.fitness, second.fitness])
    with pytest.raises(UserError, match=r"^elites 1 does not go with a strategy that keeps agents alive"):
        search(load_plugins(extra=[toys]), {**words, "elites": 1, "strategy": "pbt"}, tmp_path / "no")
