"""Plugin: strategies of evosax, by their evosax names."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_evosax import algorithms

    registry.add("CMA_ES", algorithms.CMAES)
    registry.add("Open_ES", algorithms.OpenES)
    registry.add("Sep_CMA_ES", algorithms.SepCMAES)
    registry.add("SNES", algorithms.SNES)
    registry.add("SimpleGA", algorithms.SimpleGA)
