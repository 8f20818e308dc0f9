"""The orchard, whose actions are several choices at once: exact returns, with flat actions too, and agents that learn it."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.environments.orchard import Orchard, Picker
from discover_zoo.wrappers.flat_actions import FlatActions

from discover import Environment, MultiDiscrete, UserError, environment, load, run_lifetime
from discover.plugin.loader import load_plugins
from discover.testing import check_environment
from discover.testing.rolling import random_action

TASK = jnp.zeros((), jnp.int32)
FACTS = load_plugins().registry.get("task", "orchard").facts


def table(family: Environment, actions: jax.Array, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each action leads from each cell, and what it pays with the fruit in each cell, by the family's own steps."""
    cells = jnp.asarray(list(itertools.product(range(side), range(side))))

    def step(cell: jax.Array, fruit: jax.Array, action: jax.Array) -> tuple[jax.Array, jax.Array]:
        after = family.step(jax.random.key(0), Picker(cell, fruit, jnp.int32(0)), action, TASK)
        return after.state.cell[0] * side + after.state.cell[1], after.reward

    every = jax.vmap(jax.vmap(jax.vmap(step, (None, None, 0)), (None, 0, None)), (0, None, None))
    lands, pays = jax.jit(every)(cells, cells, actions)
    return np.asarray(lands)[:, 0], np.asarray(pays, np.float64)


def returns(lands: np.ndarray, pays: np.ndarray, limit: int) -> tuple[float, float]:
    """The mean return of a random policy and of the best one, backwards from the limit."""
    cells, found = len(lands), []
    other = 1.0 - np.eye(cells)
    for policy in (np.mean, np.max):
        value = np.zeros((cells, cells))  # [picker, fruit]
        for _ in range(limit):
            anew = (value * other).sum(1) / (cells - 1)
            follows = np.moveaxis(value[lands], 2, 1)  # [picker, fruit, action]
            value = policy(pays + np.where(pays > 0.5, anew[lands][:, None], follows), axis=-1)
        found.append(float((value * other).sum() / (cells * (cells - 1))))
    return found[0], found[1]


def test_flat_and_factored_actions_have_the_same_returns_which_are_those_of_the_task() -> None:
    orchard = Orchard()
    assert orchard.spec().action == MultiDiscrete((4, 3, 2))
    factored = table(orchard, jnp.asarray(list(itertools.product(range(4), range(3), range(2)))), 5)
    flat = table(FlatActions().wrap(orchard), jnp.arange(24), 5)
    for mine, its in zip(factored, flat, strict=True):
        np.testing.assert_array_equal(mine, its)
    random, best = returns(*factored, limit=20)
    np.testing.assert_allclose([FACTS["random"], FACTS["reference"]], [random, best], rtol=1e-5)
    assert returns(*flat, limit=20) == (random, best)


def played(family: Environment, expert: bool) -> np.ndarray:
    """Returns of episodes of the expert or of a random policy."""

    def episode(key: jax.Array) -> jax.Array:
        def step(state: Picker, key: jax.Array) -> tuple[Picker, jax.Array]:
            action = family.expert(state, TASK) if expert else random_action(family.spec(), key)
            after = family.step(key, state, action, TASK)
            return after.state, after.reward

        key_reset, key_steps = jax.random.split(key)
        return jnp.sum(jax.lax.scan(step, family.reset(key_reset, TASK)[0], jax.random.split(key_steps, 20))[1])

    return np.asarray(jax.jit(jax.vmap(episode))(jax.random.split(jax.random.key(0), 4096)))


@pytest.mark.parametrize("flat", [False, True])
def test_its_expert_attains_the_optimum(flat: bool) -> None:
    family = FlatActions().wrap(Orchard()) if flat else Orchard()
    for expert, exact in ((True, FACTS["reference"]), (False, FACTS["random"])):
        found = played(family, expert)
        assert abs(found.mean() - exact) < 4 * found.std() / np.sqrt(len(found))


@pytest.mark.slow
def test_it_and_its_flat_form_keep_the_promises_of_their_kind() -> None:
    for family in (Orchard(side=3, strides=2, limit=6), FlatActions().wrap(Orchard(side=3, strides=2, limit=6))):
        check_environment(family, steps=32)


def test_the_wrapper_refuses_actions_that_are_flat_in_one_sentence() -> None:
    with pytest.raises(UserError, match=r"^flat_actions needs several choices at once, but the actions of Catch are Discrete"):
        FlatActions().wrap(environment("catch")).spec()


def test_numbers_of_actions_count_the_last_choice_fastest() -> None:
    space = MultiDiscrete((4, 3, 2))
    actions = np.stack(np.unravel_index(np.arange(24), space.factors), axis=-1)
    np.testing.assert_array_equal(space.action_of(jnp.arange(24)), actions)
    np.testing.assert_array_equal(space.number_of(jnp.asarray(actions)), np.arange(24))


@pytest.mark.slow
@pytest.mark.parametrize("wrappers", [[], ["flat_actions"]])
def test_ppo_learns_it_with_factored_and_with_flat_actions(wrappers: list[str]) -> None:
    """A random policy gets -0.7, one step in each direction alone about 5, and the best policy 10.8."""
    rate = {"optimizer": {"clip_norm": {"optimizer": {"adam": {"learning_rate": 3e-3}}}}}
    agent = load({"recipe": "ppo", "rule": {"ppo": rate}, "wrappers": wrappers})
    run = jax.jit(jax.vmap(lambda key: run_lifetime(agent, Orchard(), key, 40_000).episode_return[-5:].mean()))
    found = np.asarray(run(jax.random.split(jax.random.key(0), 2)))
    assert np.all(found > 5.0)
