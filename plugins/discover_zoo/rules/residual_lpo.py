"""Learned policy optimization on top of PPO (Lu et al. 2022, arXiv 2210.05639)."""

import jax

from discover import Registry, Scalar, Weights, component, hookimpl, real, weights
from discover_zoo.rules.drift_network import MARGIN, NETWORK_FORMULA, drift_network, random_weights, silent_weights
from discover_zoo.rules.drifts import clip_drift
from discover_zoo.rules.equations import clipped_ratio
from discover_zoo.rules.mirror import MirrorLearning
from discover_zoo.rules.recipes import RECIPES


@component
class ResidualLPO(MirrorLearning):
    """LPO on top of PPO (the PPO-initialized variant of Lu et al. 2022's code).

    It maximizes the mean of ``ratio * A - drift`` (see `MirrorLearning`) with a drift that is valid for any weights, and
    PPO's up to 1e-4 where a search begins::

        drift = relu(clip_drift(ratio, A) + network(ratio, A) - 1e-4)

    Pitfall: the network may also take away from PPO's drift, so that a candidate of the search can be less careful than PPO.

    Attributes:
        drift_weights: the network's weights, ``hidden[8, 128]`` and ``output[128]``; open until set.
        clip: that of PPO's drift; no unit.

    The other fields are those of `MirrorLearning` and `discover.OnPolicy`.

    >>> import jax.numpy as jnp
    >>> import numpy as np
    >>> from discover import Space
    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.returns.gae import GAE
    >>> space = Space(ResidualLPO(returns=GAE(), optimizer=Adam()))
    >>> rule = space.decode(space.start(jax.random.key(0)))
    >>> print(np.asarray(rule.drift(jnp.log(jnp.array([0.5, 1.0, 2.0])), jnp.ones(3))).round(3))
    [0.  0.  0.8]
    """

    paper = "Lu et al. 2022, arXiv 2210.05639"

    drift_weights: Weights = weights(init=random_weights, start=silent_weights)
    clip: Scalar = real(0.2, low=0.02, high=1.0, scale="log")

    def drift(self, log_ratio: jax.Array, advantage: jax.Array) -> jax.Array:
        residual = drift_network(self.drift_weights, log_ratio, advantage)
        return jax.nn.relu(clip_drift(log_ratio, advantage, self.clip) + residual - MARGIN)

    def drift_formula(self) -> str:
        clip = rf"\operatorname{{relu}}\left((r - {clipped_ratio(self.clip)}) \hat{{A}}\right)"
        drift = rf"D(r, \hat{{A}}) = \operatorname{{relu}}\left({clip} + f_w(r, \hat{{A}}) - 10^{{-4}}\right)"
        return "\n".join([drift, NETWORK_FORMULA])


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("residual_lpo", ResidualLPO)
    registry.add_recipe(
        "residual_lpo",
        RECIPES / "residual_lpo.yaml",
        summary="A space: a drift network on top of PPO's drift is open, all else as in the recipe ppo",
        paper=ResidualLPO.paper,
    )
