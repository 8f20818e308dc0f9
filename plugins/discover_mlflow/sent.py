"""The progress of sending a ledger to a store, in a file beside the ledger."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from discover_mlflow.addresses import HIDDEN, public_address, sqlite_address, sqlite_path
from discover_mlflow.files import write_aside
from discover_mlflow.sqlite_check import has_run


class State(NamedTuple):
    """The progress of sending a ledger to a store.

    Attributes:
        address: of the store. In the file there is its place relative to the ledger too, if it is a SQLite file.
        run_id, experiment_id: of the run there, empty before there is one.
        sent: number of bytes of the ledger that were sent or refused.
        refused: the first bytes of the records that the store has refused.
        version: address of the champion in the store's registry of models, empty before it is there.
        below: ids of the runs below that run, by name.
    """

    address: str
    run_id: str = ""
    experiment_id: str = ""
    sent: int = 0
    refused: tuple[int, ...] = ()
    version: str = ""
    below: Mapping[str, str] = MappingProxyType({})

    def id_of(self, name: str) -> str:
        """The id of the ledger's own run (an empty name) or of one below it; empty before there is one."""
        return self.below.get(name, "") if name else self.run_id


def load_state(folder: Path, address: str) -> State:
    """The progress of sending the ledger to ``address``; none if it was sent elsewhere."""
    stored = _stored(folder)
    same = stored is not None and _without_user(stored.address) == _without_user(address)
    return stored._replace(address=address) if stored is not None and same else State(address)


def save_state(folder: Path, state: State) -> None:
    """Replace the state as a whole; no other user may read it, since the address may hold a password."""
    path = sqlite_path(state.address)
    nearby = {} if path is None else {"nearby": os.path.relpath(path, folder.absolute())}
    fields = state._asdict() | {"below": dict(state.below)} | nearby
    write_aside(folder / "state.json", json.dumps(fields).encode(), 0o600)


def stored_address(folder: Path) -> str | None:
    """The address that a ledger was sent to; None if it was never sent."""
    stored = _stored(folder)
    return None if stored is None else stored.address


def _stored(folder: Path) -> State | None:
    """The state that was saved; None also if it cannot be read, since a record that is sent twice is there once."""
    try:
        fields = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        known = {name: fields[name] for name in State._fields if name in fields}
        state = State(**known)._replace(refused=tuple(known.get("refused", ())))
        return state._replace(address=_present_address(folder, state, fields.get("nearby")))
    except (OSError, ValueError, TypeError, KeyError, sqlite3.Error):
        return None


def _present_address(folder: Path, state: State, nearby: str | None) -> str:
    """The address of a state; that of the SQLite file near the ledger, if both were moved or copied together."""
    if nearby is None:
        return state.address
    path = Path(os.path.normpath(folder.absolute() / nearby))
    moved = path != sqlite_path(state.address) and path.is_file() and (not state.run_id or has_run(path, state.run_id))
    return sqlite_address(path) if moved else state.address


def _without_user(address: str) -> str:
    """The part of an address that is the same for all users of a store."""
    return public_address(address).replace(f"{HIDDEN}@", "")
