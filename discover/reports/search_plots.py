"""The plots of a search: fitness by generation, what paid, and the population in parallel coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from discover.base.scores import FloatArray
from discover.contract.ablation import Ablation
from discover.contract.events import Status
from discover.reports.effects import Effect, Effects
from discover.reports.genes import Column, columns_of
from discover.reports.plots import Plot, Trace, band, color, error_bars, faint, line, numbers
from discover.reports.source import Population

_MOST_LINES = 300  # members in parallel coordinates
_FEW = 12  # generations, each of which has a number on the axis
_FIFTHS = ("#c9d4e5", "#9db6d8", "#6f97c7", "#4c78a8", "#e45756")  # from the lowest fitness to the highest


def fitness_plot(population: Population) -> Plot:
    """Best, mean and middle half of the sound members' fitness, by generation."""
    history = population.history
    sound = history.status == Status.OK
    some = sound.any(axis=1)
    x = history.generation[some].astype(np.float64)
    fitness = np.where(sound, history.fitness, np.nan)[some].astype(np.float64)
    low, high = np.nanquantile(fitness, [0.25, 0.75], axis=1) if len(x) else (x, x)
    best = np.nanmax(fitness, axis=1) if len(x) else x
    mean = np.nanmean(fitness, axis=1) if len(x) else x
    traces: list[Trace] = band(x, low, high, "middle half", index=0)
    traces += [line(x, mean, "mean", 0), line(x, best, "best of its generation", 1)]
    if population.champion_fitness is not None and np.isfinite(population.champion_fitness):
        level = float(population.champion_fitness)
        dashed = {"dash": "dash", "width": 1.5, "color": color(2)}
        traces.append(line(np.array([x.min(), x.max()]), np.array([level, level]), "champion, fresh seeds", 2, line=dashed))
    return Plot("Fitness of the population", traces, "generation", "fitness", layout=_generations(x))


def ablation_plot(ablation: Ablation) -> Plot:
    """A bar with its interval for each value of a champion: what it pays. What paid most comes first."""
    rows = ablation.rows()
    low, middle, high = ([float("nan") if end is None else end for end in ends] for ends in zip(*map(_ends, rows), strict=True))
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": [f"{row['path']}: {row['known']} to {row['value']}" for row in rows],
        "x": numbers(middle),
        "error_x": {**error_bars(low, middle, high), "color": color(9)},
        "marker": {
            "color": [color(2 if row["verdict"] == "paid" else 3 if row["verdict"] == "harmful" else 0) for row in rows]
        },
        "showlegend": False,
    }
    axis = {"type": "category", "automargin": True, "autorange": "reversed"}
    layout = {"yaxis": axis, "height": max(220, 60 + 30 * len(rows))}
    return Plot(f"{ablation.candidate} beside {ablation.known}", [bars], "fitness that it pays", "", layout=layout)


def _ends(row: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    return row["interval"][0], row["estimate"], row["interval"][1]


def effect_plots(effects: Effects, effect: Effect) -> list[Plot]:
    """The effect of each level of a choice or number, and the fitness of its members by generation."""
    labels = [level.label for level in effect.levels]
    low, middle, high = ([level.effect[end] for level in effect.levels] for end in (0, 1, 2))
    marks = {
        "type": "scatter",
        "mode": "markers+lines" if effect.number else "markers",
        "x": labels,
        "y": numbers(middle),
        "error_y": {**error_bars(low, middle, high), "color": color(0)},
        "marker": {"size": 10, "color": [color(index) for index in range(len(labels))], "symbol": "diamond"},
        "line": {"color": faint(color(0), 0.4), "dash": "dot"},
        "showlegend": False,
    }
    zero = [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "line": {"dash": "dot", "width": 1}}]
    axis = {"type": "category", "automargin": True}
    first = Plot(
        effect.path,
        [marks],
        "option" if not effect.number else "value",
        "effect on fitness",
        layout={"shapes": zero, "xaxis": axis},
    )
    return [first, _by_generation(effects, effect)]


def _by_generation(effects: Effects, effect: Effect) -> Plot:
    """The mean fitness of the members with each level, by group of generations."""
    x = np.asarray([(low + high) / 2 for low, high in effects.periods], np.float64)
    traces: list[Trace] = []
    for index, level in enumerate(effect.levels):
        low, middle, high = (np.asarray([each[end] for each in level.periods], np.float64) for end in (0, 1, 2))
        traces += band(x, low, high, level.label, index=index)
        traces += [line(x, middle, level.label, index, mode="lines+markers", marker={"size": 4})]
    return Plot(f"{effect.path}, by generation", traces, "generation", "mean fitness", layout=_generations(x))


def _generations(x: FloatArray) -> dict[str, Any]:
    """The layout of an axis of few generations: whole numbers."""
    return {"xaxis": {"tick0": 0, "dtick": 1}} if len(x) and x.max() <= _FEW else {}


def parallel_plot(population: Population) -> Plot:
    """The members of a search in parallel coordinates, the best in red; each axis is one open value, by rank."""
    columns, history = columns_of(population), population.history
    sound = np.argwhere((history.status == Status.OK) & np.isfinite(history.fitness))
    if len(sound) > _MOST_LINES:
        sound = sound[np.linspace(0, len(sound) - 1, _MOST_LINES).astype(int)]
    fitness = history.fitness[tuple(sound.T)].astype(np.float64)
    rows = np.stack([_scaled(column, sound) for column in columns] + [_unit(fitness)], axis=1)
    labels = [*(column.path.rpartition("rule.")[2] for column in columns), "fitness"]
    fifth = np.minimum((np.argsort(np.argsort(fitness)) * 5) // max(len(fitness), 1), 4)
    traces: list[Trace] = []
    names = ("lowest fifth", "second", "middle", "fourth", "best fifth")
    for place in range(5):
        some = rows[fifth == place]
        y = np.concatenate([some, np.full((len(some), 1), np.nan)], axis=1).ravel()
        x = [*range(len(labels)), None] * len(some)
        trace = line(
            np.zeros(0), y, names[place], 0, line={"color": _FIFTHS[place], "width": 0.9 if place < 4 else 1.6}, meta={}
        )
        traces.append({**trace, "x": x, "hoverinfo": "skip", "opacity": 0.55 if place < 4 else 0.9})
    axis = {"tickvals": [*range(len(labels))], "ticktext": labels, "automargin": True, "tickangle": -30}
    return Plot("Parallel coordinates", traces, "", "from lowest to highest", layout={"xaxis": axis, "height": 460})


def _scaled(column: Column, members: np.ndarray) -> FloatArray:
    """A column between 0 and 1 for some members; NaN where it has no effect. Options stand at equal distances."""
    place = tuple(members.T)
    values = np.where(column.active[place], column.values[place], np.nan).astype(np.float64)
    return values / max(len(column.options) - 1, 1) if column.options else _unit(values)


def _unit(values: FloatArray) -> FloatArray:
    """Numbers by their rank, from 0 to 1: values on any scale spread evenly."""
    finite = np.isfinite(values)
    if not finite.any():
        return values
    ranks = np.full(values.shape, np.nan)
    _, inverse = np.unique(values[finite], return_inverse=True)
    ranks[finite] = inverse / max(int(inverse.max()), 1)
    return ranks
