"""New stores: a SQLite file with MLflow's tables, which appears as a whole."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from pathlib import Path

from discover_mlflow.addresses import client_address, sqlite_address
from discover_mlflow.files import put_new

_SECONDS = 30.0  # that another process may take to fill the same file


def create_store(path: Path) -> None:
    """Create a store elsewhere and move it to its place as a whole: no killed process leaves half of its tables.

    Args:
        path: of a file that does not exist, or is empty.
    """
    from mlflow import MlflowClient

    with tempfile.TemporaryDirectory(prefix="discover-mlflow-") as folder:
        new = Path(folder) / "mlflow.db"
        place = client_address(sqlite_address(new))
        MlflowClient(tracking_uri=place, registry_uri=place).search_experiments(max_results=1)
        if path.exists():
            fill(path, new)
        else:
            put_new(path, new.read_bytes())


def fill(path: Path, new: Path) -> None:
    """Copy the tables of a new store into an empty file in one transaction, unless another process has done so by then."""
    connect = contextlib.closing(sqlite3.connect(path, timeout=_SECONDS, isolation_level=None))
    with contextlib.closing(sqlite3.connect(new)) as source, connect as database:
        database.execute("BEGIN IMMEDIATE")
        if database.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
            for statement in source.iterdump():
                if statement not in ("BEGIN TRANSACTION;", "COMMIT;"):
                    database.execute(statement)
        database.execute("COMMIT")
