"""An executor whose curves show the agent that a curriculum leads to, not the mixture which acts while it is trained."""

from __future__ import annotations

import dataclasses
import functools
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError
from discover.base.randomness import named_key, named_keys
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.executor import Done, Work
from discover.contract.types import Key, Lifetimes
from discover.evaluation.episodes import Moment, Player
from discover.evaluation.judging_executor import JudgingExecutor
from discover.inner_loop.agents import learned_in
from discover.inner_loop.lifetime import Lifetime

_Loop: TypeAlias = tuple[jax.Array, Moment, jax.Array, jax.Array]
"""The step, the moment, the returns so far, and which episodes go on."""


class CompletedPlan(NamedTuple):
    """The episodes by which an agent is judged.

    Attributes:
        episodes: their number, side by side; the return is their mean.
        steps: the most steps of an episode that count.
    """

    episodes: int = 16
    steps: int = 1000

    def check(self) -> None:
        """Check the numbers.

        Raises:
            UserError: one of them is below 1.
        """
        for name, value in self._asdict().items():
            if value < 1:
                raise UserError(f"{name} must be at least 1, since there is nothing to judge by otherwise; got {value}.")


class CompletedExecutor(JudgingExecutor[CompletedPlan]):
    """Trains agents with another executor; every row of their curves is the return of the agent that the curriculum leads to.

    After the work, each agent plays some episodes with `Curriculum.completed` in the place of its curriculum, acting as in
    training. It learns nothing from them, and their steps are not counted. Agents may be kept alive in between.

    Args:
        executor: trains them.
        plan: the episodes.
    """

    def check(self, work: Work) -> None:
        if work.window is not None:
            raise UserError("a strategy that takes gradients has an objective of its own: choose another objective.")

    def judged(self, work: Work, trained: Done) -> Done:
        """The result of work whose agents are trained, with the returns of the agents that their curricula lead to."""
        keys = jax.vmap(lambda key: jax.random.fold_in(named_key(key, "completed"), work.stop))(work.keys)
        agents, returns = jax.device_put(trained.lifetimes, jax.devices()[0]), []
        for member in range(work.shape[0]):
            candidate, own = jax.tree.map(lambda x, member=member: x[member], (work.candidates, agents))
            returns.append(np.asarray(_returns(candidate, work.environment, own, keys, plan=self._plan)))
        rows = np.stack(returns).astype(np.float32)[..., None]
        curves = trained.curves._replace(episode_return=np.broadcast_to(rows, trained.curves.episode_return.shape))
        return Done(curves, trained.lifetimes if work.keep else None)


@functools.partial(jax.jit, static_argnames="plan")
def _returns(algorithm: Algorithm, environment: Environment, agents: Lifetimes, keys: Key, *, plan: CompletedPlan) -> jax.Array:
    """The mean return ``[S]`` of each agent ``[S, ...]``."""
    last = algorithm
    if algorithm.curriculum is not None:
        last = dataclasses.replace(algorithm, curriculum=algorithm.curriculum.completed())

    def one(life: Lifetime, key: Key) -> jax.Array:
        return jnp.mean(_play(Player(last, environment, learned_in(algorithm, life), life.env_steps), key, plan))

    return jax.vmap(one)(agents, keys)


def _play(player: Player, key: Key, plan: CompletedPlan) -> jax.Array:
    """Returns ``[N]`` of episodes side by side."""
    key_start, key_run = named_keys(key, "start", "run")

    def goes_on(loop: _Loop) -> jax.Array:
        return jnp.any(loop[3]) & (loop[0] < plan.steps)

    def step(loop: _Loop) -> _Loop:
        time, moment, returns, going = loop
        moment, reward, done = player.step(jax.random.fold_in(key_run, time), moment, sample=True)
        return time + 1, moment, returns + jnp.where(going, reward, 0.0), going & ~done

    nothing, all_of_them = jnp.zeros(plan.episodes), jnp.ones(plan.episodes, bool)
    return jax.lax.while_loop(goes_on, step, (jnp.int32(0), player.start(key_start, plan.episodes), nothing, all_of_them))[2]
