"""Learning what a state is worth under the uniformly random policy, online, one step of one environment per update."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    Context,
    Continuous,
    Discrete,
    Experience,
    Head,
    Heads,
    Info,
    Integer,
    Outputs,
    Rollout,
    Scalar,
    Spec,
    UpdateRule,
    World,
    component,
    integer,
    real,
)
from discover_tabular.traces import Kind, faded, inner, moved, slope_of_value

_LONGEST = 32
"""The largest horizon of n-step learning: so many steps are kept."""


@component
class Prediction(UpdateRule):
    """What the rules of this module share: a step size, a discount, a value, and a policy that does not learn."""

    step_size: Scalar = real(0.1, low=1e-3, high=2.0, scale="log")
    gamma: Scalar = real(1.0, low=0.0, high=1.0)

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(1, 1)

    def heads(self, spec: Spec) -> Heads:
        return Heads({"value": Head(())})

    def act(self, key: jax.Array, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        columns = outputs["value"].shape
        match world.spec.action:
            case Discrete(n):
                return jax.random.randint(key, columns, 0, n), jnp.full(columns, -jnp.log(float(n)))
            case Continuous(low, high):
                low, high = jnp.asarray(low), jnp.asarray(high)
                action = jax.random.uniform(key, (*columns, low.size), minval=low, maxval=high)
                return action, jnp.full(columns, -jnp.sum(jnp.log(high - low)))

    def _error(self, world: World, params: Any, experience: Experience) -> tuple[jax.Array, jax.Array]:
        """``r + d v(s') - v(s)`` and ``v(s')``, scalars."""
        segment = jax.tree.map(lambda x: x[0, 0], world.segment(params, experience))
        discount = self.gamma * (1.0 - segment.terminated)
        return segment.reward + discount * segment.next_value - segment.value, segment.next_value


@component
class TDLambda(Prediction):
    """TD(lambda) with eligibility traces (Sutton 1988; Sutton & Barto 2018, section 12.2).

    ``w += step_size delta z``. With dutch traces it is true online TD(lambda) (van Seijen & Sutton 2014; Sutton & Barto 2018,
    section 12.5): ``w += step_size ((delta + v - v_old) z - (v - v_old) x)``, where ``v_old`` is ``v(s')`` of the step before.
    """

    paper = "Sutton 1988, Machine Learning 3"

    lam: Scalar = real(0.8, low=0.0, high=1.0)
    traces: Kind = "accumulating"

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return {"trace": jax.tree.map(jnp.zeros_like, params), "old": jnp.zeros(())}

    def update(self, key: jax.Array, world: World, params: Any, state: Any, experience: Experience) -> tuple[Any, Any, Info]:
        slope, value = slope_of_value(world, params, experience)
        delta, following = self._error(world, params, experience)
        decay = self.gamma * self.lam * (1.0 - experience.first[0, 0])
        trace = faded(self.traces, state["trace"], slope, decay, self.step_size)
        gap = value - state["old"] if self.traces == "dutch" else jnp.zeros(())
        params = moved(params, (self.step_size * (delta + gap), trace), (-self.step_size * gap, slope))
        return params, {"trace": trace, "old": following}, {"error": jnp.abs(delta)}


@component
class OfflineTD(Prediction):
    """The offline lambda-return algorithm: all updates of an episode at its end (Sutton & Barto 2018, section 12.1).

    One ``w += step_size (G^lambda_t - v(s_t)) x_t`` after the other, where the returns are those of the parameters ``w_0`` at
    the episode's start. No return is waited for: with dutch traces and the errors ``delta_t`` of ``w_0``, the sum
    ``u = w - w_0`` of these updates grows by ``step_size (delta_t z_t - (u.x_t) x_t)`` at each step; for linear values exactly.
    """

    paper = "Sutton & Barto 2018, section 12.1"

    lam: Scalar = real(0.8, low=0.0, high=1.0)

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        zero = jax.tree.map(jnp.zeros_like, params)
        return {"trace": zero, "change": zero}

    def update(self, key: jax.Array, world: World, params: Any, state: Any, experience: Experience) -> tuple[Any, Any, Info]:
        slope, _ = slope_of_value(world, params, experience)
        delta, _ = self._error(world, params, experience)
        decay = self.gamma * self.lam * (1.0 - experience.first[0, 0])
        trace, change = faded("dutch", state["trace"], slope, decay, self.step_size), state["change"]
        change = moved(change, (self.step_size * delta, trace), (-self.step_size * inner(slope, change), slope))
        ended = (experience.terminated | experience.truncated)[0, 0].astype(jnp.float32)
        params = moved(params, (ended, change))
        change = jax.tree.map(lambda x: (1.0 - ended) * x, change)
        return params, {"trace": trace, "change": change}, {"error": jnp.abs(delta)}


class Window(NamedTuple):
    """The latest steps, oldest first: ``[32, 1, 1, ...]``; and how many of them belong to the episode, int32."""

    steps: Experience
    held: jax.Array


@component
class NStepTD(Prediction):
    """n-step TD (Sutton & Barto 2018, section 7.1): ``w += step_size (G_{t:t+n} - v(s_t)) grad v(s_t)``, n steps later.

    At the end of an episode the steps that are left are learned from one after the other, with the shorter returns that they
    have.
    """

    paper = "Sutton & Barto 2018, eq. 7.2"
    not_differentiable = ("n",)

    n: Integer = integer(4, low=1, high=_LONGEST)

    def init(self, key: jax.Array, world: World, params: Any) -> Window:
        step = world.template(params, 1, 1)
        return Window(jax.tree.map(lambda x: jnp.zeros((_LONGEST, *x.shape), x.dtype), step), jnp.zeros((), jnp.int32))

    def update(self, key: jax.Array, world: World, params: Any, state: Window, experience: Experience) -> tuple[Any, Any, Info]:
        steps = jax.tree.map(lambda kept, new: jnp.concatenate([kept[1:], new[None]]), state.steps, experience)
        held = jnp.where(experience.first[0, 0], 0, state.held) + 1
        delta, following = self._error(world, params, experience)
        ended = (experience.terminated | experience.truncated)[0, 0]
        age = jnp.arange(_LONGEST)[::-1]
        due = (age < held) & ((age == self.n - 1) | (ended & (age < self.n)))

        def lengthen(target: jax.Array, reward: jax.Array) -> tuple[jax.Array, jax.Array]:
            target = reward + self.gamma * target
            return target, target

        bootstrap = (1.0 - experience.terminated[0, 0]) * following
        _, targets = jax.lax.scan(lengthen, bootstrap, steps.reward[:, 0, 0], reverse=True)

        def learn(params: Any, step: tuple[Experience, jax.Array, jax.Array]) -> tuple[Any, None]:
            batch, target, due = step
            slope, value = slope_of_value(world, params, batch)
            return moved(params, (self.step_size * due * (target - value), slope)), None

        params, _ = jax.lax.scan(learn, params, (steps, targets, due))
        return params, Window(steps, jnp.minimum(held, _LONGEST)), {"error": jnp.abs(delta)}
