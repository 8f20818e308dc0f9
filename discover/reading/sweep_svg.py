"""The plot of a sweep as inline SVG in the colors of the page around it."""

from __future__ import annotations

from html import escape

import numpy as np

from discover.base.short_number import short_number
from discover.base.text_table import counted, interval, number
from discover.reading.sweeps import Sensitivity, Sweep, SweepPoint

_WIDTH, _HEIGHT = 340, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 14, 34
_GAP = 4.0
"""Pixels between two labels of values, below which the second is left out."""

_LETTER = 7.2
"""Pixels that a letter of a label takes, at most."""


def sweep_svg(sweep: Sweep, bounds: tuple[float, float]) -> str:
    """A number's values on the scale of its domain, and the return that each gives with its interval.

    Args:
        sweep: the number.
        bounds: lowest and highest return of the plot, the same for all numbers.
    """
    sound = [point for point in sweep.points if not point.broken]
    places = [(_x(point.position), _y(point.interval.estimate, bounds)) for point in sound]
    curve = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    marks = "".join(_cross(point) if point.broken else _mark(point, bounds) for point in sweep.points)
    label = escape(f"return against {sweep.path}", quote=True)
    return (
        f'<svg class="sweep" role="img" aria-label="{label}" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
        f'{_axes(bounds)}<polyline class="curve" points="{curve}"/>{marks}{"".join(_value_labels(sweep))}</svg>'
    )


def bounds_of(sensitivity: Sensitivity) -> tuple[float, float]:
    """The lowest and the highest end of all intervals; a range around them where they are one."""
    ends = [end for sweep in sensitivity.sweeps for point in sweep.points if not point.broken for end in point.interval]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    margin = 0.05 * (high - low) or 0.5
    return low - margin, high + margin


def _x(position: float) -> float:
    return _LEFT + position * (_WIDTH - _LEFT - _RIGHT)


def _y(value: float, bounds: tuple[float, float]) -> float:
    low, high = bounds
    return _HEIGHT - _BOTTOM - (value - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)


def _axes(bounds: tuple[float, float]) -> str:
    """Three lines of equal return with their labels."""
    low, high = bounds
    lines = []
    for value in np.linspace(low + 0.05 * (high - low) / 1.1, high - 0.05 * (high - low) / 1.1, 3).tolist():
        y = _y(value, bounds)
        lines.append(
            f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>'
        )
    return "".join(lines)


def _mark(point: SweepPoint, bounds: tuple[float, float]) -> str:
    """A point with its interval, and a title for the pointer; the candidate's own point is a ring."""
    low, estimate, high = point.interval
    x, own = f"{_x(point.position):.1f}", ' class="own"' if point.is_own else ""
    title = f"{short_number(point.value)}: {number(estimate)} {interval((low, high))}" + (" (own value)" if own else "")
    return (
        f'<g><title>{escape(title)}</title><line class="band" x1="{x}" x2="{x}" y1="{_y(low, bounds):.1f}" '
        f'y2="{_y(high, bounds):.1f}"/><circle{own} cx="{x}" cy="{_y(estimate, bounds):.1f}" r="4"/></g>'
    )


def _cross(point: SweepPoint) -> str:
    """A cross at the bottom in place of a point that broke."""
    x, y = _x(point.position), _HEIGHT - _BOTTOM
    title = f"{short_number(point.value)}: {counted(point.broken, 'seed')} broke"
    lines = f'<path class="broken" d="M{x - 4:.1f} {y - 4}l8 8m0 -8l-8 8"/>'
    return f"<g><title>{escape(title)}</title>{lines}</g>"


def _value_labels(sweep: Sweep) -> list[str]:
    """The values below the plot; one that would touch the label before it is left out."""
    labels, end = [], -np.inf
    for point in sweep.points:
        text = short_number(point.value)
        half = _LETTER * len(text) / 2
        center = min(max(_x(point.position), half), _WIDTH - half)
        if center - half < end + _GAP:
            continue
        end = center + half
        labels.append(f'<text x="{center:.1f}" y="{_HEIGHT - 12}" text-anchor="middle">{text}</text>')
    return labels
