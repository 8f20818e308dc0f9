"""Laws of objectives."""

from __future__ import annotations

import numpy as np

from discover.contract.strategy import Objective, TaskReturns
from discover.testing.failures import require


def check_objective(objective: Objective) -> None:
    """Check an objective on learning curves of six candidates, two tasks and three seeds.

    Fitness is one finite number per candidate; it follows its candidate into another order; curves that are higher everywhere
    are not worth less.

    Raises:
        ConformanceError: in one sentence.
    """
    name, random = type(objective).__name__, np.random.default_rng(0)
    curves = [random.normal(size=(6, 3, 100)).astype(np.float32).cumsum(axis=-1) for _ in range(2)]

    def fitness(lift: float = 0.0, order: slice = slice(None)) -> np.ndarray:
        tasks = [TaskReturns((c + np.float32(lift))[order], -5.0, 20.0) for c in curves]
        return np.asarray(objective(tasks))

    found = fitness()
    require(found.shape == (6,), f"{name} gives fitness of shape {found.shape} for six candidates.")
    require(np.isfinite(found).all(), f"{name} gives fitness that is not finite for finite curves.")
    backwards = fitness(order=slice(None, None, -1))[::-1]
    require(np.allclose(found, backwards, 1e-4, 1e-4), f"{name} gives a candidate another fitness in another place.")
    require((fitness(lift=3.0) >= found).all(), f"{name} gives higher curves a lower fitness: higher is better everywhere.")
