"""Checks whether MLflow can use a SQLite file, without importing MLflow, which takes seconds."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shlex
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from discover import UserError
from discover_mlflow.addresses import DEFAULT, client_address, local_path
from discover_mlflow.moved import former_folder

_ANOTHER = f"give another address with --tracking (such as {DEFAULT})"
_LEAVE = f"{_ANOTHER}, or leave tracking out with --no-tracking."

_SECONDS = 5.0  # that another process may hold the file's lock
_TABLES = {"experiments", "runs", "alembic_version"}
_REVISIONS = "store/db_migrations/versions"


class StoreError(UserError):
    """A store cannot be used; ``address`` must be without secrets."""

    def __init__(self, address: str, reason: str, remedy: str, last: str = _LEAVE):
        super().__init__(f"the tracking store '{address}' cannot be used ({reason}): ", f"{remedy}{last}")
        self._parts = (address, reason, remedy)

    def of_reading(self) -> StoreError:
        """The same error for what reads the store, which cannot leave it out."""
        address, reason, remedy = self._parts
        return StoreError(address, reason, remedy, f"{'or ' if remedy else ''}{_ANOTHER}.")


def refusal(address: str, reason: str, remedy: str = "") -> StoreError:
    """The sentence on a store that cannot be used; ``address`` must be without secrets."""
    return StoreError(address, reason, remedy)


def check_sqlite(address: str, path: Path, experiment: str | None, run_id: str = "") -> None:
    """Check that a run can begin, or go on, in an experiment of a SQLite store.

    Raises:
        UserError: it cannot; the message has the reason and the remedy.
    """
    if not path.parent.is_dir():
        raise refusal(address, f"there is no folder {path.parent}")
    if path.is_dir():
        raise refusal(address, f"{path} is a folder")
    for place in (path.parent, path):
        if place.exists() and not os.access(place, os.W_OK):
            raise refusal(address, f"{place} cannot be written")
    if not path.exists():
        _check_folder(address, path.parent / "mlruns")
        return
    with locked_store(address, path) as database:
        _check_place(address, path, database)
        if experiment is not None:
            _check_run(address, path, database, experiment=experiment, run_id=run_id)


@contextlib.contextmanager
def locked_store(address: str, path: Path) -> Iterator[sqlite3.Connection]:
    """The database of a store that the installed MLflow can use, locked for writing; a change needs a ``COMMIT``.

    Raises:
        UserError: it is none.
    """
    try:
        with _locked(path) as database:
            _check_schema(address, path, database)
            yield database
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise refusal(address, str(error)) from None
        raise refusal(address, "another process holds its lock", "wait until that has ended, ") from None
    except sqlite3.DatabaseError as error:
        raise refusal(address, str(error)) from None


def has_run(path: Path, run_id: str) -> bool:
    """Whether a SQLite store has a run."""
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=_SECONDS)) as database:
        if "runs" not in _tables(database):
            return False
        return database.execute("SELECT 1 FROM runs WHERE run_uuid = ?", [run_id]).fetchone() is not None


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[sqlite3.Connection]:
    """The database, locked for writing."""
    place = f"{path.as_uri()}?mode=rw"
    with contextlib.closing(sqlite3.connect(place, uri=True, timeout=_SECONDS, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield database
        if database.in_transaction:
            database.execute("ROLLBACK")


def _tables(database: sqlite3.Connection) -> set[str]:
    return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _check_schema(address: str, path: Path, database: sqlite3.Connection) -> None:
    tables = _tables(database)
    if not tables:
        return  # MLflow creates its own
    if not tables >= _TABLES:
        raise refusal(address, f"{path} is a database, but not one of MLflow")
    revisions = {revision for (revision,) in database.execute("SELECT version_num FROM alembic_version")}
    known, newest = _revisions()
    if len(newest) != 1 or revisions == newest:  # the first: of an MLflow with its revisions elsewhere nothing is known
        return
    if not revisions:
        raise refusal(address, "its tables are not complete: the process that created them was ended", "move it away, ")
    if revisions <= known:
        command = f"mlflow db upgrade {shlex.quote(client_address(address))}"
        raise refusal(address, "it was made by an older MLflow", f"save a copy of it and run '{command}', ")
    raise refusal(address, "it was made by another, probably newer MLflow", "update MLflow (pip install -U mlflow), ")


def _check_place(address: str, path: Path, database: sqlite3.Connection) -> None:
    """Check that the addresses of a store's artifacts do not lead to the place from which it was moved or copied."""
    folder = former_folder(database, path) if _tables(database) else None
    if folder is not None:
        command = f"python -m discover_mlflow.relocate {shlex.quote(str(path))}"
        reason = f"it was moved or copied from {folder}, where the addresses of its artifacts lead"
        here = path.with_name("mlruns").exists()
        files = "" if here else f"move or copy {folder / 'mlruns'} beside it and "
        raise refusal(address, reason, f"{files}run '{command}', ")


def _revisions() -> tuple[set[str], set[str]]:
    """All schema revisions of the installed MLflow, and the newest of them."""
    spec = importlib.util.find_spec("mlflow")
    folder = Path(spec.origin).parent / _REVISIONS if spec is not None and spec.origin else Path()
    known: set[str] = set()
    before: set[str] = set()
    for file in folder.glob("*.py"):
        for name, values in re.findall(
            r"^(down_revision|revision)\b[^=\n]*=(.*)$", file.read_text(encoding="utf-8"), re.MULTILINE
        ):
            (known if name == "revision" else before).update(re.findall(r"['\"](\w+)['\"]", values))
    return known, known - before


def _check_run(address: str, path: Path, database: sqlite3.Connection, *, experiment: str, run_id: str) -> None:
    """Check that neither the experiment nor the run was deleted, and that the artifacts can be written."""
    if not _tables(database):
        return
    row = database.execute(
        "SELECT experiment_id, lifecycle_stage, artifact_location FROM experiments WHERE name = ?", [experiment]
    )
    number, stage, location = row.fetchone() or (None, "active", (path.parent / "mlruns").as_uri())
    if stage == "deleted":
        raise deleted_experiment(address, experiment, number)
    stage = database.execute("SELECT lifecycle_stage FROM runs WHERE run_uuid = ?", [run_id]).fetchone()
    if stage == ("deleted",):
        raise deleted_run(address, run_id)
    folder = local_path(location)
    if folder is not None:
        _check_folder(address, folder)


def deleted_experiment(address: str, experiment: str, number: object) -> UserError:
    """The sentence on an experiment that was deleted; ``number`` is its id."""
    command = f"MLFLOW_TRACKING_URI={shlex.quote(client_address(address))} mlflow experiments restore --experiment-id {number}"
    remedy = f"bring it back with '{command}', name another one for new runs with MLFLOW_EXPERIMENT_NAME, "
    return refusal(address, f"its experiment '{experiment}' has been deleted", remedy)


def deleted_run(address: str, run_id: str) -> UserError:
    """The sentence on a run that was deleted."""
    command = f"MLFLOW_TRACKING_URI={shlex.quote(client_address(address))} mlflow runs restore --run-id {run_id}"
    return refusal(address, f"run {run_id} has been deleted", f"bring it back with '{command}', ")


def _check_folder(address: str, folder: Path) -> None:
    """Check that a folder exists or can be created, and can be written to."""
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not nearest.is_dir():
        raise refusal(address, f"its artifacts would lie in {folder}, but {nearest} is not a folder")
    if not os.access(nearest, os.W_OK):
        raise refusal(address, f"its artifacts would lie in {folder}, but {nearest} cannot be written")
