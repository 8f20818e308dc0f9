"""Networks give every head that they claim, and start orthogonally without batched QR; memories are their equations."""

import itertools
import os
import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.networks.cnn import CNN
from discover_zoo.networks.gru import GRU
from discover_zoo.networks.layers import orthogonal
from discover_zoo.networks.lstm import LSTM
from discover_zoo.networks.mlp import MLP
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.gae import GAE
from discover_zoo.rules.ppo import PPO

from discover import (
    ACTION,
    REWARD,
    Algorithm,
    Discrete,
    Environment,
    Head,
    Heads,
    Inputs,
    Spec,
    UserError,
    component,
    replace,
)

NETWORK = MLP(hidden=(8, 8))
SPEC = Spec((2, 3), Discrete(5))
HEADS = Heads(
    {
        "policy": Head((5,), mix="distribution", gain=0.01, reads=("latent",)),
        "value": Head((), reads=("latent",)),
        "y": Head((30,), reads=("latent", "goal")),
        "table": Head((5, 4), reads=("latent", ACTION)),
        "log_std": Head((2,), form="constant", gain=0.0),
    },
    context={"latent": 2, "goal": 1, ACTION: 5, REWARD: 1},
)
READ = {name: set(head.reads) | {"observation"} for name, head in HEADS.outputs.items() if head.form == "vector"}


@pytest.mark.parametrize("shape", [(64, 64), (4, 64), (64, 2), (64, 1), (1, 1), (7, 3)])
def test_orthogonal_matrices_have_orthonormal_columns_or_rows(shape: tuple[int, int]) -> None:
    matrix = np.asarray(jax.jit(orthogonal, static_argnums=(1, 2, 3))(jax.random.key(0), *shape, 3.0), np.float64) / 3.0
    assert matrix.shape == shape
    gram = matrix.T @ matrix if shape[0] >= shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(gram, np.eye(min(shape)), atol=1e-5)


def test_lecun_kernels_have_variance_one_over_their_inputs() -> None:
    network = MLP(hidden=(400, 300), initializer="lecun")
    params = network.init(jax.random.key(0), Spec((4,), Discrete(2)), Heads({"q": Head((50,), gain=0.5)}))["heads"]["q"]
    for layer, inputs, gain in [(params["torso"][0], 4, 1.0), (params["torso"][1], 400, 1.0), (params["output"], 300, 0.5)]:
        assert float(layer["kernel"].std()) == pytest.approx(gain / inputs**0.5, rel=0.05)
        assert abs(float(layer["kernel"].mean())) < 0.1 * gain / inputs**0.5
        assert not layer["bias"].any()


def test_orthogonal_matrices_are_spread_evenly() -> None:
    """Means, second moments and determinants of the even (Haar) distribution, each within 5 standard errors."""
    draws, n = 4000, 3
    keys = jax.random.split(jax.random.key(0), draws)
    matrices = np.asarray(jax.jit(jax.vmap(lambda key: orthogonal(key, n, n, 1.0)))(keys), np.float64)
    error = 5.0 / np.sqrt(draws)
    np.testing.assert_allclose(matrices.mean(axis=0), 0.0, atol=error * np.sqrt(1 / n))
    np.testing.assert_allclose((matrices**2).mean(axis=0), 1 / n, atol=error * np.sqrt(3 / (n * (n + 2)) - 1 / n**2))
    np.testing.assert_allclose(np.linalg.det(matrices).mean(), 0.0, atol=error)
    np.testing.assert_allclose(np.abs(np.linalg.det(matrices)), 1.0, atol=1e-4)


_POPULATION = """
import jax
jax.config.update("jax_num_cpu_devices", 2)
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from discover import Discrete, Head, Heads, Spec
from discover_zoo.networks.mlp import MLP
heads, spec = Heads({"policy": Head((2,)), "value": Head(())}), Spec((4,), Discrete(2))
mesh = jax.make_mesh((2,), ("p",), axis_types=(AxisType.Auto,))
keys = jax.device_put(jax.random.split(jax.random.key(0), 64), NamedSharding(mesh, PartitionSpec("p")))
population = jax.jit(jax.vmap(lambda key: MLP().init(key, spec, heads)))
kernel = np.asarray(population(keys)["heads"]["value"]["torso"][1]["kernel"])
assert len(jax.devices()) == 2 and kernel.shape == (64, 64, 64)
assert np.abs(np.swapaxes(kernel, 1, 2) @ kernel / 2 - np.eye(64)).max() < 1e-4
print("done")
"""


@pytest.mark.slow
def test_a_population_of_64_on_two_devices_does_not_hang() -> None:
    made = subprocess.run(
        [sys.executable, "-c", _POPULATION],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
    )
    assert made.stdout == "done\n", made.stderr


@pytest.fixture(scope="module")
def params() -> Any:
    """Fresh parameters of NETWORK for HEADS."""
    return jax.jit(lambda key: NETWORK.init(key, SPEC, HEADS))(jax.random.key(0))


def inputs(batch: tuple[int, ...], **changed: jax.Array | None) -> Inputs:
    """Ones for the observation and all that heads read; ``changed`` replaces one of them, or leaves it out (None)."""
    known: dict[str, Any] = {"observation": jnp.ones((*batch, 2, 3)), "latent": jnp.ones((*batch, 2))}
    known |= {"goal": jnp.ones((*batch, 1)), ACTION: jnp.ones((*batch, 5))} | changed
    context = {name: x for name, x in known.items() if x is not None and name != "observation"}
    return Inputs(known["observation"], jnp.zeros(batch, bool), context, jnp.float32(0.0))


@pytest.mark.parametrize("batch", [(), (3,), (4, 3)])
@pytest.mark.parametrize("network", [NETWORK, MLP(hidden=(8, 6), shared=True), MLP(hidden=())], ids=str)
def test_heads_of_all_forms_have_their_shapes_on_any_batch(network: MLP, batch: tuple[int, ...]) -> None:
    made = jax.eval_shape(lambda key: network.init(key, SPEC, HEADS), jax.random.key(0))
    outputs = jax.eval_shape(lambda p: network.apply(p, HEADS, inputs(batch), network.carry(HEADS))[0], made)
    assert {name: out.shape for name, out in outputs.items()} == {n: batch + h.shape for n, h in HEADS.outputs.items()}
    assert all(out.dtype == jnp.float32 for out in outputs.values())
    assert network.carry(HEADS) == ()


@pytest.mark.parametrize("varied", ["observation", "latent", "goal", ACTION])
def test_vector_heads_depend_on_what_they_read_and_constant_heads_on_nothing(params: Any, varied: str) -> None:
    known = inputs((2,))
    changed = known.observation if varied == "observation" else known.context[varied]
    outputs, _ = NETWORK.apply(params, HEADS, inputs((2,), **{varied: changed.at[0].multiply(-1.0)}), ())
    for name in HEADS.outputs:
        same = bool(jnp.all(outputs[name][0] == outputs[name][1]))
        assert same == (varied not in READ.get(name, ())), name


def test_an_output_is_left_out_where_something_that_it_reads_is_not_known(params: Any) -> None:
    assert set(NETWORK.apply(params, HEADS, inputs((2,), **{ACTION: None}), ())[0]) == set(HEADS.outputs) - {"table"}
    assert set(NETWORK.apply(params, HEADS, inputs((2,), goal=None), ())[0]) == set(HEADS.outputs) - {"y"}


def test_initial_gains_and_biases(params: Any) -> None:
    params = params["heads"]
    kernel = np.asarray(params["policy"]["output"]["kernel"])
    np.testing.assert_allclose(kernel.T @ kernel, 0.01**2 * np.eye(5), atol=1e-9)
    kernel = np.asarray(params["value"]["torso"][1]["kernel"])
    np.testing.assert_allclose(kernel.T @ kernel, 2.0 * np.eye(8), atol=1e-5)
    assert all(not np.any(layer["bias"]) for head in ("policy", "value") for layer in params[head]["torso"])
    np.testing.assert_allclose(np.linalg.norm(params["value"]["output"]["kernel"]), 1.0, rtol=1e-5)  # unless the head asks
    assert not np.any(params["value"]["output"]["bias"])
    assert not np.any(params["log_std"]["constant"])
    torsos = [np.asarray(params[head]["torso"][0]["kernel"]) for head in ("policy", "value")]
    assert np.abs(torsos[0] - torsos[1]).max() > 0.1


def test_a_value_is_its_layers_multiplied_out(params: Any) -> None:
    observation, latent = jax.random.normal(jax.random.key(1), (50, 2, 3)), jax.random.normal(jax.random.key(2), (50, 2))
    params = jax.tree.map(lambda x: x + 0.1, params)  # so that no bias is zero
    torso, last = params["heads"]["value"]["torso"], params["heads"]["value"]["output"]
    for network, function in {NETWORK: np.tanh, MLP(hidden=(8, 8), activation="relu"): lambda x: np.maximum(x, 0.0)}.items():
        x = np.concatenate([np.asarray(observation).reshape(50, 6), np.asarray(latent)], axis=1)
        for layer in torso:
            x = function(x @ layer["kernel"] + layer["bias"])
        got = network.apply(params, HEADS, inputs((50,), observation=observation, latent=latent), ())[0]["value"]
        np.testing.assert_allclose(got, x @ last["kernel"] + last["bias"], atol=1e-5)


@component
class AsksForModel(PPO):
    """PPO that also asks for a head of a form that the MLP does not give."""

    def heads(self, spec: Spec) -> Heads:
        return Heads({"next_state": Head((4,), form="model")})


def test_a_head_that_the_network_cannot_give_is_refused(walk: Environment) -> None:
    rule = AsksForModel(returns=GAE(), optimizer=SGD())
    message = "asks for the head 'next_state' of form 'model', which the network MLP cannot give"
    with pytest.raises(UserError, match=message):
        Algorithm(rule=rule, network=MLP()).world(walk)


# All networks ---------------------------------------------------------------------------------------------------------

PICTURES = Spec((4, 5, 2), Discrete(5))
NETWORKS = [
    MLP(hidden=(8,)),
    CNN(filters=(3,), hidden=(8,)),
    GRU(encoder=(8,), memory=6, hidden=(7,)),
    LSTM(encoder=(8,), memory=6, hidden=(7,)),
]
EVERY = [
    pytest.param(
        replace(network, {"shared": shared}),
        id=f"{type(network).__name__}-{'shared' if shared else 'separate'}",
        marks=pytest.mark.slow if isinstance(network, LSTM) or (shared and not isinstance(network, MLP)) else (),
    )
    for network in NETWORKS
    for shared in (False, True)
]


def pictures(steps: int, columns: int) -> Inputs:
    key, batch = jax.random.key(3), (steps, columns)
    drawn = {name: jax.random.normal(jax.random.fold_in(key, size), (*batch, size)) for name, size in HEADS.context.items()}
    observation = jax.random.normal(key, (*batch, *PICTURES.observation_shape))
    return Inputs(observation, jnp.zeros(batch, bool), drawn, jnp.float32(0.0))


@pytest.mark.parametrize("network", EVERY)
def test_every_head_depends_on_what_it_reads_and_torsos_are_shared_or_not(network: Any) -> None:
    """By derivatives: of each output with respect to each input, and to the parameters of each head."""
    seen = jax.tree.map(lambda x: x[0] if x.ndim else x, pictures(1, 2))
    shapes = jax.eval_shape(lambda key: network.init(key, PICTURES, HEADS), jax.random.key(0))
    params = jax.tree.map(lambda x: jnp.asarray(np.random.default_rng(x.size).normal(0.0, 0.4, x.shape), jnp.float32), shapes)
    carry = jax.tree.map(lambda x: jnp.full((2, *x.shape), 0.1), network.carry(HEADS))

    def totals(params: Any, observation: jax.Array, context: Any) -> Any:
        outputs, _ = network.apply(params, HEADS, seen._replace(observation=observation, context=context), carry)
        return {name: jnp.sum(jnp.sin(output)) for name, output in outputs.items()}

    slopes = jax.jit(jax.jacrev(totals, argnums=(0, 1, 2)))(params, seen.observation, seen.context)
    found = jax.tree.map(lambda x: np.abs(x).sum(), slopes)
    for name, (params, observation, context) in found.items():
        vector = HEADS.outputs[name].form == "vector"
        assert (float(observation) > 0) == vector, name
        assert {n for n, slope in context.items() if slope > 0} == set(HEADS.outputs[name].reads if vector else ()), name
        moved = {n for n, own in params["heads"].items() if sum(map(float, jax.tree.leaves(own))) > 0}
        assert moved == {name}
        assert (sum(map(float, jax.tree.leaves(params["torso"]))) > 0) == (network.shared and vector)


@pytest.mark.parametrize("network", [CNN(filters=(16,), hidden=(64, 64)), GRU(encoder=(64, 64), hidden=(64,))], ids=str)
def test_no_two_layers_draw_the_same_numbers(network: Any) -> None:
    """Kernels of one key would begin alike, whatever their shapes."""
    network, heads = replace(network, {"initializer": "lecun"}), Heads({"policy": Head((3,)), "value": Head(())})
    params = jax.jit(lambda key: network.init(key, PICTURES, heads))(jax.random.key(0))
    kernels = [np.ravel(leaf) for leaf in jax.tree.leaves(params) if np.any(leaf)]
    for one, other in itertools.combinations(kernels, 2):
        count = min(len(one), len(other))
        assert count >= 64
        assert abs(np.corrcoef(one[:count], other[:count])[0, 1]) < 0.5


def test_a_convolution_is_that_of_xla() -> None:
    network = CNN(filters=(3,), hidden=(), activation="tanh")
    params = network.torso(jax.random.key(0), PICTURES, 0)
    seen = pictures(2, 3)
    features, _ = network.features(params, seen, (), ())
    kernel = params["filters"][0]["kernel"].reshape(3, 3, 2, 3)
    expected = jax.lax.conv_general_dilated(
        seen.observation.reshape(6, 4, 5, 2), kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    np.testing.assert_allclose(features, np.tanh(expected).reshape(2, 3, -1), atol=1e-5)
    assert network.width(PICTURES, 0) == features.shape[-1]


def test_pictures_that_a_cnn_cannot_read_are_refused() -> None:
    for shape, message in (
        ((7,), r"the network CNN needs pictures \[height, width, channels\]; these are \[7\]: take MLP."),
        ((2, 9), "pictures of 2 x 9 are too small for 1 convolutions of 3 x 3: take fewer or smaller ones."),
    ):
        with pytest.raises(UserError, match=message):
            CNN().torso(jax.random.key(0), Spec(shape, Discrete(2)), 0)
    assert CNN(hidden=()).width(Spec((3, 3), Discrete(2)), read=2) == 16 + 2  # just large enough


def test_the_defaults_of_the_cnn_are_those_of_the_minatar_paper() -> None:
    """Parameters of the network of Young & Tian 2019 on Breakout (4 channels, 3 actions), with one more output, the value."""
    heads = Heads({"policy": Head((3,)), "value": Head(())})
    made = jax.eval_shape(lambda key: CNN().init(key, Spec((10, 10, 4), Discrete(3)), heads), jax.random.key(0))
    count = sum(np.prod(leaf.shape) for leaf in jax.tree.leaves(made))
    assert count == (9 * 4 * 16 + 16) + (8 * 8 * 16 * 128 + 128) + (128 * 3 + 3) + (128 + 1)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


def gru_by_hand(cell: Any, xs: np.ndarray) -> list[np.ndarray]:
    h, found = np.zeros(6), []
    for x in xs:
        given = np.einsum("i,igw->gw", x, cell["input"]["kernel"]) + cell["input"]["bias"]
        known = np.einsum("i,igw->gw", h, cell["memory"]["kernel"]) + cell["memory"]["bias"]
        z, r = sigmoid(given[0] + known[0]), sigmoid(given[1] + known[1])
        h = z * h + (1 - z) * np.tanh(given[2] + r * known[2])
        found.append(h)
    return found


def lstm_by_hand(cell: Any, xs: np.ndarray) -> list[np.ndarray]:
    h, m, found = np.zeros(6), np.zeros(6), []
    for x in xs:
        sums = np.einsum("i,igw->gw", x, cell["input"]["kernel"]) + np.einsum("i,igw->gw", h, cell["memory"]["kernel"])
        i, f, c, o = sums + cell["input"]["bias"]
        m = sigmoid(f) * m + sigmoid(i) * np.tanh(c)
        h = sigmoid(o) * np.tanh(m)
        found.append(h)
    return found


@pytest.mark.parametrize(("network", "by_hand"), [(GRU, gru_by_hand), pytest.param(LSTM, lstm_by_hand, marks=pytest.mark.slow)])
def test_a_memory_is_its_equations_and_starts_anew_with_an_episode(network: Any, by_hand: Any) -> None:
    network = network(encoder=(), memory=6)
    params = jax.tree.map(lambda x: x + 0.1, network.torso(jax.random.key(0), Spec((5,), Discrete(2)), 0))
    xs = jax.random.normal(jax.random.key(1), (5, 1, 5))
    carry = jax.tree.map(lambda x: x[None] + 7.0, network.torso_carry())
    found = []
    for step in range(5):
        inputs = Inputs(xs[step], jnp.asarray([step in (0, 3)]), {}, jnp.float32(0.0))
        features, carry = network.features(params, inputs, (), carry)
        found.append(features[0])
    cell = jax.tree.map(np.asarray, params["cell"])
    for episode in (slice(0, 3), slice(3, 5)):
        np.testing.assert_allclose(found[episode], by_hand(cell, np.asarray(xs)[episode, 0]), atol=1e-5)


def test_memories_start_orthogonal_and_an_lstm_keeps_at_first() -> None:
    cell = LSTM(memory=6).cell(jax.random.key(0), 9)
    for gate in range(4):
        for kernel in (cell["input"]["kernel"][:, gate], cell["memory"]["kernel"][:, gate]):
            np.testing.assert_allclose(kernel.T @ kernel, np.eye(6), atol=1e-5)
    np.testing.assert_array_equal(cell["input"]["bias"].sum(axis=1), [0.0, 6.0, 0.0, 0.0])


@pytest.mark.parametrize("shared", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_experience_is_evaluated_to_what_the_network_said_when_acting(walk: Environment, shared: bool) -> None:
    """Over a segment that begins and ends in mid-episode, also in minibatches of whole columns."""
    rule = PPO(returns=GAE(), optimizer=SGD(), steps=7, num_envs=4)
    algorithm = Algorithm(rule=rule, network=GRU(encoder=(), memory=4, hidden=(), shared=shared))

    @jax.jit
    def errors(key: jax.Array) -> Any:
        world = algorithm.world(walk)
        params = world.initial_params(key)
        actor = world.start(key, world.sample_tasks(key, 4))
        actor, _ = world.collect(params, actor, key, 3)
        _, trajectory = world.collect(params, actor, jax.random.fold_in(key, 1), 7)
        (parts,) = world.minibatches(key, 2, trajectory)
        whole = world.evaluate(params, trajectory), trajectory.outputs
        halves = jax.vmap(lambda batch: world.evaluate(params, batch))(parts), parts.outputs
        following = world.evaluate_next(params, trajectory)["value"][:-1]
        apart = jnp.where(trajectory.is_first[1:], 0.0, following - trajectory.outputs["value"][1:])
        return [jax.tree.map(lambda a, b: jnp.abs(a - b).max(), *pair) for pair in (whole, halves)], jnp.abs(apart).max()

    for error in jax.tree.leaves(errors(jax.random.key(0))):
        assert float(error) < 1e-5
