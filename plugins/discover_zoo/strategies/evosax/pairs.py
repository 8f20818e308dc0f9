"""Algorithms of evosax whose members are mirrored pairs, and ranks within these pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from discover import Key, Space, Status, StrategyState, Told, component
from discover_zoo.strategies.evosax.adapter import EvosaxStrategy


@component
class Mirrored(EvosaxStrategy):
    """Algorithms whose members are pairs ``mean + noise`` and ``mean - noise``, and which learn from differences in a pair.

    All members of a generation have the same seeds, so both members of a pair meet the same levels and begin with the same
    agent. Other pairs do so too.

    Attributes:
        ranks: what takes the place of the fitness. ``population``: its rank among all members. ``pairs``: its rank within its
            pair, 0 or 1, whatever the fitness of other pairs (Jackson et al. 2024, arXiv 2402.05828); 0.5 for both where they
            are equal or one of them was not evaluated. A broken member is below a sound one.
    """

    even = True

    ranks: Literal["population", "pairs"] = "population"

    def pairs(self, members: int) -> np.ndarray:
        """The members that mirror each other in a sample of one distribution, ``[members / 2, 2]``."""
        return np.arange(members).reshape(2, -1).T

    def arguments(self, space: Space) -> Mapping[str, Any]:
        from evosax.core.fitness_shaping import centered_rank_fitness_shaping_fn as ranks

        return {**super().arguments(space), "fitness_shaping_fn": self._ranks_in_pairs if self.ranks == "pairs" else ranks}

    def tell(self, key: Key, state: StrategyState, space: Space, told: Told) -> StrategyState:
        if self.ranks == "pairs":
            told = told._replace(fitness=jnp.where(told.status == Status.NOT_RUN, jnp.nan, told.fitness))
        return super().tell(key, state, space, told)

    def _ranks_in_pairs(self, population: jax.Array, cost: jax.Array, state: Any, params: Any) -> jax.Array:
        """The rank of each cost within its pair; two that cannot be compared, since one is NaN, count as equal."""
        pairs = self.pairs(len(cost))
        first, second = cost[pairs].T
        rank = 0.5 + 0.5 * ((first > second).astype(cost.dtype) - (first < second).astype(cost.dtype))
        return jnp.zeros_like(cost).at[pairs].set(jnp.stack([rank, 1.0 - rank], axis=1))
