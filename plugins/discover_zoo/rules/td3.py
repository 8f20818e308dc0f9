"""Twin delayed deep deterministic policy gradient (Fujimoto et al. 2018, arXiv 1802.09477)."""

from discover import Registry, component, hookimpl
from discover_zoo.rules.delayed_critics import DelayedCritics
from discover_zoo.rules.recipes import RECIPES


@component
class TD3(DelayedCritics):
    """Twin delayed DDPG (Fujimoto et al. 2018, arXiv 1802.09477, algorithm 1).

    The policy is deterministic, ``mu(s) = center + reach * tanh(policy(s))``, and explores by normal noise of standard
    deviation ``noise * reach``, clipped to the bounds::

        a'          = clip(mu_target(s') + clip(normal(smoothing * reach), -smoothing_clip * reach, smoothing_clip * reach))
        next_value  = min(Q1_target, Q2_target)(s', a'),        the outer clip is to the bounds of the actions
        policy loss = -mean(Q1(s, mu(s)))

    ``delay`` critic steps come before each policy step; the target parameters move with the policy.

    Pitfalls: the task needs real actions with finite bounds. The noise of exploration does not fall over the lifetime. One
    update takes ``rounds * delay`` critic steps: for one per transition, ``steps * num_envs`` must be as many.

    Attributes:
        delay: critic steps per policy step.
        noise: standard deviation of the exploration, in units of the reach of an action (half the width of its bounds).
        smoothing, smoothing_clip: standard deviation and bound of the noise on the target's action, in the same units.

    The other fields are those of `TwinCritics`.

    >>> from discover import Continuous, Space, Spec, free
    >>> from discover_zoo.optimizers.adam import Adam
    >>> rule = TD3(optimizer=Adam(learning_rate=1e-3), policy_optimizer=Adam(learning_rate=1e-3))
    >>> sorted(rule.heads(Spec((3,), Continuous((-2.0,), (2.0,)))).outputs)
    ['policy', 'q1', 'q2']
    >>> Space(TD3(optimizer=Adam(), policy_optimizer=Adam(), noise=free(), polyak=free())).dimension
    2
    """

    paper = "Fujimoto et al. 2018, arXiv 1802.09477"


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("td3", TD3)
    registry.add_recipe(
        "td3",
        RECIPES / "td3.yaml",
        summary="TD3 with the settings of RL Baselines3 Zoo for Pendulum (updates of two steps each)",
        paper=TD3.paper,
    )
