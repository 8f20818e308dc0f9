"""Ablations from Python."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from discover.api.candidates import Candidate, load, name_of, settled
from discover.api.running import command_session, count, store_of, task_runs

if TYPE_CHECKING:
    from discover.contract.ablation import Ablation, AblationInfo
    from discover.contract.algorithm import Algorithm
    from discover.contract.events import TaskRun
    from discover.plugin.session import Session


def ablate(
    candidate: Candidate,
    against: Candidate,
    tasks: Sequence[str] | Mapping[str, int] | str,
    *,
    steps: int = 100_000,
    seeds: int = 16,
    seed: int = 0,
    alone: bool = False,
    overrides: Mapping[str, Any] | None = None,
    tracking: bool | str = False,
) -> Ablation:
    """Measure what each choice and number of a candidate pays beside a known algorithm.

    Each value by which the two differ is put back to the known algorithm's, one at a time, and all are trained on the same
    fresh seeds. The fitness is the mean over tasks of the final return, on a scale where a random policy has 0 and the task's
    reference return 1.

    Args:
        candidate: the candidate in question (see `load`).
        against: the known algorithm.
        tasks: the name of a task, several names, or a mapping from names to the env steps on each task.
        steps: env steps of each lifetime, unless ``tasks`` is a mapping.
        seeds: number of lifetimes on each task, with and without each value; two or more.
        seed: seed of the random stream from which all seeds are drawn.
        alone: whether to measure each value in the known algorithm too, which doubles the cost.
        overrides: other values of the candidate by dotted path.
        tracking: whether to track the ablation, or the address of the store.

    Returns:
        The ablation: it prints as a table with a verdict, and `Ablation.plot` draws it.

    Raises:
        UserError: one seed, an unknown task, or one of the two cannot be trained; before any lifetime runs.
    """
    store = store_of(tracking)
    found, known = settled(candidate, store), settled(against, store)
    algorithms = load(found, overrides=overrides, store=store), load(known, store=store)
    runs, seeds, seed = task_runs(tasks, steps), count("seeds", seeds, 2), count("seed", seed, 0)
    with command_session("ablate", tracking) as running:
        ablation = ablate_in(running, algorithms, (name_of(found), name_of(known)), runs, seeds=seeds, seed=seed, alone=alone)
    return dataclasses.replace(ablation, facts=running.facts)


def ablate_in(
    running: Session,
    algorithms: tuple[Algorithm, Algorithm],
    names: tuple[str, str],
    runs: Sequence[TaskRun],
    *,
    seeds: int,
    seed: int,
    alone: bool,
) -> Ablation:
    """Ablate in a session that is open already, see `ablate`."""
    from discover.config.build import component_from, environment_from
    from discover.config.keys import defaults
    from discover.config.search_config import default_executor
    from discover.contract.strategy import Objective
    from discover.evaluation.ablation import ablate as ablated

    registry, tell = running.plugins.registry, running.plugins.tell
    begun: list[AblationInfo] = []

    def started(info: AblationInfo) -> None:
        begun.append(info)
        tell("discover_ablation_started", search=None, ablation=info)

    objective = component_from(registry, Objective, defaults()["objective"], "objective")
    environments = [environment_from(registry, run.task) for run in runs]
    executor = default_executor(registry).settle(seeds, algorithms[0], environments)
    try:
        ablation = ablated(
            registry,
            objective.executor(executor),
            algorithms,
            runs,
            objective=objective,
            seeds=seeds,
            seed=seed,
            names=names,
            alone=alone,
            progress=running.progress,
            started=started,
        )
    except BaseException as error:
        if begun:
            tell("discover_ablation_failed", ablation=begun[0], error=error)
        raise
    tell("discover_ablation_finished", search=None, ablation=ablation)
    return ablation
