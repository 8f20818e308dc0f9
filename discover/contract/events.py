"""The events that commands report to plugins that watch them; `results` holds what a whole command reports at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from discover.components.space import Space
from discover.contract.algorithm import Algorithm
from discover.contract.registry import Registry


class Status(IntEnum):
    """The outcome of a candidate's evaluation. A candidate is broken unless it is OK, or was not run at all."""

    OK = 0
    NOT_FINITE = 1
    """Parameters, returns or fitness are NaN or infinite."""
    NO_EPISODE = 2
    """No episode ended within the lifetime, so there is no return."""
    ERROR = 3
    """The candidate's program could not be compiled or run."""
    TIME = 4
    """The candidate's structure took longer than the time limit."""
    NOT_RUN = 5
    """Its strategy left it out of this generation."""

    @property
    def broken(self) -> bool:
        """Whether a candidate with this status is broken.

        >>> [status.name for status in Status if not status.broken]
        ['OK', 'NOT_RUN']
        """
        return self not in (Status.OK, Status.NOT_RUN)


class TaskRun(NamedTuple):
    """A task and the length of a lifetime on it.

    Attributes:
        task: name of the task.
        steps: env steps of the lifetime.

    >>> TaskRun("CartPole-v1", 100_000).label
    'CartPole-v1 @ 100,000'
    """

    task: str
    steps: int

    @property
    def label(self) -> str:
        """The text that stands for both in tables and messages."""
        return f"{self.task} @ {self.steps:,}"


@dataclass(frozen=True)
class Command:
    """A command that is about to begin, for plugins that may watch it.

    Attributes:
        name: ``search``, ``resume``, ``refine``, ``train``, ``compare``, ``adapt``, ``ablate``, ``promote`` or ``show``.
        directory: directory of the search that is resumed, else None.
        tracking: whether the command is tracked (``--no-tracking`` switches it off).
        store: address of the tracking store (``--tracking``); None leaves it to the tracker.
        json: whether standard output belongs to one JSON object.
        promote: whether the champion of a search is to be the champion of its registered model without a comparison.
    """

    name: str
    directory: Path | None = None
    tracking: bool = True
    store: str | None = None
    json: bool = False
    promote: bool = False


@dataclass(frozen=True)
class SearchInfo:
    """A search, for plugins that watch it.

    Attributes:
        name: name in the config.
        directory: place of checkpoints, champion and resolved config.
        config: the resolved config, with the keys of a YAML file.
        space: the space that is searched; ``space.template`` prints as the candidate with its open values.
        tasks: tasks and horizons of the search.
        population, generations, seeds: sizes.
        provenance: versions, plugins, git commit, device and chunk size: everything that a repetition needs.
        registry: components by name.
        resumed_from: generation at which the search continues; 0 for a new one.
        resumed: whether the search continues in its own directory, from whatever generation.
        phase: the work that is left at the start: generations (``search``), only the selection of the champion and the report
            (``end``), or nothing (``finished``).
    """

    name: str
    directory: Path
    config: Mapping[str, Any]
    space: Space
    tasks: Sequence[TaskRun]
    population: int
    generations: int
    seeds: int
    provenance: Mapping[str, Any]
    registry: Registry
    resumed_from: int = 0
    resumed: bool = False
    phase: Literal["search", "end", "finished"] = "search"


@dataclass(frozen=True)
class TrainingInfo:
    """A training that begins, for plugins that watch it.

    Attributes:
        name: the user's name for the candidate.
        algorithm: the candidate.
        run: task and steps.
        seeds: number of lifetimes.
        fingerprint: a hash of the candidate, equal exactly for equal candidates.
        provenance: versions, plugins, git commit, device.
    """

    name: str
    algorithm: Algorithm
    run: TaskRun
    seeds: int
    fingerprint: str
    provenance: Mapping[str, Any]


@dataclass(frozen=True)
class ComparisonInfo:
    """A comparison that begins, for plugins that watch it: that of a command, or the report of a search.

    Attributes:
        candidates: by name; the first one is compared with each of the others.
        roles: by name: ``champion`` of a search, ``tuned`` baseline, ``baseline``, or ``candidate`` in question.
        runs: tasks and steps.
        seeds: number of lifetimes of each candidate on each task.
        fingerprints: a hash of each candidate, by name.
        provenance: versions, plugins, git commit, device.
        directory: directory of the search whose report it is, else None.
    """

    candidates: Mapping[str, Algorithm]
    roles: Mapping[str, str]
    runs: Sequence[TaskRun]
    seeds: int
    fingerprints: Mapping[str, str]
    provenance: Mapping[str, Any]
    directory: Path | None = None


class Doubt(NamedTuple):
    """How sure the choice of a champion is.

    Attributes:
        probability: that another finalist is better.
        shortfall: by how much the best finalist is better than the champion, on average; 0 where it is the champion.

    >>> print(Doubt(0.25, 0.0123))
    another finalist is better with probability 0.25; the best one by 0.012 on average
    """

    probability: float
    shortfall: float

    def __str__(self) -> str:
        how_much = f"the best one by {self.shortfall:.2g} on average"
        return f"another finalist is better with probability {self.probability:.2f}; {how_much}"


@dataclass(frozen=True)
class Selection:
    """The choice of a search's champion among its best candidates.

    Attributes:
        champion: the best finalist.
        fitness: fitness of the champion, on seeds that had no part in the choice.
        finalists: ``[F, D]`` genomes, on the selection seeds.
        finalist_fitness: ``[F]`` on the selection seeds, -inf where a finalist broke.
        doubt: whether another finalist is better; None if there are too few seeds to say so.
    """

    champion: Algorithm
    fitness: float
    finalists: np.ndarray
    finalist_fitness: np.ndarray
    doubt: Doubt | None = None


@dataclass(frozen=True)
class Generation:
    """One evaluated generation of a search.

    Attributes:
        index: number of the generation, from 0.
        genomes: ``[P, D]``.
        fitness: ``[P]``, always finite: that of a broken member is just below the lowest of every sound one so far.
        status: ``[P]`` of `Status`.
        errors: why members with status ERROR or TIME broke, by index.
        returns: per task ``[P, S, 100]`` learning curves.
        structures: number of different structures in the population.
        env_steps: env steps of this generation, with those of elites that were evaluated again.
        env_steps_so_far: env steps of all generations up to this one.
        evaluation_seconds: time in compiled programs, with their compilation.
        seconds: time of the whole generation.
        best_fitness: fitness of the candidate that was the best before this generation, without the luck that made it the best:
            the mean of its evaluations since then. If it was not evaluated again, the highest mean so far, which is too high on
            average.
        broken_so_far: number of broken members so far, by status name.
        parents: None with fresh lifetimes. With ongoing ones ``[P]``: member i continued the lifetimes of member
            ``parents[i]``.
        climb: of a strategy that climbs by gradients, ``[P]`` each: ``norm`` of the gradient and of its standard error
            (``norm_of_error``), the mean ``objective`` and ``regularizer``, and what the meta-objective reports; else empty.
    """

    index: int
    genomes: np.ndarray
    fitness: np.ndarray
    status: np.ndarray
    errors: Mapping[int, str]
    returns: Sequence[np.ndarray]
    structures: int
    env_steps: int
    env_steps_so_far: int
    evaluation_seconds: float
    seconds: float
    best_fitness: float
    broken_so_far: Mapping[str, int]
    parents: np.ndarray | None = None
    climb: Mapping[str, np.ndarray] = field(default_factory=dict)
