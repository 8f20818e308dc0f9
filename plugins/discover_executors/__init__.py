"""Plugin: executors."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_executors.local import Local

    registry.add("local", Local)
