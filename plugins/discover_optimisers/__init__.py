"""Plugin: optimisers: our own, and those of optax by their optax names."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_optimisers.adapter import ADAPTED
    from discover_optimisers.optimisers import SGD, Adam, ClipNorm

    registry.add("adam", Adam)
    registry.add("sgd", SGD)
    registry.add("clip_norm", ClipNorm)
    for name, optimiser in ADAPTED.items():
        registry.add(name, optimiser)
