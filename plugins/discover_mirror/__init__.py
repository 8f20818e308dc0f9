"""Plugin: mirror learning (PPO, DPO, LPO)."""

from typing import Any

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_mirror.dpo import DPO
    from discover_mirror.lpo import LPO, ResidualLPO
    from discover_mirror.ppo import PPO

    registry.add("ppo", PPO)
    registry.add("dpo", DPO)
    registry.add("lpo", LPO)
    registry.add("residual_lpo", ResidualLPO)
    registry.add_recipe(
        "ppo", _candidate("ppo", clip=0.2), summary="PPO with the settings of PureJaxRL for CartPole", paper=PPO.paper
    )
    registry.add_recipe(
        "ppo_gru",
        _candidate("ppo", clip=0.2) | {"network": {"gru": {"encoder": [128], "memory": 128, "hidden": [128]}}},
        summary="PPO with a memory, sizes as in PureJaxRL, all else as in the recipe ppo",
        paper=PPO.paper,
    )
    registry.add_recipe(
        "ppo_minatar",
        _minatar(),
        summary="PPO with the settings of PureJaxRL for MinAtar",
        paper=PPO.paper,
    )
    registry.add_recipe(
        "ppo_pendulum",
        _pendulum(),
        summary="PPO with the settings of RL Baselines3 Zoo for Pendulum, but plain Gaussian noise",
        paper=PPO.paper,
    )
    registry.add_recipe(
        "dpo",
        _candidate("dpo", alpha=2.0, beta=0.6),
        summary="DPO's published drift, all else as in the recipe ppo",
        paper=DPO.paper,
    )
    registry.add_recipe(
        "lpo",
        _candidate("lpo", drift_weights="free"),
        summary="A space: LPO's drift network is open, all else as in the recipe ppo",
        paper=LPO.paper,
    )
    registry.add_recipe(
        "residual_lpo",
        _candidate("residual_lpo", drift_weights="free", clip=0.2),
        summary="A space: a drift network on top of PPO's drift is open, all else as in the recipe ppo",
        paper=ResidualLPO.paper,
    )


def _candidate(rule: str, **own: Any) -> dict[str, Any]:
    """A candidate with PureJaxRL's settings of PPO for CartPole around a rule's own numbers."""
    settings = {
        "returns": {"gae": {"gamma": 0.99, "lam": 0.95}},
        "optimiser": {
            "clip_norm": {"max_norm": 0.5, "optimiser": {"adam": {"learning_rate": 2.5e-4, "eps": 1e-5, "anneal": 1.0}}}
        },
        "steps": 128,
        "environments": 4,
        "epochs": 4,
        "minibatches": 4,
        "entropy_coefficient": 0.01,
        "value_coefficient": 0.5,
        "value_clip": 0.2,
    }
    return {"rule": {rule: settings | own}, "network": {"mlp": {"hidden": [64, 64], "activation": "tanh"}}}


def _minatar() -> dict[str, Any]:
    """PureJaxRL's settings of PPO for MinAtar (its notebook brax_minatar)."""
    adam = {"learning_rate": 5e-3, "eps": 1e-5, "anneal": 1.0}
    own = {
        "environments": 64,
        "minibatches": 8,
        "optimiser": {"clip_norm": {"max_norm": 0.5, "optimiser": {"adam": adam}}},
    }
    return _candidate("ppo", clip=0.2, **own) | {"network": {"mlp": {"hidden": [64, 64], "activation": "relu"}}}


def _pendulum() -> dict[str, Any]:
    """4 environments x 1024 steps, minibatches of 64, ten epochs, values as good as not clipped.

    There the squared error is not halved, hence the value coefficient of 1 for its 0.5.
    """
    adam = {"adam": {"learning_rate": 1e-3, "eps": 1e-5}}
    settings = {
        "returns": {"gae": {"gamma": 0.9, "lam": 0.95}},
        "optimiser": {"clip_norm": {"max_norm": 0.5, "optimiser": adam}},
        "steps": 1024,
        "environments": 4,
        "epochs": 10,
        "minibatches": 64,
        "entropy_coefficient": 0.0,
        "value_coefficient": 1.0,
        "value_clip": 1000.0,
        "clip": 0.2,
    }
    return {"rule": {"ppo": settings}, "network": {"mlp": {"hidden": [64, 64], "activation": "tanh"}}}
