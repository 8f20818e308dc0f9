"""The mean return over the whole of training."""

from collections.abc import Sequence

import numpy as np

from discover import Objective, Registry, TaskReturns, component, hookimpl
from discover_zoo.objectives.normalized_returns import mean_of_normalized


@component
class AreaUnderCurve(Objective):
    """Performance and speed of learning: the mean over tasks, seeds and the whole curve.

    ``F = mean_{task, seed, row} (R - random) / (reference - random)``. A curve that is not finite makes the fitness of its
    candidate NaN and of no other.

    >>> curve = np.linspace(0.0, 9.9, 100).reshape(1, 1, 100)
    >>> AreaUnderCurve()([TaskReturns(curve, random=0.0, reference=10.0)]).round(3)
    array([0.495])
    """

    def __call__(self, tasks: Sequence[TaskReturns]) -> np.ndarray:
        return mean_of_normalized(tasks)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("area_under_curve", AreaUnderCurve)
