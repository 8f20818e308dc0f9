"""Evaluation of a trained agent, which learns no more."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError
from discover.base.randomness import named_key, named_keys
from discover.base.statistics import Interval, bootstrap_interval
from discover.base.text_table import counted, interval, number
from discover.contract.actor import where
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.network import Inputs
from discover.contract.types import Carry, EnvState, Key, Task
from discover.contract.update_rule import check_greedy
from discover.contract.world import World
from discover.inner_loop.agents import Agent, Learned

LONGEST = 100_000
"""The most steps of an episode."""


@dataclasses.dataclass(frozen=True, repr=False)
class Evaluation:
    """The episodes of one agent.

    Attributes:
        returns, lengths: ``[N]``.
    """

    returns: np.ndarray
    lengths: np.ndarray

    @property
    def interval(self) -> Interval:
        """The mean return with its 95 % bootstrap interval over episodes."""
        return bootstrap_interval(self.returns, np.mean)

    def __repr__(self) -> str:
        low, middle, high = self.interval
        episodes = len(self.returns)
        return f"mean return {number(middle)}, 95 % interval {interval((low, high))}, of {counted(episodes, 'episode')}"


class Moment(NamedTuple):
    """B environments in the middle of their episodes, each field ``[B, ...]``."""

    state: EnvState
    observation: jax.Array
    carry: Carry
    is_first: jax.Array
    task: Task
    context: Mapping[str, jax.Array]


class Player(NamedTuple):
    """An agent that acts and does not learn, in its world at the end of its training.

    Attributes:
        algorithm, environment, learned: the agent and the task family.
        env_steps: env steps of its training.
    """

    algorithm: Algorithm
    environment: Environment
    learned: Learned
    env_steps: jax.Array

    @property
    def world(self) -> World:
        return self.algorithm.world(self.environment, 1.0, self.env_steps, lifetime_steps=self.env_steps)

    def start(self, key: Key, count: int) -> Moment:
        """The first moment of ``count`` episodes, each with a task of its own."""
        key_tasks, key_reset = named_keys(key, "tasks", "reset")
        return self.start_on(key_reset, self.world.sample_tasks(key_tasks, count), count)

    def start_on(self, key: Key, tasks: Task, count: int) -> Moment:
        """The first moment of an episode on each of ``count`` tasks."""
        world = self.world
        state, observation = jax.vmap(world.family.reset)(jax.random.split(key, count), tasks)
        carry = world.network.carry(world.network_heads)
        carry = jax.tree.map(lambda x: jnp.broadcast_to(x, (count, *jnp.shape(x))), carry)
        context = dict(self.algorithm.rule.episode_context(named_key(key, "episode"), self._shared(count)))
        return Moment(state, observation, carry, jnp.ones(count, bool), task=tasks, context=context)

    def step(self, key: Key, moment: Moment, sample: bool) -> tuple[Moment, jax.Array, jax.Array]:
        """The next moment, the rewards, and whether each episode has ended."""
        world, count = self.world, moment.is_first.shape[0]
        key_act, *_ = keys = jax.random.split(key, 1 + count)
        observation = moment.observation
        if world.normalizer is not None:
            observation = world.normalizer.normalize(self.learned.statistics, observation)
        context = {**self._shared(count), **moment.context}
        inputs = Inputs(observation, moment.is_first, context, world.progress)
        outputs, carry = world.network.apply(self.learned.params, world.network_heads, inputs, moment.carry)
        rule = self.algorithm.rule
        action = rule.act(key_act, world, outputs, context)[0] if sample else rule.act_greedily(world, outputs, context)
        step = jax.vmap(world.family.step)(keys[1:], moment.state, action, moment.task)
        after = Moment(step.state, step.observation, carry, jnp.zeros(count, bool), task=moment.task, context=moment.context)
        return after, jnp.asarray(step.reward, jnp.float32), step.terminated | step.truncated

    def _shared(self, count: int) -> dict[str, jax.Array]:
        """The inputs that the rule adds to every observation, ``[B, size]``."""
        return {name: jnp.broadcast_to(x, (count, x.shape[-1])) for name, x in self.learned.context.items()}


def player_of(agent: Agent, environment: Environment, sample: bool) -> Player:
    """The player of an agent.

    Raises:
        UserError: the agent is to act greedily, and its rule does not say how.
    """
    if not sample:
        check_greedy(agent.algorithm.rule, "add --sample (sample=True)")
    return Player(agent.algorithm, environment, agent.learned, jnp.int32(agent.run.steps))


def play(agent: Agent, environment: Environment, key: Key, *, episodes: int, sample: bool = False) -> Evaluation:
    """The returns of whole episodes, side by side.

    Args:
        agent: as `load_agent` gives it.
        environment: the task family.
        key: randomness of tasks, first states and actions.
        episodes: N.
        sample: act as in training, with all exploration; otherwise greedily (`UpdateRule.act_greedily`).

    Raises:
        UserError: fewer than two episodes, which have no interval, or one that does not end.
    """
    if episodes < 2:
        raise UserError(f"episodes must be at least 2, since an interval needs more than one; got {episodes}.")
    player = player_of(agent, environment, sample)
    returns, lengths, going = (np.asarray(x) for x in _play(player, key, episodes, sample))
    if going.any():
        raise UserError(
            f"{int(going.sum())} of {episodes} episodes did not end within {LONGEST:,} steps: add the wrapper "
            "time_limit to the candidate or to the task."
        )
    return Evaluation(returns.astype(float), lengths.astype(int))


@functools.partial(jax.jit, static_argnames=("episodes", "sample"))
def _play(player: Player, key: Key, episodes: int, sample: bool) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Returns and lengths ``[N]``, and which episodes go on still."""
    key_start, key_run = named_keys(key, "start", "run")

    def ongoing(loop: tuple[jax.Array, Moment, jax.Array, jax.Array, jax.Array]) -> jax.Array:
        return jnp.any(loop[4]) & (loop[0] < LONGEST)

    def step(
        loop: tuple[jax.Array, Moment, jax.Array, jax.Array, jax.Array],
    ) -> tuple[jax.Array, Moment, jax.Array, jax.Array, jax.Array]:
        time, moment, returns, lengths, going = loop
        after, reward, done = player.step(jax.random.fold_in(key_run, time), moment, sample)
        returns, lengths = returns + jnp.where(going, reward, 0.0), lengths + going
        return time + 1, where(going, after, moment), returns, lengths, going & ~done

    zeros = jnp.zeros(episodes)
    start = (jnp.int32(0), player.start(key_start, episodes), zeros, zeros, jnp.ones(episodes, bool))
    _, _, returns, lengths, going = jax.lax.while_loop(ongoing, step, start)
    return returns, lengths, going
