"""``discover train``, ``discover compare``, and the candidates that both take."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]
Told = Callable[..., Any]

WORDS = "{recipe: climb, rule: {toy_climb: {slope: 2.0, noise: 0.0, steps: 5}}}"
STEEP = "{recipe: climb, rule: {toy_climb: {slope: 10.0, noise: 0.0, limit: 100.0, steps: 5}}}"


def test_train_prints_one_json_object_and_nothing_else(told: Told) -> None:
    Path("two.yaml").write_text(WORDS)
    summary = told("train", "two.yaml", "--task", "payday", "--seeds", 4, "--steps", 100)
    assert {key: summary[key] for key in ("candidate", "task", "steps", "seeds", "run_id", "told")} == {
        "candidate": "two.yaml",
        "task": "payday",
        "steps": 100,
        "seeds": 4,
        "run_id": "train-run",
        "told": ["training finished"],
    }
    # Ten updates of five steps: update i acts at level 2 i, so that its episode returns 10 i. The last row is a mean over
    # the steps of the last update, of the episode that had ended by then: four times 80, once 90.
    assert summary["returns"] == pytest.approx([82.0] * 4)
    assert summary["iqm"] == pytest.approx(82.0)
    assert summary["interval"] == pytest.approx([82.0, 82.0])
    assert summary["steps_per_second"] == pytest.approx(summary["env_steps"] / summary["seconds"])
    assert summary["broken"] == 0


def test_what_breaks_is_null_and_counted(told: Told) -> None:
    Path("steep.json").write_text('{"recipe": "climb", "rule": {"toy_climb": {"slope": 10.0, "limit": 100.0, "steps": 5}}}')
    summary = told("train", "steep.json", "--task", "payday", "--seeds", 2, "--steps", 200, "--no-tracking")
    assert (summary["iqm"], summary["interval"], summary["run_id"]) == (None, [None, None], None)
    assert summary["broken"] == 2
    assert summary["returns"] == [None, None]


def test_train_in_words(invoke: Invoke) -> None:
    result = invoke("train", "climb", "--task", "payday", "--seeds", 2, "--steps", 100)
    assert result.exit_code == 0, result.stderr
    first, returns, spent, run = result.stdout.splitlines()
    assert first.startswith("climb on payday @ 100: interquartile mean ")
    assert first.endswith(" of 2 seeds")
    assert len(returns.partition(": ")[2].split(", ")) == 2
    assert spent.startswith("192 env steps in ")
    assert run == "look at it: discover ui --run train-run"


def test_compare_tables_the_first_against_the_others(told: Told, invoke: Invoke) -> None:
    Path("two.yaml").write_text(WORDS)
    Path("one.yaml").write_text(WORDS.replace("2.0", "1.0"))
    Path("steep.yaml").write_text(STEEP)
    words = ("compare", "two.yaml", "one.yaml", "steep.yaml", "--tasks", "payday,payday@200", "--seeds", 5, "--steps", 100)
    summary = told(*words)
    rows = {(row["candidate"], row["steps"]): row for row in summary["table"]}
    assert list(rows) == [(name, steps) for name in ("two.yaml", "one.yaml", "steep.yaml") for steps in (100, 200)]
    assert rows["one.yaml", 100]["first_minus_this"]["estimate"] == pytest.approx(41.0)
    assert rows["steep.yaml", 100]["first_minus_this"]["verdict"] == "worse"
    assert (rows["steep.yaml", 200]["iqm"], rows["steep.yaml", 200]["broken"]) == (None, 5)
    assert rows["steep.yaml", 200]["first_minus_this"] is None
    assert summary["verdict"].startswith("two.yaml is better than one.yaml on ")
    assert (summary["run_id"], summary["told"]) == ("compare-run", ["comparison finished"])


def test_settings_change_candidates_and_show_in_their_names(told: Told, invoke: Invoke) -> None:
    Path("two.yaml").write_text(WORDS)
    change, words = "rule.toy_climb.slope=1.0", ("--seeds", 5, "--steps", 100)
    summary = told("train", "two.yaml", "--task", "payday", *words, "--set", change)
    assert summary["candidate"] == f"two.yaml ({change})"
    assert summary["returns"] == pytest.approx([41.0] * 5)
    summary = told("compare", "two.yaml", "two.yaml", "--tasks", "payday", *words, "--set", f"2:{change}")
    assert summary["candidates"] == ["two.yaml", f"two.yaml ({change})"]
    assert summary["table"][1]["first_minus_this"]["estimate"] == pytest.approx(41.0)
    result = invoke("compare", "two.yaml", "climb", "--tasks", "payday", "--set", "rule.toy_climb.slop=1")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: --set 'rule.toy_climb.slop=1': the candidate has no 'rule.toy_climb.slop'; did you")


@pytest.mark.slow
def test_compare_in_words(invoke: Invoke) -> None:
    result = invoke("compare", "climb", "--tasks", "payday", "--steps", 100)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split()[:4] + line.split()[-1:] for line in lines if "@" in line] == [["payday", "@", "100", "climb", "16"]]
    assert lines[-2:] == ["climb was trained alone: nothing to compare with.", "look at it: discover ui --run compare-run"]


def test_a_candidate_is_a_saved_file_or_an_address(told: Told, config: Path) -> None:
    found = told("search", config, "--set", "report=null", "--directory", "found")
    words = ("--task", "payday", "--seeds", 2, "--steps", 100)
    by_file = told("train", found["champion"], *words)
    by_address = told("train", "models:/champion/1", *words)
    assert by_file["returns"] == by_address["returns"]
    assert by_address["candidate"] == "models:/champion/1"
    by_alias = told("train", "models:/champion@best", *words, "--set", "rule.toy_climb.steps=4")
    assert by_alias["candidate"] == "models:/champion/1 (rule.toy_climb.steps=4)"
    change = ("--set", "models:/champion@best:rule.toy_climb.steps=4")
    compared = told("compare", "climb", "models:/champion@best", "--tasks", "payday", *words[2:], *change)
    assert compared["candidates"] == ["climb", "models:/champion/1 (rule.toy_climb.steps=4)"]
    shown = told("show", "models:/champion@best")
    assert (shown["candidate"], shown["provenance"]["candidate"]) == ("models:/champion/1", "models:/champion/1")


def test_compare_says_which_tasks_searches_saw(told: Told, invoke: Invoke, config: Path) -> None:
    split = "split={meta_train: [{task: payday, steps: 100}], meta_test: [{task: late-payday, steps: 90}]}"
    few = ("--set", "report=null", "--set", "generations=1", "--set", "finalists=1")
    told("search", config, *few, "--set", split, "--directory", "found")
    shutil.copy("found/champion.candidate", "copied.candidate")
    words = ("--tasks", "payday,payday@60,late-payday", "--seeds", 2, "--steps", 100)
    summary = told("compare", "climb", "copied.candidate", *words)
    sentence = (
        "The search 'tiny' saw payday @ 100; of the split 'of the config' it saw no meta-test task. Of the 3 runs of this "
        "comparison 1 are on unseen tasks, 1 of the split."
    )
    assert summary["seen"] == [sentence]
    notes = ["searched", "searched with other steps", "unseen"]
    assert [row["note"] for row in summary["table"]] == notes * 2
    assert "seen" not in told("compare", "climb", *words)
    printed = invoke("compare", "copied.candidate", *words)
    assert sentence in printed.stdout.splitlines()
    assert "late-payday @ 100 (unseen)" in printed.stdout


def test_a_search_compares_with_an_address_and_keeps_its_version(told: Told, config: Path) -> None:
    told("search", config, "--set", "report=null", "--directory", "found")
    best = "report.baselines={best: models:/champion@best}"
    found = told("search", config, "--set", best, "--set", "seed=7", "--directory", "again")
    assert [row["candidate"] for row in found["table"]] == ["champion", "best"]
    assert "origin: models:/champion/1" in Path("again/config.yaml").read_text(encoding="utf-8")
    shown = told("show", "again/champion.candidate")["lineage"]
    assert shown["baselines from"] == "best: models:/champion/1"
    assert shown["parents"].startswith("not recorded: ")


def test_ablate_tells_what_each_value_pays(invoke: Invoke) -> None:
    Path("two.yaml").write_text(WORDS)
    words = ("ablate", "two.yaml", "--against", "climb", "--tasks", "payday", "--seeds", 8, "--steps", 100)
    result = invoke(*words, "--json")
    assert result.exit_code == 0, result.stderr
    summary = json.loads(result.stdout)
    assert (summary["candidate"], summary["known"], len(summary["fitness"])) == ("two.yaml", "climb", 8)
    rows = {row["path"]: row for row in summary["table"]}
    assert set(rows) == {"rule.slope", "rule.noise", "rule.steps"}
    assert rows["rule.slope"]["verdict"] == "paid"
    assert summary["verdict"].startswith("beside climb, rule.slope")
    assert summary["run_id"] == "ablate-run"


def test_ablate_needs_two_seeds(invoke: Invoke) -> None:
    result = invoke("ablate", "climb", "--against", "climb", "--tasks", "payday", "--seeds", 1)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: --seeds 1 gives no interval: an ablation needs 2 seeds or more.\n"
