"""The world: all that an update rule may use. It hides the network, the curriculum and the environment."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp

from discover.base.errors import UserError
from discover.base.randomness import permutation
from discover.contract.actor import Actor, Episodes
from discover.contract.distributions import Policy, policy_of
from discover.contract.environment import Environment, Redraw, Spec, encoded
from discover.contract.experience import Context, Experience, Info, Unscaled
from discover.contract.network import ACTION, AUXILIARY_LOSS, REWARD, Heads, Inputs, Network, Outputs
from discover.contract.next_values import next_values
from discover.contract.normalizer import Normaliser
from discover.contract.return_function import Segment
from discover.contract.transition import next_step


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class World:
    """All that the rule of one lifetime may use. `Algorithm.world` builds it inside the traced program; it never leaves it.

    Attributes:
        spec: observation shape and action space.
        heads: the outputs that the rule asks for.
        network: what gives them, as the curriculum wraps it.
        network_heads: the heads as the network is told of them: with the sizes of all that a head may read.
        family: the task family, as wrappers and curriculum leave it.
        normaliser: running rescaling of observations and rewards.
        act: how the rule chooses actions, see `UpdateRule.act`.
        progress: share of the lifetime that is spent before this update, in ``[0, 1]``.
        env_steps: env steps before this update.
        group: how many neighbouring columns minibatches keep together; None if even single steps may be parted.
        evaluate_with, evaluate_next_with, segment_with: what `evaluate`, `evaluate_next` and `segment` do instead, in a `view`.
    """

    spec: Spec
    heads: Heads
    network: Network
    network_heads: Heads
    family: Environment
    normaliser: Normaliser | None
    act: Callable[[jax.Array, World, Outputs, Context], tuple[jax.Array, jax.Array]]
    progress: jax.Array
    env_steps: jax.Array
    group: int | None = None
    evaluate_with: Callable[[Any, Experience], Outputs] | None = None
    evaluate_next_with: Callable[..., Outputs] | None = None
    segment_with: Callable[[Any, Experience], Segment] | None = None

    @property
    def redraw(self) -> Redraw:
        """When a column's task is drawn anew."""
        return self.family.redraw

    def view(self, **changes: Any) -> World:
        """This world with other fields: what a rule that wraps another lets the other see.

        MAML's outer rule, say, sees a world that first adapts the parameters to each task: it replaces ``evaluate_with``,
        ``evaluate_next_with`` and ``group``. Gradients run through ``evaluate_with``; what it needs for each ``group`` columns
        travels in `Experience.extra`.
        """
        return dataclasses.replace(self, **changes)

    # Outputs and gradients --------------------------------------------------------------------------------------------

    def initial_params(self, key: jax.Array) -> Any:
        """Fresh network parameters."""
        return self.network.init(key, self.spec, self.network_heads)

    def policy(self, outputs: Outputs) -> Policy:
        """The distribution over actions that the policy heads describe."""
        return policy_of(self.spec, outputs)

    def evaluate(self, params: Any, batch: Experience) -> Outputs:
        """Outputs ``[T, B, ...]`` at the observations of a batch, recurrent networks unrolled from its carry."""
        if self.evaluate_with is not None:
            return self.evaluate_with(params, batch)
        if self._recurrent:
            return self._unroll(params, batch)[0]
        return self._at_once(params, Inputs(batch.observation, batch.first, self._readable(batch), self.progress))

    def evaluate_next(self, params: Any, batch: Experience, action: jax.Array | None = None) -> Outputs:
        """Outputs ``[T, B, ...]`` at the *true* next observations, before any reset.

        Args:
            params: the network's.
            batch: the transitions.
            action: what is done there, for heads that read `ACTION` (without it they are left out).
        """
        if self.evaluate_next_with is not None:
            return self.evaluate_next_with(params, batch, *(() if action is None else (action,)))
        readable = dict(batch.context) if action is None else {**batch.context, ACTION: encoded(self.spec, action)}
        inputs = Inputs(batch.next_observation, jnp.zeros_like(batch.first), readable, self.progress)
        if not self._recurrent:
            return self._at_once(params, inputs)
        return self.network.apply(params, self.network_heads, inputs, self._unroll(params, batch)[1])[0]

    def objective(self, loss: Callable[..., tuple[jax.Array, Info]]) -> Callable[..., tuple[jax.Array, Info]]:
        """What `gradient` differentiates, for a rule that also needs the number itself (a line search).

        Returns:
            ``(params, batch, *more) -> (scalar, info)``: ``loss(outputs, batch, *more)`` at the network's outputs on the batch,
            plus the curriculum's auxiliary loss.
        """

        def total(params: Any, batch: Experience, *more: Any) -> tuple[jax.Array, Info]:
            outputs = self.evaluate(params, batch)
            value, info = loss(outputs, batch, *more)
            if AUXILIARY_LOSS in outputs:
                value = value + jnp.mean(outputs[AUXILIARY_LOSS])
            return value, info

        return total

    def gradient(self, loss: Callable[..., tuple[jax.Array, Info]]) -> Callable[..., tuple[Any, Info]]:
        """The gradient of ``loss(outputs, batch, *more) -> (scalar, info)`` with respect to the parameters.

        Returns:
            ``(params, batch, *more) -> (gradient, info)``: evaluates the network on the batch and adds the curriculum's
            auxiliary loss, so that no rule knows of the curriculum.
        """
        return jax.grad(self.objective(loss), has_aux=True)

    def segment(self, params: Any, experience: Experience) -> Segment:
        """What a return function sees of experience that these parameters collected; gradients are stopped.

        The values are those of the head ``value``, at the states left and at the *true* next states; zero without such a head,
        and after a termination, which no value follows. A rule whose actors lag behind puts outputs of ``params`` into the
        experience first.
        """
        if self.segment_with is not None:
            return self.segment_with(params, experience)
        value = next_value = jnp.zeros_like(experience.reward)
        if "value" in self.heads.outputs:
            value = experience.outputs["value"]
            next_value = self._next_value(jax.lax.stop_gradient(params), experience)
        return Segment(
            reward=experience.reward,
            value=value,
            next_value=next_value,
            terminated=experience.terminated,
            truncated=experience.truncated,
            behaviour_log_prob=experience.log_prob,
            target_log_prob=experience.log_prob,
        )

    def minibatches(self, key: jax.Array, count: int, experience: Experience, *more: Any) -> tuple[Any, ...]:
        """Experience (and further ``[T, B, ...]`` trees) shuffled into ``count`` parts, along a new leading axis.

        Single steps are shuffled, unless the network is recurrent or columns belong together: then groups of columns are.
        """
        steps, columns = experience.reward.shape
        rest = (experience._replace(carry=(), task=(), extra=(), unscaled=()), *more)
        if self._recurrent or self.group is not None:
            size = self.group or 1
            _divide(columns // size, count, "groups of environments")
            order = permutation(key, columns // size).reshape(count, -1)
            index = (order[..., None] * size + jnp.arange(size)).reshape(count, -1)
            parts = jax.tree.map(lambda x: jnp.moveaxis(x[:, index], 1, 0), rest)
            carry, task = jax.tree.map(lambda x: x[index], (experience.carry, experience.task))
            extra = jax.tree.map(lambda x: x[order], experience.extra)
            return (parts[0]._replace(carry=carry, task=task, extra=extra), *parts[1:])
        _divide(steps * columns, count, "steps")
        index = permutation(key, steps * columns).reshape(count, 1, -1)
        return jax.tree.map(lambda x: x.reshape(steps * columns, *x.shape[2:])[index], rest)

    # Experience -------------------------------------------------------------------------------------------------------

    def sample_tasks(self, key: jax.Array, count: int) -> Any:
        """``count`` tasks of the family, along a leading axis."""
        return jax.vmap(self.family.sample_task)(jax.random.split(key, count))

    def start(self, key: jax.Array, tasks: Any, previous: Actor | None = None) -> Actor:
        """Environments at the start of an episode, one per task in ``tasks[B]``.

        Args:
            key: randomness of the first states.
            tasks: ``[B, ...]``.
            previous: environments that these follow: statistics of the normaliser, the record of finished episodes and the
                count of env steps go on.
        """
        columns = jax.tree.leaves(tasks)[0].shape[0]
        zeros, none = jnp.zeros(columns), jnp.zeros((), jnp.float32)
        state, observation = jax.vmap(self.family.reset)(jax.random.split(key, columns), tasks)
        carry = jax.tree.map(lambda x: jnp.broadcast_to(x, (columns, *x.shape)), self._fresh_carry)
        if previous is None:
            statistics = () if self.normaliser is None else self.normaliser.init(self.spec, columns)
            episodes = Episodes(zeros, zeros, zeros, zeros, jnp.zeros(columns, bool), none, none, none)
            env_steps = jnp.zeros((), jnp.int32)
        else:
            statistics, env_steps = previous.normaliser, previous.env_steps
            if self.normaliser is not None:
                statistics = self.normaliser.restart(statistics, columns)
            episodes = previous.episodes._replace(current_return=zeros, current_length=zeros)
        unscaled: Any = ()
        if self.normaliser is not None:
            unscaled, (statistics, observation) = observation, self.normaliser.observe(statistics, observation)
        return Actor(state, observation, carry, jnp.ones(columns, bool), tasks, statistics, episodes, env_steps, unscaled)

    def collect(
        self, params: Any, actor: Actor, key: jax.Array, steps: int, context: Context = MappingProxyType({})
    ) -> tuple[Actor, Experience]:
        """Act for ``steps`` steps in each environment; steps are counted here and gradients stopped.

        Args:
            params, context: what the rule's `behaviour` gave; the context is fed to the network at each step.
            actor: where the environments stand.
            key: randomness of actions and environments.
            steps: T.
        """
        columns = actor.first.shape[0]
        params, shared = jax.lax.stop_gradient((params, dict(context)))
        shared = {name: jnp.broadcast_to(value, (columns, value.shape[-1])) for name, value in shared.items()}
        keys = jax.random.split(key, (steps, 1 + 2 * columns))
        carry, task = actor.carry, actor.task

        def step(actor: Actor, keys: jax.Array) -> tuple[Actor, Experience]:
            actor, made = next_step(self, params, shared, actor, keys)
            return actor, made if self._recurrent else made._replace(outputs={})

        actor, experience = jax.lax.scan(step, actor, keys)
        experience = experience._replace(carry=carry, task=task)
        if isinstance(experience.unscaled, Unscaled):
            known = experience.unscaled._replace(normaliser=self.normaliser, statistics=actor.normaliser)
            experience = experience._replace(unscaled=known)
        if not self._recurrent:  # what acting does not need is cheaper here, for all steps at once
            inputs = Inputs(experience.observation, experience.first, experience.context, self.progress)
            experience = experience._replace(outputs=self._at_once(params, inputs))
        actor = actor._replace(env_steps=actor.env_steps + steps * columns)
        return jax.lax.stop_gradient((actor, experience))

    def template(self, params: Any, steps: int, columns: int) -> Experience:
        """Shapes and dtypes of the experience of ``steps`` steps in ``columns`` environments (for a replay buffer)."""

        def collected(key: jax.Array, params: Any) -> Experience:
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

    # Inside -----------------------------------------------------------------------------------------------------------

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
        steps, columns = inputs.first.shape
        rows = jax.tree.map(lambda x: x.reshape(steps * columns, *x.shape[2:]), inputs._replace(progress=()))
        outputs, _ = self.network.apply(params, self.network_heads, rows._replace(progress=inputs.progress), self._fresh_carry)
        return jax.tree.map(lambda x: x.reshape(steps, columns, *x.shape[1:]), outputs)

    def _next_value(self, params: Any, experience: Experience) -> jax.Array:
        """Values ``[T, B]`` of the true next states, 0 where the episode terminated."""

        def evaluated(steps: Experience) -> jax.Array:
            return jax.lax.stop_gradient(self.evaluate_next(params, steps)["value"])

        everywhere = self._recurrent or self.evaluate_next_with is not None
        value = evaluated(experience) if everywhere else next_values(evaluated, experience)
        return jnp.where(experience.terminated, 0.0, value)

    def _unroll(self, params: Any, batch: Experience) -> tuple[Outputs, Any]:
        """Outputs and carries after each step, ``[T, B, ...]``."""

        def step(carry: Any, x: tuple[Any, Any, Any]) -> tuple[Any, tuple[Outputs, Any]]:
            observation, first, readable = x
            inputs = Inputs(observation, first, readable, self.progress)
            outputs, carry = self.network.apply(params, self.network_heads, inputs, carry)
            return carry, (outputs, carry)

        return jax.lax.scan(step, batch.carry, (batch.observation, batch.first, self._readable(batch)))[1]

    def _readable(self, batch: Experience) -> Context:
        """What heads may read of a batch: the context, and the action and reward if any head wants them."""
        wanted = {name for head in self.heads.outputs.values() for name in head.reads}
        readable = dict(batch.context)
        if ACTION in wanted:
            readable[ACTION] = encoded(self.spec, batch.action)
        if REWARD in wanted:
            readable[REWARD] = batch.reward[..., None]
        return readable


def _divide(total: int, count: int, what: str) -> None:
    if total % count:
        raise UserError(f"{total} {what} per update do not divide into {count} minibatches: change one of the two.")
