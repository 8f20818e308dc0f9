"""The page of a report: one file that needs no other, with every number in tables, which no name of a candidate breaks."""

import base64
import gzip
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from discover import Comparison, UserError, report_on, source_of
from discover.reports.page import MARK
from discover.reports.report import Report

Compared = Callable[..., Comparison]


class Elements(HTMLParser):
    """The elements of a page, their attributes, and the text of scripts by id."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.headings: list[str] = []
        self._inside: tuple[str, str] = ("", "")
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = (tag, dict(attrs).get("id") or "")

    def handle_data(self, data: str) -> None:
        tag, identifier = self._inside
        if tag == "script":
            self.texts[identifier] = self.texts.get(identifier, "") + data
        if tag in ("h2", "h3") and data.strip():
            self.headings.append(data)


@pytest.fixture
def report(two: Comparison) -> Report:
    return report_on([source_of(two)])


@pytest.mark.usefixtures("plotly")
def test_the_page_is_whole_in_itself(report: Report) -> None:
    page = report.html()
    elements = Elements(page)
    assert not [attributes for tag, attributes in elements.tags if tag in ("script", "img", "iframe") and "src" in attributes]
    assert [attributes["href"] for tag, attributes in elements.tags if tag == "link"] == ["data:,"]
    assert not re.search(r"@import|url\(|https?://", page)
    assert gzip.decompress(base64.b64decode(elements.texts["plotly"])) == b"window.Plotly = {};"
    specs = json.loads(elements.texts["plots"])
    places = [int(str(attributes["data-plot"])) for tag, attributes in elements.tags if "data-plot" in attributes]
    assert places == list(range(len(specs)))
    assert len(places) == 2 + 2 + 4 + 2 + 4  # returns, curves, aggregates, profile and improvement, costs of two tasks
    assert all(trace["x"] is not None for spec in specs for trace in spec["data"])
    wanted = ["Results", "Learning curves", "Over all tasks", "Return against cost", "Candidates", "Provenance"]
    assert [heading for heading in elements.headings if heading in wanted] == wanted


@pytest.mark.usefixtures("plotly")
def test_every_seed_and_every_candidate_can_be_hidden(report: Report) -> None:
    elements = Elements(report.html())
    assert [a["data-candidate"] for _, a in elements.tags if "data-candidate" in a] == ["mine", "other"]
    curves = next(
        spec for spec in json.loads(elements.texts["plots"]) if spec["layout"]["xaxis"]["title"]["text"] == "env steps"
    )
    seeds = [trace for trace in curves["data"] if trace["meta"].get("part") == "seed"]
    assert [trace["meta"]["name"] for trace in seeds] == ["mine", "other"]
    assert seeds[0]["y"].count(None) == 4  # a gap after each of four seeds
    assert len(seeds[0]["y"]) == 4 * 101
    (middle,) = [trace for trace in curves["data"] if trace.get("showlegend", True) and trace["name"] == "mine"]
    assert middle["x"][-1] == 100
    assert middle["y"][-1] == pytest.approx(1.5)  # the interquartile mean of 0, 1, 2, 2.5


@pytest.mark.usefixtures("plotly")
def test_names_break_nothing(compared: Compared) -> None:
    name = "</script><b>&\"'"
    page = report_on([source_of(compared({name: [[1.0, 2.0], [1.0, 2.0]], "b": [[1.0, 2.0], [0.0, 1.0]]}))]).html()
    elements = Elements(page)
    assert "b" not in {tag for tag, _ in elements.tags}
    assert [a["data-candidate"] for _, a in elements.tags if "data-candidate" in a] == [name, "b"]
    assert name in {trace["name"] for spec in json.loads(elements.texts["plots"]) for trace in spec["data"]}


def test_the_tables_and_the_facts_have_the_numbers(report: Report) -> None:
    text, facts = repr(report), report.facts()
    assert report.verdict in text
    for wanted in ("Returns at the end of training", "Over all tasks, normalized", "P(mine better)", "late-payday @ 400"):
        assert wanted in text
    assert facts["overall"]["mine"]["mean"]["estimate"] == pytest.approx((5.5 / 4 + 7.5 / 4 + 2) / 8, abs=1e-6)
    assert facts["normalization"][0] == {"task": "payday", "steps": 100, "low": -1.0, "high": 3.0, "registered": True}
    assert facts["table"] == report.comparison.rows() if report.comparison else False
    assert len(facts["performance_profile"]["mine"]) == len(facts["performance_profile"]["thresholds"])
    json.dumps(facts, allow_nan=False)


@pytest.mark.usefixtures("no_plotly")
def test_without_plotly_there_is_a_sentence_and_all_numbers(report: Report, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"need plotly, which is not installed: pip install 'discover-rl\[report\]'"):
        report.save(tmp_path / "it.html")
    assert list(tmp_path.iterdir()) == []
    assert report.facts()["table"]


@pytest.mark.usefixtures("plotly")
def test_a_report_replaces_a_report_and_nothing_else(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "it.html"
    assert report.save(path).read_text(encoding="utf-8").count(MARK) == 1
    report.save(path)
    other = tmp_path / "notes.html"
    other.write_text("mine")
    for place, message in (
        (other, "is there already and is no report"),
        (tmp_path, "cannot be written .it is a folder"),
        (tmp_path / "no" / "it.html", "cannot be written .there is no folder"),
    ):
        with pytest.raises(UserError, match=message):
            report.save(place)
    assert other.read_text() == "mine"


def test_sources_are_given_once_and_at_least_one(two: Comparison) -> None:
    with pytest.raises(UserError, match="a report needs a source"):
        report_on([])
    with pytest.raises(UserError, match="is given twice: leave one out"):
        report_on([source_of(two), source_of(two)])


@pytest.mark.usefixtures("plotly")
def test_a_training_alone_has_a_report(two: Comparison) -> None:
    report = report_on([source_of(two.trainings["mine"][0])])
    assert report.title == "Training mine"
    assert report.verdict == "mine was trained alone: nothing to compare with."
    assert "mine" in report.html()
