"""The effort that each member of a population is worth: seeds, and a share of the env steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from discover.base.errors import UserError
from discover.contract.strategy import Proposal


class Effort(NamedTuple):
    """The effort for each member.

    Attributes:
        seeds: ``[P]`` int32, 0 for members that are not evaluated.
        budget: ``[P]`` float32 in ``(0, 1]``: the share of each task's env steps.
    """

    seeds: np.ndarray
    budget: np.ndarray

    @property
    def digests(self) -> np.ndarray:
        """``[P, 8]`` uint8: equal for members of the same effort."""
        return np.stack([self.seeds, self.budget.view(np.int32)], axis=1).view(np.uint8)

    def kinds(self) -> Iterator[tuple[np.ndarray, int, float]]:
        """Each effort that some members are worth, the dearest first: which members ``[P]``, seeds, and budget."""
        for seeds, budget in sorted({*zip(self.seeds.tolist(), self.budget.tolist(), strict=True)}, reverse=True):
            if seeds:
                yield (self.seeds == seeds) & (self.budget == np.float32(budget)), seeds, budget


def whole_effort(members: int, seeds: int) -> Effort:
    """All seeds and all steps for each member.

    >>> [(members.sum(), seeds, budget) for members, seeds, budget in whole_effort(3, seeds=2).kinds()]
    [(np.int64(3), 2, 1.0)]
    """
    return Effort(np.full(members, seeds, np.int32), np.ones(members, np.float32))


def joined(first: Effort, second: Effort) -> Effort:
    """The effort for some members, then for others."""
    return Effort(*map(np.concatenate, zip(first, second, strict=True)))


def effort_of(proposal: Proposal, seeds: int) -> Effort:
    """The effort that a proposal asks for, of at most ``seeds`` seeds.

    Raises:
        UserError: a budget lies outside (0, 1].
    """
    effort = whole_effort(len(proposal.genomes), seeds)
    if proposal.seeds is not None:
        effort = effort._replace(seeds=np.clip(np.asarray(proposal.seeds, np.int32), 0, seeds))
    if proposal.budget is not None:
        budget = np.array(proposal.budget, np.float32)
        wrong = budget[~((budget > 0) & (budget <= 1))]
        if len(wrong):
            raise UserError(
                f"the strategy proposes a budget of {wrong[0]:g}, and a budget is a share of the env steps: give each member "
                "more than 0 and at most 1."
            )
        effort = effort._replace(budget=budget)
    return effort
