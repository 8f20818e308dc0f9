"""MAML: a rule that learns parameters from which another rule adapts fast (Finn et al. 2017, arXiv 1703.03400)."""

from discover import Registry, component, hookimpl
from discover_zoo.rules.adapting import AdaptingRule
from discover_zoo.rules.recipes import RECIPES


@component
class MAML(AdaptingRule):
    """Model-agnostic meta-learning (Finn et al. 2017, algorithm 3), with any inner and any outer rule.

    For each task ``i`` of a batch of tasks::

        theta'_i = inner(theta, tau_i)                       # task i, ``adaptations`` times, each on a fresh batch
        minimize  mean_i(outer loss(theta'_i, tau'_i)) + inner_kl * mean(KL(pi_old || pi))

    Each update samples tasks; in each, ``adaptations`` times, it collects and lets the inner rule take an update; it then
    collects once more, and the outer rule learns from that last batch in a world that adapts before it evaluates: gradients
    run through the inner updates. The state of the inner rule starts anew each time.

    Pitfalls: an update takes ``(1 + adaptations) * tasks * num_envs * steps`` env steps. Environments start anew for each
    batch, so that ``steps`` is best as long as the longest episode: columns whose episode ends early begin another, which
    the batch may cut off.

    Attributes:
        inner: adapts; it sees the trajectory of one task. Its own rollout is not used.
        outer: learns; it sees all tasks, the columns of each as a group.
        tasks: how many per update.
        num_envs, steps: B and T (env steps) in each task, for each batch.
        adaptations: inner updates in training; at test time any number may be taken.
        first_order: treat the inner steps as constants, as first-order MAML does.
        shaped: what learns from the shaped reward in training, where tasks have one: ``outer``, so that inner steps follow the
            real one as at test time; ``all``, inner steps too (as in Gupta et al. 2018); or ``none``.
        inner_kl: weight of ``mean(KL(pi_old || pi))``, in nats, of the policies that collected before each inner update, on the
            observations that they collected (Rothfuss et al. 2019, arXiv 1810.06784, eq. 11); it is added to whatever the
            outer rule minimizes.

    >>> from discover import Discrete, Space, Spec, free
    >>> from discover_zoo.optimizers.sgd import SGD
    >>> from discover_zoo.returns.monte_carlo import MonteCarlo
    >>> from discover_zoo.rules.policy_gradient import PolicyGradient
    >>> from discover_zoo.rules.trpo import TRPO
    >>> inner = PolicyGradient(returns=MonteCarlo(), optimizer=SGD(learning_rate=free()))
    >>> rule = MAML(inner=inner, outer=TRPO(returns=MonteCarlo()), tasks=2, num_envs=3, steps=10)
    >>> rule.rollout(Spec((4,), Discrete(2)))
    Rollout(steps=10, num_envs=12, by_rule=True)
    >>> [gene.path for gene in Space(rule).genes]
    ['inner.optimizer.learning_rate']
    """

    paper = "Finn et al. 2017, arXiv 1703.03400, algorithm 3"


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("maml", MAML)
    registry.add_recipe(
        "maml",
        RECIPES / "maml.yaml",
        summary="MAML with TRPO outside, with the settings of its authors' code for 2-D navigation",
        paper=MAML.paper,
    )
