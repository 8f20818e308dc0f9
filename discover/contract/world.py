"""The world: everything that an update rule may use. It hides the network, the curriculum and the environment."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from discover.base.errors import UserError
from discover.base.randomness import permutation
from discover.contract.collector import Collector
from discover.contract.distributions import Policy, policy_of
from discover.contract.environment import encode_action
from discover.contract.network import ACTION, AUXILIARY_LOSS, REWARD, Inputs, Outputs
from discover.contract.next_values import next_values
from discover.contract.return_function import Segment
from discover.contract.trajectory import Context, Info, Trajectory
from discover.contract.types import Carry, Key, Params


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class World(Collector):
    """Everything that the rule of one lifetime may use. `Algorithm.world` builds it inside the traced program.

    A rule uses the methods, and the fields ``spec``, ``heads``, ``progress``, ``env_steps`` and ``lifetime_steps``; it leaves
    the network and the family alone. The fields that are not listed here are those of `Collector`.

    Attributes:
        group: how many neighboring environments the minibatches keep together; None if even single steps may be separated.
        evaluate_with: the function that `evaluate` calls instead of the network.
        evaluate_next_with: the function that `evaluate_next` calls instead of the network.
        segment_with: the function that `segment` calls instead of its own code.
    """

    group: int | None = None
    evaluate_with: Callable[[Params, Trajectory], Outputs] | None = None
    evaluate_next_with: Callable[..., Outputs] | None = None
    segment_with: Callable[[Params, Trajectory], Segment] | None = None

    def view(self, **changes: object) -> World:
        """This world with other fields: the world that a rule shows to the rule that it wraps.

        The outer rule of MAML, for example, shows a world that first adapts the parameters to each task: it replaces
        ``evaluate_with``, ``evaluate_next_with`` and ``group``. Gradients run through ``evaluate_with``. Data that it needs for
        each ``group`` environments travels in `Trajectory.extra`.
        """
        return dataclasses.replace(self, **changes)

    # Outputs and gradients --------------------------------------------------------------------------------------------

    def initial_params(self, key: Key) -> Params:
        """Draw fresh parameters of the network."""
        return self.network.init(key, self.spec, self.network_heads)

    def policy(self, outputs: Outputs) -> Policy:
        """The distribution over actions whose heads are `policy_heads`."""
        return policy_of(self.spec, outputs)

    def evaluate(self, params: Params, batch: Trajectory) -> Outputs:
        """The outputs ``[T, B, ...]`` at the observations of a batch; a recurrent network runs from the batch's carry."""
        if self.evaluate_with is not None:
            return self.evaluate_with(params, batch)
        if self._recurrent:
            return self._unroll(params, batch)[0]
        return self._evaluate_at_once(params, Inputs(batch.observation, batch.is_first, self._readable(batch), self.progress))

    def evaluate_next(self, params: Params, batch: Trajectory, action: jax.Array | None = None) -> Outputs:
        """The outputs ``[T, B, ...]`` at the *true* next observations, before any reset.

        Args:
            params: parameters of the network.
            batch: the transitions.
            action: ``[T, B, ...]`` actions at the next observations, for heads that read `ACTION`; without it those heads are
                left out.
        """
        if self.evaluate_next_with is not None:
            return self.evaluate_next_with(params, batch, *(() if action is None else (action,)))
        readable = dict(batch.context) if action is None else {**batch.context, ACTION: encode_action(self.spec, action)}
        inputs = Inputs(batch.next_observation, jnp.zeros_like(batch.is_first), readable, self.progress)
        if not self._recurrent:
            return self._evaluate_at_once(params, inputs)
        return self.network.apply(params, self.network_heads, inputs, self._unroll(params, batch)[1])[0]

    def memory(self, params: Params, batch: Trajectory) -> jax.Array:
        """The memory ``[T, B, F]`` of a recurrent network after each step, all its parts joined; without a memory F is 0."""
        steps, columns = batch.reward.shape
        parts = jax.tree.leaves(self._unroll(params, batch)[1]) if self._recurrent else []
        return jnp.concatenate([jnp.zeros((steps, columns, 0)), *(x.reshape(steps, columns, -1) for x in parts)], axis=-1)

    def objective(self, loss: Callable[..., tuple[jax.Array, Info]]) -> Callable[..., tuple[jax.Array, Info]]:
        """The function whose gradient `gradient` takes, for a rule that also needs the number itself (a line search).

        Args:
            loss: ``(outputs, batch, *more) -> (scalar, info)``.

        Returns:
            ``(params, batch, *more) -> (scalar, info)``: the loss at the network's outputs on the batch, plus the mean
            auxiliary loss of the curriculum.
        """

        def total(params: Params, batch: Trajectory, *more: object) -> tuple[jax.Array, Info]:
            outputs = self.evaluate(params, batch)
            value, info = loss(outputs, batch, *more)
            if AUXILIARY_LOSS in outputs:
                value = value + jnp.mean(outputs[AUXILIARY_LOSS])
            return value, info

        return total

    def gradient(self, loss: Callable[..., tuple[jax.Array, Info]]) -> Callable[..., tuple[Params, Info]]:
        """The gradient of a loss with respect to the parameters.

        Args:
            loss: ``(outputs, batch, *more) -> (scalar, info)``.

        Returns:
            ``(params, batch, *more) -> (gradient, info)``. It evaluates the network on the batch, and adds the auxiliary
            loss of the curriculum: a rule need not know whether there is one.
        """
        return jax.grad(self.objective(loss), has_aux=True)

    def segment(self, params: Params, trajectory: Trajectory) -> Segment:
        """The input of a return function, for a trajectory that these parameters collected; gradients are stopped.

        The values are those of the head ``value``, at the states before each step and at the *true* next states. They are zero
        without such a head, and next values are zero after a termination.

        Args:
            params: parameters of the network.
            trajectory: ``[T, B, ...]``, in the order in which it was collected. If other parameters collected it, the rule
                first replaces its outputs by those of ``params``.
        """
        if self.segment_with is not None:
            return self.segment_with(params, trajectory)
        value = next_value = jnp.zeros_like(trajectory.reward)
        if "value" in self.heads.outputs:
            value = trajectory.outputs["value"]
            next_value = self._next_value(jax.lax.stop_gradient(params), trajectory)
        return Segment(
            reward=trajectory.reward,
            value=value,
            next_value=next_value,
            terminated=trajectory.terminated,
            truncated=trajectory.truncated,
            behavior_log_prob=trajectory.log_prob,
            target_log_prob=trajectory.log_prob,
        )

    def minibatches(self, key: Key, count: int, trajectory: Trajectory, *more: Any) -> tuple[Any, ...]:
        """Shuffle a trajectory into minibatches, along a new leading axis.

        Single steps are shuffled: a minibatch is ``[1, N, ...]``. If the network is recurrent or environments belong together,
        whole environments or groups of them are shuffled instead: a minibatch is ``[T, N, ...]``.

        Args:
            key: randomness of the order.
            count: number of minibatches.
            trajectory: ``[T, B, ...]``.
            more: further trees of arrays ``[T, B, ...]``, shuffled in the same way (advantages, say).

        Returns:
            The trajectory and the further trees, each leaf with a leading axis ``count``.

        Raises:
            UserError: the steps or environments do not divide into so many minibatches.
        """
        steps, num_envs = trajectory.reward.shape
        rest = (trajectory._replace(carry=(), task=(), extra=(), unscaled=()), *more)
        if self._recurrent or self.group is not None:
            size = self.group or 1
            _check_divisible(num_envs // size, count, "groups of environments")
            order = permutation(key, num_envs // size).reshape(count, -1)
            index = (order[..., None] * size + jnp.arange(size)).reshape(count, -1)
            parts = jax.tree.map(lambda x: jnp.moveaxis(x[:, index], 1, 0), rest)
            carry, task = jax.tree.map(lambda x: x[index], (trajectory.carry, trajectory.task))
            extra = jax.tree.map(lambda x: x[order], trajectory.extra)
            return (parts[0]._replace(carry=carry, task=task, extra=extra), *parts[1:])
        _check_divisible(steps * num_envs, count, "steps")
        index = permutation(key, steps * num_envs).reshape(count, 1, -1)
        return jax.tree.map(lambda x: x.reshape(steps * num_envs, *x.shape[2:])[index], rest)

    # Inside -------------------------------------------------------------------------------------------------------------------

    def _next_value(self, params: Params, trajectory: Trajectory) -> jax.Array:
        """Values ``[T, B]`` of the true next states, 0 where the episode terminated."""

        def evaluate(steps: Trajectory) -> jax.Array:
            return jax.lax.stop_gradient(self.evaluate_next(params, steps)["value"])

        everywhere = self._recurrent or self.evaluate_next_with is not None
        value = evaluate(trajectory) if everywhere else next_values(evaluate, trajectory)
        return jnp.where(trajectory.terminated, 0.0, value)

    def _unroll(self, params: Params, batch: Trajectory) -> tuple[Outputs, Carry]:
        """Outputs and carries after each step, ``[T, B, ...]``."""

        def step(carry: Carry, x: tuple[jax.Array, jax.Array, Context]) -> tuple[Carry, tuple[Outputs, Carry]]:
            observation, is_first, readable = x
            inputs = Inputs(observation, is_first, readable, self.progress)
            outputs, carry = self.network.apply(params, self.network_heads, inputs, carry)
            return carry, (outputs, carry)

        return jax.lax.scan(step, batch.carry, (batch.observation, batch.is_first, self._readable(batch)))[1]

    def _readable(self, batch: Trajectory) -> Context:
        """The inputs that heads may read of a batch: the context, and action and reward if any head reads them."""
        names = {name for head in self.heads.outputs.values() for name in head.reads}
        readable = dict(batch.context)
        if ACTION in names:
            readable[ACTION] = encode_action(self.spec, batch.action)
        if REWARD in names:
            readable[REWARD] = batch.reward[..., None]
        return readable


def _check_divisible(total: int, count: int, what: str) -> None:
    if total % count:
        raise UserError(f"{total} {what} per update do not divide into {count} minibatches: change one of the two.")
