"""Collecting experience: an agent acts in environments side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp

from discover.base.randomness import named_key, named_keys
from discover.contract.actor import Actor, Episodes, where
from discover.contract.environment import Environment, Redraw, Spec, encode_action
from discover.contract.network import EXPERT, Heads, Inputs, Network, Outputs
from discover.contract.normalizer import Normalizer
from discover.contract.rescaling import rescale
from discover.contract.task_order import Drawing, TaskOrder, before_rollout, begin, stand
from discover.contract.trajectory import Context, Info, Trajectory, Unscaled
from discover.contract.types import Carry, Key, Params, Task


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Collector:
    """A task family, and an agent that acts in it.

    Attributes:
        spec: observation shape and action space.
        heads: the outputs that the rule asks for.
        network: the network inside the curriculum.
        network_heads: the heads as the network receives them: with the sizes of all inputs that a head may read.
        family: the task family, inside all wrappers and the curriculum.
        normalizer: running rescaling of observations and rewards.
        act: the function by which the rule chooses actions, see `UpdateRule.act`.
        episode_context: the function by which it draws inputs for an episode, see `UpdateRule.episode_context`.
        progress: share of the lifetime that has passed before this update, in ``[0, 1]``.
        env_steps: env steps before this update.
        lifetime_steps: env steps of the whole lifetime; 0 where that is not known.
        ask_expert: whether what the family's expert would do is a context too, `EXPERT`: the rule's ``act`` may follow it, the
            trajectory holds it, and no head reads it. A rule asks for it by `World.view`.
        order: the order in which a curriculum hands out tasks, if it has one.
        drawing: the table of the rollout from which it does.
    """

    spec: Spec
    heads: Heads
    network: Network
    network_heads: Heads
    family: Environment
    normalizer: Normalizer | None
    act: Callable[[Key, Any, Outputs, Context], tuple[jax.Array, jax.Array]]
    episode_context: Callable[[Key, Context], Context]
    progress: jax.Array
    env_steps: jax.Array
    lifetime_steps: jax.Array
    ask_expert: bool = False
    order: TaskOrder | None = None
    drawing: Drawing | None = None

    @property
    def redraw(self) -> Redraw:
        """When an environment gets a new task, see `Environment.redraw`; in an order, with every episode."""
        return self.family.redraw if self.order is None else "episode"

    def sample_tasks(self, key: Key, count: int) -> Task:
        """Draw ``count`` tasks of the family, along a leading axis."""
        keys = jax.random.split(key, count)
        if self.order is not None:  # one by one compiles faster, and nearly all tasks come from its tables
            return jax.lax.map(self.family.sample_task, keys)
        return jax.vmap(self.family.sample_task)(keys)

    def start(self, key: Key, tasks: Task, previous: Actor | None = None) -> Actor:
        """Reset B environments, one for each task.

        Args:
            key: randomness of the first states.
            tasks: ``[B, ...]``.
            previous: the actor that this one replaces. Its normalizer statistics, its record of finished episodes and its count
                of env steps go on.
        """
        num_envs = jax.tree.leaves(tasks)[0].shape[0]
        state, observation = jax.vmap(self.family.reset)(jax.random.split(key, num_envs), tasks)
        carry = jax.tree.map(lambda x: jnp.broadcast_to(x, (num_envs, *x.shape)), self._fresh_carry)
        if previous is None:
            statistics = () if self.normalizer is None else self.normalizer.init(self.spec, num_envs)
            episodes, env_steps = Episodes.empty(num_envs), jnp.zeros((), jnp.int32)
        else:
            statistics, env_steps = previous.normalizer, previous.env_steps
            if self.normalizer is not None:
                statistics = self.normalizer.restart(statistics, num_envs)
            zeros = jnp.zeros(num_envs)
            episodes = previous.episodes._replace(current_return=zeros, current_length=zeros)
        unscaled: Any = ()
        if self.normalizer is not None:
            unscaled, (statistics, observation) = observation, self.normalizer.update(statistics, observation)
        return Actor(
            state=state,
            observation=observation,
            carry=carry,
            is_first=jnp.ones(num_envs, bool),
            task=tasks,
            normalizer=statistics,
            episodes=episodes,
            env_steps=env_steps,
            context=self._nothing_held(num_envs),
            unscaled=unscaled,
            order=() if self.order is None else begin(self.order, self.family, num_envs, previous),
        )

    def collect(
        self, params: Params, actor: Actor, key: Key, steps: int, context: Context = MappingProxyType({})
    ) -> tuple[Actor, Trajectory]:
        """Act for some steps in each environment. The actor counts these steps, and gradients are stopped.

        Args:
            params: the first result of `UpdateRule.behavior`.
            actor: B environments as they stand.
            key: randomness of actions and environments.
            steps: T.
            context: the second result of `UpdateRule.behavior`; the network receives it at every step.

        Returns:
            The environments after these steps, and the trajectory ``[T, B, ...]``.
        """
        num_envs = actor.is_first.shape[0]
        params, shared = jax.lax.stop_gradient((params, dict(context)))
        shared = {name: jnp.broadcast_to(value, (num_envs, value.shape[-1])) for name, value in shared.items()}
        keys = jax.random.split(key, (steps, 1 + 2 * num_envs))
        acting, carry, task = self, actor.carry, actor.task
        if self.order is not None:
            key_order = named_key(key, "order")
            drawing, actor = before_rollout(self.order, key_order, self.family, actor=actor, progress=self.progress)
            acting = dataclasses.replace(self, drawing=drawing)

        def step(actor: Actor, keys: Key) -> tuple[Actor, tuple[Trajectory, Any]]:
            after, transitions = acting._step(params, shared, actor, keys)
            kept = transitions if self._recurrent else transitions._replace(outputs={})
            return after, (kept, stand(actor))

        actor, (trajectory, stands) = jax.lax.scan(step, actor, keys)
        trajectory = trajectory._replace(carry=carry, task=task)
        if isinstance(trajectory.unscaled, Unscaled):
            unscaled = trajectory.unscaled._replace(normalizer=self.normalizer, statistics=actor.normalizer)
            trajectory = trajectory._replace(unscaled=unscaled)
        if not self._recurrent:  # outputs that acting does not need are cheaper here, for all steps at once
            inputs = Inputs(trajectory.observation, trajectory.is_first, trajectory.context, self.progress)
            trajectory = trajectory._replace(outputs=self._evaluate_at_once(params, inputs))
        if acting.drawing is not None:
            actor = actor._replace(order=acting.drawing.learned(actor.order, stands, trajectory))
        actor = actor._replace(env_steps=actor.env_steps + steps * num_envs)
        return jax.lax.stop_gradient((actor, trajectory))

    def template(self, params: Params, steps: int, num_envs: int) -> Trajectory:
        """Shapes and dtypes of a trajectory of ``steps`` steps in ``num_envs`` environments, for a replay buffer."""

        def trajectory(key: Key, params: Params) -> Trajectory:
            actor = self.start(key, self.sample_tasks(key, num_envs))
            context = {name: jnp.zeros(size) for name, size in self.heads.context.items()}
            return self.collect(params, actor, key, steps, context=context)[1]

        return jax.eval_shape(trajectory, jax.random.key(0), params)

    @staticmethod
    def report(actors: Actor) -> Info:
        """The record of episodes that a rule adds to its info if it collects by itself.

        Args:
            actors: with any leading axes.

        Returns:
            ``episode_return`` and ``episode_length`` as sums over ``episodes`` pairs of step and environment; ``env_steps``.
        """
        record = actors.episodes
        return {
            "episode_return": jnp.sum(record.return_sum),
            "episode_length": jnp.sum(record.length_sum),
            "episodes": jnp.sum(record.covered),
            "env_steps": jnp.sum(actors.env_steps),
        }

    @property
    def _fresh_carry(self) -> Carry:
        return self.network.carry(self.network_heads)

    @property
    def _recurrent(self) -> bool:
        return bool(jax.tree.leaves(jax.eval_shape(lambda: self._fresh_carry)))

    def _evaluate_at_once(self, params: Params, inputs: Inputs) -> Outputs:
        """Outputs ``[T, B, ...]`` of a feed-forward network, evaluated with T and B as one axis of T * B rows.

        XLA is best at gradients of plain matrix products: with two leading axes, an update takes a sixth longer.
        """
        steps, num_envs = inputs.is_first.shape
        rows = jax.tree.map(lambda x: x.reshape(steps * num_envs, *x.shape[2:]), inputs._replace(progress=()))
        outputs, _ = self.network.apply(params, self.network_heads, rows._replace(progress=inputs.progress), self._fresh_carry)
        return jax.tree.map(lambda x: x.reshape(steps, num_envs, *x.shape[1:]), outputs)

    def _step(self, params: Params, context: Context, actor: Actor, keys: Key) -> tuple[Actor, Trajectory]:
        """Take one step of every environment; gives the actor after it, and its transitions ``[B, ...]``."""
        num_envs = actor.is_first.shape[0]
        key_act, keys_step, keys_reset = keys[0], keys[1 : 1 + num_envs], keys[1 + num_envs :]
        drawn = self.episode_context(named_key(key_act, "episode"), context)
        context = {**context, **(held := where(actor.is_first, dict(drawn), dict(actor.context)))}
        inputs = Inputs(actor.observation, actor.is_first, context, self.progress)
        outputs, carry = self.network.apply(params, self.network_heads, inputs, actor.carry)
        if self.ask_expert:
            context = {**context, EXPERT: encode_action(self.spec, jax.vmap(self.family.expert)(actor.state, actor.task))}
        action, log_prob = self.act(key_act, self, outputs, context)
        step = jax.vmap(self.family.step)(keys_step, actor.state, action, actor.task)
        reward, shaped = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), (step.reward, step.shaped))
        step = step._replace(reward=reward)
        done = step.terminated | step.truncated
        task, order = self._next_task(keys, actor, done)
        state, fresh = jax.vmap(self.family.reset)(keys_reset, task)
        state, fresh = where(done, state, step.state), where(done, fresh, step.observation)
        rescaled = rescale(self.normalizer, actor.normalizer, step, fresh=fresh, done=done)
        normalized = self.normalizer is not None
        trajectory = Trajectory(
            observation=actor.observation,
            action=action,
            log_prob=log_prob,
            outputs=outputs,
            reward=rescaled.reward,
            terminated=step.terminated,
            truncated=step.truncated & ~step.terminated,
            next_observation=rescaled.next_observation,
            is_first=actor.is_first,
            context=context,
            carry=(),
            task=(),
            unscaled=Unscaled(actor.unscaled, step.reward, step.observation) if normalized else (),
            shaped=shaped,
        )
        actor = Actor(
            state=state,
            observation=rescaled.observation,
            carry=carry,
            is_first=done,
            task=task,
            normalizer=rescaled.statistics,
            episodes=actor.episodes.add_step(step.reward, done, None if self.drawing is None else actor.order.fresh),
            env_steps=actor.env_steps,
            context=held,
            unscaled=fresh if normalized else (),
            order=order,
        )
        return actor, trajectory

    def _nothing_held(self, num_envs: int) -> Context:
        """The inputs that are held for an episode, before its first step draws them: zeros."""
        context = {name: jnp.zeros((num_envs, size)) for name, size in self.heads.context.items()}
        return jax.tree.map(jnp.zeros_like, dict(self.episode_context(jax.random.key(0), context)))

    def _next_task(self, keys: Key, actor: Actor, done: jax.Array) -> tuple[Task, Any]:
        """Tasks from which to go on, new ones where an episode ended and the family or an order says so; and the order."""
        if self.drawing is not None:
            luck = jax.random.uniform(named_key(keys[0], "order"), done.shape)
            return self.drawing.next_task(luck, actor.order, done, actor.task)
        if self.redraw != "episode":
            return actor.task, actor.order
        keys = keys[1 + len(done) :]
        return jax.lax.cond(
            jnp.any(done), lambda: where(done, self._redrawn(keys), actor.task), lambda: actor.task
        ), actor.order

    def _redrawn(self, keys: Key) -> Task:
        return jax.vmap(lambda key: self.family.sample_task(named_keys(key, "task")[0]))(keys)
