"""An executor whose curves show how agents adapt to new tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import numpy as np

from discover.base.errors import UserError
from discover.base.randomness import named_key
from discover.contract.adaptation import AdaptationPlan
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.executor import Curves, Executor, count_members
from discover.contract.types import Key, Lifetimes, Members
from discover.evaluation.adapting import adapted_returns, trained, with_horizon


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

    def settle(self, lifetimes: int, candidate: Algorithm, environments: Sequence[Environment]) -> Executor:
        return AdaptedExecutor(self._executor.settle(lifetimes, candidate, environments), self._plan)

    def evaluate(
        self,
        environment: Environment,
        candidates: Members,
        keys: Key,
        steps: int,
        progress: Callable[[float], None] | None = None,
    ) -> Curves:
        agents, curves = trained(self._executor, environment, candidates, keys, steps=steps, progress=progress)
        new, adapted = jax.vmap(lambda key: named_key(key, "adapt"))(keys), []
        plan = self._plan
        for member in range(count_members(candidates)):
            candidate, own = jax.tree.map(lambda x, member=member: x[member], (candidates, agents))
            plan = with_horizon(candidate, environment, plan, keys[0])
            adapted.append(adapted_returns(candidate, environment, own, keys=new, plan=plan)[..., -1].mean(axis=1))
        rows = np.stack(adapted).astype(np.float32)[..., None]
        return curves._replace(episode_return=np.broadcast_to(rows, curves.episode_return.shape))

    def begin(self, environment: Environment, candidates: Members, keys: Key) -> Lifetimes:
        raise UserError("agents that a strategy keeps alive do not adapt to new tasks in between: choose another objective.")
