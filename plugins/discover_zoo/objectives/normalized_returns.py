"""Fitness from learning curves, normalized per task: 0 is a uniform random policy, 1 the task's reference return."""

from collections.abc import Sequence

import numpy as np

from discover import TaskReturns


def mean_of_normalized(tasks: Sequence[TaskReturns], rows: int | None = None) -> np.ndarray:
    """Fitness ``[P]`` in float64: each task weighs the same, and each seed within it.

    Args:
        tasks: learning curves on each task.
        rows: how many of the last rows of the curves count; None counts all.

    >>> mean_of_normalized([TaskReturns(np.full((1, 1, 100), 5.0), random=0.0, reference=10.0)])
    array([0.5])
    """
    return np.mean([_normalized(task, task.returns[..., -rows:] if rows else task.returns) for task in tasks], axis=0)


def _normalized(task: TaskReturns, returns: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):  # infinity minus infinity is NaN, with a warning
        mean = np.mean(returns, axis=(1, 2), dtype=np.float64)
    fitness = (mean - task.random) / (task.reference - task.random)
    return np.where(np.isfinite(fitness), fitness, np.nan)
