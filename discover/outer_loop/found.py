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
        cost: ``[P]`` int64 env steps of each member.
    """

    def __init__(self, population: int, tasks: int, seeds: int):
        self.returns = [np.full((population, seeds, 100), np.nan, np.float32) for _ in range(tasks)]
        self.status = np.full(population, Status.OK, np.int8)
        self.cost = np.zeros(population, np.int64)
        self.errors: dict[int, str] = {}
        self.env_steps = 0

    def add(self, part: Outcomes, task: int, group: Group, structure: str) -> None:
        """Fill in the outcomes of a group's members on a task, of their first seeds."""
        self.returns[task][group.members, : part.returns.shape[1]] = part.returns
        self.status[group.members] = np.maximum(self.status[group.members], part.status)
        self.cost[group.members] += part.env_steps
        self.env_steps += int(part.env_steps.sum())
        for place, why in part.errors.items():
            self.errors[int(group.members[place])] = f"{why}, with {structure}" if structure else why

    def copy(self, alike: np.ndarray) -> None:
        """Give each member what is known of the first one that is the same candidate."""
        self.returns = [returns[alike] for returns in self.returns]
        self.status, self.cost = self.status[alike], self.cost[alike]
        self.errors = {member: self.errors[int(first)] for member, first in enumerate(alike) if first in self.errors}


def first_alike(digests: np.ndarray) -> np.ndarray:
    """For each member ``[P]`` the first one with the same digest, which may be itself."""
    first: dict[bytes, int] = {}
    return np.asarray([first.setdefault(digest.tobytes(), place) for place, digest in enumerate(digests)])


def only(group: Group, members: np.ndarray) -> Group:
    """The part of a group that is among some members of the population, ``[P]`` bool."""
    some = members[group.members]
    return group._replace(members=group.members[some], candidates=jax.tree.map(lambda x: x[some], group.candidates))
