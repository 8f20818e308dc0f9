"""Changes of a network's parameters from outside of learning: of a network that grows, say."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
from jax.flatten_util import ravel_pytree

from discover.contract.types import Params


class ParamsMap(NamedTuple):
    """A change of the parameters that keeps their form, and that of all that is measured in them.

    Attributes:
        params: the new parameters, of those before.
        gradient: ``(tree, power)``: from a gradient at the parameters before, the one at the new parameters; with a power, from
            powers of a gradient, element by element (a running mean of squares: 2).
    """

    params: Callable[[Params], Params]
    gradient: Callable[[Params, int], Params]

    def flat(self, params: Params) -> ParamsMap:
        """The same change for parameters that are held as one flat vector, in the order of `jax.flatten_util.ravel_pytree`.

        Args:
            params: whose form it is; the numbers do not matter.

        >>> import jax.numpy as jnp
        >>> halved = lambda tree, power=1: jax.tree.map(lambda x: 0.5**power * x, tree)
        >>> change = ParamsMap(params=lambda tree: jax.tree.map(lambda x: x[::-1], tree), gradient=halved)
        >>> flat = change.flat({"a": jnp.zeros(2), "b": jnp.zeros(2)})
        >>> print(flat.params(jnp.arange(4.0)), flat.gradient(jnp.arange(4.0), 2))
        [1. 0. 3. 2.] [0.   0.25 0.5  0.75]
        """
        unravel = ravel_pytree(params)[1]

        def changed(vector: jax.Array) -> jax.Array:
            return ravel_pytree(self.params(unravel(vector)))[0]

        def turned(vector: jax.Array, power: int) -> jax.Array:
            return ravel_pytree(self.gradient(unravel(vector), power))[0]

        return ParamsMap(changed, turned)
