"""Plugin: tabular learning (TD(lambda), n-step TD, Sarsa, Q-learning), and the problems on which it is judged."""

from typing import Any

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_tabular.control import ExpectedSarsa, QLearning, Sarsa
    from discover_tabular.environments import Cliff, RandomWalk
    from discover_tabular.linear import Linear
    from discover_tabular.prediction import NStepTD, OfflineTD, TDLambda

    registry.add("linear", Linear)
    registry.add("td_lambda", TDLambda)
    registry.add("offline_td", OfflineTD)
    registry.add("n_step_td", NStepTD)
    registry.add("sarsa", Sarsa)
    registry.add("expected_sarsa", ExpectedSarsa)
    registry.add("q_learning", QLearning)
    registry.add("random_walk", RandomWalk)
    registry.add("cliff", Cliff)
    registry.add_task(
        "random_walk",
        "random_walk",
        summary="Leave a corridor of 19 states at its right end",
        random=0.0,
        reference=1.0,
        origin="random: exact, by symmetry; reference: optimum, always right",
        paper=RandomWalk.paper,
    )
    registry.add_task(
        "cliff",
        "cliff",
        summary="The shortest way along a cliff of 10 cells",
        random=-65375.130399,
        reference=-13.0,
        origin="random: exact, from the linear equations of its values; reference: optimum, along the edge",
        paper=Cliff.paper,
    )
    walking = {"step_size": 0.3, "gamma": 1.0, "lam": 0.8, "traces": "accumulating"}
    registry.add_recipe(
        "td_lambda", _table("td_lambda", **walking), summary="TD(lambda) for the random walk", paper=TDLambda.paper
    )
    for name, rule in {"sarsa": Sarsa, "expected_sarsa": ExpectedSarsa, "q_learning": QLearning}.items():
        registry.add_recipe(
            name,
            _table(name, step_size=0.5, gamma=1.0, epsilon=0.1),
            summary=f"{rule.__name__} with a table for the cliff of Sutton & Barto 2018, example 6.6; step size by S. Zhang",
            paper=rule.paper,
        )


def _table(rule: str, **settings: Any) -> dict[str, Any]:
    return {"rule": {rule: settings}, "network": "linear"}
