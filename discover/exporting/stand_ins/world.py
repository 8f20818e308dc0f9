"""The world and the trajectory of an exported file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from discover.base.randomness import permutation
from discover.contract.distributions import Policy, policy_of
from discover.contract.environment import Spec, zero_action
from discover.contract.network import Heads, Inputs, Network, Outputs
from discover.contract.return_function import Segment
from discover.contract.trajectory import Info
from discover.contract.types import Key, Params


class UserError(ValueError):
    """A rule that does not fit its task."""


class Trajectory(NamedTuple):
    """T steps of B environments, each field ``[T, B, ...]``.

    Attributes:
        observation: the observation before the step.
        action, log_prob: the action, and its log-probability under the policy that took it.
        reward: the reward of the step.
        terminated: whether the step ended the episode for good: the value of the next state is 0.
        truncated: whether a limit ended it: the next state has a value. False where ``terminated`` is true.
        next_observation: the *true* next observation, before any reset.
        is_first: whether the step is the first one of its episode.
        outputs: outputs of the network for ``observation``; `update` adds them.
    """

    observation: jax.Array
    action: jax.Array
    log_prob: jax.Array
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array
    next_observation: jax.Array
    is_first: jax.Array
    outputs: Any = ()


def next_values(evaluate: Callable[[Trajectory], jax.Array], trajectory: Trajectory) -> jax.Array:
    """Values ``[T, B]`` of the true next states; where an episode terminated, they have no meaning.

    Most of them are values of the row below. The others are evaluated: those of the last row, and those behind a truncation,
    row by row.

    Args:
        evaluate: computes the values ``[1, B]`` of the next states of one row.
        trajectory: ``[T, B, ...]``, with the values of the states before each step as the output ``value``.
    """

    def row(index: jax.Array | int) -> Trajectory:
        return jax.tree.map(lambda x: jax.lax.dynamic_slice_in_dim(x, index, 1), trajectory)

    def fill(state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        value, missing = state
        index = jnp.argmax(missing)
        chosen = jnp.where(trajectory.truncated[index], evaluate(row(index))[0], value[index])
        return value.at[index].set(chosen), missing.at[index].set(False)

    last = len(trajectory.reward) - 1
    value = jnp.concatenate([trajectory.outputs["value"][1:], evaluate(row(last))])
    missing = jnp.any(trajectory.truncated, axis=1).at[last].set(False)
    return jax.lax.while_loop(lambda state: jnp.any(state[1]), fill, (value, missing))[0]


class World(NamedTuple):
    """The world of the rule: the network at its observations, gradients and minibatches.

    Attributes:
        spec: shape of the observations, and the actions.
        heads: the outputs that the rule asks for.
        network: the network.
        progress: share of the training that has passed, in ``[0, 1]``.
        env_steps: steps in all environments before this update.
        lifetime_steps: steps in all environments of the whole training; 0 where that is not known.
    """

    spec: Spec
    heads: Heads
    network: Network
    progress: jax.Array
    env_steps: jax.Array
    lifetime_steps: jax.Array
    group = None

    def policy(self, outputs: Outputs) -> Policy:
        """The distribution over actions."""
        return policy_of(self.spec, outputs)

    def evaluate(self, params: Params, batch: Trajectory) -> Outputs:
        """The outputs ``[T, B, ...]`` at the observations of a batch."""
        return self._outputs(params, batch.observation, batch.is_first)

    def evaluate_next(self, params: Params, batch: Trajectory) -> Outputs:
        """The outputs ``[T, B, ...]`` at the true next observations."""
        return self._outputs(params, batch.next_observation, jnp.zeros_like(batch.is_first))

    def _outputs(self, params: Params, observation: jax.Array, is_first: jax.Array) -> Outputs:
        """The outputs ``[T, B, ...]``, with T and B as one axis inside the network."""
        steps, num_envs = is_first.shape
        rows = observation.reshape(steps * num_envs, *observation.shape[2:])
        inputs = Inputs(rows, is_first.reshape(-1), {}, self.progress)
        outputs, _ = self.network.apply(params, self.heads, inputs, ())
        return jax.tree.map(lambda x: x.reshape(steps, num_envs, *x.shape[1:]), outputs)

    def objective(self, loss: Callable[..., tuple[jax.Array, Info]]) -> Callable[..., tuple[jax.Array, Info]]:
        """The loss as a function ``(params, batch, *more)``."""

        def total(params: Params, batch: Trajectory, *more: object) -> tuple[jax.Array, Info]:
            return loss(self.evaluate(params, batch), batch, *more)

        return total

    def gradient(self, loss: Callable[..., tuple[jax.Array, Info]]) -> Callable[..., tuple[Params, Info]]:
        """The gradient of a loss ``(outputs, batch, *more)`` as a function ``(params, batch, *more)``."""
        return jax.grad(self.objective(loss), has_aux=True)

    def segment(self, params: Params, trajectory: Trajectory) -> Segment:
        """The input of the return function; values are zero after a termination, and without a value head."""
        value = next_value = jnp.zeros_like(trajectory.reward)
        if "value" in self.heads.outputs:
            value = trajectory.outputs["value"]
            following = next_values(lambda steps: jax.lax.stop_gradient(self.evaluate_next(params, steps)["value"]), trajectory)
            next_value = jnp.where(trajectory.terminated, 0.0, following)
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
        """The steps of a trajectory in ``count`` shuffled minibatches ``[count, 1, N, ...]``; ``more`` in the same order."""
        steps, num_envs = trajectory.reward.shape
        index = permutation(key, steps * num_envs).reshape(count, 1, -1)
        return jax.tree.map(lambda x: x.reshape(steps * num_envs, *x.shape[2:])[index], (trajectory, *more))

    def template(self, params: Params, steps: int, num_envs: int) -> Trajectory:
        """A trajectory of zeros, for the shapes of a replay buffer."""
        del params
        zero = zero_action(self.spec)
        numbers, flags = jnp.zeros((steps, num_envs)), jnp.zeros((steps, num_envs), bool)
        observation = jnp.zeros((steps, num_envs, *self.spec.observation_shape))
        return Trajectory(
            observation=observation,
            action=jnp.zeros((steps, num_envs, *zero.shape), zero.dtype),
            log_prob=numbers,
            reward=numbers,
            terminated=flags,
            truncated=flags,
            next_observation=observation,
            is_first=flags,
        )
