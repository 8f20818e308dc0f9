"""Zip files of arrays: read without running, believing or unfolding more than their reader expects."""

from __future__ import annotations

import io
import math
import zipfile
from typing import IO

import numpy as np

MOST_BYTES = 2**28
"""Bytes to which the members of a zip file may unfold in all."""

MOST_MEMBERS = 10_000

_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Ways of compression that `zipfile` unfolds piece by piece; of the others it unfolds whatever a piece stands for."""

_KINDS = "biuf"  # of arrays: truth values and numbers


def damage(error: Exception) -> str:
    """What is wrong with a file that cannot be read, in a line that is not long."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def members_of(file: IO[bytes], most: int = MOST_BYTES) -> dict[str, bytes]:
    """The members of a zip file by name; their sizes are looked at before any of them is unfolded, and none unfolds further.

    Raises:
        ValueError: there are too many of them, or they would unfold to more than ``most`` bytes, or are compressed in a way
            whose size cannot be kept to. Damaged bytes make `zipfile` and `zlib` raise anything else.
    """
    with zipfile.ZipFile(file) as opened:
        infos = opened.infolist()
        if len(infos) > MOST_MEMBERS:
            raise ValueError(f"it holds {len(infos):,} members, more than {MOST_MEMBERS:,}")
        size = sum(info.file_size for info in infos)
        if size > most:
            raise ValueError(f"its members unfold to {size:,} bytes, more than {most:,}")
        if any(info.compress_type not in _BOUNDED for info in infos):
            raise ValueError("a member is neither stored nor deflated")
        return {info.filename: _unfolded(opened, info) for info in infos}


def _unfolded(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """A member, of which no more is unfolded than it says: `ZipFile.read` takes all the memory that a false size asks for."""
    with opened.open(info) as member:
        return member.read(info.file_size + 1)


def array_in(data: bytes) -> np.ndarray:
    """The array of an ``.npy`` member, whose size must be what its header says, before memory is taken for it.

    Raises:
        ValueError: it is no array of numbers or truth values, or its size is another.
    """
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"an array has the version {version} of its format")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(stream)
    if dtype.kind not in _KINDS:
        raise ValueError(f"an array holds {dtype}, which is no number")
    size, found = math.prod(shape) * dtype.itemsize, len(data) - stream.tell()
    if any(length < 0 for length in shape) or size != found:
        raise ValueError(f"an array of shape {shape} and {dtype} has {found:,} bytes where it needs {size:,}")
    flat = np.frombuffer(data, dtype, offset=stream.tell())
    return flat.reshape(shape, order="F" if by_columns else "C").copy(order="K")
