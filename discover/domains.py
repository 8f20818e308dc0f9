"""Domains: which values a meta-parameter may take, and how a search reaches them.

A search moves in *coordinates*: unconstrained float32 numbers in units of the domain's own standard deviation, so
that numbers and network weights can share one strategy. ``decode`` takes any coordinates into the legal range: no
strategy can hand a component an illegal value.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import jax
import jax.core
import jax.flatten_util
import jax.numpy as jnp
import numpy as np

from discover.errors import UserError

Scalar: TypeAlias = float | jax.Array
"""A number of one component: a float to write, a float32 array (with any leading axes) to compute with."""

Integer: TypeAlias = int | jax.Array
"""A whole number of one component: an int to write, an int32 array to compute with."""

Weights: TypeAlias = Any
"""A tree of float32 arrays."""

Scale = Literal["linear", "log", "log1m", "logit"]

_MARGIN = 0.02  # how far the squashing overshoots the range, so that the bounds themselves can be reached


def _squash(x: jax.Array) -> jax.Array:
    return _held((1 + 2 * _MARGIN) * jax.nn.sigmoid(x) - _MARGIN, 0.0, 1.0)


def _unsquash(u: Any, maths: Any = math) -> Any:
    p = (u + _MARGIN) / (1 + 2 * _MARGIN)
    return maths.log(p / (1 - p))


def _held(x: jax.Array, low: float, high: float) -> jax.Array:
    """``x`` held in ``[low, high]``, with the slope of ``x`` itself: a gradient can leave a bound that it has reached."""
    return x + jax.lax.stop_gradient(jnp.clip(x, np.float32(low), np.float32(high)) - x)


class Domain:
    """What a search may do with one open value.

    A domain covers ``size`` coordinates. Mutation and crossover are typed here, so that a genetic strategy treats each
    kind of value as befits it.
    """

    deviation: float
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
        """Coordinates ``[size]`` of a value; ``decode`` inverts it up to rounding. The value of a `Real` may be traced."""
        raise NotImplementedError

    def sample(self, key: jax.Array) -> jax.Array:
        """Coordinates ``[size]`` drawn from the prior."""
        raise NotImplementedError

    def begin(self, key: jax.Array) -> jax.Array:
        """Coordinates ``[size]`` at which a search begins where no default value says so: a draw from the prior."""
        return self.sample(key)

    def mutate(self, key: jax.Array, coordinates: jax.Array) -> jax.Array:
        """A neighbour: Gaussian noise of one standard deviation unless the domain knows better."""
        return coordinates + jax.random.normal(key, coordinates.shape)

    def crossover(self, key: jax.Array, first: jax.Array, second: jax.Array) -> jax.Array:
        """A child of two parents: the whole value from either."""
        return jnp.where(jax.random.bernoulli(key), first, second)


@dataclass(frozen=True)
class Real(Domain):
    """A real number in ``[low, high]``, moved on a ``scale``.

    With ``s`` the scale's function (``x``, ``log x``, ``-log(1 - x)`` or ``logit x``) and ``sigma`` a logistic function that
    reaches 0 and 1, ``decode(g) = s^-1(s(low) + (s(high) - s(low)) * sigma(deviation * g))``.
    """

    low: float
    high: float
    scale: Scale = "linear"
    deviation: float = 0.5

    def __post_init__(self) -> None:
        if self.scale not in _SCALES:
            raise UserError(f"scale '{self.scale}' is unknown; choose one of {', '.join(_SCALES)}.")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise UserError(f"a real domain needs finite low < high; got low={self.low}, high={self.high}.")
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
        s = low + (high - low) * _squash(self.deviation * coordinates[0])
        return _held(_INVERSES[self.scale](s), self.low, self.high)

    def encode(self, value: Any) -> Any:
        low, high = self._forward(self.low), self._forward(self.high)
        if isinstance(value, jax.core.Tracer):
            number = _SCALES[self.scale](jnp, jnp.clip(value, np.float32(self.low), np.float32(self.high)))
            return _unsquash(jnp.clip((number - low) / (high - low), 0.0, 1.0), jnp)[None] / self.deviation
        number = min(max(float(value), self.low), self.high)
        u = (self._forward(number) - low) / (high - low)
        return np.asarray([_unsquash(u) / self.deviation], np.float32)

    def sample(self, key: jax.Array) -> jax.Array:
        return _sample_evenly(key, self.deviation)


def _sample_evenly(key: jax.Array, deviation: float) -> jax.Array:
    p = (jax.random.uniform(key, (1,)) + _MARGIN) / (1 + 2 * _MARGIN)
    return jnp.log(p / (1 - p)) / deviation


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
class Whole(Domain):
    """A whole number in ``[low, high]``, both ends included."""

    low: int
    high: int
    deviation: float = 0.5
    dtype: ClassVar[type[np.generic]] = np.int32

    def __post_init__(self) -> None:
        if not (isinstance(self.low, int) and isinstance(self.high, int) and self.low < self.high):
            raise UserError(f"an integer domain needs whole low < high; got low={self.low}, high={self.high}.")

    def check(self, value: Any) -> str | None:
        return _check_whole(value, self.low, self.high)

    def decode(self, coordinates: jax.Array) -> jax.Array:
        count = self.high - self.low + 1
        step = jnp.floor(count * _squash(self.deviation * coordinates[0])).astype(jnp.int32)
        return self.low + jnp.minimum(step, count - 1)

    def encode(self, value: Any) -> np.ndarray:
        u = (int(value) - self.low + 0.5) / (self.high - self.low + 1)
        return np.asarray([_unsquash(min(max(u, 0.0), 1.0)) / self.deviation], np.float32)

    def sample(self, key: jax.Array) -> jax.Array:
        return _sample_evenly(key, self.deviation)


def _check_whole(value: Any, low: int, high: int) -> str | None:
    number = np.asarray(value)
    if number.shape != () or number.dtype.kind not in "iu":
        return f"must be one whole number; got {value!r}"
    if not (low <= number <= high):
        return f"must lie in [{low}, {high}]; got {number.item()}"
    return None


@dataclass(frozen=True)
class Category(Domain):
    """One of several unordered options: the largest of as many coordinates wins."""

    options: int
    deviation: float = 1.0
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

    def mutate(self, key: jax.Array, coordinates: jax.Array) -> jax.Array:
        return self.sample(key)


@dataclass(frozen=True)
class OptionIndex(Domain):
    """The index of an option of the owner: a `Category` whose size its static fields give."""

    count: Callable[[Any], int]
    deviation: float = 1.0
    dtype: ClassVar[type[np.generic]] = np.int32

    def bind(self, owner: Any) -> Domain:
        return Category(self.count(owner), self.deviation)

    def check(self, value: Any) -> str | None:
        return _check_whole(value, 0, 2**30)


@dataclass(frozen=True)
class Array(Domain):
    """Weights: a tree of float32 arrays. ``init(owner, key)`` is their prior, ``start(owner, key)`` where a search begins."""

    init: Callable[[Any, jax.Array], Weights]
    deviation: float = 0.1
    start: Callable[[Any, jax.Array], Weights] | None = None
    owner: Any = None

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
        return unravel(jnp.clip(coordinates, -1e9, 1e9) * self.deviation)

    def encode(self, value: Any) -> np.ndarray:
        flat = [np.asarray(leaf, np.float32).ravel() for leaf in jax.tree.leaves(value)]
        return np.concatenate(flat) / np.float32(self.deviation)

    def sample(self, key: jax.Array) -> jax.Array:
        return self._coordinates(self.init(self.owner, key))

    def begin(self, key: jax.Array) -> jax.Array:
        return self.sample(key) if self.start is None else self._coordinates(self.start(self.owner, key))

    def _coordinates(self, value: Weights) -> jax.Array:
        return jax.flatten_util.ravel_pytree(value)[0] / self.deviation
