"""Numbers as text in the records of a ledger."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import ArrayLike


def pack(values: ArrayLike, dtype: str) -> str:
    """Numbers as the base64 text of their little-endian bytes: exact, and fast to write.

    >>> unpack(pack([1.5, 2.0], "float32"), "float32")
    array([1.5, 2. ], dtype=float32)
    """
    return base64.b64encode(np.ascontiguousarray(values, np.dtype(dtype).newbyteorder("<")).tobytes()).decode()


def unpack(text: str, dtype: str) -> np.ndarray:
    """The numbers that `pack` wrote."""
    return np.frombuffer(base64.b64decode(text), np.dtype(dtype).newbyteorder("<")).astype(dtype)
