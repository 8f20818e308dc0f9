"""Who sees which random numbers in a search: all members the same, every generation, task and purpose others."""

from pathlib import Path
from typing import Any

import numpy as np
import toys

from discover import hookimpl
from discover.events import Generation, SearchResult
from discover.plugins import load_plugins
from discover.search import search

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
    """One candidate throughout: what differs in its returns is luck alone."""
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
    steps = 2 * 2 * (40 + 48)
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
