"""Plugin: gymnax environments by their own ids."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_gymnax.environment import Gymnax

    registry.add("gymnax", Gymnax)
    registry.add_task(
        "CartPole-v1",
        {"gymnax": {"id": "CartPole-v1"}},
        summary="Balance a pole on a cart",
        random=22.0,
        reference=500.0,
        origin="random policy; time limit",
    )
