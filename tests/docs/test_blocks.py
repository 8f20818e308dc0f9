"""The code blocks of the README and of the documentation work: Python runs, commands parse, configs can be built.

By default lifetimes are made up (programs are traced, not compiled, which is what takes long); with ``-m slow`` they are run,
at the budgets that the comments above the blocks say.
"""

from __future__ import annotations

import importlib
import json
import shlex
import tomllib
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import doc_blocks
import numpy as np
import pytest
import typer.main
from doc_blocks import ROOT, Block, blocks, pages

from discover import Curves, Done, Registry, Work
from discover.cli import app
from discover.config.build import algorithm_from
from discover.config.search_config import checked_config
from discover.plugin.loader import load_plugins
from discover.storage.yaml_text import values_in

TESTED = {
    "README.md": "console 1, python 2, sh 2, yaml 1",
    "docs/command_line.md": "sh 4",
    "docs/configs.md": "sh 2, yaml 21",
    "docs/contract.md": "python 3",
    "docs/mlflow.md": "sh 8, yaml 1",
    "docs/quickstart.md": "python 4, sh 5",
    "docs/reading.md": "python 1, sh 2",
    "docs/reports.md": "python 1, sh 2",
    "docs/scale.md": "sh 1",
    "docs/searching.md": "python 3, sh 6, yaml 10",
    "docs/speed.md": "sh 1",
    "docs/taking_away.md": "sh 3",
    "docs/tutorial.md": "python 5, sh 6, toml 1, yaml 1",
    "docs/workers.md": "yaml 2",
    "docs/zoo/bonuses.md": "yaml 1",
    "docs/zoo/curricula.md": "python 2, sh 2, yaml 2",
    "docs/zoo/discovered.md": "python 1, sh 2",
    "docs/zoo/environments.md": "python 2",
}
"""How many blocks of each page are tested, by language; pages without any are left out."""

_CANDIDATE = {"rule", "recipe"}
_BASE = {
    "candidate": {"recipe": "ppo", "rule": {"ppo": {"clip": "free"}}},
    "strategy": "SNES",
    "population": 8,
    "generations": 2,
    "tasks": [{"task": "catch", "steps": 1000}],
}
"""What stands around a part of a config."""

PAGES = {page: blocks(page) for page in pages()}
PYTHON = [page for page, found in PAGES.items() if any(_.language == "python" for _ in found)]
DEAR = ("docs/reading.md",)
"""Pages whose code takes long, even with lifetimes that are made up."""


def of(language: str) -> list[Any]:
    """The tested blocks of one language, as parameters of a test."""
    found = [block for page in PAGES.values() for block in page if block.language == language and not block.skipped]
    return [pytest.param(block, id=f"{block.page}:{block.line}") for block in found]


def test_no_block_is_left_out_unseen() -> None:
    counted = {}
    for page, found in PAGES.items():
        count = Counter(block.language for block in found if block.language != "text" and not block.skipped)
        counted[page] = ", ".join(f"{language} {number}" for language, number in sorted(count.items()))
    assert {page: count for page, count in counted.items() if count} == TESTED


def test_every_block_says_its_language_and_every_comment_is_used() -> None:
    for page, found in PAGES.items():
        assert {block.language for block in found} <= {"python", "sh", "console", "yaml", "toml", "json", "text"}, page
        comments = (ROOT / page).read_text(encoding="utf-8").count("<!-- test: ")
        assert comments == sum(bool(block.comment) for block in found), page
        assert all(block.tested for block in found), page


# Python ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def made_up(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it to have lifetimes made up: learning curves at random, at once."""

    def run(self: Any, work: Sequence[Work], progress: Any = None) -> Iterator[tuple[int, Done]]:
        for place, piece in enumerate(work):
            curves = np.random.default_rng(0).uniform(size=(*piece.shape, 100)).astype(np.float32)
            yield place, Done(Curves(curves, curves, {}, np.ones(piece.shape, bool), np.full(piece.shape, 100)))

    def apply() -> None:
        local = registry.get("executor", "local").component
        assert local is not None
        monkeypatch.setattr(local, "run", run)
        monkeypatch.setattr(local, "settle", lambda self, *_: self)

    return apply


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in, with the experiments beside it as in the repository."""
    (tmp_path / "experiments").symlink_to(ROOT / "experiments")
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        yield tmp_path


@pytest.mark.parametrize("real", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["made up", "real"])
@pytest.mark.parametrize("page", [pytest.param(page, marks=pytest.mark.slow if page in DEAR else ()) for page in PYTHON])
def test_python_runs(page: str, real: bool, folder: Path, made_up: Callable[[], None]) -> None:
    """In one namespace per page, in the order of the page; files are written where their titles say."""
    if not real:
        made_up()
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in PAGES[page]:
        if block.skipped:
            continue
        if block.title:
            write(block, folder)
        elif block.language == "python":
            code = compile("\n" * (block.line - 1) + block.tested, str(ROOT / page), "exec", dont_inherit=True)
            exec(code, namespace)


def write(block: Block, folder: Path) -> None:
    path = folder / block.title
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.tested, encoding="utf-8")


# Commands -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [*of("sh"), *of("console")])
def test_commands_parse(block: Block) -> None:
    """Every line that calls ``discover`` is one that its command line takes; files of the repository that it names exist."""
    for line in block.commands:
        words = shlex.split(line, comments=True)
        for word in words:
            if word.startswith(("experiments/", "tests/", "docs/", "plugins/", "discover/")):
                assert (ROOT / word).exists(), line
        for part in calls(words):
            parsed(part)


def calls(words: list[str]) -> Iterator[list[str]]:
    """The arguments of each call of ``discover`` in a line of the shell."""
    rest = words
    while "discover" in rest:
        rest = rest[rest.index("discover") + 1 :]
        ends = [rest.index(mark) for mark in ("&&", "|", ">", ";") if mark in rest]
        yield rest[: min(ends, default=len(rest))]


def parsed(arguments: list[str]) -> None:
    """Parse the arguments of one command as the command line does, without running it."""
    command: Any = typer.main.get_command(app)
    context = None
    while True:
        try:
            context = command.make_context(command.name or "discover", list(arguments), parent=context)
        except typer.Exit:  # --version
            return
        if not hasattr(command, "resolve_command"):
            return
        _, command, arguments = command.resolve_command(context, [*context._protected_args, *context.args])
        assert command is not None


# Configs --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def known(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Registry]:
    """What is registered for each page: all that is installed, and the plugins that the page writes."""
    own = {page for page, found in PAGES.items() if any(block.title and "@hookimpl" in block.text for block in found)}
    return {page: registered(page, tmp_path_factory.mktemp("plugins")) if page in own else registry for page in PAGES}


def registered(page: str, folder: Path) -> Registry:
    """What is registered with the plugins of a page: files in the folder, and packages."""
    titled = [block for block in PAGES[page] if block.title.endswith(".py")]
    for block in titled:
        write(block, folder)
    packages = [block.title.partition("/")[0] for block in titled if block.title.endswith("/__init__.py")]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        return load_plugins(folder, extra=[importlib.import_module(name) for name in packages]).registry


@pytest.mark.parametrize("block", of("yaml"))
def test_configs_can_be_built(block: Block, known: Mapping[str, Registry]) -> None:
    """A candidate, a whole config, or a part of one."""
    words, registry = values_in(block.tested), known[block.page]
    if _CANDIDATE & set(words):
        algorithm_from(registry, words)
    else:
        checked_config(registry, words if "strategy" in words and "candidate" in words else {**_BASE, **words})


@pytest.mark.parametrize("block", [*of("toml"), *of("json")])
def test_data_can_be_read(block: Block) -> None:
    (tomllib if block.language == "toml" else json).loads(block.tested)


def test_a_block_is_what_its_comment_makes_of_it() -> None:
    lines = ["<!-- test: 8 -> 2; 100 -> 1 -->", "```python", "train(8, 100)", "```", "```text", "8", "```"]
    first, second = doc_blocks._blocks("page.md", lines)
    assert (first.tested, first.line, second.language, second.tested) == ("train(2, 1)\n", 3, "text", "8\n")
    with pytest.raises(ValueError, match="no '9' to exchange"):
        _ = first._replace(comment="9 -> 1").tested
    assert first._replace(comment="skip, no network").skipped
