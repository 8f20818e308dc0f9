"""Ablations: what each choice and number of a candidate pays, beside a known algorithm. They print as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from discover.base.figures import new_figure
from discover.base.paired import PairedDifference, paired_differences, seeds_for_paired_verdict
from discover.base.statistics import Interval
from discover.base.text_table import WIDTH, counted, interval, number, text_table
from discover.contract.events import TaskRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from discover.contract.algorithm import Algorithm

_WORDS = {"better": "paid", "worse": "harmful"}
"""Verdicts in the words of an ablation."""

_BROKEN = PairedDifference(Interval(np.nan, np.nan, np.nan), np.nan, "no difference")


@dataclass(frozen=True)
class AblationInfo:
    """An ablation that begins, for plugins that watch it: that of a command, or the phase of a search.

    Attributes:
        candidates: the candidate and the known algorithm, by name, in this order.
        runs: tasks and steps; the fitness is over all of them.
        seeds: S.
        provenance: versions, plugins, git commit, device.
    """

    candidates: Mapping[str, Algorithm]
    runs: Sequence[TaskRun]
    seeds: int
    provenance: Mapping[str, Any]


@dataclass(frozen=True)
class Ablated:
    """One value of a candidate.

    Attributes:
        path: dotted path of the value.
        value, known: the candidate's value and the known algorithm's.
        without: ``[S]`` fitness by seed of the candidate with the known value there; NaN if it broke.
        alone: ``[S]`` fitness of the known algorithm with the candidate's value there; empty if it was not measured.
    """

    path: str
    value: str
    known: str
    without: np.ndarray
    alone: np.ndarray


@dataclass(frozen=True, repr=False)
class Ablation:
    """A candidate with each of its values back at that of a known algorithm, on the same fresh seeds.

    Attributes:
        candidate, known: their names.
        runs: tasks and steps; the fitness is over all of them.
        fitness, known_fitness: ``[S]`` by seed of the candidate and of the known algorithm; NaN if it broke.
        parts: each value by which they differ.
        env_steps: of all lifetimes.
        provenance: versions, plugins, git commit, device.
        facts: facts that watchers add once the command is over.
    """

    candidate: str
    known: str
    runs: Sequence[TaskRun]
    fitness: np.ndarray
    known_fitness: np.ndarray
    parts: Sequence[Ablated]
    env_steps: int
    provenance: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> PairedDifference:
        """The fitness of the candidate minus that of the known algorithm."""
        return _judged([self.fitness - self.known_fitness])[0]

    @property
    def paid(self) -> Sequence[PairedDifference]:
        """The candidate's fitness minus that without each value, judged together."""
        return _judged([self.fitness - part.without for part in self.parts])

    @property
    def alone(self) -> Sequence[PairedDifference]:
        """The known algorithm's fitness with each value alone minus that without; empty if it was not measured."""
        if not all(part.alone.size for part in self.parts):
            return ()
        return _judged([part.alone - self.known_fitness for part in self.parts])

    @property
    def verdict(self) -> str:
        """A sentence on what paid."""
        if not self.parts:
            return f"{self.candidate} is {self.known}: there is nothing to put back."
        words = [(row["path"], row["verdict"]) for row in self.rows()]
        seeds = len(self.fitness)
        if any(word == "too few seeds" for _, word in words):
            need = seeds_for_paired_verdict(len(self.parts))
            return f"{counted(seeds, 'seed')} are too few for a verdict on {counted(len(words), 'value')}: give {need} or more."
        told = ", ".join(path for path, word in words if word == "paid") or "no value"
        harmful = ", ".join(path for path, word in words if word == "harmful")
        return (
            f"beside {self.known}, {told} paid"
            + (f"; {harmful} did harm" if harmful else "")
            + f" ({seeds} seeds, paired; verdicts corrected over {counted(len(words), 'value')} by Holm's procedure)."
        )

    def rows(self) -> list[dict[str, Any]]:
        """One row per value, of values that JSON can hold: what paid most comes first."""
        alone, rows = self.alone, []
        for place, (part, paid) in enumerate(zip(self.parts, self.paid, strict=True)):
            row = {"path": part.path, "value": part.value, "known": part.known, **_numbers(paid)}
            row["verdict"] = "broken" if np.isnan(part.without).any() else _WORDS.get(paid.verdict, paid.verdict)
            rows.append(row | ({"alone": _numbers(alone[place])} if alone else {}))
        return sorted(rows, key=lambda row: -np.inf if row["estimate"] is None else row["estimate"], reverse=True)

    def values(self) -> dict[str, Any]:
        """All of it as JSON can hold it; `ablation_from` reads it."""
        parts = [{**vars(part), "without": _list(part.without), "alone": _list(part.alone)} for part in self.parts]
        return {
            "candidate": self.candidate,
            "known": self.known,
            "runs": [run._asdict() for run in self.runs],
            "fitness": _list(self.fitness),
            "known_fitness": _list(self.known_fitness),
            "total": _numbers(self.total),
            "parts": parts,
            "table": self.rows(),
            "verdict": self.verdict,
            "env_steps": self.env_steps,
            "provenance": self.provenance,
        }

    def __repr__(self) -> str:
        return self.table()

    def table(self, width: int = WIDTH) -> str:
        """The rows as a table with the verdict below.

        Args:
            width: characters of a line.
        """
        columns = ["value", self.candidate, self.known, "paid", "95 % interval", "verdict"]
        right = ["paid", "95 % interval"]
        measured = bool(self.parts) and bool(self.alone)
        if measured:
            columns += ["alone", "alone, 95 % interval"]
            right += columns[-2:]
        rows = []
        for row in self.rows():
            cells = [
                row["path"],
                row["value"],
                row["known"],
                number(row["estimate"]),
                interval(row["interval"]),
                row["verdict"],
            ]
            rows.append(cells + ([number(row["alone"]["estimate"]), interval(row["alone"]["interval"])] if measured else []))
        total = _numbers(self.total)
        all_of_it = f"all together: {number(total['estimate'])} {interval(total['interval'])}"
        return "\n".join([*([text_table(columns, rows, right, width)] if rows else []), all_of_it, self.verdict])

    def plot(self) -> Figure:
        """Draw what each value pays as bars with their intervals."""
        rows = self.rows()[::-1]
        figure, (axes,) = new_figure([f"{self.candidate} beside {self.known}"], "fitness that it pays", "")
        middle = np.array([np.nan if row["estimate"] is None else row["estimate"] for row in rows], np.float64)
        ends = np.array([[np.nan if end is None else end for end in row["interval"]] for row in rows], np.float64).reshape(
            -1, 2
        )
        around = np.abs(ends.T - middle)
        axes.barh(range(len(rows)), middle, xerr=around, capsize=3)
        axes.set_yticks(range(len(rows)), [f"{row['path']}: {row['known']} to {row['value']}" for row in rows])
        axes.axvline(0.0, linewidth=1.0, color="0.4")
        return figure


def ablation_from(values: Mapping[str, Any]) -> Ablation:
    """The ablation in the values that `Ablation.values` gave.

    Raises:
        KeyError, TypeError, ValueError: they are other values.
    """
    parts = [
        Ablated(part["path"], part["value"], part["known"], without=_array(part["without"]), alone=_array(part["alone"]))
        for part in values["parts"]
    ]
    return Ablation(
        candidate=values["candidate"],
        known=values["known"],
        runs=tuple(TaskRun(**run) for run in values["runs"]),
        fitness=_array(values["fitness"]),
        known_fitness=_array(values["known_fitness"]),
        parts=tuple(parts),
        env_steps=values["env_steps"],
        provenance=values["provenance"],
    )


def _judged(differences: Sequence[np.ndarray]) -> list[PairedDifference]:
    """Verdicts on some differences ``[S]``; those that are not finite, since a member broke, have none."""
    sound = [index for index, each in enumerate(differences) if np.isfinite(each).all()]
    judged = paired_differences(np.array([differences[index] for index in sound], np.float64))
    found = dict(zip(sound, judged, strict=True))
    return [found.get(index, _BROKEN) for index in range(len(differences))]


def _numbers(difference: PairedDifference) -> dict[str, Any]:
    low, middle, high = (float(end) if np.isfinite(end) else None for end in difference.interval)
    p_value = difference.p_value if np.isfinite(difference.p_value) else None
    return {"estimate": middle, "interval": [low, high], "p_value": p_value}


def _list(fitness: np.ndarray) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in fitness]


def _array(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], np.float64)
