"""Several normalizers in a row."""

import jax

from discover import Normalizer, Spec, Statistics, component
from discover_zoo.normalizers.observations import Observations
from discover_zoo.normalizers.rewards import Rewards


@component
class Several(Normalizer):
    """Several normalizers, each on the output of the one before it.

    >>> import jax.numpy as jnp
    >>> from discover import Discrete
    >>> statistics = Several().init(Spec((1,), Discrete(2)), num_envs=2)
    >>> Several().update(statistics, jnp.array([[0.0], [2.0]]))[1][:, 0]
    Array([-1.,  1.], dtype=float32)

    Attributes:
        normalizers: in the order in which they apply.
    """

    normalizers: tuple[Normalizer, ...] = (Observations(), Rewards())

    def init(self, spec: Spec, num_envs: int) -> tuple[Statistics, ...]:
        return tuple(normalizer.init(spec, num_envs) for normalizer in self.normalizers)

    def restart(self, state: tuple[Statistics, ...], num_envs: int) -> tuple[Statistics, ...]:
        return tuple(normalizer.restart(own, num_envs) for normalizer, own in zip(self.normalizers, state, strict=True))

    def update(self, state: tuple[Statistics, ...], observation: jax.Array) -> tuple[tuple[Statistics, ...], jax.Array]:
        after = []
        for normalizer, own in zip(self.normalizers, state, strict=True):
            own, observation = normalizer.update(own, observation)
            after.append(own)
        return tuple(after), observation

    def normalize(self, state: tuple[Statistics, ...], observation: jax.Array) -> jax.Array:
        for normalizer, own in zip(self.normalizers, state, strict=True):
            observation = normalizer.normalize(own, observation)
        return observation

    def update_reward(
        self, state: tuple[Statistics, ...], reward: jax.Array, done: jax.Array
    ) -> tuple[tuple[Statistics, ...], jax.Array]:
        after = []
        for normalizer, own in zip(self.normalizers, state, strict=True):
            own, reward = normalizer.update_reward(own, reward, done)
            after.append(own)
        return tuple(after), reward

    def normalize_reward(self, state: tuple[Statistics, ...], reward: jax.Array) -> jax.Array:
        for normalizer, own in zip(self.normalizers, state, strict=True):
            reward = normalizer.normalize_reward(own, reward)
        return reward
