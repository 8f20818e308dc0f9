"""``discover show`` in the terminal, as JSON and as a page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import Invoke


def test_a_recipe_is_shown_without_what_is_not_known(invoke: Invoke) -> None:
    result = invoke("show", "ppo")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("ppo is the recipe ppo.\n\nFormulas\n  rule\n    r = π_θ(a | s) / π_old(a | s)")
    assert "learning_rate     0.00025" in result.stdout
    assert "Lineage" not in result.stdout


def test_a_champion_comes_with_its_report_lineage_cost_and_provenance(
    invoke: Invoke, told: Callable[..., Any], config: Path, tmp_path: Path
) -> None:
    assert invoke("search", config, "--directory", "run").exit_code == 0
    shown = told("show", "run/champion.candidate", "--html", "page.html")
    assert shown["nearest"]["name"] == "climb"
    assert [row["candidate"] for row in shown["results"]] == ["champion", "climb"]
    assert shown["verdict"].startswith("champion is ")
    assert shown["lineage"]["search"] == "tiny"
    assert shown["lineage"]["first seen in"].startswith(("generation 1 of 2, ", "generation 2 of 2, "))
    assert shown["cost"]["generations"] == "2"
    assert "jax" in shown["provenance"]["versions"]
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<h2>Where it wins and fails</h2>" in page
    assert "<h2>Lineage</h2>" in page
    (tmp_path / "alone.candidate").write_bytes((tmp_path / "run" / "champion.candidate").read_bytes())
    alone = told("show", "alone.candidate")
    assert alone["values"] == shown["values"]
    assert (alone["results"], alone["lineage"], alone["cost"]) == ([], {}, {})


def test_damaged_files_of_a_search_cost_their_sections_alone(told: Callable[..., Any], invoke: Invoke, config: Path) -> None:
    assert invoke("search", config, "--directory", "run").exit_code == 0
    Path("run/report.comparison").write_bytes(b"broken")
    for path in Path("run/history").iterdir():
        path.write_bytes(b"broken")
    shown = told("show", "run/champion.candidate")
    assert shown["results"] == []
    assert shown["lineage"]["search"] == "tiny"
    assert "first seen in" not in shown["lineage"]
    file = Path("run/config.yaml")
    file.write_text(file.read_text(encoding="utf-8").replace("toy_climb", "toy_gone"), encoding="utf-8")
    shown = told("show", "run/champion.candidate")
    assert shown["lineage"]["search"] == "tiny"
    assert "space" not in shown["lineage"]
    file.write_text("name: tiny", encoding="utf-8")
    shown = told("show", "run/champion.candidate")
    assert (shown["lineage"], shown["cost"], shown["nearest"]["name"]) == ({}, {}, "climb")


def test_sensitivity_is_measured_on_a_task(told: Callable[..., Any]) -> None:
    options = ("--task", "payday", "--steps", 80, "--seeds", 2, "--points", 3, "--numbers", "slope")
    shown = told("show", "climb", "--sensitivity", *options)["sensitivity"]
    assert (shown["task"], shown["steps"], shown["seeds"]) == ("payday", 80, 2)
    (number,) = shown["numbers"]
    assert number["path"] == "rule.slope"
    assert [point["value"] for point in number["points"]] == [-10.0, 1.0, 10.0]
    assert number["points"][0]["iqm"] < number["points"][1]["iqm"] < number["points"][2]["iqm"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("show", "pppo"), "no recipe is called 'pppo': did you mean 'ppo'?"),
        (("show", "lpo"), "rule.drift_weights of LPO is open"),
        (("show", "gone.candidate"), "candidate file 'gone.candidate' does not exist"),
        (("show", "climb", "--html", "."), "--html '.' is a folder"),
        (("show", "climb", "--html", "no/page.html"), "lies in the folder 'no', which does not exist"),
        (("show", "climb", "--sensitivity"), "name the task with --task"),
        (("show", "climb", "--task", "payday"), "--task 'payday' belongs to --sensitivity"),
        (("show", "climb", "--sensitivity", "--task", "payday", "--seeds", "1"), "--seeds 1 gives no interval"),
        (("show", "climb", "--sensitivity", "--task", "paydya"), "paydya"),
        (("show", "climb", "--sensitivity", "--task", "payday", "--numbers", "slop"), "did you mean 'rule.slope'?"),
    ],
)
def test_mistakes_are_one_sentence_with_status_2(invoke: Invoke, words: tuple[str, ...], sentence: str) -> None:
    result = invoke(*words)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_page_that_cannot_be_written_leaves_nothing(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = invoke("show", "climb", "--html", "file/page.html")
    assert result.exit_code == 2
    assert "lies in the folder 'file'" in result.stderr
