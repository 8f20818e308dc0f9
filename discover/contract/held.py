"""Lifetimes that stay where they ran."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from discover.contract.types import Lifetimes


class HeldLifetimes:
    """A handle of lifetimes ``[P, S, ...]`` that an executor keeps where they ran: other processes, other machines.

    The executor that gave it takes it back as `Work.ongoing`, wherever members are run.
    """

    def of(self, members: slice | np.ndarray) -> HeldLifetimes:
        """Some of the members."""
        raise NotImplementedError

    def inherit(self, parents: np.ndarray, generation: int) -> HeldLifetimes:
        """The lifetimes with which a generation goes on, see `inherit`; nothing needs to be copied yet.

        Args:
            parents: ``[P]``; member i has the lifetimes of member ``parents[i]``.
            generation: its number.
        """
        raise NotImplementedError

    def gather(self) -> Lifetimes:
        """The lifetimes as arrays in this process."""
        raise NotImplementedError


def gathered(tree: Any) -> Any:
    """A tree with arrays in the place of lifetimes that are held elsewhere.

    >>> gathered({"steps": 3})
    {'steps': 3}
    """
    return jax.tree.map(lambda leaf: leaf.gather() if isinstance(leaf, HeldLifetimes) else leaf, tree)
