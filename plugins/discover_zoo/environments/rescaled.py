"""Task families whose rewards are multiplied by a number."""

import jax

from discover import EnvState, Key, Registry, Scalar, Step, Task, component, hookimpl, real
from discover_zoo.environments.family_tasks import add_family_tasks
from discover_zoo.wrappers.wrapped import Wrapped


@component
class Rescaled(Wrapped):
    """A family with all rewards multiplied by a number: what an algorithm learns should not depend on it.

    The number is the same in all lifetimes of a task, since their returns are averaged. A config writes it where a task is
    another one with other rewards; it is no wrapper of an algorithm, which would change what it is judged by.

    >>> from discover_zoo.environments.catch import Catch
    >>> Rescaled(inner=Catch(), scale=100.0).spec() == Catch().spec()
    True

    Attributes:
        inner: the family.
        scale: by which its rewards are multiplied.
    """

    scale: Scalar = real(1.0, low=1e-6, high=1e6, scale="log")

    def reset(self, key: Key, task: Task) -> tuple[EnvState, jax.Array]:
        return self.inner.reset(key, task)

    def step(self, key: Key, state: EnvState, action: jax.Array, task: Task) -> Step:
        step = self.inner.step(key, state, action, task)
        shaped = () if isinstance(step.shaped, tuple) else self.scale * step.shaped
        return step._replace(reward=self.scale * step.reward, shaped=shaped)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("rescaled", Rescaled)
    add_family_tasks(registry, "rescaled")
