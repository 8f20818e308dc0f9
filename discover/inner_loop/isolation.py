"""Results of work in which a broken member changes no other result, and a broken machine none at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import EvaluationError, message_of
from discover.base.text_table import counted
from discover.contract.events import Status
from discover.contract.executor import Curves, Done, Executor, Failure, Work
from discover.contract.held import gathered
from discover.contract.meta_objective import Gradients
from discover.contract.types import Lifetimes
from discover.inner_loop.reasons import from_callback, quiet_callbacks, reason, stop_in
from discover.inner_loop.status import statuses

ATTEMPTS = 3
"""How often work is tried that a machine fails to do."""


class Outcomes(NamedTuple):
    """The outcomes of n members that share one structure, on one task.

    Attributes:
        returns: ``[n, S, 100]`` learning curves, NaN where the program failed.
        status: ``[n]`` of `Status`, the worst of all seeds.
        errors: why members with status ERROR or TIME broke, by their place among the n.
        env_steps: ``[n]`` int64 env steps of each, over its seeds.
        lifetimes: ``[n, S, ...]`` after them, where they are kept; a member that failed has those from before.
        gradients: of a window, if there was one.
    """

    returns: np.ndarray
    status: np.ndarray
    errors: Mapping[int, str]
    env_steps: np.ndarray
    lifetimes: Lifetimes = None
    gradients: Gradients | None = None


def attempt(run: Callable[[], Done]) -> Done | Failure:
    """The result of a piece of work, or the failure that an error of it means.

    Where a host callback fails for the numbers of one member, the whole program fails; then each member may be tried alone.

    Raises:
        BaseException: a request to stop the command (ctrl-C), see `stop_in`.
    """
    try:
        with quiet_callbacks():
            return run()
    except BaseException as error:
        interruption = stop_in(error)
        if interruption is not None:
            raise interruption from None
        fault = "memory" if _lacks_memory(error) else "candidate"
        return Failure(fault, reason(error), "alone" if from_callback(error) else "never", error)


def outcomes_of(executor: Executor, work: Sequence[Work]) -> Iterator[tuple[int, Outcomes]]:
    """The place and the outcomes of each piece of work, as soon as they are known. No error of a member leaves this function.

    Members of work that fails for some of them run again alone. Work that a machine fails to do is tried again. A member whose
    lifetimes are to be kept keeps them as they were before, if it fails.

    Raises:
        EvaluationError: work that is kept fails for all members; or a machine fails again and again.
        BaseException: a request to stop the command (ctrl-C).
    """
    left, alone = dict(enumerate(work)), list[int]()
    for tried in range(1, ATTEMPTS + 1):
        places, why = list(left), "it gave no result"
        for place, result in executor.run([left[index] for index in places]):
            index = places[place]
            if isinstance(result, Failure) and result.retry == "again":
                why = result.why
                continue
            piece = left.pop(index)
            if isinstance(result, Failure) and result.retry == "alone" and piece.shape[0] > 1:
                alone.append(index)
            else:
                yield index, _outcomes(executor, piece, result)
        if not left:
            break
        if tried == ATTEMPTS:
            times = f"{counted(len(left), 'piece')} of work failed {ATTEMPTS} times"
            raise EvaluationError(f"{times} through no fault of a candidate ({why}): repair the machine, and go on.")
    for index in alone:
        members = [work[index].of(slice(place, place + 1)) for place in range(work[index].shape[0])]
        parts = sorted(outcomes_of(executor, members), key=lambda part: part[0])
        yield index, joined([part for _, part in parts])


def whole(curves: Curves) -> Outcomes:
    """The outcomes of members whose program ran to its end."""
    return Outcomes(curves.episode_return, statuses(curves).max(axis=1), {}, curves.env_steps.sum(axis=1, dtype=np.int64))


def failed(count: int, seeds: int, why: str, status: Status) -> Outcomes:
    """The outcomes of ``count`` members whose program did not run, or not to its end."""
    returns = np.full((count, seeds, 100), np.nan, np.float32)
    return Outcomes(returns, np.full(count, status, np.int8), dict.fromkeys(range(count), why), np.zeros(count, np.int64))


def joined(parts: list[Outcomes]) -> Outcomes:
    """The outcomes of members that ran alone, as those of one group."""
    kept = [gathered(part.lifetimes) for part in parts]
    if kept[0] is not None:
        kept = [jax.device_put(life, jax.devices()[0]) for life in kept]  # they are on different devices
    return Outcomes(
        np.concatenate([part.returns for part in parts]),
        np.concatenate([part.status for part in parts]),
        {place: part.errors[0] for place, part in enumerate(parts) if part.errors},
        env_steps=np.concatenate([part.env_steps for part in parts]),
        lifetimes=None if kept[0] is None else jax.tree.map(lambda *rows: jnp.concatenate(rows), *kept),
    )


def _outcomes(executor: Executor, work: Work, result: Done | Failure) -> Outcomes:
    """The outcomes of a piece of work that is not tried again."""
    if isinstance(result, Done):
        return whole(result.curves)._replace(lifetimes=result.lifetimes, gradients=result.gradients)
    if work.keep and (result.retry != "alone" or work.window is not None):
        raise EvaluationError(f"no agent can go on ({result.why}): repair the component that raises this.") from result.error
    status = Status.TIME if result.fault == "time" else Status.ERROR
    return failed(*work.shape, result.why, status)._replace(lifetimes=_before(executor, work) if work.keep else None)


def _before(executor: Executor, work: Work) -> Lifetimes:
    """The lifetimes before any update of a piece of work."""
    if work.ongoing is not None:
        return work.ongoing
    begun = [result for _, result in executor.run([work._replace(stop=work.start)])]
    if not isinstance(begun[0], Done):
        raise EvaluationError(f"no agent can begin ({begun[0].why}): repair the component that raises this.") from begun[
            0
        ].error
    return begun[0].lifetimes


def _lacks_memory(error: BaseException) -> bool:
    """Whether memory was not enough, on the host or on a device."""
    return isinstance(error, MemoryError) or (
        isinstance(error, jax.errors.JaxRuntimeError) and message_of(error).startswith("RESOURCE_EXHAUSTED")
    )
