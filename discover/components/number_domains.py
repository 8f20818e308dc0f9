"""Domains of real and of whole numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError
from discover.components.domains import Domain, Integer, Scalar, check_std, is_number, normal, whole_number_problem

Scale: TypeAlias = Literal["linear", "log", "log1m", "logit"]
"""The scale of a real number on which steps have equal effect."""

S = TypeVar("S", float, jax.Array)

_MARGIN = 0.02  # share of the range by which squashed numbers overshoot it, so that the bounds themselves can be reached
_MOST = 2**20  # whole numbers that float32 coordinates can still separate


def _squash(x: jax.Array) -> jax.Array:
    """A logistic function of ``x`` that reaches 0 and 1."""
    return _clip((1 + 2 * _MARGIN) * jax.nn.sigmoid(x) - _MARGIN, 0.0, 1.0)


def _unsquash(u: S, functions: ModuleType = math) -> S:
    """The inverse of `_squash`, computed by the functions of `math` or of `jax.numpy`."""
    p = (u + _MARGIN) / (1 + 2 * _MARGIN)
    return functions.log(p / (1 - p))


def _clip(x: jax.Array, low: float, high: float) -> jax.Array:
    """``x`` clipped to ``[low, high]``, with the gradient of ``x`` itself, so that gradient steps can leave a bound."""
    return x + jax.lax.stop_gradient(jnp.clip(x, np.float32(low), np.float32(high)) - x)


_REACH = _unsquash(1.0)
"""The largest number that changes its squashed value."""


@dataclass(frozen=True)
class RealDomain(Domain):
    """A real number in ``[low, high]``, moved on a ``scale``.

    With ``s`` the scale's function (``x``, ``log x``, ``-log(1 - x)`` or ``logit x``) and ``sigma`` a logistic function that
    reaches 0 and 1, ``decode(g) = s^-1(s(low) + (s(high) - s(low)) * sigma(std * g))``.

    Attributes:
        low, high: the legal range, both ends included.
        scale: the scale on which steps have equal effect.
        std: the standard deviation of a search's steps, as a share of a quarter of the range on that scale.

    >>> domain = RealDomain(low=1.0, high=100.0, scale="log")
    >>> round(float(domain.decode(jnp.zeros(1))), 3)
    10.0
    >>> domain.check(0.5)
    'must lie in [1, 100]; got 0.5'
    """

    low: float
    high: float
    scale: Scale = "linear"
    std: float = 0.5

    def __post_init__(self) -> None:
        if self.scale not in tuple(_SCALES):
            raise UserError(f"scale {self.scale!r} is unknown; choose one of {', '.join(_SCALES)}.")
        if not (is_number(self.low) and is_number(self.high) and self.low < self.high):
            raise UserError(f"a real domain needs finite numbers low < high; got low={self.low!r}, high={self.high!r}.")
        check_std(self.std)
        if not math.isfinite(self._forward(self.low)) or not math.isfinite(self._forward(self.high)):
            raise UserError(f"scale '{self.scale}' is not finite at low={self.low} or high={self.high}; move the bound.")

    def _forward(self, value: float) -> float:
        """The scale's function of a value; infinity where it is not defined."""
        try:
            return _SCALES[self.scale](math, value)
        except (ValueError, ZeroDivisionError):
            return math.inf

    def check(self, value: object) -> str | None:
        number = np.asarray(value)
        if number.shape != () or number.dtype.kind not in "fiu":
            return f"must be one number; got {value!r}"
        if not (np.float32(self.low) <= np.float32(number) <= np.float32(self.high)):
            return f"must lie in [{self.low:g}, {self.high:g}]; got {number.item():g}"
        return None

    def decode(self, coordinates: jax.Array) -> jax.Array:
        low, high = self._forward(self.low), self._forward(self.high)
        u = _squash(self.std * coordinates[0])
        return _clip(_INVERSES[self.scale](low * (1.0 - u) + high * u), self.low, self.high)

    def encode(self, value: Scalar) -> np.ndarray | jax.Array:
        low, high = self._forward(self.low), self._forward(self.high)
        if isinstance(value, jax.core.Tracer):
            number = _SCALES[self.scale](jnp, jnp.clip(value, np.float32(self.low), np.float32(self.high)))
            return _unsquash(jnp.clip((number - low) / (high - low), 0.0, 1.0), jnp)[None] / self.std
        return np.asarray([_unsquash(self.position(float(value))) / self.std], np.float32)

    def position(self, value: float) -> float:
        """The place of a value in the range, from 0 at ``low`` to 1 at ``high``, on the domain's scale.

        >>> RealDomain(low=1.0, high=100.0, scale="log").position(10.0)
        0.5
        """
        low, high = self._forward(self.low), self._forward(self.high)
        return (self._forward(min(max(value, self.low), self.high)) - low) / (high - low)

    def value_at(self, position: float) -> float:
        """The value at a place in the range: the inverse of `position`.

        >>> round(RealDomain(low=1.0, high=100.0, scale="log").value_at(0.5), 3)
        10.0
        """
        low, high = self._forward(self.low), self._forward(self.high)
        value = float(_INVERSES[self.scale](jnp.float32(low + (high - low) * position)))
        return min(max(value, self.low), self.high)

    def sample(self, key: jax.Array) -> jax.Array:
        return _sample_evenly(key, self.std)

    def mutate(self, noise: jax.Array, coordinates: jax.Array) -> jax.Array:
        """A neighbor as of any domain, within the coordinates that change the value."""
        return _within_reach(super().mutate(noise, coordinates), self.std)

    def crossover(self, noise: jax.Array, first: jax.Array, second: jax.Array) -> jax.Array:
        """A point on the line through both parents, up to a quarter of their distance beyond each.

        Extended line recombination (Muehlenbein & Schlierkamp-Voosen 1993).
        """
        return _within_reach(_between(noise, first, second), self.std)


def _sample_evenly(key: jax.Array, std: float) -> jax.Array:
    """The coordinate of a uniform draw from the range, on its scale."""
    p = (jax.random.uniform(key, (1,)) + _MARGIN) / (1 + 2 * _MARGIN)
    return jnp.log(p / (1 - p)) / std


def _between(noise: jax.Array, first: jax.Array, second: jax.Array) -> jax.Array:
    """A point on the line through two others, from a quarter of their distance before the first to as far beyond the second."""
    return first + (1.5 * noise - 0.25) * (second - first)


def _within_reach(coordinates: jax.Array, std: float) -> jax.Array:
    """Coordinates clipped to those that change the value."""
    return jnp.clip(coordinates, -_REACH / std, _REACH / std)


_SCALES: dict[str, Callable[[Any, Any], Any]] = {  # of (math or jax.numpy, value)
    "linear": lambda functions, v: v,
    "log": lambda functions, v: functions.log(v),
    "log1m": lambda functions, v: -functions.log1p(-v),
    "logit": lambda functions, v: functions.log(v / (1 - v)),
}
_INVERSES: dict[str, Callable[[jax.Array], jax.Array]] = {
    "linear": lambda s: s,
    "log": jnp.exp,
    "log1m": lambda s: -jnp.expm1(-s),
    "logit": jax.nn.sigmoid,
}


@dataclass(frozen=True)
class IntegerDomain(Domain):
    """A whole number in ``[low, high]``, both ends included.

    With n numbers and ``sigma`` as of `RealDomain`, ``decode(g) = low + min(floor(n * sigma(std * g)), n - 1)``.

    >>> int(IntegerDomain(low=1, high=9).decode(jnp.zeros(1)))
    5
    """

    low: int
    high: int
    std: float = 0.5
    dtype: ClassVar[type[np.generic]] = np.int32

    def __post_init__(self) -> None:
        if not (isinstance(self.low, int) and isinstance(self.high, int) and self.low < self.high):
            raise UserError(f"an integer domain needs whole numbers low < high; got low={self.low!r}, high={self.high!r}.")
        if self.high - self.low >= _MOST:
            raise UserError(f"an integer domain holds {_MOST} numbers at most; got low={self.low}, high={self.high}.")
        check_std(self.std)

    def check(self, value: object) -> str | None:
        return whole_number_problem(value, self.low, self.high)

    @property
    def _count(self) -> int:
        return self.high - self.low + 1

    def decode(self, coordinates: jax.Array) -> jax.Array:
        step = jnp.floor(self._count * _squash(self.std * coordinates[0])).astype(jnp.int32)
        return self.low + jnp.minimum(step, self._count - 1)

    def encode(self, value: Integer) -> np.ndarray | jax.Array:
        if isinstance(value, jax.core.Tracer):
            return self._middle_of(jnp.clip(value, self.low, self.high))
        u = (int(value) - self.low + 0.5) / self._count
        return np.asarray([_unsquash(min(max(u, 0.0), 1.0)) / self.std], np.float32)

    def position(self, value: float) -> float:
        """The place of a value in the range, from 0 at ``low`` to 1 at ``high``."""
        return (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)

    def value_at(self, position: float) -> int:
        """The whole number nearest to a place in the range.

        >>> IntegerDomain(low=1, high=9).value_at(0.5)
        5
        """
        return self.low + round(position * (self.high - self.low))

    def sample(self, key: jax.Array) -> jax.Array:
        return _sample_evenly(key, self.std)

    def mutate(self, noise: jax.Array, coordinates: jax.Array) -> jax.Array:
        """Another whole number, at least one step away; the step is that of a real number in the middle of the range."""
        value = self.decode(coordinates)
        reach = self.std * self._count / 4 * jnp.abs(normal(noise[1]))
        step = jnp.clip(jnp.round(reach), 1, self._count - 1).astype(jnp.int32) * jnp.where(noise[0] < 0.5, -1, 1)
        moved = value + step
        inside = (self.low <= moved) & (moved <= self.high)
        return self._middle_of(jnp.where(inside, moved, jnp.clip(value - step, self.low, self.high)))

    def crossover(self, noise: jax.Array, first: jax.Array, second: jax.Array) -> jax.Array:
        """A point on the line through both parents, as of a `RealDomain`; the decoded value is whole."""
        return _within_reach(_between(noise, first, second), self.std)

    def _middle_of(self, value: jax.Array) -> jax.Array:
        """The coordinate in the middle of those that decode to a whole number."""
        p = ((value - self.low + 0.5) / self._count + _MARGIN) / (1 + 2 * _MARGIN)
        return (jnp.log(p / (1 - p)) / self.std)[None]
