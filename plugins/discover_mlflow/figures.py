"""Matplotlib figures of searches and comparisons, without pyplot, which has global state."""

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
        champion: the champion's fitness on fresh seeds, as a dashed line; the best of a generation is biased upwards.
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
    """The figures of every component of a candidate, with their paths among the artifacts.

    A component whose ``figures`` fails costs a line in ``problems``, not the others.
    """
    import_matplotlib()
    for path, node in nodes(algorithm, ""):
        place = path or "algorithm"
        try:
            by_name = dict(node.figures())
        except (Exception, SystemExit) as error:
            problems.append(drawing_problem(f"the figures of {place} ({type(node).__name__})", error))
            continue
        for name, figure in zip(distinct(map(file_name, map(str, by_name))), by_name.values(), strict=True):
            yield f"figures/candidate/{file_name(place)}/{name}.png", figure


def later(name: str, draw: Callable[[], object]) -> Iterator[tuple[str, Any]]:
    """One figure with its path among the artifacts, drawn when the iterator reaches it."""
    import_matplotlib()
    yield name, draw()


def drawing_problem(subject: str, error: BaseException) -> str:
    """The line on a figure that cannot be drawn, with the reason."""
    return f"{subject} cannot be drawn ({type(error).__name__}: {' '.join(str(error).split())[:200]})"


def png_bytes(figure: Figure) -> bytes:
    """A figure as the bytes of a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=120, bbox_inches="tight")
    return file.getvalue()


def file_name(text: str) -> str:
    """A text as a file name that any system accepts.

    >>> file_name("CartPole-v1 @ 10,000 steps")
    'CartPole-v1_10_000_steps'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("_.") or "_"
