"""The kind executor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, NamedTuple

import jax
import numpy as np

from discover.components.component import Component
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
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


def count_members(candidates: Members) -> int:
    """The number P of members of one structure; 1 where they have no numbers at all, since then all are the same.

    >>> count_members({"gamma": np.zeros(3)}), count_members({})
    (3, 1)
    """
    leaves = jax.tree.leaves(candidates)
    return len(leaves[0]) if leaves else 1


class Executor(Component):
    """The place where lifetimes run: this process, several devices, other machines.

    A search whose strategy asks for fresh lifetimes calls `evaluate`: agents are scored and forgotten, so that an executor
    needs to hold only some of them in memory at a time. A search whose strategy continues lifetimes calls `begin`, then
    `advance` for each generation; between two calls, the search itself holds all agents.
    """

    kind: ClassVar[str] = "executor"

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

    def evaluate(
        self,
        environment: Environment,
        candidates: Members,
        keys: Key,
        steps: int,
        progress: Callable[[float], None] | None = None,
    ) -> Curves:
        """Run a fresh lifetime for each member and seed.

        Args:
            environment: task family.
            candidates: members of one structure, each leaf with a leading axis P.
            keys: ``[S]``, one per seed, the same for all members (common random numbers).
            steps: budget of each lifetime in env steps.
            progress: called from time to time with the share that is done, in ``[0, 1]``; what it raises ends the call.
        """
        raise NotImplementedError

    def begin(self, environment: Environment, candidates: Members, keys: Key) -> Lifetimes:
        """The lifetimes ``[P, S, ...]`` of all members and seeds before their first update.

        Args:
            environment: task family.
            candidates: members of one structure, each leaf with a leading axis P.
            keys: ``[S]``, one per seed, the same for all members.
        """
        raise NotImplementedError

    def advance(
        self,
        environment: Environment,
        candidates: Members,
        ongoing: Lifetimes,
        start: int,
        stop: int,
        total: int,
        progress: Callable[[float], None] | None = None,
    ) -> tuple[Lifetimes, Curves]:
        """Run the updates ``start .. stop - 1`` of ``total`` in lifetimes that have begun.

        Args:
            environment: task family.
            candidates: the members that the lifetimes follow from here on, each leaf with a leading axis P.
            ongoing: ``[P, S, ...]`` lifetimes from `begin` or `advance`; the strategy may have copied some in between.
            start, stop, total: numbers of updates.
            progress: called from time to time with the share that is done, in ``[0, 1]``.

        Returns:
            The lifetimes after these updates, and their curves: the 100 rows are spread over these updates alone, and
            ``env_steps`` counts those of these updates.
        """
        raise NotImplementedError
