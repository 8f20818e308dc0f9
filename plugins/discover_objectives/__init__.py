"""Plugin: objectives on learning curves."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_objectives.objectives import AreaUnderCurve, FinalReturn

    registry.add("final_return", FinalReturn)
    registry.add("area_under_curve", AreaUnderCurve)
