"""Plugin: off-policy control of real-valued actions with twin critics (SAC, TD3)."""

from typing import Any

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_twin_critics.sac import SAC
    from discover_twin_critics.td3 import TD3

    registry.add("sac", SAC)
    registry.add("td3", TD3)
    registry.add_recipe(
        "sac",
        _candidate("sac", [256, 256], gamma=0.99, batch=256, capacity=100_000, learning_starts=100),
        summary="SAC with the settings of RL Baselines3 Zoo for Pendulum (a memory of 100,000)",
        paper=SAC.paper,
    )
    registry.add_recipe(
        "td3",
        _candidate(
            "td3", [400, 300], gamma=0.98, batch=256, capacity=200_000, learning_starts=10_000, noise=0.1, steps=2, delay=2
        ),
        summary="TD3 with the settings of RL Baselines3 Zoo for Pendulum (updates of two steps each)",
        paper=TD3.paper,
    )


def _candidate(rule: str, hidden: list[int], **own: Any) -> dict[str, Any]:
    adam = {"adam": {"learning_rate": 1e-3}}
    settings = {"optimiser": adam, "policy_optimiser": adam, "environments": 1, "polyak": 0.005}
    network = {"mlp": {"hidden": hidden, "activation": "relu", "initialiser": "lecun"}}
    return {"rule": {rule: settings | own}, "network": network}
