"""Plugin: population-based training, a strategy over lifetimes that go on."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_zoo.strategies.pbt.pbt import PBT

    registry.add("pbt", PBT)
