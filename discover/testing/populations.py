"""Populations around a component, and the numbers of it that can be differentiated."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from discover.components.component import Component
from discover.components.open_values import free
from discover.components.paths import replace, walk
from discover.components.space import Space
from discover.contract.types import Members


def members(component: Component, count: int, spread: float) -> Members:
    """A population: the component itself, and others at normally distributed distances from it.

    Args:
        component: complete.
        count: P.
        spread: standard deviation of the distance, in standard deviations of each domain. With a small one, integers and
            options do not change.

    Returns:
        The component with a leading axis P on each leaf.

    >>> from discover.testing.hill import Point
    >>> points = members(Point(), 3, spread=0.1)
    >>> points.x.shape, round(float(points.x[0]), 3)
    ((3,), 0.8)
    """
    template = replace(component, {path: free() for path, _, field, _ in walk(component) if field.role == "leaf"})
    if not jax.tree.leaves(component):
        return component
    space = Space(template)
    noise = jax.random.normal(jax.random.key(1), (count, space.dimension))
    others = jax.vmap(lambda genome: space.decode(genome, ()))(space.encode(component) + spread * noise[1:])
    return jax.tree.map(lambda own, rest: jnp.asarray(np.concatenate([np.asarray(own)[None], rest])), component, others)


def differentiable(component: Component, gradient: Component) -> list[jax.Array]:
    """The leaves of a gradient, without those that their owner declares not differentiable.

    Args:
        component: with respect to which the gradient is.
        gradient: in the structure of the component.

    >>> from discover.testing.hill import Point
    >>> len(differentiable(Point(), Point()))
    3
    """
    fixed: list[bool] = []
    for _, owner, field, value in walk(component):
        if field.role == "leaf":
            fixed += [field.name in owner.not_differentiable] * len(jax.tree.leaves(value))
    return [leaf for leaf, is_fixed in zip(jax.tree.leaves(gradient), fixed, strict=True) if not is_fixed]
