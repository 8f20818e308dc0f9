"""The Monte-Carlo policy gradient."""

from typing import Literal

from discover import Heads, Spec, component, policy_heads
from discover_actor_critic.actor_critic import ActorCritic


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
