"""Probes: environments so small that a rule which fails on one of them is broken; which one tells the broken part."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    Continuous,
    Discrete,
    Environment,
    Integer,
    Key,
    Registry,
    Scalar,
    Spec,
    Step,
    Task,
    component,
    hookimpl,
    integer,
    real,
)


class Moment(NamedTuple):
    """The cue, -1 or 1, or 0 where none is shown; and the number of steps so far, int32."""

    cue: jax.Array
    time: jax.Array


@component
class Probe(Environment):
    """An episode of ``1 + delay`` steps, whose last one pays ``constant + observed cue + chosen choice + matched cue choice``.

    The cue is drawn at the start, -1 or 1; the choice is the last action, likewise. The observation is one-hot: no cue, cue
    -1, cue 1, second step. The cue is shown if the reward depends on it.

    Attributes:
        constant, observed, chosen, matched: reward for every episode, for the cue, for the choice, and for their product.
        delay: 1 if the reward comes a step later.
        actions: two discrete ones, or one real number between -1 and 1.

    >>> probe, task = Probe(chosen=1.0), jnp.zeros((), jnp.int32)
    >>> state, _ = probe.reset(jax.random.key(0), task)
    >>> float(probe.step(jax.random.key(0), state, jnp.int32(0), task).reward)
    -1.0
    """

    constant: Scalar = real(0.0, low=-1.0, high=1.0)
    observed: Scalar = real(0.0, low=-1.0, high=1.0)
    chosen: Scalar = real(0.0, low=-1.0, high=1.0)
    matched: Scalar = real(0.0, low=-1.0, high=1.0)
    delay: Integer = integer(0, low=0, high=1)
    actions: Literal["discrete", "continuous"] = "discrete"

    def spec(self) -> Spec:
        return Spec((4,), Discrete(2) if self.actions == "discrete" else Continuous((-1.0,), (1.0,)))

    def sample_task(self, key: Key) -> Task:
        return jnp.zeros((), jnp.int32)

    def reset(self, key: Key, task: Task) -> tuple[Moment, jax.Array]:
        cue = jax.random.rademacher(key, (), jnp.int32)
        has_cue = (self.observed != 0.0) | (self.matched != 0.0)
        moment = Moment(jnp.where(has_cue, cue, 0), jnp.zeros((), jnp.int32))
        return moment, self._observation(moment)

    def step(self, key: Key, state: Moment, action: jax.Array, task: Task) -> Step:
        choice = 2.0 * action - 1.0 if self.actions == "discrete" else jnp.clip(action[0], -1.0, 1.0)
        reward = self.constant + self.observed * state.cue + (self.chosen + self.matched * state.cue) * choice
        ended = state.time >= self.delay
        moment = state._replace(time=state.time + 1)
        paid = jnp.where(ended, reward, 0.0)
        return Step(moment, self._observation(moment), paid, terminated=ended, truncated=jnp.array(False))

    def _observation(self, moment: Moment) -> jax.Array:
        index = jnp.where(moment.time > 0, 3, jnp.where(moment.cue == 0, 0, jnp.where(moment.cue < 0, 1, 2)))
        return jax.nn.one_hot(index, 4)


_SAME = "random: 0 so that returns are shown as they are; whatever is done, the return is that of the reference"
_EXACT = "random: exact, by symmetry; reference: optimum"
_PROBES = {
    "constant_reward": ({"constant": 1.0}, "Is a value learned at all? Every episode pays 1", _SAME),
    "observed_reward": ({"observed": 1.0}, "Does the value depend on what is seen? The cue is paid", "random: exact; {}"),
    "delayed_reward": ({"constant": 1.0, "delay": 1}, "Does the value look ahead? 1 is paid one step later", _SAME),
    "chosen_reward": ({"chosen": 1.0}, "Does the policy learn? One action pays 1, the other -1", _EXACT),
    "matched_reward": ({"matched": 1.0}, "Does the policy depend on what is seen? The action that matches pays 1", _EXACT),
}


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("probe", Probe)
    for name, (settings, summary, origin) in _PROBES.items():
        for actions, suffix in (("discrete", ""), ("continuous", "_continuous")):
            registry.add_task(
                name + suffix,
                {"probe": settings | {"actions": actions}},
                summary=f"{summary} ({actions} actions)",
                random=0.0,
                reference=1.0,
                origin=origin.format("reference: the return after the cue 1; no policy does better than random"),
            )
