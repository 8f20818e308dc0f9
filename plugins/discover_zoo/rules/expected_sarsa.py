"""Expected Sarsa, one step of one environment per update (van Seijen et al. 2009)."""

import jax

from discover import Params, Registry, Trajectory, World, component, hookimpl
from discover_zoo.rules.recipes import RECIPES
from discover_zoo.rules.td_control import OneStep


@component
class ExpectedSarsa(OneStep):
    """Expected Sarsa (van Seijen et al. 2009; Sutton & Barto 2018, eq. 6.9).

    ``q(s, a) += step_size (r + gamma sum_a' pi(a' | s') q(s', a') - q(s, a))``, where ``pi`` is the epsilon-greedy policy that
    acts.

    Pitfall: the expectation is that of the policy as it is now, and changes with epsilon.

    The fields are those of `Control`.

    >>> from discover import Space, free
    >>> ExpectedSarsa(step_size=0.5, epsilon=0.1)
    ExpectedSarsa(step_size=0.5, gamma=1.0, epsilon=0.1)
    >>> Space(ExpectedSarsa(step_size=free(), epsilon=free())).dimension
    2
    """

    paper = "van Seijen et al. 2009, A theoretical and empirical analysis of Expected Sarsa"

    def formula(self) -> str:
        return self.correction(r"\sum_{a'} \pi(a' \mid s')\, Q(s', a')")

    def value_of_next(self, world: World, params: Params, trajectory: Trajectory) -> jax.Array:
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
