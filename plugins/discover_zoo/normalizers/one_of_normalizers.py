"""A choice between normalizers within one compiled program."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from discover import Integer, Normalizer, Spec, Statistics, component, option_index

Numbers = tuple[Statistics, ...]


@component
class OneOfNormalizers(Normalizer):
    """One of several normalizers, by index: all options share one compiled program.

    The statistics are those of all options together, of which only those of the one in use change. Observations become float32.

    >>> from discover import Discrete
    >>> from discover_zoo.normalizers.observations import Observations
    >>> from discover_zoo.normalizers.rewards import Rewards
    >>> either = OneOfNormalizers(options=(Observations(), Rewards()), index=0)
    >>> statistics = either.init(Spec((1,), Discrete(2)), num_envs=2)
    >>> either.update(statistics, jnp.array([[0.0], [2.0]]))[1][:, 0]
    Array([-1.,  1.], dtype=float32)

    Attributes:
        options: the normalizers.
        index: which of them is used.
    """

    not_differentiable = ("index",)

    options: tuple[Normalizer, ...]
    index: Integer = option_index(count=lambda self: len(self.options))

    def effective(self) -> Normalizer:
        return self.options[int(self.index)]

    def init(self, spec: Spec, num_envs: int) -> Numbers:
        return tuple(option.init(spec, num_envs) for option in self.options)

    def restart(self, state: Numbers, num_envs: int) -> Numbers:
        return tuple(option.restart(own, num_envs) for option, own in zip(self.options, state, strict=True))

    def update(self, state: Numbers, observation: jax.Array) -> tuple[Numbers, jax.Array]:
        return self._updated(state, lambda option, own: option.update(own, observation))

    def normalize(self, state: Numbers, observation: jax.Array) -> jax.Array:
        return self._switch(lambda place, option: _real(option.normalize(state[place], observation)))

    def update_reward(self, state: Numbers, reward: jax.Array, done: jax.Array) -> tuple[Numbers, jax.Array]:
        return self._updated(state, lambda option, own: option.update_reward(own, reward, done))

    def normalize_reward(self, state: Numbers, reward: jax.Array) -> jax.Array:
        return self._switch(lambda place, option: _real(option.normalize_reward(state[place], reward)))

    def _updated(
        self, state: Numbers, update: Callable[[Normalizer, Statistics], tuple[Statistics, jax.Array]]
    ) -> tuple[Numbers, jax.Array]:
        """The statistics, those of the option in use after its update, and what it made of the numbers."""

        def by(place: int, option: Normalizer) -> tuple[Numbers, jax.Array]:
            own, scaled = update(option, state[place])
            return (*state[:place], own, *state[place + 1 :]), _real(scaled)

        return self._switch(by)

    def _switch(self, by: Callable[[int, Normalizer], Any]) -> Any:
        return jax.lax.switch(self.index, [lambda i=i, o=o: by(i, o) for i, o in enumerate(self.options)])


def _real(numbers: jax.Array) -> jax.Array:
    return jnp.asarray(numbers, jnp.float32)
