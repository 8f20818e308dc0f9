"""Plugin: networks that grow while the agent learns.

`growing_network` holds the curriculum, `net2wider` and `net2deeper` its two ways of growing, `growing_perceptron` the network
that grows, and `units` the copies of its units.
"""

from pathlib import Path

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_zoo.curricula.growing_network.growing_network import GrowingNetwork
    from discover_zoo.curricula.growing_network.net2deeper import Net2Deeper
    from discover_zoo.curricula.growing_network.net2wider import Net2Wider

    registry.add("growing_network", GrowingNetwork)
    registry.add("net2wider", Net2Wider)
    registry.add("net2deeper", Net2Deeper)
    registry.add_recipe(
        "ppo_growing",
        Path(__file__).parent / "ppo_growing.yaml",
        summary="PPO as in the recipe ppo, but rectified, with a network that grows to that size, and by a layer",
        paper=GrowingNetwork.paper,
    )
