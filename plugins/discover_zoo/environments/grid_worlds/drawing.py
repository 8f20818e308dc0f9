"""Pictures of grid worlds."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from discover_zoo.environments.grid_worlds.level import Level

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FLOOR, _WALL, _PAYS, _COSTS = (0.93,) * 3, (0.25,) * 3, (0.45, 0.75, 0.45), (0.9, 0.5, 0.45)


def draw_level(axes: "Axes", level: Level, *, cell: ArrayLike, places: ArrayLike) -> None:
    """Draw walls, objects and the agent.

    Args:
        axes: empty ones.
        level: of whose objects the colors tell whether they pay or cost.
        cell: of the agent.
        places: ``[O]`` cells of the objects; one that is not there has none, C.
    """
    side = int(np.sqrt(level.cells))
    colors = np.where(np.asarray(level.walls)[:, None], _WALL, _FLOOR)
    for place, reward in zip(np.asarray(places), np.asarray(level.rewards), strict=True):
        if place < level.cells:
            colors[place] = _PAYS if reward > 0.0 else _COSTS
    axes.imshow(colors.reshape(side, side, 3))
    row, column = divmod(int(cell), side)  # type: ignore[arg-type]
    axes.plot(column, row, "o", color="tab:blue", markersize=90 / side)
    axes.set_xticks(np.arange(side) + 0.5, [])
    axes.set_yticks(np.arange(side) + 0.5, [])
    axes.tick_params(length=0)
    axes.grid(color="white")
