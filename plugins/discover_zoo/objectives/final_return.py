"""The return at the end of training."""

from collections.abc import Sequence

import numpy as np

from discover import Integer, Objective, Registry, TaskReturns, component, hookimpl, integer
from discover_zoo.objectives.normalized_returns import mean_of_normalized


@component
class FinalReturn(Objective):
    """How good the agent is in the end: the mean over tasks, seeds and the last ``rows`` rows of the curve.

    ``F = mean_{task, seed, row > 100 - rows} (R - random) / (reference - random)``. A curve that is not finite in these rows
    makes the fitness of its candidate NaN and of no other.
    """

    rows: Integer = integer(10, low=1, high=100)

    def __call__(self, tasks: Sequence[TaskReturns]) -> np.ndarray:
        return mean_of_normalized(tasks, int(self.rows))


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("final_return", FinalReturn)
