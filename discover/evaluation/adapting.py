"""Agents that are trained on the tasks of a family, and then adapt to tasks of it that are new to them."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.randomness import named_key, named_keys
from discover.contract.actor import where
from discover.contract.adaptation import AdaptationPlan
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.events import TaskRun
from discover.contract.types import Key, Lifetimes, Task
from discover.contract.update_rule import UpdateRule, WrappingRule, check_greedy
from discover.evaluation.episodes import Moment, Player, play
from discover.inner_loop.adaptation import evaluate_adaptation
from discover.inner_loop.agents import Agent, learned_in
from discover.inner_loop.lifetime import Lifetime, begin

_PROBES = 100  # episodes of an agent that has learned nothing, of which the longest counts


def adapted_returns(
    algorithm: Algorithm, environment: Environment, agents: Lifetimes, keys: Key, plan: AdaptationPlan
) -> np.ndarray:
    """The returns ``[S, N, K]`` of S agents on N tasks that each draws by its own key, after each batch of adaptation.

    An agent whose rule does not adapt has one of two meanings of a column, see `note_on`.

    Args:
        algorithm: the candidate.
        environment: the task family.
        agents: ``[S, ...]`` at the end of their training.
        keys: ``[S]``, from which the tasks and all actions come.
        plan: with its horizon.
    """
    returns = []
    for seed, key in enumerate(keys):
        agent = jax.tree.map(lambda x, seed=seed: x[seed], agents)
        key_tasks, key_act = named_keys(key, "new tasks", "act")
        tasks = jax.vmap(algorithm.family(environment).sample_task)(jax.random.split(key_tasks, plan.tasks))
        returns.append(_returns(algorithm, environment, agent, tasks, key=key_act, plan=plan))
    return np.stack(returns)


def with_horizon(algorithm: Algorithm, environment: Environment, plan: AdaptationPlan, key: Key) -> AdaptationPlan:
    """The plan with a horizon: if it has none, the longest of 100 episodes of an agent that has learned nothing.

    Raises:
        UserError: one of these does not end.
    """
    if plan.horizon is not None:
        return plan
    learned = jax.jit(lambda key: learned_in(algorithm, begin(algorithm, environment, key)))(named_key(key, "begin"))
    agent = Agent("", algorithm, TaskRun("", 0), seed=0, trained_return=float("nan"), learned=learned)
    return plan._replace(horizon=int(play(agent, environment, key, episodes=_PROBES, sample=True).lengths.max()))


def note_on(name: str, algorithm: Algorithm, environment: Environment) -> str:
    """The meaning of the columns for a candidate whose rule does not adapt; an empty text for one whose rule does."""
    if adapts(algorithm.rule):
        return ""
    episodes = algorithm.family(environment).episodes_per_trial
    if episodes > 1:
        return f"{name} adapts by its memory alone: column k is episode k + 1 of a trial of {episodes} episodes."
    return f"{name} does not adapt: its columns are further episodes with what it learned in training."


def adapts(rule: UpdateRule) -> bool:
    """Whether a rule, or one that it wraps, has a way to adapt to a task."""
    if type(rule).adapt_to_task is WrappingRule.adapt_to_task:
        return isinstance(rule, WrappingRule) and adapts(rule.rule)
    return type(rule).adapt_to_task is not UpdateRule.adapt_to_task


def _returns(
    algorithm: Algorithm, environment: Environment, agent: Lifetime, tasks: Task, *, key: Key, plan: AdaptationPlan
) -> np.ndarray:
    """The returns ``[N, K]`` of one agent."""
    horizon, steps = plan.horizon or 0, plan.episodes // plan.batch
    if adapts(algorithm.rule) or algorithm.family(environment).episodes_per_trial == 1:
        found = evaluate_adaptation(
            algorithm,
            environment,
            agent,
            tasks,
            key=key,
            episodes=plan.batch,
            horizon=horizon,
            steps=steps,
            greedy=plan.greedy,
        )
        return found.returns.T
    if plan.greedy:
        check_greedy(algorithm.rule, "leave --greedy (greedy=True) out")
    player = Player(algorithm, environment, learned_in(algorithm, agent), agent.env_steps)
    numbers = {"count": plan.tasks, "horizon": horizon, "greedy": plan.greedy}
    trials = [_trials(player, tasks, each, **numbers) for each in jax.random.split(key, plan.batch)]
    by_episode = np.mean(np.asarray(trials), axis=0)
    held = [column for column in plan.columns if column < by_episode.shape[1]]
    return np.pad(by_episode[:, held], ((0, 0), (0, 1 + steps - len(held))), constant_values=np.nan)


@functools.partial(jax.jit, static_argnames=("count", "horizon", "greedy"))
def _trials(player: Player, tasks: Task, key: Key, *, count: int, horizon: int, greedy: bool) -> jax.Array:
    """The returns ``[N, E]`` of the E episodes inside one trial on each of N tasks."""
    key_start, key_run = named_keys(key, "start", "run")
    family = player.world.family

    def step(carry: tuple[Moment, jax.Array, jax.Array], key: Key) -> tuple[tuple[Moment, jax.Array, jax.Array], None]:
        moment, going, returns = carry
        place = jax.nn.one_hot(jax.vmap(family.episode_in_trial)(moment.state), family.episodes_per_trial)
        after, reward, done = player.step(key, moment, sample=not greedy)
        returns = returns + place * jnp.where(going, reward, 0.0)[:, None]
        return (where(going, after, moment), going & ~done, returns), None

    start = (player.start_on(key_start, tasks, count), jnp.ones(count, bool), jnp.zeros((count, family.episodes_per_trial)))
    (_, _, returns), _ = jax.lax.scan(step, start, jax.random.split(key_run, horizon))
    return returns
