"""Expected Sarsa, one step of one environment per update."""

from typing import Any

import jax

from discover import Registry, Trajectory, World, component, hookimpl
from discover_zoo.rules.recipes import RECIPES
from discover_zoo.rules.td_control import OneStep


@component
class ExpectedSarsa(OneStep):
    """Expected Sarsa (van Seijen et al. 2009; Sutton & Barto 2018, eq. 6.9): ``sum_a pi(a | s') q(s', a)`` follows."""

    paper = "van Seijen et al. 2009, A theoretical and empirical analysis of Expected Sarsa"

    def value_of_next(self, world: World, params: Any, trajectory: Trajectory) -> jax.Array:
        return self.expected_value(world, params, trajectory)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("expected_sarsa", ExpectedSarsa)
    registry.add_recipe(
        "expected_sarsa",
        RECIPES / "expected_sarsa.yaml",
        summary="ExpectedSarsa with a table for the cliff of Sutton & Barto 2018, example 6.6; step size by S. Zhang",
        paper=ExpectedSarsa.paper,
    )
