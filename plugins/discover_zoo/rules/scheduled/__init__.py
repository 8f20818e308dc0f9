"""Plugin: schedules for any number of any rule, from outside.

`scheduled` holds the rule, `schedules` the schedule of one number, `rule_numbers` the numbers of a rule by path.
"""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_zoo.rules.scheduled.scheduled import Scheduled
    from discover_zoo.rules.scheduled.schedules import Schedule

    registry.add("scheduled", Scheduled)
    registry.add("schedule", Schedule)
