"""Send those records of a run that a tracking store lacks: ``python -m discover_mlflow FOLDER [ADDRESS]``.

FOLDER holds the ledger (``tracking`` in a search's directory); ADDRESS is that of the store, by default the
one it was sent to before. A run whose process ended before it could say so is KILLED from then on.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from discover import UserError, directory_lock, run_program
from discover_mlflow.addresses import public_address, resolve_store
from discover_mlflow.ledger import first_record, ledger_folder, ledger_path, records
from discover_mlflow.sender import Sender
from discover_mlflow.sent import load_state, stored_address
from discover_mlflow.stores import check_tracking


def main(arguments: list[str]) -> int:
    """Send the ledger that the command line names; returns the exit status."""
    if len(arguments) not in (1, 2):
        print("usage: python -m discover_mlflow FOLDER [ADDRESS]", file=sys.stderr)
        return 2
    try:
        return send(Path(arguments[0]), arguments[1] if len(arguments) == 2 else None)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2


def send(folder: Path, address: str | None = None, patience: float = 30.0) -> int:
    """Send a ledger; returns 0 if all of it has arrived, else 1.

    Raises:
        UserError: there is no ledger, the store cannot be used, or another process works in the search's directory.
    """
    if not ledger_path(folder).is_file():
        raise UserError(f"'{folder}' holds no ledger ({ledger_path(folder).name}): give the folder 'tracking' of a search.")
    store = resolve_store(address or stored_address(folder))
    with _locked(folder):
        beginning = first_record(folder)
        if not beginning:
            raise UserError(f"the ledger in '{folder}' has no run yet, so that there is nothing to send.")
        _check_parent(folder, beginning.get("parent"), store)
        check_tracking(store, beginning["experiment"], load_state(folder, store).run_id)
        sender = Sender(folder, store, alone=True)
        sender.start()
        left = sender.finish(patience, "" if _has_ended(folder) else "KILLED")
    while not sender.problems.empty():
        print(sender.problems.get(), file=sys.stderr)
    if sender.run_id is None:
        print(f"no run in {public_address(store)} yet: {left} records are kept in {folder}")
    else:
        print(f"run {sender.run_id} in {public_address(store)}" + (f", {left} records left" if left else ""))
    return int(left > 0)


def _has_ended(folder: Path) -> bool:
    """Whether the ledger says how its own run ended."""
    said = [record["status"] for _, record in records(folder) if record["kind"] == "status" and "of" not in record]
    return bool(said) and said[-1] != "RUNNING"


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the directory of the search that a ledger belongs to, or the ledger's own folder."""
    place = folder.absolute()
    with directory_lock(place.parent if place == ledger_folder(place.parent) else place):
        yield


def _check_parent(folder: Path, key: str | None, store: str) -> None:
    """Check that the run above this one has been sent, if its ledger is known.

    Raises:
        UserError: it has not been sent.
    """
    above = ledger_folder(folder.absolute().parent.parent)
    if key is not None and first_record(above).get("key") == key and not load_state(above, store).run_id:
        raise UserError(f"the run above that of '{folder}' is not in the store yet: send '{above}' first.")


if __name__ == "__main__":
    run_program(lambda: main(sys.argv[1:]))
