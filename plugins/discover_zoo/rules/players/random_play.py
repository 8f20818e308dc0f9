"""Play at random."""

import jax
import jax.numpy as jnp

from discover import Key, Outputs, Registry, component, hookimpl
from discover_zoo.rules.players.player import Player
from discover_zoo.rules.recipes import RECIPES


@component
class RandomPlay(Player):
    """All actions are equally likely: ``pi(a|s) = 1 / A``.

    It gets 5.01 in 10 pulls, 50.1 in 100, and 99.9 on ``mdps-10``; Duan et al. 2016 report 5.0, 49.9 and 100.1.

    >>> RandomPlay(num_envs=4).num_envs
    4
    """

    def scores(self, key: Key, tallies: Outputs) -> jax.Array:
        return jnp.zeros(tallies["visits"].shape[1])


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("random_play", RandomPlay)
    registry.add_recipe("random_play", RECIPES / "random_play.yaml", summary="Play at random")
