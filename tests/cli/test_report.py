"""``discover report``: a page, JSON alone, and one sentence for each mistake."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from plotly_stub import with_plotly
from typer.testing import Result

Invoke = Callable[..., Result]
Told = Callable[..., Any]


@pytest.fixture(autouse=True)
def plotly() -> Iterator[None]:
    """A plotly whose script is one line."""
    with with_plotly():
        yield


def refusal(result: Result) -> str:
    """The one sentence of a user's mistake."""
    assert result.exit_code == 2, result.stdout
    assert result.stdout == ""
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    return line.removeprefix("error: ")


def test_a_search_gets_a_page_and_tables_or_json_alone(invoke: Invoke, told: Told, config: Path) -> None:
    assert invoke("search", config, "--directory", "it").exit_code == 0
    result = invoke("report", "it")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[0] == "Search tiny"
    assert "Which choice paid" in result.stdout
    assert result.stdout.splitlines()[-1] == "report: report.html"
    assert "Learning curves" in Path("report.html").read_text(encoding="utf-8")
    os.remove("report.html")
    facts = told("report", "it")
    assert facts["html"] is None
    assert not Path("report.html").exists()
    assert [row["candidate"] for row in facts["table"]] == ["champion", "climb"]
    assert told("report", "it", "--html", "mine.html")["html"] == "mine.html"
    assert Path("mine.html").exists()
    both = told("report", "it", "it/report.comparison")
    assert [source["kind"] for source in both["sources"]] == ["search", "comparison"]


def test_mistakes(invoke: Invoke) -> None:
    Path("empty").mkdir()
    Path("notes.txt").write_text("mine")
    assert refusal(invoke("report", "nothing")).startswith(
        "'nothing' is neither a directory nor the name or the run of a search"
    )
    assert "holds neither a search nor a comparison" in refusal(invoke("report", "empty"))
    assert "comparison file 'notes.txt' is damaged" in refusal(invoke("report", "notes.txt"))
    assert "'notes.txt' is there already and is no report" in refusal(invoke("report", "nothing", "--html", "notes.txt"))
    assert "cannot be written (it is a folder)" in refusal(invoke("report", "nothing", "--html", "empty"))
    with with_plotly(there=False):
        assert "pip install 'discover-rl[report]'" in refusal(invoke("report", "nothing"))
    assert not Path("report.html").exists()
