"""A file of records that only grows: each is whole or ignored, whenever its writer was killed.

A record is its length, a check sum, and its bytes. Reading ends at the first that is not whole; what is written next takes its
place. The file has a limit: a full one becomes the older of two, and the one before it is forgotten.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_LENGTH, _SUM = 8, 4
_HEAD = _LENGTH + _SUM


class RecordFile:
    """Records in a file and an older one beside it.

    Args:
        path: of the file.
        most: bytes of both files together, at most; the latest half of that is always there.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> records = RecordFile(Path(folder.name) / "records", most=2**20)
    >>> place = records.append(b"one")
    >>> records.read(place), [data for _, data in RecordFile(Path(folder.name) / "records", most=2**20).all()]
    (b'one', [b'one'])
    >>> folder.cleanup()
    """

    def __init__(self, path: Path, *, most: int):
        self._path, self._older, self._most = path, path.with_name(f"{path.name}.old"), most
        self._end: int | None = None  # of the whole records, once it is known
        self._turns = 0  # how often the file became the older one

    def all(self) -> Iterator[tuple[tuple[int, int], bytes]]:
        """The place and the bytes of each record, the oldest first."""
        for turn, path in ((self._turns - 1, self._older), (self._turns, self._path)):
            end = 0
            for start, data in _records(path):
                end = start + _HEAD + len(data)
                yield (turn, start), data
            if path == self._path:
                self._end = end

    def read(self, place: tuple[int, int]) -> bytes | None:
        """The bytes of a record; None if it is no longer there."""
        turn, start = place
        path = {self._turns: self._path, self._turns - 1: self._older}.get(turn)
        if path is None:
            return None
        with contextlib.suppress(OSError), path.open("rb") as file:
            file.seek(start)
            return _record(file)
        return None

    def append(self, data: bytes) -> tuple[int, int]:
        """Write a record; the result is its place.

        Raises:
            OSError: the disk is full or fails; what was there before is whole.
        """
        if self._end is None:
            for _ in self.all():
                pass
        assert self._end is not None
        if self._end and self._end + _HEAD + len(data) > self._most // 2:
            self._path.replace(self._older)
            self._turns, self._end = self._turns + 1, 0
        place = self._turns, self._end
        head = len(data).to_bytes(_LENGTH, "big") + zlib.crc32(data).to_bytes(_SUM, "big")
        with open(self._path, "ab") as file:
            file.truncate(self._end)
            file.seek(0, os.SEEK_END)
            file.write(head + data)
        self._end += _HEAD + len(data)
        return place

    def remove(self) -> None:
        """Remove both files."""
        for path in (self._path, self._older):
            path.unlink(missing_ok=True)
        self._end = 0


def _records(path: Path) -> Iterator[tuple[int, bytes]]:
    """Where each whole record of a file begins, and its bytes."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        start = 0
        while (data := _record(file)) is not None:
            yield start, data
            start += _HEAD + len(data)


def _record(file: BinaryIO) -> bytes | None:
    """The bytes of the record at which a file stands; None if they are not whole."""
    head = file.read(_HEAD)
    length, left = int.from_bytes(head[:_LENGTH], "big"), os.fstat(file.fileno()).st_size - file.tell()
    if len(head) < _HEAD or length > left:
        return None
    data = file.read(length)
    return data if zlib.crc32(data) == int.from_bytes(head[_LENGTH:], "big") else None
