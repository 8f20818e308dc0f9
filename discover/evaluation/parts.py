"""Parts of work."""

from __future__ import annotations

import numpy as np


def cut(members: list[int], size: int) -> list[np.ndarray]:
    """The members in parts of ``size`` of them, the last of which is larger where they do not come out even.

    >>> [part.tolist() for part in cut([0, 1, 2, 3, 5], 2)], len(cut([0, 1, 2], 0))
    ([[0, 1], [2, 3, 5]], 1)
    """
    count = max(1, len(members) // size) if size else 1
    parts = [members[place * size : (place + 1) * size] for place in range(count - 1)]
    return [np.asarray(part) for part in (*parts, members[(count - 1) * size :])]
