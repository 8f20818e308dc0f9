"""Families whose tasks are drawn anew for every episode."""

import jax

from discover import Environment, EnvState, Key, Redraw, Registry, Step, Task, Wrapper, component, hookimpl
from discover_zoo.wrappers.wrapped import Wrapped


@component
class Redrawn(Wrapper):
    """Draws a task of the family for every episode, where it has one task for a lifetime or an update.

    Tasks are drawn in the loop over steps. Where that is dear, the curriculum ``uniform_levels`` is the faster way to the same.

    >>> from discover_zoo.environments.deep_sea import DeepSea
    >>> DeepSea().redraw, Redrawn().wrap(DeepSea()).redraw
    ('never', 'episode')
    """

    def wrap(self, environment: Environment) -> Environment:
        return EveryEpisode(inner=environment)


@component
class EveryEpisode(Wrapped):
    """The family that `Redrawn` makes."""

    @property
    def redraw(self) -> Redraw:
        return "episode"

    def reset(self, key: Key, task: Task) -> tuple[EnvState, jax.Array]:
        return self.inner.reset(key, task)

    def step(self, key: Key, state: EnvState, action: jax.Array, task: Task) -> Step:
        return self.inner.step(key, state, action, task)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("redrawn", Redrawn)
