"""What a search, a training and a comparison report to plugins that watch them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from discover.base.statistics import Interval
from discover.components.space import Space
from discover.contract.algorithm import Algorithm
from discover.contract.registry import Registry


class Status(IntEnum):
    """What became of a candidate's evaluation. All but OK count as broken: fitness just below every sound one so far."""

    OK = 0
    NOT_FINITE = 1
    """Parameters, returns or fitness hold NaN or infinity."""
    NO_EPISODE = 2
    """No episode ended within the lifetime, so there is no return."""
    ERROR = 3
    """The candidate's program could not be compiled or run."""
    TIME = 4
    """The candidate's structure took longer than the limit of time."""


class TaskRun(NamedTuple):
    """A task and how long a lifetime on it is."""

    task: str
    steps: int

    @property
    def label(self) -> str:
        return f"{self.task} @ {self.steps:,}"


@dataclass(frozen=True)
class Command:
    """A command as those who may watch it see it, before it begins.

    Attributes:
        name: ``search``, ``resume``, ``train`` or ``compare``.
        directory: of the search that is resumed, else None.
        tracking: whether it is tracked (``--no-tracking`` says no).
        store: address of the tracking store (``--tracking``); None leaves it to the tracker.
        json: standard output belongs to one JSON object.
    """

    name: str
    directory: Path | None = None
    tracking: bool = True
    store: str | None = None
    json: bool = False


@dataclass(frozen=True)
class SearchInfo:
    """A search as its watchers see it.

    Attributes:
        name: of the config.
        directory: where checkpoints, the champion and the resolved config lie.
        config: the resolved config, in the words of a YAML file.
        space: what is searched; ``space.template`` prints as itself.
        tasks: tasks and horizons that the search sees.
        population, generations, seeds: sizes.
        provenance: versions, plugins, git commit, device, chunk size: what a repeat would need.
        registry: names of components.
        resumed_from: generation from which it goes on, 0 for a new search.
        resumed: whether it goes on in a directory that it had before, be it from generation 0.
        phase: what is left when it starts: generations too (``search``), what follows the last one (``end``: selection,
            report), or nothing (``finished``).
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
class Generation:
    """One evaluated generation.

    Attributes:
        index: 0-based.
        genomes: ``[P, D]``.
        fitness: ``[P]`` finite; a broken member is just below the lowest sound one so far.
        status: ``[P]`` of `Status`.
        errors: reasons of members with status ERROR or TIME, by index.
        returns: per task ``[P, S, 100]`` learning curves.
        structures: how many structures the population held.
        env_steps: env steps of this generation.
        env_steps_so_far: and of all up to it.
        evaluation_seconds: inside compiled programs (with their compilation).
        seconds: the whole generation, everything included.
        best_fitness: best of a single evaluation so far.
        broken_so_far: broken members so far, by status name.
        parents: ``[P]`` with ongoing lifetimes, else None: member i went on with the lifetime of member ``parents[i]``.
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


@dataclass(frozen=True)
class SearchResult:
    """A finished search.

    Attributes:
        champion: the best of the finalists on the selection seeds, which the search never saw.
        champion_path: the file it is saved in.
        champion_fitness: its fitness on a third set of seeds, which had no part in choosing it: unbiased, where the best of
            ``finalist_fitness`` is a maximum and so too high on average.
        finalists: ``[F, D]`` genomes that were re-evaluated, no candidate twice; ``finalist_fitness`` ``[F]`` is theirs on the
            selection seeds, -inf where one broke.
        generations, env_steps, seconds: totals.
        broken: broken members, by status name.
        comparison: the report's comparison, if the config asks for one.
    """

    champion: Algorithm
    champion_path: Path
    champion_fitness: float
    finalists: np.ndarray
    finalist_fitness: np.ndarray
    generations: int
    env_steps: int
    seconds: float
    broken: Mapping[str, int]
    comparison: Comparison | None


@dataclass(frozen=True)
class Training:
    """One candidate trained on one task over several seeds.

    Attributes:
        name: how the user called the candidate.
        algorithm: the candidate.
        run: task and steps.
        curves: ``[S, 100]`` episode return.
        lengths: ``[S, 100]`` episode length.
        info: ``[S, 100]`` each: what the rule reported.
        returns: ``[S]`` end of training: the mean of the curve's last two rows.
        status: ``[S]`` of `Status`.
        interval: interquartile mean of ``returns`` with its 95 % interval.
        env_steps, seconds: of all seeds together, compilation included.
        provenance: versions, plugins, git commit, device, chunk size.
    """

    name: str
    algorithm: Algorithm
    run: TaskRun
    curves: np.ndarray
    lengths: np.ndarray
    info: Mapping[str, np.ndarray]
    returns: np.ndarray
    status: np.ndarray
    interval: Interval
    env_steps: int
    seconds: float
    provenance: Mapping[str, Any]

    @property
    def sound(self) -> bool:
        """Whether no seed broke."""
        return bool((self.status == Status.OK).all())


@dataclass(frozen=True)
class Difference:
    """Candidate minus baseline on one task, corrected over all baselines and runs of its comparison (Holm).

    Attributes:
        candidate, baseline: their names.
        run: task and steps.
        interval: difference of the interquartile means, with an interval at the level of its corrected test.
        p_value: of that test, corrected.
        verdict: 'better' or 'worse' if the interval excludes zero, else 'no difference', or 'too few seeds' where no
            returns at all could have passed.
    """

    candidate: str
    baseline: str
    run: TaskRun
    interval: Interval
    p_value: float
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """Candidates compared over tasks and seeds.

    Attributes:
        candidates: names, the first one is compared with each of the others.
        runs: tasks and steps; ``notes`` says per run what it is (``searched``, ``unseen task``, ...).
        trainings: by candidate name, one training per run.
        differences: the first candidate against each other one, per run.
        verdict: one honest sentence.
    """

    candidates: Sequence[str]
    runs: Sequence[TaskRun]
    notes: Sequence[str]
    trainings: Mapping[str, Sequence[Training]]
    differences: Sequence[Difference]
    verdict: str
    provenance: Mapping[str, Any]
