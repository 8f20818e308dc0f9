"""Plugin: REINFORCE."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_reinforce.reinforce import Reinforce

    registry.add("reinforce", Reinforce)
    registry.add_recipe(
        "reinforce",
        {
            "rule": {
                "reinforce": {
                    "returns": {"monte_carlo": {"gamma": 0.99}},
                    "optimiser": {"adam": {"learning_rate": 3e-3, "anneal": 1.0}},
                    "steps": 128,
                    "environments": 8,
                    "baseline": "value",
                    "entropy_coefficient": 0.0,
                    "value_coefficient": 0.5,
                }
            },
            "network": {"mlp": {"hidden": [64, 64], "activation": "tanh"}},
        },
        summary="REINFORCE with a value baseline, one step of Adam per batch; the settings are ours, none are published",
        paper=Reinforce.paper,
    )
