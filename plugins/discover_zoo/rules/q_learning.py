"""Q-learning, one step of one environment per update."""

from typing import Any

import jax
import jax.numpy as jnp

from discover import Registry, Trajectory, World, component, hookimpl
from discover_zoo.rules.recipes import RECIPES
from discover_zoo.rules.td_control import OneStep


@component
class QLearning(OneStep):
    """Q-learning (Watkins 1989; Sutton & Barto 2018, eq. 6.8): ``max_a q(s', a)`` follows."""

    paper = "Watkins 1989, Learning from delayed rewards"

    def value_of_next(self, world: World, params: Any, trajectory: Trajectory) -> jax.Array:
        return jax.lax.stop_gradient(jnp.max(world.evaluate_next(params, trajectory)["q"]))


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("q_learning", QLearning)
    registry.add_recipe(
        "q_learning",
        RECIPES / "q_learning.yaml",
        summary="QLearning with a table for the cliff of Sutton & Barto 2018, example 6.6; step size by S. Zhang",
        paper=QLearning.paper,
    )
