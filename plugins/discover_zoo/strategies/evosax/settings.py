"""The settings that algorithms of evosax share, with our own defaults.

Coordinates are in units of a natural step, so that the first deviation is 1. A mean that follows a gradient moves by half of
the deviation at a time, and both shrink by a twentieth: ten natural steps in all, from where a search begins to either end of
a number's domain.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from discover import Scalar, Space, component, real
from discover_zoo.strategies.evosax.adapter import EvosaxStrategy


def decayed(first: Scalar, decay: Scalar) -> Callable[[Any], jax.Array]:
    """``max(first * decay^generation, first / 100)``: a deviation that shrinks, yet never to nothing."""
    return lambda generation: first * jnp.maximum(decay**generation, 0.01)


@component
class Adapting(EvosaxStrategy):
    """Algorithms that adapt their deviation by themselves.

    Attributes:
        std: standard deviation, or step size, of the first generation.
    """

    std: Scalar = real(1.0, low=1e-3, high=10.0, scale="log")

    def parameters(self, defaults: Any, population: int) -> Mapping[str, Any]:
        return {"std_init": jnp.asarray(self.std)}


@component
class Scheduled(EvosaxStrategy):
    """Algorithms whose deviation follows a schedule.

    Attributes:
        std: standard deviation of the first generation.
        decay: factor on the deviation from one generation to the next.
    """

    std: Scalar = real(1.0, low=1e-3, high=10.0, scale="log")
    decay: Scalar = real(0.95, low=0.5, high=1.0)

    def schedule(self, space: Space) -> Callable[[Any], jax.Array]:
        """The deviation of each generation."""
        del space
        return decayed(self.std, self.decay)

    def arguments(self, space: Space) -> Mapping[str, Any]:
        return {"std_schedule": self.schedule(space)}


@component
class Climbing(Scheduled):
    """Algorithms that estimate a gradient, which Adam follows.

    evosax's own defaults follow the bare cost. Here it is replaced by its ranks, so that neither its scale nor one broken
    candidate matters; and the step shrinks with the deviation, so that the mean settles where the search narrows.

    Attributes:
        learning_rate: about how far each coordinate of the mean moves in a generation, in deviations of that generation.
    """

    learning_rate: Scalar = real(0.5, low=1e-4, high=10.0, scale="log")

    def arguments(self, space: Space) -> Mapping[str, Any]:
        from evosax.core.fitness_shaping import centered_rank_fitness_shaping_fn as ranks

        return {**super().arguments(space), "optimizer": self.optimizer(), "fitness_shaping_fn": ranks}

    def optimizer(self) -> Any:
        """Adam, whose step follows the deviation."""
        import optax

        deviation = decayed(self.std, self.decay)
        return optax.adam(lambda generation: self.learning_rate * deviation(generation))
