"""Actions that the environment repeats by chance."""

import jax
import jax.numpy as jnp

from discover import Environment, Key, Registry, Scalar, Step, Task, Wrapper, component, hookimpl, real, zero_action
from discover_zoo.wrappers.wrapped import Wrapped, WrappedState, with_fixed_dtype


@component
class StickyActions(Wrapper):
    """With ``probability``, the environment repeats its previous action in place of the agent's (Machado et al. 2018).

    The first action of an episode is always the agent's.

    >>> from discover_zoo.environments.catch import Catch
    >>> sticky, zero = StickyActions(probability=1.0).wrap(Catch()), jnp.zeros((), jnp.int32)
    >>> state, _ = sticky.reset(jax.random.key(0), zero)
    >>> state = sticky.step(jax.random.key(1), state, jnp.int32(0), zero).state
    >>> int(sticky.step(jax.random.key(2), state, jnp.int32(2), zero).state.inner.paddle)  # twice to the left of 4
    2

    Attributes:
        probability: of a repetition, at each step but the first of an episode.
    """

    paper = "Machado et al. 2018, arXiv 1709.06009, section 5"

    probability: Scalar = real(0.25, low=0.0, high=1.0)

    def wrap(self, environment: Environment) -> Environment:
        return Sticky(inner=environment, probability=self.probability)


@component
class Sticky(Wrapped):
    """The family that `StickyActions` makes; its own state is the previous action, and whether there was one."""

    probability: Scalar = real(low=0.0, high=1.0)

    def reset(self, key: Key, task: Task) -> tuple[WrappedState, jax.Array]:
        inner, observation = self.inner.reset(key, task)
        return WrappedState(inner, (zero_action(self.spec()), jnp.array(False))), observation

    def step(self, key: Key, state: WrappedState, action: jax.Array, task: Task) -> Step:
        key_repeat, key_step = jax.random.split(key)
        previous, exists = state.own
        repeat = exists & jax.random.bernoulli(key_repeat, self.probability)
        effective = jnp.where(repeat, previous, with_fixed_dtype(self.spec(), action))
        step = self.inner.step(key_step, state.inner, effective, task)
        return step._replace(state=WrappedState(step.state, (effective, jnp.array(True))))


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("sticky_actions", StickyActions)
