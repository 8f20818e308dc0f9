"""Learned policy optimization on top of PPO."""

import jax

from discover import Registry, Scalar, Weights, component, hookimpl, real, weights
from discover_zoo.rules.drift_network import MARGIN, drift_network, random_weights, silent_weights
from discover_zoo.rules.drifts import clip_drift
from discover_zoo.rules.mirror import MirrorLearning
from discover_zoo.rules.recipes import RECIPES


@component
class ResidualLPO(MirrorLearning):
    """LPO on top of PPO (the PPO-initialized variant of Lu et al. 2022's code).

    ``drift = relu(clip_drift(ratio, A) + network(ratio, A) - 1e-4)``: valid for any weights, and PPO up to 1e-4 where a search
    begins.
    """

    paper = "Lu et al. 2022, arXiv 2210.05639"

    drift_weights: Weights = weights(init=random_weights, start=silent_weights)
    clip: Scalar = real(0.2, low=0.02, high=1.0, scale="log")

    def drift(self, log_ratio: jax.Array, advantage: jax.Array) -> jax.Array:
        learned = drift_network(self.drift_weights, log_ratio, advantage)
        return jax.nn.relu(clip_drift(log_ratio, advantage, self.clip) + learned - MARGIN)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("residual_lpo", ResidualLPO)
    registry.add_recipe(
        "residual_lpo",
        RECIPES / "residual_lpo.yaml",
        summary="A space: a drift network on top of PPO's drift is open, all else as in the recipe ppo",
        paper=ResidualLPO.paper,
    )
