"""Plugin: curricula that choose the level of a family on which each episode is played.

`chances` holds the distributions, `level_order` what all of them share.
"""

from discover import Registry, hookimpl
from discover_zoo.rules.recipes import RECIPES

_SUMMARIES = {
    "uniform_levels": "the level of each episode drawn by the family",
    "easy_to_hard": "harder and harder levels",
    "learning_progress": "levels whose returns change",
    "regret": "prioritized level replay",
}


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_zoo.curricula.task_order.easy_to_hard import EasyToHard
    from discover_zoo.curricula.task_order.learning_progress import LearningProgress
    from discover_zoo.curricula.task_order.regret import Regret
    from discover_zoo.curricula.task_order.uniform_levels import UniformLevels

    for name, kind in zip(_SUMMARIES, (UniformLevels, EasyToHard, LearningProgress, Regret), strict=True):
        registry.add(name, kind)
        registry.add_recipe(
            f"ppo_{name}",
            RECIPES / f"ppo_{name}.yaml",
            summary=f"PPO with {_SUMMARIES[name]}; settings of this project",
            paper=kind.paper,
        )
