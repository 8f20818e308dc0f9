"""``discover promote``: the alias moves when a comparison on fresh seeds says so, or by force, and never otherwise."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from discover.base.randomness import seed_keys
from discover.evaluation import train

Invoke = Callable[..., Result]
Told = Callable[..., Any]

REGISTRY = """
from pathlib import Path

from discover import ModelVersion, TaskRun, UserError, hookimpl

SLOPES = {"models:/toy/1": 1.0, "models:/toy/2": 2.0, "models:/toy/3": 2.0, "models:/toy/4": 0.5}


@hookimpl
def discover_model_version(address, store):
    if not address.startswith("models:/"):
        return None
    if address not in SLOPES:
        raise UserError(f"there is no candidate at '{address}'.")
    champion = Path("champion").read_text() if Path("champion").exists() else None
    return ModelVersion(address, champion, [TaskRun("payday", 40)] if address != "models:/toy/4" else [])


@hookimpl
def discover_fetch_candidate(address, store, folder):
    if address not in SLOPES:
        return None
    rule = {"toy_climb": {"slope": SLOPES[address], "noise": 0.0, "steps": 5}}
    return save_to(folder / "it.candidate", {"recipe": "climb", "rule": rule})


@hookimpl
def discover_promote(version, why, store):
    Path("champion").write_text(version.address)
    Path("why").write_text(why)
    return True


_loaded = []


@hookimpl
def discover_register(registry):
    _loaded.append(registry)


def save_to(path, words):
    from discover.config.build import algorithm_from
    from discover.config.candidate_file import save_candidate

    return save_candidate(path, algorithm_from(_loaded[-1], words), _loaded[-1])
"""


@pytest.fixture(autouse=True)
def registry(brought: Path) -> None:
    """A registry of four versions; the champion is the one that the file ``champion`` names."""
    (brought / "registry.py").write_text(REGISTRY)


def champion() -> str:
    return Path("champion").read_text()


def test_a_better_version_becomes_the_champion(told: Told, invoke: Invoke) -> None:
    Path("champion").write_text("models:/toy/1")
    summary = told("promote", "models:/toy/2", "--seeds", 4)
    assert (summary["promoted"], summary["champion_before"]) == (True, "models:/toy/1")
    assert summary["outcome"] == "models:/toy/2 is the champion now, instead of models:/toy/1."
    assert champion() == "models:/toy/2"
    assert Path("why").read_text() == summary["verdict"]
    assert summary["verdict"].startswith("models:/toy/2 is better than models:/toy/1 on 1 of 1 runs (payday @ 40)")
    assert [(row["candidate"], row["task"], row["steps"], row["seeds"]) for row in summary["table"]] == [
        ("models:/toy/2", "payday", 40, 4),
        ("models:/toy/1", "payday", 40, 4),
    ]
    assert (summary["run_id"], summary["told"]) == ("promote-run", ["comparison finished"])


def test_a_version_that_is_not_better_does_not(invoke: Invoke) -> None:
    Path("champion").write_text("models:/toy/2")
    result = invoke("promote", "models:/toy/1", "--seeds", 5, "--tasks", "payday@40,payday@60")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert "worse on 2" in result.stdout
    assert lines[-2:] == [
        "models:/toy/2 remains the champion (--force moves the alias all the same).",
        "look at it: discover ui --run promote-run",
    ]
    assert champion() == "models:/toy/2"
    assert not Path("why").exists()


def test_force_runs_nothing(told: Told) -> None:
    Path("champion").write_text("models:/toy/2")
    summary = told("promote", "models:/toy/1", "--force")
    assert (summary["promoted"], summary["table"], summary["run_id"]) == (True, [], None)
    assert (champion(), Path("why").read_text()) == ("models:/toy/1", "without a comparison, instead of models:/toy/2")


@pytest.mark.parametrize(
    ("before", "outcome"),
    [
        (None, "models:/toy/2 is the champion now; there was none before."),
        ("models:/toy/2", "models:/toy/2 is the champion already; nothing is moved."),
        ("models:/toy/3", "models:/toy/2 is the same algorithm as the champion, models:/toy/3; nothing is moved."),
    ],
)
def test_what_needs_no_comparison_is_decided_at_once(invoke: Invoke, before: str | None, outcome: str) -> None:
    if before:
        Path("champion").write_text(before)
    result = invoke("promote", "models:/toy/2")
    assert (result.exit_code, result.stdout) == (0, f"{outcome}\n"), result.stderr
    assert champion() == ("models:/toy/2" if before is None else before)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("ppo",), "'ppo' is no version of a registered model: give one, such as models:/quickstart/3."),
        (("models:/toy/9",), "there is no candidate at 'models:/toy/9'."),
        (("models:/toy/2", "--seeds", 3), "a verdict on 1 task needs 4 seeds or more; got 3."),
        (
            ("models:/toy/2", "--seeds", 4, "--tasks", "payday,payday@2,payday@3"),
            "a verdict on 3 tasks needs 5 seeds or more; got 4.",
        ),
        (("models:/toy/4",), "the tasks of the search of 'models:/toy/4' are not known: name some with --tasks."),
    ],
)
def test_a_mistake_is_one_sentence_before_anything_runs(invoke: Invoke, words: tuple[object, ...], sentence: str) -> None:
    Path("champion").write_text("models:/toy/1")
    result = invoke("promote", *words)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"error: {sentence}\n")
    assert champion() == "models:/toy/1"


def test_the_seeds_are_those_of_no_search_report_or_other_promotion(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    streams: list[tuple[int, str]] = []

    def recorded(seed: int, purpose: str, count: int, *indices: int) -> Any:
        streams.append((seed, purpose))
        return seed_keys(seed, purpose, count, *indices)

    monkeypatch.setattr(train, "seed_keys", recorded)
    Path("champion").write_text("models:/toy/1")
    first = told("promote", "models:/toy/2", "--seeds", 4)
    Path("champion").write_text("models:/toy/1")
    assert told("promote", "models:/toy/2", "--seeds", 4)["table"] == first["table"]  # to the bit: no second chance
    told("promote", "models:/toy/4", "--seeds", 4, "--tasks", "payday@40")
    assert set(streams) == {(0, "promote models:/toy/2 over models:/toy/1"), (0, "promote models:/toy/4 over models:/toy/2")}


def test_a_search_may_take_the_alias_but_not_untracked(invoke: Invoke, config: Path) -> None:
    result = invoke("search", config, "--promote", "--no-tracking")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: --promote and --no-tracking exclude each other: leave one out.\n"
