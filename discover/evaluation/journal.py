"""A journal of finished work, so that a search which was killed in the middle of a generation runs no lifetime twice."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from discover.base.errors import DiscoverWarning
from discover.contract.executor import Curves, Done, Executor, Failure, Work
from discover.contract.registry import Registry
from discover.evaluation.messages import message_of_result, result_from
from discover.evaluation.parts import cut
from discover.evaluation.work_digests import WorkDigests
from discover.process.frames import read_message, write_message
from discover.storage.record_file import RecordFile

MOST_BYTES = 2**28
"""Bytes of a journal at most: some hundred thousand lifetimes, of which a search needs those since its last checkpoint."""

_WORST = ("again", "alone", "never")


class JournalWarning(DiscoverWarning):
    """Finished work could not be recorded; after a kill it would be done again."""


class Journal(Executor):
    """An executor that records the curves of fresh lifetimes which another one runs, and runs none that is recorded.

    It cuts work into pieces that fill the other one, and records each piece as soon as it is done.

    Args:
        executor: runs the lifetimes.
        registry: has the names of candidates and environments.
    """

    def __init__(self, executor: Executor, registry: Registry):
        self._executor, self._registry = executor, registry
        self._records: RecordFile | None = None
        self._places = dict[bytes, tuple[tuple[int, int], int]]()
        self._warned = False

    def __repr__(self) -> str:
        return repr(self._executor)

    @property
    def gives_gradients(self) -> bool:
        return self._executor.gives_gradients

    def shaping(self) -> str:
        return self._executor.shaping()

    def begin(self, path: Path, dependencies: Mapping[str, Any]) -> None:
        """Begin to record in a file, and take up what it holds.

        Args:
            path: of the file.
            dependencies: what bits depend on beside the work and the executor, as JSON can hold it.
        """
        self._records = RecordFile(path, most=MOST_BYTES)
        self._digests = WorkDigests(self._executor, self._registry, dependencies)
        for place, data in self._records.all():
            self._note(place, data)

    def remove(self) -> None:
        """Remove the file: what it holds is needed no more."""
        if self._records is not None:
            self._records.remove()
        self._records = None

    def run(
        self, work: Sequence[Work], progress: Callable[[float], None] | None = None
    ) -> Iterator[tuple[int, Done | Failure]]:
        if self._records is None or any(piece.keep or piece.ongoing is not None for piece in work):
            yield from self._executor.run(work, progress)
            return
        open_work = dict[int, _Open]()
        asked, pieces = [], []
        for place, whole in enumerate(work):
            opened = _Open(self._digests.of(whole), whole.shape)
            for member, digest in enumerate(opened.digests):
                opened.rows[member] = self._recorded(digest)
            missing = [member for member, row in enumerate(opened.rows) if row is None]
            if not missing:
                yield place, opened.result()
                continue
            open_work[place] = opened
            for members in cut(missing, self._executor.members_at_once(whole.shape[1])):
                asked.append((place, members))
                pieces.append(whole.of(members))
                opened.left += 1
        for index, result in self._executor.run(pieces, progress) if pieces else ():
            place, members = asked[index]
            opened = open_work[place]
            if isinstance(result, Done):
                self._record([opened.digests[member] for member in members], result)
            opened.add(members, result)
            if not opened.left:
                yield place, open_work.pop(place).result()

    def _recorded(self, digest: bytes) -> Curves | None:
        """The recorded curves ``[1, S, ...]`` of a member."""
        if digest not in self._places or self._records is None:
            return None
        place, row = self._places[digest]
        data = self._records.read(place)
        if data is None:
            return None
        values, arrays = read_message(io.BytesIO(data))
        result = result_from(values, arrays)
        return _rows(result.curves, slice(row, row + 1)) if isinstance(result, Done) else None

    def _record(self, digests: Sequence[bytes], result: Done) -> None:
        """Record finished work. A full disk costs no more than a warning, since the work can be done again."""
        assert self._records is not None
        values, arrays = message_of_result(result)
        buffer = io.BytesIO()
        write_message(buffer, {**values, "members": [digest.hex() for digest in digests]}, *arrays)
        try:
            place = self._records.append(buffer.getvalue())
        except OSError as error:
            if not self._warned:
                text = f"finished work is not recorded, and done again after a kill ({error.strerror}): make room."
                warnings.warn(text, JournalWarning, stacklevel=2)
            self._warned = True
        else:
            self._places |= {digest: (place, row) for row, digest in enumerate(digests)}

    def _note(self, place: tuple[int, int], data: bytes) -> None:
        """Take note of a record; one of another form is of no use."""
        try:
            members = read_message(io.BytesIO(data))[0]["members"]
            self._places |= {bytes.fromhex(digest): (place, row) for row, digest in enumerate(members)}
        except (EOFError, KeyError, TypeError, ValueError):
            return


class _Open:
    """A piece of work as far as it is done.

    Attributes:
        digests: of the members.
        rows: the curves ``[1, S, ...]`` of each member that is done.
        left: how many parts of it are being done.
        failure: of one of them, the one for which a retry makes least sense.
    """

    def __init__(self, digests: list[bytes], shape: tuple[int, int]):
        self.digests, self.shape = digests, shape
        self.rows: list[Curves | None] = [None] * shape[0]
        self.left = 0
        self.failure: Failure | None = None

    def add(self, members: np.ndarray, result: Done | Failure) -> None:
        """Add the result of one part."""
        self.left -= 1
        if isinstance(result, Failure):
            if self.failure is None or _WORST.index(result.retry) > _WORST.index(self.failure.retry):
                self.failure = result
            return
        for row, member in enumerate(members):
            self.rows[member] = _rows(result.curves, slice(row, row + 1))

    def result(self) -> Done | Failure:
        """The result of the whole."""
        if self.failure is not None:
            return self.failure
        return Done(jax.tree.map(lambda *rows: np.concatenate(rows), *self.rows))


def _rows(curves: Curves, rows: slice) -> Curves:
    return jax.tree.map(lambda array: array[rows], curves)
