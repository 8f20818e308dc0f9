"""Upper confidence bounds (Auer et al. 2002, figure 1)."""

import jax
import jax.numpy as jnp

from discover import Key, Outputs, Registry, Scalar, component, hookimpl, real
from discover_zoo.rules.players.model import mean_rewards
from discover_zoo.rules.players.player import Player
from discover_zoo.rules.recipes import RECIPES


@component
class UCB1(Player):
    """The arm with the highest upper confidence bound (Auer et al. 2002), for bandits alone.

    With ``t`` pulls in all, ``n`` of the arm, and the posterior mean ``m`` of its reward under a Beta(1, 1) prior, the bound
    is::

        m + c sqrt(2 log(t + 1) / (n + 1))

    The publication has ``t`` and ``n`` without the ones, and pulls each arm once first: with ten pulls of five arms half of
    them are gone then.

    With a weight of 0.2 it gets 6.57 in 10 pulls and 78.2 in 100; Duan et al. 2016 report 6.7 and 78.0.

    Pitfalls: the bound of the publication explores too much for so few pulls, so the weight matters more than anything else.

    Attributes:
        c: weight of the bound; 1 in the publication.

    >>> import numpy as np
    >>> tallies = {"visits": jnp.array([[2.0, 1.0, 0.0]]), "reward_sum": jnp.zeros((1, 3))}
    >>> print(np.asarray(UCB1().scores(jax.random.key(0), tallies)).round(3))
    [0.442 0.569 0.833]
    """

    paper = "Auer et al. 2002, doi 10.1023/A:1013689704352"

    c: Scalar = real(0.2, low=0.01, high=2.0, scale="log")

    def scores(self, key: Key, tallies: Outputs) -> jax.Array:
        pulls = tallies["visits"][0]
        width = jnp.sqrt(2.0 * jnp.log(jnp.sum(pulls) + 1.0) / (pulls + 1.0))
        return mean_rewards(tallies, "bernoulli")[0] + self.c * width


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("ucb1", UCB1)
    registry.add_recipe("ucb1", RECIPES / "ucb1.yaml", summary="UCB1 with a weight of 0.2, for bandits", paper=UCB1.paper)
