"""The history of a search's population: genomes, fitness and status by generation, in files of 64 generations each.

A file is written at checkpoints, until it is full; so a checkpoint writes at most what is new and the last file once more, and
no generation costs more than another. Which generations a file holds depends on their number alone: a search that was killed
and resumed leaves the same bytes as one that was not.

Coordinates of weights are left out: they are many, and no plot shows them one by one.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from discover.base.errors import UserError
from discover.components.genes import Gene
from discover.components.space import Space
from discover.components.weights_domain import WeightsDomain
from discover.contract.events import Generation
from discover.storage.array_file import remove_leftovers, write_atomically
from discover.storage.zip_archive import array_in, damage, members_of, zip_of

HISTORY_FOLDER = "history"
"""The folder of the files in the directory of a search."""

CHUNK = 64
"""Generations per file."""

_NAME = r"generations_[0-9]{6,}\.npz"


class History(NamedTuple):
    """Generations of a search.

    Attributes:
        generation: ``[G]`` int32.
        env_steps: ``[G]`` int64, of all generations up to each.
        genomes: ``[G, P, K]`` float32: the coordinates of `genes_kept`.
        fitness: ``[G, P]`` float32.
        status: ``[G, P]`` int8 of `Status`.
        seeds: ``[G, P]`` int32: lifetimes of each member on each task that gave a curve; empty, or 0, where that is unknown.
    """

    generation: np.ndarray
    env_steps: np.ndarray
    genomes: np.ndarray
    fitness: np.ndarray
    status: np.ndarray
    seeds: np.ndarray = np.zeros((0, 0), np.int32)


class HistoryFiles:
    """The history of one search, in its directory.

    Args:
        directory: of the search; no other process works in it.
        space: of the search.
        generations: how many the checkpoint has; what the files hold beyond is forgotten, since it is run again.
    """

    def __init__(self, directory: Path, space: Space, generations: int = 0):
        self._folder = directory / HISTORY_FOLDER
        self._columns = columns_kept(space)
        self._waiting: list[History] = []  # since the beginning of the last file
        self._written = 0  # of those
        if self._folder.is_dir():
            self._resume(generations)

    def add(self, generation: Generation) -> None:
        """Add a generation; `write` makes it durable."""
        one = History(
            generation=np.asarray([generation.index], np.int32),
            env_steps=np.asarray([generation.env_steps_so_far], np.int64),
            genomes=np.asarray(generation.genomes, np.float32)[None, :, self._columns],
            fitness=np.asarray(generation.fitness, np.float32)[None],
            status=np.asarray(generation.status, np.int8)[None],
            seeds=_seeds(generation)[None],
        )
        self._waiting.append(one)

    def write(self) -> None:
        """Write every generation that is not in a file yet.

        Raises:
            StorageError: the disk is full or fails; nothing is forgotten.
            UserError: the place cannot be written to.
        """
        if len(self._waiting) == self._written:
            return
        with contextlib.suppress(FileExistsError):
            self._folder.mkdir()
        chunks: dict[int, list[History]] = {}
        for one in self._waiting:
            chunks.setdefault(int(one.generation[0]) // CHUNK, []).append(one)
        for chunk, several in chunks.items():
            write_atomically(_path(self._folder, chunk), _bytes_of(_joined(several)))
        last = chunks[max(chunks)]
        self._waiting, self._written = ([], 0) if int(last[-1].generation[0]) % CHUNK == CHUNK - 1 else (last, len(last))

    def _resume(self, generations: int) -> None:
        """Forget what the files hold beyond the checkpoint, and go on with the last of them."""
        remove_leftovers(self._folder, [_NAME])
        for path in _paths(self._folder):
            if _chunk_of(path) * CHUNK >= generations:
                path.unlink()
        last = _path(self._folder, generations // CHUNK)
        if generations % CHUNK and last.is_file():
            with contextlib.suppress(UserError):  # a damaged file is written anew, as far as it is known
                kept = _read(last)
                rows = [History(*(part[[row]] for part in kept)) for row in np.flatnonzero(kept.generation < generations)]
                self._waiting, self._written = rows, len(rows)


def read_history(directory: Path) -> History | None:
    """The history in the directory of a search; None if it has none.

    Raises:
        UserError: a file is damaged, or two files differ in their shapes.
    """
    paths = _paths(directory / HISTORY_FOLDER)
    return _joined([_read(path) for path in paths]) if paths else None


def genes_kept(space: Space) -> list[Gene]:
    """The genes of a space whose coordinates are in its history, in their order: choices and numbers, but no weights."""
    return [gene for gene in space.genes if not isinstance(gene.domain, WeightsDomain)]


def columns_kept(space: Space) -> np.ndarray:
    """The coordinates of `genes_kept`, as indices ``[K]`` of a genome."""
    parts = [np.arange(gene.start, gene.start + gene.size) for gene in genes_kept(space)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _seeds(generation: Generation) -> np.ndarray:
    """The number of lifetimes of each member on each task, ``[P]``: those of which any part of the curve is known."""
    known = [np.isfinite(returns).any(axis=-1).sum(axis=-1) for returns in generation.returns]
    return np.max(known, axis=0).astype(np.int32) if known else np.zeros(len(generation.fitness), np.int32)


def _paths(folder: Path) -> list[Path]:
    """The files of a history, in their order."""
    return sorted((path for path in folder.glob("generations_*.npz") if _chunk_of(path) >= 0), key=_chunk_of)


def _chunk_of(path: Path) -> int:
    """The number of a file; -1 if its name is none of ours."""
    first = path.stem.removeprefix("generations_")
    return int(first) // CHUNK if first.isdecimal() else -1


def _path(folder: Path, chunk: int) -> Path:
    return folder / f"generations_{chunk * CHUNK:06d}.npz"


def _joined(several: Sequence[History]) -> History:
    try:
        return History(*map(np.concatenate, zip(*several, strict=True)))
    except ValueError as error:
        raise UserError(f"the files of a history do not belong together ({damage(error)}): restore its folder.") from None


def _bytes_of(history: History) -> bytes:
    return zip_of("format", "1", {f"{name}.npy": array for name, array in history._asdict().items()})


def _read(path: Path) -> History:
    try:
        members = members_of(io.BytesIO(path.read_bytes()))
        arrays = {name: array_in(members[f"{name}.npy"]) for name in History._fields if name != "seeds"}
        if "seeds.npy" in members:  # earlier versions did not write them
            arrays["seeds"] = array_in(members["seeds.npy"])
        history = History(**{"seeds": np.zeros(arrays["status"].shape, np.int32), **arrays})
        if len({len(part) for part in history}) != 1 or history.genomes.ndim != 3 or history.fitness.ndim != 2:
            raise ValueError("its arrays do not fit each other")
    except Exception as error:  # damaged bytes make zipfile, zlib and numpy raise anything
        raise UserError(f"the history '{path}' is damaged ({damage(error)}): restore or remove it.") from None
    return history
