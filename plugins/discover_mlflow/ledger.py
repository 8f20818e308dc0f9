"""The ledger of a run, and of those below it: a file of JSON lines with all that was tracked, whatever happens to the store.

A line is a record ``{"kind": ..., "time": milliseconds, ...}``:

======== ==================================================================================================================
run      ``experiment``, ``name``, ``params``, ``tags``: begins the run; ``key`` identifies it, ``parent`` is the
         key of the run that it is filed below, if any
metrics  ``step``, ``metrics``; of a generation also its ``generation``, ``fitness`` and ``status`` of the whole population,
         and ``errors``; ``parents`` and ``numbers`` where lifetimes go on
curves   ``steps``, and by metric a list of as many values, null where there is none
tags     ``tags``
artifact ``path`` below the folder ``artifacts`` beside the ledger, and its ``sha256``
model    ``path`` of a candidate file below ``artifacts``, ``name``, ``params``
version  ``sha256`` of the candidate file of a model: it becomes a version of the registered model ``name``; ``search``,
         ``about`` of the registered model, ``tags`` and ``description`` of the version, ``promote`` if it is to hold the alias
status   ``status`` of the run: RUNNING, FINISHED, FAILED or KILLED
======== ==================================================================================================================

A record of a run below the ledger's own one (a candidate of a comparison, say) has the name of that run as ``of``. Of records
of a run with the same ``once``, each differs from the one before it by its ``mark``.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from discover import UserError
from discover_mlflow.addresses import path_component
from discover_mlflow.files import sync_folder, write_all, write_aside


class Entry(NamedTuple):
    """The line of a record, and the file that must be written before it."""

    line: bytes
    path: Path | None = None
    content: bytes = b""


class Ledger:
    """Appends records, in order. A record that a full disk rejects waits in memory, and is the first that is written later."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        _drop_cut_line(ledger_path(folder))
        self._file = os.open(ledger_path(folder), os.O_RDWR | os.O_CREAT, 0o644)
        sync_folder(folder)
        self._end = self._durable = os.fstat(self._file).st_size
        self._waiting: list[Entry] = []  # not in the file
        self._written: list[Entry] = []  # in the file, but not surely on the disk

    @property
    def waiting(self) -> int:
        """The number of records that are in memory alone."""
        return len(self._waiting)

    def append(self, entry: Entry) -> None:
        """Append a record, after the file that it names.

        Raises:
            OSError: it cannot be written now; it waits, and `write` tries again.
        """
        self._waiting.append(entry)
        self.write()

    def write(self) -> None:
        """Write the records that are waiting.

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
        """Make all records durable.

        Raises:
            OSError: they are not. Those that the disk may lack are written again next time.
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
        """Close the file."""
        os.close(self._file)


def is_beginning(folder: Path) -> bool:
    """Whether a file without a whole record is the beginning of a ledger, whose process ended while it wrote the first."""
    text = ledger_path(folder).read_bytes()
    start = record_line("run")[: len(b'{"kind":"run"')]
    return b"\n" not in text and text[: len(start)] == start[: len(text)]


def record_line(kind: str, **content: Any) -> bytes:
    """A record with the present time, as a line of a ledger."""
    record = {"kind": kind, "time": time.time_ns() // 1_000_000, **content}
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def ledger_folder(directory: Path) -> Path:
    """The folder of the ledger of the search in ``directory``."""
    return directory / "tracking"


def ledger_path(folder: Path) -> Path:
    """The file of the ledger in ``folder``."""
    return folder / "ledger.jsonl"


def artifacts_folder(folder: Path, name: str = "") -> Path:
    """The folder for the artifacts of the ledger's own run, or of one below it."""
    return folder / "runs" / path_component(name) if name else folder / "artifacts"


def generation_of(record: Mapping[str, Any]) -> int:
    """The number of a generation from its record; earlier versions had it as the step."""
    return record.get("generation", record["step"])


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
    """Make a ledger durable: a store must not have records that the ledger may lose.

    Raises:
        OSError: it is not durable.
    """
    file = os.open(ledger_path(folder), os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def first_record(folder: Path) -> dict[str, Any]:
    """The record that begins the run of a ledger; empty if there is none."""
    return next((record for _, record in records(folder) if record["kind"] == "run"), {})


def _record(path: Path, line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict) or "kind" not in record:
        raise UserError(f"'{path}' is no ledger, or is damaged (a line is no record: {line[:40]!r}): move it away.")
    return record


def _drop_cut_line(path: Path) -> None:
    """Remove the half-written last line that a killed process leaves."""
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
