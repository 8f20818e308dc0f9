"""The evaluation of one structure, in which a candidate that breaks costs nobody else anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import EvaluationError
from discover.contract.environment import Environment
from discover.contract.events import Status
from discover.contract.executor import Curves, Executor
from discover.inner_loop.reasons import from_callback, quiet_callbacks, reason, stop_in
from discover.inner_loop.status import statuses


class Outcomes(NamedTuple):
    """What became of members that share one structure, on one task.

    Attributes:
        returns: ``[n, S, 100]``, NaN where the program failed.
        status: ``[n]`` of `Status`, the worst over the seeds.
        errors: reasons of members with status ERROR or TIME, by their place among the n.
        env_steps: taken by all together.
    """

    returns: np.ndarray
    status: np.ndarray
    errors: Mapping[int, str]
    env_steps: int


def evaluated(executor: Executor, environment: Environment, candidates: Any, keys: jax.Array, steps: int) -> Outcomes:
    """Members of one structure on one task; whatever they raise, only a stop of the command leaves this function.

    A host callback that fails for the values of one member fails the whole program: each member is run again alone then.
    """
    count = len(jax.tree.leaves(candidates)[0])
    try:
        with quiet_callbacks():
            return whole(executor.evaluate(environment, candidates, keys, steps))
    except BaseException as error:
        stop = stop_in(error)
        if stop is not None:
            raise stop from None
        if not from_callback(error) or count == 1:
            return failed(count, len(keys), reason(error), Status.ERROR)
    alone = [jax.tree.map(lambda x, i=i: x[i : i + 1], candidates) for i in range(count)]
    return joined([evaluated(executor, environment, one, keys, steps) for one in alone])


def advanced(
    executor: Executor, environment: Environment, candidates: Any, ongoing: Any, window: tuple[int, int, int]
) -> tuple[Any, Outcomes]:
    """Ongoing lifetimes ``[n, S, ...]`` after a window of updates, and what became of them.

    Where a host callback fails, each member goes on alone; one for which it fails again stays as it was.

    Raises:
        EvaluationError: none of them can go on.
    """
    count, seeds = ongoing.counts.shape[:2]
    try:
        with quiet_callbacks():
            after, curves = executor.advance(environment, candidates, ongoing, *window)
        return after, whole(curves)
    except BaseException as error:
        stop = stop_in(error)
        if stop is not None:
            raise stop from None
        if not from_callback(error):
            raise EvaluationError(f"no agent can go on ({reason(error)}): repair the component that raises this.") from error
        if count == 1:
            return ongoing, failed(count, seeds, reason(error), Status.ERROR)
    pieces = []
    for place in range(count):
        one, life = jax.tree.map(lambda x, i=place: x[i : i + 1], (candidates, ongoing))
        pieces.append(advanced(executor, environment, one, life, window))
    together = [jax.device_put(life, jax.devices()[0]) for life, _ in pieces]  # they lie on different devices
    after = jax.tree.map(lambda *rows: jnp.concatenate(rows), *together)
    return after, joined([part for _, part in pieces])


def whole(curves: Curves) -> Outcomes:
    """The part of members whose program ran."""
    return Outcomes(curves.episode_return, statuses(curves).max(axis=1), {}, int(curves.env_steps.sum(dtype=np.int64)))


def failed(count: int, seeds: int, why: str, status: Status) -> Outcomes:
    """The part of ``count`` members whose program did not run, or not to its end."""
    returns = np.full((count, seeds, 100), np.nan, np.float32)
    return Outcomes(returns, np.full(count, status, np.int8), dict.fromkeys(range(count), why), 0)


def joined(parts: list[Outcomes]) -> Outcomes:
    """Members that were run alone, as one part."""
    return Outcomes(
        np.concatenate([part.returns for part in parts]),
        np.concatenate([part.status for part in parts]),
        {place: part.errors[0] for place, part in enumerate(parts) if part.errors},
        sum(part.env_steps for part in parts),
    )
