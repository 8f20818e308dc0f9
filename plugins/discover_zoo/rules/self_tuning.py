"""The actor-critic whose loss weights are made to be adapted."""

from discover import Registry, Scalar, component, hookimpl, real
from discover_zoo.rules.lagging_actors import LaggingActorCritic


@component
class SelfTuning(LaggingActorCritic):
    """IMPALA with each part of its loss scaled by a share of its coefficient (Zahavy et al. 2020)::

        loss = -policy_share * mean(log pi(action | state) * A)
               + value_share * value_coefficient * mean((v - G)^2) / 2
               - entropy_share * entropy_coefficient * mean(entropy)

    By itself it is IMPALA, since all shares are 1. A meta-gradient adapts them, together with the numbers of `LeakyVTrace`.
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
