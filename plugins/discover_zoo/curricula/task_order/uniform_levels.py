"""Levels as the family draws them."""

import jax
import jax.numpy as jnp

from discover import NOWHERE, Environment, Key, Levels, OrderState, Played, component
from discover_zoo.curricula.task_order.level_order import LevelOrder


@component
class UniformLevels(LevelOrder):
    """Every episode on a level that the family draws: what other curricula are compared with.

    The levels of an update are drawn at once, before its steps, which is as cheap as one task for the whole lifetime.

    >>> from discover_zoo.environments.deep_sea import DeepSea
    >>> levels = UniformLevels(fresh=8).levels(jax.random.key(0), DeepSea(), (), jnp.zeros(()))
    >>> levels.tasks.size.shape, float(levels.chances.sum())
    ((8,), 0.0)

    Attributes:
        fresh: as in `LevelOrder`.
    """

    def init(self, family: Environment) -> OrderState:
        return ()

    def levels(self, key: Key, family: Environment, state: OrderState, progress: jax.Array) -> Levels:
        return Levels(self.drawn(key, family), jnp.zeros(self.fresh), 0)

    def learn(self, state: OrderState, played: Played) -> tuple[OrderState, jax.Array]:
        return state, jnp.full(played.rows, NOWHERE, jnp.int32)
