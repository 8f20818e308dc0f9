"""Trials: several episodes of one task as one episode, as a wrapper and as a family."""

from discover import Registry, hookimpl
from discover_zoo.wrappers.trials.trial import Trial
from discover_zoo.wrappers.trials.trials import Trials


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("trials", Trials)
    registry.add("trial", Trial)
