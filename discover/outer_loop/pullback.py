"""Gradients of candidates, pulled back to the coordinates of genomes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from discover.base.errors import UserError
from discover.components.component import Component
from discover.components.paths import walk
from discover.components.space import Space, Structure
from discover.contract.meta_objective import Gradients


class Pullback:
    """The way from gradients of a candidate's leaves to those of genomes, for a space of one structure.

    Args:
        space: decodes genomes.
        structure: of all candidates.

    Attributes:
        leaves: of each leaf of a candidate, whether it is open and a real number.

    Raises:
        UserError: no open value has a derivative, or a component says that it has none with respect to one.
    """

    def __init__(self, space: Space, structure: Structure):
        self._space, self._structure = space, structure
        self.leaves = _wanted(space, structure)
        self._pulled = jax.jit(self._pull)

    def __call__(self, genomes: np.ndarray, gradients: Gradients) -> tuple[np.ndarray, np.ndarray]:
        """The gradients ``[P, D]``, and their standard errors over batches of agents.

        A gradient is NaN where no batch has one; an error is infinite where there are less than two.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            batches = np.asarray(self._pulled(genomes, gradients.batches), np.float64)
            weights = np.asarray(gradients.counts, np.float64)[..., None]
            agents, known = weights.sum(axis=1), (weights > 0).sum(axis=1)
            mean = (weights * batches).sum(axis=1) / agents
            squares = (weights * (batches - mean[:, None]) ** 2).sum(axis=1) / agents
            error = np.where(known > 1, np.sqrt(squares / (known - 1)), np.inf)
        return mean.astype(np.float32), error.astype(np.float32)

    def _pull(self, genomes: np.ndarray, batches: tuple[np.ndarray, ...]) -> jax.Array:
        """The gradient ``[P, N, D]`` of each batch."""

        def of_member(genome: jax.Array, mine: tuple[jax.Array, ...]) -> jax.Array:
            back = jax.vjp(self._open_leaves, genome)[1]
            return jax.vmap(lambda leaves: back(leaves)[0])(mine)

        return jax.vmap(of_member)(jnp.asarray(genomes), jax.tree.map(jnp.asarray, batches))

    def _open_leaves(self, genome: jax.Array) -> tuple[jax.Array, ...]:
        leaves = jax.tree.leaves(self._space.decode(genome, self._structure))
        return tuple(jnp.asarray(leaf) for leaf, flag in zip(leaves, self.leaves, strict=True) if flag)


def _wanted(space: Space, structure: Structure) -> tuple[bool, ...]:
    """Of each leaf of a candidate, whether its gradient is wanted."""
    is_open: list[bool] = []

    def note(genome: jax.Array) -> jax.Array:
        is_open.extend(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(space.decode(genome, structure)))
        return genome

    start = space.start(jax.random.key(0))
    jax.eval_shape(note, start)
    owners = list(_owners(space.decode(start, structure)))
    wanted = []
    for flag, (path, owner, name, real) in zip(is_open, owners, strict=True):
        if flag and real and name in owner.not_differentiable:
            raise UserError(
                f"the strategy climbs by gradients, and {type(owner).__name__} is not differentiable with respect to '{name}', "
                f"which is open at '{path}': set it, or choose another strategy."
            )
        wanted.append(flag and real)
    if not any(wanted):
        raise UserError(
            "the strategy climbs by gradients, and no open value is a real number or weights: leave one open, or choose "
            "another strategy."
        )
    return tuple(wanted)


def _owners(candidate: Component) -> list[tuple[str, Component, str, bool]]:
    """Of each leaf, in the order of the tree: the path, owner and name of its field, and whether it holds real numbers."""
    found = []
    for path, owner, field, value in walk(candidate):
        if field.role == "leaf":
            for leaf in jax.tree.leaves(value):
                found.append((path, owner, field.name, bool(jnp.issubdtype(leaf.dtype, jnp.floating))))
    return found
