"""Mend a SQLite store that was moved or copied: ``python -m discover_mlflow.relocate mlflow.db``.

The artifacts belong into the folder ``mlruns`` beside the file. Their addresses are rewritten in the file, and with them the
directories of searches in the same folder. Nothing is written anywhere else; the files in the old place are left as they are.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

from discover import UserError, run_program
from discover_mlflow.addresses import sqlite_address, sqlite_path
from discover_mlflow.moved import FOLDER_TAG, former_folder
from discover_mlflow.sqlite_check import locked_store
from discover_mlflow.tags import DIRECTORY_TAG

_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def main(arguments: list[str]) -> int:
    """Relocate the store that the command line names; returns the exit status."""
    if len(arguments) != 1:
        print("usage: python -m discover_mlflow.relocate FILE", file=sys.stderr)
        return 2
    try:
        folder, count = relocate(sqlite_path(arguments[0]) or Path(arguments[0]).absolute())
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    if folder is None:
        print("the store is in its place: nothing to do")
        return 0
    artifacts = (sqlite_path(arguments[0]) or Path(arguments[0]).absolute()).parent / "mlruns"
    print(f"{count} addresses below {folder} lead to {artifacts.parent} now")
    if not artifacts.exists():
        print(f"the artifacts are not there yet: move or copy {folder / 'mlruns'} to {artifacts}")
    return 0


def relocate(path: Path) -> tuple[Path | None, int]:
    """Rewrite the addresses of artifacts in a SQLite store that was moved or copied to ``path``.

    Returns:
        The folder that it came from, None if it is in its place; and the number of addresses that were rewritten.

    Raises:
        UserError: it is no store of this MLflow, or cannot be written.
    """
    if not path.is_file():
        raise UserError(f"there is no store at '{path}': give the path of its file, such as mlflow.db.")
    count = 0
    with locked_store(sqlite_address(path), path) as database:
        folder = former_folder(database, path)
        if folder is not None:
            count = _rewrite(database, folder, path.parent)
            database.execute("COMMIT")
    return folder, count


def _rewrite(database: sqlite3.Connection, old: Path, new: Path) -> int:
    """Replace the beginnings of all addresses below one folder by another; returns their number."""
    count = 0
    for before, after in ((f"{old.as_uri()}/", f"{new.as_uri()}/"), (f"{old}/", f"{new}/")):
        for table, column in _COLUMNS:
            statement = f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?"
            count += database.execute(statement, [after, len(before) + 1, len(before), before]).rowcount
        search = "UPDATE tags SET value = ? || substr(value, ?) WHERE key = ? AND substr(value, 1, ?) = ?"
        database.execute(search, [after, len(before) + 1, DIRECTORY_TAG, len(before), before])
    database.execute("UPDATE experiment_tags SET value = ? WHERE key = ? AND value = ?", [str(new), FOLDER_TAG, str(old)])
    return count


if __name__ == "__main__":
    run_program(lambda: main(sys.argv[1:]))
