"""Plugin: meta-gradients, which adapt numbers of a rule while it learns (Xu et al. 2018, arXiv 1805.09801).

`meta_gradient` holds the rule, `derivatives` the derivative of the parameters with respect to the adapted numbers, `held_out`
the losses by which the parameters are judged.
"""

from discover import Registry, hookimpl
from discover_zoo.rules.recipes import RECIPES


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_zoo.rules.meta_gradient.derivatives import Forward, Reverse
    from discover_zoo.rules.meta_gradient.held_out import ActorCriticLoss, PolicyImprovement, PredictionError
    from discover_zoo.rules.meta_gradient.meta_gradient import MetaGradient

    registry.add("meta_gradient", MetaGradient)
    registry.add("forward", Forward)
    registry.add("reverse", Reverse)
    registry.add("actor_critic_loss", ActorCriticLoss)
    registry.add("policy_improvement", PolicyImprovement)
    registry.add("prediction_error", PredictionError)
    registry.add_recipe(
        "meta_gradient",
        RECIPES / "meta_gradient.yaml",
        summary="A2C whose gamma and lambda are adapted by their meta-gradient; optimizer and network are those of recipe a2c",
        paper=MetaGradient.paper,
    )
    registry.add_recipe(
        "stac",
        RECIPES / "stac.yaml",
        summary="IMPALA that tunes all seven numbers of its loss and return, as STACX without its auxiliary heads",
        paper=ActorCriticLoss.paper,
    )
