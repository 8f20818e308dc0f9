"""A lifetime: one inner RL run. Train an agent from scratch with one algorithm on one task family, and score it.

Written for one lifetime; seeds and populations are the caller's ``vmap``. The clock is env steps. A lifetime advances in
chunks of updates, so that a long one can be saved and continued.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from discover.base.errors import UserError
from discover.base.randomness import named_key, named_keys, unrolled
from discover.contract.actor import Actor
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.update_rule import UpdateRule
from discover.contract.world import World

ROWS = 100
"""Rows of a learning curve, whatever the lifetime."""

_MOST_UPDATES = (2**31 - 1) // ROWS

_REPORT = ("episode_return", "episode_length", "episodes", "env_steps")


class Curve(NamedTuple):
    """A learning curve: ROWS rows, each the mean over its interval of the lifetime.

    Attributes:
        episode_return: ``[100]`` return of the last finished episode, mean over environments and steps; rows before the first
            finished episode take the first value; NaN if no episode ever ended.
        episode_length: ``[100]`` likewise.
        info: ``[100]`` each: what the rule reported.
        finite: whether all parameters are finite at the end.
        env_steps: how many env steps were taken.
    """

    episode_return: jax.Array
    episode_length: jax.Array
    info: Mapping[str, jax.Array]
    finite: jax.Array
    env_steps: jax.Array


class Lifetime(NamedTuple):
    """The whole state of a lifetime between two chunks: a tree of arrays."""

    key: jax.Array
    params: Any
    rule_state: Any
    actor: Actor | None
    rows: Mapping[str, jax.Array]  # [100] sums
    counts: jax.Array  # [100] updates per row
    env_steps: jax.Array


def updates_in(algorithm: Algorithm, environment: Environment, steps: int) -> int:
    """How many updates a budget of ``steps`` env steps allows.

    Raises:
        UserError: not even one, or more than int32 can count.
    """
    rollout = algorithm.rule.rollout(algorithm.family(environment).spec())
    each = rollout.steps * rollout.num_envs
    if steps < each:
        raise UserError(
            f"a lifetime of {steps} env steps is shorter than one update of {type(algorithm.rule).__name__}, which takes "
            f"{each} ({rollout.steps} steps x {rollout.num_envs} environments): give at least {each} steps."
        )
    if steps >= 2**31 or steps // each > _MOST_UPDATES:
        raise UserError(
            f"a lifetime of {steps} env steps in {steps // each} updates is too long: {2**31 - 1} env steps and "
            f"{_MOST_UPDATES} updates can be counted: give fewer steps, or a rule that takes more of them per update."
        )
    return steps // each


def begin(algorithm: Algorithm, environment: Environment, key: jax.Array) -> Lifetime:
    """A lifetime before its first update."""
    world = algorithm.world(environment)
    rollout = algorithm.rule.rollout(world.spec)
    key_network, key_rule, key_tasks, key_start, key_run = named_keys(key, "network", "rule", "tasks", "start", "run")
    params = world.initial_params(key_network)
    state = algorithm.rule.init(key_rule, world, params)
    actor = None if rollout.by_rule else _start(world, key_tasks, key_start, rollout.num_envs)
    names = (*_REPORT[:-1], *_info_names(algorithm, environment, params, state, actor))
    rows = {name: jnp.zeros(ROWS) for name in names}
    return Lifetime(unrolled(key_run), params, state, actor, rows, jnp.zeros(ROWS), jnp.zeros((), jnp.int32))


def advance(
    algorithm: Algorithm,
    environment: Environment,
    life: Lifetime,
    start: Any,
    stop: Any,
    total: Any,
    window: tuple[Any, Any] | None = None,
) -> Lifetime:
    """The lifetime after updates ``start .. stop - 1`` of ``total``.

    The counts may be traced, so that one program fits all; where start and stop are plain numbers, the lifetime can be
    differentiated backwards.

    Args:
        algorithm, environment, life: what goes on.
        start, stop, total: updates.
        window: first update and number of updates over which the rows of the curve are spread; the whole lifetime unless
            given.
    """
    first, count = (0, total) if window is None else window

    def update(index: jax.Array, life: Lifetime) -> Lifetime:
        index = index.astype(jnp.int32)
        progress = index.astype(jnp.float32) / jnp.asarray(total, jnp.float32)
        rollout = algorithm.rule.rollout(algorithm.family(environment).spec())
        world = algorithm.world(environment, progress, index * (rollout.steps * rollout.num_envs))
        return _update(algorithm.rule, world, life, index, (index - first) * ROWS // count)

    if not (isinstance(start, int) and isinstance(stop, int)):
        start, stop = jnp.asarray(start, jnp.int32), jnp.asarray(stop, jnp.int32)
    return jax.lax.fori_loop(start, stop, update, life)


def fresh_window(life: Lifetime) -> Lifetime:
    """The lifetime with an empty curve, in which nothing counts that ended before."""
    actor = life.actor
    if actor is not None:
        actor = actor._replace(episodes=actor.episodes._replace(finished=jnp.zeros_like(actor.episodes.finished)))
    rows = jax.tree.map(jnp.zeros_like, life.rows)
    return life._replace(actor=actor, rows=rows, counts=jnp.zeros_like(life.counts))


def curve_of(life: Lifetime, total: Any) -> Curve:
    """The learning curve of a finished lifetime, or of a window, of ``total`` updates."""
    row = jnp.arange(ROWS)
    source = jnp.where(life.counts > 0, row, (row * total // ROWS) * ROWS // total)
    rows = {name: values[source] for name, values in life.rows.items()}
    episodes, counts = rows.pop("episodes"), jnp.maximum(life.counts[source], 1.0)
    returns, lengths = (_mean_or_first(rows.pop(name), episodes) for name in ("episode_return", "episode_length"))
    finite = jnp.array(True)
    for leaf in jax.tree.leaves(life.params):
        finite &= jnp.all(jnp.isfinite(leaf))
    return Curve(returns, lengths, {name: v / counts for name, v in rows.items()}, finite, life.env_steps)


def run(algorithm: Algorithm, environment: Environment, key: jax.Array, total: Any) -> Curve:
    """A whole lifetime of ``total`` updates."""
    life = begin(algorithm, environment, key)
    return curve_of(advance(algorithm, environment, life, 0, total, total), total)


def run_lifetime(algorithm: Algorithm, environment: Environment, key: jax.Array, env_steps: int) -> Curve:
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


def _update(rule: UpdateRule, world: World, life: Lifetime, index: jax.Array, row: jax.Array) -> Lifetime:
    rollout = rule.rollout(world.spec)
    key_redraw, key_collect, key_update = jax.random.split(jax.random.fold_in(life.key, index), 3)
    actor, trajectory = life.actor, None
    if actor is not None:
        if world.redraw == "update":
            actor = _start(world, key_redraw, named_key(key_redraw, "start"), rollout.num_envs, actor)
        acting, context = rule.behavior(life.params, life.rule_state)
        actor, trajectory = world.collect(acting, actor, key_collect, rollout.steps, context)
    params, state, info = rule.update(key_update, world, life.params, life.rule_state, trajectory)  # type: ignore[arg-type]
    measured, actor, env_steps = _measure(rule, life, actor, dict(info))
    rows = {name: life.rows[name].at[row].add(measured[name]) for name in life.rows}
    return Lifetime(life.key, params, state, actor, rows, life.counts.at[row].add(1.0), env_steps)


def _measure(
    rule: UpdateRule, life: Lifetime, actor: Actor | None, info: dict[str, jax.Array]
) -> tuple[dict[str, Any], Any, jax.Array]:
    """What to add to the row, the actor with its sums read off, and the env steps so far."""
    if actor is None:
        lacking = [name for name in _REPORT if name not in info]
        if lacking:
            raise UserError(
                f"{type(rule).__name__} collects by itself, but its info lacks '{lacking[0]}': add World.report(actors) to it."
            )
        env_steps = life.env_steps + info.pop("env_steps").astype(jnp.int32)
        return info, None, env_steps
    report, zero = dict(World.report(actor)), jnp.zeros((), jnp.float32)
    env_steps = report.pop("env_steps")
    cleared = actor.episodes._replace(return_sum=zero, length_sum=zero, covered=zero)
    return report | info, actor._replace(episodes=cleared), env_steps


def _start(world: World, key_tasks: jax.Array, key: jax.Array, columns: int, previous: Actor | None = None) -> Actor:
    """Fresh environments: one task for all columns where the family never redraws, else one each."""
    if world.redraw == "never":
        task = jax.tree.map(lambda x: x[0], world.sample_tasks(key_tasks, 1))
        tasks = jax.tree.map(lambda x: jnp.broadcast_to(x, (columns, *jnp.shape(x))), task)
    else:
        tasks = world.sample_tasks(key_tasks, columns)
    return world.start(key, tasks, previous)


def _info_names(
    algorithm: Algorithm, environment: Environment, params: Any, state: Any, actor: Actor | None
) -> tuple[str, ...]:
    def info(key: jax.Array, params: Any, state: Any, actor: Actor | None) -> Any:
        world = algorithm.world(environment)
        trajectory = None
        if actor is not None:
            acting, context = algorithm.rule.behavior(params, state)
            steps = algorithm.rule.rollout(world.spec).steps
            trajectory = world.collect(acting, actor, key, steps, context)[1]
        return algorithm.rule.update(key, world, params, state, trajectory)[2]  # type: ignore[arg-type]

    names = jax.eval_shape(info, jax.random.key(0), params, state, actor)
    return tuple(name for name in sorted(names) if name not in _REPORT)


def _mean_or_first(sums: jax.Array, counts: jax.Array) -> jax.Array:
    """Means per row; rows without a count take the next row that has one, or else the last; NaN if none has."""
    row = jnp.arange(ROWS)
    known = counts > 0
    following = jnp.min(jnp.where(known & (row >= row[:, None]), row, ROWS), axis=1)
    last = jnp.max(jnp.where(known, row, -1))
    source = jnp.where(following < ROWS, following, last)
    mean = sums / jnp.maximum(counts, 1.0)
    return jnp.where(source >= 0, mean[source], jnp.nan)
