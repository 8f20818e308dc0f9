"""The kind meta-objective: what a rule is to improve in the agents that it teaches, as a number that has a gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import jax
import numpy as np

from discover.components.component import Component
from discover.contract.trajectory import Info, Trajectory
from discover.contract.types import Key, MetaState, Params
from discover.contract.world import World


class MetaObjective(Component):
    """How good parameters are, judged by experience that they themselves have just collected. *Higher is better.*

    A search by gradients adds it up over a window of updates. The parameters of each update are the result of those before, so
    the number has a gradient in the numbers of the rule that made them. The experience has none: gradients are stopped in it.

    A meta-objective may learn beside the agent (a critic of its own), in a state that lives as long as the agent does.
    """

    kind: ClassVar[str] = "meta objective"

    def init(self, key: Key, world: World) -> MetaState:
        """The state for a new agent: a tree of arrays whose structure never changes."""
        raise NotImplementedError

    def __call__(
        self, key: Key, world: World, params: Params, state: MetaState, *, trajectory: Trajectory
    ) -> tuple[jax.Array, MetaState, Info]:
        """The number to climb.

        Args:
            key: randomness.
            world: the world, with the clock of this update.
            params: the parameters that acted; the number is differentiated with respect to them.
            state: for this agent, as `init` or the call before returned it; gradients are stopped.
            trajectory: ``[T, B, ...]`` as they collected it; gradients are stopped.

        Returns:
            The number, the state for the next update, and scalars for a human reader by name.
        """
        raise NotImplementedError


class Window(NamedTuple):
    """The updates that a gradient is taken through.

    Attributes:
        updates: K: how many.
        objective: what is added up over them.
        leaves: of each leaf of a candidate, whether its gradient is wanted; empty in what a strategy asks for, since a search
            fills it in.
        recompute: whether each update is computed again on the way back, which takes time and saves memory.
    """

    updates: int
    objective: MetaObjective
    leaves: tuple[bool, ...] = ()
    recompute: bool = False


class Gradients(NamedTuple):
    """Gradients of a window, over the agents of each member, as arrays in the memory of the host.

    Attributes:
        batches: of each wanted leaf ``[P, N, ...]``: the mean gradient over the agents of each of N batches; 0 where that
            of one is not finite.
        counts: ``[P, N]`` the number of agents of each batch, 0 for a batch whose gradient is not finite.
        info: ``[P]`` each, by name: means over agents and updates of the objective, of the rule's regularizer, and of what
            the objective reports.
    """

    batches: tuple[np.ndarray, ...]
    counts: np.ndarray
    info: Mapping[str, np.ndarray]
