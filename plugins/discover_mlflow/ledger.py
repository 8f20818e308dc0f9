"""The ledger of a run: a file of JSON lines that is the truth of what was tracked, whatever becomes of the store.

A line is a record ``{"kind": ..., "time": milliseconds, ...}``:

======== ==================================================================================================================
run      ``experiment``, ``name``, ``params``, ``tags``: begins the run; ``key`` tells it from all others, ``parent`` is the
         key of the run that it is filed below, if any
metrics  ``step``, ``metrics``; of a generation also ``fitness`` and ``status`` of the whole population, and ``errors``;
         ``parents`` and ``numbers`` where lifetimes go on
tags     ``tags``
artifact ``path`` below the folder ``artifacts`` beside the ledger, and its ``sha256``
model    ``path`` of a candidate file below ``artifacts``, ``name``, ``params``
status   ``status`` of the run: RUNNING, FINISHED, FAILED or KILLED
======== ==================================================================================================================

Of the records with the same ``once`` none says again, by its ``mark``, what the one before it says.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from discover import UserError
from discover_mlflow.addresses import HIDDEN, shown
from discover_mlflow.files import sync_folder, write_all, write_aside


class Entry(NamedTuple):
    """A record's line, and the file that must be there before it."""

    line: bytes
    path: Path | None = None
    content: bytes = b""


class Ledger:
    """Appends records, in order. What a full disk does not take is kept in memory, and goes first as soon as it does."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.artifacts = folder / "artifacts"
        _drop_cut_line(ledger_path(folder))
        self._file = os.open(ledger_path(folder), os.O_RDWR | os.O_CREAT, 0o644)
        sync_folder(folder)
        self._end = self._durable = os.fstat(self._file).st_size
        self._waiting: list[Entry] = []  # not in the file
        self._written: list[Entry] = []  # in the file, but not surely on the disk

    @property
    def waiting(self) -> int:
        """How many records are in memory alone."""
        return len(self._waiting)

    def append(self, entry: Entry) -> None:
        """Append a record, and before it write the file that it speaks of.

        Raises:
            OSError: it cannot be written now; it is kept, and `write` tries again.
        """
        self._waiting.append(entry)
        self.write()

    def write(self) -> None:
        """Write what is waiting.

        Raises:
            OSError: some of it cannot be written; the file ends with a whole record.
        """
        while self._waiting:
            entry = self._waiting[0]
            if entry.path is not None:
                entry.path.parent.mkdir(parents=True, exist_ok=True)
                write_aside(entry.path, entry.content)
            try:
                write_all(self._file, entry.line, self._end)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._file, self._end)
                raise
            self._end += len(entry.line)
            self._written.append(Entry(entry.line))
            del self._waiting[0]

    def sync(self) -> None:
        """Make all that was appended durable.

        Raises:
            OSError: it is not. What the disk may not have is written again next time.
        """
        self.write()
        try:
            os.fsync(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._durable)
            self._end = self._durable
            self._waiting, self._written = [*self._written, *self._waiting], []
            raise
        self._durable = self._end
        self._written.clear()

    def close(self) -> None:
        os.close(self._file)


class State(NamedTuple):
    """How far a ledger has been sent, and where to.

    Attributes:
        address: of the store.
        run_id, experiment_id: of the run there, empty before there is one.
        sent: bytes of the ledger that have been dealt with.
        refused: where among them the records begin that the store has refused.
    """

    address: str
    run_id: str = ""
    experiment_id: str = ""
    sent: int = 0
    refused: tuple[int, ...] = ()


def is_beginning(folder: Path) -> bool:
    """Whether a ledger without a whole record is one of ours, whose process ended while it wrote the first."""
    text = ledger_path(folder).read_bytes()
    start = record_line("run")[: len(b'{"kind":"run"')]
    return b"\n" not in text and text[: len(start)] == start[: len(text)]


def record_line(kind: str, **content: Any) -> bytes:
    """A record of now, as a line of a ledger."""
    record = {"kind": kind, "time": time.time_ns() // 1_000_000, **content}
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def ledger_folder(directory: Path) -> Path:
    """Where the ledger of the search in ``directory`` lies."""
    return directory / "tracking"


def ledger_path(folder: Path) -> Path:
    return folder / "ledger.jsonl"


def records(folder: Path, start: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """The complete records from byte ``start`` on, each with the byte at which it ends.

    Raises:
        UserError: a line is no record.
    """
    path = ledger_path(folder)
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return
            start += len(line)
            yield start, _record(path, line)


def make_durable(folder: Path) -> None:
    """Have all of a ledger on the disk: a store must not know what the ledger may yet lose.

    Raises:
        OSError: it is not.
    """
    file = os.open(ledger_path(folder), os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def first_record(folder: Path) -> dict[str, Any]:
    """The record that begins the run of a ledger; empty if there is none."""
    return next((record for _, record in records(folder) if record["kind"] == "run"), {})


def load_state(folder: Path, address: str) -> State:
    """How far the ledger has been sent to ``address``; not at all if it has been sent elsewhere."""
    stored = _stored(folder)
    same = stored is not None and _without_user(stored.address) == _without_user(address)
    return stored._replace(address=address) if stored is not None and same else State(address)


def save_state(folder: Path, state: State) -> None:
    """Replace the state as a whole; nobody else may read it, since the address may hold a password."""
    write_aside(folder / "state.json", json.dumps(state._asdict()).encode(), 0o600)


def stored_address(folder: Path) -> str | None:
    """Where a ledger is sent to, None before it is."""
    stored = _stored(folder)
    return None if stored is None else stored.address


def packed(values: Any, dtype: str) -> str:
    """Numbers as the base64 text of their little-endian bytes: exact, and quick to write."""
    return base64.b64encode(np.ascontiguousarray(values, np.dtype(dtype).newbyteorder("<")).tobytes()).decode()


def unpacked(text: str, dtype: str) -> np.ndarray:
    """The numbers that `packed` wrote."""
    return np.frombuffer(base64.b64decode(text), np.dtype(dtype).newbyteorder("<")).astype(dtype)


def _record(path: Path, line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict) or "kind" not in record:
        raise UserError(f"'{path}' is no ledger, or is damaged (a line is no record: {line[:40]!r}): move it away.")
    return record


def _stored(folder: Path) -> State | None:
    """The state that was saved; None also if it cannot be read, since sending anew doubles nothing."""
    try:
        found = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        known = {name: found[name] for name in State._fields if name in found}
        return State(**known)._replace(refused=tuple(known.get("refused", ())))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _without_user(address: str) -> str:
    """What is the same in all addresses of one store, whoever may use it with whatever password."""
    return shown(address).replace(f"{HIDDEN}@", "")


def _drop_cut_line(path: Path) -> None:
    """Remove the half-written last line that a killed process leaves."""
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
