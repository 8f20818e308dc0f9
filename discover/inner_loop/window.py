"""A window of updates of agents that live on, as a function that has a gradient in the numbers of their algorithm.

All functions are written for one agent, except for the birth of those whose lifetime is over: a tile of agents has them in a
branch, so that windows in which nobody is born do not pay for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover.base.errors import UserError
from discover.base.randomness import named_key
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.meta_objective import MetaObjective
from discover.contract.types import Key, MetaState
from discover.inner_loop.update import Lifetime, Updated, changed, collect, learn, newborn, world_at

OBJECTIVE, REGULARIZER = "objective", "regularizer"
"""Names of what every window reports."""


class LivingAgent(NamedTuple):
    """An agent that lives on, from one lifetime to the next.

    Attributes:
        key: from which all its lifetimes come.
        life: the present lifetime, without a curve.
        age: updates of it so far.
        end: the age at which it is over.
        births: how many lifetimes there were before it.
        objective: state of the meta-objective.
    """

    key: Key
    life: Lifetime
    age: jax.Array
    end: jax.Array
    births: jax.Array
    objective: MetaState


class Plan(NamedTuple):
    """The numbers of a window that all agents share.

    Attributes:
        environment: the task family.
        objective: the meta-objective.
        total: updates of a whole lifetime, a multiple of those of a window.
    """

    environment: Environment
    objective: MetaObjective
    total: jax.Array


class Passed(NamedTuple):
    """The result of a window for one agent.

    Attributes:
        agent: after it.
        measures: ``[K]`` each, by name: what happened in each update.
        info: what was climbed, by name, as means over the updates.
    """

    agent: LivingAgent
    measures: Mapping[str, jax.Array]
    info: Mapping[str, jax.Array]


def born(algorithm: Algorithm, plan: Plan, agent: LivingAgent, first_end: jax.Array) -> LivingAgent:
    """The agent at the beginning of its next lifetime.

    Args:
        algorithm: the candidate.
        plan: of the window.
        agent: of an earlier lifetime; one that has had none has -1 births.
        first_end: where its first lifetime ends, so that not all agents begin anew at once.
    """
    births = agent.births + 1
    life = newborn(algorithm, plan.environment, jax.random.fold_in(agent.key, births))
    state = plan.objective.init(named_key(life.key, "objective"), algorithm.world(plan.environment))
    end = jnp.where(births == 0, first_end, plan.total)
    return agent._replace(life=life, age=jnp.zeros_like(agent.age), end=end.astype(jnp.int32), births=births, objective=state)


def pass_window(
    algorithm: Algorithm, plan: Plan, agent: LivingAgent, updates: int, *, recompute: bool
) -> tuple[jax.Array, Passed]:
    """Run a window; the result is what was climbed, a mean over its updates, and what else there is.

    In each update the agent collects by the parameters that it has, which are judged by that, and then learns from the same
    experience. The state before the window is data: no gradient runs into earlier windows. With ``recompute`` the learning is
    computed again on the way back.
    """

    def update(before: tuple[Lifetime, MetaState], count: jax.Array) -> tuple[tuple[Lifetime, MetaState], _Row]:
        life, state = before
        index = agent.age + count
        world = world_at(algorithm, plan.environment, index, plan.total)
        life = changed(algorithm, world, life, index)
        collected = jax.lax.stop_gradient(collect(rule, world, life, index))
        if collected.trajectory is None:
            raise UserError(
                f"{type(rule).__name__} collects by itself, so that a gradient cannot tell experience from what is learned of "
                "it: choose another rule, or a strategy without gradients."
            )
        acting = rule.behavior(life.params, life.rule_state)[0]
        key = named_key(collected.key, "objective")
        gain, state, info = plan.objective(key, world, acting, state, trajectory=collected.trajectory)

        def learning(life: Lifetime) -> Updated:
            return learn(rule, world, life, collected)

        life, measures = (jax.checkpoint(learning) if recompute else learning)(life)
        bonus = rule.regularizer(measures)
        told = {**info, OBJECTIVE: gain, REGULARIZER: bonus}
        return (life, jax.lax.stop_gradient(state)), _Row(gain + bonus, measures, told)

    rule = algorithm.rule
    start = jax.lax.stop_gradient((agent.life, agent.objective))
    (life, state), rows = jax.lax.scan(update, start, jnp.arange(updates, dtype=jnp.int32))
    value, age = jnp.mean(rows.value), agent.age + updates
    end = jnp.where(jnp.isfinite(value) & _finite(life), agent.end, age)  # an agent that broke begins anew
    after = agent._replace(life=life, age=age, end=end, objective=state)
    return value, Passed(after, rows.measures, {name: jnp.mean(column) for name, column in rows.told.items()})


class _Row(NamedTuple):
    """One update of a window."""

    value: jax.Array
    measures: Mapping[str, jax.Array]
    told: Mapping[str, jax.Array]


def _finite(life: Lifetime) -> jax.Array:
    """Whether all parameters are finite."""
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(life.params)]))
