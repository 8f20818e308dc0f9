"""A small environment and a small network, on which rules are checked."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from discover.components.component import component
from discover.contract.environment import Continuous, Discrete, Environment, Spec, Step
from discover.contract.network import Head, Heads, Inputs, Network, Outputs


@component
class Corridor(Environment):
    """A walk, paid by where it leads: too far on either side it ends for good, and a limit cuts it.

    Attributes:
        limit: steps of the longest episode.
        real: actions are real numbers in [0, 1] instead of 0 and 1.
    """

    limit: int = 7
    real: bool = False

    def spec(self) -> Spec:
        return Spec((2,), Continuous((0.0,), (1.0,)) if self.real else Discrete(2))

    def sample_task(self, key: jax.Array) -> Any:
        return jnp.zeros(())

    def reset(self, key: jax.Array, task: Any) -> tuple[Any, jax.Array]:
        state = jnp.stack([jax.random.uniform(key, minval=-1.0, maxval=1.0), jnp.zeros(())])
        return state, state

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        push = jnp.clip(action[0], 0.0, 1.0) if self.real else action
        state = jnp.stack([state[0] + 1.4 * push - 0.7, state[1] + 1.0 / self.limit])
        return Step(state, state, state[0] + task, jnp.abs(state[0]) > 2.0, state[1] > 0.99)


@component
class Affine(Network):
    """Each head is an affine map of the observation and of what it reads."""

    def init(self, key: jax.Array, spec: Spec, heads: Heads) -> Any:
        params = {}
        for index, (name, head) in enumerate(sorted(heads.outputs.items())):
            inputs = math.prod(spec.observation_shape) + sum(heads.context[read] for read in head.reads)
            kernel = 0.3 * jax.random.normal(jax.random.fold_in(key, index), (inputs, *head.shape))
            params[name] = {"bias": jnp.zeros(head.shape)} | ({} if head.form == "constant" else {"kernel": kernel})
        return params

    def apply(self, params: Any, heads: Heads, inputs: Inputs, carry: Any) -> tuple[Outputs, Any]:
        given = {name: head for name, head in heads.outputs.items() if head.known(inputs)}
        return {name: self._output(params[name], head, inputs) for name, head in given.items()}, carry

    def _output(self, own: Any, head: Head, inputs: Inputs) -> jax.Array:
        batch = inputs.is_first.shape
        if head.form == "constant":
            return jnp.broadcast_to(own["bias"], batch + own["bias"].shape)
        seen = [inputs.observation.reshape(*batch, -1), *(inputs.context[read] for read in head.reads)]
        return jnp.tensordot(jnp.concatenate(seen, axis=-1), own["kernel"], axes=1) + own["bias"]
