"""The results of the commands: a search, a training, a comparison. They print as tables and plot as learning curves."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from discover.base.errors import UserError
from discover.base.figures import draw_curves, new_figure
from discover.base.statistics import Interval
from discover.base.text_table import WIDTH, counted, interval, number, text_table
from discover.contract.ablation import Ablation
from discover.contract.algorithm import Algorithm
from discover.contract.events import Doubt, Status, TaskRun
from discover.contract.result_table import result_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class SearchResult:
    """A finished search.

    Attributes:
        champion: the best of the finalists on the selection seeds, which no generation used.
        champion_path: file of the champion.
        champion_fitness: fitness of the champion on a third set of seeds, which had no part in the choice. So it is
            unbiased; the highest ``finalist_fitness`` is a maximum, and too high on average.
        finalists: ``[F, D]`` genomes that were evaluated again, no candidate twice.
        finalist_fitness: ``[F]`` on the selection seeds, -inf where a finalist broke.
        champion_doubt: how likely it is that another finalist is better, and by how much; None if there are too few seeds to
            say so.
        generations, env_steps, seconds: totals.
        broken: number of broken members, by status name.
        comparison: the comparison of the report, if the config asks for one.
        facts: facts that watchers add once the command is over (``run_id``, ...).
        ablation: what each value of the champion pays beside a known algorithm, if the config asks for it.
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
    champion_doubt: Doubt | None = None
    ablation: Ablation | None = None

    def __repr__(self) -> str:
        broken = ", ".join(f"{count} {status}" for status, count in self.broken.items()) or "none"
        spent = f"{counted(self.generations, 'generation')}, {self.env_steps:,} env steps, {self.seconds:,.0f} s"
        lines = [
            f"spent:     {spent}; broken candidates: {broken}",
            f"champion:  {self.champion_path}, fitness {number(self.champion_fitness)} on seeds of its own",
            *([f"doubt:     {self.champion_doubt}"] if self.champion_doubt else []),
        ]
        tables = [str(each) for each in (self.comparison, self.ablation) if each is not None]
        return "\n".join([*tables, *lines])

    def plot(self) -> Figure:
        """Draw the learning curves of the report, one plot per task and horizon.

        Raises:
            UserError: the config asks for no report.
        """
        if self.comparison is None:
            raise UserError("this search has no report to plot: add 'report' to its config, or compare its champion.")
        return self.comparison.plot()


@dataclass(frozen=True, repr=False)
class Training:
    """One candidate trained on one task with several seeds.

    Attributes:
        name: the user's name for the candidate.
        algorithm: the candidate.
        run: task and steps.
        curves: ``[S, 100]`` episode return.
        lengths: ``[S, 100]`` episode length.
        info: ``[S, 100]`` each: what the rule reported, by name.
        returns: ``[S]`` episode return at the end of training: the mean of the last two rows of each curve.
        status: ``[S]`` of `Status`.
        interval: interquartile mean of ``returns`` with its 95 % interval.
        env_steps, seconds: totals of all seeds, compilation included.
        provenance: versions, plugins, git commit, device, chunk size.
        facts: facts that watchers add once the command is over (``run_id``, ...).
        stream: name and seed of the stream that the S seeds come from (``report 0``): trainings with the same one have the same
            seeds.
        words: the candidate as in a config, weights as arrays; None if a component is not registered.
        references: the mean return of a random policy and the reference return, 0 and 1 on the normalized scale; None for an
            environment that is no registered task.
        agents: the folder in which the agents of all seeds are kept; None if they are not.
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
    stream: str = ""
    words: Any = None
    references: tuple[float, float] | None = None
    agents: Path | None = None

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
        """Draw the learning curve: interquartile mean over seeds with its 95 % band."""
        figure, (axes,) = new_figure([self.run.label], "env steps", "episode return")
        draw_curves(axes, self.curves, self.run.steps, f"{self.name} ({counted(len(self.curves), 'seed')})")
        axes.legend()
        return figure


@dataclass(frozen=True)
class Difference:
    """Candidate minus baseline on one task, corrected for all baselines and runs of its comparison (Holm).

    Attributes:
        candidate, baseline: their names.
        run: task and steps.
        interval: difference of the interquartile means, with an interval at the level of its corrected test.
        p_value: corrected p value of that test.
        verdict: 'better' or 'worse' if the interval excludes zero, else 'no difference'; 'too few seeds' where no
            returns at all could pass the test.
    """

    candidate: str
    baseline: str
    run: TaskRun
    interval: Interval
    p_value: float
    verdict: str


@dataclass(frozen=True)
class SuiteDifference:
    """Candidate minus baseline over a suite of tasks, in one number.

    For each task and seed, the area under the learning curve is the mean return over all of training, 0 for a uniform random
    policy and 1 for the reference of the task. The number is the mean over tasks and seeds of the difference between the two
    candidates' areas, paired by seed.

    Attributes:
        candidate, baseline: their names.
        runs: the tasks of the suite; those on which a seed broke on either side are left out.
        interval: with the 95 % interval of a bootstrap that draws seeds again within each task.
        p_value: two-sided, of flipped signs, corrected for all baselines of the comparison (Holm).
        verdict: 'better' or 'worse' if the corrected p value is below 5 % and the interval excludes zero.
    """

    candidate: str
    baseline: str
    runs: Sequence[TaskRun]
    interval: Interval
    p_value: float
    verdict: str

    def row(self) -> dict[str, Any]:
        """Values that JSON can hold."""
        return {"candidate": self.candidate, "baseline": self.baseline, "tasks": [run.label for run in self.runs]} | (
            _difference_row(self)
        )


@dataclass(frozen=True, repr=False)
class Comparison:
    """Candidates compared on several tasks with several seeds.

    Attributes:
        candidates: names; the first one is compared with each of the others.
        runs: tasks and steps.
        notes: one note per run (``searched``, ``unseen task``, ...), or ``""``.
        trainings: one training per run, by candidate name.
        differences: the first candidate minus each other one, on each run.
        verdict: one sentence that sums them up.
        provenance: versions, plugins, git commit, device.
        facts: facts that watchers add once the command is over (``run_id``, ...).
        suite: the first candidate minus each other one over a suite of these runs, where that was asked for.
        seen: sentences on the tasks that searches of the candidates have seen.
    """

    candidates: Sequence[str]
    runs: Sequence[TaskRun]
    notes: Sequence[str]
    trainings: Mapping[str, Sequence[Training]]
    differences: Sequence[Difference]
    verdict: str
    provenance: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)
    suite: Sequence[SuiteDifference] = ()
    seen: Sequence[str] = ()

    def rows(self) -> list[dict[str, Any]]:
        """One row per candidate and run, of values that JSON can hold."""
        by_pair = {(difference.baseline, difference.run): difference for difference in self.differences}
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
        return self.table()

    def table(self, shown: Callable[[str], str] = str, width: int = WIDTH) -> str:
        """The rows as a table, with the verdict and what searches have seen below: run by run, the hardest baseline first.

        Args:
            shown: turns each text into what the terminal can show, before columns are measured.
            width: characters of a line. Where the table is wider, each run has a table of its own.
        """
        order = {(run.task, run.steps): place for place, run in enumerate(self.runs)}
        hardest = {name: place for place, name in enumerate(self._hardest_first())}
        rows = sorted(self.rows(), key=lambda row: (order[row["task"], row["steps"]], hardest[row["candidate"]]))
        sentences = [shown(text) for text in (self.verdict, *self.seen)]
        if width < WIDTH:
            sentences = [textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False) for text in sentences]
        return "\n".join([result_table(rows, shown, width), *sentences])

    def _hardest_first(self) -> list[str]:
        """The first candidate, then the others by their mean rank: by how many of them each is beaten, over all runs."""
        first, *others = self.candidates
        estimates = {name: np.nan_to_num([t.interval.estimate for t in self.trainings[name]], nan=-np.inf) for name in others}
        beaten = {name: sum(int((other > mine).sum()) for other in estimates.values()) for name, mine in estimates.items()}
        return [first, *sorted(others, key=lambda name: beaten[name])]

    def plot(self, run: int | None = None) -> Figure:
        """Draw the learning curves of all candidates.

        Args:
            run: index of the run to draw; by default all of them, one plot each.
        """
        chosen = range(len(self.runs)) if run is None else [run]
        titles = [self.runs[i].label + (f" ({self.notes[i]})" if self.notes[i] else "") for i in chosen]
        figure, every = new_figure(titles, "env steps", "episode return")
        for axes, i in zip(every, chosen, strict=True):
            for name in self.candidates:
                training = self.trainings[name][i]
                draw_curves(axes, training.curves, training.run.steps, f"{name} ({counted(len(training.curves), 'seed')})")
            axes.legend()
        return figure


def _difference_row(difference: Difference | SuiteDifference) -> dict[str, Any]:
    """A difference as values that JSON can hold."""
    return {
        "estimate": _finite(difference.interval.estimate),
        "interval": [_finite(difference.interval.low), _finite(difference.interval.high)],
        "p_value": _finite(difference.p_value),
        "verdict": difference.verdict,
    }


def _finite(value: float) -> float | None:
    """The number, or None for NaN and infinity, which JSON cannot hold."""
    return float(value) if np.isfinite(value) else None
