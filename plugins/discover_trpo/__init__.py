"""Plugin: TRPO, and a value by least squares."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_trpo.baseline import LinearBaseline
    from discover_trpo.trpo import TRPO

    registry.add("linear_baseline", LinearBaseline)
    registry.add("trpo", TRPO)
    registry.add_recipe(
        "trpo",
        {
            "rule": {
                "linear_baseline": {
                    "rule": {
                        "trpo": {
                            "returns": {"gae": {"gamma": 0.99, "lam": 1.0}},
                            "steps": 1000,
                            "environments": 4,
                            "radius": 0.01,
                            "damping": 1e-5,
                        }
                    },
                    "returns": {"monte_carlo": {"gamma": 0.99}},
                }
            },
            "network": {"mlp": {"hidden": [32, 32], "activation": "tanh"}},
        },
        summary="TRPO with a linear baseline, with the settings of rllab (Duan et al. 2016) for cart-pole",
        paper=TRPO.paper,
    )
