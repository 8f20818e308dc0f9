"""A choice between exploration bonuses within one compiled program."""

import jax

from discover import (
    BonusState,
    ExplorationBonus,
    Integer,
    Key,
    Registry,
    Trajectory,
    World,
    component,
    hookimpl,
    option_index,
)


@component
class OneOfBonuses(ExplorationBonus):
    """One of several exploration bonuses, by index: all options share one compiled program.

    The states of all options lie side by side, of which that of the one in use changes alone. Lifetimes side by side run all
    options.

    >>> from discover_zoo.bonuses.counts import CountBonus
    >>> OneOfBonuses(options=(CountBonus(), CountBonus(observations="normalized")), index=1).effective().observations
    'normalized'

    Attributes:
        options: the bonuses.
        index: which of them is used.
    """

    not_differentiable = ("index",)

    options: tuple[ExplorationBonus, ...]
    index: Integer = option_index(count=lambda self: len(self.options))

    def effective(self) -> ExplorationBonus:
        return self.options[int(self.index)]

    def init(self, key: Key, world: World, num_envs: int) -> tuple[BonusState, ...]:
        return tuple(option.init(key, world, num_envs) for option in self.options)

    def update(
        self, key: Key, world: World, state: tuple[BonusState, ...], trajectory: Trajectory
    ) -> tuple[jax.Array, tuple[BonusState, ...]]:
        def by(place: int) -> tuple[jax.Array, tuple[BonusState, ...]]:
            pay, own = self.options[place].update(key, world, state[place], trajectory)
            return pay, (*state[:place], own, *state[place + 1 :])

        return jax.lax.switch(self.index, [lambda place=place: by(place) for place in range(len(self.options))])


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("one_of_bonuses", OneOfBonuses)
