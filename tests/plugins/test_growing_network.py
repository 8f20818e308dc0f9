"""Networks that grow: outputs that stay, moments that follow, units that learn once they are in use, and lifetimes of it."""

import itertools
from typing import Any, NamedTuple

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import CATCH, agent, compiled, small_ppo
from discover_zoo.curricula.growing_network.growing_network import GrowingNetwork
from discover_zoo.curricula.growing_network.growing_perceptron import GrowingPerceptron, units_in_use
from discover_zoo.curricula.growing_network.net2deeper import Net2Deeper
from discover_zoo.curricula.growing_network.net2wider import Net2Wider
from discover_zoo.networks.gru import GRU
from discover_zoo.networks.mlp import MLP
from discover_zoo.networks.modulated_mlp import ModulatedMLP
from discover_zoo.optimizers.adam import Adam
from discover_zoo.optimizers.clip_norm import ClipNorm
from discover_zoo.optimizers.optax.table import adamw
from discover_zoo.returns.monte_carlo import MonteCarlo
from discover_zoo.rules.reinforce import Reinforce

from discover import (
    Curriculum,
    Discrete,
    Head,
    Heads,
    Inputs,
    Key,
    Network,
    Optimizer,
    OptimizerState,
    Params,
    ParamsMap,
    Space,
    Spec,
    UserError,
    World,
    component,
    free,
    map_agent,
)
from discover.inner_loop import lifetime
from discover.testing import check_curriculum

SPEC = Spec((3,), Discrete(2))
HEADS = Heads({"policy": Head((2,)), "value": Head((), reads=("latent",))}, {"latent": 2})
_SEEN, _READ = np.split(np.random.default_rng(7).normal(size=(24, 5)).astype(np.float32), [3], axis=1)
INPUTS = Inputs(_SEEN, np.zeros(24, bool), {"latent": _READ}, np.zeros((), np.float32))  # type: ignore[arg-type]
END = jnp.ones(())


def perceptron(*hidden: int, **more: Any) -> MLP:
    return MLP(hidden=hidden, initializer="lecun", **more)


def outputs(params: Params, network: Network) -> dict[str, jax.Array]:
    return dict(network.apply(params, HEADS, INPUTS, ())[0])


def loss(params: Params, network: Network) -> jax.Array:
    """A loss whose slopes are all of ordinary size."""
    factors = {"policy": np.linspace(0.1, 4.0, 48).reshape(24, 2), "value": np.linspace(0.1, 2.0, 24)}
    return sum((jnp.sum(jnp.sin(1.0 + x) * factors[name]) for name, x in outputs(params, network).items()), jnp.zeros(()))


def stepped(params: Params, network: Network, rate: float = 0.05) -> Params:
    """Parameters after a step of gradient descent: nothing that is in use is zero then."""
    return jax.tree.map(lambda x, g: x - rate * g, params, jax.grad(loss)(params, network))


def learned(network: GrowingPerceptron) -> Params:
    return stepped(network.init(jax.random.key(0), SPEC, HEADS), network)


def in_use(params: Params) -> list[jax.Array]:
    """The numbers of units in use in the hidden layers of the policy."""
    torso = params["torso"] or params["heads"]["policy"]["torso"]
    return [units_in_use(layer).sum() for layer in torso]


def same(one: Any, other: Any, tolerance: float = 1e-6) -> None:
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), one, other)


# Outputs --------------------------------------------------------------------------------------------------------------


class Grown(NamedTuple):
    """A network before or after a step of growth."""

    due: Any
    widths: list[Any]
    outputs: Any


def grown(curriculum: GrowingNetwork, plain: MLP, order: tuple[str, ...], rate: float) -> list[tuple[Grown, Grown]]:
    """Before and after each step of growth, with a step of learning after a layer; last, in the plain network."""
    network = curriculum.wrap_network(plain)

    def run() -> list[tuple[Grown, Grown]]:
        params, pairs = learned(network), []
        for step, way in enumerate(order):
            before = Grown(True, in_use(params), outputs(params, network))
            due, change = _next(curriculum, way, network, params, step=step)
            params = change.params(params)
            pairs.append((before, Grown(due, in_use(params), outputs(params, network))))
            params = stepped(params, network, rate) if way == "deeper" else params
        last = [_next(curriculum, way, network, params, step=0)[0] for way in set(order)]
        pairs.append((Grown(last, in_use(params), outputs(params, network)), Grown(False, [], outputs(params, plain))))
        return pairs

    return compiled(run)()


def _next(curriculum: Any, way: str, network: Network, params: Params, *, step: int) -> tuple[jax.Array, ParamsMap]:
    if way == "deeper":
        return curriculum.deeper.change(network, params, END)
    return curriculum.wider.change(jax.random.key(step), network, params, END)


@pytest.mark.parametrize(
    ("activation", "shared", "start", "hidden", "steps"),
    [
        pytest.param("tanh", False, 2, (16, 16), 3, id="doublings", marks=pytest.mark.slow),
        pytest.param("relu", True, 1, (32, 2), 5, id="layers apart", marks=pytest.mark.slow),
        pytest.param("tanh", True, 3, (20,), 1, id="at once", marks=pytest.mark.slow),
        pytest.param("relu", False, 4, (6, 9, 5), 2, id="odd", marks=pytest.mark.slow),
    ],
)
def test_outputs_stay_at_every_widening(activation: str, shared: bool, start: int, hidden: tuple[int, ...], steps: int) -> None:
    wider = Net2Wider(start=start, steps=steps, noise=0.0)
    plain = perceptron(*hidden, activation=activation, shared=shared)
    *pairs, (last, whole) = grown(GrowingNetwork(wider=wider), plain, ("wider",) * steps, rate=0.05)
    expected = wider.widths(hidden)
    assert expected[0] == (start,) * len(hidden)
    for step, (before, after) in enumerate(pairs):
        assert (tuple(before.widths), tuple(after.widths)) == (expected[step], expected[step + 1])
        assert after.due
        same(after.outputs, before.outputs)
    assert tuple(last.widths) == hidden
    assert not any(last.due)
    same(last.outputs, whole.outputs)  # in the end it is the plain network


@pytest.mark.parametrize(
    ("order", "shared"),
    [
        pytest.param(("wider", "deeper"), True, id="after"),
        pytest.param(("wider", "deeper", "wider"), True, id="between", marks=pytest.mark.slow),
        pytest.param(("deeper", "wider", "deeper"), False, id="around", marks=pytest.mark.slow),
        pytest.param(("deeper", "deeper"), False, id="depth alone", marks=pytest.mark.slow),
    ],
)
def test_outputs_stay_at_every_layer_that_is_put_in(order: tuple[str, ...], shared: bool) -> None:
    """Also where a layer is widened that was put in before, and has learned since."""
    layers, steps = order.count("deeper"), order.count("wider")
    wider = Net2Wider(start=2, steps=steps, noise=0.0) if steps else None
    curriculum = GrowingNetwork(wider=wider, deeper=Net2Deeper(layers=layers))
    *pairs, (last, whole) = grown(curriculum, perceptron(5, *[8] * (1 + layers), activation="relu", shared=shared), order, 0.02)
    for (before, after), way in zip(pairs, order, strict=True):
        assert after.due
        if way == "deeper":
            assert sum(width > 0 for width in after.widths) == 1 + sum(width > 0 for width in before.widths)
            jax.tree.map(np.testing.assert_array_equal, after.outputs, before.outputs)
        else:
            assert after.widths[0] > before.widths[0]
            same(after.outputs, before.outputs)
    assert last.widths == [5, *[8] * (1 + layers)]
    assert not any(last.due)
    same(last.outputs, whole.outputs)


# Moments --------------------------------------------------------------------------------------------------------------


class Widened(NamedTuple):
    """An agent before and after a widening."""

    gradients: list[Params]
    params: Params
    after: Params
    outputs: tuple[Any, Any]
    slope: Params
    slope_after: Params
    mapped: Params
    squares: Params
    states: dict[str, tuple[OptimizerState, OptimizerState]]
    steps: dict[str, Params]


ADAM = Adam(learning_rate=0.1, beta1=0.9, beta2=0.99)
OPTIMIZERS: dict[str, Optimizer] = {"adam": ADAM, "clipped": ClipNorm(optimizer=ADAM, max_norm=1e6)}


@pytest.fixture(scope="module")
def widened() -> Widened:
    """Three units become eight in both layers, after three steps of Adam."""
    wider = Net2Wider(start=3, steps=1, noise=0.0)
    network = GrowingNetwork(wider=wider).wrap_network(perceptron(8, 8, shared=True))

    def run() -> Widened:
        params, gradients = learned(network), list[Params]()
        states = {name: one.init(params) for name, one in OPTIMIZERS.items()}
        for _ in range(3):
            gradients.append(jax.grad(loss)(params, network))
            steps = {n: one.update(gradients[-1], states[n], params, jnp.zeros(())) for n, one in OPTIMIZERS.items()}
            params, states = steps["adam"][0], {name: step[1] for name, step in steps.items()}
        _, change = wider.change(jax.random.key(1), network, params, END)
        after, slope = change.params(params), jax.grad(loss)(params, network)
        slope_after = jax.grad(loss)(after, network)
        mapped = {name: one.map_state(states[name], params, change) for name, one in OPTIMIZERS.items()}
        return Widened(
            gradients=gradients,
            params=params,
            after=after,
            outputs=(outputs(params, network), outputs(after, network)),
            slope=slope,
            slope_after=slope_after,
            mapped=change.gradient(slope, 1),
            squares=change.gradient(jax.tree.map(jnp.square, slope), 2),
            states={name: (states[name], mapped[name]) for name in OPTIMIZERS},
            steps={n: one.update(slope_after, mapped[n], after, jnp.zeros(()))[0] for n, one in OPTIMIZERS.items()},
        )

    return jax.device_get(compiled(run)())


def sources_of(widened: Widened) -> list[list[int]]:
    """The unit that each unit is a copy of, by its bias, for both hidden layers."""
    found = []
    for old, new in zip(widened.params["torso"], widened.after["torso"], strict=True):
        apart = np.abs(new["bias"][:, None] - old["bias"][:3])
        assert np.all((apart < 1e-6).sum(axis=1) == 1)
        found.append(np.argmin(apart, axis=1).tolist())
        assert found[-1][:3] == [0, 1, 2]
    return found


def test_a_new_unit_is_a_copy_with_its_share_of_what_comes_behind(widened: Widened) -> None:
    """By the equations, number by number."""
    before, behind = sources_of(widened)
    same(*widened.outputs)
    (first, second), (first_after, second_after) = widened.params["torso"], widened.after["torso"]
    for j, k in itertools.product(range(8), range(8)):
        same(first_after["kernel"][:, j], first["kernel"][:, before[j]])
        same(second_after["kernel"][j, k], second["kernel"][before[j], behind[k]] / before.count(before[j]))
    for name in ("policy", "value"):
        old, new = (tree["heads"][name]["output"]["kernel"] for tree in (widened.params, widened.after))
        for k in range(8):
            same(new[k], old[behind[k]] / behind.count(behind[k]))
        same(new[8:], old[8:])  # the input that the value reads besides
    assert len(widened.after["heads"]["value"]["output"]["kernel"]) == 10
    assert max(before.count(unit) for unit in range(3)) > 2  # some unit has more than one copy


def test_gradients_are_mapped_as_they_change(widened: Widened) -> None:
    """The slope of a loss at the wider network is the slope before, mapped; and so are squares."""
    same(widened.mapped, widened.slope_after, 2e-5)
    same(widened.squares, jax.tree.map(np.square, widened.mapped), 2e-5)
    assert any(np.abs(x - y).max() > 0.1 for x, y in zip(*map(jax.tree.leaves, (widened.slope, widened.mapped)), strict=True))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_moments_of_adam_are_mapped_and_the_next_step_is_that_by_hand(widened: Widened, name: str) -> None:
    m = v = jax.tree.map(np.zeros_like, widened.params)
    for g in widened.gradients:
        m = jax.tree.map(lambda old, new: 0.9 * old + 0.1 * new, m, g)
        v = jax.tree.map(lambda old, new: 0.99 * old + 0.01 * new**2, v, g)
    sources = sources_of(widened)
    counts = [np.asarray([source.count(unit) for unit in source]) for source in sources]
    unravel = jax.flatten_util.ravel_pytree(widened.params)[1]
    state = widened.states[name][1]
    assert state.count == 3
    kept = [jax.device_get(unravel(x)) for x in (state.mu, state.nu)]

    def check(path: tuple[Any, ...], own: tuple[np.ndarray, np.ndarray]) -> None:
        """Compare the mapped moments, and the fourth step of Adam from them."""
        old, g, new, *found = (_at(tree, path) for tree in (widened.after, widened.slope_after, widened.steps[name], *kept))
        same(tuple(found), own, 1e-5)
        first, second = 0.9 * own[0] + 0.1 * g, 0.99 * own[1] + 0.01 * g**2
        expected = old - 0.1 * (first / (1 - 0.9**4)) / (np.sqrt(second / (1 - 0.99**4)) + 1e-8)
        np.testing.assert_allclose(new, expected, rtol=1e-4, atol=2e-4)

    (one, two), (c_one, c_two) = sources, counts
    m_first, m_second, v_first, v_second = (tree["torso"][place]["kernel"] for tree in (m, v) for place in (0, 1))
    check(("torso", 0, "kernel"), (m_first[:, one] / c_one, v_first[:, one] / c_one**2))
    check(("torso", 1, "kernel"), (m_second[one][:, two] / c_two, v_second[one][:, two] / c_two**2))
    for place, source, count in ((0, one, c_one), (1, two, c_two)):
        m_bias, v_bias = (tree["torso"][place]["bias"][source] for tree in (m, v))
        check(("torso", place, "bias"), (m_bias / count, v_bias / count**2))
    m_out, v_out = (tree["heads"]["policy"]["output"]["kernel"][two] for tree in (m, v))
    check(("heads", "policy", "output", "kernel"), (m_out, v_out))


def _at(tree: Any, path: tuple[Any, ...]) -> np.ndarray:
    for name in path:
        tree = tree[name]
    return np.asarray(tree)


def test_all_that_a_rule_holds_in_the_form_of_the_parameters_is_changed() -> None:
    optimizer = Adam()
    rule = Reinforce(returns=MonteCarlo(), optimizer=optimizer)
    params = {"a": jnp.arange(3.0), "b": jnp.ones(2)}
    state = optimizer.init(params)._replace(count=jnp.int32(5), mu=jnp.arange(5.0), nu=jnp.ones(5))
    past = jax.tree.map(lambda x: jnp.stack([x, x + 1.0]), params)
    held = {"optimizer": state, "target": params, "past": past, "updates": jnp.int32(3), "vector": jnp.ones(5)}

    def turned(tree: Params, power: int) -> Params:
        return jax.tree.map(lambda x: 0.5**power * x, tree)

    change = ParamsMap(lambda tree: jax.tree.map(lambda x: x[::-1], tree), turned)
    changed = compiled(lambda when: map_agent(rule, params, held, change, when=when))
    same(changed(False), (params, held), 0.0)
    after, mapped = changed(True)
    same(after, {"a": [2.0, 1.0, 0.0], "b": [1.0, 1.0]}, 0.0)
    same(mapped["target"], after, 0.0)
    same(mapped["past"], {"a": [[2.0, 1.0, 0.0], [3.0, 2.0, 1.0]], "b": [[1.0, 1.0], [2.0, 2.0]]}, 0.0)
    same(mapped["optimizer"], state._replace(mu=0.5 * state.mu, nu=0.25 * state.nu), 0.0)
    same((mapped["updates"], mapped["vector"]), (3, np.ones(5)), 0.0)


# What is not in use, and what is new ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "optimizer",
    [
        pytest.param(ClipNorm(optimizer=Adam(learning_rate=0.03), max_norm=1.0), id="adam"),
        pytest.param(adamw(learning_rate=0.03), id="adamw", marks=pytest.mark.slow),
    ],
)
def test_units_learn_once_they_are_in_use_and_not_before(optimizer: Optimizer) -> None:
    curriculum = GrowingNetwork(wider=Net2Wider(start=4, steps=1), deeper=Net2Deeper())
    network = curriculum.wrap_network(perceptron(8, 8, activation="relu", shared=True))

    def trained(held: tuple[Params, OptimizerState], steps: int) -> tuple[Params, OptimizerState]:
        def step(held: tuple[Params, OptimizerState], _: None) -> tuple[tuple[Params, OptimizerState], None]:
            params, state = held
            return optimizer.update(jax.grad(loss)(params, network), state, params, jnp.zeros(())), None

        return jax.lax.scan(step, held, length=steps)[0]

    def run() -> Any:
        params = network.init(jax.random.key(0), SPEC, HEADS)
        early = trained((params, optimizer.init(params)), 3)
        params, state = early
        for way in ("wider", "deeper"):
            change = _next(curriculum, way, network, params, step=0)[1]
            state, params = optimizer.map_state(state, params, change), change.params(params)
        late = trained((params, state), 40)[0]
        return early[0], params, late, loss(params, network) - loss(late, network)

    early, start, late, gained = jax.device_get(compiled(run)())
    (first, second), old, new = early["torso"], start["torso"], late["torso"]
    assert not np.any(first["kernel"][:, 4:])
    assert not np.any(first["bias"][4:])
    assert not any(np.any(x) for x in second.values())
    assert np.all(np.any(new[0]["kernel"] != old[0]["kernel"], axis=0)[4:])
    assert np.mean(new[1]["kernel"] != old[1]["kernel"]) > 0.5
    for name in ("policy", "value"):
        begun, old, new = (tree["heads"][name]["output"]["kernel"][4:8] for tree in (early, start, late))
        assert not np.any(begun)
        assert np.all(new != old)
    assert gained > 0.5


@pytest.mark.slow
def test_noise_tells_copies_apart_and_leaves_the_rest_as_it_is() -> None:
    network = GrowingNetwork(wider=Net2Wider(start=4, steps=2)).wrap_network(perceptron(16, shared=True))

    def run(noise: jax.Array) -> Params:
        params = network.init(jax.random.key(0), SPEC, HEADS)
        return Net2Wider(start=4, steps=2, noise=noise).change(jax.random.key(0), network, params, END)[1].params(params)

    params = jax.device_get(compiled(jax.vmap(run))(jnp.array([0.0, 0.05])))
    kernel = params["torso"][0]["kernel"]
    np.testing.assert_array_equal(kernel[0][:, :4], kernel[1][:, :4])
    assert not np.any(kernel[:, :, 8:])
    ratio = kernel[1][:, 4:8] / kernel[0][:, 4:8]
    assert np.all(ratio != 1.0)
    np.testing.assert_allclose(ratio, 1.0, atol=0.25)
    np.testing.assert_array_equal(*params["heads"]["policy"]["output"]["kernel"])


@pytest.mark.slow
def test_copies_go_ways_of_their_own() -> None:
    """Without noise they would not: Adam's steps are the same for both."""
    network = GrowingNetwork(wider=Net2Wider(start=1, steps=1)).wrap_network(perceptron(2, shared=True))

    def run(noise: jax.Array) -> jax.Array:
        wider, adam, params = Net2Wider(start=1, steps=1, noise=noise), Adam(learning_rate=0.05), learned(network)
        params = wider.change(jax.random.key(0), network, params, END)[1].params(params)
        state = adam.init(params)
        for _ in range(5):
            params, state = adam.update(jax.grad(loss)(params, network), state, params, jnp.zeros(()))
        return params["torso"][0]["kernel"]

    kernel = compiled(jax.vmap(run))(jnp.array([0.0, 0.05]))
    apart = np.abs(kernel[:, :, 0] - kernel[:, :, 1]).max(axis=1)
    assert apart[0] < 1e-5 < 1e-3 < apart[1]


# In lifetimes ---------------------------------------------------------------------------------------------------------


SIMPLE = Reinforce(returns=MonteCarlo(), optimizer=Adam(learning_rate=0.01), steps=4, num_envs=2)


def growing(rule: Any = None, **changes: Any) -> Any:
    """A small agent whose network grows twice in width and once in depth."""
    parts = {"wider": Net2Wider(start=2, steps=2, first=0.15, last=0.35), "deeper": Net2Deeper(first=0.55)} | changes
    network = perceptron(8, 8, activation="relu", shared=True)
    return agent(rule or SIMPLE, network, curriculum=GrowingNetwork(**parts))


def test_a_lifetime_grows_by_its_clock_and_goes_on_to_the_same_bits() -> None:
    candidate = growing()
    advance = compiled(
        lambda life, start, stop: lifetime.advance(candidate, CATCH, life, start=start, stop=stop, total=jnp.int32(10))
    )
    begun = compiled(lambda key: lifetime.begin(candidate, CATCH, key))(jax.random.key(0))
    life, seen = begun, []
    for update in range(10):
        life = advance(life, jnp.int32(update), jnp.int32(update + 1))
        seen.append([int(width) for width in in_use(life.params)])
        state = life.rule_state
        used = sum(int(jnp.sum(x != 0.0)) for x in jax.tree.leaves(life.params))
        assert int(jnp.sum(state.mu != 0.0)) <= used  # what is not in use has no moments
    assert seen == [[2, 0]] * 2 + [[4, 0]] * 2 + [[8, 0]] * 2 + [[8, 8]] * 4
    whole = advance(begun, jnp.int32(0), jnp.int32(10))
    raw = [jax.tree.map(lambda x: x if x.dtype != life.key.dtype else jax.random.key_data(x), one) for one in (life, whole)]
    jax.tree.map(np.testing.assert_array_equal, *raw)


@component
class Plain(Curriculum):
    """A curriculum that changes nothing."""


def test_the_program_of_an_agent_that_does_not_change_is_the_same() -> None:
    programs = [
        str(jax.make_jaxpr(lambda key, c=candidate: lifetime.run(c, CATCH, key, jnp.int32(4)))(jax.random.key(0)))
        for candidate in (agent(SIMPLE), agent(SIMPLE, curriculum=Plain()))
    ]
    assert programs[0] == programs[1]


def test_times_are_searched() -> None:
    genes = Space(
        growing(wider=Net2Wider(start=2, first=free(), last=free(), noise=free()), deeper=Net2Deeper(first=free()))
    ).genes
    assert [gene.path for gene in genes] == [
        "curriculum.wider.first",
        "curriculum.wider.last",
        "curriculum.wider.noise",
        "curriculum.deeper.first",
    ]


@pytest.mark.slow
def test_agents_that_grow_at_other_times_learn_side_by_side() -> None:
    rule = small_ppo()
    population = jax.tree.map(
        lambda *x: jnp.stack(x), *(growing(rule, wider=Net2Wider(start=4, first=first, last=0.5)) for first in (0.1, 0.3, 0.5))
    )

    def run(member: Any, key: Key) -> tuple[Any, Any]:
        life = lifetime.begin(member, CATCH, key)
        half = lifetime.advance(member, CATCH, life, start=jnp.int32(0), stop=jnp.int32(40), total=jnp.int32(150))
        whole = lifetime.advance(member, CATCH, half, start=jnp.int32(40), stop=jnp.int32(150), total=jnp.int32(150))
        return half.params, lifetime.curve_of(whole, jnp.int32(150))

    half, curve = compiled(jax.vmap(jax.vmap(run, in_axes=(None, 0)), in_axes=(0, None)))(
        population, jax.random.split(jax.random.key(0), 2)
    )
    used = np.any(half["torso"][0]["kernel"] != 0.0, axis=-2).sum(axis=-1)
    np.testing.assert_array_equal(used, [[6, 6], [4, 4], [4, 4]])
    assert np.all(curve.finite)
    begun, ended = (curve.episode_return[..., part].mean() for part in (slice(5), slice(-5, None)))
    assert ended > begun + 0.3


@pytest.mark.slow
def test_slopes_in_the_numbers_of_a_rule_run_through_growth() -> None:
    def reached(candidate: Any) -> jax.Array:
        life = lifetime.begin(candidate, CATCH, jax.random.key(0))
        life = lifetime.advance(candidate, CATCH, life, start=0, stop=6, total=6)
        return sum((jnp.sum(x**2) for x in jax.tree.leaves(life.params)), jnp.zeros(()))

    slopes = compiled(jax.grad(reached, allow_int=True))(growing())
    assert np.isfinite(slopes.rule.optimizer.learning_rate)
    assert slopes.rule.optimizer.learning_rate != 0.0
    assert np.isfinite(slopes.curriculum.wider.noise)
    assert slopes.curriculum.wider.noise != 0.0


# Mistakes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "network", "sentence"),
    [
        ({}, GRU(), r"^growing_network grows the network mlp alone, with at least one hidden layer; the candidate's is GRU: "),
        ({}, ModulatedMLP(), r"^growing_network grows the network mlp alone.*is ModulatedMLP: choose mlp"),
        ({}, MLP(hidden=()), r"^growing_network grows the network mlp alone, with at least one hidden layer"),
        ({}, MLP(hidden=(64, 8)), r"^net2wider begins with 16 units \(start\), but .* \[64, 8\]: set start to at most 8\.$"),
        (
            {"deeper": Net2Deeper()},
            MLP(),
            r"^net2deeper .* needs relu; the network's activation is tanh: set activation to relu",
        ),
        ({"deeper": Net2Deeper()}, MLP(hidden=(64, 32), activation="relu"), r"^net2deeper puts in 1 layers, .* of one width"),
        ({"deeper": Net2Deeper(layers=2)}, MLP(activation="relu"), r"^net2deeper puts in 2 layers, .* give it at least 3"),
    ],
)
def test_a_network_that_cannot_grow_is_refused_in_one_sentence(parts: Any, network: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        agent(small_ppo(), network, curriculum=GrowingNetwork(**parts)).world(CATCH)


@component
class Diary(Reinforce):
    """A rule that keeps all parameters in a form of its own."""

    def init(self, key: Key, world: World, params: Params) -> Any:
        return super().init(key, world, params), jax.flatten_util.ravel_pytree(params)[0]


def test_a_rule_whose_state_cannot_follow_is_refused_in_one_sentence() -> None:
    candidate = growing(Diary(returns=MonteCarlo(), optimizer=Adam(), steps=4, num_envs=2))

    def change(key: Key) -> Any:
        world = candidate.world(CATCH)
        params = world.initial_params(key)
        held = {"params": params, "state": candidate.rule.init(key, world, params)}
        return candidate.curriculum.before_update(key, world, candidate.rule, **held)

    with pytest.raises(UserError, match=r"^Diary keeps what depends on the network's size \(\(\d+,\) or \(\d+,\)\) and is"):
        jax.eval_shape(change, jax.random.key(0))


def test_the_checks_say_that_they_have_no_network_that_it_takes() -> None:
    (note,) = check_curriculum(GrowingNetwork())
    assert note.startswith("GrowingNetwork refuses the small network of the checks (growing_network grows the network mlp")


@pytest.mark.slow
def test_it_is_a_curriculum_like_any_other() -> None:
    curriculum = GrowingNetwork(wider=Net2Wider(start=2), deeper=Net2Deeper())
    assert check_curriculum(curriculum, perceptron(4, 4, activation="relu")) == ()
