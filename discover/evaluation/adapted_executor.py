"""An executor whose curves show how agents adapt to new tasks."""

from __future__ import annotations

import jax
import numpy as np

from discover.base.errors import UserError
from discover.base.randomness import named_key
from discover.contract.adaptation import AdaptationPlan
from discover.contract.executor import Done, Work
from discover.evaluation.adapting import adapted_returns, with_horizon
from discover.evaluation.judging_executor import JudgingExecutor


class AdaptedExecutor(JudgingExecutor[AdaptationPlan]):
    """Trains agents with another executor, then lets them adapt to new tasks; every row of their curves is the return after it.

    Args:
        executor: trains them.
        plan: what follows on each new task; the return is that of its last column.
    """

    def check(self, work: Work) -> None:
        if work.keep or work.ongoing is not None:
            raise UserError(
                "agents that a strategy keeps alive do not adapt to new tasks in between: choose another objective."
            )

    def judged(self, work: Work, trained: Done) -> Done:
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
