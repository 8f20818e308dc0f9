"""What a search, a training and a comparison report to plugins that watch them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from discover.base.errors import UserError
from discover.base.figures import draw_curves, new_figure
from discover.base.statistics import Interval
from discover.base.text_table import interval, number, text_table
from discover.components.space import Space
from discover.contract.algorithm import Algorithm
from discover.contract.registry import Registry

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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


@dataclass(frozen=True, repr=False)
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
        facts: what watchers add (``run_id``, ...), once the command is over.
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
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        broken = ", ".join(f"{count} {status}" for status, count in self.broken.items()) or "none"
        spent = f"{self.generations} generations, {self.env_steps:,} env steps, {self.seconds:,.0f} s"
        lines = [
            f"spent:     {spent}; broken candidates: {broken}",
            f"champion:  {self.champion_path}, fitness {number(self.champion_fitness)} on seeds of its own",
        ]
        return "\n".join([*([str(self.comparison)] if self.comparison else []), *lines])

    def plot(self) -> Figure:
        """The learning curves of the report, a plot per run.

        Raises:
            UserError: the config asks for no report.
        """
        if self.comparison is None:
            raise UserError("this search has no report to plot: add 'report' to its config, or compare its champion.")
        return self.comparison.plot()


@dataclass(frozen=True, repr=False)
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
        facts: what watchers add (``run_id``, ...), once the command is over.
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
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        """Whether no seed broke."""
        return bool((self.status == Status.OK).all())

    def __repr__(self) -> str:
        low, middle, high = self.interval.low, self.interval.estimate, self.interval.high
        broken = int((self.status != Status.OK).sum())
        columns = ("candidate", "task", "IQM", "95 % interval", "seeds", "env steps", "seconds")
        seeds = f"{len(self.returns)} ({broken} broken)" if broken else f"{len(self.returns)}"
        row = (
            self.name,
            self.run.label,
            number(middle),
            interval((low, high)),
            seeds,
            f"{self.env_steps:,}",
            f"{self.seconds:,.1f}",
        )
        return text_table(columns, [row], columns[2:])

    def plot(self) -> Figure:
        """The learning curve: interquartile mean over seeds with its 95 % band."""
        figure, (axes,) = new_figure([self.run.label], "env steps", "episode return")
        draw_curves(axes, self.curves, self.run.steps, f"{self.name} ({len(self.curves)} seeds)")
        axes.legend()
        return figure


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


@dataclass(frozen=True, repr=False)
class Comparison:
    """Candidates compared over tasks and seeds.

    Attributes:
        candidates: names, the first one is compared with each of the others.
        runs: tasks and steps; ``notes`` says per run what it is (``searched``, ``unseen task``, ...).
        trainings: by candidate name, one training per run.
        differences: the first candidate against each other one, per run.
        verdict: one honest sentence.
        provenance: versions, plugins, git commit, device.
        facts: what watchers add (``run_id``, ...), once the command is over.
    """

    candidates: Sequence[str]
    runs: Sequence[TaskRun]
    notes: Sequence[str]
    trainings: Mapping[str, Sequence[Training]]
    differences: Sequence[Difference]
    verdict: str
    provenance: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def rows(self) -> list[dict[str, Any]]:
        """One row per candidate and run, as JSON can hold it."""
        by_pair = {(d.baseline, d.run): d for d in self.differences}
        rows = []
        for name in self.candidates:
            for run, note, training in zip(self.runs, self.notes, self.trainings[name], strict=True):
                difference = by_pair.get((name, run))
                rows.append(
                    {
                        "candidate": name,
                        "task": run.task,
                        "steps": run.steps,
                        "note": note,
                        "seeds": len(training.returns),
                        "iqm": _finite(training.interval.estimate),
                        "interval": [_finite(training.interval.low), _finite(training.interval.high)],
                        "broken": int((training.status != Status.OK).sum()),
                        "first_minus_this": None if difference is None else _difference_row(difference),
                    }
                )
        return rows

    def __repr__(self) -> str:
        """The rows, run by run, and the verdict below."""
        numbers = ("IQM", "95 % interval", "seeds", f"{self.candidates[0]} minus this")
        order = {(run.task, run.steps): place for place, run in enumerate(self.runs)}
        rows = sorted(self.rows(), key=lambda row: order[row["task"], row["steps"]])
        return f"{text_table(('task', 'candidate', *numbers, 'verdict'), map(_texts, rows), numbers)}\n{self.verdict}"

    def plot(self, run: int | None = None) -> Figure:
        """Learning curves of all candidates.

        Args:
            run: which of the runs to plot; all of them, a plot each, unless given.
        """
        chosen = range(len(self.runs)) if run is None else [run]
        titles = [self.runs[i].label + (f" ({self.notes[i]})" if self.notes[i] else "") for i in chosen]
        figure, every = new_figure(titles, "env steps", "episode return")
        for axes, i in zip(every, chosen, strict=True):
            for name in self.candidates:
                training = self.trainings[name][i]
                draw_curves(axes, training.curves, training.run.steps, f"{name} ({len(training.curves)} seeds)")
            axes.legend()
        return figure


def _difference_row(difference: Difference) -> dict[str, Any]:
    return {
        "estimate": _finite(difference.interval.estimate),
        "interval": [_finite(difference.interval.low), _finite(difference.interval.high)],
        "p_value": _finite(difference.p_value),
        "verdict": difference.verdict,
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _texts(row: Mapping[str, Any]) -> Sequence[str]:
    """A row of `Comparison.rows` as it is printed."""
    note = f" ({row['note']})" if row["note"] else ""
    difference, broken = row["first_minus_this"], f" ({row['broken']} broken)" if row["broken"] else ""
    return (
        f"{row['task']} @ {row['steps']:,}{note}",
        row["candidate"],
        number(row["iqm"]),
        interval(row["interval"]),
        f"{row['seeds']}{broken}",
        f"{number(difference['estimate'])} {interval(difference['interval'])}" if difference else "",
        difference["verdict"] if difference else "",
    )
