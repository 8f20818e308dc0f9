"""Lifetimes of members that are put together from those of several populations."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from discover.contract.executor import Work
from discover.contract.types import Lifetimes
from discover.evaluation.messages import Message, leaves_of, lifetimes_from
from discover.inner_loop.population import new_streams
from discover.process.frames import read_message, write_message


class Streams(NamedTuple):
    """New random streams of members, some of which are copies (`inherit`).

    Attributes:
        generation: its number.
        places: ``[P]`` of the members in the population.
        moved: ``[P]`` whether each is a copy of another member.
    """

    generation: int
    places: np.ndarray
    moved: np.ndarray

    def of(self, members: np.ndarray) -> Streams:
        """Those of some of the members."""
        return Streams(self.generation, self.places[members], self.moved[members])


def assembled(work: Work, boxes: Sequence[Lifetimes], rows: Sequence[tuple[int, int]], streams: Sequence[Streams]) -> Lifetimes:
    """The lifetimes ``[P, S, ...]`` whose member i is member ``rows[i][1]`` of ``boxes[rows[i][0]]``.

    Nothing is copied where that is one box as it stands.

    Args:
        work: a piece of work whose candidates they belong to.
        boxes: lifetimes, as trees.
        rows: a box, and a member in it, for each member.
        streams: what happened to their random streams, first things first.
    """
    whole = [(0, row) for row in range(len(boxes[0].counts))]
    if len(boxes) == 1 and [tuple(row) for row in rows] == whole:
        lifetimes = boxes[0]
    else:
        leaves = [leaves_of(box) for box in boxes]
        joint = [np.stack([leaves[box][place][row] for box, row in rows]) for place in range(len(leaves[0]))]
        lifetimes = lifetimes_from(work, joint)
    for generation, places, moved in streams:
        if np.any(moved):
            keys = new_streams(lifetimes.key, jnp.asarray(moved), jnp.asarray(places), generation)
            lifetimes = lifetimes._replace(key=keys)
    return lifetimes


def to_bytes(values: Any, *arrays: np.ndarray) -> bytes:
    """A message as bytes: JSON and arrays.

    >>> from_bytes(to_bytes({"steps": 40}, np.arange(2)))
    ({'steps': 40}, [array([0, 1])])
    """
    buffer = io.BytesIO()
    write_message(buffer, values, *arrays)
    return buffer.getvalue()


def from_bytes(data: bytes) -> Message:
    """The message in bytes that `to_bytes` made."""
    return read_message(io.BytesIO(data))
