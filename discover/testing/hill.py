"""A hill in three dimensions, by which strategies are checked."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from discover.components.component import Component, component
from discover.components.domains import Scalar
from discover.components.field_functions import real
from discover.components.open_values import free
from discover.components.space import Space
from discover.contract.events import Status
from discover.contract.strategy import Proposal, Told


@component
class Point(Component):
    """A point in three dimensions."""

    x: Scalar = real(0.8, low=-1.0, high=1.0)
    y: Scalar = real(-0.6, low=-1.0, high=1.0)
    z: Scalar = real(0.01, low=0.001, high=1.0, scale="log")


def hill_space() -> Space:
    """The space of all points."""
    return Space(Point(x=free(), y=free(), z=free()))


def given_genomes(space: Space, population: int) -> jax.Array:
    """Genomes that a search may be given to begin with, far from its start and close to each other."""
    far = space.start(jax.random.key(0)) + 3.0 * jnp.array([1.0, -1.0, 1.0])
    return jnp.stack([far, far + 0.01])[:population].astype(jnp.float32)


def told_of(proposal: Proposal, space: Space, flat: bool | jax.Array) -> Told:
    """All that is told of a population whose curves are level, and all the same if ``flat``; two seeds differ by a little."""
    fitness = jnp.where(flat, 0.0, jax.vmap(lambda genome: _height(space.decode(genome, ())))(proposal.genomes))
    members, most = len(fitness), 2
    seeds = jnp.full(members, most) if proposal.seeds is None else jnp.clip(proposal.seeds, 0, most)
    budget = jnp.ones(members) if proposal.budget is None else proposal.budget
    run = seeds > 0
    levels = fitness[:, None] + jnp.array([-0.1, 0.1])
    known = jnp.where(jnp.arange(most) < seeds[:, None], levels, jnp.nan)
    return Told(
        genomes=proposal.genomes,
        fitness=jnp.where(run, fitness, jnp.min(fitness, where=run, initial=0.0) - 1e-3),
        seeds=seeds.astype(jnp.int32),
        spread=jnp.where(seeds > 1, 0.1, jnp.inf),
        cost=seeds * budget * 1000.0,
        status=jnp.where(run, Status.OK, Status.NOT_RUN).astype(jnp.int8),
        returns=(jnp.repeat(known[..., None], 100, axis=-1),),
    )


def with_gradients(told: Told, space: Space, flat: bool | jax.Array) -> Told:
    """All that is told, with the gradient of the fitness; the last member has none, as one that is broken."""
    slopes = jax.vmap(jax.grad(lambda genome: _height(space.decode(genome, ()))))(told.genomes)
    broken = jnp.arange(len(slopes)) == max(1, len(slopes) - 1)
    gradients = jnp.where(broken[:, None], jnp.nan, jnp.where(flat, 0.0, slopes))
    return told._replace(gradients=gradients, gradient_errors=jnp.full_like(gradients, jnp.inf))


def _height(point: Component) -> jax.Array:
    """The fitness of a point."""
    assert isinstance(point, Point)
    return -((point.x - 0.3) ** 2) - (point.y - 0.2) ** 2 - (jnp.log(point.z) + 1.5) ** 2
