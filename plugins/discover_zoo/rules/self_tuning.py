"""The self-tuning actor-critic: the weights of its loss can be adapted (Zahavy et al. 2020, arXiv 2002.12928)."""

from discover import Registry, Scalar, component, hookimpl, real
from discover_zoo.rules.lagging_actors import LaggingActorCritic


@component
class SelfTuning(LaggingActorCritic):
    """IMPALA with each part of its loss scaled by a share of its coefficient (Zahavy et al. 2020).

    With target ``G`` and advantage ``A`` from the return function::

        loss = -policy_share * mean(log pi(action | state) * A)
               + value_share * value_coefficient * mean((v - G)^2) / 2
               - entropy_share * entropy_coefficient * mean(entropy)

    By itself it is IMPALA, since all shares are 1. A meta-gradient adapts them, together with the numbers of `LeakyVTrace`.

    Pitfall: a share is a number in [0, 1] that starts at its upper bound; what adapts it must move in its unconstrained
    coordinates, as `MetaGradient` does.

    Attributes:
        policy_share, value_share, entropy_share: of the coefficients, which are their upper bounds; no unit.

    The other fields are those of `LaggingActorCritic`, `ActorCritic` and `discover.OnPolicy`.

    >>> from discover import Space, free
    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.returns.leaky_v_trace import LeakyVTrace
    >>> rule = SelfTuning(returns=LeakyVTrace(), optimizer=Adam(), value_share=free(), entropy_share=free())
    >>> [gene.path for gene in Space(rule).genes]
    ['value_share', 'entropy_share']
    """

    paper = "Zahavy et al. 2020, arXiv 2002.12928"

    policy_share: Scalar = real(1.0, low=0.0, high=1.0)
    value_share: Scalar = real(1.0, low=0.0, high=1.0)
    entropy_share: Scalar = real(1.0, low=0.0, high=1.0)

    def _coefficients(self) -> tuple[Scalar, Scalar, Scalar]:
        policy, value, entropy = super()._coefficients()
        return self.policy_share * policy, self.value_share * value, self.entropy_share * entropy


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("self_tuning", SelfTuning)
