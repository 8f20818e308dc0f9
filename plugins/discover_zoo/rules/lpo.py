"""Learned policy optimization (Lu et al. 2022, arXiv 2210.05639): the drift is a small network."""

import jax

from discover import Registry, Weights, component, hookimpl, weights
from discover_zoo.rules.drift_network import MARGIN, NETWORK_FORMULA, drift_network, random_weights, silent_weights
from discover_zoo.rules.mirror import MirrorLearning
from discover_zoo.rules.recipes import RECIPES


@component
class LPO(MirrorLearning):
    """Learned policy optimization (Lu et al. 2022): ``drift = relu(network(ratio, A) - 1e-4)``.

    It maximizes the mean of ``ratio * A - drift`` (see `MirrorLearning`). The network has one tanh layer and no biases (see
    `drift_network`), so that any weights give a valid drift: never negative, and zero with zero slope where the policy has
    not changed.

    Pitfall: a search begins with an output layer of zero, that is, without any drift; several epochs per batch can then
    ruin the policy, until the search finds a drift.

    Attributes:
        drift_weights: the network's weights, ``hidden[8, 128]`` and ``output[128]``; open until set.

    The other fields are those of `MirrorLearning` and `discover.OnPolicy`.

    >>> import jax.numpy as jnp
    >>> from discover import Space
    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.returns.gae import GAE
    >>> space = Space(LPO(returns=GAE(), optimizer=Adam()))
    >>> space.dimension == 8 * 128 + 128
    True
    >>> rule = space.decode(space.start(jax.random.key(0)))
    >>> print(rule.drift(jnp.log(jnp.array([0.5, 1.0, 2.0])), jnp.ones(3)))
    [0. 0. 0.]
    """

    paper = "Lu et al. 2022, arXiv 2210.05639"

    drift_weights: Weights = weights(init=random_weights, start=silent_weights)

    def drift(self, log_ratio: jax.Array, advantage: jax.Array) -> jax.Array:
        return jax.nn.relu(drift_network(self.drift_weights, log_ratio, advantage) - MARGIN)

    def drift_formula(self) -> str:
        return "\n".join([r"D(r, \hat{A}) = \operatorname{relu}\left(f_w(r, \hat{A}) - 10^{-4}\right)", NETWORK_FORMULA])


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("lpo", LPO)
    registry.add_recipe(
        "lpo",
        RECIPES / "lpo.yaml",
        summary="A space: LPO's drift network is open, all else as in the recipe ppo",
        paper=LPO.paper,
    )
