"""Training of one candidate on one task over several seeds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from discover.base.errors import UserError
from discover.base.randomness import seed_keys
from discover.base.statistics import Interval, bootstrap_interval
from discover.config.build import config_of, environment_from
from discover.config.candidate_file import fingerprint_of
from discover.contract.algorithm import Algorithm
from discover.contract.events import Status, TaskRun, TrainingInfo
from discover.contract.executor import Executor
from discover.contract.registry import Registry
from discover.contract.results import Training
from discover.evaluation.agent_file import save_agents
from discover.evaluation.checks import check_lifetime
from discover.evaluation.telling import tell_nobody
from discover.inner_loop.agents import Learned, learned_of
from discover.inner_loop.reasons import translate_errors
from discover.inner_loop.status import statuses
from discover.inner_loop.work import fresh_work, run_alone
from discover.plugin.provenance import provenance
from discover.storage.files import check_empty

FINAL_ROWS = 2
"""Rows of the curve that the end-of-training return averages: the last two percent of the lifetime."""


def train(
    registry: Registry,
    executor: Executor,
    name: str,
    algorithm: Algorithm,
    *,
    run: TaskRun,
    seeds: int,
    seed: int = 0,
    purpose: str = "train",
    progress: Callable[[float], None] | None = None,
    facts: Mapping[str, Any] | None = None,
    tell: Callable[..., object] | None = None,
    keep: Callable[[Sequence[Learned]], None] | None = None,
    agents: Path | None = None,
) -> Training:
    """Train ``algorithm`` from scratch with each of S seeds.

    Args:
        registry: has the task.
        executor: where to run.
        name: of the candidate in the report.
        algorithm: a complete candidate.
        run: task and env-step budget of each lifetime.
        seeds: S.
        seed: of the stream that the S seeds come from.
        purpose: name of that stream; streams of different purposes share no key.
        progress: called from time to time with the share that is done.
        facts: provenance, if the caller has it already.
        tell: called with the name of a hook and its arguments when the training starts, fails or has finished.
        keep: receives the arrays of the agents of all seeds; then all agents stay in memory until the end.
        agents: a folder that is empty or not there yet, in which the agents of all seeds are kept, a file each.

    Raises:
        UserError: an open value, an unknown task, a head that the network cannot give, a budget below one update.
        EvaluationError: the candidate's program cannot be compiled or run, or asks to exit.
    """
    check_lifetime(registry, name, algorithm, run)
    tell = tell or tell_nobody
    facts = provenance(registry) if facts is None else facts
    info = TrainingInfo(
        name=name,
        algorithm=algorithm,
        run=run,
        seeds=seeds,
        fingerprint=fingerprint_of(registry, algorithm),
        provenance=facts,
    )
    if agents is not None:
        check_empty(agents, "agents folder")
    learned: list[Learned] = []
    tell("discover_training_started", training=info)
    try:
        training = train_checked(
            registry,
            executor,
            name,
            algorithm,
            run=run,
            seeds=seeds,
            seed=seed,
            purpose=purpose,
            progress=progress,
            facts=facts,
            keep=keep if agents is None else learned.extend,
        )
        if agents is not None:
            save_agents(agents, registry, training, learned)
            training = replace(training, agents=agents)
    except BaseException as error:
        tell("discover_training_failed", training=info, error=error)
        raise
    tell("discover_training_finished", training=training)
    return training


def train_checked(
    registry: Registry,
    executor: Executor,
    name: str,
    algorithm: Algorithm,
    *,
    run: TaskRun,
    seeds: int,
    seed: int,
    purpose: str,
    progress: Callable[[float], None] | None,
    facts: Mapping[str, Any],
    keep: Callable[[Sequence[Learned]], None] | None = None,
) -> Training:
    """`train`, for a candidate that passed `check_lifetime` already; ``facts`` is its provenance."""
    environment, keys = environment_from(registry, run.task), seed_keys(seed, purpose, seeds)
    candidates = jax.tree.map(lambda x: np.asarray(x)[None], algorithm)
    with translate_errors(f"'{name}' cannot be trained on {run.label}", "repair the component that raises this"):
        executor = executor.settle(seeds, algorithm, [environment])
        started = time.perf_counter()
        work = fresh_work(environment, candidates, keys, run.steps, keep=keep is not None)
        done = run_alone(executor, work, progress)
        if keep is not None:
            keep(learned_of(algorithm, done.lifetimes))
    seconds = time.perf_counter() - started
    curves = done.curves
    returns, status = curves.episode_return[0, :, -FINAL_ROWS:].mean(axis=-1), statuses(curves)[0]
    return Training(
        name=name,
        algorithm=algorithm,
        run=run,
        curves=curves.episode_return[0],
        lengths=curves.episode_length[0],
        info={key: value[0] for key, value in curves.info.items()},
        returns=returns,
        status=status,
        interval=_interval(returns, status),
        env_steps=int(curves.env_steps.sum(dtype=np.int64)),
        seconds=seconds,
        provenance={**facts, "executor": repr(executor)},
        stream=f"{purpose} {seed}",
        words=_words(registry, algorithm),
        references=references_of(registry, run.task),
    )


def _words(registry: Registry, algorithm: Algorithm) -> Any:
    """The candidate as in a config; None if a component of it is not registered, so that it has no name."""
    try:
        return config_of(registry, algorithm)
    except UserError:
        return None


def references_of(registry: Registry, task: str) -> tuple[float, float] | None:
    """The returns of a random and of a reference policy, if the task is registered with them."""
    if not registry.has("task", task):
        return None
    facts = registry.get("task", task).facts
    return float(facts["random"]), float(facts["reference"])


def _interval(returns: np.ndarray, status: np.ndarray) -> Interval:
    """The interquartile mean with its 95 % interval (`bootstrap_interval`), from ``[S]`` returns.

    For 10 seeds the interval covers the true value in about 97 % of simulated cases (experiments/statistics.md). One seed has
    no interval (NaN); if a seed broke, the estimate is NaN too.
    """
    if (status != Status.OK).any():
        return Interval(np.nan, np.nan, np.nan)
    if len(returns) == 1:
        return Interval(np.nan, float(returns[0]), np.nan)
    return bootstrap_interval(returns)
