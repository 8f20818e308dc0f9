"""The fitness of a population: every member on every task and seed, one compiled program per structure and task."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError
from discover.base.randomness import seed_keys
from discover.base.text_table import counted
from discover.components.space import Space
from discover.config.build import environment_from
from discover.config.search_config import SearchConfig
from discover.contract.environment import Environment
from discover.contract.executor import Executor, Work
from discover.contract.registry import Registry
from discover.contract.strategy import TaskReturns
from discover.contract.types import Lifetimes
from discover.inner_loop.isolation import Outcomes, outcomes_of
from discover.inner_loop.lifetime import begin, updates_in
from discover.inner_loop.population import inherit
from discover.inner_loop.work import fresh_work
from discover.outer_loop.archive import digests_in
from discover.outer_loop.effort import Effort, whole_effort
from discover.outer_loop.evaluation import Evaluation, evaluation_of
from discover.outer_loop.found import Found, first_alike, only

OngoingLifetimes: TypeAlias = tuple[Lifetimes, ...]
"""Ongoing lifetimes: for each task a tree of arrays ``[P, S, ...]``, or a handle of them."""


class Evaluator:
    """Evaluates populations of one space on the tasks of a config, by its objective.

    Args:
        registry: has the tasks.
        config: tasks, objective and seed.
        space: decodes the genomes.
        executor: where lifetimes run.
        progress: called with a description of the work in progress, and the share of it that is done.
    """

    def __init__(
        self,
        registry: Registry,
        config: SearchConfig,
        space: Space,
        executor: Executor,
        *,
        progress: Callable[[str, float], None],
    ):
        self._tasks, self._objective, self._seed = config.tasks, config.objective, config.seed
        self._space, self._executor, self._progress = space, executor, progress
        self._window = config.strategy.window()
        self._environments = [environment_from(registry, run.task) for run in config.tasks]
        self._scales = [registry.get("task", run.task).facts for run in config.tasks]

    def evaluate(
        self,
        genomes: np.ndarray,
        purpose: str,
        index: int,
        seeds: int,
        *,
        lowest: float = np.inf,
        effort: Effort | None = None,
    ) -> Evaluation:
        """Evaluate every member on every task, with the same seeds for all members (common random numbers).

        Members that are the same candidate, and worth the same effort, are evaluated once, and have the same curves.

        Args:
            genomes: ``[P, D]``.
            purpose, index: name and number of the stream of seeds.
            seeds: S, the most of any member.
            lowest: the lowest fitness of any sound candidate so far; broken members stay below it.
            effort: that each member is worth; by default all seeds and all steps.
        """
        started, population = time.perf_counter(), len(genomes)
        effort = whole_effort(population, seeds) if effort is None else effort
        groups = self._space.groups(genomes)
        alike = first_alike(np.concatenate([digests_in(groups, population), effort.digests], axis=1))
        original = alike == np.arange(population)
        found = Found(population, len(self._tasks), seeds)
        pieces, work, labels = [], [], []
        for task, run in enumerate(self._tasks):
            environment, keys = self._environments[task], seed_keys(self._seed, purpose, seeds, index, task)
            for members, count, budget in effort.kinds():
                for group in groups:
                    part = only(group, members & original)
                    if len(part.members):
                        pieces.append((task, part))
                        labels.append(f"{purpose} {index + 1}: {run.label}")
                        work.append(_shortened(fresh_work(environment, part.candidates, keys[:count], run.steps), budget))
        for place, outcomes in self._outcomes(work, labels):
            found.add(outcomes, *pieces[place], structure=self._space.describe(pieces[place][1].structure))
        found.copy(alike)
        return evaluation_of(found, effort, self._scored, lowest=lowest, structures=len(groups), started=started)

    def go_on(
        self,
        genomes: np.ndarray,
        parents: np.ndarray,
        ongoing: OngoingLifetimes,
        *,
        index: int,
        generations: int,
        seeds: int,
        lowest: float = np.inf,
    ) -> tuple[OngoingLifetimes, Evaluation]:
        """Continue ongoing lifetimes by their part of generation ``index``; the fitness is that of this part alone.

        If a host callback fails for one member, that member keeps its state and counts as broken. If the program fails for all
        members, that is an error, since none of them can continue.

        Args:
            genomes: ``[P, D]`` of one structure; from now on member i has the values of ``genomes[i]``.
            parents: ``[P]``; member i continues the lifetime of member ``parents[i]``.
            ongoing: after the generation before; started here in the first generation.
            index, generations: the part of each task's updates: number ``index`` of ``generations`` parts.
            seeds: S.
            lowest: the lowest fitness of any sound member so far; broken members stay below it.
        """
        started, (group,) = time.perf_counter(), self._space.groups(genomes)
        found = Found(len(genomes), len(self._tasks), seeds)
        work, labels = [], []
        for task, (run, environment) in enumerate(zip(self._tasks, self._environments, strict=True)):
            start, stop, total = self._share(task, index, generations)
            piece = Work(
                environment,
                group.candidates,
                seed_keys(self._seed, "search", seeds, 0, task),
                start=start,
                stop=stop,
                total=total,
                ongoing=None if index == 0 else inherit(ongoing[task], jnp.asarray(parents), index),
                keep=True,
                hold=True,
            )
            work.append(piece)
            labels.append(f"search {index + 1}: {run.label}")
        after = {}
        for task, part in self._outcomes(work, labels):
            after[task] = part.lifetimes
            found.add(part, task, group, structure=self._space.describe(group.structure))
        effort = whole_effort(len(genomes), seeds)
        evaluation = evaluation_of(found, effort, self._scored, lowest=lowest, structures=1, started=started)
        return tuple(after[task] for task in range(len(work))), evaluation

    def ongoing_form(self, population: int, seeds: int) -> OngoingLifetimes:
        """Shapes and dtypes of ongoing lifetimes.

        Raises:
            UserError: the space holds more than one structure.
        """
        if self._space.structures > 1:
            raise UserError(
                f"the strategy keeps agents alive and copies them, which needs one structure, but the space holds "
                f"{self._space.structures}: take the choices between components out of it, or choose another strategy."
            )
        (group,) = self._space.groups(np.zeros((population, self._space.dimension), np.float32))

        def first_lifetimes(environment: Environment) -> Lifetimes:
            each = jax.vmap(lambda member, key: begin(member, environment, key), in_axes=(None, 0))
            return jax.vmap(each, in_axes=(0, None))(group.candidates, seed_keys(self._seed, "search", seeds, 0))

        return tuple(jax.eval_shape(lambda e=e: first_lifetimes(e)) for e in self._environments)

    def check_shares(self, generations: int) -> None:
        """Check that ongoing lifetimes have at least one update in each generation.

        Raises:
            UserError: a task's budget has fewer updates than generations.
        """
        for task, run in enumerate(self._tasks):
            total = self._share(task, 0, generations)[2]
            if total < generations:
                raise UserError(
                    f"{run.label} has {counted(total, 'update')} for {counted(generations, 'generation')} of a strategy that "
                    "keeps agents alive: give more steps, or fewer generations."
                )

    def _share(self, task: int, index: int, generations: int) -> tuple[int, int, int]:
        """The first update of a generation, the first one after it, and the number of all updates."""
        candidate = self._space.decode(self._space.start(jax.random.key(0)))
        total = updates_in(candidate, self._environments[task], self._tasks[task].steps)
        return total * index // generations, total * (index + 1) // generations, total

    def _outcomes(self, work: list[Work], labels: list[str]) -> Iterator[tuple[int, Outcomes]]:
        """The outcomes of all pieces of work, in any order; what is left to do is told under its label."""
        left = dict(enumerate(labels))
        if labels:
            self._progress(labels[0], 0.0)
        for place, part in outcomes_of(self._executor, work):
            yield place, part
            del left[place]
            if left:
                self._progress(next(iter(left.values())), 1 - len(left) / len(labels))

    def _scored(self, returns: list[np.ndarray]) -> np.ndarray:
        """The objective of learning curves on each task."""
        scales = [TaskReturns(r, f["random"], f["reference"]) for r, f in zip(returns, self._scales, strict=True)]
        return np.array(self._objective(scales), np.float32)


def _shortened(work: Work, budget: float) -> Work:
    """The same lifetimes with a share of their updates, one at least."""
    updates = max(1, round(budget * work.total))
    return work if budget == 1 else work._replace(stop=updates, total=updates)
