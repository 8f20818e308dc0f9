"""Zip files of a text and arrays: equal content gives equal bytes. They are read with limits: a file that claims or unfolds to
too much is refused, and no code in it runs.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from typing import IO

import numpy as np

MOST_BYTES = 2**28
"""Bytes to which the members of a zip file may unfold in all."""

MOST_MEMBERS = 10_000
"""Members that a zip file may have."""

_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Compressions that `zipfile` unfolds piece by piece up to a size; with others a small piece may unfold to any size."""

_KINDS = "biuf"  # of dtypes: truth values and numbers


def damage(error: Exception) -> str:
    """The message of an error in reading a file, as one line of at most 200 characters.

    >>> damage(ValueError("too\\nlong")), damage(EOFError())
    ('too long', 'EOFError')
    """
    return " ".join(str(error).split())[:200] or type(error).__name__


def zip_of(name: str, text: str, arrays: Mapping[str, np.ndarray]) -> bytes:
    """A compressed zip file of a text and arrays; no time is in it, so that equal content gives equal bytes.

    Args:
        name: of the text's member.
        text: the text.
        arrays: by the name of their member, which ends in ``.npy``.

    >>> data = zip_of("it.json", "{}", {"gamma.npy": np.float32(0.5)})
    >>> members = members_of(io.BytesIO(data))
    >>> members["it.json"], array_in(members["gamma.npy"])
    (b'{}', array(0.5, dtype=float32))
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(_member(name), text)
        for array_name, array in arrays.items():
            with file.open(_member(array_name), "w") as member:
                np.save(member, array, allow_pickle=False)
    return buffer.getvalue()


def members_of(file: IO[bytes], most: int = MOST_BYTES) -> dict[str, bytes]:
    """The members of a zip file by name. The sizes that it claims are checked first, and no member unfolds to more.

    Args:
        file: the zip file, open for reading bytes.
        most: bytes to which all members may unfold together.

    Raises:
        ValueError: there are too many members, or they would unfold to more than ``most`` bytes, or their compression has no
            limit of size. Damaged bytes make `zipfile` and `zlib` raise other errors.

    >>> buffer = io.BytesIO()
    >>> np.savez(buffer, gamma=np.float32(0.5))
    >>> list(members_of(buffer))
    ['gamma.npy']
    """
    with zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
        if len(infos) > MOST_MEMBERS:
            raise ValueError(f"it holds {len(infos):,} members, more than {MOST_MEMBERS:,}")
        size = sum(info.file_size for info in infos)
        if size > most:
            raise ValueError(f"its members unfold to {size:,} bytes, more than {most:,}")
        if any(info.compress_type not in _BOUNDED for info in infos):
            raise ValueError("a member is neither stored nor deflated")
        return {info.filename: _unfold(archive, info) for info in infos}


def _member(name: str) -> zipfile.ZipInfo:
    """A compressed member without a time of its own."""
    member = zipfile.ZipInfo(name)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o600 << 16
    return member


def _unfold(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """A member, unfolded to no more than its size; `ZipFile.read` would take all the memory that a false size needs."""
    with archive.open(info) as member:
        return member.read(info.file_size + 1)


def array_in(data: bytes) -> np.ndarray:
    """The array of an ``.npy`` member. Its size is compared with its header before any memory is allocated.

    Raises:
        ValueError: it is no array of numbers or truth values, or its size differs from its header.

    >>> buffer = io.BytesIO()
    >>> np.save(buffer, np.arange(3))
    >>> array_in(buffer.getvalue()).tolist()
    [0, 1, 2]
    """
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"an array has the version {version} of its format")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(stream)
    if dtype.kind not in _KINDS:
        raise ValueError(f"an array holds {dtype}, which is no number")
    size, actual = math.prod(shape) * dtype.itemsize, len(data) - stream.tell()
    if any(length < 0 for length in shape) or size != actual:
        raise ValueError(f"an array of shape {shape} and {dtype} has {actual:,} bytes where it needs {size:,}")
    flat = np.frombuffer(data, dtype, offset=stream.tell())
    return flat.reshape(shape, order="F" if by_columns else "C").copy(order="K")
