"""Adaptation from Python."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from discover.api.candidates import Candidate
from discover.api.comparing import algorithms_of
from discover.api.loaded import plugins
from discover.api.running import command_session, count, store_of, task_run

if TYPE_CHECKING:
    from discover.contract.adaptation import AdaptationPlan, AdaptationResult
    from discover.contract.algorithm import Algorithm
    from discover.contract.events import TaskRun
    from discover.plugin.session import Session


def adapt(
    candidates: Candidate | Sequence[Candidate] | Mapping[str, Candidate],
    task: str,
    *,
    episodes: int = 3,
    batch: int = 1,
    meta_steps: int = 100_000,
    seeds: int = 3,
    seed: int = 0,
    tasks: int = 40,
    horizon: int | None = None,
    greedy: bool = False,
    overrides: Mapping[str, Any] | None = None,
    tracking: bool | str = False,
) -> AdaptationResult:
    """Train candidates on a task family, and measure how they adapt to tasks of it that are new to them.

    Args:
        candidates: one of them (see `load`), several, or a mapping that sets their names.
        task: name of the task family; new tasks are drawn from it by a random stream of their own.
        episodes: of adaptation on each new task, in all.
        batch: of these, how many at a time: the agent adapts after each batch, and its return is the mean over one.
        meta_steps: env steps of each training on the family.
        seeds: number of agents of each candidate; one has no interval.
        seed: of the stream that all seeds come from.
        tasks: number of new tasks of each agent.
        horizon: the most steps of an episode that count; by default those of the longest episode of an untrained agent.
        greedy: act greedily in the episodes that are shown, which are then others than those to adapt from.
        overrides: other values of candidates by dotted path, as in `compare`.
        tracking: whether to track the adaptation, or the address of the store.

    Returns:
        The returns with their intervals: it prints as a table, and `AdaptationResult.plot` draws them.

    Raises:
        UserError: the task is no family, a candidate is unknown or cannot be trained on it, or a number does not fit.
        EvaluationError: a candidate's program cannot be compiled or run.
    """
    from discover.config.candidates import check_different
    from discover.contract.adaptation import AdaptationPlan
    from discover.contract.algorithm import Algorithm

    alone = isinstance(candidates, str | os.PathLike | Algorithm)
    several = cast("Sequence[Candidate] | Mapping[str, Candidate]", [candidates] if alone else candidates)
    algorithms = algorithms_of(several, overrides or {}, store_of(tracking))
    check_different(plugins(), algorithms)
    numbers = {"episodes": episodes, "batch": batch, "tasks": tasks}
    plan = AdaptationPlan(
        **{name: count(name, value) for name, value in numbers.items()},
        horizon=None if horizon is None else count("horizon", horizon),
        greedy=bool(greedy),
    )
    plan.check()
    run, seeds, seed = task_run(task, count("meta_steps", meta_steps)), count("seeds", seeds), count("seed", seed, 0)
    with command_session("adapt", tracking) as running:
        result = adapt_in(running, algorithms, run, plan, seeds=seeds, seed=seed)
    return dataclasses.replace(result, facts=running.facts)


def adapt_in(
    running: Session,
    algorithms: Mapping[str, Algorithm],
    run: TaskRun,
    plan: AdaptationPlan,
    *,
    seeds: int,
    seed: int,
) -> AdaptationResult:
    """Let candidates adapt in a session that is open already, see `adapt`."""
    from discover.config.search_config import default_executor
    from discover.evaluation.adapt import adapt as adapted

    registry = running.plugins.registry
    return adapted(
        registry,
        default_executor(registry),
        algorithms,
        run,
        plan=plan,
        seeds=seeds,
        seed=seed,
        progress=running.progress,
        tell=running.plugins.tell,
    )
