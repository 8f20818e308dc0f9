"""Experts that a rule trains by another rule: one agent that is told the task, among the heads of the network."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from discover import (
    Actor,
    Context,
    Heads,
    Key,
    Outputs,
    Params,
    RuleState,
    Spec,
    Task,
    UpdateRule,
    UserError,
    World,
    encode_action,
)

TASK = "task"
"""Name of the input that tells an expert its task."""

_PREFIX = "expert_"
"""Beginning of the names of an expert's heads, among those of the rule that trains it."""


def with_experts(heads: Heads, rule: UpdateRule, spec: Spec, size: int) -> Heads:
    """The heads of a rule, and by names of their own those of the experts that another rule trains, which are told the task."""
    experts = _told(rule, spec, size)
    own = {_PREFIX + name: head for name, head in experts.outputs.items()}
    return Heads({**heads.outputs, **own}, {**heads.context, **experts.context})


def task_numbers(tasks: Task, count: int) -> jax.Array:
    """Tasks ``[count, ...]`` as vectors ``[count, size]``."""
    return jnp.concatenate([jnp.asarray(x, jnp.float32).reshape(count, -1) for x in jax.tree.leaves(tasks)], axis=-1)


def advice(rule: UpdateRule, world: World, outputs: Outputs, context: Context) -> jax.Array:
    """The actions of the experts, encoded, with the outputs of the whole network for ``[...]`` states."""
    return encode_action(world.spec, rule.act_greedily(world, _theirs(outputs), context))


def experts_world(rule: UpdateRule, world: World, size: int) -> World:
    """The world in which a rule trains experts, told ``size`` numbers: it sees theirs alone of all heads."""

    def seen(evaluate: Callable[..., Outputs]) -> Callable[..., Outputs]:
        return lambda params, batch, *action: _theirs(evaluate(params, batch, *action))

    def act(key: Key, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        return rule.act(key, world, _theirs(outputs), context)

    return world.view(
        heads=_told(rule, world.spec, size),
        act=act,
        episode_context=rule.episode_context,
        evaluate_with=seen(world.evaluate),
        evaluate_next_with=seen(world.evaluate_next),
    )


def train_experts(
    rule: UpdateRule, key: Key, world: World, learned: tuple[Params, RuleState], *, env_steps: int
) -> tuple[tuple[Params, RuleState], Actor]:
    """Parameters and state after the updates of a rule that fit, each in new tasks; and the actors, one after the other.

    Args:
        rule: trains the experts, from the shaped reward where there is one.
        key: randomness.
        world: as `experts_world` gave it.
        learned: parameters of the whole network, and the state of the rule.
        env_steps: in which the updates fit.
    """
    steps, count, _ = rule.rollout(world.spec)
    updates = env_steps // (steps * count)

    def update(learned: tuple[Params, RuleState], now: tuple[jax.Array, Key]) -> tuple[tuple[Params, RuleState], Actor]:
        index, key = now
        key_tasks, key_start, key_act, key_update = jax.random.split(key, 4)
        here, tasks = world.view(env_steps=world.env_steps + index * steps * count), world.sample_tasks(key_tasks, count)
        acting, context = rule.behavior(*learned)
        context = {**context, TASK: task_numbers(tasks, count)}
        actor, batch = here.collect(acting, here.start(key_start, tasks), key_act, steps, context=context)
        batch = batch._replace(reward=batch.dense_reward, outputs=_theirs(batch.outputs))
        params, state, _ = rule.update(key_update, here, *learned, trajectory=batch)
        return (params, state), actor

    return jax.lax.scan(update, learned, (jnp.arange(updates), jax.random.split(key, updates)))


def check_sizes(rule: UpdateRule, experts: UpdateRule, world: World, *, size: int) -> None:
    """Check that a task has ``size`` numbers, and that updates of the experts' rule fill one of the rule that trains them.

    Raises:
        UserError: it is not so.
    """
    numbers = jax.eval_shape(lambda: task_numbers(world.sample_tasks(jax.random.key(0), 1), 1)).shape[-1]
    if numbers != size:
        raise UserError(
            f"the experts are told {size} numbers of a task, but this task has {numbers}: set task_size to {numbers}."
        )
    own, theirs = env_steps_of(rule, world.spec), env_steps_of(experts, world.spec)
    if own % theirs:
        raise UserError(
            f"the {own} env steps of an update are no whole number of updates of the experts, each of which takes {theirs}: "
            "change steps or num_envs of either."
        )


def env_steps_of(rule: UpdateRule, spec: Spec) -> int:
    """The env steps that an update of a rule takes."""
    rollout = rule.rollout(spec)
    return rollout.steps * rollout.num_envs


def _told(rule: UpdateRule, spec: Spec, size: int) -> Heads:
    """The heads of the experts, which read ``size`` numbers of the task besides."""
    heads = rule.heads(spec)
    reading = {name: head._replace(reads=(*head.reads, TASK)) for name, head in heads.outputs.items()}
    return Heads(reading, {**heads.context, TASK: size})


def _theirs(outputs: Outputs) -> Outputs:
    return {name.removeprefix(_PREFIX): output for name, output in outputs.items() if name.startswith(_PREFIX)}
