"""Plugin: simple policy optimization."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_spo.spo import SPO

    registry.add("spo", SPO)
    registry.add_recipe(
        "spo",
        {
            "rule": {
                "spo": {
                    "returns": {"gae": {"gamma": 0.99, "lam": 0.95}},
                    "optimizer": {"clip_norm": {"max_norm": 0.5, "optimizer": {"adam": {"learning_rate": 1e-3}}}},
                    "clip": 0.2,
                }
            },
            "network": {"mlp": {"hidden": [64, 64], "activation": "tanh"}},
        },
        summary="SPO with settings of our own",
        paper=SPO.paper,
    )
