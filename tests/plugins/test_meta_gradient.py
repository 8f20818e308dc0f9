"""Meta-gradients agree with finite differences, forwards with a trace and in reverse; what has no derivative is refused."""

from pathlib import Path
from typing import Any, NamedTuple, cast

import jax
import numpy as np
import pytest
import toys
from contract.small import CATCH, agent, compiled
from discover_zoo.networks.mlp import MLP
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.gae import GAE
from discover_zoo.returns.monte_carlo import MonteCarlo
from discover_zoo.returns.n_step import NStep
from discover_zoo.returns.v_trace import VTrace
from discover_zoo.rules.a2c import A2C
from discover_zoo.rules.impala import IMPALA
from discover_zoo.rules.meta_gradient.derivatives import Derivative, Forward, Reverse
from discover_zoo.rules.meta_gradient.held_out import ActorCriticLoss, HeldOutLoss, PolicyImprovement, PredictionError
from discover_zoo.rules.meta_gradient.meta_gradient import MetaGradient, MetaState, _mean
from discover_zoo.rules.reinforce import Reinforce

from discover import (
    Integer,
    Key,
    Optimizer,
    Params,
    Registry,
    Rollout,
    RuleState,
    Spec,
    Trajectory,
    UpdateRule,
    UserError,
    World,
    component,
    domain_at,
    get,
    integer,
    replace,
)
from discover.config.build import algorithm_from, environment_from
from discover.config.search_config import default_executor
from discover.contract.events import TaskRun
from discover.evaluation.train import train
from discover.inner_loop import lifetime
from discover.inner_loop.population import describe_shapes
from discover.outer_loop.search import search

ETA = ("returns.gamma", "optimizer.learning_rate")
REFERENCE = GAE(gamma=0.95, lam=0.9)
INNER = Reinforce(returns=MonteCarlo(gamma=0.9), optimizer=SGD(learning_rate=0.3), steps=8, num_envs=4, baseline="none")
"""Without a value: values are held constant, yet move with the parameters, which differences over two updates would see."""
FRESH = 3
"""Batches of experience: the first two are learned from, the slope is that of the loss on the last."""


def adapting(rule: UpdateRule = INNER, held_out: HeldOutLoss | None = None, **more: Any) -> MetaGradient:
    settings: dict[str, Any] = {"optimizer": SGD(learning_rate=10.0), "adapt": ETA, **more}
    return MetaGradient(rule=rule, held_out=held_out or PolicyImprovement(returns=REFERENCE), **settings)


class History(NamedTuple):
    """Parameters and state before each update, its batch and its key, and eta after the last."""

    params: list[Params]
    states: list[MetaState]
    batches: list[Trajectory]
    keys: jax.Array
    eta: jax.Array


def history(rule: MetaGradient, world: World) -> History:
    """Two updates in which eta stays (no fresh experience is there yet, or it is put back), then one that moves it."""
    keys = jax.random.split(jax.random.key(3), FRESH + 1)
    params = world.initial_params(keys[-1])
    state = rule.init(keys[-1], world, params)
    actor = world.start(keys[-1], world.sample_tasks(keys[-1], 4))
    before, states, batches = [], [], []
    for key in keys[:FRESH]:
        acting, context = rule.behavior(params, state)
        actor, batch = world.collect(acting, actor, key, 8, context=context)
        before, states, batches = [*before, params], [*states, state], [*batches, batch]
        current = replace(rule, {"optimizer": SGD(learning_rate=0.0)}) if len(batches) < FRESH else rule
        params, state, _ = current.update(key, world, params, state, trajectory=batch)
    return History(params=before, states=states, batches=batches, keys=keys, eta=state.eta)


def slopes(rule: MetaGradient, updates: int) -> tuple[np.ndarray, np.ndarray]:
    """By the rule, and by differences of the held-out loss after the last ``updates`` updates with another eta."""
    world = agent(rule, MLP(hidden=(8,))).world(CATCH)
    life = compiled(lambda: history(rule, world))()
    start = life.states[0].eta
    first = FRESH - 1 - updates

    def params_after(eta: jax.Array) -> Params:
        params, state = life.params[first], life.states[first].rule
        values = {path: domain_at(rule.rule, path).decode(eta[i : i + 1]) for i, path in enumerate(rule.adapt)}
        for index in range(first, FRESH - 1):
            changed, batch = replace(rule.rule, values), life.batches[index]
            params, state, _ = changed.update(life.keys[index], world, params, state, trajectory=batch)
        return params

    gradient = compiled(jax.grad(lambda p: rule.held_out(world, p, life.batches[-1])))(life.params[-1])
    step = 0.05 * np.eye(len(rule.adapt), dtype=np.float32)
    moved = compiled(jax.vmap(params_after))(np.concatenate([start + step, start - step]))
    count = len(rule.adapt)
    change = jax.tree.map(lambda x: (x[:count] - x[count:]) / 0.1, moved)
    products = jax.tree.map(lambda g, z: np.tensordot(z, g, axes=g.ndim), gradient, change)
    return np.asarray((start - life.eta) / 10.0), np.asarray(sum(jax.tree.leaves(products)))


@pytest.mark.parametrize(
    ("derivative", "updates"),
    [
        pytest.param(Forward(), 1, id="forward"),
        pytest.param(Reverse(), 1, id="reverse", marks=pytest.mark.slow),
        pytest.param(Forward(mu=1.0), 2, id="trace", marks=pytest.mark.slow),
    ],
)
def test_the_slope_is_that_of_the_loss_on_what_came_next(derivative: Derivative, updates: int) -> None:
    """Finite differences: other eta, the same keys and experience, the wrapped rule's own updates."""
    slope, expected = slopes(adapting(derivative=derivative), updates)
    assert np.all(np.abs(expected) > 1e-4)
    np.testing.assert_allclose(slope, expected, rtol=0.02, atol=1e-5)


REFUSED = {
    (
        "returns.n",
    ): "adapt of MetaGradient names 'returns.n', but NStep is not differentiable with respect to 'n': name another number.",
    ("returns.gama",): "NStep has no field 'gama'; did you mean 'gamma'? Known: gamma, n.",
    ("steps",): "steps of A2C is structure, not a number: name a field with a domain.",
    ("optimizer.whole",): "adapt of MetaGradient names 'optimizer.whole', but Halving has a whole number there, which has no "
    "derivative: name a real one.",
    (): "adapt of MetaGradient must name one number or more, each once; got ().",
    ("returns.gamma", "returns.gamma"): "adapt of MetaGradient must name one number or more, each once; got "
    "('returns.gamma', 'returns.gamma').",
}


@component
class Halving(Optimizer):
    """Has a whole number."""

    whole: Integer = integer(1, low=0, high=3)


@pytest.mark.parametrize(("adapt", "sentence"), REFUSED.items())
def test_what_has_no_derivative_is_refused_before_a_run(adapt: tuple[str, ...], sentence: str, registry: Registry) -> None:
    rule = adapting(A2C(returns=NStep(), optimizer=Halving()), adapt=adapt)
    with pytest.raises(UserError) as raised:
        train(registry, default_executor(registry), "mine", agent(rule), run=TaskRun("catch", 1000), seeds=1)
    assert str(raised.value) == sentence


def test_a_rule_that_collects_by_itself_is_refused() -> None:
    @component
    class Collecting(A2C):
        def rollout(self, spec: Spec) -> Rollout:
            return Rollout(1, 1, by_rule=True)

    rule = adapting(Collecting(returns=GAE(), optimizer=SGD()))
    with pytest.raises(
        UserError, match="cannot wrap Collecting, which collects its experience by itself: put the MetaGradient"
    ):
        rule.rollout(CATCH.spec())


@pytest.mark.slow
def test_the_numbers_that_stac_tunes_all_move(registry: Registry) -> None:
    """In their coordinates: shares and truncations start at the upper end of their ranges, where they have a slope too."""
    algorithm = algorithm_from(registry, "stac")
    changes = {"rule.optimizer.learning_rate": 0.1, "network": MLP(hidden=(8,)), "rule.rule.steps": 5, "rule.rule.lag": 2}
    algorithm = replace(algorithm, changes)

    def run(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        life = lifetime.begin(algorithm, CATCH, key)
        return life.rule_state.eta, lifetime.advance(algorithm, CATCH, life, 0, stop=60, total=60).rule_state.eta

    before, after = compiled(run)(jax.random.key(0))
    assert before.shape == (7,)
    assert np.all(np.isfinite(after))
    assert np.all(np.abs(after - before) > 1e-2), after - before


def test_a_rule_with_a_memory_can_be_wrapped(registry: Registry) -> None:
    """Its heads read eta, which the memory keeps beside each transition."""
    sac = algorithm_from(registry, "sac")
    wrapped = replace(sac, {"rule": adapting(sac.rule, adapt=("gamma",))})
    assert describe_shapes(environment_from(registry, "Pendulum-v1"), wrapped, 20_000) == 20_000


def test_the_reference_of_stac_is_impalas_loss_and_the_distance_to_the_policy_that_acted() -> None:
    """At the parameters that acted the distance is zero, and so is its slope; everything else is the loss that IMPALA has."""
    inner = IMPALA(returns=VTrace(), optimizer=SGD(learning_rate=1.0), steps=6, num_envs=2, lag=0)
    world, key = agent(inner, MLP(hidden=(4,))).world(CATCH), jax.random.key(1)
    held_out = ActorCriticLoss(returns=VTrace(), value_coefficient=0.5, entropy_coefficient=0.01, kl_coefficient=1.0)

    def step_and_gradient() -> tuple[Params, Params]:
        params = world.initial_params(key)
        _, batch = world.collect(params, world.start(key, world.sample_tasks(key, 2)), key, 6)
        after, _, _ = inner.update(key, world, params, inner.init(key, world, params), trajectory=batch)
        gradient = jax.grad(lambda p: held_out(world, p, batch))(params)
        return jax.tree.map(lambda p, q: p - q, params, after), gradient

    step, gradient = compiled(step_and_gradient)()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), step, gradient)


def test_adapted_weights_are_told_by_their_mean_and_a_number_as_it_is() -> None:
    assert float(_mean({"kernel": np.array([[1.0, 2.0]]), "bias": np.array([6.0])})) == 3.0
    assert float(_mean(np.float32(0.9))) == np.float32(0.9)


def test_prediction_error_is_half_the_mean_square() -> None:
    world = agent(A2C(returns=GAE(), optimizer=SGD()), MLP(hidden=())).world(CATCH)

    def measured() -> tuple[jax.Array, jax.Array, jax.Array]:
        key = jax.random.key(0)
        params = world.initial_params(key)
        _, batch = world.collect(params, world.start(key, world.sample_tasks(key, 3)), key, 4)
        loss = PredictionError(returns=MonteCarlo(gamma=1.0))
        return loss(world, params, batch), batch.outputs["value"], batch.reward

    loss, value, reward = compiled(measured)()  # four steps are one episode, which pays at its end alone
    np.testing.assert_allclose(loss, 0.5 * np.mean((value - reward[-1]) ** 2), rtol=1e-5)


def test_held_out_targets_are_of_the_parameters_that_are_judged_alone() -> None:
    """Also where others acted: values of next states are not read off what those said."""
    world = agent(A2C(returns=GAE(), optimizer=SGD()), MLP(hidden=(4,))).world(CATCH)

    def measured() -> tuple[jax.Array, jax.Array]:
        key = jax.random.key(0)
        acted, judged = map(world.initial_params, jax.random.split(key))
        _, batch = world.collect(acted, world.start(key, world.sample_tasks(key, 3)), key, 6)
        loss = PredictionError(returns=NStep(gamma=0.9, n=1))(world, judged, batch)
        following = world.evaluate_next(judged, batch)["value"] * (1.0 - batch.terminated)
        error = world.evaluate(judged, batch)["value"] - batch.reward - 0.9 * following
        return loss, 0.5 * jax.numpy.mean(error**2)

    np.testing.assert_allclose(*compiled(measured)(), rtol=1e-5)


@component
class Settling(A2C):
    """Takes the weight of its entropy for parameters and state when it sees a task for the first time."""

    def init(self, key: Key, world: World, params: Params) -> RuleState:
        assert isinstance(world, World)
        return super().init(key, world, params)

    def adapt_to_task(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState]:
        assert isinstance(world, World)
        return self.entropy_coefficient, self.entropy_coefficient


def test_adaptation_to_a_task_is_that_of_the_wrapped_rule_with_what_eta_stands_for() -> None:
    rule = adapting(Settling(returns=GAE(), optimizer=SGD()), adapt=("entropy_coefficient",))
    world, key = agent(rule).world(CATCH), jax.random.key(0)
    state, nothing = rule.init(key, world, world.initial_params(key)), cast(Trajectory, ())
    expected = domain_at(rule.rule, "entropy_coefficient").decode(state.eta + 1.0)
    params, adapted = rule.adapt_to_task(key, world, (), state._replace(eta=state.eta + 1.0), trajectory=nothing)
    assert expected > 0.011
    assert params == adapted.rule == expected


def test_without_embedding_policy_and_value_do_not_see_eta() -> None:
    world = agent(adapting(embedding=False)).world(CATCH)
    assert all(head.reads == () for head in world.heads.outputs.values())
    assert world.heads.context == {"eta": 2}


@pytest.mark.slow
def test_the_settings_of_a_meta_gradient_are_searched(registry: Registry, tmp_path: Path) -> None:
    config = {
        "name": "meta",
        "seed": 0,
        "candidate": {
            "recipe": "meta_gradient",
            "network": {"mlp": {"hidden": []}},
            "rule": {
                "meta_gradient": {
                    "optimizer": {"adam": {"learning_rate": "free"}},
                    "derivative": {"forward": {"mu": "free"}},
                    "rule": {"a2c": {"steps": 4, "num_envs": 2}},
                }
            },
        },
        "strategy": "random_search",
        "objective": "final_return",
        "population": 2,
        "generations": 1,
        "seeds": 1,
        "finalists": 1,
        "selection_seeds": 1,
        "tasks": [{"task": "catch", "steps": 160}],
    }
    result = search(toys.plugins(), config, tmp_path / "run")
    paths = ("rule.optimizer.learning_rate", "rule.derivative.mu")
    assert all(np.isfinite(get(result.champion, path)) for path in paths)
