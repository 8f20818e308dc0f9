"""A lifetime: one agent learns from scratch, with one algorithm on one task family, and gets a learning curve.

All functions are written for one lifetime; seeds and members are axes that the caller adds by ``jax.vmap``. The length of a
lifetime is given in env steps. A lifetime advances in chunks of updates, so that a long one can be saved and continued.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from discover.base.errors import UserError
from discover.base.randomness import named_key, named_keys, unrolled
from discover.base.text_table import counted
from discover.contract.actor import Actor
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.trajectory import Info
from discover.contract.types import Key, Params, RuleState
from discover.contract.update_rule import UpdateRule
from discover.contract.world import World

Count: TypeAlias = int | jax.Array
"""A number of updates, which may be traced."""

ROWS = 100
"""Rows of a learning curve, for a lifetime of any length."""

_MOST_UPDATES = (2**31 - 1) // ROWS

_REPORT = ("episode_return", "episode_length", "episodes", "env_steps")
"""Names in `World.report`."""


class Curve(NamedTuple):
    """A learning curve of 100 rows, each of which is a mean over its share of the updates.

    Attributes:
        episode_return: ``[100]`` return of the last finished episode, as a mean over environments and steps. Rows before the
            first finished episode have the value of the first row after it; NaN if no episode ended.
        episode_length: ``[100]`` likewise.
        info: ``[100]`` each: what the rule reported, by name.
        finite: whether all parameters are finite at the end.
        env_steps: number of env steps.
    """

    episode_return: jax.Array
    episode_length: jax.Array
    info: Mapping[str, jax.Array]
    finite: jax.Array
    env_steps: jax.Array


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


def updates_in(algorithm: Algorithm, environment: Environment, steps: int) -> int:
    """The number of updates in a budget of ``steps`` env steps.

    Raises:
        UserError: it is zero, or more than an int32 can count.
    """
    rollout = algorithm.rule.rollout(algorithm.family(environment).spec())
    each = rollout.steps * rollout.num_envs
    if steps < each:
        size = f"{counted(rollout.steps, 'step')} x {counted(rollout.num_envs, 'environment')}"
        raise UserError(
            f"a lifetime of {counted(steps, 'env step')} is shorter than one update of {type(algorithm.rule).__name__}, which "
            f"takes {each} ({size}): give at least {counted(each, 'step')}."
        )
    if steps >= 2**31 or steps // each > _MOST_UPDATES:
        raise UserError(
            f"a lifetime of {steps} env steps in {steps // each} updates is too long: {2**31 - 1} env steps and "
            f"{_MOST_UPDATES} updates can be counted: give fewer steps, or a rule that takes more of them per update."
        )
    return steps // each


def begin(algorithm: Algorithm, environment: Environment, key: Key) -> Lifetime:
    """A lifetime before its first update."""
    world = algorithm.world(environment)
    rollout = algorithm.rule.rollout(world.spec)
    key_network, key_rule, key_tasks, key_start, key_run = named_keys(key, "network", "rule", "tasks", "start", "run")
    params = world.initial_params(key_network)
    state = algorithm.rule.init(key_rule, world, params)
    actor = None if rollout.by_rule else _start(world, key_tasks, key_start, rollout.num_envs)
    life = Lifetime(
        key=unrolled(key_run),
        params=params,
        rule_state=state,
        actor=actor,
        rows={},
        counts=jnp.zeros(ROWS),
        env_steps=jnp.zeros((), jnp.int32),
    )
    names = (*_REPORT[:-1], *_info_names(algorithm, environment, life))
    return life._replace(rows={name: jnp.zeros(ROWS) for name in names})


def advance(
    algorithm: Algorithm,
    environment: Environment,
    life: Lifetime,
    start: Count,
    *,
    stop: Count,
    total: Count,
    window: tuple[Count, Count] | None = None,
) -> Lifetime:
    """Run the updates ``start .. stop - 1`` of a lifetime that has ``total`` of them.

    The numbers of updates may be traced, so that one compiled program fits all. Where start and stop are plain numbers, the
    result can be differentiated in reverse mode.

    Args:
        algorithm: the candidate.
        environment: the task family.
        life: the lifetime before these updates.
        start, stop, total: numbers of updates.
        window: first update and number of updates over which the rows of the curve are spread; by default the whole lifetime.
    """
    first, count = (0, total) if window is None else window

    def update(index: jax.Array, life: Lifetime) -> Lifetime:
        index = index.astype(jnp.int32)
        progress = index.astype(jnp.float32) / jnp.asarray(total, jnp.float32)
        rollout = algorithm.rule.rollout(algorithm.family(environment).spec())
        each = rollout.steps * rollout.num_envs
        world = algorithm.world(environment, progress, index * each, lifetime_steps=total * each)
        return _update(algorithm.rule, world, life, index, row=(index - first) * ROWS // count)

    if not (isinstance(start, int) and isinstance(stop, int)):
        start, stop = jnp.asarray(start, jnp.int32), jnp.asarray(stop, jnp.int32)
    return jax.lax.fori_loop(start, stop, update, life)


def fresh_window(life: Lifetime) -> Lifetime:
    """The lifetime with an empty curve, which will not count episodes that have ended before."""
    actor = life.actor
    if actor is not None:
        actor = actor._replace(episodes=actor.episodes._replace(finished=jnp.zeros_like(actor.episodes.finished)))
    rows = jax.tree.map(jnp.zeros_like, life.rows)
    return life._replace(actor=actor, rows=rows, counts=jnp.zeros_like(life.counts))


def curve_of(life: Lifetime, total: Count) -> Curve:
    """The learning curve of a whole lifetime of ``total`` updates, or of a window of so many."""
    row = jnp.arange(ROWS)
    source = jnp.where(life.counts > 0, row, (row * total // ROWS) * ROWS // total)
    rows = {name: values[source] for name, values in life.rows.items()}
    episodes, counts = rows.pop("episodes"), jnp.maximum(life.counts[source], 1.0)
    returns, lengths = (_mean_or_first(rows.pop(name), episodes) for name in ("episode_return", "episode_length"))
    finite = jnp.array(True)
    for leaf in jax.tree.leaves(life.params):
        finite &= jnp.all(jnp.isfinite(leaf))
    info = {name: values / counts for name, values in rows.items()}
    return Curve(episode_return=returns, episode_length=lengths, info=info, finite=finite, env_steps=life.env_steps)


def run(algorithm: Algorithm, environment: Environment, key: Key, total: Count) -> Curve:
    """The learning curve of a whole lifetime of ``total`` updates."""
    life = begin(algorithm, environment, key)
    return curve_of(advance(algorithm, environment, life, start=0, stop=total, total=total), total)


def run_lifetime(algorithm: Algorithm, environment: Environment, key: Key, env_steps: int) -> Curve:
    """The learning curve of one lifetime of at most ``env_steps`` env steps: a function of arrays, to be compiled and mapped.

    Args:
        algorithm: a complete candidate.
        environment: the family that it is trained on.
        key: all randomness of the lifetime.
        env_steps: the budget.

    Raises:
        UserError: the budget is below one update.

    Example:
        >>> run = jax.jit(lambda key: run_lifetime(algorithm, environment, key, 20_000))     # doctest: +SKIP
        >>> jax.vmap(run)(jax.random.split(jax.random.key(0), 8)).episode_return.mean()      # doctest: +SKIP
    """
    return run(algorithm, environment, key, updates_in(algorithm, environment, env_steps))


def _update(rule: UpdateRule, world: World, life: Lifetime, index: jax.Array, *, row: jax.Array) -> Lifetime:
    """Collect, learn, and add what happened to a row of the curve."""
    rollout = rule.rollout(world.spec)
    key_redraw, key_collect, key_update = jax.random.split(jax.random.fold_in(life.key, index), 3)
    actor, trajectory = life.actor, None
    if actor is not None:
        if world.redraw == "update":
            actor = _start(world, key_redraw, named_key(key_redraw, "start"), rollout.num_envs, previous=actor)
        acting, context = rule.behavior(life.params, life.rule_state)
        actor, trajectory = world.collect(acting, actor, key_collect, rollout.steps, context=context)
    params, state, info = rule.update(key_update, world, life.params, life.rule_state, trajectory=trajectory)  # type: ignore[arg-type]
    measures, actor, env_steps = _measure(rule, life, actor, dict(info))
    return Lifetime(
        key=life.key,
        params=params,
        rule_state=state,
        actor=actor,
        rows={name: life.rows[name].at[row].add(measures[name]) for name in life.rows},
        counts=life.counts.at[row].add(1.0),
        env_steps=env_steps,
    )


def _measure(
    rule: UpdateRule, life: Lifetime, actor: Actor | None, info: dict[str, jax.Array]
) -> tuple[dict[str, jax.Array], Actor | None, jax.Array]:
    """The numbers to add to the row, the actor with its sums set back to zero, and the env steps so far."""
    if actor is None:
        missing = [name for name in _REPORT if name not in info]
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


def _start(world: World, key_tasks: Key, key: Key, num_envs: int, *, previous: Actor | None = None) -> Actor:
    """Reset all environments: with one task for all where the family never redraws it, else with a task for each."""
    if world.redraw == "never":
        task = jax.tree.map(lambda x: x[0], world.sample_tasks(key_tasks, 1))
        tasks = jax.tree.map(lambda x: jnp.broadcast_to(x, (num_envs, *jnp.shape(x))), task)
    else:
        tasks = world.sample_tasks(key_tasks, num_envs)
    return world.start(key, tasks, previous)


def _info_names(algorithm: Algorithm, environment: Environment, life: Lifetime) -> tuple[str, ...]:
    """The names that the rule reports, without those of `World.report`."""

    def info(key: Key, life: Lifetime) -> Info:
        world = algorithm.world(environment)
        trajectory = None
        if life.actor is not None:
            acting, context = algorithm.rule.behavior(life.params, life.rule_state)
            steps = algorithm.rule.rollout(world.spec).steps
            trajectory = world.collect(acting, life.actor, key, steps, context=context)[1]
        return algorithm.rule.update(key, world, life.params, life.rule_state, trajectory=trajectory)[2]  # type: ignore[arg-type]

    names = jax.eval_shape(info, jax.random.key(0), life)
    return tuple(name for name in sorted(names) if name not in _REPORT)


def _mean_or_first(sums: jax.Array, counts: jax.Array) -> jax.Array:
    """The mean of each row. A row without a count has the mean of the next row with one, else of the last; NaN if none has."""
    row = jnp.arange(ROWS)
    counted = counts > 0
    following = jnp.min(jnp.where(counted & (row >= row[:, None]), row, ROWS), axis=1)
    last = jnp.max(jnp.where(counted, row, -1))
    source = jnp.where(following < ROWS, following, last)
    mean = sums / jnp.maximum(counts, 1.0)
    return jnp.where(source >= 0, mean[source], jnp.nan)
