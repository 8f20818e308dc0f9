"""Domains: which values a meta-parameter may take, and how a search reaches them.

A search moves in *coordinates*: unconstrained float32 numbers in units of the domain's own standard deviation, so
that numbers and network weights can share one strategy. ``decode`` takes any coordinates into the legal range: no
strategy can hand a component an illegal value.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import jax
import jax.core
import jax.flatten_util
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError

Scalar: TypeAlias = float | jax.Array
"""A number of one component: a float to write, a float32 array (with any leading axes) to compute with."""

Integer: TypeAlias = int | jax.Array
"""A whole number of one component: an int to write, an int32 array to compute with."""

Weights: TypeAlias = Any
"""A tree of float32 arrays."""

Scale = Literal["linear", "log", "log1m", "logit"]

_MARGIN = 0.02  # how far the squashing overshoots the range, so that the bounds themselves can be reached
_MOST = 2**20  # whole numbers that float32 coordinates still tell apart


def _squash(x: jax.Array) -> jax.Array:
    return _held((1 + 2 * _MARGIN) * jax.nn.sigmoid(x) - _MARGIN, 0.0, 1.0)


def _unsquash(u: Any, maths: Any = math) -> Any:
    p = (u + _MARGIN) / (1 + 2 * _MARGIN)
    return maths.log(p / (1 - p))


def _held(x: jax.Array, low: float, high: float) -> jax.Array:
    """``x`` held in ``[low, high]``, with the slope of ``x`` itself: a gradient can leave a bound that it has reached."""
    return x + jax.lax.stop_gradient(jnp.clip(x, np.float32(low), np.float32(high)) - x)


_REACH = _unsquash(1.0)  # squashed numbers beyond it change nothing more


class Domain:
    """What a search may do with one open value.

    A domain covers ``size`` coordinates. Mutation and crossover are typed here, so that a genetic strategy treats each
    kind of value as befits it. They are given their randomness as uniform numbers in (0, 1), so that a space draws it for all
    its genes at once (a generator for each gene made compilation several times as long).
    """

    dtype: ClassVar[type[np.generic]] = np.float32

    @property
    def size(self) -> int:
        """How many coordinates the domain covers."""
        return 1

    def bind(self, owner: Any) -> Domain:
        """The domain as ``owner`` has it (weights take their shapes from its static fields)."""
        del owner
        return self

    def check(self, value: Any) -> str | None:
        """Why ``value`` does not belong to the domain, or None."""
        raise NotImplementedError

    def decode(self, coordinates: jax.Array) -> Any:
        """The legal value at ``coordinates[size]``; finite for any finite coordinates."""
        raise NotImplementedError

    def encode(self, value: Any) -> np.ndarray:
        """Coordinates ``[size]`` of a value; ``decode`` inverts it up to rounding. Numbers may be traced."""
        raise NotImplementedError

    def sample(self, key: jax.Array) -> jax.Array:
        """Coordinates ``[size]`` drawn from the prior."""
        raise NotImplementedError

    def begin(self, key: jax.Array) -> jax.Array:
        """Coordinates ``[size]`` at which a search begins where no default value says so: a draw from the prior."""
        return self.sample(key)

    def mutate(self, noise: jax.Array, coordinates: jax.Array) -> jax.Array:
        """A neighbor, from uniform ``noise[size + 1]``.

        Gaussian noise unless the domain knows better. Its size is random too, from a hundredth of a standard deviation to a
        whole one and spread evenly over the logarithm: a search neither leaps past the optimum for ever nor crawls to it.
        """
        return coordinates + 10.0 ** (-2.0 * noise[0]) * _normal(noise[1:])

    def crossover(self, noise: jax.Array, first: jax.Array, second: jax.Array) -> jax.Array:
        """A child of two parents, from one uniform number: the whole value from either, unless the domain knows better."""
        return jnp.where(noise < 0.5, first, second)


def _normal(noise: jax.Array) -> jax.Array:
    """Standard normal numbers from uniform ones in (0, 1)."""
    return math.sqrt(2.0) * jax.lax.erf_inv(2.0 * noise - 1.0)


@dataclass(frozen=True)
class RealDomain(Domain):
    """A real number in ``[low, high]``, moved on a ``scale``.

    With ``s`` the scale's function (``x``, ``log x``, ``-log(1 - x)`` or ``logit x``) and ``sigma`` a logistic function that
    reaches 0 and 1, ``decode(g) = s^-1(s(low) + (s(high) - s(low)) * sigma(std * g))``.
    """

    low: float
    high: float
    scale: Scale = "linear"
    std: float = 0.5

    def __post_init__(self) -> None:
        if self.scale not in tuple(_SCALES):
            raise UserError(f"scale {self.scale!r} is unknown; choose one of {', '.join(_SCALES)}.")
        if not (_is_number(self.low) and _is_number(self.high) and self.low < self.high):
            raise UserError(f"a real domain needs finite numbers low < high; got low={self.low!r}, high={self.high!r}.")
        _check_std(self.std)
        if not math.isfinite(self._forward(self.low)) or not math.isfinite(self._forward(self.high)):
            raise UserError(f"scale '{self.scale}' is not finite at low={self.low} or high={self.high}; move the bound.")

    def _forward(self, value: float) -> float:
        try:
            return _SCALES[self.scale](math, value)
        except (ValueError, ZeroDivisionError):
            return math.inf

    def check(self, value: Any) -> str | None:
        number = np.asarray(value)
        if number.shape != () or number.dtype.kind not in "fiu":
            return f"must be one number; got {value!r}"
        if not (np.float32(self.low) <= np.float32(number) <= np.float32(self.high)):
            return f"must lie in [{self.low:g}, {self.high:g}]; got {number.item():g}"
        return None

    def decode(self, coordinates: jax.Array) -> jax.Array:
        low, high = self._forward(self.low), self._forward(self.high)
        u = _squash(self.std * coordinates[0])
        return _held(_INVERSES[self.scale](low * (1.0 - u) + high * u), self.low, self.high)

    def encode(self, value: Any) -> Any:
        low, high = self._forward(self.low), self._forward(self.high)
        if isinstance(value, jax.core.Tracer):
            number = _SCALES[self.scale](jnp, jnp.clip(value, np.float32(self.low), np.float32(self.high)))
            return _unsquash(jnp.clip((number - low) / (high - low), 0.0, 1.0), jnp)[None] / self.std
        number = min(max(float(value), self.low), self.high)
        u = (self._forward(number) - low) / (high - low)
        return np.asarray([_unsquash(u) / self.std], np.float32)

    def sample(self, key: jax.Array) -> jax.Array:
        return _sample_evenly(key, self.std)

    def mutate(self, noise: jax.Array, coordinates: jax.Array) -> jax.Array:
        """As for any domain; coordinates stay where they have effect."""
        return _within_reach(super().mutate(noise, coordinates), self.std)

    def crossover(self, noise: jax.Array, first: jax.Array, second: jax.Array) -> jax.Array:
        """A point on the line through both parents, up to a quarter of their distance beyond each.

        Extended line recombination (Muehlenbein & Schlierkamp-Voosen 1993).
        """
        return _within_reach(_between(noise, first, second), self.std)


def _sample_evenly(key: jax.Array, std: float) -> jax.Array:
    p = (jax.random.uniform(key, (1,)) + _MARGIN) / (1 + 2 * _MARGIN)
    return jnp.log(p / (1 - p)) / std


def _between(noise: jax.Array, first: jax.Array, second: jax.Array) -> jax.Array:
    return first + (1.5 * noise - 0.25) * (second - first)


def _within_reach(coordinates: jax.Array, std: float) -> jax.Array:
    return jnp.clip(coordinates, -_REACH / std, _REACH / std)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and abs(float(value)) <= float(np.finfo(np.float32).max)


def _check_std(std: Any) -> None:
    if not (_is_number(std) and std > 0):
        raise UserError(f"std must be a finite number above 0; got {std!r}.")


_SCALES: dict[str, Callable[[Any, Any], Any]] = {  # of (math or jax.numpy, value)
    "linear": lambda maths, v: v,
    "log": lambda maths, v: maths.log(v),
    "log1m": lambda maths, v: -maths.log1p(-v),
    "logit": lambda maths, v: maths.log(v / (1 - v)),
}
_INVERSES: dict[str, Callable[[jax.Array], jax.Array]] = {
    "linear": lambda s: s,
    "log": jnp.exp,
    "log1m": lambda s: -jnp.expm1(-s),
    "logit": jax.nn.sigmoid,
}


@dataclass(frozen=True)
class IntegerDomain(Domain):
    """A whole number in ``[low, high]``, both ends included."""

    low: int
    high: int
    std: float = 0.5
    dtype: ClassVar[type[np.generic]] = np.int32

    def __post_init__(self) -> None:
        if not (isinstance(self.low, int) and isinstance(self.high, int) and self.low < self.high):
            raise UserError(f"an integer domain needs whole numbers low < high; got low={self.low!r}, high={self.high!r}.")
        if self.high - self.low >= _MOST:
            raise UserError(f"an integer domain holds {_MOST} numbers at most; got low={self.low}, high={self.high}.")
        _check_std(self.std)

    def check(self, value: Any) -> str | None:
        return _check_whole(value, self.low, self.high)

    @property
    def _count(self) -> int:
        return self.high - self.low + 1

    def decode(self, coordinates: jax.Array) -> jax.Array:
        step = jnp.floor(self._count * _squash(self.std * coordinates[0])).astype(jnp.int32)
        return self.low + jnp.minimum(step, self._count - 1)

    def encode(self, value: Any) -> Any:
        if isinstance(value, jax.core.Tracer):
            return self._middle_of(jnp.clip(value, self.low, self.high))
        u = (int(value) - self.low + 0.5) / self._count
        return np.asarray([_unsquash(min(max(u, 0.0), 1.0)) / self.std], np.float32)

    def sample(self, key: jax.Array) -> jax.Array:
        return _sample_evenly(key, self.std)

    def mutate(self, noise: jax.Array, coordinates: jax.Array) -> jax.Array:
        """Another whole number, one step away at least: as far as one standard deviation takes a real number mid-range."""
        value = self.decode(coordinates)
        reach = self.std * self._count / 4 * jnp.abs(_normal(noise[1]))
        step = jnp.clip(jnp.round(reach), 1, self._count - 1).astype(jnp.int32) * jnp.where(noise[0] < 0.5, -1, 1)
        moved = value + step
        inside = (self.low <= moved) & (moved <= self.high)
        return self._middle_of(jnp.where(inside, moved, jnp.clip(value - step, self.low, self.high)))

    def crossover(self, noise: jax.Array, first: jax.Array, second: jax.Array) -> jax.Array:
        """As for real numbers; the value decoded is whole."""
        return _within_reach(_between(noise, first, second), self.std)

    def _middle_of(self, value: jax.Array) -> jax.Array:
        p = ((value - self.low + 0.5) / self._count + _MARGIN) / (1 + 2 * _MARGIN)
        return (jnp.log(p / (1 - p)) / self.std)[None]


def _check_whole(value: Any, low: int, high: int) -> str | None:
    number = np.asarray(value)
    if number.shape != () or number.dtype.kind not in "iu":
        return f"must be one whole number; got {value!r}"
    if not (low <= number <= high):
        return f"must lie in [{low}, {high}]; got {number.item()}"
    return None


@dataclass(frozen=True)
class ChoiceDomain(Domain):
    """One of several unordered options: the largest of as many coordinates wins."""

    options: int
    dtype: ClassVar[type[np.generic]] = np.int32

    @property
    def size(self) -> int:
        return self.options

    def check(self, value: Any) -> str | None:
        return _check_whole(value, 0, self.options - 1)

    def decode(self, coordinates: jax.Array) -> jax.Array:
        return jnp.argmax(coordinates).astype(jnp.int32)

    def encode(self, value: Any) -> np.ndarray:
        return np.eye(self.options, dtype=np.float32)[int(value)]

    def sample(self, key: jax.Array) -> jax.Array:
        return jax.nn.one_hot(jax.random.randint(key, (), 0, self.options), self.options)

    def mutate(self, noise: jax.Array, coordinates: jax.Array) -> jax.Array:
        """Another option, each as likely."""
        others = self.options - 1
        further = 1 + jnp.minimum(jnp.floor(noise[0] * others).astype(jnp.int32), others - 1)
        return jax.nn.one_hot((jnp.argmax(coordinates) + further) % self.options, self.options)


@dataclass(frozen=True)
class OptionIndexDomain(Domain):
    """The index of an option of the owner: a `ChoiceDomain` whose size its static fields give."""

    count: Callable[[Any], int]
    dtype: ClassVar[type[np.generic]] = np.int32

    def bind(self, owner: Any) -> Domain:
        return ChoiceDomain(self.count(owner))

    def check(self, value: Any) -> str | None:
        return _check_whole(value, 0, 2**30)


@dataclass(frozen=True)
class WeightsDomain(Domain):
    """Weights: a tree of float32 arrays. ``init(owner, key)`` is their prior, ``start(owner, key)`` where a search begins."""

    init: Callable[[Any, jax.Array], Weights]
    std: float = 0.1
    start: Callable[[Any, jax.Array], Weights] | None = None
    owner: Any = None

    def __post_init__(self) -> None:
        _check_std(self.std)

    def bind(self, owner: Any) -> Domain:
        return dataclasses.replace(self, owner=owner)

    @property
    def template(self) -> Any:
        """Shapes and dtypes of the weights."""
        return jax.eval_shape(lambda key: self.init(self.owner, key), jax.random.key(0))

    @property
    def size(self) -> int:
        return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(self.template))

    def check(self, value: Any) -> str | None:
        if self.owner is None:
            return None
        template = self.template
        want = jax.tree.map(lambda leaf: tuple(leaf.shape), template)
        try:
            got = jax.tree.map(lambda leaf: tuple(np.shape(leaf)), value)
        except (TypeError, ValueError):
            return f"must be arrays of shapes {want}; got {type(value).__name__}"
        if jax.tree.structure(template) != jax.tree.structure(value) or want != got:
            return f"must be arrays of shapes {want}; got {got}"
        if not all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(value)):
            return "must be finite; it holds NaN or infinity"
        return None

    def decode(self, coordinates: jax.Array) -> Weights:
        zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, jnp.float32), self.template)
        _, unravel = jax.flatten_util.ravel_pytree(zeros)
        return unravel(jnp.clip(coordinates, -1e9, 1e9) * self.std)

    def encode(self, value: Any) -> Any:
        if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(value)):
            return self._coordinates(value)
        flat = [np.asarray(leaf, np.float32).ravel() for leaf in jax.tree.leaves(value)]
        return np.concatenate(flat) / np.float32(self.std)

    def sample(self, key: jax.Array) -> jax.Array:
        return self._coordinates(self.init(self.owner, key))

    def begin(self, key: jax.Array) -> jax.Array:
        return self.sample(key) if self.start is None else self._coordinates(self.start(self.owner, key))

    def _coordinates(self, value: Weights) -> jax.Array:
        return jax.flatten_util.ravel_pytree(value)[0] / self.std
