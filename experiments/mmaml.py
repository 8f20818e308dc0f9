"""Does MMAML tell the modes of its tasks apart, and does it adapt better than ProMP with the same budget?

    python experiments/mmaml.py                                # rows and figure of mmaml.md
    python experiments/mmaml.py --seeds 1 --without promp --json    # one JSON object: what MMAML reaches

Meta-training on the momentum point with goals around four places; then tasks that training does not know of, 20 episodes per
step of adaptation. A figure is the undiscounted return after k steps: the mean over tasks. The probe is a linear one, by least
squares: from the modulation of each of 200 tasks to the place that its goal is near, and how many of 200 others it gets right.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from discover_zoo.networks.mlp import MLP
from discover_zoo.rules.maml import MAML
from discover_zoo.rules.mmaml import MMAML

from discover import (
    Adaptation,
    Algorithm,
    Lifetime,
    adaptation_figure,
    environment,
    evaluate_adaptation,
    recipe,
    replace,
    trained_agent,
)

FAMILY, ITERATIONS, STEPS, EPISODES, HORIZON = environment("navigation-momentum"), 100, 2, 20, 100
UNSEEN, PROBED = 40, 400
OUTER = "rule.outer.rule"
SETTINGS = {"rule.tasks": 20, "rule.num_envs": 8, f"{OUTER}.optimizer.learning_rate": 2e-3, f"{OUTER}.clip": 0.3}


class Run(NamedTuple):
    """What one agent does: returns before and after training, the shares that the probes get right, and the minutes."""

    before: Adaptation
    after: Adaptation
    probes: dict[str, float]
    minutes: float


def candidate(name: str) -> Algorithm:
    """The recipe ``mmaml`` in a smaller size and with larger steps; for ProMP, the same without what modulates."""
    algorithm = replace(recipe("mmaml"), SETTINGS)
    if name == "mmaml":
        return algorithm
    shared = ("inner", "outer", "tasks", "num_envs", "steps", "adaptations", "inner_kl")
    rule = MAML(**{field: getattr(algorithm.rule, field) for field in shared})
    return Algorithm(rule=rule, network=MLP(hidden=(64, 64), activation="tanh"))


def tasks(key: jax.Array, count: int) -> jax.Array:
    """Goals ``[count, 2]`` of the distribution."""
    return jax.vmap(FAMILY.sample_task)(jax.random.split(key, count))


def probes(algorithm: Algorithm, agent: Lifetime, key: jax.Array) -> dict[str, float]:
    """The share of tasks whose mode is found: from the modulation, and from the mean code that it is made of."""
    rule, world = algorithm.rule, algorithm.world(FAMILY, progress=1.0)
    assert isinstance(rule, MMAML)

    def seen(goal: jax.Array, key: jax.Array) -> dict[str, jax.Array]:
        acting, context = rule.behavior(agent.params, agent.rule_state)
        actor = world.start(key, jnp.broadcast_to(goal, (EPISODES, 2)))
        _, batch = world.collect(acting, actor, jax.random.fold_in(key, 1), HORIZON, context=context)
        networks = agent.rule_state.networks
        return {"modulation": rule.inferred(world, networks, batch), "code": rule.mean_code(world, networks, batch)}

    key_tasks, key_seen = jax.random.split(key)
    goals = tasks(key_tasks, PROBED)
    found = jax.jit(jax.vmap(seen))(goals, jax.random.split(key_seen, PROBED))
    modes = np.asarray(goals > 0) @ np.array([1, 2])
    return {name: probed(np.asarray(x, np.float64), modes) for name, x in found.items()}


def probed(x: np.ndarray, modes: np.ndarray) -> float:
    """The share of the second half ``[N / 2]`` that ridge regression on the first half's one-hot modes gets right."""
    half = len(x) // 2
    x = np.concatenate([(x - x[:half].mean(axis=0)) / (x[:half].std(axis=0) + 1e-8), np.ones((len(x), 1))], axis=1)
    gram = x[:half].T @ x[:half] + np.eye(x.shape[1])
    weights = np.linalg.solve(gram, x[:half].T @ np.eye(4)[modes[:half]])
    return float(np.mean(np.argmax(x[half:] @ weights, axis=1) == modes[half:]))


def run(name: str, seed: int) -> Run:
    algorithm = candidate(name)
    key_train, key_test, key_tasks, key_probe = jax.random.split(jax.random.key(seed), 4)
    goals = tasks(key_tasks, UNSEEN)
    settings: dict[str, Any] = {"episodes": EPISODES, "horizon": HORIZON, "steps": STEPS}
    rollout = algorithm.rule.rollout(FAMILY.spec())
    new = trained_agent(algorithm, FAMILY, key_train, 0)
    before = evaluate_adaptation(algorithm, FAMILY, new, goals, key=key_test, **settings)
    started = time.perf_counter()
    agent = trained_agent(algorithm, FAMILY, key_train, ITERATIONS * rollout.steps * rollout.num_envs)
    jax.block_until_ready(agent.params)
    minutes = (time.perf_counter() - started) / 60
    after = evaluate_adaptation(algorithm, FAMILY, agent, goals, key=key_test, **settings)
    shares = {}
    for when, one in {"before training": new, "after training": agent}.items() if name == "mmaml" else ():
        shares |= {f"{what}, {when}": share for what, share in probes(algorithm, one, key_probe).items()}
    return Run(before, after, shares, minutes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--without", choices=("promp",), help="leave it out")
    parser.add_argument("--json", action="store_true", help="print one JSON object alone")
    given = parser.parse_args()
    found: dict[str, list[Run]] = {name: [] for name in ("mmaml", "promp") if name != given.without}
    for seed in range(given.seeds):
        for name, runs in found.items():
            runs.append(run(name, seed))
            if not given.json:
                print("\n".join(rows(name, seed, runs[-1])), flush=True)
    if given.json:
        print(json.dumps({name: [described(one) for one in runs] for name, runs in found.items()}))
        return
    lines = {f"{name}, seed 0": runs[0].after for name, runs in found.items()}
    adaptation_figure(lines).savefig(Path(__file__).with_name("mmaml.png"), dpi=100)


def described(found: Run) -> dict[str, Any]:
    """Returns by step, and probes by name."""
    returns = {"before": found.before, "after": found.after}
    return {name: one.returns.mean(axis=1).tolist() for name, one in returns.items()} | {"probes": found.probes}


def rows(name: str, seed: int, found: Run) -> list[str]:
    """Rows of the tables."""
    cells = {"before training": found.before, f"after training ({found.minutes:.1f} min)": found.after}
    table = [
        f"| {name}, seed {seed}, {when} | "
        + " | ".join(f"{row.estimate:.0f} [{row.low:.0f}, {row.high:.0f}]" for row in adaptation.intervals())
        + " |"
        for when, adaptation in cells.items()
    ]
    return [*table, *(f"| {what}, seed {seed} | {share:.1%} |" for what, share in found.probes.items())]


if __name__ == "__main__":
    main()
