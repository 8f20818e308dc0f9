"""The history of a search's population: what the generations were, the same bytes after an interruption, at a bounded cost."""

import dataclasses
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from searches import WORDS, Watcher, run, watched
from toys import plugins

from discover import Generation, Space, UserError
from discover.config.search_config import checked_config
from discover.outer_loop import history
from discover.outer_loop.history import HistoryFiles, columns_kept, read_history
from discover.outer_loop.search import resume

SHORT: dict[str, Any] = {"tasks": [{"task": "payday", "steps": 40}], "generations": 5, "seeds": 1, "finalists": 1}
SPACE = Space(checked_config(plugins().registry, {**WORDS, **SHORT}).template)


WATCHER = Watcher()


@pytest.fixture(autouse=True, scope="module")
def short_files() -> Iterator[None]:
    """Files of two generations."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(history, "CHUNK", 2)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a search that nothing disturbed."""
    directory = tmp_path_factory.mktemp("whole") / "it"
    run(directory, WATCHER, **SHORT)
    return directory


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((directory / "history").iterdir())}


def generation(index: int, members: int = 3) -> Generation:
    rows = np.full((members, SPACE.dimension), index, np.float32)
    zeros = np.zeros(members)
    return Generation(
        index=index,
        genomes=rows,
        fitness=rows[:, 0],
        status=zeros.astype(np.int8),
        errors={},
        returns=[],
        structures=1,
        env_steps=10,
        env_steps_so_far=10 * (index + 1),
        evaluation_seconds=0.0,
        seconds=0.0,
        best_fitness=0.0,
        broken_so_far={},
    )


def test_the_history_is_what_the_watchers_saw(whole: Path) -> None:
    kept = read_history(whole)
    assert kept is not None
    assert kept.generation.tolist() == [0, 1, 2, 3, 4]
    for place, seen in enumerate(WATCHER.generations):
        np.testing.assert_array_equal(kept.genomes[place], seen.genomes[:, columns_kept(SPACE)])
        np.testing.assert_array_equal(kept.fitness[place], seen.fitness)
        np.testing.assert_array_equal(kept.status[place], seen.status)
        assert kept.env_steps[place] == seen.env_steps_so_far
    assert list(files(whole)) == [f"generations_{first:06d}.npz" for first in (0, 2, 4)]


@pytest.mark.parametrize("stop_in", [1, 2])  # within a file, and at its end
def test_an_interrupted_search_leaves_the_same_history(tmp_path: Path, whole: Path, stop_in: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "it", Watcher(stop_in=stop_in), **SHORT)
    resume(watched(), tmp_path / "it")
    assert files(tmp_path / "it") == files(whole)


def test_generations_beyond_the_checkpoint_are_forgotten(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for folder in (whole, cut):
        folder.mkdir()
        kept = HistoryFiles(folder, SPACE)
        for index in range(7):
            kept.add(generation(index))
        kept.write()
    resumed = HistoryFiles(cut, SPACE, generations=3)  # the checkpoint is older than the history
    assert list(files(cut)) == ["generations_000000.npz", "generations_000002.npz"]
    for index in range(3, 7):
        resumed.add(generation(index))
        resumed.write()
    assert files(cut) == files(whole)


def test_a_full_file_is_never_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    honest = history.write_atomically

    def noted(path: Path, data: bytes) -> None:
        written.append(path.name[-7:-4])
        honest(path, data)

    monkeypatch.setattr(history, "write_atomically", noted)
    kept = HistoryFiles(tmp_path, SPACE)
    for index in range(6):
        kept.add(generation(index))
        kept.write()
        kept.write()  # nothing is new
    assert written == ["000", "000", "002", "002", "004", "004"]


def test_what_cannot_be_written_is_written_with_the_next_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = HistoryFiles(tmp_path, SPACE)
    kept.add(generation(0))
    with monkeypatch.context() as full:
        full.setattr(history, "write_atomically", lambda path, data: (_ for _ in ()).throw(OSError("full")))
        with pytest.raises(OSError, match="full"):
            kept.write()
    kept.add(generation(1))
    kept.write()
    again = read_history(tmp_path)
    assert again is not None
    assert again.generation.tolist() == [0, 1]


def test_a_damaged_history_is_named(tmp_path: Path) -> None:
    assert read_history(tmp_path) is None
    kept = HistoryFiles(tmp_path, SPACE)
    kept.add(generation(0))
    kept.write()
    (path,) = (tmp_path / "history").iterdir()
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError, match=r"generations_000000.npz' is damaged .*: restore or remove it"):
        read_history(tmp_path)


def test_seeds_are_those_whose_curves_are_known(tmp_path: Path) -> None:
    curves = np.zeros((3, 4, 100))
    curves[1, 2:] = np.nan  # it ran on two seeds alone
    kept = HistoryFiles(tmp_path, SPACE)
    kept.add(dataclasses.replace(generation(0), returns=[curves]))
    kept.write()
    stored = read_history(tmp_path)
    assert stored is not None
    assert stored.seeds.tolist() == [[4, 2, 4]]


def test_a_history_of_an_earlier_version_has_unknown_seeds(tmp_path: Path) -> None:
    kept = HistoryFiles(tmp_path, SPACE)
    kept.add(generation(0))
    kept.write()
    (path,) = (tmp_path / "history").iterdir()
    with zipfile.ZipFile(path) as stored:
        members = {name: stored.read(name) for name in stored.namelist() if name != "seeds.npy"}
    with zipfile.ZipFile(path, "w") as older:
        for name, data in members.items():
            older.writestr(name, data)
    again = read_history(tmp_path)
    assert again is not None
    assert again.seeds.tolist() == [[0, 0, 0]]
