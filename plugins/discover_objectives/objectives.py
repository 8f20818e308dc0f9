"""Fitness from learning curves, normalised per task: 0 is a uniform random policy, 1 the task's reference return."""

from collections.abc import Sequence

import numpy as np

from discover import Integer, Objective, TaskReturns, component, integer


@component
class FinalReturn(Objective):
    """How good the agent is in the end: the mean over tasks, seeds and the last ``rows`` rows of the curve.

    ``F = mean_{task, seed, row > 100 - rows} (R - random) / (reference - random)``. A curve that is not finite in these rows
    makes the fitness of its candidate NaN and of no other.
    """

    rows: Integer = integer(10, low=1, high=100)

    def __call__(self, tasks: Sequence[TaskReturns]) -> np.ndarray:
        return _mean_of_normalised(tasks, int(self.rows))


@component
class AreaUnderCurve(Objective):
    """How good the agent is and how fast it becomes so: the mean over tasks, seeds and the whole curve.

    ``F = mean_{task, seed, row} (R - random) / (reference - random)``. A curve that is not finite makes the fitness of its
    candidate NaN and of no other.
    """

    def __call__(self, tasks: Sequence[TaskReturns]) -> np.ndarray:
        return _mean_of_normalised(tasks)


def _mean_of_normalised(tasks: Sequence[TaskReturns], rows: int | None = None) -> np.ndarray:
    """``[P]`` float64: each task weighs the same, and each seed within it. ``rows``: the last so many only."""
    return np.mean([_normalised(task, task.returns[..., -rows:] if rows else task.returns) for task in tasks], axis=0)


def _normalised(task: TaskReturns, returns: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):  # infinity minus infinity is NaN, and says so
        mean = np.mean(returns, axis=(1, 2), dtype=np.float64)
    fitness = (mean - task.random) / (task.reference - task.random)
    return np.where(np.isfinite(fitness), fitness, np.nan)
