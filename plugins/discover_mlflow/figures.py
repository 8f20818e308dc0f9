"""Figures of searches and comparisons, as matplotlib figures; pyplot, which keeps global state, is left alone."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from discover import bootstrap_interval, nodes
from discover_mlflow.names import distinct
from discover_mlflow.population import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from discover import Algorithm, Comparison, Training

_RESAMPLES = 400  # of a band; the tables use more


def fitness_figure(history: History, champion: float | None = None) -> Figure:
    """Best, mean and middle half of the sound members' fitness, by generation.

    Args:
        history: of the whole search.
        champion: the champion's fitness on fresh seeds, a dashed line: the best of a generation is flattered by chance.
    """
    figure, axes = _axes("Fitness of the population", "generation", "fitness")
    fitness, step = history.sound(), history.generation
    some = ~np.isnan(fitness).all(axis=1)
    fitness, step = fitness[some], step[some]
    if len(step):
        low, high = np.nanquantile(fitness, [0.25, 0.75], axis=1)
        axes.fill_between(step, low, high, alpha=0.25, label="middle half")
        axes.plot(step, np.nanmean(fitness, axis=1), label="mean")
        axes.plot(step, np.nanmax(fitness, axis=1), label="best of its generation")
    if champion is not None and np.isfinite(champion):
        axes.axhline(champion, color="black", linestyle="--", linewidth=1, label="champion, fresh seeds")
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
    return figure


def curves_figure(trainings: Sequence[Training], title: str) -> Figure:
    """Learning curves of candidates on one task: interquartile mean over seeds with its 95 % bootstrap band."""
    figure, axes = _axes(title, "env steps", "episode return")
    for training in trainings:
        low, middle, high = band(training.curves)
        rows = len(middle)
        steps = training.run.steps * (np.arange(rows) + 1) / rows
        axes.plot(steps, middle, label=f"{training.name} ({len(training.curves)} seeds)")
        axes.fill_between(steps, low, high, alpha=0.2)
    axes.legend()
    return figure


def band(curves: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Interquartile mean over seeds and its 95 % interval, per row of ``curves[S, 100]``.

    Returns:
        low, middle and high, ``[100]`` each; NaN where a seed has no number, low and high also with a single seed.
    """
    found = np.full((3, curves.shape[1]), np.nan)
    for row in np.flatnonzero(np.isfinite(curves).all(axis=0)):
        if len(curves) > 1:
            found[:, row] = bootstrap_interval(curves[:, row], resamples=_RESAMPLES)
        else:
            found[1, row] = curves[0, row]
    return found[0], found[1], found[2]


def comparison_figures(comparison: Comparison) -> Iterator[tuple[str, Figure]]:
    """Learning curves of all candidates, a figure per run, with its path among the artifacts."""
    import_matplotlib()
    files = distinct(file_name(run.label) for run in comparison.runs)
    for index, (run, note) in enumerate(zip(comparison.runs, comparison.notes, strict=True)):
        trainings = [comparison.trainings[name][index] for name in comparison.candidates]
        title = run.label + (f" ({note})" if note else "")
        yield f"figures/curves/{files[index]}.png", curves_figure(trainings, title)


def component_figures(algorithm: Algorithm, problems: list[str]) -> Iterator[tuple[str, Any]]:
    """What every component of a candidate shows of itself, with its path among the artifacts.

    A component whose ``figures`` fails costs a line in ``problems``, not the others.
    """
    import_matplotlib()
    for path, node in nodes(algorithm, ""):
        where = path or "algorithm"
        try:
            found = dict(node.figures())
        except (Exception, SystemExit) as error:
            problems.append(not_drawn(f"the figures of {where} ({type(node).__name__})", error))
            continue
        for name, figure in zip(distinct(map(file_name, map(str, found))), found.values(), strict=True):
            yield f"figures/candidate/{file_name(where)}/{name}.png", figure


def later(name: str, draw: Callable[[], Any]) -> Iterator[tuple[str, Any]]:
    """One figure with its path among the artifacts, drawn only when it is asked for."""
    import_matplotlib()
    yield name, draw()


def import_matplotlib() -> None:
    """Import matplotlib, which cannot be imported while ``MPLBACKEND`` names what it does not know; files need no backend."""
    chosen = os.environ.get("MPLBACKEND")
    if chosen is None or "matplotlib" in sys.modules:
        return
    os.environ["MPLBACKEND"] = "agg"
    try:
        import matplotlib
    finally:
        os.environ["MPLBACKEND"] = chosen
    with contextlib.suppress(ValueError):
        matplotlib.rcParams["backend"] = chosen  # for whoever else draws


def not_drawn(what: str, error: BaseException) -> str:
    """That figures cannot be drawn, and why, in one line."""
    return f"{what} cannot be drawn ({type(error).__name__}: {' '.join(str(error).split())[:200]})"


def drawn(figure: Any) -> bytes:
    """A figure as the bytes of a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=120, bbox_inches="tight")
    return file.getvalue()


def file_name(text: str) -> str:
    """A text as a file name that any system takes."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("_.") or "_"


def _axes(title: str, x: str, y: str) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)
    return figure, axes
