"""What the tests of rules around other rules share: a small PPO, and what it has learned after three updates."""

import functools
from typing import Any

import jax
import numpy as np
from discover_zoo.networks.mlp import MLP
from discover_zoo.optimizers.adam import Adam
from discover_zoo.returns.gae import GAE
from discover_zoo.returns.v_trace import VTrace
from discover_zoo.rules.ppo import PPO
from plugins.conftest import Walk

from discover import Algorithm, UpdateRule
from discover.inner_loop import lifetime
from discover.inner_loop.lifetime import Lifetime

SIZES: dict[str, Any] = {"steps": 8, "num_envs": 2, "epochs": 2, "minibatches": 2}
NETWORK = MLP(hidden=(4,))
SMALL = PPO(returns=GAE(), optimizer=Adam(learning_rate=0.01), **SIZES)
CORRECTED = PPO(returns=VTrace(lam=0.9), optimizer=Adam(learning_rate=0.01), **SIZES)


def lived(rule: UpdateRule, updates: int = 3) -> Lifetime:
    """The lifetime of an agent after some updates on the walk."""
    return _lived(rule, jax.random.key(3), updates)


@functools.partial(jax.jit, static_argnums=2)
def _lived(rule: UpdateRule, key: jax.Array, updates: int) -> Lifetime:
    algorithm = Algorithm(rule=rule, network=NETWORK)
    life = lifetime.begin(algorithm, Walk(), key)
    return lifetime.advance(algorithm, Walk(), life, start=0, stop=updates, total=updates)


@functools.cache
def usual(corrected: bool = False) -> Lifetime:
    """The lifetime of the small PPO."""
    return lived(CORRECTED if corrected else SMALL)


def assert_same_agent(one: Lifetime, other: Lifetime) -> None:
    """The parameters and the learning curve agree to the bit."""
    for name in other.rows:
        np.testing.assert_array_equal(one.rows[name], other.rows[name], err_msg=name)
    for mine, theirs in zip(jax.tree.leaves(one.params), jax.tree.leaves(other.params), strict=True):
        np.testing.assert_array_equal(mine, theirs)
