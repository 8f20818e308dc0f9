"""Proximal policy optimization."""

import jax

from discover import Registry, Scalar, component, hookimpl, real
from discover_zoo.rules.drifts import clip_drift
from discover_zoo.rules.mirror import MirrorLearning
from discover_zoo.rules.recipes import RECIPES


@component
class PPO(MirrorLearning):
    """Proximal policy optimization (Schulman et al. 2017, eq. 7).

    ``min(ratio * A, clip(ratio, 1 - clip, 1 + clip) * A)``, written as ``ratio * A - drift``.
    """

    paper = "Schulman et al. 2017, arXiv 1707.06347, eq. 7"

    clip: Scalar = real(0.2, low=0.02, high=1.0, scale="log")

    def drift(self, log_ratio: jax.Array, advantage: jax.Array) -> jax.Array:
        return clip_drift(log_ratio, advantage, self.clip)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("ppo", PPO)
    registry.add_recipe("ppo", RECIPES / "ppo.yaml", summary="PPO with the settings of PureJaxRL for CartPole", paper=PPO.paper)
    registry.add_recipe(
        "ppo_gru",
        RECIPES / "ppo_gru.yaml",
        summary="PPO with a memory, sizes as in PureJaxRL, all else as in the recipe ppo",
        paper=PPO.paper,
    )
    registry.add_recipe(
        "ppo_minatar", RECIPES / "ppo_minatar.yaml", summary="PPO with the settings of PureJaxRL for MinAtar", paper=PPO.paper
    )
    registry.add_recipe(
        "ppo_pendulum",
        RECIPES / "ppo_pendulum.yaml",
        summary="PPO with the settings of RL Baselines3 Zoo for Pendulum, but plain Gaussian noise",
        paper=PPO.paper,
    )
