"""Plugin: networks."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_networks.cnn import CNN
    from discover_networks.mlp import MLP
    from discover_networks.recurrent import GRU, LSTM

    registry.add("cnn", CNN)
    registry.add("gru", GRU)
    registry.add("lstm", LSTM)
    registry.add("mlp", MLP)
