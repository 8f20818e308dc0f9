"""How well an agent adapts to tasks that it has not seen: return against steps of adaptation."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError
from discover.base.randomness import named_keys
from discover.base.statistics import bootstrap_interval
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.events import Interval
from discover.contract.trajectory import Trajectory
from discover.inner_loop import lifetime


class Adaptation(NamedTuple):
    """Returns ``[1 + steps of adaptation, tasks]``: row k is after k steps, each the mean over a task's episodes."""

    returns: np.ndarray

    def intervals(self, confidence: float = 0.95) -> list[Interval]:
        """Per number of steps, the mean over tasks with its bootstrap interval over tasks."""
        return [bootstrap_interval(row, np.mean, confidence) for row in self.returns]


def trained_agent(algorithm: Algorithm, environment: Environment, key: jax.Array, env_steps: int) -> lifetime.Lifetime:
    """One agent after a lifetime of at most ``env_steps`` env steps; its ``params`` and ``rule_state`` are what it has learned.

    Without any (0) it is the agent as it begins.

    Raises:
        UserError: the budget is below one update.
    """
    total = lifetime.updates_in(algorithm, environment, env_steps) if env_steps else 0
    return _lived(algorithm, environment, key, jnp.int32(total))


def evaluate_adaptation(
    algorithm: Algorithm,
    environment: Environment,
    agent: lifetime.Lifetime,
    tasks: Any,
    key: jax.Array,
    *,
    episodes: int,
    horizon: int,
    steps: int = 3,
    later: Algorithm | None = None,
) -> Adaptation:
    """Let an agent adapt to each task by itself, and record what it returns before and after each step.

    For k = 0 .. steps: act for ``horizon`` steps in ``episodes`` environments of the task; the mean return of their first
    episodes is row k; the rule's `adapt_to_task` then looks at all of it.

    Args:
        algorithm: the candidate that made the agent.
        environment: the family; its tasks must be those of ``tasks``.
        agent: what it has learned, as `trained_agent` gives it.
        tasks: ``[N, ...]`` tasks to adapt to, which training should not have seen.
        key: randomness of acting and adapting.
        episodes: environments side by side, per task and step.
        horizon: how long an episode may last; a longer one is counted as far as it got.
        steps: how many steps of adaptation.
        later: the candidate that adapts from the second step on, where it has other numbers there.

    Returns:
        Undiscounted returns, as rewards are shown to the rule.

    Raises:
        UserError: no episode, no step to act, or a negative number of steps.

    Example:
        >>> agent = trained_agent(maml, family, jax.random.key(0), 8_000_000)         # doctest: +SKIP
        >>> tasks = jax.vmap(unseen.sample_task)(jax.random.split(key, 40))           # doctest: +SKIP
        >>> evaluate_adaptation(maml, family, agent, tasks, key, episodes=20, horizon=100).intervals()  # doctest: +SKIP
    """
    if episodes < 1 or horizon < 1 or steps < 0:
        raise UserError(
            f"evaluate_adaptation(episodes={episodes}, horizon={horizon}, steps={steps}) has nothing to record: give at least "
            "1 episode, 1 step to act and 0 steps of adaptation."
        )
    stages = [algorithm, *[later or algorithm] * max(steps - 1, 0)]
    keys = jax.random.split(key, len(jax.tree.leaves(tasks)[0]))
    statistics = None if agent.actor is None else agent.actor.normalizer
    returns = _recorded(stages, environment, agent.params, agent.rule_state, statistics, tasks, keys, episodes, horizon, steps)
    return Adaptation(np.asarray(returns).T)


@jax.jit
def _lived(algorithm: Algorithm, environment: Environment, key: jax.Array, total: jax.Array) -> lifetime.Lifetime:
    return lifetime.advance(algorithm, environment, lifetime.begin(algorithm, environment, key), 0, total, total)


@functools.partial(jax.jit, static_argnames=("episodes", "horizon", "steps"))
def _recorded(
    stages: list[Algorithm],
    environment: Environment,
    params: Any,
    state: Any,
    statistics: Any,
    tasks: Any,
    keys: jax.Array,
    episodes: int,
    horizon: int,
    steps: int,
) -> jax.Array:
    """Returns ``[tasks, 1 + steps]``; stage k acts, and takes step k + 1.

    The normalizer goes on from the statistics of training; there are none (None) where the rule collects by itself, each time
    from the start.
    """

    def one(task: Any, key: jax.Array) -> jax.Array:
        learned, returns, known = (params, state), [], statistics
        for k, stage in enumerate([*stages[:steps], stages[-1]]):
            world, rule = stage.world(environment, progress=1.0), stage.rule
            key_start, key_act, key_adapt = named_keys(jax.random.fold_in(key, k), "start", "act", "adapt")
            acting, context = rule.behavior(*learned)
            columns = jax.tree.map(lambda x: jnp.broadcast_to(x, (episodes, *jnp.shape(x))), task)
            actor = world.start(key_start, columns)
            if known is not None:
                actor = world.start(key_start, columns, actor._replace(normalizer=known))
            actor, seen = world.collect(acting, actor, key_act, horizon, context)
            known = known if known is None else actor.normalizer
            returns.append(jnp.mean(jnp.sum(seen.reward * first_episodes(seen), axis=0)))
            if k < steps:
                learned = rule.adapt_to_task(key_adapt, world, *learned, seen)
        return jnp.stack(returns)

    return jax.vmap(one)(tasks, keys)


def first_episodes(trajectory: Trajectory) -> jax.Array:
    """``[T, B]``, 1 up to the end of each column's first episode, then 0."""
    done = (trajectory.terminated | trajectory.truncated).astype(jnp.float32)
    return (jnp.cumsum(done, axis=0) - done == 0.0).astype(jnp.float32)


def adaptation_figure(found: Mapping[str, Adaptation]) -> Any:
    """Return against steps of adaptation, a line per agent by name, with the 95 % interval of the mean over tasks."""
    from matplotlib.figure import Figure  # slow to import and seldom needed
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(5.0, 3.5), layout="constrained")
    axes = figure.add_subplot()
    for name, adaptation in found.items():
        rows = adaptation.intervals()
        k = np.arange(len(rows))
        (line,) = axes.plot(k, [row.estimate for row in rows], marker="o", label=name)
        axes.fill_between(k, [row.low for row in rows], [row.high for row in rows], color=line.get_color(), alpha=0.2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="steps of adaptation", ylabel="return (mean over tasks, 95 % interval)")
    axes.legend()
    return figure
