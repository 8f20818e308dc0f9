"""Plugin: normalisers of observations and rewards."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_normalisers.normalisers import Observations, Rewards, Several

    registry.add("observations", Observations)
    registry.add("rewards", Rewards)
    registry.add("several", Several)
