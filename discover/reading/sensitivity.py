"""The sensitivity of a candidate to each of its numbers: one number varied over its range, all others as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import jax
import numpy as np

from discover.base.errors import UserError, nearest
from discover.base.randomness import seed_keys
from discover.base.statistics import Interval, bootstrap_interval
from discover.components.component import domain_of
from discover.components.effective import effective
from discover.components.number_domains import IntegerDomain, RealDomain
from discover.components.paths import domain_at, get, replace, walk
from discover.config.build import environment_from
from discover.config.search_config import default_executor
from discover.contract.algorithm import Algorithm
from discover.contract.events import Status, TaskRun
from discover.contract.executor import Curves
from discover.contract.registry import Registry
from discover.evaluation.checks import check_lifetime
from discover.evaluation.train import FINAL_ROWS
from discover.inner_loop.reasons import translate_errors
from discover.inner_loop.status import statuses
from discover.inner_loop.work import fresh_work, run_alone
from discover.reading.sweeps import Sensitivity, Sweep, SweepPoint

LEAST_SEEDS, LEAST_POINTS = 2, 2


def sensitivity_of(
    candidate: Algorithm,
    registry: Registry,
    run: TaskRun,
    *,
    seeds: int = 4,
    points: int = 5,
    seed: int = 0,
    numbers: Sequence[str] = (),
    progress: Callable[[str, float], None] | None = None,
) -> Sensitivity:
    """Train a candidate with each of its numbers at several places of its range; all else stays as it is.

    The values of one number are one population, and all populations run one compiled program. All points have the same seeds.

    Args:
        candidate: every value set.
        registry: has the task.
        run: task and env-step budget of each lifetime.
        seeds: S >= 2 lifetimes of each point.
        points: values of each number, the candidate's own among them.
        seed: of the stream that the S seeds come from.
        numbers: paths, or the ends of paths, of the numbers to vary; all of them unless given.
        progress: called with a description of the work in progress, and the share of it that is done.

    Raises:
        UserError: one seed, one point, an unknown number, or a candidate that cannot be trained on the task.
        EvaluationError: the candidate's program cannot be compiled or run.
    """
    if seeds < LEAST_SEEDS:
        raise UserError(f"a sensitivity needs {LEAST_SEEDS} seeds or more, since one has no interval; got {seeds}.")
    if points < LEAST_POINTS:
        raise UserError(f"a sensitivity needs {LEAST_POINTS} points or more of each number; got {points}.")
    candidate = effective(candidate)
    paths = chosen_numbers(candidate, numbers)
    check_lifetime(registry, "the candidate", candidate, run)
    environment, keys = environment_from(registry, run.task), seed_keys(seed, "sensitivity", seeds)
    executor = default_executor(registry)
    remedy = "repair the component that raises this"
    with translate_errors(f"the candidate cannot be trained on {run.label}", remedy):
        executor = executor.settle(points * seeds, candidate, [environment])
        sweeps = []
        for place, path in enumerate(paths):

            def report(share: float, path: str = path, place: int = place) -> None:
                if progress is not None:
                    progress(f"sensitivity to {path} on {run.label}", (place + share) / len(paths))

            report(0.0)
            values = values_of(candidate, path, points)
            members = [replace(candidate, {path: value}) for value in values]
            population = jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *members)
            done = run_alone(executor, fresh_work(environment, population, keys, run.steps), report)
            sweeps.append(_sweep(candidate, path, values, done.curves))
    order = sorted(sweeps, key=lambda sweep: -np.nan_to_num(sweep.effect, nan=-1.0))
    return Sensitivity(run, seeds, tuple(order))


def chosen_numbers(candidate: Algorithm, numbers: Sequence[str] = ()) -> list[str]:
    """The paths of the numbers with a range that a candidate has, or of those that are named by the ends of their paths.

    Raises:
        UserError: it has no such number.
    """
    paths = [
        path
        for path, owner, field, _ in walk(candidate)
        if field.role == "leaf" and isinstance(domain_of(owner, field), RealDomain | IntegerDomain)
    ]
    for name in numbers:
        if not any(_is_end(name, path) for path in paths):
            raise UserError(f"the candidate has no number '{name}'; {nearest(name, paths)}.")
    chosen = [path for path in paths if not numbers or any(_is_end(name, path) for name in numbers)]
    if not chosen:
        raise UserError("the candidate has no number with a range: there is nothing to vary.")
    return chosen


def values_of(candidate: Algorithm, path: str, points: int) -> list[float]:
    """Values of a number that are spread evenly over its range, on its scale; the nearest of them is the candidate's own.

    >>> import discover
    >>> [round(value, 3) for value in values_of(discover.recipe("ppo"), "rule.returns.lam", points=3)]
    [0.0, 0.5, 0.95]
    """
    domain, own = _range_of(candidate, path), _own(candidate, path)
    values = [domain.value_at(place / (points - 1)) for place in range(points)]
    distances = [abs(domain.position(value) - domain.position(own)) for value in values]
    values[int(np.argmin(distances))] = own
    return sorted(set(values))


def _sweep(candidate: Algorithm, path: str, values: Sequence[float], curves: Curves) -> Sweep:
    """The points of a number from the curves ``[P, S, 100]`` of its population."""
    domain, own = _range_of(candidate, path), _own(candidate, path)
    returns, status = curves.episode_return[..., -FINAL_ROWS:].mean(axis=-1), statuses(curves)
    points = []
    for value, some, state in zip(values, returns, status, strict=True):
        broken = int((state != Status.OK).sum())
        interval = Interval(np.nan, np.nan, np.nan) if broken else bootstrap_interval(some)
        points.append(SweepPoint(value, domain.position(value), interval, broken=broken, is_own=value == own))
    return Sweep(path, tuple(points))


def _range_of(candidate: Algorithm, path: str) -> RealDomain | IntegerDomain:
    return cast("RealDomain | IntegerDomain", domain_at(candidate, path))


def _own(candidate: Algorithm, path: str) -> float:
    return np.asarray(get(candidate, path)).item()


def _is_end(name: str, path: str) -> bool:
    """Whether a name is a path or its end, such as ``returns.gamma`` of ``rule.returns.gamma``."""
    return f".{path}".endswith(f".{name}")
