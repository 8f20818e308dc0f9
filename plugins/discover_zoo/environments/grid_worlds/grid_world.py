"""Grid worlds that are given as maps."""

from typing import Literal

import jax
import jax.numpy as jnp

from discover import Key, Task, UserError, component
from discover_zoo.environments.grid_worlds.level import Level, distinct_cells
from discover_zoo.environments.grid_worlds.maps import Map, read_map
from discover_zoo.environments.grid_worlds.tabular import Tabular


@component
class GridWorld(Tabular):
    """The tabular grid worlds of Oh et al. 2020, as in the code of GROOVE (Jackson et al. 2023), each a map that can be read.

    With several maps, each lifetime draws one of them; all are padded to the largest, so that one program fits. As in the
    paper, each lifetime draws the start and the places of objects, if ``places`` is ``drawn``; else they are those of the map.

    >>> world = GridWorld(maps=("dense",))
    >>> world.spec().observation_shape, int(world.sample_task(jax.random.key(0)).horizon)
    ((1936,), 500)

    Attributes:
        maps: names of files in ``maps``: dense, sparse, long, longer, long_dense; small, small_sparse, very_dense, tiny.
        places: whether the start and the objects are where the map says, or drawn once for each lifetime.
        clock: as in `Tabular`.
    """

    paper = "Oh et al. 2020, arXiv 2007.08794, appendix A.1"

    maps: tuple[str, ...] = ("dense",)
    places: Literal["map", "drawn"] = "map"

    @property
    def shape(self) -> tuple[int, int]:
        maps = self._read()
        return max(m.side for m in maps) ** 2, max(len(m.letters) for m in maps)

    def levels(self) -> Level:
        """The levels of all maps, ``[M, ...]``, with start and objects where the maps say."""
        maps, (_, objects) = self._read(), self.shape
        side = max(m.side for m in maps)
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *(m.level(side, objects) for m in maps))

    def sample_task(self, key: Key) -> Task:
        key_map, key_places = jax.random.split(key)
        choice = jax.random.randint(key_map, (), 0, len(self.maps))
        level: Level = jax.tree.map(lambda leaf: leaf[choice], self.levels())
        if self.places == "map":
            return level
        start, *places = distinct_cells(key_places, level.walls, level.objects + 1)
        return level._replace(start=start, places=jnp.where(level.used, jnp.stack(places), level.cells))

    def _read(self) -> list[Map]:
        if not self.maps:
            raise UserError("maps of GridWorld is empty: name at least one, such as dense.")
        return [read_map(name) for name in self.maps]
