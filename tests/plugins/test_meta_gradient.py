"""Meta-gradients agree with finite differences, forwards with a trace and in reverse; what has no derivative is refused."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import CATCH, agent, compiled, small_ppo
from discover_actor_critic.a2c import A2C
from discover_actor_critic.reinforce import Reinforce
from discover_diagnostics.probe import Probe
from discover_meta_gradient.derivatives import Derivative, Forward, Reverse
from discover_meta_gradient.held_out import ActorCriticLoss, HeldOutLoss, PolicyImprovement, PredictionError
from discover_meta_gradient.meta_gradient import MetaGradient
from discover_networks.mlp import MLP
from discover_optimisers.optimisers import SGD, Adam
from discover_returns.returns import GAE, MonteCarlo, NStep

from discover import Experience, Spec, UpdateRule, UserError, World, domain_at, replace

ETA = ("returns.gamma", "optimiser.learning_rate")
REFERENCE = GAE(gamma=0.95, lam=0.9)
INNER = Reinforce(
    returns=MonteCarlo(gamma=0.9), optimiser=SGD(learning_rate=0.3), steps=8, environments=4, baseline="none"
)
"""Without a value: the rule holds values constant that move with the parameters, which differences over two updates would see."""
FRESH = 3
"""Batches of experience: the first two are learned from, the slope is that of the loss on the last."""


def adapting(rule: UpdateRule = INNER, held_out: HeldOutLoss | None = None, **more: Any) -> MetaGradient:
    settings: dict[str, Any] = {"optimiser": SGD(learning_rate=10.0), "adapt": ETA, **more}
    return MetaGradient(rule=rule, held_out=held_out or PolicyImprovement(returns=REFERENCE), **settings)


class Lived(NamedTuple):
    """Parameters and state before each update, the experience and key that it was given, and what eta became in the end."""

    params: list[Any]
    states: list[Any]
    batches: list[Experience]
    keys: jax.Array
    eta: jax.Array


def lived(rule: MetaGradient, world: World) -> Lived:
    """Two updates in which eta stays (no fresh experience is there yet, or it is put back), then one that moves it."""
    keys = jax.random.split(jax.random.key(3), FRESH + 1)
    params = world.initial_params(keys[-1])
    state = rule.init(keys[-1], world, params)
    actor = world.start(keys[-1], world.sample_tasks(keys[-1], 4))
    eta, paramss, states, batches = state.eta, [], [], []
    for key in keys[:FRESH]:
        acting, context = rule.behaviour(params, state)
        actor, batch = world.collect(acting, actor, key, 8, context)
        paramss, states, batches = [*paramss, params], [*states, state], [*batches, batch]
        held = replace(rule, {"optimiser": SGD(learning_rate=0.0)}) if len(batches) < FRESH else rule
        params, state, _ = held.update(key, world, params, state, batch)
    return Lived(paramss, states, batches, keys, state.eta)


def slopes(rule: MetaGradient, updates: int) -> tuple[np.ndarray, np.ndarray]:
    """By the rule, and by differences of the held-out loss after the last ``updates`` updates with another eta."""
    world = World(agent(rule, MLP(hidden=(8,))), CATCH)
    life = compiled(lambda: lived(rule, world))()
    start = life.states[0].eta
    first = FRESH - 1 - updates

    def learnt(eta: jax.Array) -> Any:
        params, state = life.params[first], life.states[first].rule
        values = {path: domain_at(rule.rule, path).decode(eta[i : i + 1]) for i, path in enumerate(rule.adapt)}
        for index in range(first, FRESH - 1):
            args = life.keys[index], world, params, state, life.batches[index]
            params, state, _ = replace(rule.rule, values).update(*args)
        return params

    gradient = compiled(jax.grad(lambda p: rule.held_out(world, p, life.batches[-1])))(life.params[-1])
    step = 0.05 * np.eye(len(rule.adapt), dtype=np.float32)
    moved = compiled(jax.vmap(learnt))(np.concatenate([start + step, start - step]))
    count = len(rule.adapt)
    change = jax.tree.map(lambda x: (x[:count] - x[count:]) / 0.1, moved)
    products = jax.tree.map(lambda g, z: np.tensordot(z, g, axes=g.ndim), gradient, change)
    return np.asarray((start - life.eta) / 10.0), np.asarray(sum(jax.tree.leaves(products)))


@pytest.mark.parametrize(
    ("derivative", "updates"),
    [(Forward(), 1), (Reverse(), 1), (Forward(mu=1.0), 2)],
    ids=["forward", "reverse", "trace"],
)
def test_the_slope_is_that_of_the_loss_on_what_came_next(derivative: Derivative, updates: int) -> None:
    """Finite differences: other eta, the same keys and experience, the wrapped rule's own updates."""
    found, expected = slopes(adapting(derivative=derivative), updates)
    assert np.all(np.abs(expected) > 1e-4)
    np.testing.assert_allclose(found, expected, rtol=0.02, atol=1e-5)
