"""The tables of a report: texts that a page and a terminal show alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from discover.base.aggregates import AGGREGATES
from discover.base.bootstrap import Interval
from discover.base.errors import cut
from discover.base.text_table import interval, number, text_table
from discover.components.effective import effective, values_by_path
from discover.contract.ablation import Ablation
from discover.contract.results import Comparison
from discover.reports.effects import Effect, Effects
from discover.reports.numbers import Numbers
from discover.reports.source import Source

_OWN = "discover-rl "
_MOST_ROWS = 60  # of a table of differing values


class Table(NamedTuple):
    """A table of texts.

    Attributes:
        title: the heading above it.
        columns: names of the columns.
        rows: one text per column each.
        right: names of the columns of numbers.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[str, ...] = ()

    def text(self) -> str:
        """The table for a terminal."""
        return f"{self.title}\n{text_table(self.columns, self.rows, self.right)}"


def ablation_table(ablation: Ablation) -> Table:
    """A row for each value of a champion: what it pays. What paid most comes first."""
    alone = bool(ablation.parts) and bool(ablation.alone)
    columns = ("value", ablation.candidate, ablation.known, "pays", "95 % interval", "p", "verdict")
    rows = []
    for row in ablation.rows():
        cells = (row["path"], row["value"], row["known"], number(row["estimate"]), interval(row["interval"]))
        cells += (number(row["p_value"]), row["verdict"])
        rows.append(cells + ((number(row["alone"]["estimate"]), interval(row["alone"]["interval"])) if alone else ()))
    more = ("pays alone", "alone, 95 % interval") if alone else ()
    return Table("What paid", (*columns, *more), tuple(rows), ("pays", "95 % interval", "p", *more))


def returns_table(comparison: Comparison) -> Table:
    """Returns at the end of training, run by run."""
    first = comparison.candidates[0]
    numbers = ("IQM", "95 % interval", "seeds", f"{first} minus this", "p")
    order = {run: place for place, run in enumerate(comparison.runs)}
    rows = []
    for row in sorted(comparison.rows(), key=lambda row: [run[:] for run in order].index((row["task"], row["steps"]))):
        difference = row["first_minus_this"]
        note = f" ({row['note']})" if row["note"] else ""
        broken = f" ({row['broken']} broken)" if row["broken"] else ""
        rows.append(
            (
                f"{row['task']} @ {row['steps']:,}{note}",
                row["candidate"],
                number(row["iqm"]),
                interval(row["interval"]),
                f"{row['seeds']}{broken}",
                f"{number(difference['estimate'])} {interval(difference['interval'])}" if difference else "",
                f"{difference['p_value']:.3g}" if difference and difference["p_value"] is not None else "",
                difference["verdict"] if difference else "",
            )
        )
    return Table("Returns at the end of training", ("task", "candidate", *numbers, "verdict"), tuple(rows), numbers)


def overall_table(of: Numbers) -> Table:
    """Aggregates of the normalized scores over all runs."""
    first = of.comparison.candidates[0]
    better = f"P({first} better)"
    rows = [
        (
            name,
            *(_with_interval(of.overall[name][key]) for key in AGGREGATES),
            _with_interval(of.improvements[name]) if name in of.improvements else "",
        )
        for name in of.comparison.candidates
    ]
    columns = ("candidate", *AGGREGATES, better)
    return Table("Over all tasks, normalized", columns, tuple(rows), columns[1:])


def scales_table(of: Numbers) -> Table:
    """The returns that are 0 and 1 on the normalized scale."""
    rows = [
        (run.label, number(scale.low), number(scale.high), "the task's own" if scale.registered else "of this report")
        for run, scale in zip(of.comparison.runs, of.scores.scales, strict=True)
    ]
    return Table("The normalized scale", ("task", "0 is", "1 is", "references"), tuple(rows), ("0 is", "1 is"))


def cost_table(of: Numbers) -> Table:
    """Returns that candidates reached, and their cost."""
    rows = [
        (
            cost.run.label,
            cost.name,
            f"{cost.env_steps:,.0f}",
            number(cost.seconds),
            number(cost.iqm),
            "yes" if cost.cheapest_in_steps else "",
            "yes" if cost.cheapest_in_seconds else "",
        )
        for cost in sorted(of.costs, key=lambda cost: list(of.comparison.runs).index(cost.run))
    ]
    numbers = ("env steps", "seconds", "IQM")
    columns = ("task", "candidate", *numbers, "on the front in steps", "in seconds")
    return Table("Return and cost of a lifetime", columns, tuple(rows), numbers)


def effects_table(effects: Effects) -> Table:
    """Every choice and number of a search, the strongest first."""
    rows = []
    for effect in effects.effects:
        counted = [level for level in effect.levels if np.isfinite(level.effect.estimate)]
        best = max(counted, key=lambda level: level.effect.estimate, default=None)
        rows.append(
            (
                effect.path,
                f"{100 * effect.explained:.1f} %",
                best.label if best else "-",
                _with_interval(best.effect) if best else "-",
                _with_interval(effect.trend) if effect.trend else "",
            )
        )
    numbers = ("explains", "its effect on fitness", "trend (rank correlation)")
    columns = ("choice or number", numbers[0], "best option or range", *numbers[1:])
    return Table("Which choice paid", columns, tuple(rows), numbers)


def levels_table(effect: Effect) -> Table:
    """The options of a choice or the bins of a number."""
    rows = [
        (
            level.label,
            f"{level.members:,}",
            _with_interval(level.effect),
            f"{100 * level.early:.0f} %",
            f"{100 * level.late:.0f} %",
            f"{100 * level.broken:.1f} %",
        )
        for level in effect.levels
    ]
    numbers = ("members", "effect on fitness", "share early", "share late", "broken")
    return Table(effect.path, ("range" if effect.number else "option", *numbers), tuple(rows), numbers)


def candidates_table(comparison: Comparison) -> Table:
    """The choices and numbers that differ between the candidates, without those that do nothing."""
    values = {name: values_by_path(effective(comparison.trainings[name][0].algorithm)) for name in comparison.candidates}
    paths = dict.fromkeys(path for each in values.values() for path in each)
    rows = [
        (path, *(_shown(each.get(path)) for each in values.values()))
        for path in paths
        if len({_shown(each.get(path)) for each in values.values()}) > 1 or len(values) == 1
    ]
    title = "What differs between the candidates" if len(values) > 1 else "The candidate"
    return Table(title, ("choice or number", *values), tuple(rows[:_MOST_ROWS]))


def provenance_table(sources: Sequence[Source]) -> Table:
    """Versions, plugins of others, commit and device of each source."""
    by_source = [dict(_flattened({"name": s.name, "kind": s.kind, **s.facts, **s.provenance})) for s in sources]
    keys = [key for key in dict.fromkeys(key for each in by_source for key in each) if not _is_own_plugin(key, by_source)]
    rows = tuple((key, *(each.get(key, "-") for each in by_source)) for key in keys)
    return Table("Totals, versions, plugins and device", ("", *(source.label for source in sources)), rows)


def _is_own_plugin(key: str, by_source: Sequence[Mapping[str, str]]) -> bool:
    """Whether a row is about a plugin of this distribution, of which the version says all."""
    return key.startswith("plugins.") and all(each.get(key, _OWN).startswith(_OWN) for each in by_source)


def _with_interval(values: Interval) -> str:
    ends = interval((values.low, values.high))
    return number(values.estimate) if ends == "-" else f"{number(values.estimate)} {ends}"


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else cut(str(value), 60)


def _flattened(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _shown(value)
