"""Formulas as drawings: inline SVG in the color of the text around it, with nothing to fetch."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from discover.base.errors import UserError
from discover.base.figures import import_matplotlib
from discover.base.latex import latex_as_text

if TYPE_CHECKING:
    from matplotlib.path import Path

_SIZE = 19.0
"""Height of the font, in pixels."""

_MARGIN = 2.0


def formula_svg(latex: str) -> str:
    r"""A formula as an SVG element whose label for screen readers is its plain text.

    Args:
        latex: one equation, in the part of LaTeX that matplotlib's mathtext draws.

    Raises:
        UserError: mathtext does not know it.

    >>> formula_svg(r"\gamma = 0.99")[:42]
    '<svg class="formula" role="img" aria-label'
    """
    outline = _outline(latex)
    box = outline.get_extents()
    left, top = box.x0 - _MARGIN, -box.y1 - _MARGIN
    width, height = box.width + 2 * _MARGIN, box.height + 2 * _MARGIN
    label = html.escape(latex_as_text(latex), quote=True)
    return (
        f'<svg class="formula" role="img" aria-label="{label}" xmlns="http://www.w3.org/2000/svg" width="{width:.1f}" '
        f'height="{height:.1f}" viewBox="{left:.1f} {top:.1f} {width:.1f} {height:.1f}">'
        f'<path fill="currentColor" d="{_commands(outline)}"/></svg>'
    )


def check_formula(latex: str) -> None:
    r"""Check that a formula can be drawn, which costs less than to draw it.

    Raises:
        UserError: mathtext does not know it.

    >>> check_formula(r"\gamma = 0.99")
    """
    _outline(latex)


def _outline(latex: str) -> Path:
    """The outline of all characters of a formula; y points up."""
    import_matplotlib()
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font, large = FontProperties(math_fontfamily="cm"), latex.replace(r"\frac", r"\dfrac")
    try:
        return TextPath((0.0, 0.0), f"${large}$", size=_SIZE, prop=font)
    except ValueError as error:
        reason = str(error).strip().splitlines()[-1]
        raise UserError(
            f"the formula '{latex}' cannot be drawn ({reason}): write it in the LaTeX that matplotlib's mathtext knows."
        ) from None


def _commands(outline: Path) -> str:
    """An outline as the commands of an SVG path, where y points down."""
    from matplotlib.path import Path

    letters = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}
    parts = []
    for points, code in outline.iter_segments(curves=True, simplify=False):
        if code == Path.CLOSEPOLY:
            parts.append("Z")
            continue
        pairs = zip(points[::2], points[1::2], strict=True)
        parts.append(letters[code] + " ".join(f"{x:.2f} {-y:.2f}" for x, y in pairs))
    return "".join(parts)
