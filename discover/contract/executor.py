"""The kind executor, the work that it is given, and the results that it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import jax
import numpy as np

from discover.components.component import Component
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.held import HeldLifetimes
from discover.contract.meta_objective import Gradients, Window
from discover.contract.registry import Registry
from discover.contract.types import Key, Lifetimes, Members


class Curves(NamedTuple):
    """Learning curves of a population on one task, as arrays in the memory of the host.

    Attributes:
        episode_return, episode_length: ``[P, S, 100]`` in 100 rows that are spread evenly over the updates.
        info: ``[P, S, 100]`` each: what the rule reported, by name.
        finite: ``[P, S]`` whether all parameters were finite at the end.
        env_steps: ``[P, S]`` how many env steps were taken.
    """

    episode_return: np.ndarray
    episode_length: np.ndarray
    info: Mapping[str, np.ndarray]
    finite: np.ndarray
    env_steps: np.ndarray


class Work(NamedTuple):
    """Lifetimes to run: one for each of P candidates of one structure and each of S keys, through a window of updates.

    Attributes:
        environment: task family.
        candidates: members of one structure, each leaf with a leading axis P.
        keys: ``[S]``, one per seed, the same for all members (common random numbers).
        stop, total: the updates up to ``stop - 1`` of ``total`` are run; curves are spread over these.
        start: number of the first update.
        ongoing: ``[P, S, ...]`` lifetimes that go on, as an executor gave them; None for fresh ones, which begin by the keys.
        keep: whether the lifetimes after these updates are part of the result.
        hold: whether lifetimes that are kept may stay where they ran; then the result may have `HeldLifetimes` in their place.
        window: asks for gradients. Then each seed is an agent that lives on: ``ongoing`` holds such agents, each of an age of
            its own; all of them go on by the window's updates, and who has come to the end of a lifetime of ``total`` updates
            begins anew. ``start`` is 0 and ``stop`` the number of the window's updates.
    """

    environment: Environment
    candidates: Members
    keys: Key
    stop: int
    total: int
    start: int = 0
    ongoing: Lifetimes = None
    keep: bool = False
    hold: bool = False
    window: Window | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of members and of seeds."""
        return count_members(self.candidates), len(self.keys)

    def of(self, members: slice | np.ndarray) -> Work:
        """The part of the work that some of the members are."""

        def part(leaf: HeldLifetimes | jax.Array) -> HeldLifetimes | jax.Array:
            return leaf.of(members) if isinstance(leaf, HeldLifetimes) else leaf[members]

        candidates, ongoing = jax.tree.map(part, (self.candidates, self.ongoing))
        return self._replace(candidates=candidates, ongoing=ongoing)


class Done(NamedTuple):
    """Work that ran to its end.

    Attributes:
        curves: of all members and seeds; ``env_steps`` counts those of the window.
        lifetimes: ``[P, S, ...]`` after it, or a handle of them, if they were to be kept; else None.
        gradients: of the window, if the work has one.
    """

    curves: Curves
    lifetimes: Lifetimes = None
    gradients: Gradients | None = None


class Failure(NamedTuple):
    """Work that did not run, or not to its end.

    Attributes:
        fault: whose fault it is: that of the ``candidate``; of its ``memory`` or ``time``, which were not enough; or of the
            ``machine``, for which no candidate is blamed.
        why: the reason, in one line.
        retry: whether a retry makes sense: ``never``, ``alone`` (each member by itself, since some may be sound) or ``again``.
        error: what was raised, if that was in this process.
    """

    fault: Literal["candidate", "memory", "time", "machine"]
    why: str
    retry: Literal["never", "alone", "again"] = "never"
    error: BaseException | None = None


def count_members(candidates: Members) -> int:
    """The number P of members of one structure; 1 where they have no numbers at all, since then all are the same.

    >>> count_members({"gamma": np.zeros(3)}), count_members({})
    (3, 1)
    """
    leaves = jax.tree.leaves(candidates)
    return len(leaves[0]) if leaves else 1


def part_of_progress(progress: Callable[[float], None] | None, place: int, count: int) -> Callable[[float], None] | None:
    """The progress of one of ``count`` parts that run in their order, as that of all of them.

    >>> part_of_progress(print, 1, 4)(0.5)
    0.375
    """
    return None if progress is None else lambda share: progress((place + share) / count)


class Surroundings(NamedTuple):
    """All that an executor may need to run work in other processes.

    Attributes:
        registry: has the names of candidates and environments.
        plugins: folder of one-file plugins, if there is one.
        seconds: the limit of time for a piece of work, if there is one.
    """

    registry: Registry
    plugins: Path | None = None
    seconds: float | None = None


class Executor(Component):
    """The place where lifetimes run: this process, several devices, other machines.

    A search gives it all work of a generation at once. Fresh lifetimes that need not be kept are scored and forgotten, so that
    only some of them need to be in memory at a time.

    Attributes:
        limits_time: whether it ends pieces of work that take longer than `Surroundings.seconds`.
    """

    kind: ClassVar[str] = "executor"
    limits_time: ClassVar[bool] = False

    @property
    def gives_gradients(self) -> bool:
        """Whether it runs work that has a window; by default not."""
        return False

    def open(self, surroundings: Surroundings) -> Executor:
        """The executor as a search runs it, with all that it needs for other processes; this one, if it has none.

        Args:
            surroundings: names of components, plugins, and the limit of time.
        """
        del surroundings
        return self

    def close(self) -> None:
        """End the processes of an executor that was opened. It begins new ones when it is given work again."""

    def settle(self, lifetimes: int, candidate: Algorithm, environments: Sequence[Environment]) -> Executor:
        """The executor with every choice made on which the bits of results depend (the chunk size).

        It is recorded as part of a run. A resumed or repeated run uses the recorded one.

        Args:
            lifetimes: how many there will be.
            candidate: one of the candidates that will run.
            environments: the task families on which they will run.
        """
        del lifetimes, candidate, environments
        return self

    def shaping(self) -> str:
        """All of its choices on which the bits of results depend, as text: executors with the same text give the same bits.

        Finished work is recorded under it, so that every such executor finds it again. By default it is all choices.
        """
        return repr(self)

    def members_at_once(self, seeds: int) -> int:
        """The number of members, with so many seeds each, that fill the place; 0 if any number does.

        Work is cut into pieces of so many members or more, each of which is recorded when it is done.
        """
        del seeds
        return 0

    def run(
        self, work: Sequence[Work], progress: Callable[[float], None] | None = None
    ) -> Iterator[tuple[int, Done | Failure]]:
        """Run pieces of work; give the place and the result of each as soon as it is done, in any order.

        What a candidate raises is a `Failure` of its piece of work (`attempt` makes one). What the iterator raises ends the
        whole: a request to stop, or a mistake of the user.

        Args:
            work: the pieces, which do not depend on each other.
            progress: called from time to time with the share of all that is done, in ``[0, 1]``; what it raises ends the call.
        """
        raise NotImplementedError
