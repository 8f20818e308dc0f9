"""Checkpoints: never ahead of what watches, and a disk that is full for a while costs nothing but a warning."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import toys
from searches import WORDS, Watcher, counters, run, state, watched

from discover import Generation, SearchInfo, UserError, hookimpl
from discover.base.errors import EvaluationError, StorageError
from discover.evaluation.curve_store import NotKeptWarning
from discover.outer_loop.checkpoint import CheckpointWarning
from discover.outer_loop.search import resume, search
from discover.plugin.loader import PluginWarning, load_plugins

SHORT = {"tasks": [{"task": "payday", "steps": 40}], "generations": 6, "seeds": 1, "finalists": 1, "checkpoint_minutes": 0.0}
FULL = os.strerror(errno.ENOSPC)


class Ledger:
    """Has told what it has seen to a disk that is full now and then.

    Args:
        fails: what to raise, by the number of the call.
    """

    def __init__(self, fails: dict[int, Exception] | None = None):
        self.fails, self.calls, self.seen = fails or {}, 0, 0
        self.durable: list[int] = []

    @hookimpl
    def discover_generation_done(self) -> None:
        self.seen += 1

    @hookimpl
    def discover_checkpoint(self) -> None:
        self.calls += 1
        if self.calls in self.fails:
            raise self.fails[self.calls]
        self.durable.append(self.seen)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("whole") / "it"
    run(directory, **SHORT)
    return directory


class FullDisk:
    """Writing fails while ``full``; ``only`` some files, if given."""

    def __init__(self) -> None:
        self.full, self.only = False, ""

    def check(self, path: Path) -> None:
        if self.full and self.only in path.name:
            raise OSError(errno.ENOSPC, FULL)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[FullDisk]:
    """The disk as `write_atomically` finds it."""
    disk, honest = FullDisk(), Path.open

    def opened(self: Path, mode: str = "r", *more: Any, **options: Any) -> Any:
        if "w" in mode:
            disk.check(self)
        return honest(self, mode, *more, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", opened)
        yield disk


def test_what_watches_is_durable_before_every_checkpoint_and_before_the_end(tmp_path: Path) -> None:
    ledger = Ledger()
    search(watched(ledger), {**WORDS, **SHORT}, tmp_path / "it")
    assert ledger.durable == [1, 2, 3, 4, 5, 6, 6]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, FULL), StorageError("no room"), UserError("no room")])
def test_a_watcher_that_cannot_keep_up_holds_the_checkpoint_back(tmp_path: Path, whole: Path, error: Exception) -> None:
    """Killed meanwhile, the search goes on from the checkpoint before, and tells the generations again."""
    directory = tmp_path / "it"

    class Killer(Watcher):
        @hookimpl(trylast=True)
        def discover_generation_done(self, search: SearchInfo, generation: Generation) -> None:
            if generation.index == 4:
                raise KeyboardInterrupt

    ledger = Ledger({3: error, 4: error, 5: error})
    with (
        pytest.warns(CheckpointWarning) as warned,
        pytest.raises(KeyboardInterrupt),
    ):
        search(watched(ledger, Killer()), {**WORDS, **SHORT}, directory)
    told = str(error).rstrip(".")
    assert [str(each.message) for each in warned] == [
        f"the checkpoint of the search 'Laws & order' waits ({told}): its directory keeps 2 of 3 generations; it is tried "
        "again after each generation."
    ]
    assert counters(directory)["generations"] == 2
    assert ledger.durable == [1, 2]
    watcher = Watcher()
    resume(watched(watcher), directory)
    assert watcher.events == ["started from 2", *(f"generation {i}" for i in (2, 3, 4, 5)), "finished"]
    assert state(directory) == state(whole)


def test_a_foreign_watchers_bug_holds_nothing_back(tmp_path: Path, whole: Path) -> None:
    class Broken:
        @hookimpl
        def discover_checkpoint(self) -> None:
            raise RuntimeError("a bug")

    with pytest.warns(PluginWarning, match=r"plugin 'Broken' failed in discover_checkpoint \(RuntimeError: a bug\)"):
        search(watched(Broken()), {**WORDS, **SHORT}, tmp_path / "it")
    assert state(tmp_path / "it") == state(whole)
    assert (tmp_path / "it" / "result.json").is_file()


def test_a_disk_that_is_full_for_a_while_costs_one_warning(tmp_path: Path, whole: Path, disk: FullDisk) -> None:
    directory = tmp_path / "it"

    class Fills:
        @hookimpl
        def discover_generation_done(self, generation: Any) -> None:
            disk.full = generation.index in (1, 2, 3)
            kept.append(counters(directory)["generations"] if generation.index else 0)

    kept: list[int] = []
    with pytest.warns(CheckpointWarning) as warned:
        search(watched(Fills()), {**WORDS, **SHORT}, directory)
    assert [str(each.message) for each in warned] == [
        f"the checkpoint of the search 'Laws & order' waits ('{directory}/state.npz' cannot be written ({FULL}): make room, or "
        "choose another place): its directory keeps 1 of 2 generations; it is tried again after each generation."
    ]
    assert kept == [0, 1, 1, 1, 1, 5]
    assert state(directory) == state(whole)
    assert (directory / "champion.candidate").read_bytes() == (whole / "champion.candidate").read_bytes()


def test_a_disk_that_stays_full_ends_the_search_in_a_sentence_and_it_can_be_resumed(
    tmp_path: Path, whole: Path, disk: FullDisk
) -> None:
    directory, watcher = tmp_path / "it", Watcher()

    class Fills:
        @hookimpl
        def discover_generation_done(self, generation: Any) -> None:
            disk.full = generation.index >= 3

    with pytest.warns(CheckpointWarning), pytest.raises(StorageError) as caught:
        search(watched(Fills(), watcher), {**WORDS, **SHORT}, directory)
    assert caught.value.exit_status == 1
    assert str(caught.value) == (
        f"the search 'Laws & order' cannot write its last checkpoint ('{directory}/state.npz' cannot be written ({FULL}): make "
        "room, or choose another place): its directory keeps 3 of 6 generations; repair that, and go on with it: discover "
        f"resume {directory}"
    )
    assert watcher.events[-1] == "failed: StorageError"
    assert not any(name.endswith(".new") for name in os.listdir(directory))
    disk.full = False
    resume(watched(), directory)
    assert state(directory) == state(whole)


def test_the_way_to_go_on_is_that_of_the_outermost_search_and_can_be_typed(tmp_path: Path, disk: FullDisk) -> None:
    directory, brought = tmp_path / "my search", tmp_path / "plugins"
    brought.mkdir()
    (brought / "watcher.py").write_text(
        "import discover\n\n\n@discover.hookimpl\ndef discover_search_finished() -> None: ...\n"
    )
    report = {"baselines": {"tuned": {"tune": WORDS["candidate"]}}, "tasks": SHORT["tasks"], "seeds": 2}

    def fill_up(what: str, share: float) -> None:
        disk.full = (directory / "tune-tuned").exists()

    with pytest.warns(CheckpointWarning), pytest.raises(StorageError, match=r"^the search 'Laws & order: tuned'") as caught:
        search(load_plugins(brought, extra=[toys]), {**WORDS, **SHORT, "report": report}, directory, progress=fill_up)
    assert str(caught.value).endswith(f"go on with it: discover resume '{directory}' --plugins-dir {brought}")


@pytest.mark.parametrize(("name", "what"), [("champion", "its champion"), ("result", "its result")])
def test_an_end_that_cannot_be_written_is_told_and_made_up_for(
    tmp_path: Path, whole: Path, disk: FullDisk, name: str, what: str
) -> None:
    directory, watcher = tmp_path / "it", Watcher()
    disk.full, disk.only = True, name
    with pytest.raises(StorageError, match=rf"^the search 'Laws & order' cannot write {what} \(.*keeps 6 of 6 generations"):
        run(directory, watcher, **SHORT)
    assert watcher.events[-1] == "failed: StorageError"
    disk.full, again = False, Watcher()
    resume(watched(again), directory)
    assert again.events == ["started from 6", "finished"]
    assert again.phases == [("end", True)]
    assert (directory / "champion.candidate").read_bytes() == (whole / "champion.candidate").read_bytes()


def test_a_watcher_that_fails_at_the_very_end_leaves_the_search_unfinished(tmp_path: Path, whole: Path) -> None:
    ledger = Ledger({7: OSError(errno.ENOSPC, FULL)})
    with pytest.raises(StorageError, match=r"cannot write its result \(\[Errno 28\]"):
        search(watched(ledger), {**WORDS, **SHORT}, tmp_path / "it")
    assert not (tmp_path / "it" / "result.json").exists()
    resume(watched(Ledger()), tmp_path / "it")
    assert (tmp_path / "it" / "result.json").is_file()


def test_curves_that_cannot_be_kept_cost_a_warning(tmp_path: Path, whole: Path, disk: FullDisk) -> None:
    directory = tmp_path / "it"

    def fill_up(what: str, share: float) -> None:
        disk.full, disk.only = what.startswith(("selection", "champion")), ".npz"

    with pytest.warns(NotKeptWarning, match=rf"^learning curves are not kept, and made again after a kill: '.*{FULL}"):
        search(watched(), {**WORDS, **SHORT}, directory, progress=fill_up)
    assert list((directory / "evaluated").iterdir()) == []
    assert (directory / "champion.candidate").read_bytes() == (whole / "champion.candidate").read_bytes()


def test_an_error_of_candidates_at_the_end_stays_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Any) -> None:
        raise EvaluationError("each of them broke.")

    monkeypatch.setattr("discover.outer_loop.ending.Ending.choose", broken)
    with pytest.raises(EvaluationError, match=r"^each of them broke\.$"):
        run(tmp_path / "it", **SHORT)
