"""One update of a lifetime: its state before and after, what it collects, and what it learns from that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover.base.errors import UserError
from discover.base.randomness import named_key, named_keys, unrolled
from discover.contract.actor import Actor
from discover.contract.algorithm import Algorithm
from discover.contract.curriculum import Curriculum
from discover.contract.environment import Environment
from discover.contract.trajectory import Trajectory
from discover.contract.types import Key, Params, RuleState
from discover.contract.update_rule import UpdateRule
from discover.contract.world import World

ROWS = 100
"""Rows of a learning curve, for a lifetime of any length."""

REPORT = ("episode_return", "episode_length", "episodes", "env_steps")
"""Names in `World.report`."""


class Lifetime(NamedTuple):
    """The whole state of a lifetime between two updates: a tree of arrays.

    Attributes:
        key: the random stream of all further updates.
        params: parameters of the network.
        rule_state: state of the update rule.
        actor: the environments; None for a rule that collects by itself.
        rows: ``[100]`` each: sums over the updates of a row, by name.
        counts: ``[100]`` number of updates in each row.
        env_steps: number of env steps so far.
    """

    key: Key
    params: Params
    rule_state: RuleState
    actor: Actor | None
    rows: Mapping[str, jax.Array]
    counts: jax.Array
    env_steps: jax.Array


class Collected(NamedTuple):
    """The experience that an update collects before it learns.

    Attributes:
        key: of the learning.
        actor: the environments after it; None for a rule that collects by itself.
        trajectory: the experience, gradients stopped; None likewise.
    """

    key: Key
    actor: Actor | None
    trajectory: Trajectory | None


class Updated(NamedTuple):
    """A lifetime after an update.

    Attributes:
        life: the lifetime after it, with the rows of its curve as they were.
        measures: what happened, by name: sums over the finished episodes, and what the rule reports.
    """

    life: Lifetime
    measures: Mapping[str, jax.Array]


def newborn(algorithm: Algorithm, environment: Environment, key: Key) -> Lifetime:
    """A lifetime before its first update, whose curve has no rows."""
    world = algorithm.world(environment)
    rollout = algorithm.rule.rollout(world.spec)
    key_network, key_rule, key_tasks, key_start, key_run = named_keys(key, "network", "rule", "tasks", "start", "run")
    params = world.initial_params(key_network)
    state = algorithm.rule.init(key_rule, world, params)
    actor = None if rollout.by_rule else start(world, key_tasks, key_start, rollout.num_envs)
    return Lifetime(
        key=unrolled(key_run),
        params=params,
        rule_state=state,
        actor=actor,
        rows={},
        counts=jnp.zeros(ROWS),
        env_steps=jnp.zeros((), jnp.int32),
    )


def world_at(algorithm: Algorithm, environment: Environment, index: jax.Array, total: int | jax.Array) -> World:
    """The world with the clock of the update ``index`` of ``total``."""
    progress = index.astype(jnp.float32) / jnp.asarray(total, jnp.float32)
    rollout = algorithm.rule.rollout(algorithm.family(environment).spec())
    each = rollout.steps * rollout.num_envs
    return algorithm.world(environment, progress, index * each, lifetime_steps=total * each)


def changed(algorithm: Algorithm, world: World, life: Lifetime, index: jax.Array) -> Lifetime:
    """The lifetime before the update ``index``, as the curriculum changes the agent."""
    if algorithm.curriculum is None or type(algorithm.curriculum).before_update is Curriculum.before_update:
        return life
    key = named_key(jax.random.fold_in(life.key, index), "curriculum")
    held = {"params": life.params, "state": life.rule_state}
    params, state = algorithm.curriculum.before_update(key, world, algorithm.rule, **held)
    return life._replace(params=params, rule_state=state)


def collect(rule: UpdateRule, world: World, life: Lifetime, index: jax.Array) -> Collected:
    """Collect the experience of the update ``index``, unless the rule does so by itself."""
    rollout = rule.rollout(world.spec)
    key_redraw, key_collect, key_update = jax.random.split(jax.random.fold_in(life.key, index), 3)
    actor, trajectory = life.actor, None
    if actor is not None:
        if world.redraw == "update":
            actor = start(world, key_redraw, named_key(key_redraw, "start"), rollout.num_envs, previous=actor)
        acting, context = rule.behavior(life.params, life.rule_state)
        actor, trajectory = world.collect(acting, actor, key_collect, rollout.steps, context=context)
    return Collected(key_update, actor, trajectory)


def learn(rule: UpdateRule, world: World, life: Lifetime, collected: Collected) -> Updated:
    """Learn from what was collected."""
    key, actor, trajectory = collected
    params, state, info = rule.update(key, world, life.params, life.rule_state, trajectory=trajectory)  # type: ignore[arg-type]
    measures, actor, env_steps = _measure(rule, life, actor, dict(info))
    after = life._replace(params=params, rule_state=state, actor=actor, env_steps=env_steps)
    return Updated(after, measures)


def _measure(
    rule: UpdateRule, life: Lifetime, actor: Actor | None, info: dict[str, jax.Array]
) -> tuple[dict[str, jax.Array], Actor | None, jax.Array]:
    """The numbers to add to the row, the actor with its sums set back to zero, and the env steps so far."""
    if actor is None:
        missing = [name for name in REPORT if name not in info]
        if missing:
            raise UserError(
                f"{type(rule).__name__} collects by itself, but its info lacks '{missing[0]}': add World.report(actors) to it."
            )
        env_steps = life.env_steps + info.pop("env_steps").astype(jnp.int32)
        return info, None, env_steps
    report, zero = dict(World.report(actor)), jnp.zeros((), jnp.float32)
    env_steps = report.pop("env_steps")
    cleared = actor.episodes._replace(return_sum=zero, length_sum=zero, covered=zero)
    return report | info, actor._replace(episodes=cleared), env_steps


def start(world: World, key_tasks: Key, key: Key, num_envs: int, *, previous: Actor | None = None) -> Actor:
    """Reset all environments: with one task for all where the family never redraws it, else with a task for each."""
    if world.redraw == "never":
        task = jax.tree.map(lambda x: x[0], world.sample_tasks(key_tasks, 1))
        tasks = jax.tree.map(lambda x: jnp.broadcast_to(x, (num_envs, *jnp.shape(x))), task)
    else:
        tasks = world.sample_tasks(key_tasks, num_envs)
    return world.start(key, tasks, previous)
