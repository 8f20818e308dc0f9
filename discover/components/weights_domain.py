"""The domain of weights."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.core
import jax.flatten_util
import jax.numpy as jnp
import numpy as np

from discover.components.domains import Domain, Weights, check_std


@dataclass(frozen=True)
class WeightsDomain(Domain):
    """Weights: a tree of float32 arrays. Coordinates are the weights, flattened and divided by ``std``.

    Attributes:
        init: ``init(owner, key)`` draws weights from the prior.
        std: the standard deviation of a search's steps.
        start: ``start(owner, key)`` gives the weights at which a search begins; None: a draw from the prior.
        owner: the component of whose field this is the domain; None before ``bind``.

    >>> domain = WeightsDomain(lambda owner, key: {"b": jnp.zeros(2)}, std=0.5).bind(None)
    >>> domain.decode(jnp.array([1.0, -2.0]))["b"].tolist()
    [0.5, -1.0]
    """

    init: Callable[[Any, jax.Array], Weights]
    std: float = 0.1
    start: Callable[[Any, jax.Array], Weights] | None = None
    owner: object = None

    def __post_init__(self) -> None:
        check_std(self.std)

    def bind(self, owner: object) -> WeightsDomain:
        return dataclasses.replace(self, owner=owner)

    @property
    def template(self) -> Weights:
        """Shapes and dtypes of the weights."""
        return jax.eval_shape(lambda key: self.init(self.owner, key), jax.random.key(0))

    @property
    def size(self) -> int:
        return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(self.template))

    def check(self, value: object) -> str | None:
        if self.owner is None:
            return None
        template = self.template
        expected = jax.tree.map(lambda leaf: tuple(leaf.shape), template)
        try:
            shapes = jax.tree.map(lambda leaf: tuple(np.shape(leaf)), value)
        except (TypeError, ValueError):
            return f"must be arrays of shapes {expected}; got {type(value).__name__}"
        if jax.tree.structure(template) != jax.tree.structure(value) or expected != shapes:
            return f"must be arrays of shapes {expected}; got {shapes}"
        if not all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(value)):
            return "must be finite; it holds NaN or infinity"
        return None

    def decode(self, coordinates: jax.Array) -> Weights:
        zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, jnp.float32), self.template)
        _, unravel = jax.flatten_util.ravel_pytree(zeros)
        return unravel(jnp.clip(coordinates, -1e9, 1e9) * self.std)

    def encode(self, value: Weights) -> np.ndarray | jax.Array:
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
