"""Proximal policy optimization (Schulman et al. 2017, arXiv 1707.06347)."""

import jax

from discover import Registry, Scalar, component, hookimpl, real
from discover_zoo.rules.drifts import clip_drift
from discover_zoo.rules.equations import clipped_ratio
from discover_zoo.rules.mirror import MirrorLearning
from discover_zoo.rules.recipes import RECIPES


@component
class PPO(MirrorLearning):
    """Proximal policy optimization (Schulman et al. 2017, eq. 7).

    With ``r = pi / pi_old`` it maximizes the mean of::

        min(r A, clip(r, 1 - eps, 1 + eps) A)  =  r A - relu((r - clip(r, 1 - eps, 1 + eps)) A)

    The right side is the drift form (see `MirrorLearning`, which adds the value loss and the entropy). It follows from
    ``min(x, y) = x - relu(x - y)``, case by case:

    - within the clip, ``clip(r) = r``: both sides are ``r A``;
    - outside on the side that ``A`` favors (``r > 1 + eps`` and ``A > 0``, or ``r < 1 - eps`` and ``A < 0``),
      ``(r - clip(r)) A > 0``: both sides are ``clip(r) A``, which has no slope, so that nothing more is to be gained;
    - outside on the other side, ``(r - clip(r)) A < 0``: both sides are ``r A``, so that the policy is pulled back.

    Pitfalls: the clip bounds no divergence: many epochs, or a large step size, still move the policy far. Advantages are
    normalized per minibatch, so that tiny minibatches give noisy ones.

    Attributes:
        clip: ``eps``: how far the ratio may leave 1 before nothing more is to be gained; no unit.

    The other fields are those of `MirrorLearning` and `discover.OnPolicy`.

    >>> import jax.numpy as jnp
    >>> import numpy as np
    >>> from discover import Space, free
    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.returns.gae import GAE
    >>> rule = PPO(returns=GAE(), optimizer=Adam(), clip=0.2)
    >>> ratio, advantage = jnp.array([0.5, 1.1, 2.0]), jnp.array([-1.0, 1.0, 1.0])
    >>> print(jnp.minimum(ratio * advantage, jnp.clip(ratio, 0.8, 1.2) * advantage))
    [-0.8  1.1  1.2]
    >>> print(np.asarray(ratio * advantage - rule.drift(jnp.log(ratio), advantage)).round(4))
    [-0.8  1.1  1.2]

    A search space over two of its numbers:

    >>> space = Space(PPO(returns=GAE(gamma=free()), optimizer=Adam(), clip=free(low=0.1, high=0.3)))
    >>> [gene.path for gene in space.genes]
    ['returns.gamma', 'clip']
    """

    paper = "Schulman et al. 2017, arXiv 1707.06347, eq. 7"

    clip: Scalar = real(0.2, low=0.02, high=1.0, scale="log")

    def drift(self, log_ratio: jax.Array, advantage: jax.Array) -> jax.Array:
        return clip_drift(log_ratio, advantage, self.clip)

    def drift_formula(self) -> str:
        clipped = clipped_ratio(self.clip)
        return "\n".join(
            [
                rf"D(r, \hat{{A}}) = \operatorname{{relu}}\left(\left(r - {clipped}\right) \hat{{A}}\right)",
                rf"r \hat{{A}} - D(r, \hat{{A}}) = \min\left(r \hat{{A}},\ {clipped}\, \hat{{A}}\right)",
            ]
        )


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
