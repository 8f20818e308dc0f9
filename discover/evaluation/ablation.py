"""The ablation of a candidate: each of its values back at that of a known algorithm, all on the same fresh seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import jax
import numpy as np

from discover.base.errors import UserError
from discover.base.randomness import seed_keys
from discover.components.differences import Difference, differences, with_value_of
from discover.components.effective import effective
from discover.config.build import environment_from
from discover.contract.ablation import Ablated, Ablation, AblationInfo
from discover.contract.algorithm import Algorithm
from discover.contract.events import Status, TaskRun
from discover.contract.executor import Executor
from discover.contract.registry import Registry
from discover.contract.strategy import Objective, TaskReturns
from discover.evaluation.checks import check_lifetimes
from discover.inner_loop.isolation import outcomes_of
from discover.inner_loop.work import fresh_work
from discover.plugin.provenance import provenance

PURPOSE = "ablation"
"""The name of the stream of seeds."""


def ablate(
    registry: Registry,
    executor: Executor,
    candidates: tuple[Algorithm, Algorithm],
    runs: Sequence[TaskRun],
    *,
    objective: Objective,
    seeds: int,
    seed: int = 0,
    names: tuple[str, str] = ("champion", "known"),
    alone: bool = False,
    progress: Callable[[str, float], None] | None = None,
    started: Callable[[AblationInfo], object] | None = None,
) -> Ablation:
    """Put each value of a candidate back to that of a known algorithm, and train all of them with the same seeds.

    Values that do nothing are left out. Candidates that differ in numbers alone share one program.

    Args:
        registry: has the tasks.
        executor: where lifetimes run, as the objective has it.
        candidates: the candidate and the known algorithm.
        runs: tasks and steps of each lifetime.
        objective: turns the curves of each seed into a fitness.
        seeds: S >= 2.
        seed: of the stream that the S seeds come from.
        names: of the two.
        alone: whether to measure each value in the known algorithm too.
        progress: called with a description of the work in progress, and the share of the whole that is done.
        started: called when all is checked, and lifetimes are about to run.

    Raises:
        UserError: one seed, or one of the two cannot be trained; before the first lifetime.
    """
    if seeds < 2:
        raise UserError(f"an ablation needs 2 seeds or more, since one has no interval; got {seeds}.")
    one, other = _told_apart(*candidates)
    check_lifetimes(registry, {names[0]: one, names[1]: other}, runs)
    facts = provenance(registry)
    if started is not None:
        started(AblationInfo(dict(zip(names, candidates, strict=True)), tuple(runs), seeds, facts))
    found = _felt(one, other)
    members = [one, other, *(with_value_of(one, other, each.path) for each in found)]
    members += [with_value_of(other, one, each.path) for each in found if alone]
    fitness, env_steps = _fitness(
        registry, executor, members, runs, objective=objective, seeds=(seed, seeds), progress=progress
    )
    empty, count = np.zeros(0), len(found)
    parts = [
        Ablated(
            path=each.path,
            value=each.one,
            known=each.other,
            without=fitness[2 + place],
            alone=fitness[2 + count + place] if alone else empty,
        )
        for place, each in enumerate(found)
    ]
    return Ablation(
        candidate=names[0],
        known=names[1],
        runs=tuple(runs),
        fitness=fitness[0],
        known_fitness=fitness[1],
        parts=tuple(parts),
        env_steps=env_steps,
        provenance=facts,
    )


def _told_apart(one: Algorithm, other: Algorithm) -> tuple[Algorithm, Algorithm]:
    """The two without the parts that do nothing, or as they are where more values can be put back alone so.

    That is where a part does nothing in one of them alone: without it they have components of different classes there.
    """
    bare = effective(one), effective(other)
    return max(bare, (one, other), key=lambda pair: len(_felt(*pair)))


def _felt(one: Algorithm, other: Algorithm) -> list[Difference]:
    """The differences of two candidates, without those that change nothing if they are put back."""
    known = effective(one)
    return [each for each in differences(one, other) if differences(known, effective(with_value_of(one, other, each.path)))]


def _fitness(
    registry: Registry,
    executor: Executor,
    members: Sequence[Algorithm],
    runs: Sequence[TaskRun],
    *,
    objective: Objective,
    seeds: tuple[int, int],
    progress: Callable[[str, float], None] | None,
) -> tuple[np.ndarray, int]:
    """The fitness ``[M, S]`` of each member by seed, NaN where it broke, and the number of env steps."""
    groups, (seed, count) = list(_groups(members)), seeds
    work, places = [], []
    for task, run in enumerate(runs):
        environment, keys = environment_from(registry, run.task), seed_keys(seed, PURPOSE, count, 0, task)
        for group in groups:
            population = jax.tree.map(lambda *leaves: np.stack([np.asarray(x) for x in leaves]), *(members[i] for i in group))
            work.append(fresh_work(environment, population, keys, run.steps))
            places.append((task, group))
    returns = [np.full((len(members), count, 100), np.nan, np.float32) for _ in runs]
    broken, env_steps = np.zeros(len(members), bool), 0
    for done, (place, part) in enumerate(outcomes_of(executor, work)):
        task, group = places[place]
        returns[task][group] = part.returns
        broken[group] |= part.status != Status.OK
        env_steps += int(part.env_steps.sum())
        if progress is not None:
            progress(f"ablation: {runs[task].label}", (done + 1) / len(work))
    scales = [registry.get("task", run.task).facts for run in runs]
    alone = [np.reshape(each, (-1, 1, 100)) for each in returns]  # each seed by itself
    rated = objective([TaskReturns(r, f["random"], f["reference"]) for r, f in zip(alone, scales, strict=True)])
    fitness = np.reshape(np.asarray(rated, np.float64), (len(members), count))
    return np.where(broken[:, None], np.nan, fitness), env_steps


def _groups(members: Sequence[Algorithm]) -> Iterator[np.ndarray]:
    """The places of the members of each structure."""
    places: dict[object, list[int]] = {}
    for place, member in enumerate(members):
        shapes = tuple(np.shape(leaf) for leaf in jax.tree.leaves(member))
        places.setdefault((jax.tree.structure(member), shapes), []).append(place)
    yield from map(np.asarray, places.values())
