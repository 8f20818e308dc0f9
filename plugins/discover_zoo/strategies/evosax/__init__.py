"""Plugin: strategies of evosax, by their evosax names.

`adapter` makes an algorithm of evosax a strategy. `algorithms` lists those with plain settings, `special`,
`populations` and `stein` those with settings of their own, and `repaired` those in which evosax has an error; a class each.
`pairs` ranks within mirrored pairs. `restarts` runs one of them again and again.
"""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_zoo.strategies.evosax.algorithms import PLAIN
    from discover_zoo.strategies.evosax.restarts import RestartedCMAES
    from discover_zoo.strategies.evosax.special import SPECIAL

    for name, strategy in {**PLAIN, **SPECIAL}.items():
        registry.add(name, strategy)
    registry.add("IPOP_CMA_ES", RestartedCMAES)
