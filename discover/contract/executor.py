"""The kind executor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import jax
import numpy as np

from discover.components.component import Component
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment


class Curves(NamedTuple):
    """Learning curves of a population over seeds on one task: arrays on the host.

    Attributes:
        episode_return, episode_length: ``[P, S, 100]``.
        info: ``[P, S, 100]`` each.
        finite: ``[P, S]``.
        env_steps: ``[P, S]``.
    """

    episode_return: np.ndarray
    episode_length: np.ndarray
    info: Mapping[str, np.ndarray]
    finite: np.ndarray
    env_steps: np.ndarray


class Executor(Component):
    """Where lifetimes run: this process, several devices, other machines."""

    kind: ClassVar[str] = "executor"

    def settle(self, lifetimes: int, candidate: Algorithm, environments: Sequence[Environment]) -> Executor:
        """The executor with every choice made that bits depend on (the chunk size), for so many lifetimes of such a candidate.

        The settled executor is recorded as part of the run, and reused by resume and repeats.
        """
        del lifetimes, candidate, environments
        return self

    def evaluate(
        self,
        environment: Environment,
        candidates: Any,
        keys: jax.Array,
        steps: int,
        progress: Callable[[float], None] | None = None,
    ) -> Curves:
        """Run a lifetime for each candidate and seed.

        Args:
            environment: task family.
            candidates: one structure, each leaf with a leading axis P.
            keys: ``[S]``, one per seed, the same for all candidates (common random numbers).
            steps: env-step budget of each lifetime.
            progress: called now and then with the share that is done.
        """
        raise NotImplementedError

    def begin(self, environment: Environment, candidates: Any, keys: jax.Array) -> Any:
        """Ongoing lifetimes before their first update: a tree of arrays ``[P, S, ...]``.

        Args:
            environment: task family.
            candidates: one structure, each leaf with a leading axis P.
            keys: ``[S]``, one per seed, the same for all candidates.
        """
        raise NotImplementedError

    def advance(
        self, environment: Environment, candidates: Any, ongoing: Any, start: int, stop: int, total: int
    ) -> tuple[Any, Curves]:
        """Ongoing lifetimes after updates ``start .. stop - 1`` of ``total``, and their curves over these updates alone.

        Args:
            environment: task family.
            candidates: with which member i goes on, each leaf with a leading axis P.
            ongoing: ``[P, S, ...]``, from `begin` or `advance`, gathered in between as the strategy wishes.
            start, stop, total: updates; the curves' rows are spread over the window, and ``env_steps`` are those of it.
        """
        raise NotImplementedError
