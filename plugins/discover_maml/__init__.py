"""Plugin: MAML, the policy gradient that it adapts with, and ProMP."""

from typing import Any

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_maml.maml import MAML
    from discover_maml.policy_gradient import PolicyGradient
    from discover_maml.promp import ProMP

    registry.add("maml", MAML)
    registry.add("policy_gradient", PolicyGradient)
    registry.add("promp", ProMP)
    registry.add_recipe(
        "maml",
        _candidate({"trpo": {"returns": _ADVANTAGE, "radius": 0.01, "damping": 1e-5}}, 0.5, 0.0, [100, 100], "relu"),
        summary="MAML with TRPO outside, with the settings of its authors' code for 2-D navigation",
        paper=MAML.paper,
    )
    outer = {"returns": _ADVANTAGE, "optimiser": {"adam": {"learning_rate": 1e-3}}, "epochs": 5, "clip": 0.3}
    registry.add_recipe(
        "promp",
        _candidate({"promp": outer}, 0.1, 5e-4, [64, 64], "tanh"),
        summary="ProMP with the settings of its authors' code, but its first policy is ten times as noisy as there",
        paper=ProMP.paper,
    )


_ADVANTAGE = {"gae": {"gamma": 0.99, "lam": 1.0}}


def _candidate(outer: dict[str, Any], inner_rate: float, inner_kl: float, hidden: list[int], activation: str) -> dict[str, Any]:
    inner = {"policy_gradient": {"returns": _ADVANTAGE, "optimiser": {"sgd": {"learning_rate": inner_rate}}}}
    sizes = {"tasks": 40, "environments": 20, "steps": 100}
    return {
        "rule": {"maml": {"inner": _fitted(inner), "outer": _fitted(outer), "inner_kl": inner_kl, **sizes}},
        "network": {"mlp": {"hidden": hidden, "activation": activation}},
    }


def _fitted(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule with the baseline that both papers fit to each task's batch."""
    return {"linear_baseline": {"rule": rule, "returns": {"monte_carlo": {"gamma": 0.99}}}}
