"""Does PEARL with small networks find goals that training did not use, by posterior sampling?

    python experiments/pearl_point.py                          # rows of pearl_point.md, both tasks
    python experiments/pearl_point.py --task half-circle       # one task
    python experiments/pearl_point.py --set rule.kl=0.1        # another number in the recipe
    python experiments/pearl_point.py --seeds 1 --json         # one JSON object: {task: {how: [seed][k] return}}

The recipe ``pearl`` on 80 tasks: the sparse half-circle, whose shaped reward SAC learns from, and the dense point robot. Then
goals that training did not use: the angles of the half-circle that were not drawn, or 40 new goals. There the agent adapts
after each trajectory of 20 steps. A figure is the undiscounted return of the trajectory after k others: the mean over goals, on
each of which it adapts four times. It acts as in training, or greedily; then the trajectories that it adapts to are others.
"""

import argparse
import json
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from discover import (
    Adaptation,
    Algorithm,
    Lifetime,
    Task,
    environment,
    evaluate_adaptation,
    recipe,
    replace,
    trained_agent,
)

ENV_STEPS = {"half-circle": 450_000, "point": 150_000}
HORIZON, STEPS, REPEATS, GOALS = 20, 10, 4, 40
ANGLES = np.pi * np.arange(100) / 99


def candidate(changes: list[str]) -> Algorithm:
    """The recipe, with other numbers: ``PATH=NUMBER`` each."""
    pairs = [change.split("=", 1) for change in changes]
    return replace(recipe("pearl"), {path: float(number) for path, number in pairs})


def train(algorithm: Algorithm, task: str, env_steps: int, key: jax.Array) -> Lifetime:
    """The agent after training."""
    return jax.block_until_ready(trained_agent(algorithm, environment(f"navigation-{task}"), key, env_steps))


def goals(task: str, agent: Lifetime, key: jax.Array) -> Task:
    """Goals ``[N, 2]`` that training did not use."""
    if task == "point":
        return jax.vmap(environment("navigation-point").sample_task)(jax.random.split(key, GOALS))
    every = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=-1)
    distances = np.linalg.norm(every[:, None] - np.asarray(agent.rule_state.tasks)[None], axis=-1)
    return jnp.asarray(every[distances.min(axis=1) > 0.01], jnp.float32)


def adapted(algorithm: Algorithm, task: str, agent: Lifetime, *, key: jax.Array, greedy: bool) -> Adaptation:
    """Returns after each number of trajectories on goals that training did not use."""
    key_goals, key_act = jax.random.split(key)
    tasks = goals(task, agent, key_goals)
    several = jnp.tile(tasks, (REPEATS, 1))
    family = environment(f"navigation-{task}")
    settings: dict[str, Any] = {"episodes": 1, "horizon": HORIZON, "steps": STEPS, "greedy": greedy}
    adaptation = evaluate_adaptation(algorithm, family, agent, several, key=key_act, **settings)
    return Adaptation(adaptation.returns.reshape(1 + STEPS, REPEATS, len(tasks)).mean(axis=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=tuple(ENV_STEPS), help="one of both")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object alone")
    parser.add_argument("--env-steps", type=int, help="of training, in place of those of each task")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=NUMBER", help="another number in the recipe")
    arguments = parser.parse_args()
    algorithm = candidate(arguments.set)
    returns: dict[str, dict[str, list[list[float]]]] = {}
    for task in (arguments.task,) if arguments.task else tuple(ENV_STEPS):
        for seed in range(arguments.seeds):
            key_train, key_test = jax.random.split(jax.random.key(seed))
            started = time.perf_counter()
            agent = train(algorithm, task, arguments.env_steps or ENV_STEPS[task], key_train)
            minutes = (time.perf_counter() - started) / 60
            for how, greedy in {"as in training": False, "greedy": True}.items():
                adaptation = adapted(algorithm, task, agent, key=key_test, greedy=greedy)
                returns.setdefault(task, {}).setdefault(how, []).append(adaptation.returns.mean(axis=1).tolist())
                if not arguments.json:
                    cells = [f"{row.estimate:.2f} [{row.low:.2f}, {row.high:.2f}]" for row in adaptation.intervals()]
                    print(f"| {task}, seed {seed}, {how} ({minutes:.1f} min) | {' | '.join(cells)} |", flush=True)
    if arguments.json:
        print(json.dumps(returns))


if __name__ == "__main__":
    main()
