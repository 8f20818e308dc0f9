"""The page of a report: one HTML file with everything in it, which no network, no server and no other file has to help."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from discover.reports.plotly_script import packed_script
from discover.reports.plots import Plot, color
from discover.reports.tables import Table

MARK = '<meta name="generator" content="discover report">'
"""The line by which a file is known as a report."""

_VERDICTS = ("better", "worse")


class Section(NamedTuple):
    """One section of a page.

    Attributes:
        name: its heading, also in the list of sections.
        parts: texts, tables, plots and groups of them, in their order.
    """

    name: str
    parts: Sequence[Part]


class Grid(NamedTuple):
    """Plots side by side; ``wide`` ones have a row each."""

    plots: Sequence[Plot]
    wide: bool = False


class Fold(NamedTuple):
    """Parts that are folded away until the reader wants them."""

    summary: str
    parts: Sequence[Part]


Part = str | Table | Grid | Fold


def page(title: str, verdict: Sequence[str], sections: Sequence[Section], candidates: Sequence[str]) -> str:
    """The text of the HTML file.

    Args:
        title: heading of the page.
        verdict: sentences at the top; the first stands out.
        sections: the sections in their order.
        candidates: names with a button each, which shows or hides them in all plots.

    Raises:
        UserError: plotly is not installed.
    """
    plots: list[Plot] = []
    body = "".join(_section(section, plots) for section in sections)
    specs = json.dumps([plot.spec() for plot in plots], separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    links = "".join(f'<a href="#{_slug(section.name)}">{_text(section.name)}</a>' for section in sections)
    first, *others = verdict or ("",)
    folder = Path(__file__).parent
    css, script = ((folder / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{MARK}
<link rel="icon" href="data:,">
<title>{_text(title)}</title>
<style>
{css}</style>
</head>
<body>
<header>
<h1>{_text(title)}</h1>
<p class="verdict">{_text(first)}</p>
{"".join(f'<p class="note">{_text(other)}</p>' for other in others)}
<nav>{links}</nav>
</header>
<div class="bar"><div>{_buttons(candidates)}<span class="space"></span><button id="theme">light / dark</button></div></div>
<main>
{body}
</main>
<footer>
<noscript><p>Plots need JavaScript; the tables have all numbers.</p></noscript>
<p>Written by discover report. Drag in a plot to zoom, double-click to see all of it again.</p>
</footer>
<script type="application/json" id="plots">{specs}</script>
<script type="text/plain" id="plotly">{packed_script()}</script>
<script>
{script}</script>
</body>
</html>
"""


def _buttons(candidates: Sequence[str]) -> str:
    buttons = [
        f'<button data-candidate="{_text(name)}" aria-pressed="true">'
        f'<span class="dot" style="background:{color(index)}"></span>{_text(name)}</button>'
        for index, name in enumerate(candidates)
    ]
    return "".join(buttons) + ('<button id="seeds" aria-pressed="true">every seed</button>' if candidates else "")


def _section(section: Section, plots: list[Plot]) -> str:
    inner = "\n".join(_part(part, plots) for part in section.parts)
    return f'<section id="{_slug(section.name)}">\n<h2>{_text(section.name)}</h2>\n{inner}\n</section>\n'


def _part(part: Part, plots: list[Plot]) -> str:
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, Grid):
        inner = "\n".join(_figure(plot, plots) for plot in part.plots)
        return f'<div class="plots{" wide" if part.wide else ""}">\n{inner}\n</div>'
    if isinstance(part, Fold):
        inner = "\n".join(_part(each, plots) for each in part.parts)
        return f"<details>\n<summary>{_text(part.summary)}</summary>\n{inner}\n</details>"
    return f'<p class="soft">{_text(part)}</p>'


def _figure(plot: Plot, plots: list[Plot]) -> str:
    plots.append(plot)
    place = f'data-plot="{len(plots) - 1}" data-name="{_slug(plot.title)}"'
    height = f' style="min-height:{plot.layout["height"]}px"' if "height" in plot.layout else ""
    return f'<figure><figcaption>{_text(plot.title)}</figcaption><div class="plot" {place}{height}></div></figure>'


def _table(table: Table) -> str:
    right = [column in table.right for column in table.columns]
    head = "".join(f"<th{_class(['right'] if r else [])}>{_text(c)}</th>" for c, r in zip(table.columns, right, strict=True))
    rows, before = [], None
    for row in table.rows:
        cells = "".join(_cell(text, is_right) for text, is_right in zip(row, right, strict=True))
        new = before is not None and table.columns[0] == "task" and row[0] != before
        rows.append(f"<tr{_class(['first'] if new else [])}>{cells}</tr>")
        before = row[0]
    whole = "\n".join((f"<thead><tr>{head}</tr></thead>", "<tbody>", *rows, "</tbody>"))
    return f'<h3>{_text(table.title)}</h3>\n<div class="scroll"><table>\n{whole}\n</table></div>'


def _cell(text: str, right: bool) -> str:
    classes = [name for name, wanted in (("right", right), (text, text in _VERDICTS)) if wanted]
    return f"<td{_class(classes)}>{_text(text)}</td>"


def _class(names: Sequence[str]) -> str:
    return f' class="{" ".join(names)}"' if names else ""


def _text(text: str) -> str:
    return html.escape(text)


def _slug(text: str) -> str:
    """A text as an identifier.

    >>> _slug("CartPole-v1 @ 10,000")
    'cartpole-v1-10-000'
    """
    letters = "".join(letter if letter.isalnum() or letter in "-_" else " " for letter in text.lower())
    return "-".join(letters.split())
