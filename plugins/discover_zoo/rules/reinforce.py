"""REINFORCE, the Monte-Carlo policy gradient (Williams 1992, doi 10.1007/BF00992696)."""

from typing import Literal

from discover import Heads, Registry, Spec, component, hookimpl, policy_heads
from discover_zoo.rules.actor_critic import ActorCritic
from discover_zoo.rules.recipes import RECIPES


@component
class Reinforce(ActorCritic):
    """REINFORCE (Williams 1992) with ``A = G - b``, and without the factor ``gamma^t``, as is usual.

    The loss is that of `ActorCritic`, ``-mean(log pi(a | s) * (G - b))`` first of all; the return function `MonteCarlo` makes
    it Williams' algorithm.

    Pitfall: without a baseline, only steps whose episode ends within the batch count: make the batch longer than an episode.

    Attributes:
        baseline: ``value`` learns a value, subtracts it, and bootstraps from it where the batch cuts an episode off. ``none``
            does without: ``b = 0``, and the network has no value head.

    The other fields are those of `ActorCritic` and `discover.OnPolicy`.

    >>> from discover import Discrete, Space, free
    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.returns.monte_carlo import MonteCarlo
    >>> rule = Reinforce(returns=MonteCarlo(gamma=0.99), optimizer=Adam(), baseline="none")
    >>> sorted(rule.heads(Spec((4,), Discrete(2))).outputs)
    ['policy']
    >>> Space(Reinforce(returns=MonteCarlo(gamma=free()), optimizer=Adam(learning_rate=free()))).dimension
    2
    """

    paper = "Williams 1992, Machine Learning 8"

    baseline: Literal["value", "none"] = "value"

    def heads(self, spec: Spec) -> Heads:
        return super().heads(spec) if self.baseline == "value" else Heads(policy_heads(spec))

    def _has_value(self) -> bool:
        return self.baseline == "value"


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("reinforce", Reinforce)
    registry.add_recipe(
        "reinforce",
        RECIPES / "reinforce.yaml",
        summary="REINFORCE with a value baseline, one step of Adam per batch; the settings are ours, none are published",
        paper=Reinforce.paper,
    )
