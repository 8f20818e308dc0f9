"""Discovered policy optimization."""

import jax

from discover import Registry, Scalar, component, hookimpl, real
from discover_zoo.rules.drifts import tanh_drift
from discover_zoo.rules.mirror import MirrorLearning
from discover_zoo.rules.recipes import RECIPES


@component
class DPO(MirrorLearning):
    """Discovered policy optimization (Lu et al. 2022): the closed form that was read off LPO's learned drift.

    ``relu((ratio - 1) * A - alpha * tanh((ratio - 1) * A / alpha))`` where ``A >= 0``, and
    ``relu(log(ratio) * A - beta * tanh(log(ratio) * A / beta))`` where ``A < 0``.
    """

    paper = "Lu et al. 2022, arXiv 2210.05639"

    alpha: Scalar = real(2.0, low=0.1, high=20.0, scale="log")
    beta: Scalar = real(0.6, low=0.05, high=10.0, scale="log")

    def drift(self, log_ratio: jax.Array, advantage: jax.Array) -> jax.Array:
        return tanh_drift(log_ratio, advantage, self.alpha, self.beta)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("dpo", DPO)
    registry.add_recipe(
        "dpo", RECIPES / "dpo.yaml", summary="DPO's published drift, all else as in the recipe ppo", paper=DPO.paper
    )
