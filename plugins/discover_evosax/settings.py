"""The settings that algorithms of evosax share, with our own defaults.

Coordinates are in units of a natural step, so that the first deviation is 1 and a mean moves by a tenth of that at a time.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from discover import Scalar, Space, component, real
from discover_evosax.adapter import EvosaxStrategy


def decayed(first: Scalar, decay: Scalar) -> Callable[[Any], jax.Array]:
    """``max(first * decay^generation, first / 100)``: a deviation that shrinks, yet never to nothing."""
    return lambda generation: first * jnp.maximum(decay**generation, 0.01)


@component
class Adapting(EvosaxStrategy):
    """Algorithms that adapt their deviation by themselves.

    Attributes:
        deviation: standard deviation, or step size, of the first generation.
    """

    deviation: Scalar = real(1.0, low=1e-3, high=10.0, scale="log")

    def parameters(self, defaults: Any) -> Mapping[str, Any]:
        return {"std_init": jnp.asarray(self.deviation)}


@component
class Scheduled(EvosaxStrategy):
    """Algorithms whose deviation follows a schedule.

    Attributes:
        deviation: standard deviation of the first generation.
        decay: factor on the deviation from one generation to the next.
    """

    deviation: Scalar = real(1.0, low=1e-3, high=10.0, scale="log")
    decay: Scalar = real(0.99, low=0.5, high=1.0)

    def arguments(self, space: Space) -> Mapping[str, Any]:
        return {"std_schedule": decayed(self.deviation, self.decay)}


@component
class Climbing(Scheduled):
    """Algorithms that estimate a gradient, which Adam follows.

    evosax's own defaults follow the bare cost. Here it is replaced by its ranks, so that neither its scale nor one broken
    candidate matters.

    Attributes:
        learning_rate: about how far each coordinate of the mean moves in a generation.
    """

    learning_rate: Scalar = real(0.1, low=1e-4, high=10.0, scale="log")

    def arguments(self, space: Space) -> Mapping[str, Any]:
        import optax
        from evosax.core.fitness_shaping import centered_rank_fitness_shaping_fn as ranks

        return {**super().arguments(space), "optimizer": optax.adam(self.learning_rate), "fitness_shaping_fn": ranks}
