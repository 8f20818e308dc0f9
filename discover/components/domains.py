"""Domains: the legal values of a meta-parameter, and the coordinates by which a search moves in them.

A search moves in *coordinates*: unconstrained float32 numbers in units of the domain's own standard deviation, so
that numbers and network weights can share one strategy. ``decode`` takes any coordinates into the legal range: no
strategy can hand a component an illegal value.
"""

from __future__ import annotations

import math
import numbers
from typing import Any, ClassVar, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError

Scalar: TypeAlias = float | jax.Array
"""A number of one component: a float to write, a float32 array (with any leading axes) to compute with."""

Integer: TypeAlias = int | jax.Array
"""A whole number of one component: an int to write, an int32 array to compute with."""

Weights: TypeAlias = Any
"""A tree of float32 arrays."""

DomainValue: TypeAlias = Any
"""A value of some domain: a `Scalar`, an `Integer` or `Weights`."""


class Domain:
    """The legal values of one open value, and the steps that a search can take between them.

    A domain covers ``size`` coordinates. Mutation and crossover are methods of the domain, so that a genetic strategy can treat
    each kind of value in its own way. Their randomness comes as uniform numbers in (0, 1), so that a space draws it for all
    its genes at once (a generator for each gene made compilation several times as long).
    """

    dtype: ClassVar[type[np.generic]] = np.float32

    @property
    def size(self) -> int:
        """The number of coordinates."""
        return 1

    def bind(self, owner: object) -> Domain:
        """The domain for one component; the shapes of weights depend on the component's static fields."""
        del owner
        return self

    def check(self, value: object) -> str | None:
        """Why ``value`` does not belong to the domain, as the rest of a sentence; None if it does."""
        raise NotImplementedError

    def decode(self, coordinates: jax.Array) -> DomainValue:
        """The legal value at ``coordinates[size]``; finite for any finite coordinates."""
        raise NotImplementedError

    def encode(self, value: DomainValue) -> np.ndarray | jax.Array:
        """Coordinates ``[size]`` of a value; ``decode`` inverts it up to rounding. Numbers may be traced."""
        raise NotImplementedError

    def sample(self, key: jax.Array) -> jax.Array:
        """Coordinates ``[size]`` drawn from the prior."""
        raise NotImplementedError

    def begin(self, key: jax.Array) -> jax.Array:
        """Coordinates ``[size]`` at which a search begins if the field has no default value: a draw from the prior."""
        return self.sample(key)

    def mutate(self, noise: jax.Array, coordinates: jax.Array) -> jax.Array:
        """A neighbor, from uniform ``noise[size + 1]``.

        Gaussian noise, unless the domain overrides it. Its standard deviation is random too, from 0.01 to 1 and uniform on the
        logarithm, so that a search can take both large steps and small ones near an optimum.
        """
        return coordinates + 10.0 ** (-2.0 * noise[0]) * normal(noise[1:])

    def crossover(self, noise: jax.Array, first: jax.Array, second: jax.Array) -> jax.Array:
        """A child of two parents, from one uniform number: the whole value of either, unless the domain overrides it."""
        return jnp.where(noise < 0.5, first, second)


def normal(noise: jax.Array) -> jax.Array:
    """Standard normal numbers from uniform ones in (0, 1): sqrt(2) erf^-1(2 u - 1).

    >>> normal(jnp.array([0.5])).tolist()
    [0.0]
    """
    return math.sqrt(2.0) * jax.lax.erf_inv(2.0 * noise - 1.0)


def is_number(value: object) -> bool:
    """Whether a value is a finite real number that float32 can hold.

    >>> is_number(0.5), is_number(float("nan")), is_number("0.5")
    (True, False, False)
    """
    return isinstance(value, numbers.Real) and abs(float(value)) <= float(np.finfo(np.float32).max)


def check_std(std: float) -> None:
    """Check the standard deviation of a domain.

    Raises:
        UserError: it is not a finite number above 0.

    >>> check_std(0.0)
    Traceback (most recent call last):
    discover.base.errors.UserError: std must be a finite number above 0; got 0.0.
    """
    if not (is_number(std) and std > 0):
        raise UserError(f"std must be a finite number above 0; got {std!r}.")


def whole_number_problem(value: object, low: int, high: int) -> str | None:
    """Why a value is no whole number in ``[low, high]``, as the rest of a sentence; None if it is one.

    >>> whole_number_problem(7, 0, 3)
    'must lie in [0, 3]; got 7'
    """
    number = np.asarray(value)
    if number.shape != () or number.dtype.kind not in "iu":
        return f"must be one whole number; got {value!r}"
    if not (low <= number <= high):
        return f"must lie in [{low}, {high}]; got {number.item()}"
    return None
