"""Populations around a component, and which of its numbers can be differentiated."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from discover.components.component import Component
from discover.components.open_values import free
from discover.components.paths import replace, walk
from discover.components.space import Space


def members(component: Component, count: int, spread: float) -> Any:
    """A population: the component itself, and others whose coordinates are off by ``spread`` standard deviations.

    Whole numbers and options stay as they are when the spread is small. Each leaf has a leading axis ``[count]``.
    """
    opened = replace(component, {path: free() for path, _, field, _ in walk(component) if field.role == "leaf"})
    made = [component]
    if jax.tree.leaves(component):
        space = Space(opened)
        center = space.encode(component)
        noise = jax.random.normal(jax.random.key(1), (count, space.dimension))
        made += [space.decode(center + spread * noise[index]) for index in range(1, count)]
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *(made * count)[:count])


def differentiable(component: Component, gradient: Any) -> list[Any]:
    """The leaves of a gradient, without those that their owner declares not differentiable."""
    fixed: list[bool] = []
    for _, owner, field, value in walk(component):
        if field.role == "leaf":
            fixed += [field.name in owner.not_differentiable] * len(jax.tree.leaves(value))
    return [leaf for leaf, still in zip(jax.tree.leaves(gradient), fixed, strict=True) if not still]
