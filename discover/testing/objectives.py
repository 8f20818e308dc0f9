"""Checks of objectives."""

from __future__ import annotations

import numpy as np

from discover.contract.strategy import Objective, TaskReturns
from discover.testing.failures import require
from discover.testing.guard import guarded

_FITNESS = ("A strategy is told one finite number per candidate.", "Average over tasks, seeds and rows, not over candidates.")


@guarded("__call__")
def check_objective(objective: Objective) -> None:
    """Check an objective on learning curves of six candidates, two tasks and three seeds.

    The fitness is one finite number per candidate, and the same at every call. It does not depend on the order of the
    candidates. Curves that are higher everywhere do not have a lower fitness.

    Raises:
        ConformanceError: the first check that fails, in one sentence.
    """
    name, random = type(objective).__name__, np.random.default_rng(0)
    curves = [random.normal(size=(6, 3, 100)).astype(np.float32).cumsum(axis=-1) for _ in range(2)]

    def fitness(lift: float = 0.0, order: slice = slice(None)) -> np.ndarray:
        tasks = [TaskReturns((c + np.float32(lift))[order], -5.0, 20.0) for c in curves]
        result = objective(tasks)
        require(result is not None, f"{name} gives None, not one number per candidate.", _FITNESS[0], "Add the `return`.")
        return np.asarray(result)

    usual = fitness()
    require(usual.shape == (6,), f"{name} gives fitness of shape {usual.shape} for six candidates.", *_FITNESS)
    require(np.isfinite(usual).all(), f"{name} gives fitness that is not finite for finite curves.", *_FITNESS)
    require(
        np.array_equal(usual, fitness()),
        f"{name} gives other fitness for the same curves.",
        "A resumed search must come to the same bits.",
        "Take random draws out, or make them from a fixed seed.",
    )
    backwards = fitness(order=slice(None, None, -1))[::-1]
    require(
        np.allclose(usual, backwards, 1e-4, 1e-4),
        f"{name} gives a candidate another fitness in another place.",
        "The order of a population means nothing.",
        "Compute the fitness of each candidate from its own curves, `returns[p]`.",
    )
    require(
        (fitness(lift=3.0) >= usual).all(),
        f"{name} gives higher curves a lower fitness: higher is better everywhere.",
        "A strategy maximizes the fitness.",
        "Change the sign.",
    )
