"""The fitness of whole populations, read back from a ledger."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np

from discover_mlflow.files import write_aside
from discover_mlflow.ledger import generation_of, records
from discover_mlflow.packing import unpack

CHUNK = 100
"""Generations per file of the population's fitness."""


class History(NamedTuple):
    """Generations of a search.

    Attributes:
        generation: ``[G]``.
        fitness: ``[G, P]``.
        status: ``[G, P]``; 0 is a sound member.
    """

    generation: np.ndarray
    fitness: np.ndarray
    status: np.ndarray

    def sound(self) -> np.ndarray:
        """Fitness ``[G, P]``, NaN for broken members."""
        return np.where(self.status == 0, self.fitness, np.nan)


def history(folder: Path, chunk: int | None = None) -> History:
    """The fitness of all generations in a ledger, or of one chunk of them."""
    rows = {}
    for _, record in records(folder):
        if "fitness" in record and chunk in (None, generation_of(record) // CHUNK):
            rows[generation_of(record)] = (unpack(record["fitness"], "float32"), unpack(record["status"], "uint8"))
    generations = sorted(rows)
    fitness, status = (np.stack([rows[g][part] for g in generations]) if rows else np.zeros((0, 0)) for part in (0, 1))
    return History(np.asarray(generations, np.int64), fitness, status)


def write_chunk(folder: Path, chunk: int) -> str:
    """Write one chunk as an ``.npz`` artifact; returns its path below the artifacts."""
    first = chunk * CHUNK
    name = f"population/generations_{first:06d}-{first + CHUNK - 1:06d}.npz"
    path = folder / "artifacts" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **history(folder, chunk)._asdict())
    write_aside(path, file.getvalue())
    return name
