"""Proximal policy optimisation."""

import jax

from discover import Scalar, component, real
from discover_mirror.drifts import clip_drift
from discover_mirror.mirror import MirrorLearning


@component
class PPO(MirrorLearning):
    """Proximal policy optimisation (Schulman et al. 2017, eq. 7).

    ``min(ratio * A, clip(ratio, 1 - clip, 1 + clip) * A)``, written as ``ratio * A - drift``.
    """

    paper = "Schulman et al. 2017, arXiv 1707.06347, eq. 7"

    clip: Scalar = real(0.2, low=0.02, high=1.0, scale="log")

    def drift(self, log_ratio: jax.Array, advantage: jax.Array) -> jax.Array:
        return clip_drift(log_ratio, advantage, self.clip)
