"""Plugin: mirror learning (PPO, DPO, LPO)."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_mirror.ppo import PPO

    registry.add("ppo", PPO)
    registry.add_recipe(
        "ppo",
        {
            "rule": {
                "ppo": {
                    "returns": {"gae": {"gamma": 0.99, "lam": 0.95}},
                    "optimiser": {
                        "clip_norm": {
                            "max_norm": 0.5,
                            "optimiser": {"adam": {"learning_rate": 2.5e-4, "eps": 1e-5, "anneal": 1.0}},
                        }
                    },
                }
            },
            "network": {"mlp": {"hidden": [64, 64], "activation": "tanh"}},
        },
        summary="PPO with the settings of PureJaxRL for CartPole",
        paper="Schulman et al. 2017, arXiv 1707.06347",
    )
