"""An executor whose curves show how agents adapt to new tasks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

import jax
import numpy as np

from discover.base.errors import UserError
from discover.base.randomness import named_key
from discover.contract.adaptation import AdaptationPlan
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.executor import Done, Executor, Failure, Work
from discover.evaluation.adapting import adapted_returns, with_horizon
from discover.inner_loop.isolation import attempt


class AdaptedExecutor(Executor):
    """Trains agents with another executor, then lets them adapt to new tasks; every row of their curves is the return after it.

    Args:
        executor: trains them.
        plan: what follows on each new task; the return is that of its last column.
    """

    def __init__(self, executor: Executor, plan: AdaptationPlan):
        plan.check()
        self._executor, self._plan = executor, plan

    def __repr__(self) -> str:
        return f"AdaptedExecutor({self._executor!r}, {self._plan!r})"

    def shaping(self) -> str:
        return f"{self._executor.shaping()}, {self._plan!r}"

    def settle(self, lifetimes: int, candidate: Algorithm, environments: Sequence[Environment]) -> Executor:
        return AdaptedExecutor(self._executor.settle(lifetimes, candidate, environments), self._plan)

    def members_at_once(self, seeds: int) -> int:
        return self._executor.members_at_once(seeds)

    def run(
        self, work: Sequence[Work], progress: Callable[[float], None] | None = None
    ) -> Iterator[tuple[int, Done | Failure]]:
        if any(piece.keep or piece.ongoing is not None for piece in work):
            raise UserError(
                "agents that a strategy keeps alive do not adapt to new tasks in between: choose another objective."
            )
        for place, result in self._executor.run([piece._replace(keep=True) for piece in work], progress):
            if isinstance(result, Done):
                result = attempt(functools.partial(self._adapted, work[place], result))
            yield place, result

    def _adapted(self, work: Work, trained: Done) -> Done:
        """The result of work whose agents are trained: every row of a curve is the return after adaptation."""
        new, adapted = jax.vmap(lambda key: named_key(key, "adapt"))(work.keys), []
        agents, plan = jax.device_put(trained.lifetimes, jax.devices()[0]), self._plan
        for member in range(work.shape[0]):
            candidate, own = jax.tree.map(lambda x, member=member: x[member], (work.candidates, agents))
            plan = with_horizon(candidate, work.environment, plan, work.keys[0])
            adapted.append(adapted_returns(candidate, work.environment, own, keys=new, plan=plan)[..., -1].mean(axis=1))
        rows = np.stack(adapted).astype(np.float32)[..., None]
        curves = trained.curves
        return Done(curves._replace(episode_return=np.broadcast_to(rows, curves.episode_return.shape)))
