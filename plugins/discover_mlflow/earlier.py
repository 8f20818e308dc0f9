"""Ledgers that a search finds in its directory: checks, and what the store lacks of them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from discover import SearchInfo, UserError
from discover_mlflow import content
from discover_mlflow.addresses import sqlite_path
from discover_mlflow.ledger import first_record, is_beginning, ledger_folder, ledger_path, records
from discover_mlflow.sent import load_state
from discover_mlflow.session import Session, TrackingWarning
from discover_mlflow.sqlite_check import has_run


def ledgers_in(directory: Path) -> list[Path]:
    """The folders of the ledgers of a search and of those that ran inside it, and of nothing else."""
    outer = ledger_folder(directory)
    key = _first_record(outer).get("key")
    inside = [folder for folder in sorted(directory.glob("*/tracking")) if key and _first_record(folder).get("parent") == key]
    return [folder for folder in (outer, *inside) if _first_record(folder)]


def _first_record(folder: Path) -> dict[str, Any]:
    """The record that begins the run of a ledger; empty also if the file is no ledger."""
    try:
        return first_record(folder)
    except (UserError, OSError):
        return {}


def is_sent(folder: Path, address: str) -> bool:
    """Whether a store has all of a ledger, as far as can be known at once; also if there is no ledger."""
    path, place, state = ledger_path(folder), sqlite_path(address), load_state(folder, address)
    if not path.is_file():
        return True
    exists = place is not None and place.exists() and has_run(place, state.run_id)
    return exists and not state.refused and state.sent == path.stat().st_size


def check_ledger(folder: Path, search: SearchInfo) -> None:
    """Check that the folder for a search's ledger is empty or holds that search's own ledger.

    Raises:
        UserError: it holds something else.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    remedy = "move it away, or give another directory (--directory)."
    is_ledger = folder.is_dir() and ledger_path(folder).is_file()
    beginning = first_record(folder) if is_ledger else {}
    if not beginning and is_ledger and is_beginning(folder):
        return  # its disk was full, or it was killed, before its first record was whole
    if not beginning:
        raise UserError(f"'{folder}' is where the ledger of the search belongs, and holds something else: {remedy}")
    same = beginning.get("name") == search.name
    if not search.resumed_from:  # it was killed before its first checkpoint
        status = [record["status"] for _, record in records(folder) if record["kind"] == "status"]
        same = same and beginning.get("params") == content.search_params(search) and status[-1:] != ["FINISHED"]
    if not same:
        raise UserError(f"'{folder}' holds the ledger of another search ('{beginning.get('name')}'): {remedy}")


def warn_of_gaps(session: Session, search: SearchInfo) -> None:
    """Warn of generations before the checkpoint that are not in the ledger."""
    missing = sorted(set(range(search.resumed_from)) - session.generations)
    if missing:
        some = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
        text = (
            f"{len(missing)} generations before the checkpoint are not in {ledger_path(session.folder)}, nor tracked: {some}."
        )
        warnings.warn(text, TrackingWarning, stacklevel=3)
