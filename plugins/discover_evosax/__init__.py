"""Plugin: strategies of evosax, by their evosax names."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_evosax.algorithms import PLAIN
    from discover_evosax.special import SPECIAL

    for name, strategy in {**PLAIN, **SPECIAL}.items():
        registry.add(name, strategy)
