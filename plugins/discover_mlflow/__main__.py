"""Send what a tracking store lacks of a run: ``python -m discover_mlflow FOLDER [ADDRESS]``.

FOLDER holds the ledger (``tracking`` in a search's directory); ADDRESS is where it was sent before, unless given.
"""

from __future__ import annotations

import sys
from pathlib import Path

from discover import UserError
from discover_mlflow.ledger import ledger_path, stored_address
from discover_mlflow.sender import Sender
from discover_mlflow.stores import check_tracking, resolve_store


def main(arguments: list[str]) -> int:
    if len(arguments) not in (1, 2):
        print("usage: python -m discover_mlflow FOLDER [ADDRESS]", file=sys.stderr)
        return 2
    try:
        return send(Path(arguments[0]), arguments[1] if len(arguments) == 2 else None)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2


def send(folder: Path, address: str | None = None, patience: float = 30.0) -> int:
    """Send a ledger; returns 0 if all of it has arrived, else 1."""
    if not ledger_path(folder).is_file():
        raise UserError(f"'{folder}' holds no ledger ({ledger_path(folder).name}): give the folder 'tracking' of a search.")
    store = resolve_store(address or stored_address(folder))
    check_tracking(store)
    sender = Sender(folder, store)
    sender.start()
    left = sender.finish(patience)
    while not sender.problems.empty():
        print(sender.problems.get(), file=sys.stderr)
    print(f"run {sender.run_id} in {store}" + (f", {left} records left" if left else ""))
    return int(left > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
