"""A replay buffer of windows keeps whole columns with the memory before them, and draws them evenly."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from discover import Trajectory, UserError, WindowBuffer, empty_window_buffer

STEPS, COLUMNS, CAPACITY = 3, 2, 4


def brought(first: Any) -> Trajectory:
    """Two windows of three steps: window w begins with the number 10 w, and its memory is -w."""
    window = first + jnp.arange(COLUMNS)
    number = 10.0 * window + jnp.arange(STEPS)[:, None]
    return Trajectory(
        observation=jnp.stack([number, -number], axis=-1),
        action=number.astype(jnp.int32),
        log_prob=jnp.zeros(number.shape),
        outputs={"q": jnp.zeros((*number.shape, 5))},
        reward=number,
        terminated=number < 0,
        truncated=number < 0,
        next_observation=jnp.stack([number + 1.0, -number - 1.0], axis=-1),
        is_first=number % 10 == 1,
        context={"z": number[..., None]},
        carry={"h": jnp.stack([-window, window], axis=-1).astype(jnp.float32)},
        task=jnp.zeros(COLUMNS),
        shaped=2.0 * number,
    )


@jax.jit
def add(buffer: WindowBuffer, index: jax.Array) -> WindowBuffer:
    return buffer.add(brought(COLUMNS * index))


@functools.cache
def filled(times: int) -> WindowBuffer:
    """The buffer after so many batches, numbered 0, 1, 2, ..."""
    if not times:
        return empty_window_buffer(jax.eval_shape(lambda: brought(0)), CAPACITY)
    return add(filled(times - 1), jnp.int32(times - 1))


def test_the_oldest_windows_make_room_for_new_ones() -> None:
    for times, kept in [(1, [0, 1, 0, 0]), (2, [0, 1, 2, 3]), (3, [4, 5, 2, 3])]:
        buffer = filled(times)
        assert (buffer.capacity, int(buffer.added)) == (CAPACITY, COLUMNS * times)
        np.testing.assert_array_equal(buffer.rows.carry["h"][:, 1], kept)
        np.testing.assert_array_equal(buffer.rows.reward[:, 0], 10 * np.asarray(kept))
        assert (buffer.rows.outputs, buffer.rows.task, buffer.rows.log_prob) == ((), (), ())


def test_a_batch_holds_whole_windows_in_order_with_the_memory_before_them() -> None:
    for times, kept in [(1, {0, 1}), (3, {2, 3, 4, 5})]:
        batch = filled(times).sample(jax.random.key(times), 60)
        window = np.asarray(batch.carry["h"])[:, 1]
        assert set(window.astype(int).tolist()) == kept
        number = 10 * window + np.arange(STEPS)[:, None]
        np.testing.assert_array_equal(batch.reward, number)
        np.testing.assert_array_equal(batch.action, number)
        np.testing.assert_array_equal(batch.observation, np.stack([number, -number], axis=-1))
        np.testing.assert_array_equal(batch.next_observation[..., 0], number + 1)
        np.testing.assert_array_equal(batch.is_first, number % 10 == 1)
        np.testing.assert_array_equal(batch.context["z"][..., 0], number)
        np.testing.assert_array_equal(batch.dense_reward, 2 * number)
        np.testing.assert_array_equal(batch.carry["h"][:, 0], -window)


def test_a_capacity_that_would_split_an_update_is_refused() -> None:
    for capacity in (0, 3):
        with pytest.raises(UserError) as told:
            empty_window_buffer(jax.eval_shape(lambda: brought(0)), capacity)
        assert str(told.value) == (
            f"a replay buffer of {capacity} windows is no multiple of the 2 that an update brings, one for each environment: "
            "change one of them."
        )
