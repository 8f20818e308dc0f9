"""Actions that now and then are repeated by chance."""

import jax
import jax.numpy as jnp

from discover import Environment, Key, Registry, Scalar, Step, Task, Wrapper, component, hookimpl, real
from discover_zoo.wrappers.wrapped import Watched, Wrapped, no_action, settled


@component
class StickyActions(Wrapper):
    """With ``probability``, the environment does its previous action once more instead of the agent's (Machado et al. 2018).

    The first action of an episode is always the agent's.
    """

    paper = "Machado et al. 2018, arXiv 1709.06009, section 5"

    probability: Scalar = real(0.25, low=0.0, high=1.0)

    def wrap(self, environment: Environment) -> Environment:
        return Sticky(inner=environment, probability=self.probability)


@component
class Sticky(Wrapped):
    """The family that `StickyActions` makes; its state holds what was done last, and whether anything was."""

    probability: Scalar = real(low=0.0, high=1.0)

    def reset(self, key: Key, task: Task) -> tuple[Watched, jax.Array]:
        inner, observation = self.inner.reset(key, task)
        return Watched(inner, (no_action(self.spec()), jnp.array(False))), observation

    def step(self, key: Key, state: Watched, action: jax.Array, task: Task) -> Step:
        key_sticks, key_step = jax.random.split(key)
        before, acted = state.kept
        sticks = acted & jax.random.bernoulli(key_sticks, self.probability)
        done = jnp.where(sticks, before, settled(self.spec(), action))
        made = self.inner.step(key_step, state.inner, done, task)
        return made._replace(state=Watched(made.state, (done, jnp.array(True))))


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("sticky_actions", StickyActions)
