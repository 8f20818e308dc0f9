"""The kind normalizer."""

from __future__ import annotations

from typing import Any, ClassVar

import jax

from discover.components.component import Component
from discover.contract.environment import Spec


class Normalizer(Component):
    """Rescales observations and rewards by running statistics, where experience is collected.

    What a rule learns from at once is rescaled by the statistics of the step that brought it. What it keeps in a `ReplayBuffer`
    is kept as it was, and rescaled by the statistics of now whenever it is drawn.
    """

    kind: ClassVar[str] = "normalizer"

    def init(self, spec: Spec, num_envs: int) -> Any:
        """Statistics before any step."""
        raise NotImplementedError

    def restart(self, state: Any, num_envs: int) -> Any:
        """Statistics where so many environments start an episode, whatever became of the last ones; by default the same."""
        del num_envs
        return state

    def update(self, state: Any, observation: jax.Array) -> tuple[Any, jax.Array]:
        """Statistics with ``observation[B, ...]`` counted in, and the observation rescaled by them."""
        raise NotImplementedError

    def normalize(self, state: Any, observation: jax.Array) -> jax.Array:
        """Observations ``[N, ...]`` rescaled without counting them (the last of an episode, or those that a memory kept)."""
        raise NotImplementedError

    def update_reward(self, state: Any, reward: jax.Array, done: jax.Array) -> tuple[Any, jax.Array]:
        """Statistics with ``reward[B]`` counted in, and the reward rescaled by them."""
        raise NotImplementedError

    def normalize_reward(self, state: Any, reward: jax.Array) -> jax.Array:
        """Rewards ``[N]`` rescaled without counting them (those that a memory kept)."""
        raise NotImplementedError
