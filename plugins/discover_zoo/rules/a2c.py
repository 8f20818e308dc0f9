"""Advantage actor-critic."""

from discover import Registry, component, hookimpl
from discover_zoo.rules.actor_critic import ActorCritic
from discover_zoo.rules.recipes import RECIPES


@component
class A2C(ActorCritic):
    """Advantage actor-critic: A3C (Mnih et al. 2016) with one learner, whose actors wait for each other.

    Short batches and an n-step return that is at least as long as they are: each step's target runs to the batch's end.
    """

    paper = "Mnih et al. 2016, arXiv 1602.01783"


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("a2c", A2C)
    registry.add_recipe(
        "a2c",
        RECIPES / "a2c.yaml",
        summary="A2C with the settings of RL Baselines3 Zoo for CartPole, but Adam without momentum in place of RMSProp",
        paper=A2C.paper,
    )
