"""The stored tasks of families of which each lifetime draws a task.

`family_tasks.json` holds one entry per task, with the two returns that fix its normalized scale.
``experiments/task_families.py`` renews it.
"""

import json
from pathlib import Path

from discover import Registry

TASKS = Path(__file__).with_name("family_tasks.json")


def add_family_tasks(registry: Registry, kind: str, paper: str = "") -> None:
    """Register the stored tasks whose environment is called ``kind``.

    Args:
        registry: where to.
        kind: name of an environment.
        paper: publication of the family.
    """
    for name, task in json.loads(TASKS.read_text(encoding="utf-8")).items():
        if kind in task["environment"]:
            registry.add_task(
                name,
                task["environment"],
                summary=task["summary"],
                random=task["random"],
                reference=task["reference"],
                origin=task["origin"],
                paper=paper,
            )
