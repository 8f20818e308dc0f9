"""Adaptation of an agent to new tasks: its return against the number of its steps of adaptation."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError
from discover.base.randomness import named_keys
from discover.base.statistics import Interval, bootstrap_interval
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.network import Outputs
from discover.contract.trajectory import Context, Trajectory
from discover.contract.types import Key, Task
from discover.contract.update_rule import UpdateRule, check_greedy
from discover.contract.world import World
from discover.inner_loop import lifetime

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Adaptation(NamedTuple):
    """The record of an adaptation.

    Attributes:
        returns: ``[1 + steps, N]`` mean return of the episodes on each of N tasks; row k is after k steps of adaptation.

    >>> [interval.estimate for interval in Adaptation(np.array([[0.0, 1.0], [2.0, 4.0]])).intervals()]
    [0.5, 3.0]
    """

    returns: np.ndarray

    def intervals(self, confidence: float = 0.95) -> list[Interval]:
        """The mean over tasks with its bootstrap interval over tasks, for each number of steps."""
        return [bootstrap_interval(row, np.mean, confidence) for row in self.returns]


def trained_agent(algorithm: Algorithm, environment: Environment, key: Key, env_steps: int) -> lifetime.Lifetime:
    """Train one agent for a lifetime of at most ``env_steps`` env steps.

    Returns:
        The agent: its ``params`` and ``rule_state`` hold what it has learned.

    Without any (0) it is the agent as it begins.

    Raises:
        UserError: the budget is below one update.
    """
    total = lifetime.updates_in(algorithm, environment, env_steps) if env_steps else 0
    return _train(algorithm, environment, key, jnp.int32(total))


def evaluate_adaptation(
    algorithm: Algorithm,
    environment: Environment,
    agent: lifetime.Lifetime,
    tasks: Task,
    key: Key,
    *,
    episodes: int,
    horizon: int,
    steps: int = 3,
    later: Algorithm | None = None,
    greedy: bool = False,
) -> Adaptation:
    """Let an agent adapt to each task separately, and record its return before and after each step of adaptation.

    For k = 0 .. steps: the agent acts for ``horizon`` steps in ``episodes`` environments of the task, and the mean return of
    their first episodes is row k; then the rule's `UpdateRule.adapt_to_task` receives this trajectory.

        agent = trained_agent(maml, family, jax.random.key(0), 8_000_000)
        tasks = jax.vmap(family.sample_task)(jax.random.split(jax.random.key(1), 40))
        evaluate_adaptation(maml, family, agent, tasks, jax.random.key(2), episodes=20, horizon=100).intervals()

    Args:
        algorithm: the candidate that trained the agent.
        environment: the task family to which ``tasks`` belong.
        agent: as `trained_agent` returned it.
        tasks: ``[N, ...]`` tasks to adapt to; training should not have used them.
        key: randomness of acting and adapting.
        episodes: number of environments side by side, for each task and step.
        horizon: steps of an episode; of a longer one, the rewards up to there count.
        steps: number of steps of adaptation.
        later: the candidate that adapts from the second step on, if it has other numbers there.
        greedy: the episodes that are recorded are others than those that the agent adapts to, and in them it acts greedily
            (`UpdateRule.act_greedily`); to adapt, it acts as in training all the same.

    Returns:
        Returns without discounting, of rewards as the rule sees them.

    Raises:
        UserError: no episode, no step to act, a negative number of steps, or a rule that cannot act greedily and is to.
    """
    if episodes < 1 or horizon < 1 or steps < 0:
        raise UserError(
            f"evaluate_adaptation(episodes={episodes}, horizon={horizon}, steps={steps}) has nothing to record: give at least "
            "1 episode, 1 step to act and 0 steps of adaptation."
        )
    if greedy:
        check_greedy(algorithm.rule, "leave greedy=True out")
    stages = [algorithm, *[later or algorithm] * max(steps - 1, 0)]
    keys = jax.random.split(key, len(jax.tree.leaves(tasks)[0]))
    plan = {"episodes": episodes, "horizon": horizon, "steps": steps, "greedy": greedy}
    returns = _record(stages, environment, agent, tasks, keys=keys, **plan)
    return Adaptation(np.asarray(returns).T)


@jax.jit
def _train(algorithm: Algorithm, environment: Environment, key: Key, total: jax.Array) -> lifetime.Lifetime:
    life = lifetime.begin(algorithm, environment, key)
    return lifetime.advance(algorithm, environment, life, start=0, stop=total, total=total)


@functools.partial(jax.jit, static_argnames=("episodes", "horizon", "steps", "greedy"))
def _record(
    stages: list[Algorithm],
    environment: Environment,
    agent: lifetime.Lifetime,
    tasks: Task,
    *,
    keys: Key,
    episodes: int,
    horizon: int,
    steps: int,
    greedy: bool,
) -> jax.Array:
    """The returns ``[N, 1 + steps]``: stage k acts, and takes step k + 1.

    The normalizer continues from its statistics at the end of training. A rule that collects by itself has none; then the
    normalizer starts anew each time.
    """

    def adapt(task: Task, key: Key) -> jax.Array:
        learned, returns = (agent.params, agent.rule_state), []
        statistics = None if agent.actor is None else agent.actor.normalizer
        for k, stage in enumerate([*stages[:steps], stages[-1]]):
            rule, world = stage.rule, stage.world(environment, 1.0, agent.env_steps, lifetime_steps=agent.env_steps)
            key_stage = jax.random.fold_in(key, k)
            key_start, key_act, key_adapt = named_keys(key_stage, "start", "act", "adapt")
            acting, context = rule.behavior(*learned)
            copies = jax.tree.map(lambda x: jnp.broadcast_to(x, (episodes, *jnp.shape(x))), task)
            actor = world.start(key_start, copies)
            if statistics is not None:
                actor = world.start(key_start, copies, actor._replace(normalizer=statistics))
            actor, trajectory = world.collect(acting, actor, key_act, horizon, context=context)
            statistics = None if statistics is None else actor.normalizer
            recorded = trajectory
            if greedy:
                key_other, key_greedy = named_keys(key_stage, "start greedily", "act greedily")
                other = world.start(key_other, copies) if statistics is None else world.start(key_other, copies, actor)
                _, recorded = greedily(world, rule).collect(acting, other, key_greedy, horizon, context=context)
            returns.append(jnp.mean(jnp.sum(recorded.reward * first_episodes(recorded), axis=0)))
            if k < steps:
                learned = rule.adapt_to_task(key_adapt, world, *learned, trajectory=trajectory)
        return jnp.stack(returns)

    return jax.vmap(adapt)(tasks, keys)


def greedily(world: World, rule: UpdateRule) -> World:
    """The world in which a rule acts greedily; log-probabilities are 0."""

    def act(key: Key, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        del key
        action = rule.act_greedily(world, outputs, context)
        return action, jnp.zeros(action.shape[0])

    return world.view(act=act)


def first_episodes(trajectory: Trajectory) -> jax.Array:
    """The steps of each environment's first episode: ``[T, B]``, 1 up to its end, then 0."""
    done = (trajectory.terminated | trajectory.truncated).astype(jnp.float32)
    return (jnp.cumsum(done, axis=0) - done == 0.0).astype(jnp.float32)


def adaptation_figure(adaptations: Mapping[str, Adaptation]) -> Figure:
    """Draw the return against the steps of adaptation: a line for each agent, with the 95 % interval of the mean over tasks.

    Args:
        adaptations: the record of each agent, by the name that the figure shows.
    """
    from matplotlib.figure import Figure  # slow to import, and seldom needed
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(5.0, 3.5), layout="constrained")
    axes = figure.add_subplot()
    for name, adaptation in adaptations.items():
        rows = adaptation.intervals()
        k = np.arange(len(rows))
        (line,) = axes.plot(k, [row.estimate for row in rows], marker="o", label=name)
        axes.fill_between(k, [row.low for row in rows], [row.high for row in rows], color=line.get_color(), alpha=0.2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="steps of adaptation", ylabel="return (mean over tasks, 95 % interval)")
    axes.legend()
    return figure
