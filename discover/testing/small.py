"""A small environment, a small network and a small rule, for checks of other components."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from discover.components.component import component
from discover.components.domains import Scalar
from discover.components.field_functions import real
from discover.contract.distributions import policy_heads
from discover.contract.environment import Continuous, Discrete, Environment, MultiDiscrete, Spec, Step
from discover.contract.network import Head, Heads, Inputs, Network, Outputs
from discover.contract.trajectory import Info, Trajectory
from discover.contract.types import Carry, EnvState, Key, Params, RuleState, Task
from discover.contract.update_rule import Rollout, UpdateRule
from discover.contract.world import World


@component
class Corridor(Environment):
    """A walk on a line: action a moves the position x by ``1.4 a - 0.7``, and the reward is x.

    An episode terminates where ``|x| > 2``, and is truncated after ``limit`` steps. The expert walks to the right.

    Attributes:
        limit: steps of the longest episode.
        real: whether actions are real numbers in [0, 1] instead of 0 and 1.
        factored: whether an action is such a number and, at once, a stride: 0, 1 or 2 for a third of the way up to all of it.
    """

    limit: int = 7
    real: bool = False
    factored: bool = False

    def spec(self) -> Spec:
        if self.factored:
            return Spec((2,), MultiDiscrete((2, 3)))
        return Spec((2,), Continuous((0.0,), (1.0,)) if self.real else Discrete(2))

    def sample_task(self, key: Key) -> Task:
        return jnp.zeros(())

    def reset(self, key: Key, task: Task) -> tuple[EnvState, jax.Array]:
        state = jnp.stack([jax.random.uniform(key, minval=-1.0, maxval=1.0), jnp.zeros(())])
        return state, state

    def step(self, key: Key, state: EnvState, action: jax.Array, task: Task) -> Step:
        state = jnp.stack([self._moved(state[0], action), state[1] + 1.0 / self.limit])
        terminated = jnp.abs(state[0]) > 2.0
        return Step(
            state=state,
            observation=state,
            reward=state[0] + task,
            terminated=terminated,
            truncated=(state[1] > 0.99) & ~terminated,
        )

    def expert(self, state: EnvState, task: Task) -> jax.Array:
        if self.factored:
            return jnp.array([1, 2], jnp.int32)
        return jnp.ones(1) if self.real else jnp.ones((), jnp.int32)

    def _moved(self, x: jax.Array, action: jax.Array) -> jax.Array:
        if self.factored:
            return x + (1.4 * action[0] - 0.7) * (action[1] + 1) / 3.0
        push = jnp.clip(action[0], 0.0, 1.0) if self.real else action
        return x + 1.4 * push - 0.7


@component
class Affine(Network):
    """A network whose every head is an affine map of the observation and of the head's further inputs."""

    def init(self, key: Key, spec: Spec, heads: Heads) -> Params:
        params = {}
        for index, (name, head) in enumerate(sorted(heads.outputs.items())):
            inputs = math.prod(spec.observation_shape) + sum(heads.context[read] for read in head.reads)
            kernel = 0.3 * jax.random.normal(jax.random.fold_in(key, index), (inputs, *head.shape))
            params[name] = {"bias": jnp.zeros(head.shape)} | ({} if head.form == "constant" else {"kernel": kernel})
        return params

    def apply(self, params: Params, heads: Heads, inputs: Inputs, carry: Carry) -> tuple[Outputs, Carry]:
        known = {name: head for name, head in heads.outputs.items() if head.known(inputs)}
        return {name: self._output(params[name], head, inputs) for name, head in known.items()}, carry

    def _output(self, params: dict[str, jax.Array], head: Head, inputs: Inputs) -> jax.Array:
        batch = inputs.is_first.shape
        if head.form == "constant":
            return jnp.broadcast_to(params["bias"], batch + params["bias"].shape)
        features = [inputs.observation.reshape(*batch, -1), *(inputs.context[read] for read in head.reads)]
        return jnp.tensordot(jnp.concatenate(features, axis=-1), params["kernel"], axes=1) + params["bias"]


@component
class Reinforced(UpdateRule):
    """A rule that makes actions likelier by their rewards: ``rate * mean(reward * log pi)`` is climbed, one step per update.

    Attributes:
        rate: length of a step.
    """

    rate: Scalar = real(0.1, low=0.0, high=1.0)

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(4, 2)

    def heads(self, spec: Spec) -> Heads:
        return Heads(policy_heads(spec))

    def init(self, key: Key, world: World, params: Params) -> RuleState:
        return ()

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState, Info]:
        def loss(outputs: Outputs, batch: Trajectory) -> tuple[jax.Array, Info]:
            gain = jnp.mean(batch.reward * world.policy(outputs).log_prob(batch.action))
            return -gain, {"gain": gain}

        gradient, info = world.gradient(loss)(params, trajectory)
        return jax.tree.map(lambda p, g: p - self.rate * g, params, gradient), state, info
