"""Figures of searches and comparisons, as matplotlib figures; pyplot, which keeps global state, is left alone."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from discover import import_matplotlib, new_figure, nodes
from discover_mlflow.names import distinct
from discover_mlflow.population import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from discover import Algorithm, Comparison


def fitness_figure(history: History, champion: float | None = None) -> Figure:
    """Best, mean and middle half of the sound members' fitness, by generation.

    Args:
        history: of the whole search.
        champion: the champion's fitness on fresh seeds, a dashed line: the best of a generation is flattered by chance.
    """
    figure, (axes,) = new_figure(["Fitness of the population"], "generation", "fitness")
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


def comparison_figures(comparison: Comparison) -> Iterator[tuple[str, Figure]]:
    """Learning curves of all candidates, a figure per run, with its path among the artifacts."""
    for index, name in enumerate(distinct(file_name(run.label) for run in comparison.runs)):
        yield f"figures/curves/{name}.png", comparison.plot(index)


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
