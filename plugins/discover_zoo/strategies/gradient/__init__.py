"""A search by gradients, and the meta-objective that it climbs."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_zoo.strategies.gradient.gradient import Gradient
    from discover_zoo.strategies.gradient.policy_gain import PolicyGain

    registry.add("gradient", Gradient)
    registry.add("policy_gain", PolicyGain)
