"""The kind normalizer."""

from __future__ import annotations

from typing import ClassVar

import jax

from discover.components.component import Component
from discover.contract.environment import Spec
from discover.contract.types import Statistics


class Normalizer(Component):
    """Rescales observations and rewards by running statistics while experience is collected.

    A rule that learns from a trajectory at once sees each step rescaled by the statistics of that step. A `ReplayBuffer` keeps
    the original numbers, and rescales them by the newest statistics whenever it draws a batch.
    """

    kind: ClassVar[str] = "normalizer"

    def init(self, spec: Spec, num_envs: int) -> Statistics:
        """The statistics before the first step."""
        raise NotImplementedError

    def restart(self, state: Statistics, num_envs: int) -> Statistics:
        """The statistics where ``num_envs`` environments start an episode, even if their last one had no end.

        By default the same statistics; a normalizer that keeps a running return sets it back here.
        """
        del num_envs
        return state

    def update(self, state: Statistics, observation: jax.Array) -> tuple[Statistics, jax.Array]:
        """Count observations ``[B, ...]``, then rescale them.

        Returns:
            The new statistics, and the observations rescaled by them.
        """
        raise NotImplementedError

    def normalize(self, state: Statistics, observation: jax.Array) -> jax.Array:
        """Observations ``[N, ...]`` rescaled without counting them (the last of an episode, or those of a replay buffer)."""
        raise NotImplementedError

    def update_reward(self, state: Statistics, reward: jax.Array, done: jax.Array) -> tuple[Statistics, jax.Array]:
        """Count rewards ``[B]``, then rescale them.

        Args:
            state: the statistics.
            reward: ``[B]``.
            done: ``[B]`` whether an episode ended with that reward.

        Returns:
            The new statistics, and the rewards rescaled by them.
        """
        raise NotImplementedError

    def normalize_reward(self, state: Statistics, reward: jax.Array) -> jax.Array:
        """Rewards ``[N]`` rescaled without counting them (those of a replay buffer)."""
        raise NotImplementedError
