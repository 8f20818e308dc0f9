"""Tracking stores: whether they answer, and MLflow's client for them."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from discover import UserError
from discover_mlflow import logs
from discover_mlflow.addresses import client_address, component, resolve_store, scrubbed, shown, sqlite_address, sqlite_path
from discover_mlflow.files import put_new
from discover_mlflow.sqlite_check import check_sqlite, deleted_experiment, deleted_run, refused

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "discover"
"""Under which runs are filed, unless ``MLFLOW_EXPERIMENT_NAME`` or the tracker's argument says otherwise."""

_CHECK = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
_CHECK_SECONDS = 20.0  # for a store that is neither a file nor a server to answer
_LONGEST_NAME = 250  # characters of an experiment's name, as the tables of MLflow hold it
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


class Place(NamedTuple):
    """Which file a SQLite store is, however its path is used later; nothing of any other store."""

    device: int = 0
    number: int = 0


def experiment_name(given: str | None = None) -> str:
    """The name of the experiment, as given or from the environment.

    Raises:
        UserError: MLflow takes no such name.
    """
    name = given or os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise UserError(
            f"MLFLOW_EXPERIMENT_NAME {name[:60]!r} cannot name an experiment: give 1 to {_LONGEST_NAME} printable characters."
        )
    return name


def check_tracking(address: str, experiment: str | None = EXPERIMENT, run_id: str = "") -> None:
    """Find out, within seconds, whether a store takes a run; SQLite files without importing MLflow.

    Args:
        address: of the store.
        experiment: under which the run is filed; None if the store is only read.
        run_id: of the run that is gone on with, if it is in the store.

    Raises:
        UserError: it does not; the message says why and what to do.
    """
    path = sqlite_path(address)
    if path is not None:
        check_sqlite(address, path, experiment, run_id)
        return
    if address.startswith("sqlite:"):
        raise refused(address, "it is in memory, so that it ends with this process")
    with logs.diverted_aside() as log, _environment(_CHECK):
        try:
            _within(_CHECK_SECONDS, lambda: _check_remote(address, experiment, run_id, log))
        except UserError:
            raise
        except Exception as error:
            why = root_cause(error, address) + logs.said(log)
            raise refused(shown(address), why, _remedy(error, address)) from None


def client_of(address: str) -> MlflowClient:
    """MLflow's client of a store. The first call imports MLflow, which is kept from sending usage data and from printing."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    logs.take_over()
    path = sqlite_path(address)
    if path is not None and not path.exists():
        _make(path)
    place = client_address(address)
    return MlflowClient(tracking_uri=place, registry_uri=place)


def experiment_of(client: MlflowClient, address: str, name: str) -> str:
    """The id of an experiment, made on first use; beside a SQLite file lie its artifacts too."""
    from mlflow.exceptions import MlflowException

    known = client.get_experiment_by_name(name)
    if known is not None:
        return known.experiment_id
    path = sqlite_path(address)
    try:
        return client.create_experiment(name, None if path is None else (path.parent / "mlruns" / component(name)).as_uri())
    except MlflowException:  # another process was first
        known = client.get_experiment_by_name(name)
        if known is None:
            raise
        return known.experiment_id


def place_of(address: str) -> Place:
    """Which file a store is now."""
    path = sqlite_path(address)
    with contextlib.suppress(OSError):
        if path is not None:
            found = path.stat()
            return Place(found.st_dev, found.st_ino)
    return Place()


def ui_command(address: str | None, port: int) -> Sequence[str]:
    """The command line of MLflow's web page for a local store, on the loopback address alone.

    Raises:
        UserError: the store is a server, which has a page of its own, or cannot be used.
    """
    store = resolve_store(address)
    if store.startswith(("http://", "https://")):
        raise UserError(f"the tracking store '{shown(store)}' is a server: open that address in a browser.")
    check_tracking(store, experiment=None)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    ours = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    if shown(store) == store:
        ours = ["--backend-store-uri", client_address(store), *ours]
    else:
        os.environ["MLFLOW_BACKEND_STORE_URI"] = store  # a command line can be read by everybody
    return [sys.executable, "-m", "mlflow", "server", *ours]


def root_cause(error: BaseException, address: str) -> str:
    """The shortest telling line of an error: that of its innermost cause; without the secrets of a store's address."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    reason: Any = getattr(error, "reason", None)
    text = str(reason if isinstance(reason, BaseException) else error).strip() or type(error).__name__
    return scrubbed(text, address).splitlines()[0][:200].rstrip(".")


def _check_remote(address: str, experiment: str | None, run_id: str, log: Path) -> None:
    """Have a store's answer on its experiment, which is made if there is none, and on the run."""
    logs.divert(log)
    client = client_of(address)
    if experiment is None:
        client.search_experiments(max_results=1)
        return
    known = client.get_experiment(experiment_of(client, address, experiment))
    if known.lifecycle_stage == "deleted":
        raise deleted_experiment(shown(address), experiment, known.experiment_id)
    if run_id and _is_deleted(client, run_id):
        raise deleted_run(shown(address), run_id)


def _is_deleted(client: MlflowClient, run_id: str) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(run_id).info.lifecycle_stage == "deleted"
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False  # it is begun anew


def _remedy(error: BaseException, address: str) -> str:
    """What to do about a store that does not work, before all else that can be done."""
    if "out-of-date database schema" in str(error) or "Can't locate revision" in str(error):
        return f"bring MLflow and the store to one version (mlflow db upgrade '{shown(address)}'), "
    return "start its server, " if "://" in address else ""


def _within(seconds: float, work: Callable[[], None]) -> None:
    """Do some work in a thread, which is left to itself if it takes too long."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="discover-mlflow-check", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"it does not answer within {seconds:g} s")
    if errors:
        raise errors[0]


def _make(path: Path) -> None:
    """Make an empty store elsewhere and let it take its place as a whole: no killed process leaves half of its tables."""
    from mlflow import MlflowClient

    with tempfile.TemporaryDirectory(prefix="discover-mlflow-") as folder:
        made = Path(folder) / "mlflow.db"
        place = client_address(sqlite_address(made))
        MlflowClient(tracking_uri=place, registry_uri=place).search_experiments(max_results=1)
        put_new(path, made.read_bytes())


@contextlib.contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
