"""Factored actions as discrete ones."""

import jax

from discover import (
    Discrete,
    Environment,
    EnvState,
    Key,
    MultiDiscrete,
    Registry,
    Spec,
    Step,
    Task,
    UserError,
    Wrapper,
    component,
    hookimpl,
)
from discover_zoo.wrappers.wrapped import Wrapped


@component
class FlatActions(Wrapper):
    """Makes one discrete action of several choices at once: its number among all combinations, the last choice fastest.

    With D choices of ``factors[d]`` options there are ``N = prod_d factors[d]`` actions. The tasks are the same, and so are
    their best returns; what changes is the policy: N logits instead of ``sum_d factors[d]``. So rules with a value for each
    action (DQN) can learn such tasks, and both kinds of policy can be compared.

    >>> from discover_zoo.environments.orchard import Orchard
    >>> flat = FlatActions().wrap(Orchard())
    >>> Orchard().spec().action, flat.spec().action
    (MultiDiscrete(factors=(4, 3, 2)), Discrete(n=24))
    """

    def wrap(self, environment: Environment) -> Environment:
        return FlatFamily(inner=environment)


@component
class FlatFamily(Wrapped):
    """The family that `FlatActions` makes."""

    def spec(self) -> Spec:
        spec = self.inner.spec()
        return spec._replace(action=Discrete(self._space.combinations))

    def reset(self, key: Key, task: Task) -> tuple[EnvState, jax.Array]:
        return self.inner.reset(key, task)

    def step(self, key: Key, state: EnvState, action: jax.Array, task: Task) -> Step:
        return self.inner.step(key, state, self._space.action_of(action), task)

    def expert(self, state: EnvState, task: Task) -> jax.Array:
        return self._space.number_of(super().expert(state, task))

    @property
    def _space(self) -> MultiDiscrete:
        space = self.inner.spec().action
        if not isinstance(space, MultiDiscrete):
            raise UserError(
                f"flat_actions needs several choices at once, but the actions of {type(self.inner).__name__} are {space}: "
                "leave the wrapper out."
            )
        return space


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("flat_actions", FlatActions)
