"""A memory keeps the latest transitions whole, draws them evenly, and is written in place."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from discover import ReplayBuffer, Trajectory, UserError, empty_replay_buffer, learn_if

STEPS, COLUMNS, CAPACITY = 2, 3, 12


def brought(first: Any) -> Trajectory:
    """Six transitions, numbered from ``first`` on in every field."""
    number = first + jnp.arange(STEPS * COLUMNS).reshape(STEPS, COLUMNS)
    return Trajectory(
        observation=jnp.stack([number, -number], axis=-1).astype(jnp.float32),
        action=number.astype(jnp.int32),
        log_prob=jnp.zeros(number.shape),
        outputs={"q": jnp.zeros((*number.shape, 5))},
        reward=10.0 * number,
        terminated=number % 2 == 0,
        truncated=number % 2 == 1,
        next_observation=jnp.stack([number + 1.0, -number - 1.0], axis=-1),
        is_first=number < 0,
        context={"z": jnp.zeros((*number.shape, 1))},
        carry=(),
        task=jnp.zeros(COLUMNS),
    )


def filled(times: Any, most: int) -> ReplayBuffer:
    """A memory after ``times`` batches out of ``most``, numbered 0, 1, 2, ..."""
    memory = empty_replay_buffer(jax.eval_shape(lambda: brought(0)), CAPACITY)

    def add(index: Any, memory: ReplayBuffer) -> ReplayBuffer:
        added = memory.add(brought(index * STEPS * COLUMNS))
        return jax.tree.map(lambda new, old: jnp.where(index < times, new, old), added, memory)

    return jax.lax.fori_loop(0, most, add, memory)


def test_the_oldest_transitions_make_room_for_new_ones() -> None:
    for times, kept in [(1, [*range(6), *[0] * 6]), (2, range(12)), (3, [*range(12, 18), *range(6, 12)])]:
        memory = filled(times, 3)
        assert memory.added == 6 * times
        np.testing.assert_array_equal(memory.rows.action, list(kept))
    assert memory.capacity == CAPACITY


def test_only_what_one_step_targets_need_is_kept() -> None:
    memory = filled(1, 1)
    kept = memory.rows._replace(observation=(), action=(), reward=(), terminated=(), next_observation=(), context={})
    assert jax.tree.leaves(kept) == []
    assert memory.rows.context["z"].shape == (CAPACITY, 1)  # a head may read it
    template = jax.eval_shape(lambda: brought(0))
    more = empty_replay_buffer(template, CAPACITY, keep=("reward", "log_prob", "context")).add(brought(0))
    assert more.rows.context["z"].shape == (CAPACITY, 1)
    assert more.rows.log_prob.shape == (CAPACITY,)
    assert more.rows.action == ()


def test_a_batch_holds_whole_transitions_drawn_evenly_from_those_kept() -> None:
    draw = jax.jit(lambda memory, key: memory.sample(key, 6000))
    for times, kept in [(1, range(6)), (3, range(6, 18))]:
        batch = draw(filled(times, 3), jax.random.key(times))
        number = np.asarray(batch.action)
        assert number.shape == batch.is_first.shape == (1, 6000)
        assert batch.action.dtype == jnp.int32
        assert batch.terminated.dtype == bool
        np.testing.assert_array_equal(batch.observation[..., 0], number)
        np.testing.assert_array_equal(batch.reward, 10 * number)
        np.testing.assert_array_equal(batch.terminated, number % 2 == 0)
        np.testing.assert_array_equal(batch.next_observation[..., 1], -number - 1)
        found, counts = np.unique(number, return_counts=True)
        assert found.tolist() == list(kept)
        expected = 6000 / len(kept)
        assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_memories_side_by_side_are_each_as_alone() -> None:
    times = jnp.asarray([[0, 1, 2], [3, 4, 5]])
    together = jax.jit(jax.vmap(jax.vmap(lambda t: filled(t, 5))))(times)
    for index in np.ndindex(2, 3):
        alone = filled(int(times[index]), 5)
        jax.tree.map(lambda x, y, i=index: np.testing.assert_array_equal(x[i], y), together, alone)


def test_memories_side_by_side_are_written_without_a_scatter() -> None:
    """Which would copy them whole: at capacity 100,000 that cost more than all else in an update."""
    memories = jax.vmap(lambda t: filled(t, 2))(jnp.asarray([1, 2]))

    def add(memories: ReplayBuffer) -> ReplayBuffer:
        return jax.lax.fori_loop(0, 5, lambda i, m: jax.vmap(lambda one: one.add(brought(i)))(m), memories)

    compiled = jax.jit(add).lower(memories).compile().as_text()
    assert compiled is not None
    assert " dynamic-update-slice(" in compiled
    assert " scatter(" not in compiled


def test_capacities_that_would_split_an_update_and_recurrent_networks_are_refused() -> None:
    template = jax.eval_shape(lambda: brought(0))
    with pytest.raises(UserError) as told:
        empty_replay_buffer(template, 10)
    assert str(told.value) == (
        "a replay buffer of capacity 10 is no multiple of the 6 transitions that an update brings (2 steps x 3 environments): "
        "change one of them."
    )
    with pytest.raises(UserError, match=r"^a replay buffer of capacity 0 is no multiple"):
        empty_replay_buffer(template, 0)
    with pytest.raises(UserError, match="from which a recurrent network cannot learn: choose a feed-forward network"):
        empty_replay_buffer(template._replace(carry=template.reward), CAPACITY)


def test_nothing_is_learned_before_all_is_ready() -> None:
    def step(learner: jax.Array, key: jax.Array) -> Any:
        return learner + 1.0, {"before": learner}

    keys = jax.random.split(jax.random.key(0), 3)
    learn = jax.jit(lambda ready: learn_if(ready, step, jnp.float32(5.0), keys))
    assert jax.device_get(learn(True)) == (8.0, {"before": 6.0})
    assert jax.device_get(learn(False)) == (5.0, {"before": 0.0})
