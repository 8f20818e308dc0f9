"""Evaluation of members that share one structure, in which a broken member changes no other result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import EvaluationError
from discover.contract.environment import Environment
from discover.contract.events import Status
from discover.contract.executor import Curves, Executor, count_members
from discover.contract.types import Key, Lifetimes, Members
from discover.inner_loop.reasons import from_callback, quiet_callbacks, reason, stop_in
from discover.inner_loop.status import statuses


class Outcomes(NamedTuple):
    """The outcomes of n members that share one structure, on one task.

    Attributes:
        returns: ``[n, S, 100]`` learning curves, NaN where the program failed.
        status: ``[n]`` of `Status`, the worst of all seeds.
        errors: why members with status ERROR or TIME broke, by their place among the n.
        env_steps: number of env steps of all of them together.
    """

    returns: np.ndarray
    status: np.ndarray
    errors: Mapping[int, str]
    env_steps: int


def evaluated(executor: Executor, environment: Environment, candidates: Members, keys: Key, steps: int) -> Outcomes:
    """The outcomes of fresh lifetimes, see `Executor.evaluate`. No error of a member leaves this function.

    Where a host callback fails for the numbers of one member, the whole program fails; then each member runs again alone.

    Raises:
        BaseException: a request to stop the command (ctrl-C), see `stop_in`.
    """
    count = count_members(candidates)
    try:
        with quiet_callbacks():
            return whole(executor.evaluate(environment, candidates, keys, steps))
    except BaseException as error:
        interruption = stop_in(error)
        if interruption is not None:
            raise interruption from None
        if not from_callback(error) or count == 1:
            return failed(count, len(keys), reason(error), Status.ERROR)
    alone = [jax.tree.map(lambda x, i=i: x[i : i + 1], candidates) for i in range(count)]
    return joined([evaluated(executor, environment, one, keys, steps=steps) for one in alone])


def advanced(
    executor: Executor, environment: Environment, candidates: Members, ongoing: Lifetimes, window: tuple[int, int, int]
) -> tuple[Lifetimes, Outcomes]:
    """Ongoing lifetimes ``[n, S, ...]`` after a window of updates, and their outcomes, see `Executor.advance`.

    Where a host callback fails for the numbers of one member, each member continues alone. A member for which it fails again
    keeps its lifetimes as they were.

    Args:
        executor, environment, candidates, ongoing: see `Executor.advance`.
        window: start, stop and total number of updates.

    Raises:
        EvaluationError: the program fails for all of them.
        BaseException: a request to stop the command (ctrl-C), see `stop_in`.
    """
    count, seeds = ongoing.counts.shape[:2]
    start, stop, total = window
    try:
        with quiet_callbacks():
            lifetimes, curves = executor.advance(environment, candidates, ongoing, start=start, stop=stop, total=total)
        return lifetimes, whole(curves)
    except BaseException as error:
        interruption = stop_in(error)
        if interruption is not None:
            raise interruption from None
        if not from_callback(error):
            raise EvaluationError(f"no agent can go on ({reason(error)}): repair the component that raises this.") from error
        if count == 1:
            return ongoing, failed(count, seeds, reason(error), Status.ERROR)
    pieces = []
    for place in range(count):
        one, life = jax.tree.map(lambda x, i=place: x[i : i + 1], (candidates, ongoing))
        pieces.append(advanced(executor, environment, one, life, window=window))
    together = [jax.device_put(life, jax.devices()[0]) for life, _ in pieces]  # they are on different devices
    lifetimes = jax.tree.map(lambda *rows: jnp.concatenate(rows), *together)
    return lifetimes, joined([outcomes for _, outcomes in pieces])


def whole(curves: Curves) -> Outcomes:
    """The outcomes of members whose program ran to its end."""
    return Outcomes(curves.episode_return, statuses(curves).max(axis=1), {}, int(curves.env_steps.sum(dtype=np.int64)))


def failed(count: int, seeds: int, why: str, status: Status) -> Outcomes:
    """The outcomes of ``count`` members whose program did not run, or not to its end."""
    returns = np.full((count, seeds, 100), np.nan, np.float32)
    return Outcomes(returns, np.full(count, status, np.int8), dict.fromkeys(range(count), why), 0)


def joined(parts: list[Outcomes]) -> Outcomes:
    """The outcomes of members that ran alone, as those of one group."""
    return Outcomes(
        np.concatenate([part.returns for part in parts]),
        np.concatenate([part.status for part in parts]),
        {place: part.errors[0] for place, part in enumerate(parts) if part.errors},
        sum(part.env_steps for part in parts),
    )
