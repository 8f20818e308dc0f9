"""Directories of searches that were moved, which go on with their run, or copied, which must not."""

from __future__ import annotations

from pathlib import Path

from discover import UserError
from discover_mlflow.ledger import first_record, ledger_folder, records
from discover_mlflow.moved import is_same
from discover_mlflow.sent import stored_address
from discover_mlflow.tags import DIRECTORY_TAG


def recorded_directory(folder: Path) -> Path | None:
    """The directory that the run of a ledger names as its own; None if it names none."""
    tags = [record["tags"] for _, record in records(folder) if DIRECTORY_TAG in record.get("tags", ())]
    return Path(tags[-1][DIRECTORY_TAG]) if tags else None


def is_moved(directory: Path) -> bool:
    """Whether the run of the search in a directory names another one."""
    recorded = recorded_directory(ledger_folder(directory))
    return recorded is not None and not is_same(recorded, directory)


def check_copy(directory: Path, store: str) -> None:
    """Check that the directory of a search is not a copy whose run goes on elsewhere.

    Raises:
        UserError: it is.
    """
    recorded = recorded_directory(ledger_folder(directory))
    if recorded is None or is_same(recorded, directory) or not ledger_folder(recorded).is_dir():
        return
    there, here = ledger_folder(recorded), ledger_folder(directory)
    if first_record(there).get("key") == first_record(here).get("key") and stored_address(there) == store:
        raise UserError(
            f"'{directory}' is a copy of '{recorded}', to which the run in the tracking store belongs: go on there, leave "
            f"tracking out with --no-tracking, or remove '{here}' so that the copy gets a run of its own."
        )
