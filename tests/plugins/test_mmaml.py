"""MMAML is ProMP, bit for bit, as long as nothing is modulated; what it modulates by is inferred from the first batch alone."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import ARMS, agent, compiled
from discover_zoo.networks.gru import GRU
from discover_zoo.networks.mlp import MLP
from discover_zoo.networks.modulated_mlp import ModulatedMLP
from discover_zoo.optimizers.adam import Adam
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.monte_carlo import MonteCarlo
from discover_zoo.rules.adapting import AdaptingRule
from discover_zoo.rules.maml import MAML
from discover_zoo.rules.mmaml import MMAML, MODULATION
from discover_zoo.rules.policy_gradient import PolicyGradient
from discover_zoo.rules.promp import ProMP
from plugins.bandits import Arm, Logits, pulls, trajectories

from discover import (
    Algorithm,
    Carry,
    Discrete,
    Head,
    Heads,
    Inputs,
    Key,
    Network,
    Outputs,
    Params,
    Spec,
    UserError,
    component,
)

WIDTHS = (4, 3)
SIZES: dict[str, Any] = {"tasks": 2, "num_envs": 3, "steps": 2, "inner_kl": 0.1}
PARTS: dict[str, Any] = {
    "inner": PolicyGradient(returns=MonteCarlo(), optimizer=SGD(learning_rate=1.0), normalize=False),
    "outer": ProMP(returns=MonteCarlo(), optimizer=Adam(learning_rate=0.01), epochs=2),
}


@component
class Scaled(Network):
    """Each output is the mean of the inputs times the only parameter; or times 0, if it is silent."""

    silent: bool = False

    def init(self, key: Key, spec: Spec, heads: Heads) -> Params:
        return jnp.ones(())

    def apply(self, params: Params, heads: Heads, inputs: Inputs, carry: Carry) -> tuple[Outputs, Carry]:
        mean = (0.0 if self.silent else params) * jnp.mean(inputs.observation, axis=-1)
        return {
            name: jnp.broadcast_to(mean[..., None], (*mean.shape, *head.shape)) for name, head in heads.outputs.items()
        }, carry


def mmaml(modulator: Network, **changes: Any) -> MMAML:
    networks = {"encoder": GRU(encoder=(), memory=3, hidden=()), "modulator": modulator}
    settings: dict[str, Any] = PARTS | SIZES | networks | {"units": sum(WIDTHS), "code": 3} | changes
    return MMAML(**settings)


def same_bits(x: Any, y: Any) -> bool:
    same = jax.tree.map(lambda a, b: np.asarray(a).tobytes() == np.asarray(b).tobytes(), x, y)
    return all(jax.tree.leaves(same))


UNFUSED = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}
"""Fused, a product and a sum may be one operation with one rounding: bits then differ in the last place."""


@pytest.mark.slow
def test_without_a_modulation_an_update_is_that_of_promp_bit_for_bit() -> None:
    """The outer rule's update, through two adaptations."""
    sizes: dict[str, Any] = {"tasks": 1, "num_envs": 4, "steps": 2, "inner_kl": 0.1, "adaptations": 2}

    def learned(algorithm: Algorithm) -> tuple[Any, ...]:
        rule, world = algorithm.rule, algorithm.world(Arm())
        assert isinstance(rule, AdaptingRule)

        def update(key: Key) -> tuple[Any, ...]:
            params = world.initial_params(key)
            meta, outer = rule.packed(params, rule.init(key, world, params))
            rewards = [jnp.asarray([[0.0, r, 0.0, 1.0], [1.0, 0.0, 0.0, 2.0]]) for r in (1.0, 2.0, 3.0)]
            *earlier, last = (trajectories(jnp.zeros(2), jnp.asarray([[0, 1, 0, 1], [0, 0, 1, 1]]), r) for r in rewards)
            batch = last._replace(extra=jax.tree.map(lambda x: x[None], [(key, one) for one in earlier]))
            meta, outer, info = rule.outer.update(key, rule.adapting(world), meta, outer, trajectory=batch)
            return params, rule.unpacked(meta, outer)[0], info

        return jax.jit(update, compiler_options=UNFUSED)(jax.random.key(0, impl="rbg"))

    plain = learned(agent(MAML(**PARTS, **sizes), MLP(hidden=WIDTHS, initializer="lecun")))
    silent = learned(agent(mmaml(Scaled(silent=True), **sizes), ModulatedMLP(hidden=WIDTHS, initializer="lecun")))
    assert same_bits(plain, silent)
    assert not same_bits(plain[0], plain[1])


@pytest.mark.slow
def test_without_a_modulation_each_operation_is_that_of_promp_bit_for_bit() -> None:
    """Two updates with all that they collect, one operation at a time; with a modulation that is learned they are others."""
    sizes: dict[str, Any] = {"tasks": 2, "num_envs": 2, "steps": 2, "inner_kl": 0.1, "adaptations": 2}

    def trained(algorithm: Algorithm) -> tuple[Any, ...]:
        rule, world, key = algorithm.rule, algorithm.world(ARMS), jax.random.key(0)
        with jax.disable_jit():
            params = world.initial_params(key)
            learned = params, rule.init(key, world, params), {}
            for index in range(2):
                learned = rule.update(jax.random.fold_in(key, index), world, *learned[:2], None)  # type: ignore[arg-type]
        return learned[0], learned[2]

    plain = trained(agent(MAML(**PARTS, **sizes), MLP(hidden=WIDTHS)))
    assert same_bits(plain, trained(agent(mmaml(Scaled(silent=True), **sizes), ModulatedMLP(hidden=WIDTHS))))
    assert not same_bits(plain, trained(agent(mmaml(Scaled(), **sizes), ModulatedMLP(hidden=WIDTHS))))


def test_the_modulation_is_inferred_from_the_first_batch_and_seen_by_the_outer_rule() -> None:
    """The second step moves the parameters alone; the adapting world is the modulated network, its slopes are not stopped."""
    rule = mmaml(Scaled(), adaptations=1, tasks=1, num_envs=2, steps=1)
    world = agent(rule, ModulatedMLP(hidden=WIDTHS, initializer="lecun")).world(Arm())
    first, second = pulls(jnp.zeros(2), (0.0, 1.0)), pulls(jnp.zeros(2), (3.0, 0.0))

    def adapt(key: Key) -> tuple[Any, ...]:
        params = world.initial_params(key)
        start = params, rule.init(key, world, params)
        once = rule.adapt_to_task(key, world, *start, trajectory=first)
        twice = rule.adapt_to_task(key, world, *once, trajectory=second)
        scales = [rule.behavior(*one)[1][MODULATION] for one in (start, once, twice)]
        policies = [world.evaluate(once[0], rule.given(second, state))["policy"] for state in (once[1], start[1])]
        batch = second._replace(extra=jax.tree.map(lambda x: x[None], [(key, first)]))

        def gain(networks: Params) -> tuple[jax.Array, jax.Array]:
            found = rule.adapting(world).evaluate((params, networks), batch)["policy"]
            return jnp.sum(found[..., 0]), found

        slopes, found = jax.grad(gain, has_aux=True)(start[1].networks)
        return scales, (once[0], twice[0]), (found, *policies), slopes

    scales, adapted, (found, modulated, unmodulated), slopes = compiled(adapt)(jax.random.key(0, impl="rbg"))
    assert not np.any(scales[0])
    assert np.all(scales[1] != 0.0)
    np.testing.assert_array_equal(scales[2], scales[1])
    assert not same_bits(*adapted)
    np.testing.assert_allclose(found, modulated, rtol=1e-5, atol=1e-7)
    assert not np.allclose(found, unmodulated, rtol=1e-3)
    assert np.any(slopes["encoder"]["torso"]["cell"]["input"]["kernel"])
    assert slopes["modulator"] != 0.0


def test_an_encoder_without_a_memory_is_refused() -> None:
    rule = mmaml(Scaled(), encoder=MLP())
    world = agent(rule, Logits()).world(Arm())
    with pytest.raises(UserError, match="MLP has no memory of them: choose a network with one"):
        rule.init(jax.random.key(0), world, jnp.zeros(2))


def test_scaled_units_are_their_equation() -> None:
    """And where nothing scales, they are those of an MLP, bit for bit."""
    heads = Heads({"policy": Head((2,), reads=("modulation",)), "value": Head(())}, context={"modulation": 7})
    plain = Heads({name: head._replace(reads=()) for name, head in heads.outputs.items()})
    settings: dict[str, Any] = {"hidden": WIDTHS, "initializer": "lecun"}
    scaled, mlp, spec = ModulatedMLP(**settings), MLP(**settings), Spec((3,), Discrete(2))

    def outputs(network: Network, heads: Heads, factor: float) -> Any:
        def apply(key: Key) -> Any:
            scale, x = jax.random.normal(key, (5, 7)), jax.random.normal(key, (5, 3))
            params = network.init(key, spec, heads)
            inputs = Inputs(x, jnp.zeros(5, bool), {"modulation": factor * scale}, jnp.zeros(()))
            return params, network.apply(params, heads, inputs, ())[0], scale, x

        return jax.device_get(jax.jit(apply, compiler_options=UNFUSED)(jax.random.key(0, impl="rbg")))

    params, found, scale, x = outputs(scaled, heads, 1.0)
    assert same_bits(outputs(scaled, heads, 0.0)[:2], outputs(mlp, plain, 0.0)[:2])
    assert same_bits(found["value"], outputs(mlp, plain, 0.0)[1]["value"])
    own = params["heads"]["policy"]
    for layer, s in zip(own["torso"], np.split(scale, [4], axis=1), strict=True):
        x = np.tanh((x @ layer["kernel"] + layer["bias"]) * (1.0 + s))
    np.testing.assert_allclose(found["policy"], x @ own["output"]["kernel"] + own["output"]["bias"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"hidden": (4, 4)}, "has 8 hidden units .* the rule scales 7 by 'modulation': set the rule's units to 8"),
        ({"shared": True}, "'modulation' is not for all of its heads: set shared to false"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], sentence: str) -> None:
    heads = Heads({"policy": Head((2,), reads=("modulation",)), "value": Head(())}, context={"modulation": 7})
    settings: dict[str, Any] = {"hidden": WIDTHS} | changes
    with pytest.raises(UserError, match=sentence):
        ModulatedMLP(**settings).init(jax.random.key(0), Spec((3,), Discrete(2)), heads)
