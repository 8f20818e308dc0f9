"""Agents: all that a lifetime leaves behind which acting needs, and nothing else."""

from __future__ import annotations

from typing import NamedTuple

import jax

from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.events import TaskRun
from discover.contract.trajectory import Context
from discover.contract.types import Lifetimes, Params, Statistics
from discover.inner_loop import lifetime


class Learned(NamedTuple):
    """The arrays of an agent, as `UpdateRule.behavior` and the normalizer leave them at the end of a lifetime.

    Attributes:
        params: parameters of the network, with which the agent acts.
        context: inputs that the rule adds to the observation, by name.
        statistics: statistics of the normalizer; ``()`` without one.
    """

    params: Params
    context: Context
    statistics: Statistics


class Agent(NamedTuple):
    """A trained agent.

    Attributes:
        name: of the candidate.
        algorithm: the candidate.
        run: the task and the env steps of its lifetime.
        seed: number of its seed, from 0.
        trained_return: the return at the end of its training.
        learned: its arrays.
    """

    name: str
    algorithm: Algorithm
    run: TaskRun
    seed: int
    trained_return: float
    learned: Learned


def learned_in(algorithm: Algorithm, life: lifetime.Lifetime) -> Learned:
    """The arrays that an agent needs, of one lifetime. A replay buffer and the state of an optimizer are left behind.

    A rule that collects by itself has no environments of its own, hence no statistics of a normalizer.
    """
    acting, context = algorithm.rule.behavior(life.params, life.rule_state)
    return Learned(acting, dict(context), () if life.actor is None else life.actor.normalizer)


def learned_of(algorithm: Algorithm, lifetimes: Lifetimes) -> list[Learned]:
    """The arrays of the agents of all seeds, in the memory of the host, of lifetimes ``[1, S, ...]`` of one candidate."""
    seeds = lifetimes.counts.shape[1]
    first = jax.tree.map(lambda x: x[0], lifetimes)
    every = jax.device_get(jax.jit(jax.vmap(lambda life: learned_in(algorithm, life)))(first))
    return [jax.tree.map(lambda x, seed=seed: x[seed], every) for seed in range(seeds)]


def learned_shapes(algorithm: Algorithm, environment: Environment) -> Learned:
    """The shapes and types of an agent's arrays on a task family."""
    key = jax.eval_shape(lambda: jax.random.key(0))
    return jax.eval_shape(lambda key: learned_in(algorithm, lifetime.begin(algorithm, environment, key)), key)
