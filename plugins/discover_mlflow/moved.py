"""SQLite stores that were moved or copied.

MLflow keeps the addresses of artifacts absolute: a relative one would depend on the working folder of each process. So those of
a store in another place lead to the old one. Such a store is refused, and ``python -m discover_mlflow.relocate`` mends it.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from discover_mlflow.addresses import local_path, path_component

FOLDER_TAG = "discover.store_folder"
"""The tag of an experiment with the folder of the store's file; its artifacts lie in ``mlruns`` there."""

_EXPERIMENTS = """
    SELECT experiments.name, experiments.artifact_location, experiment_tags.value FROM experiments
    LEFT JOIN experiment_tags ON experiment_tags.experiment_id = experiments.experiment_id AND experiment_tags.key = ?
"""


def home_of(name: str, location: str | None) -> Path | None:
    """The folder of the store that gave an experiment its place for artifacts; None if the place was chosen otherwise.

    >>> home_of("discover", "file:///data/mlruns/discover"), home_of("discover", "s3://bucket/mlruns/discover")
    (PosixPath('/data'), None)
    """
    folder = local_path(location or "s3:")
    if folder is None or folder.name != path_component(name) or folder.parent.name != "mlruns":
        return None
    return folder.parent.parent


def former_folder(database: sqlite3.Connection, path: Path) -> Path | None:
    """The folder from which a SQLite store was moved or copied to its present ``path``; None if it is in its place."""
    for name, location, tag in database.execute(_EXPERIMENTS, [FOLDER_TAG]):
        folder = Path(tag) if tag else home_of(name, location)
        if folder is not None and not is_same(folder, path.parent) and (tag or _was_left(folder, name, path)):
            return folder
    return None


def is_same(one: Path, other: Path) -> bool:
    """Whether two paths are those of one file or folder, whether it exists or not."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return one.absolute() == other.absolute()


def _was_left(folder: Path, name: str, path: Path) -> bool:
    """Whether an experiment without the tag, of an earlier version, has its artifacts in the place that its store has left."""
    return (folder / path.name).exists() or not (folder / "mlruns" / path_component(name)).exists()
