"""The Monte-Carlo policy gradient."""

from typing import Literal

from discover import Heads, Registry, Spec, component, hookimpl, policy_heads
from discover_zoo.rules.actor_critic import ActorCritic
from discover_zoo.rules.recipes import RECIPES


@component
class Reinforce(ActorCritic):
    """REINFORCE (Williams 1992) with ``A = G - b``, and without the factor ``gamma^t``, as is usual.

    The return function `MonteCarlo` makes it Williams' algorithm.

    Attributes:
        baseline: ``value`` learns a value, subtracts it, and bootstraps from it where the batch cuts an episode off. ``none``
            does without: ``b = 0``, and only steps whose episode ends within the batch count. Make the batch longer than an
            episode then.
    """

    paper = "Williams 1992, Machine Learning 8"

    baseline: Literal["value", "none"] = "value"

    def heads(self, spec: Spec) -> Heads:
        return super().heads(spec) if self.baseline == "value" else Heads(policy_heads(spec))


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("reinforce", Reinforce)
    registry.add_recipe(
        "reinforce",
        RECIPES / "reinforce.yaml",
        summary="REINFORCE with a value baseline, one step of Adam per batch; the settings are ours, none are published",
        paper=Reinforce.paper,
    )
