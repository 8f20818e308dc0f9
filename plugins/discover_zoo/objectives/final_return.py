"""The return at the end of training."""

from collections.abc import Sequence

import numpy as np

from discover import Integer, Objective, Registry, TaskReturns, component, hookimpl, integer
from discover_zoo.objectives.normalized_returns import mean_of_normalized


@component
class FinalReturn(Objective):
    """Performance at the end of training: the mean over tasks, seeds and the last ``rows`` rows of the curve.

    ``F = mean_{task, seed, row > 100 - rows} (R - random) / (reference - random)``. A curve that is not finite in these rows
    makes the fitness of its candidate NaN and of no other.

    >>> curve = np.linspace(0.0, 9.9, 100).reshape(1, 1, 100)
    >>> FinalReturn()([TaskReturns(curve, random=0.0, reference=10.0)]).round(3)
    array([0.945])

    Attributes:
        rows: of the 100 rows of a curve, how many of the last count.
    """

    rows: Integer = integer(10, low=1, high=100)

    def __call__(self, tasks: Sequence[TaskReturns]) -> np.ndarray:
        return mean_of_normalized(tasks, int(self.rows))


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("final_return", FinalReturn)
