"""Stores that cannot take a run are found before training; addresses are URLs; secrets stay secret."""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import sqlite3
import stat
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from discover_mlflow import new_store, sqlite_check, stores
from discover_mlflow.__main__ import main, send
from discover_mlflow.addresses import (
    client_address,
    local_path,
    path_component,
    public_address,
    resolve_store,
    sqlite_address,
    sqlite_path,
    without_secrets,
)
from discover_mlflow.listing import find_search
from discover_mlflow.models import fetch_candidate
from discover_mlflow.new_store import fill
from discover_mlflow.page import ui_command
from discover_mlflow.sent import load_state
from discover_mlflow.session import TrackingWarning
from discover_mlflow.sqlite_check import deleted_experiment, deleted_run
from discover_mlflow.stores import check_tracking
from discover_mlflow.stores import client_of as client_of_store
from discover_mlflow.tracker import Tracker
from plugins.tracked import (
    TASKS,
    artifacts,
    changed,
    client_of,
    copied,
    search_info,
    search_result,
    toy_registry,
    track_training,
    tracked,
    training,
    written,
)

from discover import Registry, UserError


@pytest.fixture(scope="module")
def registry() -> Registry:
    return toy_registry()


# Before training --------------------------------------------------------------------------------------------------------


def test_a_deleted_experiment_is_found_before_training_and_its_remedy_works(store: str, tmp_path: Path) -> None:
    client = client_of(store)
    client.delete_experiment(client.create_experiment("discover"))
    with pytest.raises(UserError) as caught:
        Tracker(store)
    text = str(caught.value)
    assert text.startswith(
        f"the tracking store '{store}' cannot be used (its experiment 'discover' has been deleted): bring it"
    )
    assert caught.value.exit_status == 2
    assert "MLFLOW_EXPERIMENT_NAME" in text
    Tracker(store, experiment="another")
    variable, *command = shlex.split(text.split("with '", 1)[1].split("', name another one for new runs", 1)[0])
    name, _, value = variable.partition("=")
    assert (name, value, command[:3]) == ("MLFLOW_TRACKING_URI", store, ["mlflow", "experiments", "restore"])
    client.restore_experiment(command[-1])
    Tracker(store)


@pytest.mark.parametrize("length", [10, 20, 40, 80, 160, 220])
def test_a_remedy_is_whole_however_long_the_path_of_the_store(length: int) -> None:
    """It is to be copied into a shell; a sentence of more than 300 characters lost its middle, which was just that."""
    address = sqlite_address(Path("/" + "d" * length) / "mlflow.db")
    for error in (deleted_experiment(address, "discover", 7), deleted_run(address, "f" * 32)):
        command = shlex.split(str(error).split("bring it back with '", 1)[1].split("', ", 1)[0])
        assert command[0] == f"MLFLOW_TRACKING_URI={address}"
        assert command[-1] in ("7", "f" * 32)
        assert str(error).endswith("or leave tracking out with --no-tracking.")


def test_a_deleted_run_is_not_gone_on_with(store: str, tmp_path: Path, registry: Registry) -> None:
    run_id = tracked(store, search_info(tmp_path, registry), range(2)).run_id
    client_of(store).delete_run(run_id)
    with pytest.raises(
        UserError, match=rf"\(run {run_id} has been deleted\): bring it back with '.* restore --run-id {run_id}'"
    ):
        Tracker(store, directory=tmp_path)
    with pytest.raises(UserError, match="has been deleted"):
        send(tmp_path / "tracking")


@pytest.mark.parametrize("name", ["x" * 251, "  ", "two\nlines"])
def test_a_name_that_no_experiment_can_have_is_refused(store: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", name)
    with pytest.raises(UserError, match=r"^MLFLOW_EXPERIMENT_NAME .* cannot name an experiment: give 1 to 250"):
        Tracker(store)


def test_a_store_of_another_mlflow_is_found_with_its_remedy(store: str, tmp_path: Path) -> None:
    _, newest = sqlite_check._revisions()
    (down,) = (found for found in revisions_below(next(iter(newest))))
    changed(store, f"UPDATE alembic_version SET version_num = '{down}'")
    with pytest.raises(UserError, match="older MLflow") as caught:
        Tracker(store)
    assert f"save a copy of it and run 'mlflow db upgrade {store}', " in str(caught.value)
    changed(store, "UPDATE alembic_version SET version_num = 'ffff00001111'")
    with pytest.raises(UserError, match=r"newer MLflow\): update MLflow .*--tracking .*--no-tracking\.$"):
        Tracker(store)


def revisions_below(revision: str) -> Iterator[str]:
    """The revision before one, as MLflow itself says."""
    from alembic.script import ScriptDirectory
    from mlflow.store.db.utils import _get_alembic_config

    found: Any = ScriptDirectory.from_config(_get_alembic_config("")).get_revision(revision)
    yield found.down_revision


def test_an_empty_file_becomes_a_store_as_a_whole_and_once(
    tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, address = tmp_path / "mlflow.db", f"sqlite:///{tmp_path}/mlflow.db"
    path.touch()
    check_tracking(address)
    monkeypatch.setattr(stores, "create_store", lambda place: fill(place, empty_store))  # whose tables take seconds to make
    experiment = client_of_store(address).create_experiment("of the first")
    fill(path, empty_store)  # by another process, which saw the empty file too
    assert client_of(address).get_experiment(experiment).name == "of the first"
    check_tracking(address)


def test_a_store_whose_creation_was_ended_is_not_called_old(store: str) -> None:
    with contextlib.closing(sqlite3.connect(sqlite_path(store) or "")) as database:
        database.execute("DELETE FROM alembic_version")
        database.commit()
    with pytest.raises(
        UserError, match=r"its tables are not complete: the process that created them was ended\): move it away,"
    ):
        check_tracking(store)


def test_what_reads_a_store_cannot_leave_it_out(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database, " * 99)
    address = f"sqlite:///{tmp_path}/text.db"
    for read in (lambda: fetch_candidate("models:/a/1", address, tmp_path), lambda: ui_command(address, 5000)):
        with pytest.raises(UserError, match=r"give another address with --tracking \(such as sqlite:///mlflow\.db\)\.$"):
            read()
    with pytest.raises(UserError, match=r"or leave tracking out with --no-tracking\.$"):
        check_tracking(address)


def test_the_newest_schema_is_that_which_mlflow_names() -> None:
    from mlflow.store.db.utils import _get_latest_schema_revision

    assert sqlite_check._revisions()[1] == {_get_latest_schema_revision()}


def test_a_foreign_database_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "films.db"
    changed(f"sqlite:///{path}", "CREATE TABLE films (title TEXT)", "INSERT INTO films VALUES ('M')")
    before = path.read_bytes()
    with pytest.raises(UserError, match="is a database, but not one of MLflow"):
        Tracker(f"sqlite:///{path}")
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["films.db"]


def test_a_locked_database_is_found_within_seconds(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_check, "_SECONDS", 0.3)
    path = sqlite_path(store)
    assert path is not None
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        started = time.perf_counter()
        with pytest.raises(UserError, match=r"\(another process holds its lock\): wait until that has ended, give another"):
            Tracker(store)
        assert time.perf_counter() - started < 5
        other.execute("ROLLBACK")
    Tracker(store)


def test_a_store_that_may_not_be_written_is_refused(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = os.access
    path = sqlite_path(store)
    assert path is not None
    for forbidden in (path, path.parent):
        monkeypatch.setattr(os, "access", lambda place, mode, no=forbidden: Path(place) != no and allowed(place, mode))
        with pytest.raises(UserError, match=rf"\({forbidden} cannot be written\)"):
            Tracker(store)


def test_artifacts_must_have_a_place(store: str, tmp_path: Path) -> None:
    (tmp_path / "mlruns").write_text("no folder")
    with pytest.raises(UserError, match=r"its artifacts would lie in .*mlruns, but .*mlruns is not a folder"):
        Tracker(store)
    with pytest.raises(UserError, match="its artifacts would lie in"):
        Tracker(f"sqlite:///{tmp_path}/new.db")


def test_a_store_in_memory_keeps_nothing() -> None:
    for address in ("sqlite:///:memory:", "sqlite://"):
        with pytest.raises(UserError, match="it is in memory"):
            Tracker(address)


def test_a_store_that_does_not_answer_is_left_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "_CHECK_SECONDS", 0.2)
    monkeypatch.setattr(stores, "client_of", lambda address: threading.Event().wait(5))
    with pytest.raises(UserError, match=r"\(it does not answer within 0.2 s\)"):
        check_tracking("postgresql+psycopg2://host/db")


@pytest.mark.parametrize(
    ("scheme", "module", "package"),
    [
        ("postgresql+pg8000", "pg8000", "pg8000"),
        ("postgresql+psycopg2", "psycopg2", "psycopg2-binary"),
        ("postgresql+psycopg", "psycopg", "'psycopg[binary]'"),
    ],
)
def test_a_driver_that_is_missing_is_named_with_its_package(
    scheme: str, module: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # an import fails as if it were not installed
    with pytest.raises(UserError) as caught:
        check_tracking(f"{scheme}://ann:s3cret@host/db")
    assert str(caught.value).startswith(
        f"the tracking store '{scheme}://***@host/db' cannot be used (the driver of its database, {module}, is not installed): "
        f"pip install {package}, give another address"
    )


class Client:
    """As much of MLflow's client as the check of a server asks for."""

    def __init__(self, error: Exception | None = None, experiment: str = "active", run: str = "active"):
        self.error, self.experiment, self.run = error, experiment, run

    def get_experiment_by_name(self, name: str) -> Any:
        if self.error is not None:
            raise self.error
        tags = {"mlflow.experimentKind": "custom_model_development", "mlflow.note.content": "ours"}
        return SimpleNamespace(experiment_id="7", lifecycle_stage=self.experiment, tags=tags, artifact_location="s3://a")

    def get_experiment(self, number: str) -> Any:
        return self.get_experiment_by_name(number)

    def get_run(self, run_id: str) -> Any:
        return SimpleNamespace(info=SimpleNamespace(lifecycle_stage=self.run))


REMOTE = "postgresql+psycopg2://ann:s3cret@host/db"
REMEDIES = {
    "deleted": (
        Client(experiment="deleted"),
        r"its experiment 'discover' has been deleted\): bring it back with 'MLFLOW_TRACKING_URI=.* --experiment-id 7'",
    ),
    "deleted run": (
        Client(run="deleted"),
        r"run r1 has been deleted\): bring it back with 'MLFLOW_TRACKING_URI=.* --run-id r1'",
    ),
    "forbidden": (Client(PermissionError("PERMISSION_DENIED for ann")), r"PERMISSION_DENIED for \*\*\*\): start its server"),
    "old": (
        Client(RuntimeError("Detected out-of-date database schema (found version a, but expected b)")),
        r"Detected out-of-date .*\): bring MLflow and the store to one version \(mlflow db upgrade 'postgresql\+psycopg2://\*\*\*@host/db'\)",
    ),
}


@pytest.mark.parametrize("case", REMEDIES)
def test_a_server_that_takes_no_run_is_found_with_its_remedy(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client, why = REMEDIES[case]
    monkeypatch.setattr(stores, "client_of", lambda address: client)
    with pytest.raises(UserError, match=why) as caught:
        check_tracking(REMOTE, run_id="r1")
    assert "s3cret" not in str(caught.value)
    monkeypatch.setattr(stores, "client_of", lambda address: Client())
    check_tracking(REMOTE, run_id="r1")


def test_a_killed_process_leaves_no_half_made_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new store is there only when it has all of its tables."""
    path, put = tmp_path / "mlflow.db", new_store.put_new

    def watched(place: Path, content: bytes) -> None:
        assert place == path
        assert not any(tmp_path.iterdir())
        put(place, content)

    monkeypatch.setattr(new_store, "put_new", watched)
    made = client_of_store(f"sqlite:///{path}")
    assert [one.name for one in tmp_path.iterdir()] == ["mlflow.db"]
    Tracker(f"sqlite:///{path}")
    assert made.get_experiment("0").name == "Default"
    put(path, b"of another process")
    assert path.read_bytes().startswith(b"SQLite format 3")


# URLs and names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["50%20 ?#ü", "a%2Fb%25", "plain"])
def test_every_folder_can_hold_a_store_and_a_search(
    folder: str, tmp_path: Path, empty_store: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / folder
    place.mkdir()
    copied(empty_store, place)
    monkeypatch.chdir(place)
    info, result = search_info(place / "s", registry), search_result(place / "s", registry)
    tracker = tracked(resolve_store(), info, range(2), lambda t: t.discover_search_finished(info, result))
    assert sqlite_path(tracker.address) == place / "mlflow.db"
    assert (place / "mlruns" / "discover" / str(tracker.run_id) / "artifacts" / "champion.candidate").is_file()
    into = tmp_path / "into"
    into.mkdir()
    assert fetch_candidate(str(tracker.run_id), None, into).read_bytes() == result.champion_path.read_bytes()
    assert find_search(str(tracker.run_id), None) == info.directory
    assert send(info.directory / "tracking") == 0
    assert {one.name for one in tmp_path.iterdir()} == {folder, "into"}  # no folder of a half-read address
    line = ui_command(None, 5001)
    assert line[line.index("--backend-store-uri") + 1] == client_address(tracker.address)


def test_addresses_of_sqlite_are_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.engine import make_url

    for name in ("a b.db", "a%20b.db", "a?b.db", "a#b.db", "ä.db", "100%.db"):
        address = sqlite_address(tmp_path / name)
        assert sqlite_path(address) == tmp_path / name
        for form in (address, client_address(address)):
            assert make_url(form).database == str(tmp_path / name)
        assert local_path((tmp_path / name).as_uri()) == tmp_path / name
    monkeypatch.chdir(tmp_path)
    assert resolve_store("sqlite:///x%20y.db?timeout=5") == f"sqlite:///{tmp_path}/x y.db?timeout=5"
    assert local_path("s3://bucket/x") is None


@pytest.mark.parametrize("name", ["/tmp/elsewhere", "../../up", "..", "a/b", "a%2Fb", "größe", "x" * 250])
def test_no_name_of_an_experiment_moves_artifacts_out_of_the_stores_folder(name: str, store: str, tmp_path: Path) -> None:
    tracker = Tracker(store, experiment=name)
    track_training(tracker, training("ppo", TASKS[0]))
    found = client_of(store).get_experiment_by_name(name)
    location = local_path(found.artifact_location)
    assert location is not None
    assert location == tmp_path / "mlruns" / path_component(name)
    assert (location / str(tracker.run_id) / "artifacts" / "training.json").is_file()
    assert "training.json" in artifacts(store, tracker.run_id)


def test_different_names_have_different_folders() -> None:
    names = ["a/b", "a~2Fb", "a b", "a_b", ".", "..", "~2E", ".a", "a.", "a", *("x" * n for n in (199, 201, 240))]
    components = [path_component(name) for name in names]
    assert len(set(components)) == len(names)
    assert all(Path(component).name == component and len(component.encode()) < 255 for component in components)


# Secrets ----------------------------------------------------------------------------------------------------------------

SECRET = "http://ann-lee:s3cr%40t@127.0.0.1:{port}/?token=t0k3n"
PIECES = ("ann-lee", "YW5uLWxlZTpzM2NyQHQ=", "s3cr", "s3cr@t", "t0k3n")


class Refusing(BaseHTTPRequestHandler):
    """A server that repeats what it was asked, password and all."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.end_headers()
        self.wfile.write(f"no entry: {self.headers.get('Authorization')} {self.path} s3cr@t t0k3n".encode())

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def refusing() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield SECRET.format(port=server.server_port)
    server.shutdown()
    server.server_close()


def test_no_message_holds_a_secret_of_the_address(refusing: str, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    said = []
    for work in (
        lambda: Tracker(refusing),
        lambda: Tracker(SECRET.format(port=9)),
        lambda: ui_command(refusing, 5001),
        lambda: fetch_candidate("0" * 32, refusing, tmp_path),
        lambda: find_search("0" * 32, refusing),
    ):
        with pytest.raises(UserError) as caught:
            work()
        said.append(str(caught.value))
    for text in (*said, *capfd.readouterr()):
        assert not [piece for piece in PIECES if piece in text], text
    assert all("http://***@127.0.0.1" in text for text in said)


def test_what_is_left_on_the_disk_is_for_its_owner_alone(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = SECRET.format(port=9)
    monkeypatch.setattr("discover_mlflow.tracker.check_tracking", lambda *_: None)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "pa55word")
    info = search_info(tmp_path, registry)
    failed = RuntimeError(f"{address} says no to pa55word")
    with pytest.warns(TrackingWarning) as caught:
        tracker = tracked(address, info, range(1), lambda t: t.discover_search_failed(info, failed), patience=2.0)
    facts = str(tracker.discover_command_finished())
    assert "'ledger'" in facts
    assert "'run_id'" not in facts
    texts = [facts, *(str(one.message) for one in caught)]
    for file in (one for one in (tmp_path / "tracking").rglob("*") if one.is_file()):
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            texts.append(file.read_text(errors="replace"))
    for text in texts:
        assert not [piece for piece in (*PIECES, "pa55word") if piece in text], text
    assert load_state(tmp_path / "tracking", address).address == address
    assert stat.S_IMODE((tmp_path / "tracking" / "state.json").stat().st_mode) == 0o600


def test_another_password_is_the_same_store(tmp_path: Path) -> None:
    from discover_mlflow.sent import State, save_state

    save_state(tmp_path, State("http://ann:old@host", "run", "1", 7))
    assert load_state(tmp_path, "http://ann:new@host") == State("http://ann:new@host", "run", "1", 7)
    assert load_state(tmp_path, "http://other").run_id == ""


def test_an_address_without_its_scheme_shows_no_secret() -> None:
    with pytest.raises(UserError) as caught:
        check_tracking("ann:s3cret@host")
    assert str(caught.value).startswith("the tracking store '***@host' cannot be used ('***'): ")
    assert "s3cret" not in without_secrets("no s3cret for ann", "ann:s3cret@host")
    assert [public_address(path) for path in ("a@b", "/a:b/c@d")] == ["a@b", "/a:b/c@d"]


def test_secrets_are_hidden_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    assert public_address("http://u:p@h:1/x?a=b&c") == "http://***@h:1/x?a=***&***"
    assert public_address("postgresql://u:p/@q@h/db") == "postgresql://***@h/db"
    assert public_address("sqlite:////home/me@work/a.db") == "sqlite:////home/me@work/a.db"
    assert public_address("http://host:5000") == "http://host:5000"
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "abc")
    assert without_secrets("token abc of abcdef", "http://host") == "token *** of abcdef"
    assert without_secrets("at HTTPConnectionPool(host='h'): /x?key=verysecret", "http://h/?key=verysecret").endswith("key=***")


def test_a_password_is_not_on_the_command_line_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("discover_mlflow.page.check_tracking", lambda *_, **__: None)
    monkeypatch.setenv("MLFLOW_BACKEND_STORE_URI", "")
    address = "postgresql://ann:s3cret@host/db"
    assert "s3cret" not in " ".join(ui_command(address, 5001))
    assert os.environ["MLFLOW_BACKEND_STORE_URI"] == address


# What MLflow says -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.filterwarnings("always::FutureWarning")
def test_what_mlflow_says_goes_into_a_log_beside_the_ledger(
    store: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any) -> None:
        logging.getLogger("mlflow.store.db.utils").error("many\nlines\n" * 50)
        logging.getLogger("sqlalchemy.pool.impl").error("a pool")
        warnings.warn("the old ways end", FutureWarning, stacklevel=1)
        raise ConnectionError("refused")

    monkeypatch.setattr("discover_mlflow.run.Run.metrics", failing)
    written(
        tmp_path,
        ("run", {"experiment": "e", "name": "n", "params": {}, "tags": {}, "key": "k"}),
        ("metrics", {"step": 0, "metrics": {"x": 1.0}}),
    )
    monkeypatch.setattr("discover_mlflow.__main__.send.__defaults__", (None, 5.0))  # until the store has made the run
    assert main([str(tmp_path), store]) == 1
    said = capfd.readouterr()
    assert said.out.startswith("run ")
    log = tmp_path / "mlflow.log"
    assert said.err.strip() == f"the tracking store '{store}' fails (refused; MLflow's own words lie in {log})"
    text = log.read_text()
    assert "many\nlines\n" in text
    assert "a pool" in text
    assert "the old ways end" in text
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_log_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from discover_mlflow import logs

    monkeypatch.setattr(logs, "_MOST_BYTES", 100)
    for _ in range(20):
        logs._append(tmp_path / "mlflow.log", "x" * 60)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["mlflow.log", "mlflow.log.1"]
    assert (tmp_path / "mlflow.log").stat().st_size < 200


def test_what_mlflow_has_to_say_of_itself_is_kept_from_warnings_on_and_never_less_than_somebody_asked_for() -> None:
    from discover_mlflow import logs

    logger = logging.getLogger("mlflow")
    before = logger.level
    try:
        for level, kept in ((logging.DEBUG, logging.WARNING), (logging.INFO, logging.WARNING), (logging.ERROR, logging.ERROR)):
            logger.setLevel(level)
            logs.take_over()
            assert logger.level == kept
    finally:
        logger.setLevel(before)


def test_mlflow_is_kept_from_sending_usage_data_and_from_printing(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in stores._SETTINGS:
        monkeypatch.setenv(name, "")  # so that what is there now comes back
        monkeypatch.delenv(name)
    stores.client_of(store)
    assert {name: os.environ.get(name) for name in stores._SETTINGS} == stores._SETTINGS


def test_a_log_that_nobody_names_is_removed_and_one_that_an_error_names_stays() -> None:
    from discover_mlflow import logs

    with logs.diverted_aside() as log:
        assert log.is_file()
    assert not log.exists()
    for named in (False, True):
        with pytest.raises(ConnectionError), logs.diverted_aside() as log:
            raise ConnectionError(f"refused; see {log if named else 'nothing'}")
        assert log.exists() == named
    log.unlink()
