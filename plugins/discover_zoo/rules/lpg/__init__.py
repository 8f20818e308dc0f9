"""Plugin: learned policy gradient, a rule that is a network (Oh et al. 2020, arXiv 2007.08794).

`lpg` holds the rule, `meta_network` what it asks of a network that gives targets, `backward_network` the published one,
`cells` its memory, and `targets_figure` draws what a network has learned.
"""

from discover import Registry, hookimpl
from discover_zoo.rules.recipes import RECIPES


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_zoo.rules.lpg.backward_network import BackwardNetwork
    from discover_zoo.rules.lpg.lpg import LPG

    registry.add("lpg", LPG)
    registry.add("backward_network", BackwardNetwork)
    registry.add_recipe(
        "lpg",
        RECIPES / "lpg.yaml",
        summary="A space: the weights of LPG's network are open; sizes of the publication, agents for small random grids",
        paper=LPG.paper,
    )
    registry.add_recipe(
        "ta_lpg",
        RECIPES / "ta_lpg.yaml",
        summary="A space: LPG whose network sees how far the lifetime is, and how long; sizes of its authors' code",
        paper=BackwardNetwork.paper,
    )
