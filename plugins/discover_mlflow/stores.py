"""Tracking stores: checks of whether they answer, and MLflow's client for them."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from discover import UserError
from discover_mlflow import logs
from discover_mlflow.addresses import (
    client_address,
    public_address,
    resolve_store,
    sqlite_path,
    without_secrets,
)
from discover_mlflow.drivers import check_driver
from discover_mlflow.experiments import EXPERIMENT, experiment_of
from discover_mlflow.new_store import create_store
from discover_mlflow.sqlite_check import StoreError, check_sqlite, deleted_experiment, deleted_run, refusal

if TYPE_CHECKING:
    from mlflow import MlflowClient

_CHECK = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
_CHECK_SECONDS = 20.0  # that a store may take to answer
_LONGEST_NAME = 250  # characters of an experiment's name, as the tables of MLflow hold it
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


class Place(NamedTuple):
    """The identity of a SQLite store's file, whatever happens at its path later; zeros for any other store."""

    device: int = 0
    number: int = 0


def experiment_name(name: str | None = None) -> str:
    """The name of the experiment, by default from the environment.

    >>> experiment_name("pendulum")
    'pendulum'

    Raises:
        UserError: MLflow accepts no such name.
    """
    name = name or os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise UserError(
            f"MLFLOW_EXPERIMENT_NAME {name[:60]!r} cannot name an experiment: give 1 to {_LONGEST_NAME} printable characters."
        )
    return name


def check_tracking(address: str, experiment: str | None = EXPERIMENT, run_id: str = "") -> None:
    """Check, within seconds, that a store accepts a run; SQLite files without importing MLflow.

    Args:
        address: of the store.
        experiment: experiment of the run; None if the store is only read.
        run_id: id of the run that goes on, if it is in the store.

    Raises:
        UserError: it does not; the message has the reason and the remedy.
    """
    try:
        _check(address, experiment, run_id)
    except StoreError as error:
        if experiment is not None:
            raise
        raise error.of_reading() from None


def _check(address: str, experiment: str | None, run_id: str) -> None:
    path = sqlite_path(address)
    if path is not None:
        check_sqlite(address, path, experiment, run_id)
        return
    if address.startswith("sqlite:"):
        raise refusal(address, "it is in memory, so that it ends with this process")
    check_driver(address)
    with logs.diverted_aside() as log, quick_requests():
        try:
            _within(_CHECK_SECONDS, lambda: _check_remote(address, experiment, run_id, log))
        except UserError:
            raise
        except Exception as error:
            reason = root_cause(error, address) + logs.log_clause(log)
            raise refusal(public_address(address), reason, _remedy(error, address)) from None


def existing_store(address: str | None) -> str:
    """The address of a store that exists and answers.

    Raises:
        UserError: it does not.
    """
    store = resolve_store(address)
    path = sqlite_path(store)
    if path is not None and not path.exists():
        raise UserError(f"there is no tracking store at '{store}': name one with --tracking, or set MLFLOW_TRACKING_URI.")
    check_tracking(store, experiment=None)
    return store


def quick_requests() -> AbstractContextManager[None]:
    """Requests to a server fail within seconds meanwhile, instead of minutes."""
    return _environment(_CHECK)


def client_of(address: str) -> MlflowClient:
    """MLflow's client of a store. The first call imports MLflow, without usage data and without prints."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    logs.take_over()
    path = sqlite_path(address)
    if path is not None and (not path.exists() or not path.stat().st_size):
        create_store(path)
    place = client_address(address)
    return MlflowClient(tracking_uri=place, registry_uri=place)


def place_of(address: str) -> Place:
    """The identity of a store's file now."""
    path = sqlite_path(address)
    with contextlib.suppress(OSError):
        if path is not None:
            status = path.stat()
            return Place(status.st_dev, status.st_ino)
    return Place()


def root_cause(error: BaseException, address: str) -> str:
    """One line on an error: that of its innermost cause, without the secrets of a store's address."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    reason: Any = getattr(error, "reason", None)
    text = str(reason if isinstance(reason, BaseException) else error).strip() or type(error).__name__
    return without_secrets(text, address).splitlines()[0][:200].rstrip(".")


def _check_remote(address: str, experiment: str | None, run_id: str, log: Path) -> None:
    """Check a store's experiment, which is created if there is none, and the run."""
    logs.divert(log)
    client = client_of(address)
    if experiment is None:
        client.search_experiments(max_results=1)
        return
    known = client.get_experiment(experiment_of(client, address, experiment))
    if known.lifecycle_stage == "deleted":
        raise deleted_experiment(public_address(address), experiment, known.experiment_id)
    if run_id and _is_deleted(client, run_id):
        raise deleted_run(public_address(address), run_id)


def _is_deleted(client: MlflowClient, run_id: str) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(run_id).info.lifecycle_stage == "deleted"
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False  # a new run begins


def _remedy(error: BaseException, address: str) -> str:
    """The first remedy for a store that does not work; empty if there is none in particular."""
    if "out-of-date database schema" in str(error) or "Can't locate revision" in str(error):
        return f"bring MLflow and the store to one version (mlflow db upgrade '{public_address(address)}'), "
    return "start its server, " if "://" in address else ""


def _within(seconds: float, work: Callable[[], None]) -> None:
    """Call a function in a thread, and abandon the thread if it takes too long."""
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
