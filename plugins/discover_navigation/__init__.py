"""Plugin: families of navigation tasks in the plane, on which rules learn to adapt."""

from typing import Any

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_navigation.corners import Corners
    from discover_navigation.half_circle import HalfCircle
    from discover_navigation.square import Square

    registry.add("navigation_square", Square)
    registry.add("navigation_corners", Corners)
    registry.add("navigation_half_circle", HalfCircle)
    families: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
        (
            "navigation-square",
            "navigation_square",
            "Walk to a goal that is not seen, anywhere in a square",
            Square.paper,
            _SQUARE,
        ),
        ("navigation-corners", "navigation_corners", "Find the corner that pays, out of four", Corners.paper, _CORNERS),
        (
            "navigation-half-circle",
            "navigation_half_circle",
            "Find the spot on a half-circle that pays",
            HalfCircle.paper,
            _ARC,
        ),
    )
    for name, environment, summary, paper, figures in families:
        registry.add_task(name, {environment: {"tasks": 0}}, summary=summary, paper=paper, **figures)


_ORIGIN = "20,000 episodes of a uniform random policy, and of one that knows the goal and walks straight to it"
_SQUARE = {"random": -61.4, "reference": -0.505, "origin": _ORIGIN}
_CORNERS = {"random": 0.454, "reference": 2.619, "origin": _ORIGIN}
_ARC = {"random": 0.0014, "reference": 13.37, "origin": _ORIGIN}
