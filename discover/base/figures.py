"""Learning curves as matplotlib figures. pyplot, which keeps global state, is left alone."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from discover.base.statistics import bootstrap_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_RESAMPLES = 400  # of a band; tables use more


def new_figure(titles: Sequence[str], x: str, y: str) -> tuple[Figure, list[Axes]]:
    """A figure with one plot per title, side by side up to three in a row, and its axes.

    Args:
        titles: of the plots.
        x, y: labels of the axes.
    """
    columns = min(3, len(titles))
    rows = -(-len(titles) // columns)
    figure = _figure_class()(figsize=(7.0 if columns == 1 else 5.0 * columns, 4.2 * rows), layout="constrained")
    every = [figure.add_subplot(rows, columns, place + 1) for place in range(len(titles))]
    for axes, title in zip(every, titles, strict=True):
        axes.set(title=title, xlabel=x, ylabel=y)
        axes.grid(alpha=0.3)
    return figure, every


def draw_curves(axes: Axes, curves: np.ndarray, steps: int, label: str) -> None:
    """Add one learning curve: the interquartile mean over seeds, and its 95 % band.

    Args:
        axes: where to draw.
        curves: ``[S, 100]``, one row per seed.
        steps: env steps at the last row.
        label: its name in the legend.
    """
    low, middle, high = band(curves)
    x = steps * (np.arange(len(middle)) + 1) / len(middle)
    axes.plot(x, middle, label=label)
    axes.fill_between(x, low, high, alpha=0.2)


def band(curves: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The interquartile mean over seeds and its 95 % interval, per row of ``curves[S, 100]``.

    Returns:
        low, middle and high, ``[100]`` each; NaN where a seed has no number, low and high also with a single seed.
    """
    rows = np.full((3, curves.shape[1]), np.nan)
    for row in np.flatnonzero(np.isfinite(curves).all(axis=0)):
        if len(curves) > 1:
            rows[:, row] = bootstrap_interval(curves[:, row], resamples=_RESAMPLES)
        else:
            rows[1, row] = curves[0, row]
    return rows[0], rows[1], rows[2]


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


@functools.cache
def _figure_class() -> Any:
    """Figures that a notebook shows without pyplot."""
    import_matplotlib()
    from matplotlib.figure import Figure

    class NotebookFigure(Figure):
        def _repr_png_(self) -> bytes:
            file = io.BytesIO()
            self.savefig(file, format="png", dpi=100)
            return file.getvalue()

    return NotebookFigure
