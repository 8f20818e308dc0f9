"""Plugin: normalizers of observations and rewards, by running statistics."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_zoo.normalizers.observations import Observations
    from discover_zoo.normalizers.one_of_normalizers import OneOfNormalizers
    from discover_zoo.normalizers.rewards import Rewards
    from discover_zoo.normalizers.several import Several

    registry.add("observations", Observations)
    registry.add("one_of_normalizers", OneOfNormalizers)
    registry.add("rewards", Rewards)
    registry.add("several", Several)
