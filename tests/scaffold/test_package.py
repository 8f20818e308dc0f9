"""New packages: names, files, and components that pass the conformance suite as they are written."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from discover import UserError
from discover.config.build import algorithm_from
from discover.config.search_config import checked_config
from discover.contract.registry import Provenance
from discover.plugin.loader import Plugins, load_plugin, load_plugins
from discover.scaffold.names import LONGEST, names_from
from discover.scaffold.package import KINDS, files_of, kind_from, new_package
from discover.storage.yaml_text import values_in
from discover.testing.plugins import outcomes

WATCHING = "watcher"
QUICK = ("objective",)
"""Kinds of which the checks take a second."""


def each(*, quick: bool = False) -> list[object]:
    """All kinds, as parameters of a test; with ``quick``, those that take longer are slow tests."""
    return [pytest.param(kind, marks=pytest.mark.slow if quick and kind not in QUICK else ()) for kind in KINDS]


# Names ----------------------------------------------------------------------------------------------------------------


def test_names_are_made_of_one() -> None:
    assert names_from("My Rule")[:] == ("my_rule", "MyRule", "discover_my_rule", "discover-my-rule")
    assert names_from("td-3.x")[:] == ("td_3_x", "Td3X", "discover_td_3_x", "discover-td-3-x")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "use letters from a to z"),
        ("3d", "with a letter first"),
        ("über", "use letters from a to z"),
        ("a__b", "single underscores"),
        ("../up", "use letters from a to z"),
        ("lambda", "a word of Python itself"),
        ("match", "a word of Python itself"),
        ("x" * (LONGEST + 1), f"has at most {LONGEST}"),
    ],
)
def test_what_is_no_name(text: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason) as caught:
        names_from(text)
    assert "\n" not in str(caught.value)


def test_kinds_are_found_by_several_spellings() -> None:
    assert kind_from("return-function") == kind_from("Return_Function") == kind_from("return function") == "return function"
    assert (kind_from("wrapper"), kind_from("rule"), kind_from("environment")) == (
        "environment wrapper",
        "update rule",
        "environment",
    )
    with pytest.raises(UserError, match=r"--kind 'netwrk' is no kind of plugin: did you mean 'network'\? Known: curriculum, "):
        kind_from("netwrk")


def test_there_is_a_template_for_every_kind_of_the_contract(plugins: Plugins) -> None:
    of_one_plugin_each = {"bonus value", "share", "derivative", "held-out loss", "meta-network", "schedule"}
    of_one_plugin_each |= {"growth in width", "growth in depth"}
    zoo = {entry.kind for entry in plugins.registry.entries()} - of_one_plugin_each
    assert zoo == set(KINDS) - {WATCHING}


# Files ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x", "y" * LONGEST])
@pytest.mark.parametrize("kind", KINDS)
def test_files_are_complete_and_tidy(kind: str, name: str) -> None:
    """A linter would find nothing in them, whatever the name (``.ci/run`` asks one)."""
    names = names_from(name)
    files = files_of(names, kind)
    assert {"pyproject.toml", "README.md", ".gitignore", ".github/workflows/test.yml", "search.yaml"} < files.keys()
    assert {f"{names.module}/__init__.py", f"tests/test_{name}.py"} < files.keys()
    for path, text in files.items():
        assert not re.search(r"@\w+@", text), path
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert [line for line in text.splitlines() if line != line.rstrip() or "\t" in line] == [], path
        if path.endswith(".py"):
            assert [line for line in text.splitlines() if len(line) > 100] == [], path
            tree = ast.parse(text)
            assert ast.get_docstring(tree), path
            assert unused(tree) == set(), path
        if path.endswith((".yaml", ".yml")):
            values_in(text)


def unused(tree: ast.Module) -> set[str]:
    """Names that a module imports and does not use."""
    imported = {
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    return imported - {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("kind", KINDS)
def test_the_project_file_names_the_plugin(kind: str) -> None:
    files = files_of(names_from("mine"), kind)
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert project["name"] == "discover-mine"
    assert project["entry-points"] == {"discover": {"mine": "discover_mine"}}
    assert "discover_mine/__init__.py" in files
    for path in re.findall(r"^\| `([^`]+)` \|", files["README.md"], re.MULTILINE):
        assert path in files


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("kept", encoding="utf-8")
    with pytest.raises(UserError, match="exists and is not an empty folder: take another, with --to FOLDER"):
        new_package(names_from("mine"), "network", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["old.txt"]
    made = new_package(names_from("mine"), "network", tmp_path / "new")
    assert tmp_path / "new" / "discover_mine" / "mine.py" in made


# What they hold -------------------------------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path: Path, kind: str) -> Path:
    """The folder of a new package of a kind."""
    new_package(names_from(f"made_{kind.split()[-1]}"), kind, tmp_path / "package")
    return tmp_path / "package"


@pytest.fixture
def loaded(package: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> Plugins:
    """All plugins, with that of the new package."""
    import importlib

    name = f"made_{kind.split()[-1]}"
    monkeypatch.syspath_prepend(str(package))
    importlib.invalidate_caches()
    plugins = load_plugins()
    for module in [module for module in sys.modules if module.startswith(f"discover_{name}")]:
        monkeypatch.delitem(sys.modules, module)
    load_plugin(plugins, Provenance(name, str(package), ""), lambda: importlib.import_module(f"discover_{name}"))
    return plugins


@pytest.mark.parametrize("kind", KINDS)
def test_its_search_and_its_recipe_can_be_built(loaded: Plugins, package: Path, kind: str) -> None:
    name = f"made_{kind.split()[-1]}"
    config = checked_config(loaded.registry, values_in((package / "search.yaml").read_text(encoding="utf-8")))
    assert config.generations == 4
    brought = {(entry.kind, entry.name) for entry in loaded.registry.entries() if entry.provenance.plugin == name}
    assert (kind, name) in brought or kind == WATCHING
    if loaded.registry.has("recipe", name):
        algorithm_from(loaded.registry, name)


@pytest.mark.parametrize("kind", each(quick=True))
def test_what_it_brings_passes_the_conformance_suite(loaded: Plugins, kind: str) -> None:
    name = f"made_{kind.split()[-1]}"
    entries = [entry for entry in loaded.registry.entries() if entry.provenance.plugin == name]
    checked = list(outcomes(loaded.registry, entries))
    assert len(checked) == len(entries)
    assert [outcome.problem for outcome in checked if outcome.problem] == []
    assert [outcome.skipped for outcome in checked if outcome.skipped] == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_its_own_tests_pass_as_they_are_written(package: Path, kind: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=package, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
