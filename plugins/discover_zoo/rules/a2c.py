"""Advantage actor-critic (Mnih et al. 2016, arXiv 1602.01783)."""

from discover import Registry, component, hookimpl
from discover_zoo.rules.actor_critic import ActorCritic
from discover_zoo.rules.recipes import RECIPES


@component
class A2C(ActorCritic):
    """Advantage actor-critic: A3C (Mnih et al. 2016) with one learner, whose actors wait for each other.

    The loss is that of `ActorCritic`, ``-mean(log pi(a | s) * A) + value loss - entropy``. As published, batches are short and
    the return is an n-step return that is at least as long as they are: each step's target runs to the batch's end.

    Pitfall: there is one gradient step per batch and no ratio: a batch may be used only once, by the policy that collected it.

    The fields are those of `ActorCritic` and `discover.OnPolicy`; ``steps`` is the length of a batch in env steps.

    >>> from discover import Discrete, Space, Spec, free
    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.returns.n_step import NStep
    >>> rule = A2C(returns=NStep(n=5), optimizer=Adam(), steps=5, num_envs=8)
    >>> rule.rollout(Spec((4,), Discrete(2)))
    Rollout(steps=5, num_envs=8, by_rule=False)
    >>> Space(A2C(returns=NStep(gamma=free()), optimizer=Adam(), entropy_coefficient=free())).dimension
    2
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
