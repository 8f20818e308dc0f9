"""Discovered policy optimization (Lu et al. 2022, arXiv 2210.05639)."""

import jax

from discover import Registry, Scalar, component, hookimpl, latex_number, real
from discover_zoo.rules.drifts import tanh_drift
from discover_zoo.rules.mirror import MirrorLearning
from discover_zoo.rules.recipes import RECIPES


@component
class DPO(MirrorLearning):
    """Discovered policy optimization (Lu et al. 2022): the closed form that was read off LPO's learned drift.

    It maximizes the mean of ``ratio * A - drift`` (see `MirrorLearning`) with the drift::

        relu((ratio - 1) * A - alpha * tanh((ratio - 1) * A / alpha))      where A >= 0
        relu(log(ratio) * A - beta * tanh(log(ratio) * A / beta))          where A < 0

    Pitfall: ``alpha`` and ``beta`` are in units of the normalized advantage; the published numbers presuppose that advantages
    have unit standard deviation.

    Attributes:
        alpha: how far ``(ratio - 1) * A`` may rise before the drift counts, where ``A >= 0``.
        beta: how far ``log(ratio) * A`` may rise before the drift counts, where ``A < 0``.

    The other fields are those of `MirrorLearning` and `discover.OnPolicy`.

    >>> import jax.numpy as jnp
    >>> import numpy as np
    >>> from discover import Space, free
    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.returns.gae import GAE
    >>> rule = DPO(returns=GAE(), optimizer=Adam())
    >>> print(np.asarray(rule.drift(jnp.log(jnp.array([1.0, 2.0, 4.0])), jnp.ones(3))).round(4))
    [0.     0.0758 1.1897]
    >>> Space(DPO(returns=GAE(), optimizer=Adam(), alpha=free(), beta=free())).dimension
    2
    """

    paper = "Lu et al. 2022, arXiv 2210.05639"

    alpha: Scalar = real(2.0, low=0.1, high=20.0, scale="log")
    beta: Scalar = real(0.6, low=0.05, high=10.0, scale="log")

    def drift(self, log_ratio: jax.Array, advantage: jax.Array) -> jax.Array:
        return tanh_drift(log_ratio, advantage, self.alpha, self.beta)

    def drift_formula(self) -> str:
        alpha, beta = latex_number(self.alpha), latex_number(self.beta)
        return "\n".join(
            [
                rf"\hat{{A}} \geq 0: \quad D(r, \hat{{A}}) = {_excess('x', alpha)}, \quad x = (r - 1) \hat{{A}}",
                rf"\hat{{A}} < 0: \quad D(r, \hat{{A}}) = {_excess('y', beta)}, \quad y = \hat{{A}} \log r",
            ]
        )


def _excess(x: str, scale: str) -> str:
    """How far a quantity exceeds what tanh lets through, in LaTeX."""
    return rf"\operatorname{{relu}}\left({x} - {scale} \tanh\left(\frac{{{x}}}{{{scale}}}\right)\right)"


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("dpo", DPO)
    registry.add_recipe(
        "dpo", RECIPES / "dpo.yaml", summary="DPO's published drift, all else as in the recipe ppo", paper=DPO.paper
    )
