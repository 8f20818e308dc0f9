"""The picture of a drift: its surface, and the slope that it leaves to the objective, beside those of PPO and DPO."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from discover_zoo.rules.drifts import clip_drift, tanh_drift

Drift = Callable[[jax.Array, jax.Array], jax.Array]

_LOG_RATIO = np.linspace(-1.0, 1.0, 161, dtype=np.float32)
_ADVANTAGE = np.linspace(-3.0, 3.0, 121, dtype=np.float32)
_PUBLISHED: dict[str, Drift] = {
    "PPO": lambda log_ratio, advantage: clip_drift(log_ratio, advantage, 0.2),
    "DPO": lambda log_ratio, advantage: tanh_drift(log_ratio, advantage, 2.0, 0.6),
}


def drift_figure(name: str, drift: Drift) -> Figure:
    """Surfaces over log ratio and advantage, one column per drift: ``name``, PPO (0.2) and DPO (2, 0.6).

    Above the drift itself; below ``d(ratio * A - drift) / d ratio``, whose sign says where the policy is still pushed.
    """
    drifts = {name: drift} | {label: other for label, other in _PUBLISHED.items() if label != name}
    figure = Figure(figsize=(3.2 * len(drifts) + 1.0, 5.6), layout="constrained")
    axes = figure.subplots(2, len(drifts), sharex=True, sharey=True, squeeze=False)
    for column, (label, one) in enumerate(drifts.items()):
        surface, slope = surfaces(one)
        shown = _paint(axes[0, column], surface, "viridis", 0.0, 2.0)
        pushed = _paint(axes[1, column], slope, "RdBu", -3.0, 3.0)
        axes[0, column].set_title(label)
        axes[1, column].set_xlabel("log ratio")
        if column == 0:
            axes[0, 0].set_ylabel("advantage")
            axes[1, 0].set_ylabel("advantage")
            figure.colorbar(shown, ax=axes[0], label="drift", extend="max")
            figure.colorbar(pushed, ax=axes[1], label="slope of the objective", extend="both")
    return figure


def surfaces(drift: Drift) -> tuple[np.ndarray, np.ndarray]:
    """Drift, and slope of the objective in the ratio, ``[advantages, log ratios]``."""
    log_ratio, advantage = jnp.meshgrid(jnp.asarray(_LOG_RATIO), jnp.asarray(_ADVANTAGE))
    surface, rise = jax.jvp(lambda x: drift(x, advantage), (log_ratio,), (jnp.ones_like(log_ratio),))
    return np.asarray(surface), np.asarray(advantage - rise * jnp.exp(-log_ratio))


def _paint(axes: Axes, values: np.ndarray, colors: str, low: float, high: float):
    return axes.pcolormesh(_LOG_RATIO, _ADVANTAGE, values, cmap=colors, vmin=low, vmax=high, rasterized=True)
