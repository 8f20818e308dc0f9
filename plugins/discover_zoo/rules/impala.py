"""Actors that lag behind the learner, corrected by V-trace."""

from discover import Registry, component, hookimpl
from discover_zoo.rules.lagging_actors import LaggingActorCritic
from discover_zoo.rules.recipes import RECIPES


@component
class IMPALA(LaggingActorCritic):
    """IMPALA (Espeholt et al. 2018): actors use parameters of ``lag`` updates ago, the return function corrects for it.

    `VTrace` makes it IMPALA; a return function that ignores the ratios shows what the correction is worth.

    Attributes:
        lag: in updates; 0 acts with the newest parameters.
    """

    paper = "Espeholt et al. 2018, arXiv 1802.01561"


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("impala", IMPALA)
    registry.add_recipe(
        "impala",
        RECIPES / "impala.yaml",
        summary="IMPALA with actors one update behind; the optimizer is that of the recipe a2c",
        paper=IMPALA.paper,
    )
