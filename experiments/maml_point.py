"""Does MAML on 2-D navigation adapt as its authors' result files say, with TRPO and with ProMP as its outer rule?

    python experiments/maml_point.py --outer promp                     # rows and figure of maml_point.md
    python experiments/maml_point.py --outer trpo --seeds 1            # likewise
    python experiments/maml_point.py --outer promp --seeds 1 --json    # one JSON object: returns [seed][step] after training

100 meta-iterations on goals drawn from the square; then the 40 goals of the protocol, which training does not know of, 40
episodes per step of adaptation, step sizes 0.5 and then 0.25. A figure is the undiscounted return after k steps: the mean over
goals. Nothing is trained on the 40 goals.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from discover_zoo.networks.mlp import MLP
from discover_zoo.optimizers.adam import Adam
from discover_zoo.returns.gae import GAE
from discover_zoo.rules.promp import ProMP

from discover import (
    Adaptation,
    Algorithm,
    Environment,
    Lifetime,
    adaptation_figure,
    environment,
    evaluate_adaptation,
    recipe,
    replace,
    trained_agent,
)

TASK, ITERATIONS, STEPS, EPISODES, HORIZON = "navigation-square", 100, 4, 40, 100
# The generator of the protocol.
GOALS = np.random.RandomState(1).uniform(-0.5, 0.5, (40, 2)).astype(np.float32)
PUBLISHED = {"MAML's authors": "-40.4 -11.7 -3.33 -3.23 -3.35", "their oracle": "-2.29"}


def candidate(outer: str) -> Algorithm:
    """The recipe ``maml`` in a smaller size, with TRPO outside as it is or with ProMP's clipped surrogate in its place."""
    smaller = {"rule.tasks": 20, "network": MLP(hidden=(64, 64), activation="tanh")}
    algorithm = replace(recipe("maml"), smaller)
    if outer == "trpo":
        return algorithm
    clipped = ProMP(returns=GAE(gamma=0.99, lam=1.0), optimizer=Adam(learning_rate=2e-3), epochs=5, clip=0.3)
    return replace(algorithm, {"rule.outer.rule": clipped})


def adapted(
    algorithm: Algorithm, family: Environment, agent: Lifetime, *, key: jax.Array, steps: int = STEPS, greedy: bool = False
) -> Adaptation:
    """Returns on the 40 goals after each step; the first step is as in training, those after it are half as long."""
    path = "rule.inner.rule.optimizer.learning_rate"
    later = replace(algorithm, {path: 0.25})
    goals = jnp.asarray(GOALS)
    settings: dict[str, Any] = {"episodes": EPISODES, "horizon": HORIZON, "steps": steps, "greedy": greedy}
    return evaluate_adaptation(algorithm, family, agent, goals, key=key, later=later, **settings)


def run(outer: str, seed: int) -> tuple[Adaptation, Adaptation, float]:
    """Before and after training, and its seconds."""
    algorithm, family = candidate(outer), environment(TASK)
    key_train, key_test = jax.random.split(jax.random.key(seed))
    rollout = algorithm.rule.rollout(family.spec())
    before = adapted(algorithm, family, trained_agent(algorithm, family, key_train, 0), key=key_test)
    started = time.perf_counter()
    agent = trained_agent(algorithm, family, key_train, ITERATIONS * rollout.steps * rollout.num_envs)
    jax.block_until_ready(agent.params)
    return before, adapted(algorithm, family, agent, key=key_test), time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outer", choices=("promp", "trpo"), default="promp")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object alone")
    given = parser.parse_args()
    runs = []
    for seed in range(given.seeds):
        runs.append(run(given.outer, seed))
        if not given.json:
            before, after, seconds = runs[-1]
            print(row(f"before training, seed {seed}", before))
            print(row(f"{given.outer} outside, seed {seed} ({seconds / 60:.1f} min)", after), flush=True)
    if given.json:
        print(json.dumps({"returns": [after.returns.mean(axis=1).tolist() for _, after, _ in runs]}))
        return
    print("\n".join(f"| {name} | {figures} |" for name, figures in PUBLISHED.items()))
    lines = {"before training, seed 0": runs[0][0], f"after {ITERATIONS} iterations, {given.outer} outside, seed 0": runs[0][1]}
    adaptation_figure(lines).savefig(Path(__file__).with_name(f"maml_point_{given.outer}.png"), dpi=100)


def row(name: str, found: Adaptation) -> str:
    """A row of the table: estimates with their intervals."""
    cells = [f"{row.estimate:.2f} [{row.low:.2f}, {row.high:.2f}]" for row in found.intervals()]
    return f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
