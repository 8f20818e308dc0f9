"""Plugin: gymnax environments by their own ids.

`tasks.json` holds one entry per task: what the environment is, its summary, and the two returns that fix its normalized
scale, with their origins. ``experiments/task_scales.py`` measures them.
"""

import json
from pathlib import Path

from discover import Registry, hookimpl
from discover_zoo.environments.family_tasks import add_family_tasks


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_zoo.environments.gymnax.environment import Gymnax
    from discover_zoo.environments.gymnax.physics import RandomPhysics

    registry.add("gymnax", Gymnax)
    registry.add("random_physics", RandomPhysics)
    add_family_tasks(registry, "random_physics", paper=RandomPhysics.paper)
    tasks = json.loads(Path(__file__).with_name("tasks.json").read_text(encoding="utf-8"))
    for name, task in tasks.items():
        random, reference = task["random"], task["reference"]
        registry.add_task(
            name,
            {"gymnax": {"id": name, **task.get("settings", {})}},
            summary=task["summary"],
            random=random["return"],
            reference=reference["return"],
            origin=f"random: {random['episodes']} episodes, standard error {random['standard_error']:.2g}; "
            f"reference: {reference['origin']}",
            paper=task.get("paper", ""),
        )
