"""Numbers of a component through which no derivative runs, although they matter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from discover.components.component import Component, domain_of
from discover.components.paths import get, replace, walk
from discover.testing.failures import require, same_bits

C = TypeVar("C", bound=Component)

_NUDGE = 1e-3
"""A change in standard deviations of the domain: small enough that a draw hardly ever falls otherwise."""


def check_not_stopped(component: C, gradient: Component, result: Callable[[C], object], *, method: str) -> None:
    """Check that no number has a gradient of zero although the result changes with it.

    Args:
        component: complete.
        gradient: of a number that depends on all of the result, in the structure of the component.
        result: the result as a function of the component.
        method: the method that is to blame.
    """
    name, usual = type(component).__name__, None
    for path, owner, field, value in walk(component):
        if field.role != "leaf" or field.name in owner.not_differentiable or _has_slope(get(gradient, path)):
            continue
        if usual is None:
            usual = result(component)
        domain = domain_of(owner, field)
        nudged = domain.decode(jnp.asarray(domain.encode(value)) + _NUDGE)
        require(
            same_bits(usual, result(replace(component, {path: nudged}))),
            f"{name} depends on '{path}', but its gradient with respect to it is zero: it is stopped.",
            "A meta-gradient could never change this number.",
            f"Take stop_gradient and round out of its way, or name it: not_differentiable = ('{field.name}',).",
            method=method,
        )


def _has_slope(gradient: object) -> bool:
    """Whether a gradient is not zero. That of whole numbers, which have none, counts as one."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(gradient)]
    return any(leaf.dtype == jax.dtypes.float0 or leaf.any() for leaf in leaves)
