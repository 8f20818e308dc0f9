"""Executors that judge agents once another executor has trained them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, Self, TypeVar

from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.executor import Done, Executor, Failure, Work
from discover.inner_loop.isolation import attempt


class JudgingPlan(Protocol):
    """The measurements that follow on training."""

    def check(self) -> None:
        """Check the numbers."""


P = TypeVar("P", bound=JudgingPlan)


class JudgingExecutor(Executor, Generic[P]):
    """Trains agents with another executor and keeps them, and then judges them by a plan. Judging is isolated as training is.

    Args:
        executor: trains them.
        plan: what follows.
    """

    def __init__(self, executor: Executor, plan: P):
        plan.check()
        self._executor, self._plan = executor, plan

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._executor!r}, {self._plan!r})"

    def shaping(self) -> str:
        return f"{self._executor.shaping()}, {self._plan!r}"

    def settle(self, lifetimes: int, candidate: Algorithm, environments: Sequence[Environment]) -> Self:
        return type(self)(self._executor.settle(lifetimes, candidate, environments), self._plan)

    def members_at_once(self, seeds: int) -> int:
        return self._executor.members_at_once(seeds)

    def run(
        self, work: Sequence[Work], progress: Callable[[float], None] | None = None
    ) -> Iterator[tuple[int, Done | Failure]]:
        for piece in work:
            self.check(piece)
        kept = [piece._replace(keep=True, hold=False) for piece in work]
        for place, result in self._executor.run(kept, progress):
            if isinstance(result, Done):
                result = attempt(functools.partial(self.judged, work[place], result))
            yield place, result

    def check(self, work: Work) -> None:
        """Check that agents of this work can be judged.

        Raises:
            UserError: they cannot.
        """
        raise NotImplementedError

    def judged(self, work: Work, trained: Done) -> Done:
        """The result of work whose agents are trained."""
        raise NotImplementedError
