"""The picture of a drift: its surface, and the slope that it leaves to the objective, beside those of PPO and DPO."""

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from discover_zoo.rules.drifts import clip_drift, tanh_drift

Drift: TypeAlias = Callable[[jax.Array, jax.Array], jax.Array]
"""``(log ratio, advantage) -> drift``, element by element."""

_LOG_RATIO = np.linspace(-1.0, 1.0, 161, dtype=np.float32)
_ADVANTAGE = np.linspace(-3.0, 3.0, 121, dtype=np.float32)
_PUBLISHED: dict[str, Drift] = {
    "PPO": lambda log_ratio, advantage: clip_drift(log_ratio, advantage, 0.2),
    "DPO": lambda log_ratio, advantage: tanh_drift(log_ratio, advantage, 2.0, 0.6),
}


def drift_figure(name: str, drift: Drift) -> Figure:
    """Surfaces over log ratio and advantage, one column per drift: ``name``, PPO (0.2) and DPO (2, 0.6).

    The upper row shows the drift itself; the lower row shows ``d(ratio * A - drift) / d ratio``, whose sign says in which
    direction the policy is still pushed.
    """
    drifts = {name: drift} | {label: other for label, other in _PUBLISHED.items() if label != name}
    figure = Figure(figsize=(3.2 * len(drifts) + 1.0, 5.6), layout="constrained")
    axes = figure.subplots(2, len(drifts), sharex=True, sharey=True, squeeze=False)
    for column, (label, one) in enumerate(drifts.items()):
        surface, slope = surfaces(one)
        surface_image = _paint(axes[0, column], surface, "viridis", low=0.0, high=2.0)
        slope_image = _paint(axes[1, column], slope, "RdBu", low=-3.0, high=3.0)
        axes[0, column].set_title(label)
        axes[1, column].set_xlabel("log ratio")
        if column == 0:
            axes[0, 0].set_ylabel("advantage")
            axes[1, 0].set_ylabel("advantage")
            figure.colorbar(surface_image, ax=axes[0], label="drift", extend="max")
            figure.colorbar(slope_image, ax=axes[1], label="slope of the objective", extend="both")
    return figure


def surfaces(drift: Drift) -> tuple[np.ndarray, np.ndarray]:
    """Drift, and slope of the objective in the ratio, ``[advantages, log ratios]``.

    >>> surface, slope = surfaces(lambda log_ratio, advantage: 0.0 * log_ratio)
    >>> surface.shape == slope.shape == (121, 161), float(surface.max()), float(slope.max())
    (True, 0.0, 3.0)
    """
    log_ratio, advantage = jnp.meshgrid(jnp.asarray(_LOG_RATIO), jnp.asarray(_ADVANTAGE))
    surface, rise = jax.jvp(lambda x: drift(x, advantage), (log_ratio,), (jnp.ones_like(log_ratio),))
    return np.asarray(surface), np.asarray(advantage - rise * jnp.exp(-log_ratio))


def _paint(axes: Axes, values: np.ndarray, colors: str, *, low: float, high: float) -> QuadMesh:
    """Values ``[advantages, log ratios]`` as colors between ``low`` and ``high``."""
    return axes.pcolormesh(_LOG_RATIO, _ADVANTAGE, values, cmap=colors, vmin=low, vmax=high, rasterized=True)
