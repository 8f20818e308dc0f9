"""The world: all that an update rule may use. It hides the network, the curriculum and the environment."""

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
from discover.contract.environment import encoded
from discover.contract.network import ACTION, AUXILIARY_LOSS, REWARD, Inputs, Outputs
from discover.contract.next_values import next_values
from discover.contract.return_function import Segment
from discover.contract.trajectory import Context, Info, Trajectory


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class World(Collector):
    """All that the rule of one lifetime may use. `Algorithm.world` builds it inside the traced program; it never leaves it.

    Attributes:
        group: how many neighboring columns minibatches keep together; None if even single steps may be parted.
        evaluate_with, evaluate_next_with, segment_with: what `evaluate`, `evaluate_next` and `segment` do instead, in a `view`.
    """

    group: int | None = None
    evaluate_with: Callable[[Any, Trajectory], Outputs] | None = None
    evaluate_next_with: Callable[..., Outputs] | None = None
    segment_with: Callable[[Any, Trajectory], Segment] | None = None

    def view(self, **changes: Any) -> World:
        """This world with other fields: what a rule that wraps another lets the other see.

        MAML's outer rule, say, sees a world that first adapts the parameters to each task: it replaces ``evaluate_with``,
        ``evaluate_next_with`` and ``group``. Gradients run through ``evaluate_with``; what it needs for each ``group`` columns
        travels in `Trajectory.extra`.
        """
        return dataclasses.replace(self, **changes)

    # Outputs and gradients --------------------------------------------------------------------------------------------

    def initial_params(self, key: jax.Array) -> Any:
        """Fresh network parameters."""
        return self.network.init(key, self.spec, self.network_heads)

    def policy(self, outputs: Outputs) -> Policy:
        """The distribution over actions that the policy heads describe."""
        return policy_of(self.spec, outputs)

    def evaluate(self, params: Any, batch: Trajectory) -> Outputs:
        """Outputs ``[T, B, ...]`` at the observations of a batch, recurrent networks unrolled from its carry."""
        if self.evaluate_with is not None:
            return self.evaluate_with(params, batch)
        if self._recurrent:
            return self._unroll(params, batch)[0]
        return self._at_once(params, Inputs(batch.observation, batch.is_first, self._readable(batch), self.progress))

    def evaluate_next(self, params: Any, batch: Trajectory, action: jax.Array | None = None) -> Outputs:
        """Outputs ``[T, B, ...]`` at the *true* next observations, before any reset.

        Args:
            params: the network's.
            batch: the transitions.
            action: what is done there, for heads that read `ACTION` (without it they are left out).
        """
        if self.evaluate_next_with is not None:
            return self.evaluate_next_with(params, batch, *(() if action is None else (action,)))
        readable = dict(batch.context) if action is None else {**batch.context, ACTION: encoded(self.spec, action)}
        inputs = Inputs(batch.next_observation, jnp.zeros_like(batch.is_first), readable, self.progress)
        if not self._recurrent:
            return self._at_once(params, inputs)
        return self.network.apply(params, self.network_heads, inputs, self._unroll(params, batch)[1])[0]

    def objective(self, loss: Callable[..., tuple[jax.Array, Info]]) -> Callable[..., tuple[jax.Array, Info]]:
        """What `gradient` differentiates, for a rule that also needs the number itself (a line search).

        Returns:
            ``(params, batch, *more) -> (scalar, info)``: ``loss(outputs, batch, *more)`` at the network's outputs on the batch,
            plus the curriculum's auxiliary loss.
        """

        def total(params: Any, batch: Trajectory, *more: Any) -> tuple[jax.Array, Info]:
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

    def segment(self, params: Any, trajectory: Trajectory) -> Segment:
        """What a return function sees of experience that these parameters collected; gradients are stopped.

        The values are those of the head ``value``, at the states left and at the *true* next states; zero without such a head,
        and after a termination, which no value follows. A rule whose actors lag behind puts outputs of ``params`` into the
        experience first.
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

    def minibatches(self, key: jax.Array, count: int, trajectory: Trajectory, *more: Any) -> tuple[Any, ...]:
        """Trajectory (and further ``[T, B, ...]`` trees) shuffled into ``count`` parts, along a new leading axis.

        Single steps are shuffled, unless the network is recurrent or columns belong together: then groups of columns are.
        """
        steps, columns = trajectory.reward.shape
        rest = (trajectory._replace(carry=(), task=(), extra=(), unscaled=()), *more)
        if self._recurrent or self.group is not None:
            size = self.group or 1
            _divide(columns // size, count, "groups of environments")
            order = permutation(key, columns // size).reshape(count, -1)
            index = (order[..., None] * size + jnp.arange(size)).reshape(count, -1)
            parts = jax.tree.map(lambda x: jnp.moveaxis(x[:, index], 1, 0), rest)
            carry, task = jax.tree.map(lambda x: x[index], (trajectory.carry, trajectory.task))
            extra = jax.tree.map(lambda x: x[order], trajectory.extra)
            return (parts[0]._replace(carry=carry, task=task, extra=extra), *parts[1:])
        _divide(steps * columns, count, "steps")
        index = permutation(key, steps * columns).reshape(count, 1, -1)
        return jax.tree.map(lambda x: x.reshape(steps * columns, *x.shape[2:])[index], rest)

    # Inside -------------------------------------------------------------------------------------------------------------------

    def _next_value(self, params: Any, trajectory: Trajectory) -> jax.Array:
        """Values ``[T, B]`` of the true next states, 0 where the episode terminated."""

        def evaluated(steps: Trajectory) -> jax.Array:
            return jax.lax.stop_gradient(self.evaluate_next(params, steps)["value"])

        everywhere = self._recurrent or self.evaluate_next_with is not None
        value = evaluated(trajectory) if everywhere else next_values(evaluated, trajectory)
        return jnp.where(trajectory.terminated, 0.0, value)

    def _unroll(self, params: Any, batch: Trajectory) -> tuple[Outputs, Any]:
        """Outputs and carries after each step, ``[T, B, ...]``."""

        def step(carry: Any, x: tuple[Any, Any, Any]) -> tuple[Any, tuple[Outputs, Any]]:
            observation, first, readable = x
            inputs = Inputs(observation, first, readable, self.progress)
            outputs, carry = self.network.apply(params, self.network_heads, inputs, carry)
            return carry, (outputs, carry)

        return jax.lax.scan(step, batch.carry, (batch.observation, batch.is_first, self._readable(batch)))[1]

    def _readable(self, batch: Trajectory) -> Context:
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
