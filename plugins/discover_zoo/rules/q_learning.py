"""Q-learning, one step of one environment per update (Watkins 1989, Learning from delayed rewards)."""

import jax
import jax.numpy as jnp

from discover import Params, Registry, Trajectory, World, component, hookimpl
from discover_zoo.rules.recipes import RECIPES
from discover_zoo.rules.td_control import OneStep


@component
class QLearning(OneStep):
    """Q-learning (Watkins 1989; Sutton & Barto 2018, eq. 6.8).

    ``q(s, a) += step_size (r + gamma max_a' q(s', a') - q(s, a))``, acting epsilon-greedily.

    Pitfall: it learns the values of the greedy policy, not of the one that acts: with a constant epsilon its returns while it
    learns may stay below Sarsa's.

    The fields are those of `Control`.

    >>> from discover import Space, free
    >>> QLearning(step_size=0.5, epsilon=0.1)
    QLearning(step_size=0.5, gamma=1.0, epsilon=0.1)
    >>> Space(QLearning(step_size=free(), epsilon=free())).dimension
    2
    """

    paper = "Watkins 1989, Learning from delayed rewards"

    def formula(self) -> str:
        return self.correction(r"\max_{a'} Q(s', a')")

    def value_of_next(self, world: World, params: Params, trajectory: Trajectory) -> jax.Array:
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
