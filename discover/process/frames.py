"""What two processes of ours say to each other over a pipe: JSON and arrays, each behind its length. Nothing else is read."""

from __future__ import annotations

import io
import json
from typing import IO, Any

import numpy as np

from discover.storage.json_text import values_in_json
from discover.storage.zip_archive import array_in

_LENGTH = 8  # bytes


def write_message(pipe: IO[bytes], values: Any, *arrays: np.ndarray) -> None:
    """Send plain values, and arrays beside them."""
    blocks = [json.dumps({"arrays": len(arrays), "values": values}).encode()]
    for array in arrays:
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        blocks.append(buffer.getvalue())
    pipe.write(b"".join(len(block).to_bytes(_LENGTH, "big") + block for block in blocks))
    pipe.flush()


def read_message(pipe: IO[bytes]) -> tuple[Any, list[np.ndarray]]:
    """The next message.

    Raises:
        EOFError: the other side has ended.
        ValueError: it is none.
    """
    said = values_in_json(_block(pipe).decode())
    return said["values"], [array_in(_block(pipe)) for _ in range(said["arrays"])]


def _block(pipe: IO[bytes]) -> bytes:
    length = int.from_bytes(_exactly(pipe, _LENGTH), "big")
    return _exactly(pipe, length)


def _exactly(pipe: IO[bytes], length: int) -> bytes:
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return data
