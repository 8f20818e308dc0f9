"""The MLP gives every head that it claims, and starts orthogonally without batched QR."""

import os
import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_mirror.ppo import PPO
from discover_networks.mlp import MLP, orthogonal
from discover_optimisers.optimisers import SGD
from discover_returns.returns import GAE

from discover import ACTION, REWARD, Algorithm, Discrete, Environment, Head, Heads, Inputs, Spec, UserError, World, component

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
    network = MLP(hidden=(400, 300), initialiser="lecun")
    params = network.init(jax.random.key(0), Spec((4,), Discrete(2)), Heads({"q": Head((50,), gain=0.5)}))["heads"]["q"]
    for layer, inputs, gain in [(params["torso"][0], 4, 1.0), (params["torso"][1], 400, 1.0), (params["head"], 300, 0.5)]:
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
from discover_networks.mlp import MLP
heads, spec = Heads({"policy": Head((2,)), "value": Head(())}), Spec((4,), Discrete(2))
mesh = jax.make_mesh((2,), ("p",), axis_types=(AxisType.Auto,))
keys = jax.device_put(jax.random.split(jax.random.key(0), 64), NamedSharding(mesh, PartitionSpec("p")))
population = jax.jit(jax.vmap(lambda key: MLP().init(key, spec, heads)))
kernel = np.asarray(population(keys)["heads"]["value"]["torso"][1]["kernel"])
assert len(jax.devices()) == 2 and kernel.shape == (64, 64, 64)
assert np.abs(np.swapaxes(kernel, 1, 2) @ kernel / 2 - np.eye(64)).max() < 1e-4
print("done")
"""


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
    outputs = jax.eval_shape(lambda p: network.apply(p, HEADS, inputs(batch), network.carry())[0], made)
    assert {name: out.shape for name, out in outputs.items()} == {n: batch + h.shape for n, h in HEADS.outputs.items()}
    assert all(out.dtype == jnp.float32 for out in outputs.values())
    assert network.carry() == ()


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
    kernel = np.asarray(params["policy"]["head"]["kernel"])
    np.testing.assert_allclose(kernel.T @ kernel, 0.01**2 * np.eye(5), atol=1e-9)
    kernel = np.asarray(params["value"]["torso"][1]["kernel"])
    np.testing.assert_allclose(kernel.T @ kernel, 2.0 * np.eye(8), atol=1e-5)
    assert all(not np.any(layer["bias"]) for head in ("policy", "value") for layer in params[head]["torso"])
    assert not np.any(params["value"]["head"]["bias"])
    assert not np.any(params["log_std"]["constant"])
    torsos = [np.asarray(params[head]["torso"][0]["kernel"]) for head in ("policy", "value")]
    assert np.abs(torsos[0] - torsos[1]).max() > 0.1


def test_a_value_is_its_layers_multiplied_out(params: Any) -> None:
    observation, latent = jax.random.normal(jax.random.key(1), (50, 2, 3)), jax.random.normal(jax.random.key(2), (50, 2))
    torso, last = params["heads"]["value"]["torso"], params["heads"]["value"]["head"]
    for network, function in {NETWORK: np.tanh, MLP(hidden=(8, 8), activation="relu"): lambda x: np.maximum(x, 0.0)}.items():
        x = np.concatenate([np.asarray(observation).reshape(50, 6), np.asarray(latent)], axis=1)
        for layer in torso:
            x = function(x @ layer["kernel"])
        got = network.apply(params, HEADS, inputs((50,), observation=observation, latent=latent), ())[0]["value"]
        np.testing.assert_allclose(got, x @ last["kernel"], atol=1e-5)


@component
class AsksForModel(PPO):
    """PPO that also asks for a head of a form that the MLP does not give."""

    def heads(self, spec: Spec) -> Heads:
        return Heads({"next_state": Head((4,), form="model")})


def test_a_head_that_the_network_cannot_give_is_refused(walk: Environment) -> None:
    rule = AsksForModel(returns=GAE(), optimiser=SGD())
    message = "asks for the head 'next_state' of form 'model', which the network MLP cannot give"
    with pytest.raises(UserError, match=message):
        World(Algorithm(rule=rule, network=MLP()), walk)
