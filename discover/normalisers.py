"""The kind normaliser."""

from __future__ import annotations

from typing import Any, ClassVar

import jax

from discover.components import Component
from discover.environments import Spec


class Normaliser(Component):
    """Rescales observations and rewards by running statistics, where experience is collected."""

    kind: ClassVar[str] = "normaliser"

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
        """An observation rescaled without counting it (the last one of an episode)."""
        raise NotImplementedError

    def reward(self, state: Any, reward: jax.Array, done: jax.Array) -> tuple[Any, jax.Array]:
        """Statistics with ``reward[B]`` counted in, and the reward rescaled by them."""
        raise NotImplementedError
