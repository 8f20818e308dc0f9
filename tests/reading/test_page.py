"""The page of a candidate in its four forms."""

import json
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from discover_zoo.rules import drift_figure
from matplotlib.figure import Figure

import discover
from discover import CandidateFacts, CandidatePage, Registry, ReturnFunction, Scalar, UserError, candidate_page, component, real
from discover.cli.output import plain
from discover.config.build import algorithm_from

VOID = ("meta", "link", "img", "br", "path", "circle", "line", "polyline")
ROW = {
    "candidate": "champion",
    "task": "catch",
    "steps": 1000,
    "note": "searched",
    "seeds": 4,
    "iqm": 0.5,
    "interval": [0.25, 0.75],
    "broken": 0,
    "first_minus_this": None,
}
MINUS = {"estimate": 0.25, "interval": [0.125, 0.375], "p_value": 0.01, "verdict": "better"}
FACTS = CandidateFacts(
    rows=[ROW, ROW | {"candidate": "ppo", "iqm": 0.25, "first_minus_this": MINUS}],
    verdict="champion is better than ppo on 1 of 1 runs.",
    lineage={"search": "tiny <one>"},
    cost={"env steps": "1,000"},
    provenance={"versions": "jax 0.10"},
)


class Reader(HTMLParser):
    """Checks that every tag is closed, and collects addresses and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "srcset")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


@component
class Odd(ReturnFunction):
    """A return function that cannot describe itself."""

    gamma: Scalar = real(0.9, low=0.0, high=1.0)

    def formula(self) -> str:
        raise ZeroDivisionError("no formula")

    def figures(self) -> dict[str, Figure]:
        raise OSError("no figure")


@component
class Unknown(ReturnFunction):
    """A return function whose formula mathtext does not know."""

    def formula(self) -> str:
        return r"\begin{cases} 1 \end{cases}"


@pytest.fixture(scope="module")
def page(registry: Registry) -> CandidatePage:
    candidate = algorithm_from(registry, {"recipe": "a2c", "rule": {"a2c": {"returns": {"n_step": {"n": 9}}}}})
    return candidate_page(candidate, registry, name="<b>mine|x", facts=FACTS)


def test_text_holds_every_section(page: CandidatePage) -> None:
    text = str(page)
    assert text.startswith("<b>mine|x is a2c with n: 5 -> 9.\n\nFormulas\n  rule\n    max_θ E[")
    headings = ["Formulas", "Parts", "Difference to", "Where it wins", "Lineage", "Cost", "Provenance"]
    assert [text.index(heading) for heading in headings] == sorted(text.index(heading) for heading in headings)
    (line,) = [line for line in text.splitlines() if line.split()[:1] == ["n"]]
    assert line.split()[:3] == ["n", "9", "5"]
    assert "0.250 [0.125, 0.375]" in text


def test_markdown_keeps_its_tables_whole_whatever_names_hold(page: CandidatePage) -> None:
    text = page.markdown()
    assert text.startswith(r"\<b\>mine\|x is a2c with n: 5 -\> 9.")
    assert "```latex\n\\max_\\theta" in text
    assert "| rule.returns.n | 5 | 9 |" in text
    assert "| &emsp;&emsp;n | 9 | 5 | 1 to 32 |" in text
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 3
    for lines in tables:
        assert len({line.replace(r"\|", "").count("|") for line in lines}) == 1


def test_the_html_fetches_nothing_and_escapes_names(page: CandidatePage) -> None:
    reader = read(page.html())
    assert all(address.startswith("data:") for address in reader.addresses)
    assert "<b>mine|x" in reader.text
    assert "tiny <one>" in reader.text
    assert "better" in reader.text
    assert page.html().count('<svg class="formula"') == len(page.formulas)
    assert "http" not in page.html().replace("http://www.w3.org/2000/svg", "")


def test_sections_without_content_are_left_out(registry: Registry) -> None:
    html = candidate_page(algorithm_from(registry, "a2c"), registry).html()
    headings = ("Lineage", "Cost", "Provenance", "wins and fails", "Difference", "Figures", "Sensitivity", "Problems")
    assert not any(f"<h2>{heading}" in html for heading in headings)
    assert "<h2>Parts" in html


def test_values_are_json_with_all_digits(page: CandidatePage) -> None:
    values = json.loads(json.dumps(plain(page.values()), allow_nan=False))
    assert values["nearest"]["name"] == "a2c"
    assert values["values"]["rule.returns.n"] == 9
    assert values["values"]["rule.optimizer.optimizer.learning_rate"] == 7e-4
    assert [one["path"] for one in values["formulas"]][:2] == ["rule", "rule.returns"]
    assert values["sensitivity"] is None


def small_figure(name: str, drift: Any) -> Figure:
    """A drift at one ratio and advantage, as a bar: drawing whole surfaces takes seconds."""
    figure = Figure(figsize=(1, 1))
    figure.subplots().bar([0.0], [float(drift(np.float32(0.4), np.float32(1.0)))])
    return figure


def test_a_drift_stands_beside_those_of_known_rules(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift_figure, "drift_figure", small_figure)
    ppo = discover.replace(algorithm_from(registry, "ppo"), {"rule.clip": 0.5})
    html = candidate_page(ppo, registry).html()
    alternatives = [text.split('"')[0] for text in html.split('alt="')[1:]]
    assert alternatives == ["rule: drift of this rule", "rule: drift of dpo", "rule: drift of ppo"]
    assert len({part.split('"')[0] for part in html.split('src="')[1:]}) == 3


def test_a_component_that_cannot_describe_itself_costs_a_sentence(registry: Registry) -> None:
    ppo = algorithm_from(registry, "a2c")
    odd = candidate_page(discover.replace(ppo, {"rule.returns": Odd()}), registry)
    assert "the formula of rule.returns (Odd) fails: ZeroDivisionError: no formula." in str(odd)
    text = read(odd.html()).text
    assert "the figures of rule.returns (Odd) cannot be drawn: OSError: no figure." in text
    assert odd.before["rule.returns"] == "n_step"
    html = candidate_page(discover.replace(ppo, {"rule.returns": Unknown()}), registry).html()
    assert "<code>\\begin{cases} 1 \\end{cases}</code>" in html
    assert "cannot be drawn" in read(html).text


def test_an_open_value_is_refused(registry: Registry) -> None:
    with pytest.raises(UserError, match=r"rule\.drift_weights of LPO is open"):
        candidate_page(algorithm_from(registry, "lpo"), registry)
