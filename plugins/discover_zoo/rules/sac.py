"""Soft actor-critic with a learned temperature (Haarnoja et al. 2018, arXiv 1812.05905)."""

from discover import Registry, component, hookimpl
from discover_zoo.rules.recipes import RECIPES
from discover_zoo.rules.soft_critics import SoftCritics


@component
class SAC(SoftCritics):
    """Soft actor-critic with a learned temperature (Haarnoja et al. 2018, arXiv 1812.05905, eq. 3, 9 and 18).

    ``a'`` and ``log pi(a'|s')`` come from the policy, a Gaussian squashed by tanh. Its density is that of the action in units
    of its reach, between -1 and 1: neither entropy nor temperature depends on the units of the environment::

        next_value  = min(Q1_target, Q2_target)(s', a') - alpha * log pi(a'|s')
        policy loss = mean(alpha * log pi(a|s) - min(Q1, Q2)(s, a))                       # a is differentiated through
        temperature loss = -alpha * mean(log pi(a|s) + target entropy),     target entropy = -entropy_scale * D

    Pitfalls: the task needs real actions with finite bounds. The temperature is in units of the return, and begins at 1: with
    tiny or huge rewards it takes long until it fits.

    Attributes:
        entropy_scale: the target entropy, in nats and in units of ``-D``, where D is the number of action dimensions. The
            entropy of the uniform policy is ``D log 2``.

    The other fields are those of `TwinCritics`.

    >>> from discover import Continuous, Space, Spec, free
    >>> from discover_zoo.optimizers.adam import Adam
    >>> rule = SAC(optimizer=Adam(learning_rate=1e-3), policy_optimizer=Adam(learning_rate=1e-3))
    >>> sorted(rule.heads(Spec((3,), Continuous((-2.0,), (2.0,)))).outputs)
    ['log_std', 'policy', 'q1', 'q2']
    >>> Space(SAC(optimizer=Adam(), policy_optimizer=Adam(), gamma=free(), entropy_scale=free())).dimension
    2
    """

    paper = "Haarnoja et al. 2018, arXiv 1812.05905"


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("sac", SAC)
    registry.add_recipe(
        "sac",
        RECIPES / "sac.yaml",
        summary="SAC with the settings of RL Baselines3 Zoo for Pendulum (a memory of 100,000)",
        paper=SAC.paper,
    )
