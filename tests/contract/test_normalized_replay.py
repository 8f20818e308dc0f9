"""Where statistics drift: every step of a row is on one scale, and what a memory gives is on the scale of now."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import Counter, agent, compiled, small_ppo
from discover_zoo.normalizers.observations import Observations
from discover_zoo.normalizers.rewards import Rewards
from discover_zoo.normalizers.several import Several
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.rules.dqn import DQN
from discover_zoo.rules.sac import SAC
from discover_zoo.rules.td3 import TD3

from discover import (
    Environment,
    Normalizer,
    Spec,
    Trajectory,
    UpdateRule,
    UserError,
    component,
    empty_replay_buffer,
    group_environments,
    join_environments,
)
from discover.inner_loop import lifetime
from discover.testing.small import Affine, Corridor

STEPS, COLUMNS = 8, 4


@component
class Drift(Normalizer):
    """Multiplies observations and rewards with the number of steps so far."""

    def init(self, spec: Spec, num_envs: int) -> Any:
        return jnp.zeros(()), jnp.zeros(())

    def update(self, state: Any, observation: jax.Array) -> tuple[Any, jax.Array]:
        state = state[0] + 1.0, state[1]
        return state, self.normalize(state, observation)

    def normalize(self, state: Any, observation: jax.Array) -> jax.Array:
        return state[0] * observation

    def update_reward(self, state: Any, reward: jax.Array, done: jax.Array) -> tuple[Any, jax.Array]:
        state = state[0], state[1] + 1.0
        return state, self.normalize_reward(state, reward)

    def normalize_reward(self, state: Any, reward: jax.Array) -> jax.Array:
        return state[1] * reward


def collected(normalizer: Normalizer | None) -> Trajectory:
    world = agent(small_ppo(), Affine(), normalizer=normalizer).world(Counter(stops=False))

    def run(key: jax.Array) -> Trajectory:
        actor = world.start(key, world.sample_tasks(key, COLUMNS))
        return world.collect(world.initial_params(key), actor, key, STEPS)[1]

    return compiled(run)(jax.random.key(0))


def test_the_true_last_observation_of_an_episode_is_on_the_scale_of_the_other_columns() -> None:
    """Episodes of 3 steps: after step t, which is the t + 2nd observation, all next ones are on that scale."""
    plain, scaled = collected(None), collected(Drift())
    assert np.asarray(plain.truncated).any()
    factor = 2.0 + np.arange(STEPS)[:, None, None]
    np.testing.assert_allclose(scaled.next_observation, factor * plain.next_observation, rtol=1e-6)
    np.testing.assert_allclose(scaled.observation, (factor - 1.0) * plain.observation, rtol=1e-6)
    np.testing.assert_allclose(scaled.reward, (factor[..., 0] - 1.0) * plain.reward, rtol=1e-6)


def small(kind: Any, **more: Any) -> UpdateRule:
    settings: dict[str, Any] = {"num_envs": COLUMNS, "capacity": 40, "batch": 8, "learning_starts": 0}
    return kind(optimizer=SGD(learning_rate=1e-3), **settings | more)


RULES: dict[str, tuple[UpdateRule, Environment]] = {
    "dqn": (small(DQN), Corridor()),
    "sac": (small(SAC, policy_optimizer=SGD(learning_rate=1e-3)), Corridor(real=True)),
    "td3": (small(TD3, policy_optimizer=SGD(learning_rate=1e-3)), Corridor(real=True)),
}


@pytest.mark.parametrize(
    ("name", "normalizer"),
    [
        pytest.param("dqn", Several(normalizers=(Observations(), Rewards())), id="dqn, running moments"),
        pytest.param("sac", Drift(), id="sac, drift", marks=pytest.mark.slow),
        pytest.param("td3", Drift(), id="td3, drift", marks=pytest.mark.slow),
    ],
)
def test_a_memory_gives_all_transitions_on_the_scale_of_now(name: str, normalizer: Normalizer) -> None:
    """The corridor pays where it leads, so that a raw reward is the first number of the raw next observation."""
    rule, environment = RULES[name]
    algorithm = agent(rule, Affine(), normalizer=normalizer)
    life = compiled(
        lambda key: lifetime.advance(algorithm, environment, lifetime.begin(algorithm, environment, key), 0, stop=9, total=9)
    )
    state = life(jax.random.key(0))
    memory, actor = state.rule_state.buffer, state.actor
    assert int(memory.added) == 36
    kept, drawn = jax.tree.map(lambda x: x[:36], memory.rows), memory.sample(jax.random.key(1), 500)
    np.testing.assert_array_equal(kept.reward, kept.next_observation[:, 0])
    now = actor.normalizer
    wanted = np.asarray(normalizer.normalize(now, kept.observation))
    paid = np.asarray(normalizer.normalize_reward(now, kept.reward))
    rows = [np.flatnonzero((np.abs(wanted - seen) < 1e-5).all(axis=1))[0] for seen in np.asarray(drawn.observation[0])]
    assert len(set(rows)) > 30
    np.testing.assert_allclose(drawn.reward[0], paid[rows], rtol=1e-5, atol=1e-6)
    following = np.asarray(normalizer.normalize(now, kept.next_observation))
    np.testing.assert_allclose(drawn.next_observation[0], following[rows], rtol=1e-5, atol=1e-6)


def test_without_a_normalizer_nothing_is_kept_twice() -> None:
    plain = collected(None)
    assert plain.unscaled == ()
    assert empty_replay_buffer(jax.eval_shape(lambda: plain), STEPS * COLUMNS).scale == ()


def test_experience_that_has_lost_what_was_there_before_the_normalizer_is_refused() -> None:
    seen = collected(Drift())
    memory = empty_replay_buffer(jax.eval_shape(lambda: seen), STEPS * COLUMNS)
    rearranged = join_environments(group_environments(seen, 2))
    with pytest.raises(UserError, match=r"^this replay buffer keeps what was there before the normalizer"):
        memory.add(rearranged)
    np.testing.assert_array_equal(memory.add(seen).sample(jax.random.key(0), 5).reward, 8.0)
