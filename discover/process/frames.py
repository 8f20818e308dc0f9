"""Messages between two processes over a pipe: JSON and arrays, each after its length in bytes.

Nothing else is read: neither pickled objects nor messages of other formats.
"""

from __future__ import annotations

import io
import json
from typing import IO

import numpy as np

from discover.storage.json_text import PlainValues, values_in_json
from discover.storage.zip_archive import array_in

_LENGTH = 8  # bytes of a length


def write_message(pipe: IO[bytes], values: PlainValues, *arrays: np.ndarray) -> None:
    """Send plain values and any number of arrays.

    >>> pipe = io.BytesIO()
    >>> write_message(pipe, {"steps": 40}, np.arange(3))
    >>> _ = pipe.seek(0)
    >>> read_message(pipe)
    ({'steps': 40}, [array([0, 1, 2])])
    """
    blocks = [json.dumps({"arrays": len(arrays), "values": values}).encode()]
    for array in arrays:
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        blocks.append(buffer.getvalue())
    pipe.write(b"".join(len(block).to_bytes(_LENGTH, "big") + block for block in blocks))
    pipe.flush()


def read_message(pipe: IO[bytes]) -> tuple[PlainValues, list[np.ndarray]]:
    """The plain values and the arrays of the next message (`write_message` has an example).

    Raises:
        EOFError: the other side has ended.
        ValueError: the bytes are no message.
    """
    head = values_in_json(_block(pipe).decode())
    return head["values"], [array_in(_block(pipe)) for _ in range(head["arrays"])]


def _block(pipe: IO[bytes]) -> bytes:
    length = int.from_bytes(_exactly(pipe, _LENGTH), "big")
    return _exactly(pipe, length)


def _exactly(pipe: IO[bytes], length: int) -> bytes:
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return data
