"""The ledger of a run: a file of JSON lines that is the truth of what was tracked, whatever becomes of the store.

A line is a record ``{"kind": ..., "time": milliseconds, ...}``:

======== ==================================================================================================================
run      ``experiment``, ``name``, ``params``, ``tags``: begins the run
metrics  ``step``, ``metrics``; of a generation also ``fitness`` and ``status`` of the whole population, and ``errors``;
         ``parents`` and ``numbers`` where lifetimes go on
tags     ``tags``
artifact ``path`` below the folder ``artifacts`` beside the ledger
model    ``path`` of a candidate file below ``artifacts``, ``name``, ``params``
status   ``status`` of the run: RUNNING, FINISHED, FAILED or KILLED
======== ==================================================================================================================
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class State(NamedTuple):
    """How far a ledger has been sent, and where to: ``sent`` bytes of it."""

    address: str
    run_id: str = ""
    experiment_id: str = ""
    sent: int = 0


class Ledger:
    """Appends records. Each is on its way to the disk when `append` returns, so that a killed process loses none."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.artifacts = folder / "artifacts"
        _drop_cut_line(ledger_path(folder))
        self._file = ledger_path(folder).open("ab")

    def append(self, kind: str, **content: Any) -> None:
        record = {"kind": kind, "time": time.time_ns() // 1_000_000, **content}
        self._file.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def ledger_folder(directory: Path) -> Path:
    """Where the ledger of the search in ``directory`` lies."""
    return directory / "tracking"


def ledger_path(folder: Path) -> Path:
    return folder / "ledger.jsonl"


def records(folder: Path, start: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """The complete records from byte ``start`` on, each with the byte at which it ends."""
    path = ledger_path(folder)
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return
            start += len(line)
            yield start, json.loads(line)


def load_state(folder: Path, address: str) -> State:
    """How far the ledger has been sent to ``address``; not at all if it has been sent elsewhere."""
    path = folder / "state.json"
    stored = State(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else State(address)
    return stored if stored.address == address else State(address)


def save_state(folder: Path, state: State) -> None:
    aside = folder / ".state.json.new"
    aside.write_text(json.dumps(state._asdict()), encoding="utf-8")
    os.replace(aside, folder / "state.json")


def stored_address(folder: Path) -> str | None:
    """Where a ledger is sent to, None before it is."""
    path = folder / "state.json"
    return json.loads(path.read_text(encoding="utf-8"))["address"] if path.exists() else None


def packed(values: Any, dtype: str) -> str:
    """Numbers as the base64 text of their little-endian bytes: exact, and quick to write."""
    return base64.b64encode(np.ascontiguousarray(values, np.dtype(dtype).newbyteorder("<")).tobytes()).decode()


def unpacked(text: str, dtype: str) -> np.ndarray:
    """The numbers that `packed` wrote."""
    return np.frombuffer(base64.b64decode(text), np.dtype(dtype).newbyteorder("<")).astype(dtype)


def _drop_cut_line(path: Path) -> None:
    """Remove the half-written last line that a killed process leaves."""
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
