"""Training from Python."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discover.api.candidates import Candidate, load, name_of, settled
from discover.api.running import command_session, count, store_of, task_run

if TYPE_CHECKING:
    from discover.contract.algorithm import Algorithm
    from discover.contract.events import TaskRun
    from discover.contract.results import Training
    from discover.plugin.session import Session


def train(
    candidate: Candidate,
    task: str,
    *,
    steps: int = 100_000,
    seeds: int = 10,
    seed: int = 0,
    name: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    tracking: bool | str = False,
    agents: str | os.PathLike[str] | None = None,
) -> Training:
    """Train one candidate from scratch on one task, with several seeds.

    Args:
        candidate: see `load`.
        task: name of the task.
        steps: env steps of each lifetime.
        seeds: how many lifetimes with different seeds.
        seed: of the stream that all seeds come from.
        name: of the candidate in what is reported; what ``candidate`` calls it, with its overrides, unless given.
        overrides: other values of the candidate by dotted path, such as ``{"rule.ppo.clip": 0.3}``.
        tracking: whether, or where, the training is tracked.
        agents: a new folder that keeps the trained agents, a file per seed, for `evaluate`.

    Returns:
        The training: it prints as a table, and `Training.plot` draws its learning curve.

    Raises:
        UserError: the task is unknown, the candidate cannot be trained on it, or the steps do not suffice for one update.
        EvaluationError: the candidate's program cannot be compiled or run.
    """
    from discover.config.overrides import changed_name, changes_of

    candidate = settled(candidate, store_of(tracking))
    algorithm = load(candidate, overrides=overrides, store=store_of(tracking))
    name = name or changed_name(name_of(candidate), changes_of(overrides))
    seeds, seed = count("seeds", seeds), count("seed", seed, 0)
    folder = None if agents is None else Path(agents)
    with command_session("train", tracking) as running:
        training = train_in(running, name, algorithm, run=task_run(task, steps), seeds=seeds, seed=seed, agents=folder)
    return dataclasses.replace(training, facts=running.facts)


def train_in(
    running: Session,
    name: str,
    algorithm: Algorithm,
    *,
    run: TaskRun,
    seeds: int,
    seed: int,
    agents: Path | None = None,
) -> Training:
    """Train a candidate in a session that is open already, see `train`."""
    from discover.config.search_config import default_executor
    from discover.evaluation.train import train as trained

    registry = running.plugins.registry
    return trained(
        registry,
        default_executor(registry),
        name,
        algorithm,
        run=run,
        seeds=seeds,
        seed=seed,
        progress=lambda share: running.progress(f"{name} on {run.label}", share),
        tell=running.plugins.tell,
        agents=agents,
    )
