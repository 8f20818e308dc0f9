"""The mean return over the whole of training."""

from collections.abc import Sequence

import numpy as np

from discover import Objective, Registry, TaskReturns, component, hookimpl
from discover_zoo.objectives.normalized_returns import mean_of_normalized


@component
class AreaUnderCurve(Objective):
    """How good the agent is and how fast it becomes so: the mean over tasks, seeds and the whole curve.

    ``F = mean_{task, seed, row} (R - random) / (reference - random)``. A curve that is not finite makes the fitness of its
    candidate NaN and of no other.
    """

    def __call__(self, tasks: Sequence[TaskReturns]) -> np.ndarray:
        return mean_of_normalized(tasks)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("area_under_curve", AreaUnderCurve)
