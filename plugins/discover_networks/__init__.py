"""Plugin: networks."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_networks.mlp import MLP

    registry.add("mlp", MLP)
