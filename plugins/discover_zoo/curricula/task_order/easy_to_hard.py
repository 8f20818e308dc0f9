"""Harder and harder levels."""

import jax
import jax.numpy as jnp

from discover import NOWHERE, Environment, Key, Levels, OrderState, Played, Scalar, component, real
from discover_zoo.curricula.task_order.chances import up_to
from discover_zoo.curricula.task_order.level_order import LevelOrder


@component
class EasyToHard(LevelOrder):
    """Levels up to a difficulty that rises: ``limit = start + slope * progress``, as the family tells how difficult each is.

    An episode is by choice with the probability ``share``. Then its level is one of the update's fresh ones that are not above
    the limit, each with the same probability; one of the easiest of them where all are. All other episodes are on levels by the
    family, whatever their difficulty, and their returns alone are reported.

    >>> from discover_zoo.environments.deep_sea import DeepSea
    >>> seas = DeepSea(side=8, smallest=4, largest=8)
    >>> levels = EasyToHard(start=0.5, share=0.8).levels(jax.random.key(0), seas, (), jnp.zeros(()))
    >>> int(levels.tasks.size.max()), int(levels.tasks.size[levels.chances > 0.0].max()), round(float(levels.chances.sum()), 3)
    (8, 6, 0.8)

    Attributes:
        start: limit at the beginning of the lifetime.
        slope: by how much it rises over a whole lifetime.
        share: of the episodes on levels by choice.
        fresh: as in `LevelOrder`.

    Raises:
        UserError: the family does not say how difficult a task is.
    """

    start: Scalar = real(0.1, low=0.0, high=1.0)
    slope: Scalar = real(1.8, low=0.0, high=10.0)
    share: Scalar = real(0.8, low=0.0, high=0.95)

    def init(self, family: Environment) -> OrderState:
        return ()

    def levels(self, key: Key, family: Environment, state: OrderState, progress: jax.Array) -> Levels:
        tasks = self.drawn(key, family)
        chances = up_to(jax.vmap(family.difficulty)(tasks), self.start + self.slope * progress)
        return Levels(tasks, self.share * chances, 0)

    def learn(self, state: OrderState, played: Played) -> tuple[OrderState, jax.Array]:
        return state, jnp.full(played.rows, NOWHERE, jnp.int32)
