"""Plugin: rules that learn from an exploration bonus too.

`explore` holds the rule, `own_discount` the value that a bonus may have for itself, `success` how far the agent's returns rose,
`rewards` how a bonus comes into a batch.
"""

from discover import Registry, hookimpl
from discover_zoo.rules.recipes import RECIPES


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_zoo.rules.explore.explore import Explore
    from discover_zoo.rules.explore.own_discount import OwnDiscount

    registry.add("explore", Explore)
    registry.add("own_discount", OwnDiscount)
    registry.add_recipe(
        "ppo_counts",
        RECIPES / "ppo_counts.yaml",
        summary="PPO with normalized observations and a bonus by counts of hashed states; settings of this project",
    )
    registry.add_recipe(
        "ppo_rnd",
        RECIPES / "ppo_rnd.yaml",
        summary="PPO with normalized observations and a random-network bonus of its own discount; settings of this project",
    )
