"""Plugin: deep Q-networks."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_dqn.dqn import DQN

    registry.add("dqn", DQN)
    registry.add_recipe(
        "dqn",
        {
            "rule": {
                "dqn": {
                    "optimiser": {"adam": {"learning_rate": 2.5e-4}},
                    "environments": 10,
                    "capacity": 10_000,
                    "batch": 128,
                    "loss": "squared",
                    "gamma": 0.99,
                    "target_period": 50,
                    "learning_starts": 10_000,
                    "epsilon_start": 1.0,
                    "epsilon_end": 0.05,
                    "exploration": 0.5,
                }
            },
            "network": {"mlp": {"hidden": [120, 84], "activation": "relu", "initialiser": "lecun"}},
        },
        summary="DQN with the settings of PureJaxRL for CartPole",
        paper=DQN.paper,
    )
