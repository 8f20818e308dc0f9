"""Who sees which random numbers in a search: all members the same, every generation, task and purpose others."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from scripted import Scripted

from discover import Done, Executor, Space, UserError, Work, hookimpl
from discover.config.search_config import checked_config
from discover.contract.events import Generation, Status
from discover.contract.executor import Curves
from discover.contract.results import SearchResult
from discover.outer_loop.fitness import Evaluator
from discover.outer_loop.search import search
from discover.plugin.loader import load_plugins

WORDS: dict[str, Any] = {
    "name": "seeds",
    "candidate": {"recipe": "climb", "rule": {"toy_climb": {"slope": "free", "noise": 0.5}}},
    "strategy": {"toy_turns": {"genomes": [[[0.1], [0.1]]] * 3}},
    "objective": "toy_finalreturn",
    "population": 2,
    "generations": 3,
    "seeds": 2,
    "finalists": 1,
    "selection_seeds": 2,
    "tasks": [{"task": "payday", "steps": 40}, {"task": "payday", "steps": 48}],
}


def searched(directory: Path, **change: Any) -> tuple[list[Generation], SearchResult]:
    generations: list[Generation] = []

    class Watcher:
        @hookimpl
        def discover_generation_done(self, generation: Generation) -> None:
            generations.append(generation)

    result = search(load_plugins(extra=[toys, Watcher()]), {**WORDS, **change}, directory)
    return generations, result


def test_members_share_seeds_and_generations_tasks_and_the_selection_do_not(tmp_path: Path) -> None:
    """One candidate throughout, which runs once in each generation: what differs in its returns is luck alone."""
    generations, result = searched(tmp_path)
    first, *others = generations
    for generation in generations:
        for task in generation.returns:
            np.testing.assert_array_equal(task[0], task[1])
            assert np.all(task[0, 0] != task[0, 1])
    shown = [task[0, :, -1] for generation in generations for task in generation.returns]
    assert len(np.unique(np.concatenate(shown))) == 3 * 2 * 2
    early = [task[0, :, 0] for task in first.returns]  # the first episode, which does not know how long the lifetime is
    assert np.all(early[0] != early[1])
    assert all(np.all(other.fitness != first.fitness) for other in others)
    assert not np.isin(result.finalist_fitness, [generation.fitness for generation in generations]).any()
    steps = 2 * (40 + 48)
    assert [generation.env_steps_so_far for generation in generations] == [steps, 2 * steps, 3 * steps]


def test_it_is_told_what_is_evaluated_and_which_share_is_done(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    words = {**WORDS, "generations": 1, "strategy": {"toy_listed": {"genomes": [[0.1], [0.2]]}}}
    search(load_plugins(extra=[toys]), words, tmp_path, progress=lambda *what: told.append(what))
    labels = [f"{purpose} 1: payday @ {steps}" for purpose in ("search", "selection") for steps in (40, 48)]
    assert told[:4] == list(zip(labels, (0.0, 0.5, 0.0, 0.5), strict=True))


def test_a_strategy_draws_anew_in_every_generation(tmp_path: Path) -> None:
    generations, _ = searched(tmp_path, strategy="toy_hill", tasks=WORDS["tasks"][:1])
    apart = [float(np.diff(generation.genomes[:, 0])[0]) for generation in generations]
    assert len(set(np.round(apart, 4))) == 3


def test_what_broke_is_counted_over_all_generations_and_the_best_and_the_lowest_are_kept(tmp_path: Path) -> None:
    candidate = {"recipe": "climb", "rule": {"toy_climb": {"slope": "free", "noise": 0.0, "limit": 30.0}}}
    genomes = [[[0.5], [9.0]], [[9.0], [9.0]], [[0.2], [9.0]]]
    generations, result = searched(tmp_path, candidate=candidate, strategy={"toy_turns": {"genomes": genomes}})
    assert [dict(generation.broken_so_far) for generation in generations] == [{"not_finite": n} for n in (1, 3, 4)]
    assert result.broken == {"not_finite": 4}
    assert [generation.best_fitness for generation in generations] == [generations[0].fitness[0]] * 3


class Known(Scripted):
    """Returns the slope times the horizon; what lies above the limit is broken on the longer task alone."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int, int]] = []

    def curves(self, work: Work, progress: Any) -> Curves:
        rule, steps = work.candidates.rule, 8 * work.total
        slope, limit = rule.slope, rule.limit
        self.asked.append((*work.shape, steps))
        returns = np.broadcast_to((slope * steps)[:, None, None], (*work.shape, 100)).astype(np.float32)
        finite = np.ones(work.shape, bool)
        finite[:, -1] = (slope <= limit) | (steps < 48)
        return Curves(returns, returns, {}, finite, np.full(finite.shape, steps, np.int32))


def by(executor: Executor, told: list[tuple[str, float]] | None = None, **change: Any) -> tuple[Evaluator, Space]:
    """An evaluator of one task of 48 and then one of 40 env steps."""
    registry = toys.plugins().registry
    tasks = [{"task": "payday", "steps": 48}, {"task": "payday", "steps": 40}]
    config = checked_config(registry, {**WORDS, "tasks": tasks, **change})
    space = Space(config.template)
    notes = [] if told is None else told
    return Evaluator(registry, config, space, executor, progress=lambda what, share: notes.append((what, share))), space


def test_a_member_that_broke_on_one_task_stays_broken_and_just_below_the_lowest_sound_one() -> None:
    options = [{"toy_climb": {"slope": "free", "limit": limit}} for limit in (0.0, 1e6)]
    told: list[tuple[str, float]] = []
    executor = Known()
    evaluator, space = by(executor, told, candidate={"recipe": "climb", "rule": {"choice": options}})
    genomes = np.asarray([[0, 1, 0.1, 0.6], [1, 0, 0.6, 0.1], [0, 1, 0.1, 0.2], [1, 0, -0.6, 0.1]], np.float32)
    slopes = [float(space.decode(genome).rule.slope) for genome in genomes]
    assert slopes[0] > slopes[2] > 0 > slopes[3]
    made = evaluator.evaluate(genomes, "selection", 1, 3)
    assert made.status.tolist() == [Status.OK, Status.NOT_FINITE, Status.OK, Status.OK]
    expected = np.asarray([44 * slope for slope in slopes], np.float32)
    np.testing.assert_allclose(made.fitness[[0, 2, 3]], expected[[0, 2, 3]], rtol=1e-6)
    assert made.fitness[1] == np.nextafter(made.fitness[3], np.float32(-np.inf))
    for task, steps in enumerate((48, 40)):
        assert made.returns[task].shape == (4, 3, 100)
        np.testing.assert_allclose(made.returns[task][:, 2, 7], np.asarray(slopes, np.float32) * steps, rtol=1e-6)
    assert (made.structures, made.env_steps, made.errors) == (2, 4 * 3 * (48 + 40), {})
    assert 0 < made.seconds < 60
    assert sorted(executor.asked) == [(2, 3, 40), (2, 3, 40), (2, 3, 48), (2, 3, 48)]
    assert told == list(
        zip(["selection 2: payday @ 48"] * 2 + ["selection 2: payday @ 40"] * 2, (0, 0.25, 0.5, 0.75), strict=True)
    )
    lower = evaluator.evaluate(genomes, "selection", 1, 3, lowest=-1e6).fitness
    assert lower[1] == np.nextafter(np.float32(-1e6), np.float32(-np.inf))
    alone = evaluator.evaluate(genomes[[1]], "selection", 1, 3)
    assert (alone.fitness.tolist(), alone.env_steps) == ([-1e9], 3 * 88)


def test_copies_are_evaluated_once_and_share_all_that_happened() -> None:
    executor = Known()
    evaluator, _ = by(executor, candidate={"recipe": "climb", "rule": {"toy_climb": {"slope": "free", "limit": 0.0}}})
    genomes = np.asarray([[-0.1], [0.9], [-0.1], [-0.2], [0.9], [-0.1]], np.float32)
    made = evaluator.evaluate(genomes, "search", 0, 2)
    assert executor.asked == [(3, 2, 48), (3, 2, 40)]
    assert made.env_steps == 3 * 2 * (48 + 40)
    assert made.status.tolist() == [Status.OK, Status.NOT_FINITE, Status.OK, Status.OK, Status.NOT_FINITE, Status.OK]
    assert made.fitness[0] == made.fitness[2] == made.fitness[5] != made.fitness[3]
    for returns in made.returns:
        np.testing.assert_array_equal(returns[[0, 1]], returns[[2, 4]])


def test_a_fitness_that_is_no_number_breaks_its_member() -> None:
    class Odd(Known):
        def curves(self, work: Work, progress: Any) -> Curves:
            made = super().curves(work, progress)
            return made._replace(episode_return=np.where(made.episode_return < 0, np.float32(3e38), made.episode_return))

    evaluator, _ = by(Odd())
    with np.errstate(over="ignore"):  # the mean of such returns is infinite
        made = evaluator.evaluate(np.asarray([[0.5], [-0.5]], np.float32), "search", 0, 2)
    assert made.status.tolist() == [Status.OK, Status.NOT_FINITE]
    assert made.fitness[1] == np.nextafter(made.fitness[0], np.float32(-np.inf))


def test_agents_that_stay_alive_need_one_structure_and_an_update_for_each_generation() -> None:
    options = [{"toy_climb": {"slope": "free", "steps": steps}} for steps in (4, 5)]
    evaluator, _ = by(Known(), candidate={"recipe": "climb", "rule": {"choice": options}})
    with pytest.raises(UserError, match=r"which needs one structure, but the space holds 2: take the choices"):
        evaluator.ongoing_form(2, 2)
    evaluator, _ = by(Known())
    evaluator.check_shares(5)
    with pytest.raises(UserError, match=r"^payday @ 40 has 5 updates for 6 generations of a strategy that keeps agents alive"):
        evaluator.check_shares(6)
    assert [jax.tree.leaves(life)[0].shape[:2] for life in evaluator.ongoing_form(3, 2)] == [(3, 2)] * 2


class Life(NamedTuple):
    """A lifetime that knows whose it was at first."""

    key: jax.Array
    first: jax.Array


class Ongoing(Known):
    """Returns whose lifetime it was at first, in whole numbers, and a hundredth of what is gone on with."""

    def made(self, work: Work, progress: Any) -> Done:
        self.asked.append((work.start, work.stop, work.total))
        life = work.ongoing or self.begun(work)
        scores = np.asarray(life.first) + np.asarray(work.candidates.rule.slope)[:, None] / 100
        returns = np.broadcast_to(scores[..., None], (*scores.shape, 100)).astype(np.float32)
        env_steps = np.full(scores.shape, 8 * (work.stop - work.start), np.int32)
        return Done(Curves(returns, returns, {}, np.ones(scores.shape, bool), env_steps), life)

    def begun(self, work: Work) -> Life:
        first = jnp.broadcast_to(jnp.arange(work.shape[0])[:, None], work.shape)
        return Life(jnp.broadcast_to(work.keys[None], work.shape), first)


def test_agents_that_stay_alive_go_on_with_their_share_of_the_updates_in_each_generation() -> None:
    executor, told = Ongoing(), list[tuple[str, float]]()
    evaluator, space = by(executor, told)
    genomes, ongoing, found = np.asarray([[0.1], [0.5]], np.float32), (), []
    slopes = [float(space.decode(genome).rule.slope) for genome in genomes]
    for index, parents in enumerate([[0, 1], [1, 0], [0, 0]]):
        ongoing, made = evaluator.go_on(genomes, np.asarray(parents), ongoing, index=index, generations=3, seeds=2)
        assert made.status.tolist() == [Status.OK] * 2
        assert (made.structures, made.errors, [task.shape for task in made.returns]) == (1, {}, [(2, 2, 100)] * 2)
        found.append((made.fitness - np.asarray(slopes) / 100, made.env_steps))
    assert executor.asked == [(0, 2, 6), (0, 1, 5), (2, 4, 6), (1, 3, 5), (4, 6, 6), (3, 5, 5)]
    np.testing.assert_allclose([fitness for fitness, _ in found], [[0, 1], [1, 0], [1, 1]], atol=1e-5)
    assert [env_steps for _, env_steps in found] == [2 * 2 * 8 * updates for updates in (3, 4, 4)]
    labels = [f"search {generation}: payday @ {steps}" for generation in (1, 2, 3) for steps in (48, 40)]
    assert told == list(zip(labels, (0.0, 0.5) * 3, strict=True))
