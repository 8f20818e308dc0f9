"""Proximal policy optimisation."""

import jax
import jax.numpy as jnp

from discover import Scalar, component, real
from discover_mirror.mirror import MirrorLearning


def clip_drift(ratio: jax.Array, advantage: jax.Array, clip: Scalar) -> jax.Array:
    """``relu((ratio - clip(ratio, 1 - eps, 1 + eps)) * advantage)``: what PPO's minimum takes back."""
    return jax.nn.relu((ratio - jnp.clip(ratio, 1.0 - clip, 1.0 + clip)) * advantage)


@component
class PPO(MirrorLearning):
    """Proximal policy optimisation (Schulman et al. 2017, eq. 7).

    ``min(ratio * A, clip(ratio, 1 - clip, 1 + clip) * A)``, written as ``ratio * A - drift``.
    """

    paper = "Schulman et al. 2017, arXiv 1707.06347, eq. 7"

    clip: Scalar = real(0.2, low=0.02, high=1.0, scale="log")

    def drift(self, ratio: jax.Array, advantage: jax.Array) -> jax.Array:
        return clip_drift(ratio, advantage, self.clip)
