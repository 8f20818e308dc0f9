"""Plugins that a text names: by their own name, that of a package or a module, of a component, or by a path."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from discover import UserError
from discover.plugin.loader import Plugins, load_plugins
from discover.plugin.project import find_plugins

PLUGIN = """
from discover import hookimpl


@hookimpl
def discover_generation_done():
    pass
"""


@pytest.fixture(autouse=True)
def same_path() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("text", "names", "entry"),
    [
        ("gae", ["gae"], ""),
        ("discover_zoo.returns.gae", ["gae"], ""),
        ("discover-mlflow", ["mlflow"], ""),
        ("CartPole-v1", ["gymnax"], "CartPole-v1"),
    ],
)
def test_names_of_what_is_installed(plugins: Plugins, text: str, names: list[str], entry: str) -> None:
    found = find_plugins(plugins, text)
    assert (found.names, found.failures, found.entry) == (names, [], entry)


def test_a_distribution_stands_for_all_its_plugins(plugins: Plugins) -> None:
    names = find_plugins(plugins, "Discover_RL").names
    assert {"ppo", "gae", "mlflow"} <= set(names)
    assert "toys" not in names


def test_a_plugin_that_is_blocked_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCOVER_BLOCK_PLUGINS", "gae")
    (failure,) = find_plugins(load_plugins(), "gae").failures
    assert (failure.name, str(failure.error)) == ("gae", "it is blocked by DISCOVER_BLOCK_PLUGINS")


def test_the_folder_of_a_package_that_is_not_installed(tmp_path: Path) -> None:
    (tmp_path / "src" / "strange_package").mkdir(parents=True)
    (tmp_path / "src" / "strange_package" / "__init__.py").write_text(PLUGIN, encoding="utf-8")
    project = (
        '[project]\nname = "strange-package"\nversion = "3.2"\n[project.entry-points.discover]\nstrange = "strange_package"\n'
    )
    (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    plugins = load_plugins()
    found = find_plugins(plugins, str(tmp_path))
    assert (found.names, found.failures) == (["strange"], [])
    assert ("strange", "strange-package", "3.2") in plugins.registry.plugins()
    assert find_plugins(plugins, str(tmp_path)).names == ["strange"], "a second time it is there already"


def test_a_folder_that_others_can_change_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(PLUGIN, encoding="utf-8")
    file.chmod(0o666)
    with pytest.raises(UserError, match="plugins are not loaded from a place that others can change"):
        find_plugins(load_plugins(), str(file))


def test_a_project_file_with_a_mistake_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"pyproject.toml' cannot be read \(.*\): repair it\.") as caught:
        find_plugins(load_plugins(), str(tmp_path))
    assert "\n" not in str(caught.value)
