"""The plots of candidates: learning curves, returns, aggregates, profiles, improvement and cost."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from discover.base.aggregates import AGGREGATES
from discover.base.bootstrap import Interval
from discover.base.scores import FloatArray
from discover.contract.results import Training
from discover.reports.numbers import Numbers
from discover.reports.plots import Plot, Trace, band, color, error_bars, faint, line, numbers


def curve_plots(of: Numbers) -> list[Plot]:
    """The learning curves of all candidates, one plot per run: every seed, the interquartile mean and its band."""
    plots = []
    for place, run in enumerate(of.comparison.runs):
        traces: list[Trace] = []
        for index, name in enumerate(of.comparison.candidates):
            low, middle, high = of.curves[name][place]
            x = _x(run.steps, len(middle))
            traces += [_every_seed(of.comparison.trainings[name][place], x, index)]
            traces += band(x, low, high, name, index=index)
            traces += [line(x, middle, name, index)]
        plots.append(Plot(of.comparison.runs[place].label + _note(of, place), traces, "env steps", "episode return"))
    return plots


def return_plots(of: Numbers) -> list[Plot]:
    """The returns at the end of training, one plot per run: every seed, the interquartile mean and its interval."""
    plots = []
    for place, run in enumerate(of.comparison.runs):
        traces: list[Trace] = []
        for index, name in enumerate(of.comparison.candidates):
            training = of.comparison.trainings[name][place]
            traces += _points(name, index, training.returns, training.interval)
        plots.append(Plot(run.label + _note(of, place), traces, "episode return at the end", "", layout=_rows(of)))
    return plots


def aggregate_plots(of: Numbers) -> list[Plot]:
    """The aggregates over all runs, with intervals."""
    plots = []
    for key in AGGREGATES:
        traces = [_point(name, index, of.overall[name][key]) for index, name in enumerate(of.comparison.candidates)]
        label = "optimality gap (less is better)" if key == "optimality gap" else f"{key} of normalized scores"
        plots.append(Plot(label, traces, "score" if key != "optimality gap" else "gap", "", layout=_rows(of)))
    return plots


def profile_plot(of: Numbers) -> Plot:
    """The performance profiles: the share of runs above each score."""
    traces: list[Trace] = []
    for index, name in enumerate(of.comparison.candidates):
        profile = of.profiles[name]
        traces += band(of.thresholds, profile.low, profile.high, name, index=index)
        traces += [line(of.thresholds, profile.share, name, index)]
    layout = {"yaxis": {"range": [-0.02, 1.02]}}
    return Plot("Performance profile", traces, "normalized score", "share of runs above it", layout=layout)


def improvement_plot(of: Numbers) -> Plot | None:
    """The probability that a run of the first candidate is better than one of each other; None if it is alone."""
    others = list(of.improvements)
    if not others:
        return None
    first = of.comparison.candidates[0]
    traces = [_point(other, 1 + index, of.improvements[other]) for index, other in enumerate(others)]
    layout = {
        **_rows(of, others),
        "xaxis": {"range": [-0.02, 1.02]},
        "shapes": [
            {"type": "line", "x0": 0.5, "x1": 0.5, "yref": "paper", "y0": 0, "y1": 1, "line": {"dash": "dot", "width": 1}}
        ],
    }
    return Plot(f"{first} over each other", traces, f"probability that {first} is better", "", layout=layout)


def cost_plots(of: Numbers) -> list[Plot]:
    """Return against cost, two plots per task: env steps and seconds; the dotted stairs are the Pareto front of all."""
    plots = []
    for task in dict.fromkeys(run.task for run in of.comparison.runs):
        for unit in ("env steps", "seconds"):
            traces: list[Trace] = []
            every: list[tuple[FloatArray, FloatArray]] = []
            for index, name in enumerate(of.comparison.candidates):
                shown = True
                for place, training in enumerate(of.comparison.trainings[name]):
                    if training.run.task != task:
                        continue
                    middle = of.curves[name][place][1]
                    whole = training.run.steps if unit == "env steps" else training.seconds / len(training.returns)
                    x = _x(whole, len(middle))
                    every.append((x, middle))
                    traces.append(line(x, middle, name, index, showlegend=shown, line={"color": color(index), "width": 1.4}))
                    shown = False
            x, y = pareto_front(every)
            stairs = {"color": "#888888", "width": 1.6, "dash": "dot", "shape": "hv"}
            traces.append(line(x, y, "Pareto front", 0, line=stairs, meta={}))
            title = "env steps of a lifetime" if unit == "env steps" else "seconds per lifetime"
            plots.append(Plot(f"{task}: return against {unit}", traces, title, "episode return (IQM)"))
    return plots


def pareto_front(curves: Sequence[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    """The points of several curves ``(cost, return)`` that no other point dominates, by rising cost.

    >>> x, y = pareto_front([(np.array([1.0, 2.0, 3.0]), np.array([5.0, 4.0, 9.0]))])
    >>> x.tolist(), y.tolist()
    ([1.0, 3.0], [5.0, 9.0])
    """
    x, y = (np.concatenate([curve[axis] for curve in curves]) for axis in (0, 1))
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    order = np.lexsort((-y, x))
    x, y = x[order], y[order]
    before = np.concatenate([[-np.inf], np.maximum.accumulate(y)[:-1]]) if len(y) else y
    return x[y > before], y[y > before]


def _every_seed(training: Training, x: FloatArray, index: int) -> Trace:
    """All seeds of a learning curve as one trace, with gaps between them."""
    gap = np.full((len(training.curves), 1), np.nan)
    y = np.concatenate([training.curves, gap], axis=1).ravel()
    x = np.tile(np.concatenate([x, [np.nan]]), len(training.curves))
    thin = {"color": faint(color(index), 0.3), "width": 0.8}
    more: dict[str, Any] = {"hoverinfo": "skip", "showlegend": False, "meta": {"name": training.name, "part": "seed"}}
    return {**line(x, y, training.name, index), "line": thin, **more}


def _points(name: str, index: int, returns: np.ndarray, interval: Interval) -> list[Trace]:
    """Every seed as a faint point in the row of its candidate, and the estimate with its interval above them."""
    seeds = {
        "type": "scatter",
        "mode": "markers",
        "x": numbers(returns),
        "y": [name] * len(returns),
        "marker": {"color": faint(color(index), 0.35), "size": 7},
        "name": name,
        "legendgroup": name,
        "showlegend": False,
        "meta": {"name": name, "part": "seed"},
        "hovertemplate": "seed %{pointNumber}: %{x}<extra></extra>",
    }
    return [seeds, _point(name, index, interval)]


def _point(name: str, index: int, interval: Interval) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": numbers([interval.estimate]),
        "y": [name],
        "error_x": {**error_bars([interval.low], [interval.estimate], [interval.high]), "color": color(index)},
        "marker": {"color": color(index), "size": 11, "symbol": "diamond"},
        "name": name,
        "legendgroup": name,
        "showlegend": False,
        "meta": {"name": name},
    }


def _rows(of: Numbers, names: Sequence[str] | None = None) -> dict[str, Any]:
    """The layout of a plot with one row per candidate, the first on top."""
    rows = list(names or of.comparison.candidates)
    axis = {"type": "category", "categoryorder": "array", "categoryarray": rows[::-1], "range": [-0.6, len(rows) - 0.4]}
    return {"yaxis": axis, "height": 110 + 34 * len(rows)}


def _x(whole: float, points: int) -> FloatArray:
    """The middle of a learning curve's axis: what had been spent at each of its points."""
    return whole * (np.arange(points) + 1) / points


def _note(of: Numbers, place: int) -> str:
    return f" ({of.comparison.notes[place]})" if of.comparison.notes[place] else ""


def has_seeds(of: Numbers) -> bool:
    """Whether any candidate has more than one seed."""
    return any(len(training.returns) > 1 for training in itertools.chain(*of.comparison.trainings.values()))
