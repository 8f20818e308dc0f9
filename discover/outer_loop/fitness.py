"""The fitness of a population: every member on every task and seed, one compiled program per structure and task."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError
from discover.base.randomness import seed_keys
from discover.base.text_table import counted
from discover.components.space import Group, Space
from discover.config.build import environment_from
from discover.config.search_config import SearchConfig
from discover.contract.environment import Environment
from discover.contract.events import Status
from discover.contract.executor import Executor
from discover.contract.registry import Registry
from discover.contract.strategy import TaskReturns
from discover.contract.types import Lifetimes
from discover.inner_loop.isolation import Outcomes, advanced, evaluated
from discover.inner_loop.lifetime import begin, updates_in
from discover.inner_loop.population import inherit
from discover.outer_loop.archive import digests_in
from discover.outer_loop.time_limit import TimeLimitedWorker
from discover.outer_loop.worker import Job

OngoingLifetimes: TypeAlias = tuple[Lifetimes, ...]
"""Ongoing lifetimes: for each task a tree of arrays ``[P, S, ...]``."""

_BELOW_ALL = -1e9
"""Fitness of broken candidates as long as there is no sound one."""


class Evaluation(NamedTuple):
    """The curves of a population, and the fitness and status of each member."""

    fitness: np.ndarray  # [P], finite
    status: np.ndarray  # [P]
    errors: dict[int, str]
    returns: list[np.ndarray]  # per task [P, S, 100]
    structures: int
    env_steps: int
    seconds: float


class Evaluator:
    """Evaluates populations of one space on the tasks of a config, by its objective.

    Args:
        registry: has the tasks.
        config: tasks, objective and seed.
        space: decodes the genomes.
        executor: where lifetimes run.
        progress: called with a description of the work in progress, and the share of it that is done.
        limited: evaluates structures within a time limit, if there is one.
    """

    def __init__(
        self,
        registry: Registry,
        config: SearchConfig,
        space: Space,
        executor: Executor,
        *,
        progress: Callable[[str, float], None],
        limited: TimeLimitedWorker | None = None,
    ):
        self._tasks, self._objective, self._seed = config.tasks, config.objective, config.seed
        self._space, self._executor, self._progress, self._limited = space, executor, progress, limited
        self._environments = [environment_from(registry, run.task) for run in config.tasks]
        self._scales = [registry.get("task", run.task).facts for run in config.tasks]

    def evaluate(self, genomes: np.ndarray, purpose: str, index: int, seeds: int, *, lowest: float = np.inf) -> Evaluation:
        """Evaluate every member on every task, with the same seeds for all members (common random numbers).

        Members that are the same candidate are evaluated once, and have the same curves.

        Args:
            genomes: ``[P, D]``.
            purpose, index: name and number of the stream of seeds.
            seeds: S.
            lowest: the lowest fitness of any sound candidate so far; broken members stay below it.
        """
        started, population = time.perf_counter(), len(genomes)
        everyone, env_steps = self._space.groups(genomes), 0
        alike = _first_alike(digests_in(everyone, population))
        groups, distinct = [_without_copies(group, alike) for group in everyone], np.unique(alike)
        errors: dict[int, str] = {}
        status = np.full(population, Status.OK, np.int8)
        returns = []
        for task, run in enumerate(self._tasks):
            keys = seed_keys(self._seed, purpose, seeds, index, task)
            curves = np.full((population, seeds, 100), np.nan, np.float32)
            for place, group in enumerate(groups):
                share = (task * len(groups) + place) / (len(groups) * len(self._tasks))
                self._progress(f"{purpose} {index + 1}: {run.label}", share)
                if (status[group.members] == Status.TIME).all():
                    continue  # on an earlier task
                if self._limited is None:
                    part = evaluated(self._executor, self._environments[task], group.candidates, keys, steps=run.steps)
                else:
                    job = Job(task=task, place=place, purpose=purpose, generation=index, seeds=seeds)
                    part = self._limited.evaluate(job, genomes[distinct], len(group.members))
                env_steps += self._collect(part, group, returns=curves, status=status, errors=errors)
            returns.append(curves[alike])
        status, errors = status[alike], {member: errors[int(first)] for member, first in enumerate(alike) if first in errors}
        fitness = self._fitness(returns, status, lowest)
        return Evaluation(
            fitness=fitness,
            status=status,
            errors=errors,
            returns=returns,
            structures=len(groups),
            env_steps=env_steps,
            seconds=time.perf_counter() - started,
        )

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
        status, returns, after, env_steps = np.full(len(genomes), Status.OK, np.int8), [], [], 0
        errors: dict[int, str] = {}
        for task, (run, environment) in enumerate(zip(self._tasks, self._environments, strict=True)):
            self._progress(f"search {index + 1}: {run.label}", task / len(self._tasks))
            start, stop, total = self._share(task, index, generations)
            if index == 0:
                life = self._executor.begin(environment, group.candidates, seed_keys(self._seed, "search", seeds, 0, task))
            else:
                life = inherit(ongoing[task], jnp.asarray(parents), index)
            life, part = advanced(self._executor, environment, group.candidates, life, window=(start, stop, total))
            after.append(life)
            curves = np.full_like(part.returns, np.nan)
            env_steps += self._collect(part, group, returns=curves, status=status, errors=errors)
            returns.append(curves)
        fitness = self._fitness(returns, status, lowest)
        return tuple(after), Evaluation(
            fitness=fitness,
            status=status,
            errors=errors,
            returns=returns,
            structures=1,
            env_steps=env_steps,
            seconds=time.perf_counter() - started,
        )

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

    def _collect(self, part: Outcomes, group: Group, *, returns: np.ndarray, status: np.ndarray, errors: dict[int, str]) -> int:
        """Fill in ``returns``, ``status`` and ``errors`` of a group's members; the result is their number of env steps."""
        returns[group.members] = part.returns
        status[group.members] = np.maximum(status[group.members], part.status)
        structure = self._space.describe(group.structure)
        for place, why in part.errors.items():
            errors[int(group.members[place])] = f"{why}, with {structure}" if structure else why
        return part.env_steps

    def _fitness(self, returns: list[np.ndarray], status: np.ndarray, lowest: float) -> np.ndarray:
        """Fitness ``[P]``, finite: broken members are just below every sound one so far.

        If they tied with the worst sound member, or were above one of an earlier generation, they could replace it in an elite.
        """
        scales = [TaskReturns(r, f["random"], f["reference"]) for r, f in zip(returns, self._scales, strict=True)]
        fitness = np.array(self._objective(scales), np.float32)
        status[(status == Status.OK) & ~np.isfinite(fitness)] = Status.NOT_FINITE
        sound = status == Status.OK
        floor = np.float32(min([lowest, *fitness[sound]]))
        fitness[~sound] = np.nextafter(floor, np.float32(-np.inf)) if np.isfinite(floor) else _BELOW_ALL
        return fitness


def _first_alike(digests: np.ndarray) -> np.ndarray:
    """For each member ``[P]`` the first one with the same digest, which may be itself."""
    first: dict[bytes, int] = {}
    return np.asarray([first.setdefault(digest.tobytes(), place) for place, digest in enumerate(digests)])


def _without_copies(group: Group, alike: np.ndarray) -> Group:
    """The members of a group that are the first with their digest."""
    first = alike[group.members] == group.members
    return group._replace(members=group.members[first], candidates=jax.tree.map(lambda x: x[first], group.candidates))
