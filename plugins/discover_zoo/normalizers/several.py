"""Several normalisers in a row."""

from typing import Any

import jax

from discover import Normaliser, Spec, component
from discover_zoo.normalizers.observations import Observations
from discover_zoo.normalizers.rewards import Rewards


@component
class Several(Normaliser):
    """Several normalisers, each on what the one before it gives."""

    normalisers: tuple[Normaliser, ...] = (Observations(), Rewards())

    def init(self, spec: Spec, environments: int) -> tuple[Any, ...]:
        return tuple(normaliser.init(spec, environments) for normaliser in self.normalisers)

    def restart(self, state: tuple[Any, ...], environments: int) -> tuple[Any, ...]:
        return tuple(normaliser.restart(own, environments) for normaliser, own in zip(self.normalisers, state, strict=True))

    def observe(self, state: tuple[Any, ...], observation: jax.Array) -> tuple[tuple[Any, ...], jax.Array]:
        after = []
        for normaliser, own in zip(self.normalisers, state, strict=True):
            own, observation = normaliser.observe(own, observation)
            after.append(own)
        return tuple(after), observation

    def rescale(self, state: tuple[Any, ...], observation: jax.Array) -> jax.Array:
        for normaliser, own in zip(self.normalisers, state, strict=True):
            observation = normaliser.rescale(own, observation)
        return observation

    def reward(self, state: tuple[Any, ...], reward: jax.Array, done: jax.Array) -> tuple[tuple[Any, ...], jax.Array]:
        after = []
        for normaliser, own in zip(self.normalisers, state, strict=True):
            own, reward = normaliser.reward(own, reward, done)
            after.append(own)
        return tuple(after), reward

    def rescale_reward(self, state: tuple[Any, ...], reward: jax.Array) -> jax.Array:
        for normaliser, own in zip(self.normalisers, state, strict=True):
            reward = normaliser.rescale_reward(own, reward)
        return reward
