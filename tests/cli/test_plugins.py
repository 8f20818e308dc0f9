"""``discover plugins``."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import Result

from discover.cli import plugins_list
from discover.cli.describe import description_of
from discover.cli.output import plain
from discover.plugin.loader import load_plugins

Invoke = Callable[..., Result]
Told = Callable[..., Any]


def test_list_tells_what_there_is_and_who_brings_it(told: Told, brought: Path) -> None:
    entries = told("plugins", "list")
    assert {tuple(entry) for entry in entries} == {("kind", "name", "summary", "plugin", "distribution", "version")}
    known = {(entry["kind"], entry["name"]): entry for entry in entries}
    assert known["task", "payday"]["distribution"] == str(brought / "tiny.py")
    seed = known["return function", "gae"]
    assert (seed["plugin"], seed["distribution"]) == ("gae", "discover-rl")
    assert seed["version"]
    assert seed["summary"].startswith("Generalized advantage estimation")


def test_list_in_words(invoke: Invoke) -> None:
    result = invoke("plugins", "list")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["update", "rule", "toy_climb"] in [row[:3] for row in rows]


def test_list_of_one_kind_and_of_a_word(told: Told, invoke: Invoke) -> None:
    kinds = {entry["kind"] for entry in told("plugins", "list", "--kind", "return-function")}
    assert kinds == {"return function"}
    found = told("plugins", "list", "--kind", "update rule", "--search", "RAISES THE ACTION")
    assert [entry["name"] for entry in found] == ["toy_climb"]
    unknown = invoke("plugins", "list", "--kind", "netwrk")
    assert unknown.exit_code == 2
    assert "--kind 'netwrk': nothing is of that kind; did you mean 'network'? Known: " in unknown.stderr
    nothing = invoke("plugins", "list", "--search", "frobnicate")
    assert (nothing.exit_code, nothing.stdout) == (0, "nothing there whose name or summary holds 'frobnicate'\n")
    assert told("plugins", "list", "--search", "frobnicate") == []


def test_a_plugin_that_watches_is_listed_as_a_watcher(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISCOVER_BLOCK_PLUGINS")
    (entry,) = told("plugins", "list", "--kind", "watcher", "--search", "mlflow")
    assert (entry["name"], entry["plugin"], entry["distribution"]) == ("mlflow", "mlflow", "discover-rl")


def test_a_terminal_shows_a_screen_and_how_many_more_there_are(
    told: Told, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins_list, "sys", SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: True)))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "20")
    lines = invoke("plugins", "list").stdout.splitlines()
    assert 10 < len(lines) <= 18
    entries = len(told("plugins", "list"))
    assert re.fullmatch(r"and \d+ more: narrow them by --kind KIND or --search WORD, or list all with --all\.", lines[-1])
    assert entries > int(lines[-1].split()[1]) > entries - 20
    assert len(invoke("plugins", "list", "--all").stdout.splitlines()) > entries
    assert "more:" not in invoke("plugins", "list", "--search", "toy_climb").stdout


def test_show_tells_fields_with_domains_and_defaults(told: Told) -> None:
    (entry,) = told("plugins", "show", "toy_climb")
    assert (entry["kind"], entry["plugin"]) == ("update rule", "tiny")
    assert entry["summary"] == "Raises the action by ``slope`` at each update; NaN once it is beyond ``limit``."
    noise = next(field for field in entry["fields"] if field["name"] == "noise")
    assert noise == {
        "name": "noise",
        "role": "meta-parameter",
        "type": "real",
        "domain": {"low": 0.0, "high": 1.0, "scale": "linear", "std": 0.5},
        "required": False,
        "default": 0.0,
    }
    steps = next(field for field in entry["fields"] if field["name"] == "steps")
    assert (steps["role"], steps["type"], steps["domain"], steps["default"]) == ("setting", "int", None, 4)


def test_show_tells_where_a_component_is_published(told: Told) -> None:
    (entry,) = told("plugins", "show", "dreamer")
    assert entry["paper"] == "Nobody 2026, eq. 1"
    assert entry["fields"] == []


def test_show_in_words(invoke: Invoke) -> None:
    rule = invoke("plugins", "show", "ppo").stdout
    assert "recipe ppo\n" in rule
    assert "update rule ppo\n" in rule
    rows = [line.split() for line in rule.splitlines()]
    assert ["returns", "component", "return", "function", "(required)"] in rows
    assert any(row[:3] == ["clip", "meta-parameter", "real(low=0.02,"] and row[-1] == "0.2" for row in rows)


def test_show_a_task_and_a_recipe(told: Told) -> None:
    (task,) = told("plugins", "show", "payday")
    assert (task["random"], task["reference"], task["origin"], task["value"]) == (0.0, 1.0, "by hand", {"toy_payday": {}})
    (recipe,) = told("plugins", "show", "climb")
    assert recipe["value"] == {"rule": {"toy_climb": {"noise": 0.1}}, "network": "toy_blank"}


def test_everything_that_is_registered_can_be_described() -> None:
    entries = list(load_plugins().registry.entries())
    assert len(entries) > 10
    for entry in entries:
        facts = json.loads(json.dumps(plain(description_of(entry)), allow_nan=False))
        assert ("fields" in facts) == (entry.component is not None)
