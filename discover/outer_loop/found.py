"""Outcomes of a population, in which members may be copies of each other."""

from __future__ import annotations

import jax
import numpy as np

from discover.components.space import Group
from discover.contract.events import Status
from discover.inner_loop.isolation import Outcomes


class Found:
    """All that is known of a population so far.

    Attributes:
        returns: per task ``[P, S, 100]``, NaN where nothing is known.
        status, errors, env_steps: see `Evaluation`.
    """

    def __init__(self, population: int, tasks: int, seeds: int):
        self.returns = [np.full((population, seeds, 100), np.nan, np.float32) for _ in range(tasks)]
        self.status = np.full(population, Status.OK, np.int8)
        self.errors: dict[int, str] = {}
        self.env_steps = 0

    def add(self, part: Outcomes, task: int, group: Group, structure: str) -> None:
        """Fill in the outcomes of a group's members on a task."""
        self.returns[task][group.members] = part.returns
        self.status[group.members] = np.maximum(self.status[group.members], part.status)
        self.env_steps += part.env_steps
        for place, why in part.errors.items():
            self.errors[int(group.members[place])] = f"{why}, with {structure}" if structure else why

    def copy(self, alike: np.ndarray) -> None:
        """Give each member what is known of the first one that is the same candidate."""
        self.returns = [returns[alike] for returns in self.returns]
        self.status = self.status[alike]
        self.errors = {member: self.errors[int(first)] for member, first in enumerate(alike) if first in self.errors}


def first_alike(digests: np.ndarray) -> np.ndarray:
    """For each member ``[P]`` the first one with the same digest, which may be itself."""
    first: dict[bytes, int] = {}
    return np.asarray([first.setdefault(digest.tobytes(), place) for place, digest in enumerate(digests)])


def without_copies(group: Group, alike: np.ndarray) -> Group:
    """The members of a group that are the first with their digest."""
    first = alike[group.members] == group.members
    return group._replace(members=group.members[first], candidates=jax.tree.map(lambda x: x[first], group.candidates))
