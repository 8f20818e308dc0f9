"""A one-file plugin: the toys, and a rule that no network suits."""

import toys

from discover import Head, Heads, Registry, Rollout, Spec, UpdateRule, component, hookimpl


@component
class Dreamer(UpdateRule):
    """Asks for a head that the network cannot give."""

    paper = "Nobody 2026, eq. 1"

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(5, 2)

    def heads(self, spec: Spec) -> Heads:
        return Heads({"dream": Head((1,), form="model")})


@hookimpl
def discover_register(registry: Registry) -> None:
    toys.discover_register(registry)
    registry.add("dreamer", Dreamer)
