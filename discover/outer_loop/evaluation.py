"""The evaluation of a population: the fitness, the status and the cost of each member."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np

from discover.contract.events import Status
from discover.contract.strategy import Told
from discover.outer_loop.effort import Effort
from discover.outer_loop.found import Found

Score: TypeAlias = Callable[[list[np.ndarray]], np.ndarray]
"""An objective: the fitness ``[n]`` of learning curves ``[n, S, 100]`` on each task."""

_BELOW_ALL = -1e9
"""Fitness of broken candidates as long as there is no sound one."""


class Climb(NamedTuple):
    """The gradients of a population, where its strategy asks for them.

    Attributes:
        gradients, errors: ``[P, D]``, see `Told`.
        figures: ``[P]`` each, by name, for a human reader.
    """

    gradients: np.ndarray
    errors: np.ndarray
    figures: Mapping[str, np.ndarray]


class Evaluation(NamedTuple):
    """The curves of a population, and the fitness and status of each member."""

    fitness: np.ndarray  # [P], finite
    by_seed: np.ndarray  # [P, S], the fitness by each seed alone; NaN where it is not finite, or was not run
    status: np.ndarray  # [P]
    errors: dict[int, str]
    returns: list[np.ndarray]  # per task [P, S, 100]
    effort: Effort
    cost: np.ndarray  # [P] env steps of each member, whether it or a copy was run
    structures: int
    env_steps: int
    seconds: float
    climb: Climb | None = None

    def told(self, genomes: jax.Array) -> Told:
        """All that the strategy is told of them; what its compiled `tell` does not use stays on the host."""
        cost, returns = self.cost.astype(np.float32), tuple(self.returns)
        on_host: Any = (self.fitness, self.effort.seeds, self.spread(), cost, self.status, returns)
        told = Told(genomes, *on_host)
        if self.climb is None:
            return told
        gradients: Any = self.climb.gradients, self.climb.errors
        return told._replace(gradients=gradients[0], gradient_errors=gradients[1])

    def first(self, members: int) -> Evaluation:
        """The evaluation of the first members; totals stay those of all."""
        return self._replace(
            fitness=self.fitness[:members],
            by_seed=self.by_seed[:members],
            status=self.status[:members],
            errors={member: why for member, why in self.errors.items() if member < members},
            returns=[returns[:members] for returns in self.returns],
            effort=Effort(*(part[:members] for part in self.effort)),
            cost=self.cost[:members],
        )

    def spread(self) -> np.ndarray:
        """The standard error of the fitness over seeds, ``[P]``; infinite where it is not known."""
        seeds = self.effort.seeds
        known, spread = (seeds > 1) & (self.status == Status.OK), np.full(len(seeds), np.inf, np.float32)
        run = np.arange(self.by_seed.shape[1]) < seeds[:, None]
        values = np.where(run, self.by_seed, 0.0)[known].astype(np.float64)
        count, run = seeds[known], run[known]
        deviations = np.where(run, values - values.sum(axis=1, keepdims=True) / count[:, None], 0.0)
        spread[known] = np.sqrt((deviations**2).sum(axis=1) / (count - 1) / count)
        return np.where(np.isfinite(spread), spread, np.float32(np.inf))


def evaluation_of(found: Found, effort: Effort, score: Score, *, lowest: float, structures: int, started: float) -> Evaluation:
    """The evaluation of a population.

    Args:
        found: its learning curves; the status of what has no finite fitness, or was not run, is changed.
        effort: that each member was worth.
        score: the objective; it is called for all members of one effort at once, so that no curve is missing.
        lowest: the lowest fitness of any sound candidate so far.
        structures: number of structures in the population.
        started: when the evaluation began, by `time.perf_counter`.
    """
    found.status[effort.seeds == 0] = Status.NOT_RUN
    fitness, by_seed = _fitness(found, effort, score, lowest)
    return Evaluation(
        fitness=fitness,
        by_seed=by_seed,
        status=found.status,
        errors=found.errors,
        returns=found.returns,
        effort=effort,
        cost=found.cost,
        structures=structures,
        env_steps=found.env_steps,
        seconds=time.perf_counter() - started,
    )


def _fitness(found: Found, effort: Effort, score: Score, lowest: float) -> tuple[np.ndarray, np.ndarray]:
    """Fitness ``[P]``, finite, and that by each seed alone ``[P, S]``.

    Members that are broken or were not run are just below every sound one so far: if they tied with the worst sound member, or
    were above one of an earlier generation, they could replace it in an elite.
    """
    members, most = found.returns[0].shape[:2]
    fitness, by_seed = np.full(members, np.nan, np.float32), np.full((members, most), np.nan, np.float32)
    for some, seeds, _ in effort.kinds():
        returns = [task[some, :seeds] for task in found.returns]
        fitness[some] = score(returns)
        alone = fitness[some] if seeds == 1 else score([task.reshape(-1, 1, task.shape[-1]) for task in returns])
        by_seed[some, :seeds] = np.where(np.isfinite(alone), alone, np.nan).reshape(-1, seeds)
    found.status[(found.status == Status.OK) & ~np.isfinite(fitness)] = Status.NOT_FINITE
    sound = found.status == Status.OK
    floor = np.float32(min([lowest, *fitness[sound]]))
    fitness[~sound] = np.nextafter(floor, np.float32(-np.inf)) if np.isfinite(floor) else _BELOW_ALL
    return fitness, by_seed
