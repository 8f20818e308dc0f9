"""The kind normalizer."""

from __future__ import annotations

from typing import Any, ClassVar

import jax

from discover.components.component import Component
from discover.contract.environment import Spec


class Normalizer(Component):
    """Rescales observations and rewards by running statistics, where experience is collected.

    What a rule learns from at once is rescaled by the statistics of the step that brought it. What it keeps in a `Memory` is
    kept as it was, and rescaled by the statistics of now whenever it is drawn.
    """

    kind: ClassVar[str] = "normalizer"

    def init(self, spec: Spec, environments: int) -> Any:
        """Statistics before any step."""
        raise NotImplementedError

    def restart(self, state: Any, environments: int) -> Any:
        """Statistics where so many environments start an episode, whatever became of the last ones; by default the same."""
        del environments
        return state

    def observe(self, state: Any, observation: jax.Array) -> tuple[Any, jax.Array]:
        """Statistics with ``observation[B, ...]`` counted in, and the observation rescaled by them."""
        raise NotImplementedError

    def rescale(self, state: Any, observation: jax.Array) -> jax.Array:
        """Observations ``[N, ...]`` rescaled without counting them (the last of an episode, or those that a memory kept)."""
        raise NotImplementedError

    def reward(self, state: Any, reward: jax.Array, done: jax.Array) -> tuple[Any, jax.Array]:
        """Statistics with ``reward[B]`` counted in, and the reward rescaled by them."""
        raise NotImplementedError

    def rescale_reward(self, state: Any, reward: jax.Array) -> jax.Array:
        """Rewards ``[N]`` rescaled without counting them (those that a memory kept)."""
        raise NotImplementedError
