"""Plugin: meta-gradients, which adapt numbers of a rule while it learns."""

from typing import Any

from discover import Registry, hookimpl

_SMALL = {"mlp": {"hidden": [64, 64], "activation": "tanh"}}
_RMSPROP = {
    "clip_norm": {
        "max_norm": 0.5,
        "optimiser": {"adam": {"learning_rate": 7e-4, "beta1": 0.0, "beta2": 0.99, "eps": 1e-5}},
    }
}


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_meta_gradient.derivatives import Forward, Reverse
    from discover_meta_gradient.held_out import ActorCriticLoss, PolicyImprovement, PredictionError
    from discover_meta_gradient.meta_gradient import MetaGradient

    registry.add("meta_gradient", MetaGradient)
    registry.add("forward", Forward)
    registry.add("reverse", Reverse)
    registry.add("actor_critic_loss", ActorCriticLoss)
    registry.add("policy_improvement", PolicyImprovement)
    registry.add("prediction_error", PredictionError)
    registry.add_recipe(
        "meta_gradient",
        _candidate(
            {"a2c": _A2C | {"returns": {"gae": {"gamma": 0.99, "lam": 1.0}}}},
            {"policy_improvement": {"returns": {"gae": {"gamma": 0.99, "lam": 1.0}}}},
            ["returns.gamma", "returns.lam"],
        ),
        summary="A2C whose gamma and lambda are adapted by their meta-gradient; the rest is that of the recipe a2c",
        paper=MetaGradient.paper,
    )


def _candidate(rule: Any, held_out: Any, adapt: list[str]) -> dict[str, Any]:
    wrapper = {"rule": rule, "held_out": held_out, "optimiser": {"adam": {"learning_rate": 1e-3}}, "adapt": adapt}
    return {"rule": {"meta_gradient": wrapper}, "network": _SMALL}


_A2C = {"optimiser": _RMSPROP, "steps": 20, "environments": 8, "entropy_coefficient": 0.0, "value_coefficient": 0.5}
