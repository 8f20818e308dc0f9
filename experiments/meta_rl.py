"""How do eight systems of meta-reinforcement learning adapt to new goals, and what does their training take?

    python experiments/meta_rl.py                                    # rows of meta_rl.md: both tasks, all systems, three seeds
    python experiments/meta_rl.py --task square --system pearl       # one of them
    python experiments/meta_rl.py --task square --system pearl --env-steps 50000
    python experiments/meta_rl.py --task square --system mql --goals 10 --parts 4 16    # which adapts slowly
    python experiments/meta_rl.py --json                             # a JSON object per line: returns of each seed

Each system is trained on a family, and then meets 40 goals (or ``--goals``) that are drawn anew. A figure is the undiscounted
return of an episode after 0, 1, 2 and 3 episodes of adaptation, when a sixteenth, an eighth, a quarter, half and all of the
training is over (or ``--parts``): the mean over seeds and goals, with its 95 % interval over seeds, each of which has goals of
its own. Systems that adapt by gradients are measured with 20 episodes for each step too, as they were trained; their second and
third steps of parameters are half as long as the first, as in the protocol of MAML's authors.
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

from discover import (
    Algorithm,
    Environment,
    Interval,
    Lifetime,
    Work,
    adapt,
    bootstrap_interval,
    environment,
    evaluate_adaptation,
    recipe,
    replace,
    run_population,
    seed_keys,
)

STEPS = 3
SMALL = MLP(hidden=(64, 64), activation="tanh")
INNER, OUTER = "rule.inner.rule.optimizer.learning_rate", "rule.outer.rule"


GOALS, PARTS = 40, (1, 2, 4, 8, 16)


class Task(NamedTuple):
    """A family and what is done on it.

    Attributes:
        name: of the family.
        horizon: of an episode.
        rate: the step size of gradient steps.
        env_steps: that each system trains for.
        goals: how many new ones trained agents meet.
        parts: of the training, in sixteenths, after which they do.
    """

    name: str
    horizon: int
    rate: float
    env_steps: dict[str, int]
    goals: int = GOALS
    parts: tuple[int, ...] = PARTS


TASKS = {
    "square": Task(
        "navigation-square",
        100,
        0.5,
        {
            "maml": 4_800_000,
            "promp": 8_000_000,
            "mmaml": 6_000_000,
            "maesn": 6_000_000,
            "gmps": 1_600_000,
            "rl2": 4_000_000,
            "pearl": 100_000,
            "mql": 50_000,
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
            "maesn": 14_400_000,
            "gmps": 800_000,
            "rl2": 8_000_000,
            "pearl": 300_000,
            "mql": 80_000,
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
    return replace(recipe("gmps"), {INNER: task.rate, "rule.steps": task.horizon})


def rl2(task: Task) -> Algorithm:
    """PPO in trials of four episodes, with the memory of trials of 100 steps."""
    steps = (1 + STEPS) * task.horizon
    changes = {"rule.steps": steps, "rule.num_envs": 25_600 // steps, "wrappers": (Trials(episodes=1 + STEPS),)}
    return replace(recipe("rl2_100"), changes)


def pearl(task: Task) -> Algorithm:
    """With as many gradient steps for an env step as the recipe, whatever the length of an episode."""
    return replace(recipe("pearl"), {"rule.steps": task.horizon, "rule.rounds": 2 * task.horizon})


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

HALVED = ("maml", "promp", "mmaml", "gmps")
BY_GRADIENTS = (*HALVED, "maesn")
BATCH = 20


def candidate(system: str, task: Task) -> Algorithm:
    """The system for a task, which learns from the shaped reward in training, if the task has one."""
    algorithm = SYSTEMS[system](task)
    if system == "rl2":
        return replace(algorithm, {"rule": ShapedReward(rule=algorithm.rule)})
    if system in BY_GRADIENTS:
        return replace(algorithm, {"rule.shaped": "outer"})
    return algorithm  # the others do it by themselves


class Stage(NamedTuple):
    """What S agents do after a part of their training.

    Attributes:
        env_steps: of each training so far.
        minutes: of all trainings so far.
        returns: ``[S, N, 1 + STEPS]`` for each way to measure.
    """

    env_steps: int
    minutes: float
    returns: dict[str, np.ndarray]


def by_trials(algorithm: Algorithm, task: Task, env_steps: int, seeds: int) -> list[Stage]:
    """The episodes of a trial, for a system that adapts by its memory alone."""
    horizon = (1 + STEPS) * task.horizon
    result = adapt(
        {"rl2": algorithm}, task.name, episodes=STEPS, meta_steps=env_steps, seeds=seeds, tasks=task.goals, horizon=horizon
    )
    one = result.candidates["rl2"]
    return [Stage(one.env_steps // seeds, one.seconds / 60, {"as in training": one.returns})]


def by_adaptation(algorithm: Algorithm, task: Task, env_steps: int, *, seeds: int, system: str) -> list[Stage]:
    """Each episode is followed by a step of adaptation; for systems that adapt by gradients, 20 of them too."""
    family, keys = environment(task.name), seed_keys(0, "meta_rl", seeds)
    candidates = jax.tree.map(lambda x: np.asarray(x)[None], algorithm)
    rollout = algorithm.rule.rollout(algorithm.family(family).spec())
    total = env_steps // (rollout.steps * rollout.num_envs)
    agents, stages, spent, start = None, list[Stage](), 0.0, 0
    for stop in sorted({max(1, total * share // 16) for share in task.parts}):
        started = time.perf_counter()
        work = Work(family, candidates, keys, start=start, stop=stop, total=total, ongoing=agents, keep=True)
        agents = run_population(work, chunk=seeds).lifetimes
        spent, start = spent + time.perf_counter() - started, stop
        each = [jax.tree.map(lambda x, seed=seed: x[0, seed], agents) for seed in range(seeds)]
        found = [
            returns_of(algorithm, family, agent, task, key=key, system=system) for agent, key in zip(each, keys, strict=True)
        ]
        returns = {how: np.stack([one[how] for one in found]) for how in found[0]}
        stages.append(Stage(int(agents.env_steps[0, 0]), spent / 60, returns))
    return stages


def returns_of(
    algorithm: Algorithm, family: Environment, agent: Lifetime, task: Task, *, key: jax.Array, system: str
) -> dict[str, np.ndarray]:
    """Returns ``[N, 1 + STEPS]`` of one agent on its own new goals, for each way to measure."""
    key_goals, key_act = jax.random.split(jax.random.fold_in(key, 1))
    goals, returns = jax.vmap(family.sample_task)(jax.random.split(key_goals, task.goals)), {}
    later = replace(algorithm, {INNER: task.rate / 2}) if system in HALVED else None
    for greedy in (False, True):
        for episodes in (1, BATCH) if system in BY_GRADIENTS else (1,):
            plan: dict[str, Any] = {"episodes": episodes, "horizon": task.horizon, "steps": STEPS, "later": later}
            how = ("greedy" if greedy else "as in training") + (f", {episodes} episodes a step" if episodes > 1 else "")
            returns[how] = evaluate_adaptation(algorithm, family, agent, goals, key=key_act, greedy=greedy, **plan).returns.T
    return returns


def measured(system: str, task: Task, env_steps: int, seeds: int) -> list[Stage]:
    """Train a system, and measure its adaptation after parts of its training."""
    algorithm = candidate(system, task)
    if system == "rl2":
        return by_trials(algorithm, task, env_steps, seeds)
    return by_adaptation(algorithm, task, env_steps, seeds=seeds, system=system)


def rows(task: str, system: str, stages: list[Stage]) -> list[str]:
    """A row for each way to measure after the whole training, and one each for its parts."""
    made = []
    for how in stages[-1].returns:
        for stage in stages[::-1]:
            seeds = len(stage.returns[how])
            cells = [f"{each.estimate:.2f} [{each.low:.2f}, {each.high:.2f}]" for each in intervals(stage.returns[how])]
            spent = f"{stage.env_steps:,} | {stage.minutes / seeds:.1f}"
            made.append(f"| {task} | {system} | {how} | {' | '.join(cells)} | {spent} |")
    return made


def intervals(returns: np.ndarray) -> list[Interval]:
    """The mean over seeds and goals for each number of steps, with its 95 % bootstrap interval over the means of seeds."""
    return [bootstrap_interval(means, np.mean) for means in returns.mean(axis=1).T]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=tuple(TASKS), help="one of both")
    parser.add_argument("--system", choices=tuple(SYSTEMS), help="one of eight")
    parser.add_argument("--env-steps", type=int, help="of each training, in place of those of the table")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--goals", type=int, default=GOALS, help="that trained agents meet")
    parser.add_argument("--parts", type=int, nargs="+", default=PARTS, help="sixteenths of the training, then they do")
    parser.add_argument("--json", action="store_true", help="print JSON objects alone")
    given = parser.parse_args()
    for name in (given.task,) if given.task else tuple(TASKS):
        for system in (given.system,) if given.system else tuple(SYSTEMS):
            task = TASKS[name]._replace(goals=given.goals, parts=tuple(given.parts))
            stages = measured(system, task, given.env_steps or task.env_steps[system], given.seeds)
            if not given.json:
                print("\n".join(rows(name, system, stages)), flush=True)
                continue
            for stage in stages:
                returns = {how: each.mean(axis=1).tolist() for how, each in stage.returns.items()}
                print(json.dumps({"task": name, "system": system, **stage._asdict(), "returns": returns}), flush=True)


if __name__ == "__main__":
    main()
