"""Several normalizers in a row."""

from typing import Any

import jax

from discover import Normalizer, Spec, component
from discover_zoo.normalizers.observations import Observations
from discover_zoo.normalizers.rewards import Rewards


@component
class Several(Normalizer):
    """Several normalizers, each on what the one before it gives."""

    normalizers: tuple[Normalizer, ...] = (Observations(), Rewards())

    def init(self, spec: Spec, num_envs: int) -> tuple[Any, ...]:
        return tuple(normalizer.init(spec, num_envs) for normalizer in self.normalizers)

    def restart(self, state: tuple[Any, ...], num_envs: int) -> tuple[Any, ...]:
        return tuple(normalizer.restart(own, num_envs) for normalizer, own in zip(self.normalizers, state, strict=True))

    def update(self, state: tuple[Any, ...], observation: jax.Array) -> tuple[tuple[Any, ...], jax.Array]:
        after = []
        for normalizer, own in zip(self.normalizers, state, strict=True):
            own, observation = normalizer.update(own, observation)
            after.append(own)
        return tuple(after), observation

    def normalize(self, state: tuple[Any, ...], observation: jax.Array) -> jax.Array:
        for normalizer, own in zip(self.normalizers, state, strict=True):
            observation = normalizer.normalize(own, observation)
        return observation

    def update_reward(self, state: tuple[Any, ...], reward: jax.Array, done: jax.Array) -> tuple[tuple[Any, ...], jax.Array]:
        after = []
        for normalizer, own in zip(self.normalizers, state, strict=True):
            own, reward = normalizer.update_reward(own, reward, done)
            after.append(own)
        return tuple(after), reward

    def normalize_reward(self, state: tuple[Any, ...], reward: jax.Array) -> jax.Array:
        for normalizer, own in zip(self.normalizers, state, strict=True):
            reward = normalizer.normalize_reward(own, reward)
        return reward
