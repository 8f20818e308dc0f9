"""Plugin: strategies that know the space: random search, and a genetic algorithm with typed operators."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_strategies.genetic import Genetic
    from discover_strategies.random_search import RandomSearch

    registry.add("genetic", Genetic)
    registry.add("random_search", RandomSearch)
