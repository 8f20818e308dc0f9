"""A distribution over grid worlds."""

from typing import Annotated

import jax
import jax.numpy as jnp

from discover import AtLeast, Count, Integer, Key, Task, UserError, component, integer, named_key, named_keys
from discover_zoo.environments.grid_worlds.level import Level, distinct_cells
from discover_zoo.environments.grid_worlds.tabular import Tabular

_ENDS, _RESPAWNS = (0.01, 1.0), (0.001, 0.1)


@component
class GridWorlds(Tabular):
    """The levels on which GROOVE trains (Jackson et al. 2023): walls, objects and all their numbers are drawn.

    A level is a square, whose side and whose number of objects are drawn uniformly. Walls are drawn among the cells of the
    largest square; those outside of the level do not count. The start and the objects are then drawn among the cells without
    walls. Rewards are uniform in [-1, 1], that of the first object in [0, 1]; ends log-uniform in [0.01, 1], respawns in
    [0.001, 0.1], and so is the horizon within its bounds. An object may be out of reach.

    All levels have one shape: they are padded to the largest, and objects that a level does not have never come.

    >>> worlds = GridWorlds()
    >>> levels = jax.vmap(worlds.sample_task)(jax.random.split(jax.random.key(0), 3))
    >>> levels.walls.shape, levels.used.sum(axis=1).tolist()
    ((3, 100), [3, 3, 4])

    Attributes:
        level: 0 for a level of its own for each lifetime; n for the n-th of those that ``seed`` numbers, in every lifetime.
            It sets no shape: all numbered levels share one program.
        seed: of the numbered levels.
        smallest, largest: the side of the square.
        fewest, most: the number of objects.
        walls: drawn in the largest square.
        shortest, longest: the horizon.
        clock: as in `Tabular`.
    """

    paper = "Jackson et al. 2023, arXiv 2310.02782"

    level: Integer = integer(0, low=0, high=1_000_000)
    seed: Annotated[int, AtLeast(0)] = 0
    smallest: Annotated[int, AtLeast(2)] = 4
    largest: Annotated[int, AtLeast(2)] = 10
    fewest: Count = 1
    most: Count = 5
    walls: Annotated[int, AtLeast(0)] = 15
    shortest: Count = 20
    longest: Count = 750

    @property
    def shape(self) -> tuple[int, int]:
        for low, high in (("smallest", "largest"), ("fewest", "most"), ("shortest", "longest")):
            if getattr(self, low) > getattr(self, high):
                values = f"{low} of GridWorlds is {getattr(self, low)}, and {high} {getattr(self, high)}"
                raise UserError(f"{values}: the first must not be above the second.")
        return self.largest**2, self.most

    def sample_task(self, key: Key) -> Task:
        return jax.lax.cond(self.level > 0, self.numbered, lambda _: self.draw(key), self.level)

    def numbered(self, number: jax.Array) -> Level:
        """The level of a number from 1."""
        return self.draw(jax.random.fold_in(named_key(jax.random.key(self.seed), "levels"), number))

    def draw(self, key: Key) -> Level:
        """The level of a key."""
        keys = dict(zip(_NAMES, named_keys(key, *_NAMES), strict=True))
        side = jax.random.randint(keys["side"], (), self.smallest, self.largest + 1)
        count = jax.random.randint(keys["count"], (), self.fewest, self.most + 1)
        cell = jnp.arange(self.largest**2)
        inside = (cell // self.largest < side) & (cell % self.largest < side)
        drawn = distinct_cells(keys["walls"], jnp.zeros(cell.shape, bool), self.walls)
        walls = ~inside | jnp.any(cell[:, None] == drawn, axis=1)
        start, *places = distinct_cells(keys["places"], walls, self.most + 1)
        first, used = jnp.arange(self.most) == 0, jnp.arange(self.most) < count
        rewards = jax.random.uniform(keys["rewards"], (self.most,), minval=jnp.where(first, 0.0, -1.0))
        horizon = _log_uniform(keys["horizon"], (), (self.shortest, self.longest))
        return Level(
            walls=walls,
            start=start,
            horizon=jnp.round(horizon).astype(jnp.int32),
            places=jnp.where(used, jnp.stack(places), self.largest**2),
            rewards=jnp.where(used, rewards, 0.0),
            ends=jnp.where(used, _log_uniform(keys["ends"], (self.most,), _ENDS), 0.0),
            respawns=jnp.where(used, _log_uniform(keys["respawns"], (self.most,), _RESPAWNS), 0.0),
        )


_NAMES = ("side", "count", "walls", "places", "rewards", "ends", "respawns", "horizon")


def _log_uniform(key: Key, shape: tuple[int, ...], bounds: tuple[float, float]) -> jax.Array:
    low, high = bounds
    return low * (high / low) ** jax.random.uniform(key, shape)
