"""The page of a candidate as one file of HTML that fetches nothing."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from discover.base.errors import UserError
from discover.base.formula_svg import formula_svg
from discover.reading.formulas import Formula
from discover.reading.pictures import Comparison, Picture, pictures_of
from discover.reading.style import STYLE
from discover.reading.sweep_svg import bounds_of, sweep_svg
from discover.reading.tables import Table, change_table, fact_tables, paid_table, parts_table, result_table, sensitivity_table

if TYPE_CHECKING:
    from discover.reading.contents import Contents
    from discover.reading.facts import Facts

_HOW_TO_READ = (
    "Return at the end of training: interquartile mean with its 95 % interval. The ring marks the candidate's own value, "
    "a cross a value with which it breaks."
)
_ICON = "data:,"
"""The address of no icon, so that a browser does not ask for one."""


def page_as_html(page: Contents) -> str:
    """The page as a document of HTML."""
    problems = list(page.problems)
    body = "\n".join(section for section in _sections(page, problems) if section)
    problem_list = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    notes = f"<section><h2>Problems</h2><ul>{problem_list}</ul></section>" if problems else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{escape(page.name)}</title>\n<link rel="icon" href="{_ICON}">\n<style>{STYLE}</style>\n</head>\n'
        f"<body>\n<main>\n{body}\n{notes}\n</main>\n</body>\n</html>\n"
    )


def _sections(page: Contents, problems: list[str]) -> Iterator[str]:
    yield _head(page)
    yield _section("Formulas", f'<div class="formulas">{"".join(_formulas(page.formulas, problems))}</div>', page.formulas)
    yield _table_section(change_table(page))
    yield _table_section(result_table(page))
    yield _table_section(paid_table(page))
    yield _sensitivity(page)
    yield _section("Parts", _parts(page), page.parts)
    pictures = list(pictures_of(page.candidate, page.registry, problems))
    yield _section("Figures", "".join(map(_pictures, pictures)), pictures)
    for title, facts in fact_tables(page):
        yield _section(title, _facts(facts), facts)


def _head(page: Contents) -> str:
    nearest = page.nearest
    origin = ""
    if nearest is not None:
        paper = f" ({escape(nearest.paper)})" if nearest.paper else ""
        origin = f'<p class="soft">{escape(nearest.name)}: {escape(nearest.summary)}{paper}</p>'
    verdict = f"<p>{escape(page.facts.verdict)}</p>" if page.facts.verdict else ""
    return f'<header><h1>{escape(page.name)}</h1><p class="lead">{escape(page.sentence)}</p>{verdict}{origin}</header>'


def _section(title: str, body: str, content: object) -> str:
    """A section with a heading; nothing where its content is empty."""
    return f"<section><h2>{escape(title)}</h2>{body}</section>" if content else ""


def _formulas(formulas: object, problems: list[str]) -> Iterator[str]:
    assert isinstance(formulas, tuple)
    path = None
    for formula in formulas:
        caption = f"<figcaption>{escape(formula.path or 'algorithm')}</figcaption>" if formula.path != path else ""
        path = formula.path
        yield f"<figure>{caption}{_drawn(formula, problems)}</figure>"


def _drawn(formula: Formula, problems: list[str]) -> str:
    """A formula as a drawing; as code where it cannot be drawn."""
    try:
        return formula_svg(formula.latex)
    except UserError as error:
        problems.append(str(error))
        return f"<code>{escape(formula.latex)}</code>"


def _sensitivity(page: Contents) -> str:
    """A plot for each number, and the table in figures."""
    found = page.sensitivity
    if found is None:
        return ""
    bounds = bounds_of(found)
    plots = "".join(
        f"<figure><figcaption><code>{escape(sweep.path)}</code></figcaption>{sweep_svg(sweep, bounds)}</figure>"
        for sweep in found.sweeps
    )
    note = f'<p class="soft">{_HOW_TO_READ}</p>'
    table = f"<details><summary>in figures</summary>{_table(sensitivity_table(page))}</details>"
    return _section(found.title, f'{note}<div class="sweeps">{plots}</div>{table}', found.sweeps)


def _table_section(table: Table | None) -> str:
    return "" if table is None else _section(table.title, _table(table), table.rows)


def _table(table: Table | None) -> str:
    if table is None:
        return ""

    def row(cells: object, tag: str) -> str:
        assert isinstance(cells, list | tuple)
        pairs = zip(table.columns, cells, strict=True)
        return "".join(f"<{tag}{_class_of(table, column, text)}>{escape(text)}</{tag}>" for column, text in pairs)

    head = f"<thead><tr>{row(tuple(table.columns), 'th')}</tr></thead>"
    body = "".join(f"<tr>{row(tuple(cells), 'td')}</tr>" for cells in table.rows)
    return f'<div class="scroll"><table>{head}<tbody>{body}</tbody></table></div>'


def _class_of(table: Table, column: str, text: str) -> str:
    if column in table.numbers:
        return ' class="number"'
    return f' class="{text}"' if text in ("better", "worse") else ""


def _parts(page: Contents) -> str:
    """The tree of parts; what differs from the nearest recipe is marked."""
    before, rows = page.before, []
    for part in page.parts:
        classes = [name for name, holds in (("component", part.is_component), ("changed", part.path in before)) if holds]
        name = f'<td style="padding-left: {0.6 + 1.2 * part.depth:.1f}rem" title="{escape(part.path)}">{escape(part.name)}</td>'
        other = f"<td>{escape(before.get(part.path, ''))}</td>" if before else ""
        value, takes = f"<td><code>{escape(part.value)}</code></td>", f'<td class="takes">{escape(part.takes)}</td>'
        rows.append(f'<tr class="{" ".join(classes)}">{name}{value}{other}{takes}</tr>')
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in parts_table(page).columns)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _pictures(comparison: Comparison) -> str:
    """A figure of the candidate, and below it those of known rules."""
    where = f"{comparison.path}: {comparison.name}" if comparison.path else comparison.name
    own = _picture(comparison.own, where, "own")
    known = "".join(_picture(picture, where, "known") for picture in comparison.known)
    beside = f'<details open><summary>known rules</summary><div class="pictures">{known}</div></details>' if known else ""
    return f'<h3>{escape(where)}</h3><div class="pictures">{own}</div>{beside}'


def _picture(picture: Picture, where: str, role: str) -> str:
    label = escape(picture.label)
    image = f'<img src="{picture.address}" alt="{escape(where)} of {label}">'
    return f'<figure class="{role}">{image}<figcaption>{label}</figcaption></figure>'


def _facts(facts: Facts) -> str:
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(text)}</dd>' for name, text in facts.items())}</dl>"
