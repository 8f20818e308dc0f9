"""Stores and directories of searches that were moved or copied: nothing is ever written into the place that they left."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from discover_mlflow import relocate
from discover_mlflow.addresses import sqlite_path
from discover_mlflow.experiments import MODEL_TRAINING
from discover_mlflow.listing import find_search, list_runs
from discover_mlflow.models import fetch_candidate
from discover_mlflow.sent import stored_address
from discover_mlflow.stores import check_tracking
from discover_mlflow.tracker import Tracker
from plugins.tracked import (
    artifacts,
    changed,
    client_of,
    contents,
    copied,
    generation,
    generations_of,
    search_info,
    search_result,
    toy_registry,
    tracked,
)

from discover import Registry, SearchInfo, UserError


@pytest.fixture(scope="module")
def registry() -> Registry:
    return toy_registry()


@pytest.fixture
def old(empty_store: Path, tmp_path: Path, registry: Registry) -> Iterator[Path]:
    """A folder with a store, its artifacts, a search that has finished, and one that has not."""
    folder = tmp_path / "old"
    folder.mkdir()
    store = copied(empty_store, folder)
    info = search_info(folder / "searches" / "done", registry)
    tracked(store, info, range(1), lambda t: t.discover_search_finished(info, search_result(info.directory, registry)))
    tracked(store, search_info(folder / "searches" / "begun", registry), range(2))
    before = contents(folder)
    yield folder
    if folder.exists():
        assert contents(folder) == before


def address_of(folder: Path) -> str:
    return f"sqlite:///{folder}/mlflow.db"


def go_on(directory: Path, registry: Registry, store: str | None = None) -> SearchInfo:
    """Go on with a search for two more generations, as a new process does: MLflow keeps addresses of artifacts by run."""
    from mlflow.tracking._tracking_service.utils import _artifact_repos_cache

    _artifact_repos_cache.clear()
    info = search_info(directory, registry, resumed_from=2)
    tracker = Tracker(store or stored_address(directory / "tracking"), directory=directory)
    tracker.discover_search_started(info)
    for index in (2, 3):
        tracker.discover_generation_done(info, generation(index))
    tracker.discover_search_finished(info, search_result(directory, registry))
    tracker.finish()
    return info


# Stores -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tagged", [True, False], ids=["tagged", "of an earlier version"])
@pytest.mark.parametrize("move", [shutil.move, pytest.param(shutil.copytree, marks=pytest.mark.slow)], ids=["moved", "copied"])
def test_a_store_elsewhere_is_refused_until_it_is_relocated(
    move: object, tagged: bool, old: Path, tmp_path: Path, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new place"
    assert callable(move)
    move(old, new)
    store = address_of(new)
    if not tagged:
        changed(store, "DELETE FROM experiment_tags")
    run_id = load_run(new)
    before = contents(new)
    for use in (
        lambda: Tracker(store),
        lambda: list_runs(store, None, "", 5),
        lambda: fetch_candidate(run_id, store, tmp_path),
    ):
        with pytest.raises(UserError) as caught:
            use()
        assert f"cannot be used (it was moved or copied from {old}, where" in str(caught.value)
    assert contents(new) == before
    command = shlex.split(str(caught.value).split("run '", 1)[1].split("', or give", 1)[0])
    assert command[:3] == ["python", "-m", "discover_mlflow.relocate"]
    assert relocate.main(command[3:]) == 0
    assert f"addresses below {old} lead to {new} now" in capsys.readouterr().out
    assert find_search(run_id, store) == new / "searches" / "done"
    assert fetch_candidate(run_id, store, tmp_path).read_bytes() == (new / "searches/done/champion.candidate").read_bytes()
    tracked(store, search_info(new / "searches" / "another", registry), range(1))
    for run in client_of(store).search_runs(["1"]):
        assert run.info.artifact_uri.startswith((new / "mlruns").as_uri())
        assert "config.yaml" in artifacts(store, run.info.run_id)
    assert relocate.main([store]) == 0
    assert capsys.readouterr().out == "the store is in its place: nothing to do\n"


def load_run(folder: Path) -> str:
    """The id of the run of the search that has finished."""
    from discover_mlflow.sent import load_state

    directory = folder / "searches" / "done" / "tracking"
    return load_state(directory, str(stored_address(directory))).run_id


def test_a_store_without_its_artifacts_says_where_they_belong(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new"
    new.mkdir()
    shutil.copy(old / "mlflow.db", new)
    assert relocate.main([str(new / "mlflow.db")]) == 0
    assert f"move or copy {old / 'mlruns'} to {new / 'mlruns'}" in capsys.readouterr().out


def test_what_is_no_store_is_not_relocated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.db").write_text("words" * 100)
    assert relocate.main([str(tmp_path / "text.db")]) == 2
    assert "file is not a database" in capsys.readouterr().err
    assert relocate.main([str(tmp_path / "absent.db")]) == 2
    assert "there is no store at" in capsys.readouterr().err
    assert relocate.main([]) == 2


def test_artifacts_that_somebody_put_elsewhere_stay_there(store: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "mlruns" / "discover"
    elsewhere.mkdir(parents=True)
    client_of(store).create_experiment("discover", elsewhere.as_uri())
    check_tracking(store)


def test_a_store_behind_a_link_is_in_its_place(old: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(old)
    check_tracking(address_of(tmp_path / "link"))


# Directories of searches ------------------------------------------------------------------------------------------------


def test_a_moved_search_goes_on_in_its_run_which_knows_the_new_place(old: Path, tmp_path: Path, registry: Registry) -> None:
    store, new = address_of(tmp_path / "new"), tmp_path / "new"
    shutil.copytree(old, new)
    relocate.relocate(new / "mlflow.db")
    shutil.move(new / "searches" / "begun", new / "moved")
    (run,) = client_of(store).search_runs(["1"], "attributes.status = 'RUNNING'")
    go_on(new / "moved", registry, store)
    assert generations_of(store, run.info.run_id, "fitness/mean") == [0, 1, 2, 3]
    assert len(client_of(store).search_runs(["1"])) == 2
    assert find_search(run.info.run_id, store) == new / "moved"


@pytest.mark.slow
def test_a_folder_with_store_and_search_goes_on_at_its_new_place(old: Path, tmp_path: Path, registry: Registry) -> None:
    new = tmp_path / "new"
    shutil.copytree(old, new)
    assert stored_address(new / "searches" / "begun" / "tracking") == address_of(new)
    with pytest.raises(UserError, match="was moved or copied from"):
        go_on(new / "searches" / "begun", registry)
    relocate.relocate(new / "mlflow.db")
    go_on(new / "searches" / "begun", registry)
    (run,) = client_of(address_of(new)).search_runs(["1"], "attributes.end_time > 0", order_by=["attributes.end_time DESC"])[:1]
    assert generations_of(address_of(new), run.info.run_id, "fitness/mean") == [0, 1, 2, 3]


def test_a_copied_search_does_not_go_on_in_the_run_of_the_original(old: Path, tmp_path: Path, registry: Registry) -> None:
    copy = Path(shutil.copytree(old / "searches" / "begun", tmp_path / "copy"))
    with pytest.raises(UserError, match=r"is a copy of .*, to which the run .* --no-tracking, or remove '.*tracking' so that"):
        go_on(copy, registry)


def test_a_directory_with_another_search_by_now_is_not_taken_for_the_old_one(
    store: str, tmp_path: Path, registry: Registry
) -> None:
    directory = tmp_path / "it"
    run_id = str(tracked(store, search_info(directory, registry), range(1)).run_id)
    shutil.move(directory, tmp_path / "moved")
    tracked(store, search_info(directory, registry), range(1))
    with pytest.raises(UserError, match=f"the search of run '{run_id}' was in '{directory}', where that of run "):
        find_search(run_id, store)


# The experiment ---------------------------------------------------------------------------------------------------------


def test_the_experiment_is_of_the_kind_of_model_training_and_described(store: str, tmp_path: Path, registry: Registry) -> None:
    tracked(store, search_info(tmp_path, registry), range(1))
    tags = client_of(store).get_experiment_by_name("discover").tags
    assert tags["mlflow.experimentKind"] == MODEL_TRAINING == "custom_model_development"
    assert "discover runs" in tags["mlflow.note.content"]
    path = sqlite_path(store)
    assert path is not None
    assert tags["discover.store_folder"] == str(path.parent)


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, MODEL_TRAINING), ("genai_development_inferred", MODEL_TRAINING), ("genai_development", "genai_development")],
)
def test_an_experiment_of_an_earlier_version_gets_its_kind_unless_somebody_chose_one(
    before: str | None, after: str, store: str, tmp_path: Path, registry: Registry
) -> None:
    client = client_of(store)
    number = client.create_experiment("discover", (tmp_path / "mlruns" / "discover").as_uri())
    if before:
        client.set_experiment_tag(number, "mlflow.experimentKind", before)
    client.set_experiment_tag(number, "mlflow.note.content", "mine")
    tracked(store, search_info(tmp_path / "it", registry), range(1))
    tags = client.get_experiment(number).tags
    assert (tags["mlflow.experimentKind"], tags["mlflow.note.content"]) == (after, "mine")
    assert tags["discover.store_folder"] == str(tmp_path)
