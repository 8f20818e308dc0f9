"""Domains of unordered options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from discover.components.domains import Domain, Integer, whole_number_problem


@dataclass(frozen=True)
class ChoiceDomain(Domain):
    """One of several unordered options: that with the largest of its coordinates, one for each option.

    >>> ChoiceDomain(options=3).encode(1).tolist()
    [0.0, 1.0, 0.0]
    >>> int(ChoiceDomain(options=3).decode(jnp.array([0.1, -2.0, 0.5])))
    2
    """

    options: int
    dtype: ClassVar[type[np.generic]] = np.int32

    @property
    def size(self) -> int:
        return self.options

    def check(self, value: object) -> str | None:
        return whole_number_problem(value, 0, self.options - 1)

    def decode(self, coordinates: jax.Array) -> jax.Array:
        return jnp.argmax(coordinates).astype(jnp.int32)

    def encode(self, value: Integer) -> np.ndarray:
        return np.eye(self.options, dtype=np.float32)[int(value)]

    def sample(self, key: jax.Array) -> jax.Array:
        return jax.nn.one_hot(jax.random.randint(key, (), 0, self.options), self.options)

    def mutate(self, noise: jax.Array, coordinates: jax.Array) -> jax.Array:
        """Another option, all with the same probability."""
        others = self.options - 1
        offset = 1 + jnp.minimum(jnp.floor(noise[0] * others).astype(jnp.int32), others - 1)
        return jax.nn.one_hot((jnp.argmax(coordinates) + offset) % self.options, self.options)


@dataclass(frozen=True)
class OptionIndexDomain(Domain):
    """The index of one of ``count(owner)`` options: a `ChoiceDomain` whose size depends on the owner's static fields.

    Attributes:
        count: see above.
        apart: whether lifetimes that run side by side have one and the same option.
    """

    count: Callable[[Any], int]
    apart: bool = False
    dtype: ClassVar[type[np.generic]] = np.int32

    def bind(self, owner: object) -> Domain:
        return ChoiceDomain(self.count(owner))

    def check(self, value: object) -> str | None:
        return whole_number_problem(value, 0, 2**30)
