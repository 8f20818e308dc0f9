"""Drawings of gymnax's classic control tasks, by gymnax's name."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Drawing = Callable[["Axes", Any], None]
"""Draws a state of gymnax on empty axes."""


def cart_pole(axes: "Axes", state: Any) -> None:
    """A cart on its track, with the pole that it balances."""
    x, angle = float(state.x), float(state.theta)
    axes.axhline(0.0, color="0.6", linewidth=1)
    axes.plot([x - 0.25, x + 0.25], [0.0, 0.0], color="0.2", linewidth=12, solid_capstyle="butt")
    axes.plot([x, x + np.sin(angle)], [0.0, np.cos(angle)], color="tab:orange", linewidth=4)
    _frame(axes, (-2.4, 2.4), (-1.8, 3.0))


def pendulum(axes: "Axes", state: Any) -> None:
    """A rod around its pivot; the angle is zero upright."""
    angle = float(state.theta)
    axes.plot([0.0, -np.sin(angle)], [0.0, np.cos(angle)], color="tab:red", linewidth=8, solid_capstyle="round")
    axes.plot(0.0, 0.0, "o", color="0.2")
    _frame(axes, (-1.3, 1.3), (-1.3, 1.3))


def acrobot(axes: "Axes", state: Any) -> None:
    """Two links below their pivot, and the height that the tip is to reach."""
    first, second = float(state.joint_angle1), float(state.joint_angle1 + state.joint_angle2)
    x, y = np.cumsum([0.0, np.sin(first), np.sin(second)]), np.cumsum([0.0, -np.cos(first), -np.cos(second)])
    axes.axhline(1.0, color="0.6", linewidth=1)
    axes.plot(x, y, "o-", color="tab:blue", linewidth=6)
    _frame(axes, (-2.2, 2.2), (-2.2, 2.2))


def mountain_car(axes: "Axes", state: Any) -> None:
    """A car in a valley, and the flag on the hill."""
    road = np.linspace(-1.2, 0.6, 200)
    position = float(state.position)
    axes.plot(road, _height(road), color="0.6")
    axes.plot(position, _height(position) + 0.04, "o", color="tab:red", markersize=10)
    axes.plot([0.5, 0.5], [_height(0.5), _height(0.5) + 0.2], color="tab:green", linewidth=2)
    _frame(axes, (-1.25, 0.65), (-0.2, 1.7))


def _height(position: Any) -> Any:
    return 0.45 * np.sin(3.0 * position) + 0.55


def _frame(axes: "Axes", x: tuple[float, float], y: tuple[float, float]) -> None:
    axes.set(xlim=x, ylim=y, aspect="equal")
    axes.set_axis_off()


DRAWINGS: dict[str, Drawing] = {
    "Acrobot-v1": acrobot,
    "CartPole-v1": cart_pole,
    "MountainCar-v0": mountain_car,
    "MountainCarContinuous-v0": mountain_car,
    "Pendulum-v1": pendulum,
}
