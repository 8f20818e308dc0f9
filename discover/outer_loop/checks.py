"""Checks of a search before it begins: its first candidate and its baselines are traced on their tasks."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import jax

from discover.base.errors import DiscoverWarning, UserError
from discover.components.space import Space
from discover.config.after import After
from discover.config.baselines import Baseline
from discover.config.build import component_from, config_of
from discover.config.search_config import SearchConfig
from discover.contract.algorithm import Algorithm
from discover.contract.executor import Executor
from discover.contract.registry import Registry
from discover.evaluation.checks import check_lifetime, check_lifetimes


class NearestWarning(DiscoverWarning):
    """A known candidate that a search begins with is not in its space; the search begins with the nearest one."""


def warn_of_nearest(config: SearchConfig) -> None:
    """Warn of the known candidates that the space of a search does not hold, and of what they lose."""
    for index, start in enumerate(config.init):
        if start.lost:
            text = f"init.{index}: the search begins with the nearest to '{start.name}' ({'; '.join(start.lost)})."
            warnings.warn(text, NearestWarning, stacklevel=4)


def first_candidate(space: Space) -> Algorithm:
    """The candidate with every open value where a search begins."""
    return space.decode(space.start(jax.random.key(0)))


def check_candidates(registry: Registry, config: SearchConfig, candidate: Algorithm) -> None:
    """Trace the first candidate and the baselines on their tasks, so that a mistake is reported before a long run.

    Raises:
        UserError: one of them cannot be trained on one of its tasks.
        EvaluationError: a program cannot be traced.
    """
    report, ablate = config.report, config.after.ablate
    for name, known in (ablate.known if ablate else {}).items():
        check_lifetimes(registry, {name: known}, config.tasks)
    for run in dict.fromkeys([*config.tasks, *(report.runs if report else ())]):
        check_lifetime(registry, "the first candidate", candidate, run)
    if report is None:
        return
    for name, baseline in report.baselines.items():
        complete = baseline.template if baseline.space is None else first_candidate(Space(baseline.template))
        check_lifetimes(registry, {f"report.baselines.{name}": complete}, report.runs)


def runs_alike(registry: Registry, words: Any, executor: Executor) -> bool:
    """Whether the executor of a search gives the same bits as the one that it began with, whose words are given."""
    try:
        return component_from(registry, Executor, words, "executor").shaping() == executor.shaping()
    except UserError:  # it is not installed any more
        return False


def tuning_config(
    registry: Registry, config: SearchConfig, name: str, baseline: Baseline, *, executor: Executor
) -> SearchConfig:
    """The config of the search that tunes a baseline: the same budget, strategy, tasks and seeds over its own space, and the
    same refinement of its best structures.

    Args:
        registry: has the name of the executor.
        config: of the search in whose report the baseline is.
        name: of the baseline.
        baseline: the space.
        executor: of the search, with its chunk size.
    """
    title = f"{config.name}: {name}"
    refined = {"refine": config.words["after"]["refine"]} if config.after.refine else None
    without = {"init": None, "report": None}
    values = {
        **config.words,
        **without,
        "after": refined,
        "executor": config_of(registry, executor),
        "candidate": baseline.space,
    }
    return dataclasses.replace(
        config,
        name=title,
        template=baseline.template,
        executor=executor,
        report=None,
        words={**values, "name": title},
        init=(),
        after=After(refine=config.after.refine),
    )
