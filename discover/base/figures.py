"""Learning curves as matplotlib figures, without pyplot and its global state."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from discover.base.statistics import bootstrap_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_RESAMPLES = 400  # of the bootstrap for a band; tables use more


def new_figure(titles: Sequence[str], x: str, y: str) -> tuple[Figure, list[Axes]]:
    """A figure with one plot per title, side by side up to three in a row, and its axes.

    Args:
        titles: one title per plot.
        x, y: labels of the axes.

    >>> figure, axes = new_figure(["CartPole-v1", "Acrobot-v1"], x="env steps", y="return")
    >>> [each.get_title() for each in axes]
    ['CartPole-v1', 'Acrobot-v1']
    """
    columns = min(3, len(titles))
    rows = -(-len(titles) // columns)
    figure = _figure_class()(figsize=(7.0 if columns == 1 else 5.0 * columns, 4.2 * rows), layout="constrained")
    plots = [figure.add_subplot(rows, columns, place + 1) for place in range(len(titles))]
    for axes, title in zip(plots, titles, strict=True):
        axes.set(title=title, xlabel=x, ylabel=y)
        axes.grid(alpha=0.3)
    return figure, plots


def draw_curves(axes: Axes, curves: np.ndarray, steps: int, label: str) -> None:
    """Add one learning curve to a plot: the interquartile mean over seeds, and its 95 % band.

    Args:
        axes: the plot.
        curves: scores ``[S, 100]`` of S seeds at 100 equal parts of the training.
        steps: env steps of the whole training.
        label: the curve's name in the legend.

    >>> _, (axes,) = new_figure(["CartPole-v1"], x="env steps", y="return")
    >>> draw_curves(axes, np.array([[1.0, 2.0], [1.0, 4.0]]), steps=100, label="ppo")
    >>> axes.lines[0].get_xydata().tolist()
    [[50.0, 1.0], [100.0, 3.0]]
    """
    low, middle, high = band(curves)
    x = steps * (np.arange(len(middle)) + 1) / len(middle)
    axes.plot(x, middle, label=label)
    axes.fill_between(x, low, high, alpha=0.2)


def band(curves: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The interquartile mean over seeds and its 95 % interval, at each of the 100 points of ``curves[S, 100]``.

    Returns:
        low, middle and high, ``[100]`` each; NaN where a seed has no number, low and high also with a single seed.

    >>> low, middle, high = band(np.array([[1.0, 2.0, 3.0]]))
    >>> middle.tolist(), high.tolist()
    ([1.0, 2.0, 3.0], [nan, nan, nan])
    """
    rows = np.full((3, curves.shape[1]), np.nan)
    for point in np.flatnonzero(np.isfinite(curves).all(axis=0)):
        if len(curves) > 1:
            rows[:, point] = bootstrap_interval(curves[:, point], resamples=_RESAMPLES)
        else:
            rows[1, point] = curves[0, point]
    return rows[0], rows[1], rows[2]


def import_matplotlib() -> None:
    """Import matplotlib, also where ``MPLBACKEND`` names a backend that it does not know: files need no backend."""
    backend = os.environ.get("MPLBACKEND")
    if backend is None or "matplotlib" in sys.modules:
        return
    os.environ["MPLBACKEND"] = "agg"
    try:
        import matplotlib
    finally:
        os.environ["MPLBACKEND"] = backend
    with contextlib.suppress(ValueError):
        matplotlib.rcParams["backend"] = backend  # for other code that draws


@functools.cache
def _figure_class() -> type[Figure]:
    """A class of figures that a notebook shows without pyplot."""
    import_matplotlib()
    from matplotlib.figure import Figure

    class NotebookFigure(Figure):
        def _repr_png_(self) -> bytes:
            file = io.BytesIO()
            self.savefig(file, format="png", dpi=100)
            return file.getvalue()

    return NotebookFigure
