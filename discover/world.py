"""The world: all that an update rule may use. It hides the network, the curriculum and the environment."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp

from discover.actor import Actor, Episodes, recorded, where
from discover.algorithm import Algorithm
from discover.distributions import Policy, policy_of
from discover.environments import Discrete, Environment, Spec, encoded
from discover.errors import UserError, nearest
from discover.networks import ACTION, AUXILIARY_LOSS, REWARD, Heads, Inputs, Network, Outputs
from discover.next_values import next_values
from discover.randomness import named_keys, permutation
from discover.returns import Segment
from discover.rules import Context, Experience, Info, Unscaled


class World:
    """What the rule of one lifetime may use. Built inside the traced program, never passed across its border.

    Attributes:
        spec: observation shape and action space.
        heads: the outputs that the rule asked for.
        progress: share of the lifetime that is spent, in ``[0, 1]``, and ``env_steps`` the env steps, before this update.
        redraw: when a column's task is drawn anew.
        group: how many neighbouring columns minibatches keep together; None if even single steps may be parted.
    """

    def __init__(self, algorithm: Algorithm, environment: Environment, progress: jax.Array | float = 0.0, env_steps: Any = 0):
        family = wrapped_family(algorithm, environment)
        self.spec: Spec = family.spec()
        self.heads: Heads = algorithm.rule.heads(self.spec)
        self.progress, self.env_steps = jnp.asarray(progress, jnp.float32), jnp.asarray(env_steps, jnp.int32)
        self.redraw = family.redraw
        self.group: int | None = None
        self._seen_otherwise = False
        self._rule = algorithm.rule
        self._normaliser = algorithm.normaliser
        self._family = family
        self._network = wrapped_network(algorithm, self.heads)
        self._inputs = self.heads._replace(context=_sizes(self.spec, self.heads))

    # Outputs and gradients --------------------------------------------------------------------------------------------

    def initial_params(self, key: jax.Array) -> Any:
        """Fresh network parameters."""
        return self._network.init(key, self.spec, self._inputs)

    def policy(self, outputs: Outputs) -> Policy:
        """The distribution over actions that the policy heads describe."""
        return policy_of(self.spec, outputs)

    def evaluate(self, params: Any, batch: Experience) -> Outputs:
        """Outputs ``[T, B, ...]`` at the observations of a batch, recurrent networks unrolled from its carry."""
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
        readable = dict(batch.context) if action is None else {**batch.context, ACTION: encoded(self.spec, action)}
        inputs = Inputs(batch.next_observation, jnp.zeros_like(batch.first), readable, self.progress)
        if not self._recurrent:
            return self._at_once(params, inputs)
        return self._network.apply(params, self._inputs, inputs, self._unroll(params, batch)[1])[0]

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

    def view(
        self,
        *,
        evaluate: Callable[[Any, Experience], Outputs] | None = None,
        evaluate_next: Callable[[Any, Experience], Outputs] | None = None,
        segment: Callable[[Any, Experience], Segment] | None = None,
        group: int | None = None,
    ) -> World:
        """This world, evaluated otherwise: what a rule that wraps another lets the other see.

        MAML's outer rule, say, sees a world that first adapts the parameters to each task. Gradients run through
        ``evaluate``; what it needs for each ``group`` columns travels in `Experience.extra`. What is not given stays.
        """
        seen = copy.copy(self)
        given = {"evaluate": evaluate, "evaluate_next": evaluate_next, "segment": segment, "group": group}
        vars(seen).update({name: value for name, value in given.items() if value is not None})
        seen._seen_otherwise = self._seen_otherwise or evaluate_next is not None
        return seen

    # Experience -------------------------------------------------------------------------------------------------------

    def sample_tasks(self, key: jax.Array, count: int) -> Any:
        """``count`` tasks of the family, along a leading axis."""
        return jax.vmap(self._family.sample_task)(jax.random.split(key, count))

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
        state, observation = jax.vmap(self._family.reset)(jax.random.split(key, columns), tasks)
        carry = jax.tree.map(lambda x: jnp.broadcast_to(x, (columns, *x.shape)), self._fresh_carry)
        if previous is None:
            statistics = () if self._normaliser is None else self._normaliser.init(self.spec, columns)
            episodes = Episodes(zeros, zeros, zeros, zeros, jnp.zeros(columns, bool), none, none, none)
            env_steps = jnp.zeros((), jnp.int32)
        else:
            statistics, env_steps = previous.normaliser, previous.env_steps
            if self._normaliser is not None:
                statistics = self._normaliser.restart(statistics, columns)
            episodes = previous.episodes._replace(current_return=zeros, current_length=zeros)
        unscaled: Any = ()
        if self._normaliser is not None:
            unscaled, (statistics, observation) = observation, self._normaliser.observe(statistics, observation)
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
            actor, made = self._step(params, shared, actor, keys)
            return actor, made if self._recurrent else made._replace(outputs={})

        actor, experience = jax.lax.scan(step, actor, keys)
        experience = experience._replace(carry=carry, task=task)
        if isinstance(experience.unscaled, Unscaled):
            known = experience.unscaled._replace(normaliser=self._normaliser, statistics=actor.normaliser)
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
        return self._network.carry(self._inputs)

    @property
    def _recurrent(self) -> bool:
        return bool(jax.tree.leaves(jax.eval_shape(lambda: self._fresh_carry)))

    def _at_once(self, params: Any, inputs: Inputs) -> Outputs:
        """A feed-forward network's outputs ``[T, B, ...]``, evaluated on one axis of T * B rows.

        Gradients of plain matrix products are what XLA does best: with two leading axes an update takes a sixth longer.
        """
        steps, columns = inputs.first.shape
        rows = jax.tree.map(lambda x: x.reshape(steps * columns, *x.shape[2:]), inputs._replace(progress=()))
        outputs, _ = self._network.apply(params, self._inputs, rows._replace(progress=inputs.progress), self._fresh_carry)
        return jax.tree.map(lambda x: x.reshape(steps, columns, *x.shape[1:]), outputs)

    def _next_value(self, params: Any, experience: Experience) -> jax.Array:
        """Values ``[T, B]`` of the true next states, 0 where the episode terminated."""

        def evaluated(steps: Experience) -> jax.Array:
            return jax.lax.stop_gradient(self.evaluate_next(params, steps)["value"])

        everywhere = self._recurrent or self._seen_otherwise
        value = evaluated(experience) if everywhere else next_values(evaluated, experience)
        return jnp.where(experience.terminated, 0.0, value)

    def _unroll(self, params: Any, batch: Experience) -> tuple[Outputs, Any]:
        """Outputs and carries after each step, ``[T, B, ...]``."""

        def step(carry: Any, x: tuple[Any, Any, Any]) -> tuple[Any, tuple[Outputs, Any]]:
            observation, first, readable = x
            inputs = Inputs(observation, first, readable, self.progress)
            outputs, carry = self._network.apply(params, self._inputs, inputs, carry)
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

    def _step(self, params: Any, context: Context, actor: Actor, keys: jax.Array) -> tuple[Actor, Experience]:
        columns = actor.first.shape[0]
        key_act, keys_step, keys_reset = keys[0], keys[1 : 1 + columns], keys[1 + columns :]
        inputs = Inputs(actor.observation, actor.first, context, self.progress)
        outputs, carry = self._network.apply(params, self._inputs, inputs, actor.carry)
        action, log_prob = self._rule.act(key_act, self, outputs, context)
        made = jax.vmap(self._family.step)(keys_step, actor.state, action, actor.task)
        made = made._replace(reward=jnp.asarray(made.reward, jnp.float32))
        done = made.terminated | made.truncated
        task, state, fresh = self._reset(keys_reset, actor.task, done, made)
        statistics, observation, seen, reward = self._normalise(actor.normaliser, made, fresh, done)
        normalised = self._normaliser is not None
        experience = Experience(
            observation=actor.observation,
            action=action,
            log_prob=log_prob,
            outputs=outputs,
            reward=reward,
            terminated=made.terminated,
            truncated=made.truncated & ~made.terminated,
            next_observation=seen,
            first=actor.first,
            context=context,
            carry=(),
            task=(),
            unscaled=Unscaled(actor.unscaled, made.reward, made.observation) if normalised else (),
        )
        episodes = recorded(actor.episodes, made.reward, done)
        unscaled = fresh if normalised else ()
        return Actor(state, observation, carry, done, task, statistics, episodes, actor.env_steps, unscaled), experience

    def _reset(self, keys: jax.Array, task: Any, done: jax.Array, made: Any) -> tuple[Any, Any, jax.Array]:
        """Task, state and observation to go on with: fresh ones where an episode ended."""
        if self.redraw == "episode":
            redrawn = jax.vmap(lambda key: self._family.sample_task(named_keys(key, "task")[0]))(keys)
            task = where(done, redrawn, task)
        state, observation = jax.vmap(self._family.reset)(keys, task)
        return task, where(done, state, made.state), where(done, observation, made.observation)

    def _normalise(self, statistics: Any, made: Any, fresh: jax.Array, done: jax.Array) -> tuple[Any, ...]:
        """Statistics after the step, and by them: the observation to go on from, the true next one, and the reward."""
        if self._normaliser is None:
            return statistics, fresh, made.observation, made.reward
        statistics, observation = self._normaliser.observe(statistics, fresh)
        seen = self._normaliser.rescale(statistics, made.observation)
        statistics, reward = self._normaliser.reward(statistics, made.reward, done)
        return statistics, observation, where(done, seen, observation), reward


def wrapped_family(algorithm: Algorithm, environment: Environment) -> Environment:
    """The task family as the rule sees it."""
    for wrapper in algorithm.wrappers:
        environment = wrapper.wrap(environment)
    return environment if algorithm.curriculum is None else algorithm.curriculum.wrap_family(environment)


def wrapped_network(algorithm: Algorithm, heads: Heads) -> Network:
    """The network as the rule sees it.

    Raises:
        UserError: the network cannot give a head that the rule asks for.
    """
    network = algorithm.network if algorithm.curriculum is None else algorithm.curriculum.wrap_network(algorithm.network)
    for name, head in heads.outputs.items():
        if head.form not in network.forms:
            raise UserError(
                f"{type(algorithm.rule).__name__} asks for the head '{name}' of form '{head.form}', which the network "
                f"{type(network).__name__} cannot give (it gives {', '.join(sorted(network.forms))}): choose another network."
            )
    return network


def _sizes(spec: Spec, heads: Heads) -> Mapping[str, int]:
    """How many numbers each name stands for that a head may read.

    Raises:
        UserError: a head reads what nobody gives.
    """
    action = spec.action.n if isinstance(spec.action, Discrete) else len(spec.action.low)
    sizes = {**heads.context, ACTION: action, REWARD: 1}
    for name, head in heads.outputs.items():
        for read in head.reads:
            if read not in sizes:
                raise UserError(
                    f"the head '{name}' reads '{read}', which the rule's context does not hold; {nearest(read, sizes)}."
                )
    return sizes


def _divide(total: int, count: int, what: str) -> None:
    if total % count:
        raise UserError(f"{total} {what} per update do not divide into {count} minibatches: change one of the two.")
