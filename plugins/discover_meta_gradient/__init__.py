"""Plugin: meta-gradients, which adapt numbers of a rule while it learns."""

from typing import Any

from discover import Registry, hookimpl

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
            {"a2c": _BATCHES | {"returns": {"gae": {"gamma": 0.99, "lam": 1.0}}, "entropy_coefficient": 0.0}},
            {"policy_improvement": {"returns": {"gae": {"gamma": 0.99, "lam": 1.0}}}},
            ["returns.gamma", "returns.lam"],
        ),
        summary="A2C whose gamma and lambda are adapted by their meta-gradient; optimiser and network are those of recipe a2c",
        paper=MetaGradient.paper,
    )
    shares = ["policy_share", "value_share", "entropy_share"]
    registry.add_recipe(
        "stac",
        _candidate(
            {"self_tuning": _BATCHES | {"returns": {"leaky_v_trace": _ON_POLICY}, "entropy_coefficient": 0.01, "lag": 1}},
            {
                "actor_critic_loss": {
                    "returns": {"leaky_v_trace": _ON_POLICY},
                    "value_coefficient": 0.5,
                    "entropy_coefficient": 0.01,
                    "kl_coefficient": 1.0,
                }
            },
            ["returns.gamma", "returns.lam", "returns.alpha_rho", "returns.alpha_c", *shares],
            derivative="reverse",
        ),
        summary="IMPALA that tunes all seven numbers of its loss and return, as STACX without its auxiliary heads",
        paper=ActorCriticLoss.paper,
    )


def _candidate(rule: Any, held_out: Any, adapt: list[str], **more: Any) -> dict[str, Any]:
    settings = {"rule": rule, "held_out": held_out, "optimiser": {"adam": {"learning_rate": 1e-3}}, "adapt": adapt}
    return {"rule": {"meta_gradient": settings | more}, "network": {"mlp": {"hidden": [64, 64], "activation": "tanh"}}}


_BATCHES = {"optimiser": _RMSPROP, "steps": 20, "environments": 8, "value_coefficient": 0.5}
_ON_POLICY = {"gamma": 0.99, "lam": 1.0, "rho_bar": 1.0, "c_bar": 1.0, "alpha_rho": 1.0, "alpha_c": 1.0}
