"""The return of the agent that a curriculum leads to."""

from collections.abc import Sequence

import numpy as np

from discover import (
    CompletedExecutor,
    CompletedPlan,
    Count,
    Executor,
    Objective,
    Registry,
    TaskReturns,
    component,
    hookimpl,
)
from discover_zoo.objectives.normalized_returns import mean_of_normalized


@component
class CompletedReturn(Objective):
    """How well the agent does that a curriculum leads to, by itself (Czarnecki et al. 2018, Mix & Match).

    ``F = mean_{task, seed} (R - random) / (reference - random)``, where R is the mean return of some episodes after training,
    or after each generation of agents that live on. In these the agent acts as in training, but as the end of its curriculum
    has it (alpha = 1 in Mix & Match). It learns nothing from them, and their steps are not counted. All members have the same
    tasks and first states. Without a curriculum R is the agent's own return.

    The curve of a mixture shows whoever acts. Population-based training that moves alpha by it leaves alpha where the simple
    agent is better at present; by this objective, alpha moves where the last agent gains.

    >>> curve = np.full((1, 1, 100), 5.0)
    >>> CompletedReturn()([TaskReturns(curve, random=0.0, reference=10.0)])
    array([0.5])

    Attributes:
        episodes: of each agent.
        steps: the most steps of an episode that count.
    """

    paper = "Czarnecki et al. 2018, Mix & Match: agent curricula for reinforcement learning, arXiv 1806.01780"

    episodes: Count = 16
    steps: Count = 1000

    def executor(self, executor: Executor) -> Executor:
        return CompletedExecutor(executor, CompletedPlan(self.episodes, self.steps))

    def __call__(self, tasks: Sequence[TaskReturns]) -> np.ndarray:
        return mean_of_normalized(tasks, rows=1)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("completed_return", CompletedReturn)
