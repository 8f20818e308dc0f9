"""The plots of a report, as the plain mappings that plotly.js draws; colors of axes and text are set by the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from discover.base.scores import FloatArray

Trace: TypeAlias = dict[str, Any]

COLORS = ("#4c78a8", "#f58518", "#54a24b", "#e45756", "#9d6fb8", "#35a7a0", "#c9a227", "#9d755d", "#d67195", "#7f8ba0")
"""Colors of candidates and of options, readable on white and on black."""


@dataclass(frozen=True)
class Plot:
    """One plot.

    Attributes:
        title: the heading above it.
        traces: what it shows.
        x, y: titles of the axes.
        layout: further settings.
    """

    title: str
    traces: Sequence[Trace]
    x: str
    y: str
    layout: Mapping[str, Any] = field(default_factory=dict)

    def spec(self) -> dict[str, Any]:
        """The plot as plotly.js takes it."""
        axes = {"xaxis": {"title": {"text": self.x}}, "yaxis": {"title": {"text": self.y}}}
        layout = {**axes, **self.layout}
        for axis in ("xaxis", "yaxis"):
            layout[axis] = {**axes[axis], **layout.get(axis, {})}
        return {"data": list(self.traces), "layout": layout}


def color(index: int) -> str:
    """The color of the candidate or option at a place."""
    return COLORS[index % len(COLORS)]


def faint(name: str, opacity: float) -> str:
    """A color of `COLORS` with an opacity.

    >>> faint("#4c78a8", 0.2)
    'rgba(76,120,168,0.2)'
    """
    red, green, blue = (int(name[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def numbers(values: FloatArray | Sequence[float]) -> list[float | None]:
    """Numbers with five significant digits, None for what is not finite.

    >>> numbers([0.123456789, float("nan"), 2])
    [0.12346, None, 2.0]
    """
    return [float(f"{value:.5g}") if np.isfinite(value) else None for value in np.asarray(values, np.float64).ravel().tolist()]


def line(x: FloatArray, y: FloatArray, name: str, index: int, **more: Any) -> Trace:
    """A line of a candidate or an option.

    Args:
        x, y: ``[N]``.
        name: in the legend.
        index: of its color.
        more: further settings of the trace.
    """
    trace = {"type": "scatter", "mode": "lines", "x": numbers(x), "y": numbers(y), "name": name, "legendgroup": name}
    return {**trace, "line": {"color": color(index), "width": 2.2}, "meta": {"name": name}, **more}


def band(x: FloatArray, low: FloatArray, high: FloatArray, name: str, *, index: int) -> list[Trace]:
    """The area between two lines, in pieces where numbers are missing."""
    traces = []
    finite = np.isfinite(low) & np.isfinite(high)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], finite, [False]]).astype(int)))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        piece = slice(start, end)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": numbers(np.concatenate([x[piece], x[piece][::-1]])),
                "y": numbers(np.concatenate([high[piece], low[piece][::-1]])),
                "fill": "toself",
                "fillcolor": faint(color(index), 0.18),
                "line": {"width": 0},
                "hoverinfo": "skip",
                "name": name,
                "legendgroup": name,
                "showlegend": False,
                "meta": {"name": name},
            }
        )
    return traces


def error_bars(low: Sequence[float], middle: Sequence[float], high: Sequence[float]) -> dict[str, Any]:
    """Error bars from intervals; those that are not finite have none."""
    up = [h - m if np.isfinite(h - m) else 0.0 for h, m in zip(high, middle, strict=True)]
    down = [m - lo if np.isfinite(m - lo) else 0.0 for lo, m in zip(low, middle, strict=True)]
    return {"type": "data", "symmetric": False, "array": numbers(up), "arrayminus": numbers(down), "thickness": 1.8, "width": 5}
