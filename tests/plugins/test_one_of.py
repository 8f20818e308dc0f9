"""Components that are one of several options within one program do what that option does."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.networks.gru import GRU
from discover_zoo.networks.mlp import MLP
from discover_zoo.networks.one_of_networks import OneOfNetworks
from discover_zoo.normalizers.observations import Observations
from discover_zoo.normalizers.one_of_normalizers import OneOfNormalizers
from discover_zoo.normalizers.rewards import Rewards
from discover_zoo.optimizers.adam import Adam
from discover_zoo.optimizers.one_of_optimizers import OneOfOptimizers
from discover_zoo.optimizers.sgd import SGD

from discover import Discrete, Head, Heads, Inputs, Space, Spec, UserError, effective, free, replace

SPEC, HEADS = Spec((3,), Discrete(2)), Heads({"policy": Head((2,)), "value": Head(())})
INPUTS = Inputs(jnp.arange(6.0).reshape(2, 3), jnp.zeros(2, bool), context={}, progress=jnp.zeros(()))


def same(one: Any, other: Any) -> None:
    jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.mark.parametrize("index", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_networks(index: int) -> None:
    options = (GRU(encoder=(4,), memory=4, hidden=(4,)), GRU(encoder=(4,), memory=4, hidden=(4,), activation="tanh"))
    network, key = OneOfNetworks(options=options, index=index), jax.random.key(0)
    params, carry = network.init(key, SPEC, HEADS), jnp.broadcast_to(network.carry(HEADS), (2, 4))
    same(params, options[index].init(key, SPEC, HEADS))
    same(network.apply(params, HEADS, INPUTS, carry), options[index].apply(params, HEADS, INPUTS, carry))
    assert effective(network) is not network
    assert repr(effective(network)) == repr(options[index])


def test_networks_of_two_shapes_are_refused() -> None:
    with pytest.raises(UserError, match=r"^one_of_networks needs options whose parameters have one shape, but those of MLP\("):
        OneOfNetworks(options=(MLP(), MLP(hidden=(3,)))).init(jax.random.key(0), SPEC, HEADS)


@pytest.mark.parametrize("index", [0, 1])
def test_optimizers(index: int) -> None:
    options = (Adam(learning_rate=0.1), SGD(learning_rate=0.2))
    optimizer, params, progress = OneOfOptimizers(options=options, index=index), {"w": jnp.ones(3)}, jnp.zeros(())
    state, other = optimizer.init(params), options[index].init(params)
    mine = its = params
    for _ in range(2):
        mine, state = optimizer.update(mine, state, mine, progress)
        its, other = options[index].update(its, other, its, progress)
    same((mine, state[index]), (its, other))
    same(state[1 - index], options[1 - index].init(params))


@pytest.mark.parametrize("index", [0, 1])
def test_normalizers(index: int) -> None:
    options, reward = (Observations(), Rewards()), jnp.array([1.0, -3.0])
    normalizer = OneOfNormalizers(options=options, index=index)
    option: Any = options[index]
    state, other = normalizer.init(SPEC, 2), option.init(SPEC, 2)
    state, seen = normalizer.update(state, INPUTS.observation)
    other, expected = option.update(other, INPUTS.observation)
    same(seen, expected)
    state, earned = normalizer.update_reward(state, reward, jnp.zeros(2, bool))
    other, expected = option.update_reward(other, reward, jnp.zeros(2, bool))
    same(earned, expected)
    same(normalizer.normalize(state, INPUTS.observation), option.normalize(other, INPUTS.observation))
    same(normalizer.normalize_reward(state, reward), option.normalize_reward(other, reward))
    same(normalizer.restart(state, 2)[index], option.restart(other, 2))


def test_a_search_moves_among_the_options_and_in_their_numbers_within_one_structure() -> None:
    options = (Adam(learning_rate=free()), SGD(learning_rate=free()))
    space = Space(OneOfOptimizers(options=options, index=free()))
    assert (space.structures, space.dimension) == (1, 4)
    genome = replace(OneOfOptimizers(options=(Adam(), SGD())), {"index": 1, "options.1.learning_rate": 0.125})
    found = space.decode(space.encode(genome))
    assert int(found.index) == 1
    np.testing.assert_allclose(found.options[1].learning_rate, 0.125, rtol=1e-4)
