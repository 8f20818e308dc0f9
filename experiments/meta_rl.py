"""How do eight systems of meta-reinforcement learning adapt to new goals, and what does their training take?

    python experiments/meta_rl.py                                    # rows of meta_rl.md: both tasks, all systems, three seeds
    python experiments/meta_rl.py --task square --system pearl       # one of them
    python experiments/meta_rl.py --task square --system pearl --env-steps 50000
    python experiments/meta_rl.py --seeds 1 --json                   # one JSON object per line

Each system is trained on a family, and then meets 40 goals that are drawn anew. A figure is the undiscounted return of an
episode after 0, 1, 2 and 3 episodes of adaptation: the mean over seeds and goals, with its 95 % interval over seeds, each of
which has goals of its own. Systems that adapt by gradients are measured with 20 episodes for each step too, as
they were trained.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from discover_zoo.networks.mlp import MLP
from discover_zoo.rules.shaped_reward import ShapedReward
from discover_zoo.wrappers.trials.trials import Trials

from discover import Algorithm, CandidateAdaptation, adapt, environment, evaluate_adaptation, recipe, replace, trained_agent

GOALS, STEPS = 40, 3
SMALL = MLP(hidden=(64, 64), activation="tanh")
INNER, OUTER = "rule.inner.rule.optimizer.learning_rate", "rule.outer.rule"


class Task(NamedTuple):
    """A family, with its horizon, the step size of gradient steps on it, and the env steps that each system trains for."""

    name: str
    horizon: int
    rate: float
    env_steps: dict[str, int]


TASKS = {
    "square": Task(
        "navigation-square",
        100,
        0.5,
        {
            "maml": 8_000_000,
            "promp": 8_000_000,
            "mmaml": 8_000_000,
            "maesn": 8_000_000,
            "gmps": 1_600_000,
            "rl2": 8_000_000,
            "pearl": 200_000,
            "mql": 200_000,
        },
    ),
    "half-circle": Task(
        "navigation-half-circle",
        20,
        0.1,
        {
            "maml": 3_200_000,
            "promp": 3_200_000,
            "mmaml": 4_800_000,
            "maesn": 9_600_000,
            "gmps": 800_000,
            "rl2": 8_000_000,
            "pearl": 450_000,
            "mql": 200_000,
        },
    ),
}


def maml(task: Task) -> Algorithm:
    """With TRPO outside."""
    return replace(recipe("maml"), {INNER: task.rate, "rule.tasks": 20, "rule.steps": task.horizon, "network": SMALL})


def promp(task: Task) -> Algorithm:
    """With a first step size outside of 0.002, twice that of the recipe."""
    changes = {INNER: task.rate, "rule.tasks": 20, "rule.steps": task.horizon, f"{OUTER}.optimizer.learning_rate": 2e-3}
    return replace(recipe("promp"), changes)


def mmaml(task: Task) -> Algorithm:
    """With the outer step size and the clipping of `promp`."""
    changes = {INNER: task.rate, "rule.tasks": 20, "rule.steps": task.horizon}
    return replace(recipe("mmaml"), {**changes, f"{OUTER}.optimizer.learning_rate": 2e-3, f"{OUTER}.clip": 0.3})


def maesn(task: Task) -> Algorithm:
    return replace(recipe("maesn"), {"rule.steps": task.horizon})


def gmps(task: Task) -> Algorithm:
    return replace(recipe("gmps"), {"rule.steps": task.horizon})


def rl2(task: Task) -> Algorithm:
    """PPO in trials of four episodes, with the memory of trials of 100 steps."""
    steps = (1 + STEPS) * task.horizon
    changes = {"rule.steps": steps, "rule.num_envs": 25_600 // steps, "wrappers": (Trials(episodes=1 + STEPS),)}
    return replace(recipe("rl2_100"), changes)


def pearl(task: Task) -> Algorithm:
    return replace(recipe("pearl"), {"rule.steps": task.horizon})


def mql(task: Task) -> Algorithm:
    return replace(recipe("mql"), {"rule.steps": task.horizon})


SYSTEMS: dict[str, Callable[[Task], Algorithm]] = {
    "maml": maml,
    "promp": promp,
    "rl2": rl2,
    "pearl": pearl,
    "maesn": maesn,
    "mql": mql,
    "mmaml": mmaml,
    "gmps": gmps,
}

BY_GRADIENTS = ("maml", "promp", "maesn", "mmaml", "gmps")
BATCH = 20


def candidate(system: str, task: Task) -> Algorithm:
    """The system for a task, which learns from the shaped reward in training, if the task has one."""
    algorithm = SYSTEMS[system](task)
    if system == "rl2":
        return replace(algorithm, {"rule": ShapedReward(rule=algorithm.rule)})
    if system in BY_GRADIENTS:
        return replace(algorithm, {"rule.shaped": "outer"})
    return algorithm  # the others do it by themselves


class Measured(NamedTuple):
    """Returns ``[S, N, 1 + STEPS]`` for each way to measure, the env steps of all trainings, and their minutes."""

    returns: dict[str, np.ndarray]
    env_steps: int
    minutes: float


def by_trials(algorithm: Algorithm, task: Task, env_steps: int, seeds: int) -> Measured:
    """The episodes of a trial, for a system that adapts by its memory alone."""
    horizon = (1 + STEPS) * task.horizon
    result = adapt(
        {"rl2": algorithm}, task.name, episodes=STEPS, meta_steps=env_steps, seeds=seeds, tasks=GOALS, horizon=horizon
    )
    one = result.candidates["rl2"]
    return Measured({"as in training": one.returns}, one.env_steps, one.seconds / 60)


def by_adaptation(algorithm: Algorithm, task: Task, env_steps: int, *, seeds: int, several: bool) -> Measured:
    """Each episode is followed by a step of adaptation; if ``several``, 20 of them too."""
    family, returns, spent = environment(task.name), dict[str, list[np.ndarray]](), 0.0
    for seed in range(seeds):
        key_train, key_goals, key_act = jax.random.split(jax.random.key(seed), 3)
        started = time.perf_counter()
        agent = jax.block_until_ready(trained_agent(algorithm, family, key_train, env_steps))
        spent += time.perf_counter() - started
        goals = jax.vmap(family.sample_task)(jax.random.split(key_goals, GOALS))
        for greedy in (False, True):
            for episodes in (1, BATCH) if several else (1,):
                plan: dict[str, Any] = {"episodes": episodes, "horizon": task.horizon, "steps": STEPS, "greedy": greedy}
                found = evaluate_adaptation(algorithm, family, agent, goals, key_act, **plan).returns
                how = "greedy" if greedy else "as in training"
                returns.setdefault(how if episodes == 1 else f"{how}, {episodes} episodes a step", []).append(found.T)
    return Measured({how: np.stack(each) for how, each in returns.items()}, int(agent.env_steps) * seeds, spent / 60)


def measured(system: str, task: Task, env_steps: int, seeds: int) -> Measured:
    """Train a system, and measure its adaptation."""
    algorithm = candidate(system, task)
    if system == "rl2":
        return by_trials(algorithm, task, env_steps, seeds)
    return by_adaptation(algorithm, task, env_steps, seeds=seeds, several=system in BY_GRADIENTS)


def rows(system: str, found: Measured) -> list[str]:
    """A row of the table for each way to measure."""
    made = []
    for how, returns in found.returns.items():
        intervals = CandidateAdaptation(SYSTEMS, returns, found.env_steps, found.minutes * 60).intervals()  # type: ignore[arg-type]
        cells = [f"{each.estimate:.2f} [{each.low:.2f}, {each.high:.2f}]" for each in intervals]
        seeds = len(returns)
        spent = f"{found.env_steps // seeds:,} | {found.minutes / seeds:.1f}"
        made.append(f"| {system} | {how} | {' | '.join(cells)} | {spent} |")
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=tuple(TASKS), help="one of both")
    parser.add_argument("--system", choices=tuple(SYSTEMS), help="one of eight")
    parser.add_argument("--env-steps", type=int, help="of each training, in place of those of the table")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON objects alone")
    given = parser.parse_args()
    for name in (given.task,) if given.task else tuple(TASKS):
        for system in (given.system,) if given.system else tuple(SYSTEMS):
            task = TASKS[name]
            found = measured(system, task, given.env_steps or task.env_steps[system], given.seeds)
            if given.json:
                returns = {how: each.mean(axis=1).tolist() for how, each in found.returns.items()}
                print(json.dumps({"task": name, "system": system, "returns": returns, "minutes": found.minutes}), flush=True)
            else:
                print("\n".join(rows(system, found)), flush=True)


if __name__ == "__main__":
    main()
