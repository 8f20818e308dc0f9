"""Schedules for any number of any rule, from outside."""

import jax

from discover import (
    Heads,
    Rollout,
    Spec,
    UpdateRule,
    UserError,
    World,
    WrappingRule,
    component,
    get,
    replace,
)
from discover_zoo.rules.scheduled.rule_numbers import number_at, numbers_of
from discover_zoo.rules.scheduled.schedules import Schedule, moved, schedule_formula


@component
class Scheduled(WrappingRule):
    """Lets numbers of a rule change over the lifetime, each by a `Schedule`; the rule itself knows nothing of it.

    Whatever has a number can have a schedule: the rule, its return function, its optimizer. Without a change the wrapped rule
    is the same to the bit, so that a search begins at the known algorithm.

    Pitfalls: a rule that computes what acting needs between its updates (`UpdateRule.behavior`) does so with the numbers of the
    start; what it chooses actions by (epsilon, say) follows the schedule. A number that a meta-gradient inside adapts is the
    meta-gradient's: its schedule has no effect.

    Attributes:
        rule: any rule.
        schedules: for one number each.

    >>> from discover import Space, free
    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.returns.gae import GAE
    >>> from discover_zoo.rules.ppo import PPO
    >>> ppo = PPO(returns=GAE(), optimizer=Adam())
    >>> rule = Scheduled(rule=ppo, schedules=(Schedule(path="entropy_coefficient", change=-0.1), Schedule(path="clip")))
    >>> round(float(rule.at(0.5).entropy_coefficient), 4), float(rule.at(0.5).clip) == float(ppo.clip)
    (0.005, True)
    >>> space = Space(Scheduled(rule=ppo, schedules=(Schedule(path="returns.lam", change=free()),)))
    >>> [gene.path for gene in space.genes]
    ['schedules.0.change']
    """

    names_parts = True

    schedules: tuple[Schedule, ...] = ()

    def effective(self) -> UpdateRule:
        kept = tuple(schedule for schedule in self.schedules if float(schedule.change) != 0.0)
        if not kept:
            return self.rule
        return self if len(kept) == len(self.schedules) else Scheduled(rule=self.rule, schedules=kept)

    def formula(self) -> str:
        known = numbers_of(self.rule)
        return "\n".join(
            schedule_formula(one.path, known[one.path], get(self.rule, one.path), one.change)
            for one in self.schedules
            if one.path in known
        )

    def inner_rule(self, world: World) -> UpdateRule:
        return self.at(world.progress)

    def rollout(self, spec: Spec) -> Rollout:
        self._check()
        return super().rollout(spec)

    def heads(self, spec: Spec) -> Heads:
        self._check()
        return super().heads(spec)

    def at(self, progress: jax.Array | float) -> UpdateRule:
        """The wrapped rule with the numbers that it has when a share ``progress`` of the lifetime has passed."""
        known, changes = numbers_of(self.rule), {}
        for one in self.schedules:
            if one.path in known:
                changes[one.path] = moved(known[one.path], get(self.rule, one.path), one.change * progress)
        return replace(self.rule, changes)

    def _check(self) -> None:
        """Check the paths.

        Raises:
            UserError: the wrapped rule has no such number, or one has two schedules.
        """
        paths = [one.path for one in self.schedules]
        for index, one in enumerate(self.schedules):
            if one.if_missing == "refuse":
                number_at(self.rule, one.path, f"schedules.{index}.path of Scheduled")
            if one.path in paths[:index]:
                raise UserError(
                    f"schedules.{index}.path of Scheduled names '{one.path}' again: keep one schedule for a number."
                )
