"""Probes: environments so small that a rule that fails on one of them shows what is wrong with it."""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from discover import Continuous, Discrete, Environment, Integer, Scalar, Spec, Step, component, integer, real


class Moment(NamedTuple):
    """The cue, -1 or 1, or 0 where there is nothing to see; and how many steps have been taken, int32."""

    cue: jax.Array
    time: jax.Array


@component
class Probe(Environment):
    """An episode of ``1 + delay`` steps, whose last one pays ``constant + observed cue + chosen choice + matched cue choice``.

    The cue is drawn at the start, -1 or 1; the choice is the last action, likewise. The observation is one-hot: nothing to see,
    cue -1, cue 1, second step. The cue is seen if it plays a part.

    Attributes:
        constant, observed, chosen, matched: what is paid for nothing, for the cue, for the choice, and for both.
        delay: 1 if the reward comes a step later.
        actions: two of them, or one real number between -1 and 1.
    """

    constant: Scalar = real(0.0, low=-1.0, high=1.0)
    observed: Scalar = real(0.0, low=-1.0, high=1.0)
    chosen: Scalar = real(0.0, low=-1.0, high=1.0)
    matched: Scalar = real(0.0, low=-1.0, high=1.0)
    delay: Integer = integer(0, low=0, high=1)
    actions: Literal["discrete", "continuous"] = "discrete"

    def spec(self) -> Spec:
        return Spec((4,), Discrete(2) if self.actions == "discrete" else Continuous((-1.0,), (1.0,)))

    def sample_task(self, key: jax.Array) -> Any:
        return jnp.zeros((), jnp.int32)

    def reset(self, key: jax.Array, task: Any) -> tuple[Moment, jax.Array]:
        cue = jax.random.rademacher(key, (), jnp.int32)
        shown = (self.observed != 0.0) | (self.matched != 0.0)
        moment = Moment(jnp.where(shown, cue, 0), jnp.zeros((), jnp.int32))
        return moment, self._seen(moment)

    def step(self, key: jax.Array, state: Moment, action: jax.Array, task: Any) -> Step:
        choice = 2.0 * action - 1.0 if self.actions == "discrete" else jnp.clip(action[0], -1.0, 1.0)
        reward = self.constant + self.observed * state.cue + (self.chosen + self.matched * state.cue) * choice
        ended = state.time >= self.delay
        moment = state._replace(time=state.time + 1)
        return Step(moment, self._seen(moment), jnp.where(ended, reward, 0.0), terminated=ended, truncated=jnp.array(False))

    def _seen(self, moment: Moment) -> jax.Array:
        which = jnp.where(moment.time > 0, 3, jnp.where(moment.cue == 0, 0, jnp.where(moment.cue < 0, 1, 2)))
        return jax.nn.one_hot(which, 4)
