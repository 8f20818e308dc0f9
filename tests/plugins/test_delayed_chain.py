"""Delayed chains: the first action alone decides what the last step pays."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import compiled
from discover_zoo.environments.delayed_chain import Chain, DelayedChain

STEPS = 30


def walks(family: DelayedChain, count: int = 64) -> Any:
    """Chains, random actions, and what came of them, ``[count, STEPS]`` each."""

    def walk(key: jax.Array) -> Any:
        key_task, key_act, key_run = jax.random.split(key, 3)
        chain = family.sample_task(key_task)
        actions = jax.random.randint(key_act, (STEPS,), 0, 2)

        def step(state: Any, given: Any) -> Any:
            made = family.step(given[1], state, given[0], chain)
            return made.state, (made.reward, made.terminated, made.observation)

        return chain, actions, jax.lax.scan(step, family.reset(key, chain)[0], (actions, jax.random.split(key_run, STEPS)))[1]

    return jax.tree.map(np.asarray, compiled(jax.vmap(walk))(jax.random.split(jax.random.key(0), count)))


@pytest.mark.parametrize("noise", [False, True])
def test_the_last_step_pays_for_the_first_action(noise: bool) -> None:
    chain, actions, (rewards, ended, seen) = walks(DelayedChain(noise=noise))
    assert set(chain.length) <= set(range(5, 31))
    assert len(set(chain.length)) > 15
    np.testing.assert_array_equal(ended.argmax(axis=1) + 1, chain.length)
    last = rewards[np.arange(64), chain.length - 1]
    np.testing.assert_array_equal(last, np.where(actions[:, 0] == chain.good, 1.0, -1.0))
    before = np.concatenate([row[: length - 1] for row, length in zip(rewards, chain.length, strict=True)])
    assert set(before) == ({-1.0, 1.0} if noise else {0.0})
    assert abs(before.mean()) < 4.0 / np.sqrt(before.size)
    assert (seen.sum(axis=-1) == 1.0).all()


def test_distracting_bits_are_drawn_anew() -> None:
    chain, actions, (_, _, seen) = walks(DelayedChain(distractors=20))
    assert seen.shape == (64, STEPS, 22)
    np.testing.assert_array_equal(seen[..., 1], np.broadcast_to((actions[:, :1] == chain.good[:, None]), (64, STEPS)))
    assert not seen[..., 0].any()
    assert abs(seen[..., 2:].mean() - 0.5) < 0.02
    assert (seen[:, 1:, 2:] != seen[:, :-1, 2:]).mean() == pytest.approx(0.5, abs=0.02)


def test_the_first_observation_says_that_it_is_the_first() -> None:
    family, chain = DelayedChain(distractors=3), Chain(jnp.int32(5), jnp.int32(1))
    np.testing.assert_array_equal(family.reset(jax.random.key(0), chain)[1][:2], [1.0, 0.0])
    np.testing.assert_array_equal(DelayedChain().reset(jax.random.key(0), chain)[1], np.eye(61)[0])
