"""The kind exploration bonus."""

from __future__ import annotations

from typing import ClassVar

import jax

from discover.components.component import Component
from discover.contract.trajectory import Trajectory
from discover.contract.types import BonusState, Key
from discover.contract.world import World


class ExplorationBonus(Component):
    """A pay for coming to what the agent does not know yet, whatever the task pays there.

    A bonus reads what was done and seen, and never the agent's network: what it needs to judge what is new (counts, networks of
    its own) is in its own state. It is on a scale of its own, about 1 for what is new: the rule that asks for it says how much
    it counts, for how long, and what the end of an episode pays.
    """

    kind: ClassVar[str] = "exploration bonus"

    def init(self, key: Key, world: World, num_envs: int) -> BonusState:
        """The state before the first batch of ``num_envs`` environments: a tree of arrays of fixed structure."""
        raise NotImplementedError

    def update(self, key: Key, world: World, state: BonusState, trajectory: Trajectory) -> tuple[jax.Array, BonusState]:
        """Judge the transitions of a batch, and learn from them.

        Pure, and differentiable in the bonus' own numbers, but for those in ``not_differentiable``. A bonus says in which order
        it judges and learns: what a transition pays may depend on those beside it in the same batch.

        Args:
            key: randomness.
            world: for the action space (`World.spec`) and the clock.
            state: as `init` or `update` returned it.
            trajectory: ``[T, B, ...]`` as it was collected, rewards as the task paid them. What must be known again in a later
                batch is read from `Trajectory.original`: the statistics of a normalizer move.

        Returns:
            The bonus ``[T, B]`` of each transition, float32, for where it led (``next_observation``), and the new state.
        """
        raise NotImplementedError
