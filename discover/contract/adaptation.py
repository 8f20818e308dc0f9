"""Adaptation to tasks that training did not use: what is to be measured, and what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from discover.base.errors import UserError
from discover.base.figures import new_figure
from discover.base.statistics import Interval, bootstrap_interval
from discover.base.text_table import WIDTH, counted, interval, number, text_table
from discover.contract.algorithm import Algorithm
from discover.contract.events import TaskRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class AdaptationPlan(NamedTuple):
    """The way in which agents adapt to each task that is new to them.

    Attributes:
        episodes: of adaptation, in all.
        batch: of these, how many at a time: the agent adapts after each batch, from all of its episodes.
        tasks: on how many tasks each agent adapts, on each of them anew.
        horizon: the most steps of an episode that count; None finds the longest episode of an agent that has learned nothing.
        greedy: the agent acts greedily in the episodes that are measured, which are then others than those to adapt from.
    """

    episodes: int = 3
    batch: int = 1
    tasks: int = 40
    horizon: int | None = None
    greedy: bool = False

    @property
    def columns(self) -> tuple[int, ...]:
        """The numbers of episodes after which the return is measured.

        >>> AdaptationPlan(episodes=6, batch=2).columns
        (0, 2, 4, 6)
        """
        return tuple(range(0, self.episodes + 1, self.batch))

    def check(self) -> None:
        """Check the numbers.

        Raises:
            UserError: one of them is below 1, or the episodes are no whole number of batches.
        """
        numbers = {"episodes": self.episodes, "batch": self.batch, "tasks": self.tasks, "horizon": self.horizon}
        for name, value in numbers.items():
            if value is not None and value < 1:
                raise UserError(f"{name} must be at least 1, since there is nothing to adapt from otherwise; got {value}.")
        if self.episodes % self.batch:
            fitting = self.episodes - self.episodes % self.batch or self.batch
            mistake = f"{self.episodes} episodes do not make whole batches of {self.batch}"
            raise UserError(f"{mistake}: give {fitting} episodes, or another batch.")


@dataclass(frozen=True)
class AdaptationInfo:
    """An adaptation that begins, for plugins that watch it.

    Attributes:
        candidates: by name.
        run: the task family, and the env steps of each training on it.
        plan: what follows on each new task.
        seeds: number of agents of each candidate.
        fingerprints: a hash of each candidate, by name.
        provenance: versions, plugins, git commit, device.
    """

    candidates: Mapping[str, Algorithm]
    run: TaskRun
    plan: AdaptationPlan
    seeds: int
    fingerprints: Mapping[str, str]
    provenance: Mapping[str, Any]


@dataclass(frozen=True)
class CandidateAdaptation:
    """The agents of one candidate, and how they adapted.

    Attributes:
        algorithm: the candidate.
        returns: ``[S, N, K]`` mean return of the episodes of a batch, of S agents on N tasks each, in the order of
            `AdaptationPlan.columns`; NaN where an agent is broken or has no such episode.
        env_steps, seconds: of training, all seeds together, compilation included.
        note: what the columns mean, where the candidate does not adapt by `UpdateRule.adapt_to_task`; else an empty text.
    """

    algorithm: Algorithm
    returns: np.ndarray
    env_steps: int
    seconds: float
    note: str = ""

    def intervals(self) -> list[Interval]:
        """For each column, the mean over seeds and tasks with its 95 % bootstrap interval.

        Each seed has tasks of its own, so that an interval over the means of seeds covers the choice of both. One seed has no
        interval (NaN).
        """
        return [_interval(means) for means in np.asarray(self.returns, np.float64).mean(axis=1).T]

    @property
    def broken(self) -> int:
        """The number of agents whose first return is not finite."""
        return int((~np.isfinite(self.returns[:, :, 0]).all(axis=1)).sum())


@dataclass(frozen=True, repr=False)
class AdaptationResult:
    """How candidates adapt to tasks that training did not use; it prints as a table.

    Attributes:
        candidates: what each did, by name.
        run: the task family, and the env steps of each training on it.
        plan: what followed on each new task.
        references: the mean returns of a random policy and of the reference, for whole episodes of the task; None without.
        provenance: versions, plugins, git commit, device.
        facts: facts that watchers add once the command is over (``run_id``, ...).
    """

    candidates: Mapping[str, CandidateAdaptation]
    run: TaskRun
    plan: AdaptationPlan
    references: tuple[float, float] | None
    provenance: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def rows(self) -> list[dict[str, Any]]:
        """One row per candidate, of values that JSON can hold; returns and intervals in the order of the plan's columns."""
        rows = []
        for name, one in self.candidates.items():
            intervals = one.intervals()
            rows.append(
                {
                    "candidate": name,
                    "returns": [_finite(each.estimate) for each in intervals],
                    "intervals": [[_finite(each.low), _finite(each.high)] for each in intervals],
                    "seeds": len(one.returns),
                    "broken": one.broken,
                    "env_steps": one.env_steps,
                    "seconds": one.seconds,
                    "note": one.note,
                }
            )
        return rows

    def sentences(self) -> list[str]:
        """Sentences on the meaning of the columns of the table."""
        one = next(iter(self.candidates.values()))
        seeds, tasks = one.returns.shape[:2]
        after = "each of them" if self.plan.batch == 1 else f"each {self.plan.batch} of them"
        first = f"Returns on {self.run.task} after so many episodes of adaptation, with a step of it after {after}: "
        alone = "one seed has no interval, so give 3 or more" if seeds == 1 else "95 % intervals over seeds"
        notes = [one.note for one in self.candidates.values() if one.note]
        if self.plan.greedy:
            notes.append(
                "Agents act greedily in the episodes that are shown; a step of adaptation is from others, as in training."
            )
        return [f"{first}means over {counted(seeds, 'seed')} with {counted(tasks, 'new task')} each; {alone}.", *notes]

    def table(self, shown: Callable[[str], str] = str, width: int = WIDTH) -> str:
        """A row per candidate, then random and reference returns, and below them what the columns mean.

        Args:
            shown: turns each text into what the terminal can show, before columns are measured.
            width: characters of a line.
        """
        columns = [str(count) for count in self.plan.columns]
        rows = []
        for row in self.rows():
            cells = [_cell(middle, bounds) for middle, bounds in zip(row["returns"], row["intervals"], strict=True)]
            seeds = f"{row['seeds']} ({row['broken']} broken)" if row["broken"] else f"{row['seeds']}"
            rows.append((row["candidate"], *cells, seeds, f"{row['env_steps']:,}", f"{row['seconds']:,.0f}"))
        if self.references is not None:
            names = zip(("random", "reference"), self.references, strict=True)
            rows += [(name, *[number(value)] * len(columns), "", "", "") for name, value in names]
        more = ("seeds", "env steps", "seconds")
        cells = [[shown(text) for text in row] for row in rows]
        table = text_table(("candidate", *columns, *more), cells, (*columns, *more), width)
        return "\n".join([table, *map(shown, self.sentences())])

    def __repr__(self) -> str:
        return self.table()

    def plot(self) -> Figure:
        """Draw the return against the episodes of adaptation, a line with its band per candidate."""
        figure, (axes,) = new_figure([self.run.label], "episodes of adaptation", "return")
        x = np.asarray(self.plan.columns)
        for name, one in self.candidates.items():
            low, middle, high = np.asarray(one.intervals()).T
            axes.plot(x, middle, marker="o", label=f"{name} ({counted(len(one.returns), 'seed')})")
            axes.fill_between(x, low, high, alpha=0.2)
        if self.references is not None:
            for name, value, style in zip(("random", "reference"), self.references, (":", "--"), strict=True):
                axes.axhline(value, color="black", linestyle=style, linewidth=1, label=name)
        axes.set_xticks(x)
        axes.legend()
        return figure


def _interval(means: np.ndarray) -> Interval:
    """The mean of ``[S]`` numbers with its interval."""
    if not np.isfinite(means).all():
        return Interval(np.nan, np.nan, np.nan)
    if len(means) == 1:
        return Interval(np.nan, float(means[0]), np.nan)
    return bootstrap_interval(means, np.mean)


def _cell(middle: float | None, bounds: Sequence[float | None]) -> str:
    return number(middle) if None in bounds else f"{number(middle)} {interval(bounds)}"


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
