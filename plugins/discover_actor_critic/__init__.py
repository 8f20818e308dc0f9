"""Plugin: policy gradients with one step per batch (REINFORCE, A2C, IMPALA)."""

from typing import Any

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_actor_critic.a2c import A2C
    from discover_actor_critic.impala import IMPALA
    from discover_actor_critic.reinforce import Reinforce
    from discover_actor_critic.self_tuning import SelfTuning

    registry.add("a2c", A2C)
    registry.add("impala", IMPALA)
    registry.add("reinforce", Reinforce)
    registry.add("self_tuning", SelfTuning)
    registry.add_recipe(
        "a2c",
        _candidate("a2c", returns={"n_step": {"gamma": 0.99, "n": 5}}, steps=5, value_coefficient=1.0),
        summary="A2C with the settings of RL Baselines3 Zoo for CartPole, but Adam without momentum in place of RMSProp",
        paper=A2C.paper,
    )
    registry.add_recipe(
        "impala",
        _candidate(
            "impala",
            returns={"v_trace": {"gamma": 0.99, "lam": 1.0, "rho_bar": 1.0, "c_bar": 1.0}},
            steps=20,
            lag=1,
            value_coefficient=0.5,
        ),
        summary="IMPALA with actors one update behind; the optimiser is that of the recipe a2c",
        paper=IMPALA.paper,
    )
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


def _candidate(rule: str, **own: Any) -> dict[str, Any]:
    """RL Baselines3 Zoo's settings of A2C for CartPole around a rule's own numbers.

    There the squared error of the value is not halved: a value coefficient of 1 here is its 0.5. Its optimiser is RMSProp; Adam
    without momentum differs from it by correcting the bias of the first steps, and has a slope at a zero gradient.
    """
    settings = {
        "optimiser": {
            "clip_norm": {
                "max_norm": 0.5,
                "optimiser": {"adam": {"learning_rate": 7e-4, "beta1": 0.0, "beta2": 0.99, "eps": 1e-5}},
            }
        },
        "environments": 8,
        "entropy_coefficient": 0.0,
    }
    return {"rule": {rule: settings | own}, "network": {"mlp": {"hidden": [64, 64], "activation": "tanh"}}}
