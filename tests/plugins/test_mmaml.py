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
from discover_zoo.rules.maml import MAML
from discover_zoo.rules.mmaml import MMAML, MODULATION
from discover_zoo.rules.policy_gradient import PolicyGradient
from discover_zoo.rules.promp import ProMP
from plugins.bandits import Arm, Logits, pulls

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
from discover.inner_loop import lifetime

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
    return MMAML(**(PARTS | SIZES | networks | {"units": sum(WIDTHS), "code": 3} | changes))


def same_bits(x: Any, y: Any) -> bool:
    same = jax.tree.map(lambda a, b: np.asarray(a).tobytes() == np.asarray(b).tobytes(), x, y)
    return all(jax.tree.leaves(same))


def updated(algorithm: Algorithm) -> tuple[Any, ...]:
    """Parameters before and after an update, and what it reports."""
    rule, world = algorithm.rule, algorithm.world(ARMS)

    def update(key: Key) -> tuple[Any, ...]:
        params = world.initial_params(key)
        after, _, info = rule.update(key, world, params, rule.init(key, world, params), None)  # type: ignore[arg-type]
        return params, after, info

    return compiled(update)(jax.random.key(0, impl="rbg"))


def test_without_a_modulation_it_is_promp_bit_for_bit() -> None:
    plain = updated(agent(MAML(**PARTS, **SIZES), MLP(hidden=WIDTHS)))
    silent = updated(agent(mmaml(Scaled(silent=True), adaptations=1), ModulatedMLP(hidden=WIDTHS)))
    assert same_bits(plain, silent)
    assert not same_bits(plain[0], plain[1])


@pytest.mark.slow
def test_without_a_modulation_a_lifetime_is_that_of_promp_bit_for_bit() -> None:
    """Five updates, with two adaptations each; and with a modulation that is learned it is another one."""

    def train(algorithm: Algorithm) -> lifetime.Curve:
        return compiled(lambda a, key: lifetime.run(a, ARMS, key, 5))(algorithm, jax.random.key(0))

    plain = train(agent(MAML(**PARTS, **SIZES, adaptations=2), MLP(hidden=WIDTHS)))
    silent = train(agent(mmaml(Scaled(silent=True)), ModulatedMLP(hidden=WIDTHS)))
    assert same_bits(plain, silent)
    assert not same_bits(plain, train(agent(mmaml(Scaled()), ModulatedMLP(hidden=WIDTHS))))


def test_the_modulation_is_inferred_from_the_first_batch_and_not_adapted() -> None:
    """The second step moves the parameters, not the modulation; both networks have a gradient."""
    rule = mmaml(Scaled(), units=1)
    world = agent(rule, Logits()).world(Arm())
    first, second = pulls(jnp.zeros(2), (0.0, 1.0)), pulls(jnp.zeros(2), (3.0, 0.0))

    def adapt(key: Key) -> tuple[Any, ...]:
        params = world.initial_params(key)
        start = params, rule.init(key, world, params)
        once = rule.adapt_to_task(key, world, *start, trajectory=first)
        twice = rule.adapt_to_task(key, world, *once, trajectory=second)
        slopes = jax.grad(lambda networks: rule.inferred(world, networks, first)[0])(start[1].networks)
        return [rule.behavior(*learned)[1][MODULATION] for learned in (start, once, twice)], once[0], twice[0], slopes

    scales, once, twice, slopes = compiled(adapt)(jax.random.key(0))
    assert scales[0] == 0.0
    assert scales[1] != 0.0
    assert scales[2] == scales[1]
    assert not np.allclose(once, twice)
    assert all(np.any(slope) for slope in (slopes["encoder"]["torso"]["cell"]["input"]["kernel"], slopes["modulator"]))


def test_the_outer_rule_sees_the_policy_as_it_was_modulated() -> None:
    """What the adapting world evaluates is the modulated network, and its slope in the modulation is not stopped."""
    rule = mmaml(Scaled(), adaptations=1, tasks=1, num_envs=2, steps=1)
    world = agent(rule, ModulatedMLP(hidden=WIDTHS)).world(Arm())

    def evaluate(key: Key) -> tuple[Any, ...]:
        params, before = world.initial_params(key), pulls(jnp.zeros(2), (0.0, 1.0))
        state = rule.init(key, world, params)
        batch = before._replace(extra=jax.tree.map(lambda x: x[None], [(key, rule.given(before, state))]))
        adapted, known = rule.adapt_to_task(key, world, params, state, trajectory=before)
        expected = world.evaluate(adapted, rule.given(before, known))["policy"]

        def found(networks: Params) -> jax.Array:
            return rule.adapting(world).evaluate((params, networks), batch)["policy"]

        slopes = jax.grad(lambda networks: jnp.sum(found(networks)[..., 0]))(state.networks)
        return found(state.networks), expected, world.evaluate(adapted, rule.given(before, state))["policy"], slopes

    found, expected, unmodulated, slopes = compiled(evaluate)(jax.random.key(0))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert not np.allclose(found, unmodulated, rtol=1e-3)
    assert slopes["modulator"] != 0.0


def test_an_encoder_without_a_memory_is_refused() -> None:
    rule = mmaml(Scaled(), encoder=MLP())
    world = agent(rule, Logits()).world(Arm())
    with pytest.raises(UserError, match="MLP has no memory of them: choose a network with one"):
        rule.init(jax.random.key(0), world, jnp.zeros(2))


def test_scaled_units_are_their_equation() -> None:
    heads = Heads({"policy": Head((2,), reads=("modulation",)), "value": Head(())}, context={"modulation": 7})
    network, spec, key = ModulatedMLP(hidden=WIDTHS), Spec((3,), Discrete(2)), jax.random.key(0)
    params, scale = network.init(key, spec, heads), jax.random.normal(key, (5, 7))
    inputs = Inputs(jax.random.normal(key, (5, 3)), jnp.zeros(5, bool), {"modulation": scale}, jnp.zeros(()))
    found = network.apply(params, heads, inputs, ())[0]
    h = np.asarray(inputs.observation)
    for layer, s in zip(params["heads"]["policy"]["torso"], np.split(np.asarray(scale), [4], axis=1), strict=True):
        h = np.tanh((h @ layer["kernel"] + layer["bias"]) * (1.0 + s))
    output = params["heads"]["policy"]["output"]
    np.testing.assert_allclose(found["policy"], h @ output["kernel"] + output["bias"], rtol=1e-5, atol=1e-6)
    plain = Heads({name: head._replace(reads=()) for name, head in heads.outputs.items()})
    assert same_bits(params, MLP(hidden=WIDTHS).init(key, spec, plain))
    assert same_bits(found["value"], MLP(hidden=WIDTHS).apply(params, plain, inputs, ())[0]["value"])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"hidden": (4, 4)}, "has 8 hidden units .* the rule scales 7 by 'modulation': set the rule's units to 8"),
        ({"shared": True}, "'modulation' is not for all of its heads: set shared to false"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], sentence: str) -> None:
    heads = Heads({"policy": Head((2,), reads=("modulation",)), "value": Head(())}, context={"modulation": 7})
    with pytest.raises(UserError, match=sentence):
        ModulatedMLP(**({"hidden": WIDTHS} | changes)).init(jax.random.key(0), Spec((3,), Discrete(2)), heads)
