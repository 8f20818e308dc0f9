"""Plugin: the optimizers of optax, by their optax names.

`adapter` has their base class, `table` lists them, the other modules define them by family, and `unsuited` names those
of optax that are left out, with the reason.
"""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_zoo.optimizers.optax.table import ADAPTED

    for name, optimizer in ADAPTED.items():
        if optimizer.is_installed():
            registry.add(name, optimizer)
