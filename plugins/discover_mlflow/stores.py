"""Tracking stores: their addresses, whether they answer, and MLflow's client for them."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discover import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient

DEFAULT = "sqlite:///mlflow.db"
"""A SQLite file in the working folder; artifacts lie in the folder ``mlruns`` beside it."""

_SQLITE = "sqlite:///"
_CHECK = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}


def resolve_store(address: str | None = None) -> str:
    """The address of a store: as given, else ``MLFLOW_TRACKING_URI``, else SQLite in the working folder.

    The path of a SQLite file is made absolute, so that the address means the same from everywhere.
    """
    chosen = address or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT
    path = sqlite_path(chosen)
    return chosen if path is None else f"{_SQLITE}{path}"


def sqlite_path(address: str) -> Path | None:
    """The file of a SQLite store, None for any other store."""
    return Path(address.removeprefix(_SQLITE)).absolute() if address.startswith(_SQLITE) else None


def check_tracking(address: str) -> None:
    """Find out, within seconds, whether a store can be used; SQLite files without importing MLflow.

    Raises:
        UserError: it cannot; the message says why and what to do.
    """
    path = sqlite_path(address)
    if path is not None:
        _check_sqlite(address, path)
        return
    try:
        with _environment(_CHECK):
            client_of(address).search_experiments(max_results=1)
    except Exception as error:
        raise UserError(
            f"the tracking store '{address}' cannot be used ({cause_of(error)}): start its server, give another address "
            f"with --tracking (such as {DEFAULT}), or leave tracking out with --no-tracking."
        ) from None


def client_of(address: str) -> MlflowClient:
    """MLflow's client of a store. The first call imports MLflow, which is kept from sending usage data and from printing."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    return MlflowClient(tracking_uri=address, registry_uri=address)


def experiment_of(client: MlflowClient, address: str, name: str) -> str:
    """The id of an experiment, made on first use; beside a SQLite file lie its artifacts too."""
    from mlflow.exceptions import MlflowException

    known = client.get_experiment_by_name(name)
    if known is not None:
        return known.experiment_id
    path = sqlite_path(address)
    try:
        return client.create_experiment(name, None if path is None else (path.parent / "mlruns" / name).as_uri())
    except MlflowException:  # another process was first
        known = client.get_experiment_by_name(name)
        if known is None:
            raise
        return known.experiment_id


def ui_command(address: str | None, port: int) -> Sequence[str]:
    """The command line of MLflow's web page for a local store, on the loopback address alone.

    Raises:
        UserError: the store is a server, which has a page of its own, or cannot be used.
    """
    store = resolve_store(address)
    if store.startswith(("http://", "https://")):
        raise UserError(f"the tracking store '{store}' is a server: open that address in a browser.")
    check_tracking(store)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    ours = ["--backend-store-uri", store, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    return [sys.executable, "-m", "mlflow", "server", *ours]


def cause_of(error: BaseException) -> str:
    """The shortest telling line of an error: that of its innermost cause."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    reason: Any = getattr(error, "reason", None)
    text = str(reason if isinstance(reason, BaseException) else error).strip() or type(error).__name__
    return text.splitlines()[0][:200].rstrip(".")


def _check_sqlite(address: str, path: Path) -> None:
    remedy = f"give another address with --tracking (such as {DEFAULT}), or leave tracking out with --no-tracking."
    if not path.parent.is_dir():
        raise UserError(f"the tracking store '{address}' cannot be used (there is no folder {path.parent}): {remedy}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UserError(f"the tracking store '{address}' cannot be used ({path} cannot be written): {remedy}")
    try:
        if path.exists():
            with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
                database.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.DatabaseError as error:
        raise UserError(f"the tracking store '{address}' cannot be used ({error}): {remedy}") from None


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
