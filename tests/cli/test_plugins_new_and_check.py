"""``discover plugins new`` and ``discover plugins check``."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]
Told = Callable[..., Any]

SOUND = '''
"""A sound plugin."""

from discover import ReturnFunction, Scalar, Segment, Targets, component, hookimpl, real


@component
class Plain(ReturnFunction):
    """The one-step return."""

    gamma: Scalar = real(0.9, low=0.0, high=1.0)

    def __call__(self, segment: Segment) -> Targets:
        target = segment.reward + self.gamma * (1.0 - segment.terminated) * segment.next_value
        return Targets(target, target - segment.value)


@hookimpl
def discover_register(registry):
    registry.add("plain_return", Plain)
    {more}
'''
FAULTY = SOUND.replace("(1.0 - segment.terminated) * ", "").replace("plain_return", "faulty_return")
RECIPE = 'registry.add_recipe("lost", {{"rule": "ppoo", "network": "mlp"}}, summary="a recipe with a mistake")'


@pytest.fixture(autouse=True)
def same_path() -> Iterator[None]:
    """The path of imports is as it was, and no module of a package stays."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith(("discover_mine", "discover_file_plugin_")):
            del sys.modules[name]


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[..., Path]:
    """A file with a plugin, alone in its folder."""

    def write(text: str, more: str = "pass") -> Path:
        folder = tmp_path / "files"
        folder.mkdir()
        (folder / "own.py").write_text(text.replace("{more}", more.format()), encoding="utf-8")
        return folder / "own.py"

    return write


def test_a_new_package_is_checked_at_once(told: Told, invoke: Invoke, tmp_path: Path) -> None:
    made = told("plugins", "new", "mine", "--kind", "objective", "--to", "deep/er")
    assert made["folder"] == "deep/er"
    assert "discover_mine/mine.py" in made["files"]
    assert all((tmp_path / "deep/er" / file).is_file() for file in made["files"])
    again = invoke("plugins", "new", "mine", "--kind", "objective", "--to", "deep/er")
    assert (again.exit_code, again.stderr.count("\n")) == (2, 1)
    assert "'deep/er' exists and is not an empty folder" in again.stderr
    checked = told("plugins", "check", "deep/er")
    assert (checked["plugins"], checked["passed"]) == (["mine"], True)
    (check,) = checked["checks"]
    assert (check["kind"], check["name"], check["passed"], check["problem"]) == ("objective", "mine", True, None)
    assert check["seconds"] > 0.0


def test_new_says_what_to_do_next(invoke: Invoke) -> None:
    result = invoke("plugins", "new", "mine", "--kind", "watcher")
    assert result.exit_code == 0
    assert result.stdout.startswith("discover-mine\n  .github/workflows/test.yml\n")
    assert "next: discover plugins check discover-mine;" in result.stdout
    words = invoke("plugins", "check", "discover-mine").stdout
    assert [line.split()[:3] for line in words.splitlines()[2:3]] == [["watcher", "mine", "passes"]]
    assert words.splitlines()[-1].startswith("1 checked, 0 failed, ")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("ppo", "--kind", "network"), "the recipe 'ppo' exists already, of plugin 'ppo' (of discover-rl "),
        (("zoo", "--kind", "network"), "a plugin 'zoo' is installed already"),
        (("scalar", "--kind", "network"), "the class of 'scalar' would be called 'Scalar', as another is"),
        (("exception", "--kind", "network"), "the class of 'exception' would be called 'Exception'"),
        (("class", "--kind", "network"), "a word of Python itself"),
        (("mine", "--kind", "nettwork"), "did you mean 'network'?"),
    ],
)
def test_mistakes_of_new_are_one_sentence(invoke: Invoke, words: tuple[str, ...], reason: str, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    result = invoke("plugins", "new", *words)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert reason in result.stderr
    assert set(tmp_path.iterdir()) == before


def test_a_failure_says_what_and_where_and_why_and_what_to_do(invoke: Invoke, plugin: Callable[..., Path]) -> None:
    file = plugin(FAULTY, RECIPE)
    result = invoke("plugins", "check", file, "--json")
    assert result.exit_code == 1
    checks = {check["name"]: check["problem"] for check in json.loads(result.stdout)["checks"]}
    problem = checks["faulty_return"]
    line = 1 + file.read_text(encoding="utf-8").splitlines().index("    def __call__(self, segment: Segment) -> Targets:")
    assert problem["what"] == "Plain bootstraps from the value after a termination."
    assert problem["where"] == f"{file}:{line}"
    assert problem["why"].startswith("Nothing follows a termination.")
    assert problem["remedy"] == "Multiply `next_value` by `1 - terminated`."
    assert "no update rule is called 'ppoo': did you mean 'ppo'?" in checks["lost"]["what"]
    words = invoke("plugins", "check", file)
    assert words.exit_code == 1
    assert f"  where: {file}:{line}\n  why:   Nothing follows" in words.stdout
    assert "  to do: Multiply `next_value`" in words.stdout
    assert words.stdout.splitlines()[-1].startswith("2 checked, 2 failed, ")


def test_a_plugin_that_cannot_be_loaded_is_a_failure_with_its_line(invoke: Invoke, plugin: Callable[..., Path]) -> None:
    file = plugin(SOUND, 'raise KeyError("gamma")')
    line = 1 + file.read_text(encoding="utf-8").splitlines().index('    raise KeyError("gamma")')
    result = invoke("plugins", "check", file.parent, "--json")
    assert result.exit_code == 1
    (check,) = json.loads(result.stdout)["checks"]
    assert check["problem"]["what"] == "plugin 'own' cannot be loaded (KeyError: 'gamma')."
    assert check["problem"]["where"] == f"{file}:{line}"
    file.write_text("def broken(:\n", encoding="utf-8")
    (check,) = json.loads(invoke("plugins", "check", file, "--json").stdout)["checks"]
    assert check["problem"]["where"] == f"{file}:1"


BRANCH = SOUND.replace("        target =", "        assert segment.reward.sum() > 0\n        target =")
USES_IT = """registry.add_recipe(
        "uses_it",
        {{"rule": {{"a2c": {{"returns": "plain_return", "optimizer": "adam"}}}}, "network": "mlp"}},
        summary="a recipe with a part that fails",
    )"""


def test_what_is_built_from_a_part_that_failed_is_not_checked(invoke: Invoke, plugin: Callable[..., Path]) -> None:
    file = plugin(BRANCH, USES_IT)
    facts = json.loads(invoke("plugins", "check", file, "--json").stdout)["checks"]
    problem = facts[0]["problem"]
    line = 1 + file.read_text(encoding="utf-8").splitlines().index("        assert segment.reward.sum() > 0")
    assert problem["what"].startswith("Plain asks whether a traced number is true, ")
    assert problem["what"].endswith(" in `assert segment.reward.sum() > 0`.")
    assert (problem["where"], "jax.lax.cond" in problem["remedy"]) == (f"{file}:{line}", True)
    assert (facts[1]["name"], facts[1]["skipped"]) == ("uses_it", "return function 'plain_return' failed")
    words = invoke("plugins", "check", file).stdout
    assert "not checked, because return function 'plain_return' failed" in " ".join(words.split())
    assert words.splitlines()[-1].startswith("1 checked, 1 failed, 1 not checked, ")


@pytest.mark.parametrize(
    ("text", "more", "what"),
    [
        (SOUND, 'registry.add("My Return", Plain)', "the name 'My Return' has characters that configs"),
        (
            SOUND,
            'registry.add("again", Plain())',
            "plugin 'own' cannot be loaded ('again' must be registered with a class",
        ),
        (
            SOUND,
            'registry.add("again", print)',
            "plugin 'own' cannot be loaded ('print' cannot be registered as 'again'",
        ),
        (
            SOUND,
            'registry.add_task("t", "catch", summary="x")',
            "plugin 'own' calls registry.add_task without 'random'",
        ),
        (SOUND.replace("registry.add(", "(lambda *_: None)("), "pass", "plugin 'own' brings nothing."),
        (
            SOUND.replace("    gamma", "    seen: list = []\n    gamma"),
            "pass",
            "plugin 'own' has a component whose field 'seen'",
        ),
        (
            SOUND.replace("    gamma", '    size: int = "a"\n    gamma'),
            "pass",
            "Plain cannot be made with its defaults: size",
        ),
        (
            SOUND.replace("    def __call__", "    def __init__(self):\n        self.x = 1\n\n    def __call__"),
            "pass",
            "Plain has an `__init__` of its own, which fails (FrozenInstanceError: cannot assign to field 'x').",
        ),
    ],
    ids=["spaces", "instance", "function", "task", "nothing", "list", "default", "init"],
)
def test_what_newcomers_write(
    invoke: Invoke, plugin: Callable[..., Path], text: str, more: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("discover.testing.plugins.check_return_function", lambda _: None)
    result = invoke("plugins", "check", plugin(text, more), "--json")
    assert result.exit_code == 1
    problems = [check["problem"] for check in json.loads(result.stdout)["checks"] if not check["passed"]]
    assert problems[0]["what"].startswith(what)
    assert all(problems[0][key] for key in ("why", "remedy"))


def test_one_name_of_a_plugin(told: Told) -> None:
    checked = told("plugins", "check", "toy_onestep")
    assert (checked["plugins"], [check["name"] for check in checked["checks"]]) == (["tiny"], ["toy_onestep"])


def test_what_is_no_plugin(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("plugins", "check", "final_retrun")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert (
        "'final_retrun' is no plugin, no package with plugins and no folder of one: did you mean 'final_return'?"
        in result.stderr
    )
    (tmp_path / "empty").mkdir()
    assert "holds neither a pyproject.toml nor .py files" in invoke("plugins", "check", tmp_path / "empty").stderr
    (tmp_path / "empty" / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    assert "names no plugin: add [project.entry-points.discover]" in invoke("plugins", "check", tmp_path / "empty").stderr
