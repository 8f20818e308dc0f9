"""Does GMPS adapt to 2-D navigation in one step, with a tenth of the env steps that MAML with TRPO outside takes?

    python experiments/gmps_point.py                     # rows and figure of gmps_point.md
    python experiments/gmps_point.py --experts trained   # with experts that SAC trains first
    python experiments/gmps_point.py --seeds 1 --json    # one JSON object: env steps, and returns [seed][step] after training

1.6 million env steps on goals drawn from the square, those of the experts included; then the 40 goals of the protocol, which
training does not know of, 40 episodes per step of adaptation, the first step as in training and those after it half as long. A
figure is the undiscounted return after k steps: the mean over goals, of the episodes that the agent adapts to, and then of
others in which it acts greedily. Nothing is trained on the 40 goals.
"""

import argparse
import json
import time
from pathlib import Path

import jax
from discover_zoo.optimizers.adam import Adam
from discover_zoo.rules.sac import SAC
from maml_point import HORIZON, TASK, adapted, row

from discover import Adaptation, Algorithm, adaptation_figure, environment, recipe, replace, trained_agent

ENV_STEPS, STEPS = 1_600_000, 3
MAML_ENV_STEPS = 100 * 40 * 20 * 2 * HORIZON
"""Meta-iterations, tasks, episodes, batches and steps of MAML with TRPO outside, as published."""
PUBLISHED = {"MAML's authors (TRPO outside, 16 million env steps)": "-40.4 | -11.7 | -3.33 | -3.23"}


def candidate(experts: str) -> Algorithm:
    """The recipe ``gmps``, with the controller of the family or with experts that SAC trains in the first two updates."""
    algorithm = recipe("gmps")
    if experts == "given":
        return algorithm
    sizes = {"steps": HORIZON, "num_envs": 4, "rounds": 40, "batch": 128, "capacity": 40_000, "learning_starts": 4_000}
    sac = SAC(optimizer=Adam(learning_rate=1e-3), policy_optimizer=Adam(learning_rate=1e-3), gamma=0.95, **sizes)
    return replace(algorithm, {"rule.experts": sac, "rule.expert_updates": 2})


def run(experts: str, seed: int) -> tuple[list[Adaptation], int, float]:
    """Before training, after it, and greedily after it; and the env steps and seconds of training."""
    algorithm, family = candidate(experts), environment(TASK)
    key_train, key_test = jax.random.split(jax.random.key(seed))
    before = adapted(algorithm, family, trained_agent(algorithm, family, key_train, 0), key=key_test, steps=STEPS)
    started = time.perf_counter()
    agent = trained_agent(algorithm, family, key_train, ENV_STEPS)
    jax.block_until_ready(agent.params)
    seconds = time.perf_counter() - started
    after = [adapted(algorithm, family, agent, key=key_test, steps=STEPS, greedy=greedy) for greedy in (False, True)]
    return [before, *after], int(agent.env_steps), seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experts", choices=("given", "trained"), default="given")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object alone")
    given = parser.parse_args()
    runs = []
    for seed in range(given.seeds):
        runs.append(run(given.experts, seed))
        if not given.json:
            (before, after, greedily), env_steps, seconds = runs[-1]
            print(row(f"before training, seed {seed}", before))
            cost = f"{env_steps / 1e6:.2g} of {MAML_ENV_STEPS / 1e6:.2g} million env steps, {seconds / 60:.1f} min"
            print(row(f"{given.experts} experts, seed {seed} ({cost})", after))
            print(row(f"the same, greedily, seed {seed}", greedily), flush=True)
    if given.json:
        returns = [after.returns.mean(axis=1).tolist() for (_, after, _), _, _ in runs]
        print(json.dumps({"env_steps": runs[0][1], "returns": returns}))
        return
    print("\n".join(f"| {name} | {figures} |" for name, figures in PUBLISHED.items()))
    lines = {"before training, seed 0": runs[0][0][0], f"after training, {given.experts} experts, seed 0": runs[0][0][1]}
    adaptation_figure(lines).savefig(Path(__file__).with_name(f"gmps_point_{given.experts}.png"), dpi=100)


if __name__ == "__main__":
    main()
