"""Half the speed of learning, half its result, bounded on each task."""

from collections.abc import Sequence

import numpy as np

from discover import Integer, Objective, Registry, Scalar, TaskReturns, component, hookimpl, integer, real
from discover_zoo.objectives.normalized_returns import mean_of_normalized


@component
class Mixed(Objective):
    """Area under the curve and final return in equal parts, so that neither slow learners nor those that fall back win.

    With the normalized mean return over the whole curve, ``A``, and over its last rows, ``E``, of all seeds of a task::

        F = mean_task clip((A + E) / 2, low, high)

    The bounds keep one task from outweighing the others: with a reference that can be exceeded, or a random return that can be
    missed by far. A curve that is not finite makes the fitness of its candidate NaN and of no other.

    Attributes:
        rows: how many of the 100 rows at the end count as final.
        low, high: bounds of a task's part; 0 is a random policy, 1 the reference.

    >>> curve = np.linspace(0.0, 9.9, 100).reshape(1, 1, 100)
    >>> Mixed()([TaskReturns(curve, random=0.0, reference=10.0)]).round(4)
    array([0.72])
    >>> Mixed()([TaskReturns(curve * 9.0, random=0.0, reference=10.0)]).round(4)
    array([1.1])
    """

    rows: Integer = integer(10, low=1, high=100)
    low: Scalar = real(-0.2, low=-1.0, high=0.0)
    high: Scalar = real(1.1, low=0.5, high=2.0)

    def __call__(self, tasks: Sequence[TaskReturns]) -> np.ndarray:
        parts = [(mean_of_normalized([task]) + mean_of_normalized([task], int(self.rows))) / 2.0 for task in tasks]
        return np.mean(np.clip(parts, self.low, self.high), axis=0)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("mixed", Mixed)
