"""Checks before the first lifetime, so that a mistake is reported before a long run and not in the middle of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from discover.base.errors import UserError
from discover.components.paths import check
from discover.config.build import environment_from
from discover.contract.algorithm import Algorithm
from discover.contract.events import TaskRun
from discover.contract.registry import Registry
from discover.inner_loop.population import describe_shapes
from discover.inner_loop.reasons import translate_errors


def check_lifetimes(registry: Registry, candidates: Mapping[str, Algorithm], runs: Sequence[TaskRun]) -> None:
    """Check that every candidate can be trained in every run.

    Raises:
        UserError: one cannot; the message names both.
        EvaluationError: a program cannot be traced.
    """
    for run in runs:
        environment_from(registry, run.task)
        for name, candidate in candidates.items():
            try:
                check_lifetime(registry, name, candidate, run)
            except UserError as error:
                raise UserError(f"{name} on {run.label}: {error}") from None


def check_lifetime(registry: Registry, name: str, candidate: Algorithm, run: TaskRun) -> None:
    """Check that every value is set and legal, and trace a lifetime without running it.

    Raises:
        UserError: an open value, a head that the network cannot give, actions that the rule cannot take, a budget below one
            update, ...
        EvaluationError: the program cannot be traced.
    """
    check(candidate)
    remedy = "repair the component that raises this, or take it out"
    with translate_errors(f"{name} cannot be traced on {run.label}", remedy):
        describe_shapes(environment_from(registry, run.task), candidate, run.steps)
