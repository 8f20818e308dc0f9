"""Plugin: Mix & Match, curricula over agents that are mixed into one."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_zoo.curricula.mix_and_match.growing_actions import GrowingActions
    from discover_zoo.curricula.mix_and_match.mix_and_match import MixAndMatch
    from discover_zoo.curricula.mix_and_match.shares import Held, Ramp
    from discover_zoo.curricula.mix_and_match.specialists import Specialists

    registry.add("mix_and_match", MixAndMatch)
    registry.add("growing_actions", GrowingActions)
    registry.add("specialists", Specialists)
    registry.add("ramp", Ramp)
    registry.add("held", Held)
