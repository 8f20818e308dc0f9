"""The inference of a latent variable of each task from transitions, and what a rule hands to it with a batch."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import Params, Trajectory, World
from discover_zoo.rules.beliefs import Belief, product
from discover_zoo.rules.task_memories import row_of, transitions

ENCODER, LATENT = "encoder", "latent"
"""The head that gives mean and spread of a factor, and the input that the other heads read."""

_SMALLEST = 1e-7


class Evidence(NamedTuple):
    """The extra data of a batch of G tasks.

    Attributes:
        transitions: ``[G, N, ...]`` of each task.
        known: ``[G]`` how many of them, from the first on, are known.
        noise: ``[G, d]`` of the latent variable.
    """

    transitions: Trajectory
    known: jax.Array
    noise: jax.Array


def inferred(world: World, params: Params, context: Trajectory, known: jax.Array | None = None) -> Belief:
    """The beliefs about G tasks from transitions ``[G, N]`` of each, of which the first ``known[G]`` count, or all."""
    groups, size = context.reward.shape
    encoded = world.evaluate(params, row_of(context))[ENCODER].reshape(groups, size, -1)
    mean, spread = jnp.split(encoded, 2, axis=-1)
    weight = jnp.ones((groups, size)) if known is None else (jnp.arange(size) < known[:, None]).astype(jnp.float32)
    return product(mean, jnp.maximum(jax.nn.softplus(spread), _SMALLEST), weight)


def inferred_from(world: World, params: Params, trajectory: Trajectory) -> Belief:
    """The belief about one task from a trajectory ``[T, B]``."""
    return jax.tree.map(lambda x: x[0], inferred(world, params, row_of(transitions(trajectory))))


def given_latent(batch: Trajectory, latent: jax.Array) -> Trajectory:
    """The batch ``[1, G * n]`` with the latent variable ``[G, d]`` of each task as its context."""
    repeated = jnp.repeat(latent, batch.reward.shape[1] // len(latent), axis=0)
    return batch._replace(context={LATENT: repeated[None]})
