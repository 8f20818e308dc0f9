"""The directory of a search: nobody else's is touched, one process works in it, and it is resumed as what it is."""

import contextlib
import dataclasses
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import pytest
import toys
import yaml
from searches import WORDS, Watcher, run, state, watched

from discover import UserError, directory_lock
from discover.outer_loop.directory import Origin
from discover.outer_loop.resumption import ResumeWarning, accept_changes, changes, end_differs
from discover.outer_loop.search import resume, search
from discover.plugin.loader import Plugins, load_plugins

SHORT = {"tasks": [{"task": "payday", "steps": 40}], "generations": 2, "seeds": 1, "finalists": 1}


def listing(directory: Path) -> dict[str, bytes]:
    """Every file below a directory and what it holds."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("finished") / "it"
    run(directory, **SHORT)
    return directory


@pytest.fixture(scope="module")
def stopped_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("stopped") / "it"
    with pytest.raises(KeyboardInterrupt):
        run(directory, Watcher(stop_in=1), **SHORT)
    return directory


@pytest.fixture
def stopped(stopped_once: Path, tmp_path: Path) -> Path:
    """A search that was interrupted after its first generation."""
    return Path(shutil.copytree(stopped_once, tmp_path / "stopped"))


def refusal(directory: Path, plugins: Plugins | None = None, anyway: bool = False) -> str:
    """The sentence by which a search is not resumed; nothing has been touched or run."""
    before, watcher = listing(directory), Watcher()
    with pytest.raises(UserError) as caught:
        resume(plugins or watched(watcher), directory, anyway=anyway)
    assert listing(directory) == before
    assert watcher.events == []
    return str(caught.value)


# Whose it is ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [["notes.txt"], ["config.yaml"], ["tracking/ledger.jsonl"], ["a", "b", "c", "d"]])
def test_a_directory_that_holds_anything_else_is_refused_and_stays_as_it_is(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    before, watcher = listing(tmp_path), Watcher()
    with pytest.raises(UserError) as caught:
        run(tmp_path, watcher)
    first = ", ".join([name.partition("/")[0] for name in names][:3]) + (", ..." if len(names) > 3 else "")
    told = f"'{tmp_path}' holds other files ({first}): give a directory that is empty, or is not there yet."
    assert str(caught.value) == told
    assert listing(tmp_path) == before
    assert watcher.events == []


def test_a_search_overwrites_no_other(stopped: Path) -> None:
    before = listing(stopped)
    with pytest.raises(UserError, match=r"^'.*' holds a search already: go on with it \(discover resume\), or give another"):
        run(stopped)
    assert listing(stopped) == before


@pytest.mark.parametrize("name", ["file", "link", "nothing\0", "long" * 100])
def test_what_cannot_be_a_directory_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to("missing")
    with pytest.raises(
        UserError,
        match=r"^directory '.*' (cannot be (used|made|looked up)|is no path) \(.*\): (choose|give) another( path)?\.$",
    ):
        run(tmp_path / name)
    assert (tmp_path / "file").read_text() == "text"


def test_what_a_start_leaves_that_was_killed_is_cleaned_and_no_hindrance(tmp_path: Path, finished: Path) -> None:
    dead, alive = ended_process(), os.getppid()
    shutil.copy(finished / "search.json", tmp_path)
    ours = [f".config.yaml.{dead}.new", f".search.json.{os.getpid()}.new"]
    for name in [*ours, ".discover.lock"]:
        (tmp_path / name).write_text("half")
    run(tmp_path, **SHORT)
    assert not any(name.startswith(".") for name in os.listdir(tmp_path))
    foreign = [f".state.npz.{alive}.new", f"state.npz.{dead}.new", f".notes.{dead}.new", f".state.npz.{dead}.new.bak"]
    for name in [*ours, *foreign]:
        (tmp_path / name).write_text("half")
    (tmp_path / f".state.npz.{dead}.new").mkdir()
    resume(watched(), tmp_path)
    kept = {name for name in os.listdir(tmp_path) if ".new" in name}
    assert kept == {*foreign, f".state.npz.{dead}.new"}


def ended_process() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_what_is_no_search_is_not_resumed(tmp_path: Path, finished: Path) -> None:
    told = refusal(tmp_path)
    assert told == f"'{tmp_path}' is not the directory of a search (it has no config.yaml): give one that search made."
    (tmp_path / "config.yaml").write_text("a: [")
    assert "is not the directory of a search (it has no search.json)" in refusal(tmp_path)
    shutil.copy(finished / "search.json", tmp_path)
    assert refusal(tmp_path).startswith(f"config file '{tmp_path / 'config.yaml'}' is not YAML")
    shutil.copy(finished / "config.yaml", tmp_path)
    for damaged in ("", "[]", '{"format": 2}', '{"format": 1}', '{"format": 1, "strange": 1}'):
        (tmp_path / "search.json").write_text(damaged)
        told = (
            f"'{tmp_path / 'search.json'}' is damaged, or written by another version: start a new search in another directory."
        )
        assert refusal(tmp_path) == told


# One process ----------------------------------------------------------------------------------------------------------


def test_a_second_process_neither_searches_nor_resumes(tmp_path: Path, stopped: Path) -> None:
    with directory_lock(stopped):
        told = f"'{stopped}' is in use by another process (process id {os.getpid()}): wait until it ends, or end it."
        assert refusal(stopped) == told
    with directory_lock(tmp_path):
        before = listing(tmp_path)
        with pytest.raises(UserError, match=r"is in use by another process|holds other files"):
            run(tmp_path)
        assert listing(tmp_path) == before


def test_a_search_holds_its_directory_from_start_to_end(tmp_path: Path) -> None:
    def try_it(*_: object) -> None:
        with pytest.raises(UserError, match=r"is in use by another process"), directory_lock(tmp_path / "it"):
            pass
        tries.append(True)

    tries: list[bool] = []
    search(watched(), {**WORDS, **SHORT}, tmp_path / "it", progress=try_it)
    assert len(tries) > 3
    with directory_lock(tmp_path / "it"):
        pass


def test_who_is_quicker_gets_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: Path) -> None:
    """Another search ends in it between the first look and the lock."""
    lock = directory_lock

    @contextlib.contextmanager
    def late(directory: Path) -> Iterator[None]:
        shutil.copytree(finished, directory, dirs_exist_ok=True)
        with lock(directory):
            yield

    monkeypatch.setattr("discover.outer_loop.directory.directory_lock", late)
    with pytest.raises(UserError, match="holds a search already"):
        run(tmp_path / "it", **SHORT)
    assert listing(tmp_path / "it") == listing(finished)


# Something else -------------------------------------------------------------------------------------------------------


def rewrite(directory: Path, **change: Any) -> None:
    path = directory / "config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **change}))


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"population": 4}, "population is 4, was 3"),
        ({"seed": 6}, "seed is 6, was 5"),
        ({"name": "other"}, "name is other, was Laws & order"),
        ({"generations": 9}, "generations is 9, was 2"),
        ({"finalists": 3}, "finalists is 3, was 1"),
        ({"objective": "final_return"}, "objective is final_return, was toy_finalreturn"),
        ({"tasks": [{"task": "payday", "steps": 80}]}, "tasks.0.steps is 80, was 40"),
        ({"executor": {"local": {"chunk": 1}}}, "executor.local.chunk is 1, was 2"),
        (
            {"candidate": {"recipe": "climb", "rule": {"toy_climb": {"slope": "free", "noise": 0.2}}}},
            "candidate.rule.toy_climb.noise is 0.2, was not given",
        ),
    ],
)
@pytest.mark.parametrize("anyway", [False, True])
def test_a_config_that_shapes_another_state_is_refused(
    stopped: Path, change: Mapping[str, Any], where: str, anyway: bool
) -> None:
    rewrite(stopped, **change)
    assert refusal(stopped, anyway=anyway) == (
        f"'{stopped / 'config.yaml'}' has changed since the search began: {where}, which cannot be taken up by it: change it "
        "back, or start a new search."
    )


def test_a_config_that_shapes_no_state_is_gone_on_with_if_it_is_accepted(stopped: Path, finished: Path) -> None:
    rewrite(stopped, selection_seeds=3, checkpoint_minutes=0.5)
    told = "selection_seeds is 3, was 2; checkpoint_minutes is 0.5, was 2.0"
    assert refusal(stopped) == (
        f"the search in '{stopped}' was begun otherwise ({told}): restore that, or accept it by --anyway."
    )
    with pytest.warns(ResumeWarning, match=rf"^the search goes on otherwise than it was begun \({told}\)"):
        resume(watched(), stopped, anyway=True)
    assert state(stopped) == state(finished)
    noted = json.loads((stopped / "search.json").read_text())["changes"]
    assert noted == [f"after 1 generation: {each}" for each in told.split("; ")]
    resume(watched(), stopped)  # accepted once


def test_other_versions_are_named_and_may_be_accepted(stopped: Path, finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "9.9" if name in ("jaxlib", "mlflow") else version(name))
    told = f"jaxlib is 9.9, was {version('jaxlib')}"
    assert refusal(stopped) == (
        f"the search in '{stopped}' was begun otherwise ({told}): restore that, or accept it by --anyway."
    )
    with pytest.warns(ResumeWarning, match=r"bits may differ"):
        resume(watched(), stopped, anyway=True)
    assert state(stopped) == state(finished)


def test_another_device_is_named(stopped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    devices = jax.devices()
    monkeypatch.setattr("discover.plugin.provenance.jax.devices", lambda: devices[:1])
    assert f"(the device is 1 x {devices[0].device_kind}, was 2 x {devices[0].device_kind})" in refusal(stopped)


PLUGIN = """
from discover import Scalar, ReturnFunction, component, hookimpl, real

@component
class Extra(ReturnFunction):
    gamma: Scalar = real(0.9, low=0.0, high=1.0)

@hookimpl
def discover_register(registry):
    registry.add("extra", Extra)
"""


def test_another_plugin_is_named_and_one_more_is_no_difference(tmp_path: Path) -> None:
    folder, directory = tmp_path / "plugins", tmp_path / "it"
    folder.mkdir()
    (folder / "mine.py").write_text(PLUGIN)

    def loaded(*watchers: object) -> Plugins:
        return load_plugins(folder, extra=[toys, *watchers])

    with pytest.raises(KeyboardInterrupt):
        search(loaded(Watcher(stop_in=1)), {**WORDS, **SHORT}, directory)
    (folder / "more.py").write_text(PLUGIN.replace("extra", "further"))
    os.rename(folder, tmp_path / "elsewhere")
    folder = tmp_path / "elsewhere"
    with pytest.raises(KeyboardInterrupt):
        resume(loaded(Watcher(stop_in=1)), directory)
    (folder / "mine.py").write_text(PLUGIN.replace("0.9", "0.8"))
    told = refusal(directory, loaded())
    assert "(the plugin 'mine' is file " in told
    assert ", was file " in told
    (folder / "mine.py").unlink()
    assert "(the plugin 'mine' is missing)" in refusal(directory, loaded())
    with pytest.warns(ResumeWarning, match=r"the plugin 'mine' is missing"):
        resume(loaded(), directory, anyway=True)


def test_another_commit_is_no_difference(stopped: Path, finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from discover.plugin import provenance

    honest = provenance.provenance
    monkeypatch.setattr("discover.outer_loop.runner.provenance", lambda registry: {**honest(registry), "commit": "another"})
    resume(watched(), stopped)
    assert (stopped / "champion.candidate").read_bytes() == (finished / "champion.candidate").read_bytes()


# The checkpoint -------------------------------------------------------------------------------------------------------


def test_a_missing_checkpoint_starts_nothing(stopped: Path, tmp_path: Path, finished: Path) -> None:
    (stopped / "state.npz").unlink()
    assert refusal(stopped) == (
        f"the checkpoint '{stopped / 'state.npz'}' is missing: put it back, or start a new search in another directory."
    )
    ended = Path(shutil.copytree(finished, tmp_path / "ended"))
    (ended / "state.npz").unlink()
    assert "is missing: put it back" in refusal(ended, anyway=True)


def test_a_damaged_or_foreign_checkpoint_is_told(stopped: Path, tmp_path: Path) -> None:
    good = (stopped / "state.npz").read_bytes()
    (stopped / "state.npz").write_bytes(good[:-100])
    assert refusal(stopped).startswith(f"checkpoint '{stopped}/state.npz' is damaged (")
    run(tmp_path / "other", **{**SHORT, "finalists": 3})
    (stopped / "state.npz").write_bytes((tmp_path / "other" / "state.npz").read_bytes())
    assert "of shape (6, 1) where float32 of shape (4, 1) is expected: it belongs to another config" in refusal(stopped)


def test_a_finished_search_says_so_and_runs_nothing(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = Path(shutil.copytree(finished, tmp_path / "it"))
    before, watcher = listing(directory), Watcher()
    monkeypatch.setattr("discover.inner_loop.here.run_population", None)
    result = resume(watched(watcher), directory)
    assert watcher.phases == [("finished", True)]
    assert watcher.events == ["started from 2", "finished"]
    assert result.champion_path == directory / "champion.candidate"
    assert json.loads((directory / "result.json").read_text())["champion_fitness"] == result.champion_fitness
    assert listing(directory) == before


@pytest.mark.parametrize("name", ["result.json", "champion.candidate"])
def test_a_damaged_result_or_a_missing_champion_makes_the_end_due_again(finished: Path, tmp_path: Path, name: str) -> None:
    directory, watcher = Path(shutil.copytree(finished, tmp_path / "it")), Watcher()
    (directory / name).unlink()
    if name == "result.json":
        (directory / name).write_text('{"format": 1}')
    resume(watched(watcher), directory)
    assert watcher.phases == [("end", True)]
    assert watcher.events == ["started from 2", "finished"]
    assert (directory / "champion.candidate").read_bytes() == (finished / "champion.candidate").read_bytes()
    assert json.loads((directory / "result.json").read_text()) == {
        **json.loads((finished / "result.json").read_text()),
        "seconds": json.loads((directory / "result.json").read_text())["seconds"],
    }


# By hand --------------------------------------------------------------------------------------------------------------


def origin_of(config: Mapping[str, Any], **facts: Any) -> Origin:
    whole = {"versions": {"jax": "1", "numpy": "2"}, "plugins": {"a": "a 1"}, "device": {"kind": "cpu", "count": 2}, **facts}
    return Origin(config, whole, {})


def differing(before: Origin, now: Origin, anyway: bool = False) -> list[str]:
    return changes(Path("it"), before, config=now.config, dependencies=now.dependencies, anyway=anyway)


def test_what_has_changed_is_named_the_first_four_in_the_sentence_and_all_in_the_notes() -> None:
    before = origin_of({"report": {"seeds": 2, "tasks": ["x", "y"]}, "directory": "here", "selection_seeds": 4})
    now = origin_of(
        {"report": {"seeds": 3, "tasks": ["x"]}, "directory": "h" * 61, "checkpoint_minutes": 1},
        versions={"jax": "9", "numpy": "2"},
        plugins={"b": "b 1"},
        device={"kind": "gpu", "count": 1},
    )
    named = [
        "report.seeds is 3, was 2",
        'report.tasks is ["x"], was ["x", "y"]',
        f"directory is {'h' * 57}..., was here",
        "selection_seeds is not given, was 4",
        "checkpoint_minutes is 1, was not given",
        "jax is 9, was 1",
        "the plugin 'a' is missing",
        "the device is 1 x gpu, was 2 x cpu",
    ]
    with pytest.raises(UserError) as caught:
        differing(before, now)
    assert str(caught.value) == (
        f"the search in 'it' was begun otherwise ({'; '.join(named[:4])}; and 4 more): restore that, or accept it by --anyway."
    )
    with pytest.warns(ResumeWarning, match=r"and 4 more\): bits may differ\.$"):
        assert differing(before, now, anyway=True) == named
    four = origin_of({**before.config, "selection_seeds": 5}, plugins={"a": "a 2"}, versions={"jax": "9", "numpy": "8"})
    with pytest.raises(
        UserError, match=r"\(selection_seeds is 5, was 4; jax is 9, was 1; numpy is 8, was 2; the plugin 'a' is"
    ):
        differing(before, four)
    with pytest.raises(UserError, match=r"'a' is a 2, was a 1\): restore that"):
        differing(before, four)
    five = dataclasses.replace(four, dependencies={**four.dependencies, "device": {"kind": "cpu", "count": 1}})
    with pytest.raises(UserError, match=r"'a' is a 2, was a 1; and 1 more\): restore that"):
        differing(before, five)
    assert differing(before, origin_of(before.config, plugins={"a": "a 1", "b": "b 1"})) == []


def test_items_of_a_list_are_told_apart_by_their_place_and_numbers_by_their_type() -> None:
    before = origin_of({"report": {"tasks": [{"task": "x", "steps": 1}, {"task": "y", "steps": 1}], "fixed": 1}})
    now = origin_of({"report": {"tasks": [{"task": "x", "steps": 1}, {"task": "y", "steps": 2}], "fixed": True}})
    with pytest.warns(ResumeWarning):
        assert differing(before, now, anyway=True) == ["report.tasks.1.steps is 2, was 1", "report.fixed is true, was 1"]


def test_the_end_is_due_again_where_its_selection_or_its_report_differs() -> None:
    before = origin_of({"selection_seeds": 2, "report": None, "directory": "x"})
    assert not end_differs(before, {"selection_seeds": 2, "report": None, "directory": "y"})
    assert end_differs(before, {"selection_seeds": 3, "report": None, "directory": "x"})
    assert end_differs(before, {"selection_seeds": 2, "report": {}, "directory": "x"})


def test_accepted_changes_are_noted_after_those_before_and_none_changes_nothing() -> None:
    before = dataclasses.replace(origin_of({"seeds": 1}), changes=("first",), checkpoint=True)
    assert accept_changes(before, {"seeds": 2}, {}, []) is before
    after = accept_changes(before, {"seeds": 2}, {"device": 1}, ["second"])
    assert after == Origin({"seeds": 2}, {"device": 1}, {}, checkpoint=True, changes=("first", "second"))


def test_another_executor_is_a_difference_here_where_its_bits_are_not_known() -> None:
    before = origin_of({"executor": {"ray": {"workers": 2, "chunk": 4}}})
    for other in ({"ray": {"workers": 2, "chunk": 8}}, {"local": {"chunk": 4}}):
        with pytest.raises(UserError, match="which cannot be taken up by it: change it back, or start a new search"):
            differing(before, origin_of({"executor": other}), anyway=True)
