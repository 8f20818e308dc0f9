"""Catch: every action sequence on every start, so that the figures are exact."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.environments.catch import Board, Catch

from discover.contract.registry import Registry


def play(environment: Catch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rewards, ends ``[columns, sequences, steps]`` and last pictures of all action sequences from all starts."""
    sequences = jnp.array(list(itertools.product(range(3), repeat=environment.rows - 1)), jnp.int32)
    key = jax.random.key(0)

    def one(column: jax.Array, actions: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        def step(board: Board, action: jax.Array) -> tuple[Board, tuple[jax.Array, ...]]:
            made = environment.step(key, board, action, None)
            return made.state, (made.reward, made.terminated | made.truncated, made.observation)

        first = environment.reset(key, None)[0]._replace(ball_column=column)
        rewards, ends, pictures = jax.lax.scan(step, first, actions)[1]
        return rewards, ends, pictures[-1]

    columns = jnp.arange(environment.columns, dtype=jnp.int32)
    rewards, ends, pictures = jax.jit(jax.vmap(jax.vmap(one, (None, 0)), (0, None)))(columns, sequences)
    return np.asarray(rewards), np.asarray(ends), np.asarray(pictures)


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (10, 5), (5, 4)])
def test_random_and_optimal_returns_by_enumeration(rows: int, columns: int) -> None:
    rewards, ends, _ = play(Catch(rows=rows, columns=columns))
    returns = rewards.sum(axis=-1)
    assert returns.mean() == pytest.approx(2 / columns - 1, abs=1e-6)
    assert (returns.max(axis=1) == 1.0).all()
    assert not rewards[..., :-1].any()
    assert not ends[..., :-1].any()
    assert ends[..., -1].all()


def test_the_task_states_the_exact_returns(registry: Registry) -> None:
    facts = registry.get("task", "catch").facts
    assert (facts["random"], facts["reference"]) == (2 / 8 - 1, 1.0)


def test_the_picture_shows_the_ball_and_the_paddle() -> None:
    environment = Catch()
    board, picture = environment.reset(jax.random.key(3), None)
    expected = np.zeros((8, 8), np.float32)
    expected[0, int(board.ball_column)] = expected[7, 4] = 1.0
    assert (np.asarray(picture) == expected).all()
    made = environment.step(jax.random.key(0), board, jnp.int32(0), None)
    expected = np.zeros((8, 8), np.float32)
    expected[1, int(board.ball_column)] = expected[7, 3] = 1.0
    assert (np.asarray(made.observation) == expected).all()


def test_the_last_picture_of_a_catch_has_one_cell() -> None:
    rewards, _, pictures = play(Catch(rows=5, columns=4))
    caught = rewards[..., -1] == 1.0
    assert (pictures.sum(axis=(-1, -2)) == np.where(caught, 1.0, 2.0)).all()


def test_the_ball_starts_anywhere() -> None:
    environment = Catch()
    columns = jax.vmap(lambda key: environment.reset(key, None)[0].ball_column)(jax.random.split(jax.random.key(0), 4096))
    counts = np.bincount(np.asarray(columns), minlength=8)
    assert counts.size == 8
    assert abs(counts - 512).max() < 5 * np.sqrt(512 * 7 / 8)
