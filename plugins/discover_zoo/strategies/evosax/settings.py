"""The settings that algorithms of evosax share, with defaults for the coordinates of a `Space`.

Coordinates are in units of a natural step, so that the first standard deviation is 1. A mean that follows a gradient moves by
half of the deviation at a time, and both shrink by a twentieth per generation: ten natural steps in all, the way from the start
of a search to either end of a number's domain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp

from discover import Scalar, Space, component, real
from discover_zoo.strategies.evosax.adapter import EvosaxParams, EvosaxStrategy
from discover_zoo.strategies.evosax.pairs import Mirrored

if TYPE_CHECKING:
    import optax

Schedule: TypeAlias = Callable[[jax.typing.ArrayLike], jax.Array]
"""A number for each generation."""


def decaying_std(first: Scalar, decay: Scalar) -> Schedule:
    """The schedule ``max(first * decay^generation, first / 100)`` of a standard deviation.

    >>> float(decaying_std(1.0, 0.5)(2))
    0.25
    """
    return lambda generation: first * jnp.maximum(decay**generation, 0.01)


@component
class Adapting(EvosaxStrategy):
    """Algorithms that adapt their standard deviation by themselves.

    Attributes:
        std: standard deviation, or step size, of the first generation.
    """

    std: Scalar = real(1.0, low=1e-3, high=10.0, scale="log")

    def parameters(self, defaults: EvosaxParams, population: int) -> Mapping[str, Any]:
        return {"std_init": jnp.asarray(self.std)}


@component
class Scheduled(EvosaxStrategy):
    """Algorithms whose standard deviation follows a schedule.

    Attributes:
        std: standard deviation of the first generation.
        decay: factor on the deviation from one generation to the next.
    """

    std: Scalar = real(1.0, low=1e-3, high=10.0, scale="log")
    decay: Scalar = real(0.95, low=0.5, high=1.0)

    def schedule(self, space: Space) -> Schedule:
        """The standard deviation of each generation."""
        del space
        return decaying_std(self.std, self.decay)

    def arguments(self, space: Space) -> Mapping[str, Any]:
        return {"std_schedule": self.schedule(space)}


@component
class Climbing(Mirrored, Scheduled):
    """Algorithms that estimate a gradient from mirrored pairs, which Adam follows.

    evosax's own defaults use the cost itself. Here its ranks take its place, so that neither its scale nor one broken candidate
    matters; and the step shrinks with the deviation, so that the mean converges as the search narrows.

    Attributes:
        learning_rate: approximate step of each coordinate of the mean, in standard deviations of that generation.
    """

    learning_rate: Scalar = real(0.5, low=1e-4, high=10.0, scale="log")

    def arguments(self, space: Space) -> Mapping[str, Any]:
        return {**super().arguments(space), "optimizer": self.optimizer()}

    def optimizer(self) -> optax.GradientTransformation:
        """Adam, whose step follows the standard deviation."""
        import optax

        deviation = decaying_std(self.std, self.decay)
        return optax.adam(lambda generation: self.learning_rate * deviation(generation))
