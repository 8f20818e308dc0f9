"""Plugin: the optimizers of optax, by their optax names.

`adapter` is their base class, `table` lists them, `unsuited` says which of optax's are left out, and why.
"""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_zoo.optimizers.optax.table import ADAPTED

    for name, optimizer in ADAPTED.items():
        if optimizer.is_installed():
            registry.add(name, optimizer)
