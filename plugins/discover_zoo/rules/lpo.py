"""Learned policy optimization: the drift is a small network, its weights are meta-parameters."""

import jax

from discover import Registry, Weights, component, hookimpl, weights
from discover_zoo.rules.drift_network import MARGIN, drift_network, random_weights, silent_weights
from discover_zoo.rules.mirror import MirrorLearning
from discover_zoo.rules.recipes import RECIPES


@component
class LPO(MirrorLearning):
    """Learned policy optimization (Lu et al. 2022): ``drift = relu(network(ratio, A) - 1e-4)``.

    A bias-free network of one tanh layer, so that any weights give a valid drift: never negative, and zero with zero slope
    where the policy has not moved. A search begins without any drift.
    """

    paper = "Lu et al. 2022, arXiv 2210.05639"

    drift_weights: Weights = weights(init=random_weights, start=silent_weights)

    def drift(self, log_ratio: jax.Array, advantage: jax.Array) -> jax.Array:
        return jax.nn.relu(drift_network(self.drift_weights, log_ratio, advantage) - MARGIN)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("lpo", LPO)
    registry.add_recipe(
        "lpo",
        RECIPES / "lpo.yaml",
        summary="A space: LPO's drift network is open, all else as in the recipe ppo",
        paper=LPO.paper,
    )
