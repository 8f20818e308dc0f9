"""Ledgers lose nothing: a full disk, a kill at any moment, a store that was replaced; and nothing is there twice."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import shutil
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from discover_mlflow import files, ledger, models, run
from discover_mlflow.__main__ import main, send
from discover_mlflow.ledger import Entry, Ledger, ledger_path, record_line, records
from discover_mlflow.models import log_model
from discover_mlflow.population import history
from discover_mlflow.sent import State, load_state, save_state
from discover_mlflow.session import TrackingWarning
from discover_mlflow.tracker import Tracker
from plugins.tracked import (
    TASKS,
    artifacts,
    client_of,
    comparison,
    copied,
    generation,
    generations_of,
    is_begun,
    search_info,
    search_result,
    steps_of,
    toy_registry,
    track_training,
    tracked,
    training,
    wait_until,
)

from discover import Command, DiscoverError, Registry, SearchInfo, UserError, directory_lock
from discover.plugin.loader import finish, load_plugins, watch


@pytest.fixture(scope="module")
def registry() -> Registry:
    return toy_registry()


@contextlib.contextmanager
def noted() -> Iterator[list[str]]:
    """What the tracker warns of meanwhile; any number of times."""
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TrackingWarning)
        yield texts
    texts += [str(one.message) for one in caught]


def raising(error: BaseException) -> Callable[..., Any]:
    """Something that fails whenever it is called."""

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Disk:
    """A disk that may be full: half of a write still goes through."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.full = False
        for module in (ledger, files):
            monkeypatch.setattr(module, "write_all", self._write)

    def _write(self, file: int, content: bytes, start: int) -> None:
        if self.full:
            os.pwrite(file, content[: len(content) // 2], start)
            raise FULL
        os.pwrite(file, content, start)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def runs_of(store: str) -> list[Any]:
    client = client_of(store)
    return client.search_runs([one.experiment_id for one in client.search_experiments()], run_view_type=3)


# A full disk ------------------------------------------------------------------------------------------------------------


def test_a_disk_that_is_full_for_a_while_loses_no_generation(
    store: str, tmp_path: Path, registry: Registry, disk: Disk
) -> None:
    info, result = search_info(tmp_path, registry), search_result(tmp_path, registry)
    tracker = Tracker(store)
    tracker.discover_search_started(info)
    tracker.discover_generation_done(info, generation(0))
    disk.full = True
    with noted() as texts:
        for index in (1, 2):
            tracker.discover_generation_done(info, generation(index))
        with pytest.raises(OSError, match="No space left"):
            tracker.discover_checkpoint(info)  # so that the checkpoint is not written
    ours = [text for text in texts if "ledger.jsonl cannot be written (No space left on device): what it lacks is kept" in text]
    assert len(ours) == 1
    assert list(history(tmp_path / "tracking").generation) == [0]
    assert ledger_path(tmp_path / "tracking").read_bytes().endswith(b"\n")
    disk.full = False
    with noted():  # the store may have failed meanwhile, for want of a note
        for index in (3, 4):
            tracker.discover_generation_done(info, generation(index))
        tracker.discover_checkpoint(info)
        told = [record["generation"] for _, record in records(tmp_path / "tracking") if "fitness" in record]
        assert told == [0, 1, 2, 3, 4]
        tracker.discover_search_finished(info, result)
    assert client_of(store).get_run(tracker.run_id).info.status == "FINISHED"
    assert generations_of(store, tracker.run_id, "fitness/mean") == [0, 1, 2, 3, 4]


def test_a_checkpoint_waits_for_the_disk_not_only_for_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failed ``fsync`` a second one may succeed though pages are lost: what is not durable is written again."""
    kept = Ledger(tmp_path)
    kept.append(Entry(record_line("tags", tags={"a": "1"})))
    kept.sync()
    kept.append(Entry(record_line("tags", tags={"b": "2"})))
    before = ledger_path(tmp_path).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", raising(OSError(errno.EIO, "gone")))
        with pytest.raises(OSError, match="gone"):
            kept.sync()
    assert len(list(records(tmp_path))) == 1
    kept.sync()
    assert ledger_path(tmp_path).read_bytes() == before


def test_the_end_waits_for_a_disk_that_is_full_for_a_moment(store: str, tmp_path: Path, registry: Registry, disk: Disk) -> None:
    info, result = search_info(tmp_path, registry), search_result(tmp_path, registry)
    tracker = Tracker(store)
    tracker.discover_search_started(info)
    tracker.discover_generation_done(info, generation(0))
    disk.full = True
    with noted() as texts:
        tracker.discover_search_finished(info, result)
    assert any("cannot be written (No space left" in text for text in texts)
    with pytest.raises(OSError, match="No space left"):
        tracker.discover_checkpoint(info)  # so that the search is not marked as finished
    disk.full = False
    with noted():
        assert tracker.finish() is not None
    found = client_of(store).get_run(tracker.run_id)
    assert (found.info.status, found.data.metrics["champion/fitness"]) == ("FINISHED", 3.5)
    assert "champion.candidate" in artifacts(store, tracker.run_id)


def test_a_run_whose_records_are_lost_has_not_finished(
    store: str, tmp_path: Path, registry: Registry, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("discover_mlflow.session._FULL_SECONDS", 0.2)
    info, result = search_info(tmp_path, registry), search_result(tmp_path, registry)
    tracker = Tracker(store)
    tracker.discover_search_started(info)
    tracker.discover_generation_done(info, generation(0))
    with noted():
        disk.full = True
        tracker.discover_generation_done(info, generation(1))
        tracker.discover_search_finished(info, result)
        disk.full = False
        with monkeypatch.context() as patch:  # notes can be written again, but not the ledger
            patch.setattr(Ledger, "write", raising(FULL))
            with pytest.raises(DiscoverError, match=r"records of the run could not be written into .* and are lost") as caught:
                tracker.discover_command_finished()
    assert caught.value.exit_status == 1
    assert [one.info.status for one in runs_of(store)] == ["FAILED"]
    resumed = search_info(tmp_path, registry, resumed_from=1)
    again = tracked(store, resumed, range(1, 5), lambda t: t.discover_search_finished(resumed, result))
    assert [one.info.status for one in runs_of(store)] == ["FINISHED"]
    assert generations_of(store, again.run_id, "fitness/mean") == [0, 1, 2, 3, 4]


def test_a_gap_before_the_checkpoint_is_told(store: str, tmp_path: Path, registry: Registry) -> None:
    tracked(store, search_info(tmp_path, registry), range(2))
    with pytest.warns(TrackingWarning, match=r"^2 generations before the checkpoint are not in .*: 2, 3\.$"):
        tracked(store, search_info(tmp_path, registry, resumed_from=4), range(4, 5))


def test_no_ledger_is_said_before_training(store: str, tmp_path: Path, registry: Registry, disk: Disk) -> None:
    disk.full = True
    with pytest.raises(UserError, match=r"the ledger in '.*' cannot be written \(No space left on device\): choose"):
        Tracker(store).discover_search_started(search_info(tmp_path, registry))


def test_a_training_without_a_ledger_ends_with_status_1(store: str, disk: Disk) -> None:
    tracker = Tracker(store)
    disk.full = True
    track_training(tracker, training("ppo", TASKS[0]))  # costs the result nothing
    with pytest.raises(DiscoverError, match=r"the run is not tracked: .*No space left") as caught:
        tracker.finish()
    assert caught.value.exit_status == 1


# Kills ------------------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The end of a process, as far as its threads can tell."""


def test_a_kill_between_a_run_and_the_note_of_its_id_leaves_no_orphan(
    store: str, tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = search_info(tmp_path, registry)
    first = tracked(store, info, range(2))
    save_state(tmp_path / "tracking", State(store))  # as if the process had died before it noted anything
    again = tracked(store, search_info(tmp_path, registry, resumed_from=2), range(2, 4))
    assert again.run_id == first.run_id
    assert [one.info.run_id for one in runs_of(store)] == [first.run_id]
    assert generations_of(store, again.run_id, "fitness/mean") == [0, 1, 2, 3]


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_whenever_a_search_is_killed_the_store_ends_up_the_same(
    tmp_path: Path, registry: Registry, empty_store: Path, every: int
) -> None:
    """Killed after each record of the end in turn, or each seventh; the store had some of them by then, and some not."""
    info, result = search_info(tmp_path / "s", registry), search_result(tmp_path / "s", registry)
    resumed, folder = dataclasses.replace(info, resumed_from=2), tmp_path / "s" / "tracking"
    whole = tracked(
        new_store(tmp_path / "whole", empty_store), info, range(2), lambda t: t.discover_search_finished(info, result)
    )
    expected = summary(whole.address, whole.run_id)
    text, ends = ledger_path(folder).read_bytes(), [end for end, record in records(folder)]
    assert len(ends) >= 12
    for number, cut in list(enumerate(ends[4:-1]))[::every]:
        store = new_store(tmp_path / str(number), empty_store)
        (folder / "state.json").unlink()
        ledger_path(folder).write_bytes(text[:cut])
        assert send(folder, store) == 0
        with ledger_path(folder).open("ab") as file:
            file.write(b'{"kind":"ta')
        sent = load_state(folder, store)
        save_state(folder, sent._replace(sent=ends[3]) if number % 2 else State(store))
        tracker = tracked(store, resumed, range(2, 2), lambda t: t.discover_search_finished(resumed, result))
        assert tracker.run_id == sent.run_id
        found = summary(store, tracker.run_id)
        found["artifacts"] -= {"provenance_resumed_000002.json"}
        assert found == expected
        assert len(runs_of(store)) == 1


def new_store(folder: Path, empty_store: Path) -> str:
    folder.mkdir()
    return copied(empty_store, folder)


def summary(store: str, run_id: str | None) -> dict[str, Any]:
    """What a run has, and how often; but for the time that it took."""
    client = client_of(store)
    found = client.get_run(run_id)
    keys = [key for key in found.data.metrics if not key.startswith("champion/")]
    return {
        "status": found.info.status,
        "steps": {key: steps_of(store, run_id, key) for key in keys},
        "params": found.data.params,
        "tags": found.data.tags,
        "artifacts": artifacts(store, run_id),
        "models": len(found.outputs.model_outputs),
        "versions": [(version.version, version.run_id == run_id) for version in client.search_model_versions()],
    }


def test_what_a_ledger_has_of_the_end_is_not_recorded_again(store: str, tmp_path: Path, registry: Registry) -> None:
    info, result = search_info(tmp_path, registry), search_result(tmp_path, registry, comparison())
    tracked(store, info, range(3), lambda t: t.discover_search_finished(info, result))
    before = ledger_path(tmp_path / "tracking").read_bytes()
    slower = dataclasses.replace(result, seconds=99.0)  # the end was repeated after a kill, and took its time
    resumed = dataclasses.replace(info, resumed_from=3)
    again = tracked(store, resumed, range(3, 3), lambda t: t.discover_search_finished(resumed, slower))
    assert ledger_path(tmp_path / "tracking").read_bytes() == before
    client = client_of(store)
    for key in ("champion/fitness", "spent/search_seconds"):
        assert len(client.get_metric_history(again.run_id, key)) == 1
    assert len(client.get_run(again.run_id).outputs.model_outputs) == 1


def test_a_model_that_was_left_half_done_is_completed(
    store: str, tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(store)
    experiment = client.create_experiment("e", (tmp_path / "mlruns").as_uri())
    run_id = client.create_run(experiment).info.run_id
    path = search_result(tmp_path / "s", registry).champion_path
    steps = ("log_model_artifacts", "finalize_logged_model", "log_outputs")
    for name in steps:
        with monkeypatch.context() as patch:
            patch.setattr(client, name, raising(Killed()))
            with pytest.raises(Killed):
                log_model(client, experiment, run_id, path, name="champion", params={})
    made = log_model(client, experiment, run_id, path, name="champion", params={})
    assert [one.model_id for one in client.search_logged_models([experiment])] == [made]
    assert [one.model_id for one in client.get_run(run_id).outputs.model_outputs] == [made]
    assert str(client.get_logged_model(made).status) == "READY"
    assert client.get_logged_model(made).model_type == models.FLAVOR


def test_a_note_is_whole_or_the_one_before(tmp_path: Path, disk: Disk) -> None:
    save_state(tmp_path, State("sqlite:///a.db", "run", "1", 5, (2,)))
    disk.full = True
    with pytest.raises(OSError, match="No space left"):
        save_state(tmp_path, State("sqlite:///a.db", "run", "1", 9))
    disk.full = False
    assert load_state(tmp_path, "sqlite:///a.db") == State("sqlite:///a.db", "run", "1", 5, (2,))
    assert [one.name for one in tmp_path.iterdir()] == ["state.json"]
    (tmp_path / "state.json").write_text('{"address": "sqli')  # of an earlier version, killed while it wrote
    assert load_state(tmp_path, "sqlite:///a.db") == State("sqlite:///a.db")


def test_a_run_that_was_killed_and_then_finished_has_no_error(store: str, tmp_path: Path, registry: Registry) -> None:
    info, result = search_info(tmp_path, registry), search_result(tmp_path, registry)
    tracked(store, info, range(2), lambda t: t.discover_search_failed(info, KeyboardInterrupt()))
    (one,) = runs_of(store)
    assert (one.info.status, "discover.error" in one.data.tags) == ("KILLED", True)
    resumed = dataclasses.replace(info, resumed_from=2)
    tracked(store, resumed, range(2, 5), lambda t: t.discover_search_finished(resumed, result))
    (one,) = runs_of(store)
    assert (one.info.status, "discover.error" in one.data.tags) == ("FINISHED", False)


# Searches inside --------------------------------------------------------------------------------------------------------


def inner_and_outer(tmp_path: Path, registry: Registry) -> tuple[SearchInfo, SearchInfo]:
    outer = search_info(tmp_path / "outer", registry)
    return outer, dataclasses.replace(search_info(tmp_path / "outer" / "tune-ppo", registry), name="toy: ppo")


def test_the_run_above_is_known_even_if_the_store_is_slow(
    store: str, tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, slow = run.Run._create, threading.Event()

    def slowly(self: run.Run, experiment: str, record: Any, alone: bool) -> str:
        if not record.get("parent"):
            slow.wait(10)
        return made(self, experiment, record, alone)

    monkeypatch.setattr(run.Run, "_create", slowly)
    outer, inner = inner_and_outer(tmp_path, registry)
    tracker = Tracker(store)
    tracker.discover_search_started(outer)
    tracker.discover_search_started(inner)
    threading.Timer(0.5, slow.set).start()
    tracker.discover_search_finished(inner, search_result(inner.directory, registry))
    tracker.discover_search_finished(outer, search_result(outer.directory, registry))
    found = {one.info.run_name: one for one in runs_of(store)}
    assert found["toy: ppo"].data.tags["mlflow.parentRunId"] == found["toy"].info.run_id
    assert len(found) == 2


def test_what_is_inside_is_sent_below_its_own_and_not_before_it(
    store: str, tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outer, inner = inner_and_outer(tmp_path, registry)
    with monkeypatch.context() as patch:
        patch.setattr(run.Run, "begin", raising(ConnectionError("down")))
        tracker = Tracker(store, patience=0.1)
        with noted() as texts:
            tracker.discover_search_started(outer)
            tracker.discover_search_started(inner)
            tracker.discover_search_failed(inner, ValueError("x"))
            tracker.discover_search_failed(outer, ValueError("x"))
    assert any("down" in text for text in texts)
    assert main([str(inner.directory / "tracking")]) == 2
    assert f"send '{outer.directory}/tracking' first" in capsys.readouterr().err
    assert main([str(outer.directory / "tracking")]) == main([str(inner.directory / "tracking")]) == 0
    found = {one.info.run_name: one for one in runs_of(store)}
    assert found["toy: ppo"].data.tags["mlflow.parentRunId"] == found["toy"].info.run_id


# Resuming what has finished, and stores that were replaced --------------------------------------------------------------


@pytest.mark.usefixtures("alone")
def test_resuming_a_finished_search_sends_what_the_store_lacks_of_it_and_of_those_inside(
    store: str, tmp_path: Path, registry: Registry
) -> None:
    """The core starts nothing then and tells nothing of the search: the tracker sees to it alone."""
    outer, inner = inner_and_outer(tmp_path, registry)
    tracker = Tracker(store)
    tracker.discover_search_started(outer)
    tracker.discover_search_started(inner)
    tracker.discover_generation_done(inner, generation(0))
    tracker.discover_search_finished(inner, search_result(inner.directory, registry))
    tracker.discover_search_finished(outer, search_result(outer.directory, registry))
    for info in (outer, inner):  # killed before any of it had arrived, but for the runs
        folder = info.directory / "tracking"
        save_state(folder, load_state(folder, store)._replace(sent=next(records(folder))[0]))
    client = client_of(store)
    for one in runs_of(store):
        client.update_run(one.info.run_id, status="RUNNING")
    plugins = load_plugins()
    watch(plugins, Command("resume", directory=outer.directory))
    model = {"model": "models:/toy/1", "model_alias": "models:/toy@champion"}
    assert finish(plugins) == {"tracking": store, "run_id": tracker.run_id, **model}
    assert [one.info.status for one in runs_of(store)] == ["FINISHED", "FINISHED"]


@pytest.mark.slow
def test_a_store_that_was_replaced_gets_all_of_it_again(tmp_path: Path, registry: Registry, empty_store: Path) -> None:
    info, result = search_info(tmp_path / "s", registry), search_result(tmp_path / "s", registry)
    folder = info.directory / "tracking"
    store = new_store(tmp_path / "a", empty_store)
    first = tracked(store, info, range(3), lambda t: t.discover_search_finished(info, result))
    other = new_store(tmp_path / "b", empty_store)
    save_state(folder, load_state(folder, store)._replace(address=other))  # as if the store at one address were another now
    with noted() as texts:
        again = Tracker(other, directory=info.directory)
        again.finish()
    assert [f"does not know run {first.run_id} any more: it gets a new one" in text for text in texts] == [True]
    assert again.run_id not in (None, first.run_id)
    assert summary(other, again.run_id) == summary(store, first.run_id)
    assert load_state(folder, other).run_id == again.run_id


def test_a_store_that_mlflow_keeps_open_though_it_is_gone_is_found_out(
    store: str, tmp_path: Path, registry: Registry, empty_store: Path
) -> None:
    """In one process MLflow goes on with the deleted file, and would swallow everything."""
    info = search_info(tmp_path / "s", registry)
    tracked(store, info, range(2))
    (tmp_path / "mlflow.db").unlink()
    copied(empty_store, tmp_path)
    with noted() as texts:
        tracker = tracked(store, search_info(tmp_path / "s", registry, resumed_from=2), range(2, 3))
    assert "deleted or replaced while this process had it open" in texts[0]
    assert load_state(tmp_path / "s" / "tracking", store) == State(store)
    assert tracker.discover_command_finished()["ledger"] == str(tmp_path / "s" / "tracking")


def test_a_store_that_is_deleted_while_it_is_used_has_swallowed_nothing(
    store: str, tmp_path: Path, registry: Registry, empty_store: Path
) -> None:
    info = search_info(tmp_path / "s", registry)
    tracker = Tracker(store, patience=5.0)
    tracker.discover_search_started(info)
    for index in range(3):
        tracker.discover_generation_done(info, generation(index))
    wait_until(lambda: is_begun(tracker, info))
    (tmp_path / "mlflow.db").rename(tmp_path / "elsewhere.db")
    with noted() as said:
        tracker.discover_generation_done(info, generation(3))
        tracker.discover_search_failed(info, ValueError("x"))
    texts = "\n".join(said)
    assert "it was deleted or replaced while this process had it open" in texts
    folder = tmp_path / "s" / "tracking"
    total = len(list(records(folder)))
    assert f"{total} records are not in the tracking store" in texts
    assert load_state(folder, store) == State(store)
    other = new_store(tmp_path / "new", empty_store)
    assert send(folder, other) == 0
    assert generations_of(other, load_state(folder, other).run_id, "fitness/mean") == [0, 1, 2, 3]


def test_nothing_is_sent_or_counted_without_a_run(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The experiment is deleted after the check, so that the store refuses the run itself."""
    tracker = Tracker(store)
    client = client_of(store)
    client.delete_experiment(client.create_experiment("discover"))
    with pytest.warns(TrackingWarning) as caught:
        track_training(tracker, training("ppo", TASKS[0]))
    facts = tracker.discover_command_finished()
    assert "run_id" not in facts
    folder = Path(facts["ledger"])
    assert load_state(folder, store).sent == 0
    total = len(list(records(folder)))
    texts = [str(one.message) for one in caught]
    assert "must be in the 'active' state" in texts[0]
    assert texts[0].endswith(f"{ledger_path(folder)} has everything.")
    assert texts[1].startswith(f"{total} records are not in the tracking store")
    assert runs_of(store) == []
    with pytest.raises(UserError, match="has been deleted"):
        send(folder)
    client.restore_experiment(client.get_experiment_by_name("discover").experiment_id)
    assert send(folder) == 0
    assert [one.info.status for one in runs_of(store)] == ["FINISHED"]
    shutil.rmtree(folder)


@pytest.mark.parametrize("fails", [False, True])
def test_a_path_in_a_message_is_there_afterwards(
    fails: bool, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that answers again gets everything; the ledger goes, unless a warning has named it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    send_metrics, times = run.Run.metrics, iter([fails])

    def failing(self: run.Run, some: Any, state: Any) -> None:
        if next(times, False):
            raise ConnectionError("for a moment")
        send_metrics(self, some, state)

    monkeypatch.setattr(run.Run, "metrics", failing)
    tracker = Tracker(store)
    with noted() as texts:
        track_training(tracker, training("ppo", TASKS[0]))
    assert client_of(store).get_run(tracker.run_id).info.status == "FINISHED"
    kept = [folder for folder in tmp_path.glob("discover-*") if ledger_path(folder).is_file()]
    assert len(texts) == len(kept) == fails
    assert all(str(folder) in text for folder, text in zip(kept, texts, strict=True))


# One process at a time --------------------------------------------------------------------------------------------------


def test_the_resender_waits_for_nobody_who_holds_the_directory(store: str, tmp_path: Path, registry: Registry) -> None:
    tracked(store, search_info(tmp_path, registry), range(1))
    with directory_lock(tmp_path), pytest.raises(UserError, match=str(tmp_path)):
        send(tmp_path / "tracking")
    assert send(tmp_path / "tracking") == 0
