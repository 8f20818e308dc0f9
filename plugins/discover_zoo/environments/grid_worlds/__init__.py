"""Plugin: grid worlds in which rules learn to learn.

`maps` holds levels as text. `tasks.json` holds one entry per task, and `levels.json` the exact returns of numbered levels;
``experiments/grid_worlds.py`` renews both.
"""

import json
from pathlib import Path

from discover import Registry, hookimpl
from discover_zoo.environments.family_tasks import add_family_tasks


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_zoo.environments.grid_worlds.foggy_mazes import FoggyMazes
    from discover_zoo.environments.grid_worlds.grid_world import GridWorld
    from discover_zoo.environments.grid_worlds.grid_worlds import GridWorlds
    from discover_zoo.environments.grid_worlds.mazes import Mazes
    from discover_zoo.environments.grid_worlds.moving import MovingGridWorld

    kinds = {"grid_world": GridWorld, "grid_worlds": GridWorlds, "moving_grid_world": MovingGridWorld}
    for name, kind in kinds.items():
        registry.add(name, kind)
    for name, family in {"foggy_mazes": FoggyMazes, "mazes": Mazes}.items():
        registry.add(name, family)
        add_family_tasks(registry, name)
    tasks = json.loads(Path(__file__).with_name("tasks.json").read_text(encoding="utf-8"))
    for name, task in tasks.items():
        (kind,) = task["environment"]
        registry.add_task(
            name,
            task["environment"],
            summary=task["summary"],
            random=task["random"],
            reference=task["reference"],
            origin=task["origin"],
            paper=kinds[kind].paper,
        )
