"""Plugin: Catch, the example of an environment of one's own."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_catch.catch import Catch

    registry.add("catch", Catch)
    registry.add_task(
        "catch",
        "catch",
        summary="Catch a falling ball with a paddle on an 8 x 8 board",
        random=-0.75,
        reference=1.0,
        origin="random: exact, since the ball's column is uniform and 1 of 8 is caught; reference: optimum, every ball caught",
        paper=Catch.paper,
    )
