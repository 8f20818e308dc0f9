"""Does Meta-Q-Learning with small networks reach goals that training did not use, before and after it adapts?

    python experiments/mql_point.py                        # rows of mql_point.md
    python experiments/mql_point.py --set rule.clip=2      # another number in the recipe
    python experiments/mql_point.py --seeds 1 --json       # one JSON object: {"point": [seed][before, after] return}

The recipe ``mql`` on the dense point robot, then 40 goals that training did not use. On each, the agent acts for 10
trajectories of 20 steps, which its memory begins without any knowledge; then it adapts to what they brought, and acts for 10
others. A figure is the undiscounted return of a trajectory without exploration: the mean over goals.
"""

import argparse
import json
import time

import jax

from discover import Adaptation, Algorithm, Lifetime, environment, evaluate_adaptation, recipe, replace, trained_agent

TASK = environment("navigation-point")
ENV_STEPS, EPISODES, HORIZON, GOALS = 100_000, 10, 20, 40


def candidate(changes: list[str]) -> Algorithm:
    """The recipe, with other numbers: ``PATH=NUMBER`` each."""
    pairs = [change.split("=", 1) for change in changes]
    return replace(recipe("mql"), {path: json.loads(number) for path, number in pairs})


def train(algorithm: Algorithm, env_steps: int, key: jax.Array) -> Lifetime:
    """The agent after training."""
    return jax.block_until_ready(trained_agent(algorithm, TASK, key, env_steps))


def adapted(algorithm: Algorithm, agent: Lifetime, key: jax.Array) -> Adaptation:
    """Returns before and after adaptation, on goals that training did not use."""
    key_goals, key_act = jax.random.split(key)
    goals = jax.vmap(TASK.sample_task)(jax.random.split(key_goals, GOALS))
    settings = {"episodes": EPISODES, "horizon": HORIZON, "steps": 1, "greedy": True}
    return evaluate_adaptation(algorithm, TASK, agent, goals, key=key_act, **settings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object alone")
    parser.add_argument("--env-steps", type=int, default=ENV_STEPS, help="of training")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=NUMBER", help="another number in the recipe")
    arguments = parser.parse_args()
    algorithm = candidate(arguments.set)
    returns: list[list[float]] = []
    for seed in range(arguments.seeds):
        key_train, key_test = jax.random.split(jax.random.key(seed))
        started = time.perf_counter()
        agent = train(algorithm, arguments.env_steps, key_train)
        minutes = (time.perf_counter() - started) / 60
        adaptation = adapted(algorithm, agent, key_test)
        returns.append(adaptation.returns.mean(axis=1).tolist())
        if not arguments.json:
            cells = [f"{row.estimate:.2f} [{row.low:.2f}, {row.high:.2f}]" for row in adaptation.intervals()]
            print(f"| seed {seed} ({minutes:.1f} min) | {' | '.join(cells)} |", flush=True)
    if arguments.json:
        print(json.dumps({"point": returns}))


if __name__ == "__main__":
    main()
