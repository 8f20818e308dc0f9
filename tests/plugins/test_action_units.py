"""No rule depends on the units of the environment's actions: a box of any size and place, played alike, is learned alike."""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.networks.mlp import MLP
from discover_zoo.optimizers.adam import Adam
from discover_zoo.returns.gae import GAE
from discover_zoo.rules.ppo import PPO
from discover_zoo.rules.sac import SAC
from discover_zoo.rules.td3 import TD3

from discover import Algorithm, Continuous, Environment, EnvState, Spec, Step, Task, UpdateRule, component
from discover.contract.distributions import policy_of
from discover.inner_loop import lifetime

UNIT = ((-1.0, -1.0), (1.0, 1.0))
ODD = ((-0.1, 3.0), (0.1, 3.1))
STEPS = 1200


@component
class Box(Environment):
    """Pays for an action near half the reach on one axis and the center on the other; what is observed moves by the action.

    Attributes:
        low, high: bounds of the actions.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]

    def spec(self) -> Spec:
        return Spec((2,), Continuous(self.low, self.high))

    def sample_task(self, key: jax.Array) -> Task:
        return jnp.zeros(())

    def reset(self, key: jax.Array, task: Task) -> tuple[EnvState, jax.Array]:
        place = jax.random.uniform(key, (2,), minval=-1.0, maxval=1.0)
        return (place, jnp.int32(0)), place

    def step(self, key: jax.Array, state: EnvState, action: jax.Array, task: Task) -> Step:
        low, high = jnp.asarray(self.low), jnp.asarray(self.high)
        place, count = state[0], state[1] + 1
        share = (2.0 * jnp.clip(action, low, high) - low - high) / (high - low)
        place = 0.5 * place + 0.5 * share
        reward = -jnp.sum((share - jnp.asarray([0.5, 0.0])) ** 2)
        return Step((place, count), place, reward, terminated=count >= 10, truncated=jnp.array(False))


OFF_POLICY: dict[str, Any] = {
    "optimizer": Adam(learning_rate=3e-3),
    "policy_optimizer": Adam(learning_rate=3e-3),
    "num_envs": 4,
    "capacity": 2000,
    "batch": 32,
    "learning_starts": 40,
}
ON_POLICY: dict[str, Any] = {"returns": GAE(), "steps": 50, "num_envs": 4}
RULES: dict[str, UpdateRule] = {
    "sac": SAC(**OFF_POLICY),
    "td3": TD3(**OFF_POLICY),
    "ppo": PPO(**ON_POLICY, optimizer=Adam(learning_rate=3e-3)),
}


@functools.cache
def trained(name: str, box: tuple[tuple[float, ...], tuple[float, ...]]) -> lifetime.Curve:
    algorithm, environment = Algorithm(rule=RULES[name], network=MLP(hidden=(16,))), Box(low=box[0], high=box[1])
    total = lifetime.updates_in(algorithm, environment, STEPS)
    return jax.jit(lambda key: lifetime.run(algorithm, environment, key, total))(jax.random.key(0))


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_a_box_of_any_size_and_place_is_learned_alike(name: str) -> None:
    unit, odd = trained(name, UNIT), trained(name, ODD)
    np.testing.assert_allclose(odd.episode_return, unit.episode_return, rtol=0.02, atol=0.02)
    stretch = np.sum(np.log(np.subtract(ODD[1], ODD[0]) / 2.0))
    for entry, value in unit.info.items():
        shift = stretch if (name, entry) == ("ppo", "entropy") else 0.0  # which it climbs, by a slope that knows no units
        np.testing.assert_allclose(odd.info[entry], value + shift, rtol=0.05, atol=0.05, err_msg=entry)


@pytest.mark.slow
def test_the_temperature_of_sac_falls_where_actions_are_small() -> None:
    """In units of the reach the uniform policy has the entropy 2 log 2, far above the target of -2, whatever the box."""
    temperature = np.asarray(trained("sac", ODD).info["temperature"])[5:]
    assert np.all(np.diff(temperature) < 0.0)
    assert 0.0 < temperature[-1] < 0.5


def test_a_gaussian_policy_explores_by_the_reach_of_each_action() -> None:
    outputs = {"policy": jnp.asarray([0.5, -0.5, 0.25]), "log_std": jnp.zeros(3)}
    policy = policy_of(Spec((2,), Continuous((-100.0, 0.0, -math.inf), (100.0, 0.02, math.inf))), outputs)
    np.testing.assert_allclose(policy.mode(), [50.0, 0.005, 0.25], rtol=1e-6)
    samples = jax.vmap(policy.sample)(jax.random.split(jax.random.key(0), 4000))
    np.testing.assert_allclose(jnp.std(samples, axis=0), [100.0, 0.01, 1.0], rtol=0.05)
