"""Collecting trajectories: environments side by side, in which an agent acts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp

from discover.base.randomness import named_keys
from discover.contract.actor import Actor, Episodes, recorded, where
from discover.contract.environment import Environment, Redraw, Spec
from discover.contract.network import Heads, Inputs, Network, Outputs
from discover.contract.normalizer import Normalizer
from discover.contract.trajectory import Context, Info, Trajectory, Unscaled


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Collector:
    """A task family, and an agent that acts in it.

    Attributes:
        spec: observation shape and action space.
        heads: the outputs that the rule asks for.
        network: what gives them, as the curriculum wraps it.
        network_heads: the heads as the network is told of them: with the sizes of all that a head may read.
        family: the task family, as wrappers and curriculum leave it.
        normalizer: running rescaling of observations and rewards.
        act: how the rule chooses actions, see `UpdateRule.act`.
        progress: share of the lifetime that is spent before this update, in ``[0, 1]``.
        env_steps: env steps before this update.
    """

    spec: Spec
    heads: Heads
    network: Network
    network_heads: Heads
    family: Environment
    normalizer: Normalizer | None
    act: Callable[[jax.Array, Any, Outputs, Context], tuple[jax.Array, jax.Array]]
    progress: jax.Array
    env_steps: jax.Array

    @property
    def redraw(self) -> Redraw:
        """When a column's task is drawn anew."""
        return self.family.redraw

    def sample_tasks(self, key: jax.Array, count: int) -> Any:
        """``count`` tasks of the family, along a leading axis."""
        return jax.vmap(self.family.sample_task)(jax.random.split(key, count))

    def start(self, key: jax.Array, tasks: Any, previous: Actor | None = None) -> Actor:
        """Environments at the start of an episode, one per task in ``tasks[B]``.

        Args:
            key: randomness of the first states.
            tasks: ``[B, ...]``.
            previous: environments that these follow: statistics of the normalizer, the record of finished episodes and the
                count of env steps go on.
        """
        columns = jax.tree.leaves(tasks)[0].shape[0]
        zeros, none = jnp.zeros(columns), jnp.zeros((), jnp.float32)
        state, observation = jax.vmap(self.family.reset)(jax.random.split(key, columns), tasks)
        carry = jax.tree.map(lambda x: jnp.broadcast_to(x, (columns, *x.shape)), self._fresh_carry)
        if previous is None:
            statistics = () if self.normalizer is None else self.normalizer.init(self.spec, columns)
            episodes = Episodes(zeros, zeros, zeros, zeros, jnp.zeros(columns, bool), none, none, none)
            env_steps = jnp.zeros((), jnp.int32)
        else:
            statistics, env_steps = previous.normalizer, previous.env_steps
            if self.normalizer is not None:
                statistics = self.normalizer.restart(statistics, columns)
            episodes = previous.episodes._replace(current_return=zeros, current_length=zeros)
        unscaled: Any = ()
        if self.normalizer is not None:
            unscaled, (statistics, observation) = observation, self.normalizer.update(statistics, observation)
        return Actor(state, observation, carry, jnp.ones(columns, bool), tasks, statistics, episodes, env_steps, unscaled)

    def collect(
        self, params: Any, actor: Actor, key: jax.Array, steps: int, context: Context = MappingProxyType({})
    ) -> tuple[Actor, Trajectory]:
        """Act for ``steps`` steps in each environment; steps are counted here and gradients stopped.

        Args:
            params, context: what the rule's `behavior` gave; the context is fed to the network at each step.
            actor: where the environments stand.
            key: randomness of actions and environments.
            steps: T.
        """
        columns = actor.is_first.shape[0]
        params, shared = jax.lax.stop_gradient((params, dict(context)))
        shared = {name: jnp.broadcast_to(value, (columns, value.shape[-1])) for name, value in shared.items()}
        keys = jax.random.split(key, (steps, 1 + 2 * columns))
        carry, task = actor.carry, actor.task

        def step(actor: Actor, keys: jax.Array) -> tuple[Actor, Trajectory]:
            actor, made = self._step(params, shared, actor, keys)
            return actor, made if self._recurrent else made._replace(outputs={})

        actor, trajectory = jax.lax.scan(step, actor, keys)
        trajectory = trajectory._replace(carry=carry, task=task)
        if isinstance(trajectory.unscaled, Unscaled):
            known = trajectory.unscaled._replace(normalizer=self.normalizer, statistics=actor.normalizer)
            trajectory = trajectory._replace(unscaled=known)
        if not self._recurrent:  # what acting does not need is cheaper here, for all steps at once
            inputs = Inputs(trajectory.observation, trajectory.is_first, trajectory.context, self.progress)
            trajectory = trajectory._replace(outputs=self._at_once(params, inputs))
        actor = actor._replace(env_steps=actor.env_steps + steps * columns)
        return jax.lax.stop_gradient((actor, trajectory))

    def template(self, params: Any, steps: int, columns: int) -> Trajectory:
        """Shapes and dtypes of the experience of ``steps`` steps in ``columns`` environments (for a replay buffer)."""

        def collected(key: jax.Array, params: Any) -> Trajectory:
            actor = self.start(key, self.sample_tasks(key, columns))
            context = {name: jnp.zeros(size) for name, size in self.heads.context.items()}
            return self.collect(params, actor, key, steps, context)[1]

        return jax.eval_shape(collected, jax.random.key(0), params)

    @staticmethod
    def report(actors: Actor) -> Info:
        """What a rule that collects by itself tells of its actors (with any leading axes) in its info.

        Returns:
            ``episode_return`` and ``episode_length`` summed over as many steps as ``episodes`` says, and ``env_steps``.
        """
        record = actors.episodes
        return {
            "episode_return": jnp.sum(record.return_sum),
            "episode_length": jnp.sum(record.length_sum),
            "episodes": jnp.sum(record.covered),
            "env_steps": jnp.sum(actors.env_steps),
        }

    @property
    def _fresh_carry(self) -> Any:
        return self.network.carry(self.network_heads)

    @property
    def _recurrent(self) -> bool:
        return bool(jax.tree.leaves(jax.eval_shape(lambda: self._fresh_carry)))

    def _at_once(self, params: Any, inputs: Inputs) -> Outputs:
        """A feed-forward network's outputs ``[T, B, ...]``, evaluated on one axis of T * B rows.

        Gradients of plain matrix products are what XLA does best: with two leading axes an update takes a sixth longer.
        """
        steps, columns = inputs.is_first.shape
        rows = jax.tree.map(lambda x: x.reshape(steps * columns, *x.shape[2:]), inputs._replace(progress=()))
        outputs, _ = self.network.apply(params, self.network_heads, rows._replace(progress=inputs.progress), self._fresh_carry)
        return jax.tree.map(lambda x: x.reshape(steps, columns, *x.shape[1:]), outputs)

    def _step(self, params: Any, context: Context, actor: Actor, keys: jax.Array) -> tuple[Actor, Trajectory]:
        """Environments after one step, and the transitions ``[B, ...]`` that it was."""
        columns = actor.is_first.shape[0]
        key_act, keys_step, keys_reset = keys[0], keys[1 : 1 + columns], keys[1 + columns :]
        inputs = Inputs(actor.observation, actor.is_first, context, self.progress)
        outputs, carry = self.network.apply(params, self.network_heads, inputs, actor.carry)
        action, log_prob = self.act(key_act, self, outputs, context)
        made = jax.vmap(self.family.step)(keys_step, actor.state, action, actor.task)
        made = made._replace(reward=jnp.asarray(made.reward, jnp.float32))
        done = made.terminated | made.truncated
        task, state, fresh = self._reset(keys_reset, actor.task, done, made)
        statistics, observation, seen, reward = self._normalize(actor.normalizer, made, fresh, done)
        normalized = self.normalizer is not None
        trajectory = Trajectory(
            observation=actor.observation,
            action=action,
            log_prob=log_prob,
            outputs=outputs,
            reward=reward,
            terminated=made.terminated,
            truncated=made.truncated & ~made.terminated,
            next_observation=seen,
            is_first=actor.is_first,
            context=context,
            carry=(),
            task=(),
            unscaled=Unscaled(actor.unscaled, made.reward, made.observation) if normalized else (),
        )
        episodes = recorded(actor.episodes, made.reward, done)
        unscaled = fresh if normalized else ()
        return Actor(state, observation, carry, done, task, statistics, episodes, actor.env_steps, unscaled), trajectory

    def _reset(self, keys: jax.Array, task: Any, done: jax.Array, made: Any) -> tuple[Any, Any, jax.Array]:
        """Task, state and observation to go on with: fresh ones where an episode ended."""
        if self.redraw == "episode":
            redrawn = jax.vmap(lambda key: self.family.sample_task(named_keys(key, "task")[0]))(keys)
            task = where(done, redrawn, task)
        state, observation = jax.vmap(self.family.reset)(keys, task)
        return task, where(done, state, made.state), where(done, observation, made.observation)

    def _normalize(self, statistics: Any, made: Any, fresh: jax.Array, done: jax.Array) -> tuple[Any, ...]:
        """Statistics after the step, and by them: the observation to go on from, the true next one, and the reward."""
        if self.normalizer is None:
            return statistics, fresh, made.observation, made.reward
        statistics, observation = self.normalizer.update(statistics, fresh)
        seen = self.normalizer.normalize(statistics, made.observation)
        statistics, reward = self.normalizer.update_reward(statistics, made.reward, done)
        return statistics, observation, where(done, seen, observation), reward
