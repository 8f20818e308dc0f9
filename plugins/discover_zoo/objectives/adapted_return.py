"""The return after adaptation to new tasks."""

from collections.abc import Sequence

import numpy as np

from discover import (
    AdaptationPlan,
    AdaptedExecutor,
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
class AdaptedReturn(Objective):
    """How well an agent does on a task that is new to it, after some episodes of adaptation.

    ``F = mean_{task family, seed, new task} (R_k - random) / (reference - random)``, where ``R_k`` is the return after
    ``episodes`` episodes of adaptation on a task that is drawn after training; all candidates adapt to the same ones. Training
    itself is not counted. It needs lifetimes that start anew, and task families.

    >>> curve = np.full((1, 1, 100), 5.0)
    >>> AdaptedReturn()([TaskReturns(curve, random=0.0, reference=10.0)])
    array([0.5])

    Attributes:
        episodes: of adaptation, in all.
        batch: of these, how many before each step of adaptation; ``R_k`` is the mean over one batch more.
        tasks: number of new tasks for each seed.
    """

    episodes: Count = 1
    batch: Count = 1
    tasks: Count = 20

    def executor(self, executor: Executor) -> Executor:
        return AdaptedExecutor(executor, AdaptationPlan(self.episodes, self.batch, self.tasks))

    def __call__(self, tasks: Sequence[TaskReturns]) -> np.ndarray:
        return mean_of_normalized(tasks, rows=1)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("adapted_return", AdaptedReturn)
