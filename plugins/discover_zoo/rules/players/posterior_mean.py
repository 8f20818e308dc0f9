"""Play by the posterior mean, greedily or nearly so."""

import jax
import jax.numpy as jnp

from discover import Count, Key, Outputs, Registry, Scalar, component, hookimpl, real
from discover_zoo.rules.players.model import Rewards, mean_rewards, mean_transitions, values
from discover_zoo.rules.players.player import Player
from discover_zoo.rules.recipes import RECIPES


@component
class PosteriorMean(Player):
    """The best plan for the posterior mean of rewards and transitions, made at the start of each episode.

    Attributes:
        epsilon: probability of an action at random.
        rewards: what the rewards are like, see `discover_zoo.rules.players.model.Rewards`.
        horizon: steps of an episode; 1 for bandits.

    >>> tallies = {"visits": jnp.array([[3.0, 0.0]]), "reward_sum": jnp.array([[0.0, 0.0]]),
    ...            "transitions": jnp.zeros((1, 2, 1)), "state": jnp.ones(1), "step": jnp.zeros(())}
    >>> print(PosteriorMean(epsilon=0.0).scores(jax.random.key(0), tallies))
    [0.2 0.5]
    """

    epsilon: Scalar = real(0.05, low=0.0, high=1.0)
    rewards: Rewards = "bernoulli"
    horizon: Count = 1

    def scores(self, key: Key, tallies: Outputs) -> jax.Array:
        plan = values(mean_rewards(tallies, self.rewards), mean_transitions(tallies), self.horizon)
        worth = tallies["state"] @ plan[tallies["step"].astype(jnp.int32)]
        return jnp.where(jax.random.uniform(key) < self.epsilon, jnp.zeros_like(worth), worth)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("posterior_mean", PosteriorMean)
    for name, summary in (
        ("greedy", "The best arm by the posterior mean"),
        ("epsilon_greedy", "The best arm by the posterior mean, but for one pull in twenty"),
        ("greedy_mdp", "The best plan by the posterior mean, for random decision processes"),
        ("epsilon_greedy_mdp", "The best plan by the posterior mean, but for one action in twenty"),
    ):
        registry.add_recipe(name, RECIPES / f"{name}.yaml", summary=summary)
